/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Decimal numbers as they are written here: no blanks, no plus sign, no locale. */
#pragma once

#include <stdbool.h>
#include <stdint.h>

/* The number that TEXT begins with, and where it ends in *STOP: TEXT itself if there is none, or if
 * it is too large. */
static inline uint64_t digits_read(const char *text, const char **stop)
{
    uint64_t number = 0;
    bool fits = true;
    const char *at = text;

    for (; *at >= '0' && *at <= '9'; at++)
        fits = fits && !__builtin_mul_overflow(number, 10, &number) &&
               !__builtin_add_overflow(number, (uint64_t)(*at - '0'), &number);
    *stop = fits ? at : text;
    return fits ? number : 0;
}

/* The same with a minus sign, maybe. */
static inline int64_t digits_read_signed(const char *text, const char **stop)
{
    bool minus = *text == '-';
    const char *digits = text + minus;
    uint64_t number = digits_read(digits, stop);

    if (*stop == digits || number > (uint64_t)INT64_MAX + minus) {
        *stop = text;
        return 0;
    }
    return minus ? (int64_t)(0 - number) : (int64_t)number;
}
