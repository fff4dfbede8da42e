/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Who waits in poll(2) for the log to grow. A wait ends with the first wake; the kernel asks again.
 */
#pragma once

#include <stdbool.h>

struct handle;
struct fuse_pollhandle;

struct pollers;
struct pollers *pollers_new(void);
void pollers_free(struct pollers *pollers);

/* HANDLE waits, in place of what it gave before; WAIT is taken over. */
void pollers_add(struct pollers *pollers, struct handle *handle, struct fuse_pollhandle *wait);
/* HANDLE is being closed. */
void pollers_remove(struct pollers *pollers, struct handle *handle);
bool pollers_any(struct pollers *pollers);
/* Notifies the kernel: never from inside a request. */
void pollers_wake(struct pollers *pollers);
