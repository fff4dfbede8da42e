/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * cloudfs.conf: the mount's own configuration. INI too, read with the same rules as a spec.
 *
 * A struct conf is immutable once loaded, but for the command line's overrides, which main
 * makes before anything else sees it.
 */
#pragma once

#include <glib.h>
#include <stdbool.h>
#include <stdint.h>

#include "core/spec/spec.h"

struct conf_host {
    char *name;
    char *text; /* the section's lines, as a host's spec */
    Spec *spec;
};

/* What the objects of a user or a group may take together. */
struct conf_quota {
    char *name;         /* as it was written: "alice", "@ops", "*" */
    bool group;         /* of the group ID, not of the user ID */
    bool everybody;     /* of each user who has none of their own */
    uint32_t id;        /* uid or gid */
    uint32_t vms, cpus; /* at most; G_MAXUINT32: as many as they like */
    uint64_t memory;    /* bytes; G_MAXUINT64: as much as they like */
};

struct conf {
    char *state;                /* directory of the database; absolute */
    double sample;              /* seconds between samples of a host that is looked at */
    double sample_idle;         /* the same of one that nobody looks at, at most */
    double grace;               /* seconds until a removed specs/ file removes its object */
    double wait;                /* seconds that close(2) waits for a job at most */
    double rebalance_gain;      /* what a move must better S by, as a share of it */
    double rebalance_hold;      /* seconds in which a VM that was moved is not planned again */
    uint32_t rebalance_at_once; /* moves of a plan under way at most */
    double forecast;            /* seconds ahead that load is forecast */
    double forecast_limit;      /* of the physical: expected load beyond takes no more; 0: unused */
    GHashTable *virtualization; /* char * to double *: V by libvirt's domain type */
    char **paths;               /* directories that specs of whoever is not root may name */
    bool paths_given;           /* by the file: they are not the preset */
    GPtrArray *hosts;           /* of struct conf_host *, in the file's order */
    GPtrArray *quotas;          /* of struct conf_quota *, the same */
};

/*
 * The keys of [cloud]: rows like a spec's, offsets into struct conf. For the manual's list and
 * the test that holds the manual against it.
 */
const struct spec_key *conf_keys(size_t *n);

/* The keys of [quota NAME]: offsets into struct conf_quota. */
const struct spec_key *conf_quota_keys(size_t *n);

/*
 * Reads FILE, or the defaults when FILE is NULL. The default state directory is
 * /var/lib/cloudfs for root and $XDG_STATE_HOME/cloudfs (~/.local/state/cloudfs) otherwise.
 * Sections: [cloud], [virtualization] (TYPE = factor; 0 means: never chosen by default),
 * [host NAME], [quota NAME] (a user, "@" and a group, or "*"). Fails with ENOENT, EACCES, EINVAL
 * and a sentence with file and line.
 */
struct conf *conf_load(const char *file, GError **error);
void conf_free(struct conf *conf);

/* V of a virtualization type; 1.0 for types that the configuration does not name, except
 * qemu's preset 0.1. */
double conf_virtualization(const struct conf *conf, const char *type);

typedef struct conf Conf;
G_DEFINE_AUTOPTR_CLEANUP_FUNC(Conf, conf_free)
