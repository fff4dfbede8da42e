/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "fs/inval.h"

#include <glib.h>

#include "fs/ino.h"
#include "fs/known.h"
#include "fs/notify.h"
#include "fs/pages.h"
#include "fs/poll.h"
#include "fs/publish.h"
#include "fs/restore.h"
#include "fs/scratch.h"
#include "fs/specs.h"
#include "fs/table.h"

static void post_inode(struct inval *inval, const struct object *object, unsigned code)
    REQUIRES_SHARED(model)
{
    uint64_t ino = ino_make(object->id, code);

    if (!known_has(inval->known, ino))
        return;
    if (code != CODE_SELF) {
        pages_replaced(inval->pages, ino);
        pages_telling(inval->pages, ino);
    }
    notify_inode_later(inval->notify, ino);
}

/* The files that show FACET; all of them for FACETS. */
static void post_files(struct inval *inval, const struct object *object, enum facet facet)
    REQUIRES_SHARED(model)
{
    const struct file_table *files = table_of(object);

    for (size_t i = 0; i < files->n; i++)
        if (facet == FACETS || files->rows[i].facet == (int)facet)
            post_inode(inval, object, files->rows[i].code);
}

static void post_name(struct inval *inval, uint64_t dir, const char *name)
{
    if (known_has(inval->known, dir))
        notify_name(inval->notify, dir, name);
}

static void post_object_name(struct inval *inval, uint64_t dir, const char *name)
{
    if (known_has(inval->known, dir))
        notify_object_name(inval->notify, dir, name);
}

/* VM's link in the vms/ of OTHER, a host or a service, is not what it was. */
static void post_link(struct inval *inval, const struct object *vm, const struct object *other)
    REQUIRES_SHARED(model)
{
    post_name(inval, ino_make(other->id, CODE_VMS), vm->name);
    post_inode(inval, other, CODE_VMS);
}

/* Its file in specs/ is gone, and is not the second name of its spec any more. */
static void post_left_specs(struct inval *inval, const struct object *object) REQUIRES_SHARED(model)
{
    const struct folder_row *folder = folder_by_kind(object->kind, true);
    g_autofree char *name = specs_file_name(object->name);

    if (folder)
        post_object_name(inval, ino_make(folder->id, CODE_SELF), name);
    post_inode(inval, object, CODE_SPEC);
}

/* The object is gone, or its name. */
static void post_removed(struct inval *inval, const struct object *object,
                         const struct object *batch) REQUIRES_SHARED(model)
{
    const struct folder_row *folder = folder_by_kind(object->kind, false);

    if (!folder)
        return;
    post_inode(inval, object, CODE_SELF);
    post_files(inval, object, FACETS);
    post_object_name(inval, ino_make(batch ? batch->id : folder->id, CODE_SELF),
                     object_leaf(object));
    post_left_specs(inval, object);
    /* The name is in these too, if it was not the object that went but its name. */
    if (object->kind == OBJECT_VM && object->vm.host)
        post_link(inval, object, object->vm.host);
    if (object->kind == OBJECT_VM && object->vm.service)
        post_link(inval, object, object->vm.service);
}

static void post_facet(struct inval *inval, const struct object *object, enum facet facet)
    REQUIRES_SHARED(model)
{
    /* Owner, mode and the time of a status are all files' alike. */
    post_files(inval, object, facet == FACET_ATTR ? FACETS : facet);
    if (facet == FACET_SELF || facet == FACET_ATTR || facet == FACET_LINKS)
        post_inode(inval, object, CODE_SELF);
    /* Its name is known with it only. */
    if (facet == FACET_LINKS && known_has(inval->known, ino_make(object->id, CODE_HOST)))
        post_name(inval, ino_make(object->id, CODE_SELF), "host");
}

/* ---- what changes by sampling: by events too, and with it what is added up from it */

static void for_live_files(struct inval *inval, const struct object *object,
                           void (*fn)(struct publish *publish, uint64_t ino))
{
    const struct file_table *files = table_of(object);

    for (size_t i = 0; i < files->n; i++)
        if (row_is_live(&files->rows[i]))
            fn(inval->publish, ino_make(object->id, files->rows[i].code));
}

