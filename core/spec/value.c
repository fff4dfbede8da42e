// SPDX-License-Identifier: GPL-2.0-or-later
/*
 * A key's value: from text to its field.
 */
#include <math.h>
#include <string.h>

#include "core/error.h"
#include "core/spec/internal.h"

enum { MOST_WORDS = 256 };

#define LEAST_REAL 1e-9 /* what is 0 for a key that must be above 0 */

union value {
    char *text;
    char **words;
    uint32_t count;
    uint64_t size;
    double real;
    struct spec_share share;
    struct spec_health health;
    unsigned choice;
    bool on;
};

/* Choices are enums of spec.h, written through this type. */
G_STATIC_ASSERT(sizeof(enum spec_policy) == sizeof(unsigned));

/* Fails with `"TEXT" WHY`; always false. */
G_GNUC_PRINTF(3, 4)
static bool refuse(GError **error, const char *text, const char *why, ...)
{
    va_list args;
    va_start(args, why);
    g_autofree char *reason = g_strdup_vprintf(why, args);
    va_end(args);
    g_autofree char *quoted = spec_quote(text, strlen(text));
    fail(error, EINVAL, "%s %s", quoted, reason);
    return false;
}

bool spec_parse_real(const char *text, double *real)
{
    char *end = NULL;
    if (!*text || text[strspn(text, "0123456789+-.eE")]) /* no inf, no nan, no 0x1p3 */
        return false;
    double value = g_ascii_strtod(text, &end);
    if (*end || !isfinite(value))
        return false;
    *real = value;
    return true;
}

static bool take_text(G_GNUC_UNUSED const struct spec_key *key, const char *text,
                      union value *value, G_GNUC_UNUSED GError **error)
{
    value->text = g_strdup(text);
    return true;
}

static bool take_word(G_GNUC_UNUSED const struct spec_key *key, const char *text,
                      union value *value, GError **error)
{
    if (!spec_valid_name(text))
        return refuse(error, text,
                      "is not a name (1 to 63 of letters, digits, '-', '_', '.', "
                      "a letter or digit first)");
    value->text = g_strdup(text);
    return true;
}

static bool take_words(G_GNUC_UNUSED const struct spec_key *key, const char *text,
                       union value *value, GError **error)
{
    g_autoptr(GPtrArray) words = g_ptr_array_new_with_free_func(g_free);
    for (const char *at = text + strspn(text, " \t,"); *at; at += strspn(at, " \t,")) {
        size_t len = strcspn(at, " \t,");
        if (*at == '#') /* "ssd # fast" would make three labels that no host has */
            return refuse(error, text,
                          "has a word that starts with '#' "
                          "(a comment behind a value starts with ';')");
        if (words->len == MOST_WORDS)
            return refuse(error, text, "has more than %d words", MOST_WORDS);
        g_ptr_array_add(words, g_strndup(at, len));
        at += len;
    }
    if (words->len == 0)
        return refuse(error, text, "has no word in it");
    g_ptr_array_add(words, NULL);
    value->words = (char **)g_ptr_array_free(g_steal_pointer(&words), FALSE);
    return true;
}

static bool take_path(G_GNUC_UNUSED const struct spec_key *key, const char *text,
                      union value *value, GError **error)
{
    if (*text != '/')
        return refuse(error, text, "is not an absolute path");
    g_auto(GStrv) parts = g_strsplit(text, "/", -1);
    if (g_strv_contains((const char *const *)parts, ".."))
        return refuse(error, text, "has a \"..\" in it");
    value->text = g_strdup(text);
    return true;
}

static bool take_count(const struct spec_key *key, const char *text, union value *value,
                       GError **error)
{
    guint64 count;
    if (text[strspn(text, "0123456789")])
        return refuse(error, text, "is not a whole number");
    if (!g_ascii_string_to_unsigned(text, 10, (guint64)key->min, (guint64)key->max, &count, NULL))
        return refuse(error, text, "is out of bounds (%.0f to %.0f)", key->min, key->max);
    value->count = (uint32_t)count;
    return true;
}

static bool take_size(const struct spec_key *key, const char *text, union value *value,
                      GError **error)
{
    uint64_t size;
    if (!spec_parse_size(text, &size))
        return refuse(error, text, "is not a size (try 512MiB)");
    if ((double)size >= key->min && (double)size <= key->max) {
        value->size = size;
        return true;
    }
    g_autofree char *min = spec_format_size((uint64_t)key->min);
    g_autofree char *max = spec_format_size((uint64_t)key->max);
    return refuse(error, text, "is out of bounds (%s to %s)", min, max);
}

static bool take_real(const struct spec_key *key, const char *text, union value *value,
                      GError **error)
{
    double real;
    bool open = key->min == 0 && !key->zero;
    if (!spec_parse_real(text, &real))
        return refuse(error, text, "is not a number (try 1.5)");
    if (open && (real < LEAST_REAL || real > key->max))
        return refuse(error, text, "is out of bounds (above 0, up to %.15g)", key->max);
    if (real < key->min || real > key->max)
        return refuse(error, text, "is out of bounds (%.15g to %.15g)", key->min, key->max);
    value->real = real + 0.0; /* no -0.0 */
    return true;
}

