// SPDX-License-Identifier: GPL-2.0-or-later
#include "core/virt/internal.h"

struct virt_guests {
    GMutex lock;      /* a leaf */
    GHashTable *kept; /* type to struct virt_guest *; under the lock */
};

struct virt_guest *virt_guest_new(const char *arch, const char *os_type)
{
    struct virt_guest *guest = g_new0(struct virt_guest, 1);
    guest->arch = g_strdup(arch);
    guest->os_type = g_strdup(os_type);
    return guest;
}

void virt_guest_free(struct virt_guest *guest)
{
    g_free(guest->arch);
    g_free(guest->os_type);
    g_free(guest);
}

static void guest_free(void *data)
{
    virt_guest_free(data);
}

struct virt_guests *virt_guests_new(void)
{
    struct virt_guests *guests = g_new0(struct virt_guests, 1);
    g_mutex_init(&guests->lock);
    guests->kept = g_hash_table_new_full(g_str_hash, g_str_equal, g_free, guest_free);
    return guests;
}

void virt_guests_free(struct virt_guests *guests)
{
    g_hash_table_unref(guests->kept);
    g_mutex_clear(&guests->lock);
    g_free(guests);
}

void virt_guests_forget(struct virt_guests *guests)
{
    g_mutex_lock(&guests->lock);
    g_hash_table_remove_all(guests->kept);
    g_mutex_unlock(&guests->lock);
}

struct virt_guest *virt_guests_find(struct virt_guests *guests, const char *type)
{
    g_mutex_lock(&guests->lock);
    const struct virt_guest *kept = g_hash_table_lookup(guests->kept, type);
    struct virt_guest *guest = kept ? virt_guest_new(kept->arch, kept->os_type) : NULL;
    g_mutex_unlock(&guests->lock);
    return guest;
}

void virt_guests_keep(struct virt_guests *guests, const char *type, const struct virt_guest *guest)
{
    g_mutex_lock(&guests->lock);
    g_hash_table_replace(guests->kept, g_strdup(type), virt_guest_new(guest->arch, guest->os_type));
    g_mutex_unlock(&guests->lock);
}
