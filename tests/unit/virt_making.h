/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * What the tests of making, changing and removing domains share: a host of libvirt's test driver
 * with a pool, an image and a network, and calls on it. What fails here fails the test.
 */
#pragma once

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <string.h>

#include "core/virt/make.h"

#undef fail /* cmocka has one of its own */
#include <cmocka.h>

#define UUID  "6f1a2b3c-4d5e-4f60-8123-456789abcdef"
#define OTHER "7f1a2b3c-4d5e-4f60-8123-456789abcdef"
#define DISK  "/default-pool/cloudfs-" UUID ".qcow2"
#define SEED  "/default-pool/cloudfs-" UUID "-seed.iso"
#define IMAGE "/default-pool/base.qcow2"

struct fixture {
    struct virt *v;
    virConnectPtr conn; /* to look past the operations */
};

/* cmocka's for a group: libvirt, and the file that says what the host has. */
int making_start(void **state);
int making_stop(void **state);
/* cmocka's for a test: a host of its own, with a struct fixture in *STATE. */
int making_set_up(void **state);
int making_tear_down(void **state);
#define MAKING_TEST(name) cmocka_unit_test_setup_teardown(name, making_set_up, making_tear_down)

/* 2 CPUs, 512 MiB, no disk. */
struct vm_spec plain_vm(void);
/* A domain NAME with UUID for VM, which is only pointed to; its mark's spec is not what VM says. */
struct virt_plan plan_of(const char *name, const struct vm_spec *vm);

/* BYTES: its capacity, if there is such a volume; may be NULL. */
bool volume_exists(struct fixture *f, const char *path, uint64_t *bytes);
bool domain_exists(struct fixture *f, const char *uuid);
/* Neither the domain UUID nor its volumes. */
void assert_nothing_left(struct fixture *f);
/* The mark and the spec in it, as the hypervisor gives them back. */
void assert_marked(const struct virt_domain *domain, const struct virt_plan *plan);
/* The domain UUID as it is now; the caller frees it. */
struct virt_domain *look(struct fixture *f);

/* The calls of virt_libvirt. A failure has the errno ERR, and gives nothing back. */
void create_fails(struct fixture *f, const struct virt_plan *plan, int err);
void create(struct fixture *f, const struct virt_plan *plan);
void change_fails(struct fixture *f, const struct virt_plan *plan, const struct vm_spec *before,
                  int err);
/* BEFORE: the spec that the domain has. LATER: what takes effect at the next start, NULL for
 * nothing. */
void change(struct fixture *f, const struct virt_plan *plan, const struct vm_spec *before,
            const char *later);
