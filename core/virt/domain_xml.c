/* SPDX-License-Identifier: GPL-2.0-or-later */
/* The definition of a domain that cloudfs makes. */
#include <string.h>

#include "core/virt/make.h"

#define CPUS_LIMIT                                                                                 \
    255 /* more need an IOMMU and another APIC mode, which are not ours to choose                  \
         */

uint64_t virt_kib(uint64_t bytes)
{
    return bytes / 1024 + (bytes % 1024 != 0);
}

static bool is_x86(const struct virt_layout *layout)
{
    return !layout->arch || strcmp(layout->arch, "x86_64") == 0 ||
           strcmp(layout->arch, "i686") == 0;
}

/*
 * vCPUs can be added to a running VM up to a maximum that is fixed when it starts. Twice what
 * was asked for, and 8 at least, costs a guest some kilobytes a CPU. Only x86 can plug them.
 */
uint32_t virt_max_cpus(uint32_t cpus, const struct virt_layout *layout)
{
    bool container = layout->os_type && strcmp(layout->os_type, "exe") == 0;
    if (cpus >= CPUS_LIMIT || container || !is_x86(layout))
        return cpus;
    return MIN(MAX(cpus * 2, 8), CPUS_LIMIT);
}

static void add_size(xmlNode *domain, const struct virt_plan *plan,
                     const struct virt_layout *layout)
{
    g_autofree char *kib = g_strdup_printf("%" G_GUINT64_FORMAT, virt_kib(plan->vm->memory));
    g_autofree char *max = g_strdup_printf("%u", virt_max_cpus(plan->vm->cpus, layout));
    tree_set(tree_add_text(domain, "memory", kib), "unit", "KiB");
    tree_set(tree_add_text(domain, "currentMemory", kib), "unit", "KiB");
    xmlNode *vcpu = tree_add_text(domain, "vcpu", max);
    tree_set(vcpu, "placement", "static");
    tree_set_number(vcpu, "current", plan->vm->cpus);
}

static void add_os_type(xmlNode *os, const struct virt_layout *layout, const char *fallback)
{
    xmlNode *type = tree_add_text(os, "type", layout->os_type ? layout->os_type : fallback);
    if (layout->arch)
        tree_set(type, "arch", layout->arch);
}

static void add_machine(xmlNode *domain, const struct virt_plan *plan,
                        const struct virt_layout *layout)
{
    const struct vm_spec *vm = plan->vm;
    xmlNode *os = tree_add(domain, "os");
    add_os_type(os, layout, "hvm");
    if (vm->kernel)
        tree_add_text(os, "kernel", vm->kernel);
    if (vm->initrd)
        tree_add_text(os, "initrd", vm->initrd);
    if (vm->cmdline)
        tree_add_text(os, "cmdline", vm->cmdline);
    if (!vm->kernel)
        tree_set(tree_add(os, "boot"), "dev", "hd");
    if (is_x86(layout) && strcmp(plan->type, "test") != 0) {
        xmlNode *features = tree_add(domain, "features");
        tree_add(features, "acpi");
        tree_add(features, "apic");
    }
    /* host-model can move to hosts that are alike; qemu's own default can move anywhere. */
    if (strcmp(plan->type, "kvm") == 0)
        tree_set(tree_add(domain, "cpu"), "mode", "host-model");
}

/* Without privnet a container that has no interface would have the host's. */
static void add_container(xmlNode *domain, const struct virt_plan *plan,
                          const struct virt_layout *layout)
{
    const struct vm_spec *vm = plan->vm;
    xmlNode *os = tree_add(domain, "os");
    add_os_type(os, layout, "exe");
    tree_add_text(os, "init", vm->init ? vm->init : VIRT_DEFAULT_INIT);
    tree_add(tree_add(domain, "features"), "privnet");
}

static void add_root(xmlNode *devices, const char *root)
{
    xmlNode *filesystem = tree_add(devices, "filesystem");
    tree_set(filesystem, "type", "mount");
    tree_set(tree_add(filesystem, "source"), "dir", root);
    tree_set(tree_add(filesystem, "target"), "dir", "/");
}

static void add_devices(xmlNode *domain, const struct virt_plan *plan,
                        const struct virt_layout *layout, bool container)
{
    xmlNode *devices = tree_add(domain, "devices");
    if (layout->emulator)
        tree_add_text(devices, "emulator", layout->emulator);
    if (layout->disk)
        device_add_disk(devices, plan->type, layout->disk);
    if (layout->seed)
        device_add_seed(devices, plan->type, layout->seed);
    if (container && plan->vm->root)
        add_root(devices, plan->vm->root);
    device_set_networks(devices, plan->type, plan->uuid, plan->vm->networks, layout->network);
    if (strcmp(plan->type, "test") != 0)
        device_add_console(devices, plan->type, layout->console);
    if (device_is_qemu(plan->type))
        device_add_virtio(devices, layout->agent);
}

char *virt_domain_xml(const struct virt_plan *plan, const struct virt_layout *layout)
{
    g_autoptr(XmlTree) doc = tree_new("domain");
    xmlNode *domain = xmlDocGetRootElement(doc);
    bool container =
        layout->os_type ? strcmp(layout->os_type, "exe") == 0 : strcmp(plan->type, "lxc") == 0;
    tree_set(domain, "type", plan->type);
    tree_add_text(domain, "name", plan->name);
    tree_add_text(domain, "uuid", plan->uuid);
    mark_add(tree_add(domain, "metadata"), &plan->mark);
    add_size(domain, plan, layout);
    if (container)
        add_container(domain, plan, layout);
    else
        add_machine(domain, plan, layout);
    tree_set(tree_add(domain, "clock"), "offset", "utc");
    tree_add_text(domain, "on_poweroff", "destroy");
    tree_add_text(domain, "on_reboot", "restart");
    tree_add_text(domain, "on_crash", "destroy");
    add_devices(domain, plan, layout, container);
    return tree_print(domain);
}
