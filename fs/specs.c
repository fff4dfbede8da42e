/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "fs/specs.h"

#include <string.h>

#include "core/spec/spec.h"

#define SUFFIX ".ini"

char *specs_file_name(const char *object)
{
    return g_strconcat(object, SUFFIX, NULL);
}

char *specs_object_name(const char *file)
{
    char *name;

    if (!g_str_has_suffix(file, SUFFIX))
        return NULL;
    name = g_strndup(file, strlen(file) - strlen(SUFFIX));
    if (!spec_valid_name(name))
        g_clear_pointer(&name, g_free);
    return name;
}

/* Temporary files of tools begin with a dot. */
bool specs_is_misnamed(const char *file)
{
    g_autofree char *name = specs_object_name(file);

    return !name && file[0] != '.' && g_str_has_suffix(file, SUFFIX);
}
