/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "fs/publish.h"

#include <pthread.h>

struct entry {
    uint64_t ino;
    GBytes *text; /* NULL: dropped */
    uint64_t hash;
    size_t size;
    int64_t time;
    int64_t made, looked; /* monotonic */
    GList link;           /* in `live` while there is a text */
};

struct publish {
    const struct publish_ops *ops;
    void *ctx;
    pthread_mutex_t lock; /* of all below */
    unsigned purge_at;    /* entries, at which those without a text go */
    bool forgot;          /* some went: what is new here may be known outside */
    GHashTable *entries;  /* ino to struct entry * */
    GQueue live;          /* the one looked at last at its end */
    size_t bytes;
};

void view_clear(struct view *view)
{
    g_clear_pointer(&view->text, g_bytes_unref);
}

size_t view_size(const struct view *view)
{
    return view->text ? g_bytes_get_size(view->text) : 0;
}

static void drop_text(struct publish *publish, struct entry *entry)
{
    if (!entry->text)
        return;
    publish->bytes -= entry->size;
    g_queue_unlink(&publish->live, &entry->link);
    g_clear_pointer(&entry->text, g_bytes_unref);
}

static void entry_free(void *data)
{
    struct entry *entry = data;

    g_clear_pointer(&entry->text, g_bytes_unref);
    g_free(entry);
}

struct publish *publish_new(const struct publish_ops *ops, void *ctx)
{
    struct publish *publish = g_new0(struct publish, 1);

    publish->ops = ops;
    publish->ctx = ctx;
    pthread_mutex_init(&publish->lock, NULL);
    g_queue_init(&publish->live);
    publish->purge_at = PUBLISH_REMEMBER;
    publish->entries = g_hash_table_new_full(g_int64_hash, g_int64_equal, NULL, entry_free);
    return publish;
}

void publish_free(struct publish *publish)
{
    if (!publish)
        return;
    g_hash_table_destroy(publish->entries);
    pthread_mutex_destroy(&publish->lock);
    g_free(publish);
}

/* FNV-1a. */
static uint64_t hash_text(const GString *text)
{
    uint64_t hash = G_GUINT64_CONSTANT(14695981039346656037);

    for (size_t i = 0; i < text->len; i++)
        hash = (hash ^ (unsigned char)text->str[i]) * G_GUINT64_CONSTANT(1099511628211);
    return hash;
}

static bool is_current(const struct entry *entry, int64_t now)
{
    return entry->text && now - entry->looked < PUBLISH_HOLD && now - entry->made < PUBLISH_LIMIT;
}

/* Looked at now, it stays for HOLD, but not beyond LIMIT. */
static int64_t life_of(const struct entry *entry, int64_t now)
{
    int64_t left = MIN(PUBLISH_HOLD, entry->made + PUBLISH_LIMIT - now);

    return MAX(left - PUBLISH_MARGIN, 0);
}

static void look(struct publish *publish, struct entry *entry, int64_t now, struct view *view)
{
    entry->looked = now;
    g_queue_unlink(&publish->live, &entry->link);
    g_queue_push_tail_link(&publish->live, &entry->link);
    if (view)
        *view = (struct view){g_bytes_ref(entry->text), entry->time, life_of(entry, now)};
}

static bool look_current(struct publish *publish, uint64_t ino, struct view *view)
{
    int64_t now = publish->ops->monotonic();
    struct entry *entry;
    bool current;

    pthread_mutex_lock(&publish->lock);
    entry = g_hash_table_lookup(publish->entries, &ino);
    current = entry && is_current(entry, now);
    if (current)
        look(publish, entry, now, view);
    pthread_mutex_unlock(&publish->lock);
    return current;
}

static gboolean has_no_text(void *key, void *value, void *data)
{
    (void)key;
    (void)data;
    return ((struct entry *)value)->text == NULL;
}

static struct entry *entry_of(struct publish *publish, uint64_t ino)
{
    struct entry *entry = g_hash_table_lookup(publish->entries, &ino);

    if (entry)
        return entry;
    if (g_hash_table_size(publish->entries) >= publish->purge_at) {
        publish->forgot |= g_hash_table_foreach_remove(publish->entries, has_no_text, NULL) > 0;
        /* Twice what is live, so that the walk costs each insert the same. */
        publish->purge_at = MAX(PUBLISH_REMEMBER, 2 * g_hash_table_size(publish->entries));
    }
    entry = g_new0(struct entry, 1);
    entry->ino = ino;
    entry->link.data = entry;
    g_hash_table_insert(publish->entries, &entry->ino, entry);
    return entry;
}

/* TEXT, which is taken over, becomes the version. */
static void set_text(struct publish *publish, struct entry *entry, GString *text)
{
    uint64_t hash = hash_text(text);

    if (!entry->time || entry->hash != hash || entry->size != text->len) {
        if (entry->time || publish->forgot)
            publish->ops->changed(publish->ctx, entry->ino);
        entry->time = publish->ops->wall();
    }
    drop_text(publish, entry);
    entry->hash = hash;
    entry->size = text->len;
    entry->text = g_string_free_to_bytes(text);
    publish->bytes += entry->size;
    g_queue_push_tail_link(&publish->live, &entry->link);
}

/* At the head is the one that was looked at longest ago. */
static void sweep(struct publish *publish, int64_t now)
{
    struct entry *entry;

    while ((entry = g_queue_peek_head(&publish->live)) && now - entry->looked >= PUBLISH_HOLD)
        drop_text(publish, entry);
}

bool publish_look(struct publish *publish, uint64_t ino, struct view *view)
{
    GString *text;
    struct entry *entry;
    int64_t now;

    if (look_current(publish, ino, view))
        return true;
    text = publish->ops->render(publish->ctx, ino);
    if (!text)
        return false;

    pthread_mutex_lock(&publish->lock);
    now = publish->ops->monotonic();
    sweep(publish, now);
    entry = entry_of(publish, ino);
    if (is_current(entry, now)) {
        g_string_free(text, true); /* somebody else was faster */
    } else {
        set_text(publish, entry, text);
        entry->made = now;
    }
    look(publish, entry, now, view);
    pthread_mutex_unlock(&publish->lock);
    return true;
}

void publish_touch(struct publish *publish, uint64_t ino)
{
    look_current(publish, ino, NULL);
}

void publish_sweep(struct publish *publish)
{
    pthread_mutex_lock(&publish->lock);
    sweep(publish, publish->ops->monotonic());
    pthread_mutex_unlock(&publish->lock);
}

size_t publish_bytes(struct publish *publish)
{
    size_t bytes;

    pthread_mutex_lock(&publish->lock);
    bytes = publish->bytes;
    pthread_mutex_unlock(&publish->lock);
    return bytes;
}
