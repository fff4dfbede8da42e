/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * `metrics`: OpenMetrics text. One table of families makes an object's file and the root's, in
 * which the format wants all samples of a family together.
 */
#include <stddef.h>

#include "fs/number.h"
#include "fs/table.h"

/* All numbers of one object, so that its score is worked out once and not for each family. */
struct subject {
    char *labels; /* "{vm=\"web1\"}"; of the cloud "" */
    union {
        struct vm_score vm;
        struct host_score host;
        struct service_score service;
        struct cloud_score cloud;
    };
    struct usage usage;
    double up; /* a host is up, a VM's domain has a process: 1 or 0 */
    double memory, cpus_allocated, memory_allocated, vms, samples; /* of a host; -1: not known */
};

struct family {
    const char *name;
    const char *type;      /* a counter's sample is called NAME_total */
    const char *unit;      /* the end of the name too; NULL: none */
    enum object_kind kind; /* OBJECT_FOLDER: the cloud */
    size_t offset;         /* of a double in struct subject; below 0 is not known */
    const char *help;
};

#define AT(field) offsetof(struct subject, field)

static const struct family families[] = {
    {"cloudfs_performance",                 "gauge",   NULL,      OBJECT_FOLDER,  AT(cloud.performance),
     "Sum of P * V / R over all VMs"                                                                                                        },
    {"cloudfs_schedule",                    "gauge",   NULL,      OBJECT_FOLDER,  AT(cloud.schedule),
     "Sum of D * R / C over all VMs"                                                                                                        },
    {"cloudfs_management",                  "gauge",   NULL,      OBJECT_FOLDER,  AT(cloud.management),
     "Sum of R * T / C over all VMs"                                                                                                        },
    {"cloudfs_hosts",                       "gauge",   NULL,      OBJECT_FOLDER,  AT(cloud.hosts),           "Hosts"                        },
    {"cloudfs_hosts_up",                    "gauge",   NULL,      OBJECT_FOLDER,  AT(cloud.hosts_up),        "Hosts that are up"            },
    {"cloudfs_vms",                         "gauge",   NULL,      OBJECT_FOLDER,  AT(cloud.vms),             "VMs"                          },
    {"cloudfs_vms_running",                 "gauge",   NULL,      OBJECT_FOLDER,  AT(cloud.vms_running),     "VMs that run"                 },
    {"cloudfs_services",                    "gauge",   NULL,      OBJECT_FOLDER,  AT(cloud.services),        "Services"                     },
    {"cloudfs_cpus",                        "gauge",   NULL,      OBJECT_FOLDER,  AT(cloud.cpus),            "vCPUs that may be promised"   },
    {"cloudfs_cpus_reserved",               "gauge",   NULL,      OBJECT_FOLDER,  AT(cloud.cpus_reserved),
     "vCPUs reserved"                                                                                                                       },
    {"cloudfs_memory_bytes",                "gauge",   "bytes",   OBJECT_FOLDER,  AT(cloud.memory),
     "Memory that may be promised"                                                                                                          },
    {"cloudfs_memory_reserved_bytes",       "gauge",   "bytes",   OBJECT_FOLDER,  AT(cloud.memory_reserved),
     "Memory reserved"                                                                                                                      },

    {"cloudfs_host_up",                     "gauge",   NULL,      OBJECT_HOST,    AT(up),                    "1 if the host is up"          },
    {"cloudfs_host_performance",            "gauge",   NULL,      OBJECT_HOST,    AT(host.performance),
     "Sum of P * V / R over its VMs"                                                                                                        },
    {"cloudfs_host_management",             "gauge",   NULL,      OBJECT_HOST,    AT(host.management),       "R * T / C"                    },
    {"cloudfs_host_cpus",                   "gauge",   NULL,      OBJECT_HOST,    AT(host.cpus),             "CPUs"                         },
    {"cloudfs_host_cpus_allocated",         "gauge",   NULL,      OBJECT_HOST,    AT(cpus_allocated),
     "vCPUs reserved on it"                                                                                                                 },
    {"cloudfs_host_memory_bytes",           "gauge",   "bytes",   OBJECT_HOST,    AT(memory),                "Memory"                       },
    {"cloudfs_host_memory_allocated_bytes", "gauge",   "bytes",   OBJECT_HOST,    AT(memory_allocated),
     "Memory reserved on it"                                                                                                                },
    {"cloudfs_host_memory_used_bytes",      "gauge",   "bytes",   OBJECT_HOST,    AT(usage.memory_used),
     "Memory in use"                                                                                                                        },
    {"cloudfs_host_cpu_seconds",            "counter", "seconds", OBJECT_HOST,    AT(usage.cpu_seconds),
     "CPU time used since it started"                                                                                                       },
    {"cloudfs_host_available_seconds",      "counter", "seconds", OBJECT_HOST,    AT(host.available),
     "Time it was available"                                                                                                                },
    {"cloudfs_host_maintenance_cost",       "gauge",   NULL,      OBJECT_HOST,    AT(host.maintenance_cost),
     "C of its management score"                                                                                                            },
    {"cloudfs_host_vms",                    "gauge",   NULL,      OBJECT_HOST,    AT(vms),                   "VMs on it"                    },
    {"cloudfs_host_samples",                "counter", NULL,      OBJECT_HOST,    AT(samples),
     "Times that it was sampled"                                                                                                            },

    {"cloudfs_vm_running",                  "gauge",   NULL,      OBJECT_VM,      AT(up),                    "1 if the VM runs"             },
    {"cloudfs_vm_performance",              "gauge",   NULL,      OBJECT_VM,      AT(vm.performance),        "P * V / R"                    },
    {"cloudfs_vm_schedule",                 "gauge",   NULL,      OBJECT_VM,      AT(vm.schedule),           "D * R / C"                    },
    {"cloudfs_vm_management",               "gauge",   NULL,      OBJECT_VM,      AT(vm.management),         "R * T / C"                    },
    {"cloudfs_vm_processors",               "gauge",   NULL,      OBJECT_VM,      AT(vm.processors),         "vCPUs"                        },
    {"cloudfs_vm_virtualization",           "gauge",   NULL,      OBJECT_VM,      AT(vm.virtualization),
     "Factor of its virtualization type"                                                                                                    },
    {"cloudfs_vm_usage",                    "gauge",   NULL,      OBJECT_VM,      AT(vm.usage),              "Share of its resources in use"},
    {"cloudfs_vm_demand",                   "gauge",   NULL,      OBJECT_VM,      AT(vm.demand),             "D of its schedule score"      },
    {"cloudfs_vm_resources",                "gauge",   NULL,      OBJECT_VM,      AT(vm.resources),          "R of its schedule score"      },
    {"cloudfs_vm_cost",                     "gauge",   NULL,      OBJECT_VM,      AT(vm.cost),               "C of its schedule score"      },
    {"cloudfs_vm_available_seconds",        "counter", "seconds", OBJECT_VM,      AT(vm.available),
     "Time it was available"                                                                                                                },
    {"cloudfs_vm_maintenance_cost",         "gauge",   NULL,      OBJECT_VM,      AT(vm.maintenance_cost),
     "C of its management score"                                                                                                            },
    {"cloudfs_vm_cpu_seconds",              "counter", "seconds", OBJECT_VM,      AT(usage.cpu_seconds),
     "CPU time used since it started"                                                                                                       },
    {"cloudfs_vm_memory_used_bytes",        "gauge",   "bytes",   OBJECT_VM,      AT(usage.memory_used),
     "Memory in use"                                                                                                                        },
    {"cloudfs_vm_memory_max_bytes",         "gauge",   "bytes",   OBJECT_VM,      AT(usage.memory_max),      "Memory"                       },
    {"cloudfs_vm_read_bytes",               "counter", "bytes",   OBJECT_VM,      AT(usage.read_bytes),
     "Read from its disks"                                                                                                                  },
    {"cloudfs_vm_written_bytes",            "counter", "bytes",   OBJECT_VM,      AT(usage.written_bytes),
     "Written to its disks"                                                                                                                 },
    {"cloudfs_vm_received_bytes",           "counter", "bytes",   OBJECT_VM,      AT(usage.received_bytes),
     "Received from its networks"                                                                                                           },
    {"cloudfs_vm_sent_bytes",               "counter", "bytes",   OBJECT_VM,      AT(usage.sent_bytes),
     "Sent to its networks"                                                                                                                 },

    {"cloudfs_service_performance",         "gauge",   NULL,      OBJECT_SERVICE, AT(service.performance),
     "Sum of P * V / R over its members"                                                                                                    },
    {"cloudfs_service_schedule",            "gauge",   NULL,      OBJECT_SERVICE, AT(service.schedule),      "D * R / C"                    },
    {"cloudfs_service_management",          "gauge",   NULL,      OBJECT_SERVICE, AT(service.management),
     "Sum of R * T / C over its members"                                                                                                    },
    {"cloudfs_service_replicas",            "gauge",   NULL,      OBJECT_SERVICE, AT(service.replicas),
     "Members wanted"                                                                                                                       },
    {"cloudfs_service_members",             "gauge",   NULL,      OBJECT_SERVICE, AT(service.members),       "Members"                      },
    {"cloudfs_service_running",             "gauge",   NULL,      OBJECT_SERVICE, AT(service.running),
     "Members that run"                                                                                                                     },
    {"cloudfs_service_ready",               "gauge",   NULL,      OBJECT_SERVICE, AT(service.ready),
     "Members that are ready"                                                                                                               },
    {"cloudfs_service_updated",             "gauge",   NULL,      OBJECT_SERVICE, AT(service.updated),
     "Members that follow the template"                                                                                                     },
};

