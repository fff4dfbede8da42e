/* SPDX-License-Identifier: GPL-2.0-or-later */
#pragma once

/* An empty database that fails nowhere; not while one is open. */
void store_wipe(void);
/* Commits fail with ERR from now on; 0: they do not. */
void store_set_failure(int err);
