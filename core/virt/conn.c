// SPDX-License-Identifier: GPL-2.0-or-later
/*
 * The handle of a host, and its connections.
 *
 * A libvirt call can hang for ever, opening and closing a connection can too, and nobody may wait
 * for it. So everything is counted: a call under way holds the handle and the connection that it
 * began with, a callback holds the handle, and open(), close() and free() only change what the
 * next call gets. An open() that was overtaken by another, by close() or free() finds another
 * `generation` when it comes back, and drops what it brought.
 */
#include <pthread.h>
#include <string.h>

#include "core/virt/internal.h"

enum { MOST_SIGHTS = LIMIT(10000, 1) };

struct virt {
    gatomicrefcount refs;
    char *uri;               /* immutable */
    char *state;             /* immutable */
    enum virt_driver driver; /* immutable */
    void *ctx;               /* immutable */

    /* Not of GLib, whose locks ThreadSanitizer does not see. Order: none under another. */
    pthread_mutex_t
        telling; /* held while event() runs, so that free() knows that none runs any more */
    void (*event)(void *ctx, enum virt_event what, const char *uuid); /* under telling; or NULL */

    pthread_mutex_t lock; /* never held across a call that can wait; guards the rest */
    unsigned generation;  /* of the connections */
    bool up;              /* they may be used */
    struct virt_link *control;
    struct virt_link *sampling; /* NULL: the control connection does */
    GHashTable *sights;         /* UUID to libvirt's id */
};

struct virt *virt_ref(struct virt *v)
{
    g_atomic_ref_count_inc(&v->refs);
    return v;
}

void virt_unref(struct virt *v)
{
    if (!g_atomic_ref_count_dec(&v->refs))
        return;
    g_hash_table_unref(v->sights);
    pthread_mutex_destroy(&v->telling);
    pthread_mutex_destroy(&v->lock);
    g_free(v->uri);
    g_free(v->state);
    g_free(v);
}

const char *virt_uri(const struct virt *v)
{
    return v->uri;
}

enum virt_driver virt_driver(const struct virt *v)
{
    return v->driver;
}

const char *virt_state_directory(const struct virt *v)
{
    return v->state;
}

struct virt *virt_new(const struct virt_options *options, GError **error)
{
    if (!virt_check_uri(options->uri, error))
        return NULL;
    if (!options->state || !g_path_is_absolute(options->state)) {
        fail(error, EINVAL, "the state directory must be an absolute path");
        return NULL;
    }
    virt_log_choose(options->uri, options->state);
    if (!virt_need_loop(error))
        return NULL;
    virt_log_chosen();
    struct virt *v = g_new0(struct virt, 1);
    g_atomic_ref_count_init(&v->refs);
    pthread_mutex_init(&v->telling, NULL);
    pthread_mutex_init(&v->lock, NULL);
    v->uri = g_strdup(options->uri);
    v->state = g_strdup(options->state);
    v->driver = virt_uri_driver(options->uri);
    v->event = options->event;
    v->ctx = options->ctx;
    v->sights = g_hash_table_new_full(g_str_hash, g_str_equal, g_free, NULL);
    return v;
}

void virt_tell(struct virt *v, enum virt_event what, const char *uuid)
{
    pthread_mutex_lock(&v->telling);
    if (v->event)
        v->event(v->ctx, what, uuid);
    pthread_mutex_unlock(&v->telling);
}

/* Under v->lock. */
static bool holds(const struct virt *v, virConnectPtr conn)
{
    return (v->control && virt_link_connection(v->control) == conn) ||
           (v->sampling && virt_link_connection(v->sampling) == conn);
}

bool virt_is_current(struct virt *v, virConnectPtr conn)
{
    pthread_mutex_lock(&v->lock);
    bool current = v->up && holds(v, conn);
    pthread_mutex_unlock(&v->lock);
    return current;
}

void virt_broken(struct virt *v, virConnectPtr conn)
{
    pthread_mutex_lock(&v->lock);
    bool news = v->up && holds(v, conn);
    if (news)
        v->up = false;
    pthread_mutex_unlock(&v->lock);
    if (news)
        virt_tell(v, VIRT_CLOSED, NULL);
}

static virConnectPtr hand_out(struct virt *v, bool sampling, GError **error)
{
    virConnectPtr conn = NULL;
    pthread_mutex_lock(&v->lock);
    struct virt_link *link = sampling && v->sampling ? v->sampling : v->control;
    if (v->up && link && virConnectRef(virt_link_connection(link)) == 0)
        conn = virt_link_connection(link);
    pthread_mutex_unlock(&v->lock);
    if (!conn)
        fail(error, EHOSTDOWN, "not connected to %s", v->uri);
    return conn;
}

virConnectPtr virt_connection(struct virt *v, GError **error)
{
    return hand_out(v, false, error);
}

virConnectPtr virt_sampling_connection(struct virt *v, GError **error)
{
    return hand_out(v, true, error);
}

