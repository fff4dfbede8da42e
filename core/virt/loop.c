// SPDX-License-Identifier: GPL-2.0-or-later
/*
 * The event loop that libvirt is given: one thread, a GLib context.
 *
 * libvirt's own would do, but does not say which socket a connection uses, and nothing else ends
 * a call that hangs: see wire.c. libvirt registers a connection's socket here in the thread that
 * opens it, before it says a word to the other side; so that thread can catch it.
 */
#include <glib-unix.h>
#include <signal.h>

#include "core/virt/internal.h"

/* A handle or a timer of libvirt's. What it points to is freed in the loop's thread, never from
 * within a call of libvirt's, which may hold locks of its own. */
struct watch {
    gatomicrefcount refs;
    int id, fd; /* fd -1: a timer */
    virEventHandleCallback ready;
    virEventTimeoutCallback due;
    virFreeCallback free;
    void *opaque;
    /* Guarded by `lock`. */
    GSource *source; /* of a handle NULL: asleep */
    int ms;          /* of a timer: -1 asleep */
};

static GMutex lock;
static GHashTable *watches; /* id to struct watch; guarded by lock */
static int last_id;         /* the same */
static GMainContext *context;
static GThread *thread; /* guarded by lock */
static gint stopping;
static _Thread_local struct virt_wire *catching;

static void watch_unref(void *data)
{
    struct watch *watch = data;
    if (!g_atomic_ref_count_dec(&watch->refs))
        return;
    if (watch->free)
        watch->free(watch->opaque);
    g_free(watch);
}

static gboolean on_ready(int fd, GIOCondition ready, void *data)
{
    struct watch *watch = data;
    int events = (ready & G_IO_IN ? VIR_EVENT_HANDLE_READABLE : 0) |
                 (ready & G_IO_OUT ? VIR_EVENT_HANDLE_WRITABLE : 0) |
                 (ready & G_IO_ERR ? VIR_EVENT_HANDLE_ERROR : 0) |
                 (ready & G_IO_HUP ? VIR_EVENT_HANDLE_HANGUP : 0);
    watch->ready(watch->id, fd, events, watch->opaque);
    return G_SOURCE_CONTINUE;
}

/* ---- timers: a source each that is set anew, as libvirt does twice for every event it tells of */

/* Under lock. */
static void set_timer(struct watch *watch, int ms)
{
    int64_t due = ms < 0 ? -1 : ms == 0 ? 0 : g_get_monotonic_time() + ms * INT64_C(1000);
    watch->ms = ms;
    g_source_set_ready_time(watch->source, due);
}

/* It comes again and again until it is set to sleep or removed, maybe a moment ago. */
static gboolean on_due(void *data)
{
    struct watch *watch = data;
    g_mutex_lock(&lock);
    bool awake = watch->source && watch->ms >= 0;
    if (awake && watch->ms > 0)
        set_timer(watch, watch->ms);
    g_mutex_unlock(&lock);
    if (awake)
        watch->due(watch->id, watch->opaque);
    return G_SOURCE_CONTINUE;
}

static gboolean call_timer(G_GNUC_UNUSED GSource *source, GSourceFunc call, void *watch)
{
    return call(watch);
}

static GSource *timer_new(void)
{
    static GSourceFuncs funcs = {.dispatch = call_timer};
    return g_source_new(&funcs, sizeof(GSource));
}

/* ---- handles: a source for as long as the events are the same */

/* NULL: it sleeps. */
static GSource *handle_source(const struct watch *watch, int events)
{
    if (events == 0)
        return NULL;
    return g_unix_fd_source_new(watch->fd, (events & VIR_EVENT_HANDLE_READABLE ? G_IO_IN : 0) |
                                               (events & VIR_EVENT_HANDLE_WRITABLE ? G_IO_OUT : 0) |
                                               G_IO_ERR | G_IO_HUP);
}

/* Under lock. The source has a reference of WATCH's. */
static void attach(struct watch *watch, GSource *source, GSourceFunc call)
{
    watch->source = source;
    g_atomic_ref_count_inc(&watch->refs);
    g_source_set_callback(source, call, watch, watch_unref);
    g_source_attach(source, context);
}

