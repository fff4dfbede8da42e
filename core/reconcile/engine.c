/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * The engine's thread. Each round: messages and timers that are ready change the model; then what
 * follows from the changes (pending VMs, services) is done; then all of it is saved in one
 * transaction; then jobs start and answers go out.
 */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "core/reconcile/request.h"

enum {
    HEARTBEAT_MS = 5000,   /* how much availability a crash may lose */
    STORE_RETRY_MS = 1000, /* after a save that failed */
    JOBS_GRACE_MS = 3000,  /* for calls under way when the engine ends */
    SAVE_MS = LIMIT(20, 0) /* until what nobody relies on is saved */
};

void engine_after_commit(struct engine *engine, after_fn fn, void *data)
{
    struct after after = {fn, data};

    g_array_append_val(engine->after, after);
}

void engine_at_once(struct engine *engine, after_fn fn, void *data)
{
    struct after after = {fn, data};

    g_array_append_val(engine->at_once, after);
}

void engine_promise(struct engine *engine)
{
    engine->promised = true;
}

GPtrArray *objects_in(GHashTable *table)
{
    GPtrArray *objects = g_ptr_array_new_with_free_func((GDestroyNotify)object_unref);
    GHashTableIter iter;
    void *object;

    g_hash_table_iter_init(&iter, table);
    while (g_hash_table_iter_next(&iter, NULL, &object))
        g_ptr_array_add(objects, object_ref(object));
    return objects;
}

static void run_services(struct engine *engine) REQUIRES(model)
{
    g_autoptr(GPtrArray) todo = objects_in(engine->restless);

    g_hash_table_remove_all(engine->restless);
    for (unsigned i = 0; i < todo->len; i++) {
        struct object *service = todo->pdata[i];

        if (service->alive)
            service_reconcile(engine, service);
    }
}

/* What follows from this round's changes; the VMs of one round are placed in one pass. */
static void follow_up(struct engine *engine)
{
    cloud_write_lock(engine->cloud);
    if (!engine->store_error)
        run_services(engine);
    /* Nothing is begun of our own accord while it could not be kept. */
    if (engine->room_changed && !engine->store_error) {
        engine->room_changed = false;
        placing_pending(engine);
        plan_refresh_all(engine);
        services_nudge_blocked(engine);
        placing_explain_some(engine);
        rebalance_later(engine);
        run_services(engine);
    }
    cloud_write_unlock(engine->cloud);
}

static void note_store_error(struct engine *engine, const GError *error)
{
    if (error && !engine->store_error)
        fprintf(stderr, "cloudfs: cannot save: %s\n", error->message);
    if (!error && engine->store_error)
        fprintf(stderr, "cloudfs: saving works again\n");
    g_clear_error(&engine->store_error);
    if (error)
        engine->store_error = g_error_copy(error);
}

static void run_all(struct engine *engine, GArray **list, const GError *error)
{
    GArray *after = *list;

    *list = g_array_new(false, false, sizeof(struct after));
    for (unsigned i = 0; i < after->len; i++) {
        struct after *each = &g_array_index(after, struct after, i);

        each->fn(engine, each->data, error);
    }
    g_array_free(after, true);
}

static void run_after(struct engine *engine, const GError *error)
{
    run_all(engine, &engine->after, error);
}

static bool has_more(const struct engine *engine)
{
    return engine->room_changed || g_hash_table_size(engine->restless) > 0;
}

static void save(struct engine *engine)
{
    g_autoptr(GError) error = NULL;

    timer_stop(engine, &engine->save_timer);
    if (engine_save(engine, engine->promised, &error))
        undo_clear(engine);
    else
        undo_all(engine, error);
    engine->promised = engine->save_due = false;
    note_store_error(engine, error);
    run_after(engine, error);
    engine->round += !error;
}

static void save_now(struct engine *engine, void *data) REQUIRES(model)
{
    (void)data;
    engine->save_timer = 0;
    engine->save_due = true;
}

/* Whether saving waits for more; who waits for the round's end does not. */
static bool save_later(struct engine *engine)
{
    if (SAVE_MS == 0 || engine->promised || engine->save_due || engine->store_error)
        return false;
    if (!engine->save_timer && engine_has_news(engine))
        engine->save_timer = timer_start(engine, SAVE_MS, save_now, NULL, NULL);
    run_after(engine, NULL);
    return true;
}

