/* SPDX-License-Identifier: GPL-2.0-or-later */
/* What is forgotten with an object is not with its name. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include "fs/ino.h"
#include "fs/inval.h"
#include "fs/known.h"
#include "fs/notify.h"
#include "fs/pages.h"
#include "fs/poll.h"
#include "fs/publish.h"
#include "fs/restore.h"
#include "fs/scratch.h"
#include "fs/table.h"

enum { VM_ID = 20 };

struct fixture {
    struct conf conf;
    struct cloud *cloud;
    struct inval inval;
};

static void ignore(void *ctx, uint64_t ino)
{
    (void)ctx;
    (void)ino;
}

static int64_t now(void)
{
    return 1;
}

static int set_up(void **state)
{
    static const struct publish_ops publish_ops = {ignore, ignore, now, now};
    static const struct notify_ops notify_ops = {ignore, NULL};
    struct fixture *f = g_new0(struct fixture, 1);

    f->conf.virtualization = g_hash_table_new_full(g_str_hash, g_str_equal, g_free, g_free);
    f->cloud = cloud_new(&f->conf);
    f->inval.publish = publish_new(&publish_ops, NULL);
    f->inval.notify = notify_new(NULL, &notify_ops, NULL, NULL);
    f->inval.pages = pages_new();
    f->inval.pollers = pollers_new();
    f->inval.known = known_new();
    f->inval.restore = restore_new();
    f->inval.scratches = scratches_new();
    cloud_write_lock(f->cloud);
    cloud_watch(f->cloud, inval_watch, &f->inval);
    cloud_add(f->cloud, OBJECT_VM, VM_ID, "web1", 0, 0, 0755);
    cloud_write_unlock(f->cloud);
    *state = f;
    return f->inval.notify ? 0 : -1;
}

static int tear_down(void **state)
{
    struct fixture *f = *state;

    notify_stop(f->inval.notify);
    notify_free(f->inval.notify);
    cloud_free(f->cloud);
    publish_free(f->inval.publish);
    pages_free(f->inval.pages);
    pollers_free(f->inval.pollers);
    known_free(f->inval.known);
    restore_free(f->inval.restore);
    scratches_free(f->inval.scratches);
    g_hash_table_destroy(f->conf.virtualization);
    g_free(f);
    return 0;
}

/* The kernel has the inodes of an object that was renamed, and is told of what changes of them. */
static void what_was_renamed_is_still_known(void **state)
{
    struct fixture *f = *state;
    const uint64_t spec = ino_make(VM_ID, CODE_SPEC);
    struct object *vm;

    known_add(f->inval.known, spec);
    cloud_write_lock(f->cloud);
    vm = cloud_by_id(f->cloud, VM_ID);
    cloud_rename(f->cloud, vm, "www");
    assert_true(known_has(f->inval.known, spec));
    cloud_remove(f->cloud, vm);
    assert_false(known_has(f->inval.known, spec));
    cloud_write_unlock(f->cloud);
}

static void make_scratch(struct fixture *f, unsigned code, const char *name)
{
    uint64_t ino;

    assert_int_equal(
        scratch_create(f->inval.scratches, ino_make(VM_ID, code), name, 0, 0, S_IFREG | 0644, &ino),
        0);
}

static bool has_scratch(struct fixture *f, unsigned code, const char *name)
{
    return scratch_find(f->inval.scratches, ino_make(VM_ID, code), name) != 0;
}

/* Also where nobody removed it by rmdir(2): at the end of a grace, or with its service. */
static void scratch_files_go_with_their_object(void **state)
{
    struct fixture *f = *state;

    make_scratch(f, CODE_SELF, "notes");
    make_scratch(f, CODE_VMS, "link");
    cloud_write_lock(f->cloud);
    cloud_rename(f->cloud, cloud_by_id(f->cloud, VM_ID), "www");
    cloud_over(f->cloud);
    assert_true(has_scratch(f, CODE_SELF, "notes"));
    cloud_remove(f->cloud, cloud_by_id(f->cloud, VM_ID));
    cloud_over(f->cloud);
    assert_false(has_scratch(f, CODE_SELF, "notes"));
    assert_false(has_scratch(f, CODE_VMS, "link"));
    cloud_write_unlock(f->cloud);
}

/* As a plan does that is made real. */
static void scratch_files_stay_with_what_comes_back(void **state)
{
    struct fixture *f = *state;

    make_scratch(f, CODE_SELF, "notes");
    cloud_write_lock(f->cloud);
    cloud_remove(f->cloud, cloud_by_id(f->cloud, VM_ID));
    cloud_add(f->cloud, OBJECT_SERVICE, VM_ID, "web", 0, 0, 0755);
    cloud_over(f->cloud);
    assert_true(has_scratch(f, CODE_SELF, "notes"));
    cloud_remove(f->cloud, cloud_by_id(f->cloud, VM_ID));
    cloud_over(f->cloud);
    assert_false(has_scratch(f, CODE_SELF, "notes"));
    cloud_write_unlock(f->cloud);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test_setup_teardown(what_was_renamed_is_still_known, set_up, tear_down),
        cmocka_unit_test_setup_teardown(scratch_files_go_with_their_object, set_up, tear_down),
        cmocka_unit_test_setup_teardown(scratch_files_stay_with_what_comes_back, set_up, tear_down),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