/* Under lock. */
static void detach(struct watch *watch)
{
    if (!watch->source)
        return;
    g_source_destroy(watch->source);
    g_clear_pointer(&watch->source, g_source_unref);
}

/* Under lock. VALUE: the events, or the milliseconds. */
static void rearm(struct watch *watch, int value)
{
    if (watch->fd < 0) {
        set_timer(watch, value);
        return;
    }
    detach(watch);
    GSource *source = handle_source(watch, value);
    if (source) /* one type stands for the callbacks of all kinds of sources */
        attach(watch, source, (GSourceFunc)(void (*)(void))on_ready);
}

static int add(const struct watch *made, int value)
{
    struct watch *watch = g_memdup2(made, sizeof *made);
    g_atomic_ref_count_init(&watch->refs);
    g_mutex_lock(&lock);
    int id = watch->id = ++last_id;
    g_hash_table_insert(watches, GINT_TO_POINTER(id), watch);
    if (watch->fd < 0)
        attach(watch, timer_new(), on_due);
    rearm(watch, value);
    g_mutex_unlock(&lock);
    return id;
}

static void update(int id, int value)
{
    g_mutex_lock(&lock);
    struct watch *watch = g_hash_table_lookup(watches, GINT_TO_POINTER(id));
    if (watch)
        rearm(watch, value);
    g_mutex_unlock(&lock);
}

static gboolean let_go(void *watch)
{
    watch_unref(watch);
    return G_SOURCE_REMOVE;
}

static int drop(int id)
{
    struct watch *watch;
    g_mutex_lock(&lock);
    bool found = g_hash_table_steal_extended(watches, GINT_TO_POINTER(id), NULL, (void **)&watch);
    if (found) {
        GSource *later = g_idle_source_new();
        g_source_set_priority(later, G_PRIORITY_DEFAULT);
        g_source_set_callback(later, let_go, watch, NULL);
        detach(watch);
        g_source_attach(later, context);
        g_source_unref(later);
    }
    g_mutex_unlock(&lock);
    return found ? 0 : -1;
}

static int add_handle(int fd, int events, virEventHandleCallback ready, void *opaque,
                      virFreeCallback free)
{
    if (catching)
        virt_wire_take(catching, fd);
    return add(&(struct watch){.fd = fd, .ready = ready, .opaque = opaque, .free = free}, events);
}

static int add_timer(int ms, virEventTimeoutCallback due, void *opaque, virFreeCallback free)
{
    return add(&(struct watch){.fd = -1, .due = due, .opaque = opaque, .free = free}, ms);
}

void virt_loop_catch(struct virt_wire *wire)
{
    catching = wire;
}

static void *run(void *data)
{
    while (!g_atomic_int_get(&stopping))
        g_main_context_iteration(context, TRUE);
    return data;
}

/* Signals are for main's thread. */
static GThread *start(GError **error)
{
    sigset_t all, before;
    sigfillset(&all);
    pthread_sigmask(SIG_BLOCK, &all, &before);
    GThread *started = g_thread_try_new("virt-events", run, NULL, error);
    pthread_sigmask(SIG_SETMASK, &before, NULL);
    return started;
}

bool virt_need_loop(GError **error)
{
    g_autoptr(GError) cause = NULL;
    g_mutex_lock(&lock);
    if (!context && virInitialize() == 0) {
        context = g_main_context_new();
        watches = g_hash_table_new(NULL, NULL);
        virEventRegisterImpl(add_handle, update, drop, add_timer, update, drop);
    }
    if (context && !thread) {
        g_atomic_int_set(&stopping, false);
        thread = start(&cause);
    }
    bool running = thread != NULL;
    g_mutex_unlock(&lock);
    if (!running)
        fail(error, EIO, "cannot start libvirt's event loop: %s",
             cause ? cause->message : "libvirt does not start");
    return running;
}

void virt_loop_stop(void)
{
    g_mutex_lock(&lock);
    GThread *ending = g_steal_pointer(&thread);
    g_mutex_unlock(&lock);
    if (!ending)
        return;
    g_atomic_int_set(&stopping, true);
    g_main_context_wakeup(context);
    g_thread_join(ending);
}
