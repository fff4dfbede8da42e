/* SPDX-License-Identifier: GPL-2.0-or-later */
/* The files of a host. */
#include "fs/table.h"

/* `key value`; '-' where the value is not known, so that every key is always there. */
static void add_number(GString *text, const char *key, bool known, double value, int digits)
{
    if (known)
        g_string_append_printf(text, "%s %.*f\n", key, digits, value);
    else
        g_string_append_printf(text, "%s -\n", key);
}

static void add_words(GString *text, const char *key, char **words)
{
    g_autofree char *line = words && words[0] ? g_strjoinv(" ", words) : g_strdup("-");

    g_string_append_printf(text, "%s %s\n", key, line);
}

/* What of WHAT is expected to be in use, and by how much that is usually wrong. */
static void add_forecast(GString *text, const char *what, const struct forecast *forecast,
                         double horizon, int digits)
{
    g_autofree char *expected = g_strdup_printf("forecast_%s", what);
    g_autofree char *wrong = g_strdup_printf("forecast_%s_error", what);
    double value = forecast_value(forecast, horizon), error = forecast_error(forecast);

    add_number(text, expected, value >= 0, value, digits);
    add_number(text, wrong, error >= 0, error, digits);
}

static void show_resources(const struct object *host, struct cloud *cloud, GString *text)
    REQUIRES_SHARED(model)
{
    const struct host_part *part = &host->host;
    const struct host_spec *spec = host->spec ? &host->spec->host : NULL;
    const struct usage *load = &part->load;
    double horizon = cloud_conf(cloud)->forecast;
    struct place_use use = {0};
    bool placed = place_use(cloud_place(cloud), host->id, &use) && part->known;

    add_number(text, "cpus", part->known, part->cpus, 0);
    add_number(text, "memory", part->known, (double)part->memory, 0);
    add_number(text, "cpus_capacity", placed, (double)use.cpus_max, 0);
    add_number(text, "memory_capacity", placed, (double)use.memory_max, 0);
    add_number(text, "cpus_allocated", true, (double)use.cpus, 0);
    add_number(text, "memory_allocated", true, (double)use.memory, 0);
    add_number(text, "cpu_used", load->cpu >= 0 && part->known, load->cpu * part->cpus, 6);
    add_number(text, "memory_used", load->memory_used >= 0, load->memory_used, 0);
    add_number(text, "age", load->at > 0,
               (double)(g_get_monotonic_time() - load->at) / G_USEC_PER_SEC, 0);
    add_forecast(text, "cpu", part->cpu_forecast, horizon, 6);
    add_forecast(text, "memory", part->memory_forecast, horizon, 0);
    add_number(text, "vms", true, part->vms->len, 0);
    add_words(text, "types", part->types);
    add_words(text, "networks", part->networks);
    add_words(text, "labels", spec ? spec->labels : NULL);
    g_string_append_printf(text, "zone %s\n", spec && spec->zone ? spec->zone : "-");
}

static const struct file_row rows[] = {
    ROW_SPEC,
    ROW_STATE,
    ROW_CTL,
    ROW_SCORE,
    ROW_METRICS,
    ROW_ERROR,
    {"resources", CODE_RESOURCES, S_IFREG | 0444, CLOCKED,         show_resources, NULL,
      "key value lines: what it has, what is allocated, what is used"                                                },
    {"vms",       CODE_VMS,       S_IFDIR | 0777, FACET_LINKS,     NULL,           NULL, "links to the VMs it holds"},
    {"moves",     CODE_MOVES,     S_IFREG | 0444, FACET_PLACEMENT, show_placement, NULL,
      "which VMs drain would move, and where to"                                                                     },
};

const struct file_table host_files = {"host", rows, G_N_ELEMENTS(rows)};
