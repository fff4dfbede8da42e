/* SPDX-License-Identifier: GPL-2.0-or-later */
/* What the explanation says after the name of a filter: what was wanted, and what there is. */
#include "core/place/internal.h"

#define NAMED_HOSTS 3 /* of a near group */

char *detail_size(int64_t bytes)
{
    static const char *const units[] = {"KiB", "MiB", "GiB", "TiB"};
    double size = (double)bytes;
    guint unit = 0;
    if (ABS(bytes) < 1024)
        return g_strdup_printf("%" G_GINT64_FORMAT " B", bytes);
    for (size /= 1024; ABS(size) >= 1024 && unit < G_N_ELEMENTS(units) - 1; unit++)
        size /= 1024;
    return g_strdup_printf("%.1f %s", size, units[unit]);
}

void detail_sizes(uint64_t want, int64_t have, char **want_text, char **have_text)
{
    *want_text = detail_size((int64_t)MIN(want, (uint64_t)G_MAXINT64));
    *have_text = detail_size(have);
    if (!g_str_equal(*want_text, *have_text) || (int64_t)want == have)
        return;
    g_free(*want_text);
    g_free(*have_text);
    *want_text = g_strdup_printf("%" G_GUINT64_FORMAT " B", want);
    *have_text = g_strdup_printf("%" G_GINT64_FORMAT " B", have);
}

static char *detail_up(const struct query *query, const struct host *host)
{
    (void)query;
    if (host->up)
        return g_strdup("not known yet");
    return g_strdup(host->why_down ? host->why_down : "down");
}

/* The words of KIND that HOST has; "none". */
static char *words_of(const struct host *host, enum trait_kind kind)
{
    g_autoptr(GString) words = g_string_new(NULL);
    for (guint i = 0; i < host->traits->len; i++) {
        const struct trait *trait = g_ptr_array_index(host->traits, i);
        if (trait->kind == kind)
            g_string_append_printf(words, "%s%s", words->len ? " " : "", trait->name);
    }
    return g_strdup(words->len ? words->str : "none");
}

static char *detail_virtualization(const struct query *query, const struct host *host)
{
    g_autofree char *wants = g_strjoinv(" or ", (char **)query->want->types);
    g_autofree char *offers = words_of(host, TRAIT_TYPE);
    return g_strdup_printf("wants %s, offers %s", wants, offers);
}

static char *detail_cpus(const struct query *query, const struct host *host)
{
    if (query->empty)
        return g_strdup_printf("wants %u, holds %u", query->want->cpus, host->cpus);
    return g_strdup_printf("wants %u, %" G_GINT64_FORMAT " free of %u", query->want->cpus,
                           query_free_cpus(query, host), host->cpus);
}

static char *detail_memory(const struct query *query, const struct host *host)
{
    g_autofree char *wants = NULL, *has = NULL;
    detail_sizes(query->want->memory, query_free_memory(query, host), &wants, &has);
    if (query->empty)
        return g_strdup_printf("wants %s, holds %s", wants, has);
    g_autofree char *of = detail_size((int64_t)host->memory);
    return g_strdup_printf("wants %s, %s free of %s", wants, has, of);
}

static char *detail_load(const struct query *query, const struct host *host)
{
    const struct place_load *load = host->load;
    double usage = query->want->usage, cpus = query->want->cpus * usage;
    if (load->cpus + load->cpus_error + cpus > load->cpus_max)
        return g_strdup_printf("expects %.2f CPUs, error %.2f, of %.2f; wants %.2f more",
                               load->cpus, load->cpus_error, load->cpus_max, cpus);
    g_autofree char *expects = detail_size((int64_t)load->memory);
    g_autofree char *error = detail_size((int64_t)load->memory_error);
    g_autofree char *most = detail_size((int64_t)load->memory_max);
    g_autofree char *wants = detail_size((int64_t)((double)query->want->memory * usage));
    return g_strdup_printf("expects %s, error %s, of %s; wants %s more", expects, error, most,
                           wants);
}

