/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "fs/publish.h"

#include <pthread.h>

enum stage {
    OVER,    /* the next look makes another */
    LEAVING, /* it stays while it is looked at; the kernel asks each time */
    LASTING, /* until the next sample; the kernel may keep it */
};

struct entry {
    uint64_t ino, group;
    enum stage stage;
    unsigned open;
    GBytes *text; /* NULL: dropped */
    uint64_t hash;
    size_t size;
    int64_t time;
    int64_t left, looked; /* monotonic: since when it is LEAVING, and when it was looked at last */
    GList with_text;      /* in `texts` while there is a text */
    GList in_group;       /* in its group while it is LASTING */
};

struct publish {
    const struct publish_ops *ops;
    void *ctx;
    pthread_mutex_t lock; /* of all below */
    unsigned purge_at;    /* entries, at which those that nobody needs go */
    GHashTable *entries;  /* ino to struct entry * */
    GHashTable *groups;   /* id to GQueue * of its lasting entries */
    GQueue texts;         /* the one looked at last at its end */
    size_t bytes;
};

void view_clear(struct view *view)
{
    g_clear_pointer(&view->text, g_bytes_unref);
}

static void drop_text(struct publish *publish, struct entry *entry)
{
    if (!entry->text)
        return;
    publish->bytes -= entry->size;
    g_queue_unlink(&publish->texts, &entry->with_text);
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
    g_queue_init(&publish->texts);
    publish->purge_at = PUBLISH_REMEMBER;
    publish->entries = g_hash_table_new_full(g_int64_hash, g_int64_equal, NULL, entry_free);
    publish->groups = g_hash_table_new_full(g_int64_hash, g_int64_equal, g_free, g_free);
    return publish;
}

