/* SPDX-License-Identifier: GPL-2.0-or-later */
#include <fcntl.h>
#include <fuse_lowlevel.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/resource.h>
#include <unistd.h>

#include "core/error.h"
#include "core/failpoint.h"
#include "core/reconcile/engine.h"
#include "fs/list.h"
#include "fs/mount.h"
#include "fs/options.h"
#include "fs/serve.h"

/* What libfuse shall know besides what the user said. */
static void add_mount_options(struct options *options)
{
    g_autofree char *name =
        g_strdup_printf("-ofsname=%s", options->source ? options->source : "cloudfs");

    fuse_opt_add_arg(&options->args, "-odefault_permissions,subtype=cloudfs");
    if (!options->named)
        fuse_opt_add_arg(&options->args, name);
    if (options->debug)
        fuse_opt_add_arg(&options->args, "-odebug");
}

/* The database would be behind the mount that is served from it. */
static bool check_state(const struct conf *conf, const char *mountpoint, GError **error)
{
    if (!mount_hides(mountpoint, conf->state))
        return true;
    fail(error, EINVAL, "the state directory %s is below the mount point %s, which would hide it",
         conf->state, mountpoint);
    return false;
}

static bool run_mount(struct options *options, GError **error)
{
    g_autoptr(Conf) conf = options_conf(options, error);
    g_autofree char *mountpoint = conf ? mount_point(options->mountpoint, error) : NULL;
    bool parent = false;

    if (!mountpoint || !check_state(conf, mountpoint, error))
        return false;
    add_mount_options(options);
    if (!options->foreground && !options->debug && !daemon_begin(&parent, error))
        return false;
    return parent || serve(conf, options, mountpoint, daemon_ready, error);
}

static bool run_check(const struct options *options, GError **error)
{
    g_autoptr(Conf) conf = options_conf(options, error);
    g_autoptr(GString) out = g_string_new(NULL);
    int wrong = 0;

    if (!conf || !engine_check_hosts(conf, out, &wrong, error))
        return false;
    fputs(out->str, stdout);
    if (wrong)
        fail(error, EHOSTDOWN, wrong == 1 ? "one host is wrong" : "%d hosts are wrong", wrong);
    return wrong == 0;
}

static bool print_list(void (*list)(GString *out))
{
    g_autoptr(GString) out = g_string_new(NULL);

    list(out);
    fputs(out->str, stdout);
    return true;
}

static bool run(struct options *options, GError **error)
{
    switch (options->action) {
    case ACTION_MOUNT:
        return run_mount(options, error);
    case ACTION_CHECK:
        return run_check(options, error);
    case ACTION_LIST_FILES:
        return print_list(list_files);
    case ACTION_LIST_KEYS:
        return print_list(list_keys);
    case ACTION_LIST_FAILPOINTS:
        return print_list(failpoint_list);
    case ACTION_HELP:
        fputs(options_help, stdout);
        return true;
    case ACTION_VERSION:
        printf("cloudfs %s (libfuse %s)\n", CLOUDFS_VERSION, fuse_pkgversion());
        return true;
    }
    return false;
}

/*
 * Where the caller has closed standard files, the next that are opened would take their numbers:
 * the lock of the state directory, which going to the background would close, or the database,
 * which libvirt's messages would be written to.
 */
static bool open_standard_files(void)
{
    for (int fd = STDIN_FILENO; fd <= STDERR_FILENO; fd++)
        if (fcntl(fd, F_GETFD) < 0 && open("/dev/null", O_RDWR) < 0) {
            perror("cloudfs: cannot open /dev/null");
            return false;
        }
    return true;
}

/*
 * Each connection takes some, and GLib ends the process where it gets none: hundreds of hosts want
 * more than the usual soft limit. QEMU of the embedded driver inherits it, so not without bound.
 */
static void allow_open_files(void)
{
    const rlim_t wanted = 65536;
    struct rlimit files;

    if (getrlimit(RLIMIT_NOFILE, &files) != 0 || files.rlim_cur >= wanted)
        return;
    files.rlim_cur = MIN(files.rlim_max, wanted);
    setrlimit(RLIMIT_NOFILE, &files);
}

int main(int argc, char **argv)
{
    g_autoptr(GError) error = NULL;
    struct options options;
    bool ok;

    if (!open_standard_files())
        return EXIT_FAILURE;
    allow_open_files();
    ok = options_parse(&options, argc, argv, &error) && run(&options, &error);
    if (error)
        fprintf(stderr, "cloudfs: %s\n", error->message);
    options_release(&options);
    return ok ? EXIT_SUCCESS : EXIT_FAILURE;
}
