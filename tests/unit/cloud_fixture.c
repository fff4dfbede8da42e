/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "tests/unit/cloud_fixture.h"

static void count(void *ctx, enum change what, const struct object *object, enum facet facet,
                  const struct object *other)
{
    struct fixture *f = ctx;

    (void)object;
    (void)facet;
    (void)other;
    f->told[what]++;
}

int set_up(void **state) UNCHECKED_LOCKING
{
    struct fixture *f = g_new0(struct fixture, 1);

    f->conf.virtualization = g_hash_table_new_full(g_str_hash, g_str_equal, g_free, g_free);
    f->cloud = cloud_new(&f->conf);
    cloud_watch(f->cloud, count, f);
    cloud_write_lock(f->cloud);
    *state = f;
    return 0;
}

int tear_down(void **state) UNCHECKED_LOCKING
{
    struct fixture *f = *state;

    cloud_write_unlock(f->cloud);
    cloud_free(f->cloud);
    g_hash_table_destroy(f->conf.virtualization);
    g_free(f);
    return 0;
}

struct object *add(struct fixture *f, enum object_kind kind, uint64_t id, const char *name,
                   const char *text)
{
    struct object *object = cloud_add(f->cloud, kind, id, name, 0, 0, 0755);
    enum spec_kind spec_kind = kind == OBJECT_HOST ? SPEC_HOST
                               : kind == OBJECT_VM ? SPEC_VM
                                                   : SPEC_SERVICE;
    Spec *spec = spec_parse(spec_kind, text, strlen(text), NULL);

    assert_non_null(spec);
    cloud_set_spec(f->cloud, object, g_strdup(text), spec);
    return object;
}

struct object *add_host(struct fixture *f, uint64_t id, const char *name)
{
    struct object *host =
        add(f, OBJECT_HOST, id, name, "uri = test:///default\nmaintenance_cost = 50\n");

    host->host.phase = HOST_UP;
    host->host.known = true;
    host->host.cpus = 10;
    host->host.memory = G_GUINT64_CONSTANT(1) << 34;
    host->host.types = g_strsplit("test", " ", -1);
    host->host.networks = g_strsplit("none", " ", -1);
    cloud_refresh_state(f->cloud, host);
    return host;
}
