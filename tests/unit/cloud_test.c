/* SPDX-License-Identifier: GPL-2.0-or-later */
/* The model: names, relations, times, states, scores, events. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>
#include <string.h>

#include "core/cloud/cloud.h"

struct fixture {
    struct conf conf;
    struct cloud *cloud;
    unsigned told[CHANGE_OVER + 1];
};

static void count(void *ctx, enum change what, const struct object *object, enum facet facet,
                  const struct object *other)
{
    struct fixture *f = ctx;

    (void)object;
    (void)facet;
    (void)other;
    f->told[what]++;
}

static int set_up(void **state) ACQUIRES(model) UNCHECKED_LOCKING
{
    struct fixture *f = g_new0(struct fixture, 1);

    f->conf.virtualization = g_hash_table_new_full(g_str_hash, g_str_equal, g_free, g_free);
    f->cloud = cloud_new(&f->conf);
    cloud_watch(f->cloud, count, f);
    cloud_write_lock(f->cloud);
    *state = f;
    return 0;
}

static int tear_down(void **state) UNCHECKED_LOCKING
{
    struct fixture *f = *state;

    cloud_write_unlock(f->cloud);
    cloud_free(f->cloud);
    g_hash_table_destroy(f->conf.virtualization);
    g_free(f);
    return 0;
}

static struct object *add(struct fixture *f, enum object_kind kind, uint64_t id, const char *name,
                          const char *text) REQUIRES(model)
{
    struct object *object = cloud_add(f->cloud, kind, id, name, 0, 0, 0755);
    enum spec_kind spec_kind = kind == OBJECT_HOST ? SPEC_HOST
                               : kind == OBJECT_VM ? SPEC_VM
                                                   : SPEC_SERVICE;
    Spec *spec = spec_parse(spec_kind, text, strlen(text), NULL);

    assert_non_null(spec);
    cloud_set_spec(f->cloud, object, g_strdup(text), spec);
    return object;
}

static struct object *add_host(struct fixture *f, uint64_t id, const char *name) REQUIRES(model)
{
    struct object *host =
        add(f, OBJECT_HOST, id, name, "uri = test:///default\nmaintenance_cost = 50\n");

    host->host.phase = HOST_UP;
    host->host.known = true;
    host->host.cpus = 10;
    host->host.memory = G_GUINT64_CONSTANT(1) << 34;
    host->host.types = g_strsplit("test", " ", -1);
    host->host.networks = g_strsplit("none", " ", -1);
    cloud_refresh_state(f->cloud, host);
    return host;
}

static void names_are_found_and_gone(void **state) REQUIRES(model)
{
    struct fixture *f = *state;
    struct object *vm;

    assert_null(cloud_find(f->cloud, OBJECT_VM, "web1"));
    assert_null(cloud_by_id(f->cloud, 20));
    vm = add(f, OBJECT_VM, 20, "web1", "cpus = 1\n");
    assert_ptr_equal(cloud_find(f->cloud, OBJECT_VM, "web1"), vm);
    assert_ptr_equal(cloud_by_id(f->cloud, 20), vm);
    assert_null(cloud_find(f->cloud, OBJECT_HOST, "web1"));
    cloud_rename(f->cloud, vm, "web2");
    assert_null(cloud_find(f->cloud, OBJECT_VM, "web1"));
    assert_ptr_equal(cloud_find(f->cloud, OBJECT_VM, "web2"), vm);

    object_ref(vm);
    cloud_remove(f->cloud, vm);
    assert_null(cloud_find(f->cloud, OBJECT_VM, "web2"));
    assert_false(object_alive(vm));
    object_unref(vm);
    assert_int_equal(f->told[CHANGE_ADDED], 2);
    assert_int_equal(f->told[CHANGE_REMOVED], 2);
}

static void its_watcher_hears_when_that_was_all(void **state) REQUIRES(model)
{
    struct fixture *f = *state;

    add(f, OBJECT_VM, 20, "web1", "cpus = 1\n");
    assert_int_equal(f->told[CHANGE_OVER], 0);
    cloud_yield(f->cloud);
    assert_int_equal(f->told[CHANGE_OVER], 1);
    cloud_yield(f->cloud);
    assert_int_equal(f->told[CHANGE_OVER], 1);
}

static void objects_are_in_the_order_of_ids(void **state) REQUIRES(model)
{
    struct fixture *f = *state;
    static const uint64_t ids[] = {40, 20, 30};
    const GPtrArray *all;

    for (size_t i = 0; i < G_N_ELEMENTS(ids); i++) {
        g_autofree char *name = g_strdup_printf("n%d", (int)i);

        add(f, OBJECT_VM, ids[i], name, "cpus = 1\n");
    }
    all = cloud_objects(f->cloud, OBJECT_VM);
    assert_int_equal(all->len, 3);
    assert_int_equal(objects_after(all, 0), 0);
    assert_int_equal(objects_after(all, 20), 1);
    assert_int_equal(objects_after(all, 25), 1);
    assert_int_equal(objects_after(all, 40), 3);
}

static void a_time_moves_only_with_its_content(void **state) REQUIRES(model)
{
    struct fixture *f = *state;
    struct object *vm = add(f, OBJECT_VM, 20, "web1", "cpus = 1\n");
    int64_t error = vm->times[FACET_ERROR], spec = vm->times[FACET_SPEC];

    cloud_set_error(f->cloud, vm, 0, NULL);
    assert_int_equal(vm->times[FACET_ERROR], error);
    cloud_set_error(f->cloud, vm, EINVAL, "wrong");
    assert_true(vm->times[FACET_ERROR] > error);
    assert_int_equal(vm->times[FACET_SPEC], spec);

    /* What is being applied is what readers see; its acceptance changes nothing for them. */
    cloud_set_next(f->cloud, vm, g_strdup("cpus = 2\n"),
                   spec_parse(SPEC_VM, "cpus = 2\n", 9, NULL));
    assert_true(vm->times[FACET_SPEC] > spec);
    spec = vm->times[FACET_SPEC];
    cloud_accept_next(vm);
    assert_int_equal(vm->times[FACET_SPEC], spec);
    assert_string_equal(vm->spec_text, "cpus = 2\n");
    assert_int_equal(vm->spec->vm.cpus, 2);
    assert_null(vm->next);
}

