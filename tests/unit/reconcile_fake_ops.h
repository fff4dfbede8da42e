/* SPDX-License-Identifier: GPL-2.0-or-later */
/* What the operations of the fake hypervisor share: for reconcile_fake*.c only. */
#pragma once

#include "tests/unit/reconcile_fake.h"

/* Whether WHICH, a member of `fake`, is an errno, which is then in ERROR. */
bool told_to_fail(const int *which, GError **error);
/* Calls FN, unless it is NULL, with the domain on V and DATA, under fake.lock; OUT: how the domain
 * is then, the caller's. ENOENT if there is none. */
bool with_domain(struct virt *v, const char *uuid, struct virt_domain **out, GError **error,
                 void (*fn)(struct fake_domain *domain, const void *data), const void *data);

/* Operations that are not in reconcile_fake.c: see struct virt_ops. */
bool fake_can_move(struct virt *v, struct virt *to, const struct vm_spec *vm, const char *type,
                   bool running, GError **error);
bool fake_migrate(struct virt *v, const struct virt_plan *plan, const struct virt_way *way,
                  struct virt_domain **domain, GError **error);
bool fake_settle(struct virt *v, const struct virt_plan *plan, const struct virt_way *way,
                 struct virt_domain **domain, GError **error);
bool fake_tidy(struct virt *v, const char *uuid, const char *cloud, struct virt *at,
               GError **error);
