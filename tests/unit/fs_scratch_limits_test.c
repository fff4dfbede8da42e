/* SPDX-License-Identifier: GPL-2.0-or-later */
/* How much room and how many names scratch files take: of one user, of all, and of root. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>
#include <errno.h>

#include "fs/scratch.h"

enum { HERE = 4096, OTHER = 8192, ALICE = 61001, BOB = 61002, ROOT = 0 };

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

static uint64_t make_of(struct scratches *all, uid_t uid, const char *name, size_t size)
{
    uint64_t ino;

    assert_int_equal(scratch_create(all, HERE, name, uid, 2, S_IFREG | 0640, &ino), 0);
    assert_int_equal(scratch_resize(all, ino, (off_t)size), 0);
    return ino;
}

static void everything_is_bounded(void **state)
{
    struct scratches *all = *state;
    uint64_t ino = make_of(all, ROOT, "a", 0);

    assert_int_equal(scratch_write(all, ino, "x", 1, SCRATCH_FILE_MAX, false), EFBIG);
    assert_int_equal(scratch_resize(all, ino, SCRATCH_FILE_MAX + 1), EFBIG);
    assert_int_equal(scratch_resize(all, ino, -1), EINVAL);
    for (int i = 1; i < SCRATCH_DIR_MAX; i++) {
        g_autofree char *name = g_strdup_printf("n%d", i);

        make_of(all, ROOT, name, i < SCRATCH_ALL_MAX / SCRATCH_FILE_MAX ? SCRATCH_FILE_MAX : 0);
    }
    assert_int_equal(scratch_create(all, HERE, "more", ROOT, 0, S_IFREG, &ino), ENOSPC);
    ino = scratch_find(all, HERE, "a");
    assert_int_equal(scratch_resize(all, ino, SCRATCH_FILE_MAX), 0);
    ino = scratch_find(all, HERE, "n200");
    assert_int_equal(scratch_write(all, ino, "x", 1, 0, false), ENOSPC);
    scratch_dir_went(all, HERE);
    scratch_sweep(all);
    assert_int_equal(scratch_resize(all, make_of(all, ALICE, "a", 0), SCRATCH_FILE_MAX), 0);
}

/* Files of UID, until he holds what a user may. */
static void fill(struct scratches *all, uid_t uid)
{
    for (int i = 0; i < SCRATCH_USER_MAX / SCRATCH_FILE_MAX; i++) {
        g_autofree char *name = g_strdup_printf("%u-%d", uid, i);

        make_of(all, uid, name, SCRATCH_FILE_MAX);
    }
}

static void no_user_takes_all_room(void **state)
{
    const struct stat of_alice = {.st_uid = ALICE}, of_bob = {.st_uid = BOB};
    struct scratches *all = *state;
    uint64_t ino = make_of(all, ALICE, "a", 0);

    fill(all, ALICE);
    assert_int_equal(scratch_write(all, ino, "x", 1, 0, false), EDQUOT);
    assert_int_equal(scratch_resize(all, ino, 1), EDQUOT);
    assert_int_equal(scratch_put(all, HERE, "copy", &of_alice, "x", 1), EDQUOT);
    assert_int_equal(scratch_put(all, HERE, "copy", &of_bob, "x", 1), 0);
    assert_int_equal(scratch_unlink(all, HERE, "copy"), 0);
    fill(all, BOB);
    assert_int_equal(scratch_unlink(all, HERE, "61002-0"), 0);
    make_of(all, BOB, "b", SCRATCH_FILE_MAX);
    for (int i = 0; i < SCRATCH_USER_MAX / SCRATCH_FILE_MAX + 1; i++) {
        g_autofree char *name = g_strdup_printf("%d", i);

        make_of(all, ROOT, name, SCRATCH_FILE_MAX);
    }
}

/* As on a disk: what users fill up together, root can still use. */
static void all_users_leave_room_for_root(void **state)
{
    struct scratches *all = *state;
    uint64_t ino;

    for (uid_t i = 0; i < 3; i++)
        fill(all, ALICE + i);
    for (int i = 0; i < (SCRATCH_USER_MAX - SCRATCH_ALL_KEPT) / SCRATCH_FILE_MAX; i++) {
        g_autofree char *name = g_strdup_printf("last-%d", i);

        make_of(all, ALICE + 3, name, SCRATCH_FILE_MAX);
    }
    ino = make_of(all, ALICE + 4, "one", 0);
    assert_int_equal(scratch_write(all, ino, "x", 1, 0, false), ENOSPC);
    for (int i = 0; i < SCRATCH_ALL_KEPT / SCRATCH_FILE_MAX; i++) {
        g_autofree char *name = g_strdup_printf("root-%d", i);

        make_of(all, ROOT, name, SCRATCH_FILE_MAX);
    }
    ino = make_of(all, ROOT, "one more", 0);
    assert_int_equal(scratch_write(all, ino, "x", 1, 0, false), ENOSPC);
}

