// SPDX-License-Identifier: GPL-2.0-or-later
/*
 * A domain's XML, read. Also the spec that a domain which cloudfs did not make would have: a line
 * is in it only if spec_parse() takes it and reads the same value out of it, so that no name or
 * command line, whatever is in it, can be anything but a value.
 */
#include <string.h>

#include "core/virt/make.h"
#include "core/virt/tree.h"

#define HEADING "# derived from the domain's XML by cloudfs\n"

enum { MOST_BYTES = 4096 }; /* of a value: a path, or the kernel's own limit of a command line */

/* What KEY of a parsed VM spec holds, if that is text; NULL for numbers and the like. */
static char *read_back(const Spec *spec, const char *name)
{
    size_t n;
    const struct spec_key *keys = spec_keys(SPEC_VM, &n);
    for (size_t i = 0; i < n; i++) {
        const char *field = (const char *)&spec->vm + keys[i].offset;
        if (strcmp(keys[i].name, name) != 0)
            continue;
        if (keys[i].type == SPEC_WORDS)
            return g_strjoinv(",", *(char ***)(uintptr_t)field);
        if (keys[i].type == SPEC_TEXT || keys[i].type == SPEC_WORD || keys[i].type == SPEC_PATH)
            return g_strdup(*(char **)(uintptr_t)field);
    }
    return NULL;
}

static bool propose(char **text, const char *key, const char *value)
{
    if (!value || !*value || strlen(value) > MOST_BYTES || strpbrk(value, "\r\n"))
        return false;
    g_autofree char *longer = spec_text_set(*text, key, value);
    g_autoptr(Spec) spec = spec_parse(SPEC_VM, longer, strlen(longer), NULL);
    g_autofree char *back = spec ? read_back(spec, key) : NULL;
    if (!spec || (back && strcmp(back, value) != 0))
        return false;
    g_free(*text);
    *text = g_steal_pointer(&longer);
    return true;
}

static void propose_text(char **text, const char *key, const xmlNode *node)
{
    g_autofree char *value = tree_text(node);
    if (value)
        propose(text, key, g_strstrip(value));
}

/* The name of an interface's network in a spec, NULL for what a spec has no word for. */
static char *network_of(const xmlNode *interface)
{
    if (tree_is(interface, "type", "user"))
        return g_strdup("user");
    if (tree_is(interface, "type", "network"))
        return tree_get(tree_child(interface, "source"), "network");
    return NULL;
}

static bool is_one_word(const char *name)
{
    return *name && !name[strcspn(name, " \t\r\n,;#")];
}

static void propose_networks(char **text, const xmlNode *devices)
{
    xmlNode *interface = tree_child(devices, "interface");
    if (!interface) {
        propose(text, "network", "none");
        return;
    }
    g_autoptr(GString) names = g_string_new(NULL);
    for (; interface; interface = tree_next(interface, "interface")) {
        g_autofree char *name = network_of(interface);
        if (name && is_one_word(name))
            g_string_append_printf(names, "%s%s", names->len ? "," : "", name);
    }
    propose(text, "network", names->str);
}

static void propose_container(char **text, const xmlNode *os, const xmlNode *devices)
{
    propose_text(text, "init", tree_child(os, "init"));
    xmlNode *fs = tree_child(devices, "filesystem");
    while (fs && !tree_is(tree_child(fs, "target"), "dir", "/"))
        fs = tree_next(fs, "filesystem");
    g_autofree char *root = tree_get(tree_child(fs, "source"), "dir");
    propose(text, "root", root);
}

static char *derive(const xmlNode *root, const struct virt_domain *domain)
{
    const xmlNode *os = tree_child(root, "os");
    const xmlNode *devices = tree_child(root, "devices");
    g_autofree char *cpus = g_strdup_printf("%u", domain->cpus);
    g_autofree char *memory = spec_format_size(domain->memory);
    char *text = g_strdup(HEADING);
    if (!propose(&text, "cpus", cpus))
        propose(&text, "cpus", "1"); /* a spec has at least one key */
    propose(&text, "memory", memory);
    propose(&text, "virtualization", domain->type);
    if (g_strcmp0(domain->type, "lxc") == 0)
        propose_container(&text, os, devices);
    propose_text(&text, "kernel", tree_child(os, "kernel"));
    propose_text(&text, "initrd", tree_child(os, "initrd"));
    propose_text(&text, "cmdline", tree_child(os, "cmdline"));
    propose_networks(&text, devices);
    return text;
}

/* libvirt writes KiB, whatever it was given. */
static uint64_t size_of(const xmlNode *node)
{
    uint64_t bytes = 0;
    g_autofree char *number = tree_text(node);
    g_autofree char *unit = tree_get(node, "unit");
    if (!number)
        return 0;
    g_autofree char *text = g_strconcat(g_strstrip(number), unit ? unit : "KiB", NULL);
    return spec_parse_size(text, &bytes) ? bytes : 0;
}

static uint32_t cpus_of(const xmlNode *node)
{
    guint64 count = 0;
    g_autofree char *current = tree_get(node, "current");
    g_autofree char *all = current ? NULL : tree_text(node);
    const char *number = current ? current : all ? g_strstrip(all) : "1";
    g_ascii_string_to_unsigned(number, 10, 0, G_MAXUINT32, &count, NULL);
    return (uint32_t)count;
}

bool virt_parse_domain(const char *xml, struct virt_domain *domain, GError **error)
{
    g_autoptr(XmlTree) doc = tree_parse(xml);
    xmlNode *root = doc ? xmlDocGetRootElement(doc) : NULL;
    if (!root || strcmp((const char *)root->name, "domain") != 0) {
        fail(error, EINVAL, "the domain's definition is no XML of a domain");
        return false;
    }
    domain->cpus = cpus_of(tree_child(root, "vcpu"));
    domain->memory = size_of(tree_child(root, "memory"));
    g_free(domain->type);
    domain->type = tree_get(root, "type");
    if (!domain->type)
        domain->type = g_strdup("");
    g_free(domain->xml);
    domain->xml = g_strdup(xml);
    virt_mark_free(domain->mark);
    domain->mark = mark_read(root);
    g_free(domain->spec);
    domain->spec = domain->mark && domain->mark->spec ? NULL : derive(root, domain);
    return true;
}