static void fill_host(struct subject *subject, const struct object *host, struct cloud *cloud)
    REQUIRES_SHARED(model)
{
    struct place_use use = {0};

    cloud_host_score(cloud, host, &subject->host);
    place_use(cloud_place(cloud), host->id, &use);
    subject->usage = host->host.load;
    subject->up = host->host.phase == HOST_UP;
    subject->memory = host->host.known ? (double)host->host.memory : -1;
    subject->cpus_allocated = (double)use.cpus;
    subject->memory_allocated = (double)use.memory;
    subject->vms = host->host.vms->len;
    subject->samples = (double)host->host.samples;
}

static void add_label(GString *text, const char *key, const char *value)
{
    if (text->str[text->len - 1] != '{')
        g_string_append_c(text, ',');
    g_string_append(text, key);
    g_string_append(text, "=\"");
    for (; *value; value++) {
        if (*value == '\\' || *value == '"')
            g_string_append_c(text, '\\');
        if (*value == '\n')
            g_string_append(text, "\\n");
        else
            g_string_append_c(text, *value);
    }
    g_string_append_c(text, '"');
}

static char *labels_of(const struct object *object) REQUIRES_SHARED(model)
{
    GString *text = g_string_new(NULL);

    if (object->kind == OBJECT_FOLDER)
        return g_string_free(text, false);
    g_string_append_c(text, '{');
    add_label(text, table_of(object)->of, object->name);
    if (object->kind == OBJECT_VM && object->vm.host)
        add_label(text, "host", object->vm.host->name);
    if (object->kind == OBJECT_VM && object->vm.service)
        add_label(text, "service", object->vm.service->name);
    g_string_append_c(text, '}');
    return g_string_free(text, false);
}

