/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * The spec: what a user wants of a host, a VM or a service, as INI text and as a struct.
 *
 * Each key is one row of a table in keys.c; parsing, checking, the tree's README and the man
 * page's list come from there, so that adding a key is adding a row. Nothing here does I/O,
 * reads a clock or knows the model: text in, struct out, and back.
 *
 * The INI dialect, inih's with fixed limits: `key = value` or `key: value`. A line that starts
 * with '#' or ';' is a comment, and so is what follows a blank and a ';' in a line; a '#' inside
 * a line is part of the value. A line indented deeper than its key continues the key's value,
 * where the key allows it (`join`). In a value that keeps its lines (user_data) such lines are
 * taken as they are, '#', ';' and blank lines between them too, less the indentation of the
 * first. Lines may be as long as the spec. `[host]`, `[vm]` and `[service]` are harmless in their
 * own kind's spec.
 *
 * Threads: a struct spec is immutable once parsed and counted atomically; any thread may hold
 * one. All functions are reentrant.
 */
#pragma once

#include <glib.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "core/refs.h"

#define SPEC_MAX_BYTES 65536 /* of text; more is EFBIG */

enum spec_kind { SPEC_HOST, SPEC_VM, SPEC_SERVICE };

enum spec_policy { POLICY_PACK, POLICY_SPREAD };
enum spec_restart { RESTART_ALWAYS, RESTART_NEVER };
enum spec_spread { SPREAD_HOST, SPREAD_ZONE, SPREAD_NONE };

struct host_spec {
    char *uri;               /* a libvirt URI; required */
    char *zone;              /* NULL: none */
    char **labels;           /* NULL-terminated, never NULL itself */
    double cost;             /* C of placement, above 0 */
    double maintenance_cost; /* C of management, above 0 */
    double cpu_overcommit;   /* vCPUs a CPU, above 0 */
    double memory_overcommit;
    uint32_t reserved_cpus;   /* CPUs kept from guests */
    uint64_t reserved_memory; /* bytes kept from guests */
    char *peer_uri;    /* its URI for the daemons of other hosts; NULL: `uri` where it does */
    char *migrate_uri; /* where VMs that move to it are sent; NULL: libvirt's choice */
};

enum spec_health_kind { HEALTH_NONE, HEALTH_AGENT, HEALTH_TCP };

/* How to ask a guest whether it works. */
struct spec_health {
    enum spec_health_kind kind;
    uint32_t port; /* of TCP */
};

struct vm_spec {
    uint32_t cpus;
    uint64_t memory;      /* bytes */
    char *virtualization; /* libvirt's domain type; NULL: the best the host offers */
    double usage;         /* 0 < u <= 1 */
    double demand;        /* D, above 0 */
    uint64_t disk;        /* bytes; 0: no fresh disk, or the image's own size */
    char *image;
    char *kernel;
    char *initrd;
    char *cmdline;
    char *init;      /* LXC: the program to run */
    char *root;      /* LXC: the directory that becomes / */
    char **networks; /* `network`, split at commas: names, "user" or "none"; empty: default */
    char *user_data; /* a path (starts with '/') or the cloud-init text itself */
    char *zone;
    char **labels;
    char *host; /* pin */
    char *avoid;
    char *near;
    enum spec_policy policy;
    enum spec_restart restart;
    struct spec_health health;
    double health_interval;   /* seconds between checks */
    uint32_t health_failures; /* so many in a row and it is unhealthy */
    double health_start;      /* seconds it may take to answer for the first time */
    bool power;
    bool protect;
};

/* A number of members, or a share of all of them. */
struct spec_share {
    uint32_t number; /* members; with percent: of a hundred */
    bool percent;
};

struct service_spec {
    uint32_t replicas;
    struct spec_share max_unavailable; /* how many an update takes away at a time */
    double demand;
    double cost;
    enum spec_spread spread;
    struct vm_spec vm; /* the [vm] template */
};

struct spec {
    refs_t refs;
    enum spec_kind kind;
    uint64_t given; /* bit I: row I of spec_keys(kind) was written */
    /* Not of the text: whoever wrote it may name any file, root that is. Otherwise its files must
     * be below the directories of the configuration. False after parsing; never changes in a
     * shared one. */
    bool trusted;
    char *text;        /* of one that is shared: what it was parsed from; else NULL */
    uint64_t given_vm; /* a service: bit I of spec_keys(SPEC_VM) was written under [vm] */
    union {
        struct host_spec host;
        struct vm_spec vm;
        struct service_spec service;
    };
};

enum spec_type {
    SPEC_TEXT,   /* char *: valid UTF-8, one line unless `join` allows more */
    SPEC_WORD,   /* char *: a name as in spec_valid_name() */
    SPEC_WORDS,  /* char **: words separated by blanks or commas */
    SPEC_PATH,   /* char *: an absolute path without ".." components */
    SPEC_COUNT,  /* uint32_t */
    SPEC_SIZE,   /* uint64_t, bytes; K M G T, KiB .. TiB are powers of 1024 */
    SPEC_REAL,   /* double */
    SPEC_HEALTH, /* struct spec_health: "agent", or "tcp" and a port */
    SPEC_SHARE,  /* struct spec_share: a count, or 1% to 100% */
    SPEC_CHOICE, /* an enum of this header: index into `choices` */
    SPEC_SWITCH, /* bool: yes no on off true false 1 0 */
};

