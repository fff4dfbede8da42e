/* SPDX-License-Identifier: GPL-2.0-or-later */
#pragma once

/* The bits of a process's number. */
enum {
    PROC_GROUP = 3,    /* its thread group; the one before is its parent */
    PROC_NOISE = 4,    /* the signals that wait for it are noise */
    PROC_NEW = 8,      /* it is in a call that makes a new file */
    PROC_PRIVATE = 16, /* in one that makes a private one */
    PROC_BITS = 31,
    PROC_ANY = 256, /* set in all of them */
};
