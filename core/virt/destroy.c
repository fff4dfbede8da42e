/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Removing a domain and what was made for it. */
#include <string.h>

#include "core/failpoint.h"
#include "core/virt/make.h"

/*
 * A domain that the embedded driver has just picked up again is killed by virDomainDestroy(), and
 * the call fails ("domain is not running"); and its guest may stop by itself meanwhile. What
 * counts is the state after it, which the driver may learn a moment later.
 */
#define TRIES    20
#define PAUSE_US (100 * 1000)

static bool is_gone(virDomainPtr dom)
{
    int active = virDomainIsActive(dom);
    return active == 0 || (active < 0 && virGetLastErrorCode() == VIR_ERR_NO_DOMAIN);
}

bool domain_stop(virDomainPtr dom, GError **error)
{
    if (is_gone(dom) || virDomainDestroy(dom) == 0)
        return true;
    bool confused = virGetLastErrorCode() == VIR_ERR_OPERATION_INVALID ||
                    virGetLastErrorCode() == VIR_ERR_NO_DOMAIN;
    g_autoptr(GError) refused = NULL;
    virt_fail(&refused, "stopping the VM");
    for (int i = 0; confused && i < TRIES; i++) {
        if (is_gone(dom))
            return true;
        g_usleep(PAUSE_US);
    }
    g_propagate_error(error, g_steal_pointer(&refused));
    return false;
}

/* Drivers refuse flags of what they do not have. */
bool domain_undefine(virDomainPtr dom, GError **error)
{
    static const unsigned flags[] = {
        VIR_DOMAIN_UNDEFINE_NVRAM | VIR_DOMAIN_UNDEFINE_MANAGED_SAVE |
            VIR_DOMAIN_UNDEFINE_SNAPSHOTS_METADATA | VIR_DOMAIN_UNDEFINE_CHECKPOINTS_METADATA,
        VIR_DOMAIN_UNDEFINE_NVRAM | VIR_DOMAIN_UNDEFINE_MANAGED_SAVE |
            VIR_DOMAIN_UNDEFINE_SNAPSHOTS_METADATA,
        VIR_DOMAIN_UNDEFINE_MANAGED_SAVE | VIR_DOMAIN_UNDEFINE_SNAPSHOTS_METADATA,
        VIR_DOMAIN_UNDEFINE_MANAGED_SAVE,
        0,
    };
    for (size_t i = 0; i < G_N_ELEMENTS(flags); i++) {
        if (virDomainUndefineFlags(dom, flags[i]) == 0)
            return true;
        int code = virGetLastErrorCode();
        if (code == VIR_ERR_NO_DOMAIN) /* a transient one went when it stopped */
            return true;
        if (code != VIR_ERR_INVALID_ARG && code != VIR_ERR_NO_SUPPORT &&
            code != VIR_ERR_ARGUMENT_UNSUPPORTED)
            break;
    }
    return virt_fail(error, "undefining the VM");
}

static bool remove_domain(virDomainPtr dom, const char *name, GError **error)
{
    const char *actual = virDomainGetName(dom);
    if (g_strcmp0(actual, name) != 0) {
        g_autofree char *shown = spec_encode_name(actual ? actual : "");
        fail(error, EPERM, "the domain with the UUID of %s is named %s: it is left alone", name,
             shown);
        return false;
    }
    return domain_stop(dom, error) && failpoint("destroy.stopped", error) &&
           domain_undefine(dom, error) && failpoint("destroy.undefined", error);
}

bool virt_destroy(struct virt *v, const char *uuid, const char *name, const char *seen,
                  GError **error)
{
    if (!g_uuid_string_is_valid(uuid)) {
        fail(error, EINVAL, "%s is not a UUID", uuid);
        return false;
    }
    g_autoptr(VirtConnection) conn = virt_connection(v, error);
    g_autoptr(VirtDomainHandle) dom = NULL;
    if (!conn || !virt_find(conn, uuid, &dom, error))
        return false;
    struct disk_place place = disk_place_of(v, conn);
    place.stale = true;
    /* Before the domain goes: it stays as it is until its disk can go with it. */
    if (!disk_may_be_removed(&place, uuid, seen, error) ||
        (dom && !remove_domain(dom, name, error)))
        return false;
    return disk_remove_all(&place, uuid, error);
}