void publish_free(struct publish *publish)
{
    if (!publish)
        return;
    g_hash_table_destroy(publish->groups);
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

/* ---- stages */

/* The queue of a group is there while it has an entry. */
static void leave_group(struct publish *publish, struct entry *entry)
{
    GQueue *group = g_hash_table_lookup(publish->groups, &entry->group);

    g_queue_unlink(group, &entry->in_group);
    if (g_queue_is_empty(group))
        g_hash_table_remove(publish->groups, &entry->group);
}

static void enter_group(struct publish *publish, struct entry *entry)
{
    GQueue *group = g_hash_table_lookup(publish->groups, &entry->group);

    if (!group) {
        group = g_new0(GQueue, 1);
        g_hash_table_insert(publish->groups, g_memdup2(&entry->group, sizeof entry->group), group);
    }
    g_queue_push_tail_link(group, &entry->in_group);
}

static void set_stage(struct publish *publish, struct entry *entry, enum stage stage)
{
    if (entry->stage == LASTING)
        leave_group(publish, entry);
    entry->stage = stage;
    if (stage == LASTING)
        enter_group(publish, entry);
}

static bool is_held(const struct entry *entry, int64_t now)
{
    int64_t since = now - entry->left;

    if (entry->open && since < PUBLISH_LIMIT)
        return true;
    return now - MAX(entry->looked, entry->left) < PUBLISH_HOLD && since < PUBLISH_LAST;
}

static bool is_current(const struct entry *entry, int64_t now)
{
    return entry->stage == LASTING || (entry->stage == LEAVING && is_held(entry, now));
}

/* ---- looking */

static void look(struct publish *publish, struct entry *entry, int64_t now, bool text,
                 struct view *view)
{
    entry->looked = now;
    if (entry->text) {
        g_queue_unlink(&publish->texts, &entry->with_text);
        g_queue_push_tail_link(&publish->texts, &entry->with_text);
    }
    *view = (struct view){.size = entry->size,
                          .time = entry->time,
                          .lasts = entry->stage == LASTING,
                          .text = text ? g_bytes_ref(entry->text) : NULL};
}

bool publish_look(struct publish *publish, uint64_t ino, bool text, struct view *view)
{
    int64_t now = publish->ops->monotonic();
    struct entry *entry;
    bool found;

    pthread_mutex_lock(&publish->lock);
    entry = g_hash_table_lookup(publish->entries, &ino);
    found = entry && is_current(entry, now) && (entry->text || !text);
    if (found)
        look(publish, entry, now, text, view);
    pthread_mutex_unlock(&publish->lock);
    return found;
}

bool publish_opened(struct publish *publish, uint64_t ino)
{
    struct entry *entry;

    pthread_mutex_lock(&publish->lock);
    entry = g_hash_table_lookup(publish->entries, &ino);
    if (entry)
        entry->open++;
    pthread_mutex_unlock(&publish->lock);
    return entry != NULL;
}

/* It may have been forgotten meanwhile. The end of a look is a good moment for that of a version
 * that has stayed for long. */
void publish_closed(struct publish *publish, uint64_t ino, bool in_time)
{
    struct entry *entry;

    pthread_mutex_lock(&publish->lock);
    entry = g_hash_table_lookup(publish->entries, &ino);
    if (entry && entry->open > 0 && --entry->open == 0 && in_time && entry->stage == LEAVING &&
        publish->ops->monotonic() - entry->left >= PUBLISH_LIMIT)
        set_stage(publish, entry, OVER);
    pthread_mutex_unlock(&publish->lock);
}

bool publish_shows(struct publish *publish, uint64_t ino, int64_t time)
{
    const struct entry *entry;
    bool shows;

    pthread_mutex_lock(&publish->lock);
    entry = g_hash_table_lookup(publish->entries, &ino);
    shows = entry && entry->time == time;
    pthread_mutex_unlock(&publish->lock);
    return shows;
}

/* ---- making */

static gboolean is_needless(void *key, void *value, void *data)
{
    const struct entry *entry = value;

    (void)key;
    (void)data;
    return !entry->text && entry->stage != LASTING && !entry->open;
}

static struct entry *entry_of(struct publish *publish, uint64_t ino)
{
    struct entry *entry = g_hash_table_lookup(publish->entries, &ino);

    if (entry)
        return entry;
    if (g_hash_table_size(publish->entries) >= publish->purge_at) {
        g_hash_table_foreach_remove(publish->entries, is_needless, NULL);
        /* Twice what is left, so that the walk costs each insert the same. */
        publish->purge_at = MAX(PUBLISH_REMEMBER, 2 * g_hash_table_size(publish->entries));
    }
    entry = g_new0(struct entry, 1);
    entry->ino = ino;
    entry->with_text.data = entry->in_group.data = entry;
    g_hash_table_insert(publish->entries, &entry->ino, entry);
    return entry;
}

static void set_text(struct publish *publish, struct entry *entry, const GString *text)
{
    uint64_t hash = hash_text(text);

    if (!entry->time || entry->hash != hash || entry->size != text->len) {
        if (entry->stage == LASTING)
            publish->ops->expired(publish->ctx, entry->ino);
        publish->ops->replaced(publish->ctx, entry->ino);
        entry->time = publish->ops->wall();
    }
    drop_text(publish, entry);
    entry->hash = hash;
    entry->size = text->len;
    entry->text = g_bytes_new(text->str, text->len);
    publish->bytes += entry->size;
    g_queue_push_tail_link(&publish->texts, &entry->with_text);
}

/* At the head is the one that was looked at longest ago. */
static void bound_texts(struct publish *publish)
{
    while (publish->bytes > PUBLISH_KEEP && publish->texts.length > 1)
        drop_text(publish, g_queue_peek_head(&publish->texts));
}

void publish_put(struct publish *publish, uint64_t ino, uint64_t group, bool fleeting,
                 const GString *text, struct view *view)
{
    struct entry *entry;
    int64_t now;

    pthread_mutex_lock(&publish->lock);
    now = publish->ops->monotonic();
    entry = entry_of(publish, ino);
    if (!is_current(entry, now) || !entry->text) { /* nobody else was faster */
        set_text(publish, entry, text);
        set_stage(publish, entry, OVER); /* leaves the group that it was in */
        entry->group = group;
        entry->left = now;
        set_stage(publish, entry, fleeting ? LEAVING : LASTING);
    }
    look(publish, entry, now, true, view);
    bound_texts(publish);
    pthread_mutex_unlock(&publish->lock);
}

/* ---- ends */

/* What has no text any more cannot stay. */
static void expire_group(struct publish *publish, uint64_t id, int64_t now)
{
    GQueue *group = g_hash_table_lookup(publish->groups, &id);

    for (unsigned n = group ? group->length : 0; n > 0; n--) { /* the last one takes it away */
        struct entry *entry = g_queue_peek_head(group);

        entry->left = now;
        set_stage(publish, entry, entry->text ? LEAVING : OVER);
        publish->ops->expired(publish->ctx, entry->ino);
    }
}

void publish_sampled(struct publish *publish, uint64_t group)
{
    int64_t now = publish->ops->monotonic();

    pthread_mutex_lock(&publish->lock);
    expire_group(publish, group, now);
    if (group)
        expire_group(publish, 0, now);
    pthread_mutex_unlock(&publish->lock);
}

static void outdate(struct publish *publish, struct entry *entry)
{
    if (entry->stage == LASTING)
        publish->ops->expired(publish->ctx, entry->ino);
    set_stage(publish, entry, OVER);
    drop_text(publish, entry);
}

static void end(struct publish *publish, uint64_t ino, bool forget)
{
    struct entry *entry;

    pthread_mutex_lock(&publish->lock);
    entry = g_hash_table_lookup(publish->entries, &ino);
    if (entry)
        outdate(publish, entry);
    if (entry && forget)
        g_hash_table_remove(publish->entries, &ino);
    pthread_mutex_unlock(&publish->lock);
}

void publish_outdate(struct publish *publish, uint64_t ino)
{
    end(publish, ino, false);
}

void publish_forget(struct publish *publish, uint64_t ino)
{
    end(publish, ino, true);
}

void publish_sweep(struct publish *publish)
{
    int64_t now = publish->ops->monotonic();
    GList *next;

    pthread_mutex_lock(&publish->lock);
    for (GList *link = publish->texts.head; link; link = next) {
        struct entry *entry = link->data;

        next = link->next;
        if (!is_current(entry, now))
            drop_text(publish, entry);
    }
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
