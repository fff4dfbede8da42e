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

static void put_packed(GString *detail, const char *key, const struct packed *packed)
{
    g_autofree char *word = packed_write(packed);

    fields_put_text(detail, key, word);
}

static void write_host(GString *detail, const struct object *host) REQUIRES_SHARED(model)
{
    const struct host_part *part = &host->host;

    fields_put_flag(detail, "maintenance", part->maintenance);
    if (part->drain_due)
        fields_put_flag(detail, "drain_due", true);
    fields_put_flag(detail, "from_conf", part->from_conf);
    fields_put_flag(detail, "known", part->known);
    fields_put_number(detail, "cpus", part->cpus);
    fields_put_number(detail, "memory", part->memory);
    fields_put_words(detail, "types", part->types);
    fields_put_words(detail, "networks", part->networks);
    fields_put_words(detail, "leftovers", part->leftovers);
}

static void write_vm(GString *detail, const struct object *vm) REQUIRES_SHARED(model)
{
    const struct vm_part *part = &vm->vm;

    fields_put_number(detail, "phase", part->phase);
    fields_put_flag(detail, "managed", part->managed);
    fields_put_flag(detail, "power", part->power);
    if (part->power_due)
        fields_put_flag(detail, "power_due", true);
    fields_put_text(detail, "pending", part->pending);
    fields_put_flag(detail, "fresh", part->fresh);
    fields_put_text(detail, "uuid", part->uuid);
    fields_put_text(detail, "domain_name", part->domain_name);
    fields_put_text(detail, "new_name", part->new_name);
    fields_put_text(detail, "type", part->type);
    fields_put_number(detail, "domain", part->domain);
    fields_put_flag(detail, "healthy", part->health == HEALTH_GOOD);
    fields_put_number(detail, "cpus", part->cpus);
    fields_put_number(detail, "memory", part->memory);
    put_packed(detail, "packed_xml", part->xml);
    fields_put_number(detail, "host", part->host ? part->host->id : 0);
    if (part->moving_to) {
        fields_put_number(detail, "moving_to", part->moving_to->id);
        fields_put_flag(detail, "moves_off", part->moves_off);
    }
    fields_put_number(detail, "service", part->service ? part->service->id : 0);
    fields_put_double(detail, "resources", part->resources);
}

static void write_runs(GString *detail, const struct runs *runs)
{
    g_string_append(detail, "heartbeats=");
    for (unsigned i = 0; i < RUNS_KEPT; i++)
        g_string_append_printf(detail, "%" G_GINT64_FORMAT ";", runs->heartbeats[i]);
    g_string_append_c(detail, '\n');
    fields_put_signed(detail, "heartbeat", g_get_monotonic_time() * 1000);
}

static void write_service(GString *detail, struct object *service)
{
    fields_put_flag(detail, "removing", service_work(service)->removing);
    fields_put_text(detail, "told", service_work(service)->told);
}

char *detail_write(const struct engine *engine, const struct object *object)
{
    GString *detail = g_string_new("[" GROUP "]\n");

    /* When it became available, by the clock that the heartbeats have too: see load.c. */
    fields_put_signed(detail, "since", object->since);
    fields_put_number(detail, "run", engine->runs.current);
    if (object->spec)
        fields_put_flag(detail, "trusted", object->spec->trusted);
    if (object->next)
        fields_put_flag(detail, "next_trusted", object->next->trusted);
    if (object->leaving)
        fields_put_flag(detail, "leaving", true);
    put_packed(detail, "packed_placement", object->placement);
    if (object->id == ROOT_ID)
        write_runs(detail, &engine->runs);
    if (object->kind == OBJECT_HOST)
        write_host(detail, object);
    if (object->kind == OBJECT_VM)
        write_vm(detail, object);
    if (object->kind == OBJECT_SERVICE && object->work)
        write_service(detail, (void *)object);
    return g_string_free(detail, false);
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
    part->drain_due = fields_flag(fields, "drain_due");
    part->known = fields_flag(fields, "known");
    part->cpus = (uint32_t)fields_number(fields, "cpus");
    part->memory = fields_number(fields, "memory");
    part->types = fields_words(fields, "types");
    part->networks = fields_words(fields, "networks");
    part->leftovers = fields_words(fields, "leftovers");
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
static void read_vm(struct cloud *cloud, struct fields *fields, struct object *vm,
                    struct detail_rest *rest) REQUIRES(model)
{
    struct vm_part *part = &vm->vm;
    g_autofree char *uuid = NULL, *type = NULL;

    read_phase(fields, part);
    part->managed = fields_flag(fields, "managed");
    part->power = fields_flag(fields, "power");
    part->power_due = fields_flag(fields, "power_due");
    rest->restart_pending = fields_flag(fields, "restart_pending");
    part->pending = fields_text(fields, "pending");
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
    rest->host = fields_number(fields, "host");
    rest->moving_to = fields_number(fields, "moving_to");
    part->moves_off = fields_flag(fields, "moves_off"); /* of older versions it is not known */
    rest->service = fields_number(fields, "service");
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

    *rest = (struct detail_rest){0};
    /* Until the heartbeats are known, `since` keeps an old run's. */
    object->since = fields_has(&fields, "since") ? fields_signed(&fields, "since") : -1;
    rest->run = fields_number(&fields, "run");
    rest->trusted = was_trusted(&fields, "trusted");
    rest->next_trusted = was_trusted(&fields, "next_trusted");
    object->leaving = fields_flag(&fields, "leaving");
    object->placement = read_packed(&fields, "packed_placement");
    if (object->id == ROOT_ID)
        read_runs(&fields, &engine->runs);
    if (object->kind == OBJECT_HOST)
        read_host(&fields, object);
    if (object->kind == OBJECT_VM)
        read_vm(engine->cloud, &fields, object, rest);
    if (object->kind == OBJECT_SERVICE) {
        service_work(object)->removing = fields_flag(&fields, "removing");
        service_work(object)->told = fields_text(&fields, "told");
    }
}
