// SPDX-License-Identifier: GPL-2.0-or-later
/*
 * A spec's text to its struct. A key's value is complete, and checked, when the next key, the
 * next section or the end comes, because lines may follow that continue it.
 */
#include <string.h>

#include "core/error.h"
#include "core/spec/internal.h"

/* The keys of a section and the struct they fill. */
struct target {
    void *object;
    const struct spec_key *rows;
    size_t n;
    uint64_t *given;
    unsigned lines[64]; /* on which row I was given; 0: not */
};

struct parser {
    const struct spec_source *source;
    struct spec *spec;
    bool partial;               /* more text may follow */
    struct target main;         /* keys without a section */
    struct target vm;           /* a service's [vm] */
    struct target *now;         /* one of them */
    const struct spec_key *key; /* whose value is being collected; NULL: none */
    GString *value;
    size_t dedent; /* blanks to take from a kept line */
    GError *error;
};

static const char *const kind_words[] = {
    [SPEC_HOST] = "host", [SPEC_VM] = "vm", [SPEC_SERVICE] = "service"};

static void set_target(struct target *target, enum spec_kind kind, void *object, uint64_t *given)
{
    target->object = object;
    target->rows = spec_keys(kind, &target->n);
    target->given = given;
}

static unsigned *line_of_key(const struct parser *parser)
{
    return &parser->now->lines[parser->key - parser->now->rows];
}

/* Adds the place to the error and ends the scan. */
static bool stop_at(struct parser *parser, unsigned line)
{
    spec_prefix(&parser->error, parser->source, line);
    return false;
}

/* Whether the value collected so far may become good by lines still to be written. */
static bool may_grow(const struct parser *parser)
{
    const struct spec_key *key = parser->key;
    const char *value = parser->value->str;
    bool nothing_yet = !value[strspn(value, " \t,")];
    return key->join && (nothing_yet || spec_keeps_lines(key->name));
}

/* Checks and stores what was collected. */
static bool finish_key(struct parser *parser, bool at_end)
{
    const struct spec_key *key = parser->key;
    if (!key || (at_end && parser->partial && may_grow(parser)))
        return true;
    if (!spec_set_value(parser->now->object, key, parser->value->str, &parser->error))
        return stop_at(parser, *line_of_key(parser));
    *parser->now->given |= UINT64_C(1) << (key - parser->now->rows);
    parser->key = NULL;
    return true;
}

static bool fail_section(struct parser *parser, const struct scan_item *item)
{
    enum spec_kind kind = parser->spec->kind;
    g_autofree char *name = spec_quote(item->name, strlen(item->name));
    name[0] = '[';
    name[strlen(name) - 1] = ']';
    if (kind == SPEC_SERVICE)
        fail(&parser->error, EINVAL, "section %s is unknown; a service has [vm]", name);
    else
        fail(&parser->error, EINVAL, "section %s is unknown; the keys of a %s need no section",
             name, kind == SPEC_HOST ? "host" : "VM");
    return stop_at(parser, item->line);
}

static bool take_section(struct parser *parser, const struct scan_item *item)
{
    enum spec_kind kind = parser->spec->kind;
    if (!finish_key(parser, false))
        return false;
    if (strcmp(item->name, kind_words[kind]) == 0)
        parser->now = &parser->main;
    else if (kind == SPEC_SERVICE && strcmp(item->name, kind_words[SPEC_VM]) == 0)
        parser->now = &parser->vm;
    else
        return fail_section(parser, item);
    return true;
}

/* A key that is not in the section, but perhaps in the other one. */
static bool fail_key(struct parser *parser, const struct scan_item *item)
{
    const struct target *now = parser->now;
    bool in_vm = now == &parser->vm;
    const struct target *other = in_vm ? &parser->main : &parser->vm;
    if (spec_find_key(other->rows, other->n, item->name))
        fail(&parser->error, EINVAL, "\"%s\" belongs %s [vm]", item->name,
             in_vm ? "above" : "under");
    else
        spec_fail_unknown_key(now->rows, now->n, item->name, &parser->error);
    return stop_at(parser, item->line);
}

static bool take_key(struct parser *parser, const struct scan_item *item)
{
    if (!finish_key(parser, false))
        return false;
    const struct target *now = parser->now;
    const struct spec_key *key = spec_find_key(now->rows, now->n, item->name);
    if (!key)
        return fail_key(parser, item);
    parser->key = key;
    unsigned *line = line_of_key(parser);
    if (*line) {
        fail(&parser->error, EINVAL, "\"%s\" was given before, in line %u", key->name,
             parser->source->before + *line);
        return stop_at(parser, item->line);
    }
    *line = item->line;
    parser->dedent = 0;
    g_string_truncate(parser->value, 0);
    g_string_append_len(parser->value, item->value, (gssize)item->value_len);
    return true;
}

