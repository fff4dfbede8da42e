/* SPDX-License-Identifier: GPL-2.0-or-later */
/* The text of a `placement` file. */
#include "core/place/internal.h"

#include <string.h>

#define ALL_SHOWN 100 /* up to so many hosts have a row each */
#define BEST      10  /* otherwise: so many of those that passed, */
#define EXAMPLES  3   /* and so many for each filter */

struct line {
    const struct host *host;
    enum filter refusal; /* FILTERS: passed */
    double resources, schedule;
};

static int compare_lines(gconstpointer a, gconstpointer b, gpointer query)
{
    const struct line *left = a, *right = b;
    bool left_passed = left->refusal == FILTERS, right_passed = right->refusal == FILTERS;
    if (left_passed != right_passed)
        return left_passed ? -1 : 1;
    if (left->schedule != right->schedule)
        return left->schedule > right->schedule ? -1 : 1;
    if (left_passed)
        return rank_equals(query, left->host, right->host);
    return (left->host->id > right->host->id) - (left->host->id < right->host->id);
}

/* A line for each host, in the order of the rows. */
static GArray *judge(const struct query *query)
{
    const struct place *place = query->place;
    GArray *lines = g_array_sized_new(FALSE, TRUE, sizeof(struct line), place->n_hosts);
    for (guint row = 0; row < place->rows->len; row++) {
        const struct host *host = g_ptr_array_index(place->rows, row);
        if (!host || !host->present)
            continue;
        struct line line = {.host = host, .refusal = filter_refusal(query, host)};
        if (line.refusal == FILTERS) {
            line.resources = place_resources(query, host);
            line.schedule = place_schedule(query, host, line.resources);
        }
        g_array_append_val(lines, line);
    }
    return lines;
}

/* Copies the best of LINES to BEST, in order, without sorting all of them; returns their number. */
static guint pick_best(const struct query *query, const GArray *lines, struct line best[BEST])
{
    guint n = 0;
    for (guint i = 0; i < lines->len; i++) {
        const struct line *line = &g_array_index(lines, struct line, i);
        if (line->refusal != FILTERS ||
            (n == BEST && compare_lines(line, &best[BEST - 1], (gpointer)query) > 0))
            continue;
        guint at = n < BEST ? n++ : BEST - 1;
        for (; at > 0 && compare_lines(line, &best[at - 1], (gpointer)query) < 0; at--)
            best[at] = best[at - 1];
        best[at] = *line;
    }
    return n;
}

static void count_lines(const GArray *lines, guint counts[FILTERS + 1])
{
    memset(counts, 0, (FILTERS + 1) * sizeof(*counts));
    for (guint i = 0; i < lines->len; i++)
        counts[g_array_index(lines, struct line, i).refusal]++;
}

/* "1 of 3 hosts passed: h1", or what refused them: "0 of 3 hosts passed: memory 2, up 1". */
static void add_summary(GString *text, const struct line *first, guint hosts,
                        const guint counts[FILTERS + 1])
{
    g_string_append_printf(text, "%u of %u hosts passed", counts[FILTERS], hosts);
    const char *before = ": ";
    if (counts[FILTERS] > 0)
        g_string_append_printf(text, "%s%s", before, first->host->name);
    for (enum filter filter = 0; filter < FILTERS && counts[FILTERS] == 0; filter++) {
        if (counts[filter] == 0)
            continue;
        g_string_append_printf(text, "%s%s %u", before, filter_name(filter), counts[filter]);
        before = ", ";
    }
    g_string_append_c(text, '\n');
}

static void add_line(GString *text, const struct query *query, const struct line *line, int width,
                     bool chosen)
{
    g_string_append_printf(text, "%-*s ", width, line->host->name);
    if (line->refusal == FILTERS) {
        g_string_append_printf(text, "%-14s %f %f %f %f\n", chosen ? "chosen" : "passed",
                               query->want->demand, line->resources, line->host->cost,
                               line->schedule);
        return;
    }
    g_autofree char *detail = detail_of(query, line->host, line->refusal);
    g_string_append_printf(text, "%-14s %s\n", filter_name(line->refusal), detail);
}

static void add_table(GString *text, const struct query *query, const struct line *lines, guint n)
{
    int width = (int)strlen("HOST");
    for (guint i = 0; i < n; i++) {
        int length = (int)strlen(lines[i].host->name);
        width = MAX(width, length);
    }
    g_string_append_printf(text, "%-*s %-14s DEMAND RESOURCES COST SCORE\n", width, "HOST",
                           "RESULT");
    for (guint i = 0; i < n; i++) {
        add_line(text, query, &lines[i], width, i == 0 && lines[i].refusal == FILTERS);
    }
}

/* "memory 57 hosts: h3 wants 8.0 GiB, 3.0 GiB free of 64.0 GiB; h4 …" */
static void add_examples(GString *text, const struct query *query, const GArray *lines,
                         enum filter filter, guint count)
{
    g_string_append_printf(text, "%s %u %s:", filter_name(filter), count,
                           count == 1 ? "host" : "hosts");
    guint shown = 0;
    for (guint i = 0; i < lines->len && shown < EXAMPLES; i++) {
        const struct line *line = &g_array_index(lines, struct line, i);
        if (line->refusal != filter)
            continue;
        g_autofree char *detail = detail_of(query, line->host, filter);
        g_string_append_printf(text, "%s %s %s", shown ? ";" : "", line->host->name, detail);
        shown++;
    }
    g_string_append_c(text, '\n');
}

static void add_rest(GString *text, const struct query *query, const GArray *lines,
                     const guint counts[FILTERS + 1], guint shown)
{
    if (counts[FILTERS] > shown)
        g_string_append_printf(text, "passed %u more\n", counts[FILTERS] - shown);
    for (enum filter filter = 0; filter < FILTERS; filter++) {
        if (counts[filter] > 0)
            add_examples(text, query, lines, filter, counts[filter]);
    }
}

char *place_explain(const struct place *place, const struct place_want *want)
{
    struct query query;
    struct best best;
    guint counts[FILTERS + 1];
    GString *text = g_string_new(NULL);
    query_init(&query, place, want);
    best_find(&best, &query); /* for its zone_level */
    g_autoptr(GArray) lines = judge(&query);
    count_lines(lines, counts);
    if (lines->len <= ALL_SHOWN) {
        g_array_sort_with_data(lines, compare_lines, &query);
        const struct line *all = (const struct line *)(void *)lines->data;
        add_summary(text, all, lines->len, counts);
        add_table(text, &query, all, lines->len);
    } else {
        struct line some[BEST];
        guint shown = pick_best(&query, lines, some);
        add_summary(text, some, lines->len, counts);
        add_table(text, &query, some, shown);
        add_rest(text, &query, lines, counts, shown);
    }
    query_clear(&query);
    return g_string_free(text, FALSE);
}
