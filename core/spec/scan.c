// SPDX-License-Identifier: GPL-2.0-or-later
/*
 * Text to lines, by inih.
 *
 * inih is built differently by every distribution. Debian's takes lines of up to 197 bytes and
 * section names of up to 49, says nothing of a section without keys, and drops the indentation
 * and the '#' lines of a continued value, which would spoil kernel command lines, `[host NAME]`
 * and cloud-init text. So our reader, which hands inih the text, keeps each line, answers for
 * sections and continuation lines itself and gives inih the rest, one `key = value` line at a
 * time and cut to what it takes. inih says what the key is and where its value starts; where the
 * value ends is read from our own line.
 */
#include <ini.h>
#include <string.h>

#include "core/spec/internal.h"

struct scan {
    const char *at, *end; /* what is still to be read */
    struct scan_item item;
    const char *content;      /* of the line: behind its indentation */
    const char *content_end;  /* before its newline */
    const char *buffer;       /* inih's copy of the line */
    bool unanswered;          /* inih has the line and has said nothing of it yet */
    bool in_key, keeps_lines; /* of the last key */
    size_t key_indent;
    bool stopped;
    scan_fn each;
    void *data;
};

static bool is_blank(char c)
{
    return c == ' ' || c == '\t';
}

static void tell(struct scan *scan, enum scan_what what, const char *value, const char *end)
{
    scan->item.what = what;
    scan->item.value = value;
    scan->item.value_len = (size_t)(end - value);
    if (!scan->each(&scan->item, scan->data))
        scan->stopped = true;
}

static const char *skip_blanks(const char *at, const char *end)
{
    while (at < end && is_blank(*at))
        at++;
    return at;
}

/* The end of the value at AT, before an inline comment and trailing blanks. A separator or an
 * indentation stands before AT, always. */
static const char *value_end(const char *at, const char *end)
{
    const char *stop = at;
    while (stop < end && !(*stop == ';' && is_blank(stop[-1])))
        stop++;
    while (stop > at && is_blank(stop[-1]))
        stop--;
    return stop;
}

static void take_line(struct scan *scan)
{
    const char *newline = memchr(scan->at, '\n', (size_t)(scan->end - scan->at));
    scan->item.line++;
    scan->item.name = NULL;
    scan->item.start = scan->at;
    scan->item.end = newline ? newline + 1 : scan->end;
    scan->content_end = newline ? newline : scan->end;
    if (scan->content_end > scan->at && scan->content_end[-1] == '\r')
        scan->content_end--;
    scan->content = skip_blanks(scan->at, scan->content_end);
    scan->item.indent = (size_t)(scan->content - scan->item.start);
    scan->at = scan->item.end;
}

static void tell_more(struct scan *scan)
{
    if (scan->keeps_lines)
        tell(scan, SCAN_MORE, scan->item.start, scan->content_end);
    else
        tell(scan, SCAN_MORE, scan->content, value_end(scan->content, scan->content_end));
}

static void tell_section(struct scan *scan)
{
    const char *name = scan->content + 1;
    const char *close = memchr(name, ']', (size_t)(scan->content_end - name));
    const char *rest = close ? skip_blanks(close + 1, scan->content_end) : NULL;
    scan->in_key = false;
    if (!close || (rest < scan->content_end && *rest != ';' && *rest != '#')) {
        tell(scan, SCAN_BAD, scan->content, scan->content_end);
        return;
    }
    g_autofree char *section = g_strstrip(g_strndup(name, (size_t)(close - name)));
    scan->item.name = section;
    tell(scan, SCAN_SECTION, name, close);
    scan->item.name = NULL;
}

/* Answers for a line that is not inih's business; false if it is. */
static bool answer(struct scan *scan)
{
    if (scan->content == scan->content_end) {
        scan->item.blanks++;
        return true;
    }
    bool comment = *scan->content == '#' || *scan->content == ';';
    bool more = scan->in_key && scan->item.indent > scan->key_indent;
    if (more && (scan->keeps_lines || !comment))
        tell_more(scan);
    else if (*scan->content == '[')
        tell_section(scan);
    else if (!comment)
        return false;
    scan->item.blanks = 0;
    return true;
}

/* inih skips what it does not understand and tells at the very end. */
static void tell_unanswered(struct scan *scan)
{
    if (scan->unanswered && !scan->stopped)
        tell(scan, SCAN_BAD, scan->content, scan->content_end);
    scan->unanswered = false;
}

/* inih's reader: like fgets, but for the end of the line, which it puts where inih needs it. */
static char *read_line(char *buffer, int size, void *data)
{
    struct scan *scan = data;
    tell_unanswered(scan);
    do {
        if (scan->stopped || scan->at >= scan->end)
            return NULL;
        take_line(scan);
    } while (answer(scan));

    size_t len = MIN((size_t)(scan->content_end - scan->content), (size_t)size - 2);
    memcpy(buffer, scan->content, len);
    memcpy(buffer + len, "\n", 2);
    scan->buffer = buffer;
    scan->unanswered = true;
    return buffer;
}

/* inih's handler. VALUE points into the buffer that the line was copied to. */
static int take_pair(void *data, G_GNUC_UNUSED const char *section, const char *name,
                     const char *value)
{
    struct scan *scan = data;
    if (!value) /* an inih built to allow a key alone */
        return 0;
    const char *start = scan->content + (value - scan->buffer);
    start = skip_blanks(start, scan->content_end);
    scan->unanswered = false;
    scan->in_key = true;
    scan->keeps_lines = spec_keeps_lines(name);
    scan->key_indent = scan->item.indent;
    scan->item.name = name;
    tell(scan, SCAN_KEY, start, value_end(start, scan->content_end));
    scan->item.name = NULL;
    scan->item.blanks = 0;
    return 1;
}

void spec_scan(const char *text, size_t len, scan_fn each, void *data)
{
    const char *end = text + len;
    struct scan scan = {.at = spec_skip_bom(text, end), .end = end, .each = each, .data = data};
    ini_parse_stream(read_line, &scan, take_pair, &scan);
}
