/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * VMs that move to another host.
 *
 * The room there is reserved, and "moving to" is on the disk, before the hypervisor is asked; the
 * VM is busy from then on until it is known where it is. A hypervisor may go on with a move that
 * was begun by a cloudfs that is no more, or over a connection that broke: then nothing is begun
 * again, but asked what became of it, as soon as one of the two hosts answers.
 */
#include <string.h>

#include "core/failpoint.h"
#include "core/reconcile/vmtask.h"

enum {
    LEAST_SECONDS = 600,       /* what any move may take */
    BYTES_A_SECOND = 16 << 20, /* slower than this, and it will not end */
    ASK_AGAIN_MS = 2000,
};

/* What a moving VM holds on the other host is reserved under a number of its own. */
static uint64_t hold_id(const struct object *vm)
{
    return vm->id | (uint64_t)1 << 63;
}

static void hold(struct engine *engine, struct object *vm) REQUIRES(model)
{
    const Spec *spec = vm->next ? vm->next : vm->spec;
    const char *types[] = {vm->vm.type, NULL};
    struct place_want want;

    if (!spec)
        return;
    want = cloud_want(vm, &spec->vm, types);
    place_take(cloud_place(engine->cloud), hold_id(vm), vm->vm.moving_to->id, &want);
    cloud_reserved(engine->cloud, vm->vm.moving_to);
}

static void set_target(struct object *vm, struct object *host) REQUIRES(model)
{
    if (vm->vm.moving_to)
        vm->vm.moving_to->host.incoming--;
    if (host)
        host->host.incoming++;
    vm->vm.moving_to = host;
    vm->vm.moves_off = host && vm->vm.domain == DOMAIN_SHUTOFF;
}

/* ---- whether it may */

/* What the refusal of a filter is for who asks for this very host. */
static int class_of(const char *filter, const struct object *host) REQUIRES_SHARED(model)
{
    static const struct {
        const char *filter;
        int err;
    } classes[] = {
        {"virtualization", EOPNOTSUPP},
        {"network",        EOPNOTSUPP},
        {"cpus",           ENOSPC    },
        {"memory",         ENOSPC    },
        {"zone",           EPERM     },
        {"labels",         EPERM     },
        {"host",           EPERM     },
    };

    if (strcmp(filter, "up") == 0)
        return host_is_up(host) ? EBUSY : EHOSTDOWN; /* up: it is in maintenance */
    for (size_t i = 0; i < G_N_ELEMENTS(classes); i++)
        if (strcmp(classes[i].filter, filter) == 0)
            return classes[i].err;
    return EBUSY; /* the others of its group, its service */
}

static bool filters_pass(struct engine *engine, struct object *vm, struct object *host,
                         struct place_choice *choice, GError **error) REQUIRES(model)
{
    const char *types[] = {vm->vm.type, NULL}, *filter = NULL;
    struct place_want want = cloud_want(vm, &vm->spec->vm, types);
    g_autofree char *why = NULL;

    if (place_judge(cloud_place(engine->cloud), &want, host->id, choice, &filter, &why))
        return true;
    fail(error, class_of(filter, host), "host %s does not take %s: %s: %s", host->name, vm->name,
         filter, why);
    return false;
}

bool vm_may_move(struct engine *engine, struct object *vm, struct object *host,
                 struct place_choice *choice, GError **error)
{
    bool running = domain_is_active(vm->vm.domain);

    if (!vm->vm.managed)
        fail(error, EPERM, "%s was not made by cloudfs: write its spec to adopt it first",
             vm->name);
    else if (!vm->spec || vm->next || vm_glance(vm)->busy)
        fail(error, EBUSY, "a job of %s is under way", vm->name);
    else if (vm_glance(vm)->tidied > 0 || leftover_is_noted(host, vm->vm.uuid))
        fail(error, EBUSY, "what an interrupted move of %s has left is being removed: try again",
             vm->name);
    else
        return filters_pass(engine, vm, host, choice, error) &&
               engine->virt->can_move(host_link_virt(host_work(vm->vm.host)->link),
                                      host_link_virt(host_work(host)->link), &vm->spec->vm,
                                      vm->vm.type, running, error);
    return false;
}

/* ---- the job */

