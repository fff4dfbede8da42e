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
#include "core/refs.h"
#include "core/store/store.h"
#include "core/virt/virt.h"

/* ---- mailbox.c: how other threads reach the engine; outlives it */
struct mailbox;
typedef void (*message_fn)(struct engine *engine, void *data);

struct mailbox *mailbox_new(GMainContext *context);
struct mailbox *mailbox_ref(struct mailbox *box);
void mailbox_unref(struct mailbox *box);
/* Calls what was posted, in its order. The engine's thread. */
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

    GThread *thread;
    GMainContext *context;
    struct mailbox *box;
    gint stop;        /* atomic */
    unsigned wait_ms; /* how long a request waits for a job at most */

    /* The engine's thread only. */
    GHashTable *dirty;       /* id to struct object * (reference): to be saved */
    GArray *deleted;         /* uint64_t: to be deleted from the store */
    GArray *after;           /* struct after: what waits for the commit */
    GHashTable *requests;    /* ticket to struct request *: not yet answered */
    GHashTable *pending;     /* id to struct object *: VMs that wait for room */
    GHashTable *restless;    /* id to struct object *: services to be looked at */
    GHashTable *buried;      /* UUIDs of domains that were destroyed a moment ago */
    bool room_changed;       /* a pending VM might fit now */
    GHashTable *unexplained; /* id to struct object *: VMs and plans with an old `placement` */
    int64_t pass_from;       /* monotonic microseconds: no pass over what waits before */
    struct mover *mover;     /* plans of moves (rebalance.c) */
    unsigned pass_timer, explain_timer;
    GError *store_error; /* why the last save failed; NULL: it did not */
    uint64_t round;      /* how many have been saved */
    GPtrArray *mementos; /* what requests of this round have changed (undo.c); NULL: nothing */
    uint64_t last_job;   /* the number of the last VM's job, or of its end */
};

/* After the next commit, without the lock. ERROR: why it failed, or NULL. */
struct after {
    void (*fn)(struct engine *engine, void *data, const GError *error);
    void *data;
};
void engine_after_commit(struct engine *engine,
                         void (*fn)(struct engine *engine, void *data, const GError *error),
                         void *data);
/* OBJECT is to be saved with the next commit. */
void engine_touch(struct engine *engine, struct object *object);
void engine_forget(struct engine *engine, uint64_t id);
/* References to the objects of a table of them. */
GPtrArray *objects_in(GHashTable *table);
/* Of a new object. */
uint64_t engine_new_id(struct engine *engine);
/* What TEXT is to be parsed as where it is an object of KIND. */
enum spec_kind spec_kind_of(enum object_kind kind, const char *text, size_t len);

/* engine_new() with a hypervisor of the caller's: how tests make one that fails. */
struct engine *engine_new_with(const struct conf *conf, const struct virt_ops *virt,
                               GError **error);

/* ---- save.c, load.c: between the model and the store */
bool engine_save(struct engine *engine, GError **error) EXCLUDES(model);
bool engine_load(struct engine *engine, GError **error) EXCLUDES(model);
/* detail.c: the kind's own fields as text, and back. REST is what detail_read() leaves to its
 * caller. */
struct detail_rest {
    uint64_t host, moving_to, service; /* ids; 0: none */
    bool trusted, next_trusted;        /* of its specs */
};
char *detail_write(const struct object *object) REQUIRES_SHARED(model);
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

/* ---- hosts */
struct host_link; /* a virt handle, counted: jobs keep it */
struct host_work {
    struct host_link *link;
    struct lane *work, *look, *sample, *probe;
    struct lane *move; /* VMs leave one at a time */
    bool connecting, looking, sampling;
    GHashTable *to_look; /* char *uuid: domains of which something was heard */
    unsigned retry_timer, sample_timer, look_timer;
    double sample_due; /* monotonic seconds: when the timer fires */
    double interval;   /* seconds: between samples */
    gint looked;       /* atomic: somebody has looked at it since the last one began */
    unsigned retries;  /* since it was last up */
    GArray *waiters;   /* tickets */
};
/* NULL while the host has no spec. */
struct host_work *host_work(struct object *host);
void host_commit(struct engine *engine, struct request *request, struct object *host,
                 const char *text, Spec *spec) REQUIRES(model);
