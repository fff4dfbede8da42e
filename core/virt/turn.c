// SPDX-License-Identifier: GPL-2.0-or-later
/*
 * Turns at computing. A thousand hosts that connect are opened by dozens of threads, as most of
 * that is waiting. When it is XML that is parsed instead, dozens of threads compute at once, and
 * whoever reads a file waits for all of them: for a processor, and for the allocator's locks, which
 * those hold that were just interrupted. So no more of them compute than there are processors.
 *
 * Nothing within a turn waits for a host.
 */
#include <pthread.h>

#include "core/limit.h"
#include "core/virt/internal.h"

/* pthread's, not GLib's: the thread sanitizer sees them. */
static pthread_mutex_t lock = PTHREAD_MUTEX_INITIALIZER;
static pthread_cond_t given_back = PTHREAD_COND_INITIALIZER;
static unsigned taken; /* guarded by lock */

void virt_turn_take(void)
{
    unsigned most = LIMIT(g_get_num_processors(), 1);
    pthread_mutex_lock(&lock);
    while (taken >= most)
        pthread_cond_wait(&given_back, &lock);
    taken++;
    pthread_mutex_unlock(&lock);
}

void virt_turn_give(void)
{
    pthread_mutex_lock(&lock);
    taken--;
    pthread_cond_signal(&given_back);
    pthread_mutex_unlock(&lock);
}
