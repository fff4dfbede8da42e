// SPDX-License-Identifier: GPL-2.0-or-later
/*
 * cloudfs.conf. The scanner of specs reads it; a [host NAME] section is cut out and read as a
 * host's spec, with the lines of the file in its sentences.
 */
#include <inttypes.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>

#include "core/error.h"
#include "core/spec/conf.h"
#include "core/spec/internal.h"

enum { CONF_MAX_BYTES = 4 << 20 };

#define MAX_FACTOR  1e6

#define CONF(field) .offset = offsetof(struct conf, field)

/* Words that are all absolute paths. */
static const char *refuse_paths(const char *value)
{
    g_auto(GStrv) words = g_strsplit_set(value, " \t,", -1);
    for (char **word = words; *word; word++)
        if (**word && (**word != '/' || strstr(*word, "..")))
            return "has a word that is no absolute path";
    return NULL;
}

static const struct spec_key rows[] = {
    SPEC_KEY("state", SPEC_PATH, .preset = "/var/lib/cloudfs", CONF(state),
             .doc = "directory of the database; for users ~/.local/state/cloudfs"),
    SPEC_KEY("sample", SPEC_REAL, .unit = "seconds", .min = 0.1, .max = 3600, .preset = "5",
             CONF(sample), .doc = "time between samples of a host that somebody looks at"),
    SPEC_KEY("sample_idle", SPEC_REAL, .unit = "seconds", .min = 0.1, .max = 3600, .preset = "30",
             CONF(sample_idle), .doc = "the same of one that nobody looks at, at most"),
    SPEC_KEY("grace", SPEC_REAL, .unit = "seconds", .max = 3600, .zero = true, .preset = "10",
             CONF(grace), .doc = "time until a removed specs/ file removes its object"),
    SPEC_KEY("wait", SPEC_REAL, .unit = "seconds", .max = 600, .zero = true, .preset = "10",
             CONF(wait), .doc = "time that close waits for a job at most"),
    SPEC_KEY("rebalance_gain", SPEC_REAL, .max = 1000, .preset = "0.2", CONF(rebalance_gain),
             .doc = "what a move must better a VM's S by, as a share of it"),
    SPEC_KEY("rebalance_hold", SPEC_REAL, .unit = "seconds", .max = 864000, .zero = true,
             .preset = "600", CONF(rebalance_hold),
             .doc = "time in which a VM that was moved is not moved again by a plan"),
    SPEC_KEY("rebalance_at_once", SPEC_COUNT, .unit = "moves", .min = 1, .max = 32, .preset = "2",
             CONF(rebalance_at_once), .doc = "moves of a plan that are under way at most"),
    SPEC_KEY("forecast", SPEC_REAL, .unit = "seconds", .min = 1, .max = 86400, .preset = "600",
             CONF(forecast), .doc = "time ahead that the load of a host is forecast"),
    SPEC_KEY("forecast_limit", SPEC_REAL, .max = 100, .zero = true, .preset = "0",
             CONF(forecast_limit),
             .doc = "load to expect of a host at most, of what it has; 0: any"),
    SPEC_KEY("paths", SPEC_WORDS, .preset = "/var/lib/libvirt/images", CONF(paths),
             .refuse = refuse_paths,
             .doc = "directories that specs of users other than root may name files in"),
};

enum section { NONE, CLOUD, VIRTUALIZATION, HOST, QUOTA };

struct reader {
    struct spec_source source;
    struct conf *conf;
    enum section section;
    GHashTable *lines;      /* "SECTION.KEY" or "host NAME" to the line that gave it */
    struct conf_host *host; /* being read, in section HOST */
    const char *host_text;
    unsigned host_line;       /* of its header */
    struct conf_quota *quota; /* being read, in section QUOTA; the configuration has it */
    GError *error;
};

const struct spec_key *conf_keys(size_t *n)
{
    *n = G_N_ELEMENTS(rows);
    return rows;
}

static void host_free(void *data)
{
    struct conf_host *host = data;
    g_free(host->name);
    g_free(host->text);
    spec_unref(host->spec);
    g_free(host);
}

static void set_factor(struct conf *conf, const char *type, double factor)
{
    g_hash_table_replace(conf->virtualization, g_strdup(type), g_memdup2(&factor, sizeof(factor)));
}

static char *default_state(void)
{
    const char *base = g_getenv("XDG_STATE_HOME");
    if (geteuid() == 0)
        return g_strdup("/var/lib/cloudfs");
    if (base && g_path_is_absolute(base))
        return g_build_filename(base, "cloudfs", NULL);
    return g_build_filename(g_get_home_dir(), ".local", "state", "cloudfs", NULL);
}