struct spec_key {
    const char *name;
    enum spec_type type;
    const char *unit;    /* for the manual: "vCPUs", "bytes"; NULL where it has none */
    double min, max;     /* of COUNT, SIZE and REAL, inclusive; REAL with min 0 excludes 0 … */
    bool zero;           /* … unless this is set */
    const char *preset;  /* the default, as a user would write it; NULL: none */
    const char *choices; /* of CHOICE: "always|never" */
    size_t offset;       /* of the field in host_spec, vm_spec or service_spec */
    bool required;
    const char *needs; /* the key without which it means nothing; NULL: none */
    const char *join;  /* between continuation lines: " " or "\n"; NULL: the value is one line */
    const char *(*refuse)(const char *value); /* NULL, or why it is wrong beyond its type */
    const char *doc;                          /* one line for the manual */
};

/* The rows of KIND in the manual's order; *n is their number (at most 64). */
const struct spec_key *spec_keys(enum spec_kind kind, size_t *n);

/* The bit of key NAME in `given` of KIND; 0 if there is none. */
uint64_t spec_key_bit(enum spec_kind kind, const char *name);

/*
 * Parses and checks a whole spec. Fails with EINVAL and a sentence that names the line, or
 * EFBIG. NUL bytes, invalid UTF-8, control characters other than tab and newline, unknown
 * keys and sections, repeated keys, values out of bounds are EINVAL. Empty text and text of
 * comments only are EINVAL too ("the spec is empty") for hosts and services, and a VM of all
 * defaults needs at least one key. A missing last newline is fine. "\r\n" is taken as "\n".
 */
struct spec *spec_parse(enum spec_kind kind, const char *text, size_t len, GError **error);

/*
 * The same for text that is still being written: only its complete lines are looked at and
 * nothing is required. Used to refuse a bad line from write(2), before the rest is there.
 */
struct spec *spec_parse_partial(enum spec_kind kind, const char *text, size_t len, GError **error);

/* The same as spec_parse() of the whole TEXT, with `trusted` set to TRUSTED; but the result may be
 * one that others of the same text and trust have too, and its `text` is set. */
struct spec *spec_parse_shared(enum spec_kind kind, const char *text, bool trusted, GError **error);

/*
 * Whether SPEC, which was parsed, may be asked for: EINVAL if a key stands there without the one
 * that it needs. Parsing takes such a spec, so that one that is stored, or that tells of a domain
 * of others, can be read.
 */
bool spec_check_needs(const struct spec *spec, GError **error);

struct spec *spec_ref(struct spec *spec);
void spec_unref(struct spec *spec);

/*
 * TEXT with KEY set to VALUE: its line replaced in place, comments and order kept; added
 * before the first section (or at the end) if it was not there. Lines under [vm] are a service's
 * template and left alone, unless TEXT is a VM's spec that has its keys there. TEXT that is not
 * INI is edited as far as it is understood. Free with g_free.
 */
char *spec_text_set(const char *text, const char *key, const char *value);

/*
 * The lines under [vm] of a service's spec, as they are, as a VM's spec text. If there is no key
 * among them the first key of a VM is added with its default, so that the text of a good service
 * always gives the text of a good VM. Free with g_free.
 */
char *spec_text_template(const char *service_text);

/* 1 to 63 of letters, digits, '-', '_', '.', starting with a letter or digit. */
bool spec_valid_name(const char *name);

/*
 * Names of a hypervisor's objects as file names and back: bytes outside the set of
 * spec_valid_name() become %XX (and so does '%'); a name that is too long is cut and ends in
 * '%' and 8 hex digits of its checksum (then it cannot be decoded). Free with g_free.
 */
char *spec_encode_name(const char *name);

/* SHARE of WHOLE, percentages rounded down; never 0. */
uint32_t spec_share_of(struct spec_share share, uint32_t whole);

/* Whether PATH is, by its text, below one of DIRECTORIES: a ".." in it never is. */
bool spec_path_below(const char *path, const char *const *directories);

/* "512MiB" and friends; false if TEXT is no size. */
bool spec_parse_size(const char *text, uint64_t *bytes);
/* The largest binary unit that divides it: "512MiB", "1GiB", "1000". Free with g_free. */
char *spec_format_size(uint64_t bytes);

/* Whether VALUE is acceptable for KEY; EINVAL with a sentence otherwise. */
bool spec_check_value(const struct spec_key *key, const char *value, GError **error);

typedef struct spec Spec; /* for g_autoptr(Spec) */
G_DEFINE_AUTOPTR_CLEANUP_FUNC(Spec, spec_unref)
