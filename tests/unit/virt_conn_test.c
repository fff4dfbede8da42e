// SPDX-License-Identifier: GPL-2.0-or-later
/*
 * Connections, events, lists, samples and verbs, on libvirt's test driver.
 */
#include <glib/gstdio.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/un.h>
#include <unistd.h>

#include <arpa/inet.h>
#include <netinet/in.h>
#include <sys/socket.h>
#include <unistd.h>

#include "core/virt/internal.h"

#undef fail /* cmocka has one of its own */
#include <cmocka.h>

static const char node[] =
    "<node><cpu><mhz>2600</mhz><model>EPYC</model><active>128</active><nodes>2</nodes>"
    "<sockets>1</sockets><cores>32</cores><threads>2</threads></cpu><memory>536870912</memory>"
    "<domain type='test'><name>one</name><uuid>11111111-0000-4000-8000-000000000001</uuid>"
    "<memory>65536</memory><vcpu>2</vcpu><os><type>hvm</type></os></domain>"
    "<network><name>lan</name><ip address='192.168.122.1' netmask='255.255.255.0'/></network>"
    "</node>";
static const char two[] =
    "<domain type='test'><name>two</name><uuid>11111111-0000-4000-8000-000000000002</uuid>"
    "<memory>131072</memory><vcpu>3</vcpu><os><type>hvm</type></os></domain>";

#define ONE "11111111-0000-4000-8000-000000000001"
#define TWO "11111111-0000-4000-8000-000000000002"

static char *directory; /* of the state */
static char *file_uri;  /* the node above */

/* ---- what event() was told */

struct heard {
    GMutex lock;
    GCond more;
    unsigned domains, closed;
    char last[40];
};

static void hear(void *ctx, enum virt_event what, const char *uuid)
{
    struct heard *heard = ctx;
    g_mutex_lock(&heard->lock);
    if (what == VIRT_CLOSED)
        heard->closed++;
    else
        heard->domains++;
    g_strlcpy(heard->last, uuid ? uuid : "", sizeof heard->last);
    g_cond_broadcast(&heard->more);
    g_mutex_unlock(&heard->lock);
}

/* Whether COUNT reaches AT_LEAST within a second. */
static bool comes(struct heard *heard, const unsigned *count, unsigned at_least)
{
    gint64 until = g_get_monotonic_time() + G_TIME_SPAN_SECOND;
    g_mutex_lock(&heard->lock);
    while (*count < at_least && g_cond_wait_until(&heard->more, &heard->lock, until))
        ;
    bool reached = *count >= at_least;
    g_mutex_unlock(&heard->lock);
    return reached;
}

/* ---- a host */

struct fixture {
    struct virt *v;
    struct heard heard;
};

static struct virt *make(const char *uri, struct heard *heard)
{
    struct virt_options options = {.uri = uri, .state = directory, .event = hear, .ctx = heard};
    return virt_libvirt.new(&options, NULL);
}

static int set_up(void **state)
{
    struct fixture *f = g_new0(struct fixture, 1);
    f->v = make(file_uri, &f->heard);
    *state = f;
    return f->v && virt_libvirt.open(f->v, NULL) ? 0 : -1;
}

static int tear_down(void **state)
{
    struct fixture *f = *state;
    virt_libvirt.free(f->v);
    g_free(f);
    return 0;
}

static void define_two(struct virt *v)
{
    g_autoptr(VirtConnection) conn = virt_connection(v, NULL);
    g_autoptr(VirtDomainHandle) dom = virDomainDefineXML(conn, two);
    assert_non_null(dom);
}

static enum domain_state verb(struct virt *v, const char *uuid, enum domain_verb verb)
{
    g_autoptr(GError) error = NULL;
    g_autoptr(VirtDomain) domain = NULL;
    if (!virt_libvirt.power(v, uuid, verb, &domain, &error))
        fail_msg("%s", error->message);
    assert_string_equal(domain->uuid, uuid);
    return domain->state;
}

static void verb_fails(struct virt *v, const char *uuid, enum domain_verb verb, int err)
{
    g_autoptr(GError) error = NULL;
    struct virt_domain *domain = NULL;
    assert_false(virt_libvirt.power(v, uuid, verb, &domain, &error));
    assert_null(domain);
    assert_int_equal(error->domain, CLOUDFS_ERROR);
    assert_int_equal(error->code, err);
}

/* ---- tests */

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