void host_remove(struct engine *engine, struct request *request, struct object *host)
    REQUIRES(model);
/* Makes the link for the spec in force and connects. */
bool host_begin(struct engine *engine, struct object *host, GError **error) REQUIRES(model);
void host_connect(struct engine *engine, struct object *host) REQUIRES(model);
/* Ends what there is and begins anew for the spec in force, if there is one. */
bool host_restart(struct engine *engine, struct object *host, GError **error) REQUIRES(model);
void host_end(struct engine *engine, struct object *host) REQUIRES(model);
/* look.c: the domain of UUID is looked at, and again if that fails. */
void host_look(struct engine *engine, struct object *host, const char *uuid) REQUIRES(model);
bool host_is_up(const struct object *host) REQUIRES_SHARED(model);
/* EHOSTDOWN with a sentence unless VM's host is up. */
bool host_require_up(const struct object *host, GError **error) REQUIRES_SHARED(model);
/* sample.c: now; DISKS: what costs a call to each guest too. */
void host_sample(struct engine *engine, struct object *host, bool disks) REQUIRES(model);
/* pace.c: from now on, HOST being up. */
void host_sample_begin(struct engine *engine, struct object *host) REQUIRES(model);

/* ---- task.c: jobs of this room */
struct task {
    /* Filled by the maker, then read only. */
    struct engine *engine;
    struct mailbox *box;
    struct host_link *link;
    uint64_t id; /* the object it is about */
    uint64_t host;
    void (*run)(struct task *task, const struct virt_ops *virt, struct virt *v, GError **error);
    /* Under the write lock, in the engine's thread, if the engine still lives. */
    void (*done)(struct engine *engine, struct task *task, const GError *error);
    unsigned deadline_ms;
    /* The number of a VM's job; 0: it only looks, and is begun whether the save failed or not. */
    uint64_t job;
    uint64_t after; /* of a look: the last number when it was begun */
    bool unsaved;   /* it was not begun, as what led to it could not be saved: done() is told so */
    bool opens;     /* see job.h */
    /* What run() needs. */
    char *uuid, *name, *object, *type, *text, *cloud_uuid, *service;
    Spec *spec, *before;
    const char *const *paths; /* of the configuration, which outlives the engine; NULL: any */
    enum domain_verb verb;
    bool start, cold, fresh; /* cold: stop before the verb */
    struct host_link *to;    /* of a move */
    char *peer, *data;       /* of its host's spec */
    GPtrArray *uuids;
    /* What it made; looked at only after success. */
    struct virt_domain *domain;
    struct virt_info *info;
    GPtrArray *domains;
    GArray *samples;
    struct virt_load load;
    bool restart;
    char *what;
};
struct task *task_new(struct engine *engine, struct object *host, uint64_t id) REQUIRES(model);
/* Queues it in LANE when what led to it is durable; if that fails, done() gets the error of it, but
 * for one that only looks. */
void task_submit(struct engine *engine, struct lane *lane, struct task *task);

/* EAR is freed with it. */
struct host_link *host_link_new(const struct virt_ops *ops, struct virt *virt, void *ear,
                                GDestroyNotify free_ear);
struct host_link *host_link_ref(struct host_link *link);
void host_link_unref(struct host_link *link);
struct virt *host_link_virt(struct host_link *link);

/* ---- VMs */
/* Of a VM that waits for room: since when, and when it was refused last (waiting.c). */
struct waiting {
    int64_t since;     /* monotonic microseconds; 0: not yet */
    uint64_t room;     /* place_room() of then */
    int64_t spec_time; /* of the spec that was refused */
    enum spec_spread spread;
};

