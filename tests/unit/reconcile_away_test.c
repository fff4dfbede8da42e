/* SPDX-License-Identifier: GPL-2.0-or-later */
/* VMs and services whose hosts were down: what was asked of them meanwhile is done when those are
 * back, and they are looked after as before. */
#include "tests/unit/reconcile_fixture.h"

#include <string.h>

static void lose_hosts(struct fixture *f)
{
    set_failure(&fake.fail_open, EHOSTDOWN);
    fake_tell("test:///a", VIRT_CLOSED, NULL);
    fake_tell("test:///b", VIRT_CLOSED, NULL);
    expect(f, OBJECT_HOST, "a", "state", "down");
    expect(f, OBJECT_HOST, "b", "state", "down");
}

static void find_hosts(struct fixture *f)
{
    set_failure(&fake.fail_open, 0);
    expect(f, OBJECT_HOST, "a", "state", "up");
    expect(f, OBJECT_HOST, "b", "state", "up");
}

/* Of the only domain there is: its UUID (free with g_free) and its host. */
static char *only_domain(char **host)
{
    g_autoptr(GList) uuids = NULL;
    const struct fake_domain *domain;
    char *uuid;

    pthread_mutex_lock(&fake.lock);
    uuids = g_hash_table_get_keys(fake.domains);
    assert_int_equal(g_list_length(uuids), 1);
    uuid = g_strdup(uuids->data);
    domain = g_hash_table_lookup(fake.domains, uuid);
    *host = g_strdup(domain->host);
    pthread_mutex_unlock(&fake.lock);
    return uuid;
}

/* Somebody else removes it. */
static void lose_domain(void)
{
    g_autofree char *host = NULL;
    g_autofree char *uuid = only_domain(&host);

    pthread_mutex_lock(&fake.lock);
    g_hash_table_remove_all(fake.domains);
    pthread_mutex_unlock(&fake.lock);
    fake_event(host, uuid);
}

static void stop_the_domain(void)
{
    g_autofree char *host = NULL;
    g_autofree char *uuid = only_domain(&host);

    fake_die(host, uuid);
}

static void make_three(struct fixture *f)
{
    assert_int_equal(
        make(f, OBJECT_SERVICE, "web", "replicas = 3\nspread = none\n[vm]\ncpus = 1\n"), 0);
    expect(f, OBJECT_SERVICE, "web", "state", "ready");
}

/* It ran on for ever, as nothing that was found of it was new. */
static void what_is_too_many_goes(void **state)
{
    struct fixture *f = *state;

    make_three(f);
    lose_hosts(f);
    assert_int_equal(control(f, OBJECT_SERVICE, "web", "scale 1"), 0);
    assert_int_equal(control(f, OBJECT_SERVICE, "web", "scale 2"), 0);
    assert_int_equal(domains(), 3);
    find_hosts(f);
    expect(f, OBJECT_VM, "web-2", "state", "gone");
    expect(f, OBJECT_SERVICE, "web", "state", "ready");
    assert_int_equal(domains(), 2);
    assert_int_equal(counted(&fake.creates), 3);
}

static void a_new_template_is_followed(void **state)
{
    struct fixture *f = *state;

    make_three(f);
    lose_hosts(f);
    assert_int_equal(
        commit(f, OBJECT_SERVICE, "web", "replicas = 3\nspread = none\n[vm]\ncpus = 2\n"), 0);
    find_hosts(f);
    expect(f, OBJECT_VM, "web-2", "spec", "cpus = 2\n");
    expect(f, OBJECT_SERVICE, "web", "state", "ready");
    assert_int_equal(counted(&fake.creates), 3);
}

/* It was destroyed when its host was back, and made anew with an empty disk. */
static void what_is_wanted_again_is_kept(void **state)
{
    struct fixture *f = *state;

    make_three(f);
    set_failure(&fake.fail_destroy, EHOSTDOWN);
    assert_int_equal(control(f, OBJECT_SERVICE, "web", "scale 1"), EHOSTDOWN);
    lose_hosts(f);
    expect(f, OBJECT_VM, "web-1", "state", "destroying");
    assert_int_equal(control(f, OBJECT_SERVICE, "web", "scale 2"), 0);
    set_failure(&fake.fail_destroy, 0);
    find_hosts(f);
    expect(f, OBJECT_VM, "web-2", "state", "gone");
    expect(f, OBJECT_SERVICE, "web", "state", "ready");
    expect(f, OBJECT_VM, "web-1", "error", "");
    assert_int_equal(counted(&fake.destroys), 1);
    assert_int_equal(counted(&fake.creates), 3);
    assert_int_equal(control(f, OBJECT_SERVICE, "web", "scale 1"), 0);
    expect(f, OBJECT_VM, "web-1", "state", "gone");
}

