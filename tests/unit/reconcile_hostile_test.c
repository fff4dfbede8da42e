/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Domains whose names and words are any bytes: names, specs and lines of the log are text. */
#include <errno.h>
#include <string.h>

#include "tests/unit/reconcile_fixture.h"

enum { DOMAINS = 12 };

static const char long_name[] = "x---------x---------x---------x---------x---------x---------x---"
                                "x---------x---------x---------x---------x---------x---------x---"
                                "x---------x---------x---------x---------x---------x---------x---"
                                "x---------x---------x---------x---------x---------x---------x---"
                                "x---------x---------x---------x---------x---";
static const char *const names[DOMAINS] = {
    "..",  ".",         "",          "../../etc/passwd", "a/b",       "new\nline",
    "-rf", "\xff\xfe(", "\xc3(\xa0", "\xed\xa0\x80",     "\x1b[31m!", long_name,
};

static void add(unsigned i)
{
    struct fake_domain *domain = g_new0(struct fake_domain, 1);
    char *uuid = g_strdup_printf("00000000-0000-4000-8000-%012u", i);

    domain->host = g_strdup("test:///a");
    domain->name = g_strdup(names[i]);
    domain->words = names[i];
    domain->state = DOMAIN_RUNNING;
    domain->cpus = 1;
    pthread_mutex_lock(&fake.lock);
    g_hash_table_replace(fake.domains, uuid, domain);
    pthread_mutex_unlock(&fake.lock);
    fake_event("test:///a", uuid);
}

static unsigned count_vms(struct fixture *f)
{
    struct cloud *cloud = engine_cloud(f->engine);
    unsigned n;

    cloud_read_lock(cloud);
    n = cloud_objects(cloud, OBJECT_VM)->len;
    cloud_read_unlock(cloud);
    return n;
}

static void assert_is_safe(const char *name)
{
    assert_true(strlen(name) >= 1 && strlen(name) <= 63);
    assert_true(name[0] != '.' && name[0] != '-');
    for (const char *c = name; *c; c++)
        assert_true(g_ascii_isalnum(*c) || strchr("-_.%", *c));
}

static void assert_are_text(struct cloud *cloud) REQUIRES_SHARED(model)
{
    const GPtrArray *vms = cloud_objects(cloud, OBJECT_VM);

    for (unsigned i = 0; i < vms->len; i++) {
        const struct object *vm = vms->pdata[i];

        assert_is_safe(vm->name);
        assert_false(vm->vm.managed);
        assert_true(g_utf8_validate(vm->spec_text, -1, NULL));
        assert_int_equal(vm->spec->vm.cpus, 1);
    }
}

static void words_of_a_hypervisor_are_made_text(void **state)
{
    struct fixture *f = *state;
    struct cloud *cloud = engine_cloud(f->engine);
    g_autofree char *up = spec_encode_name("..");
    int64_t time;

    for (unsigned i = 0; i < DOMAINS; i++)
        add(i);
    for (int tries = 0; count_vms(f) < DOMAINS && tries < 20000; tries++)
        g_usleep(1000);
    assert_int_equal(count_vms(f), DOMAINS);
    cloud_read_lock(cloud);
    assert_are_text(cloud);
    assert_true(g_utf8_validate(cloud_events_text(cloud, &time)->str, -1, NULL));
    cloud_read_unlock(cloud);
    assert_int_equal(remove_dir(f, OBJECT_VM, up), EPERM);
}

int main(void)
{
    const struct CMUnitTest tests[] = {TEST(words_of_a_hypervisor_are_made_text)};

    return cmocka_run_group_tests(tests, NULL, NULL);
}
