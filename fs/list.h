/* SPDX-License-Identifier: GPL-2.0-or-later */
/* What the tables say, as text: the root's README, and lists that the manual is held against. */
#pragma once

#include <glib.h>

/* "object\tfile\taccess\tdoc" for each row, root and folders first. */
void list_files(GString *out);
/* "where\tkey\ttype\tunit\tdefault\tdoc" for each key of the specs and of the configuration. */
void list_keys(GString *out);
