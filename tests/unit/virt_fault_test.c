/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Which errno a failure of libvirt's is, and in which words. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>

#include "core/virt/internal.h"

#undef fail /* cmocka has one of its own */
#include <cmocka.h>

static void failures_have_classes(G_GNUC_UNUSED void **state)
{
    assert_int_equal(virt_errno(VIR_ERR_NO_SUPPORT, ""), EOPNOTSUPP);
    assert_int_equal(virt_errno(VIR_ERR_CONFIG_UNSUPPORTED, ""), EOPNOTSUPP);
    assert_int_equal(virt_errno(VIR_ERR_OPERATION_UNSUPPORTED, ""), EOPNOTSUPP);
    assert_int_equal(virt_errno(VIR_ERR_ARGUMENT_UNSUPPORTED, ""), EOPNOTSUPP);
    assert_int_equal(virt_errno(VIR_ERR_NO_DOMAIN, ""), ENOENT);
    assert_int_equal(virt_errno(VIR_ERR_DOM_EXIST, ""), EEXIST);
    assert_int_equal(virt_errno(VIR_ERR_OPERATION_FAILED,
                                "operation failed: domain 'e1' already exists with uuid 1"),
                     EEXIST);
    assert_int_equal(virt_errno(VIR_ERR_OPERATION_INVALID, ""), EBUSY);
    assert_int_equal(virt_errno(VIR_ERR_OPERATION_TIMEOUT, ""), ETIMEDOUT);
    assert_int_equal(virt_errno(VIR_ERR_AUTH_FAILED, ""), EACCES);
    assert_int_equal(virt_errno(VIR_ERR_XML_ERROR, ""), EINVAL);
    assert_int_equal(virt_errno(VIR_ERR_XML_DETAIL, ""), EINVAL);
    assert_int_equal(virt_errno(VIR_ERR_INVALID_ARG, ""), EINVAL);
    assert_int_equal(virt_errno(VIR_ERR_NO_MEMORY, ""), ENOMEM);
    assert_int_equal(virt_errno(VIR_ERR_INTERNAL_ERROR, "x: No space left on device"), ENOSPC);
    assert_int_equal(virt_errno(VIR_ERR_INTERNAL_ERROR, "client socket is closed"), EHOSTDOWN);
    assert_int_equal(
        virt_errno(VIR_ERR_SYSTEM_ERROR, "End of file while reading data: Input/output error"),
        EHOSTDOWN);
    assert_int_equal(virt_errno(VIR_ERR_INTERNAL_ERROR,
                                "internal error: connection closed due to keepalive timeout"),
                     EHOSTDOWN);
    assert_int_equal(virt_errno(VIR_ERR_INTERNAL_ERROR, "received hangup event on socket"),
                     EHOSTDOWN);
    assert_int_equal(virt_errno(VIR_ERR_SYSTEM_ERROR, "Cannot write data: Broken pipe"), EHOSTDOWN);
    assert_int_equal(virt_errno(VIR_ERR_SYSTEM_ERROR, "Cannot recv data: Connection reset by peer"),
                     EHOSTDOWN);
    /* QEMU died, not its host. */
    assert_int_equal(
        virt_errno(VIR_ERR_SYSTEM_ERROR, "Unable to read from monitor: Connection reset by peer"),
        EIO);
    assert_int_equal(virt_errno(VIR_ERR_INTERNAL_ERROR,
                                "internal error: qemu unexpectedly closed the monitor: qemu: could "
                                "not open kernel file '/k': No such file or directory"),
                     ENOENT);
    assert_int_equal(virt_errno(VIR_ERR_INTERNAL_ERROR,
                                "qemu: could not open kernel file '/k': Permission denied"),
                     EACCES);
    assert_int_equal(virt_errno(VIR_ERR_SYSTEM_ERROR,
                                "unable to set user and group to '64055:64055' on '/k': No such "
                                "file or directory"),
                     ENOENT);
    /* No domain is taken for gone because its daemon is. */
    assert_int_equal(virt_errno(VIR_ERR_SYSTEM_ERROR,
                                "Failed to connect socket to '/s': No such file or directory"),
                     EIO);
    assert_int_equal(virt_errno(VIR_ERR_INTERNAL_ERROR, NULL), EIO);
    assert_int_equal(virt_errno(99999, "?"), EIO);

    assert_int_equal(virt_connect_errno(VIR_ERR_SYSTEM_ERROR, "Failed to connect socket"),
                     EHOSTDOWN);
    assert_int_equal(virt_connect_errno(VIR_ERR_SYSTEM_ERROR, "x: Permission denied (publickey)"),
                     EACCES);
    assert_int_equal(
        virt_connect_errno(VIR_ERR_NO_CONNECT, "no connection driver available for lxc:///"),
        EOPNOTSUPP);
    assert_int_equal(virt_connect_errno(VIR_ERR_INVALID_ARG, "bad"), EINVAL);
}

static void a_failure_without_a_reason(G_GNUC_UNUSED void **state)
{
    g_autoptr(GError) error = NULL;
    virResetLastError();
    assert_false(virt_fail(&error, "cannot do it"));
    assert_int_equal(error->code, EIO);
    assert_string_equal(error->message, "cannot do it: no reason given");
    assert_false(virt_fail(NULL, "nobody listens"));
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(failures_have_classes),
        cmocka_unit_test(a_failure_without_a_reason),
    };
    virInitialize(); /* before any use of its thread's last error */
    return cmocka_run_group_tests(tests, NULL, NULL);
}
