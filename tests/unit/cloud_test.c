/* SPDX-License-Identifier: GPL-2.0-or-later */
/* The model: names, relations, times, states, scores, events. */
#include "tests/unit/cloud_fixture.h"

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
    const struct actor actor = {.uid = 1, .gid = 2, .pid = 3, .user = true};
    const struct actor unseen = {.uid = 1, .gid = 2, .user = true};
    const GString *text;
    int64_t time;
    g_autoptr(GPtrArray) fresh = NULL;
    unsigned lines = 0;

    cloud_event(f->cloud, NULL, &actor, "two\nlines");
    text = cloud_events_text(f->cloud, &time);
    assert_non_null(strstr(text->str, " cloud two?lines uid=1 pid=3\n"));
    cloud_event(f->cloud, NULL, &unseen, "three");
    assert_non_null(strstr(cloud_events_text(f->cloud, &time)->str, " cloud three uid=1 pid=0\n"));
    for (int i = 0; i < 3 * EVENTS_KEEP; i++)
        cloud_event(f->cloud, NULL, NULL, "event %d", i);
    text = cloud_events_text(f->cloud, &time);
    for (const char *c = text->str; *c; c++)
        lines += *c == '\n';
    assert_in_range(lines, EVENTS_KEEP, 2 * EVENTS_KEEP);
    fresh = cloud_take_events(f->cloud);
    assert_int_equal(fresh->len, 3 * EVENTS_KEEP + 2);
    for (unsigned i = 0; i < fresh->len; i++) {
        struct event *event = fresh->pdata[i];

        assert_int_equal(event->seq, i + 1);
        g_free(event->text);
        g_free(event);
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        TEST(names_are_found_and_gone),
        TEST(its_watcher_hears_when_that_was_all),
        TEST(objects_are_in_the_order_of_ids),
        TEST(a_time_moves_only_with_its_content),
        TEST(now_never_repeats),
        TEST(shares_spec_texts),
        TEST(a_vm_follows_its_host),
        TEST(scores_are_the_formulas),
        TEST(events_stay_lines_and_bounded),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
