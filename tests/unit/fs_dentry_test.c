/* SPDX-License-Identifier: GPL-2.0-or-later */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>
#include <pthread.h>
#include <stdatomic.h>

#include "fs/dentry.h"

enum { VMS = 1, SPECS = 2, LINKS = 3, PATIENCE_US = 20 * 1000 * 1000, MOMENT_US = 50 * 1000 };

/* A kernel, with a directory that is locked: telling of a name in it blocks. */
struct kernel {
    struct dentries *dentries;
    pthread_mutex_t lock; /* of all below */
    pthread_cond_t opened;
    uint64_t locked;
    GString *told; /* "1/name 2/name " */
};

static void before(void *ctx)
{
    (void)ctx;
}

static void tell(void *ctx, uint64_t dir, const char *name)
{
    struct kernel *kernel = ctx;

    pthread_mutex_lock(&kernel->lock);
    while (kernel->locked == dir)
        pthread_cond_wait(&kernel->opened, &kernel->lock);
    g_string_append_printf(kernel->told, "%d/%s ", (int)dir, name);
    pthread_mutex_unlock(&kernel->lock);
}

static void set_locked(struct kernel *kernel, uint64_t dir)
{
    pthread_mutex_lock(&kernel->lock);
    kernel->locked = dir;
    pthread_cond_broadcast(&kernel->opened);
    pthread_mutex_unlock(&kernel->lock);
}

static bool was_told(struct kernel *kernel, const char *name)
{
    bool told;

    pthread_mutex_lock(&kernel->lock);
    told = strstr(kernel->told->str, name) != NULL;
    pthread_mutex_unlock(&kernel->lock);
    return told;
}

static void assert_told(struct kernel *kernel, const char *name)
{
    int64_t end = g_get_monotonic_time() + PATIENCE_US;

    while (!was_told(kernel, name) && g_get_monotonic_time() < end)
        g_usleep(1000);
    assert_true(was_told(kernel, name));
}

static void assert_called(atomic_bool *called)
{
    int64_t end = g_get_monotonic_time() + PATIENCE_US;

    while (!atomic_load(called) && g_get_monotonic_time() < end)
        g_usleep(1000);
    assert_true(atomic_load(called));
}

static void set_true(void *called)
{
    atomic_store((atomic_bool *)called, true);
}

static int setup(void **state)
{
    static const struct dentry_ops ops = {before, tell};
    struct kernel *kernel = g_new0(struct kernel, 1);

    pthread_mutex_init(&kernel->lock, NULL);
    pthread_cond_init(&kernel->opened, NULL);
    kernel->told = g_string_new(NULL);
    kernel->dentries = dentries_new(&ops, kernel, NULL);
    *state = kernel;
    return kernel->dentries ? 0 : -1;
}

static int teardown(void **state)
{
    struct kernel *kernel = *state;

    set_locked(kernel, 0);
    dentries_free(kernel->dentries);
    g_string_free(kernel->told, true);
    pthread_cond_destroy(&kernel->opened);
    pthread_mutex_destroy(&kernel->lock);
    g_free(kernel);
    return 0;
}

static const uint64_t vms[DENTRY_HELD] = {VMS}, specs[DENTRY_HELD] = {SPECS};

static void held_back_while_its_directory_is(void **state)
{
    struct kernel *kernel = *state;

    dentries_hold(kernel->dentries, vms);
    dentries_drop(kernel->dentries, VMS, "a");
    dentries_drop(kernel->dentries, SPECS, "b");
    assert_told(kernel, "2/b");
    g_usleep(MOMENT_US);
    assert_false(was_told(kernel, "1/a"));
    dentries_release(kernel->dentries, vms);
    assert_told(kernel, "1/a");
}

static void held_twice_released_twice(void **state)
{
    struct kernel *kernel = *state;
    const uint64_t both[DENTRY_HELD] = {VMS, VMS};

    dentries_hold(kernel->dentries, both);
    dentries_hold(kernel->dentries, vms);
    dentries_drop(kernel->dentries, VMS, "a");
    dentries_release(kernel->dentries, both);
    g_usleep(MOMENT_US);
    assert_false(was_told(kernel, "1/a"));
    dentries_release(kernel->dentries, vms);
    assert_told(kernel, "1/a");
}

