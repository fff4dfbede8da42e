// SPDX-License-Identifier: GPL-2.0-or-later
/*
 * The tables: adding a key is adding a row here and a field in spec.h.
 */
#include <string.h>

#include "core/error.h"
#include "core/spec/internal.h"

#define MIB            1048576.0
#define TIB            (MIB * 1048576.0)
#define MUCH           1e9 /* demand, cost, overcommit: far from where their quotients become infinite */

#define HOST(field)    .offset = offsetof(struct host_spec, field)
#define VM(field)      .offset = offsetof(struct vm_spec, field)
#define SERVICE(field) .offset = offsetof(struct service_spec, field)

static const char *refuse_uri(const char *uri)
{
    size_t scheme = strspn(uri, "abcdefghijklmnopqrstuvwxyz0123456789+.-");
    if (scheme == 0 || uri[scheme] != ':')
        return "has no scheme (try qemu:///system)";
    if (strpbrk(uri, " \t"))
        return "holds a blank";
    return NULL;
}

/* The text itself, or a path: then it is one line that starts with '/'. */
static const char *refuse_user_data(const char *value)
{
    if (*value != '/' || strchr(value, '\n'))
        return NULL;
    g_auto(GStrv) parts = g_strsplit(value, "/", -1);
    return g_strv_contains((const char *const *)parts, "..") ? "has a \"..\" in it" : NULL;
}

static const struct spec_key host_keys[] = {
    SPEC_KEY("uri", SPEC_TEXT, HOST(uri), .required = true, .refuse = refuse_uri,
             .doc = "libvirt URI of the host, as virsh -c takes it"),
    SPEC_KEY("zone", SPEC_WORD, HOST(zone), .doc = "zone the host is in"),
    SPEC_KEY("labels", SPEC_WORDS, HOST(labels), .join = " ", .doc = "words that VMs can ask for"),
    SPEC_KEY("cost", SPEC_REAL, .max = MUCH, .preset = "1", HOST(cost),
             .doc = "C of placement: a host of twice the cost is half as attractive"),
    SPEC_KEY("maintenance_cost", SPEC_REAL, .max = MUCH, .preset = "1", HOST(maintenance_cost),
             .doc = "C of the management score"),
    SPEC_KEY("cpu_overcommit", SPEC_REAL, .unit = "vCPUs per CPU", .max = MUCH, .preset = "4.0",
             HOST(cpu_overcommit), .doc = "virtual CPUs to promise for each CPU"),
    SPEC_KEY("memory_overcommit", SPEC_REAL, .max = MUCH, .preset = "1.0", HOST(memory_overcommit),
             .doc = "memory to promise for each byte there is"),
    SPEC_KEY("reserved_cpus", SPEC_COUNT, .unit = "CPUs", .max = 65536, .preset = "0",
             HOST(reserved_cpus), .doc = "CPUs kept from guests"),
    SPEC_KEY("reserved_memory", SPEC_SIZE, .unit = "bytes", .max = 1024 * TIB, .preset = "0",
             HOST(reserved_memory), .doc = "memory kept from guests"),
    SPEC_KEY("peer_uri", SPEC_TEXT, HOST(peer_uri), .refuse = refuse_uri,
             .doc = "its libvirt URI as other hosts' daemons reach it; else uri where that can do"),
    SPEC_KEY("migrate_uri", SPEC_TEXT, HOST(migrate_uri), .refuse = refuse_uri,
             .doc = "where VMs that move to it are sent, such as tcp://10.0.0.2"),
};

