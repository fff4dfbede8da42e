/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Files that a spec may name. Where they are on this machine, what counts is where a path really
 * leads; of another machine's only the text is known.
 */
#include <stdlib.h>

#include "core/virt/make.h"

/* The directories as they really are. */
static char **real_directories(const char *const *directories)
{
    g_autoptr(GStrvBuilder) out = g_strv_builder_new();
    for (; *directories; directories++) {
        char *real = realpath(*directories, NULL); /* freed with g_free: the same */
        g_strv_builder_add(out, real ? real : *directories);
        g_free(real);
    }
    return g_strv_builder_end(out);
}

/* What is not there can be no harm: whoever opens it says so. */
static bool leads_below(const char *path, const char *const *directories)
{
    g_autofree char *real = realpath(path, NULL);
    if (!real)
        return errno == ENOENT || errno == ENOTDIR;
    g_auto(GStrv) allowed = real_directories(directories);
    return spec_path_below(real, (const char *const *)allowed);
}

bool confine_check(const char *key, const char *path, const char *const *directories, bool here,
                   GError **error)
{
    if (!path || !directories ||
        (spec_path_below(path, directories) && (!here || leads_below(path, directories))))
        return true;
    g_autofree char *list = g_strjoinv(", ", (char **)directories);
    fail(error, EPERM, "%s = %s: only root may name files that are not below %s", key, path, list);
    return false;
}

bool confine_plan(const struct virt_plan *plan, bool here, GError **error)
{
    const struct vm_spec *vm = plan->vm;
    return confine_check("image", vm->image, plan->paths, here, error) &&
           confine_check("kernel", vm->kernel, plan->paths, here, error) &&
           confine_check("initrd", vm->initrd, plan->paths, here, error) &&
           confine_check("root", vm->root, plan->paths, here, error);
}
