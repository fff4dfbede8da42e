/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "fs/options.h"

#include <stddef.h>
#include <string.h>

#include "core/error.h"

const char options_help[] =
    "Usage: cloudfs [-c FILE] [-o OPTIONS] [-f] [-d] MOUNTPOINT\n"
    "       cloudfs --check [[-c] FILE]\n"
    "Mounts a private cloud as a directory.\n"
    "\n"
    "  -c FILE              configuration; also -o config=FILE\n"
    "  -o state=DIR         directory of the database\n"
    "  -o sample=SECONDS    time between samples of a host\n"
    "  -o wait=SECONDS      time that close waits for a job at most\n"
    "  -o allow_other       let other users in; permissions are checked\n"
    "  -o OPTIONS           others go to libfuse: see mount.fuse3(8)\n"
    "  -f                   stay in the foreground\n"
    "  -d                   print every request; implies -f\n"
    "  --check              check configuration and hosts; 1 if anything is wrong\n"
    "  -V, --version        print the version\n"
    "  -h, --help           print this\n"
    "\n"
    "Unmount with: fusermount3 -u MOUNTPOINT\n";

enum { KEY_IGNORE, KEY_NAMED };

#define FIELD(template, field, value)                                                              \
    {                                                                                              \
        template, offsetof(struct options, field), value                                           \
    }

/* What mount(8) and fstab put among the options and is none of ours nor of libfuse. */
static const struct fuse_opt templates[] = {
    FIELD("-c %s", conf_file, 0),
    FIELD("--config=%s", conf_file, 0),
    FIELD("config=%s", conf_file, 0),
    FIELD("-f", foreground, 1),
    FIELD("-d", debug, 1),
    FIELD("--debug", debug, 1),
    FIELD("debug", debug, 1),
    FIELD("--check", action, ACTION_CHECK),
    FIELD("-h", action, ACTION_HELP),
    FIELD("--help", action, ACTION_HELP),
    FIELD("-V", action, ACTION_VERSION),
    FIELD("--version", action, ACTION_VERSION),
    FIELD("--list-files", action, ACTION_LIST_FILES),
    FIELD("--list-keys", action, ACTION_LIST_KEYS),
#ifdef CLOUDFS_FAILPOINTS
    FIELD("--list-failpoints", action, ACTION_LIST_FAILPOINTS),
#endif
    FUSE_OPT_KEY("fsname=", KEY_NAMED),
    FIELD("max_read=%u", max_read, 0),
    FUSE_OPT_KEY("max_read=", FUSE_OPT_KEY_KEEP),
    FIELD("allow_root", allow_root, 1),
    FUSE_OPT_KEY("allow_root", FUSE_OPT_KEY_KEEP),
    FUSE_OPT_KEY("defaults", KEY_IGNORE),
    FUSE_OPT_KEY("auto", KEY_IGNORE),
    FUSE_OPT_KEY("noauto", KEY_IGNORE),
    FUSE_OPT_KEY("user", KEY_IGNORE),
    FUSE_OPT_KEY("user=", KEY_IGNORE),
    FUSE_OPT_KEY("nouser", KEY_IGNORE),
    FUSE_OPT_KEY("users", KEY_IGNORE),
    FUSE_OPT_KEY("nousers", KEY_IGNORE),
    FUSE_OPT_KEY("owner", KEY_IGNORE),
    FUSE_OPT_KEY("noowner", KEY_IGNORE),
    FUSE_OPT_KEY("group", KEY_IGNORE),
    FUSE_OPT_KEY("nogroup", KEY_IGNORE),
    FUSE_OPT_KEY("nofail", KEY_IGNORE),
    FUSE_OPT_KEY("fail", KEY_IGNORE),
    FUSE_OPT_KEY("_netdev", KEY_IGNORE),
    FUSE_OPT_KEY("_rnetdev", KEY_IGNORE),
    FUSE_OPT_KEY("comment=", KEY_IGNORE),
    FUSE_OPT_KEY("uhelper=", KEY_IGNORE),
    FUSE_OPT_KEY("helper=", KEY_IGNORE),
    /* Flags of mount(2) that make no difference here: no times of access are kept. */
    FUSE_OPT_KEY("diratime", KEY_IGNORE),
    FUSE_OPT_KEY("nodiratime", KEY_IGNORE),
    FUSE_OPT_KEY("relatime", KEY_IGNORE),
    FUSE_OPT_KEY("norelatime", KEY_IGNORE),
    FUSE_OPT_KEY("strictatime", KEY_IGNORE),
    FUSE_OPT_KEY("nostrictatime", KEY_IGNORE),
    FUSE_OPT_KEY("lazytime", KEY_IGNORE),
    FUSE_OPT_KEY("nolazytime", KEY_IGNORE),
    FUSE_OPT_KEY("iversion", KEY_IGNORE),
    FUSE_OPT_KEY("noiversion", KEY_IGNORE),
    FUSE_OPT_KEY("mand", KEY_IGNORE),
    FUSE_OPT_KEY("nomand", KEY_IGNORE),
    FUSE_OPT_KEY("silent", KEY_IGNORE),
    FUSE_OPT_KEY("loud", KEY_IGNORE),
    FUSE_OPT_END,
};

