/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "core/failpoint.h"

#ifdef CLOUDFS_FAILPOINTS

#include <fcntl.h>
#include <pthread.h>
#include <signal.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

enum action { ACTION_KILL, ACTION_ERROR, ACTION_WAIT, ACTION_TRACE };

struct rule {
    char *name; /* without the '*' */
    bool prefix;
    enum action action;
    int value;     /* errno or milliseconds */
    unsigned nth;  /* 0: every */
    unsigned most; /* 0: any number of times */
    double rate;
    unsigned passed, fired;
};

/* Every point is in this section; the linker knows where it begins and ends. */
/* Weak: a program may have none. */
extern const char *const __start_failpoints[] __attribute__((weak));
extern const char *const __stop_failpoints[] __attribute__((weak));

static pthread_mutex_t lock = PTHREAD_MUTEX_INITIALIZER;
static GArray *rules; /* of struct rule; under the lock, as is what follows */
static struct stat seen;

static void rule_clear(void *data)
{
    g_free(((struct rule *)data)->name);
}

static int errno_named(const char *name)
{
    for (int err = 1; err < 256; err++)
        if (g_strcmp0(strerrorname_np(err), name) == 0)
            return err;
    return EIO;
}

/* False for a word that says nothing: a rule that is not what it seems shows nothing. */
static bool take_part(struct rule *rule, const char *part)
{
    const char *value = strchr(part, '=');

    value = value ? value + 1 : "";
    if (strcmp(part, "kill") == 0) {
        rule->action = ACTION_KILL;
    } else if (g_str_has_prefix(part, "error=")) {
        rule->action = ACTION_ERROR;
        rule->value = errno_named(value);
    } else if (g_str_has_prefix(part, "wait=")) {
        rule->action = ACTION_WAIT;
        rule->value = atoi(value);
    } else if (g_str_has_prefix(part, "nth=")) {
        rule->nth = (unsigned)atoi(value);
    } else if (g_str_has_prefix(part, "max=")) {
        rule->most = (unsigned)atoi(value);
    } else if (g_str_has_prefix(part, "rate=")) {
        rule->rate = g_ascii_strtod(value, NULL);
    } else {
        return strcmp(part, "trace") == 0;
    }
    return true;
}

static void add_rule(const char *text)
{
    g_auto(GStrv) parts = g_strsplit(text, ":", -1);
    struct rule rule = {.action = ACTION_TRACE, .rate = 1};

    if (!parts[0] || !*parts[0])
        return;
    rule.name = g_strdup(parts[0]);
    rule.prefix = g_str_has_suffix(rule.name, "*");
    if (rule.prefix)
        rule.name[strlen(rule.name) - 1] = '\0';
    for (char **part = parts + 1; *part; part++)
        if (!take_part(&rule, *part))
            g_warning("failpoint %s: what is \"%s\"?", text, *part);
    g_array_append_val(rules, rule);
}

static void read_rules(const char *text)
{
    g_auto(GStrv) lines = g_strsplit_set(text, ",\n", -1);

    g_array_set_size(rules, 0);
    for (char **line = lines; *line; line++)
        add_rule(g_strstrip(*line));
}

static bool replaced(const char *path)
{
    struct stat st = {0};
    bool is;

    if (stat(path, &st) != 0)
        st = (struct stat){0};
    is = st.st_ino != seen.st_ino || st.st_size != seen.st_size ||
         st.st_mtim.tv_sec != seen.st_mtim.tv_sec || st.st_mtim.tv_nsec != seen.st_mtim.tv_nsec;
    seen = st;
    return is;
}

static void refresh(void)
{
    const char *source = getenv("CLOUDFS_FAILPOINTS");
    g_autofree char *text = NULL;
    bool first = !rules;

    if (first) {
        rules = g_array_new(false, false, sizeof(struct rule));
        g_array_set_clear_func(rules, rule_clear);
    }
    if (!source || (*source != '/' && !first))
        return;
    if (*source != '/')
        read_rules(source);
    else if (replaced(source))
        read_rules(g_file_get_contents(source, &text, NULL, NULL) ? text : "");
}

static bool applies(struct rule *rule, const char *name)
{
    if (rule->prefix ? !g_str_has_prefix(name, rule->name) : strcmp(name, rule->name) != 0)
        return false;
    rule->passed++;
    if ((rule->nth && rule->passed != rule->nth) || (rule->most && rule->fired >= rule->most) ||
        (rule->rate < 1 && g_random_double() >= rule->rate))
        return false;
    rule->fired++;
    return true;
}

static void note(const char *name, enum action action)
{
    static const char *const words[] = {"kill", "error", "wait", "trace"};
    const char *path = getenv("CLOUDFS_FAILPOINTS_LOG");
    g_autofree char *line = g_strdup_printf("%s %s\n", name, words[action]);
    int fd = path ? open(path, O_WRONLY | O_CREAT | O_APPEND | O_CLOEXEC, 0600) : -1;

    if (fd < 0)
        return;
    if (write(fd, line, strlen(line)) < 0) { /* then a test will miss it */
    }
    close(fd);
}

/* The rules that apply now, copied: nobody waits with the lock held. */
static GArray *due(const char *name)
{
    GArray *found = g_array_new(false, false, sizeof(struct rule));

    pthread_mutex_lock(&lock);
    refresh();
    for (unsigned i = 0; i < rules->len; i++)
        if (applies(&g_array_index(rules, struct rule, i), name))
            g_array_append_val(found, g_array_index(rules, struct rule, i));
    pthread_mutex_unlock(&lock);
    return found;
}

bool failpoint_pass(const char *name, GError **error)
{
    g_autoptr(GArray) found = due(name);
    bool ok = true;

    for (unsigned i = 0; i < found->len && ok; i++) {
        const struct rule *rule = &g_array_index(found, struct rule, i);

        note(name, rule->action);
        if (rule->action == ACTION_KILL) {
            kill(getpid(), SIGKILL);
        } else if (rule->action == ACTION_WAIT) {
            g_usleep((gulong)rule->value * 1000);
        } else if (rule->action == ACTION_ERROR) {
            fail(error, rule->value, "failpoint %s: %s", name, g_strerror(rule->value));
            ok = false;
        }
    }
    return ok;
}

static int by_name(const void *a, const void *b)
{
    return strcmp(*(const char *const *)a, *(const char *const *)b);
}

void failpoint_list(GString *out)
{
    g_autoptr(GPtrArray) names = g_ptr_array_new();

    for (const char *const *name = __start_failpoints; name < __stop_failpoints; name++)
        g_ptr_array_add(names, (void *)*name);
    g_ptr_array_sort(names, by_name);
    for (unsigned i = 0; i < names->len; i++)
        if (i == 0 || strcmp(names->pdata[i - 1], names->pdata[i]) != 0)
            g_string_append_printf(out, "%s\n", (const char *)names->pdata[i]);
}

#else

void failpoint_list(GString *out)
{
    (void)out;
}

#endif
