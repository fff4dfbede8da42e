/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * What the tests of migrations share: two hosts of libvirt's test driver, each with a pool, and a
 * domain UUID with a disk, which is on FROM when a test begins. The driver migrates nothing: tests
 * have the domain appear and disappear. What fails here fails the test.
 */
#pragma once

#include "tests/unit/virt_making.h"

enum { FROM, TO };

struct side {
    char *file; /* which says what the host has */
    struct virt *v;
    virConnectPtr conn; /* to look past the operations */
    char *disk;         /* where the domain's is, if it is there */
};

extern struct side sides[2];
extern struct virt_plan plan; /* of the domain */

/* cmocka's for a group: libvirt. */
int moving_start(void **state);
int moving_stop(void **state);
/* cmocka's for a test: hosts with directories of different names, or of one name, as if they had
 * the same storage. */
int moving_set_up(void **state);
int moving_set_up_shared(void **state);
int moving_tear_down(void **state);
#define MOVING_TEST(name) cmocka_unit_test_setup_teardown(name, moving_set_up, moving_tear_down)
#define MOVING_TEST_SHARED(name)                                                                   \
    cmocka_unit_test_setup_teardown(name, moving_set_up_shared, moving_tear_down)

/* The domain, running, and its disk come to be on side N. */
void appear(int n);
/* The domain goes, not its disk. */
void disappear(int n);
/* HOW: virDomainDestroy(), or another one. */
void switch_off(int n, int (*how)(virDomainPtr dom));
bool has_domain(int n);
bool has_disk(int n);

/* A volume beside the disk, which says that the disk on side N is a copy. */
void mark(int n);
bool has_mark(int n);
