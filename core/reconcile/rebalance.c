/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Plans of moves are told, and carried out: `rebalance` of the whole cloud and `moves` of a host,
 * which its `drain` makes.
 *
 * The texts are made anew a little after something has changed, never more often than each
 * REFRESH_MS. What is carried out is a plan made at that moment, one step after the other, some
 * at once; each is judged again before it begins, and after it looked at: the VM must be there, and
 * better off.
 */
#include <string.h>

#include "core/reconcile/moveplan.h"
#include "core/reconcile/vmtask.h"

enum {
    REFRESH_MS = 1000,
    SLICE_MS = 10,               /* of one after the other host, */
    SLICE_PAUSE_MS = 50,         /* then so much for others */
    MOST_REASONS = LIMIT(50, 1), /* of a refresh: each looks at all hosts */
};

struct step {
    uint64_t vm, from, to;
    double here; /* S before */
    bool drain;  /* gain does not matter */
};

struct mover {
    unsigned timer;
    GArray *todo;       /* struct step */
    GArray *under_way;  /* struct step */
    bool stale;         /* the texts are to be made anew */
    bool drains_anew;   /* what is left of drains that are due is planned again */
    unsigned next_host; /* whose text is made next */
    unsigned reasons;   /* that may still be looked for */
    char *stopped;      /* why the last run was given up; NULL: it was not */
};

static struct mover *mover(struct engine *engine)
{
    if (!engine->mover) {
        engine->mover = g_new0(struct mover, 1);
        engine->mover->todo = g_array_new(false, false, sizeof(struct step));
        engine->mover->under_way = g_array_new(false, false, sizeof(struct step));
    }
    return engine->mover;
}

void mover_free(struct engine *engine)
{
    struct mover *m = engine->mover;

    if (!m)
        return;
    timer_stop(engine, &m->timer);
    g_array_free(m->todo, true);
    g_array_free(m->under_way, true);
    g_free(m->stopped);
    g_free(m);
    engine->mover = NULL;
}

/* ---- what is told */

static void add_progress(const struct mover *m, GString *text)
{
    if (m->todo->len + m->under_way->len > 0)
        g_string_append_printf(text, "# under way: %u, to come: %u\n", m->under_way->len,
                               m->todo->len);
    if (m->stopped)
        g_string_append_printf(text, "# stopped: %s\n", m->stopped);
}

static bool over(int64_t since)
{
    return g_get_monotonic_time() - since > SLICE_MS * G_GINT64_CONSTANT(1000);
}

/* The moves of hosts, a few at a time. */
static void refresh_hosts(struct engine *engine, void *data) REQUIRES(model)
{
    const GPtrArray *hosts = cloud_objects(engine->cloud, OBJECT_HOST);
    struct mover *m = mover(engine);
    int64_t start = g_get_monotonic_time();

    (void)data;
    m->timer = 0;
    for (; m->next_host < hosts->len && !over(start); m->next_host++) {
        struct object *host = hosts->pdata[m->next_host];

        cloud_set_placement(engine->cloud, host, moves_drain_text(engine, host, &m->reasons));
    }
    if (m->next_host < hosts->len)
        m->timer = timer_start(engine, SLICE_PAUSE_MS, refresh_hosts, NULL, NULL);
    else if (m->stale)
        rebalance_later(engine);
}

static void drain_anew(struct engine *engine) REQUIRES(model);

static void refresh(struct engine *engine, void *data) REQUIRES(model)
{
    g_autoptr(GString) progress = g_string_new(NULL);
    struct mover *m = mover(engine);

    if (m->drains_anew)
        drain_anew(engine);
    m->stale = false;
    m->next_host = 0;
    m->reasons = MOST_REASONS;
    add_progress(m, progress);
    cloud_set_placement(engine->cloud, cloud_by_id(engine->cloud, ROOT_ID),
                        moves_rebalance_text(engine, progress->str));
    refresh_hosts(engine, data);
}

void rebalance_later(struct engine *engine)
{
    struct mover *m = mover(engine);

    m->stale = true;
    if (!m->timer)
        m->timer = timer_start(engine, REFRESH_MS, refresh, NULL, NULL);
}

/* ---- carrying them out */

