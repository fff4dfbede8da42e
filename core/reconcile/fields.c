/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "core/reconcile/fields.h"

#include <glib.h>
#include <string.h>

#include "core/digits.h"

struct value {
    const char *begin, *end; /* begin NULL: there is none */
};

/* Adds the line at AT to what is known, if it has a key, and returns where the next begins. */
static const char *add_line(struct fields *fields, const char *at)
{
    struct field *field = &fields->all[fields->n];

    field->key = at;
    while (*at && *at != '=' && *at != '\n')
        at++;
    field->value = at + 1;
    field->end = strchrnul(at, '\n');
    fields->n += *at == '=';
    return *field->end ? field->end + 1 : field->end;
}

struct fields fields_of(const char *text)
{
    struct fields fields;

    fields.n = fields.next = 0;
    while (text && *text && fields.n < FIELDS_MAX)
        text = add_line(&fields, text);
    return fields;
}

static bool has_key(const struct field *field, const char *key)
{
    const char *at = field->key;

    while (*key && *key == *at) {
        key++;
        at++;
    }
    return !*key && *at == '=';
}

/* The number of the field KEY; `n` if there is none. */
static unsigned find_number(const struct fields *fields, const char *key)
{
    for (unsigned i = fields->next; i < fields->n; i++)
        if (has_key(&fields->all[i], key))
            return i;
    for (unsigned i = 0; i < fields->next; i++)
        if (has_key(&fields->all[i], key))
            return i;
    return fields->n;
}

static struct value find(struct fields *fields, const char *key)
{
    unsigned i = find_number(fields, key);

    if (i == fields->n)
        return (struct value){0};
    fields->next = i + 1;
    return (struct value){fields->all[i].value, fields->all[i].end};
}

bool fields_has(const struct fields *fields, const char *key)
{
    return find_number(fields, key) < fields->n;
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
    const char *stop = NULL;
    uint64_t number = value.begin ? digits_read(value.begin, &stop) : 0;

    return is_whole(value, stop) ? number : 0;
}

int64_t fields_signed(struct fields *fields, const char *key)
{
    struct value value = find(fields, key);
    const char *stop = NULL;
    int64_t number = value.begin ? digits_read_signed(value.begin, &stop) : 0;

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
    if (!memchr(value.begin, '\\', n))
        return g_strndup(value.begin, n);
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