static char *detail_zone(const struct query *query, const struct host *host)
{
    const char *zone = host->zone->name;
    return g_strdup_printf("wants %s, is in %s", query->want->zone, *zone ? zone : "no zone");
}

/* "wants gpu ssd": the words that HOST lacks. */
static char *missing_words(const struct host *host, enum trait_kind kind, const char *start,
                           const char *const *names)
{
    GString *text = g_string_new(start);
    for (; names && *names; names++) {
        if (!host_has(host, kind, *names))
            g_string_append_printf(text, " %s", *names);
    }
    return g_string_free(text, FALSE);
}

static char *detail_labels(const struct query *query, const struct host *host)
{
    return missing_words(host, TRAIT_LABEL, "wants", query->want->labels);
}

static char *detail_network(const struct query *query, const struct host *host)
{
    return missing_words(host, TRAIT_NETWORK, "no network", query->want->networks);
}

static char *detail_host(const struct query *query, const struct host *host)
{
    (void)host;
    return g_strdup_printf("wants %s", query->want->host);
}

static char *detail_avoid(const struct query *query, const struct host *host)
{
    (void)host;
    return g_strdup_printf("group %s is here", query->want->avoid);
}

/* The host of the near group with the lowest row from FIRST on; NULL: no more. */
static const struct host *next_member(const struct query *query, uint32_t first)
{
    const struct host *next = NULL;
    GHashTableIter iter;
    gpointer row;
    g_hash_table_iter_init(&iter, query->near->rows);
    while (g_hash_table_iter_next(&iter, &row, NULL)) {
        const struct host *host = query->place->rows->pdata[GPOINTER_TO_UINT(row)];
        if (host->row >= first && (!next || host->row < next->row))
            next = host;
    }
    return next;
}

static char *detail_near(const struct query *query, const struct host *host)
{
    (void)host;
    GString *text = g_string_new(NULL);
    g_string_printf(text, "group %s is on ", query->want->near);
    const struct host *member = next_member(query, 0);
    guint named = 0;
    for (; member && named <= NAMED_HOSTS; member = next_member(query, member->row + 1)) {
        if (!member->present || !filter_passes(query, member, FILTER_NEAR))
            continue;
        if (named == NAMED_HOSTS)
            g_string_append(text, ", …");
        else
            g_string_append_printf(text, "%s%s", named ? ", " : "", member->name);
        named++;
    }
    if (named == 0)
        g_string_append(text, "a host that is gone");
    return g_string_free(text, FALSE);
}

static char *detail_spread(const struct query *query, const struct host *host)
{
    if (query->want->spread != SPREAD_ZONE)
        return g_strdup("a member of the service is here");
    const char *zone = host->zone->name;
    return g_strdup_printf("%s%s has %u members, another has %u", *zone ? "zone " : "no zone", zone,
                           query_zone_count(query, host), query->zone_level);
}

static char *detail_tried(const struct query *query, const struct host *host)
{
    (void)query;
    (void)host;
    return g_strdup("failed there before");
}

char *detail_of(const struct query *query, const struct host *host, enum filter filter)
{
    static char *(*const details[FILTERS])(const struct query *, const struct host *) = {
        [FILTER_UP] = detail_up,       [FILTER_VIRTUALIZATION] = detail_virtualization,
        [FILTER_CPUS] = detail_cpus,   [FILTER_MEMORY] = detail_memory,
        [FILTER_ZONE] = detail_zone,   [FILTER_LABELS] = detail_labels,
        [FILTER_LOAD] = detail_load,   [FILTER_NETWORK] = detail_network,
        [FILTER_HOST] = detail_host,   [FILTER_AVOID] = detail_avoid,
        [FILTER_NEAR] = detail_near,   [FILTER_SPREAD] = detail_spread,
        [FILTER_TRIED] = detail_tried,
    };
    return details[filter](query, host);
}
