// SPDX-License-Identifier: GPL-2.0-or-later
/*
 * What sentences about a text are made of, and the bytes that no text may hold.
 */
#include <string.h>

#include "core/error.h"
#include "core/spec/internal.h"

enum { QUOTED_CHARACTERS = 40 };

void spec_prefix(GError **error, const struct spec_source *source, unsigned line)
{
    if (source->file)
        g_prefix_error(error, "%s:%u: ", source->file, source->before + line);
    else
        g_prefix_error(error, "line %u: ", source->before + line);
}

char *spec_quote(const char *value, size_t len)
{
    const char *end = value;
    for (size_t n = 0; n < QUOTED_CHARACTERS && end < value + len && *end != '\n'; n++)
        end = g_utf8_next_char(end);
    if (end >= value + len)
        return g_strdup_printf("\"%.*s\"", (int)len, value);
    return g_strdup_printf("\"%.*s…\"", (int)(end - value), value);
}

/* Control characters, a byte order mark inside the text (inih would skip it there), and what XML
 * cannot hold: a spec's values end up in XML. */
static bool is_refused(gunichar c)
{
    if (c < 0x20)
        return c != '\t' && c != '\n';
    return (c >= 0x7f && c < 0xa0) || c == 0xfeff || c == 0xfffe || c == 0xffff;
}

const char *spec_skip_bom(const char *text, const char *end)
{
    static const char bom[] = {'\xEF', '\xBB', '\xBF'};
    bool has = (size_t)(end - text) >= sizeof(bom) && memcmp(text, bom, sizeof(bom)) == 0;
    return has ? text + sizeof(bom) : text;
}

static const char *find_refused(const char *text, const char *end)
{
    for (const char *at = spec_skip_bom(text, end); at < end; at = g_utf8_next_char(at)) {
        bool newline = *at == '\r' && at + 1 < end && at[1] == '\n';
        if (!newline && is_refused(g_utf8_get_char(at)))
            return at;
    }
    return NULL;
}

static unsigned line_of(const char *text, const char *at)
{
    unsigned line = 1;
    for (; text < at; text++)
        line += *text == '\n';
    return line;
}

bool spec_check_text(const struct spec_source *source, const char *text, size_t len, GError **error)
{
    const char *bad = NULL;
    if (len == 0)
        return true;
    if (!g_utf8_validate(text, (gssize)len, &bad))
        fail(error, EINVAL, *bad ? "not valid UTF-8" : "holds a NUL byte");
    else if ((bad = find_refused(text, text + len)))
        fail(error, EINVAL, "holds a control character (0x%02x)", g_utf8_get_char(bad));
    else
        return true;
    if (source)
        spec_prefix(error, source, line_of(text, bad));
    return false;
}