/* After the answers, before which the kernel hears of what has changed anyway. */
static void changes_over(struct engine *engine)
{
    cloud_read_lock(engine->cloud);
    cloud_over(engine->cloud);
    cloud_read_unlock(engine->cloud);
}

static void settle(struct engine *engine)
{
    do {
        follow_up(engine);
        run_all(engine, &engine->at_once, NULL);
        if (!save_later(engine))
            save(engine);
        changes_over(engine);
    } while (engine->after->len > 0 || engine->at_once->len > 0 ||
             (!engine->store_error && has_more(engine)));
}

static void heartbeat(struct engine *engine, void *data) REQUIRES(model);

static void next_heartbeat(struct engine *engine)
{
    timer_start(engine, engine->store_error ? STORE_RETRY_MS : HEARTBEAT_MS, heartbeat, NULL, NULL);
}

/* The root's row carries the time until which what is available was so: see load.c. */
static void heartbeat(struct engine *engine, void *data) REQUIRES(model)
{
    (void)data;
    engine_touch(engine, cloud_by_id(engine->cloud, ROOT_ID));
    engine_promise(engine); /* with it, all that was not so far */
    next_heartbeat(engine);
}

static void begin_hosts(struct engine *engine, void *data) REQUIRES(model)
{
    const GPtrArray *hosts = cloud_objects(engine->cloud, OBJECT_HOST);

    (void)data;
    for (unsigned i = 0; i < hosts->len; i++) {
        struct object *host = hosts->pdata[i];
        g_autoptr(GError) error = NULL;

        if (host->spec && !host_begin(engine, host, &error))
            cloud_set_error(engine->cloud, host, error->code, error->message);
    }
    next_heartbeat(engine);
}

/* The last heartbeat: with it all rows say how long their objects were available. */
static void save_last(struct engine *engine)
{
    cloud_write_lock(engine->cloud);
    engine_touch(engine, cloud_by_id(engine->cloud, ROOT_ID));
    engine_promise(engine);
    cloud_write_unlock(engine->cloud);
}

static void answer_all(struct engine *engine)
{
    g_autoptr(GList) tickets = g_hash_table_get_keys(engine->requests);

    for (GList *each = tickets; each; each = each->next)
        request_answer(engine, *(engine_ticket *)each->data, EINTR);
}

void engine_round(struct engine *engine)
{
    g_main_context_iteration(engine->context, true); /* timers; ends when there is mail */
    mailbox_dispatch(engine->box, engine);
    settle(engine);
}

static void last_round(struct engine *engine)
{
    mailbox_close(engine->box);
    answer_all(engine);
    save_last(engine);
    settle(engine);
}

static void *engine_main(void *data)
{
    struct engine *engine = data;

    g_main_context_push_thread_default(engine->context);
    settle(engine);
    while (!g_atomic_int_get(&engine->stop))
        engine_round(engine);
    last_round(engine);
    g_main_context_pop_thread_default(engine->context);
    return NULL;
}

/*
 * The kernel aborts a whole mount over one request that takes longer than this; 0: never. Half
 * of it leaves room for the request's way to us and back.
 */
static unsigned request_timeout_ms(void)
{
    g_autofree char *text = NULL;
    double seconds = 0;

    if (g_file_get_contents("/proc/sys/fs/fuse/max_request_timeout", &text, NULL, NULL))
        seconds = g_ascii_strtod(text, NULL);
    return seconds > 0 ? (unsigned)(seconds * 500) : G_MAXUINT;
}

static struct engine *engine_alloc(const struct conf *conf, const struct virt_ops *virt)
{
    struct engine *engine = g_new0(struct engine, 1);

    engine->conf = conf;
    engine->virt = virt;
    engine->wait_ms = (unsigned)(conf->wait * 1000);
    engine->cloud = cloud_new(conf);
    engine->context = g_main_context_new();
    engine->box = mailbox_new(engine->context);
    engine->dirty =
        g_hash_table_new_full(g_int64_hash, g_int64_equal, NULL, (GDestroyNotify)object_unref);
    engine->deleted = g_array_new(false, false, sizeof(uint64_t));
    engine->after = g_array_new(false, false, sizeof(struct after));
    engine->at_once = g_array_new(false, false, sizeof(struct after));
    engine->requests = g_hash_table_new(g_int64_hash, g_int64_equal);
    engine->pending =
        g_hash_table_new_full(g_int64_hash, g_int64_equal, NULL, (GDestroyNotify)object_unref);
    engine->unexplained =
        g_hash_table_new_full(g_int64_hash, g_int64_equal, NULL, (GDestroyNotify)object_unref);
    engine->restless =
        g_hash_table_new_full(g_int64_hash, g_int64_equal, NULL, (GDestroyNotify)object_unref);
    engine->buried = g_hash_table_new_full(g_str_hash, g_str_equal, g_free, NULL);
    return engine;
}

