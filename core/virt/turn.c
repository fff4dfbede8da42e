// SPDX-License-Identifier: GPL-2.0-or-later
/*
 * Turns at computing. A thousand hosts that connect are opened by dozens of threads, as most of
 * that is waiting. When it is XML that is parsed instead, dozens of threads compute at once, and
 * whoever reads a file waits for all of them: for a processor, and for the allocator's locks, which
 * those hold that were just interrupted. So no more of them compute than there are processors.
 *
 * Who reads of a connection comes before who opens one. Otherwise all hosts would advance a little
 * at a time, and the thread of each keep to the end of all what it has read and freed.
 *
 * Nothing within a turn waits for a host.
 */
#include <pthread.h>

#include "core/limit.h"
#include "core/virt/internal.h"

/* pthread's, not GLib's: the thread sanitizer sees them. */
static pthread_mutex_t lock = PTHREAD_MUTEX_INITIALIZER;
static pthread_cond_t may_open = PTHREAD_COND_INITIALIZER, may_read = PTHREAD_COND_INITIALIZER;
static unsigned taken, reading; /* turns; who waits for one to read. Guarded by lock */
static unsigned places;         /* 0: not known yet. Guarded by lock */

/* Asking for their number opens a file. */
static bool is_free(void)
{
    if (places == 0)
        places = LIMIT(g_get_num_processors(), 1);
    return taken < places;
}

static void call_next(void)
{
    if (is_free())
        pthread_cond_signal(reading > 0 ? &may_read : &may_open);
}

void virt_turn_take(enum virt_turn turn)
{
    bool reads = turn == TURN_READ;
    pthread_mutex_lock(&lock);
    reading += reads;
    while (!is_free() || (!reads && reading > 0))
        pthread_cond_wait(reads ? &may_read : &may_open, &lock);
    reading -= reads;
    taken++;
    call_next(); /* of two that were given back, both may have called the same */
    pthread_mutex_unlock(&lock);
}

void virt_turn_give(void)
{
    pthread_mutex_lock(&lock);
    taken--;
    call_next();
    pthread_mutex_unlock(&lock);
}
