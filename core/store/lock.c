/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * The lock file: one cloudfs a state directory.
 *
 * The lock is flock(2)'s and ends with the process however it ends; the file stays, as removing
 * it would let two processes lock two files of one name. The pid in it is for the sentence only.
 */
#include "core/store/internal.h"

#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/file.h>
#include <unistd.h>

/* The holder's pid, 0 if it cannot be told. The holder writes it just after it has locked. */
static long read_pid(int fd)
{
    for (int tries = 0; tries < 10; tries++) {
        char text[32] = "";
        if (pread(fd, text, sizeof text - 1, 0) > 0)
            return strtol(text, NULL, 10);
        g_usleep(10000);
    }
    return 0;
}

static bool refuse(struct store *store, int fd, GError **error)
{
    int err = errno;
    if (err != EWOULDBLOCK) {
        fail(error, err, "cannot lock %s/%s: %s", store->dir, STORE_LOCK, g_strerror(err));
        return false;
    }
    long pid = read_pid(fd);
    if (pid > 0)
        fail(error, EBUSY, "%s is in use by another cloudfs (pid %ld)", store->dir, pid);
    else
        fail(error, EBUSY, "%s is in use by another cloudfs", store->dir);
    return false;
}

static bool write_pid(struct store *store, int fd, GError **error)
{
    char text[32];
    int len = snprintf(text, sizeof text, "%ld\n", (long)getpid());
    if (ftruncate(fd, 0) == 0 && pwrite(fd, text, (size_t)len, 0) == len)
        return true;
    int err = errno;
    fail(error, err, "cannot write %s/%s: %s", store->dir, STORE_LOCK, g_strerror(err));
    return false;
}

bool store_lock(struct store *store, GError **error)
{
    g_autofree char *path = g_build_filename(store->dir, STORE_LOCK, NULL);
    int fd = open(path, O_RDWR | O_CREAT | O_CLOEXEC | O_NOCTTY, 0600);
    if (fd < 0) {
        int err = errno;
        fail(error, err, "cannot open %s: %s", path, g_strerror(err));
        return false;
    }
    bool locked = flock(fd, LOCK_EX | LOCK_NB) == 0;
    if (locked ? !write_pid(store, fd, error) : !refuse(store, fd, error)) {
        close(fd);
        return false;
    }
    store->lock = fd;
    return true;
}

void store_unlock(struct store *store)
{
    if (store->lock < 0)
        return;
    if (ftruncate(store->lock, 0) != 0)
        g_debug("cannot empty %s/%s", store->dir, STORE_LOCK);
    close(store->lock);
    store->lock = -1;
}
