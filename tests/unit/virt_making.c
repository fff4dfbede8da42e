/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "tests/unit/virt_making.h"

#include <unistd.h>

static char *node_file; /* of the test driver's host */

static const char node[] =
    "<node><cpu><mhz>2600</mhz><model>EPYC</model><active>8</active><nodes>1</nodes>"
    "<sockets>1</sockets><cores>8</cores><threads>1</threads></cpu><memory>8388608</memory>"
    "<domain type='test'><name>test</name><memory>65536</memory><os><type>hvm</type></os></domain>"
    "<network><name>default</name><ip address='192.168.122.1' netmask='255.255.255.0'/></network>"
    "<pool type='dir'><name>default-pool</name><target><path>/default-pool</path></target>"
    "<volume><name>base.qcow2</name><capacity>1073741824</capacity><target>"
    "<format type='qcow2'/></target></volume>"
    "<volume><name>open.qcow2</name><capacity>1073741824</capacity><target>"
    "<format type='qcow2'/><permissions><mode>0644</mode></permissions></target></volume>"
    "<volume><name>closed.qcow2</name><capacity>1073741824</capacity><target>"
    "<format type='qcow2'/><permissions><mode>0640</mode></permissions></target></volume>"
    "<volume><name>cloudfs-" OTHER ".qcow2</name><capacity>1073741824</capacity><target>"
    "<format type='qcow2'/><permissions><mode>0644</mode></permissions></target></volume>"
    "</pool></node>";

int making_start(void **state)
{
    (void)state;
    int fd = g_file_open_tmp("node-XXXXXX.xml", &node_file, NULL);
    bool written = fd >= 0 && g_file_set_contents(node_file, node, -1, NULL);
    close(fd);
    return written && virt_start(NULL) ? 0 : -1;
}

int making_stop(void **state)
{
    (void)state;
    virt_stop();
    unlink(node_file);
    g_free(node_file);
    return 0;
}

static void ignore(void *ctx, enum virt_event what, const char *uuid)
{
    (void)ctx;
    (void)what;
    (void)uuid;
}

/* Each connection to a node that is a file has an instance of its own. */
int making_set_up(void **state)
{
    struct fixture *f = g_new0(struct fixture, 1);
    g_autofree char *uri = g_strconcat("test://", node_file, NULL);
    struct virt_options options = {.uri = uri, .state = "/nonexistent", .event = ignore};
    f->v = virt_libvirt.new(&options, NULL);
    if (!f->v || !virt_libvirt.open(f->v, NULL))
        return -1;
    f->conn = virt_connection(f->v, NULL);
    *state = f;
    return f->conn ? 0 : -1;
}

int making_tear_down(void **state)
{
    struct fixture *f = *state;
    virConnectClose(f->conn);
    virt_libvirt.free(f->v);
    g_free(f);
    return 0;
}

struct vm_spec plain_vm(void)
{
    return (struct vm_spec){.cpus = 2, .memory = 512ULL << 20};
}

struct virt_plan plan_of(const char *name, const struct vm_spec *vm)
{
    static char cloud[] = "11111111-2222-4333-8444-555555555555", text[] = "cpus = 2\n",
                object[] = "web1";
    return (struct virt_plan){
        .uuid = UUID,
        .name = name,
        .type = "test",
        .vm = vm,
        .mark = {.cloud = cloud, .id = 7, .name = object, .spec = text},
        .start = true
    };
}

bool volume_exists(struct fixture *f, const char *path, uint64_t *bytes)
{
    virStorageVolInfo info = {0};
    g_autoptr(VirtVolume) volume = virStorageVolLookupByPath(f->conn, path);
    if (volume && bytes && virStorageVolGetInfo(volume, &info) == 0)
        *bytes = info.capacity;
    return volume != NULL;
}

bool domain_exists(struct fixture *f, const char *uuid)
{
    g_autoptr(VirtDomainHandle) dom = virDomainLookupByUUIDString(f->conn, uuid);
    return dom != NULL;
}

void assert_nothing_left(struct fixture *f)
{
    assert_false(domain_exists(f, UUID));
    assert_false(volume_exists(f, DISK, NULL));
    assert_false(volume_exists(f, SEED, NULL));
}

void assert_marked(const struct virt_domain *domain, const struct virt_plan *plan)
{
    assert_non_null(domain->mark);
    assert_string_equal(domain->mark->cloud, plan->mark.cloud);
    assert_string_equal(domain->mark->spec, plan->mark.spec);
}

void create_fails(struct fixture *f, const struct virt_plan *plan, int err)
{
    struct virt_domain *domain = NULL;
    GError *error = NULL;
    assert_false(virt_libvirt.create(f->v, plan, &domain, &error));
    assert_non_null(error);
    assert_int_equal(error->code, err);
    assert_null(domain);
    g_error_free(error);
}

void create(struct fixture *f, const struct virt_plan *plan)
{
    g_autoptr(VirtDomain) domain = NULL;
    GError *error = NULL;
    bool ok = virt_libvirt.create(f->v, plan, &domain, &error);
    if (!ok)
        print_error("%s\n", error->message);
    assert_true(ok);
    assert_string_equal(domain->uuid, plan->uuid);
    assert_string_equal(domain->name, plan->name);
}

struct virt_domain *look(struct fixture *f)
{
    struct virt_domain *domain = NULL;
    assert_true(virt_libvirt.domain(f->v, UUID, &domain, NULL));
    return domain;
}

void change_fails(struct fixture *f, const struct virt_plan *plan, const struct vm_spec *before,
                  int err)
{
    struct virt_domain *domain = NULL;
    char *what = NULL;
    bool restart = true;
    GError *error = NULL;
    assert_false(virt_libvirt.change(f->v, plan, before, &restart, &what, &domain, &error));
    assert_int_equal(error->code, err);
    assert_true(restart && !what && !domain);
    g_error_free(error);
}

void change(struct fixture *f, const struct virt_plan *plan, const struct vm_spec *before,
            const char *later)
{
    g_autoptr(VirtDomain) domain = NULL;
    g_autofree char *what = NULL;
    bool restart = !later;
    GError *error = NULL;
    bool ok = virt_libvirt.change(f->v, plan, before, &restart, &what, &domain, &error);
    if (!ok)
        print_error("%s\n", error->message);
    assert_true(ok);
    assert_string_equal(domain->uuid, plan->uuid);
    assert_int_equal(restart, later != NULL);
    assert_int_equal(g_strcmp0(what, later), 0);
}
