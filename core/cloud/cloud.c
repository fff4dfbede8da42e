/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "core/cloud/internal.h"

#include <stdatomic.h>
#include <time.h>
#include <unistd.h>

struct model_token model;

struct folder {
    uint64_t id;
    const char *name;
};

static const struct folder folders[] = {
    {ROOT_ID,           ""              },
    {HOSTS_ID,          "hosts"         },
    {VMS_ID,            "vms"           },
    {SERVICES_ID,       "services"      },
    {PLAN_ID,           "plan"          },
    {SPECS_ID,          "specs"         },
    {SPECS_HOSTS_ID,    "specs/hosts"   },
    {SPECS_VMS_ID,      "specs/vms"     },
    {SPECS_SERVICES_ID, "specs/services"},
};

static int64_t read_clock(clockid_t clock)
{
    struct timespec now;

    clock_gettime(clock, &now);
    return (int64_t)now.tv_sec * G_GINT64_CONSTANT(1000000000) + now.tv_nsec;
}

int64_t monotonic_now(void)
{
    return read_clock(CLOCK_MONOTONIC);
}

int64_t cloud_now(void)
{
    static _Atomic int64_t last;
    int64_t before = atomic_load(&last), now;

    do
        now = MAX(read_clock(CLOCK_REALTIME), before + 1);
    while (!atomic_compare_exchange_weak(&last, &before, now));
    return now;
}

/* Writers first: readers never nest, and a `find` in a loop must not starve the engine. */
static void init_lock(pthread_rwlock_t *lock)
{
    pthread_rwlockattr_t attr;

    pthread_rwlockattr_init(&attr);
    pthread_rwlockattr_setkind_np(&attr, PTHREAD_RWLOCK_PREFER_WRITER_NONRECURSIVE_NP);
    pthread_rwlock_init(lock, &attr);
    pthread_rwlockattr_destroy(&attr);
}

static void add_folders(struct cloud *cloud)
{
    cloud_write_lock(cloud);
    for (size_t i = 0; i < G_N_ELEMENTS(folders); i++)
        cloud_add(cloud, OBJECT_FOLDER, folders[i].id, folders[i].name, getuid(), getgid(), 0755);
    cloud_write_unlock(cloud);
}

static GHashTable *new_changed(void)
{
    return g_hash_table_new_full(g_int64_hash, g_int64_equal, NULL, (GDestroyNotify)object_unref);
}

GHashTable *cloud_take_changed(struct cloud *cloud)
{
    GHashTable *changed = cloud->changed;

    cloud->changed = new_changed();
    return changed;
}

bool cloud_has_changed(const struct cloud *cloud)
{
    return g_hash_table_size(cloud->changed) > 0 || cloud->log_fresh->len > 0;
}

/* Of a name by where it is kept. */
static guint hash_name(gconstpointer key)
{
    return g_str_hash(*(char *const *)key);
}

static gboolean equal_names(gconstpointer a, gconstpointer b)
{
    return g_str_equal(*(char *const *)a, *(char *const *)b);
}

struct cloud *cloud_new(const struct conf *conf)
{
    struct cloud *cloud = g_new0(struct cloud, 1);

    init_lock(&cloud->lock);
    cloud->conf = conf;
    for (int kind = 0; kind < OBJECT_KINDS; kind++) {
        cloud->objects[kind] = g_ptr_array_new_with_free_func((GDestroyNotify)object_unref);
        cloud->by_name[kind] = g_hash_table_new(hash_name, equal_names);
    }
    cloud->by_id = g_hash_table_new(g_int64_hash, g_int64_equal);
    cloud->by_uuid = g_hash_table_new(g_str_hash, g_str_equal);
    cloud->changed = new_changed();
    cloud->place = place_new();
    cloud->log = g_string_new(NULL);
    cloud->log_fresh = g_ptr_array_new();
    add_folders(cloud);
    return cloud;
}

static void event_free(struct event *event)
{
    g_free(event->text);
    g_free(event);
}

