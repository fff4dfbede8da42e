// SPDX-License-Identifier: GPL-2.0-or-later
/*
 * The life of a struct spec.
 */
#include "core/error.h"
#include "core/spec/internal.h"

void *spec_fields(struct spec *spec)
{
    switch (spec->kind) {
    case SPEC_HOST:
        return &spec->host;
    case SPEC_VM:
        return &spec->vm;
    case SPEC_SERVICE:
    default:
        return &spec->service;
    }
}

struct spec *spec_new(enum spec_kind kind)
{
    size_t n;
    struct spec *spec = g_new0(struct spec, 1);
    const struct spec_key *rows = spec_keys(kind, &n);

    refs_init(&spec->refs);
    spec->kind = kind;
    spec_set_presets(spec_fields(spec), rows, n);
    if (kind != SPEC_SERVICE)
        return spec;
    rows = spec_keys(SPEC_VM, &n);
    spec_set_presets(&spec->service.vm, rows, n);
    return spec;
}

struct spec *spec_ref(struct spec *spec)
{
    refs_inc(&spec->refs);
    return spec;
}

static void clear(struct spec *spec)
{
    size_t n;
    const struct spec_key *rows = spec_keys(spec->kind, &n);
    spec_clear_values(spec_fields(spec), rows, n);
    if (spec->kind != SPEC_SERVICE)
        return;
    rows = spec_keys(SPEC_VM, &n);
    spec_clear_values(&spec->service.vm, rows, n);
}

static bool check_needs(enum spec_kind kind, uint64_t given, GError **error)
{
    size_t n;
    const struct spec_key *rows = spec_keys(kind, &n);
    for (size_t i = 0; i < n; i++) {
        if (!(given & UINT64_C(1) << i) || !rows[i].needs ||
            given & spec_key_bit(kind, rows[i].needs))
            continue;
        fail(error, EINVAL, "%s means nothing without %s, which is missing", rows[i].name,
             rows[i].needs);
        return false;
    }
    return true;
}

bool spec_check_needs(const struct spec *spec, GError **error)
{
    return check_needs(spec->kind, spec->given, error) &&
           check_needs(SPEC_VM, spec->given_vm, error);
}

uint32_t spec_share_of(struct spec_share share, uint32_t whole)
{
    uint64_t number = share.percent ? (uint64_t)whole * share.number / 100 : share.number;
    return MAX((uint32_t)number, 1);
}

void spec_unref(struct spec *spec)
{
    if (!spec || !(spec->text ? spec_release_shared(spec) : refs_dec(&spec->refs)))
        return;
    clear(spec);
    g_free(spec->text);
    g_free(spec);
}
