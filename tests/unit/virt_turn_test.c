/* SPDX-License-Identifier: GPL-2.0-or-later */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <pthread.h>

#include "core/limit.h"
#include "core/virt/internal.h"

#undef fail /* cmocka has one of its own */
#include <cmocka.h>

enum { TURNS_EACH = 5, TURN_US = 2000 };

static unsigned at_once, most, turns; /* atomics */

static void note_most(unsigned n)
{
    unsigned before = g_atomic_int_get(&most);

    while (n > before && !g_atomic_int_compare_and_exchange(&most, before, n))
        before = g_atomic_int_get(&most);
}

static void *compute(void *data)
{
    (void)data;
    for (int i = 0; i < TURNS_EACH; i++) {
        virt_turn_take(i % 2 ? TURN_OPEN : TURN_READ);
        note_most(g_atomic_int_add(&at_once, 1) + 1);
        g_usleep(TURN_US);
        g_atomic_int_add(&at_once, -1);
        virt_turn_give();
        g_atomic_int_inc(&turns);
    }
    return NULL;
}

/* However many want to, and each comes. */
static void no_more_compute_than_there_are_processors(void **state)
{
    const unsigned processors = LIMIT(g_get_num_processors(), 1), n = 4 * g_get_num_processors();
    g_autofree pthread_t *threads = g_new(pthread_t, n);

    (void)state;
    for (unsigned i = 0; i < n; i++)
        assert_int_equal(pthread_create(&threads[i], NULL, compute, NULL), 0);
    for (unsigned i = 0; i < n; i++)
        pthread_join(threads[i], NULL);
    assert_int_equal(g_atomic_int_get(&most), processors);
    assert_int_equal(g_atomic_int_get(&turns), n * TURNS_EACH);
}

enum { ARRIVES_US = 100000 };

static enum virt_turn came[2]; /* in which order */
static unsigned n_came;

static void *compute_once(void *data)
{
    const enum virt_turn *turn = data;

    virt_turn_take(*turn);
    came[g_atomic_int_add(&n_came, 1)] = *turn;
    virt_turn_give();
    return NULL;
}

static void who_reads_comes_before_who_opens(void **state)
{
    static enum virt_turn turns_of[] = {TURN_OPEN, TURN_READ}; /* in which they ask */
    const unsigned processors = LIMIT(g_get_num_processors(), 1);
    pthread_t threads[2];

    (void)state;
    for (unsigned i = 0; i < processors; i++)
        virt_turn_take(TURN_OPEN);
    for (int i = 0; i < 2; i++) {
        assert_int_equal(pthread_create(&threads[i], NULL, compute_once, &turns_of[i]), 0);
        g_usleep(ARRIVES_US);
    }
    virt_turn_give();
    for (int i = 0; i < 2; i++)
        pthread_join(threads[i], NULL);
    for (unsigned i = 1; i < processors; i++)
        virt_turn_give();
    assert_int_equal(came[0], TURN_READ);
    assert_int_equal(came[1], TURN_OPEN);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(no_more_compute_than_there_are_processors),
        cmocka_unit_test(who_reads_comes_before_who_opens),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
