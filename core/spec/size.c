// SPDX-License-Identifier: GPL-2.0-or-later
#include <errno.h>
#include <string.h>

#include "core/spec/spec.h"

static const char units[] = "KMGT"; /* 1024 to the power of 1, 2, 3, 4 */

/* The shift of "", "K" or "KiB" and so on; -1 for anything else, "KB" included, which means
 * 1000 to some tools and 1024 to others. */
static int unit_shift(const char *unit)
{
    if (!*unit)
        return 0;
    const char *at = strchr(units, *unit);
    if (!at || (unit[1] && strcmp(unit + 1, "iB") != 0))
        return -1;
    return 10 * (int)(at - units + 1);
}

/* ".5" of a unit, in bytes, rounded down; moves *AT behind the digits. */
static bool parse_fraction(const char **at, uint64_t *numerator, uint64_t *denominator)
{
    *numerator = 0;
    *denominator = 1;
    if (**at != '.')
        return true;
    for ((*at)++; g_ascii_isdigit(**at); (*at)++) {
        if (*denominator >= 100000)
            return false;
        *numerator = *numerator * 10 + (uint64_t)(**at - '0');
        *denominator *= 10;
    }
    return *denominator > 1;
}

bool spec_parse_size(const char *text, uint64_t *bytes)
{
    char *end = NULL;
    if (!text || !g_ascii_isdigit(*text))
        return false;
    errno = 0;
    uint64_t whole = g_ascii_strtoull(text, &end, 10);
    if (errno)
        return false;

    uint64_t numerator, denominator;
    const char *unit = end;
    if (!parse_fraction(&unit, &numerator, &denominator))
        return false;
    while (*unit == ' ')
        unit++;
    int shift = unit_shift(unit);
    if (shift < 0 || (shift == 0 && (denominator > 1 || *end)))
        return false;

    uint64_t part = (numerator << shift) / denominator; /* below 2^17 times 2^40 */
    if (whole > (UINT64_MAX - part) >> shift)
        return false;
    *bytes = (whole << shift) + part;
    return true;
}

char *spec_format_size(uint64_t bytes)
{
    size_t unit = 0;
    while (unit < strlen(units) && bytes > 0 && bytes % 1024 == 0) {
        bytes /= 1024;
        unit++;
    }
    if (unit == 0)
        return g_strdup_printf("%" G_GUINT64_FORMAT, bytes);
    return g_strdup_printf("%" G_GUINT64_FORMAT "%ciB", bytes, units[unit - 1]);
}
