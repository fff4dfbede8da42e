/* SPDX-License-Identifier: GPL-2.0-or-later */
#pragma once

#include <stdbool.h>

struct notify;

/* Tells the next thing; false: there is none. */
bool notify_step(struct notify *notify);
/* Nothing was told for a while. */
void notify_idle(struct notify *notify);
