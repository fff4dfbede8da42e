/* SPDX-License-Identifier: GPL-2.0-or-later */
/* `score`: the metrics first, then the terms they are made from. */
#include <stddef.h>

#include "fs/number.h"
#include "fs/table.h"

struct score_line {
    const char *key;
    size_t offset; /* of a double in the kind's score */
    bool count;    /* a whole number */
};

#define LINE(type, field)                                                                          \
    {                                                                                              \
#field, offsetof(struct type, field), false                                                \
    }
#define COUNT(type, field)                                                                         \
    {                                                                                              \
#field, offsetof(struct type, field), true                                                 \
    }

static const struct score_line vm_lines[] = {
    LINE(vm_score, performance), LINE(vm_score, schedule),         LINE(vm_score, management),
    COUNT(vm_score, processors), LINE(vm_score, virtualization),   LINE(vm_score, usage),
    LINE(vm_score, demand),      LINE(vm_score, resources),        LINE(vm_score, cost),
    LINE(vm_score, available),   LINE(vm_score, maintenance_cost),
};

static const struct score_line host_lines[] = {
    LINE(host_score, performance), LINE(host_score, management),       COUNT(host_score, cpus),
    LINE(host_score, available),   LINE(host_score, maintenance_cost),
};

static const struct score_line service_lines[] = {
    LINE(service_score, performance), LINE(service_score, schedule),
    LINE(service_score, management),  LINE(service_score, demand),
    COUNT(service_score, replicas),   LINE(service_score, cost),
    COUNT(service_score, members),    COUNT(service_score, running),
    COUNT(service_score, ready),      COUNT(service_score, updated),
};

static const struct score_line cloud_lines[] = {
    LINE(cloud_score, performance),  LINE(cloud_score, schedule),
    LINE(cloud_score, management),   COUNT(cloud_score, hosts),
    COUNT(cloud_score, hosts_up),    COUNT(cloud_score, vms),
    COUNT(cloud_score, vms_running), COUNT(cloud_score, services),
    COUNT(cloud_score, cpus),        COUNT(cloud_score, cpus_reserved),
    COUNT(cloud_score, memory),      COUNT(cloud_score, memory_reserved),
};

static void add_lines(GString *text, const void *score, const struct score_line *lines, size_t n)
{
    for (size_t i = 0; i < n; i++) {
        double value = *(const double *)((const char *)score + lines[i].offset);

        g_string_append(text, lines[i].key);
        g_string_append_c(text, ' ');
        if (lines[i].count)
            number_add(text, value);
        else
            number_add_fixed(text, value);
        g_string_append_c(text, '\n');
    }
}

void show_score(const struct object *object, struct cloud *cloud, GString *text)
{
    union {
        struct vm_score vm;
        struct host_score host;
        struct service_score service;
        struct cloud_score cloud;
    } score = {0};

    switch (object->kind) {
    case OBJECT_VM:
        cloud_vm_score(cloud, object, &score.vm);
        add_lines(text, &score, vm_lines, G_N_ELEMENTS(vm_lines));
        break;
    case OBJECT_HOST:
        cloud_host_score(cloud, object, &score.host);
        add_lines(text, &score, host_lines, G_N_ELEMENTS(host_lines));
        break;
    case OBJECT_SERVICE:
        cloud_service_score(cloud, object, &score.service);
        add_lines(text, &score, service_lines, G_N_ELEMENTS(service_lines));
        break;
    case OBJECT_PLAN:
    case OBJECT_FOLDER:
        cloud_total_score(cloud, &score.cloud);
        add_lines(text, &score, cloud_lines, G_N_ELEMENTS(cloud_lines));
        break;
    case OBJECT_KINDS:
        break;
    }
}