/* SCALE, which fails with ERR. */
static void scale_in_vain(struct fixture *f, const char *scale, int err)
{
    make_three(f);
    set_failure(&fake.fail_destroy, err);
    assert_int_equal(control(f, OBJECT_SERVICE, "web", scale), err);
}

static void scale_back(struct fixture *f)
{
    assert_int_equal(control(f, OBJECT_SERVICE, "web", "scale 3"), 0);
}

/* The same, if the host is not even seen to be down. */
static void what_could_not_be_destroyed_is_kept(void **state)
{
    scale_in_vain(*state, "scale 1", EHOSTDOWN);
    scale_back(*state);
    set_failure(&fake.fail_destroy, 0);
    expect(*state, OBJECT_SERVICE, "web", "state", "ready");
    assert_int_equal(counted(&fake.destroys), 0);
    assert_int_equal(counted(&fake.creates), 3);
}

/* A call that outlived its deadline may still destroy it. Nothing fails any more when it is wanted
 * again: the next try comes two seconds after the first, which a slow disk may take to keep both
 * requests, and is part of the second then. */
static void what_may_be_destroyed_yet_is_made_anew(void **state)
{
    scale_in_vain(*state, "scale 2", ETIMEDOUT);
    set_failure(&fake.fail_destroy, 0);
    scale_back(*state);
    expect(*state, OBJECT_SERVICE, "web", "state", "ready");
    assert_int_equal(counted(&fake.destroys), 1);
    assert_int_equal(counted(&fake.creates), 4);
}

/* A check that came while its host was down was the last. */
static void guests_are_asked_again(void **state)
{
    struct fixture *f = *state;

    assert_int_equal(make(f, OBJECT_SERVICE, "web",
                          "[vm]\nhealth = agent\nhealth_interval = 0.5\nhealth_failures = 2\n"),
                     0);
    expect(f, OBJECT_SERVICE, "web", "state", "ready");
    lose_hosts(f);
    g_usleep(800 * 1000);
    find_hosts(f);
    expect(f, OBJECT_SERVICE, "web", "state", "ready");
    set_flag(&fake.sick, true);
    expect(f, OBJECT_VM, "web-0", "error", "unhealthy: told to be sick");
}

/* It stayed "failed": what was to make it anew after its rest came while its host was down. */
static void what_somebody_removed_is_made_again(void **state)
{
    struct fixture *f = *state;

    assert_int_equal(make(f, OBJECT_VM, "one", "cpus = 1\n"), 0);
    lose_domain();
    expect(f, OBJECT_VM, "one", "state", "failed");
    lose_hosts(f);
    g_usleep(3 * G_USEC_PER_SEC); /* its rest is over */
    find_hosts(f);
    expect(f, OBJECT_VM, "one", "state", "running");
    assert_int_equal(domains(), 1);
}

/* Its removal from specs/ had been answered with success, and came to nothing. */
static void what_leaves_waits_for_its_host(void **state)
{
    struct fixture *f = *state;

    assert_int_equal(make(f, OBJECT_VM, "one", "cpus = 1\n"), 0);
    assert_int_equal(make(f, OBJECT_SERVICE, "web", "[vm]\ncpus = 1\n"), 0);
    lose_hosts(f);
    assert_int_equal(drop(f, OBJECT_SERVICE, "web"), EHOSTDOWN);
    assert_int_equal(drop(f, OBJECT_VM, "one"), 0);
    g_usleep(G_USEC_PER_SEC); /* its grace is over */
    expect(f, OBJECT_VM, "one", "state", "unknown");
    find_hosts(f);
    expect(f, OBJECT_VM, "one", "state", "gone");
    assert_int_equal(domains(), 1);
    /* It may come back meanwhile, and a host may go meanwhile. */
    assert_int_equal(drop(f, OBJECT_SERVICE, "web"), 0);
    lose_hosts(f);
    g_usleep(G_USEC_PER_SEC);
    assert_int_equal(keep(f, OBJECT_SERVICE, "web"), 0);
    find_hosts(f);
    assert_int_equal(drop(f, OBJECT_SERVICE, "web"), 0);
    lose_hosts(f);
    g_usleep(G_USEC_PER_SEC);
    find_hosts(f);
    expect(f, OBJECT_SERVICE, "web", "state", "gone");
    assert_int_equal(domains(), 0);
}

