/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * The fields that only one kind of object has, as GKeyFile text for the store: names instead of
 * columns, so that a field more needs no new schema and an old database still loads.
 */
#include "core/cloud/cloud.h"
#include "core/reconcile/fields.h"
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

/* Until there was such a thing, only root could write specs. */
static bool was_trusted(struct fields *fields, const char *key)
{
    return !fields_has(fields, key) || fields_flag(fields, key);
}

static struct packed *read_packed(struct fields *fields, const char *key)
{
    g_autofree char *word = fields_text(fields, key);

    return packed_read(word);
}

static void read_host(struct fields *fields, struct object *host) REQUIRES(model)
{
    struct host_part *part = &host->host;

    part->maintenance = fields_flag(fields, "maintenance");
    part->known = fields_flag(fields, "known");
    part->cpus = (uint32_t)fields_number(fields, "cpus");
    part->memory = fields_number(fields, "memory");
    part->types = fields_words(fields, "types");
    part->networks = fields_words(fields, "networks");
}

static void read_phase(struct fields *fields, struct vm_part *part)
{
    int64_t phase = fields_signed(fields, "phase");

    part->phase = phase >= VM_DRAFT && phase <= VM_DESTROYING ? (enum vm_phase)phase : VM_FAILED;
}

static void read_domain(struct fields *fields, struct vm_part *part)
{
    int64_t domain = fields_signed(fields, "domain");

    part->domain =
        domain >= 0 && domain < DOMAIN_STATES ? (enum domain_state)domain : DOMAIN_NOSTATE;
}

/* Until it was packed, XML was there as it is. */
static struct packed *read_xml(struct fields *fields)
{
    struct packed *packed = read_packed(fields, "packed_xml");
    g_autofree char *xml = packed ? NULL : fields_text(fields, "xml");

    return packed ? packed : packed_new(xml);
}

/* In the order in which they are written. */
static void read_vm(struct cloud *cloud, struct fields *fields, struct object *vm) REQUIRES(model)
{
    struct vm_part *part = &vm->vm;
    g_autofree char *uuid = NULL, *type = NULL;

    read_phase(fields, part);
    part->managed = fields_flag(fields, "managed");
    part->power = fields_flag(fields, "power");
    part->restart_pending = fields_flag(fields, "restart_pending");
    part->fresh = fields_flag(fields, "fresh");
    uuid = fields_text(fields, "uuid");
    part->domain_name = fields_text(fields, "domain_name");
    part->new_name = fields_text(fields, "new_name");
    type = fields_text(fields, "type");
    read_domain(fields, part);
    part->health = fields_flag(fields, "healthy") ? HEALTH_GOOD : HEALTH_UNKNOWN;
    part->cpus = (uint32_t)fields_number(fields, "cpus");
    part->memory = fields_number(fields, "memory");
    part->xml = read_xml(fields);
    part->resources = fields_double(fields, "resources");
    cloud_set_type(vm, type);
    cloud_set_uuid(cloud, vm, uuid);
}

static void read_runs(struct fields *fields, struct runs *runs)
{
    g_auto(GStrv) words = fields_words(fields, "heartbeats");
    int64_t before[RUNS_KEPT] = {0};

    for (unsigned i = 0; words && words[i] && i < RUNS_KEPT; i++)
        before[i] = g_ascii_strtoll(words[i], NULL, 10);
    runs_begin(runs, fields_number(fields, "run"), fields_signed(fields, "heartbeat"), before);
}

/* Damaged text reads as no fields: the object is there, its domain is found again. */
void detail_read(struct engine *engine, struct object *object, const char *text,
                 struct detail_rest *rest)
{
    struct fields fields = fields_of(text);

    /* Until the heartbeats are known, `since` keeps an old run's. */
    object->since = fields_has(&fields, "since") ? fields_signed(&fields, "since") : -1;
    rest->run = fields_number(&fields, "run");
    rest->trusted = was_trusted(&fields, "trusted");
    rest->next_trusted = was_trusted(&fields, "next_trusted");
    object->placement = read_packed(&fields, "packed_placement");
    if (object->id == ROOT_ID)
        read_runs(&fields, &engine->runs);
    if (object->kind == OBJECT_HOST)
        read_host(&fields, object);
    if (object->kind == OBJECT_VM)
        read_vm(engine->cloud, &fields, object);
    if (object->kind == OBJECT_SERVICE) {
        service_work(object)->removing = fields_flag(&fields, "removing");
        service_work(object)->told = fields_text(&fields, "told");
    }
    rest->host = fields_number(&fields, "host");
    rest->moving_to = fields_number(&fields, "moving_to");
    rest->service = fields_number(&fields, "service");
}
