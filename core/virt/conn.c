// SPDX-License-Identifier: GPL-2.0-or-later
/*
 * The handle of a host, and its connections.
 *
 * A libvirt call can hang for ever, opening and closing a connection can too, and nobody may wait
 * for it. So everything is counted: a call under way holds the handle and the connection that it
 * began with, a callback holds the handle, and open(), close() and free() only change what the
 * next call gets. An open() that was overtaken by another, by close() or free() is cut short: it
 * finds another `generation` when it comes back, and drops what it brought.
 *
 * What the connections are for, and whose they are, is in links.c. When the pulse says that the
 * host is not there any more, the sockets of all are shut down, which ends the calls on them.
 */
#include <pthread.h>
#include <string.h>

#include "core/virt/internal.h"

enum { MOST_SIGHTS = 10000 };

struct virt {
    gatomicrefcount refs;
    char *uri;                  /* immutable */
    char *state;                /* immutable */
    enum virt_driver driver;    /* immutable */
    void *ctx;                  /* immutable */
    struct virt_guests *guests; /* immutable, has a lock of its own */

    /* Not of GLib, whose locks ThreadSanitizer does not see. Order: none under another. */
    pthread_mutex_t telling; /* held while event() runs: free() knows that none runs any more */
    void (*event)(void *ctx, enum virt_event what, const char *uuid); /* under telling; or NULL */

