/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Batches: plans that become real together, by being in one that holds them. */
#include "core/cloud/internal.h"

#include <string.h>

const char *object_leaf(const struct object *object)
{
    const char *slash = object->kind == OBJECT_PLAN ? strchr(object->name, '/') : NULL;

    return slash ? slash + 1 : object->name;
}

struct object *cloud_batch(struct cloud *cloud, const struct object *object)
{
    const char *leaf = object_leaf(object);
    g_autofree char *name = NULL;

    if (leaf == object->name)
        return NULL;
    name = g_strndup(object->name, (gsize)(leaf - object->name) - 1);
    return cloud_find(cloud, OBJECT_PLAN, name);
}

GPtrArray *cloud_drafts(struct cloud *cloud, const struct object *batch)
{
    const GPtrArray *plans = cloud_objects(cloud, OBJECT_PLAN);
    GPtrArray *drafts = g_ptr_array_new();
    size_t len = strlen(batch->name);

    for (unsigned i = 0; batch->kind == OBJECT_PLAN && i < plans->len; i++) {
        const struct object *plan = plans->pdata[i];

        if (strncmp(plan->name, batch->name, len) == 0 && plan->name[len] == '/')
            g_ptr_array_add(drafts, plans->pdata[i]);
    }
    return drafts;
}

void batch_recount(struct cloud *cloud, struct object *object)
{
    struct object *batch = cloud_batch(cloud, object);
    g_autoptr(GPtrArray) drafts = NULL;

    if (object->kind != OBJECT_PLAN)
        return;
    if (!batch)
        batch = object; /* what is in it may have been loaded before it */
    drafts = cloud_drafts(cloud, batch);
    batch->plan.drafts = drafts->len;
    cloud_refresh_state(cloud, batch);
}
