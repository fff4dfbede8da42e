/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Quotas. What counts is what is wanted: every VM and service, running or not, placed or pending; a
 * draft of a VM as a VM that needs nothing yet, as directories cost inodes. What has not become
 * smaller yet (it waits for a restart, a rollout stopped before it) is as large as it was. Only
 * growth is refused, whoever asks for it: the limit is the owner's.
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

/* SPEC NULL: of a draft of KIND. */
static struct amounts need_of(enum object_kind kind, const Spec *spec)
{
    const struct service_spec *service;

    if (!spec)
        return (struct amounts){.vms = kind == OBJECT_VM};
    service = &spec->service;
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

static struct amounts both(struct amounts a, struct amounts b)
{
    return (struct amounts){sum(a.vms, b.vms), sum(a.cpus, b.cpus), sum(a.memory, b.memory)};
}

static struct amounts larger(struct amounts a, struct amounts b)
{
    return (struct amounts){MAX(a.vms, b.vms), MAX(a.cpus, b.cpus), MAX(a.memory, b.memory)};
}

/* Of a change under way, the larger of before and after: it may fail yet. */
static struct amounts taken_by_vm(const struct object *vm) REQUIRES_SHARED(model)
{
    struct amounts taken = need_of(OBJECT_VM, vm->spec);

    if (vm->next)
        taken = larger(taken, need_of(OBJECT_VM, vm->next));
    if (vm->vm.pending && domain_is_active(vm->vm.domain))
        taken = larger(taken, (struct amounts){1, vm->vm.cpus, vm->vm.memory});
    return taken;
}

static struct amounts taken_by(const struct object *object) REQUIRES_SHARED(model)
{
    struct amounts members = {0};

