/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Changing a domain. The inactive definition is edited and defined again, then what can be
 * changed while it runs is; the mark comes last, so that it names the spec in force. A failure on
 * the way puts the old definition back. What takes effect only at the next start is told.
 */
#include <string.h>

#include "core/failpoint.h"
#include "core/virt/make.h"

struct changing {
    struct disk_place place;
    const struct virt_plan *plan;
    const struct vm_spec *before; /* NULL: not known, everything is looked at */
    virDomainPtr dom;
    bool active;
    HostLayout *host;
    char *old;     /* inactive XML */
    unsigned keys; /* to look at, of enum edit_key */
    unsigned done; /* those that were different */
    bool grow;     /* the disk */
    bool made_disk, made_seed, replaced_seed;
    char *disk, *seed; /* paths that the host's layout points at */
    GString *later;    /* what takes effect at the next start */
};

static void changing_clear(struct changing *c)
{
    g_clear_pointer(&c->host, host_layout_free);
    g_clear_pointer(&c->old, g_free);
    g_clear_pointer(&c->disk, g_free);
    g_clear_pointer(&c->seed, g_free);
    if (c->later)
        g_string_free(c->later, TRUE);
    if (c->dom)
        virDomainFree(c->dom);
}
typedef struct changing Changing;
G_DEFINE_AUTO_CLEANUP_CLEAR_FUNC(Changing, changing_clear)

static bool same(const char *one, const char *two)
{
    return g_strcmp0(one, two) == 0;
}

static bool same_words(char **one, char **two)
{
    static const char *const none[] = {NULL};
    return g_strv_equal(one ? (const char *const *)one : none,
                        two ? (const char *const *)two : none);
}

static void add_later(struct changing *c, const char *key, const char *why)
{
    g_string_append_printf(c->later, "%s%s", c->later->len ? ", " : "", key);
    if (why)
        g_string_append_printf(c->later, " (%s)", why);
}

static unsigned keys_to_look_at(const struct vm_spec *old, const struct vm_spec *new)
{
    unsigned keys = EDIT_CPUS | EDIT_MEMORY; /* compared with what is defined */
    if (!old || !same(old->kernel, new->kernel) || !same(old->initrd, new->initrd) ||
        !same(old->cmdline, new->cmdline) || !same(old->init, new->init))
        keys |= EDIT_BOOT;
    if (!old || !same_words(old->networks, new->networks))
        keys |= EDIT_NETWORKS;
    if (!old || !same(old->user_data, new->user_data))
        keys |= EDIT_SEED;
    return keys;
}

static bool refuse(GError **error, const char *key, const char *why)
{
    fail(error, EOPNOTSUPP, "%s of a VM cannot be changed: %s", key, why);
    return false;
}

/* What a change could only do by making another VM. */
static bool check_fixed(const struct changing *c, xmlNode *domain, GError **error)
{
    const struct vm_spec *old = c->before;
    const struct vm_spec *new = c->plan->vm;
    if (!tree_is(domain, "type", c->plan->type))
        return refuse(error, "virtualization", "it is made anew for another type");
    if (!old)
        return true;
    if (!same(old->image, new->image))
        return refuse(error, "image", "its disk is a clone of the image it was made with");
    if (!same(old->root, new->root))
        return refuse(error, "root", "it is the container's file system");
    if (old->disk && !new->disk && !new->image) {
        fail(error, EINVAL, "disk cannot be left out again: the VM has it, and data on it");
        return false;
    }
    return true;
}

/* Whether the disk is to grow, or to be made for a VM that has none of its own. */
static bool plan_disk(struct changing *c, xmlNode *domain, GError **error)
{
    const struct vm_spec *vm = c->plan->vm;
    bool asked = vm->disk && !(c->before && c->before->disk == vm->disk);
    if (!asked)
        return true;
    g_autofree char *name = disk_name(c->plan->uuid);
    g_autofree char *path = NULL;
    uint64_t bytes;
    if (!c->place.store->find(&c->place, name, &path, &bytes, error))
        return false;
    c->grow = path != NULL;
    if (c->grow)
        return true;
    if (device_has_foreign_disk(tree_child(domain, "devices"), c->plan->uuid))
        return refuse(error, "disk", "the VM has disks that cloudfs did not make");
    if (!confine_file(&c->place, c->plan, "image", vm->image, error) ||
        !disk_make(&c->place, c->plan, &c->disk, &c->made_disk, error))
        return false;
    c->host->layout.disk = c->disk;
    c->keys |= EDIT_DISK;
    return true;
}

