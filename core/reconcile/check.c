/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Checks that change nothing: of a spec being written, and of a configuration. */
#include "core/reconcile/internal.h"
#include "core/reconcile/trial.h"

enum spec_kind spec_kind_of(enum object_kind kind, const char *text, size_t len)
{
    switch (kind) {
    case OBJECT_HOST:
        return SPEC_HOST;
    case OBJECT_SERVICE:
        return SPEC_SERVICE;
    case OBJECT_PLAN:
        return plan_kind(text, len);
    case OBJECT_VM:
    case OBJECT_FOLDER:
    case OBJECT_KINDS:
        break;
    }
    return SPEC_VM;
}

/* What was not written yet may still become anything: it must refuse nothing. */
static struct vm_spec without_defaults(const struct vm_spec *spec, uint64_t given)
{
    struct vm_spec lenient = *spec;

    if (!(given & spec_key_bit(SPEC_VM, "cpus")))
        lenient.cpus = 1;
    if (!(given & spec_key_bit(SPEC_VM, "memory")))
        lenient.memory = 1;
    return lenient;
}

/* URIs that were not written yet may still become those of the spec in force. */
static bool check_host_spec(struct engine *engine, const struct object *host, Spec *spec,
                            const struct actor *actor, GError **error) REQUIRES_SHARED(model)
{
    const struct host_spec written = spec->host;
    bool ok;

    if (host && host->spec) {
        const struct host_spec *old = &host->spec->host;

        spec->host.uri = written.uri ? written.uri : old->uri;
        spec->host.peer_uri = written.peer_uri ? written.peer_uri : old->peer_uri;
        spec->host.migrate_uri = written.migrate_uri ? written.migrate_uri : old->migrate_uri;
    }
    ok = policy_allows(engine, host, actor, spec, error) && host_check_data_uri(&spec->host, error);
    spec->host = written;
    return ok;
}

/* What is on a host has its room there, even if no host would give it as much. */
static bool check_room(struct engine *engine, const struct object *object,
                       const struct vm_spec *spec, GError **error) REQUIRES_SHARED(model)
{
    if (placing_check(engine, NULL, spec, error))
        return true;
    if (!object || object->kind != OBJECT_VM || !object->vm.host)
        return false;
    g_clear_error(error);
    return placing_may_stay(engine, object, spec, error);
}

static bool check_wanted(struct engine *engine, uint64_t id, Spec *spec, struct vm_spec *lenient,
                         const struct actor *actor, GError **error) REQUIRES_SHARED(model)
{
    const struct object *object = cloud_by_id(engine->cloud, id);
    struct vm_spec *vm = spec->kind == SPEC_SERVICE ? &spec->service.vm : &spec->vm;
    bool real = object && object->kind != OBJECT_PLAN, ok;
    struct vm_spec written;

    if (spec->kind == SPEC_HOST)
        return check_host_spec(engine, object, spec, actor, error);
    if (!policy_allows(engine, object, actor, spec, error))
        return false;
    written = *vm;
    /* The lenient one stands in for a moment; what it points at is the spec's own. */
    *vm = *lenient;
    if (real && spec->kind == SPEC_SERVICE)
        ok = quota_allows_service(engine, object, spec, NULL, error);
    else
        ok = !real || quota_allows(engine, object, spec, error);
    *vm = written;
    return ok && check_room(engine, object, lenient, error);
}

bool engine_check(struct engine *engine, uint64_t id, enum object_kind kind, const char *text,
                  size_t len, const struct actor *actor, GError **error)
{
    g_autoptr(Spec) spec = spec_parse_partial(spec_kind_of(kind, text, len), text, len, error);
    struct vm_spec lenient = {0};
    bool ok;

    if (!spec)
        return false;
    if (spec->kind == SPEC_SERVICE)
        lenient = without_defaults(&spec->service.vm, spec->given_vm);
    else if (spec->kind == SPEC_VM)
        lenient = without_defaults(&spec->vm, spec->given);
    cloud_read_lock(engine->cloud);
    ok = check_wanted(engine, id, spec, &lenient, actor, error);
    cloud_read_unlock(engine->cloud);
    return ok;
}

static bool check_host(const struct conf *conf, const char *uri, struct virt_info **info,
                       GError **error)
{
    const struct virt_options options = {.uri = uri, .state = conf->state};
    struct virt *virt = virt_libvirt.new(&options, error);
    bool ok;

    if (!virt)
        return false;
    ok = virt_libvirt.open(virt, error) && virt_libvirt.info(virt, info, error);
    virt_libvirt.free(virt);
    return ok;
}

static int report_host(const struct conf *conf, struct trial *trial, const char *name,
                       const char *uri, GString *out)
{
    g_autoptr(GError) error = NULL;
    g_autoptr(VirtInfo) info = NULL;
    g_autofree char *memory = NULL, *types = NULL;

    if (!trial_part(trial, virt_is_embedded(uri)))
        return 0;
    if (!check_host(conf, uri, &info, &error)) {
        g_string_append_printf(out, "host %s: %s: %s\n", name, uri, error->message);
        return 1;
    }
    memory = spec_format_size(info->memory);
    types = g_strjoinv(" ", info->types);
    g_string_append_printf(out, "host %s: %s: %u CPUs, %s, %s\n", name, uri, info->cpus, memory,
                           types);
    return 0;
}

static int report_hosts(const struct conf *conf, struct trial *trial, GString *out)
{
    g_autofree char *local = NULL;
    int bad = 0;

    for (unsigned i = 0; i < conf->hosts->len; i++) {
        const struct conf_host *host = conf->hosts->pdata[i];

        bad += report_host(conf, trial, host->name, host->spec->host.uri, out);
    }
    if (conf->hosts->len == 0) {
        local = virt_local_uri(conf->state);
        bad += report_host(conf, trial, "local", local, out);
    }
    return bad;
}

/* What a driver makes to be asked at all is made beside, and is gone afterwards. */
bool engine_check_hosts(const struct conf *conf, GString *out, int *bad, GError **error)
{
    struct trial *trial = trial_begin(error);
    bool ok;

    if (!trial)
        return false;
    ok = virt_start(error);
    if (ok) {
        virt_try_in(trial_directory(trial));
        *bad = report_hosts(conf, trial, out);
        virt_stop();
    }
    trial_end(trial);
    return ok;
}
