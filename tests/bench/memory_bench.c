/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * What the placement table takes of memory: what the allocator has handed out, before and after
 * hosts and then VMs were added. Hosts have a name, a zone, a label, two types and three networks.
 */
#include <malloc.h>

#include "core/place/place.h"
#include "tests/bench/bench.h"

#define GIB      ((uint64_t)1 << 30)
#define PER_HOST 10 /* VMs */

static size_t in_use(void)
{
    struct mallinfo2 info = mallinfo2();
    return info.uordblks + info.hblkhd;
}

static void add_hosts(struct place *place, uint64_t hosts)
{
    static const char *const labels[] = {"ssd", NULL}, *const types[] = {"kvm", "qemu", NULL};
    static const char *const networks[] = {"user", "none", "default", NULL};
    for (uint64_t id = 1; id <= hosts; id++) {
        char name[32], zone[16];
        g_snprintf(name, sizeof(name), "node%u.example.org", (unsigned)id);
        g_snprintf(zone, sizeof(zone), "rack%u", (unsigned)(id % 16));
        struct place_host host = {.id = id,
                                  .name = name,
                                  .up = true,
                                  .known = true,
                                  .cpus = 96,
                                  .memory = 384 * GIB,
                                  .cost = 1,
                                  .zone = zone,
                                  .labels = labels,
                                  .types = types,
                                  .networks = networks};
        place_set_host(place, &host);
    }
}

/* VMs on all hosts; GROUPED: each in an anti-affinity group and in a service, of 100 members. */
static void add_vms(struct place *place, uint64_t hosts, bool grouped)
{
    for (uint64_t vm = 0; vm < hosts * PER_HOST; vm++) {
        char group[32];
        g_snprintf(group, sizeof(group), "group%u", (unsigned)(vm / 100));
        struct place_want want = {.cpus = 2,
                                  .memory = 8 * GIB,
                                  .demand = 1,
                                  .avoid = grouped ? group : NULL,
                                  .service = grouped ? vm / 100 + 1 : 0,
                                  .spread = grouped ? SPREAD_HOST : SPREAD_NONE};
        place_take(place, vm + 1, vm % hosts + 1, &want);
    }
}

static double bytes_a_vm(struct place *place, uint64_t hosts, bool grouped)
{
    size_t before = in_use();
    add_vms(place, hosts, grouped);
    return (double)(in_use() - before) / (double)(hosts * PER_HOST);
}

static void measure(uint64_t hosts)
{
    size_t before = in_use();
    struct place *place = place_new();
    add_hosts(place, hosts);
    double host = (double)(in_use() - before) / (double)hosts;
    double vm = bytes_a_vm(place, hosts, false);
    place_free(place);
    place = place_new();
    add_hosts(place, hosts);
    double member = bytes_a_vm(place, hosts, true);
    place_free(place);
    printf("%7u %8u %11.0f %10.0f %35.0f\n", (unsigned)hosts, (unsigned)(hosts * PER_HOST), host,
           vm, member);
}

int main(void)
{
    puts("Memory of the placement table, in bytes.\n");
    puts("  hosts      VMs      a host       a VM   a VM in a group and a service");
    measure(1000);
    measure(10000);
    measure(100000);
    return 0;
}