static struct conf *conf_new(void)
{
    struct conf *conf = g_new0(struct conf, 1);
    spec_set_presets(conf, rows, G_N_ELEMENTS(rows));
    g_free(conf->state);
    conf->state = default_state();
    conf->virtualization = g_hash_table_new_full(g_str_hash, g_str_equal, g_free, g_free);
    set_factor(conf, "kvm", 1.0);
    set_factor(conf, "qemu", 0.1);
    conf->hosts = g_ptr_array_new_with_free_func(host_free);
    conf->quotas = g_ptr_array_new_with_free_func(conf_quota_free);
    return conf;
}

static bool stop_at(struct reader *reader, unsigned line)
{
    spec_prefix(&reader->error, &reader->source, line);
    return false;
}

/* Notes that NAME was given; fails if it was before. Takes NAME. */
static bool note(struct reader *reader, char *name, const char *shown, unsigned line)
{
    unsigned before = GPOINTER_TO_UINT(g_hash_table_lookup(reader->lines, name));
    if (!before) {
        g_hash_table_insert(reader->lines, name, GUINT_TO_POINTER(line));
        return true;
    }
    g_free(name);
    fail(&reader->error, EINVAL, "\"%s\" was given before, in line %u", shown, before);
    return stop_at(reader, line);
}

/* Reads the text of the host's section, which ends at END. */
static bool finish_host(struct reader *reader, const char *end)
{
    struct conf_host *host = reader->host;
    if (!host)
        return true;
    struct spec_source source = {reader->source.file, reader->host_line};
    host->text = g_strndup(reader->host_text, (size_t)(end - reader->host_text));
    host->spec =
        spec_parse_from(&source, SPEC_HOST, host->text, strlen(host->text), &reader->error);
    reader->host = NULL;
    if (host->spec) {
        g_ptr_array_add(reader->conf->hosts, host);
        return true;
    }
    host_free(host);
    return false;
}

static bool start_host(struct reader *reader, const char *name, const struct scan_item *item)
{
    if (!spec_valid_name(name)) {
        g_autofree char *quoted = spec_quote(name, strlen(name));
        fail(&reader->error, EINVAL, "%s is not a host's name", quoted);
        return stop_at(reader, item->line);
    }
    if (!note(reader, g_strdup_printf("host %s", name), name, item->line))
        return false;
    reader->section = HOST;
    reader->host = g_new0(struct conf_host, 1);
    reader->host->name = g_strdup(name);
    reader->host_text = item->end;
    reader->host_line = item->line;
    return true;
}

/* The same for all ways to write a user or a group. */
static char *whose(const struct conf_quota *quota)
{
    if (quota->everybody)
        return g_strdup("quota *");
    return g_strdup_printf("quota %s%" PRIu32, quota->group ? "@" : "", quota->id);
}

static bool start_quota(struct reader *reader, const char *name, const struct scan_item *item)
{
    reader->quota = conf_quota_new(name, &reader->error);
    if (!reader->quota)
        return stop_at(reader, item->line);
    reader->section = QUOTA;
    g_ptr_array_add(reader->conf->quotas, reader->quota);
    return note(reader, whose(reader->quota), name, item->line);
}

/* What stands behind the first word of a section's name. */
static const char *section_name(const char *section)
{
    const char *blank = section + strcspn(section, " \t");
    return blank + strspn(blank, " \t");
}

static bool take_section(struct reader *reader, const struct scan_item *item)
{
    if (!finish_host(reader, item->start))
        return false;
    if (g_str_has_prefix(item->name, "host "))
        return start_host(reader, section_name(item->name), item);
    if (g_str_has_prefix(item->name, "quota "))
        return start_quota(reader, section_name(item->name), item);
    reader->section = strcmp(item->name, "cloud") == 0            ? CLOUD
                      : strcmp(item->name, "virtualization") == 0 ? VIRTUALIZATION
                                                                  : NONE;
    if (reader->section != NONE)
        return true;
    g_autofree char *quoted = spec_quote(item->name, strlen(item->name));
    fail(&reader->error, EINVAL,
         "section %s is unknown; there are [cloud], [virtualization], [host NAME] and [quota NAME]",
         quoted);
    return stop_at(reader, item->line);
}

static bool take_factor(struct reader *reader, const char *type, const char *value)
{
    double factor;
    if (!spec_valid_name(type)) {
        g_autofree char *quoted = spec_quote(type, strlen(type));
        fail(&reader->error, EINVAL, "%s is not a virtualization type", quoted);
        return false;
    }
    if (!spec_parse_real(value, &factor) || factor < 0 || factor > MAX_FACTOR) {
        g_autofree char *quoted = spec_quote(value, strlen(value));
        fail(&reader->error, EINVAL, "%s: %s is not a factor (0 to %.0f)", type, quoted,
             MAX_FACTOR);
        return false;
    }
    set_factor(reader->conf, type, factor + 0.0);
    return true;
}

