/* SPDX-License-Identifier: GPL-2.0-or-later */
#pragma once

#include <stdbool.h>

struct jobs;

/* Runs the job whose turn it is, in a lane that CHOICE chooses; false: there is none. */
bool jobs_step(struct jobs *jobs, unsigned choice);
