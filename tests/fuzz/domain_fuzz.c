/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Any bytes as what a hypervisor sends. The first byte says as what: a domain's XML, a mark,
 * capabilities, or a domain to be changed, and then which keys.
 */
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include "core/virt/make.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

/* There is a spec, and one derived from it is a good one, whatever the XML says. */
static void read_domain(const char *xml)
{
    g_autoptr(GError) error = NULL;
    g_autoptr(VirtDomain) domain = g_new0(struct virt_domain, 1);
    bool ok = virt_parse_domain(xml, domain, &error);

    if (ok == !!error)
        abort();
    if (!ok)
        return;
    if (!g_utf8_validate(domain->type, -1, NULL))
        abort();
    if (!domain->spec) {
        if (!domain->mark || !domain->mark->spec)
            abort();
        return;
    }
    g_autoptr(Spec) spec = spec_parse(SPEC_VM, domain->spec, strlen(domain->spec), NULL);
    if (!spec)
        abort();
}

static void read_mark(const char *xml)
{
    g_autoptr(VirtMark) mark = virt_mark_parse(xml);

    if (!mark)
        return;
    g_autofree char *again_xml = virt_mark_xml(mark);
    g_autoptr(VirtMark) again = again_xml ? virt_mark_parse(again_xml) : NULL;
    if (again && (again->id != mark->id || strcmp(again->cloud, mark->cloud) != 0))
        abort();
}

static void read_capabilities(const char *xml)
{
    g_autoptr(GError) error = NULL;
    g_auto(GStrv) types = NULL;
    bool ok = virt_parse_capabilities(xml, &types, &error);

    if (ok == !!error || ok == !types)
        abort();
}

/* A definition that was edited is as it was asked to be: editing again finds nothing to do. */
static void edit(const char *xml, unsigned keys)
{
    static const char text[] = "cpus = 3\nmemory = 96MiB\nnetwork = none\ncmdline = a<b&c\n";
    g_autoptr(Spec) spec = spec_parse(SPEC_VM, text, sizeof text - 1, NULL);
    const struct virt_plan plan = {
        .uuid = "00000000-0000-4000-8000-000000000001",
        .name = "vm",
        .type = "test",
        .vm = &spec->vm,
    };
    const struct virt_layout layout = {.driver = DRIVER_TEST};
    unsigned done = 0, more = 0;
    g_autofree char *edited = virt_edit_xml(xml, &plan, &layout, keys, &done, NULL);

    if (!edited)
        return;
    g_autofree char *again = virt_edit_xml(edited, &plan, &layout, keys, &more, NULL);
    if (!again || more)
        abort();
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    if (size == 0)
        return 0;
    g_autofree char *xml = g_strndup((const char *)data + 1, size - 1);
    switch (data[0] >> 6) {
    case 0:
        read_domain(xml);
        break;
    case 1:
        read_mark(xml);
        break;
    case 2:
        read_capabilities(xml);
        break;
    default:
        edit(xml, data[0] & 0x3f);
    }
    return 0;
}
