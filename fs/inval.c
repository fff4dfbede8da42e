/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "fs/inval.h"

#include <fuse_lowlevel.h>
#include <glib.h>
#include <pthread.h>
#include <string.h>

#include "core/error.h"
#include "fs/ino.h"
#include "fs/poll.h"
#include "fs/publish.h"
#include "fs/specs.h"
#include "fs/table.h"

enum { SWEEP_EVERY = 5 /* seconds */ };

#define EVENTS_INO ino_make(ROOT_ID, CODE_EVENTS)

struct note {
    uint64_t ino;
    char name[]; /* stands for something else in directory ino now; "": ino's attributes moved */
};

struct inval {
    struct fuse_session *session;
    struct publish *publish;
    struct pollers *pollers;
    pthread_t thread;
    pthread_rwlock_t barrier;

    pthread_mutex_t lock; /* of all below */
    pthread_cond_t woken;
    GQueue queue; /* of struct note * */
    bool stopped;
};

static void post_entry(struct inval *inval, uint64_t parent, const char *name)
{
    size_t len = strlen(name) + 1;
    struct note *note = g_malloc(sizeof *note + len);

    note->ino = parent;
    memcpy(note->name, name, len);
    pthread_mutex_lock(&inval->lock);
    g_queue_push_tail(&inval->queue, note);
    pthread_cond_signal(&inval->woken);
    pthread_mutex_unlock(&inval->lock);
}

void inval_name(struct inval *inval, uint64_t parent, const char *name)
{
    post_entry(inval, parent, name);
}

static void post_attr(struct inval *inval, uint64_t ino)
{
    post_entry(inval, ino, "");
}

/* VM's link left the vms/ of OTHER, a host or a service. */
static void post_unlinked(struct inval *inval, const struct object *vm, const struct object *other)
    REQUIRES_SHARED(model)
{
    post_entry(inval, ino_make(other->id, CODE_VMS), vm->name);
}

/* Its file in specs/ is gone, and is not the second name of its spec any more. */
static void post_left_specs(struct inval *inval, const struct object *object) REQUIRES_SHARED(model)
{
    const struct folder_row *folder = folder_by_kind(object->kind, true);
    g_autofree char *name = specs_file_name(object->name);

    if (folder)
        post_entry(inval, ino_make(folder->id, CODE_SELF), name);
}

static void post_removed(struct inval *inval, const struct object *object) REQUIRES_SHARED(model)
{
    const struct folder_row *folder = folder_by_kind(object->kind, false);

    if (!folder)
        return;
    post_entry(inval, ino_make(folder->id, CODE_SELF), object->name);
    post_left_specs(inval, object);
    /* The name is in these too, if it was not the object that went but its name. */
    if (object->kind == OBJECT_VM && object->vm.host)
        post_unlinked(inval, object, object->vm.host);
    if (object->kind == OBJECT_VM && object->vm.service)
        post_unlinked(inval, object, object->vm.service);
}

static void post_facet(struct inval *inval, const struct object *object, enum facet facet)
    REQUIRES_SHARED(model)
{
    uint64_t self = ino_make(object->id, CODE_SELF);

    if (facet == FACET_SELF || facet == FACET_ATTR)
        post_attr(inval, self);
    if (facet != FACET_LINKS && facet != FACET_ATTR)
        return;
    if (object->kind == OBJECT_VM) {
        post_attr(inval, self);
        post_entry(inval, self, "host");
        post_attr(inval, ino_make(object->id, CODE_HOST));
    } else if (object->kind != OBJECT_FOLDER) {
        post_attr(inval, ino_make(object->id, CODE_VMS));
    }
}

void inval_watch(void *ctx, enum change what, const struct object *object, enum facet facet,
                 const struct object *other)
{
    struct inval *inval = ctx;

    switch (what) {
    case CHANGE_REMOVED:
        post_removed(inval, object);
        break;
    case CHANGE_UNLINKED:
        post_unlinked(inval, object, other);
        break;
    case CHANGE_FACET:
        post_facet(inval, object, facet);
        if (pollers_any(inval->pollers))
            post_attr(inval, EVENTS_INO);
        break;
    case CHANGE_EVENTS: /* attributes and text of files are never cached */
        if (pollers_any(inval->pollers))
            post_attr(inval, EVENTS_INO);
        break;
    case CHANGE_ADDED: /* that a name is not there is never cached; the directory's time comes as a
                          facet */
    case CHANGE_LINKED:
    case CHANGE_STAYING:
        break;
    case CHANGE_LEAVING:
        post_left_specs(inval, object);
        break;
    }
}

