/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "core/reconcile/fields.h"

#include <glib.h>
#include <string.h>

struct value {
    const char *begin, *end; /* begin NULL: there is none */
};

struct fields fields_of(const char *text)
{
    if (!text)
        text = "";
    return (struct fields){text, text};
}

static const char *line_end(const char *line)
{
    return strchrnul(line, '\n');
}

/* The value of KEY, in the lines from FROM until before END. */
static struct value find_between(struct fields *fields, const char *from, const char *end,
                                 const char *key)
{
    size_t n = strlen(key);

    for (const char *line = from; line < end; line = fields->next) {
        const char *stop = line_end(line);

        fields->next = *stop ? stop + 1 : stop;
        if (strncmp(line, key, n) == 0 && line[n] == '=')
            return (struct value){line + n + 1, stop};
    }
    return (struct value){0};
}

static struct value find(struct fields *fields, const char *key)
{
    const char *from = fields->next, *end = from + strlen(from);
    struct value value = find_between(fields, from, end, key);

    if (!value.begin)
        value = find_between(fields, fields->text, from, key);
    return value;
}

/* What comes next is that very key, mostly. */
bool fields_has(const struct fields *fields, const char *key)
{
    struct fields look = *fields;

    return find(&look, key).begin != NULL;
}

bool fields_flag(struct fields *fields, const char *key)
{
    struct value value = find(fields, key);

    return value.begin && value.end - value.begin == 4 && memcmp(value.begin, "true", 4) == 0;
}

/* Whether all of VALUE is a number's text, which ends at STOP. */
static bool is_whole(struct value value, const char *stop)
{
    return value.begin && value.begin < value.end && stop == value.end;
}

uint64_t fields_number(struct fields *fields, const char *key)
{
    struct value value = find(fields, key);
    char *stop = NULL;
    uint64_t number = value.begin ? g_ascii_strtoull(value.begin, &stop, 10) : 0;

    return is_whole(value, stop) ? number : 0;
}

int64_t fields_signed(struct fields *fields, const char *key)
{
    struct value value = find(fields, key);
    char *stop = NULL;
    int64_t number = value.begin ? g_ascii_strtoll(value.begin, &stop, 10) : 0;

    return is_whole(value, stop) ? number : 0;
}

double fields_double(struct fields *fields, const char *key)
{
    struct value value = find(fields, key);
    char *stop = NULL;
    double number = value.begin ? g_ascii_strtod(value.begin, &stop) : 0;

    return is_whole(value, stop) ? number : 0;
}

/* What C stands for behind a backslash. */
static char escaped(char c)
{
    switch (c) {
    case 's':
        return ' ';
    case 't':
        return '\t';
    case 'n':
        return '\n';
    case 'r':
        return '\r';
    default:
        return c; /* a backslash; in lists, a semicolon */
    }
}

static char *unescape(struct value value)
{
    size_t n = (size_t)(value.end - value.begin);
    char *text, *to;

    if (!g_utf8_validate(value.begin, (gssize)n, NULL))
        return NULL;
    text = to = g_malloc(n + 1);
    for (const char *at = value.begin; at < value.end; at++) {
        bool escape = *at == '\\' && at + 1 < value.end;

        at += escape;
        *to++ = escape ? escaped(*at) : *at;
    }
    *to = '\0';
    return text;
}

char *fields_text(struct fields *fields, const char *key)
{
    struct value value = find(fields, key);

    return value.begin ? unescape(value) : NULL;
}

/* Where the word that begins at AT ends: before a semicolon that no backslash makes its own. */
static const char *word_end(const char *at, const char *end)
{
    while (at < end && *at != ';')
        at += *at == '\\' && at + 1 < end ? 2 : 1;
    return at;
}

char **fields_words(struct fields *fields, const char *key)
{
    struct value value = find(fields, key);
    g_autoptr(GPtrArray) words = NULL;
    const char *stop;

    if (!value.begin)
        return NULL;
    words = g_ptr_array_new_with_free_func(g_free);
    for (const char *at = value.begin; at < value.end; at = stop + 1) {
        char *word;

        stop = word_end(at, value.end);
        word = unescape((struct value){at, stop});
        if (word)
            g_ptr_array_add(words, word);
    }
    g_ptr_array_add(words, NULL);
    return (char **)g_ptr_array_steal(words, NULL);
}

/* ---- writing */

static void begin(GString *text, const char *key)
{
    g_string_append(text, key);
    g_string_append_c(text, '=');
}

static void end(GString *text)
{
    g_string_append_c(text, '\n');
}

void fields_put_flag(GString *text, const char *key, bool flag)
{
    begin(text, key);
    g_string_append(text, flag ? "true" : "false");
    end(text);
}

void fields_put_number(GString *text, const char *key, uint64_t number)
{
    g_string_append_printf(text, "%s=%" G_GUINT64_FORMAT "\n", key, number);
}

void fields_put_signed(GString *text, const char *key, int64_t number)
{
    g_string_append_printf(text, "%s=%" G_GINT64_FORMAT "\n", key, number);
}

void fields_put_double(GString *text, const char *key, double number)
{
    char digits[G_ASCII_DTOSTR_BUF_SIZE];

    begin(text, key);
    g_string_append(text, g_ascii_dtostr(digits, sizeof digits, number));
    end(text);
}

static const char *escape_of(char c)
{
    switch (c) {
    case ' ':
        return "\\s";
    case '\n':
        return "\\n";
    case '\r':
        return "\\r";
    case '\t':
        return "\\t";
    case '\\':
        return "\\\\";
    default:
        return "\\;";
    }
}

/* SPECIAL: the characters that are escaped. Blanks are where a value begins. */
static void append(GString *text, const char *value, const char *special)
{
    if (*value == ' ')
        g_string_append(text, escape_of(*value++));
    while (*value) {
        size_t plain = strcspn(value, special);

        g_string_append_len(text, value, (gssize)plain);
        value += plain;
        if (*value)
            g_string_append(text, escape_of(*value++));
    }
}

void fields_put_text(GString *text, const char *key, const char *value)
{
    if (!value)
        return;
    begin(text, key);
    append(text, value, "\n\r\t\\");
    end(text);
}

void fields_put_words(GString *text, const char *key, char **words)
{
    if (!words)
        return;
    begin(text, key);
    for (; *words; words++) {
        append(text, *words, "\n\r\t\\;");
        g_string_append_c(text, ';');
    }
    end(text);
}
