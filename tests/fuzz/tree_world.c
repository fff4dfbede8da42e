/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "tests/fuzz/tree_world.h"

#include <dlfcn.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <time.h>
#include <unistd.h>

#include "core/reconcile/internal.h"
#include "fs/pages.h"
#include "tests/fuzz/tree_jobs.h"
#include "tests/fuzz/tree_notify.h"
#include "tests/fuzz/tree_store.h"
#include "tests/unit/reconcile_fake.h"

enum {
    STEPS_TO_UP = 1000,
    SECOND = 1000 * 1000,
    PATIENCE = 10000, /* steps in which no time passes */
};

static const char configuration[] = "[cloud]\n"
                                    "state = /nowhere\n"
                                    "sample = 1\n"
                                    "grace = 0.05\n"
                                    "wait = 2\n"
                                    "[host a]\n"
                                    "uri = test:///a\n"
                                    "[host b]\n"
                                    "uri = test:///b\n"
                                    "[quota 1000]\n"
                                    "vms = 3\n"
                                    "memory = 2GiB\n";
static struct conf *conf;

static struct {
    int64_t now;   /* monotonic microseconds */
    int64_t until; /* time does not pass beyond; 0: as far as it takes */
    uint32_t order;
    unsigned uuids;
    unsigned steps;   /* since time has passed */
    bool slow, still; /* still: none passes */
    bool mail;        /* for the engine, which has not looked */
} world;

void world_wrong(const char *what, const char *name)
{
    dprintf(STDERR_FILENO, "%s: %s\n", name, what);
    abort();
}

/* ---- time */

/* In place of libc's, for all that is linked: the clock that timers and deadlines are by is ours.
 * libFuzzer's own is the other one. */
int clock_gettime(clockid_t clock, struct timespec *now)
{
    static int (*libc)(clockid_t, struct timespec *);

    if (!libc)
        *(void **)&libc = dlsym(RTLD_NEXT, "clock_gettime");
    if (clock != CLOCK_MONOTONIC)
        return libc(clock, now);
    *now = (struct timespec){world.now / SECOND, world.now % SECOND * 1000};
    return 0;
}

/* In place of GLib's: by them the hypervisor's domains are in order. */
char *g_uuid_string_random(void)
{
    return g_strdup_printf("00000000-0000-4000-8000-%012x", ++world.uuids);
}

/* In place of libc's: everything is the same for whoever runs it, and no call of the kernel. */
uid_t getuid(void)
{
    return 0;
}

gid_t getgid(void)
{
    return 0;
}

/* In place of GLib's, which writes to a file descriptor: nobody sleeps. */
void g_main_context_wakeup(GMainContext *context)
{
    (void)context;
    world.mail = true;
}

/* What GLib waits with: where there is no mail, the time of the next timer has come. */
static int pass_time(GPollFD *fds, unsigned n, int timeout)
{
    bool mail = world.mail;

    (void)fds;
    (void)n;
    world.mail = false;
    if (mail || timeout <= 0 || world.still)
        return 0;
    world.now += (int64_t)timeout * 1000;
    world.steps = 0;
    if (world.until && world.now > world.until)
        world.now = world.until;
    return 0;
}

/* ---- what happens */

/* Numerical Recipes' generator: small, and the upper bits will do. */
static unsigned draw(void)
{
    world.order = world.order * 1664525 + 1013904223;
    return world.order >> 16;
}

static bool step_jobs(struct fs *fs, unsigned choice)
{
    return (!world.slow || choice % 8 == 0) && jobs_step(fs->engine->jobs, choice >> 3);
}

static bool step_others(struct fs *fs, unsigned choice)
{
    if (choice & 1)
        return notify_step(fs->notify) || step_jobs(fs, choice >> 1);
    return step_jobs(fs, choice >> 1) || notify_step(fs->notify);
}

/* A round of the engine, or of the others; time passes where these have nothing to do. */
void world_step(struct fs *fs)
{
    unsigned choice = draw();

    if (world.steps++ == PATIENCE)
        world_wrong("it does not come to rest", "the engine");
    world.still = choice % 4 == 0 && !world.slow;
    if (world.still || !step_others(fs, choice >> 2))
        engine_round(fs->engine);
}

void world_sleep(struct fs *fs, unsigned ms)
{
    world.until = world.now + (int64_t)ms * 1000;
    while (world.now < world.until)
        world_step(fs);
    world.until = 0;
    notify_idle(fs->notify);
}

void world_set_slow(bool slow)
{
    world.slow = slow;
}

/* ---- the mount */

static void told(void *fs, uint64_t ino)
{
    pages_told(((struct fs *)fs)->pages, ino);
}

static void sweep(void *fs)
{
    publish_sweep(((struct fs *)fs)->publish);
}

static const struct notify_ops notify_ops = {told, sweep};

/* And what cloudfs says of it on standard error is for nobody. */
static void prepare(void)
{
    int fd = memfd_create("conf", 0);
    char path[32];

    snprintf(path, sizeof path, "/proc/self/fd/%d", fd);
    if (fd < 0 || write(fd, configuration, strlen(configuration)) < 0 ||
        !(conf = conf_load(path, NULL)) || !(stderr = fopen("/dev/null", "w")))
        abort();
    close(fd);
}

static bool is_up(struct cloud *cloud, const char *name)
{
    const struct object *host;
    bool up;

    cloud_read_lock(cloud);
    host = cloud_find(cloud, OBJECT_HOST, name);
    up = host && strcmp(host->state, "up") == 0;
    cloud_read_unlock(cloud);
    return up;
}

static void start(struct fs *fs)
{
    struct engine *engine = engine_make(conf, &fake_ops, NULL);

    if (!engine)
        abort(); /* what was stored cannot be read again */
    g_main_context_set_poll_func(engine->context, pass_time);
    *fs = (struct fs){.mountpoint = "/nowhere"};
    fs_init(fs, engine, conf);
    fs->notify = notify_new(NULL, &notify_ops, fs, NULL);
    fs->inval = (struct inval){fs->notify, fs->publish, fs->pages,    fs->pollers,
                               fs->known,  fs->restore, fs->scratches};
    cloud_write_lock(fs->cloud);
    cloud_watch(fs->cloud, inval_watch, &fs->inval);
    cloud_write_unlock(fs->cloud);
}

static void wait_until_up(struct fs *fs)
{
    unsigned steps = 0;

    while (!is_up(fs->cloud, "a") || !is_up(fs->cloud, "b")) {
        if (steps++ == STEPS_TO_UP)
            world_wrong("does not come up", "a host");
        world_step(fs);
    }
}

static void stop(struct fs *fs)
{
    parking_close(fs->parking);
    notify_stop(fs->notify);
    engine_free(fs->engine);
    notify_free(fs->notify);
    fs_release(fs);
}

struct fs *world_begin(unsigned order)
{
    struct fs *fs = g_new0(struct fs, 1);

    if (!conf)
        prepare();
    memset(&world, 0, sizeof world);
    world.now = SECOND * G_GINT64_CONSTANT(1000);
    world.order = order;
    store_wipe();
    fake_init();
    start(fs);
    wait_until_up(fs);
    return fs;
}

/* A host that was told to stay down is. */
void world_again(struct fs *fs)
{
    stop(fs);
    start(fs);
    world_sleep(fs, 10);
}

void world_end(struct fs *fs)
{
    stop(fs);
    fake_clear();
    g_free(fs);
}
