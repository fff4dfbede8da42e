/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * cloud-init's NoCloud data source: an ISO 9660 image with the label "cidata" that holds
 * meta-data and user-data.
 */
#include <fcntl.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#define LIBISOFS_WITHOUT_LIBBURN
#include <libisofs/libisofs.h>

#include "core/virt/make.h"

#define USER_DATA_MAX (1024 * 1024)
#define SECTOR        2048

typedef IsoImage SeedImage;
G_DEFINE_AUTOPTR_CLEANUP_FUNC(SeedImage, iso_image_unref)
typedef IsoWriteOpts SeedOptions;
G_DEFINE_AUTOPTR_CLEANUP_FUNC(SeedOptions, iso_write_opts_free)

/* libisofs keeps its messages in globals; an image takes about a millisecond. */
static GMutex libisofs_lock;

static bool start_libisofs(void)
{
    static gsize once;
    static bool ready;
    static char never[] = "NEVER", nobody[] = "";
    if (g_once_init_enter(&once)) {
        ready = iso_init_with_flag(1) >= 0; /* 1: leave the process's locale alone */
        iso_set_msgs_severities(never, never, nobody);
        g_once_init_leave(&once, 1);
    }
    return ready;
}

static bool add_file(IsoImage *image, const char *name, GBytes *content)
{
    gsize len;
    gconstpointer data = g_bytes_get_data(content, &len);
    unsigned char *copy = malloc(len + 1); /* the stream frees it */
    IsoStream *stream;
    IsoFile *file;
    if (!copy)
        return false;
    if (len > 0)
        memcpy(copy, data, len);
    if (iso_memory_stream_new(copy, len, &stream) < 0) {
        free(copy);
        return false;
    }
    if (iso_tree_add_new_file(iso_image_get_root(image), name, stream, &file) >= 0)
        return true;
    iso_stream_unref(stream);
    return false;
}

static GByteArray *read_source(struct burn_source *source)
{
    g_autoptr(GByteArray) bytes = g_byte_array_new();
    unsigned char sector[SECTOR];
    int n;
    while ((n = source->read_xt(source, sector, sizeof sector)) > 0)
        g_byte_array_append(bytes, sector, (guint)n);
    return n == 0 ? g_steal_pointer(&bytes) : NULL;
}

/* Without the relaxation the label would be in upper case for those who read no Joliet. */
static GByteArray *write_image(IsoImage *image)
{
    g_autoptr(SeedOptions) options = NULL;
    struct burn_source *source = NULL;
    if (iso_write_opts_new(&options, 2) < 0 || iso_write_opts_set_rockridge(options, 1) < 0 ||
        iso_write_opts_set_joliet(options, 1) < 0 ||
        iso_write_opts_set_relaxed_vol_atts(options, 1) < 0 ||
        iso_image_create_burn_source(image, options, &source) < 0)
        return NULL;
    GByteArray *bytes = read_source(source);
    source->free_data(source);
    free(source);
    return bytes;
}

static GByteArray *build(GBytes *meta_data, GBytes *user_data)
{
    g_autoptr(SeedImage) image = NULL;
    if (!start_libisofs() || iso_image_new("cidata", &image) < 0)
        return NULL;
    iso_image_set_volume_id(image, "cidata");
    if (!add_file(image, "meta-data", meta_data) || !add_file(image, "user-data", user_data))
        return NULL;
    return write_image(image);
}

/* The encoded name has no character that YAML would read; the quotes keep "1" and "no" words. */
static GBytes *meta_data_of(const struct virt_plan *plan)
{
    g_autofree char *host = spec_encode_name(plan->mark.name ? plan->mark.name : plan->name);
    GString *text = g_string_new(NULL);
    g_string_append_printf(text, "instance-id: \"%s\"\nlocal-hostname: \"%s\"\n", plan->uuid, host);
    return g_string_free_to_bytes(text);
}

static GBytes *too_long(const char *what, GError **error)
{
    fail(error, EINVAL, "%s has more than 1 MiB", what);
    return NULL;
}

static GBytes *read_fd(int fd, const char *path, GError **error)
{
    g_autoptr(GByteArray) content = g_byte_array_new();
    guint8 buffer[16 * 1024];
    ssize_t n;
    while ((n = read(fd, buffer, sizeof buffer)) > 0) {
        g_byte_array_append(content, buffer, (guint)n);
        if (content->len > USER_DATA_MAX)
            return too_long(path, error);
    }
    if (n < 0) {
        int err = errno;
        fail(error, err, "user_data %s: %s", path, g_strerror(err));
        return NULL;
    }
    return g_byte_array_free_to_bytes(g_steal_pointer(&content));
}

/* Asked of what was opened: nobody can put another file in its place any more. */
static bool is_allowed(int fd, const char *path, const char *const *allowed, GError **error)
{
    g_autofree char *link = g_strdup_printf("/proc/self/fd/%d", fd);
    g_autofree char *real = allowed ? realpath(link, NULL) : NULL;
    return !allowed || confine_here("user_data", path, real ? real : link, allowed, error);
}

/* A FIFO or a device named by mistake must not hang the job. */
static GBytes *read_file(const char *path, const char *const *allowed, GError **error)
{
    struct stat st;
    int fd = open(path, O_RDONLY | O_NONBLOCK | O_NOCTTY | O_CLOEXEC);
    if (fd < 0) {
        int err = errno;
        fail(error, err, "user_data %s: %s", path, g_strerror(err));
        return NULL;
    }
    GBytes *content = NULL;
    if (!is_allowed(fd, path, allowed, error))
        content = NULL;
    else if (fstat(fd, &st) == 0 && S_ISREG(st.st_mode))
        content = read_fd(fd, path, error);
    else
        fail(error, EINVAL, "user_data %s is not a file", path);
    close(fd);
    return content;
}

static GBytes *user_data_of(const char *user_data, const char *const *allowed, GError **error)
{
    if (user_data[0] == '/')
        return read_file(user_data, allowed, error);
    size_t len = strlen(user_data);
    return len > USER_DATA_MAX ? too_long("user_data", error) : g_bytes_new(user_data, len);
}

GBytes *seed_image(const struct virt_plan *plan, GError **error)
{
    g_autoptr(GBytes) user_data = user_data_of(plan->vm->user_data, plan->paths, error);
    if (!user_data)
        return NULL;
    g_autoptr(GBytes) meta_data = meta_data_of(plan);
    g_mutex_lock(&libisofs_lock);
    GByteArray *image = build(meta_data, user_data);
    g_mutex_unlock(&libisofs_lock);
    if (image)
        return g_byte_array_free_to_bytes(image);
    fail(error, EIO, "cannot make the cloud-init image of %s", plan->name);
    return NULL;
}
