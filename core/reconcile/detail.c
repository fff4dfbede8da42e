/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * The fields that only one kind of object has, as GKeyFile text for the store: names instead of
 * columns, so that a field more needs no new schema and an old database still loads.
 */
#include "core/cloud/cloud.h"
#include "core/reconcile/internal.h"

#include <string.h>

#define GROUP "detail"

static void put_text(GKeyFile *file, const char *key, const char *text)
{
    if (text)
        g_key_file_set_string(file, GROUP, key, text);
}

static void put_words(GKeyFile *file, const char *key, char **words)
{
    if (words)
        g_key_file_set_string_list(file, GROUP, key, (const char *const *)words,
                                   g_strv_length(words));
}

static void write_host(GKeyFile *file, const struct object *host) REQUIRES_SHARED(model)
{
    const struct host_part *part = &host->host;

    g_key_file_set_boolean(file, GROUP, "maintenance", part->maintenance);
    g_key_file_set_boolean(file, GROUP, "from_conf", part->from_conf);
    g_key_file_set_boolean(file, GROUP, "known", part->known);
    g_key_file_set_uint64(file, GROUP, "cpus", part->cpus);
    g_key_file_set_uint64(file, GROUP, "memory", part->memory);
    put_words(file, "types", part->types);
    put_words(file, "networks", part->networks);
}

static void write_vm(GKeyFile *file, const struct object *vm) REQUIRES_SHARED(model)
{
    const struct vm_part *part = &vm->vm;
    g_autofree char *xml = packed_write(part->xml);

    g_key_file_set_integer(file, GROUP, "phase", part->phase);
    g_key_file_set_boolean(file, GROUP, "managed", part->managed);
    g_key_file_set_boolean(file, GROUP, "power", part->power);
    g_key_file_set_boolean(file, GROUP, "restart_pending", part->restart_pending);
    g_key_file_set_boolean(file, GROUP, "fresh", part->fresh);
    put_text(file, "uuid", part->uuid);
    put_text(file, "domain_name", part->domain_name);
    put_text(file, "new_name", part->new_name);
    put_text(file, "type", part->type);
    g_key_file_set_integer(file, GROUP, "domain", part->domain);
    g_key_file_set_boolean(file, GROUP, "healthy", part->health == HEALTH_GOOD);
    g_key_file_set_uint64(file, GROUP, "cpus", part->cpus);
    g_key_file_set_uint64(file, GROUP, "memory", part->memory);
    put_text(file, "packed_xml", xml);
    g_key_file_set_uint64(file, GROUP, "host", part->host ? part->host->id : 0);
    if (part->moving_to)
        g_key_file_set_uint64(file, GROUP, "moving_to", part->moving_to->id);
    g_key_file_set_uint64(file, GROUP, "service", part->service ? part->service->id : 0);
    g_key_file_set_double(file, GROUP, "resources", part->resources);
}

static void write_runs(GKeyFile *file, const struct runs *runs)
{
    g_autoptr(GString) before = g_string_new(NULL);

    for (unsigned i = 0; i < RUNS_KEPT; i++)
        g_string_append_printf(before, "%" G_GINT64_FORMAT ";", runs->heartbeats[i]);
    g_key_file_set_string(file, GROUP, "heartbeats", before->str);
    g_key_file_set_int64(file, GROUP, "heartbeat", g_get_monotonic_time() * 1000);
}

char *detail_write(const struct engine *engine, const struct object *object)
{
    g_autoptr(GKeyFile) file = g_key_file_new();

    /* When it became available, by the clock that the heartbeats have too: see load.c. */
    g_key_file_set_int64(file, GROUP, "since", object->since);
    g_key_file_set_uint64(file, GROUP, "run", engine->runs.current);
    if (object->spec)
        g_key_file_set_boolean(file, GROUP, "trusted", object->spec->trusted);
    if (object->next)
        g_key_file_set_boolean(file, GROUP, "next_trusted", object->next->trusted);
    if (object->id == ROOT_ID)
        write_runs(file, &engine->runs);
    if (object->kind == OBJECT_HOST)
        write_host(file, object);
    if (object->kind == OBJECT_VM)
        write_vm(file, object);
    if (object->kind == OBJECT_SERVICE && object->work) {
        g_key_file_set_boolean(file, GROUP, "removing", service_work((void *)object)->removing);
        put_text(file, "told", service_work((void *)object)->told);
    }
    return g_key_file_to_data(file, NULL, NULL);
}

