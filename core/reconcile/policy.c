/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Who may want what, beyond the modes of files: files of the machine, and URIs, are for root and
 * for the user that runs cloudfs, as both would be used with that user's rights.
 */
#include <string.h>
#include <unistd.h>

#include "core/reconcile/internal.h"

bool actor_is_admin(const struct actor *actor)
{
    return actor->uid == 0 || actor->uid == geteuid();
}

static unsigned count_owned(const struct engine *engine, enum object_kind kind, uid_t uid)
    REQUIRES_SHARED(model)
{
    const GPtrArray *objects = cloud_objects(engine->cloud, kind);
    unsigned n = 0;

    for (unsigned i = 0; i < objects->len; i++)
        n += ((const struct object *)objects->pdata[i])->uid == uid;
    return n;
}

bool policy_may_add(const struct engine *engine, enum object_kind kind, const struct actor *actor,
                    GError **error)
{
    static const enum object_kind kinds[] = {OBJECT_HOST, OBJECT_SERVICE, OBJECT_PLAN};
    unsigned n = 0;

    if (kind == OBJECT_VM || actor_is_admin(actor))
        return true;
    for (size_t i = 0; i < G_N_ELEMENTS(kinds); i++)
        n += count_owned(engine, kinds[i], actor->uid);
    if (n < POLICY_OWN_MAX)
        return true;
    fail(error, EDQUOT, "a user has %u plans, services and hosts at most", POLICY_OWN_MAX);
    return false;
}

bool policy_owns(const struct object *object, const struct actor *actor, GError **error)
{
    if (actor_is_admin(actor) || actor->uid == object->uid)
        return true;
    fail(error, EPERM, "%s is not yours", object->name);
    return false;
}

static const struct vm_spec *vm_of(const Spec *spec)
{
    if (!spec || spec->kind == SPEC_HOST)
        return NULL;
    return spec->kind == SPEC_SERVICE ? &spec->service.vm : &spec->vm;
}

enum { PATHS = 5 };

/* The files that VM names; NULL where it does not. */
static void paths_of(const struct vm_spec *vm, const char *paths[PATHS])
{
    paths[0] = vm->image;
    paths[1] = vm->kernel;
    paths[2] = vm->initrd;
    paths[3] = vm->root;
    paths[4] = vm->user_data && vm->user_data[0] == '/' ? vm->user_data : NULL;
}

static bool same_paths(const struct vm_spec *old, const struct vm_spec *new)
{
    const char *before[PATHS], *after[PATHS];

    if (!old)
        return false;
    paths_of(old, before);
    paths_of(new, after);
    for (int i = 0; i < PATHS; i++)
        if (g_strcmp0(before[i], after[i]) != 0)
            return false;
    return true;
}

/* OLD: what was granted, or NULL. */
static bool check_paths(const struct engine *engine, const struct vm_spec *old,
                        const struct vm_spec *vm, GError **error)
{
    static const char *const keys[PATHS] = {"image", "kernel", "initrd", "root", "user_data"};
    const char *const *allowed = (const char *const *)engine->conf->paths;
    const char *paths[PATHS], *granted[PATHS] = {0};

    paths_of(vm, paths);
    if (old)
        paths_of(old, granted);
    for (int i = 0; i < PATHS; i++) {
        g_autofree char *list = NULL;

        if (!paths[i] || g_strcmp0(paths[i], granted[i]) == 0 || spec_path_below(paths[i], allowed))
            continue;
        list = g_strjoinv(", ", engine->conf->paths);
        fail(error, EPERM, "%s = %s: only root may name files that are not below %s", keys[i],
             paths[i], list);
        return false;
    }
    return true;
}

/* All of them name where a daemon connects to, and a URI can name a program to run. */
static bool check_uris(const struct object *host, const struct host_spec *wanted, GError **error)
    REQUIRES_SHARED(model)
{
    static const struct host_spec none = {0};
    const struct host_spec *granted = host && host->spec ? &host->spec->host : &none;
    const struct {
        const char *key, *before, *after;
    } uris[] = {
        {"uri",         granted->uri,         wanted->uri        },
        {"peer_uri",    granted->peer_uri,    wanted->peer_uri   },
        {"migrate_uri", granted->migrate_uri, wanted->migrate_uri},
    };

    for (size_t i = 0; i < G_N_ELEMENTS(uris); i++)
        if (g_strcmp0(uris[i].before, uris[i].after) != 0) {
            fail(error, EPERM,
                 "%s: only root may say how a host is reached and where VMs are sent, as that can "
                 "run programs and show the memory of guests",
                 uris[i].key);
            return false;
        }
    return true;
}

/* What was granted before may stay: the spec in force names the very same files. */
bool policy_allows(const struct engine *engine, const struct object *object,
                   const struct actor *actor, Spec *spec, GError **error)
{
    const Spec *old = object && object->spec && object->spec->trusted ? object->spec : NULL;

    spec->trusted = actor_is_admin(actor);
    if (spec->trusted)
        return true;
    if (spec->kind == SPEC_HOST)
        return check_uris(object, &spec->host, error);
    spec->trusted = same_paths(vm_of(old), vm_of(spec));
    return check_paths(engine, vm_of(old), vm_of(spec), error);
}
