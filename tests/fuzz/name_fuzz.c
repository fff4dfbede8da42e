/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Any bytes as a name of a hypervisor's: as a file's name it neither escapes nor hides. */
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include "core/spec/spec.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static bool is_safe(const char *name)
{
    size_t len = strlen(name);

    if (len < 1 || len > 63 || name[0] == '.' || name[0] == '-')
        return false;
    for (const char *c = name; *c; c++)
        if (!g_ascii_isalnum(*c) && !strchr("-_.%", *c))
            return false;
    return true;
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    g_autofree char *name = g_strndup((const char *)data, size);
    g_autofree char *encoded = spec_encode_name(name);
    uint64_t bytes, again;

    if (!is_safe(encoded))
        abort();
    /* What is a name already stays; what is none never looks like another's. */
    if (spec_valid_name(name) != (strcmp(name, encoded) == 0))
        abort();
    if (spec_parse_size(name, &bytes)) {
        g_autofree char *size_text = spec_format_size(bytes);

        if (!spec_parse_size(size_text, &again) || again != bytes)
            abort();
    }
    return 0;
}
