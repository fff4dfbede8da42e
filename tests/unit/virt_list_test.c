// SPDX-License-Identifier: GPL-2.0-or-later
/*
 * All domains of a host are listed, each once, however many there are: they are read in groups.
 */
#include <glib/gstdio.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include "core/virt/internal.h"

#undef fail /* cmocka has one of its own */
#include <cmocka.h>

static void write_node(const char *file, unsigned domains)
{
    g_autoptr(GString) node = g_string_new("<node>");
    for (unsigned i = 0; i < domains; i++)
        g_string_append_printf(node,
                               "<domain type='test'><name>vm%u</name><memory>65536</memory>"
                               "<vcpu>1</vcpu><os><type>hvm</type></os></domain>",
                               i);
    g_string_append(node, "</node>");
    assert_true(g_file_set_contents(file, node->str, -1, NULL));
}

static void list_them(const char *directory, unsigned n)
{
    g_autofree char *file = g_strdup_printf("%s/node%u.xml", directory, n);
    g_autofree char *uri = g_strconcat("test://", file, NULL);
    const struct virt_options options = {.uri = uri, .state = directory};
    g_autoptr(GHashTable) names = g_hash_table_new(g_str_hash, g_str_equal);
    g_autoptr(GPtrArray) domains = NULL;
    struct virt *v = virt_libvirt.new(&options, NULL);

    write_node(file, n);
    assert_false(virt_libvirt.list(v, &domains, NULL));
    assert_null(domains);
    assert_true(virt_libvirt.open(v, NULL));
    assert_true(virt_libvirt.list(v, &domains, NULL));
    assert_int_equal(domains->len, n);
    for (unsigned i = 0; i < n; i++) {
        const struct virt_domain *domain = domains->pdata[i];
        assert_int_equal(domain->cpus, 1);
        g_hash_table_add(names, domain->name);
    }
    assert_int_equal(g_hash_table_size(names), n);
    virt_libvirt.free(v);
    g_unlink(file);
}

static void all_domains_are_listed_once(void **state)
{
    static const unsigned sizes[] = {0, 1, 31, 32, 33, 100};
    g_autofree char *directory = g_dir_make_tmp("cloudfs-list-XXXXXX", NULL);
    g_autofree char *log = g_build_filename(directory, "libvirt.log", NULL);

    (void)state;
    for (unsigned i = 0; i < G_N_ELEMENTS(sizes); i++)
        list_them(directory, sizes[i]);
    g_unlink(log);
    assert_int_equal(g_rmdir(directory), 0);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(all_domains_are_listed_once),
    };
    if (!virt_start(NULL))
        return 1;
    int failed = cmocka_run_group_tests(tests, NULL, NULL);
    virt_stop();
    return failed;
}
