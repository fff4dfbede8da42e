/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * What the files share that make, change and remove domains.
 *
 * Which network a VM gets whose spec says nothing: the host's network `default` where it is
 * active; else `user` (QEMU's own NAT, which needs no privilege) where QEMU runs the VM; else
 * none. The embedded driver knows no networks and so gives `user`. layout.c decides it.
 */
#pragma once

#include "core/virt/internal.h"
#include "core/virt/tree.h"

/* mark.c: the content that virDomainSetMetadata() takes, and the element within PARENT. */
char *mark_content(const struct virt_mark *mark);
xmlNode *mark_add(xmlNode *parent, const struct virt_mark *mark);
/* That in ROOT, a domain's or the mark's own element; NULL: none. */
struct virt_mark *mark_read(xmlNode *root);

struct disk_place;

/*
 * confine.c: files that the spec of a user names, PATH being the value of KEY. EPERM: it is not
 * below the directories that are allowed. EACCES: it is there, but everybody cannot read it, or
 * others can put another in its place, or it is the disk of a VM. ENOENT.
 */
/* Of this machine; REAL is where PATH leads. */
bool confine_here(const char *key, const char *path, const char *real,
                  const char *const *directories, GError **error);
/* Of the host of PLACE, if PLAN is confined; PATH may be NULL. Asks the host. */
bool confine_file(const struct disk_place *place, const struct virt_plan *plan, const char *key,
                  const char *path, GError **error);
/* All that the hypervisor opens for PLAN, but for those that BEFORE (NULL: none) names too. */
bool confine_plan(const struct disk_place *place, const struct virt_plan *plan,
                  const struct vm_spec *before, GError **error);

/* change.c: puts MARK into a domain, live and inactive. */
bool domain_set_mark(virDomainPtr dom, const struct virt_mark *mark, GError **error);

/* device_xml.c: devices of a domain; DEVICES is its <devices>, TYPE the virtualization type. */
bool device_is_qemu(const char *type);
void device_add_disk(xmlNode *devices, const char *type, const char *path);
void device_add_seed(xmlNode *devices, const char *type, const char *path);
/* The <disk> whose file is (or ends in) PATH. */
xmlNode *device_find_disk(xmlNode *devices, const char *path);
/* Whether there is a disk besides the seed of a VM that has no disk of ours. */
bool device_has_foreign_disk(xmlNode *devices, const char *uuid);
/*
 * Interfaces as NETWORKS says (an empty list: FALLBACK). Those that are there and wanted stay as
 * they are; those that a spec cannot express (bridges, host devices) stay always. Returns
 * whether anything was different.
 */
bool device_set_networks(xmlNode *devices, const char *type, const char *uuid, char **networks,
                         const char *fallback);
void device_add_console(xmlNode *devices, const char *type, const char *log);
void device_add_virtio(xmlNode *devices, bool agent);

/* domain_xml.c: the maximum of vCPUs to define for CPUS. */
uint32_t virt_max_cpus(uint32_t cpus, const struct virt_layout *layout);
uint64_t virt_kib(uint64_t bytes);
#define VIRT_DEFAULT_INIT "/bin/sh"

/* edit_xml.c: what of a definition is to be made as a plan says. */
enum edit_key {
    EDIT_CPUS = 1 << 0,
    EDIT_MEMORY = 1 << 1,
    EDIT_BOOT = 1 << 2, /* kernel, initrd, cmdline, init */
    EDIT_NETWORKS = 1 << 3,
    EDIT_DISK = 1 << 4, /* one where there was none */
    EDIT_SEED = 1 << 5,
};
/*
 * The inactive XML with KEYS made as PLAN and LAYOUT say; *done are those that were different.
 * Everything else stays as it is. EINVAL if XML is none. Pure.
 */
char *virt_edit_xml(const char *xml, const struct virt_plan *plan, const struct virt_layout *layout,
                    unsigned keys, unsigned *done, GError **error);

/* differ_xml.c: those of EDIT_BOOT, EDIT_NETWORKS, EDIT_DISK and EDIT_SEED in which the running
 * domain LIVE is otherwise than its definition KEPT; 0 if one of them is no XML. Pure. */
unsigned virt_differing_keys(const char *live, const char *kept, const char *uuid);

/* layout.c: what of the host decides about a definition. */
struct host_layout {
    struct virt_layout layout; /* its strings are owned by `strings` */
    GPtrArray *strings;
};
/* EOPNOTSUPP when the host offers no such virtualization type. */
struct host_layout *host_layout_of(struct virt *v, virConnectPtr conn, const struct virt_plan *plan,
                                   GError **error);
void host_layout_free(struct host_layout *host);
typedef struct host_layout HostLayout;
G_DEFINE_AUTOPTR_CLEANUP_FUNC(HostLayout, host_layout_free)

/*
 * Where a host keeps disks: its storage pools (volume.c), or files below the state directory
 * with the embedded driver, which has no pools (diskfile.c). NAME is "UUID.qcow2" or
 * "UUID-seed.iso". All may wait; any number at the same time.
 */
struct disk_place {
    const struct disk_store *store;
    virConnectPtr conn;
    const char *state;
    enum virt_driver driver;
    bool here; /* its files are this machine's */
    /* Look at the directories themselves before saying that a disk is not there: a VM that came
     * over shared storage has one that this host's pools have not seen yet. */
    bool stale;
};
struct disk_store {
    /* *path is NULL when there is none. */
    bool (*find)(const struct disk_place *place, const char *name, char **path, uint64_t *bytes,
                 GError **error);
    /* An empty qcow2 of BYTES, or an overlay of IMAGE (of the image's size if BYTES is 0).
     * ENOENT: no such image. EINVAL: BYTES is less than the image. EOPNOTSUPP: no pool. */
    bool (*create)(const struct disk_place *place, const char *name, const char *image,
                   uint64_t bytes, char **path, GError **error);
    bool (*resize)(const struct disk_place *place, const char *name, uint64_t bytes,
                   GError **error);
    /* Replaces a file of that name; who has it open keeps the old one. */
    bool (*upload)(const struct disk_place *place, const char *name, GBytes *content, char **path,
                   GError **error);
    /* Not being there is success. */
    bool (*remove)(const struct disk_place *place, const char *name, GError **error);
};
extern const struct disk_store disk_volumes;
extern const struct disk_store disk_files;

/* diskfile.c: the directory of the embedded driver's disks, and a file in it. */
char *disk_file_path(const char *state, const char *name);
bool disk_files_directory(const char *state, GError **error);

/* pool.c: storage pools that hold files. The first of `default`, any other, one of ours that is
 * made (EOPNOTSUPP where it cannot be). */
virStoragePoolPtr pool_choose(const struct disk_place *place, GError **error);
/* EBUSY: a pool that is defined and not active has the directory of PATH, a file of the host. */
bool pool_require_active(virConnectPtr conn, const char *path, GError **error);
/* All active ones, of virStoragePoolPtr, by name; empty where the driver has none. */
GPtrArray *pool_list(virConnectPtr conn, GError **error);
/* *volume is NULL when no pool has one of that name. */
bool pool_find_volume(const struct disk_place *place, const char *name, virStorageVolPtr *volume,
                      GError **error);

/* image.c: the image at PATH of the host, as its pools know it. */
struct disk_image {
    char format[16];
    uint64_t bytes; /* 0: not known */
    bool has_mode;  /* libvirt tells it */
    mode_t mode;    /* permissions */
};
bool image_of_host(const struct disk_place *place, const char *path, struct disk_image *image,
                   GError **error);

/* disk.c: the disk and the seed of a VM. */
struct disk_place disk_place_of(struct virt *v, virConnectPtr conn);
char *disk_name(const char *uuid);
char *seed_name(const char *uuid);
char *console_name(const char *uuid);
/* Whether an image of IMAGE_BYTES fits on a disk of BYTES (0: the image's size). */
bool disk_fits(const char *image, uint64_t image_bytes, uint64_t bytes, GError **error);
/* *path is NULL for a VM without a disk; *made says whether this call made it. A disk that is
 * there is used, and grows to the size asked for. EBUSY: it is in a pool that is not active. */
bool disk_make(const struct disk_place *place, const struct virt_plan *plan, char **path,
               bool *made, GError **error);
/* Grows the disk of DOM to BYTES, live if it runs; EINVAL if it is larger. */
bool disk_grow(const struct disk_place *place, virDomainPtr dom, const char *uuid, uint64_t bytes,
               GError **error);
/* *path is NULL for a VM without user_data; REPLACE: also where one is there. */
bool seed_make(const struct disk_place *place, const struct virt_plan *plan, bool replace,
               char **path, bool *made, GError **error);
/* What lies beside the file NAME as long as that is a copy which a move makes (luggage.c). */
char *disk_mark_name(const char *name);
bool disk_unmark(const struct disk_place *place, const char *name, GError **error);
/* EBUSY: by the definition SEEN (NULL: none), disk or seed are in a pool that is not active. */
bool disk_may_be_removed(const struct disk_place *place, const char *uuid, const char *seen,
                         GError **error);
/* Disk and seed with their marks, and console log. */
bool disk_remove_all(const struct disk_place *place, const char *uuid, GError **error);

/* seed.c: the NoCloud image of PLAN, which has user_data. EINVAL, ENOENT, EACCES. */
GBytes *seed_image(const struct virt_plan *plan, GError **error);

/* create.c: EOPNOTSUPP for a container that asks for what only a machine has. */
bool plan_check_container(const struct virt_plan *plan, GError **error);

/* destroy.c: stops it; being off, or gone, is success. Then undefines it. */
bool domain_stop(virDomainPtr dom, GError **error);
bool domain_undefine(virDomainPtr dom, GError **error);

/* luggage.c: what of a VM lies on the host that it leaves, and where it goes. */
struct luggage {
    char *disk, *disk_there; /* paths; NULL: it has none */
    char *seed, *seed_there;
    bool copy;            /* the disk is not seen there: it is sent along */
    bool made, seed_made; /* there, by luggage_pack() */
};
/* Finds what PLAN's VM has here, and makes there what is to be filled. */
bool luggage_pack(struct luggage *luggage, const struct disk_place *here,
                  const struct disk_place *there, virDomainPtr dom, const struct virt_plan *plan,
                  GError **error);
/* The definition FLAGS of DOM as it is to be there. Free with g_free. */
char *luggage_label(const struct luggage *luggage, virDomainPtr dom, unsigned flags,
                    GError **error);
/* After a failure: what luggage_pack() made is removed. */
void luggage_return(const struct luggage *luggage, const struct disk_place *there,
                    const char *uuid);
/* After it has left: what of it is here and not there too is removed. Goes on after a failure. */
bool luggage_leave(const struct disk_place *here, const struct disk_place *there, const char *uuid,
                   GError **error);
/* It has arrived at PLACE, and nothing of it is where it came from: what is here is no copy. */
void luggage_unmark(const struct disk_place *place, const char *uuid);
void luggage_clear(struct luggage *luggage);
typedef struct luggage Luggage;
G_DEFINE_AUTO_CLEANUP_CLEAR_FUNC(Luggage, luggage_clear)

typedef virStoragePool VirtPool;
G_DEFINE_AUTOPTR_CLEANUP_FUNC(VirtPool, virStoragePoolFree)
typedef virStorageVol VirtVolume;
G_DEFINE_AUTOPTR_CLEANUP_FUNC(VirtVolume, virStorageVolFree)
typedef virStream VirtStream;
G_DEFINE_AUTOPTR_CLEANUP_FUNC(VirtStream, virStreamFree)
