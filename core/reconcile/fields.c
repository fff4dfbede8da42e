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
