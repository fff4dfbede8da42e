/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "fs/buffer.h"

#include <errno.h>
#include <string.h>

struct buffer *buffer_new(const char *start, size_t len, bool append)
{
    struct buffer *buffer = g_new0(struct buffer, 1);

    buffer->text = g_string_new_len(start, (gssize)len);
    buffer->append = append;
    return buffer;
}

void buffer_free(struct buffer *buffer)
{
    if (!buffer)
        return;
    g_string_free(buffer->text, true);
    g_free(buffer);
}

static void set_length(GString *text, size_t len)
{
    size_t before = text->len;

    g_string_set_size(text, len);
    if (len > before)
        memset(text->str + before, 0, len - before);
}

int buffer_write(struct buffer *buffer, const char *data, size_t size, off_t offset, size_t max,
                 size_t *end)
{
    size_t start = buffer->append ? buffer->text->len : (size_t)offset;

    if (offset < 0 || start > max || size > max - start)
        return EFBIG;
    if (start + size > buffer->text->len)
        set_length(buffer->text, start + size);
    memcpy(buffer->text->str + start, data, size);
    buffer->written = true;
    *end = start + size;
    return 0;
}

int buffer_resize(struct buffer *buffer, off_t size, size_t max)
{
    if (size < 0 || (size_t)size > max)
        return EFBIG;
    set_length(buffer->text, (size_t)size);
    if (size == 0) {
        buffer->written = false;
        buffer->refused = 0;
    }
    return 0;
}

void buffer_refuse(struct buffer *buffer, int err)
{
    buffer->refused = err;
}

bool buffer_due(const struct buffer *buffer)
{
    return buffer->written && !buffer->refused;
}

char *buffer_take(struct buffer *buffer, size_t *len)
{
    if (!buffer_due(buffer))
        return NULL;
    buffer->written = false;
    *len = buffer->text->len;
    return g_memdup2(buffer->text->str, buffer->text->len + 1);
}