static void what_a_user_holds_follows_his_files(void **state)
{
    struct scratches *all = *state;
    uint64_t more = make_of(all, ALICE, "a", 0), ino;

    fill(all, ALICE);
    /* Cut short, and grown again. */
    ino = scratch_find(all, HERE, "61001-0");
    assert_int_equal(scratch_resize(all, ino, SCRATCH_FILE_MAX - 1), 0);
    assert_int_equal(scratch_resize(all, more, 2), EDQUOT);
    assert_int_equal(scratch_resize(all, more, 1), 0);
    assert_int_equal(scratch_resize(all, more, 0), 0);
    assert_int_equal(scratch_resize(all, ino, SCRATCH_FILE_MAX), 0);
    /* Given away, and back: whoever gives is root, who may give more than one may hold. */
    assert_int_equal(scratch_set(all, ino, BOB, (gid_t)-1, (mode_t)-1, -1), 0);
    assert_int_equal(scratch_resize(all, more, SCRATCH_FILE_MAX), 0);
    assert_int_equal(scratch_set(all, ino, ALICE, (gid_t)-1, (mode_t)-1, -1), 0);
    assert_int_equal(scratch_resize(all, more, SCRATCH_FILE_MAX - 1), 0);
    assert_int_equal(scratch_resize(all, more, SCRATCH_FILE_MAX), EDQUOT);
    /* Replaced, while it is open: its opener holds it still. */
    assert_int_equal(scratch_open(all, ino), 0);
    assert_int_equal(scratch_rename(all, HERE, "a", HERE, "61001-0"), 0);
    assert_int_equal(scratch_resize(all, more, SCRATCH_FILE_MAX), EDQUOT);
    scratch_close(all, ino);
    assert_int_equal(scratch_resize(all, more, SCRATCH_FILE_MAX), 0);
}

static void no_user_takes_all_names(void **state)
{
    struct scratches *all = *state;
    uint64_t ino, mine;

    for (int i = 0; i < SCRATCH_DIR_USER_MAX; i++) {
        g_autofree char *name = g_strdup_printf("%d", i);

        make_of(all, ALICE, name, 0);
    }
    assert_int_equal(scratch_create(all, HERE, "a", ALICE, 2, S_IFREG, &ino), EDQUOT);
    make_of(all, BOB, "b", 0);
    assert_int_equal(scratch_create(all, OTHER, "a", ALICE, 2, S_IFREG, &mine), 0);
    ino = scratch_find(all, HERE, "b");
    assert_int_equal(scratch_rename(all, OTHER, "a", HERE, "b"), EDQUOT);
    assert_int_equal(scratch_find(all, HERE, "b"), ino);
    assert_int_equal(scratch_rename(all, HERE, "0", HERE, "a"), 0);
    assert_int_equal(scratch_rename(all, OTHER, "a", HERE, "a"), 0);
    assert_int_equal(scratch_find(all, HERE, "a"), mine);
}

static void all_users_leave_names_for_root(void **state)
{
    struct scratches *all = *state;
    uint64_t ino;

    for (int i = 0; i < SCRATCH_DIR_MAX - SCRATCH_DIR_KEPT; i++) {
        g_autofree char *name = g_strdup_printf("%d", i);

        make_of(all, ALICE + (uid_t)i % 4, name, 0);
    }
    assert_int_equal(scratch_create(all, HERE, "a", ALICE + 4, 2, S_IFREG, &ino), ENOSPC);
    make_of(all, ROOT, "a", 0);
}

#define TEST(name) cmocka_unit_test_setup_teardown(name, set_up, tear_down)

int main(void)
{
    const struct CMUnitTest tests[] = {
        TEST(everything_is_bounded),         TEST(no_user_takes_all_room),
        TEST(all_users_leave_room_for_root), TEST(what_a_user_holds_follows_his_files),
        TEST(no_user_takes_all_names),       TEST(all_users_leave_names_for_root),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
