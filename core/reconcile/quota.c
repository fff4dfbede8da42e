/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Quotas. What counts is what is wanted: every VM and service that has a spec, running or not,
 * placed or pending. Only growth is refused, whoever asks for it: the limit is the owner's.
 */
#include "core/reconcile/internal.h"

struct amounts {
    uint64_t vms, cpus, memory;
};

static uint64_t sum(uint64_t a, uint64_t b)
{
    return a > G_MAXUINT64 - b ? G_MAXUINT64 : a + b;
}

static uint64_t product(uint64_t a, uint64_t b)
{
    return b && a > G_MAXUINT64 / b ? G_MAXUINT64 : a * b;
}

static struct amounts need_of(const Spec *spec)
{
    const struct service_spec *service = &spec->service;

    if (spec->kind == SPEC_VM)
        return (struct amounts){1, spec->vm.cpus, spec->vm.memory};
    if (spec->kind == SPEC_SERVICE)
        return (struct amounts){service->replicas, product(service->replicas, service->vm.cpus),
                                product(service->replicas, service->vm.memory)};
    return (struct amounts){0};
}

/* A domain that is being adopted does from the moment that was allowed. */
static bool counts(const struct object *object) REQUIRES_SHARED(model)
{
    return object->kind == OBJECT_SERVICE ||
           (object->kind == OBJECT_VM && (object->vm.managed || object->next) &&
            !object->vm.service);
}

/* Of a change under way, the larger of before and after: it may fail yet. */
static struct amounts taken_by(const struct object *object) REQUIRES_SHARED(model)
{
    struct amounts now = {0}, next = {0};

    if (!counts(object))
        return now;
    if (object->spec)
        now = need_of(object->spec);
    if (object->next)
        next = need_of(object->next);
    return (struct amounts){MAX(now.vms, next.vms), MAX(now.cpus, next.cpus),
                            MAX(now.memory, next.memory)};
}

static bool has_own(const struct engine *engine, uid_t uid)
{
    for (unsigned i = 0; i < engine->conf->quotas->len; i++) {
        const struct conf_quota *quota = engine->conf->quotas->pdata[i];

        if (!quota->group && !quota->everybody && quota->id == uid)
            return true;
    }
    return false;
}

/* Whether QUOTA is the one of what belongs to UID and GID. */
static bool holds(const struct engine *engine, const struct conf_quota *quota, uid_t uid, gid_t gid)
{
    const struct actor owner = {.uid = uid};

    if (quota->everybody)
        return !actor_is_admin(&owner) && !has_own(engine, uid);
    return quota->id == (quota->group ? gid : uid);
}

static bool is_of(const struct object *object, const struct conf_quota *quota, uid_t uid)
    REQUIRES_SHARED(model)
{
    return quota->group ? object->gid == quota->id : object->uid == uid;
}

static struct amounts both(struct amounts a, struct amounts b)
{
    return (struct amounts){sum(a.vms, b.vms), sum(a.cpus, b.cpus), sum(a.memory, b.memory)};
}

/* What of QUOTA all but EXCEPT take that belong to UID, or to the quota's group. */
static struct amounts taken_of(const struct engine *engine, const struct conf_quota *quota,
                               uid_t uid, const struct object *except) REQUIRES_SHARED(model)
{
    static const enum object_kind kinds[] = {OBJECT_VM, OBJECT_SERVICE};
    struct amounts all = {0};

    for (size_t k = 0; k < G_N_ELEMENTS(kinds); k++) {
        const GPtrArray *objects = cloud_objects(engine->cloud, kinds[k]);

        for (unsigned i = 0; i < objects->len; i++) {
            const struct object *object = objects->pdata[i];

            if (object != except && is_of(object, quota, uid))
                all = both(all, taken_by(object));
        }
    }
    return all;
}

static struct amounts planned_by(const struct object *plan, const struct conf_quota *quota,
                                 uid_t uid) REQUIRES_SHARED(model)
{
    return plan->spec && is_of(plan, quota, uid) ? need_of(plan->spec) : (struct amounts){0};
}

/* "8 of 8 vCPUs are taken, this needs 2 more" */
static bool check_count(const char *name, const char *what, uint64_t limit, uint64_t others,
                        uint64_t before, uint64_t after, GError **error)
{
    bool size = *what == 'm';
    g_autofree char *taken = NULL, *all = NULL, *more = NULL;

    if (after <= before || sum(others, after) <= limit)
        return true;
    taken = size ? spec_format_size(sum(others, before))
                 : g_strdup_printf("%" G_GUINT64_FORMAT, sum(others, before));
    all = size ? spec_format_size(limit) : g_strdup_printf("%" G_GUINT64_FORMAT, limit);
    more = size ? spec_format_size(after - before)
                : g_strdup_printf("%" G_GUINT64_FORMAT, after - before);
    fail(error, EDQUOT, "quota of %s: %s of %s %s are taken, this needs %s more", name, taken, all,
         what, more);
    return false;
}

/* A spec for an object, which may be new, of an owner, when the first N of PLANS are real. */
struct wish {
    const struct object *object;
    uid_t uid;
    gid_t gid;
    const Spec *spec;
    const GPtrArray *plans;
    unsigned n;
};

static bool allows(const struct engine *engine, const struct wish *wish, GError **error)
    REQUIRES_SHARED(model)
{
    const struct object *object = wish->object;

    for (unsigned i = 0; wish->spec && i < engine->conf->quotas->len; i++) {
        const struct conf_quota *quota = engine->conf->quotas->pdata[i];
        struct amounts others, before = {0}, after = need_of(wish->spec);
        const char *name = quota->everybody ? "each user" : quota->name;

        if (!holds(engine, quota, wish->uid, wish->gid))
            continue;
        others = taken_of(engine, quota, wish->uid, object);
        for (unsigned k = 0; k < wish->n; k++)
            others = both(others, planned_by(wish->plans->pdata[k], quota, wish->uid));
        if (object && (quota->group ? object->gid == wish->gid : object->uid == wish->uid))
            before = taken_by(object);
        if (!check_count(name, "VMs", quota->vms, others.vms, before.vms, after.vms, error) ||
            !check_count(name, "vCPUs", quota->cpus, others.cpus, before.cpus, after.cpus, error) ||
            !check_count(name, "memory", quota->memory, others.memory, before.memory, after.memory,
                         error))
            return false;
    }
    return true;
}

bool quota_allows(const struct engine *engine, const struct object *object, uid_t uid, gid_t gid,
                  const Spec *spec, GError **error)
{
    const struct wish wish = {object, uid, gid, spec, NULL, 0};

    return allows(engine, &wish, error);
}

bool quota_allows_plans(const struct engine *engine, const GPtrArray *plans, GError **error)
{
    for (unsigned i = 0; i < plans->len; i++) {
        const struct object *plan = plans->pdata[i];
        const struct wish wish = {NULL, plan->uid, plan->gid, plan->spec, plans, i};

        if (!allows(engine, &wish, error)) {
            g_prefix_error(error, "%s: ", plan->name);
            return false;
        }
    }
    return true;
}

bool quota_allows_owner(const struct engine *engine, const struct object *object, uid_t uid,
                        gid_t gid, GError **error)
{
    return !counts(object) || quota_allows(engine, object, uid, gid,
                                           object->next ? object->next : object->spec, error);
}
