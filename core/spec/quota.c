// SPDX-License-Identifier: GPL-2.0-or-later
/*
 * Quotas of the configuration: how much a user or a group may want.
 */
#include <grp.h>
#include <pwd.h>
#include <string.h>

#include "core/error.h"
#include "core/spec/conf.h"
#include "core/spec/internal.h"

#define TIB          1099511627776.0
#define MOST         1000000000.0

#define QUOTA(field) .offset = offsetof(struct conf_quota, field)

static const struct spec_key rows[] = {
    SPEC_KEY("vms", SPEC_COUNT, .unit = "VMs", .max = MOST, QUOTA(vms),
             .doc = "VMs at most, a service's members among them"),
    SPEC_KEY("cpus", SPEC_COUNT, .unit = "vCPUs", .max = MOST, QUOTA(cpus),
             .doc = "virtual CPUs of them all at most"),
    SPEC_KEY("memory", SPEC_SIZE, .unit = "bytes", .max = 1048576 * TIB, QUOTA(memory),
             .doc = "memory of them all at most"),
};

const struct spec_key *conf_quota_keys(size_t *n)
{
    *n = G_N_ELEMENTS(rows);
    return rows;
}

/* The number of the user NAME, or of the group that stands behind its '@'. */
static bool find_id(struct conf_quota *quota, GError **error)
{
    const char *name = quota->name + quota->group;
    const struct passwd *user = quota->group ? NULL : getpwnam(name);
    const struct group *group = quota->group ? getgrnam(name) : NULL;
    guint64 number;
    if (user)
        quota->id = user->pw_uid;
    else if (group)
        quota->id = group->gr_gid;
    else if (g_ascii_string_to_unsigned(name, 10, 0, G_MAXUINT32 - 1, &number, NULL))
        quota->id = (uint32_t)number;
    else {
        g_autofree char *quoted = spec_quote(name, strlen(name));
        fail(error, EINVAL, "there is no %s %s", quota->group ? "group" : "user", quoted);
        return false;
    }
    return true;
}

struct conf_quota *conf_quota_new(const char *name, GError **error)
{
    struct conf_quota *quota = g_new0(struct conf_quota, 1);
    quota->name = g_strdup(name);
    quota->group = *name == '@';
    quota->everybody = strcmp(name, "*") == 0;
    quota->vms = quota->cpus = G_MAXUINT32;
    quota->memory = G_MAXUINT64;
    if (quota->everybody || find_id(quota, error))
        return quota;
    conf_quota_free(quota);
    return NULL;
}

void conf_quota_free(void *data)
{
    struct conf_quota *quota = data;
    g_free(quota->name);
    g_free(quota);
}
