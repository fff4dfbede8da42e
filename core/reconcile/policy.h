/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Who may have what: a part of internal.h, which includes it. */
#pragma once

#include "core/cloud/cloud.h"

struct actor;
struct engine;

/* ---- policy.c */
/* Root, cloudfs itself, or the user that runs it. */
bool actor_is_admin(const struct actor *actor);
/* Plans, services and hosts of one user, if not an admin's: a spec is up to 64 KiB, and quotas
 * count VMs only. */
enum { POLICY_OWN_MAX = 2048 };
/* EDQUOT: ACTOR has so many, of which a new KIND would be one. */
bool policy_may_add(const struct engine *engine, enum object_kind kind, const struct actor *actor,
                    GError **error) REQUIRES_SHARED(model);
/* EPERM unless OBJECT is ACTOR's. */
bool policy_owns(const struct object *object, const struct actor *actor, GError **error)
    REQUIRES_SHARED(model);
/* Whether ACTOR may want SPEC of OBJECT (NULL: a new one); notes in SPEC whether it is trusted.
 * EPERM: files elsewhere than the configuration allows, other URIs. */
bool policy_allows(const struct engine *engine, const struct object *object,
                   const struct actor *actor, Spec *spec, GError **error) REQUIRES_SHARED(model);

/* ---- quota.c: EDQUOT with the numbers */
/* Whether UID and GID may have one more draft of KIND. */
bool quota_allows_draft(const struct engine *engine, enum object_kind kind, uid_t uid, gid_t gid,
                        GError **error) REQUIRES_SHARED(model);
/* Whether VM may want SPEC. */
bool quota_allows(const struct engine *engine, const struct object *vm, const Spec *spec,
                  GError **error) REQUIRES_SHARED(model);
/* The same of SERVICE. VMs of its owner's that become its members count as such: with TEMPLATE, the
 * text of that in SPEC; NULL: it is not known yet, any that might. */
bool quota_allows_service(const struct engine *engine, const struct object *service,
                          const Spec *spec, const char *template, GError **error)
    REQUIRES_SHARED(model);
/* Whether PLAN may become an object of KIND with that NAME; its owner's VMs may join that too. */
bool quota_allows_plan(const struct engine *engine, const struct object *plan,
                       enum object_kind kind, const char *name, GError **error)
    REQUIRES_SHARED(model);
/* Whether all of PLANS may become objects of KIND. */
bool quota_allows_plans(const struct engine *engine, const GPtrArray *plans, enum object_kind kind,
                        GError **error) REQUIRES_SHARED(model);
/* Whether OBJECT as it is may be of a new owner. */
bool quota_allows_owner(const struct engine *engine, const struct object *object, uid_t uid,
                        gid_t gid, GError **error) REQUIRES_SHARED(model);