static bool take_row_key(struct reader *reader, void *object, const struct spec_key *keys, size_t n,
                         const char *name, const char *value)
{
    const struct spec_key *key = spec_find_key(keys, n, name);
    if (key)
        return spec_set_value(object, key, value, &reader->error);
    spec_fail_unknown_key(keys, n, name, &reader->error);
    return false;
}

static bool take_key(struct reader *reader, const struct scan_item *item)
{
    g_autofree char *value = g_strndup(item->value, item->value_len);
    const struct spec_key *keys = rows;
    size_t n = G_N_ELEMENTS(rows);
    bool good;
    if (reader->section == QUOTA)
        keys = conf_quota_keys(&n);
    if (reader->section == CLOUD)
        good = take_row_key(reader, reader->conf, keys, n, item->name, value);
    else if (reader->section == QUOTA)
        good = take_row_key(reader, reader->quota, keys, n, item->name, value);
    else if (reader->section == VIRTUALIZATION)
        good = take_factor(reader, item->name, value);
    else {
        fail(&reader->error, EINVAL, "a key before the first section");
        good = false;
    }
    if (!good)
        return stop_at(reader, item->line);
    reader->conf->paths_given |= reader->section == CLOUD && strcmp(item->name, "paths") == 0;
    char *place = g_strdup_printf("%d.%s.%s", reader->section,
                                  reader->section == QUOTA ? reader->quota->name : "", item->name);
    return note(reader, place, item->name, item->line);
}

static bool take_item(const struct scan_item *item, void *data)
{
    struct reader *reader = data;
    if (item->what == SCAN_SECTION)
        return take_section(reader, item);
    if (reader->section == HOST) /* read when it is complete */
        return true;
    if (item->what == SCAN_KEY)
        return take_key(reader, item);
    if (item->what == SCAN_MORE) {
        fail(&reader->error, EINVAL, "is indented, so it continues a value that takes one line");
    } else {
        g_autofree char *line = spec_quote(item->value, item->value_len);
        fail(&reader->error, EINVAL, "%s is neither \"key = value\" nor \"[section]\"", line);
    }
    return stop_at(reader, item->line);
}

static bool read_conf(struct conf *conf, const char *file, const GString *text, GError **error)
{
    struct reader reader = {.source = {.file = file}, .conf = conf};
    if (!spec_check_text(&reader.source, text->str, text->len, error))
        return false;
    reader.lines = g_hash_table_new_full(g_str_hash, g_str_equal, g_free, NULL);
    spec_scan(text->str, text->len, take_item, &reader);
    bool good = !reader.error && finish_host(&reader, text->str + text->len);
    g_hash_table_destroy(reader.lines);
    if (reader.host)
        host_free(reader.host);
    if (!good)
        g_propagate_error(error, reader.error);
    return good;
}

/* The whole of FILE, which may be a pipe. */
static GString *read_file(const char *file, GError **error)
{
    g_autoptr(GString) text = g_string_new(NULL);
    char block[4096];
    size_t n;
    FILE *stream = fopen(file, "re");
    if (!stream) {
        fail(error, errno, "%s: %s", file, g_strerror(errno));
        return NULL;
    }
    while (text->len <= CONF_MAX_BYTES && (n = fread(block, 1, sizeof(block), stream)) > 0)
        g_string_append_len(text, block, (gssize)n);
    int err = ferror(stream) ? errno : 0;
    fclose(stream);
    if (text->len > CONF_MAX_BYTES)
        err = EFBIG;
    if (!err)
        return g_steal_pointer(&text);
    fail(error, err, "%s: %s", file, g_strerror(err));
    return NULL;
}

struct conf *conf_load(const char *file, GError **error)
{
    g_autoptr(Conf) conf = conf_new();
    if (!file)
        return g_steal_pointer(&conf);
    g_autoptr(GString) text = read_file(file, error);
    if (!text || !read_conf(conf, file, text, error))
        return NULL;
    return g_steal_pointer(&conf);
}

void conf_free(struct conf *conf)
{
    if (!conf)
        return;
    spec_clear_values(conf, rows, G_N_ELEMENTS(rows));
    g_hash_table_destroy(conf->virtualization);
    g_ptr_array_free(conf->hosts, TRUE);
    g_ptr_array_free(conf->quotas, TRUE);
    g_free(conf);
}

double conf_virtualization(const struct conf *conf, const char *type)
{
    const double *factor = g_hash_table_lookup(conf->virtualization, type);
    return factor ? *factor : 1.0;
}
