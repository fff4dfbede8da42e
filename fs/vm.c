/* SPDX-License-Identifier: GPL-2.0-or-later */
/* The files of a VM, and the links to it. */
#include "fs/table.h"

static void show_xml(const struct object *vm, struct cloud *cloud, GString *text)
    REQUIRES_SHARED(model)
{
    (void)cloud;
    show_packed(vm->vm.xml, text);
}

static void show_host(const struct object *vm, struct cloud *cloud, GString *text)
    REQUIRES_SHARED(model)
{
    (void)cloud;
    if (vm->vm.host)
        g_string_append_printf(text, "../../hosts/%s", vm->vm.host->name);
}

static void show_of_host(const struct object *vm, struct cloud *cloud, GString *text)
    REQUIRES_SHARED(model)
{
    (void)cloud;
    if (vm->vm.host)
        g_string_append_printf(text, "../../../vms/%s", vm->name);
}

static void show_of_service(const struct object *vm, struct cloud *cloud, GString *text)
    REQUIRES_SHARED(model)
{
    (void)cloud;
    if (vm->vm.service)
        g_string_append_printf(text, "../../../vms/%s", vm->name);
}

static const struct file_row rows[] = {
    ROW_SPEC,
    ROW_STATE,
    ROW_CTL,
    ROW_SCORE,
    ROW_METRICS,
    ROW_PLACEMENT,
    ROW_ERROR,
    {"domain.xml", CODE_XML,        S_IFREG | 0400, FACET_XML,   show_xml,        NULL, "the live libvirt XML"},
    {"host",       CODE_HOST,       S_IFLNK | 0777, FACET_LINKS, show_host,       NULL,
      "the host that holds it; not there while it is not placed"                                               },
    {NULL,         CODE_OF_HOST,    S_IFLNK | 0777, FACET_LINKS, show_of_host,    NULL, "in its host's vms/"  },
    {NULL,         CODE_OF_SERVICE, S_IFLNK | 0777, FACET_LINKS, show_of_service, NULL,
      "in its service's vms/"                                                                                  },
};

const struct file_table vm_files = {"vm", rows, G_N_ELEMENTS(rows)};
