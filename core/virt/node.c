// SPDX-License-Identifier: GPL-2.0-or-later
/*
 * What a host has and uses of CPU and memory.
 *
 * virNodeGetInfo() adds up the NUMA nodes' boot-time memory, which is wrong after memory was
 * plugged in; the memory statistics are right where the driver has them.
 */
#include <string.h>

#include "core/virt/internal.h"

#define KIB         1024.0
#define NANOSECONDS 1e9

static bool memory_statistics(virConnectPtr conn, double *total, double *used)
{
    int n = 0;
    double all = -1, reclaimable = 0;
    if (virNodeGetMemoryStats(conn, VIR_NODE_MEMORY_STATS_ALL_CELLS, NULL, &n, 0) < 0 || n <= 0)
        return false;
    g_autofree virNodeMemoryStats *stats = g_new0(virNodeMemoryStats, (gsize)n);
    if (virNodeGetMemoryStats(conn, VIR_NODE_MEMORY_STATS_ALL_CELLS, stats, &n, 0) < 0)
        return false;
    for (int i = 0; i < n; i++) {
        double bytes = (double)stats[i].value * KIB;
        if (strcmp(stats[i].field, VIR_NODE_MEMORY_STATS_TOTAL) == 0)
            all = bytes;
        else if (strcmp(stats[i].field, VIR_NODE_MEMORY_STATS_FREE) == 0 ||
                 strcmp(stats[i].field, VIR_NODE_MEMORY_STATS_BUFFERS) == 0 ||
                 strcmp(stats[i].field, VIR_NODE_MEMORY_STATS_CACHED) == 0)
            reclaimable += bytes;
    }
    if (all <= 0)
        return false;
    *total = all;
    *used = MAX(all - reclaimable, 0);
    return true;
}

bool virt_node_memory(virConnectPtr conn, double *total, double *used)
{
    bool known = memory_statistics(conn, total, used);
    virResetLastError();
    return known;
}

static double busy(const virNodeCPUStats *stats, int n)
{
    double sum = 0;
    for (int i = 0; i < n; i++)
        if (strcmp(stats[i].field, VIR_NODE_CPU_STATS_USER) == 0 ||
            strcmp(stats[i].field, VIR_NODE_CPU_STATS_KERNEL) == 0)
            sum += (double)stats[i].value / NANOSECONDS;
    return sum;
}

double virt_node_busy(virConnectPtr conn)
{
    int n = 0;
    double seconds = -1;
    if (virNodeGetCPUStats(conn, VIR_NODE_CPU_STATS_ALL_CPUS, NULL, &n, 0) == 0 && n > 0) {
        g_autofree virNodeCPUStats *stats = g_new0(virNodeCPUStats, (gsize)n);
        if (virNodeGetCPUStats(conn, VIR_NODE_CPU_STATS_ALL_CPUS, stats, &n, 0) == 0)
            seconds = busy(stats, n);
    }
    virResetLastError();
    return seconds;
}
