/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * What the files of this room share.
 *
 * Everything below runs in the engine's thread unless it says otherwise. Functions that look at
 * or change the model are annotated with the lock, which the dispatcher takes for each message.
 */
#pragma once

#include "core/cloud/cloud.h"
#include "core/error.h"
#include "core/job/job.h"
#include "core/reconcile/engine.h"
#include "core/reconcile/runs.h"
#include "core/refs.h"
#include "core/store/store.h"
#include "core/virt/virt.h"

/* ---- mailbox.c: how other threads reach the engine; outlives it */
struct mailbox;
typedef void (*message_fn)(struct engine *engine, void *data);

struct mailbox *mailbox_new(GMainContext *context);
struct mailbox *mailbox_ref(struct mailbox *box);
void mailbox_unref(struct mailbox *box);
/* Calls what was posted, in its order, and what is posted meanwhile. The engine's thread. */
void mailbox_dispatch(struct mailbox *box, struct engine *engine);
/* No more messages; those not yet dispatched are freed. */
void mailbox_close(struct mailbox *box);
/* Any thread. FN runs in the engine's thread under the write lock; then FREE_DATA frees DATA. */
void mailbox_post(struct mailbox *box, message_fn fn, void *data, GDestroyNotify free_data);
/* The engine's thread: FN(DATA) once after DELAY_MS, under the write lock. The id is for
 * timer_stop(). */
unsigned timer_start(struct engine *engine, unsigned delay_ms, message_fn fn, void *data,
                     GDestroyNotify free_data);
void timer_stop(struct engine *engine, unsigned *id);

/* ---- the engine */
struct engine {
    const struct conf *conf;
    struct cloud *cloud;
    struct store *store;
    struct jobs *jobs;
    const struct virt_ops *virt;

    GThread *thread; /* NULL: engine_round() is called */
    GMainContext *context;
    struct mailbox *box;
    gint stop;        /* atomic */
    unsigned wait_ms; /* how long a request waits for a job at most */

    /* The engine's thread only. */
    GHashTable *dirty;       /* id to struct object * (reference): to be saved */
    GArray *deleted;         /* uint64_t: to be deleted from the store */
    GArray *after, *at_once; /* struct after: what waits for the commit, and what does not */
    bool promised;           /* somebody relies on what this round has changed */
    unsigned save_timer;     /* what nobody relies on waits to be saved, */
    bool save_due;           /* and has waited long enough */
    GHashTable *requests;    /* ticket to struct request *: not yet answered */
    GHashTable *pending;     /* id to struct object *: VMs that wait for room */
    GHashTable *restless;    /* id to struct object *: services to be looked at */
    GHashTable *buried;      /* UUIDs of domains that were destroyed a moment ago */
    bool room_changed;       /* a pending VM might fit now */
    GHashTable *unexplained; /* id to struct object *: VMs and plans with an old `placement` */
    int64_t pass_from;       /* monotonic microseconds: no pass over what waits before */
    struct mover *mover;     /* plans of moves (rebalance.c) */
    unsigned pass_timer, explain_timer;
    GError *store_error;       /* why the last save failed; NULL: it did not */
    uint64_t round;            /* how many have been saved */
    struct mementos *mementos; /* what this round's requests have changed (undo.c); or NULL */
    struct runs runs;          /* this one, and those before */
    uint64_t last_job;         /* the number of the last VM's job, or of its end */
};

/*
 * What this round changes is to be on the disk before anything follows from it: requests, jobs,
 * what they are answered, ids that were given. All else would be found out again after a crash
 * (that a domain was made, what is seen of a host) and is saved with the next that is promised, or
 * a moment later.
 */
void engine_promise(struct engine *engine);
/* After this round's commit, without the lock. ERROR: why it failed, or NULL. */
typedef void (*after_fn)(struct engine *engine, void *data, const GError *error);
struct after {
    after_fn fn;
    void *data;
};
void engine_after_commit(struct engine *engine, after_fn fn, void *data);
/* The same before it, with no error. */
void engine_at_once(struct engine *engine, after_fn fn, void *data);
/* References to the objects of a table of them. */
GPtrArray *objects_in(GHashTable *table);
/* Of a new object. */
uint64_t engine_new_id(struct engine *engine);
/* What TEXT is to be parsed as where it is an object of KIND. */
enum spec_kind spec_kind_of(enum object_kind kind, const char *text, size_t len);

