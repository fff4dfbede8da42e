/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "fs/memory.h"

#include <malloc.h>
#include <stdbool.h>
#include <stdio.h>
#include <unistd.h>

enum {
    ARENAS = 2,      /* glibc's default, 8 a processor, is as many heaps with holes of their own */
    KEPT = 64 << 10, /* bytes at the end of a heap that are not given back at once */
    GROWTH = 32,     /* a share of what was left the last time, */
    LEAST_PAGES = 1024, /* and so much more: there was a burst */
    CALM = 64,          /* it is over when less than such a share has come since the last look */
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
    static long left;   /* after the last time */
    static long before; /* at the last look */
    long resident = resident_pages();
    bool calm = resident <= before + before / CALM;

    before = resident;
    if (!calm || resident - left < left / GROWTH + LEAST_PAGES)
        return;
    malloc_trim(0);
    left = before = resident_pages();
}
