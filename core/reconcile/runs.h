/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Runs of the engine over one database, by number, and when the last ones were alive last. What a
 * run wrote of its own clock stays good after it, without being written again at once.
 */
#pragma once

#include <stdbool.h>
#include <stdint.h>

enum { RUNS_KEPT = 16 };

struct runs {
    uint64_t current;
    int64_t heartbeats[RUNS_KEPT]; /* the last of each run before, the latest run first; 0: none */
};

/* After RUN, whose last heartbeat was at HEARTBEAT and which had kept BEFORE, comes the next. */
void runs_begin(struct runs *runs, uint64_t run, int64_t heartbeat,
                const int64_t before[RUNS_KEPT]);
/* The last heartbeat of RUN; 0: it is not known. */
int64_t runs_heartbeat(const struct runs *runs, uint64_t run);
/* Whether the heartbeat of RUN will not be known any more after this run. */
bool runs_is_old(const struct runs *runs, uint64_t run);
