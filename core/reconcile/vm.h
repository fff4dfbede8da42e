/* SPDX-License-Identifier: GPL-2.0-or-later */
/* VMs: what is under way for each, and what may be done with them: a part of internal.h, which
 * includes it. */
#pragma once

#include "core/cloud/cloud.h"
#include "core/virt/virt.h"

struct engine;
struct request;

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
    unsigned awaited;       /* enum virt_event, a bit each: to be heard, and nothing new */
    GArray *waiters;        /* tickets */
    GArray *tried;          /* uint64_t ids of hosts on which making it failed */
    unsigned ask_timer;     /* what became of its job is not known: its host is asked */
    unsigned restart_timer; /* it rests until something is tried again */
    bool kept;              /* it could not be destroyed, and is not tried while it rests */
    bool cut_off;           /* a verb that switches it off: whether it did is not known */
    bool hung;              /* a call that destroys it may still be under way */
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
    unsigned tidied;     /* hosts from which what a move has left of it is being removed */
    unsigned move_timer; /* the deadline of its move, or when to ask again what became of it */
};
/* Made when it is first asked for: most VMs are found as they shall be, and never need it. */
struct vm_work *vm_work(struct object *vm);
/* To look at only; of a VM that has none, one of which nothing is to be said. */
const struct vm_work *vm_glance(const struct object *vm);
void vm_work_free(struct engine *engine, struct object *vm);
void vm_commit(struct engine *engine, struct request *request, struct object *vm, const char *text,
               Spec *spec) REQUIRES(model);
/* Places VM and begins to make it; false, and nothing done, when it has to wait. */
bool vm_place(struct engine *engine, struct object *vm) REQUIRES(model);
/* Its domain was there once, and its disk is on its host: it is made again there or nowhere. */
bool vm_is_bound(const struct object *vm) REQUIRES_SHARED(model);
/* Makes the domain of a VM that has a host. */
void vm_create(struct engine *engine, struct object *vm) REQUIRES(model);
/* VM, whose making was not begun, leaves its host, unless it is bound, and is in PHASE again. */
void vm_withdraw(struct engine *engine, struct object *vm, enum vm_phase phase) REQUIRES(model);
/* It has no domain yet, and is a member whose template has changed since. */
bool vm_is_made_in_vain(const struct object *vm) REQUIRES_SHARED(model);
/* Goes over from the spec in force to `next`. */
void vm_change(struct engine *engine, struct object *vm) REQUIRES(model);
void vm_set_next(struct engine *engine, struct object *vm, const char *text, Spec *spec)
    REQUIRES(model);
void vm_remove(struct engine *engine, struct request *request, struct object *vm) REQUIRES(model);
void vm_destroy(struct engine *engine, struct object *vm) REQUIRES(model);
/* Its destruction was begun and cut off, and its service wants it again meanwhile. */
bool vm_is_wanted_again(const struct object *vm) REQUIRES(model);
/* VM, of which that is true and whose domain was seen, stays: with it, its disk is all there. */
void vm_keep(struct engine *engine, struct object *vm) REQUIRES(model);
/* VERB on the VM's domain. COLD: stop it before. */
void vm_power(struct engine *engine, struct object *vm, enum domain_verb verb, bool cold)
    REQUIRES(model);
/* Switches VM as its spec says, which is due, and is so until it was done or refused. */
void vm_follow_power(struct engine *engine, struct object *vm) REQUIRES(model);
/* VM's domain was seen again: so it is wanted, if it was not known whether it was switched off. */
void vm_power_found(struct engine *engine, struct object *vm) REQUIRES(model);
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
/* Renames VM's domain, then calls vm_renamed() (move.c); EEXIST, and all as before, if somebody has
 * taken NAME meanwhile. */
void vm_rename(struct engine *engine, struct object *vm, const char *name) REQUIRES(model);
void vm_renamed(struct engine *engine, struct object *vm, const char *name) REQUIRES(model);
/* EPERM, EBUSY: policy and state against its removal. */
bool vm_may_go(struct object *vm, GError **error) REQUIRES(model);

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
