/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * The vocabulary of domains that the model and the hypervisor share: libvirt's states and the
 * verbs of a VM's `ctl`. The values of domain_state are those of virDomainState.
 */
#pragma once

#include <stdbool.h>

enum domain_state {
    DOMAIN_NOSTATE,
    DOMAIN_RUNNING,
    DOMAIN_BLOCKED,
    DOMAIN_PAUSED,
    DOMAIN_SHUTDOWN, /* being shut down */
    DOMAIN_SHUTOFF,
    DOMAIN_CRASHED,
    DOMAIN_PMSUSPENDED,
    DOMAIN_STATES
};

/* libvirt's word for it: "running", "shutoff", …; "nostate" for what is out of range. */
const char *domain_state_word(int state);

/* Whether a domain in this state has a process: it uses CPU or could at once. */
bool domain_is_active(int state);

enum domain_verb {
    VERB_START,
    VERB_SHUTDOWN, /* ask the guest */
    VERB_DESTROY,  /* pull the plug */
    VERB_REBOOT,
    VERB_RESET,
    VERB_SUSPEND,
    VERB_RESUME,
    DOMAIN_VERBS
};