static const struct spec_key vm_keys[] = {
    SPEC_KEY("cpus", SPEC_COUNT, .unit = "vCPUs", .min = 1, .max = 4096, .preset = "1", VM(cpus),
             .doc = "virtual CPUs"),
    SPEC_KEY("memory", SPEC_SIZE, .unit = "bytes", .min = MIB, .max = 64 * TIB, .preset = "512MiB",
             VM(memory), .doc = "memory"),
    SPEC_KEY(
        "virtualization", SPEC_WORD, VM(virtualization),
        .doc = "kvm, qemu, lxc, xen, test or another domain type of libvirt; else the host's best"),
    SPEC_KEY("usage", SPEC_REAL, .max = 1, .preset = "1.0", VM(usage),
             .doc = "share of its resources to expect in use until it is measured"),
    SPEC_KEY("demand", SPEC_REAL, .max = MUCH, .preset = "1", VM(demand),
             .doc = "D of placement: of what waits, the highest goes first"),
    SPEC_KEY("disk", SPEC_SIZE, .unit = "bytes", .min = MIB, .max = 1024 * TIB, VM(disk),
             .doc = "size of a new disk"),
    SPEC_KEY("image", SPEC_PATH, VM(image),
             .doc = "disk image to start from; the VM gets a copy-on-write clone"),
    SPEC_KEY("kernel", SPEC_PATH, VM(kernel), .doc = "kernel to boot directly"),
    SPEC_KEY("initrd", SPEC_PATH, VM(initrd), .needs = "kernel",
             .doc = "initial RAM disk of that kernel"),
    SPEC_KEY("cmdline", SPEC_TEXT, VM(cmdline), .join = " ", .needs = "kernel",
             .doc = "command line of that kernel"),
    SPEC_KEY("init", SPEC_PATH, VM(init), .doc = "program that an LXC container runs"),
    SPEC_KEY("root", SPEC_PATH, VM(root),
             .doc = "directory that becomes the root of an LXC container"),
    SPEC_KEY("network", SPEC_WORDS, VM(networks), .join = " ",
             .doc = "libvirt networks, user, or none; several with commas"),
    SPEC_KEY("user_data", SPEC_TEXT, VM(user_data), .join = "\n", .refuse = refuse_user_data,
             .doc = "cloud-init user data: a path, or the text itself on indented lines"),
    SPEC_KEY("zone", SPEC_WORD, VM(zone), .doc = "zone to be in"),
    SPEC_KEY("labels", SPEC_WORDS, VM(labels), .join = " ",
             .doc = "words that the host must all have"),
    SPEC_KEY("host", SPEC_WORD, VM(host), .doc = "the only host to be on"),
    SPEC_KEY("avoid", SPEC_WORD, VM(avoid), .doc = "group of which no two VMs are on one host"),
    SPEC_KEY("near", SPEC_WORD, VM(near), .doc = "group of VMs to be on one host with"),
    SPEC_KEY("policy", SPEC_CHOICE, .choices = "pack|spread", .preset = "pack", VM(policy),
             .doc = "fill hosts up, or take the emptiest"),
    SPEC_KEY("restart", SPEC_CHOICE, .choices = "always|never", .preset = "always", VM(restart),
             .doc = "whether it is started again when it stops by itself"),
    SPEC_KEY("health", SPEC_HEALTH, VM(health),
             .doc = "agent, or tcp PORT: how to ask the guest whether it works"),
    SPEC_KEY("health_interval", SPEC_REAL, .unit = "seconds", .min = 0.5, .max = 3600,
             .preset = "10", VM(health_interval), .doc = "time between two checks"),
    SPEC_KEY("health_failures", SPEC_COUNT, .min = 1, .max = 1000, .preset = "3",
             VM(health_failures), .doc = "checks that fail in a row before it is unhealthy"),
    SPEC_KEY("health_start", SPEC_REAL, .unit = "seconds", .max = 86400, .zero = true,
             .preset = "300", VM(health_start),
             .doc = "time it may take to boot, in which failures do not count"),
    SPEC_KEY("power", SPEC_SWITCH, .preset = "on", VM(power),
             .doc = "whether it should be running"),
    SPEC_KEY("protect", SPEC_SWITCH, .preset = "no", VM(protect), .doc = "yes: rmdir is refused"),
};

static const struct spec_key service_keys[] = {
    SPEC_KEY("replicas", SPEC_COUNT, .unit = "VMs", .max = 10000, .preset = "1", SERVICE(replicas),
             .doc = "number of VMs"),
    SPEC_KEY("max_unavailable", SPEC_SHARE, .unit = "VMs", .min = 1, .max = 10000, .preset = "1",
             SERVICE(max_unavailable),
             .doc = "how many members a changed template takes away at a time, or a percentage"),
    SPEC_KEY("demand", SPEC_REAL, .max = MUCH, .preset = "1", SERVICE(demand),
             .doc = "D of the service's schedule score"),
    SPEC_KEY("cost", SPEC_REAL, .max = MUCH, .preset = "1", SERVICE(cost),
             .doc = "C of the service's schedule score"),
    SPEC_KEY("spread", SPEC_CHOICE, .choices = "host|zone|none", .preset = "host", SERVICE(spread),
             .doc = "no two members on one host; as many in each zone, but for one; as it comes"),
};

static const struct {
    const struct spec_key *rows;
    size_t n;
} tables[] = {
    [SPEC_HOST] = {host_keys,    G_N_ELEMENTS(host_keys)   },
    [SPEC_VM] = {vm_keys,      G_N_ELEMENTS(vm_keys)     },
    [SPEC_SERVICE] = {service_keys, G_N_ELEMENTS(service_keys)},
};

G_STATIC_ASSERT(G_N_ELEMENTS(vm_keys) <= 64); /* bits in `given` */

const struct spec_key *spec_keys(enum spec_kind kind, size_t *n)
{
    *n = tables[kind].n;
    return tables[kind].rows;
}

const struct spec_key *spec_find_key(const struct spec_key *rows, size_t n, const char *name)
{
    for (size_t i = 0; i < n; i++)
        if (strcmp(rows[i].name, name) == 0)
            return &rows[i];
    return NULL;
}

uint64_t spec_key_bit(enum spec_kind kind, const char *name)
{
    const struct spec_key *rows = tables[kind].rows;
    const struct spec_key *key = spec_find_key(rows, tables[kind].n, name);
    return key ? UINT64_C(1) << (key - rows) : 0;
}

bool spec_keeps_lines(const char *name)
{
    for (size_t kind = 0; kind < G_N_ELEMENTS(tables); kind++) {
        const struct spec_key *key = spec_find_key(tables[kind].rows, tables[kind].n, name);
        if (key && key->join && *key->join == '\n')
            return true;
    }
    return false;
}
