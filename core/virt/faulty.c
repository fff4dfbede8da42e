/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * The decorator that makes calls fail, wait and answer late: each is a failpoint before it begins
 * and another one when it has succeeded. new(), free() and close(), which wait for nothing, pass
 * through.
 */
#include "core/failpoint.h"
#include "core/virt/virt.h"

#ifdef CLOUDFS_FAILPOINTS

static const struct virt_ops *inner;

/* A call NAME; DROP frees what it gave, when its answer is lost. */
#define CALL(name, drop, arguments, ...)                                                           \
    static bool faulty_##name arguments                                                            \
    {                                                                                              \
        if (!failpoint("virt." #name, error) || !inner->name(__VA_ARGS__))                         \
            return false;                                                                          \
        if (failpoint("virt." #name ".done", error))                                               \
            return true;                                                                           \
        drop;                                                                                      \
        return false;                                                                              \
    }

static void drop_change(struct virt_domain **domain, char **what)
{
    g_clear_pointer(domain, virt_domain_free);
    g_clear_pointer(what, g_free);
}

#define DROP_DOMAIN g_clear_pointer(domain, virt_domain_free)

CALL(open, (void)0, (struct virt * v, GError **error), v, error)
CALL(info, g_clear_pointer(info, virt_info_free),
     (struct virt * v, struct virt_info **info, GError **error), v, info, error)
CALL(list, g_clear_pointer(domains, g_ptr_array_unref),
     (struct virt * v, GPtrArray **domains, GError **error), v, domains, error)
CALL(domain, DROP_DOMAIN,
     (struct virt * v, const char *uuid, struct virt_domain **domain, GError **error), v, uuid,
     domain, error)
CALL(create, DROP_DOMAIN,
     (struct virt * v, const struct virt_plan *plan, struct virt_domain **domain, GError **error),
     v, plan, domain, error)
CALL(change, drop_change(domain, what),
     (struct virt * v, const struct virt_plan *plan, const struct vm_spec *before, bool *restart,
      char **what, struct virt_domain **domain, GError **error),
     v, plan, before, restart, what, domain, error)
CALL(power, DROP_DOMAIN,
     (struct virt * v, const char *uuid, enum domain_verb verb, struct virt_domain **domain,
      GError **error),
     v, uuid, verb, domain, error)
CALL(rename, DROP_DOMAIN,
     (struct virt * v, const struct virt_plan *plan, struct virt_domain **domain, GError **error),
     v, plan, domain, error)
CALL(can_move, (void)0,
     (struct virt * v, struct virt *to, const struct vm_spec *vm, const char *type, bool running,
      GError **error),
     v, to, vm, type, running, error)
CALL(migrate, DROP_DOMAIN,
     (struct virt * v, const struct virt_plan *plan, const struct virt_way *way,
      struct virt_domain **domain, GError **error),
     v, plan, way, domain, error)
CALL(settle, DROP_DOMAIN,
     (struct virt * v, const struct virt_plan *plan, const struct virt_way *way,
      struct virt_domain **domain, GError **error),
     v, plan, way, domain, error)
CALL(tidy, (void)0,
     (struct virt * v, const char *uuid, const char *cloud, struct virt *at, GError **error), v,
     uuid, cloud, at, error)
CALL(abort, (void)0, (struct virt * v, const char *uuid, GError **error), v, uuid, error)
CALL(destroy, (void)0,
     (struct virt * v, const char *uuid, const char *name, const char *seen, GError **error), v,
     uuid, name, seen, error)
CALL(sample, g_clear_pointer(samples, g_array_unref),
     (struct virt * v, bool disks, GArray **samples, struct virt_load *load, GError **error), v,
     disks, samples, load, error)
CALL(probe, g_clear_pointer(why, g_free),
     (struct virt * v, const char *uuid, const struct spec_health *check, char **why,
      GError **error),
     v, uuid, check, why, error)

const struct virt_ops *virt_faulty(const struct virt_ops *ops)
{
    static struct virt_ops faulty;

    inner = ops;
    faulty = *ops;
    faulty.open = faulty_open;
    faulty.info = faulty_info;
    faulty.list = faulty_list;
    faulty.domain = faulty_domain;
    faulty.create = faulty_create;
    faulty.change = faulty_change;
    faulty.power = faulty_power;
    faulty.rename = faulty_rename;
    faulty.can_move = faulty_can_move;
    faulty.migrate = faulty_migrate;
    faulty.settle = faulty_settle;
    faulty.tidy = faulty_tidy;
    faulty.abort = faulty_abort;
    faulty.destroy = faulty_destroy;
    faulty.sample = faulty_sample;
    faulty.probe = faulty_probe;
    return &faulty;
}

#else

const struct virt_ops *virt_faulty(const struct virt_ops *ops)
{
    return ops;
}

#endif