static void what_the_host_offers(void **state)
{
    struct fixture *f = *state;
    g_autoptr(VirtInfo) info = NULL;
    assert_true(virt_libvirt.info(f->v, &info, NULL));
    assert_int_equal(info->cpus, 128);
    assert_int_equal(info->memory, 536870912ULL * 1024);
    assert_true(g_strv_contains((const char *const *)info->types, "test"));
    assert_true(g_strv_contains((const char *const *)info->networks, "lan"));
    assert_true(g_strv_contains((const char *const *)info->networks, "user"));
    assert_true(g_strv_contains((const char *const *)info->networks, "none"));
}

static void the_default_host(G_GNUC_UNUSED void **state)
{
    struct heard heard = {0};
    g_autoptr(VirtInfo) info = NULL;
    struct virt *v = make("test:///default", &heard);
    assert_true(virt_libvirt.open(v, NULL));
    assert_true(virt_libvirt.info(v, &info, NULL));
    assert_true(info->cpus > 0 && info->memory > 0);
    g_autoptr(GPtrArray) domains = NULL;
    assert_true(virt_libvirt.list(v, &domains, NULL));
    assert_int_equal(domains->len, 1);
    virt_libvirt.free(v);
}

static void domains_are_listed_and_read(void **state)
{
    struct fixture *f = *state;
    g_autoptr(GError) error = NULL;
    g_autoptr(VirtDomain) domain = NULL;
    assert_false(virt_libvirt.domain(f->v, TWO, &domain, &error));
    assert_int_equal(error->code, ENOENT);
    assert_null(domain);

    define_two(f->v);
    g_autoptr(GPtrArray) domains = NULL;
    assert_true(virt_libvirt.list(f->v, &domains, NULL));
    assert_int_equal(domains->len, 2);
    assert_true(virt_libvirt.domain(f->v, TWO, &domain, NULL));
    assert_string_equal(domain->uuid, TWO);
    assert_string_equal(domain->name, "two");
    assert_int_equal(domain->state, DOMAIN_SHUTOFF);
    assert_int_equal(domain->cpus, 3);
    assert_int_equal(domain->memory, 131072 * 1024);
    assert_string_equal(domain->type, "test");
    assert_null(domain->mark);
    assert_non_null(strstr(domain->xml, "<domain"));
    assert_non_null(strstr(domain->spec, "memory = 128MiB\n"));
}

static void verbs_change_the_state(void **state)
{
    struct fixture *f = *state;
    define_two(f->v);
    verb_fails(f->v, "11111111-0000-4000-8000-00000000ffff", VERB_START, ENOENT);
    verb_fails(f->v, "no uuid", VERB_START, EINVAL);
    verb_fails(f->v, TWO, VERB_SUSPEND, EBUSY);
    verb_fails(f->v, TWO, VERB_RESUME, EBUSY);
    verb_fails(f->v, TWO, VERB_REBOOT, EBUSY);
    verb_fails(f->v, TWO, VERB_RESET, EBUSY);
    assert_int_equal(verb(f->v, TWO, VERB_SHUTDOWN), DOMAIN_SHUTOFF);
    assert_int_equal(verb(f->v, TWO, VERB_DESTROY), DOMAIN_SHUTOFF);
    assert_int_equal(verb(f->v, TWO, VERB_START), DOMAIN_RUNNING);
    assert_int_equal(verb(f->v, TWO, VERB_START), DOMAIN_RUNNING);
    assert_int_equal(verb(f->v, TWO, VERB_RESUME), DOMAIN_RUNNING);
    assert_int_equal(verb(f->v, TWO, VERB_SUSPEND), DOMAIN_PAUSED);
    assert_int_equal(verb(f->v, TWO, VERB_SUSPEND), DOMAIN_PAUSED);
    verb_fails(f->v, TWO, VERB_START, EBUSY);
    assert_int_equal(verb(f->v, TWO, VERB_RESUME), DOMAIN_RUNNING);
    assert_int_equal(verb(f->v, TWO, VERB_REBOOT), DOMAIN_RUNNING);
    assert_int_equal(verb(f->v, TWO, VERB_SHUTDOWN), DOMAIN_SHUTOFF);
    assert_int_equal(verb(f->v, TWO, VERB_START), DOMAIN_RUNNING);
    assert_int_equal(verb(f->v, TWO, VERB_DESTROY), DOMAIN_SHUTOFF);
}