static bool plan_seed(struct changing *c, GError **error)
{
    if (!(c->keys & EDIT_SEED))
        return true;
    if (!seed_make(&c->place, c->plan, true, &c->seed, &c->made_seed, error))
        return false;
    c->replaced_seed = c->seed && !c->made_seed;
    c->host->layout.seed = c->seed;
    return true;
}

static bool prepare(struct changing *c, struct virt *v, GError **error)
{
    c->old = virDomainGetXMLDesc(c->dom, VIR_DOMAIN_XML_INACTIVE | VIR_DOMAIN_XML_SECURE);
    if (!c->old)
        return virt_fail(error, "reading the definition");
    g_autoptr(XmlTree) doc = tree_parse(c->old);
    xmlNode *domain = doc ? xmlDocGetRootElement(doc) : NULL;
    if (!domain) {
        fail(error, EIO, "the hypervisor's definition of %s is no XML", c->plan->name);
        return false;
    }
    c->active = virDomainIsActive(c->dom) == 1;
    c->keys = keys_to_look_at(c->before, c->plan->vm);
    if (!check_fixed(c, domain, error) || !plan_check_container(c->plan, error) ||
        !confine_plan(&c->place, c->plan, c->before, error))
        return false;
    c->host = host_layout_of(v, c->place.conn, c->plan, error);
    return c->host && plan_disk(c, domain, error) && plan_seed(c, error);
}

static bool define(struct changing *c, const char *xml, GError **error)
{
    g_autoptr(VirtDomainHandle) dom = virDomainDefineXML(c->place.conn, xml);
    return dom || virt_fail(error, "changing the definition");
}

/* Also a domain that was transient is persistent then, as one that cloudfs manages must be. */
static bool change_definition(struct changing *c, GError **error)
{
    g_autofree char *xml =
        virt_edit_xml(c->old, c->plan, &c->host->layout, c->keys, &c->done, error);
    if (!xml)
        return false;
    bool transient = virDomainIsPersistent(c->dom) == 0;
    return (!c->done && !transient) || define(c, xml, error);
}

static void live_refused(struct changing *c, const char *key)
{
    g_autoptr(GError) refused = NULL;
    virt_fail(&refused, "not while it runs");
    add_later(c, key, refused->message);
}

static void change_live_cpus(struct changing *c)
{
    unsigned wanted = c->plan->vm->cpus;
    int now = virDomainGetVcpusFlags(c->dom, VIR_DOMAIN_AFFECT_LIVE);
    int max = virDomainGetVcpusFlags(c->dom, VIR_DOMAIN_AFFECT_LIVE | VIR_DOMAIN_VCPU_MAXIMUM);
    if (now < 0 || max < 0) { /* the driver has no such thing */
        if (c->done & EDIT_CPUS)
            add_later(c, "cpus", NULL);
        return;
    }
    if ((unsigned)now == wanted)
        return;
    if (wanted > (unsigned)max)
        add_later(c, "cpus", NULL);
    else if (virDomainSetVcpusFlags(c->dom, wanted, VIR_DOMAIN_AFFECT_LIVE) < 0)
        live_refused(c, "cpus");
}

/* The balloon moves below the maximum that the VM was started with, and fills it at least. */
static void change_live_memory(struct changing *c)
{
    bool asked = !c->before || c->before->memory != c->plan->vm->memory || c->done & EDIT_MEMORY;
    unsigned long wanted = virt_kib(c->plan->vm->memory);
    unsigned long max = virDomainGetMaxMemory(c->dom);
    if (asked && max &&
        virDomainSetMemoryFlags(c->dom, MIN(wanted, max), VIR_DOMAIN_AFFECT_LIVE) < 0)
        live_refused(c, "memory");
    else if (wanted > max)
        add_later(c, "memory", NULL);
}

