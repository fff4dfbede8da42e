/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Disks of the embedded driver: files in STATE/disks that qemu-img makes. QEMU runs as the user
 * that cloudfs runs as, so nobody else needs to read them.
 */
#include <fcntl.h>
#include <glib/gstdio.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "core/virt/make.h"

char *disk_file_path(const char *state, const char *name)
{
    return g_build_filename(state, "disks", name, NULL);
}

/* The class of a failure that only a tool's words tell. */
static int errno_of(const char *words)
{
    static const int known[] = {ENOSPC, EDQUOT, EACCES, ENOENT, EROFS};
    for (size_t i = 0; i < G_N_ELEMENTS(known); i++)
        if (strstr(words, g_strerror(known[i])))
            return known[i] == EROFS ? EACCES : known[i] == EDQUOT ? ENOSPC : known[i];
    return EIO;
}

/* Runs qemu-img without a shell; *out (if not NULL) takes what it printed. */
static bool qemu_img(const char *const *argv, char **out, GError **error)
{
    g_autofree char *printed = NULL;
    g_autofree char *complaint = NULL;
    g_autoptr(GError) local = NULL;
    int status;
    if (!g_spawn_sync(NULL, (char **)argv, NULL, G_SPAWN_SEARCH_PATH, NULL, NULL, &printed,
                      &complaint, &status, &local)) {
        bool absent = g_error_matches(local, G_SPAWN_ERROR, G_SPAWN_ERROR_NOENT);
        fail(error, absent ? EOPNOTSUPP : EIO, "cannot run qemu-img: %s", local->message);
        return false;
    }
    if (!g_spawn_check_wait_status(status, &local)) {
        g_autofree char *words = g_utf8_make_valid(g_strdelimit(complaint, "\n", ' '), -1);
        g_strchomp(words);
        fail(error, errno_of(words), "%s", *words ? words : local->message);
        return false;
    }
    if (out)
        *out = g_steal_pointer(&printed);
    return true;
}

/*
 * "file format: qcow2" and "virtual size: 10 GiB (10737418240 bytes)" are lines of their own,
 * before anything that the image's own header words.
 */
static bool image_info(const char *path, char **format, uint64_t *bytes, GError **error)
{
    const char *argv[] = {"qemu-img", "info", "-U", "--", path, NULL};
    g_autofree char *out = NULL;
    if (!qemu_img(argv, &out, error))
        return false;
    g_autoptr(GRegex) regex =
        g_regex_new("^file format: ([a-z0-9-]+)$.*?^virtual size: [^\\n]*\\(([0-9]+) bytes\\)$",
                    G_REGEX_MULTILINE | G_REGEX_DOTALL | G_REGEX_RAW, 0, NULL);
    g_autoptr(GMatchInfo) match = NULL;
    if (!g_regex_match(regex, out, 0, &match)) {
        fail(error, EIO, "qemu-img does not say what %s is", path);
        return false;
    }
    g_autofree char *size = g_match_info_fetch(match, 2);
    *bytes = g_ascii_strtoull(size, NULL, 10);
    if (format)
        *format = g_match_info_fetch(match, 1);
    return true;
}

static bool file_find(const struct disk_place *place, const char *name, char **path,
                      uint64_t *bytes, GError **error)
{
    g_autofree char *file = disk_file_path(place->state, name);
    if (access(file, F_OK) < 0) {
        *path = NULL;
        return true;
    }
    if (!image_info(file, NULL, bytes, error))
        return false;
    *path = g_steal_pointer(&file);
    return true;
}

bool disk_files_directory(const char *state, GError **error)
{
    g_autofree char *directory = disk_file_path(state, NULL);
    if (g_mkdir_with_parents(directory, 0711) == 0)
        return true;
    int err = errno;
    fail(error, err, "cannot make %s: %s", directory, g_strerror(err));
    return false;
}

