/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "fs/memory.h"

#include <malloc.h>
#include <stdio.h>
#include <unistd.h>

enum {
    ARENAS = 2,      /* glibc's default, 8 a processor, is as many heaps with holes of their own */
    KEPT = 64 << 10, /* bytes at the end of a heap that are not given back at once */
    GROWTH = 4,      /* a fourth more than was left the last time: there was a burst */
    LEAST_PAGES = 2048,
};

void memory_tune(void)
{
    mallopt(M_ARENA_MAX, ARENAS);
    mallopt(M_TRIM_THRESHOLD, KEPT);
}

static long resident_pages(void)
{
    FILE *statm = fopen("/proc/self/statm", "re");
    long all, resident = 0;

    if (!statm || fscanf(statm, "%ld %ld", &all, &resident) != 2)
        resident = 0;
    if (statm)
        fclose(statm);
    return resident;
}

/* Called by one thread only. */
void memory_give_back(void)
{
    static long left; /* after the last time */
    long resident = resident_pages();

    if (resident - left < left / GROWTH + LEAST_PAGES)
        return;
    malloc_trim(0);
    left = resident_pages();
}
