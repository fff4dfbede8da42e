/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "fs/inval.h"

#include <fuse_lowlevel.h>
#include <glib.h>
#include <pthread.h>
#include <string.h>

#include "fs/ino.h"
#include "fs/publish.h"
#include "fs/table.h"

enum { SWEEP_EVERY = 5 * 1000 * 1000 /* microseconds */ };

enum note_kind {
    NOTE_ATTR,  /* attributes of ino */
    NOTE_ENTRY, /* name in parent stands for something else, or nothing, now */
    NOTE_GONE,  /* the same, and ino is no more */
    NOTE_STOP,
};

struct note {
    enum note_kind kind;
    uint64_t ino, parent;
    char name[];
};

struct inval {
    struct fuse_session *session;
    struct publish *publish;
    GAsyncQueue *queue; /* of struct note * */
    GThread *thread;    /* NULL: stopped */
    gint stopped;       /* atomic */
    pthread_rwlock_t barrier;
};

static void post(struct inval *inval, enum note_kind kind, uint64_t ino, uint64_t parent,
                 const char *name)
{
    size_t len = strlen(name) + 1;
    struct note *note;

    if (g_atomic_int_get(&inval->stopped))
        return;
    note = g_malloc0(sizeof *note + len);
    note->kind = kind;
    note->ino = ino;
    note->parent = parent;
    memcpy(note->name, name, len);
    g_async_queue_push(inval->queue, note);
}

/* VM's link left the vms/ of OTHER, a host or a service. */
static void post_unlinked(struct inval *inval, const struct object *vm, const struct object *other)
    REQUIRES_SHARED(model)
{
    unsigned code = other->kind == OBJECT_HOST ? CODE_OF_HOST : CODE_OF_SERVICE;

    post(inval, NOTE_GONE, ino_make(vm->id, code), ino_make(other->id, CODE_VMS), vm->name);
}

static void post_removed(struct inval *inval, const struct object *object) REQUIRES_SHARED(model)
{
    const struct folder_row *folder = folder_by_kind(object->kind);

    if (!folder)
        return;
    post(inval, NOTE_GONE, ino_make(object->id, CODE_SELF), ino_make(folder->id, CODE_SELF),
         object->name);
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
        post(inval, NOTE_ATTR, self, 0, "");
    if (facet != FACET_LINKS && facet != FACET_ATTR)
        return;
    if (object->kind == OBJECT_VM) {
        post(inval, NOTE_ATTR, self, 0, "");
        post(inval, NOTE_ENTRY, 0, self, "host");
        post(inval, NOTE_ATTR, ino_make(object->id, CODE_HOST), 0, "");
    } else if (object->kind != OBJECT_FOLDER) {
        post(inval, NOTE_ATTR, ino_make(object->id, CODE_VMS), 0, "");
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
        break;
    case CHANGE_ADDED:
    case CHANGE_LINKED: /* that a name is not there is never cached; the directory's time comes
                           as a facet */
    case CHANGE_LEAVING:
    case CHANGE_STAYING:
    case CHANGE_EVENTS: /* attributes and text of files are never cached */
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
    size_t len = strlen(note->name);

    switch (note->kind) {
    case NOTE_ATTR: /* a negative offset: attributes only */
        fuse_lowlevel_notify_inval_inode(inval->session, note->ino, -1, 0);
        break;
    case NOTE_GONE: /* drops the name first, also where the rest is refused */
        fuse_lowlevel_notify_delete(inval->session, note->parent, note->ino, note->name, len);
        break;
    case NOTE_ENTRY:
        fuse_lowlevel_notify_inval_entry(inval->session, note->parent, note->name, len);
        break;
    case NOTE_STOP:
        break;
    }
}

static struct note *next_note(struct inval *inval)
{
    struct note *note;

    while (!(note = g_async_queue_timeout_pop(inval->queue, SWEEP_EVERY)))
        publish_sweep(inval->publish);
    return note;
}

static void *run(void *data)
{
    struct inval *inval = data;
    struct note *note;
    bool stop = false;

    while (!stop) {
        note = next_note(inval);
        /* All answers that may have been made before the change have gone. */
        pthread_rwlock_wrlock(&inval->barrier);
        pthread_rwlock_unlock(&inval->barrier);
        stop = note->kind == NOTE_STOP;
        if (!g_atomic_int_get(&inval->stopped))
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

struct inval *inval_new(struct fuse_session *session, struct publish *publish)
{
    struct inval *inval = g_new0(struct inval, 1);

    inval->session = session;
    inval->publish = publish;
    init_barrier(&inval->barrier);
    inval->queue = g_async_queue_new_full(g_free);
    inval->thread = g_thread_new("inval", run, inval);
    return inval;
}

void inval_stop(struct inval *inval)
{
    GThread *thread = g_steal_pointer(&inval->thread);

    if (!thread)
        return;
    post(inval, NOTE_STOP, 0, 0, "");
    g_atomic_int_set(&inval->stopped, 1);
    g_thread_join(thread);
}

void inval_free(struct inval *inval)
{
    if (!inval)
        return;
    inval_stop(inval);
    g_async_queue_unref(inval->queue);
    pthread_rwlock_destroy(&inval->barrier);
    g_free(inval);
}
