/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Files that a user's spec may name. In which directories they are is the administrator's word;
 * within them nobody gets at what they could not read by themselves, or at a disk of cloudfs.
 *
 * Of this machine's files what counts is where a path really leads. The file is opened later, by
 * its path and each time its VM starts, so nobody who is not trusted with the directory may be able
 * to put another one there. Of another machine's, the path's text counts, and what libvirt tells.
 */
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "core/virt/make.h"

#define OURS "cloudfs-" /* and a UUID: a disk, a seed or a console */

enum { UUID_LENGTH = 36 };

/* What a spec says, for sentences. */
struct word {
    const char *key, *path;
};

static bool is_elsewhere(const struct word *word, const char *const *directories, GError **error)
{
    g_autofree char *list = g_strjoinv(", ", (char **)directories);
    fail(error, EPERM, "%s = %s: only root may name files that are not below %s", word->key,
         word->path, list);
    return false;
}

/* Whatever its mode is, also where nothing tells it. */
static bool is_not_ours(const struct word *word, const char *path, GError **error)
{
    g_autofree char *name = g_path_get_basename(path);
    if (!g_str_has_prefix(name, OURS))
        return true;
    g_autofree char *uuid = g_strndup(name + strlen(OURS), UUID_LENGTH);
    if (!g_uuid_string_is_valid(uuid))
        return true;
    fail(error, EACCES, "%s = %s: only root may name the disk of a VM", word->key, word->path);
    return false;
}

static bool may_not(const struct word *word, const char *what, const char *path,
                    const struct stat *st, GError **error)
{
    fail(error, EACCES,
         "%s = %s: only root may name a file that %s: %s has owner %u, group %u, mode %04o",
         word->key, word->path, what, path, st->st_uid, st->st_gid, st->st_mode & 07777U);
    return false;
}

static mode_t needed_of(bool directory)
{
    return directory ? S_IROTH | S_IXOTH : S_IROTH;
}

/* A directory on the way from TOP, which the administrator named. */
static bool may_pass(const struct word *word, const char *directory, const struct stat *st,
                     const struct stat *top, GError **error)
{
    bool owner = st->st_uid == 0 || st->st_uid == geteuid() || st->st_uid == top->st_uid;
    bool group =
        !(st->st_mode & S_IWGRP) || ((top->st_mode & S_IWGRP) && st->st_gid == top->st_gid);
    if (!owner || !group || (st->st_mode & S_IWOTH))
        return may_not(word, "others may replace", directory, st, error);
    return (st->st_mode & S_IXOTH) ||
           may_not(word, "not everybody may reach", directory, st, error);
}

static bool may_open(const struct word *word, const char *file, const struct stat *st,
                     GError **error)
{
    mode_t needed = needed_of(S_ISDIR(st->st_mode));
    if (st->st_mode & S_IWOTH)
        return may_not(word, "everybody may change", file, st, error);
    return (st->st_mode & needed) == needed ||
           may_not(word, "not everybody may read", file, st, error);
}

static bool look_at(const struct word *word, const char *path, struct stat *st, GError **error)
{
    if (stat(path, st) == 0)
        return true;
    int err = errno;
    fail(error, err, "%s = %s: %s", word->key, word->path, g_strerror(err));
    return false;
}

/* Each step from TOP to the file PATH below it. */
static bool walk(const struct word *word, const char *top, const char *path, GError **error)
{
    struct stat first, st;
    if (!look_at(word, top, &first, error))
        return false;
    if (first.st_mode & S_IWOTH)
        return may_not(word, "others may replace", top, &first, error);
    for (const char *at = strchr(path + strlen(top), '/'); at; at = strchr(at + 1, '/')) {
        g_autofree char *directory = g_strndup(path, (gsize)(at - path));
        if (strcmp(directory, top) != 0 && (!look_at(word, directory, &st, error) ||
                                            !may_pass(word, directory, &st, &first, error)))
            return false;
    }
    return look_at(word, path, &st, error) && may_open(word, path, &st, error);
}

