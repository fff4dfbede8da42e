/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "core/domain.h"

static const char *const words[DOMAIN_STATES] = {
    [DOMAIN_NOSTATE] = "nostate",   [DOMAIN_RUNNING] = "running",
    [DOMAIN_BLOCKED] = "blocked",   [DOMAIN_PAUSED] = "paused",
    [DOMAIN_SHUTDOWN] = "shutdown", [DOMAIN_SHUTOFF] = "shutoff",
    [DOMAIN_CRASHED] = "crashed",   [DOMAIN_PMSUSPENDED] = "pmsuspended",
};

const char *domain_state_word(int state)
{
    if (state < 0 || state >= DOMAIN_STATES)
        return words[DOMAIN_NOSTATE];
    return words[state];
}

bool domain_is_active(int state)
{
    return state == DOMAIN_RUNNING || state == DOMAIN_BLOCKED || state == DOMAIN_PAUSED ||
           state == DOMAIN_SHUTDOWN || state == DOMAIN_PMSUSPENDED;
}