/* The engine's own parts of the objects: links, lanes, timers. */
static void end_objects(struct engine *engine)
{
    const GPtrArray *all;

    mover_free(engine);
    cloud_write_lock(engine->cloud);
    all = cloud_objects(engine->cloud, OBJECT_VM);
    for (unsigned i = 0; i < all->len; i++)
        vm_work_free(engine, all->pdata[i]);
    all = cloud_objects(engine->cloud, OBJECT_SERVICE);
    for (unsigned i = 0; i < all->len; i++)
        service_work_free(all->pdata[i]);
    all = cloud_objects(engine->cloud, OBJECT_HOST);
    for (unsigned i = 0; i < all->len; i++)
        host_end(engine, all->pdata[i]);
    cloud_write_unlock(engine->cloud);
    run_all(engine, &engine->at_once, NULL);
    run_after(engine, NULL);
}

static void engine_dispose(struct engine *engine)
{
    end_objects(engine);
    if (engine->jobs)
        jobs_free(engine->jobs, JOBS_GRACE_MS);
    virt_stop();
    store_close(engine->store);
    g_hash_table_destroy(engine->dirty);
    g_array_free(engine->deleted, true);
    g_array_free(engine->after, true);
    g_array_free(engine->at_once, true);
    g_hash_table_destroy(engine->requests);
    g_hash_table_destroy(engine->pending);
    g_hash_table_destroy(engine->unexplained);
    g_hash_table_destroy(engine->restless);
    g_hash_table_destroy(engine->buried);
    g_clear_error(&engine->store_error);
    undo_clear(engine);
    cloud_free(engine->cloud);
    mailbox_unref(engine->box);
    g_main_context_unref(engine->context);
    g_free(engine);
}

/* Threads cost little memory (about 20 KiB as used here), and the processors are the hosts'. */
static const struct jobs_limits workers = {
    .busy = LIMIT(32, 2), .hung = LIMIT(256, 16), .opening = LIMIT(64, 2)};

static bool start_rooms(struct engine *engine, GError **error)
{
    engine->jobs = jobs_new(&workers);
    if (!engine->jobs) {
        fail(error, errno, "cannot start a worker: %s", g_strerror(errno));
        return false;
    }
    return virt_start(error);
}

struct engine *engine_new(const struct conf *conf, GError **error)
{
    return engine_new_with(conf, virt_faulty(&virt_libvirt), error);
}

struct engine *engine_make(const struct conf *conf, const struct virt_ops *virt, GError **error)
{
    g_autofree char *parent = g_path_get_dirname(conf->state);
    struct engine *engine;
    struct store *store;

    g_mkdir_with_parents(parent, 0755); /* the store says what is wrong if it failed */
    store = store_open(conf->state, error);
    if (!store)
        return NULL;
    engine = engine_alloc(conf, virt);
    engine->store = store;
    if (!start_rooms(engine, error) || !engine_load(engine, error)) {
        mailbox_close(engine->box);
        engine_dispose(engine);
        return NULL;
    }
    mailbox_post(engine->box, begin_hosts, NULL, NULL);
    return engine;
}

struct engine *engine_new_with(const struct conf *conf, const struct virt_ops *virt, GError **error)
{
    struct engine *engine = engine_make(conf, virt, error);

    if (!engine)
        return NULL;
    engine->wait_ms = MIN(engine->wait_ms, request_timeout_ms());
    engine->thread = g_thread_new("engine", engine_main, engine);
    return engine;
}

void engine_free(struct engine *engine)
{
    if (!engine)
        return;
    if (engine->thread) {
        g_atomic_int_set(&engine->stop, 1);
        g_main_context_wakeup(engine->context);
        g_thread_join(engine->thread);
    } else {
        last_round(engine);
    }
    engine_dispose(engine);
}

struct cloud *engine_cloud(struct engine *engine)
{
    return engine->cloud;
}
