/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Trees that are being put back.
 *
 * Writing into a derived file is EACCES. But cp -a, tar -x, rsync -a and backup tools that put a
 * whole tree back write every file that they took, and must not stumble over those that make
 * themselves. What tells them from a shell's `echo x > state`:
 *
 * - They make objects' directories themselves (rsync: the parent of the process that writes). For
 *   a shell, mkdir(1) does. Or they make a file of specs/ with O_EXCL, which no shell's `>` does.
 *   So who made some may, for a while, write derived files, and VMs before their hosts.
 * - In a directory that they have made just now they expect nothing: open(2) with O_EXCL,
 * symlink(2) and mkdir(2) there find no name for them. (A lookup does not say what it is for; /proc
 * does.)
 * - They remove a file that is in their way, and make it anew (hidden.h).
 * - They set a temporary file's time before they rename it onto its name (scratch.h); sed -i and
 *   editors do not.
 * - They have open what they copy, cp -a /backup/vms/web1/score at vms/web1/score: a file at the
 * same place of another tree. `cp vms/a/score vms/b/` and `echo x > score` have none.
 * - They keep a file to themselves until it is whole, as restic does: open(2) with O_CREAT and mode
 *   0600, where shells, editors and languages ask for 0666 and leave the rest to the umask.
 * - borg tries rmdir(2) on every directory before it makes it, and expects ENOTEMPTY: it must not
 *   destroy a VM. Who tries to remove a folder such as vms/, which cannot go, is taken for that,
 * and so are the programs that are known to do it, as they try no folder when they put back a part.
 *
 * What is written so is taken and thrown away. A process that is not in cloudfs's pid namespace has
 * the number 0 as all others there: it is never known to do any of that.
 */
#pragma once

#include <stdbool.h>
#include <stdint.h>
#include <sys/types.h>

struct restore;

struct restore *restore_new(void);
void restore_free(struct restore *restore);
/* PROCESS (a thread group) has made the directory of object ID. */
void restore_made(struct restore *restore, uint64_t id, pid_t process);
/* The object is gone: its id is never given again. A leaf: any lock may be held. */
void restore_forget(struct restore *restore, uint64_t id);
/* How many objects are remembered, for tests. */
unsigned restore_remembered(struct restore *restore);
/* Thread TID tried to remove a folder. */
void restore_probed(struct restore *restore, pid_t tid);
/* Whether its rmdir(2) is such a try, too. Also if nothing that it did before tells, by its
 * program: tar -U, or borg that puts back a part. */
bool restore_is_probing(struct restore *restore, pid_t tid);
/* Whether the call that thread TID waits in makes a new name in the directory of object ID, which
 * it, or its parent, has made. */
bool restore_expects_nothing(struct restore *restore, uint64_t id, pid_t tid);
/* Whether the process of thread TID, or its parent, made some object's directory not long ago. */
bool restore_may_write(struct restore *restore, pid_t tid);
/* Whether thread TID, which waits in open(2) of the derived file at PLACE ("vms/web1/score") of the
 * mount on MOUNTPOINT, puts it back by one of the two signs that a single call has. */
bool restore_puts_back(pid_t tid, const char *mountpoint, const char *place);
/* Whether PATH is PLACE in another tree than that of MOUNTPOINT. */
bool restore_is_copy(const char *path, const char *mountpoint, const char *place);