static unsigned deadline_ms(const struct object *vm) REQUIRES_SHARED(model)
{
    uint64_t bytes = vm->spec->vm.memory + vm->spec->vm.disk;

    return (unsigned)MIN(LEAST_SECONDS + bytes / BYTES_A_SECOND, 24 * 3600) * 1000;
}

static void run_abort(struct task *task, const struct virt_ops *ops, struct virt *virt,
                      GError **error)
{
    ops->abort(virt, task->uuid, error);
}

static void done_abort(struct engine *engine, struct task *task, const GError *error)
    REQUIRES(model)
{
    (void)engine;
    (void)task;
    (void)error; /* the move's own end tells */
}

static void overdue(struct engine *engine, void *data) REQUIRES(model)
{
    struct object *vm = cloud_by_id(engine->cloud, *(uint64_t *)data);
    struct task *task;

    if (!vm || vm->kind != OBJECT_VM || !vm->vm.moving_to)
        return;
    vm_work(vm)->move_timer = 0;
    if (!vm->vm.host || !host_work(vm->vm.host))
        return;
    cloud_event(engine->cloud, vm, NULL, "moving to %s takes too long: it is ended",
                vm->vm.moving_to->name);
    task = task_new(engine, vm->vm.host, vm->id);
    task->uuid = g_strdup(vm->vm.uuid);
    task->run = run_abort;
    task->done = done_abort;
    task->deadline_ms = ASK_AGAIN_MS;
    task_submit(engine, host_work(vm->vm.host)->look, task);
}

/* It was queued until now. */
static void started(struct engine *engine, void *data) REQUIRES(model)
{
    struct object *vm = cloud_by_id(engine->cloud, *(uint64_t *)data);

    if (!vm || vm->kind != OBJECT_VM || !vm->vm.moving_to || !vm->spec)
        return;
    timer_stop(engine, &vm_work(vm)->move_timer);
    vm_work(vm)->move_timer =
        timer_start(engine, deadline_ms(vm), overdue, g_memdup2(&vm->id, sizeof vm->id), g_free);
}

static struct virt_way way_of(const struct task *task)
{
    return (struct virt_way){
        .to = host_link_virt(task->to),
        .peer = task->peer,
        .data = task->data,
        .off = task->off,
    };
}

static void run_move(struct task *task, const struct virt_ops *ops, struct virt *virt,
                     GError **error)
{
    const struct virt_plan plan = task_plan(task);
    const struct virt_way way = way_of(task);

    mailbox_post(task->box, started, g_memdup2(&task->id, sizeof task->id), g_free);
    ops->migrate(virt, &plan, &way, &task->domain, error);
}

static void run_settle(struct task *task, const struct virt_ops *ops, struct virt *virt,
                       GError **error)
{
    const struct virt_plan plan = task_plan(task);
    const struct virt_way way = way_of(task);

    mailbox_post(task->box, started, g_memdup2(&task->id, sizeof task->id), g_free);
    ops->settle(virt, &plan, &way, &task->domain, error);
}

static void ask(struct engine *engine, struct object *vm) REQUIRES(model);

static void ask_again(struct engine *engine, void *data) REQUIRES(model)
{
    struct object *vm = cloud_by_id(engine->cloud, *(uint64_t *)data);

    if (!vm || vm->kind != OBJECT_VM || !vm->vm.moving_to)
        return;
    vm_work(vm)->move_timer = 0;
    ask(engine, vm);
}

/* Not known yet: nothing else may be done with it until it is. */
static void wait_and_see(struct engine *engine, struct object *vm, const GError *error)
    REQUIRES(model)
{
    cloud_set_error(engine->cloud, vm, error->code, error->message);
    vm_settled(engine, vm, error);
    vm_work(vm)->busy = true;
    vm_work(vm)->move_timer =
        timer_start(engine, ASK_AGAIN_MS, ask_again, g_memdup2(&vm->id, sizeof vm->id), g_free);
    rebalance_moved(engine, vm, error); /* its host may never be back: others go on */
}

static void arrive(struct engine *engine, struct object *vm, struct object *host,
                   const struct virt_domain *domain) REQUIRES(model)
{
    vm_work(vm)->other = 0;
    vm_work(vm)->moved = g_get_monotonic_time();
    cloud_set_host(engine->cloud, vm, host);
    cloud_set_error(engine->cloud, vm, 0, NULL);
    vm_seen(engine, vm, domain);
    cloud_event(engine->cloud, vm, NULL, "moved to %s", host->name);
}

