/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Trying again: VMs that stopped by themselves, and members of services whose jobs failed. Each
 * time in a row the rest before it doubles, so that a loop of crashes costs the host next to
 * nothing; a VM that has stayed up for a while starts from the beginning.
 */
#include <string.h>

#include "core/reconcile/internal.h"

enum {
    FIRST_REST_MS = 2000, /* long enough for a person to see that it had stopped */
    LAST_REST_MS = 60000,
    STABLE_MS = 60000, /* ran for so long: the next death is the first again */
};

#define AGAIN "; tried again in "

bool vm_wants_to_run(const struct object *vm)
{
    return vm->vm.managed && vm->vm.power && vm->spec && vm->spec->vm.restart == RESTART_ALWAYS;
}

bool vm_is_dead(const struct object *vm)
{
    return vm->vm.domain == DOMAIN_SHUTOFF || vm->vm.domain == DOMAIN_CRASHED;
}

static void set_restarts(struct engine *engine, struct object *vm, unsigned restarts)
    REQUIRES(model)
{
    vm->vm.restarts = restarts;
    cloud_refresh_state(engine->cloud, vm);
    if (vm->vm.service)
        service_nudge(engine, vm->vm.service);
}

/* It has stayed up. */
static void calmed(struct engine *engine, void *data) REQUIRES(model)
{
    struct object *vm = cloud_by_id(engine->cloud, *(uint64_t *)data);

    if (!vm || vm->kind != OBJECT_VM)
        return;
    vm_work(vm)->calm_timer = 0;
    if (vm->vm.phase != VM_ACTIVE || vm_is_dead(vm))
        return;
    if (vm->vm.restarts >= CRASH_LOOP)
        cloud_set_error(engine->cloud, vm, 0, NULL);
    set_restarts(engine, vm, 0);
}

/* Somebody else has started it: nothing is tried again, unless a change or its end failed. */
static void drop_again(struct engine *engine, struct object *vm) REQUIRES(model)
{
    if (vm->error && strstr(vm->error, AGAIN) && !vm_work(vm)->refused && !vm_work(vm)->kept)
        cloud_set_error(engine->cloud, vm, 0, NULL);
}

void vm_came_up(struct engine *engine, struct object *vm)
{
    struct vm_work *work;

    health_reset(vm);
    if (!vm->vm.managed)
        return;
    drop_again(engine, vm);
    work = vm_work(vm);
    work->started = g_get_monotonic_time();
    timer_stop(engine, &work->calm_timer);
    if (vm->vm.restarts > 0)
        work->calm_timer =
            timer_start(engine, STABLE_MS, calmed, g_memdup2(&vm->id, sizeof vm->id), g_free);
}

void vm_rested(struct engine *engine, struct object *vm)
{
    timer_stop(engine, &vm_work(vm)->restart_timer);
    vm_work(vm)->kept = false;
    g_clear_pointer(&vm_work(vm)->refused, g_free);
    set_restarts(engine, vm, 0);
}

static void start_again(struct engine *engine, struct object *vm) REQUIRES(model)
{
    if (vm->vm.phase == VM_ACTIVE && vm_is_dead(vm)) {
        cloud_event(engine->cloud, vm, NULL, "started again (restart = always)");
        vm_power(engine, vm, VERB_START, false);
    } else if (vm->vm.phase == VM_ACTIVE && vm->vm.health == HEALTH_BAD) {
        cloud_event(engine->cloud, vm, NULL, "restarted, being unhealthy (restart = always)");
        vm_power(engine, vm, VERB_START, true);
    } else if (vm->vm.phase == VM_FAILED && vm->vm.uuid[0]) {
        cloud_event(engine->cloud, vm, NULL, "made again (restart = always)");
        vm_create(engine, vm);
    }
}

