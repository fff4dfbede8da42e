/* SPDX-License-Identifier: GPL-2.0-or-later */
/* A model of its own for each test, written to by the test, and objects to put into it. */
#pragma once

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>
#include <string.h>

#include "core/cloud/cloud.h"

struct fixture {
    struct conf conf;
    struct cloud *cloud;
    unsigned told[CHANGE_OVER + 1]; /* how often its watcher heard of each kind of change */
};

/* cmocka's, with a struct fixture in *STATE. The test has the lock for writing in between. */
int set_up(void **state) ACQUIRES(model);
int tear_down(void **state);
#define TEST(name) cmocka_unit_test_setup_teardown(name, set_up, tear_down)

/* An object with the spec TEXT, which must be a good one. It is the model's. */
struct object *add(struct fixture *f, enum object_kind kind, uint64_t id, const char *name,
                   const char *text) REQUIRES(model);
/* A host of the test driver that is up, with 10 CPUs and 16 GiB. */
struct object *add_host(struct fixture *f, uint64_t id, const char *name) REQUIRES(model);