static bool begin(struct engine *engine, const struct step *step) REQUIRES(model)
{
    struct object *vm = cloud_by_id(engine->cloud, step->vm);
    struct object *host = cloud_by_id(engine->cloud, step->to);
    g_autoptr(GError) error = NULL;
    struct place_choice choice;

    if (!vm || !host || vm->kind != OBJECT_VM || !vm->vm.host || vm->vm.host->id != step->from)
        return false; /* it is not there any more */
    if (!vm_may_move(engine, vm, host, &choice, &error)) {
        cloud_event(engine->cloud, vm, NULL, "not moved to %s: %s", host->name, error->message);
        return false;
    }
    g_array_append_val(mover(engine)->under_way, *step);
    vm_move(engine, vm, host, &choice);
    return true;
}

/* Whether it has a step that is under way or to come. */
static bool is_draining(struct engine *engine, const struct object *host)
{
    const GArray *all[] = {mover(engine)->under_way, mover(engine)->todo};

    for (size_t i = 0; i < G_N_ELEMENTS(all); i++)
        for (unsigned j = 0; j < all[i]->len; j++) {
            const struct step *step = &g_array_index(all[i], struct step, j);

            if (step->drain && step->from == host->id)
                return true;
        }
    return false;
}

static bool all_up(const struct engine *engine) REQUIRES_SHARED(model)
{
    const GPtrArray *hosts = cloud_objects(engine->cloud, OBJECT_HOST);

    for (unsigned i = 0; i < hosts->len; i++)
        if (!host_is_up(hosts->pdata[i]))
            return false;
    return true;
}

/* A move that an earlier run of the engine began is such a job, too. */
static bool has_busy_vm(const struct object *host) REQUIRES_SHARED(model)
{
    for (unsigned i = 0; i < host->host.vms->len; i++) {
        const struct object *vm = host->host.vms->pdata[i];

        if (vm->vm.moving_to || vm_glance(vm)->busy || vm_glance(vm)->tidied > 0)
            return true;
    }
    return false;
}

static void set_drain_due(struct engine *engine, struct object *host, bool due) REQUIRES(model)
{
    host->host.drain_due = due;
    engine_touch(engine, host);
}

/* A drain is over when its VMs have left, or stay, and have neither the end of a job nor a host to
 * wait for. Until then it is due, for another run of the engine too. */
static void end_drains(struct engine *engine) REQUIRES(model)
{
    const GPtrArray *hosts = cloud_objects(engine->cloud, OBJECT_HOST);

    for (unsigned i = 0; i < hosts->len; i++) {
        struct object *host = hosts->pdata[i];

        if (host->host.drain_due && host_is_up(host) && !is_draining(engine, host) &&
            (host->host.vms->len == 0 || (all_up(engine) && !has_busy_vm(host))))
            set_drain_due(engine, host, false);
    }
}

static void pump(struct engine *engine) REQUIRES(model)
{
    struct mover *m = mover(engine);

    while (m->todo->len > 0 && m->under_way->len < engine->conf->rebalance_at_once) {
        struct step step = g_array_index(m->todo, struct step, 0);

        g_array_remove_index(m->todo, 0);
        begin(engine, &step);
    }
    if (!m->drains_anew) /* else those that are due are looked at first */
        end_drains(engine);
    rebalance_later(engine);
}

/* A drain of one host is one run, and what was applied another. */
static bool is_same_run(const struct step *a, const struct step *b)
{
    return a->drain == b->drain && (!a->drain || a->from == b->from);
}

/* LATER: a drain goes on when a host is up again. */
static void give_up(struct engine *engine, const struct step *step, const char *why, bool later)
    REQUIRES(model)
{
    struct object *from = cloud_by_id(engine->cloud, step->from);
    struct mover *m = mover(engine);

    if (step->drain && from && !later)
        set_drain_due(engine, from, false);
    for (unsigned i = m->todo->len; i-- > 0;)
        if (is_same_run(&g_array_index(m->todo, struct step, i), step))
            g_array_remove_index(m->todo, i);
    g_free(m->stopped);
    m->stopped = g_strdup(why);
    cloud_event(engine->cloud, NULL, NULL, "moves stopped: %s", why);
}

/* The check after a step. */
static void check(struct engine *engine, struct object *vm, const struct step *step,
                  const GError *error) REQUIRES(model)
{
    const char *types[] = {vm->vm.type, NULL};
    struct place_want want = cloud_want(vm, &vm->spec->vm, types);
    g_autofree char *why = NULL;

    if (error)
        why = g_strdup_printf("%s: %s", vm->name, error->message);
    else if (!vm->vm.host || vm->vm.host->id != step->to)
        why = g_strdup_printf("%s is not where it was moved to", vm->name);
    else if (!step->drain && place_here(cloud_place(engine->cloud), &want) <= step->here)
        why = g_strdup_printf("%s gained nothing on %s", vm->name, vm->vm.host->name);
    if (why)
        give_up(engine, step, why, error && vm_outcome_unknown(error));
}

