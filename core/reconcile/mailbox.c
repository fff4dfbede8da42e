/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * How messages reach the engine's thread, and its timers. The box outlives the engine, as a call
 * that hangs may come back at any time later; then there is nobody to tell.
 *
 * A pthread mutex rather than GLib's own queue: the sanitizers see through it.
 */
#include <pthread.h>

#include "core/limit.h"
#include "core/reconcile/internal.h"

enum { GATHER_US = LIMIT(2000, 0) };

struct message {
    message_fn fn;
    void *data;
    GDestroyNotify free_data;
};

struct mailbox {
    refs_t refs;
    GMainContext *context; /* immutable: woken when there is something */
    pthread_mutex_t lock;
    bool open;     /* under the lock */
    GArray *queue; /* of struct message; under the lock */
};

struct mailbox *mailbox_new(GMainContext *context)
{
    struct mailbox *box = g_new0(struct mailbox, 1);

    refs_init(&box->refs);
    pthread_mutex_init(&box->lock, NULL);
    box->open = true;
    box->queue = g_array_new(false, false, sizeof(struct message));
    box->context = g_main_context_ref(context);
    return box;
}

struct mailbox *mailbox_ref(struct mailbox *box)
{
    refs_inc(&box->refs);
    return box;
}

void mailbox_unref(struct mailbox *box)
{
    if (!box || !refs_dec(&box->refs))
        return;
    g_array_free(box->queue, true);
    g_main_context_unref(box->context);
    pthread_mutex_destroy(&box->lock);
    g_free(box);
}

static GArray *take_all(struct mailbox *box, bool open)
{
    GArray *taken;

    pthread_mutex_lock(&box->lock);
    taken = box->queue;
    box->queue = g_array_new(false, false, sizeof(struct message));
    box->open = open;
    pthread_mutex_unlock(&box->lock);
    return taken;
}

static void message_free(const struct message *message)
{
    if (message->free_data)
        message->free_data(message->data);
}

void mailbox_close(struct mailbox *box)
{
    GArray *left = take_all(box, false);

    for (unsigned i = 0; i < left->len; i++)
        message_free(&g_array_index(left, struct message, i));
    g_array_free(left, true);
}

static void dispatch(struct engine *engine, const struct message *message) EXCLUDES(model)
{
    cloud_write_lock(engine->cloud);
    message->fn(engine, message->data);
    cloud_write_unlock(engine->cloud);
}

/* False: there was nothing. */
static bool dispatch_all(struct mailbox *box, struct engine *engine)
{
    GArray *messages = take_all(box, true);
    bool any = messages->len > 0;

    for (unsigned i = 0; i < messages->len; i++) {
        const struct message *message = &g_array_index(messages, struct message, i);

        dispatch(engine, message);
        message_free(message);
    }
    g_array_free(messages, true);
    return any;
}

/* What comes meanwhile is taken along: one commit is for all. */
void mailbox_dispatch(struct mailbox *box, struct engine *engine)
{
    int64_t end = g_get_monotonic_time() + GATHER_US;

    while (dispatch_all(box, engine) && g_get_monotonic_time() < end)
        continue;
}

void mailbox_post(struct mailbox *box, message_fn fn, void *data, GDestroyNotify free_data)
{
    const struct message message = {fn, data, free_data};
    bool open, first;

    pthread_mutex_lock(&box->lock);
    open = box->open;
    first = box->queue->len == 0;
    if (open)
        g_array_append_val(box->queue, message);
    pthread_mutex_unlock(&box->lock);
    if (!open)
        message_free(&message);
    else if (first) /* else it was woken for those before, and has not come for them yet */
        g_main_context_wakeup(box->context);
}

/* ---- timers: sources of the engine's own context, touched by its own thread only */

struct timer {
    struct engine *engine;
    struct message message;
};

static gboolean timer_fire(void *data)
{
    struct timer *timer = data;

    dispatch(timer->engine, &timer->message);
    return G_SOURCE_REMOVE;
}

static void timer_free(void *data)
{
    struct timer *timer = data;

    message_free(&timer->message);
    g_free(timer);
}

unsigned timer_start(struct engine *engine, unsigned delay_ms, message_fn fn, void *data,
                     GDestroyNotify free_data)
{
    struct timer *timer = g_new0(struct timer, 1);
    GSource *source = g_timeout_source_new(delay_ms);
    unsigned id;

    timer->engine = engine;
    timer->message = (struct message){fn, data, free_data};
    g_source_set_callback(source, timer_fire, timer, timer_free);
    id = g_source_attach(source, engine->context);
    g_source_unref(source);
    return id;
}

void timer_stop(struct engine *engine, unsigned *id)
{
    GSource *source = *id ? g_main_context_find_source_by_id(engine->context, *id) : NULL;

    if (source)
        g_source_destroy(source);
    *id = 0;
}
