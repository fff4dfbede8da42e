/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Links that say where a VM runs: who puts another one in their place moves the VM. Each answers
 * REQ when the VM has moved, or with what speaks against it.
 */
#pragma once

#include <fuse_lowlevel.h>

#include "fs/spot.h"

struct fs;

/* Whether the scratch link FROM that replaces the link TO is to move a VM: ln -sfn ../../hosts/H
 * vms/NAME/host. *HOST is its name then, "" if it is no host's, the caller's to free. EPERM: no
 * link that can be changed. */
int relink_check(struct fs *fs, fuse_req_t req, const struct spot *from, const struct spot *to,
                 char **host);
/* Moves VM to HOST; FROM, which becomes TO, is a scratch link or its entry in its host's vms/.
 * EINVAL for "". */
void relink_move(struct fs *fs, fuse_req_t req, const struct spot *from, const struct spot *to,
                 uint64_t vm, const char *host);
/* mv hosts/h1/vms/web1 hosts/h2/vms/ */
void relink_move_entry(struct fs *fs, fuse_req_t req, const struct spot *from,
                       const struct spot *to);
