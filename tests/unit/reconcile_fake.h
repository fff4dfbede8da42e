/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * A hypervisor that lives in memory and fails when it is told to: hosts by URI, each of 4 CPUs and
 * 4 GiB, domains by UUID.
 */
#pragma once

#include "core/virt/virt.h"

struct fake_domain {
    char *host, *name;
    const char *words; /* its XML, and the spec that was made of it; NULL: good ones */
    enum domain_state state;
    uint32_t cpus;
    uint64_t memory;
    struct virt_mark mark; /* its strings are its own; no cloud: it has none */
};

/* A connection. */
struct virt {
    char *uri;
    void (*event)(void *ctx, enum virt_event what, const char *uuid);
    void *ctx;
};

/* What tests set and read; `lock` guards it while an engine runs. */
struct fake {
    pthread_mutex_t lock;
    GHashTable *domains;     /* UUID to struct fake_domain * */
    GHashTable *fail_create; /* host's URI to errno */
    int fail_open;           /* of all hosts, from the next time on */
    int fail_change, fail_destroy, fail_power;
    bool lose_create;  /* makes the domain, then says that the host went down */
    int fail_move;     /* EHOSTDOWN: it moves, but nobody hears of it */
    bool nobody_knows; /* what became of such a move, until this is over */
    bool lose_target;  /* the host that a VM moves to, which has its definition then */
    GHashTable *left;  /* what that left: UUID to struct fake_domain * */
    int fail_tidy;
    char *tidied_for; /* URI of the host that has the VM of which something was left; or NULL */
    unsigned moves;
    bool sick;             /* guests do not answer */
    bool bad_image;        /* VMs with an image cannot be made */
    bool hold_creates;     /* they end when this is over */
    bool hold_looks;       /* what a look at a domain finds is told only when this is over, */
    bool tell_one_look;    /* or for the one that is held */
    bool change_later;     /* changes take effect at the next start */
    unsigned held_creates; /* that are, or were, held */
    unsigned creates, restarts, destroys;
    unsigned held_looks;          /* 1: one is held, or was */
    unsigned looks;               /* at single domains */
    unsigned samples, with_disks; /* of both hosts */
    unsigned least;               /* domains that ran when there were fewest */
    GHashTable *virts;            /* URI to struct virt * */
};

extern struct fake fake;
extern const struct virt_ops fake_ops;

/* An empty hypervisor that fails nowhere, and its end. */
void fake_init(void);
void fake_clear(void);

void fake_domain_free(void *data);

/* Domains on HOST, a URI that stays, cannot be made from now on; ERR 0: they can. */
void fail_create(const char *host, int err);
/* Set or read a member of `fake`. */
void set_failure(int *which, int err);
void set_flag(bool *which, bool on);
unsigned counted(const unsigned *which);
/* How many domains there are, and definitions that moves have left. */
unsigned domains(void);
unsigned leftovers(void);
/* HOST says that a domain has changed; the same of another event. */
void fake_event(const char *host, const char *uuid);
void fake_tell(const char *host, enum virt_event what, const char *uuid);
/* The guest of a domain on HOST ends by itself. */
void fake_die(const char *host, const char *uuid);
/* Somebody else starts one. */
void fake_start(const char *host, const char *uuid);