static bool take_share(const struct spec_key *key, const char *text, union value *value,
                       GError **error)
{
    bool percent = g_str_has_suffix(text, "%");
    guint64 number;
    g_autofree char *digits = g_strndup(text, strlen(text) - percent);
    if (digits[strspn(digits, "0123456789")] ||
        !g_ascii_string_to_unsigned(digits, 10, (guint64)key->min,
                                    percent ? 100 : (guint64)key->max, &number, NULL))
        return refuse(error, text,
                      "is neither a count (%.0f to %.0f) nor a percentage (1%% to 100%%)", key->min,
                      key->max);
    value->share = (struct spec_share){.number = (uint32_t)number, .percent = percent};
    return true;
}

static bool take_health(G_GNUC_UNUSED const struct spec_key *key, const char *text,
                        union value *value, GError **error)
{
    guint64 port = 0;
    bool tcp = g_str_has_prefix(text, "tcp ");
    const char *digits = tcp ? text + 4 + strspn(text + 4, " ") : "";
    if (!tcp && strcmp(text, "agent") != 0)
        return refuse(error, text, "is neither \"agent\" nor \"tcp PORT\"");
    if (tcp && !g_ascii_string_to_unsigned(digits, 10, 1, 65535, &port, NULL))
        return refuse(error, text, "has no port from 1 to 65535");
    value->health = (struct spec_health){tcp ? HEALTH_TCP : HEALTH_AGENT, (uint32_t)port};
    return true;
}

static bool take_choice(const struct spec_key *key, const char *text, union value *value,
                        GError **error)
{
    g_auto(GStrv) choices = g_strsplit(key->choices, "|", -1);
    for (unsigned i = 0; choices[i]; i++) {
        if (strcmp(choices[i], text) != 0)
            continue;
        value->choice = i;
        return true;
    }
    g_autofree char *list = g_strjoinv(", ", choices);
    return refuse(error, text, "is none of %s", list);
}

static bool take_switch(G_GNUC_UNUSED const struct spec_key *key, const char *text,
                        union value *value, GError **error)
{
    static const char *const on[] = {"yes", "on", "true", "1", NULL};
    static const char *const off[] = {"no", "off", "false", "0", NULL};
    value->on = g_strv_contains(on, text);
    if (value->on || g_strv_contains(off, text))
        return true;
    return refuse(error, text, "is neither yes nor no (or on, off, true, false, 1, 0)");
}

static const struct {
    bool (*take)(const struct spec_key *key, const char *text, union value *value, GError **error);
    size_t size;
} types[] = {
    [SPEC_TEXT] = {take_text,   sizeof(char *)            },
    [SPEC_WORD] = {take_word,   sizeof(char *)            },
    [SPEC_WORDS] = {take_words,  sizeof(char **)           },
    [SPEC_PATH] = {take_path,   sizeof(char *)            },
    [SPEC_COUNT] = {take_count,  sizeof(uint32_t)          },
    [SPEC_SIZE] = {take_size,   sizeof(uint64_t)          },
    [SPEC_REAL] = {take_real,   sizeof(double)            },
    [SPEC_CHOICE] = {take_choice, sizeof(unsigned)          },
    [SPEC_SWITCH] = {take_switch, sizeof(bool)              },
    [SPEC_HEALTH] = {take_health, sizeof(struct spec_health)},
    [SPEC_SHARE] = {take_share,  sizeof(struct spec_share) },
};

static void free_value(const struct spec_key *key, union value *value)
{
    switch (key->type) {
    case SPEC_TEXT:
    case SPEC_WORD:
    case SPEC_PATH:
        g_free(value->text);
        break;
    case SPEC_WORDS:
        g_strfreev(value->words);
        break;
    default:
        break;
    }
}

/* Puts VALUE into the field, which gets the ownership, and frees what was there. */
static void store(void *object, const struct spec_key *key, const union value *value)
{
    char *field = (char *)object + key->offset;
    union value old = {0};
    memcpy(&old, field, types[key->type].size);
    memcpy(field, value, types[key->type].size);
    free_value(key, &old);
}

static bool take_value(const struct spec_key *key, const char *text, union value *value,
                       GError **error)
{
    if (!*text) {
        fail(error, EINVAL, "has no value");
        return false;
    }
    const char *why = key->refuse ? key->refuse(text) : NULL;
    if (why)
        return refuse(error, text, "%s", why);
    return types[key->type].take(key, text, value, error);
}

bool spec_set_value(void *object, const struct spec_key *key, const char *text, GError **error)
{
    union value value = {0};
    if (!take_value(key, text, &value, error)) {
        g_prefix_error(error, "%s: ", key->name);
        return false;
    }
    if (object)
        store(object, key, &value);
    else
        free_value(key, &value);
    return true;
}

bool spec_check_value(const struct spec_key *key, const char *value, GError **error)
{
    if (!spec_check_text(NULL, value, strlen(value), error)) {
        g_prefix_error(error, "%s: ", key->name);
        return false;
    }
    if (strchr(value, '\n') && !spec_keeps_lines(key->name)) {
        fail(error, EINVAL, "%s: takes one line", key->name);
        return false;
    }
    return spec_set_value(NULL, key, value, error);
}

void spec_set_presets(void *object, const struct spec_key *rows, size_t n)
{
    for (size_t i = 0; i < n; i++) {
        if (rows[i].type == SPEC_WORDS)
            store(object, &rows[i], &(union value){.words = g_new0(char *, 1)});
        if (rows[i].preset)
            spec_set_value(object, &rows[i], rows[i].preset, NULL);
    }
}

void spec_clear_values(void *object, const struct spec_key *rows, size_t n)
{
    static const union value none;
    for (size_t i = 0; i < n; i++)
        store(object, &rows[i], &none);
}