/* Of this change and of those before it since the start. */
static unsigned keys_that_wait(const struct changing *c)
{
    g_autofree char *live = virDomainGetXMLDesc(c->dom, 0);
    g_autofree char *kept = virDomainGetXMLDesc(c->dom, VIR_DOMAIN_XML_INACTIVE);
    return virt_differing_keys(live, kept, c->plan->uuid);
}

/* A seed has one name, whatever it holds: that it was replaced is only known from what was told. */
static bool seed_waits(const struct changing *c)
{
    const struct virt_plan *plan = c->plan;

    return c->replaced_seed ||
           (plan->vm->user_data && plan->waits && strstr(plan->waits, "user_data"));
}

static void change_live(struct changing *c)
{
    if (!c->active)
        return;
    change_live_cpus(c);
    change_live_memory(c);
    unsigned keys = keys_that_wait(c);
    if (keys & EDIT_BOOT)
        add_later(c, "kernel, initrd, cmdline and init", NULL);
    if (keys & EDIT_NETWORKS)
        add_later(c, "network", NULL);
    if (keys & EDIT_DISK)
        add_later(c, "disk", NULL);
    if (keys & EDIT_SEED || seed_waits(c))
        add_later(c, "user_data", NULL);
}

bool domain_set_mark(virDomainPtr dom, const struct virt_mark *mark, GError **error)
{
    g_autofree char *content = mark_content(mark);
    unsigned flags = VIR_DOMAIN_AFFECT_CONFIG;
    if (virDomainIsActive(dom) == 1)
        flags |= VIR_DOMAIN_AFFECT_LIVE;
    return virDomainSetMetadata(dom, VIR_DOMAIN_METADATA_ELEMENT, content, "cloudfs",
                                VIRT_NAMESPACE, flags) == 0 ||
           virt_fail(error, "marking the VM");
}

static void undo(struct changing *c)
{
    if (c->done)
        define(c, c->old, NULL);
    g_autofree char *disk = disk_name(c->plan->uuid);
    g_autofree char *seed = seed_name(c->plan->uuid);
    if (c->made_disk)
        c->place.store->remove(&c->place, disk, NULL);
    if (c->made_seed)
        c->place.store->remove(&c->place, seed, NULL);
    if (!c->replaced_seed || !c->before || !c->before->user_data)
        return;
    struct virt_plan former = *c->plan;
    former.vm = c->before;
    g_autofree char *path = NULL;
    bool made;
    seed_make(&c->place, &former, true, &path, &made, NULL);
}

/* A seed that nothing refers to any more; one that stays does no harm, destroy takes it. */
static void drop_seed(struct changing *c)
{
    if (!(c->keys & EDIT_SEED) || c->plan->vm->user_data)
        return;
    g_autofree char *seed = seed_name(c->plan->uuid);
    c->place.store->remove(&c->place, seed, NULL);
}

static bool apply(struct changing *c, GError **error)
{
    if (!failpoint("change.prepared", error) || !change_definition(c, error) ||
        !failpoint("change.defined", error))
        return false;
    if (c->grow && !disk_grow(&c->place, c->dom, c->plan->uuid, c->plan->vm->disk, error))
        return false;
    change_live(c);
    return failpoint("change.live", error) && domain_set_mark(c->dom, &c->plan->mark, error);
}

bool virt_change(struct virt *v, const struct virt_plan *plan, const struct vm_spec *before,
                 bool *restart, char **what, struct virt_domain **domain, GError **error)
{
    g_autoptr(VirtConnection) conn = virt_connection(v, error);
    if (!conn)
        return false;
    g_auto(Changing) c = {.place = disk_place_of(v, conn), .plan = plan, .before = before};
    c.place.stale = true;
    c.later = g_string_new(NULL);
    c.dom = virt_lookup(conn, plan->uuid, error);
    if (!c.dom)
        return false;
    if (!prepare(&c, v, error) || !apply(&c, error)) {
        undo(&c);
        return false;
    }
    drop_seed(&c);
    struct virt_domain *changed = virt_read_domain(c.dom, error);
    if (!changed)
        return false;
    *domain = changed;
    *restart = c.later->len > 0;
    *what = *restart ? g_strdup_printf("at the next start: %s", c.later->str) : NULL;
    return true;
}