/* It was told that it could not be switched off, ran on, and was missed no more when it stopped. */
static void what_was_not_switched_off_is_missed(void **state)
{
    static const int errors[] = {EIO, EHOSTDOWN};
    struct fixture *f = *state;

    assert_int_equal(make(f, OBJECT_VM, "one", "cpus = 1\n"), 0);
    for (size_t i = 0; i < G_N_ELEMENTS(errors); i++) {
        set_failure(&fake.fail_power, errors[i]);
        assert_int_equal(control(f, OBJECT_VM, "one", "destroy"), errors[i]);
        if (errors[i] == EHOSTDOWN) {
            lose_hosts(f);
            find_hosts(f);
            expect(f, OBJECT_VM, "one", "state", "running");
        }
        set_failure(&fake.fail_power, 0);
        stop_the_domain();
        expect(f, OBJECT_VM, "one", "state", "shutoff");
        expect(f, OBJECT_VM, "one", "state", "running");
    }
    /* What did stop, though nobody heard of it, was meant to. */
    set_failure(&fake.fail_power, EHOSTDOWN);
    assert_int_equal(control(f, OBJECT_VM, "one", "destroy"), EHOSTDOWN);
    stop_the_domain();
    set_failure(&fake.fail_power, 0);
    lose_hosts(f);
    find_hosts(f);
    expect(f, OBJECT_VM, "one", "state", "shutoff");
    g_usleep(3 * G_USEC_PER_SEC);
    expect(f, OBJECT_VM, "one", "state", "shutoff");
}

static void start_the_domain(void)
{
    g_autofree char *host = NULL;
    g_autofree char *uuid = only_domain(&host);

    fake_start(host, uuid);
}

/* SPEC's `power`, which its host is not there to follow, is followed once when it is back. */
static void power_waits(struct fixture *f, const char *spec, void (*meanwhile)(struct fixture *f))
{
    set_failure(&fake.fail_power, EHOSTDOWN);
    assert_int_equal(commit(f, OBJECT_VM, "one", spec), 0);
    expect(f, OBJECT_VM, "one", "error", "told to fail");
    meanwhile(f);
}

static void host_was_away(struct fixture *f)
{
    lose_hosts(f);
    set_failure(&fake.fail_power, 0);
    find_hosts(f);
}

static void cloudfs_was_away(struct fixture *f)
{
    engine_free(f->engine);
    set_failure(&fake.fail_power, 0);
    start(f);
}

#define OFF "restart = never\npower = off\n"
#define ON  "restart = never\npower = on\n"

/* It ran on for ever against its spec, or stayed off. */
static void power_is_followed_later(void **state)
{
    static void (*const meanwhile[])(struct fixture * f) = {host_was_away, cloudfs_was_away};
    struct fixture *f = *state;

    assert_int_equal(make(f, OBJECT_VM, "one", ON), 0);
    for (size_t i = 0; i < G_N_ELEMENTS(meanwhile); i++) {
        power_waits(f, OFF, meanwhile[i]);
        expect(f, OBJECT_VM, "one", "state", "shutoff");
        power_waits(f, ON, meanwhile[i]);
        expect(f, OBJECT_VM, "one", "state", "running");
    }
}

