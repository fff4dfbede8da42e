/* SPDX-License-Identifier: GPL-2.0-or-later */
/* An engine over a cloud of two fake hosts, a and b, each of 4 CPUs, 16 vCPUs, 4 GiB. */
#pragma once

#include <pthread.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#undef fail /* cmocka's: ours makes a GError */
#include "core/reconcile/internal.h"
#include "tests/unit/reconcile_fake.h"

struct fixture {
    char *dir;
    struct conf conf;
    struct engine *engine;
    pthread_mutex_t lock;
    pthread_cond_t cond;
    int err; /* of the last request; -1: not answered yet */
};

extern const struct actor somebody;

int set_up(void **state);
int tear_down(void **state);
/* Starts the engine, again after engine_free(); both hosts are up then. */
void start(struct fixture *f);
/* The same, and waits for nothing. */
void start_engine(struct fixture *f);

/* What the engine calls with the errno, and the wait for it: for requests made by hand. */
void answered(void *ctx, int err);
int answer(struct fixture *f);

/* Requests: they wait for the answer and return its errno. */
int make_dir(struct fixture *f, enum object_kind kind, const char *name);
int commit(struct fixture *f, enum object_kind kind, const char *name, const char *text);
int make(struct fixture *f, enum object_kind kind, const char *name, const char *text);
int remove_dir(struct fixture *f, enum object_kind kind, const char *name);
int control(struct fixture *f, enum object_kind kind, const char *name, const char *line);
int rename_to(struct fixture *f, enum object_kind from, const char *name, enum object_kind kind,
              const char *to);
int drop(struct fixture *f, enum object_kind kind, const char *name);
int keep(struct fixture *f, enum object_kind kind, const char *name);

/* 0: there is none. */
uint64_t id_of(struct fixture *f, enum object_kind kind, const char *name);
/* One field of an object as text, "" where there is none. Free with g_free. */
char *field(struct fixture *f, enum object_kind kind, const char *name, const char *what);
/* Wait until a field is as wanted, or has a part; fail if that takes long. */
void expect(struct fixture *f, enum object_kind kind, const char *name, const char *what,
            const char *wanted);
void expect_in(struct fixture *f, enum object_kind kind, const char *name, const char *what,
               const char *part);
uint64_t cpus_reserved(struct fixture *f);

/* From now on nothing can be saved; or again. Of the whole process: no file of it grows. */
void fail_saves(bool fail);

#define TEST(name) cmocka_unit_test_setup_teardown(name, set_up, tear_down)
