// SPDX-License-Identifier: GPL-2.0-or-later
/*
 * libvirt's own log. Its only handle is an environment variable, read once when the library is
 * initialised; by default warnings go to stderr, those of the embedded driver among them. Which
 * directory is ours is known when the first handle is made, so nothing of libvirt that needs the
 * library initialised (the event loop does) may run before that.
 */
#include <fcntl.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "core/virt/internal.h"

#define VARIABLE   "LIBVIRT_LOG_OUTPUTS"
#define MOST_BYTES LIMIT(4 * 1024 * 1024, 256)

static GMutex lock;
static bool ours;      /* to be chosen by us, still; guarded by lock */
static char *log_file; /* guarded by lock */

/* Puts the variable there while the process has one thread: to replace its value later is safe
 * beside a getenv() in another thread, to add it is not. */
void virt_log_prepare(void)
{
    g_mutex_lock(&lock);
    if (!getenv(VARIABLE)) {
        setenv(VARIABLE, "", 0); /* the same as none, to libvirt */
        ours = true;
    }
    g_mutex_unlock(&lock);
}

/* libvirt does not start at all if it cannot open the file, or if the path has its syntax in it. */
static bool can_log_to(const char *path)
{
    if (strpbrk(path, " :"))
        return false;
    int fd = open(path, O_WRONLY | O_CREAT | O_APPEND | O_CLOEXEC, 0600);
    if (fd >= 0)
        close(fd);
    return fd >= 0;
}

/* Under lock. */
static void log_to(const char *directory)
{
    g_autofree char *path = g_build_filename(directory, "libvirt.log", NULL);
    g_autofree char *value = g_strdup_printf("3:file:%s", path);
    if (can_log_to(path) && setenv(VARIABLE, value, 1) == 0)
        log_file = g_steal_pointer(&path);
}

/* With everything else of the embedded driver; if that cannot be made, open() says so. */
static void log_to_root(const char *uri, const char *state)
{
    g_autofree char *real = virt_real_uri(uri, state);
    g_autofree char *root = virt_uri_parameter(real, "root");
    g_autofree char *directory = g_build_filename(root, "log", NULL);
    g_mkdir_with_parents(directory, 0711);
    log_to(directory);
}

void virt_log_choose(const char *uri, const char *state)
{
    g_mutex_lock(&lock);
    if (ours && virt_uri_driver(uri) == DRIVER_EMBED)
        log_to_root(uri, state);
    else if (ours)
        log_to(state);
    ours = false;
    g_mutex_unlock(&lock);
}

void virt_log_in(const char *directory)
{
    g_mutex_lock(&lock);
    if (ours)
        log_to(directory);
    ours = false;
    g_mutex_unlock(&lock);
}

void virt_log_chosen(void)
{
    g_mutex_lock(&lock);
    if (log_file)
        setenv(VARIABLE, "", 1);
    g_mutex_unlock(&lock);
}

/* Every failed try to reach a host is a line, for as long as it is down. */
void virt_log_trim(void)
{
    struct stat st;
    g_mutex_lock(&lock);
    if (log_file && stat(log_file, &st) == 0 && st.st_size > MOST_BYTES &&
        truncate(log_file, 0) < 0)
        g_clear_pointer(&log_file, g_free);
    g_mutex_unlock(&lock);
}