/* Whoever starts it by hand after that wants it to run. */
static void power_is_followed_once(void **state)
{
    struct fixture *f = *state;

    assert_int_equal(make(f, OBJECT_VM, "one", ON), 0);
    power_waits(f, OFF, host_was_away);
    expect(f, OBJECT_VM, "one", "state", "shutoff");
    start_the_domain();
    expect(f, OBJECT_VM, "one", "state", "running");
    lose_hosts(f);
    find_hosts(f);
    cloudfs_was_away(f);
    g_usleep(3 * G_USEC_PER_SEC); /* it was looked at again */
    expect(f, OBJECT_VM, "one", "state", "running");
    /* Also before, where the host is there in time. */
    assert_int_equal(commit(f, OBJECT_VM, "one", ON), 0);
    set_failure(&fake.fail_power, EHOSTDOWN);
    assert_int_equal(commit(f, OBJECT_VM, "one", OFF), 0);
    expect(f, OBJECT_VM, "one", "error", "told to fail");
    set_failure(&fake.fail_power, 0);
    assert_int_equal(control(f, OBJECT_VM, "one", "start"), 0);
    host_was_away(f);
    g_usleep(3 * G_USEC_PER_SEC);
    expect(f, OBJECT_VM, "one", "state", "running");
}

/* What its host refuses, it hears of; that is not tried for ever. */
static void power_that_is_refused_ends(void **state)
{
    struct fixture *f = *state;

    assert_int_equal(make(f, OBJECT_VM, "one", ON), 0);
    set_failure(&fake.fail_power, EIO);
    assert_int_equal(commit(f, OBJECT_VM, "one", OFF), 0);
    expect(f, OBJECT_VM, "one", "error", "told to fail");
    host_was_away(f);
    g_usleep(3 * G_USEC_PER_SEC);
    expect(f, OBJECT_VM, "one", "state", "running");
}

static void make_on_a(struct fixture *f)
{
    assert_int_equal(make(f, OBJECT_VM, "one", "host = a\n"), 0);
    assert_int_equal(commit(f, OBJECT_VM, "one", "cpus = 1\n"), 0);
}

/* It was answered, and moved nothing. */
static void a_drain_waits_for_its_host(void **state)
{
    struct fixture *f = *state;

    f->conf.rebalance_at_once = 1;
    make_on_a(f);
    lose_hosts(f);
    assert_int_equal(control(f, OBJECT_HOST, "a", "drain"), 0);
    expect_in(f, OBJECT_HOST, "a", "error", "its VMs are moved when it is back");
    set_failure(&fake.fail_open, 0);
    expect(f, OBJECT_VM, "one", "host", "b");
    expect(f, OBJECT_HOST, "a", "state", "maintenance");
    assert_int_equal(counted(&fake.moves), 1);
}

/* Unless somebody has thought better of it. */
static void a_drain_that_waits_is_ended(void **state)
{
    static const char *const ends[] = {"activate", "stop"};
    struct fixture *f = *state;

    f->conf.rebalance_at_once = 1;
    make_on_a(f);
    for (size_t i = 0; i < G_N_ELEMENTS(ends); i++) {
        bool stop = strcmp(ends[i], "stop") == 0;

        lose_hosts(f);
        assert_int_equal(control(f, OBJECT_HOST, "a", "drain"), 0);
        if (stop) {
            engine_control(f->engine, ROOT_ID, "stop", &somebody, answered, f);
            assert_int_equal(answer(f), 0);
        } else {
            assert_int_equal(control(f, OBJECT_HOST, "a", "activate"), 0);
        }
        set_failure(&fake.fail_open, 0);
        expect(f, OBJECT_HOST, "a", "state", stop ? "maintenance" : "up");
        g_usleep(5 * G_USEC_PER_SEC / 2);
        expect(f, OBJECT_VM, "one", "host", "a");
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        TEST(what_is_too_many_goes),
        TEST(a_new_template_is_followed),
        TEST(what_is_wanted_again_is_kept),
        TEST(what_could_not_be_destroyed_is_kept),
        TEST(what_may_be_destroyed_yet_is_made_anew),
        TEST(guests_are_asked_again),
        TEST(what_somebody_removed_is_made_again),
        TEST(what_leaves_waits_for_its_host),
        TEST(what_was_not_switched_off_is_missed),
        TEST(power_is_followed_later),
        TEST(power_is_followed_once),
        TEST(power_that_is_refused_ends),
        TEST(a_drain_waits_for_its_host),
        TEST(a_drain_that_waits_is_ended),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
