/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * A sample of Azure's packing trace, as events in order of time. The samples count CPUs in
 * hundredths of a core (a few old types in cores) and memory in GiB. VMs larger than an empty
 * server are left out. When one VM ends as another begins, the end is first.
 */
#pragma once

#include <glib.h>
#include <math.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <unistd.h>

#define NOWHERE SIZE_MAX

struct vm {
    uint32_t cpus, memory;
    double start, end;
    size_t host;
};

struct event {
    double time;
    bool start;
    size_t vm;
};

struct sample {
    const char *file;
    uint32_t cpus, memory; /* of a server */
    GArray *vms, *events;
    size_t left_out, bound;
    uint64_t all_cpus, all_memory; /* of all VMs */
};

static inline int compare_events(gconstpointer a, gconstpointer b)
{
    const struct event *left = a, *right = b;
    if (left->time != right->time)
        return left->time < right->time ? -1 : 1;
    if (left->start != right->start)
        return left->start ? 1 : -1;
    return (left->vm > right->vm) - (left->vm < right->vm);
}

/* vmId,tenantId,cores,ram,priority,starttime,endtime; false for the line of their names. */
static inline bool read_vm(const char *line, struct vm *vm)
{
    g_auto(GStrv) words = g_strsplit(line, ",", 0);
    if (g_strv_length(words) < 7 || !g_ascii_isdigit(*words[2]))
        return false;
    *vm = (struct vm){.cpus = (uint32_t)g_ascii_strtod(words[2], NULL),
                      .memory = (uint32_t)g_ascii_strtod(words[3], NULL),
                      .start = g_ascii_strtod(words[5], NULL),
                      .end = g_ascii_strtod(words[6], NULL)};
    return true;
}

static inline void add_vm(struct sample *sample, const struct vm *vm)
{
    if (vm->cpus > sample->cpus || vm->memory > sample->memory) {
        sample->left_out++;
        return;
    }
    struct event begins = {.time = vm->start, .start = true, .vm = sample->vms->len};
    struct event ends = {.time = vm->end, .start = false, .vm = sample->vms->len};
    g_array_append_val(sample->events, begins);
    if (isfinite(vm->end))
        g_array_append_val(sample->events, ends);
    g_array_append_val(sample->vms, *vm);
    sample->all_cpus += vm->cpus;
    sample->all_memory += vm->memory;
}

/* No fleet smaller than what is alive at once, of the scarcer resource, could hold all. */
static inline size_t volume_bound(const struct sample *sample)
{
    double cpus = 0, memory = 0, most = 0;
    for (guint i = 0; i < sample->events->len; i++) {
        const struct event *event = &g_array_index(sample->events, struct event, i);
        const struct vm *vm = &g_array_index(sample->vms, struct vm, event->vm);
        cpus += event->start ? vm->cpus : -(double)vm->cpus;
        memory += event->start ? vm->memory : -(double)vm->memory;
        most = MAX(most, MAX(cpus / sample->cpus, memory / sample->memory));
    }
    return (size_t)ceil(most);
}

static inline void sample_read(struct sample *sample, const char *directory)
{
    g_autofree char *path = g_build_filename(directory, sample->file, NULL);
    g_autofree char *quoted = g_shell_quote(path);
    g_autofree char *command = g_strdup_printf("xz -dc %s", quoted);
    char line[256];
    struct vm vm;
    FILE *pipe = access(path, R_OK) == 0 ? popen(command, "re") : NULL;
    if (!pipe) {
        fprintf(stderr,
                "pack_bench: cannot read %s: say where the samples of Azure's packing trace are, "
                "make bench-place TRACES=DIRECTORY\n",
                path);
        exit(1);
    }
    sample->vms = g_array_new(FALSE, FALSE, sizeof(struct vm));
    sample->events = g_array_new(FALSE, FALSE, sizeof(struct event));
    while (fgets(line, sizeof(line), pipe)) {
        if (read_vm(line, &vm))
            add_vm(sample, &vm);
    }
    if (pclose(pipe) != 0 || sample->vms->len == 0) {
        fprintf(stderr, "pack_bench: no VMs in %s: is xz installed, and the file whole?\n", path);
        exit(1);
    }
    g_array_sort(sample->events, compare_events);
    sample->bound = volume_bound(sample);
}

static inline void sample_clear(struct sample *sample)
{
    g_array_unref(sample->vms);
    g_array_unref(sample->events);
}