/* What goes in comes out, whether it gets shorter or not; the same text is the same. */
/* In a database it stays what it was, or is known to be damaged. */
static void check_kept(const struct packed *packed, const char *text)
{
    g_autofree char *word = packed_write(packed);
    g_autofree struct packed *read = packed_read(word);
    g_autofree char *back = packed_text(read);

    assert_string_equal(back, text);
    for (size_t i = 0; word[i] && word[i] != '='; i++) {
        char before = word[i];

        word[i] = before == 'A' ? 'z' : 'A';
        if (word[i + 1] != '=') /* the last one's lowest bits say nothing */
            assert_null(packed_read(word));
        word[i] = '\0';
        assert_null(packed_read(word));
        word[i] = before;
    }
}

static void packs_texts(void **state)
{
    static const char *const texts[] = {
        "",
        "x",
        "<domain type='test' id='1'>\n  <name>a</name>\n",
        "\x01\xff\xfe~!@ no XML",
    };
    g_autofree char *large = g_strnfill(70000, 'a');

    (void)state;
    assert_null(packed_new(NULL));
    assert_null(packed_write(NULL));
    assert_null(packed_read(NULL));
    assert_null(packed_read(""));
    assert_null(packed_read("no packed text"));
    assert_null(packed_text(NULL));
    assert_int_equal(packed_length(NULL), 0);
    for (size_t i = 0; i <= G_N_ELEMENTS(texts); i++) {
        const char *text = i < G_N_ELEMENTS(texts) ? texts[i] : large;
        g_autofree struct packed *one = packed_new(text), *same = packed_new(text);
        g_autofree struct packed *other = packed_new("other");
        g_autofree char *back = packed_text(one);

        assert_string_equal(back, text);
        assert_int_equal(packed_length(one), strlen(text));
        assert_true(packed_equal(one, same));
        assert_false(packed_equal(one, other));
        assert_false(packed_equal(one, NULL));
        check_kept(one, text);
    }
}

static void shares_spec_texts(void **state) REQUIRES(model)
{
    struct fixture *f = *state;
    struct object *one = cloud_add(f->cloud, OBJECT_VM, 120, "one", 0, 0, 0755);
    struct object *two = cloud_add(f->cloud, OBJECT_VM, 121, "two", 0, 0, 0755);

    cloud_set_spec(f->cloud, one, g_strdup("cpus = 3\n"),
                   spec_parse_shared(SPEC_VM, "cpus = 3\n", false, NULL));
    cloud_set_spec(f->cloud, two, g_strdup("cpus = 3\n"),
                   spec_parse_shared(SPEC_VM, "cpus = 3\n", false, NULL));
    assert_ptr_equal(one->spec_text, two->spec_text);
    cloud_set_spec(f->cloud, one, g_strdup("cpus = 4\n"),
                   spec_parse(SPEC_VM, "cpus = 4\n", 9, NULL));
    assert_string_equal(one->spec_text, "cpus = 4\n");
    assert_string_equal(two->spec_text, "cpus = 3\n");
    cloud_set_next(f->cloud, two, g_strdup("cpus = 5\n"),
                   spec_parse_shared(SPEC_VM, "cpus = 5\n", false, NULL));
    cloud_accept_next(two);
    assert_string_equal(two->spec_text, "cpus = 5\n");
}

