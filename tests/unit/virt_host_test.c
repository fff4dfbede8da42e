/* SPDX-License-Identifier: GPL-2.0-or-later */
/* What a connected host tells of itself and its domains, and what is done with these. */
#include "tests/unit/virt_hearing.h"

static void what_the_host_offers(void **state)
{
    struct fixture *f = *state;
    g_autoptr(VirtInfo) info = NULL;
    assert_true(virt_libvirt.info(f->v, &info, NULL));
    assert_int_equal(info->cpus, 128);
    assert_int_equal(info->memory, 536870912ULL * 1024);
    assert_true(g_strv_contains((const char *const *)info->types, "test"));
    assert_true(g_strv_contains((const char *const *)info->networks, "lan"));
    assert_true(g_strv_contains((const char *const *)info->networks, "user"));
    assert_true(g_strv_contains((const char *const *)info->networks, "none"));
}

static void the_default_host(G_GNUC_UNUSED void **state)
{
    struct heard heard = {0};
    g_autoptr(VirtInfo) info = NULL;
    struct virt *v = make("test:///default", &heard);
    assert_true(virt_libvirt.open(v, NULL));
    assert_true(virt_libvirt.info(v, &info, NULL));
    assert_true(info->cpus > 0 && info->memory > 0);
    g_autoptr(GPtrArray) domains = NULL;
    assert_true(virt_libvirt.list(v, &domains, NULL));
    assert_int_equal(domains->len, 1);
    virt_libvirt.free(v);
}

static void domains_are_listed_and_read(void **state)
{
    struct fixture *f = *state;
    g_autoptr(GError) error = NULL;
    g_autoptr(VirtDomain) domain = NULL;
    assert_false(virt_libvirt.domain(f->v, TWO, &domain, &error));
    assert_int_equal(error->code, ENOENT);
    assert_null(domain);

    define_two(f->v);
    g_autoptr(GPtrArray) domains = NULL;
    assert_true(virt_libvirt.list(f->v, &domains, NULL));
    assert_int_equal(domains->len, 2);
    assert_true(virt_libvirt.domain(f->v, TWO, &domain, NULL));
    assert_string_equal(domain->uuid, TWO);
    assert_string_equal(domain->name, "two");
    assert_int_equal(domain->state, DOMAIN_SHUTOFF);
    assert_int_equal(domain->cpus, 3);
    assert_int_equal(domain->memory, 131072 * 1024);
    assert_string_equal(domain->type, "test");
    assert_null(domain->mark);
    assert_non_null(strstr(domain->xml, "<domain"));
    assert_non_null(strstr(domain->spec, "memory = 128MiB\n"));
}

static void verbs_change_the_state(void **state)
{
    struct fixture *f = *state;
    define_two(f->v);
    verb_fails(f->v, "11111111-0000-4000-8000-00000000ffff", VERB_START, ENOENT);
    verb_fails(f->v, "no uuid", VERB_START, EINVAL);
    verb_fails(f->v, TWO, VERB_SUSPEND, EBUSY);
    verb_fails(f->v, TWO, VERB_RESUME, EBUSY);
    verb_fails(f->v, TWO, VERB_REBOOT, EBUSY);
    verb_fails(f->v, TWO, VERB_RESET, EBUSY);
    assert_int_equal(verb(f->v, TWO, VERB_SHUTDOWN), DOMAIN_SHUTOFF);
    assert_int_equal(verb(f->v, TWO, VERB_DESTROY), DOMAIN_SHUTOFF);
    assert_int_equal(verb(f->v, TWO, VERB_START), DOMAIN_RUNNING);
    assert_int_equal(verb(f->v, TWO, VERB_START), DOMAIN_RUNNING);
    assert_int_equal(verb(f->v, TWO, VERB_RESUME), DOMAIN_RUNNING);
    assert_int_equal(verb(f->v, TWO, VERB_SUSPEND), DOMAIN_PAUSED);
    assert_int_equal(verb(f->v, TWO, VERB_SUSPEND), DOMAIN_PAUSED);
    verb_fails(f->v, TWO, VERB_START, EBUSY);
    assert_int_equal(verb(f->v, TWO, VERB_RESUME), DOMAIN_RUNNING);
    assert_int_equal(verb(f->v, TWO, VERB_REBOOT), DOMAIN_RUNNING);
    assert_int_equal(verb(f->v, TWO, VERB_SHUTDOWN), DOMAIN_SHUTOFF);
    assert_int_equal(verb(f->v, TWO, VERB_START), DOMAIN_RUNNING);
    assert_int_equal(verb(f->v, TWO, VERB_DESTROY), DOMAIN_SHUTOFF);
}

/* Being off is the end of it, and that is what was asked for. */
static void a_transient_domain_ends(void **state)
{
    struct fixture *f = *state;
    g_autoptr(VirtConnection) conn = virt_connection(f->v, NULL);
    g_autoptr(VirtDomainHandle) dom = virDomainCreateXML(conn, domain_two, 0);
    assert_non_null(dom);
    assert_int_equal(verb(f->v, TWO, VERB_DESTROY), DOMAIN_SHUTOFF);
    verb_fails(f->v, TWO, VERB_DESTROY, ENOENT);
}

static void active_domains_are_sampled(void **state)
{
    struct fixture *f = *state;
    g_autoptr(GArray) samples = NULL;
    struct virt_load load = {0};
    define_two(f->v);
    assert_true(virt_libvirt.sample(f->v, true, &samples, &load, NULL));
    assert_int_equal(samples->len, 1);
    const struct virt_sample *one = &g_array_index(samples, struct virt_sample, 0);
    assert_string_equal(one->uuid, ONE);
    assert_int_equal(one->state, DOMAIN_RUNNING);
    assert_int_equal(one->cpus, 2);
    assert_true(one->memory_max == 65536.0 * 1024);
    assert_true(one->cpu_seconds == -1 && one->memory_used == -1);
    assert_true(one->read_bytes == -1 && one->written_bytes == -1);
    assert_true(one->received_bytes == -1 && one->sent_bytes == -1);
    assert_true(load.memory_used == -1);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(the_default_host),  HOSTED(what_the_host_offers),
        HOSTED(domains_are_listed_and_read), HOSTED(verbs_change_the_state),
        HOSTED(a_transient_domain_ends),     HOSTED(active_domains_are_sampled),
    };
    return cmocka_run_group_tests(tests, hearing_start, hearing_stop);
}