static void a_locked_directory_delays_no_other(void **state)
{
    struct kernel *kernel = *state;

    set_locked(kernel, VMS);
    dentries_drop(kernel->dentries, VMS, "a");
    for (int i = 0; i < 2 * DENTRY_THREADS; i++)
        dentries_drop(kernel->dentries, VMS, "more");
    dentries_drop(kernel->dentries, SPECS, "b");
    assert_told(kernel, "2/b");
    assert_false(was_told(kernel, "1/"));
    set_locked(kernel, 0);
    assert_told(kernel, "1/a 1/more");
}

static void waits_for_names_of_objects(void **state)
{
    struct kernel *kernel = *state;
    atomic_bool called = false;

    set_locked(kernel, SPECS);
    dentries_drop_object(kernel->dentries, SPECS, "a.ini");
    dentries_hold(kernel->dentries, vms);
    dentries_wait(kernel->dentries, vms, set_true, &called);
    g_usleep(MOMENT_US);
    assert_false(atomic_load(&called));
    set_locked(kernel, 0);
    assert_called(&called);
    assert_true(was_told(kernel, "2/a.ini"));
    dentries_release(kernel->dentries, vms);
}

static void waits_neither_for_links_nor_for_its_own(void **state)
{
    struct kernel *kernel = *state;
    atomic_bool called = false;

    set_locked(kernel, LINKS);
    dentries_drop(kernel->dentries, LINKS, "a");
    dentries_hold(kernel->dentries, vms);
    dentries_drop_object(kernel->dentries, VMS, "a");
    dentries_wait(kernel->dentries, vms, set_true, &called);
    assert_true(atomic_load(&called));
    dentries_release(kernel->dentries, vms);
    assert_told(kernel, "1/a");
}

static void waits_until_who_does_not_wait_is_answered(void **state)
{
    struct kernel *kernel = *state;
    atomic_bool called = false;

    dentries_hold(kernel->dentries, vms); /* a rmdir */
    dentries_hold(kernel->dentries, specs);
    dentries_drop_object(kernel->dentries, VMS, "a");
    dentries_wait(kernel->dentries, specs, set_true, &called);
    g_usleep(MOMENT_US);
    assert_false(atomic_load(&called));
    dentries_release(kernel->dentries, vms);
    assert_called(&called);
    dentries_release(kernel->dentries, specs);
}

static void two_do_not_wait_for_one_another(void **state)
{
    struct kernel *kernel = *state;
    atomic_bool first = false, second = false;

    dentries_hold(kernel->dentries, vms);
    dentries_hold(kernel->dentries, specs);
    dentries_drop_object(kernel->dentries, SPECS, "a.ini");
    dentries_drop_object(kernel->dentries, VMS, "b");
    dentries_wait(kernel->dentries, vms, set_true, &first);
    assert_false(atomic_load(&first));
    dentries_wait(kernel->dentries, specs, set_true, &second);
    assert_true(atomic_load(&first));
    assert_true(atomic_load(&second));
    dentries_release(kernel->dentries, vms);
    dentries_release(kernel->dentries, specs);
    assert_told(kernel, "2/a.ini");
    assert_told(kernel, "1/b");
}

static void the_end_calls_all(void **state)
{
    struct kernel *kernel = *state;
    atomic_bool called = false, late = false;

    dentries_hold(kernel->dentries, vms);
    dentries_drop_object(kernel->dentries, VMS, "a");
    dentries_wait(kernel->dentries, specs, set_true, &called);
    assert_false(atomic_load(&called));
    dentries_stop(kernel->dentries);
    assert_true(atomic_load(&called));
    dentries_drop_object(kernel->dentries, SPECS, "b");
    dentries_wait(kernel->dentries, specs, set_true, &late);
    assert_true(atomic_load(&late));
    dentries_release(kernel->dentries, vms);
    assert_string_equal(kernel->told->str, "");
}

int main(void)
{
#define TEST(f) cmocka_unit_test_setup_teardown(f, setup, teardown)
    const struct CMUnitTest tests[] = {
        TEST(held_back_while_its_directory_is),
        TEST(held_twice_released_twice),
        TEST(a_locked_directory_delays_no_other),
        TEST(waits_for_names_of_objects),
        TEST(waits_neither_for_links_nor_for_its_own),
        TEST(waits_until_who_does_not_wait_is_answered),
        TEST(two_do_not_wait_for_one_another),
        TEST(the_end_calls_all),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