/* What IMAGE is, and whether BYTES hold it. */
static bool check_image(const char *image, uint64_t bytes, char **format, GError **error)
{
    struct stat st;
    if (stat(image, &st) < 0) {
        int err = errno;
        fail(error, err == EACCES ? EACCES : ENOENT, "image %s: %s", image, g_strerror(err));
        return false;
    }
    if (!S_ISREG(st.st_mode) && !S_ISBLK(st.st_mode)) {
        fail(error, EINVAL, "image %s is neither a file nor a block device", image);
        return false;
    }
    g_autofree char *found = NULL;
    uint64_t image_bytes;
    if (!image_info(image, &found, &image_bytes, error) ||
        !disk_fits(image, image_bytes, bytes, error))
        return false;
    *format = g_steal_pointer(&found);
    return true;
}

/* The part's mode is set before anything is in it: qemu-img keeps that of a file it finds. */
static bool create_part(const char *part, const char *image, uint64_t bytes, GError **error)
{
    g_autofree char *format = NULL;
    g_autofree char *size = g_strdup_printf("%" G_GUINT64_FORMAT, bytes);
    if (image && !check_image(image, bytes, &format, error))
        return false;
    int fd = open(part, O_WRONLY | O_CREAT | O_TRUNC | O_NOFOLLOW | O_CLOEXEC, 0600);
    if (fd < 0) {
        int err = errno;
        fail(error, err, "cannot make %s: %s", part, g_strerror(err));
        return false;
    }
    close(fd);
    const char *argv[12] = {"qemu-img", "create", "-q", "-f", "qcow2"};
    size_t n = 5;
    if (image) {
        argv[n++] = "-b";
        argv[n++] = image;
        argv[n++] = "-F";
        argv[n++] = format;
    }
    argv[n++] = part;
    if (bytes)
        argv[n++] = size;
    return qemu_img(argv, NULL, error);
}

/* Under another name until it is whole, as a file that is there counts as a former try's. */
static bool file_create(const struct disk_place *place, const char *name, const char *image,
                        uint64_t bytes, char **path, GError **error)
{
    g_autofree char *file = disk_file_path(place->state, name);
    g_autofree char *part = g_strconcat(file, ".part", NULL);
    if (!disk_files_directory(place->state, error))
        return false;
    if (!create_part(part, image, bytes, error)) {
        unlink(part);
        return false;
    }
    if (rename(part, file) < 0) {
        int err = errno;
        unlink(part);
        fail(error, err, "cannot make %s: %s", file, g_strerror(err));
        return false;
    }
    *path = g_steal_pointer(&file);
    return true;
}

static bool file_resize(const struct disk_place *place, const char *name, uint64_t bytes,
                        GError **error)
{
    g_autofree char *file = disk_file_path(place->state, name);
    g_autofree char *size = g_strdup_printf("%" G_GUINT64_FORMAT, bytes);
    const char *argv[] = {"qemu-img", "resize", "-q", "-f", "qcow2", file, size, NULL};
    return qemu_img(argv, NULL, error);
}

static bool file_upload(const struct disk_place *place, const char *name, GBytes *content,
                        char **path, GError **error)
{
    g_autofree char *file = disk_file_path(place->state, name);
    g_autoptr(GError) local = NULL;
    gsize len;
    const char *data = g_bytes_get_data(content, &len);
    if (!disk_files_directory(place->state, error))
        return false;
    if (!g_file_set_contents_full(file, data, (gssize)len, G_FILE_SET_CONTENTS_CONSISTENT, 0600,
                                  &local)) {
        bool full = g_error_matches(local, G_FILE_ERROR, G_FILE_ERROR_NOSPC);
        fail(error, full ? ENOSPC : EIO, "%s", local->message);
        return false;
    }
    *path = g_steal_pointer(&file);
    return true;
}

static bool file_remove(const struct disk_place *place, const char *name, GError **error)
{
    g_autofree char *file = disk_file_path(place->state, name);
    if (unlink(file) == 0 || errno == ENOENT || errno == ENOTDIR)
        return true;
    int err = errno;
    fail(error, err, "cannot remove %s: %s", file, g_strerror(err));
    return false;
}

const struct disk_store disk_files = {
    .find = file_find,
    .create = file_create,
    .resize = file_resize,
    .upload = file_upload,
    .remove = file_remove,
};
