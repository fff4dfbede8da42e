/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "core/reconcile/runs.h"

#include <string.h>

void runs_begin(struct runs *runs, uint64_t run, int64_t heartbeat, const int64_t before[RUNS_KEPT])
{
    runs->current = run + 1;
    memcpy(runs->heartbeats + 1, before, (RUNS_KEPT - 1) * sizeof *before);
    runs->heartbeats[0] = heartbeat;
}

/* How many runs lie between RUN and the current one. */
static uint64_t age(const struct runs *runs, uint64_t run)
{
    return run < runs->current ? runs->current - 1 - run : UINT64_MAX;
}

int64_t runs_heartbeat(const struct runs *runs, uint64_t run)
{
    uint64_t at = age(runs, run);

    return at < RUNS_KEPT ? runs->heartbeats[at] : 0;
}

bool runs_is_old(const struct runs *runs, uint64_t run)
{
    return age(runs, run) >= RUNS_KEPT - 1;
}