struct vm_work {
    struct waiting waiting;
    bool busy;              /* a job that changes it is under way */
    uint64_t job;           /* its number; outcomes of others are of no concern */
    uint64_t settled;       /* a number that came when its last job ended */
    bool heard;             /* something, while it was busy */
    GArray *waiters;        /* tickets */
    GArray *tried;          /* uint64_t ids of hosts on which making it failed */
    unsigned ask_timer;     /* what became of its job is not known: its host is asked */
    unsigned restart_timer; /* it rests until something is tried again */
    unsigned health_timer;  /* the next check */
    bool probing;           /* one is under way */
    unsigned sick;          /* checks in a row that failed */
    int64_t asked;          /* monotonic microseconds of the first check of this start; 0: none */
    unsigned calm_timer;    /* until it has stayed up for long enough */
    int64_t started;        /* monotonic microseconds of the last start; 0: it stopped since */
    bool adopting;          /* the change under way makes it ours */
    char *refused;          /* the template's text that it could not follow */
    int refused_code;
    uint64_t other;      /* host on which it was seen too; 0: none */
    int64_t moved;       /* monotonic microseconds of its last move; 0: none */
    bool moving;         /* a job that moves it, or asks what became of that, is under way */
    unsigned move_timer; /* the deadline of its move, or when to ask again what became of it */
};
struct vm_work *vm_work(struct object *vm);
void vm_work_free(struct engine *engine, struct object *vm);
void vm_commit(struct engine *engine, struct request *request, struct object *vm, const char *text,
               Spec *spec) REQUIRES(model);
/* Places VM and begins to make it; false, and nothing done, when it has to wait. */
bool vm_place(struct engine *engine, struct object *vm) REQUIRES(model);
/* Makes the domain of a VM that has a host. */
void vm_create(struct engine *engine, struct object *vm) REQUIRES(model);
/* VM, whose making was not begun, leaves its host and is in PHASE again. */
void vm_withdraw(struct engine *engine, struct object *vm, enum vm_phase phase) REQUIRES(model);
/* Goes over from the spec in force to `next`. */
void vm_change(struct engine *engine, struct object *vm) REQUIRES(model);
void vm_set_next(struct engine *engine, struct object *vm, const char *text, Spec *spec)
    REQUIRES(model);
void vm_remove(struct engine *engine, struct request *request, struct object *vm) REQUIRES(model);
void vm_destroy(struct engine *engine, struct object *vm) REQUIRES(model);
/* VERB on the VM's domain. COLD: stop it before. */
void vm_power(struct engine *engine, struct object *vm, enum domain_verb verb, bool cold)
    REQUIRES(model);
/* Takes over what was seen of its domain. */
void vm_seen(struct engine *engine, struct object *vm, const struct virt_domain *domain)
    REQUIRES(model);
/* Its domain is not on its host any more. */
void vm_gone(struct engine *engine, struct object *vm) REQUIRES(model);
/* Whatever is missing to what is wanted: resumes jobs that a crash ended, starts what died. */
void vm_reconcile(struct engine *engine, struct object *vm) REQUIRES(model);
/* VM, which has no host, gets TEXT and SPEC and waits for one. */
void vm_begin(struct engine *engine, struct object *vm, const char *text, Spec *spec)
    REQUIRES(model);
/* A job of VM has ended: tells its service and its waiters. */
void vm_settled(struct engine *engine, struct object *vm, const GError *error) REQUIRES(model);
void vm_forget(struct engine *engine, struct object *vm) REQUIRES(model);
/* Renames VM's domain, then calls vm_renamed() (move.c). */
void vm_rename(struct engine *engine, struct object *vm, const char *name) REQUIRES(model);
void vm_renamed(struct engine *engine, struct object *vm, const char *name) REQUIRES(model);
/* EPERM, EBUSY: policy and state against its removal. */
bool vm_may_go(struct object *vm, GError **error) REQUIRES(model);
bool host_may_go(struct object *host, GError **error) REQUIRES(model);
bool service_may_go(struct object *service, GError **error) REQUIRES(model);
bool object_may_go(struct object *object, GError **error) REQUIRES(model);

/* ---- migrate.c: VMs that move to another host, which vm_part.moving_to is */
/* EBUSY, EHOSTDOWN, EPERM (not managed; pin, zone, labels), ENOSPC, EOPNOTSUPP (its driver or the
 * other host cannot). CHOICE takes how the host was judged; it may be NULL. */
bool vm_may_move(struct engine *engine, struct object *vm, struct object *host,
                 struct place_choice *choice, GError **error) REQUIRES(model);