static void now_never_repeats(void **state)
{
    int64_t last = cloud_now();

    (void)state;
    for (int i = 0; i < 1000; i++) {
        int64_t now = cloud_now();

        assert_true(now > last);
        last = now;
    }
}

static void a_vm_follows_its_host(void **state) REQUIRES(model)
{
    struct fixture *f = *state;
    struct object *host = add_host(f, 20, "h1"), *other = add_host(f, 21, "h2");
    struct object *vm = add(f, OBJECT_VM, 30, "web1", "cpus = 4\n");

    assert_string_equal(vm->state, "draft");
    vm->vm.phase = VM_ACTIVE;
    vm->vm.domain = DOMAIN_RUNNING;
    cloud_set_host(f->cloud, vm, host);
    cloud_refresh_state(f->cloud, vm);
    assert_string_equal(vm->state, "running");
    assert_int_equal(host->host.vms->len, 1);

    host->host.phase = HOST_DOWN;
    cloud_refresh_state(f->cloud, host);
    assert_string_equal(host->state, "down");
    assert_string_equal(vm->state, "unknown");

    cloud_set_host(f->cloud, vm, other);
    cloud_refresh_state(f->cloud, vm);
    assert_string_equal(vm->state, "running");
    assert_int_equal(host->host.vms->len, 0);
    assert_int_equal(other->host.vms->len, 1);
    cloud_remove(f->cloud, other);
    assert_null(vm->vm.host);
}

static void a_service_counts_its_members(void **state) REQUIRES(model)
{
    struct fixture *f = *state;
    struct object *host = add_host(f, 20, "h1");
    struct object *service =
        add(f, OBJECT_SERVICE, 21, "web",
            "replicas = 2\ndemand = 10\ncost = 100\n[vm]\ncpus = 4\nusage = 0.6\n");
    struct service_score score;

    cloud_refresh_state(f->cloud, service);
    assert_string_equal(service->state, "pending");
    for (uint64_t i = 0; i < 2; i++) {
        g_autofree char *name = g_strdup_printf("web-%d", (int)i);
        struct object *vm = add(f, OBJECT_VM, 30 + i, name, "cpus = 4\nusage = 0.6\n");

        cloud_set_service(f->cloud, vm, service);
        cloud_set_host(f->cloud, vm, host);
        vm->vm.phase = VM_ACTIVE;
        cloud_set_type(vm, "test");
        vm->vm.domain = DOMAIN_RUNNING;
        cloud_refresh_state(f->cloud, vm);
        assert_string_equal(service->state, i == 0 ? "degraded" : "ready");
    }
    cloud_service_score(f->cloud, service, &score);
    assert_float_equal(score.performance, 2 * 4 / 0.6, 1e-9);
    assert_float_equal(score.schedule, 10 * 2 / 100.0, 1e-9);
    assert_float_equal(score.running, 2, 0);
}

/* The word by the rule, counted anew. */
static const char *word_of_members(const struct object *service) REQUIRES_SHARED(model)
{
    const GPtrArray *members = service->service.members;
    unsigned ready = 0, failed = 0, outdated = 0;

    for (unsigned i = 0; i < members->len; i++) {
        const struct object *vm = members->pdata[i];

        ready += cloud_vm_ready(vm);
        failed += vm->vm.phase == VM_FAILED;
        outdated += vm->vm.outdated;
    }
    if (ready >= service->spec->service.replicas && outdated == 0)
        return "ready";
    if (ready > 0)
        return "degraded";
    return failed > 0 && failed == members->len ? "failed" : "pending";
}

/* One thing of VM, or of what it belongs to, at random. */
static void change_something(struct fixture *f, struct object *vm, struct object *host,
                             struct object *service) REQUIRES(model)
{
    static const char *const specs[] = {"cpus = 1\n", "cpus = 1\nhealth = tcp 80\n"};
    const char *text = specs[g_random_int_range(0, 2)];

    switch (g_random_int_range(0, 9)) {
    case 0:
        vm->vm.phase = g_random_int_range(0, 4)
                           ? VM_ACTIVE
                           : (enum vm_phase)g_random_int_range(VM_DRAFT, VM_DESTROYING + 1);
        break;
    case 1:
        vm->vm.phase = VM_FAILED;
        break;
    case 2:
        vm->vm.domain = g_random_int_range(0, 4) ? DOMAIN_RUNNING : DOMAIN_SHUTOFF;
        break;
    case 3:
        vm->vm.health = g_random_int_range(0, 2) ? HEALTH_GOOD : HEALTH_BAD;
        break;
    case 4:
        vm->vm.restarts = g_random_int_range(0, 4) ? 0 : CRASH_LOOP;
        break;
    case 5:
        cloud_set_outdated(vm, g_random_int_range(0, 4) == 0);
        break;
    case 6:
        cloud_set_spec(f->cloud, vm, g_strdup(text), spec_parse(SPEC_VM, text, strlen(text), NULL));
        break;
    case 7:
        cloud_set_host(f->cloud, vm, g_random_int_range(0, 4) ? host : NULL);
        break;
    case 8:
        cloud_set_service(f->cloud, vm, g_random_int_range(0, 4) ? service : NULL);
        break;
    }
    cloud_refresh_state(f->cloud, vm);
}