void cloud_free(struct cloud *cloud)
{
    if (!cloud)
        return;
    g_hash_table_destroy(cloud->changed);
    g_hash_table_destroy(cloud->by_id);
    g_hash_table_destroy(cloud->by_uuid);
    for (int kind = OBJECT_KINDS - 1; kind >= 0; kind--) {
        g_hash_table_destroy(cloud->by_name[kind]);
        g_ptr_array_free(cloud->objects[kind], true);
    }
    place_free(cloud->place);
    g_string_free(cloud->log, true);
    g_ptr_array_set_free_func(cloud->log_fresh, (GDestroyNotify)event_free);
    g_ptr_array_free(cloud->log_fresh, true);
    pthread_rwlock_destroy(&cloud->lock);
    g_free(cloud);
}

void cloud_read_lock(struct cloud *cloud) UNCHECKED_LOCKING
{
    pthread_rwlock_rdlock(&cloud->lock);
}

void cloud_read_unlock(struct cloud *cloud) UNCHECKED_LOCKING
{
    pthread_rwlock_unlock(&cloud->lock);
}

void cloud_write_lock(struct cloud *cloud) UNCHECKED_LOCKING
{
    pthread_rwlock_wrlock(&cloud->lock);
}

void cloud_write_unlock(struct cloud *cloud) UNCHECKED_LOCKING
{
    pthread_rwlock_unlock(&cloud->lock);
}

void cloud_yield(struct cloud *cloud) UNCHECKED_LOCKING
{
    cloud_over(cloud);
    cloud_write_unlock(cloud);
    cloud_write_lock(cloud);
}

void cloud_over(struct cloud *cloud) UNCHECKED_LOCKING
{
    if (cloud->told)
        cloud->watcher(cloud->watcher_ctx, CHANGE_OVER, NULL, FACET_SELF, NULL);
    cloud->told = false;
}

void cloud_watch(struct cloud *cloud, cloud_watcher watcher, void *ctx)
{
    cloud->watcher = watcher;
    cloud->watcher_ctx = ctx;
}

void cloud_tell(struct cloud *cloud, enum change what, const struct object *object,
                enum facet facet, const struct object *other)
{
    if (!cloud->watcher)
        return;
    cloud->watcher(cloud->watcher_ctx, what, object, facet, other);
    cloud->told = true;
}

const struct conf *cloud_conf(const struct cloud *cloud)
{
    return cloud->conf;
}

struct place *cloud_place(struct cloud *cloud)
{
    return cloud->place;
}

struct object *cloud_find(struct cloud *cloud, enum object_kind kind, const char *name)
{
    char *const *found = g_hash_table_lookup(cloud->by_name[kind], &name);

    return found ? OBJECT_OF(found, name) : NULL;
}

struct object *cloud_by_id(struct cloud *cloud, uint64_t id)
{
    gint64 key = (gint64)id;

    return g_hash_table_lookup(cloud->by_id, &key);
}

struct object *cloud_by_uuid(struct cloud *cloud, const char *uuid)
{
    char *found = g_hash_table_lookup(cloud->by_uuid, uuid);

    return found ? OBJECT_OF(found, vm.uuid) : NULL;
}

const GPtrArray *cloud_objects(struct cloud *cloud, enum object_kind kind)
{
    return cloud->objects[kind];
}

unsigned objects_after(const GPtrArray *objects, uint64_t id)
{
    unsigned low = 0, high = objects->len;

    while (low < high) {
        unsigned middle = low + (high - low) / 2;
        const struct object *object = objects->pdata[middle];

        if (object->id <= id)
            low = middle + 1;
        else
            high = middle;
    }
    return low;
}

/* The newest has the highest id, mostly. */
void objects_insert(GPtrArray *objects, struct object *object)
{
    const struct object *last = objects->len > 0 ? objects->pdata[objects->len - 1] : NULL;

    if (!last || last->id < object->id)
        g_ptr_array_add(objects, object);
    else
        g_ptr_array_insert(objects, (int)objects_after(objects, object->id), object);
}

bool objects_remove(GPtrArray *objects, const struct object *object)
{
    unsigned i = objects_after(objects, object->id);

    if (i == 0 || objects->pdata[i - 1] != object)
        return false;
    g_ptr_array_remove_index(objects, i - 1);
    return true;
}