/* Begins the move of a VM that may. */
void vm_move(struct engine *engine, struct object *vm, struct object *host,
             const struct place_choice *choice) REQUIRES(model);
/* A move that an earlier run of the engine began. */
void vm_move_resume(struct engine *engine, struct object *vm) REQUIRES(model);
/* HOST answers, or does not: what became of moves from and to it is asked now. */
void vm_moves_settle(struct engine *engine, struct object *host) REQUIRES(model);

/* ---- health.c: asking guests whether they work */
/* Begins to check VM, or leaves it, as its spec and its state are. */
void health_follow(struct engine *engine, struct object *vm) REQUIRES(model);
/* Its guest starts from the beginning: nothing is known of it. */
void health_reset(struct object *vm) REQUIRES(model);

/* ---- restart.c: trying again, ever more rarely */
/* Whether it is to be started again when it is not running. */
bool vm_wants_to_run(const struct object *vm) REQUIRES_SHARED(model);
bool vm_is_dead(const struct object *vm) REQUIRES_SHARED(model);
/* Its domain has started. */
void vm_came_up(struct engine *engine, struct object *vm) REQUIRES(model);
/* It stopped by itself: it is started again after a rest. */
void vm_restart_later(struct engine *engine, struct object *vm) REQUIRES(model);
/* It runs and does not work: it is stopped and started after a rest. */
void vm_cure_later(struct engine *engine, struct object *vm) REQUIRES(model);
/* The one or the other, for a VM of which that may be true. */
void vm_revive(struct engine *engine, struct object *vm) REQUIRES(model);
/* What `error` tells of, a job that failed, is tried again after a rest; `error` says so. */
void vm_retry_later(struct engine *engine, struct object *vm) REQUIRES(model);
/* What it could not do is forgotten: something new is tried. */
void vm_rested(struct engine *engine, struct object *vm) REQUIRES(model);

/* ---- rebalance.c: plans of moves, and carrying them out */
void mover_free(struct engine *engine);
/* Something has changed: the plans are made anew before long. */
void rebalance_later(struct engine *engine);
void rebalance_apply(struct engine *engine) REQUIRES(model);
/* No more moves from the host FROM (0: at all) but for those under way. */
void rebalance_stop(struct engine *engine, uint64_t from) REQUIRES(model);
/* All of HOST's VMs are to leave; its `error` tells of those that cannot. */
void rebalance_drain(struct engine *engine, struct object *host) REQUIRES(model);
/* A move of VM has ended. */
void rebalance_moved(struct engine *engine, struct object *vm, const GError *error) REQUIRES(model);

/* ---- policy.c */
/* Root, cloudfs itself, or the user that runs it. */
bool actor_is_admin(const struct actor *actor);
/* EPERM unless OBJECT is ACTOR's. */
bool policy_owns(const struct object *object, const struct actor *actor, GError **error)
    REQUIRES_SHARED(model);
/* Whether ACTOR may want SPEC of OBJECT (NULL: a new one); notes in SPEC whether it is trusted.
 * EPERM: files elsewhere than the configuration allows, another URI. */
bool policy_allows(const struct engine *engine, const struct object *object,
                   const struct actor *actor, Spec *spec, GError **error) REQUIRES_SHARED(model);

/* ---- quota.c */
/* Whether UID and GID may have OBJECT (NULL: a new one) want SPEC; EDQUOT with the numbers. */
bool quota_allows(const struct engine *engine, const struct object *object, uid_t uid, gid_t gid,
                  const Spec *spec, GError **error) REQUIRES_SHARED(model);
/* The same if all of PLANS were made real. */
bool quota_allows_plans(const struct engine *engine, const GPtrArray *plans, GError **error)
    REQUIRES_SHARED(model);
/* The same of OBJECT as it is, for a new owner. */
bool quota_allows_owner(const struct engine *engine, const struct object *object, uid_t uid,
                        gid_t gid, GError **error) REQUIRES_SHARED(model);

/* ---- placing.c */
/* The types that will do for VM where its spec names none; NULL-terminated, free with g_free. */
const char **placing_types(struct engine *engine, const struct vm_spec *spec)
    REQUIRES_SHARED(model);
