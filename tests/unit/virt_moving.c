/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "tests/unit/virt_moving.h"

#include <unistd.h>

static const char node[] =
    "<node><cpu><mhz>2600</mhz><model>EPYC</model><active>8</active><nodes>1</nodes>"
    "<sockets>1</sockets><cores>8</cores><threads>1</threads></cpu><memory>8388608</memory>"
    "<pool type='dir'><name>pool</name><target><path>%s</path></target></pool></node>";

#define MARK "cloudfs-" UUID ".qcow2.moving"

struct side sides[2];
struct virt_plan plan;
static struct vm_spec vm;

static void ignore(void *ctx, enum virt_event what, const char *uuid)
{
    (void)ctx;
    (void)what;
    (void)uuid;
}

static int open_side(int n, const char *pool)
{
    struct side *side = &sides[n];
    g_autofree char *text = g_strdup_printf(node, pool);
    int fd = g_file_open_tmp("node-XXXXXX.xml", &side->file, NULL);
    bool written = fd >= 0 && g_file_set_contents(side->file, text, -1, NULL);
    g_autofree char *uri = g_strconcat("test://", side->file, NULL);
    struct virt_options options = {.uri = uri, .state = "/nonexistent", .event = ignore};

    close(fd);
    side->disk = g_strdup_printf("%s/cloudfs-" UUID ".qcow2", pool);
    side->v = virt_libvirt.new(&options, NULL);
    if (!written || !side->v || !virt_libvirt.open(side->v, NULL))
        return -1;
    side->conn = virt_connection(side->v, NULL);
    return side->conn ? 0 : -1;
}

void appear(int n)
{
    g_autoptr(VirtDomain) domain = NULL;

    assert_true(virt_libvirt.create(sides[n].v, &plan, &domain, NULL));
}

void disappear(int n)
{
    g_autoptr(VirtDomainHandle) dom = virDomainLookupByUUIDString(sides[n].conn, UUID);

    assert_int_equal(virDomainDestroy(dom), 0);
    assert_int_equal(virDomainUndefine(dom), 0);
}

bool has_disk(int n)
{
    g_autoptr(VirtVolume) volume = virStorageVolLookupByPath(sides[n].conn, sides[n].disk);

    return volume != NULL;
}

bool has_domain(int n)
{
    g_autoptr(VirtDomainHandle) dom = virDomainLookupByUUIDString(sides[n].conn, UUID);

    return dom != NULL;
}

void switch_off(int n, int (*how)(virDomainPtr dom))
{
    g_autoptr(VirtDomainHandle) dom = virDomainLookupByUUIDString(sides[n].conn, UUID);

    assert_int_equal(how(dom), 0);
}

void mark(int n)
{
    g_autoptr(VirtPool) pool = virStoragePoolLookupByName(sides[n].conn, "pool");
    g_autoptr(VirtVolume) volume = virStorageVolCreateXML(
        pool, "<volume><name>" MARK "</name><capacity>1024</capacity></volume>", 0);

    assert_non_null(volume);
}

bool has_mark(int n)
{
    g_autoptr(VirtPool) pool = virStoragePoolLookupByName(sides[n].conn, "pool");
    g_autoptr(VirtVolume) volume = virStorageVolLookupByName(pool, MARK);

    return volume != NULL;
}

int moving_start(void **state)
{
    (void)state;
    return virt_start(NULL) ? 0 : -1;
}

int moving_stop(void **state)
{
    (void)state;
    virt_stop();
    return 0;
}

static int set_up_pools(const char *from, const char *to)
{
    vm = plain_vm();
    vm.disk = 1 << 20;
    plan = plan_of("web1", &vm);
    if (open_side(FROM, from) < 0 || open_side(TO, to) < 0)
        return -1;
    appear(FROM);
    return 0;
}

int moving_set_up(void **state)
{
    (void)state;
    return set_up_pools("/pool-0", "/pool-1");
}

int moving_set_up_shared(void **state)
{
    (void)state;
    return set_up_pools("/pool", "/pool");
}

int moving_tear_down(void **state)
{
    (void)state;
    for (int n = FROM; n <= TO; n++) {
        virConnectClose(sides[n].conn);
        virt_libvirt.free(sides[n].v);
        unlink(sides[n].file);
        g_free(sides[n].file);
        g_free(sides[n].disk);
    }
    return 0;
}
