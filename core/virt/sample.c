// SPDX-License-Identifier: GPL-2.0-or-later
/*
 * What domains use.
 *
 * One call brings the balloons and interfaces of all domains, which costs next to nothing; their
 * disks, at 3 ms a domain, only when they are asked for. Processors and CPU time come from a
 * virDomainGetInfo() for each, which costs 0.06 ms. The groups "cpu" and "vcpu" of the one call
 * cost 3 ms and 1 ms a domain, and need a monitor that a stuck guest does not answer.
 */
#include <stdlib.h>
#include <string.h>

#include "core/virt/internal.h"

#define KIB         1024.0
#define NANOSECONDS 1e9
#define GROUPS      (VIR_DOMAIN_STATS_STATE | VIR_DOMAIN_STATS_BALLOON | VIR_DOMAIN_STATS_INTERFACE)

enum { BALLOON_SECONDS = 5 };       /* between a guest's reports of its memory */
enum { MOST_ASKED = LIMIT(32, 1) }; /* guests asked to report in one sample */

/* What can say how much memory a guest uses, in KiB; below 0: not known. */
struct memory {
    double available, usable, unused, rss;
};
static const struct memory unknown_memory = {-1, -1, -1, -1};

static double used_memory(const struct memory *memory)
{
    double left = memory->usable >= 0 ? memory->usable : memory->unused;
    if (memory->available > 0 && left >= 0)
        return MAX(memory->available - left, 0) * KIB;
    return memory->rss >= 0 ? memory->rss * KIB : -1;
}

static double number(const virTypedParameter *param)
{
    switch (param->type) {
    case VIR_TYPED_PARAM_INT:
        return param->value.i;
    case VIR_TYPED_PARAM_UINT:
        return param->value.ui;
    case VIR_TYPED_PARAM_LLONG:
        return (double)param->value.l;
    case VIR_TYPED_PARAM_ULLONG:
        return (double)param->value.ul;
    case VIR_TYPED_PARAM_DOUBLE:
        return param->value.d;
    default:
        return -1;
    }
}

static void take_memory(struct memory *memory, const char *field, double value)
{
    if (strcmp(field, "balloon.available") == 0)
        memory->available = value;
    else if (strcmp(field, "balloon.usable") == 0)
        memory->usable = value;
    else if (strcmp(field, "balloon.unused") == 0)
        memory->unused = value;
    else if (strcmp(field, "balloon.rss") == 0)
        memory->rss = value;
}

/* Adds up "net.0.rx.bytes" and its like: GROUP is "net.", END ".rx.bytes". */
static void add_up(double *sum, const virTypedParameter *param, const char *group, const char *end)
{
    if (g_str_has_prefix(param->field, group) && g_str_has_suffix(param->field, end))
        *sum = MAX(*sum, 0) + number(param);
}

/* There are none of these devices: nothing went through them. */
static void take_count(double *in, double *out, const virTypedParameter *param, const char *field)
{
    if (strcmp(param->field, field) == 0 && number(param) == 0)
        *in = *out = 0;
}

static void take_record(struct virt_sample *sample, const virDomainStatsRecord *record)
{
    struct memory memory = unknown_memory;
    for (int i = 0; i < record->nparams; i++) {
        const virTypedParameter *param = &record->params[i];
        take_memory(&memory, param->field, number(param));
        take_count(&sample->read_bytes, &sample->written_bytes, param, "block.count");
        take_count(&sample->received_bytes, &sample->sent_bytes, param, "net.count");
        add_up(&sample->read_bytes, param, "block.", ".rd.bytes");
        add_up(&sample->written_bytes, param, "block.", ".wr.bytes");
        add_up(&sample->received_bytes, param, "net.", ".rx.bytes");
        add_up(&sample->sent_bytes, param, "net.", ".tx.bytes");
    }
    sample->memory_used = used_memory(&memory);
}

/* For drivers without that one call; LXC's memory is that of its cgroup. */
static void take_memory_stats(struct virt_sample *sample, virDomainPtr dom)
{
    struct memory memory = unknown_memory;
    virDomainMemoryStatStruct stats[VIR_DOMAIN_MEMORY_STAT_NR];
    int n = virDomainMemoryStats(dom, stats, VIR_DOMAIN_MEMORY_STAT_NR, 0);
    for (int i = 0; i < n; i++) {
        double value = (double)stats[i].val;
        if (stats[i].tag == VIR_DOMAIN_MEMORY_STAT_AVAILABLE)
            memory.available = value;
        else if (stats[i].tag == VIR_DOMAIN_MEMORY_STAT_USABLE)
            memory.usable = value;
        else if (stats[i].tag == VIR_DOMAIN_MEMORY_STAT_UNUSED)
            memory.unused = value;
        else if (stats[i].tag == VIR_DOMAIN_MEMORY_STAT_RSS)
            memory.rss = value;
    }
    sample->memory_used = used_memory(&memory);
}

static bool begin_sample(struct virt_sample *sample, virDomainPtr dom)
{
    virDomainInfo info;
    *sample = (struct virt_sample){.cpu_seconds = -1,
                                   .memory_used = -1,
                                   .read_bytes = -1,
                                   .written_bytes = -1,
                                   .received_bytes = -1,
                                   .sent_bytes = -1};
    if (virDomainGetInfo(dom, &info) < 0 || virDomainGetUUIDString(dom, sample->uuid) < 0)
        return false;
    sample->state = info.state < DOMAIN_STATES ? (enum domain_state)info.state : DOMAIN_NOSTATE;
    sample->cpus = info.nrVirtCpu;
    sample->memory_max = (double)info.maxMem * KIB;
    sample->cpu_seconds = (double)info.cpuTime / NANOSECONDS;
    return true;
}