void rebalance_moved(struct engine *engine, struct object *vm, const GError *error)
{
    struct mover *m = mover(engine);

    for (unsigned i = 0; i < m->under_way->len; i++) {
        struct step step = g_array_index(m->under_way, struct step, i);

        if (step.vm != vm->id)
            continue;
        g_array_remove_index(m->under_way, i);
        check(engine, vm, &step, error);
        pump(engine);
        return;
    }
}

static void enqueue(struct engine *engine, const struct moves *moves, bool drain) REQUIRES(model)
{
    for (size_t i = 0; i < moves->n; i++) {
        const struct place_step *from = &moves->steps[i];
        struct step step = {from->vm, from->from, from->choice.host, from->here, drain};

        g_array_append_val(mover(engine)->todo, step);
    }
    g_clear_pointer(&mover(engine)->stopped, g_free);
    pump(engine);
}

void rebalance_apply(struct engine *engine)
{
    struct moves moves;

    moves_rebalance(engine, &moves);
    enqueue(engine, &moves, false);
    moves_clear(&moves);
}

/* What rebalance_stop() is, of drains that are not over. */
static void stop_waiting(struct engine *engine, uint64_t from) REQUIRES(model)
{
    const GPtrArray *hosts = cloud_objects(engine->cloud, OBJECT_HOST);

    for (unsigned i = 0; i < hosts->len; i++) {
        struct object *host = hosts->pdata[i];

        if (!host->host.drain_due || (from && host->id != from))
            continue;
        undo_keep(engine, host);
        set_drain_due(engine, host, false);
    }
}

static void drop_steps(struct engine *engine, uint64_t from)
{
    GArray *todo = mover(engine)->todo;

    for (unsigned i = todo->len; i-- > 0;)
        if (!from || g_array_index(todo, struct step, i).from == from)
            g_array_remove_index(todo, i);
}

void rebalance_stop(struct engine *engine, uint64_t from)
{
    stop_waiting(engine, from);
    drop_steps(engine, from);
    rebalance_later(engine);
}

static void drain_later(struct engine *engine, struct object *host) REQUIRES(model)
{
    g_autofree char *sentence = g_strdup_printf("host %s is %s: its VMs are moved when it is back",
                                                host->name, host->state);

    set_drain_due(engine, host, true);
    cloud_set_error(engine->cloud, host, EHOSTDOWN, sentence);
}

static void drain_now(struct engine *engine, struct object *host) REQUIRES(model)
{
    g_autoptr(GString) stays = g_string_new(NULL);
    g_autofree char *sentence = NULL;
    struct moves moves;
    unsigned n, reasons = MOST_REASONS;

    drop_steps(engine, host->id);
    moves_drain(engine, host, &moves);
    n = moves_add_stays(engine, host, &moves, &reasons, stays);
    if (n)
        sentence = g_strdup_printf("%u of its VMs stay; see moves. The first: %.*s", n,
                                   (int)strcspn(stays->str, "\n"), stays->str);
    cloud_set_error(engine->cloud, host, 0, sentence);
    set_drain_due(engine, host, true);
    enqueue(engine, &moves, true);
    moves_clear(&moves);
}

void rebalance_drain(struct engine *engine, struct object *host)
{
    if (host_is_up(host))
        drain_now(engine, host);
    else
        drain_later(engine, host);
}

void rebalance_host_up(struct engine *engine)
{
    mover(engine)->drains_anew = true;
    rebalance_later(engine);
}

void rebalance_freed(struct engine *engine, const struct object *vm)
{
    const struct object *host = vm->vm.host;

    if (host && host->host.drain_due && !vm->vm.moving_to)
        mover(engine)->drains_anew = true;
    rebalance_later(engine);
}

/* Where to VMs go may be a host that is not back yet. */
static void drain_anew(struct engine *engine)
{
    const GPtrArray *hosts = cloud_objects(engine->cloud, OBJECT_HOST);

    mover(engine)->drains_anew = false;
    for (unsigned i = 0; i < hosts->len; i++) {
        struct object *host = hosts->pdata[i];

        bool begun = is_draining(engine, host);

        if (!host->host.drain_due || !host_is_up(host))
            continue;
        drain_now(engine, host);
        if (!begun && is_draining(engine, host))
            cloud_event(engine->cloud, host, NULL, "its drain goes on");
    }
}