/* The best of TYPES that HOST offers. */
const char *placing_best_type(struct engine *engine, const struct object *host,
                              const char *const *types) REQUIRES_SHARED(model);
/* ENOSPC when no host could ever hold it. Also writes VM's `placement` (VM may be NULL). */
bool placing_check(struct engine *engine, struct object *vm, const struct vm_spec *spec,
                   GError **error) REQUIRES_SHARED(model);
/* What VM asks for, hosts on which it failed before included. */
struct place_want placing_want(struct object *vm, const char *const *types) REQUIRES_SHARED(model);
/* Writes VM's `placement` as things stand. */
void vm_explain(struct engine *engine, struct object *vm) REQUIRES(model);
/* The want of what a VM holds on its host. */
void placing_reserve(struct engine *engine, struct object *vm) REQUIRES(model);

/* ---- waiting.c */
/* VM, which has no host, waits for one. It is tried at the end of this round, together with what
 * else became ready in it. */
void placing_wait(struct engine *engine, struct object *vm) REQUIRES(model);
/* Tries the pending VMs, the most wanted first. */
void placing_pending(struct engine *engine) REQUIRES(model);
/* Says of VM, if it waits, what for: `placement` and `error`. */
void placing_explain(struct engine *engine, struct object *vm) REQUIRES(model);
/* Renews what is in `unexplained`, for a moment; a timer goes on. */
void placing_explain_some(struct engine *engine) REQUIRES(model);

/* ---- discover.c */
/* DOMAINS are all of HOST's. */
void discover_all(struct engine *engine, struct object *host, const GPtrArray *domains)
    REQUIRES(model);
void discover_one(struct engine *engine, struct object *host, const struct virt_domain *domain)
    REQUIRES(model);

/* UUID was destroyed: what a look begun before that still says of it does not count. */
void discover_bury(struct engine *engine, const char *uuid) REQUIRES(model);

#include "core/reconcile/service.h"
#include "core/reconcile/undo.h"

/* ---- plan.c */
enum spec_kind plan_kind(const char *text, size_t len);
void plan_commit(struct engine *engine, struct request *request, struct object *plan,
                 const char *text, Spec *spec) REQUIRES(model);
void plan_remove(struct engine *engine, struct request *request, struct object *plan)
    REQUIRES(model);
/* The answers as the cloud stands now, for one in a batch if all of it became real; of all plans:
 * by and by. */
void plan_refresh(struct engine *engine, struct object *plan) REQUIRES(model);
/* Whether a plan may be called NAME, which has its batch: 0, EINVAL, EPERM, ESTALE. */
int plan_check_name(struct engine *engine, const char *name) REQUIRES(model);
/* EINVAL, ENOSPC: what is against PLAN's becoming a KIND. */
bool plan_may_promote(struct engine *engine, struct object *plan, enum object_kind kind,
                      GError **error) REQUIRES(model);
/* PLAN becomes a KIND called NAME, and REQUEST waits for it. */
void plan_promote(struct engine *engine, struct request *request, struct object *plan,
                  enum object_kind kind, const char *name) REQUIRES(model);
/* batch.c: all plans of BATCH become KINDs, or none does. */
void batch_promote(struct engine *engine, struct request *request, struct object *batch,
                   enum object_kind kind) REQUIRES(model);
void batch_refresh(struct engine *engine, struct object *batch) REQUIRES(model);
/* What is reserved on paper only, between begin and end. */
struct paper {
    uint64_t next, room;
};
void paper_begin(struct engine *engine, struct paper *paper) REQUIRES(model);
void paper_end(struct engine *engine, struct paper *paper) REQUIRES(model);
/* Says where PLAN, which has a spec, would go, and reserves that; adds " HOST" for each to HOSTS.
 */
void plan_explain(struct engine *engine, struct object *plan, struct paper *paper, GString *hosts)
    REQUIRES(model);
void plan_refresh_all(struct engine *engine) REQUIRES(model);

/* ---- control.c */
/* The words of LINE, a verb of KIND and its arguments; NULL with EINVAL. Pure. */
char **control_parse(enum object_kind kind, const char *line, GError **error);
void control_run(struct engine *engine, struct request *request, struct object *object,
                 const char *line) REQUIRES(model);
