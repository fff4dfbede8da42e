/* SPDX-License-Identifier: GPL-2.0-or-later */
/* The event log: one line an event, bounded, the same text in memory and in the store. */
#include "core/cloud/internal.h"

#include <string.h>

static const char *folder_name(const struct object *object)
{
    switch (object->kind) {
    case OBJECT_HOST:
        return "hosts/";
    case OBJECT_VM:
        return "vms/";
    case OBJECT_SERVICE:
        return "services/";
    case OBJECT_PLAN:
        return "plan/";
    case OBJECT_FOLDER:
    case OBJECT_KINDS:
        break;
    }
    return "";
}

/* A line must stay a line, whatever a hypervisor or a user put into it. */
static void escape_controls(GString *text)
{
    for (char *c = text->str; *c; c++)
        if ((unsigned char)*c < 0x20 || *c == 0x7f)
            *c = '?';
}

static void drop_oldest(struct cloud *cloud) REQUIRES(model)
{
    const char *end = cloud->log->str;

    for (unsigned i = 0; i < EVENTS_KEEP; i++)
        end = strchr(end, '\n') + 1;
    g_string_erase(cloud->log, 0, end - cloud->log->str);
    cloud->log_lines -= EVENTS_KEEP;
}

void cloud_restore_event(struct cloud *cloud, uint64_t seq, int64_t time, const char *text)
{
    g_autoptr(GDateTime) utc = g_date_time_new_from_unix_utc(time / G_GINT64_CONSTANT(1000000000));
    g_autofree char *stamp = utc ? g_date_time_format(utc, "%Y-%m-%dT%H:%M:%S") : g_strdup("-");

    g_string_append_printf(cloud->log, "%" G_GUINT64_FORMAT " %s.%03dZ %s\n", seq, stamp,
                           (int)(time / 1000000 % 1000), text);
    cloud->log_seq = seq;
    cloud->log_time = time;
    if (++cloud->log_lines >= 2 * EVENTS_KEEP)
        drop_oldest(cloud);
}

void cloud_event(struct cloud *cloud, const struct object *object, const struct actor *actor,
                 const char *format, ...)
{
    struct event *event = g_new0(struct event, 1);
    GString *text = g_string_new(object ? folder_name(object) : "cloud");
    va_list args;

    if (object)
        g_string_append(text, object->name);
    g_string_append_c(text, ' ');
    va_start(args, format);
    g_string_append_vprintf(text, format, args);
    va_end(args);
    if (actor && actor->user)
        g_string_append_printf(text, " uid=%u pid=%d", (unsigned)actor->uid, (int)actor->pid);
    escape_controls(text);

    event->seq = cloud->log_seq + 1;
    event->time = cloud_now();
    event->text = g_string_free(text, false);
    g_ptr_array_add(cloud->log_fresh, event);
    cloud_restore_event(cloud, event->seq, event->time, event->text);
    cloud_tell(cloud, CHANGE_EVENTS, NULL, FACET_SELF, NULL);
}

GPtrArray *cloud_take_events(struct cloud *cloud)
{
    GPtrArray *taken = cloud->log_fresh;

    cloud->log_fresh = g_ptr_array_new();
    return taken;
}

const GString *cloud_events_text(struct cloud *cloud, int64_t *time)
{
    *time = cloud->log_time;
    return cloud->log;
}
