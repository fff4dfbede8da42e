/* SPDX-License-Identifier: GPL-2.0-or-later */
/* How much of its memory the process keeps: what the allocator is told, and when. */
#pragma once

/* At the start, before there are threads. */
void memory_tune(void);
/* Now and then: gives back what a burst (hosts connecting, a database being read) has left. */
void memory_give_back(void);
