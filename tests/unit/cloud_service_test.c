/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Services: their state and their scores are what their members make of them. */
#include "tests/unit/cloud_fixture.h"

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

int main(void)
{
    const struct CMUnitTest tests[] = {
        TEST(a_service_counts_its_members),
        TEST(a_service_is_what_its_members_are),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
