/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * XML trees, so that whatever a value holds it is escaped by libxml2 and never pasted.
 * Values are raw text; bytes that are not UTF-8 are replaced. Like GLib, these functions end
 * the process when memory runs out. Strings that they return are freed with g_free.
 */
#pragma once

#include <glib.h>
#include <libxml/tree.h>
#include <stdbool.h>
#include <stdint.h>

typedef xmlDoc XmlTree;
G_DEFINE_AUTOPTR_CLEANUP_FUNC(XmlTree, xmlFreeDoc)

/* A document whose root is an element NAME. */
xmlDoc *tree_new(const char *name);
/* NULL if XML is not well-formed. Without network, and without a word on stderr. */
xmlDoc *tree_parse(const char *xml);

xmlNode *tree_add(xmlNode *parent, const char *name);
xmlNode *tree_add_text(xmlNode *parent, const char *name, const char *text);
void tree_set(xmlNode *node, const char *attribute, const char *value);
void tree_set_number(xmlNode *node, const char *attribute, uint64_t value);
/* Makes TEXT the whole content of NODE. */
void tree_set_text(xmlNode *node, const char *text);
void tree_remove(xmlNode *node);

/* The first element NAME among the children of PARENT (which may be NULL), or NULL. */
xmlNode *tree_child(const xmlNode *parent, const char *name);
/* The next element NAME after NODE, among its siblings. */
xmlNode *tree_next(const xmlNode *node, const char *name);
/* The same, made if there was none. */
xmlNode *tree_need(xmlNode *parent, const char *name);

/* NULL if there is no NODE, or no such attribute. */
char *tree_get(const xmlNode *node, const char *attribute);
char *tree_text(const xmlNode *node);
bool tree_is(const xmlNode *node, const char *attribute, const char *value);

char *tree_print(xmlNode *node);
