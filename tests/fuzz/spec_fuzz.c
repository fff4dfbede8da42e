// SPDX-License-Identifier: GPL-2.0-or-later
/*
 * Any bytes as a spec: clang -fsanitize=fuzzer,address. The first byte chooses the kind.
 */
#include <stdlib.h>
#include <string.h>

#include "core/spec/spec.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static void edit(enum spec_kind kind, const char *text, bool good)
{
    static const char *const set[][2] = {
        [SPEC_HOST] = {"zone",   "z1"},
          [SPEC_VM] = {"host",   "h1"},
          [SPEC_SERVICE] = {"demand", "7" }
    };
    g_autofree char *edited = spec_text_set(text, set[kind][0], set[kind][1]);
    g_autofree char *template = spec_text_template(text);
    g_autofree char *name = spec_encode_name(text);
    if (!*name || strlen(name) > 63 || strchr(name, '/'))
        abort();
    if (!good)
        return;
    g_autoptr(Spec) again = spec_parse(kind, edited, strlen(edited), NULL);
    if (!again && strlen(edited) <= SPEC_MAX_BYTES)
        abort();
    if (kind != SPEC_SERVICE)
        return;
    g_autoptr(Spec) vm = spec_parse(SPEC_VM, template, strlen(template), NULL);
    if (!vm && strlen(template) <= SPEC_MAX_BYTES)
        abort();
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    if (size == 0)
        return 0;
    g_autoptr(GError) error = NULL;
    enum spec_kind kind = data[0] % 3;
    g_autofree char *text = g_strndup((const char *)data + 1, size - 1);
    g_autoptr(Spec) spec = spec_parse(kind, (const char *)data + 1, size - 1, &error);
    g_autoptr(Spec) partial = spec_parse_partial(kind, (const char *)data + 1, size - 1, NULL);
    if (!spec == !error || (spec && !partial) ||
        (error && !g_utf8_validate(error->message, -1, NULL)))
        abort();
    edit(kind, text, spec != NULL);
    return 0;
}
