/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Any bytes as a configuration. */
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/mman.h>
#include <unistd.h>

#include "core/error.h"
#include "core/spec/conf.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static void check_hosts(const struct conf *conf)
{
    for (unsigned i = 0; i < conf->hosts->len; i++) {
        const struct conf_host *host = conf->hosts->pdata[i];

        if (!spec_valid_name(host->name) || !host->spec || host->spec->kind != SPEC_HOST)
            abort();
    }
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    static int fd = -1;
    static char path[32];
    g_autoptr(GError) error = NULL;

    if (fd < 0) {
        fd = memfd_create("conf", 0);
        snprintf(path, sizeof path, "/proc/self/fd/%d", fd);
    }
    if (ftruncate(fd, 0) != 0 || pwrite(fd, data, size, 0) != (ssize_t)size)
        abort();
    struct conf *conf = conf_load(path, &error);
    if (!conf == !error || (error && !g_utf8_validate(error->message, -1, NULL)))
        abort();
    if (conf) {
        check_hosts(conf);
        conf_free(conf);
    }
    return 0;
}
