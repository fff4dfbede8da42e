/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Checks that change nothing: of a spec being written, and of a configuration. */
#include "core/reconcile/internal.h"

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

bool engine_check(struct engine *engine, enum object_kind kind, const char *text, size_t len,
                  GError **error)
{
    g_autoptr(Spec) spec = spec_parse_partial(spec_kind_of(kind, text, len), text, len, error);
    struct vm_spec lenient;
    bool ok;

    if (!spec)
        return false;
    if (kind == OBJECT_HOST)
        return true;
    if (spec->kind == SPEC_SERVICE)
        lenient = without_defaults(&spec->service.vm, spec->given_vm);
    else
        lenient = without_defaults(&spec->vm, spec->given);
    cloud_read_lock(engine->cloud);
    ok = placing_check(engine, NULL, &lenient, error);
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

static int report_host(const struct conf *conf, const char *name, const char *uri, GString *out)
{
    g_autoptr(GError) error = NULL;
    g_autoptr(VirtInfo) info = NULL;
    g_autofree char *memory = NULL, *types = NULL;

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

int engine_check_hosts(const struct conf *conf, GString *out)
{
    g_autoptr(GError) error = NULL;
    g_autofree char *local = NULL;
    int bad = 0;

    if (!virt_start(&error)) {
        g_string_append_printf(out, "%s\n", error->message);
        return 1;
    }
    for (unsigned i = 0; i < conf->hosts->len; i++) {
        const struct conf_host *host = conf->hosts->pdata[i];

        bad += report_host(conf, host->name, host->spec->host.uri, out);
    }
    if (conf->hosts->len == 0) {
        local = virt_local_uri(conf->state);
        bad += report_host(conf, "local", local, out);
    }
    virt_stop();
    return bad;
}
