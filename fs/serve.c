/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Start: the engine, then the mount, so that who sees the mount sees the cloud.
 *
 * End: notifications to the kernel and parked requests are ended while requests are still served,
 * as the former may wait for the latter; then the loop; then the engine, whose last answers
 * need the session's descriptor; the unmount closes that, and its number may become a file.
 */
#include "fs/serve.h"

#include <errno.h>
#include <pthread.h>
#include <signal.h>
#include <stdatomic.h>
#include <sys/prctl.h>
#include <sys/resource.h>
#include <systemd/sd-daemon.h>
#include <unistd.h>

#include "core/error.h"
#include "fs/fs.h"
#include "fs/memory.h"
#include "fs/pages.h"

enum { THREADS = LIMIT(10, 1), NUDGE_US = 20 * 1000 };

/* Waits for a signal that asks for the end. */
struct stopper {
    struct fs *fs;
    pthread_t loop, thread;
    atomic_bool ended; /* the loop */
};

static sigset_t stop_signals(void)
{
    sigset_t set;

    sigemptyset(&set);
    sigaddset(&set, SIGTERM);
    sigaddset(&set, SIGINT);
    sigaddset(&set, SIGHUP);
    return set;
}

static void stop_waiting(struct fs *fs)
{
    sd_notify(0, "STOPPING=1");
    parking_close(fs->parking);
    if (fs->notify)
        notify_stop(fs->notify);
}

static void *stopper_run(void *data)
{
    struct stopper *stopper = data;
    sigset_t set = stop_signals();
    int number;

    sigwait(&set, &number);
    if (atomic_load(&stopper->ended))
        return NULL;
    stop_waiting(stopper->fs);
    fuse_session_exit(stopper->fs->session);
    /* The loop sleeps in sem_wait(), and may have looked just before the line above. */
    while (!atomic_load(&stopper->ended)) {
        pthread_kill(stopper->loop, SIGUSR1);
        g_usleep(NUDGE_US);
    }
    return NULL;
}

static void on_nudge(int number)
{
    (void)number;
}

static int run_loop(struct fs *fs)
{
    struct fuse_loop_config *config = fuse_loop_cfg_create();
    int err;

    fuse_loop_cfg_set_max_threads(config, THREADS);
    err = fuse_session_loop_mt(fs->session, config);
    fuse_loop_cfg_destroy(config);
    return err;
}

/* Until unmounted or told to end. */
static bool run(struct fs *fs, GError **error)
{
    struct sigaction nudge = {.sa_handler = on_nudge};
    struct stopper stopper = {.fs = fs, .loop = pthread_self()};
    int err;

    sigaction(SIGUSR1, &nudge, NULL);
    err = pthread_create(&stopper.thread, NULL, stopper_run, &stopper);
    if (err) {
        fail(error, err, "cannot start a thread: %s", g_strerror(err));
        return false;
    }
    err = run_loop(fs);
    atomic_store(&stopper.ended, true);
    pthread_kill(stopper.thread, SIGTERM);
    pthread_join(stopper.thread, NULL);
    if (err < 0)
        fail(error, -err, "the mount broke: %s", g_strerror(-err));
    return err >= 0;
}

static void told(void *fs, uint64_t ino)
{
    pages_told(((struct fs *)fs)->pages, ino);
}

static void idle(void *fs)
{
    publish_sweep(((struct fs *)fs)->publish);
    memory_give_back();
}

static const struct notify_ops notify_ops = {told, idle};

static void watch(struct fs *fs, cloud_watcher watcher)
{
    cloud_write_lock(fs->cloud);
    cloud_watch(fs->cloud, watcher, &fs->inval);
    cloud_write_unlock(fs->cloud);
}

static bool begin(struct fs *fs, const struct conf *conf, GError **error)
{
    struct engine *engine = engine_new(conf, error);

    if (engine)
        fs_init(fs, engine, conf);
    return engine != NULL;
}

static void end(struct fs *fs)
{
    if (!fs->engine)
        return;
    stop_waiting(fs);
    engine_free(fs->engine);
    notify_free(fs->notify);
    fs_release(fs);
}

static bool mount_and_run(struct fs *fs, const char *mountpoint, void (*ready)(void),
                          GError **error)
{
    bool ok;

    if (fuse_session_mount(fs->session, mountpoint) != 0) {
        fail(error, EIO, "cannot mount on %s", mountpoint);
        return false;
    }
    /* Not before: there was nobody to notify. */
    fs->notify = notify_new(fs->session, &notify_ops, fs, error);
    ok = fs->notify != NULL;
    if (ok) {
        fs->inval = (struct inval){fs->notify, fs->publish, fs->pages,    fs->pollers,
                                   fs->known,  fs->restore, fs->scratches};
        watch(fs, inval_watch);
        ready();
        sd_notify(0, "READY=1");
        ok = run(fs, error);
    }
    end(fs); /* before the unmount: see above */
    fs->engine = NULL;
    fuse_session_unmount(fs->session);
    return ok;
}

/*
 * Domain XML and user data hold secrets, and a core file would too. A limit of 1 byte: 0 does not
 * hold where the kernel pipes cores to a program. Root needs no program that is set-user-ID;
 * another user needs fusermount3 for the unmount.
 */
static void harden(void)
{
    const struct rlimit no_core = {1, 1};

    setrlimit(RLIMIT_CORE, &no_core);
    if (geteuid() == 0)
        prctl(PR_SET_NO_NEW_PRIVS, 1, 0, 0, 0);
}

bool serve(const struct conf *conf, struct options *options, const char *mountpoint,
           void (*ready)(void), GError **error)
{
    struct fs fs = {0};
    sigset_t set = stop_signals();
    bool ok;

    /* All threads inherit it: the signals are the stopper's. */
    pthread_sigmask(SIG_BLOCK, &set, NULL);
    harden();
    memory_tune();
    signal(SIGPIPE, SIG_IGN);
    signal(SIGXFSZ, SIG_IGN); /* what is larger than a limit fails then */
    fs.mountpoint = mountpoint;
    fs.max_read = options->max_read;
    fs.allow_root = options->allow_root;
    fs.session = fuse_session_new(&options->args, &fs_ops, sizeof fs_ops, &fs);
    if (!fs.session) {
        fail(error, EINVAL, "wrong mount options");
        return false;
    }
    ok = begin(&fs, conf, error) && mount_and_run(&fs, mountpoint, ready, error);
    end(&fs);
    fuse_session_destroy(fs.session);
    return ok;
}
