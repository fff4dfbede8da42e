/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * From the model to the store: what is dirty, copied under the lock, written without it; a few
 * objects at a time, so that readers of the model are not kept waiting and the copies take little
 * memory. All of them are of one moment, as nobody but this thread changes the model.
 */
#include "core/reconcile/internal.h"

enum { SLICE = 32 }; /* objects that are copied at a time */

void engine_touch(struct engine *engine, struct object *object)
{
    if (!g_hash_table_contains(engine->dirty, &object->id))
        g_hash_table_insert(engine->dirty, &object->id, object_ref(object));
}

void engine_forget(struct engine *engine, uint64_t id)
{
    g_hash_table_remove(engine->dirty, &id);
    g_array_append_val(engine->deleted, id);
}

static struct store_object *row_of(const struct engine *engine, const struct object *object)
    REQUIRES_SHARED(model)
{
    struct store_object *row = g_new0(struct store_object, 1);

    G_STATIC_ASSERT((int)FACETS == (int)STORE_TIMES);
    row->id = object->id;
    row->kind = object->kind;
    row->name = g_strdup(object->name);
    row->uid = object->uid;
    row->gid = object->gid;
    row->mode = object->mode;
    for (int facet = 0; facet < FACETS; facet++)
        row->times[facet] = object->times[facet];
    row->spec = g_strdup(object->spec_text);
    row->next_spec = g_strdup(object->next_text);
    row->error = g_strdup(object->error);
    row->error_code = object->error_code;
    row->available = object->available;
    row->detail = detail_write(engine, object);
    return row;
}

static void event_free(void *data)
{
    struct event *event = data;

    g_free(event->text);
    g_free(event);
}

/* What a save writes, taken out of the engine's books; given back if it fails. */
struct batch {
    GPtrArray *objects; /* struct object *, of `dirty` */
    GPtrArray *events;  /* struct event * */
    GArray *deleted;
    GHashTable *dirty;
};

static void collect(struct engine *engine, struct batch *batch) EXCLUDES(model)
{
    g_autoptr(GHashTable) changed = NULL;
    GHashTableIter iter;
    void *object;

    cloud_write_lock(engine->cloud);
    batch->events = cloud_take_events(engine->cloud);
    changed = cloud_take_changed(engine->cloud);
    g_hash_table_iter_init(&iter, changed);
    while (g_hash_table_iter_next(&iter, NULL, &object))
        if (object_alive(object))
            engine_touch(engine, object);
    cloud_write_unlock(engine->cloud);

    g_hash_table_iter_init(&iter, engine->dirty);
    while (g_hash_table_iter_next(&iter, NULL, &object))
        g_ptr_array_add(batch->objects, object);
    batch->dirty = engine->dirty;
    batch->deleted = engine->deleted;
    engine->dirty =
        g_hash_table_new_full(g_int64_hash, g_int64_equal, NULL, (GDestroyNotify)object_unref);
    engine->deleted = g_array_new(false, false, sizeof(uint64_t));
}

static GPtrArray *rows_of(struct engine *engine, const GPtrArray *objects, unsigned first)
    EXCLUDES(model)
{
    GPtrArray *rows = g_ptr_array_new_with_free_func(store_object_free);

    cloud_read_lock(engine->cloud);
    for (unsigned i = first; i < objects->len && i < first + SLICE; i++)
        g_ptr_array_add(rows, row_of(engine, objects->pdata[i]));
    cloud_read_unlock(engine->cloud);
    return rows;
}

static bool write_objects(struct engine *engine, const GPtrArray *objects, GError **error)
    EXCLUDES(model)
{
    for (unsigned first = 0; first < objects->len; first += SLICE) {
        g_autoptr(GPtrArray) rows = rows_of(engine, objects, first);

        for (unsigned i = 0; i < rows->len; i++)
            if (!store_put(engine->store, rows->pdata[i], error))
                return false;
    }
    return true;
}

static bool write_batch(struct engine *engine, const struct batch *batch, bool durable,
                        GError **error)
{
    if (!(durable ? store_begin : store_begin_lightly)(engine->store, error) ||
        !write_objects(engine, batch->objects, error))
        return false;
    for (unsigned i = 0; i < batch->deleted->len; i++)
        if (!store_delete(engine->store, g_array_index(batch->deleted, uint64_t, i), error))
            return false;
    for (unsigned i = 0; i < batch->events->len; i++) {
        const struct event *event = batch->events->pdata[i];
        const struct store_event row = {event->seq, event->time, event->text};

        if (!store_put_event(engine->store, &row, EVENTS_KEEP, error))
            return false;
    }
    return store_commit(engine->store, error);
}

/* The next save tries again. Its events stay in memory only. */
static void give_back(struct engine *engine, const struct batch *batch)
{
    GHashTableIter iter;
    void *object;

    g_hash_table_iter_init(&iter, batch->dirty);
    while (g_hash_table_iter_next(&iter, NULL, &object))
        engine_touch(engine, object);
    g_array_append_vals(engine->deleted, batch->deleted->data, batch->deleted->len);
}

bool engine_has_news(struct engine *engine)
{
    bool news;

    cloud_read_lock(engine->cloud);
    news = g_hash_table_size(engine->dirty) > 0 || engine->deleted->len > 0 ||
           cloud_has_changed(engine->cloud);
    cloud_read_unlock(engine->cloud);
    return news;
}

bool engine_save(struct engine *engine, bool durable, GError **error)
{
    struct batch batch = {.objects = g_ptr_array_new()};
    bool empty, ok = true;

    collect(engine, &batch);
    empty = batch.objects->len == 0 && batch.deleted->len == 0 && batch.events->len == 0;
    if (!empty && !write_batch(engine, &batch, durable, error)) {
        store_rollback(engine->store);
        give_back(engine, &batch);
        ok = false;
    }
    g_ptr_array_set_free_func(batch.events, event_free);
    g_ptr_array_free(batch.events, true);
    g_ptr_array_free(batch.objects, true);
    g_array_free(batch.deleted, true);
    g_hash_table_destroy(batch.dirty);
    return ok;
}
