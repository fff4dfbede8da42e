/* SPDX-License-Identifier: GPL-2.0-or-later */
/* When hosts are sampled: timers, and who looks. */
#include "core/reconcile/pace.h"

#include <math.h>

#include "core/reconcile/internal.h"

double pace_interval(const struct conf *conf, double interval, bool looked)
{
    double most = MAX(conf->sample, MIN(conf->sample_idle, conf->forecast / FORECAST_STEPS));

    return looked ? conf->sample : MIN(MAX(2 * interval, conf->sample), most);
}

/* Multiples of the golden ratio: however many hosts there are, their moments are far apart. */
double pace_wait(uint64_t id, double interval, double now, double least)
{
    double turn = (double)id * 0.6180339887498949;
    double moment = interval * (turn - floor(turn));

    return interval * ceil((now + least - moment) / interval) + moment - now;
}

static double seconds_now(void)
{
    return (double)g_get_monotonic_time() / G_USEC_PER_SEC;
}

static void sample_due(struct engine *engine, void *data) REQUIRES(model);

/* No later than WAIT seconds from now. */
static void sample_within(struct engine *engine, struct object *host, double wait) REQUIRES(model)
{
    struct host_work *work = host_work(host);
    double due = seconds_now() + wait;

    if (work->sample_timer && work->sample_due <= due)
        return;
    timer_stop(engine, &work->sample_timer);
    work->sample_due = due;
    work->sample_timer = timer_start(engine, (unsigned)(wait * 1000), sample_due,
                                     g_memdup2(&host->id, sizeof host->id), g_free);
}

/* Half of an interval or more away, and a whole one where it was as long before. */
static void sample_next(struct engine *engine, struct object *host, bool looked) REQUIRES(model)
{
    struct host_work *work = host_work(host);

    work->interval = pace_interval(engine->conf, work->interval, looked);
    sample_within(engine, host,
                  pace_wait(host->id, work->interval, seconds_now(), work->interval / 2));
}

static void sample_due(struct engine *engine, void *data)
{
    struct object *host = cloud_by_id(engine->cloud, *(uint64_t *)data);
    struct host_work *work = host ? host_work(host) : NULL;
    bool looked;

    if (!work)
        return;
    work->sample_timer = 0;
    looked = g_atomic_int_exchange(&work->looked, 0);
    if (host_is_up(host) && !work->sampling)
        host_sample(engine, host, looked || host->host.samples == 0);
    sample_next(engine, host, looked);
}

void host_sample_begin(struct engine *engine, struct object *host)
{
    double interval = engine->conf->sample;

    host_work(host)->interval = interval;
    sample_within(engine, host, pace_wait(host->id, interval, seconds_now(), 0));
}

/* ---- who looks */

/* The clock begins with the machine, maybe a moment ago: no sample is not one at its 0. */
static double sample_age(const struct object *host) REQUIRES_SHARED(model)
{
    return host->host.samples == 0 ? INFINITY
                                   : seconds_now() - (double)host->host.load.at / G_USEC_PER_SEC;
}

/* At once, unless what there is is as fresh as it is kept for those who look all the time. */
static void sample_soon(struct engine *engine, void *data) REQUIRES(model)
{
    struct object *host = cloud_by_id(engine->cloud, *(uint64_t *)data);

    if (!host_is_up(host) || host_work(host)->sampling)
        return;
    sample_within(engine, host, MAX(0, engine->conf->sample - sample_age(host)));
}

/* Who looks at all hosts gets each at its next moment, not all of them at once. */
static void sample_all_soon(struct engine *engine, void *data) REQUIRES(model)
{
    const GPtrArray *hosts = cloud_objects(engine->cloud, OBJECT_HOST);
    double interval = engine->conf->sample, now = seconds_now();

    (void)data;
    for (unsigned i = 0; i < hosts->len; i++) {
        struct object *host = hosts->pdata[i];

        if (host_is_up(host) && g_atomic_int_get(&host_work(host)->looked))
            sample_within(engine, host, pace_wait(host->id, interval, now, 0));
    }
}

/* Whether nobody had looked at HOST since its last sample. Any thread. */
static bool first_look(const struct object *host) REQUIRES_SHARED(model)
{
    struct host_work *work = host ? host->work : NULL;

    return work && !g_atomic_int_get(&work->looked) &&
           g_atomic_int_compare_and_exchange(&work->looked, 0, 1);
}

static void look_at_host(struct engine *engine, const struct object *host) REQUIRES_SHARED(model)
{
    if (first_look(host))
        mailbox_post(engine->box, sample_soon, g_memdup2(&host->id, sizeof host->id), g_free);
}

static void look_at_all(struct engine *engine) REQUIRES_SHARED(model)
{
    const GPtrArray *hosts = cloud_objects(engine->cloud, OBJECT_HOST);
    bool first = false;

    for (unsigned i = 0; i < hosts->len; i++)
        first |= first_look(hosts->pdata[i]);
    if (first)
        mailbox_post(engine->box, sample_all_soon, NULL, NULL);
}

void engine_look(struct engine *engine, const struct object *object)
{
    const GPtrArray *members;

    switch (object->kind) {
    case OBJECT_HOST:
        look_at_host(engine, object);
        break;
    case OBJECT_VM:
        look_at_host(engine, object->vm.host);
        break;
    case OBJECT_SERVICE:
        members = object->service.members;
        for (unsigned i = 0; i < members->len; i++)
            look_at_host(engine, ((struct object *)members->pdata[i])->vm.host);
        break;
    case OBJECT_FOLDER:
        look_at_all(engine);
        break;
    case OBJECT_PLAN:
    case OBJECT_KINDS:
        break;
    }
}
