/* SPDX-License-Identifier: GPL-2.0-or-later */
/* fs/notify.h without threads and without a kernel: it hears of things when the world says so. */
#include "tests/fuzz/tree_notify.h"

#include <stdlib.h>
#include <string.h>

#include "fs/notify.h"

struct note {
    uint64_t ino; /* 0: FN */
    void (*fn)(void *data);
    void *data;
};

struct notify {
    const struct notify_ops *ops;
    void *ctx;
    GQueue queue;  /* of struct note * */
    int held;      /* directories' locks */
    int answering; /* between begin and end of an answer */
    bool stopped;
};

struct notify *notify_new(struct fuse_session *session, const struct notify_ops *ops, void *ctx,
                          GError **error)
{
    struct notify *notify = g_new0(struct notify, 1);

    (void)session;
    (void)error;
    notify->ops = ops;
    notify->ctx = ctx;
    g_queue_init(&notify->queue);
    return notify;
}

static void push(struct notify *notify, uint64_t ino, void (*fn)(void *data), void *data)
{
    struct note *note;

    if (notify->stopped) {
        if (fn)
            fn(data);
        return;
    }
    note = g_new0(struct note, 1);
    *note = (struct note){ino, fn, data};
    g_queue_push_tail(&notify->queue, note);
}

bool notify_step(struct notify *notify)
{
    g_autofree struct note *note = g_queue_pop_head(&notify->queue);

    if (notify->answering)
        abort();
    if (!note)
        return false;
    if (note->fn)
        note->fn(note->data);
    else
        notify->ops->told(notify->ctx, note->ino);
    return true;
}

void notify_idle(struct notify *notify)
{
    notify->ops->idle(notify->ctx);
}

void notify_stop(struct notify *notify)
{
    notify->stopped = true;
    while (notify_step(notify))
        ;
}

/* Every directory was let go of, and every answer ended. */
void notify_free(struct notify *notify)
{
    if (!notify)
        return;
    notify_stop(notify);
    if (notify->held || notify->answering)
        abort();
    g_free(notify);
}

void notify_inode(struct notify *notify, uint64_t ino)
{
    push(notify, ino, NULL, NULL);
}

void notify_inode_later(struct notify *notify, uint64_t ino)
{
    notify_inode(notify, ino);
}

void notify_flush(struct notify *notify)
{
    (void)notify;
}

void notify_attributes(struct notify *notify, uint64_t ino)
{
    push(notify, ino, NULL, NULL);
}

void notify_name(struct notify *notify, uint64_t parent, const char *name)
{
    (void)notify;
    if (!parent || !*name || strchr(name, '/'))
        abort();
}

void notify_object_name(struct notify *notify, uint64_t parent, const char *name)
{
    notify_name(notify, parent, name);
}

void notify_listing(struct notify *notify, uint64_t dir)
{
    (void)notify;
    if (!dir)
        abort();
}

void notify_call(struct notify *notify, void (*fn)(void *data), void *data)
{
    push(notify, 0, fn, data);
}

void notify_call_here(struct notify *notify, void (*fn)(void *data), void *data)
{
    notify_call(notify, fn, data);
}

static int count(const uint64_t dirs[DENTRY_HELD])
{
    int n = 0;

    for (unsigned i = 0; i < DENTRY_HELD; i++)
        n += dirs[i] != 0;
    return n;
}

void notify_hold(struct notify *notify, const uint64_t dirs[DENTRY_HELD])
{
    notify->held += count(dirs);
}

void notify_release(struct notify *notify, const uint64_t dirs[DENTRY_HELD])
{
    notify->held -= count(dirs);
}

void notify_call_names(struct notify *notify, const uint64_t dirs[DENTRY_HELD],
                       void (*fn)(void *data), void *data)
{
    (void)dirs;
    push(notify, 0, fn, data);
}

void notify_reply_begin(struct notify *notify)
{
    notify->answering++;
}

void notify_reply_end(struct notify *notify)
{
    if (--notify->answering < 0)
        abort();
}
