// SPDX-License-Identifier: GPL-2.0-or-later
#include <string.h>

#include "core/spec/spec.h"

enum { NAME_MAX_BYTES = 63, CHECKSUM_DIGITS = 8 };

/* Whether C may stand in a name; FIRST: at its start, where "-x" and ".x" mislead tools. */
static bool is_plain(char c, bool first)
{
    return g_ascii_isalnum(c) || (!first && (c == '-' || c == '_' || c == '.'));
}

bool spec_valid_name(const char *name)
{
    size_t len = 0;
    if (!name || !*name)
        return false;
    for (; name[len]; len++)
        if (len == NAME_MAX_BYTES || !is_plain(name[len], len == 0))
            return false;
    return true;
}

static void append_encoded(GString *out, char c)
{
    if (is_plain(c, out->len == 0))
        g_string_append_c(out, c);
    else
        g_string_append_printf(out, "%%%02X", (unsigned char)c);
}

char *spec_encode_name(const char *name)
{
    g_autoptr(GString) out = g_string_new(NULL);
    gsize fits = 0; /* how much of it leaves room for a checksum */
    for (const char *c = name; *c && out->len <= NAME_MAX_BYTES; c++) {
        append_encoded(out, *c);
        if (out->len <= NAME_MAX_BYTES - 1 - CHECKSUM_DIGITS)
            fits = out->len;
    }
    if (out->len == 0) /* no hypervisor has one, but a directory must not either */
        return g_strdup("%");
    if (out->len <= NAME_MAX_BYTES)
        return g_string_free(g_steal_pointer(&out), FALSE);

    g_autofree char *sum = g_compute_checksum_for_string(G_CHECKSUM_SHA256, name, -1);
    return g_strdup_printf("%.*s%%%.*s", (int)fits, out->str, CHECKSUM_DIGITS, sum);
}

/* The components of PATH without those that say nothing. */
static char **components(const char *path)
{
    g_auto(GStrv) parts = g_strsplit(path, "/", -1);
    g_autoptr(GStrvBuilder) out = g_strv_builder_new();
    for (char **part = parts; *part; part++)
        if (**part && strcmp(*part, ".") != 0)
            g_strv_builder_add(out, *part);
    return g_strv_builder_end(out);
}

static bool begins_with(char **parts, const char *directory)
{
    g_auto(GStrv) wanted = components(directory);
    for (unsigned i = 0; wanted[i]; i++)
        if (!parts[i] || strcmp(parts[i], wanted[i]) != 0)
            return false;
    return true;
}

bool spec_path_below(const char *path, const char *const *directories)
{
    g_auto(GStrv) parts = components(path);
    if (*path != '/' || g_strv_contains((const char *const *)parts, ".."))
        return false;
    for (; *directories; directories++)
        if (begins_with(parts, *directories))
            return true;
    return false;
}
