/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "tests/fuzz/tree_world.h"

#include <glib/gstdio.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "core/reconcile/internal.h"
#include "fs/pages.h"
#include "tests/unit/reconcile_fake.h"

static const char configuration[] = "[cloud]\n"
                                    "state = %s\n"
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

static void told(void *fs, uint64_t ino)
{
    pages_told(((struct fs *)fs)->pages, ino);
}

static void sweep(void *fs)
{
    publish_sweep(((struct fs *)fs)->publish);
}

static const struct notify_ops notify_ops = {told, sweep};

/* In memory, where there is such a place: each input has a database of its own. */
static void load_conf(void)
{
    const char *top = g_access("/dev/shm", W_OK) == 0 ? "/dev/shm" : g_get_tmp_dir();
    g_autofree char *state = g_strdup_printf("%s/cloudfs-fuzz-%d", top, (int)getpid());
    g_autofree char *text = g_strdup_printf(configuration, state);
    g_autofree char *file = g_strconcat(state, ".conf", NULL);

    if (!g_file_set_contents(file, text, -1, NULL))
        abort();
    conf = conf_load(file, NULL);
    g_unlink(file);
    if (!conf)
        abort();
}

static void remove_state(void)
{
    g_autoptr(GDir) dir = g_dir_open(conf->state, 0, NULL);
    const char *name;

    while (dir && (name = g_dir_read_name(dir))) {
        g_autofree char *path = g_build_filename(conf->state, name, NULL);

        g_unlink(path);
    }
    g_rmdir(conf->state);
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
    struct engine *engine = engine_new_with(conf, &fake_ops, NULL);

    if (!engine)
        abort(); /* what was stored cannot be read again */
    *fs = (struct fs){.mountpoint = "/nowhere"};
    fs_init(fs, engine, conf);
    fs->notify = notify_new(NULL, &notify_ops, fs, NULL);
    fs->inval = (struct inval){fs->notify, fs->publish, fs->pages, fs->pollers};
    cloud_write_lock(fs->cloud);
    cloud_watch(fs->cloud, inval_watch, &fs->inval);
    cloud_write_unlock(fs->cloud);
    /* So that the same input does the same; only a host that was told to stay down is. */
    for (int tries = 0; tries < 100 && !(is_up(fs->cloud, "a") && is_up(fs->cloud, "b")); tries++)
        g_usleep(200);
}

static void stop(struct fs *fs)
{
    parking_close(fs->parking);
    notify_stop(fs->notify);
    engine_free(fs->engine);
    notify_free(fs->notify);
    fs_release(fs);
}

struct fs *world_begin(void)
{
    struct fs *fs = g_new0(struct fs, 1);

    if (!conf) {
        load_conf();
        atexit(remove_state);
    }
    remove_state();
    fake_init();
    start(fs);
    return fs;
}

void world_again(struct fs *fs)
{
    stop(fs);
    start(fs);
}

void world_end(struct fs *fs)
{
    stop(fs);
    fake_clear();
    g_free(fs);
}
