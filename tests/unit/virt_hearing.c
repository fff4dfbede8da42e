/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "tests/unit/virt_hearing.h"

#include <glib/gstdio.h>

static const char node[] =
    "<node><cpu><mhz>2600</mhz><model>EPYC</model><active>128</active><nodes>2</nodes>"
    "<sockets>1</sockets><cores>32</cores><threads>2</threads></cpu><memory>536870912</memory>"
    "<domain type='test'><name>one</name><uuid>11111111-0000-4000-8000-000000000001</uuid>"
    "<memory>65536</memory><vcpu>2</vcpu><os><type>hvm</type></os></domain>"
    "<network><name>lan</name><ip address='192.168.122.1' netmask='255.255.255.0'/></network>"
    "</node>";

const char domain_two[] =
    "<domain type='test'><name>two</name><uuid>11111111-0000-4000-8000-000000000002</uuid>"
    "<memory>131072</memory><vcpu>3</vcpu><os><type>hvm</type></os></domain>";

char *directory, *node_uri;

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

int hearing_start(G_GNUC_UNUSED void **state)
{
    directory = g_dir_make_tmp("cloudfs-virt-XXXXXX", NULL);
    node_uri = make_node();
    return virt_start(NULL) ? 0 : -1;
}

int hearing_stop(G_GNUC_UNUSED void **state)
{
    virt_stop();
    remove_all(directory);
    g_free(directory);
    g_free(node_uri);
    return 0;
}

void hear(void *ctx, enum virt_event what, const char *uuid)
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

bool comes(struct heard *heard, const unsigned *count, unsigned at_least)
{
    gint64 until = g_get_monotonic_time() + G_TIME_SPAN_SECOND;
    g_mutex_lock(&heard->lock);
    while (*count < at_least && g_cond_wait_until(&heard->more, &heard->lock, until))
        ;
    bool reached = *count >= at_least;
    g_mutex_unlock(&heard->lock);
    return reached;
}

struct virt *make(const char *uri, struct heard *heard)
{
    struct virt_options options = {.uri = uri, .state = directory, .event = hear, .ctx = heard};
    return virt_libvirt.new(&options, NULL);
}

int hearing_set_up(void **state)
{
    struct fixture *f = g_new0(struct fixture, 1);
    f->v = make(node_uri, &f->heard);
    *state = f;
    return f->v && virt_libvirt.open(f->v, NULL) ? 0 : -1;
}

int hearing_tear_down(void **state)
{
    struct fixture *f = *state;
    virt_libvirt.free(f->v);
    g_free(f);
    return 0;
}

void define_two(struct virt *v)
{
    g_autoptr(VirtConnection) conn = virt_connection(v, NULL);
    g_autoptr(VirtDomainHandle) dom = virDomainDefineXML(conn, domain_two);
    assert_non_null(dom);
}

enum domain_state verb(struct virt *v, const char *uuid, enum domain_verb verb)
{
    g_autoptr(GError) error = NULL;
    g_autoptr(VirtDomain) domain = NULL;
    if (!virt_libvirt.power(v, uuid, verb, &domain, &error))
        fail_msg("%s", error->message);
    assert_string_equal(domain->uuid, uuid);
    return domain->state;
}

void verb_fails(struct virt *v, const char *uuid, enum domain_verb verb, int err)
{
    g_autoptr(GError) error = NULL;
    struct virt_domain *domain = NULL;
    assert_false(virt_libvirt.power(v, uuid, verb, &domain, &error));
    assert_null(domain);
    assert_int_equal(error->domain, CLOUDFS_ERROR);
    assert_int_equal(error->code, err);
}