static void a_service_is_what_its_members_are(void **state) REQUIRES(model)
{
    enum { MEMBERS = 3, CHANGES = 20000 };
    struct fixture *f = *state;
    struct object *host = add_host(f, 20, "h1"), *vms[MEMBERS];
    struct object *service = add(f, OBJECT_SERVICE, 21, "web", "replicas = 2\n[vm]\ncpus = 1\n");
    g_autoptr(GHashTable) seen = g_hash_table_new(g_str_hash, g_str_equal);

    g_random_set_seed(1);
    for (uint64_t i = 0; i < MEMBERS; i++) {
        g_autofree char *name = g_strdup_printf("web-%d", (int)i);

        vms[i] = add(f, OBJECT_VM, 30 + i, name, "cpus = 1\n");
        vms[i]->vm.phase = VM_ACTIVE;
    }
    for (int i = 0; i < CHANGES; i++) {
        if (g_random_int_range(0, 20) == 0) {
            host->host.phase = g_random_int_range(0, 4) ? HOST_UP : HOST_DOWN;
            cloud_refresh_state(f->cloud, host);
        }
        change_something(f, vms[g_random_int_range(0, MEMBERS)], host, service);
        cloud_refresh_state(f->cloud, service); /* one that left does not */
        assert_string_equal(service->state, word_of_members(service));
        g_hash_table_add(seen, (char *)service->state);
    }
    assert_int_equal(g_hash_table_size(seen), 4);
}

static void scores_are_the_formulas(void **state) REQUIRES(model)
{
    struct fixture *f = *state;
    struct object *host = add_host(f, 20, "h1");
    struct object *vm = add(f, OBJECT_VM, 30, "web1", "cpus = 4\nusage = 0.6\n");
    struct host_score host_score;
    struct vm_score score;

    cloud_set_type(vm, "test");
    cloud_set_host(f->cloud, vm, host);
    cloud_vm_score(f->cloud, vm, &score);
    assert_float_equal(score.performance, 6.666667, 1e-6);
    vm->vm.usage.usage = 0.3;
    cloud_vm_score(f->cloud, vm, &score);
    assert_float_equal(score.performance, 4 / 0.3, 1e-9);

    host->since = -1;
    host->available = 86400 * G_GINT64_CONSTANT(1000000000);
    cloud_host_score(f->cloud, host, &host_score);
    assert_float_equal(host_score.management, 17280, 1e-9);
}

static void events_stay_lines_and_bounded(void **state) REQUIRES(model)
{
    struct fixture *f = *state;
    const struct actor actor = {.uid = 1, .gid = 2, .pid = 3};
    const GString *text;
    int64_t time;
    g_autoptr(GPtrArray) fresh = NULL;
    unsigned lines = 0;

    cloud_event(f->cloud, NULL, &actor, "two\nlines");
    text = cloud_events_text(f->cloud, &time);
    assert_non_null(strstr(text->str, " cloud two?lines uid=1 pid=3\n"));
    for (int i = 0; i < 3 * EVENTS_KEEP; i++)
        cloud_event(f->cloud, NULL, NULL, "event %d", i);
    text = cloud_events_text(f->cloud, &time);
    for (const char *c = text->str; *c; c++)
        lines += *c == '\n';
    assert_in_range(lines, EVENTS_KEEP, 2 * EVENTS_KEEP);
    fresh = cloud_take_events(f->cloud);
    assert_int_equal(fresh->len, 3 * EVENTS_KEEP + 1);
    for (unsigned i = 0; i < fresh->len; i++) {
        struct event *event = fresh->pdata[i];

        assert_int_equal(event->seq, i + 1);
        g_free(event->text);
        g_free(event);
    }
}

#define TEST(name) cmocka_unit_test_setup_teardown(name, set_up, tear_down)

int main(void)
{
    const struct CMUnitTest tests[] = {
        TEST(names_are_found_and_gone),
        TEST(its_watcher_hears_when_that_was_all),
        TEST(objects_are_in_the_order_of_ids),
        TEST(a_time_moves_only_with_its_content),
        TEST(now_never_repeats),
        TEST(packs_texts),
        TEST(shares_spec_texts),
        TEST(a_vm_follows_its_host),
        TEST(a_service_counts_its_members),
        TEST(a_service_is_what_its_members_are),
        TEST(scores_are_the_formulas),
        TEST(events_stay_lines_and_bounded),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
