/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Scratch files, hidden names, and who is putting a tree back. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>
#include <errno.h>
#include <string.h>
#include <unistd.h>

#include "fs/hidden.h"
#include "fs/ino.h"
#include "fs/restore.h"
#include "fs/scratch.h"
#include "fs/specs.h"

enum { HERE = 4096, OTHER = 8192, ALICE = 61001, BOB = 61002 };

static int set_up(void **state)
{
    *state = scratches_new();
    return 0;
}

static int tear_down(void **state)
{
    scratches_free(*state);
    return 0;
}

static uint64_t make(struct scratches *all, const char *name, const char *text)
{
    uint64_t ino;

    assert_int_equal(scratch_create(all, HERE, name, ALICE, 2, S_IFREG | 0640, &ino), 0);
    assert_int_equal(scratch_write(all, ino, text, strlen(text), 0, false), 0);
    return ino;
}

static void assert_text(struct scratches *all, uint64_t ino, const char *text)
{
    g_autoptr(GBytes) bytes = scratch_read(all, ino, SCRATCH_FILE_MAX, 0);

    assert_non_null(bytes);
    assert_int_equal(g_bytes_get_size(bytes), strlen(text));
    assert_memory_equal(g_bytes_get_data(bytes, NULL), text, strlen(text));
}

static void names_come_and_go(void **state)
{
    struct scratches *all = *state;
    uint64_t ino = make(all, "a", "one"), again;

    assert_true(scratch_is(ino));
    assert_int_equal(scratch_create(all, HERE, "a", 0, 0, S_IFREG, &again), EEXIST);
    assert_int_equal(scratch_unlink(all, HERE, "b"), ENOENT);
    assert_int_equal(scratch_rename(all, HERE, "b", HERE, "c"), ENOENT);
    assert_int_equal(scratch_rename(all, HERE, "a", OTHER, "c"), 0);
    assert_int_equal(scratch_find(all, HERE, "a"), 0);
    assert_int_equal(scratch_find(all, OTHER, "c"), ino);
    assert_text(all, ino, "one");
    scratch_dir_went(all, OTHER);
    scratch_sweep(all);
    assert_int_equal(scratch_find(all, OTHER, "c"), 0);
    assert_null(scratch_read(all, ino, 1, 0));
    assert_true(make(all, "a", "") > ino);
}

static void an_open_one_outlives_its_name(void **state)
{
    struct scratches *all = *state;
    uint64_t ino = make(all, "a", "one");
    struct stat st;

    assert_int_equal(scratch_open(all, ino + 1), ESTALE);
    assert_int_equal(scratch_open(all, ino), 0);
    assert_int_equal(scratch_unlink(all, HERE, "a"), 0);
    assert_int_equal(scratch_stat(all, ino, &st), 0);
    assert_int_equal(st.st_nlink, 0);
    assert_text(all, ino, "one");
    scratch_close(all, ino);
    assert_int_equal(scratch_stat(all, ino, &st), ESTALE);
}

/* What takes a name is a file of its own, or changes nothing. */
static void a_put_one_takes_the_name(void **state)
{
    const struct stat like = {.st_uid = BOB, .st_gid = 8, .st_mode = S_IFREG | 0600};
    g_autofree char *large = g_malloc0(SCRATCH_FILE_MAX + 1);
    struct scratches *all = *state;
    uint64_t old = make(all, "a", "old"), ino;
    struct stat st;

    assert_int_equal(scratch_open(all, old), 0);
    assert_int_equal(scratch_put(all, HERE, "a", &like, large, SCRATCH_FILE_MAX + 1), EFBIG);
    assert_int_equal(scratch_find(all, HERE, "a"), old);
    assert_int_equal(scratch_put(all, HERE, "a", &like, "new", 3), 0);
    ino = scratch_find(all, HERE, "a");
    assert_int_not_equal(ino, old);
    assert_text(all, ino, "new");
    assert_text(all, old, "old");
    assert_int_equal(scratch_stat(all, ino, &st), 0);
    assert_int_equal(st.st_uid, BOB);
    assert_int_equal(st.st_gid, 8);
    assert_int_equal(st.st_mode, S_IFREG | 0600);
    scratch_close(all, old);
    for (int i = 1; i < SCRATCH_DIR_USER_MAX; i++) {
        g_autofree char *name = g_strdup_printf("%d", i);

        assert_int_equal(scratch_put(all, HERE, name, &like, "", 0), 0);
    }
    assert_int_equal(scratch_put(all, HERE, "b", &like, "", 0), EDQUOT);
    assert_int_equal(scratch_put(all, HERE, "a", &like, "newer", 5), 0);
}

static void writes_append_and_leave_holes(void **state)
{
    struct scratches *all = *state;
    uint64_t ino = make(all, "a", "one");
    g_autoptr(GBytes) bytes = NULL;

    assert_int_equal(scratch_write(all, ino, "two", 3, 0, true), 0);
    assert_text(all, ino, "onetwo");
    assert_int_equal(scratch_write(all, ino, "x", 1, 8, false), 0);
    bytes = scratch_read(all, ino, 100, 4);
    assert_int_equal(g_bytes_get_size(bytes), 5);
    assert_memory_equal(g_bytes_get_data(bytes, NULL), "wo\0\0x", 5);
}