static void subject_clear(void *data)
{
    g_free(((struct subject *)data)->labels);
}

static void add_subject(GArray *subjects, const struct object *object, struct cloud *cloud)
    REQUIRES_SHARED(model)
{
    struct subject subject = {.labels = labels_of(object)};

    switch (object->kind) {
    case OBJECT_HOST:
        fill_host(&subject, object, cloud);
        break;
    case OBJECT_VM:
        cloud_vm_score(cloud, object, &subject.vm);
        subject.usage = object->vm.usage;
        subject.up = object->vm.phase == VM_ACTIVE && domain_is_active(object->vm.domain);
        break;
    case OBJECT_SERVICE:
        cloud_service_score(cloud, object, &subject.service);
        break;
    case OBJECT_PLAN:
    case OBJECT_FOLDER:
        cloud_total_score(cloud, &subject.cloud);
        break;
    case OBJECT_KINDS:
        break;
    }
    g_array_append_val(subjects, subject);
}

/* ---- as text */

static void add_sample(GString *text, const struct family *family, const struct subject *subject)
{
    double value = *(const double *)((const char *)subject + family->offset);

    if (value < 0)
        return;
    g_string_append(text, family->name);
    if (family->type[0] == 'c')
        g_string_append(text, "_total");
    g_string_append(text, subject->labels);
    g_string_append_c(text, ' ');
    number_add(text, value);
    g_string_append_c(text, '\n');
}

/* "# KEYWORD FAMILY TEXT" */
static void add_about(GString *text, const char *keyword, const char *family, const char *about)
{
    g_string_append(text, keyword);
    g_string_append(text, family);
    g_string_append_c(text, ' ');
    g_string_append(text, about);
    g_string_append_c(text, '\n');
}

static void add_families(GString *text, enum object_kind kind, const GArray *subjects)
{
    for (size_t i = 0; i < G_N_ELEMENTS(families); i++) {
        const struct family *family = &families[i];

        if (family->kind != kind)
            continue;
        add_about(text, "# TYPE ", family->name, family->type);
        if (family->unit)
            add_about(text, "# UNIT ", family->name, family->unit);
        add_about(text, "# HELP ", family->name, family->help);
        for (unsigned j = 0; j < subjects->len; j++)
            add_sample(text, family, &g_array_index(subjects, struct subject, j));
    }
}

/* The families of KIND, with a sample of each of OBJECTS. */
static void add_objects(GString *text, enum object_kind kind, void *const *objects, unsigned n,
                        struct cloud *cloud) REQUIRES_SHARED(model)
{
    g_autoptr(GArray) subjects = g_array_sized_new(false, false, sizeof(struct subject), n);

    if (n == 0)
        return;
    g_array_set_clear_func(subjects, subject_clear);
    for (unsigned i = 0; i < n; i++)
        add_subject(subjects, objects[i], cloud);
    add_families(text, kind, subjects);
}

void show_metrics(const struct object *object, struct cloud *cloud, GString *text)
{
    void *const self[] = {(void *)object};

    add_objects(text, object->kind, self, 1, cloud);
    for (int kind = OBJECT_FOLDER + 1; object->kind == OBJECT_FOLDER && kind < OBJECT_KINDS;
         kind++) {
        const GPtrArray *objects = cloud_objects(cloud, (enum object_kind)kind);

        add_objects(text, (enum object_kind)kind, objects->pdata, objects->len, cloud);
    }
    g_string_append(text, "# EOF\n");
}
