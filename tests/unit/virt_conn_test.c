// SPDX-License-Identifier: GPL-2.0-or-later
/*
 * Connections: those that fail, hang, end and come back, and the events that come over them.
 */
#include <glib/gstdio.h>
#include <sys/socket.h>
#include <sys/un.h>
#include <unistd.h>

#include "tests/unit/virt_hearing.h"

static void bad_options(G_GNUC_UNUSED void **state)
{
    g_autoptr(GError) error = NULL;
    struct virt_options options = {.uri = "nonsense", .state = directory, .event = hear};
    assert_null(virt_libvirt.new(&options, &error));
    assert_int_equal(error->code, EINVAL);
    g_clear_error(&error);
    options.uri = "qemu:///embed";
    options.state = "relative";
    assert_null(virt_libvirt.new(&options, &error));
    assert_int_equal(error->code, EINVAL);
}

static void everything_fails_unconnected(G_GNUC_UNUSED void **state)
{
    g_autoptr(GError) error = NULL;
    struct heard heard = {0};
    struct virt *v = make("test:///default", &heard);
    struct virt_info *info = NULL;
    GPtrArray *domains = NULL;
    struct virt_domain *domain = NULL;
    GArray *samples = NULL;
    struct virt_load load;
    assert_false(virt_libvirt.info(v, &info, &error));
    assert_int_equal(error->code, EHOSTDOWN);
    assert_false(virt_libvirt.list(v, &domains, NULL));
    assert_false(virt_libvirt.domain(v, ONE, &domain, NULL));
    assert_false(virt_libvirt.sample(v, true, &samples, &load, NULL));
    verb_fails(v, ONE, VERB_START, EHOSTDOWN);
    assert_null(info);
    assert_null(domains);
    assert_null(domain);
    assert_null(samples);
    virt_libvirt.close(v);
    virt_libvirt.free(v);
    virt_libvirt.free(NULL);
    assert_int_equal(heard.closed, 0);
}

static void no_such_node(G_GNUC_UNUSED void **state)
{
    g_autoptr(GError) error = NULL;
    struct heard heard = {0};
    struct virt *v = make("test:///nonexistent/node.xml", &heard);
    assert_false(virt_libvirt.open(v, &error));
    assert_true(error->code == EHOSTDOWN || error->code == EINVAL);
    virt_libvirt.free(v);
}

static void a_daemon_that_is_not_there(G_GNUC_UNUSED void **state)
{
    g_autoptr(GError) error = NULL;
    struct heard heard = {0};
    g_autofree char *uri =
        g_strdup_printf("qemu+unix:///session?socket=%s/nobody-listens", directory);
    struct virt *v = make(uri, &heard);
    assert_false(virt_libvirt.open(v, &error));
    assert_int_equal(error->code, EHOSTDOWN);
    assert_non_null(strstr(error->message, "is not running"));
    virt_libvirt.free(v);
}

static void events_arrive_within_a_second(void **state)
{
    struct fixture *f = *state;
    define_two(f->v);
    assert_true(comes(&f->heard, &f->heard.domains, 1));
    assert_string_equal(f->heard.last, TWO);
    unsigned before = f->heard.domains;
    verb(f->v, ONE, VERB_SUSPEND);
    assert_true(comes(&f->heard, &f->heard.domains, before + 1));
    assert_string_equal(f->heard.last, ONE);

    before = f->heard.domains;
    g_autoptr(VirtConnection) conn = virt_connection(f->v, NULL);
    g_autoptr(VirtDomainHandle) dom = virt_lookup(conn, TWO, NULL);
    assert_int_equal(virDomainSetMetadata(dom, VIR_DOMAIN_METADATA_TITLE, "hello", NULL, NULL, 0),
                     0);
    assert_true(comes(&f->heard, &f->heard.domains, before + 1));
    assert_string_equal(f->heard.last, TWO);
    assert_int_equal(f->heard.closed, 0);
}

static void no_events_after_free(G_GNUC_UNUSED void **state)
{
    struct heard heard = {0};
    struct virt *v = make(node_uri, &heard);
    assert_true(virt_libvirt.open(v, NULL));
    g_autoptr(VirtConnection) conn = virt_connection(v, NULL);
    g_autoptr(VirtDomainHandle) dom = virt_lookup(conn, ONE, NULL);
    virt_libvirt.free(v);
    assert_int_equal(virDomainSuspend(dom), 0); /* a call that is under way keeps its connection */
    g_usleep(G_USEC_PER_SEC / 5);
    assert_int_equal(heard.domains, 0);
    assert_int_equal(heard.closed, 0);
}