/* An unused connection is fine. */
static bool is_alive(struct virt *v, bool sampling, bool tell)
{
    g_autoptr(VirtConnection) conn = hand_out(v, sampling, NULL);
    bool alive = !conn || virt_is_alive(conn);
    if (!alive && tell)
        virt_broken(v, conn);
    return alive;
}

bool virt_check_alive(struct virt *v)
{
    is_alive(v, false, true);
    is_alive(v, true, true);
    pthread_mutex_lock(&v->lock);
    bool up = v->up;
    pthread_mutex_unlock(&v->lock);
    return up;
}

/*
 * What was in use is not from now on. Returns the new generation. The test driver's domains live
 * in the connection, and closing it would be the end of them: until free() it is only set aside.
 */
static unsigned detach(struct virt *v, bool everything)
{
    struct virt_link *control = NULL, *sampling = NULL;
    pthread_mutex_lock(&v->lock);
    unsigned generation = ++v->generation;
    v->up = false;
    if (everything || v->driver != DRIVER_TEST) {
        control = g_steal_pointer(&v->control);
        sampling = g_steal_pointer(&v->sampling);
    }
    pthread_mutex_unlock(&v->lock);
    virt_link_drop(control);
    virt_link_drop(sampling);
    return generation;
}

/* Whether a connection that was set aside will do. */
static bool resume(struct virt *v)
{
    pthread_mutex_lock(&v->lock);
    v->up = v->control != NULL;
    bool kept = v->up;
    pthread_mutex_unlock(&v->lock);
    return kept && is_alive(v, false, false);
}

static bool attach(struct virt *v, unsigned generation, struct virt_link *control,
                   struct virt_link *sampling, GError **error)
{
    pthread_mutex_lock(&v->lock);
    bool wanted = v->generation == generation;
    if (wanted) {
        v->control = control;
        v->sampling = sampling;
        v->up = true;
    }
    pthread_mutex_unlock(&v->lock);
    if (wanted)
        return true;
    virt_link_drop(control);
    virt_link_drop(sampling);
    fail(error, EHOSTDOWN, "the connection to %s was given up while it was being made", v->uri);
    return false;
}

static bool connect_to(struct virt *v, unsigned generation, const char *uri, GError **error)
{
    struct virt_link *sampling = NULL;
    struct virt_link *control = virt_link_open(v, uri, true, error);
    if (!control)
        return false;
    /* In this process nothing is gained by a second one, and the test driver's would be empty. */
    if (v->driver != DRIVER_TEST && v->driver != DRIVER_EMBED) {
        sampling = virt_link_open(v, uri, false, error);
        if (!sampling) {
            virt_link_drop(control);
            return false;
        }
    }
    if (!attach(v, generation, control, sampling, error))
        return false;
    /* It may have broken before anybody was told of it. */
    if (is_alive(v, false, false) && is_alive(v, true, false))
        return true;
    detach(v, true);
    fail(error, EHOSTDOWN, "the connection to %s broke at once", v->uri);
    return false;
}

static bool connect_embedded(struct virt *v, unsigned generation, const char *uri, GError **error)
{
    g_autofree char *root = virt_uri_parameter(uri, "root");
    if (!virt_embed_claim(root, error))
        return false;
    bool ok = connect_to(v, generation, uri, error);
    virt_embed_settle(root, ok);
    return ok;
}

bool virt_open(struct virt *v, GError **error)
{
    if (v->driver == DRIVER_TEST && resume(v))
        return true;
    unsigned generation = detach(v, true);
    g_autofree char *uri = virt_real_uri(v->uri, v->state);
    virt_log_trim();
    if (v->driver == DRIVER_EMBED)
        return connect_embedded(v, generation, uri, error);
    return connect_to(v, generation, uri, error);
}

void virt_close(struct virt *v)
{
    detach(v, false);
}

void virt_free(struct virt *v)
{
    if (!v)
        return;
    pthread_mutex_lock(&v->telling);
    v->event = NULL;
    pthread_mutex_unlock(&v->telling);
    detach(v, true);
    virt_unref(v);
}

bool virt_first_sight(struct virt *v, const char *uuid, int id)
{
    pthread_mutex_lock(&v->lock);
    gpointer before = g_hash_table_lookup(v->sights, uuid);
    bool first = before != GINT_TO_POINTER(id + 1);
    if (g_hash_table_size(v->sights) > MOST_SIGHTS)
        g_hash_table_remove_all(v->sights);
    if (first)
        g_hash_table_insert(v->sights, g_strdup(uuid), GINT_TO_POINTER(id + 1));
    pthread_mutex_unlock(&v->lock);
    return first;
}

void virt_forget_sight(struct virt *v, const char *uuid)
{
    pthread_mutex_lock(&v->lock);
    g_hash_table_remove(v->sights, uuid);
    pthread_mutex_unlock(&v->lock);
}