static void outdate(struct inval *inval, const struct object *object)
{
    for_live_files(inval, object, publish_outdate);
}

static void outdate_root(struct inval *inval)
{
    publish_outdate(inval->publish, ino_make(ROOT_ID, CODE_SCORE));
    publish_outdate(inval->publish, ino_make(ROOT_ID, CODE_METRICS));
}

/* OTHER: a host or service that OBJECT came to or left; NULL: none. */
static void outdate_scores(struct inval *inval, const struct object *object,
                           const struct object *other) REQUIRES_SHARED(model)
{
    outdate(inval, object);
    outdate_root(inval);
    if (other)
        outdate(inval, other);
    if (object->kind != OBJECT_VM)
        return;
    if (object->vm.host)
        outdate(inval, object->vm.host);
    if (object->vm.service)
        outdate(inval, object->vm.service);
}

static void outdate_by_facet(struct inval *inval, const struct object *object, enum facet facet)
    REQUIRES_SHARED(model)
{
    if (facet == FACET_ERROR || facet == FACET_ATTR)
        return;
    outdate_scores(inval, object, NULL);
    /* A host's spec has terms of its VMs' scores. */
    for (unsigned i = 0;
         facet == FACET_SPEC && object->kind == OBJECT_HOST && i < object->host.vms->len; i++)
        outdate(inval, object->host.vms->pdata[i]);
}

static void wake_pollers(void *pollers)
{
    pollers_wake(pollers);
}

static void post_wake(struct inval *inval)
{
    if (pollers_any(inval->pollers))
        notify_call(inval->notify, wake_pollers, inval->pollers);
}

/* The directories that an object has, or may have. */
static void for_dirs(struct inval *inval, const struct object *object,
                     void (*fn)(struct scratches *all, uint64_t dir))
{
    fn(inval->scratches, ino_make(object->id, CODE_SELF));
    fn(inval->scratches, ino_make(object->id, CODE_VMS));
}

void inval_watch(void *ctx, enum change what, const struct object *object, enum facet facet,
                 const struct object *other)
{
    struct inval *inval = ctx;

    switch (what) {
    case CHANGE_REMOVED:
        post_removed(inval, object, other);
        outdate_scores(inval, object, NULL);
        if (!object_alive(object)) { /* it was not just renamed */
            for_live_files(inval, object, publish_forget);
            known_forget(inval->known, object->id);
            restore_forget(inval->restore, object->id);
            for_dirs(inval, object, scratch_dir_went);
        }
        break;
    case CHANGE_LINKED: /* the directory's time comes as a facet */
        outdate_scores(inval, object, other);
        break;
    case CHANGE_UNLINKED:
        post_link(inval, object, other);
        outdate_scores(inval, object, other);
        break;
    case CHANGE_FACET:
        post_facet(inval, object, facet);
        outdate_by_facet(inval, object, facet);
        post_wake(inval);
        break;
    case CHANGE_SAMPLED:
        publish_sampled(inval->publish, object->id);
        break;
    case CHANGE_MEASURED:
        outdate_scores(inval, object, NULL);
        break;
    case CHANGE_EVENTS: /* the log itself is never cached */
        post_wake(inval);
        break;
    case CHANGE_ADDED:
        /* That a name is not there is never cached, and the directory's time comes as a facet; but
         * after a renaming its links say something else. */
        post_files(inval, object, FACET_LINKS);
        outdate_scores(inval, object, NULL);
        for_dirs(inval, object, scratch_dir_came);
        break;
    case CHANGE_LEAVING:
        post_left_specs(inval, object);
        break;
    case CHANGE_STAYING: /* the spec has its second name again */
        post_inode(inval, object, CODE_SPEC);
        break;
    case CHANGE_OVER:
        scratch_sweep(inval->scratches);
        notify_flush(inval->notify);
        break;
    }
}
