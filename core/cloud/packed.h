/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Long texts that are kept for every VM and read now and then: its XML, its placement. Compressed
 * against a dictionary of what all of them say, the XML of a VM of ten devices takes a twentieth
 * of its length.
 */
#pragma once

#include <stdbool.h>
#include <stddef.h>

struct packed;

/* TEXT NULL: NULL. One thread at a time: the model's writer. Free with g_free. */
struct packed *packed_new(const char *text);
/* The text again; NULL for NULL. Any thread. Free with g_free. */
char *packed_text(const struct packed *packed);
/* Length of the text, without unpacking it. */
size_t packed_length(const struct packed *packed);
/* As letters and digits, for a database; NULL for NULL. Free with g_free. */
char *packed_write(const struct packed *packed);
/* Back again. NULL: it is damaged, or of a cloudfs with another dictionary. */
struct packed *packed_read(const char *word);
/* Whether they hold the same text. */
bool packed_equal(const struct packed *a, const struct packed *b);
