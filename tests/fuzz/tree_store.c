/* SPDX-License-Identifier: GPL-2.0-or-later */
/* core/store in memory: what was committed is there when it is opened again. */
#include "tests/fuzz/tree_store.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "core/error.h"
#include "core/store/store.h"

enum { KEEP = 4096 };

/* One of the three. */
struct change {
    struct store_object *row;
    struct store_event *event;
    uint64_t deleted;
};

struct store {
    GArray *changes; /* of struct change: of the transaction that is open; NULL: none is */
    uint64_t next_id;
};

/* What would be on the disk. */
static struct {
    GTree *rows;       /* id to struct store_object * */
    GPtrArray *events; /* struct store_event * */
    uint64_t next_id;
    bool open;
    int failure;
} disk;

static struct store_object *row_copy(const struct store_object *from)
{
    struct store_object *row = g_memdup2(from, sizeof *from);

    row->name = g_strdup(from->name);
    row->spec = g_strdup(from->spec);
    row->next_spec = g_strdup(from->next_spec);
    row->error = g_strdup(from->error);
    row->placement = g_strdup(from->placement);
    row->detail = g_strdup(from->detail);
    return row;
}

static void event_free(void *data)
{
    struct store_event *event = data;

    g_free(event->text);
    g_free(event);
}

static int compare(const void *one, const void *other, void *data)
{
    const uint64_t *a = one, *b = other;

    (void)data;
    return (*a > *b) - (*a < *b);
}

void store_wipe(void)
{
    if (disk.open)
        abort();
    g_clear_pointer(&disk.rows, g_tree_unref);
    g_clear_pointer(&disk.events, g_ptr_array_unref);
    disk.rows = g_tree_new_full(compare, NULL, NULL, store_object_free);
    disk.events = g_ptr_array_new_with_free_func(event_free);
    disk.next_id = 1;
    disk.failure = 0;
}

void store_set_failure(int err)
{
    disk.failure = err;
}

struct store *store_open(const char *dir, GError **error)
{
    struct store *store = g_new0(struct store, 1);

    (void)dir;
    (void)error;
    if (disk.open)
        abort();
    disk.open = true;
    store->next_id = disk.next_id;
    return store;
}

static void change_free(const struct change *change)
{
    g_clear_pointer((struct store_object **)&change->row, store_object_free);
    g_clear_pointer((struct store_event **)&change->event, event_free);
}

void store_close(struct store *store)
{
    if (!store)
        return;
    store_rollback(store);
    disk.open = false;
    g_free(store);
}

const char *store_cloud_uuid(const struct store *store)
{
    (void)store;
    return "00000000-0000-4000-8000-00000000c10d";
}

bool store_load(struct store *store, void (*each)(const struct store_object *obj, void *data),
                void *data, GError **error)
{
    (void)store;
    (void)error;
    for (GTreeNode *node = g_tree_node_first(disk.rows); node; node = g_tree_node_next(node))
        each(g_tree_node_value(node), data);
    return true;
}

bool store_load_events(struct store *store, unsigned limit,
                       void (*each)(const struct store_event *event, void *data), void *data,
                       GError **error)
{
    unsigned first = disk.events->len > limit ? disk.events->len - limit : 0;

    (void)store;
    (void)error;
    for (unsigned i = first; i < disk.events->len; i++)
        each(disk.events->pdata[i], data);
    return true;
}

uint64_t store_next_id(struct store *store)
{
    return store->next_id++;
}

bool store_begin(struct store *store, GError **error)
{
    (void)error;
    if (store->changes)
        abort();
    store->changes = g_array_new(false, false, sizeof(struct change));
    return true;
}

bool store_begin_lightly(struct store *store, GError **error)
{
    return store_begin(store, error);
}

static void add(struct store *store, struct change change)
{
    if (!store->changes)
        abort();
    g_array_append_val(store->changes, change);
}

bool store_put(struct store *store, const struct store_object *obj, GError **error)
{
    (void)error;
    add(store, (struct change){.row = row_copy(obj)});
    store->next_id = MAX(store->next_id, obj->id + 1);
    return true;
}

bool store_delete(struct store *store, uint64_t id, GError **error)
{
    (void)error;
    add(store, (struct change){.deleted = id});
    return true;
}

bool store_put_event(struct store *store, const struct store_event *event, unsigned keep,
                     GError **error)
{
    struct store_event *copy = g_memdup2(event, sizeof *event);

    (void)keep;
    (void)error;
    copy->text = g_strdup(event->text);
    add(store, (struct change){.event = copy});
    return true;
}

static void apply(struct change *change)
{
    const struct store_event *last = NULL;

    if (disk.events->len > 0)
        last = disk.events->pdata[disk.events->len - 1];
    if (change->event && last && change->event->seq <= last->seq)
        abort(); /* its number was given before */
    if (change->event)
        g_ptr_array_add(disk.events, g_steal_pointer(&change->event));
    if (disk.events->len > KEEP)
        g_ptr_array_remove_range(disk.events, 0, KEEP / 2);
    if (change->deleted)
        g_tree_remove(disk.rows, &change->deleted);
    if (change->row) {
        g_tree_replace(disk.rows, &change->row->id, change->row);
        change->row = NULL;
    }
}

bool store_commit(struct store *store, GError **error)
{
    if (disk.failure) {
        fail(error, disk.failure, "told to fail");
        return false;
    }
    for (unsigned i = 0; i < store->changes->len; i++)
        apply(&g_array_index(store->changes, struct change, i));
    g_clear_pointer(&store->changes, g_array_unref);
    disk.next_id = store->next_id;
    return true;
}

void store_rollback(struct store *store)
{
    GArray *changes = g_steal_pointer(&store->changes);

    if (!changes)
        return;
    for (unsigned i = 0; i < changes->len; i++)
        change_free(&g_array_index(changes, struct change, i));
    g_array_unref(changes);
}
