/* SPDX-License-Identifier: GPL-2.0-or-later */
/* What the benchmarks share: a clock, one CPU, medians, and the line that judges an aim. */
#pragma once

#include <glib.h>
#include <sched.h>
#include <stdio.h>
#include <stdlib.h>
#include <time.h>

/* In microseconds. */
static inline double bench_now(void)
{
    struct timespec t;
    clock_gettime(CLOCK_MONOTONIC, &t);
    return (double)t.tv_sec * 1e6 + (double)t.tv_nsec / 1e3;
}

/* Stays on the CPU that it is on: what is compared shares its caches and its disturbances. */
static inline void bench_pin(void)
{
    cpu_set_t one;
    CPU_ZERO(&one);
    CPU_SET(sched_getcpu(), &one);
    if (sched_setaffinity(0, sizeof(one), &one) != 0)
        perror("bench: not pinned to one CPU");
}

static inline int bench_compare(const void *a, const void *b)
{
    double left = *(const double *)a, right = *(const double *)b;
    return (left > right) - (left < right);
}

/* The value that SHARE of the others are not above. Sorts VALUES. */
static inline double bench_quantile(double *values, size_t n, double share)
{
    qsort(values, n, sizeof(*values), bench_compare);
    return values[MIN(n - 1, (size_t)((double)n * share))];
}

/* Says whether FOUND is at most LIMIT, or by how much not. */
static inline void bench_aim_most(const char *what, double found, double limit)
{
    printf("aim: %s: at most %g, is %.4f: ", what, limit, found);
    if (found <= limit)
        puts("met");
    else
        printf("missed by %.2g\n", found - limit);
}

static inline void bench_aim_least(const char *what, double found, double limit)
{
    printf("aim: %s: at least %.0f, is %.0f: ", what, limit, found);
    if (found >= limit)
        puts("met");
    else
        printf("missed by %.0f\n", limit - found);
}
