/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Sampling: from the hypervisor's counters to R, smoothed. */
#include "core/reconcile/internal.h"
#include "core/score/score.h"

enum {
    SAMPLE_DEADLINE_MS = 20000,
    SMOOTHING_SAMPLES = 3, /* tau, in sampling intervals */
};

static double seconds_since(int64_t then, int64_t now)
{
    return (double)(now - then) / G_USEC_PER_SEC;
}

/* CPU seconds used since the last sample; -1 where a counter is unknown or began anew. */
static double used_since(double before, double now)
{
    return before >= 0 && now >= before ? now - before : -1;
}

static void take_usage(struct engine *engine, struct usage *usage, const struct virt_sample *sample,
                       int64_t now)
{
    double elapsed = usage->at ? seconds_since(usage->at, now) : 0;
    double cpu = elapsed > 0 ? used_since(usage->cpu_seconds, sample->cpu_seconds) : -1;
    double r = score_usage(cpu, elapsed, sample->cpus, sample->memory_used, sample->memory_max);

    usage->cpu = score_usage(cpu, elapsed, sample->cpus, -1, 1);
    usage->memory = score_usage(-1, 1, 1, sample->memory_used, sample->memory_max);
    usage->cpu_seconds = sample->cpu_seconds;
    usage->memory_used = sample->memory_used;
    usage->memory_max = sample->memory_max;
    if (sample->read_bytes >= 0) { /* not in every sample */
        usage->read_bytes = sample->read_bytes;
        usage->written_bytes = sample->written_bytes;
    }
    usage->received_bytes = sample->received_bytes;
    usage->sent_bytes = sample->sent_bytes;
    usage->at = now;
    if (r >= 0)
        usage->usage =
            score_smooth(usage->usage, r, elapsed, engine->conf->sample * SMOOTHING_SAMPLES);
}

static void take_load(struct object *host, const struct virt_load *load, int64_t now)
    REQUIRES(model)
{
    struct usage *usage = &host->host.load;
    double elapsed = usage->at ? seconds_since(usage->at, now) : 0;
    double cpu = elapsed > 0 ? used_since(usage->cpu_seconds, load->cpu_seconds) : -1;

    usage->cpu = score_usage(cpu, elapsed, host->host.cpus, -1, 1);
    usage->memory = score_usage(-1, 1, 1, load->memory_used, (double)host->host.memory);
    usage->cpu_seconds = load->cpu_seconds;
    usage->memory_used = load->memory_used;
    usage->memory_max = (double)host->host.memory;
    usage->at = now;
}

/* What VM is expected to use as long as too little is known of what it does use. */
static void add_new_vm(const struct object *vm, double horizon, struct place_load *load)
    REQUIRES_SHARED(model)
{
    const struct vm_spec *spec = vm->spec ? &vm->spec->vm : NULL;
    double age = vm->since >= 0 ? (double)(g_get_monotonic_time() * 1000 - vm->since) / 1e9 : 0;

    if (!spec || age > horizon || (vm->vm.phase == VM_ACTIVE && vm->since < 0))
        return;
    load->cpus += spec->cpus * spec->usage;
    load->memory += (double)spec->memory * spec->usage;
}

/* Forecasts the load of HOST and, if the configuration says so, has placement heed it. */
static void expect_load(struct engine *engine, struct object *host, int64_t now) REQUIRES(model)
{
    struct host_part *part = &host->host;
    double horizon = engine->conf->forecast, limit = engine->conf->forecast_limit;
    double at = (double)now / G_USEC_PER_SEC;
    struct place_load load = {
        .cpus_max = limit * part->cpus,
        .memory_max = limit * (double)part->memory,
    };
    uint64_t room = place_room(cloud_place(engine->cloud));

    if (part->load.cpu >= 0)
        forecast_add(part->cpu_forecast, at, part->load.cpu * part->cpus, horizon);
    if (part->load.memory >= 0)
        forecast_add(part->memory_forecast, at, part->load.memory_used, horizon);
    if (limit <= 0)
        return;
    load.cpus = MAX(0, forecast_value(part->cpu_forecast, horizon));
    load.cpus_error = MAX(0, forecast_error(part->cpu_forecast));
    load.memory = MAX(0, forecast_value(part->memory_forecast, horizon));
    load.memory_error = MAX(0, forecast_error(part->memory_forecast));
    for (unsigned i = 0; i < part->vms->len; i++)
        add_new_vm(part->vms->pdata[i], horizon, &load);
    place_set_load(cloud_place(engine->cloud), host->id, &load);
    if (place_room(cloud_place(engine->cloud)) != room &&
        (g_hash_table_size(engine->pending) > 0 ||
         cloud_objects(engine->cloud, OBJECT_PLAN)->len > 0))
        engine->room_changed = true;
}

/* Only what runs is sampled: a VM that is thought to run and was not has stopped unheard. */
static void look_for_missing(struct engine *engine, struct object *host, int64_t now)
    REQUIRES(model)
{
    for (unsigned i = 0; i < host->host.vms->len; i++) {
        struct object *vm = host->host.vms->pdata[i];

        if (vm->vm.phase == VM_ACTIVE && domain_is_active(vm->vm.domain) && vm->vm.usage.at != now)
            host_look(engine, host, vm->vm.uuid);
    }
}

static void run_sample(struct task *task, const struct virt_ops *ops, struct virt *virt,
                       GError **error)
{
    ops->sample(virt, false, &task->samples, &task->load, error);
}

static void run_sample_all(struct task *task, const struct virt_ops *ops, struct virt *virt,
                           GError **error)
{
    ops->sample(virt, true, &task->samples, &task->load, error);
}

static void done_sample(struct engine *engine, struct task *task, const GError *error)
    REQUIRES(model)
{
    struct object *host = cloud_by_id(engine->cloud, task->host);
    int64_t now = g_get_monotonic_time();

    if (!host || !host_work(host) || host_work(host)->link != task->link)
        return;
    host_work(host)->sampling = false;
    if (error)
        return;
    take_load(host, &task->load, now);
    for (unsigned i = 0; i < task->samples->len; i++) {
        const struct virt_sample *sample = &g_array_index(task->samples, struct virt_sample, i);
        struct object *vm = cloud_by_uuid(engine->cloud, sample->uuid);

        if (!vm || vm->vm.host != host)
            continue;
        take_usage(engine, &vm->vm.usage, sample, now);
        if (sample->state != vm->vm.domain)
            host_look(engine, host, sample->uuid);
    }
    expect_load(engine, host, now);
    look_for_missing(engine, host, now);
    cloud_sampled(engine->cloud, host);
}

void host_sample(struct engine *engine, struct object *host, bool disks)
{
    struct task *task = task_new(engine, host, host->id);

    task->run = disks ? run_sample_all : run_sample;
    task->done = done_sample;
    task->deadline_ms = SAMPLE_DEADLINE_MS;
    host_work(host)->sampling = true;
    task_submit(engine, host_work(host)->sample, task);
}
