/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * A mount without a kernel: fs/ over an engine over two hosts in memory, a and b.
 *
 * Nothing here has a thread, waits or reads a clock: the engine makes a round, a job runs and the
 * kernel hears of something when world_step() says so, in an order that a number chooses; time
 * passes when there is nothing else to do. So the same input does the same. The rooms core/job and
 * core/store and fs/notify.h have stand-ins, tree_jobs.c, tree_store.c, tree_notify.c; their own
 * tests and the mount tests have the real ones, with their threads.
 */
#pragma once

#include "fs/fs.h"

/* An empty cloud, both hosts of which are up; one at a time. ORDER: of what happens. */
struct fs *world_begin(unsigned order);
/* As an unmount and a mount again; all handles are gone with the former. */
void world_again(struct fs *fs);
void world_end(struct fs *fs);

/* Something happens, or time passes until it does. */
void world_step(struct fs *fs);
/* MS pass, with whatever happens meanwhile. */
void world_sleep(struct fs *fs, unsigned ms);
/* Hypervisors take their time from now on, or do not. */
void world_set_slow(bool slow);

/* WHAT is wrong with NAME: ends the process. */
G_NORETURN void world_wrong(const char *what, const char *name);