static GKeyFile *parse(const char *text)
{
    GKeyFile *file = g_key_file_new();

    /* Damaged text reads as no fields at all: the object is there, its domain is found again. */
    if (text)
        g_key_file_load_from_data(file, text, strlen(text), G_KEY_FILE_NONE, NULL);
    return file;
}

static bool get_flag(GKeyFile *file, const char *key)
{
    return g_key_file_get_boolean(file, GROUP, key, NULL);
}

/* Until there was such a thing, only root could write specs. */
static bool was_trusted(GKeyFile *file, const char *key)
{
    return get_flag(file, key) || !g_key_file_has_key(file, GROUP, key, NULL);
}

static uint64_t get_number(GKeyFile *file, const char *key)
{
    return g_key_file_get_uint64(file, GROUP, key, NULL);
}

static char *get_text(GKeyFile *file, const char *key)
{
    return g_key_file_get_string(file, GROUP, key, NULL);
}

static void read_host(GKeyFile *file, struct object *host) REQUIRES(model)
{
    struct host_part *part = &host->host;

    part->maintenance = get_flag(file, "maintenance");
    part->known = get_flag(file, "known");
    part->cpus = (uint32_t)get_number(file, "cpus");
    part->memory = get_number(file, "memory");
    part->types = g_key_file_get_string_list(file, GROUP, "types", NULL, NULL);
    part->networks = g_key_file_get_string_list(file, GROUP, "networks", NULL, NULL);
}

static void read_vm(struct cloud *cloud, GKeyFile *file, struct object *vm) REQUIRES(model)
{
    struct vm_part *part = &vm->vm;
    g_autofree char *uuid = get_text(file, "uuid"), *xml = get_text(file, "xml");
    g_autofree char *type = get_text(file, "type"), *packed = get_text(file, "packed_xml");
    int phase = g_key_file_get_integer(file, GROUP, "phase", NULL);
    int domain = g_key_file_get_integer(file, GROUP, "domain", NULL);

    part->phase = phase >= VM_DRAFT && phase <= VM_DESTROYING ? (enum vm_phase)phase : VM_FAILED;
    part->domain =
        domain >= 0 && domain < DOMAIN_STATES ? (enum domain_state)domain : DOMAIN_NOSTATE;
    part->health = get_flag(file, "healthy") ? HEALTH_GOOD : HEALTH_UNKNOWN;
    part->managed = get_flag(file, "managed");
    part->power = get_flag(file, "power");
    part->restart_pending = get_flag(file, "restart_pending");
    part->fresh = get_flag(file, "fresh");
    part->domain_name = get_text(file, "domain_name");
    part->new_name = get_text(file, "new_name");
    cloud_set_type(vm, type);
    part->cpus = (uint32_t)get_number(file, "cpus");
    part->memory = get_number(file, "memory");
    part->xml = xml ? packed_new(xml) : packed_read(packed);
    part->resources = g_key_file_get_double(file, GROUP, "resources", NULL);
    cloud_set_uuid(cloud, vm, uuid);
}

static void read_runs(GKeyFile *file, struct runs *runs)
{
    g_auto(GStrv) words = g_key_file_get_string_list(file, GROUP, "heartbeats", NULL, NULL);
    int64_t before[RUNS_KEPT] = {0};

    for (unsigned i = 0; words && words[i] && i < RUNS_KEPT; i++)
        before[i] = g_ascii_strtoll(words[i], NULL, 10);
    runs_begin(runs, get_number(file, "run"), g_key_file_get_int64(file, GROUP, "heartbeat", NULL),
               before);
}

void detail_read(struct engine *engine, struct object *object, const char *text,
                 struct detail_rest *rest)
{
    g_autoptr(GKeyFile) file = parse(text);

    /* Until the heartbeats are known, `since` keeps an old run's. */
    object->since = g_key_file_get_int64(file, GROUP, "since", NULL);
    if (!g_key_file_has_key(file, GROUP, "since", NULL))
        object->since = -1;
    if (object->id == ROOT_ID)
        read_runs(file, &engine->runs);
    if (object->kind == OBJECT_HOST)
        read_host(file, object);
    if (object->kind == OBJECT_VM)
        read_vm(engine->cloud, file, object);
    if (object->kind == OBJECT_SERVICE) {
        service_work(object)->removing = get_flag(file, "removing");
        service_work(object)->told = get_text(file, "told");
    }
    rest->run = get_number(file, "run");
    rest->host = get_number(file, "host");
    rest->moving_to = get_number(file, "moving_to");
    rest->service = get_number(file, "service");
    rest->trusted = was_trusted(file, "trusted");
    rest->next_trusted = was_trusted(file, "next_trusted");
}