static void rest_is_over(struct engine *engine, void *data) REQUIRES(model)
{
    struct object *vm = cloud_by_id(engine->cloud, *(uint64_t *)data);

    if (!vm || vm->kind != OBJECT_VM)
        return;
    vm_work(vm)->restart_timer = 0;
    vm_work(vm)->kept = false;
    g_clear_pointer(&vm_work(vm)->refused, g_free);
    if (vm->vm.service)
        service_nudge(engine, vm->vm.service);
    if (vm_glance(vm)->busy)
        return;
    if (vm_is_wanted_again(vm) && host_is_up(vm->vm.host))
        host_look(engine, vm->vm.host, vm->vm.uuid);
    else if (vm->vm.phase == VM_DESTROYING && host_is_up(vm->vm.host))
        vm_destroy(engine, vm);
    else if (!vm_wants_to_run(vm))
        return;
    else if (host_is_up(vm->vm.host))
        start_again(engine, vm);
    else if (vm->vm.service && vm->vm.phase == VM_FAILED && !vm->vm.host)
        vm_begin(engine, vm, vm->spec_text, vm->spec);
}

/* Returns how long the rest is, in seconds; 0 if one was begun before. */
static unsigned rest(struct engine *engine, struct object *vm) REQUIRES(model)
{
    struct vm_work *work = vm_work(vm);
    int64_t lived = work->started ? g_get_monotonic_time() - work->started : 0;
    unsigned delay;

    if (work->restart_timer)
        return 0;
    timer_stop(engine, &work->calm_timer);
    work->started = 0;
    if (lived > STABLE_MS * (G_USEC_PER_SEC / 1000))
        vm->vm.restarts = 0;
    delay = MIN(FIRST_REST_MS << MIN(vm->vm.restarts, 6), LAST_REST_MS);
    work->restart_timer =
        timer_start(engine, delay, rest_is_over, g_memdup2(&vm->id, sizeof vm->id), g_free);
    set_restarts(engine, vm, vm->vm.restarts + 1);
    return delay / 1000;
}

void vm_restart_later(struct engine *engine, struct object *vm)
{
    unsigned seconds = rest(engine, vm);
    g_autofree char *sentence = NULL;

    if (seconds == 0 || vm->vm.restarts < CRASH_LOOP)
        return;
    sentence = g_strdup_printf("it stopped by itself %u times in a row, less than %u s after its "
                               "start; it is started again in %u s",
                               vm->vm.restarts, STABLE_MS / 1000, seconds);
    cloud_set_error(engine->cloud, vm, EIO, sentence);
    cloud_event(engine->cloud, vm, NULL, "in a crash loop: %s", sentence);
    engine_touch(engine, vm);
}

void vm_cure_later(struct engine *engine, struct object *vm)
{
    if (vm_wants_to_run(vm))
        rest(engine, vm);
}

void vm_retry_later(struct engine *engine, struct object *vm)
{
    unsigned seconds = rest(engine, vm);
    const char *why = vm->error ? vm->error : "it failed";
    const char *end = strstr(why, AGAIN); /* as it was told before */
    g_autofree char *sentence = NULL;

    if (seconds == 0)
        return;
    sentence = g_strdup_printf("%.*s" AGAIN "%u s", end ? (int)(end - why) : (int)strlen(why), why,
                               seconds);
    cloud_set_error(engine->cloud, vm, vm->error_code, sentence);
    engine_touch(engine, vm);
}

/* It has stopped, or somebody else has removed its domain. */
static bool is_missed(const struct object *vm) REQUIRES_SHARED(model)
{
    return host_is_up(vm->vm.host) &&
           (vm->vm.phase == VM_FAILED || (vm->vm.phase == VM_ACTIVE && vm_is_dead(vm)));
}

void vm_revive(struct engine *engine, struct object *vm)
{
    if (vm_glance(vm)->busy || vm_glance(vm)->restart_timer || !vm_wants_to_run(vm))
        return;
    if (is_missed(vm))
        vm_restart_later(engine, vm);
    else if (vm->vm.phase == VM_FAILED && !vm->vm.host && vm->vm.service)
        vm_retry_later(engine, vm);
}
