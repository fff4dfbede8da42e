/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * What the files of core/spec share. Not for other rooms.
 */
#pragma once

#include "core/spec/spec.h"

/* --- scan.c: text to lines ---------------------------------------------------------------- */

enum scan_what {
    SCAN_SECTION, /* name */
    SCAN_KEY,     /* name, value */
    SCAN_MORE,    /* value: continues the last key */
    SCAN_BAD,     /* value: the line, which is neither */
};

/* A line that is not blank and no comment. The spans lie in the text that is scanned. */
struct scan_item {
    enum scan_what what;
    unsigned line; /* from 1 */
    const char *name;
    const char *value; /* not terminated */
    size_t value_len;
    const char *start, *end; /* the whole line with its newline */
    size_t indent;           /* blanks it starts with */
    unsigned blanks;         /* blank lines right before it */
};

/* Returns false to end the scan. */
typedef bool (*scan_fn)(const struct scan_item *item, void *data);

void spec_scan(const char *text, size_t len, scan_fn each, void *data);

/* --- where a text comes from, for sentences ----------------------------------------------- */

struct spec_source {
    const char *file; /* NULL: "line 3: …", else "FILE:3: …" */
    unsigned before;  /* lines of the file before the text */
};

/* Prefixes *error (may be NULL) with the place of LINE of the text. */
void spec_prefix(GError **error, const struct spec_source *source, unsigned line);

/* VALUE in quotes, its first 40 characters at most, on one line. Free with g_free. */
char *spec_quote(const char *value, size_t len);

/* Behind the byte order mark that some editors put before a text. */
const char *spec_skip_bom(const char *text, const char *end);

/* Refuses what no text of ours may hold: NUL, invalid UTF-8, control characters. SOURCE may be
 * NULL: then the sentence names no line. */
bool spec_check_text(const struct spec_source *source, const char *text, size_t len,
                     GError **error);

/* --- spec.c ------------------------------------------------------------------------------- */

/* A spec of nothing but defaults. */
struct spec *spec_new(enum spec_kind kind);

/* --- shared.c: gives a reference to a shared spec back; whether it was the last. */
bool spec_release_shared(struct spec *spec);

/* The host_spec, vm_spec or service_spec in it. */
void *spec_fields(struct spec *spec);

/* --- parse.c ------------------------------------------------------------------------------ */

/* spec_parse() of a text that is a part of SOURCE. */
struct spec *spec_parse_from(const struct spec_source *source, enum spec_kind kind,
                             const char *text, size_t len, GError **error);

/* --- quota.c ------------------------------------------------------------------------------ */

struct conf_quota;
/* Without limits. EINVAL if there is no such user or group. */
struct conf_quota *conf_quota_new(const char *name, GError **error);
void conf_quota_free(void *quota);

/* --- keys.c ------------------------------------------------------------------------------- */

/* A row of a table. Rows in braces, of unequal length, crash clang-format 14. */
#define SPEC_KEY(key, kind, ...)                                                                   \
    {                                                                                              \
        .name = key, .type = kind, __VA_ARGS__                                                     \
    }

/* The row called NAME, or NULL. */
const struct spec_key *spec_find_key(const struct spec_key *rows, size_t n, const char *name);

/* Whether continuation lines of a key of this name are kept as lines, in any kind. */
bool spec_keeps_lines(const char *name);

/* Fails with EINVAL: there is no key NAME, the nearest of ROWS is … */
void spec_fail_unknown_key(const struct spec_key *rows, size_t n, const char *name, GError **error);

/* --- value.c ------------------------------------------------------------------------------ */

/* Checks VALUE and stores it in KEY's field of OBJECT; NULL only checks. */
bool spec_set_value(void *object, const struct spec_key *key, const char *value, GError **error);

/* Gives every field of a zeroed OBJECT its preset. */
void spec_set_presets(void *object, const struct spec_key *rows, size_t n);

/* Frees what the fields of OBJECT own. */
void spec_clear_values(void *object, const struct spec_key *rows, size_t n);

/* A finite decimal number and nothing else, whatever the locale. */
bool spec_parse_real(const char *text, double *real);
