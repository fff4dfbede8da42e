/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * What the tests of the store share: each has a directory of its own, and the store is a directory
 * below it. What fails here fails the test.
 */
#pragma once

#include <stdbool.h>
#include <stdint.h>

#include <glib.h>

#include "core/store/internal.h"

struct place {
    char *dir, *state, *file; /* of the test, of the store, the database */
};

/* cmocka's, with a struct place in *CTX. */
int place_set_up(void **ctx);
int place_tear_down(void **ctx);
#define PLACE_TEST(name) cmocka_unit_test_setup_teardown(name, place_set_up, place_tear_down)

void place_remove_tree(const char *dir);

struct store *open_ok(const char *dir);
/* DIR is refused with ERR; the sentence, which the caller frees. */
char *refused(const char *dir, int err);
void assert_names(const char *sentence, const char *part);

/* OK, and no ERROR. */
void must(bool ok, const GError *error);
void begin(struct store *store);
void commit(struct store *store);
void put(struct store *store, const struct store_object *obj);
/* How many objects it has. */
unsigned count(struct store *store);
/* Runs SQL on the file as another program would. */
void tamper(const char *file, const char *sql);

/*
 * An object made from its number: every third text missing, every third empty, the others with
 * everything that can be in them. Freed by sample_free().
 */
struct store_object *sample(uint64_t id);
void sample_free(struct store_object *obj);
/* A store with 500 samples in DIR, closed. */
void fill_store(const char *dir);