static void the_test_drivers_domains_survive_a_reconnect(void **state)
{
    struct fixture *f = *state;
    g_autoptr(GError) error = NULL;
    g_autoptr(VirtDomain) domain = NULL;
    define_two(f->v);
    virt_libvirt.close(f->v);
    assert_false(virt_libvirt.domain(f->v, TWO, &domain, &error));
    assert_int_equal(error->code, EHOSTDOWN);
    assert_true(virt_libvirt.open(f->v, NULL));
    assert_true(virt_libvirt.open(f->v, NULL));
    assert_true(virt_libvirt.domain(f->v, TWO, &domain, NULL));
    unsigned before = f->heard.domains;
    verb(f->v, ONE, VERB_DESTROY);
    assert_true(comes(&f->heard, &f->heard.domains, before + 1));
}

static gpointer reconnect(gpointer data)
{
    struct virt *v = data;
    for (int i = 0; i < 50; i++) {
        virt_libvirt.open(v, NULL);
        virt_libvirt.close(v);
    }
    return NULL;
}

static gpointer use(gpointer data)
{
    struct virt *v = data;
    for (int i = 0; i < 50; i++) {
        g_autoptr(GPtrArray) domains = NULL;
        g_autoptr(GArray) samples = NULL;
        struct virt_load load;
        virt_libvirt.list(v, &domains, NULL);
        virt_libvirt.sample(v, true, &samples, &load, NULL);
    }
    return NULL;
}

static void opening_and_closing_beside_calls(void **state)
{
    struct fixture *f = *state;
    GThread *threads[4];
    for (size_t i = 0; i < G_N_ELEMENTS(threads); i++)
        threads[i] = g_thread_new("test", i < 2 ? reconnect : use, f->v);
    for (size_t i = 0; i < G_N_ELEMENTS(threads); i++)
        g_thread_join(threads[i]);
    g_autoptr(GPtrArray) domains = NULL;
    assert_true(virt_libvirt.open(f->v, NULL));
    assert_true(virt_libvirt.list(f->v, &domains, NULL));
    assert_int_equal(domains->len, 1);
}

static gpointer hang_in_open(gpointer data)
{
    g_autoptr(GError) error = NULL;
    bool ok = virt_libvirt.open(data, &error);
    return GINT_TO_POINTER(ok ? 0 : error->code);
}

/* A daemon that takes connections and never says a word. */
static int mute_daemon(const char *path)
{
    struct sockaddr_un address = {.sun_family = AF_UNIX};
    g_strlcpy(address.sun_path, path, sizeof address.sun_path);
    int fd = socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0);
    assert_int_equal(bind(fd, (struct sockaddr *)&address, sizeof address), 0);
    assert_int_equal(listen(fd, 8), 0);
    return fd;
}

static void freed_while_an_open_hangs(G_GNUC_UNUSED void **state)
{
    struct heard heard = {0};
    g_autofree char *path = g_build_filename(directory, "mute", NULL);
    g_autofree char *uri = g_strdup_printf("qemu+unix:///system?socket=%s", path);
    int daemon = mute_daemon(path);
    struct virt *v = make(uri, &heard);
    GThread *thread = g_thread_new("open", hang_in_open, v);
    int peer = accept(daemon, NULL, NULL);
    gint64 before = g_get_monotonic_time();
    virt_libvirt.free(v);
    assert_true(g_get_monotonic_time() - before < G_TIME_SPAN_SECOND);
    close(peer);
    close(daemon);
    assert_int_equal(GPOINTER_TO_INT(g_thread_join(thread)), EHOSTDOWN);
    assert_int_equal(heard.closed, 0);
    g_remove(path);
}

static void a_second_root_is_refused(G_GNUC_UNUSED void **state)
{
    g_autoptr(GError) error = NULL;
    g_autofree char *first = g_build_filename(directory, "first", NULL);
    g_autofree char *configuration = g_build_filename(first, "etc", "qemu.conf", NULL);
    assert_false(virt_embed_claim("/proc/nowhere", &error)); /* gives the claim back */
    assert_int_equal(error->domain, CLOUDFS_ERROR);
    g_clear_error(&error);
    assert_true(virt_embed_claim(first, NULL));
    assert_true(virt_embed_claim(first, NULL));
    assert_false(virt_embed_claim("/somewhere/else", &error));
    assert_int_equal(error->code, EOPNOTSUPP);
    g_autofree char *text = NULL;
    assert_true(g_file_get_contents(configuration, &text, NULL, NULL));
    assert_non_null(strstr(text, "stdio_handler = \"file\"\n"));
    virt_embed_settle(first, false);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(bad_options),
        cmocka_unit_test(everything_fails_unconnected),
        cmocka_unit_test(no_such_node),
        cmocka_unit_test(a_daemon_that_is_not_there),
        cmocka_unit_test(no_events_after_free),
        cmocka_unit_test(freed_while_an_open_hangs),
        cmocka_unit_test(a_second_root_is_refused),
        HOSTED(events_arrive_within_a_second),
        HOSTED(the_test_drivers_domains_survive_a_reconnect),
        HOSTED(opening_and_closing_beside_calls),
    };
    return cmocka_run_group_tests(tests, hearing_start, hearing_stop);
}