void inval_reply_begin(struct inval *inval)
{
    pthread_rwlock_rdlock(&inval->barrier);
}

void inval_reply_end(struct inval *inval)
{
    pthread_rwlock_unlock(&inval->barrier);
}

/* Failures are no failures: the kernel does not know what it is about, or the mount is gone. */
static void notify(struct inval *inval, const struct note *note)
{
    if (note->ino == EVENTS_INO)
        pollers_wake(inval->pollers);
    else if (note->name[0])
        fuse_lowlevel_notify_inval_entry(inval->session, note->ino, note->name, strlen(note->name));
    else /* a negative offset: attributes only */
        fuse_lowlevel_notify_inval_inode(inval->session, note->ino, -1, 0);
}

static struct timespec next_sweep(void)
{
    struct timespec at;

    clock_gettime(CLOCK_MONOTONIC, &at);
    at.tv_sec += SWEEP_EVERY;
    return at;
}

/* NULL: time to sweep, or to end, which *STOPPED tells. */
static struct note *next_note(struct inval *inval, bool *stopped)
{
    struct timespec at = next_sweep();
    struct note *note;
    int err = 0;

    pthread_mutex_lock(&inval->lock);
    while (!err && !inval->stopped && g_queue_is_empty(&inval->queue))
        err = pthread_cond_timedwait(&inval->woken, &inval->lock, &at);
    *stopped = inval->stopped;
    note = inval->stopped ? NULL : g_queue_pop_head(&inval->queue);
    pthread_mutex_unlock(&inval->lock);
    return note;
}

static void *run(void *data)
{
    struct inval *inval = data;
    struct note *note;
    bool stopped;

    for (note = next_note(inval, &stopped); !stopped; note = next_note(inval, &stopped)) {
        if (!note) {
            publish_sweep(inval->publish);
            continue;
        }
        /* All answers that may have been made before the change have gone. */
        pthread_rwlock_wrlock(&inval->barrier);
        pthread_rwlock_unlock(&inval->barrier);
        notify(inval, note);
        g_free(note);
    }
    return NULL;
}

/* The thread first: lookups that never pause must not keep it out. */
static void init_barrier(pthread_rwlock_t *barrier)
{
    pthread_rwlockattr_t attr;

    pthread_rwlockattr_init(&attr);
    pthread_rwlockattr_setkind_np(&attr, PTHREAD_RWLOCK_PREFER_WRITER_NONRECURSIVE_NP);
    pthread_rwlock_init(barrier, &attr);
    pthread_rwlockattr_destroy(&attr);
}

static void init_cond(pthread_cond_t *cond)
{
    pthread_condattr_t attr;

    pthread_condattr_init(&attr);
    pthread_condattr_setclock(&attr, CLOCK_MONOTONIC);
    pthread_cond_init(cond, &attr);
    pthread_condattr_destroy(&attr);
}

static void dispose(struct inval *inval)
{
    g_queue_clear_full(&inval->queue, g_free);
    pthread_rwlock_destroy(&inval->barrier);
    pthread_cond_destroy(&inval->woken);
    pthread_mutex_destroy(&inval->lock);
    g_free(inval);
}

struct inval *inval_new(struct fuse_session *session, struct publish *publish,
                        struct pollers *pollers, GError **error)
{
    struct inval *inval = g_new0(struct inval, 1);
    int err;

    inval->session = session;
    inval->publish = publish;
    inval->pollers = pollers;
    g_queue_init(&inval->queue);
    init_barrier(&inval->barrier);
    init_cond(&inval->woken);
    pthread_mutex_init(&inval->lock, NULL);
    err = pthread_create(&inval->thread, NULL, run, inval);
    if (err) {
        fail(error, err, "cannot start a thread: %s", g_strerror(err));
        g_clear_pointer(&inval, dispose);
    }
    return inval;
}

void inval_stop(struct inval *inval)
{
    bool first;

    pthread_mutex_lock(&inval->lock);
    first = !inval->stopped;
    inval->stopped = true;
    pthread_cond_signal(&inval->woken);
    pthread_mutex_unlock(&inval->lock);
    if (first)
        pthread_join(inval->thread, NULL);
}

void inval_free(struct inval *inval)
{
    if (!inval)
        return;
    inval_stop(inval);
    dispose(inval);
}
