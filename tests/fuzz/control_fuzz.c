/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Any bytes as a line of `ctl`. The first byte chooses the kind of object. */
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include "core/reconcile/internal.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    g_autoptr(GError) error = NULL;

    if (size == 0)
        return 0;
    g_autofree char *line = g_strndup((const char *)data + 1, size - 1);
    enum object_kind kind = data[0] % OBJECT_KINDS;
    g_auto(GStrv) words = control_parse(kind, line, &error);

    if (!words == !error || (error && error->code != EINVAL) ||
        (error && !g_utf8_validate(error->message, -1, NULL)))
        abort();
    /* What was taken for a verb is one that reading `ctl` lists. */
    if (words && !strstr(engine_verbs(kind), words[0]))
        abort();
    return 0;
}
