/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Numbers in the texts of files. Most are whole, and printf(3) takes most of the time in which a
 * text is made.
 */
#pragma once

#include <glib.h>

/* As %.6f and %.15g. */
void number_add_fixed(GString *text, double value);
void number_add(GString *text, double value);
