/* SPDX-License-Identifier: GPL-2.0-or-later */
/* The files that hosts, VMs and services have alike. */
#include "core/reconcile/engine.h"
#include "fs/table.h"

void show_spec(const struct object *object, struct cloud *cloud, GString *text)
{
    (void)cloud;
    /* Who has written must read what was written, also while it is being applied. */
    if (object->next_text)
        g_string_append(text, object->next_text);
    else if (object->spec_text)
        g_string_append(text, object->spec_text);
}

void show_state(const struct object *object, struct cloud *cloud, GString *text)
{
    (void)cloud;
    g_string_append_printf(text, "%s\n", object->state);
}

void show_verbs(const struct object *object, struct cloud *cloud, GString *text)
{
    (void)cloud;
    g_string_append(text, engine_verbs(object->kind));
}

void show_packed(const struct packed *packed, GString *text)
{
    g_autofree char *plain = packed_text(packed);

    if (plain)
        g_string_append_len(text, plain, (gssize)packed_length(packed));
}

void show_placement(const struct object *object, struct cloud *cloud, GString *text)
{
    (void)cloud;
    show_packed(object->placement, text);
}

void show_error(const struct object *object, struct cloud *cloud, GString *text)
{
    (void)cloud;
    if (object->error)
        g_string_append_printf(text, "%s\n", object->error);
    if (object->kind == OBJECT_VM && object->vm.pending)
        g_string_append_printf(text, "%s\n", object->vm.pending);
}
