/* SPDX-License-Identifier: GPL-2.0-or-later */
/* What users ask of hosts: another URI, with what is to come meanwhile, and another name. */
#include <string.h>

#include "tests/unit/reconcile_fixture.h"

static const struct actor root = {.pid = 4715};

static void commit_uri(struct fixture *f, uint64_t host, const char *text)
{
    engine_commit(f->engine, host, text, strlen(text), &root, answered, f);
}

static unsigned domains_on(const char *uri)
{
    GHashTableIter iter;
    unsigned n = 0;
    void *domain;

    pthread_mutex_lock(&fake.lock);
    g_hash_table_iter_init(&iter, fake.domains);
    while (g_hash_table_iter_next(&iter, NULL, &domain))
        n += strcmp(((struct fake_domain *)domain)->host, uri) == 0;
    pthread_mutex_unlock(&fake.lock);
    return n;
}

static void nobody_waits(void *ctx, int err)
{
    (void)ctx;
    (void)err;
}

/* It was made where the host was, and was not to be seen where it is. */
static void what_comes_with_a_new_uri_goes_there(void **state)
{
    const char *spec = "host = c\n";
    struct fixture *f = *state;
    uint64_t vm, host;

    assert_int_equal(make(f, OBJECT_HOST, "c", "uri = test:///c\n"), 0);
    expect(f, OBJECT_HOST, "c", "state", "up");
    assert_int_equal(make_dir(f, OBJECT_VM, "vm"), 0);
    vm = id_of(f, OBJECT_VM, "vm");
    host = id_of(f, OBJECT_HOST, "c");
    /* Both in one round: the first message keeps the engine while they arrive. */
    cloud_read_lock(engine_cloud(f->engine));
    engine_drop(f->engine, 0, &somebody, nobody_waits, NULL);
    g_usleep(200000);
    engine_commit(f->engine, vm, spec, strlen(spec), &somebody, nobody_waits, NULL);
    commit_uri(f, host, "uri = test:///d\n");
    cloud_read_unlock(engine_cloud(f->engine));
    assert_int_equal(answer(f), 0);
    expect(f, OBJECT_VM, "vm", "state", "running");
    assert_int_equal(domains_on("test:///c"), 0);
    assert_int_equal(domains_on("test:///d"), 1);
    assert_int_equal(counted(&fake.creates), 1);
}

static void a_new_uri_that_cannot_be_kept_is_none(void **state)
{
    struct fixture *f = *state;
    uint64_t host;

    assert_int_equal(make(f, OBJECT_HOST, "c", "uri = test:///c\n"), 0);
    expect(f, OBJECT_HOST, "c", "state", "up");
    host = id_of(f, OBJECT_HOST, "c");
    fail_saves(true);
    commit_uri(f, host, "uri = test:///d\n");
    assert_int_not_equal(answer(f), 0);
    fail_saves(false);
    expect(f, OBJECT_HOST, "c", "spec", "uri = test:///c\n");
    expect(f, OBJECT_HOST, "c", "state", "up");
    assert_int_equal(make(f, OBJECT_VM, "vm", "host = c\n"), 0);
    expect(f, OBJECT_VM, "vm", "state", "running");
    assert_int_equal(domains_on("test:///c"), 1);
    commit_uri(f, host, "uri = test:///d\n");
    assert_int_equal(answer(f), EBUSY);
}

static void a_host_that_specs_name_keeps_its_name(void **state)
{
    struct fixture *f = *state;

    assert_int_equal(make(f, OBJECT_HOST, "c", "uri = test:///c\n"), 0);
    expect(f, OBJECT_HOST, "c", "state", "up");
    assert_int_equal(make(f, OBJECT_SERVICE, "web", "replicas = 0\n[vm]\nhost = c\n"), 0);
    assert_int_equal(rename_to(f, OBJECT_HOST, "c", OBJECT_HOST, "d"), EBUSY);
    expect(f, OBJECT_HOST, "c", "error", "the spec of web names host c");
    assert_int_equal(make(f, OBJECT_PLAN, "p", "host = c\n"), 0);
    assert_int_equal(remove_dir(f, OBJECT_SERVICE, "web"), 0);
    assert_int_equal(rename_to(f, OBJECT_HOST, "c", OBJECT_HOST, "d"), EBUSY);
    expect(f, OBJECT_HOST, "c", "error", "the spec of p names host c");
    assert_int_equal(make(f, OBJECT_PLAN, "q", "replicas = 2\n[vm]\nhost = c\n"), 0);
    assert_int_equal(remove_dir(f, OBJECT_PLAN, "p"), 0);
    assert_int_equal(rename_to(f, OBJECT_HOST, "c", OBJECT_HOST, "d"), EBUSY);
    assert_int_equal(remove_dir(f, OBJECT_PLAN, "q"), 0);
    assert_int_equal(rename_to(f, OBJECT_HOST, "c", OBJECT_HOST, "d"), 0);
}

static void find_a_domain(struct fixture *f, const char *uri, const char *name)
{
    struct fake_domain *domain = g_new0(struct fake_domain, 1);
    char *uuid = g_uuid_string_random();

    domain->host = g_strdup(uri);
    domain->name = g_strdup(name);
    domain->state = DOMAIN_RUNNING;
    domain->cpus = 1;
    domain->memory = 1 << 20;
    pthread_mutex_lock(&fake.lock);
    g_hash_table_replace(fake.domains, uuid, domain);
    pthread_mutex_unlock(&fake.lock);
    fake_event(uri, uuid);
    expect(f, OBJECT_VM, name, "state", "running");
}

/* Nobody could have ended it, as the host never came back. */
static void an_adoption_that_was_cut_off_holds_no_dead_host(void **state)
{
    struct fixture *f = *state;

    assert_int_equal(make(f, OBJECT_HOST, "c", "uri = test:///c\n"), 0);
    expect(f, OBJECT_HOST, "c", "state", "up");
    find_a_domain(f, "test:///c", "theirs");
    set_failure(&fake.fail_change, EHOSTDOWN);
    set_failure(&fake.fail_open, EHOSTDOWN);
    assert_int_equal(commit(f, OBJECT_VM, "theirs", "cpus = 1\n"), EHOSTDOWN);
    assert_int_equal(remove_dir(f, OBJECT_HOST, "c"), EBUSY); /* it may go on yet */
    fake_tell("test:///c", VIRT_CLOSED, NULL);
    expect(f, OBJECT_HOST, "c", "state", "down");
    assert_int_equal(remove_dir(f, OBJECT_HOST, "c"), 0);
    expect(f, OBJECT_VM, "theirs", "state", "gone");
    assert_int_equal(domains_on("test:///c"), 1);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        TEST(what_comes_with_a_new_uri_goes_there),
        TEST(a_new_uri_that_cannot_be_kept_is_none),
        TEST(a_host_that_specs_name_keeps_its_name),
        TEST(an_adoption_that_was_cut_off_holds_no_dead_host),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
