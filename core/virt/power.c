// SPDX-License-Identifier: GPL-2.0-or-later
/*
 * The verbs of a VM's `ctl`.
 *
 * Whether a verb fits the state is asked first, so that the answer is the same with every driver;
 * and again after a failure, as the domain can have got there by itself in between.
 */
#include "core/virt/internal.h"

#define STATE(state) (1u << (state))

enum {
    OFF = STATE(DOMAIN_SHUTOFF) | STATE(DOMAIN_CRASHED),
    RUNNING = STATE(DOMAIN_RUNNING) | STATE(DOMAIN_BLOCKED) | STATE(DOMAIN_NOSTATE),
    PAUSED = STATE(DOMAIN_PAUSED),
    ASLEEP = STATE(DOMAIN_PMSUSPENDED),
    LEAVING = STATE(DOMAIN_SHUTDOWN),
};

static int reboot(virDomainPtr dom)
{
    return virDomainReboot(dom, 0);
}

static int reset(virDomainPtr dom)
{
    return virDomainReset(dom, 0);
}

static int wake_up(virDomainPtr dom)
{
    return virDomainPMWakeup(dom, 0);
}

static const struct verb {
    const char *word;
    int (*call)(virDomainPtr dom);
    unsigned done; /* states in which there is nothing to do */
    unsigned from; /* states in which it can be done */
} verbs[DOMAIN_VERBS] = {
    [VERB_START] = {"start",    virDomainCreate,   RUNNING, OFF                                },
    [VERB_SHUTDOWN] = {"shutdown", virDomainShutdown, OFF,     RUNNING | PAUSED | ASLEEP | LEAVING},
    [VERB_DESTROY] = {"destroy",  virDomainDestroy,  OFF,     ~0u                                },
    [VERB_REBOOT] = {"reboot",   reboot,            0,       RUNNING | PAUSED                   },
    [VERB_RESET] = {"reset",    reset,             0,       RUNNING | PAUSED                   },
    [VERB_SUSPEND] = {"suspend",  virDomainSuspend,  PAUSED,  RUNNING                            },
    [VERB_RESUME] = {"resume",   virDomainResume,   RUNNING, PAUSED                             },
};

static bool is_in(const struct virt_domain *domain, unsigned states)
{
    return (STATE(domain->state) & states) != 0;
}

static bool run(virDomainPtr dom, const struct verb *verb, const struct virt_domain *before,
                GError **error)
{
    if (is_in(before, verb->done))
        return true;
    bool waking = verb->call == virDomainResume && is_in(before, ASLEEP);
    if (!waking && !is_in(before, verb->from)) {
        fail(error, EBUSY, "cannot %s a domain that is %s", verb->word,
             domain_state_word(before->state));
        return false;
    }
    if ((waking ? wake_up : verb->call)(dom) == 0)
        return true;
    g_autofree char *doing = g_strdup_printf("cannot %s the domain", verb->word);
    return virt_fail(error, doing);
}

/* The domain after the verb. A transient one is gone when it is off: then what it was, off. */
static struct virt_domain *read_after(virDomainPtr dom, bool transient, struct virt_domain **before,
                                      GError **error)
{
    g_autoptr(GError) cause = NULL;
    struct virt_domain *after = virt_read_domain(dom, &cause);
    if (after)
        return after;
    if (g_error_matches(cause, CLOUDFS_ERROR, ENOENT) && transient) {
        (*before)->state = DOMAIN_SHUTOFF;
        return g_steal_pointer(before);
    }
    g_propagate_error(error, g_steal_pointer(&cause));
    return NULL;
}

bool virt_power(struct virt *v, const char *uuid, enum domain_verb verb,
                struct virt_domain **domain, GError **error)
{
    g_autoptr(VirtConnection) conn = virt_connection(v, error);
    g_autoptr(VirtDomainHandle) dom = conn ? virt_lookup(conn, uuid, error) : NULL;
    g_autoptr(VirtDomain) before = dom ? virt_read_domain(dom, error) : NULL;
    if (!before)
        return false;
    g_autoptr(GError) cause = NULL;
    bool transient = virDomainIsPersistent(dom) == 0;
    bool ok = run(dom, &verbs[verb], before, &cause);
    g_autoptr(VirtDomain) after = read_after(dom, transient, &before, ok ? error : NULL);
    if (!ok && !(after && is_in(after, verbs[verb].done))) {
        g_propagate_error(error, g_steal_pointer(&cause));
        return false;
    }
    if (!after)
        return false;
    *domain = g_steal_pointer(&after);
    return true;
}
