/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "core/reconcile/trial.h"

#include <errno.h>
#include <ftw.h>
#include <pthread.h>
#include <signal.h>
#include <stdatomic.h>
#include <stdio.h>
#include <unistd.h>

#include "core/error.h"

enum { REMOVALS = 100 };

struct trial {
    char *directory;
    sigset_t signals, before;
    pthread_t thread;
    atomic_int signal; /* that came; 0: none */
    atomic_bool ended, waited_for;
};

static int remove_one(const char *path, const struct stat *st, int type, struct FTW *at)
{
    (void)st;
    (void)type;
    (void)at;
    return remove(path);
}

/* Once more where something came or went meanwhile. */
static void remove_all(const char *directory)
{
    int tries = REMOVALS;

    while (nftw(directory, remove_one, 16, FTW_DEPTH | FTW_PHYS) != 0 &&
           access(directory, F_OK) == 0 && --tries > 0) {
    }
}

static _Noreturn void die(int number)
{
    sigset_t set;

    sigemptyset(&set);
    sigaddset(&set, number);
    pthread_sigmask(SIG_UNBLOCK, &set, NULL);
    raise(number);
    _exit(128 + number); /* it is ignored */
}

static void *watch(void *data)
{
    struct trial *trial = data;
    int number;

    sigwait(&trial->signals, &number);
    if (atomic_load(&trial->ended))
        return NULL;
    atomic_store(&trial->signal, number);
    if (atomic_load(&trial->waited_for))
        sigwait(&trial->signals, &(int){0}); /* for the end, or a second one */
    if (atomic_load(&trial->ended))
        return NULL;
    remove_all(trial->directory);
    die(number);
}

static void add_unless_ignored(sigset_t *set, int number)
{
    struct sigaction action;

    if (sigaction(number, NULL, &action) == 0 && action.sa_handler != SIG_IGN)
        sigaddset(set, number);
}

/* All but those that whoever started this process has it ignore, as nohup(1) does. */
static void block_signals(struct trial *trial)
{
    sigemptyset(&trial->signals);
    sigaddset(&trial->signals, SIGTERM); /* also wakes the watching thread */
    add_unless_ignored(&trial->signals, SIGINT);
    add_unless_ignored(&trial->signals, SIGHUP);
    pthread_sigmask(SIG_BLOCK, &trial->signals, &trial->before);
}

static void release(struct trial *trial)
{
    remove_all(trial->directory);
    pthread_sigmask(SIG_SETMASK, &trial->before, NULL);
    g_free(trial->directory);
    g_free(trial);
}

struct trial *trial_begin(GError **error)
{
    struct trial *trial = g_new0(struct trial, 1);
    g_autoptr(GError) cause = NULL;
    int err;

    block_signals(trial); /* before there is something that one of them could leave behind */
    trial->directory = g_dir_make_tmp("cloudfs-check-XXXXXX", &cause);
    if (!trial->directory) {
        fail(error, EIO, "cannot make a temporary directory: %s", cause->message);
        pthread_sigmask(SIG_SETMASK, &trial->before, NULL);
        g_free(trial);
        return NULL;
    }
    err = pthread_create(&trial->thread, NULL, watch, trial);
    if (err) {
        fail(error, EIO, "cannot start a thread: %s", g_strerror(err));
        release(trial);
        return NULL;
    }
    return trial;
}

const char *trial_directory(const struct trial *trial)
{
    return trial->directory;
}

/* In this order, and watch() in the other: one of the two sees the other's. */
bool trial_part(struct trial *trial, bool waited_for)
{
    atomic_store(&trial->waited_for, waited_for);
    return atomic_load(&trial->signal) == 0;
}

void trial_end(struct trial *trial)
{
    int number;

    atomic_store(&trial->ended, true);
    pthread_kill(trial->thread, SIGTERM);
    pthread_join(trial->thread, NULL);
    number = atomic_load(&trial->signal);
    release(trial);
    if (number)
        die(number);
}