static void a_set_time_tells_of_a_restore(void **state)
{
    struct scratches *all = *state;
    uint64_t ino = make(all, "a", "one");

    assert_false(scratch_is_restored(all, ino));
    assert_int_equal(scratch_set(all, ino, (uid_t)-1, (gid_t)-1, 0600, -1), 0);
    assert_false(scratch_is_restored(all, ino));
    assert_int_equal(scratch_set(all, ino, (uid_t)-1, (gid_t)-1, (mode_t)-1, 1), 0);
    assert_true(scratch_is_restored(all, ino));
    assert_int_equal(scratch_write(all, ino, "x", 1, 0, false), 0);
    assert_false(scratch_is_restored(all, ino));
}

static void hidden_names_come_back(void **state)
{
    struct hidden *hidden = hidden_new(0.05);

    (void)state;
    hidden_add(hidden, ino_make(20, 1));
    hidden_add(hidden, ino_make(21, 1));
    assert_true(hidden_is(hidden, ino_make(20, 1)));
    assert_false(hidden_is(hidden, ino_make(20, 2)));
    hidden_forget(hidden, 20);
    assert_false(hidden_is(hidden, ino_make(20, 1)));
    assert_true(hidden_take(hidden, ino_make(21, 1)));
    assert_false(hidden_take(hidden, ino_make(21, 1)));
    assert_false(hidden_lately(hidden, ino_make(21, 1)));
    hidden_add(hidden, ino_make(21, 1));
    g_usleep(60000);
    assert_false(hidden_is(hidden, ino_make(21, 1)));
    hidden_add(hidden, ino_make(22, 1));
    assert_true(hidden_lately(hidden, ino_make(21, 1)));
    hidden_forget(hidden, 21);
    assert_false(hidden_lately(hidden, ino_make(21, 1)));
    hidden_free(hidden);
}

static void only_makers_put_back(void **state)
{
    struct restore *restore = restore_new();

    (void)state;
    assert_false(restore_may_write(restore, getpid()));
    assert_false(restore_expects_nothing(restore, 20, getpid()));
    restore_made(restore, 20, 1);
    restore_made(restore, 21, getpid());
    assert_true(restore_may_write(restore, getpid()));
    assert_false(restore_is_probing(restore, getpid()));
    restore_probed(restore, getpid());
    assert_true(restore_is_probing(restore, getpid()));
    restore_free(restore);
}

/* A process may make objects for months. */
static void what_is_gone_is_not_remembered(void **state)
{
    struct restore *restore = restore_new();

    (void)state;
    for (uint64_t id = 20; id < 120; id++) {
        restore_made(restore, id, getpid());
        restore_made(restore, id + 1000, 1);
        restore_forget(restore, id);
    }
    assert_int_equal(restore_remembered(restore), 100);
    for (uint64_t id = 20; id < 120; id++)
        restore_forget(restore, id + 1000);
    assert_int_equal(restore_remembered(restore), 0);
    assert_true(restore_may_write(restore, getpid()));
    restore_free(restore);
}

static void copies_are_from_the_same_place(void **state)
{
    (void)state;
    assert_true(restore_is_copy("/backup/vms/a/score", "/srv/cloud", "vms/a/score"));
    assert_true(restore_is_copy("/backup/score", "/srv/cloud", "score"));
    assert_true(restore_is_copy("/srv/cloud2/score", "/srv/cloud", "score"));
    assert_false(restore_is_copy("/srv/cloud/vms/a/score", "/srv/cloud", "vms/a/score"));
    assert_false(restore_is_copy("/srv/cloud/score", "/srv/cloud", "score"));
    assert_false(restore_is_copy("/backup/vms/b/score", "/srv/cloud", "vms/a/score"));
    assert_false(restore_is_copy("/backup/xvms/a/score", "/srv/cloud", "vms/a/score"));
    assert_false(restore_is_copy("vms/a/score", "/srv/cloud", "vms/a/score"));
    assert_false(restore_is_copy("socket:[1]", "/srv/cloud", "score"));
}

static void names_in_specs(void **state)
{
    static const char *const scratch[] = {"web1",   ".web1.ini.x", "web1.ini~", "4913",
                                          "-a.ini", "a b.ini",     ".ini"};
    g_autofree char *file = specs_file_name("web1"), *name = specs_object_name("web1.ini");

    (void)state;
    for (size_t i = 0; i < G_N_ELEMENTS(scratch); i++)
        assert_null(specs_object_name(scratch[i]));
    assert_string_equal(file, "web1.ini");
    assert_string_equal(name, "web1");
    assert_true(specs_is_misnamed("-a.ini"));
    assert_true(specs_is_misnamed("a b.ini"));
    assert_false(specs_is_misnamed("web1.ini"));
    assert_false(specs_is_misnamed(".#web1.ini"));
    assert_false(specs_is_misnamed("web1.ini~"));
}

#define TEST(name) cmocka_unit_test_setup_teardown(name, set_up, tear_down)

int main(void)
{
    const struct CMUnitTest tests[] = {
        TEST(names_come_and_go),
        TEST(an_open_one_outlives_its_name),
        TEST(a_put_one_takes_the_name),
        TEST(writes_append_and_leave_holes),
        TEST(a_set_time_tells_of_a_restore),
        cmocka_unit_test(hidden_names_come_back),
        cmocka_unit_test(only_makers_put_back),
        cmocka_unit_test(what_is_gone_is_not_remembered),
        cmocka_unit_test(copies_are_from_the_same_place),
        cmocka_unit_test(names_in_specs),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