/* engine_new() with a hypervisor of the caller's: how tests make one that fails. */
struct engine *engine_new_with(const struct conf *conf, const struct virt_ops *virt,
                               GError **error);
/* The same without a thread: it goes on when its maker calls engine_round(), which waits for mail
 * or a timer in `context`. */
struct engine *engine_make(const struct conf *conf, const struct virt_ops *virt, GError **error);
void engine_round(struct engine *engine);

/* ---- save.c, load.c: between the model and the store */
/* OBJECT is to be saved with the next commit. */
void engine_touch(struct engine *engine, struct object *object);
void engine_forget(struct engine *engine, uint64_t id);
/* DURABLE: on the disk when it returns; else it survives only the end of this process. */
bool engine_save(struct engine *engine, bool durable, GError **error) EXCLUDES(model);
bool engine_has_news(struct engine *engine) EXCLUDES(model); /* that are not saved */
bool engine_load(struct engine *engine, GError **error) EXCLUDES(model);
/* detail.c: the kind's own fields as text, and back. REST is what detail_read() leaves to its
 * caller. */
struct detail_rest {
    uint64_t host, moving_to, service; /* ids; 0: none */
    bool trusted, next_trusted;        /* of its specs */
    uint64_t run;                      /* of which `since` is */
    bool restart_pending;              /* as older versions had it: `error` says of what */
};
char *detail_write(const struct engine *engine, const struct object *object) REQUIRES_SHARED(model);
void detail_read(struct engine *engine, struct object *object, const char *text,
                 struct detail_rest *rest) REQUIRES(model);

/* ---- request.c: who waits for what */
struct request {
    engine_ticket ticket;
    engine_done done;
    void *ctx;
    struct actor actor;
    unsigned timer; /* the bound of its wait */
    uint64_t round; /* in which it came */
};
/* Ends REQUEST's life after the next commit, with ERR or the commit's own error. Unknown tickets
 * are those that were answered before: nothing happens. */
void request_answer(struct engine *engine, engine_ticket ticket, int err);
/* The same, with the sentence put into OBJECT's error file. ERROR NULL: success, error emptied. */
void request_finish(struct engine *engine, engine_ticket ticket, struct object *object,
                    const GError *error) REQUIRES(model);
/* From now on REQUEST waits for a job: WAITERS gets it, and its bound is set. */
void request_wait(struct engine *engine, struct request *request, GArray **waiters, bool bounded);
/* A request of the engine's own on behalf of ACTOR. */
struct request *request_inner(struct engine *engine, const struct actor *actor, engine_done done,
                              void *ctx);
/* Answers all of WAITERS and empties it. */
void requests_answer(struct engine *engine, GArray **waiters, int err);
/* The same with success, now: what they rely on was kept when it was accepted, and a restart would
 * find out the rest. */
void requests_answer_kept(struct engine *engine, GArray **waiters);

/* ---- discover.c */
/* DOMAINS are all of HOST's. */
void discover_all(struct engine *engine, struct object *host, const GPtrArray *domains)
    REQUIRES(model);
void discover_one(struct engine *engine, struct object *host, const struct virt_domain *domain)
    REQUIRES(model);
/* UUID was destroyed: what a look begun before that still says of it does not count. */
void discover_bury(struct engine *engine, const char *uuid) REQUIRES(model);

/* ---- control.c */
/* The words of LINE, a verb of KIND and its arguments; NULL with EINVAL. Pure. */
char **control_parse(enum object_kind kind, const char *line, GError **error);
void control_run(struct engine *engine, struct request *request, struct object *object,
                 const char *line) REQUIRES(model);

/* ---- api.c */
/* EPERM, EBUSY: policy and state against its removal. */
bool object_may_go(struct object *object, GError **error) REQUIRES(model);
/* What engine_rmdir() is; answers REQUEST, now or when it is gone. */
void object_remove(struct engine *engine, struct request *request, struct object *object)
    REQUIRES(model);

/* ---- grace.c */
/* OBJECT's file in specs/ went, or was gone when cloudfs ended: OBJECT follows after the grace. */
void grace_begin(struct engine *engine, struct object *object) REQUIRES(model);

#include "core/reconcile/host.h"
#include "core/reconcile/leftover.h"
#include "core/reconcile/migrate.h"
#include "core/reconcile/placing.h"
#include "core/reconcile/plan.h"
#include "core/reconcile/policy.h"
#include "core/reconcile/service.h"
#include "core/reconcile/task.h"
#include "core/reconcile/undo.h"
#include "core/reconcile/vm.h"