static char *without_links(const char *path)
{
    return realpath(path, NULL); /* freed with g_free: the same */
}

static char *as_written(const char *path)
{
    return g_canonicalize_filename(path, "/");
}

/* The one of DIRECTORIES, in the same FORM as PATH, that PATH is below; NULL: none. */
static char *find_top(const char *path, const char *const *directories, char *(*form)(const char *))
{
    for (; *directories; directories++) {
        g_autofree char *top = form(*directories);
        const char *one[] = {top, NULL};
        if (top && spec_path_below(path, one))
            return g_steal_pointer(&top);
    }
    return NULL;
}

bool confine_here(const char *key, const char *path, const char *real,
                  const char *const *directories, GError **error)
{
    const struct word word = {key, path};
    if (!spec_path_below(path, directories))
        return is_elsewhere(&word, directories, error);
    g_autofree char *text = as_written(path);
    g_autofree char *text_top = find_top(text, directories, as_written);
    g_autofree char *real_top = find_top(real, directories, without_links);
    if (!text_top || !real_top)
        return is_elsewhere(&word, directories, error);
    /* Both ways: a link may be where others can make it lead elsewhere. */
    return is_not_ours(&word, real, error) && walk(&word, text_top, text, error) &&
           walk(&word, real_top, real, error);
}

/* Who put a file into a directory that the configuration names may not have made it a volume. */
static bool is_readable_there(const struct disk_place *place, const struct virt_plan *plan,
                              const struct word *word, GError **error)
{
    struct disk_image found = {0};
    mode_t needed = needed_of(strcmp(word->key, "root") == 0);
    if (!image_of_host(place, word->path, &found, error))
        return false;
    if (found.has_mode ? (found.mode & needed) == needed : plan->given)
        return true;
    if (found.has_mode)
        fail(error, EACCES,
             "%s = %s: only root may name a file that not everybody may read: it has mode %04o",
             word->key, word->path, found.mode);
    else
        fail(error, EACCES,
             "%s = %s: nothing tells who may read it on its host; root may name it, or its "
             "directory in paths of cloudfs.conf",
             word->key, word->path);
    return false;
}

static bool check_there(const struct disk_place *place, const struct virt_plan *plan,
                        const struct word *word, GError **error)
{
    if (!spec_path_below(word->path, plan->paths))
        return is_elsewhere(word, plan->paths, error);
    return is_not_ours(word, word->path, error) && is_readable_there(place, plan, word, error);
}

bool confine_file(const struct disk_place *place, const struct virt_plan *plan, const char *key,
                  const char *path, GError **error)
{
    const struct word word = {key, path};
    if (!path || !plan->paths)
        return true;
    if (!place->here)
        return check_there(place, plan, &word, error);
    g_autofree char *real = realpath(path, NULL);
    if (real)
        return confine_here(key, path, real, plan->paths, error);
    int err = errno; /* of what cannot be seen nothing is known */
    fail(error, err, "%s = %s: %s", key, path, g_strerror(err));
    return false;
}

bool confine_plan(const struct disk_place *place, const struct virt_plan *plan,
                  const struct vm_spec *before, GError **error)
{
    static const struct vm_spec none = {0};
    const struct vm_spec *vm = plan->vm;
    const struct vm_spec *old = before ? before : &none;
    const struct {
        const char *key, *old, *path;
    } files[] = {
        {"image",  old->image,  vm->image },
        {"kernel", old->kernel, vm->kernel},
        {"initrd", old->initrd, vm->initrd},
        {"root",   old->root,   vm->root  },
    };
    for (size_t i = 0; i < G_N_ELEMENTS(files); i++)
        if (g_strcmp0(files[i].old, files[i].path) != 0 &&
            !confine_file(place, plan, files[i].key, files[i].path, error))
            return false;
    return true;
}
