/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "core/score/score.h"

#include <math.h>

/* AMOUNT / COST; a cost that is not above 0 gives 0, because a score file must hold a number. */
static double per_cost(double amount, double cost)
{
    return cost > 0 ? amount / cost : 0;
}

double score_performance(double processors, double virtualization, double usage)
{
    double share = usage > SCORE_MIN_USAGE ? usage : SCORE_MIN_USAGE;
    return processors * virtualization / share;
}

double score_schedule(double demand, double resources, double cost)
{
    return per_cost(demand * resources, cost);
}

double score_management(double resources, double available, double maintenance_cost)
{
    return per_cost(resources * available, maintenance_cost);
}

/* USED of CAPACITY, 0..1; -1: not known. */
static double share(double used, double capacity)
{
    if (!(used >= 0) || !(capacity > 0))
        return -1;
    return used < capacity ? used / capacity : 1;
}

double score_usage(double cpu_seconds, double wall_seconds, double processors, double memory_used,
                   double memory_max)
{
    double cpu = share(cpu_seconds, wall_seconds * processors);
    double memory = share(memory_used, memory_max);
    return cpu > memory ? cpu : memory;
}

double score_smooth(double previous, double sample, double elapsed, double tau)
{
    if (!(sample >= 0))
        return previous;
    if (!(previous >= 0) || !(tau > 0))
        return sample;
    if (!(elapsed > 0))
        return previous;
    return previous + (sample - previous) * -expm1(-elapsed / tau);
}
