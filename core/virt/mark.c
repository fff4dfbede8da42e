/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * The mark that tells cloudfs's domains from others:
 *
 *   <cloudfs:object xmlns:cloudfs="urn:cloudfs:1" cloud="…" id="7" name="web1" service="web">
 *     <cloudfs:spec>the text</cloudfs:spec></cloudfs:object>
 *
 * The spec is one text node. libvirt keeps those byte for byte (leading blanks, tabs, empty
 * lines, carriage returns too: tests/unit/virt_make_test.c), while white space between elements
 * is its own to arrange.
 */
#include <string.h>

#include "core/virt/make.h"

/* libvirt takes 4 MiB, but then fails to send the domain's XML at all; it writes the whole file
 * again at every change. */
#define MARK_MAX_BYTES (60 * 1024)

/* XML 1.0 has no way to write other characters, not even escaped. */
static bool is_xml_text(const char *text)
{
    if (!g_utf8_validate(text, -1, NULL))
        return false;
    for (const char *p = text; *p; p = g_utf8_next_char(p)) {
        gunichar c = g_utf8_get_char(p);
        bool blank = c == '\t' || c == '\n' || c == '\r';
        if ((c < 0x20 && !blank) || c == 0xFFFE || c == 0xFFFF)
            return false;
    }
    return true;
}

static xmlNode *mark_fill(xmlNode *node, const struct virt_mark *mark, const char *spec)
{
    tree_set(node, "cloud", mark->cloud);
    tree_set_number(node, "id", mark->id);
    tree_set(node, "name", mark->name);
    if (mark->service)
        tree_set(node, "service", mark->service);
    return spec ? tree_add_text(node, "spec", spec) : NULL;
}

/* However it is escaped, this is not too long: a character becomes six at most. */
#define SURELY_SHORT (MARK_MAX_BYTES / 6 - 4096)

/* libvirt's form: without namespace, which virDomainSetMetadata() puts on the elements itself. */
char *mark_content(const struct virt_mark *mark)
{
    const char *spec = mark->spec && is_xml_text(mark->spec) ? mark->spec : NULL;
    for (;;) {
        g_autoptr(XmlTree) doc = tree_new("object");
        xmlNode *root = xmlDocGetRootElement(doc);
        mark_fill(root, mark, spec);
        g_autofree char *text = tree_print(root);
        if (!spec || strlen(text) <= MARK_MAX_BYTES)
            return g_steal_pointer(&text);
        spec = NULL;
    }
}

/* Its form would have it if it were printed; that is only found out where it may be too long. */
static bool has_spec(const struct virt_mark *mark)
{
    if (!mark->spec || !is_xml_text(mark->spec))
        return false;
    if (strlen(mark->spec) <= SURELY_SHORT)
        return true;
    g_autofree char *content = mark_content(mark);
    g_autoptr(XmlTree) doc = tree_parse(content);
    return doc && tree_child(xmlDocGetRootElement(doc), "spec");
}

xmlNode *mark_add(xmlNode *parent, const struct virt_mark *mark)
{
    if (!is_xml_text(mark->cloud) || !is_xml_text(mark->name) ||
        (mark->service && !is_xml_text(mark->service)))
        return NULL; /* leave out what XML cannot say */
    xmlNode *node = tree_add(parent, "object");
    xmlNs *ns = xmlNewNs(node, BAD_CAST VIRT_NAMESPACE, BAD_CAST "cloudfs");
    xmlSetNs(node, ns);
    xmlNode *spec = mark_fill(node, mark, has_spec(mark) ? mark->spec : NULL);
    if (spec)
        xmlSetNs(spec, ns);
    return node;
}

char *virt_mark_xml(const struct virt_mark *mark)
{
    g_autoptr(XmlTree) doc = tree_new("metadata");
    xmlNode *node = mark_add(xmlDocGetRootElement(doc), mark);
    return node ? tree_print(node) : NULL;
}

/* The element itself, or that of a domain's XML. */
static xmlNode *mark_find(xmlNode *root)
{
    if (strcmp((const char *)root->name, "object") == 0)
        return root;
    xmlNode *node = tree_child(tree_child(root, "metadata"), "object");
    while (node && !(node->ns && strcmp((const char *)node->ns->href, VIRT_NAMESPACE) == 0))
        node = tree_next(node, "object");
    return node;
}

struct virt_mark *mark_read(xmlNode *root)
{
    xmlNode *node = root ? mark_find(root) : NULL;
    g_autofree char *cloud = tree_get(node, "cloud");
    g_autofree char *name = tree_get(node, "name");
    g_autofree char *id = tree_get(node, "id");
    guint64 number;
    if (!cloud || !name || !id ||
        !g_ascii_string_to_unsigned(id, 10, 0, G_MAXUINT64, &number, NULL))
        return NULL;
    struct virt_mark *mark = g_new0(struct virt_mark, 1);
    mark->cloud = g_steal_pointer(&cloud);
    mark->name = g_steal_pointer(&name);
    mark->id = number;
    mark->service = tree_get(node, "service");
    mark->spec = tree_text(tree_child(node, "spec"));
    return mark;
}

struct virt_mark *virt_mark_parse(const char *xml)
{
    g_autoptr(XmlTree) doc = xml ? tree_parse(xml) : NULL;
    return mark_read(doc ? xmlDocGetRootElement(doc) : NULL);
}