/* HOST is where it is not. Who had to ask what became of the move, or got no answer from HOST, does
 * not know what is left there. */
static void note_leftover(struct engine *engine, struct object *vm, struct object *host,
                          bool settled) REQUIRES(model)
{
    if (settled || !host_is_up(host))
        leftover_note(engine, host, vm->vm.uuid);
}

static void done_move(struct engine *engine, struct task *task, const GError *error) REQUIRES(model)
{
    struct object *vm = vm_of_task(engine, task);
    struct object *host = vm ? vm->vm.moving_to : NULL;

    if (!host)
        return;
    vm_work(vm)->moving = false;
    timer_stop(engine, &vm_work(vm)->move_timer);
    if (error && (error->code == EHOSTDOWN || error->code == ETIMEDOUT)) {
        wait_and_see(engine, vm, error);
        return;
    }
    failpoint_reached("migrate.told");
    set_target(vm, NULL);
    place_give(cloud_place(engine->cloud), hold_id(vm));
    cloud_reserved(engine->cloud, host);
    engine->room_changed = true;
    if (error) {
        g_autofree char *doing = g_strdup_printf("moving to %s", host->name);

        vm_report(engine, vm, doing, error);
        note_leftover(engine, vm, host, task->run == run_settle);
    } else {
        struct object *left = vm->vm.host;

        arrive(engine, vm, host, task->domain);
        note_leftover(engine, vm, left, task->run == run_settle);
    }
    vm_settled(engine, vm, error);
    rebalance_moved(engine, vm, error);
    /* Events of meanwhile were left to this job. */
    if (error && host_is_up(vm->vm.host))
        host_look(engine, vm->vm.host, vm->vm.uuid);
    vm_reconcile(engine, vm);
}

static struct task *move_task(struct engine *engine, struct object *vm) REQUIRES(model)
{
    struct object *host = vm->vm.moving_to;
    struct task *task = vm_task(engine, vm);

    vm_task_plan(engine, task, vm, vm->spec, vm->spec_text);
    task->to = host_link_ref(host_work(host)->link);
    task->peer = g_strdup(host->spec->host.peer_uri);
    task->data = g_strdup(host->spec->host.migrate_uri);
    task->off = vm->vm.moves_off;
    task->done = done_move;
    vm_work(vm)->moving = true;
    return task;
}

void vm_move(struct engine *engine, struct object *vm, struct object *host,
             const struct place_choice *choice)
{
    struct task *task;

    set_target(vm, host);
    hold(engine, vm);
    cloud_event(engine->cloud, vm, NULL, "moves from %s to %s, S = %.6f", vm->vm.host->name,
                host->name, choice->schedule);
    engine_touch(engine, vm);
    task = move_task(engine, vm);
    task->run = run_move;
    task_submit(engine, host_work(vm->vm.host)->move, task);
    failpoint_reached("migrate.accepted");
}

/* ---- what became of it */

static void ask(struct engine *engine, struct object *vm)
{
    struct object *from = vm->vm.host, *to = vm->vm.moving_to;
    struct task *task;

    if (!from || !vm->spec || !host_work(from) || !host_work(to) ||
        (!host_is_up(from) && !host_is_up(to)))
        return;
    /* One that may answer in a moment may have something to tidy up. */
    if (from->host.phase == HOST_CONNECTING || to->host.phase == HOST_CONNECTING)
        return;
    timer_stop(engine, &vm_work(vm)->move_timer);
    task = move_task(engine, vm);
    task->run = run_settle;
    task_submit(engine, host_work(from)->move, task);
}

void vm_move_resume(struct engine *engine, struct object *vm)
{
    hold(engine, vm);
    vm_work(vm)->busy = true;
}

void vm_moves_settle(struct engine *engine, struct object *host)
{
    const GPtrArray *all = cloud_objects(engine->cloud, OBJECT_VM);
    const GPtrArray *vms = host->host.incoming > 0 ? all : host->host.vms;

    for (unsigned i = 0; i < vms->len; i++) {
        struct object *vm = vms->pdata[i];

        if (vm->vm.moving_to && (vm->vm.host == host || vm->vm.moving_to == host) &&
            !vm_glance(vm)->moving)
            ask(engine, vm);
    }
}
