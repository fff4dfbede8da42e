// SPDX-License-Identifier: GPL-2.0-or-later
/*
 * Editing a spec's text: what is not the value that changes stays as it was written.
 */
#include <string.h>

#include "core/spec/internal.h"

struct edit {
    const char *key, *value;
    bool with_vm;   /* lines under [vm] count too */
    bool away;      /* the current line is under [vm] and does not count */
    bool replacing; /* the current line belongs to the key */
    bool done;
    const char *copied;  /* how far TEXT is in OUT */
    const char *last;    /* end of the last key before the first section; NULL: none */
    const char *section; /* start of the first section's line; NULL: none */
    size_t indent;       /* of that line */
    GString *out;
};

/* What tells a VM's spec with its keys under [vm] from a service's. */
struct shape {
    bool in_vm;
    bool elsewhere; /* there are keys outside [vm], or another section */
};

static bool is_vm_section(const char *name)
{
    return strcmp(name, "vm") == 0;
}

static bool look(const struct scan_item *item, void *data)
{
    struct shape *shape = data;
    if (item->what == SCAN_SECTION)
        shape->in_vm = is_vm_section(item->name);
    if (!shape->in_vm)
        shape->elsewhere = true;
    return true;
}

static bool vm_lines_count(const char *text, size_t len, const char *key)
{
    struct shape shape = {0};
    if (spec_key_bit(SPEC_SERVICE, key) || !spec_key_bit(SPEC_VM, key))
        return false;
    spec_scan(text, len, look, &shape);
    return !shape.elsewhere;
}

/* Appends VALUE as it stands behind "key =", its further lines indented deeper than the key's
 * INDENT, so that they continue it. */
static void append_value(GString *out, const char *value, size_t indent)
{
    g_auto(GStrv) lines = g_strsplit(value, "\n", -1);
    for (size_t i = 0; lines[i]; i++) {
        if (i > 0)
            g_string_append_printf(out, "\n%*s", *lines[i] ? (int)indent + 4 : 0, "");
        g_string_append(out, lines[i]);
    }
}

static void copy_until(struct edit *edit, const char *end)
{
    g_string_append_len(edit->out, edit->copied, end - edit->copied);
    edit->copied = end;
}

static void replace_value(struct edit *edit, const struct scan_item *item)
{
    const char *value = item->value;
    if (item->value_len == 0) { /* perhaps a comment follows, which needs a blank before it */
        while (value[-1] == ' ' || value[-1] == '\t')
            value--;
        copy_until(edit, value);
        g_string_append_c(edit->out, ' ');
    }
    copy_until(edit, value);
    append_value(edit->out, edit->value, item->indent);
    edit->copied = value + item->value_len;
    edit->replacing = true;
    edit->done = true;
}

static void note_section(struct edit *edit, const struct scan_item *item)
{
    edit->away = is_vm_section(item->name) && !edit->with_vm;
    if (edit->section)
        return;
    edit->section = item->start;
    edit->indent = item->indent;
}

static bool edit_item(const struct scan_item *item, void *data)
{
    struct edit *edit = data;
    if (item->what == SCAN_MORE && edit->replacing) {
        copy_until(edit, item->start);
        edit->copied = item->end;
    } else {
        edit->replacing = false;
    }
    if (item->what == SCAN_SECTION) {
        note_section(edit, item);
    } else if (!edit->section) {
        edit->last = item->end;
    }
    if (item->what == SCAN_KEY && !edit->away && !edit->done && strcmp(item->name, edit->key) == 0)
        replace_value(edit, item);
    return true;
}

/* Puts the key before the first section, next to its like, or at the end. It is indented like
 * the section, whose line would continue it otherwise. */
static void add_line(struct edit *edit, const char *end)
{
    const char *place = end;
    if (edit->section)
        place = edit->last ? edit->last : edit->section;
    copy_until(edit, place);
    if (edit->out->len > 0 && edit->out->str[edit->out->len - 1] != '\n')
        g_string_append_c(edit->out, '\n');
    g_string_append_printf(edit->out, "%*s%s = ", (int)edit->indent, "", edit->key);
    append_value(edit->out, edit->value, edit->indent);
    g_string_append_c(edit->out, '\n');
}

char *spec_text_set(const char *text, const char *key, const char *value)
{
    size_t len = strlen(text);
    struct edit edit = {.key = key, .value = value, .copied = text, .out = g_string_new(NULL)};
    edit.with_vm = vm_lines_count(text, len, key);
    spec_scan(text, len, edit_item, &edit);
    if (!edit.done)
        add_line(&edit, text + len);
    copy_until(&edit, text + len);
    return g_string_free(edit.out, FALSE);
}

struct extract {
    GString *out;
    const char *from; /* the first line under [vm]; NULL: elsewhere */
    bool has_key;
};

static bool extract_item(const struct scan_item *item, void *data)
{
    struct extract *extract = data;
    if (item->what == SCAN_KEY && extract->from)
        extract->has_key = true;
    if (item->what != SCAN_SECTION)
        return true;
    if (extract->from)
        g_string_append_len(extract->out, extract->from, item->start - extract->from);
    extract->from = is_vm_section(item->name) ? item->end : NULL;
    return true;
}

char *spec_text_template(const char *service_text)
{
    size_t len = strlen(service_text), n;
    struct extract extract = {.out = g_string_new(NULL)};
    spec_scan(service_text, len, extract_item, &extract);
    if (extract.from)
        g_string_append(extract.out, extract.from);
    if (extract.has_key)
        return g_string_free(extract.out, FALSE);

    const struct spec_key *first = spec_keys(SPEC_VM, &n);
    g_autofree char *comments = g_string_free(extract.out, FALSE);
    return spec_text_set(comments, first->name, first->preset);
}
