/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Files that users name on a host of which only libvirt tells, here its test driver. */
#include "tests/unit/virt_making.h"

#define POOL "/default-pool"

static const char *const pool[] = {POOL, NULL};

struct named {
    struct vm_spec vm;
    struct virt_plan plan;
};

static void name_image(struct named *named, const char *path)
{
    named->vm = plain_vm();
    named->vm.image = (char *)path;
    named->plan = plan_of("web1", &named->vm);
    named->plan.paths = pool;
}

static void only_what_everybody_reads(void **state)
{
    struct fixture *f = *state;
    struct named named;
    name_image(&named, "/other-pool/open.qcow2");
    create_fails(f, &named.plan, EPERM);
    name_image(&named, POOL "/../etc/shadow");
    create_fails(f, &named.plan, EPERM);
    name_image(&named, POOL "/closed.qcow2");
    create_fails(f, &named.plan, EACCES);
    named.plan.given = true;
    create_fails(f, &named.plan, EACCES);
    name_image(&named, POOL "/absent.qcow2");
    create_fails(f, &named.plan, ENOENT);
    name_image(&named, POOL "/closed.qcow2");
    named.vm.kernel = named.vm.image;
    named.vm.image = NULL;
    create_fails(f, &named.plan, EACCES);
    assert_nothing_left(f);
    name_image(&named, POOL "/open.qcow2");
    create(f, &named.plan);
}

static void never_a_disk(void **state)
{
    struct fixture *f = *state;
    struct named named;
    name_image(&named, POOL "/cloudfs-" OTHER ".qcow2");
    create_fails(f, &named.plan, EACCES);
    named.plan.given = true;
    create_fails(f, &named.plan, EACCES);
    assert_nothing_left(f);
    named.plan.paths = NULL; /* root's */
    create(f, &named.plan);
}

/* Of base.qcow2 the host tells no mode. */
static void what_is_not_known_is_for_who_configures(void **state)
{
    struct fixture *f = *state;
    struct named named;
    name_image(&named, IMAGE);
    create_fails(f, &named.plan, EACCES);
    assert_nothing_left(f);
    named.plan.given = true;
    create(f, &named.plan);
}

static void what_was_granted_stays(void **state)
{
    struct fixture *f = *state;
    struct named named;
    name_image(&named, POOL "/closed.qcow2");
    named.plan.paths = NULL;
    create(f, &named.plan);
    struct vm_spec before = named.vm;
    named.plan.paths = pool;
    named.vm.cpus = 1;
    change(f, &named.plan, &before, NULL);
    named.vm.kernel = named.vm.image;
    change_fails(f, &named.plan, &before, EACCES);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        MAKING_TEST(only_what_everybody_reads),
        MAKING_TEST(never_a_disk),
        MAKING_TEST(what_is_not_known_is_for_who_configures),
        MAKING_TEST(what_was_granted_stays),
    };
    return cmocka_run_group_tests(tests, making_start, making_stop);
}