    pthread_mutex_t lock; /* never held across a call that can wait; guards the rest */
    unsigned generation;  /* of the connections */
    bool up;              /* they may be used */
    char *real;           /* the URI as libvirt gets it; NULL: never opened */
    struct virt_links links;
    GHashTable *sights; /* UUID to libvirt's id */
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
    virt_guests_free(v->guests);
    pthread_mutex_destroy(&v->telling);
    pthread_mutex_destroy(&v->lock);
    virt_links_clear(&v->links);
    g_free(v->real);
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

struct virt_guests *virt_guests(struct virt *v)
{
    return v->guests;
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
    virt_links_init(&v->links, v->driver == DRIVER_TEST || v->driver == DRIVER_EMBED);
    v->event = options->event;
    v->ctx = options->ctx;
    v->sights = g_hash_table_new_full(g_str_hash, g_str_equal, g_free, NULL);
    v->guests = virt_guests_new();
    return v;
}

void virt_tell(struct virt *v, enum virt_event what, const char *uuid)
{
    pthread_mutex_lock(&v->telling);
    if (v->event)
        v->event(v->ctx, what, uuid);
    pthread_mutex_unlock(&v->telling);
}

bool virt_is_current(struct virt *v, virConnectPtr conn)
{
    pthread_mutex_lock(&v->lock);
    bool current = v->up && virt_links_have(&v->links, conn);
    pthread_mutex_unlock(&v->lock);
    return current;
}

void virt_broken(struct virt *v, virConnectPtr conn)
{
    pthread_mutex_lock(&v->lock);
    bool news = v->up && virt_links_have(&v->links, conn);
    if (news) {
        v->up = false;
        virt_links_cut(&v->links);
    }
    pthread_mutex_unlock(&v->lock);
    if (news)
        virt_tell(v, VIRT_CLOSED, NULL);
}

static void overtaken(const struct virt *v, GError **error)
{
    fail(error, EHOSTDOWN, "the connection to %s was given up while it was being made", v->uri);
}

/* Makes one more connection, which detach() and virt_broken() can end meanwhile. */
static struct virt_link *link_up(struct virt *v, unsigned generation, const char *uri,
                                 enum virt_link_kind kind, GError **error)
{
    struct virt_wire *wire = virt_wire_new();
    struct virt_link *link = NULL;
    pthread_mutex_lock(&v->lock);
    bool wanted = v->generation == generation;
    if (wanted)
        virt_links_opening(&v->links, wire);
    pthread_mutex_unlock(&v->lock);
    if (wanted)
        link = virt_link_open(v, uri, kind, wire, error);
    else
        overtaken(v, error);
    pthread_mutex_lock(&v->lock);
    virt_links_opened(&v->links, wire);
    pthread_mutex_unlock(&v->lock);
    virt_wire_unref(wire);
    return link;
}

/* LINK becomes one of those in use; if it is too late for that, it is dropped. */
static bool link_in(struct virt *v, unsigned generation, enum virt_link_kind kind,
                    struct virt_link *link, GError **error)
{
    pthread_mutex_lock(&v->lock);
    bool wanted = v->generation == generation;
    if (wanted)
        virt_links_add(&v->links, kind, link);
    pthread_mutex_unlock(&v->lock);
    if (wanted)
        return true;
    virt_link_drop(link);
    overtaken(v, error);
    return false;
}

static virConnectPtr hand_out(struct virt *v, enum virt_link_kind kind, GError **error)
{
    pthread_mutex_lock(&v->lock);
    bool up = v->up;
    unsigned generation = v->generation;
    virConnectPtr conn = up ? virt_links_take(&v->links, kind) : NULL;
    g_autofree char *uri = g_strdup(v->real);
    pthread_mutex_unlock(&v->lock);
    if (conn)
        return conn;
    if (!up) {
        fail(error, EHOSTDOWN, "not connected to %s", v->uri);
        return NULL;
    }
    struct virt_link *spare = link_up(v, generation, uri, LINK_SPARE, error);
    if (!spare || !link_in(v, generation, LINK_SPARE, spare, error))
        return NULL;
    return hand_out(v, kind, error); /* no other thread takes it */
}

virConnectPtr virt_connection(struct virt *v, GError **error)
{
    return hand_out(v, LINK_CONTROL, error);
}

virConnectPtr virt_sampling_connection(struct virt *v, GError **error)
{
    return hand_out(v, LINK_SAMPLING, error);
}

void virt_leave(struct virt *v)
{
    pthread_mutex_lock(&v->lock);
    g_autoptr(GPtrArray) old = virt_links_give(&v->links);
    pthread_mutex_unlock(&v->lock);
    virt_links_drop(old);
    virt_unref(v);
}

/* The one that is not alive, with a reference; NULL: all are. */
static virConnectPtr find_dead(struct virt *v)
{
    virConnectPtr dead = NULL;
    pthread_mutex_lock(&v->lock);
    g_autoptr(GPtrArray) all = virt_links_all(&v->links);
    pthread_mutex_unlock(&v->lock);
    for (unsigned i = 0; i < all->len; i++)
        if (!virt_is_alive(all->pdata[i]) && !dead) {
            dead = all->pdata[i];
            virConnectRef(dead);
        }
    return dead;
}

static bool is_alive(struct virt *v)
{
    g_autoptr(VirtConnection) dead = find_dead(v);
    return !dead;
}

bool virt_check_alive(struct virt *v)
{
    g_autoptr(VirtConnection) dead = find_dead(v);
    if (dead)
        virt_broken(v, dead);
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
    g_autoptr(GPtrArray) links = NULL;
    pthread_mutex_lock(&v->lock);
    unsigned generation = ++v->generation;
    if (!v->up)
        virt_links_cut(&v->links);
    v->up = false;
    if (everything || v->driver != DRIVER_TEST)
        links = virt_links_steal(&v->links);
    pthread_mutex_unlock(&v->lock);
    virt_links_drop(links);
    virt_guests_forget(v->guests);
    return generation;
}

/* Whether a connection that was set aside will do. */
static bool resume(struct virt *v)
{
    pthread_mutex_lock(&v->lock);
    v->up = virt_links_any(&v->links);
    bool kept = v->up;
    pthread_mutex_unlock(&v->lock);
    return kept && is_alive(v);
}

/* In this process nothing is gained by more than one, and the test driver's would be empty. */
static bool link_all(struct virt *v, unsigned generation, const char *uri, GError **error)
{
    bool one = v->driver == DRIVER_TEST || v->driver == DRIVER_EMBED;
    for (enum virt_link_kind kind = LINK_CONTROL; kind <= (one ? LINK_CONTROL : LINK_PULSE);
         kind++) {
        struct virt_link *link = link_up(v, generation, uri, kind, error);
        if (!link || !link_in(v, generation, kind, link, error))
            return false;
    }
    return true;
}

static bool connect_to(struct virt *v, unsigned generation, const char *uri, GError **error)
{
    bool ok = link_all(v, generation, uri, error);
    pthread_mutex_lock(&v->lock);
    bool wanted = v->generation == generation;
    if (wanted && ok) {
        v->up = true;
        g_free(v->real);
        v->real = g_strdup(uri);
    }
    pthread_mutex_unlock(&v->lock);
    if (ok && wanted && is_alive(v)) /* it may have broken before anybody was told of it */
        return true;
    if (ok && wanted)
        fail(error, EHOSTDOWN, "the connection to %s broke at once", v->uri);
    else if (ok)
        overtaken(v, error);
    if (wanted)
        detach(v, true);
    return false;
}

static bool connect_embedded(struct virt *v, unsigned generation, const char *uri, GError **error)
{
    g_autofree char *root = virt_uri_parameter(uri, "root");
    if (!virt_embed_claim(root, error))
        return false;
    g_autofree char *trial = virt_embed_trial_uri();
    bool ok = connect_to(v, generation, trial ? trial : uri, error);
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
