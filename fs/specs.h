/* SPDX-License-Identifier: GPL-2.0-or-later */
/* The names in specs/: NAME.ini for the object NAME. Pure. */
#pragma once

#include <stdbool.h>

/* "web1.ini" for "web1". Free with g_free. */
char *specs_file_name(const char *object);
/* Whether FILE looks like an object's, but no object can be called so. */
bool specs_is_misnamed(const char *file);
/* "web1" for "web1.ini"; NULL for what is no such name (and so a scratch file's). Free with
 * g_free. */
char *specs_object_name(const char *file);
