// SPDX-License-Identifier: GPL-2.0-or-later
/*
 * The table of operations. Each holds the handle while it runs, so that free() need not wait for
 * it, and looks after the connection when it failed for want of one.
 */
#include "core/virt/internal.h"

typedef struct virt Virt;
G_DEFINE_AUTOPTR_CLEANUP_FUNC(Virt, virt_leave)

/* libvirt has many words, and translations of them, for a connection that broke under a call. */
static bool ended(struct virt *v, bool ok, GError **error)
{
    if (!ok && !virt_check_alive(v) && error && (*error)->code == EIO)
        (*error)->code = EHOSTDOWN;
    return ok;
}

static bool op_open(struct virt *v, GError **error)
{
    g_autoptr(Virt) held = virt_ref(v);
    return virt_open(held, error);
}

static bool op_info(struct virt *v, struct virt_info **info, GError **error)
{
    g_autoptr(Virt) held = virt_ref(v);
    return ended(held, virt_info(held, info, error), error);
}

static bool op_list(struct virt *v, GPtrArray **domains, GError **error)
{
    g_autoptr(Virt) held = virt_ref(v);
    return ended(held, virt_list(held, domains, error), error);
}

static bool op_domain(struct virt *v, const char *uuid, struct virt_domain **domain, GError **error)
{
    g_autoptr(Virt) held = virt_ref(v);
    return ended(held, virt_domain(held, uuid, domain, error), error);
}

static bool op_create(struct virt *v, const struct virt_plan *plan, struct virt_domain **domain,
                      GError **error)
{
    g_autoptr(Virt) held = virt_ref(v);
    return ended(held, virt_create(held, plan, domain, error), error);
}

static bool op_change(struct virt *v, const struct virt_plan *plan, const struct vm_spec *before,
                      bool *restart, char **what, struct virt_domain **domain, GError **error)
{
    g_autoptr(Virt) held = virt_ref(v);
    return ended(held, virt_change(held, plan, before, restart, what, domain, error), error);
}

static bool op_power(struct virt *v, const char *uuid, enum domain_verb verb,
                     struct virt_domain **domain, GError **error)
{
    g_autoptr(Virt) held = virt_ref(v);
    return ended(held, virt_power(held, uuid, verb, domain, error), error);
}

static bool op_rename(struct virt *v, const struct virt_plan *plan, struct virt_domain **domain,
                      GError **error)
{
    g_autoptr(Virt) held = virt_ref(v);
    return ended(held, virt_rename(held, plan, domain, error), error);
}

static bool op_destroy(struct virt *v, const char *uuid, const char *name, const char *seen,
                       GError **error)
{
    g_autoptr(Virt) held = virt_ref(v);
    return ended(held, virt_destroy(held, uuid, name, seen, error), error);
}

static bool op_migrate(struct virt *v, const struct virt_plan *plan, const struct virt_way *way,
                       struct virt_domain **domain, GError **error)
{
    g_autoptr(Virt) held = virt_ref(v);
    g_autoptr(Virt) other = virt_ref(way->to);
    return ended(other, ended(held, virt_migrate(held, plan, way, domain, error), error), error);
}

static bool op_settle(struct virt *v, const struct virt_plan *plan, const struct virt_way *way,
                      struct virt_domain **domain, GError **error)
{
    g_autoptr(Virt) held = virt_ref(v);
    g_autoptr(Virt) other = virt_ref(way->to);
    return ended(other, ended(held, virt_settle(held, plan, way, domain, error), error), error);
}

static bool op_tidy(struct virt *v, const char *uuid, const char *cloud, struct virt *at,
                    GError **error)
{
    g_autoptr(Virt) held = virt_ref(v);
    g_autoptr(Virt) other = at ? virt_ref(at) : NULL;
    bool ok = ended(held, virt_tidy(held, uuid, cloud, other, error), error);
    return other ? ended(other, ok, error) : ok;
}

static bool op_abort(struct virt *v, const char *uuid, GError **error)
{
    g_autoptr(Virt) held = virt_ref(v);
    return ended(held, virt_abort(held, uuid, error), error);
}

static bool op_sample(struct virt *v, bool disks, GArray **samples, struct virt_load *load,
                      GError **error)
{
    g_autoptr(Virt) held = virt_ref(v);
    return ended(held, virt_sample(held, disks, samples, load, error), error);
}

static bool op_probe(struct virt *v, const char *uuid, const struct spec_health *check, char **why,
                     GError **error)
{
    g_autoptr(Virt) held = virt_ref(v);
    return virt_probe(held, uuid, check, why, error);
}

const struct virt_ops virt_libvirt = {
    .new = virt_new,
    .free = virt_free,
    .open = op_open,
    .close = virt_close,
    .info = op_info,
    .list = op_list,
    .domain = op_domain,
    .create = op_create,
    .change = op_change,
    .power = op_power,
    .rename = op_rename,
    .destroy = op_destroy,
    .can_move = virt_can_move,
    .migrate = op_migrate,
    .settle = op_settle,
    .tidy = op_tidy,
    .abort = op_abort,
    .sample = op_sample,
    .probe = op_probe,
};

void virt_info_free(struct virt_info *info)
{
    if (!info)
        return;
    g_strfreev(info->types);
    g_strfreev(info->networks);
    g_free(info);
}

void virt_mark_free(struct virt_mark *mark)
{
    if (!mark)
        return;
    g_free(mark->cloud);
    g_free(mark->name);
    g_free(mark->service);
    g_free(mark->spec);
    g_free(mark);
}

void virt_domain_free(struct virt_domain *domain)
{
    if (!domain)
        return;
    g_free(domain->uuid);
    g_free(domain->name);
    g_free(domain->type);
    g_free(domain->xml);
    g_free(domain->spec);
    virt_mark_free(domain->mark);
    g_free(domain);
}
