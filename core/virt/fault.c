// SPDX-License-Identifier: GPL-2.0-or-later
/*
 * libvirt's failures as ours: the class from its code, and from its words where the code is one
 * for everything.
 */
#include <string.h>

#include "core/virt/internal.h"

enum { MOST_BYTES = 1000 }; /* of a sentence: QEMU's stderr can come along */

static const struct {
    int code;
    int err;
} classes[] = {
    {VIR_ERR_NO_MEMORY,             ENOMEM    },
    {VIR_ERR_NO_SUPPORT,            EOPNOTSUPP},
    {VIR_ERR_CONFIG_UNSUPPORTED,    EOPNOTSUPP},
    {VIR_ERR_OPERATION_UNSUPPORTED, EOPNOTSUPP},
    {VIR_ERR_ARGUMENT_UNSUPPORTED,  EOPNOTSUPP},
    {VIR_ERR_MIGRATE_UNSAFE,        EOPNOTSUPP},
    {VIR_ERR_OPERATION_ABORTED,     ECANCELED },
    {VIR_ERR_NO_DOMAIN,             ENOENT    },
    {VIR_ERR_NO_DOMAIN_METADATA,    ENOENT    },
    {VIR_ERR_DOM_EXIST,             EEXIST    },
    {VIR_ERR_OPERATION_INVALID,     EBUSY     },
    {VIR_ERR_RESOURCE_BUSY,         EBUSY     },
    {VIR_ERR_OPERATION_TIMEOUT,     ETIMEDOUT },
    {VIR_ERR_AGENT_UNRESPONSIVE,    ETIMEDOUT },
    {VIR_ERR_AUTH_FAILED,           EACCES    },
    {VIR_ERR_AUTH_CANCELLED,        EACCES    },
    {VIR_ERR_AUTH_UNAVAILABLE,      EACCES    },
    {VIR_ERR_OPERATION_DENIED,      EACCES    },
    {VIR_ERR_ACCESS_DENIED,         EACCES    },
    {VIR_ERR_NO_CONNECT,            EHOSTDOWN },
    {VIR_ERR_INVALID_CONN,          EHOSTDOWN },
    {VIR_ERR_XML_ERROR,             EINVAL    },
    {VIR_ERR_XML_DETAIL,            EINVAL    },
    {VIR_ERR_XML_INVALID_SCHEMA,    EINVAL    },
    {VIR_ERR_INVALID_ARG,           EINVAL    },
    {VIR_ERR_NO_NETWORK,            EINVAL    },
};

static const struct {
    const char *words;
    int err;
} phrases[] = {
    {"No space left",                   ENOSPC   },
    {"Cannot allocate memory",          ENOSPC   },
    {"client socket is closed",         EHOSTDOWN},
    {"End of file while reading data",  EHOSTDOWN},
    {"closed due to keepalive timeout", EHOSTDOWN},
    {"connection was closed",           EHOSTDOWN},
    {"event on socket",                 EHOSTDOWN}, /* "received hangup", "received error" */
    {"Cannot write data: ",             EHOSTDOWN},
    {"Cannot recv data: ",              EHOSTDOWN},
    {"already exists with uuid",        EEXIST   },
    {"is already defined with uuid",    EEXIST   },
};

/* What QEMU and libvirt say of a guest's files when they start it. */
static const char *const of_files[] = {
    "could not open kernel file",   "could not load kernel",
    "error reading initrd",         "Could not open '",
    "Cannot access storage file",   "Cannot access backing file",
    "unable to set user and group",
};

static const struct {
    const char *words;
    int err;
} reasons[] = {
    {"No such file or directory", ENOENT},
    {"Not a directory",           ENOENT},
    {"Permission denied",         EACCES},
};

/* 0: it is not about a file that cannot be had. */
static int by_file(const char *message)
{
    bool of_file = false;
    for (size_t i = 0; i < G_N_ELEMENTS(of_files); i++)
        of_file |= strstr(message, of_files[i]) != NULL;
    for (size_t i = 0; of_file && i < G_N_ELEMENTS(reasons); i++)
        if (strstr(message, reasons[i].words))
            return reasons[i].err;
    return 0;
}

static int by_code(int code)
{
    for (size_t i = 0; i < G_N_ELEMENTS(classes); i++)
        if (classes[i].code == code)
            return classes[i].err;
    return EIO;
}

int virt_errno(int code, const char *message)
{
    for (size_t i = 0; message && i < G_N_ELEMENTS(phrases); i++)
        if (strstr(message, phrases[i].words))
            return phrases[i].err;
    int err = message ? by_file(message) : 0;
    return err ? err : by_code(code);
}

int virt_connect_errno(int code, const char *message)
{
    static const char *const refusals[] = {"Permission denied", "Host key verification failed",
                                           "authentication failed"};
    for (size_t i = 0; message && i < G_N_ELEMENTS(refusals); i++)
        if (strstr(message, refusals[i]))
            return EACCES;
    if (message && strstr(message, "no connection driver available"))
        return EOPNOTSUPP;
    int err = virt_errno(code, message);
    /* What libvirt has no better code for is that it did not get there. */
    return err == EIO || err == EBUSY ? EHOSTDOWN : err;
}

/* One line of valid UTF-8 without a full stop. */
static char *sentence(const char *message)
{
    char *text = g_utf8_make_valid(message ? message : "no reason given", -1);
    if (strlen(text) > MOST_BYTES)
        *g_utf8_find_prev_char(text, text + MOST_BYTES) = '\0';
    for (char *p = text; *p; p++)
        if (g_ascii_iscntrl(*p))
            *p = ' ';
    g_strchomp(text);
    if (g_str_has_suffix(text, "."))
        text[strlen(text) - 1] = '\0';
    return text;
}

static bool fail_as(GError **error, const char *doing, int (*class)(int, const char *))
{
    virErrorPtr last = virGetLastError();
    g_autofree char *words = sentence(last ? last->message : NULL);
    int err = last ? class(last->code, last->message) : EIO;
    fail(error, err, "%s: %s", doing, words);
    virResetLastError();
    return false;
}

bool virt_fail(GError **error, const char *doing)
{
    return fail_as(error, doing, virt_errno);
}

bool virt_fail_connect(GError **error, const char *doing)
{
    return fail_as(error, doing, virt_connect_errno);
}
