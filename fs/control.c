/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Writing `ctl`: one write is whole lines, and each is a verb. The write waits for them. */
#include <errno.h>
#include <string.h>

#include "fs/handle.h"

/* A write is far below this; it bounds what one request can queue. */
enum { MAX_CONTROL = 65536 };

/* The lines of DATA that are not blank. A last one without its newline is a line too. */
static char **split_lines(const char *data, size_t size)
{
    g_autofree char *text = g_strndup(data, size);
    g_auto(GStrv) all = g_strsplit(text, "\n", -1);
    GPtrArray *lines = g_ptr_array_new();

    for (char **line = all; *line; line++)
        if (g_strstrip(*line)[0])
            g_ptr_array_add(lines, g_strdup(*line));
    g_ptr_array_add(lines, NULL);
    return (char **)g_ptr_array_free(lines, false);
}

static bool step_control(struct parked *parked)
{
    const char *line = parked->lines[parked->next];

    if (!line)
        return false;
    parked->next++;
    park_hold(parked);
    park_began(parked, engine_control(parked->fs->engine, parked->id, line, &parked->actor,
                                      park_done, parked));
    return true;
}

static void answer_control(struct parked *parked, int err)
{
    if (err)
        fuse_reply_err(parked->req, err);
    else
        fuse_reply_write(parked->req, parked->size);
}

/* A tree that is put back has what `ctl` reads as: nobody wants all verbs one after the other. */
static bool is_own_text(const struct handle *handle, const char *data, size_t size)
{
    const char *verbs = engine_verbs(handle->kind);

    return strlen(verbs) == size && memcmp(verbs, data, size) == 0;
}

void store_control(struct fs *fs, fuse_req_t req, struct handle *handle, const char *data,
                   size_t size, off_t offset)
{
    struct parked *parked;

    (void)offset;
    if (size > MAX_CONTROL) {
        fuse_reply_err(req, EFBIG);
        return;
    }
    if (memchr(data, '\0', size)) {
        park_refuse(fs, req, handle->id, EINVAL, "a verb must be text");
        return;
    }
    if (is_own_text(handle, data, size)) {
        fuse_reply_write(req, size);
        return;
    }
    parked = park_new(fs, req);
    parked->id = handle->id;
    parked->actor.uid = handle->opener.uid; /* as with files, the rights are those of the open */
    parked->actor.gid = handle->opener.gid;
    parked->size = size;
    parked->lines = split_lines(data, size);
    parked->step = step_control;
    parked->answer = answer_control;
    park_run(parked);
}

void store_plan(struct fs *fs, fuse_req_t req, struct handle *handle, const char *data, size_t size,
                off_t offset)
{
    if (offset > 0 || (size > 0 && data[0] == '#'))
        fuse_reply_write(req, size);
    else
        store_control(fs, req, handle, data, size, offset);
}