/* After a domain that could not be read: false if that is because the connection broke. */
static bool only_gone(virConnectPtr conn, GError **error)
{
    g_autoptr(GError) cause = NULL;
    virt_fail(&cause, "cannot read the domain");
    if (virt_is_alive(conn))
        return true;
    g_propagate_error(error, g_steal_pointer(&cause));
    return false;
}

/*
 * A guest reports its memory only when asked to. Asking changes the running domain, so only ours
 * are asked, once for each start; and only one whose monitor just answered, as it has to again.
 */
static void ask_to_report(struct virt *v, virDomainPtr dom, const virDomainStatsRecord *record,
                          unsigned *asked)
{
    char uuid[VIR_UUID_STRING_BUFLEN];
    bool answered = virTypedParamsGet(record->params, record->nparams, "balloon.current") != NULL;
    if (!answered || *asked >= MOST_ASKED || virDomainGetUUIDString(dom, uuid) < 0 ||
        !virt_first_sight(v, uuid, (int)virDomainGetID(dom)))
        return;
    (*asked)++;
    char *mark = virDomainGetMetadata(dom, VIR_DOMAIN_METADATA_ELEMENT, VIRT_NAMESPACE, 0);
    if (mark)
        virDomainSetMemoryStatsPeriod(dom, BALLOON_SECONDS, VIR_DOMAIN_AFFECT_LIVE);
    free(mark);
    virResetLastError();
}

static bool take_records(struct virt *v, virConnectPtr conn, virDomainStatsRecordPtr *records,
                         int n, GArray *samples, GError **error)
{
    unsigned asked = 0;
    bool guests = virt_driver(v) == DRIVER_QEMU || virt_driver(v) == DRIVER_EMBED;
    for (int i = 0; i < n; i++) {
        struct virt_sample sample;
        if (!begin_sample(&sample, records[i]->dom)) {
            if (!only_gone(conn, error))
                return false;
            continue;
        }
        take_record(&sample, records[i]);
        g_array_append_val(samples, sample);
        if (guests)
            ask_to_report(v, records[i]->dom, records[i], &asked);
    }
    return true;
}

/* NOWAIT skips what a stuck guest would have to answer; daemons before 4.5 do not know it. */
static int get_records(virConnectPtr conn, bool disks, virDomainStatsRecordPtr **records)
{
    unsigned groups = GROUPS | (disks ? VIR_DOMAIN_STATS_BLOCK : 0);
    unsigned active = VIR_CONNECT_GET_ALL_DOMAINS_STATS_ACTIVE;
    int n = virConnectGetAllDomainStats(conn, groups, records,
                                        active | VIR_CONNECT_GET_ALL_DOMAINS_STATS_NOWAIT);
    if (n < 0 && virGetLastErrorCode() == VIR_ERR_INVALID_ARG)
        n = virConnectGetAllDomainStats(conn, groups, records, active);
    return n;
}

static bool sample_one_by_one(struct virt *v, virConnectPtr conn, GArray *samples, GError **error)
{
    virDomainPtr *all = NULL;
    bool ok = true;
    int n = virConnectListAllDomains(conn, &all, VIR_CONNECT_LIST_DOMAINS_ACTIVE);
    if (n < 0)
        return virt_fail(error, "cannot list the active domains");
    for (int i = 0; i < n; i++) {
        struct virt_sample sample;
        bool read = ok && begin_sample(&sample, all[i]);
        if (ok && !read)
            ok = only_gone(conn, error);
        if (read && virt_driver(v) == DRIVER_TEST)
            sample.cpu_seconds = -1; /* it says the time of day */
        else if (read)
            take_memory_stats(&sample, all[i]);
        if (read)
            g_array_append_val(samples, sample);
        virDomainFree(all[i]);
    }
    free(all);
    virResetLastError();
    return ok;
}

static bool sample_domains(struct virt *v, virConnectPtr conn, bool disks, GArray *samples,
                           GError **error)
{
    virDomainStatsRecordPtr *records = NULL;
    if (virt_driver(v) == DRIVER_TEST || virt_driver(v) == DRIVER_LXC)
        return sample_one_by_one(v, conn, samples, error);
    int n = get_records(conn, disks, &records);
    if (n < 0 && virt_errno(virGetLastErrorCode(), NULL) == EOPNOTSUPP)
        return sample_one_by_one(v, conn, samples, error);
    if (n < 0)
        return virt_fail(error, "cannot read the domains' statistics");
    bool ok = take_records(v, conn, records, n, samples, error);
    virDomainStatsRecordListFree(records);
    return ok;
}

bool virt_sample(struct virt *v, bool disks, GArray **samples, struct virt_load *load,
                 GError **error)
{
    double total;
    g_autoptr(VirtConnection) conn = virt_sampling_connection(v, error);
    if (!conn)
        return false;
    g_autoptr(GArray) fresh = g_array_new(FALSE, FALSE, sizeof(struct virt_sample));
    if (!sample_domains(v, conn, disks, fresh, error))
        return false;
    struct virt_load host = {.cpu_seconds = virt_node_busy(conn), .memory_used = -1};
    virt_node_memory(conn, &total, &host.memory_used);
    *load = host;
    *samples = g_steal_pointer(&fresh);
    return true;
}
