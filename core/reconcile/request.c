/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Requests: from the call in any thread to the answer in the engine's. */
#include "core/reconcile/request.h"
#include "core/failpoint.h"

static _Atomic engine_ticket last_ticket;

struct order *order_make(order_fn fn, const struct actor *actor, engine_done done, void *ctx)
{
    struct order *order = g_new0(struct order, 1);

    order->fn = fn;
    order->request = g_new0(struct request, 1);
    order->request->ticket = ++last_ticket;
    order->request->done = done;
    order->request->ctx = ctx;
    if (actor)
        order->request->actor = *actor;
    return order;
}

static void order_free(void *data)
{
    struct order *order = data;

    /* Never dispatched: the engine ended first. */
    if (order->request) {
        order->request->done(order->request->ctx, EINTR);
        g_free(order->request);
    }
    g_free(order->text);
    g_free(order);
}

static void order_run(struct engine *engine, void *data) REQUIRES(model)
{
    struct order *order = data;
    struct request *request = g_steal_pointer(&order->request);
    struct object *object = cloud_by_id(engine->cloud, order->id);

    engine_promise(engine);
    if (object)
        undo_keep(engine, object);
    request->round = engine->round;
    g_hash_table_insert(engine->requests, &request->ticket, request);
    order->fn(engine, request, order);
}

engine_ticket order_post(struct engine *engine, struct order *order)
{
    engine_ticket ticket = order->request->ticket;

    mailbox_post(engine->box, order_run, order, order_free);
    return ticket;
}

struct request *request_inner(struct engine *engine, const struct actor *actor, engine_done done,
                              void *ctx)
{
    struct request *request = g_new0(struct request, 1);

    request->ticket = ++last_ticket;
    request->done = done;
    request->ctx = ctx;
    request->actor = *actor;
    request->round = engine->round;
    g_hash_table_insert(engine->requests, &request->ticket, request);
    return request;
}

struct answer {
    struct request *request;
    int err;
};

static void answer_now(struct engine *engine, void *data, const GError *error)
{
    struct answer *answer = data;
    /* What it asked for was kept in an earlier round: if its outcome cannot be kept now, a crash
     * would only have it done again. */
    bool kept = answer->request->round != engine->round;
    int err = answer->err ? answer->err : error && !kept ? error->code : 0;

    failpoint_reached("request.answered");
    answer->request->done(answer->request->ctx, err);
    g_free(answer->request);
    g_free(answer);
}

/* AFTER: engine_after_commit() or engine_at_once(). */
static void answer(struct engine *engine, engine_ticket ticket, int err,
                   void (*after)(struct engine *engine, after_fn fn, void *data))
{
    struct request *request = g_hash_table_lookup(engine->requests, &ticket);
    struct answer *made;

    if (!request)
        return;
    g_hash_table_steal(engine->requests, &ticket);
    timer_stop(engine, &request->timer);
    made = g_new0(struct answer, 1);
    made->request = request;
    made->err = err;
    after(engine, answer_now, made);
}

void request_answer(struct engine *engine, engine_ticket ticket, int err)
{
    engine_promise(engine);
    answer(engine, ticket, err, engine_after_commit);
}

void request_finish(struct engine *engine, engine_ticket ticket, struct object *object,
                    const GError *error)
{
    cloud_set_error(engine->cloud, object, error ? error->code : 0, error ? error->message : NULL);
    engine_touch(engine, object);
    request_answer(engine, ticket, error ? error->code : 0);
}

/* The bound of a wait: the job goes on, and the writer is told that all is well so far. */
static void wait_over(struct engine *engine, void *data)
{
    engine_ticket *ticket = data;
    struct request *request = g_hash_table_lookup(engine->requests, ticket);

    if (request)
        request->timer = 0;
    answer(engine, *ticket, 0, engine_at_once);
}

void request_wait(struct engine *engine, struct request *request, GArray **waiters, bool bounded)
{
    if (!*waiters)
        *waiters = g_array_new(false, false, sizeof(engine_ticket));
    g_array_append_val(*waiters, request->ticket);
    if (bounded)
        request->timer = timer_start(engine, engine->wait_ms, wait_over,
                                     g_memdup2(&request->ticket, sizeof request->ticket), g_free);
}

static void answer_waiters(struct engine *engine, GArray **waiters, int err,
                           void (*after)(struct engine *engine, after_fn fn, void *data))
{
    GArray *tickets = g_steal_pointer(waiters);

    if (!tickets)
        return;
    for (unsigned i = 0; i < tickets->len; i++)
        answer(engine, g_array_index(tickets, engine_ticket, i), err, after);
    g_array_free(tickets, true);
}

void requests_answer(struct engine *engine, GArray **waiters, int err)
{
    if (*waiters)
        engine_promise(engine);
    answer_waiters(engine, waiters, err, engine_after_commit);
}

void requests_answer_kept(struct engine *engine, GArray **waiters)
{
    answer_waiters(engine, waiters, 0, engine_at_once);
}

static void cancel(struct engine *engine, void *data)
{
    answer(engine, *(engine_ticket *)data, EINTR, engine_at_once);
}

void engine_cancel(struct engine *engine, engine_ticket ticket)
{
    mailbox_post(engine->box, cancel, g_memdup2(&ticket, sizeof ticket), g_free);
}