    if (!counts(object))
        return members;
    if (object->kind == OBJECT_VM)
        return taken_by_vm(object);
    for (unsigned i = 0; i < object->service.members->len; i++)
        members = both(members, taken_by_vm(object->service.members->pdata[i]));
    return larger(need_of(OBJECT_SERVICE, object->spec), members);
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

/* What an object, which may be new, of an owner is to be when the first N of PLANS are real. */
struct wish {
    const struct object *object;
    enum object_kind kind;
    uid_t uid;
    gid_t gid;
    const Spec *spec; /* NULL: a draft */
    const GPtrArray *plans;
    unsigned n;
    /* VMs that become members, and count as that: of the object, where the value is mark_of(), or
     * of a plan before it. NULL: none do. */
    GHashTable *joining;
};

static unsigned mark_of(const struct wish *wish)
{
    return wish->n + 1;
}

static bool joins(const struct object *vm, const struct wish *wish)
{
    return wish->joining && g_hash_table_contains(wish->joining, vm);
}

/* TEMPLATE: the text of it in SPEC; NULL: not known. */
static void take_in(const struct engine *engine, struct wish *wish, const char *name,
                    const Spec *spec, const char *template) REQUIRES_SHARED(model)
{
    const struct service_wish service = {.name = name,
                                         .uid = wish->uid,
                                         .replicas = spec->service.replicas,
                                         .text = template,
                                         .mark = mark_of(wish)};

    members_find_joining(engine, &service, wish->joining);
}

/* The same, where KIND is a service's and SPEC, of TEXT, is there. */
static void take_in_members(const struct engine *engine, struct wish *wish, const char *name,
                            const Spec *spec, const char *text) REQUIRES_SHARED(model)
{
    g_autofree char *template = NULL;
    g_autoptr(Spec) member = NULL;

    if (wish->kind != OBJECT_SERVICE || !spec || spec->kind != SPEC_SERVICE)
        return;
    member = service_template(text, spec->trusted, &template);
    take_in(engine, wish, name, spec, template);
}

/* What of QUOTA all others take that belong to the owner, or to the quota's group. */
static struct amounts taken_by_others(const struct engine *engine, const struct conf_quota *quota,
                                      const struct wish *wish) REQUIRES_SHARED(model)
{
    static const enum object_kind kinds[] = {OBJECT_VM, OBJECT_SERVICE};
    struct amounts all = {0};

    for (size_t k = 0; k < G_N_ELEMENTS(kinds); k++) {
        const GPtrArray *objects = cloud_objects(engine->cloud, kinds[k]);

        for (unsigned i = 0; i < objects->len; i++) {
            const struct object *object = objects->pdata[i];

            if (object != wish->object && is_of(object, quota, wish->uid) && !joins(object, wish))
                all = both(all, taken_by(object));
        }
    }
    for (unsigned i = 0; i < wish->n; i++) {
        const struct object *plan = wish->plans->pdata[i];

        if (is_of(plan, quota, wish->uid))
            all = both(all, need_of(wish->kind, plan->spec));
    }
    return all;
}

/* What of QUOTA the object itself takes. Its spec makes all of a draft grow: it may have been made
 * when the quota was larger. */
static struct amounts taken_by_itself(const struct conf_quota *quota, const struct wish *wish)
    REQUIRES_SHARED(model)
{
    const struct object *object = wish->object;
    bool grows = object && wish->spec && !object->spec && !object->next;

    if (!object || grows || (quota->group ? object->gid != wish->gid : object->uid != wish->uid))
        return (struct amounts){0};
    return taken_by(object);
}

static struct amounts taken_before(const struct conf_quota *quota, const struct wish *wish)
    REQUIRES_SHARED(model)
{
    struct amounts all = taken_by_itself(quota, wish);
    GHashTableIter iter;
    void *vm, *mark;

    if (!wish->joining)
        return all;
    g_hash_table_iter_init(&iter, wish->joining);
    while (g_hash_table_iter_next(&iter, &vm, &mark))
        if (GPOINTER_TO_UINT(mark) == mark_of(wish) && is_of(vm, quota, wish->uid))
            all = both(all, taken_by(vm));
    return all;
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

/* AFTER: what the object is to take. */
static bool allows_amounts(const struct engine *engine, const struct wish *wish,
                           struct amounts after, GError **error) REQUIRES_SHARED(model)
{
    for (unsigned i = 0; i < engine->conf->quotas->len; i++) {
        const struct conf_quota *quota = engine->conf->quotas->pdata[i];
        const char *name = quota->everybody ? "each user" : quota->name;
        struct amounts others, before;

        if (!holds(engine, quota, wish->uid, wish->gid))
            continue;
        others = taken_by_others(engine, quota, wish);
        before = taken_before(quota, wish);
        if (!check_count(name, "VMs", quota->vms, others.vms, before.vms, after.vms, error) ||
            !check_count(name, "vCPUs", quota->cpus, others.cpus, before.cpus, after.cpus, error) ||
            !check_count(name, "memory", quota->memory, others.memory, before.memory, after.memory,
                         error))
            return false;
    }
    return true;
}

static bool allows(const struct engine *engine, const struct wish *wish, GError **error)
    REQUIRES_SHARED(model)
{
    return allows_amounts(engine, wish, need_of(wish->kind, wish->spec), error);
}

bool quota_allows_draft(const struct engine *engine, enum object_kind kind, uid_t uid, gid_t gid,
                        GError **error)
{
    const struct wish wish = {.kind = kind, .uid = uid, .gid = gid};

    return allows(engine, &wish, error);
}

static struct wish wish_of(const struct object *object, const Spec *spec) REQUIRES_SHARED(model)
{
    return (struct wish){.object = object,
                         .kind = object->kind,
                         .uid = object->uid,
                         .gid = object->gid,
                         .spec = spec};
}

bool quota_allows(const struct engine *engine, const struct object *vm, const Spec *spec,
                  GError **error)
{
    const struct wish wish = wish_of(vm, spec);

    return allows(engine, &wish, error);
}

bool quota_allows_service(const struct engine *engine, const struct object *service,
                          const Spec *spec, const char *template, GError **error)
{
    g_autoptr(GHashTable) joining = g_hash_table_new(NULL, NULL);
    struct wish wish = wish_of(service, spec);

    wish.joining = joining;
    take_in(engine, &wish, service->name, spec, template);
    return allows(engine, &wish, error);
}

static struct wish wish_of_plan(const struct object *plan, enum object_kind kind,
                                GHashTable *joining) REQUIRES_SHARED(model)
{
    return (struct wish){
        .kind = kind, .uid = plan->uid, .gid = plan->gid, .spec = plan->spec, .joining = joining};
}

bool quota_allows_plan(const struct engine *engine, const struct object *plan,
                       enum object_kind kind, const char *name, GError **error)
{
    g_autoptr(GHashTable) joining = g_hash_table_new(NULL, NULL);
    struct wish wish = wish_of_plan(plan, kind, joining);

    take_in_members(engine, &wish, name, plan->spec, plan->spec_text);
    return allows(engine, &wish, error);
}

bool quota_allows_plans(const struct engine *engine, const GPtrArray *plans, enum object_kind kind,
                        GError **error)
{
    g_autoptr(GHashTable) joining = g_hash_table_new(NULL, NULL);

    for (unsigned i = 0; i < plans->len; i++) {
        const struct object *plan = plans->pdata[i];
        struct wish wish = wish_of_plan(plan, kind, joining);

        wish.plans = plans;
        wish.n = i;
        take_in_members(engine, &wish, object_leaf(plan), plan->spec, plan->spec_text);
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
    g_autoptr(GHashTable) joining = g_hash_table_new(NULL, NULL);
    struct wish wish = wish_of(object, object->spec);

    wish.uid = uid;
    wish.gid = gid;
    wish.joining = joining;
    take_in_members(engine, &wish, object->name, object->spec, object->spec_text);
    return !counts(object) || allows_amounts(engine, &wish, taken_by(object), error);
}