/* Being off is the end of it, and that is what was asked for. */
static void a_transient_domain_ends(void **state)
{
    struct fixture *f = *state;
    g_autoptr(VirtConnection) conn = virt_connection(f->v, NULL);
    g_autoptr(VirtDomainHandle) dom = virDomainCreateXML(conn, two, 0);
    assert_non_null(dom);
    assert_int_equal(verb(f->v, TWO, VERB_DESTROY), DOMAIN_SHUTOFF);
    verb_fails(f->v, TWO, VERB_DESTROY, ENOENT);
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
    struct virt *v = make(file_uri, &heard);
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

static void active_domains_are_sampled(void **state)
{
    struct fixture *f = *state;
    g_autoptr(GArray) samples = NULL;
    struct virt_load load = {0};
    define_two(f->v);
    assert_true(virt_libvirt.sample(f->v, true, &samples, &load, NULL));
    assert_int_equal(samples->len, 1);
    const struct virt_sample *one = &g_array_index(samples, struct virt_sample, 0);
    assert_string_equal(one->uuid, ONE);
    assert_int_equal(one->state, DOMAIN_RUNNING);
    assert_int_equal(one->cpus, 2);
    assert_true(one->memory_max == 65536.0 * 1024);
    assert_true(one->cpu_seconds == -1 && one->memory_used == -1);
    assert_true(one->read_bytes == -1 && one->written_bytes == -1);
    assert_true(one->received_bytes == -1 && one->sent_bytes == -1);
    assert_true(load.memory_used == -1);
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

static char *make_node(void)
{
    g_autofree char *file = g_build_filename(directory, "node.xml", NULL);
    g_file_set_contents(file, node, -1, NULL);
    return g_strconcat("test://", file, NULL);
}

static void remove_all(const char *path)
{
    g_autoptr(GDir) dir = g_dir_open(path, 0, NULL);
    const char *name;
    while (dir && (name = g_dir_read_name(dir))) {
        g_autofree char *child = g_build_filename(path, name, NULL);
        remove_all(child);
    }
    g_remove(path);
}

/* Real sockets: one that listens, one that nobody listens at. */
static void ports_are_tried(void **state)
{
    struct sockaddr_in at = {.sin_family = AF_INET, .sin_addr.s_addr = htonl(INADDR_LOOPBACK)};
    socklen_t size = sizeof at;
    int fd = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);
    g_autofree char *refused = NULL, *good = NULL, *none = NULL;

    (void)state;
    assert_int_equal(bind(fd, (struct sockaddr *)&at, sizeof at), 0);
    assert_int_equal(getsockname(fd, (struct sockaddr *)&at, &size), 0);
    assert_false(virt_connects("127.0.0.1", ntohs(at.sin_port), 1000, &refused));
    assert_non_null(strstr(refused, "Connection refused"));
    assert_false(virt_connects("nowhere", 1, 1000, &none));
    assert_non_null(none);
    assert_int_equal(listen(fd, 1), 0);
    assert_true(virt_connects("127.0.0.1", ntohs(at.sin_port), 1000, &good));
    assert_null(good);
    close(fd);
}

int main(void)
{
#define HOSTED(test) cmocka_unit_test_setup_teardown(test, set_up, tear_down)
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(ports_are_tried),
        cmocka_unit_test(bad_options),
        cmocka_unit_test(everything_fails_unconnected),
        cmocka_unit_test(no_such_node),
        cmocka_unit_test(a_daemon_that_is_not_there),
        cmocka_unit_test(the_default_host),
        cmocka_unit_test(no_events_after_free),
        cmocka_unit_test(freed_while_an_open_hangs),
        cmocka_unit_test(a_second_root_is_refused),
        HOSTED(what_the_host_offers),
        HOSTED(domains_are_listed_and_read),
        HOSTED(verbs_change_the_state),
        HOSTED(a_transient_domain_ends),
        HOSTED(events_arrive_within_a_second),
        HOSTED(the_test_drivers_domains_survive_a_reconnect),
        HOSTED(active_domains_are_sampled),
        HOSTED(opening_and_closing_beside_calls),
    };
    directory = g_dir_make_tmp("cloudfs-virt-XXXXXX", NULL);
    file_uri = make_node();
    if (!virt_start(NULL))
        return 1;
    int failed = cmocka_run_group_tests(tests, NULL, NULL);
    virt_stop();
    remove_all(directory);
    g_free(directory);
    g_free(file_uri);
    return failed;
}