static bool is_cloud_key(const char *arg)
{
    size_t n, len = strcspn(arg, "=");
    const struct spec_key *keys = conf_keys(&n);

    for (size_t i = 0; i < n && arg[len]; i++)
        if (strlen(keys[i].name) == len && strncmp(keys[i].name, arg, len) == 0)
            return true;
    return false;
}

/* 0: taken, 1: left for libfuse, -1: wrong. */
static int take(void *data, const char *arg, int key, struct fuse_args *args)
{
    struct options *options = data;

    (void)args;
    if (key == KEY_IGNORE)
        return 0;
    if (key == KEY_NAMED)
        options->named = true;
    if (key == FUSE_OPT_KEY_NONOPT) {
        g_ptr_array_add(options->words, g_strdup(arg));
        return 0;
    }
    if (key != FUSE_OPT_KEY_OPT)
        return 1;
    if (strncmp(arg, "x-", 2) == 0 || strncmp(arg, "X-", 2) == 0)
        return 0;
    if (!is_cloud_key(arg))
        return g_str_has_prefix(arg, "--") ? -1 : 1;
    g_ptr_array_add(options->overrides, g_strdup(arg));
    return 0;
}

/* MOUNTPOINT, or SOURCE MOUNTPOINT. A SOURCE with a '/' is a configuration file. */
static bool take_words(struct options *options, GError **error)
{
    GPtrArray *words = options->words;

    if (words->len == 0 || words->len > 2) {
        fail(error, EINVAL,
             words->len ? "too many arguments; see cloudfs --help"
                        : "where to mount? See cloudfs --help");
        return false;
    }
    options->mountpoint = words->pdata[words->len - 1];
    if (words->len == 2)
        options->source = words->pdata[0];
    if (options->source && strchr(options->source, '/') && !options->conf_file)
        options->conf_file = g_strdup(options->source);
    return true;
}

/* FILE, if it was not given otherwise. */
static bool take_file(struct options *options, GError **error)
{
    if (options->words->len > (options->conf_file ? 0 : 1)) {
        fail(error, EINVAL, "too many arguments: --check takes one FILE; see cloudfs --help");
        return false;
    }
    if (options->words->len == 1)
        options->conf_file = g_strdup(options->words->pdata[0]);
    return true;
}

bool options_parse(struct options *options, int argc, char **argv, GError **error)
{
    *options = (struct options){
        .words = g_ptr_array_new_with_free_func(g_free),
        .overrides = g_ptr_array_new_with_free_func(g_free),
        .args = FUSE_ARGS_INIT(argc, argv),
    };
    if (fuse_opt_parse(&options->args, options, templates, take) != 0) {
        fail(error, EINVAL, "wrong arguments; see cloudfs --help");
        return false;
    }
    if (options->conf_file && !*options->conf_file) {
        fail(error, EINVAL, "the name of the configuration is empty; see cloudfs --help");
        return false;
    }
    if (options->action == ACTION_MOUNT)
        return take_words(options, error);
    return options->action != ACTION_CHECK || take_file(options, error);
}

void options_release(struct options *options)
{
    fuse_opt_free_args(&options->args);
    g_ptr_array_free(options->words, true);
    g_ptr_array_free(options->overrides, true);
    free(options->conf_file); /* libfuse's or GLib's malloc: the same */
}

/* ---- overrides of [cloud] */

static void set_key(struct conf *conf, const struct spec_key *key, const char *value)
{
    char *field = (char *)conf + key->offset;

    if (key->type == SPEC_REAL) {
        *(double *)field = g_ascii_strtod(value, NULL);
    } else {
        g_free(*(char **)field);
        *(char **)field = g_strdup(value);
    }
}

static bool override(struct conf *conf, const char *arg, GError **error)
{
    size_t n, len = strcspn(arg, "=");
    const struct spec_key *keys = conf_keys(&n), *key = keys;
    g_autofree char *value = NULL;
    g_autoptr(GError) wrong = NULL;

    while (strlen(key->name) != len || strncmp(key->name, arg, len) != 0)
        key++; /* is_cloud_key() found it */
    /* "" would be the working directory: it is refused as it stands. */
    value = key->type == SPEC_PATH && arg[len + 1] ? g_canonicalize_filename(arg + len + 1, NULL)
                                                   : g_strdup(arg + len + 1);
    if (!spec_check_value(key, value, &wrong)) {
        fail(error, EINVAL, "-o %s: %s", arg, wrong->message);
        return false;
    }
    set_key(conf, key, value);
    return true;
}

struct conf *options_conf(const struct options *options, GError **error)
{
    struct conf *conf = conf_load(options->conf_file, error);

    for (unsigned i = 0; conf && i < options->overrides->len; i++)
        if (!override(conf, options->overrides->pdata[i], error))
            g_clear_pointer(&conf, conf_free);
    return conf;
}
