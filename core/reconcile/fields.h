/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * `key=value` lines as GKeyFile has them, its escapes included. GKeyFile itself, which keeps every
 * line and every value in tables, was half of what loading a large cloud took, and a part of every
 * commit.
 *
 * What is missing or cannot be understood reads as 0, false or NULL. A key is looked for from
 * where the one before it was found, so that who asks in the order of the text finds it at once.
 */
#pragma once

#include <glib.h>
#include <stdbool.h>
#include <stdint.h>

enum { FIELDS_MAX = 64 }; /* further lines are not looked at: no object has half as many */

struct field {
    const char *key, *value, *end; /* up to the "="; behind it, up to the line's end */
};

struct fields {
    unsigned n, next; /* next: where looking begins */
    struct field all[FIELDS_MAX];
};

/* TEXT stays the caller's, who keeps it meanwhile; NULL: no fields. */
struct fields fields_of(const char *text);
bool fields_has(const struct fields *fields, const char *key);
bool fields_flag(struct fields *fields, const char *key);
uint64_t fields_number(struct fields *fields, const char *key);
int64_t fields_signed(struct fields *fields, const char *key);
double fields_double(struct fields *fields, const char *key);
/* To be freed. NULL also where it is not UTF-8. */
char *fields_text(struct fields *fields, const char *key);
/* A list, to be freed with g_strfreev(). */
char **fields_words(struct fields *fields, const char *key);

/* Each adds a line to TEXT; of NULL, none. */
void fields_put_flag(GString *text, const char *key, bool flag);
void fields_put_number(GString *text, const char *key, uint64_t number);
void fields_put_signed(GString *text, const char *key, int64_t number);
void fields_put_double(GString *text, const char *key, double number);
void fields_put_text(GString *text, const char *key, const char *value);
void fields_put_words(GString *text, const char *key, char **words);
