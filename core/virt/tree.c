/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "core/virt/tree.h"

#include <libxml/parser.h>
#include <string.h>

#define QUIET (XML_PARSE_NONET | XML_PARSE_NOERROR | XML_PARSE_NOWARNING)

typedef xmlChar XmlText;
static void free_text(XmlText *text)
{
    xmlFree(text);
}
G_DEFINE_AUTOPTR_CLEANUP_FUNC(XmlText, free_text)

static void *checked(void *made)
{
    if (!made)
        g_error("out of memory for XML");
    return made;
}

/* libxml2 stops in the middle of a text that is not UTF-8. */
static char *clean(const char *text)
{
    return g_utf8_make_valid(text ? text : "", -1);
}

xmlDoc *tree_new(const char *name)
{
    xmlDoc *doc = checked(xmlNewDoc(BAD_CAST "1.0"));
    xmlDocSetRootElement(doc, checked(xmlNewNode(NULL, BAD_CAST name)));
    return doc;
}

xmlDoc *tree_parse(const char *xml)
{
    size_t len = strlen(xml);
    if (len > G_MAXINT)
        return NULL;
    xmlDoc *doc = xmlReadMemory(xml, (int)len, NULL, "UTF-8", QUIET);
    if (doc && !xmlDocGetRootElement(doc))
        g_clear_pointer(&doc, xmlFreeDoc);
    return doc;
}

xmlNode *tree_add(xmlNode *parent, const char *name)
{
    return checked(xmlAddChild(parent, checked(xmlNewNode(NULL, BAD_CAST name))));
}

xmlNode *tree_add_text(xmlNode *parent, const char *name, const char *text)
{
    xmlNode *node = tree_add(parent, name);
    tree_set_text(node, text);
    return node;
}

void tree_set(xmlNode *node, const char *attribute, const char *value)
{
    g_autofree char *text = clean(value);
    checked(xmlSetProp(node, BAD_CAST attribute, BAD_CAST text));
}

void tree_set_number(xmlNode *node, const char *attribute, uint64_t value)
{
    g_autofree char *text = g_strdup_printf("%" G_GUINT64_FORMAT, value);
    tree_set(node, attribute, text);
}

void tree_set_text(xmlNode *node, const char *text)
{
    g_autofree char *content = clean(text);
    /* xmlNodeSetContent() itself would read entities; xmlNodeAddContent() takes raw text. */
    xmlNodeSetContent(node, NULL);
    xmlNodeAddContent(node, BAD_CAST content);
}

void tree_remove(xmlNode *node)
{
    if (!node)
        return;
    xmlUnlinkNode(node);
    xmlFreeNode(node);
}

static xmlNode *first_of(xmlNode *node, const char *name)
{
    for (; node; node = node->next)
        if (node->type == XML_ELEMENT_NODE && strcmp((const char *)node->name, name) == 0)
            return node;
    return NULL;
}

xmlNode *tree_child(const xmlNode *parent, const char *name)
{
    return parent ? first_of(parent->children, name) : NULL;
}

xmlNode *tree_next(const xmlNode *node, const char *name)
{
    return first_of(node->next, name);
}

xmlNode *tree_need(xmlNode *parent, const char *name)
{
    xmlNode *node = tree_child(parent, name);
    return node ? node : tree_add(parent, name);
}

char *tree_get(const xmlNode *node, const char *attribute)
{
    if (!node)
        return NULL;
    g_autoptr(XmlText) value = xmlGetProp(node, BAD_CAST attribute);
    return g_strdup((const char *)value);
}

char *tree_text(const xmlNode *node)
{
    if (!node)
        return NULL;
    g_autoptr(XmlText) content = xmlNodeGetContent(node);
    return g_strdup((const char *)content);
}

bool tree_is(const xmlNode *node, const char *attribute, const char *value)
{
    g_autofree char *actual = tree_get(node, attribute);
    return g_strcmp0(actual, value) == 0;
}

char *tree_print(xmlNode *node)
{
    xmlBuffer *buffer = checked(xmlBufferCreate());
    xmlNodeDump(buffer, node->doc, node, 0, 0);
    char *text = g_strdup((const char *)xmlBufferContent(buffer));
    xmlBufferFree(buffer);
    return text;
}