static bool take_more(struct parser *parser, const struct scan_item *item)
{
    const struct spec_key *key = parser->key;
    GString *value = parser->value;
    size_t skip = 0;
    if (!key->join) {
        fail(&parser->error, EINVAL,
             "is indented, so it continues \"%s\" of line %u, which takes one line", key->name,
             parser->source->before + *line_of_key(parser));
        return stop_at(parser, item->line);
    }
    if (spec_keeps_lines(key->name)) {
        if (parser->dedent == 0)
            parser->dedent = item->indent;
        skip = MIN(item->indent, parser->dedent);
        for (unsigned i = 0; value->len > 0 && i < item->blanks; i++)
            g_string_append_c(value, '\n');
    }
    if (value->len > 0)
        g_string_append(value, key->join);
    g_string_append_len(value, item->value + skip, (gssize)(item->value_len - skip));
    return true;
}

static bool take_bad(struct parser *parser, const struct scan_item *item)
{
    if (!finish_key(parser, false))
        return false;
    g_autofree char *line = spec_quote(item->value, item->value_len);
    fail(&parser->error, EINVAL, "%s is neither \"key = value\" nor \"[section]\"", line);
    return stop_at(parser, item->line);
}

static bool take_item(const struct scan_item *item, void *data)
{
    struct parser *parser = data;
    switch (item->what) {
    case SCAN_SECTION:
        return take_section(parser, item);
    case SCAN_KEY:
        return take_key(parser, item);
    case SCAN_MORE:
        return take_more(parser, item);
    case SCAN_BAD:
    default:
        return take_bad(parser, item);
    }
}

/* Places an error of the text as a whole: a file's section is named by its header's line. */
static bool stop_whole(GError **error, const struct spec_source *source)
{
    if (source->file)
        spec_prefix(error, source, 0);
    return false;
}

static bool check_whole(struct parser *parser)
{
    const struct spec *spec = parser->spec;
    const struct target *main = &parser->main;
    if (!spec->given && !spec->given_vm) {
        fail(&parser->error, EINVAL, "the spec is empty");
        return stop_whole(&parser->error, parser->source);
    }
    for (size_t i = 0; i < main->n; i++) {
        if (!main->rows[i].required || spec->given & UINT64_C(1) << i)
            continue;
        fail(&parser->error, EINVAL, "%s is missing", main->rows[i].name);
        return stop_whole(&parser->error, parser->source);
    }
    return true;
}

static void parser_init(struct parser *parser, enum spec_kind kind)
{
    struct spec *spec = spec_new(kind);
    parser->spec = spec;
    parser->value = g_string_new(NULL);
    parser->now = &parser->main;
    set_target(&parser->main, kind, spec_fields(spec), &spec->given);
    if (kind == SPEC_SERVICE)
        set_target(&parser->vm, SPEC_VM, &spec->service.vm, &spec->given_vm);
}

static struct spec *parse(const struct spec_source *source, bool partial, enum spec_kind kind,
                          const char *text, size_t len, GError **error)
{
    struct parser parser = {.source = source, .partial = partial};
    if (!spec_check_text(source, text, len, error))
        return NULL;
    parser_init(&parser, kind);
    spec_scan(text, len, take_item, &parser);
    bool good = !parser.error && finish_key(&parser, true) && (partial || check_whole(&parser));
    g_string_free(parser.value, TRUE);
    if (good)
        return parser.spec;
    spec_unref(parser.spec);
    g_propagate_error(error, parser.error);
    return NULL;
}

static bool check_length(const struct spec_source *source, size_t len, GError **error)
{
    if (len <= SPEC_MAX_BYTES)
        return true;
    fail(error, EFBIG, "the spec is larger than %d KiB", SPEC_MAX_BYTES / 1024);
    return stop_whole(error, source);
}

struct spec *spec_parse_from(const struct spec_source *source, enum spec_kind kind,
                             const char *text, size_t len, GError **error)
{
    if (!check_length(source, len, error))
        return NULL;
    return parse(source, false, kind, len ? text : "", len, error);
}

struct spec *spec_parse(enum spec_kind kind, const char *text, size_t len, GError **error)
{
    static const struct spec_source here = {0};
    return spec_parse_from(&here, kind, text, len, error);
}

struct spec *spec_parse_partial(enum spec_kind kind, const char *text, size_t len, GError **error)
{
    static const struct spec_source here = {0};
    if (!check_length(&here, len, error))
        return NULL;
    const char *newline = len ? memrchr(text, '\n', len) : NULL;
    size_t complete = newline ? (size_t)(newline + 1 - text) : 0;
    return parse(&here, true, kind, complete ? text : "", complete, error);
}
