/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "fs/number.h"

#include <math.h>
#include <stdbool.h>
#include <stdint.h>
#include <stdio.h>

/* Below this, whole numbers have at most the 15 digits that %.15g prints without an exponent. */
static const double WHOLE_BELOW = 1e15;

static bool is_whole(double value)
{
    return fabs(value) < WHOLE_BELOW && value == trunc(value) && !(value == 0 && signbit(value));
}

static void add_whole(GString *text, double value)
{
    char digits[24];
    char *at = digits + sizeof digits;
    uint64_t rest = (uint64_t)fabs(value);

    do
        *--at = (char)('0' + rest % 10);
    while ((rest /= 10) > 0);
    if (value < 0)
        *--at = '-';
    g_string_append_len(text, at, digits + sizeof digits - at);
}

void number_add_fixed(GString *text, double value)
{
    char fixed[400]; /* the largest double has 309 digits before the point */

    if (is_whole(value)) {
        add_whole(text, value);
        g_string_append_len(text, ".000000", 7);
        return;
    }
    g_string_append_len(text, fixed, snprintf(fixed, sizeof fixed, "%.6f", value));
}

void number_add(GString *text, double value)
{
    char shortest[32];

    if (is_whole(value))
        add_whole(text, value);
    else
        g_string_append_len(text, shortest, snprintf(shortest, sizeof shortest, "%.15g", value));
}
