/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Changes to a definition. Only what the spec says is touched: devices and settings that an
 * administrator gave an adopted domain stay.
 */
#include <string.h>

#include "core/virt/make.h"

/* Makes PARENT's element NAME hold TEXT, or not be there if TEXT is NULL. */
static bool set_element(xmlNode *parent, const char *name, const char *text)
{
    xmlNode *node = tree_child(parent, name);
    g_autofree char *old = tree_text(node);
    if (g_strcmp0(old, text) == 0)
        return false;
    if (text)
        tree_set_text(node ? node : tree_add(parent, name), text);
    else
        tree_remove(node);
    return true;
}

static uint64_t number_of(char *text, uint64_t fallback)
{
    guint64 number;
    bool ok =
        text && g_ascii_string_to_unsigned(g_strstrip(text), 10, 0, G_MAXUINT64, &number, NULL);
    return ok ? number : fallback;
}

static bool edit_cpus(xmlNode *domain, const struct virt_plan *plan,
                      const struct virt_layout *layout)
{
    uint32_t cpus = plan->vm->cpus;
    xmlNode *vcpu = tree_need(domain, "vcpu");
    g_autofree char *max_text = tree_text(vcpu);
    g_autofree char *current_text = tree_get(vcpu, "current");
    uint64_t max = number_of(max_text, 1);
    if (number_of(current_text, max) == cpus)
        return false;
    if (cpus > max) {
        g_autofree char *text = g_strdup_printf("%u", virt_max_cpus(cpus, layout));
        tree_set_text(vcpu, text);
    }
    tree_set_number(vcpu, "current", cpus);
    /* The state of each single vCPU: counts the old number. */
    tree_remove(tree_child(domain, "vcpus"));
    return true;
}

/* libvirt prints KiB, always. A balloon that an administrator left below a maximum that does not
 * change stays where it is. */
static bool edit_memory(xmlNode *domain, const struct virt_plan *plan)
{
    g_autofree char *kib = g_strdup_printf("%" G_GUINT64_FORMAT, virt_kib(plan->vm->memory));
    if (!set_element(domain, "memory", kib))
        return false;
    set_element(domain, "currentMemory", kib);
    tree_set(tree_child(domain, "memory"), "unit", "KiB");
    tree_set(tree_child(domain, "currentMemory"), "unit", "KiB");
    return true;
}

static bool edit_boot(xmlNode *domain, const struct virt_plan *plan)
{
    const struct vm_spec *vm = plan->vm;
    xmlNode *os = tree_need(domain, "os");
    g_autofree char *type = tree_text(tree_child(os, "type"));
    if (g_strcmp0(type, "exe") == 0)
        return set_element(os, "init", vm->init ? vm->init : VIRT_DEFAULT_INIT);
    bool changed = set_element(os, "kernel", vm->kernel);
    changed |= set_element(os, "initrd", vm->initrd);
    changed |= set_element(os, "cmdline", vm->cmdline);
    return changed;
}

static bool edit_disk(xmlNode *devices, const char *type, const char *path)
{
    if (!path || device_find_disk(devices, path))
        return false;
    device_add_disk(devices, type, path);
    return true;
}

static bool edit_seed(xmlNode *devices, const struct virt_plan *plan, const char *path)
{
    g_autofree char *name = seed_name(plan->uuid);
    xmlNode *old = device_find_disk(devices, name);
    if (path && old && tree_is(tree_child(old, "source"), "file", path))
        return false;
    tree_remove(old);
    if (path)
        device_add_seed(devices, plan->type, path);
    return old || path;
}

/* libxml2 prints the name of a namespace as it is, which need not be XML. */
static char *print_checked(xmlNode *domain, const struct virt_plan *plan, GError **error)
{
    g_autofree char *xml = tree_print(domain);
    g_autoptr(XmlTree) again = tree_parse(xml);
    if (again)
        return g_steal_pointer(&xml);
    fail(error, EINVAL, "the definition of %s has a namespace that cannot be written", plan->name);
    return NULL;
}

char *virt_edit_xml(const char *xml, const struct virt_plan *plan, const struct virt_layout *layout,
                    unsigned keys, unsigned *done, GError **error)
{
    g_autoptr(XmlTree) doc = tree_parse(xml);
    xmlNode *domain = doc ? xmlDocGetRootElement(doc) : NULL;
    if (!domain || strcmp((const char *)domain->name, "domain") != 0) {
        fail(error, EINVAL, "the hypervisor's definition of %s is not XML of a domain", plan->name);
        return NULL;
    }
    unsigned changed = 0;
    xmlNode *devices = tree_need(domain, "devices");
    if (keys & EDIT_CPUS && edit_cpus(domain, plan, layout))
        changed |= EDIT_CPUS;
    if (keys & EDIT_MEMORY && edit_memory(domain, plan))
        changed |= EDIT_MEMORY;
    if (keys & EDIT_BOOT && edit_boot(domain, plan))
        changed |= EDIT_BOOT;
    if (keys & EDIT_NETWORKS &&
        device_set_networks(devices, plan->type, plan->uuid, plan->vm->networks, layout->network))
        changed |= EDIT_NETWORKS;
    if (keys & EDIT_DISK && edit_disk(devices, plan->type, layout->disk))
        changed |= EDIT_DISK;
    if (keys & EDIT_SEED && edit_seed(devices, plan, layout->seed))
        changed |= EDIT_SEED;
    *done = changed;
    return print_checked(domain, plan, error);
}
