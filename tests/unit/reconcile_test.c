/* SPDX-License-Identifier: GPL-2.0-or-later */
/* The engine over a hypervisor that lives in this file and fails when it is told to. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>
#include <pthread.h>
#include <string.h>
#include <time.h>

#undef fail /* cmocka's: ours makes a GError */
#include "core/reconcile/internal.h"

/* ---- the hypervisor: hosts by URI, domains by UUID, and what is to fail */

struct fake_domain {
    char *host, *name;
    enum domain_state state;
    uint32_t cpus;
    uint64_t memory;
};

static struct {
    pthread_mutex_t lock;
    GHashTable *domains;     /* UUID to struct fake_domain * */
    GHashTable *fail_create; /* host's URI to errno */
    int fail_change, fail_destroy;
    bool lose_create; /* makes the domain, then says that the host went down */
    int fail_move;    /* EHOSTDOWN: it moves, but nobody hears of it */
    unsigned moves;
    bool sick;         /* guests do not answer */
    bool bad_image;    /* VMs with an image cannot be made */
    bool change_later; /* changes take effect at the next start */
    unsigned creates, restarts, destroys;
    unsigned least;    /* domains that ran when there were fewest */
    GHashTable *virts; /* URI to struct virt * */
} fake;

struct virt {
    char *uri;
    void (*event)(void *ctx, enum virt_event what, const char *uuid);
    void *ctx;
};

static void fake_domain_free(void *data)
{
    struct fake_domain *domain = data;

    g_free(domain->host);
    g_free(domain->name);
    g_free(domain);
}

static struct virt *fake_new(const struct virt_options *options, GError **error)
{
    struct virt *v = g_new0(struct virt, 1);

    (void)error;
    v->uri = g_strdup(options->uri);
    v->event = options->event;
    v->ctx = options->ctx;
    pthread_mutex_lock(&fake.lock);
    g_hash_table_replace(fake.virts, v->uri, v);
    pthread_mutex_unlock(&fake.lock);
    return v;
}

static void fake_free(struct virt *v)
{
    pthread_mutex_lock(&fake.lock);
    if (g_hash_table_lookup(fake.virts, v->uri) == v)
        g_hash_table_remove(fake.virts, v->uri);
    pthread_mutex_unlock(&fake.lock);
    g_free(v->uri);
    g_free(v);
}

static bool fake_open(struct virt *v, GError **error)
{
    (void)v;
    (void)error;
    return true;
}

static void fake_close(struct virt *v)
{
    (void)v;
}

static bool fake_info(struct virt *v, struct virt_info **info, GError **error)
{
    (void)v;
    (void)error;
    *info = g_new0(struct virt_info, 1);
    (*info)->cpus = 4;
    (*info)->memory = G_GUINT64_CONSTANT(4) << 30;
    (*info)->types = g_strsplit("test", " ", -1);
    (*info)->networks = g_strsplit("none", " ", -1);
    return true;
}

static struct virt_domain *describe(const char *uuid, const struct fake_domain *from)
{
    struct virt_domain *domain = g_new0(struct virt_domain, 1);

    domain->uuid = g_strdup(uuid);
    domain->name = g_strdup(from->name);
    domain->state = from->state;
    domain->persistent = true;
    domain->cpus = from->cpus;
    domain->memory = from->memory;
    domain->type = g_strdup("test");
    domain->xml = g_strdup("<domain/>\n");
    domain->spec =
        g_strdup_printf("cpus = %u\nmemory = %" G_GUINT64_FORMAT "\n", from->cpus, from->memory);
    return domain;
}

static bool fake_list(struct virt *v, GPtrArray **domains, GError **error)
{
    GHashTableIter iter;
    void *uuid, *each;

    (void)error;
    *domains = g_ptr_array_new_with_free_func((GDestroyNotify)virt_domain_free);
    pthread_mutex_lock(&fake.lock);
    g_hash_table_iter_init(&iter, fake.domains);
    while (g_hash_table_iter_next(&iter, &uuid, &each))
        if (strcmp(((struct fake_domain *)each)->host, v->uri) == 0)
            g_ptr_array_add(*domains, describe(uuid, each));
    pthread_mutex_unlock(&fake.lock);
    return true;
}

/* Calls FN on the domain under the lock; ENOENT if there is none. */
static bool with_domain(struct virt *v, const char *uuid, struct virt_domain **out, GError **error,
                        void (*fn)(struct fake_domain *domain, const void *data), const void *data)
{
    struct fake_domain *domain;
    bool found;

    pthread_mutex_lock(&fake.lock);
    domain = g_hash_table_lookup(fake.domains, uuid);
    found = domain && strcmp(domain->host, v->uri) == 0;
    if (found && fn)
        fn(domain, data);
    if (found)
        *out = describe(uuid, domain);
    pthread_mutex_unlock(&fake.lock);
    if (!found)
        fail(error, ENOENT, "no domain %s", uuid);
    return found;
}

static bool fake_domain_op(struct virt *v, const char *uuid, struct virt_domain **domain,
                           GError **error)
{
    return with_domain(v, uuid, domain, error, NULL, NULL);
}

static int planned_failure(const char *uri)
{
    return GPOINTER_TO_INT(g_hash_table_lookup(fake.fail_create, uri));
}

static bool fake_create(struct virt *v, const struct virt_plan *plan, struct virt_domain **domain,
                        GError **error)
{
    struct fake_domain *made = g_new0(struct fake_domain, 1);
    bool lose;
    int err;

    pthread_mutex_lock(&fake.lock);
    err = planned_failure(v->uri);
    if (fake.bad_image && plan->vm->image)
        err = ENOENT;
    lose = fake.lose_create;
    fake.lose_create = false;
    fake.creates++;
    made->host = g_strdup(v->uri);
    made->name = g_strdup(plan->name);
    made->state = plan->start ? DOMAIN_RUNNING : DOMAIN_SHUTOFF;
    made->cpus = plan->vm->cpus;
    made->memory = plan->vm->memory;
    if (err) {
        fake_domain_free(made);
        fail(error, err, "told to fail on %s", v->uri);
    } else {
        g_hash_table_replace(fake.domains, g_strdup(plan->uuid), made);
        if (lose)
            fail(error, EHOSTDOWN, "told to lose the connection");
        else
            *domain = describe(plan->uuid, made);
    }
    pthread_mutex_unlock(&fake.lock);
    if (lose)
        v->event(v->ctx, VIRT_CLOSED, NULL);
    return !err && !lose;
}

static bool told_to_fail(const int *which, GError **error)
{
    int err;

    pthread_mutex_lock(&fake.lock);
    err = *which;
    pthread_mutex_unlock(&fake.lock);
    if (err)
        fail(error, err, "told to fail");
    return err != 0;
}

static void set_size(struct fake_domain *domain, const void *data)
{
    const struct vm_spec *spec = data;

    domain->cpus = spec->cpus;
    domain->memory = spec->memory;
}

static bool fake_change(struct virt *v, const struct virt_plan *plan, const struct vm_spec *before,
                        bool *restart, char **what, struct virt_domain **domain, GError **error)
{
    (void)before;
    if (told_to_fail(&fake.fail_change, error))
        return false;
    *restart = fake.change_later;
    *what = fake.change_later ? g_strdup("at the next start: cpus") : NULL;
    return with_domain(v, plan->uuid, domain, error, set_size, plan->vm);
}

static void set_name(struct fake_domain *domain, const void *data)
{
    g_free(domain->name);
    domain->name = g_strdup(data);
}

static bool fake_rename(struct virt *v, const struct virt_plan *plan, struct virt_domain **domain,
                        GError **error)
{
    if (told_to_fail(&fake.fail_change, error))
        return false;
    return with_domain(v, plan->uuid, domain, error, set_name, plan->name);
}

static void set_state(struct fake_domain *domain, const void *data)
{
    domain->state = *(const enum domain_state *)data;
    fake.restarts += domain->state == DOMAIN_RUNNING;
}

static bool fake_power(struct virt *v, const char *uuid, enum domain_verb verb,
                       struct virt_domain **domain, GError **error)
{
    const enum domain_state state =
        verb == VERB_SHUTDOWN || verb == VERB_DESTROY ? DOMAIN_SHUTOFF : DOMAIN_RUNNING;

    return with_domain(v, uuid, domain, error, set_state, &state);
}

static bool fake_destroy(struct virt *v, const char *uuid, const char *name, GError **error)
{
    (void)v;
    (void)name;
    if (told_to_fail(&fake.fail_destroy, error))
        return false;
    pthread_mutex_lock(&fake.lock);
    g_hash_table_remove(fake.domains, uuid);
    fake.destroys++;
    fake.least = MIN(fake.least, g_hash_table_size(fake.domains));
    pthread_mutex_unlock(&fake.lock);
    return true;
}

static bool fake_can_move(struct virt *v, struct virt *to, const struct vm_spec *vm,
                          const char *type, bool running, GError **error)
{
    (void)v;
    (void)to;
    (void)type;
    (void)running;
    if (!vm->disk)
        return true;
    fail(error, EOPNOTSUPP, "told that disks do not move");
    return false;
}

static void set_host(struct fake_domain *domain, const void *data)
{
    g_free(domain->host);
    domain->host = g_strdup(data);
}

static bool fake_migrate(struct virt *v, const struct virt_plan *plan, const struct virt_way *way,
                         struct virt_domain **domain, GError **error)
{
    bool silent = fake.fail_move == EHOSTDOWN;

    fake.moves++;
    if (!silent && told_to_fail(&fake.fail_move, error))
        return false;
    if (!with_domain(v, plan->uuid, domain, error, set_host, way->to->uri))
        return false;
    if (silent) {
        g_clear_pointer(domain, virt_domain_free);
        fail(error, EHOSTDOWN, "told to be silent");
    }
    return !silent;
}

static bool fake_settle(struct virt *v, const struct virt_plan *plan, const struct virt_way *way,
                        struct virt_domain **domain, GError **error)
{
    g_autoptr(VirtDomain) here = NULL;

    if (!with_domain(v, plan->uuid, &here, NULL, NULL, NULL))
        return with_domain(way->to, plan->uuid, domain, error, NULL, NULL);
    fail(error, ECANCELED, "it is still here");
    return false;
}

static bool fake_abort(struct virt *v, const char *uuid, GError **error)
{
    (void)v;
    (void)uuid;
    (void)error;
    return true;
}

static bool fake_sample(struct virt *v, GArray **samples, struct virt_load *load, GError **error)
{
    (void)v;
    (void)error;
    *samples = g_array_new(false, false, sizeof(struct virt_sample));
    *load = (struct virt_load){-1, -1};
    return true;
}

static bool fake_probe(struct virt *v, const char *uuid, const struct spec_health *check,
                       char **why, GError **error)
{
    (void)v;
    (void)uuid;
    (void)error;
    (void)check;
    pthread_mutex_lock(&fake.lock);
    *why = fake.sick ? g_strdup("told to be sick") : NULL;
    pthread_mutex_unlock(&fake.lock);
    return true;
}

static const struct virt_ops fake_ops = {
    .new = fake_new,
    .free = fake_free,
    .open = fake_open,
    .close = fake_close,
    .info = fake_info,
    .list = fake_list,
    .domain = fake_domain_op,
    .create = fake_create,
    .change = fake_change,
    .power = fake_power,
    .rename = fake_rename,
    .destroy = fake_destroy,
    .can_move = fake_can_move,
    .migrate = fake_migrate,
    .settle = fake_settle,
    .abort = fake_abort,
    .sample = fake_sample,
    .probe = fake_probe,
};

/* ---- a cloud of two hosts, a and b, each of 4 CPUs, 16 vCPUs, 4 GiB */

struct fixture {
    char *dir;
    struct conf conf;
    struct engine *engine;
    pthread_mutex_t lock;
    pthread_cond_t cond;
    int err; /* of the last request; -1: not answered yet */
};

static const struct actor somebody = {.uid = 1000, .gid = 1000, .pid = 4711};
static const struct actor administrator = {.uid = 0, .gid = 0, .pid = 4712};

/* Only an administrator says where a host is. */
static const struct actor *maker_of(enum object_kind kind)
{
    return kind == OBJECT_HOST ? &administrator : &somebody;
}

static void answered(void *ctx, int err)
{
    struct fixture *f = ctx;

    pthread_mutex_lock(&f->lock);
    f->err = err;
    pthread_cond_signal(&f->cond);
    pthread_mutex_unlock(&f->lock);
}

/* Waits for the answer to the request just made. */
static int answer(struct fixture *f)
{
    struct timespec until;
    int err;

    clock_gettime(CLOCK_REALTIME, &until);
    until.tv_sec += 20;
    pthread_mutex_lock(&f->lock);
    while (f->err < 0)
        if (pthread_cond_timedwait(&f->cond, &f->lock, &until))
            break;
    err = f->err;
    f->err = -1;
    pthread_mutex_unlock(&f->lock);
    return err;
}

static int make_dir(struct fixture *f, enum object_kind kind, const char *name)
{
    engine_mkdir(f->engine, kind, name, 0755, maker_of(kind), answered, f);
    return answer(f);
}

static uint64_t id_of(struct fixture *f, enum object_kind kind, const char *name)
{
    struct cloud *cloud = engine_cloud(f->engine);
    struct object *object;
    uint64_t id;

    cloud_read_lock(cloud);
    object = cloud_find(cloud, kind, name);
    id = object ? object->id : 0;
    cloud_read_unlock(cloud);
    return id;
}

static int commit(struct fixture *f, enum object_kind kind, const char *name, const char *text)
{
    engine_commit(f->engine, id_of(f, kind, name), text, strlen(text), maker_of(kind), answered, f);
    return answer(f);
}

static int make(struct fixture *f, enum object_kind kind, const char *name, const char *text)
{
    int err = make_dir(f, kind, name);

    return err ? err : commit(f, kind, name, text);
}

static int remove_dir(struct fixture *f, enum object_kind kind, const char *name)
{
    engine_rmdir(f->engine, id_of(f, kind, name), &somebody, answered, f);
    return answer(f);
}

static int control(struct fixture *f, enum object_kind kind, const char *name, const char *line)
{
    engine_control(f->engine, id_of(f, kind, name), line, &somebody, answered, f);
    return answer(f);
}

static int rename_to(struct fixture *f, enum object_kind from, const char *name,
                     enum object_kind kind, const char *to)
{
    engine_rename(f->engine, id_of(f, from, name), kind, to, &somebody, answered, f);
    return answer(f);
}

static int drop(struct fixture *f, enum object_kind kind, const char *name)
{
    engine_drop(f->engine, id_of(f, kind, name), &somebody, answered, f);
    return answer(f);
}

static int keep(struct fixture *f, enum object_kind kind, const char *name)
{
    engine_keep(f->engine, id_of(f, kind, name), &somebody, answered, f);
    return answer(f);
}

/* One field of an object as text, "" where there is none. Free with g_free. */
static char *field(struct fixture *f, enum object_kind kind, const char *name, const char *what)
{
    struct cloud *cloud = engine_cloud(f->engine);
    const char *text = "gone";
    struct object *object;
    char *copy;

    cloud_read_lock(cloud);
    object = cloud_find(cloud, kind, name);
    if (object && strcmp(what, "state") == 0)
        text = object->state;
    else if (object && strcmp(what, "spec") == 0)
        text = object->next_text ? object->next_text : object->spec_text;
    else if (object && strcmp(what, "error") == 0)
        text = object->error;
    else if (object && strcmp(what, "host") == 0)
        text = object->vm.host ? object->vm.host->name : NULL;
    copy = g_strdup(text ? text : "");
    cloud_read_unlock(cloud);
    return copy;
}

static void expect(struct fixture *f, enum object_kind kind, const char *name, const char *what,
                   const char *wanted)
{
    for (int tries = 0; tries < 1000; tries++) {
        g_autofree char *text = field(f, kind, name, what);

        if (strcmp(text, wanted) == 0)
            return;
        g_usleep(10000);
    }
    {
        g_autofree char *text = field(f, kind, name, what);

        assert_string_equal(text, wanted);
    }
}

static uint64_t cpus_reserved(struct fixture *f)
{
    struct cloud *cloud = engine_cloud(f->engine);
    struct cloud_score score;

    cloud_read_lock(cloud);
    cloud_total_score(cloud, &score);
    cloud_read_unlock(cloud);
    return (uint64_t)score.cpus_reserved;
}

static void add_conf_host(struct conf *conf, const char *name)
{
    struct conf_host *host = g_new0(struct conf_host, 1);

    host->name = g_strdup(name);
    host->text = g_strdup_printf("uri = test:///%s\n", name);
    host->spec = spec_parse(SPEC_HOST, host->text, strlen(host->text), NULL);
    g_ptr_array_add(conf->hosts, host);
}

static void conf_host_free(void *data)
{
    struct conf_host *host = data;

    g_free(host->name);
    g_free(host->text);
    spec_unref(host->spec);
    g_free(host);
}

static void start(struct fixture *f)
{
    g_autoptr(GError) error = NULL;

    f->engine = engine_new_with(&f->conf, &fake_ops, &error);
    assert_non_null(f->engine);
    expect(f, OBJECT_HOST, "a", "state", "up");
    expect(f, OBJECT_HOST, "b", "state", "up");
}

static int set_up(void **state)
{
    struct fixture *f = g_new0(struct fixture, 1);

    memset(&fake, 0, sizeof fake);
    pthread_mutex_init(&fake.lock, NULL);
    pthread_mutex_init(&f->lock, NULL);
    pthread_cond_init(&f->cond, NULL);
    fake.domains = g_hash_table_new_full(g_str_hash, g_str_equal, g_free, fake_domain_free);
    fake.fail_create = g_hash_table_new(g_str_hash, g_str_equal);
    fake.virts = g_hash_table_new(g_str_hash, g_str_equal);
    fake.least = G_MAXUINT;
    f->err = -1;
    f->dir = g_dir_make_tmp("cloudfs-XXXXXX", NULL);
    f->conf.state = g_build_filename(f->dir, "state", NULL);
    f->conf.sample = 1;
    f->conf.wait = 10;
    f->conf.grace = 0.5;
    f->conf.virtualization = g_hash_table_new_full(g_str_hash, g_str_equal, g_free, g_free);
    f->conf.hosts = g_ptr_array_new_with_free_func(conf_host_free);
    f->conf.quotas = g_ptr_array_new();
    f->conf.paths = g_strsplit("/", " ", -1);
    add_conf_host(&f->conf, "a");
    add_conf_host(&f->conf, "b");
    start(f);
    *state = f;
    return 0;
}

static int tear_down(void **state)
{
    struct fixture *f = *state;
    const char *argv[] = {"rm", "-rf", f->dir, NULL};

    engine_free(f->engine);
    g_spawn_sync(NULL, (char **)argv, NULL, G_SPAWN_SEARCH_PATH, NULL, NULL, NULL, NULL, NULL,
                 NULL);
    g_hash_table_destroy(fake.domains);
    g_hash_table_destroy(fake.fail_create);
    g_hash_table_destroy(fake.virts);
    g_hash_table_destroy(f->conf.virtualization);
    g_ptr_array_free(f->conf.hosts, true);
    g_ptr_array_free(f->conf.quotas, true);
    g_strfreev(f->conf.paths);
    g_free(f->conf.state);
    g_free(f->dir);
    g_free(f);
    return 0;
}

static void fail_create(const char *host, int err)
{
    pthread_mutex_lock(&fake.lock);
    g_hash_table_insert(fake.fail_create, (void *)host, GINT_TO_POINTER(err));
    pthread_mutex_unlock(&fake.lock);
}

static void set_failure(int *which, int err)
{
    pthread_mutex_lock(&fake.lock);
    *which = err;
    pthread_mutex_unlock(&fake.lock);
}

static unsigned domains(void)
{
    unsigned n;

    pthread_mutex_lock(&fake.lock);
    n = g_hash_table_size(fake.domains);
    pthread_mutex_unlock(&fake.lock);
    return n;
}

/* ---- tests */

static void names_and_specs_are_checked(void **state)
{
    struct fixture *f = *state;

    assert_int_equal(make_dir(f, OBJECT_VM, "-web"), EINVAL);
    assert_int_equal(make_dir(f, OBJECT_FOLDER, "web"), EPERM);
    assert_int_equal(make_dir(f, OBJECT_VM, "web"), 0);
    assert_int_equal(make_dir(f, OBJECT_VM, "web"), EEXIST);
    expect(f, OBJECT_VM, "web", "state", "draft");
    assert_int_equal(commit(f, OBJECT_VM, "web", "cpu = 1\n"), EINVAL);
    expect(f, OBJECT_VM, "web", "state", "draft");
    assert_int_equal(control(f, OBJECT_VM, "web", "explode"), EINVAL);
    assert_int_equal(control(f, OBJECT_VM, "web", "start"), EBUSY);
    assert_int_equal(commit(f, OBJECT_HOST, "a", "uri = test:///other\n"), EPERM);
    assert_int_equal(commit(f, OBJECT_HOST, "a", "uri = test:///a\n"), 0);
    assert_int_equal(remove_dir(f, OBJECT_HOST, "a"), EPERM);
    assert_int_equal(remove_dir(f, OBJECT_VM, "web"), 0);
    assert_int_equal(remove_dir(f, OBJECT_VM, "web"), ENOENT);
}

static void a_spec_makes_a_vm(void **state)
{
    struct fixture *f = *state;

    assert_int_equal(make(f, OBJECT_VM, "web", "cpus = 2\n"), 0);
    expect(f, OBJECT_VM, "web", "state", "running");
    assert_int_equal(domains(), 1);
    assert_int_equal(cpus_reserved(f), 2);
    assert_int_equal(commit(f, OBJECT_VM, "web", "cpus = 2\n"), 0);
    assert_int_equal(commit(f, OBJECT_VM, "web", "cpus = 3\n"), 0);
    assert_int_equal(cpus_reserved(f), 3);
    assert_int_equal(fake.creates, 1);
    assert_int_equal(remove_dir(f, OBJECT_VM, "web"), 0);
    assert_int_equal(domains(), 0);
    assert_int_equal(cpus_reserved(f), 0);
}

static void what_no_host_could_hold_is_refused(void **state)
{
    struct fixture *f = *state;
    g_autoptr(GError) error = NULL;

    assert_int_equal(make(f, OBJECT_VM, "big", "cpus = 17\n"), ENOSPC);
    expect(f, OBJECT_VM, "big", "state", "draft");
    assert_int_equal(commit(f, OBJECT_VM, "big", "cpus = 1\nhost = c\n"), ENOSPC);
    assert_false(engine_check(f->engine, 0, OBJECT_VM, "memory = 5GiB\n", 14, &somebody, &error));
    assert_int_equal(error->code, ENOSPC);
    assert_true(engine_check(f->engine, 0, OBJECT_VM, "memory = 5GiB", 13, &somebody, NULL));
    assert_int_equal(domains(), 0);
}

static void what_does_not_fit_now_waits(void **state)
{
    struct fixture *f = *state;

    assert_int_equal(make(f, OBJECT_VM, "one", "memory = 3GiB\n"), 0);
    assert_int_equal(make(f, OBJECT_VM, "two", "memory = 3GiB\n"), 0);
    assert_int_equal(make(f, OBJECT_VM, "three", "memory = 3GiB\n"), 0);
    expect(f, OBJECT_VM, "three", "state", "pending");
    assert_int_equal(domains(), 2);
    assert_int_equal(remove_dir(f, OBJECT_VM, "one"), 0);
    expect(f, OBJECT_VM, "three", "state", "running");
}

static void has_waited(struct fixture *f, const char *name, int seconds)
{
    struct cloud *cloud = engine_cloud(f->engine);

    cloud_write_lock(cloud);
    vm_work(cloud_find(cloud, OBJECT_VM, name))->waiting.since -= seconds * G_USEC_PER_SEC;
    cloud_write_unlock(cloud);
}

static void the_most_wanted_goes_first(void **state)
{
    struct fixture *f = *state;

    assert_int_equal(make(f, OBJECT_VM, "one", "memory = 3GiB\n"), 0);
    assert_int_equal(make(f, OBJECT_VM, "two", "memory = 3GiB\n"), 0);
    assert_int_equal(make(f, OBJECT_VM, "low", "memory = 3GiB\n"), 0);
    assert_int_equal(make(f, OBJECT_VM, "bad", "memory = 4GiB\nhost = a\ndemand = 100\n"), 0);
    assert_int_equal(make(f, OBJECT_VM, "high", "memory = 3GiB\ndemand = 5\n"), 0);
    assert_int_equal(make(f, OBJECT_VM, "next", "memory = 3GiB\ndemand = 5\n"), 0);
    assert_int_equal(make(f, OBJECT_VM, "small", "memory = 1GiB\n"), 0);
    expect(f, OBJECT_VM, "small", "state", "running"); /* what waits does not stop it */
    assert_int_equal(remove_dir(f, OBJECT_VM, "one"), 0);
    expect(f, OBJECT_VM, "high", "state", "running");
    expect(f, OBJECT_VM, "bad", "state", "pending");
    has_waited(f, "low", 600);
    assert_int_equal(remove_dir(f, OBJECT_VM, "two"), 0);
    expect(f, OBJECT_VM, "low", "state", "running"); /* its demand counts 11 times by now */
    expect(f, OBJECT_VM, "next", "state", "pending");
    assert_int_equal(commit(f, OBJECT_VM, "next", "memory = 1GiB\n"), 0);
    expect(f, OBJECT_VM, "next", "state", "running");
}

/* Of hosts that are equal otherwise, the one without what others wait for. */
static void labels_that_others_need_are_spared(void **state)
{
    struct fixture *f = *state;

    assert_int_equal(make(f, OBJECT_HOST, "c", "uri = test:///c\nlabels = gpu\n"), 0);
    assert_int_equal(make(f, OBJECT_HOST, "d", "uri = test:///d\n"), 0);
    expect(f, OBJECT_HOST, "c", "state", "up");
    expect(f, OBJECT_HOST, "d", "state", "up");
    assert_int_equal(make(f, OBJECT_VM, "a1", "memory = 4GiB\nhost = a\n"), 0);
    assert_int_equal(make(f, OBJECT_VM, "b1", "memory = 4GiB\nhost = b\n"), 0);
    assert_int_equal(make(f, OBJECT_VM, "c1", "memory = 2GiB\nhost = c\n"), 0);
    assert_int_equal(make(f, OBJECT_VM, "d1", "memory = 2GiB\nhost = d\n"), 0);
    assert_int_equal(make(f, OBJECT_VM, "gpu", "memory = 3GiB\nlabels = gpu\n"), 0);
    expect(f, OBJECT_VM, "gpu", "state", "pending");
    assert_int_equal(make(f, OBJECT_VM, "any", "memory = 1GiB\n"), 0);
    expect(f, OBJECT_VM, "any", "host", "d");
}

static void a_host_that_fails_is_passed_over(void **state)
{
    struct fixture *f = *state;

    fail_create("test:///a", EIO);
    assert_int_equal(make(f, OBJECT_VM, "web", "cpus = 2\n"), 0);
    expect(f, OBJECT_VM, "web", "host", "b");
    expect(f, OBJECT_VM, "web", "error", "");
    fail_create("test:///b", EOPNOTSUPP);
    assert_int_equal(make(f, OBJECT_VM, "db", "cpus = 2\n"), EIO); /* the last one's */
    expect(f, OBJECT_VM, "db", "state", "failed");
    assert_int_equal(cpus_reserved(f), 2);
    fail_create("test:///b", 0);
    assert_int_equal(commit(f, OBJECT_VM, "db", "cpus = 2\n"), 0);
    expect(f, OBJECT_VM, "db", "state", "running");
}

static void a_failed_change_leaves_the_last_good_spec(void **state)
{
    struct fixture *f = *state;

    assert_int_equal(make(f, OBJECT_VM, "web", "cpus = 2\n"), 0);
    set_failure(&fake.fail_change, EOPNOTSUPP);
    assert_int_equal(commit(f, OBJECT_VM, "web", "cpus = 3\n"), EOPNOTSUPP);
    expect(f, OBJECT_VM, "web", "spec", "cpus = 2\n");
    expect(f, OBJECT_VM, "web", "error", "told to fail");
    assert_int_equal(cpus_reserved(f), 2);
    set_failure(&fake.fail_change, 0);
    set_failure(&fake.fail_destroy, EIO);
    assert_int_equal(remove_dir(f, OBJECT_VM, "web"), EIO);
    expect(f, OBJECT_VM, "web", "state", "running");
}

static void a_lost_answer_does_not_make_it_twice(void **state)
{
    struct fixture *f = *state;

    pthread_mutex_lock(&fake.lock);
    fake.lose_create = true;
    pthread_mutex_unlock(&fake.lock);
    assert_int_equal(make(f, OBJECT_VM, "web", "cpus = 2\n"), EHOSTDOWN);
    expect(f, OBJECT_VM, "web", "state", "running");
    assert_int_equal(domains(), 1);
    assert_int_equal(cpus_reserved(f), 2);
}

static void a_service_is_its_replicas(void **state)
{
    struct fixture *f = *state;

    assert_int_equal(make(f, OBJECT_SERVICE, "web", "replicas = 2\n[vm]\ncpus = 1\n"), 0);
    expect(f, OBJECT_SERVICE, "web", "state", "ready");
    assert_int_equal(control(f, OBJECT_SERVICE, "web", "scale"), EINVAL);
    assert_int_equal(control(f, OBJECT_SERVICE, "web", "scale -1"), EINVAL);
    assert_int_equal(remove_dir(f, OBJECT_VM, "web-0"), EPERM);
    assert_int_equal(commit(f, OBJECT_VM, "web-0", "cpus = 9\n"), EPERM);
    /* Spread over hosts: the third waits. */
    assert_int_equal(control(f, OBJECT_SERVICE, "web", "scale 3"), 0);
    expect(f, OBJECT_VM, "web-2", "state", "pending");
    expect(f, OBJECT_SERVICE, "web", "state", "degraded");
    expect(f, OBJECT_SERVICE, "web", "spec", "replicas = 3\n[vm]\ncpus = 1\n");
    assert_int_equal(control(f, OBJECT_SERVICE, "web", "scale 1"), 0);
    expect(f, OBJECT_VM, "web-1", "state", "gone");
    expect(f, OBJECT_SERVICE, "web", "state", "ready");
    assert_int_equal(commit(f, OBJECT_SERVICE, "web", "replicas = 1\n[vm]\ncpus = 2\n"), 0);
    expect(f, OBJECT_VM, "web-0", "spec", "cpus = 2\n");
    assert_int_equal(remove_dir(f, OBJECT_SERVICE, "web"), 0);
    assert_int_equal(domains(), 0);
}

static void a_restart_finds_all_as_it_was(void **state)
{
    struct fixture *f = *state;
    uint64_t id;

    assert_int_equal(make(f, OBJECT_VM, "web", "cpus = 2\n"), 0);
    assert_int_equal(make_dir(f, OBJECT_VM, "draft"), 0);
    id = id_of(f, OBJECT_VM, "web");
    g_usleep(G_USEC_PER_SEC / 5);
    engine_free(f->engine);
    start(f);
    assert_int_equal(id_of(f, OBJECT_VM, "web"), id);
    expect(f, OBJECT_VM, "web", "state", "running");
    expect(f, OBJECT_VM, "web", "host", "a");
    expect(f, OBJECT_VM, "draft", "state", "draft");
    assert_int_equal(cpus_reserved(f), 2);
    {
        struct cloud *cloud = engine_cloud(f->engine);
        double available;

        cloud_read_lock(cloud);
        available = cloud_available(cloud_find(cloud, OBJECT_VM, "web"));
        cloud_read_unlock(cloud);
        assert_true(available >= 0.2);
    }
    assert_int_equal(make_dir(f, OBJECT_VM, "new"), 0);
    assert_true(id_of(f, OBJECT_VM, "new") > id + 1);
}

static void a_vm_is_renamed_with_its_domain(void **state)
{
    struct fixture *f = *state;
    uint64_t id;

    assert_int_equal(make(f, OBJECT_VM, "web", "cpus = 2\n"), 0);
    assert_int_equal(make_dir(f, OBJECT_VM, "draft"), 0);
    id = id_of(f, OBJECT_VM, "web");
    assert_int_equal(rename_to(f, OBJECT_VM, "web", OBJECT_VM, "draft"), EEXIST);
    assert_int_equal(rename_to(f, OBJECT_VM, "web", OBJECT_VM, ".hidden"), EINVAL);
    assert_int_equal(rename_to(f, OBJECT_VM, "web", OBJECT_SERVICE, "web"), EPERM);
    assert_int_equal(rename_to(f, OBJECT_HOST, "a", OBJECT_HOST, "c"), EPERM);
    set_failure(&fake.fail_change, EBUSY);
    assert_int_equal(rename_to(f, OBJECT_VM, "web", OBJECT_VM, "www"), EBUSY);
    expect(f, OBJECT_VM, "web", "state", "running");
    set_failure(&fake.fail_change, 0);
    assert_int_equal(rename_to(f, OBJECT_VM, "web", OBJECT_VM, "www"), 0);
    assert_int_equal(id_of(f, OBJECT_VM, "www"), id);
    expect(f, OBJECT_VM, "web", "state", "gone");
    expect(f, OBJECT_VM, "www", "state", "running");
    assert_int_equal(rename_to(f, OBJECT_VM, "draft", OBJECT_VM, "web"), 0);
    assert_int_equal(remove_dir(f, OBJECT_VM, "www"), 0);
    assert_int_equal(domains(), 0);
}

static void a_plan_makes_nothing_until_it_is_moved(void **state)
{
    struct fixture *f = *state;
    uint64_t id;

    assert_int_equal(make(f, OBJECT_PLAN, "web", "cpus = 17\n"), ENOSPC);
    assert_int_equal(commit(f, OBJECT_PLAN, "web", "cpus = 2\n"), 0);
    assert_int_equal(domains(), 0);
    assert_int_equal(cpus_reserved(f), 0);
    id = id_of(f, OBJECT_PLAN, "web");
    assert_int_equal(rename_to(f, OBJECT_PLAN, "web", OBJECT_SERVICE, "web"), EINVAL);
    assert_int_equal(rename_to(f, OBJECT_PLAN, "web", OBJECT_HOST, "web"), EINVAL);
    assert_int_equal(rename_to(f, OBJECT_PLAN, "web", OBJECT_VM, "web1"), 0);
    assert_int_equal(id_of(f, OBJECT_VM, "web1"), id);
    expect(f, OBJECT_PLAN, "web", "state", "gone");
    expect(f, OBJECT_VM, "web1", "state", "running");
    assert_int_equal(make(f, OBJECT_PLAN, "s", "replicas = 2\n[vm]\ncpus = 1\n"), 0);
    assert_int_equal(rename_to(f, OBJECT_PLAN, "s", OBJECT_VM, "s"), EINVAL);
    assert_int_equal(rename_to(f, OBJECT_PLAN, "s", OBJECT_SERVICE, "s"), 0);
    expect(f, OBJECT_SERVICE, "s", "state", "ready");
    assert_int_equal(domains(), 3);
}

static void a_dropped_spec_may_come_back(void **state)
{
    struct fixture *f = *state;

    assert_int_equal(make(f, OBJECT_VM, "web", "cpus = 2\n"), 0);
    assert_int_equal(make(f, OBJECT_VM, "safe", "cpus = 2\nprotect = yes\n"), 0);
    assert_int_equal(drop(f, OBJECT_VM, "safe"), EPERM);
    assert_int_equal(drop(f, OBJECT_VM, "web"), 0);
    assert_int_equal(keep(f, OBJECT_VM, "web"), 0);
    g_usleep(G_USEC_PER_SEC);
    expect(f, OBJECT_VM, "web", "state", "running");
    assert_int_equal(drop(f, OBJECT_VM, "web"), 0);
    expect(f, OBJECT_VM, "web", "state", "gone");
    assert_int_equal(domains(), 1);
}

static void a_service_takes_restored_members(void **state)
{
    struct fixture *f = *state;

    assert_int_equal(make(f, OBJECT_VM, "web-0", "cpus = 1\n"), 0);
    assert_int_equal(make(f, OBJECT_VM, "web-1", "cpus = 3\n"), 0);
    assert_int_equal(make(f, OBJECT_SERVICE, "web", "replicas = 2\n[vm]\ncpus = 1\n"), EEXIST);
    assert_int_equal(remove_dir(f, OBJECT_VM, "web-0"), EPERM);
    assert_int_equal(remove_dir(f, OBJECT_VM, "web-1"), 0);
    expect(f, OBJECT_SERVICE, "web", "state", "ready");
    assert_int_equal(domains(), 2);
}

/* ---- moves */

static void a_vm_moves_where_it_fits(void **state)
{
    struct fixture *f = *state;

    assert_int_equal(make(f, OBJECT_VM, "vm", "cpus = 2\nhost = a\n"), 0);
    assert_int_equal(control(f, OBJECT_VM, "vm", "migrate nowhere"), EINVAL);
    assert_int_equal(control(f, OBJECT_VM, "vm", "migrate b"), EPERM);
    assert_int_equal(commit(f, OBJECT_VM, "vm", "cpus = 2\ndisk = 1G\n"), 0);
    assert_int_equal(control(f, OBJECT_VM, "vm", "migrate b"), EOPNOTSUPP);
    assert_int_equal(commit(f, OBJECT_VM, "vm", "cpus = 2\n"), 0);
    assert_int_equal(make(f, OBJECT_VM, "big", "cpus = 15\nhost = b\n"), 0);
    assert_int_equal(control(f, OBJECT_VM, "vm", "migrate b"), ENOSPC);
    assert_int_equal(remove_dir(f, OBJECT_VM, "big"), 0);
    assert_int_equal(control(f, OBJECT_HOST, "b", "drain"), 0);
    assert_int_equal(control(f, OBJECT_VM, "vm", "migrate b"), EBUSY);
    assert_int_equal(control(f, OBJECT_HOST, "b", "activate"), 0);
    assert_int_equal(fake.moves, 0);
    expect(f, OBJECT_VM, "vm", "host", "a");
    assert_int_equal(control(f, OBJECT_VM, "vm", "migrate a"), 0);
    assert_int_equal(control(f, OBJECT_VM, "vm", "migrate b"), 0);
    expect(f, OBJECT_VM, "vm", "host", "b");
    expect(f, OBJECT_VM, "vm", "state", "running");
    expect(f, OBJECT_VM, "vm", "error", "");
    assert_int_equal(fake.moves, 1);
    assert_int_equal(cpus_reserved(f), 2);
}

static void a_move_that_fails_leaves_it(void **state)
{
    struct fixture *f = *state;

    fake.fail_move = EIO;
    assert_int_equal(make(f, OBJECT_VM, "vm", "cpus = 2\nhost = a\n"), 0);
    assert_int_equal(commit(f, OBJECT_VM, "vm", "cpus = 2\n"), 0);
    assert_int_equal(control(f, OBJECT_VM, "vm", "migrate b"), EIO);
    expect(f, OBJECT_VM, "vm", "host", "a");
    expect(f, OBJECT_VM, "vm", "error", "told to fail");
    expect(f, OBJECT_VM, "vm", "state", "running");
    assert_int_equal(cpus_reserved(f), 2);
    fake.fail_move = 0;
    assert_int_equal(control(f, OBJECT_VM, "vm", "migrate b"), 0);
    expect(f, OBJECT_VM, "vm", "host", "b");
}

/* It has moved, but nobody heard: it is asked for, and not moved again. */
static void a_move_of_which_nobody_heard_is_found(void **state)
{
    struct fixture *f = *state;

    fake.fail_move = EHOSTDOWN;
    assert_int_equal(make(f, OBJECT_VM, "vm", "cpus = 2\nhost = a\n"), 0);
    assert_int_equal(commit(f, OBJECT_VM, "vm", "cpus = 2\n"), 0);
    assert_int_equal(control(f, OBJECT_VM, "vm", "migrate b"), EHOSTDOWN);
    assert_int_equal(control(f, OBJECT_VM, "vm", "suspend"), EBUSY);
    /* As if it were killed now. */
    engine_free(f->engine);
    start(f);
    expect(f, OBJECT_VM, "vm", "host", "b");
    expect(f, OBJECT_VM, "vm", "error", "");
    assert_int_equal(fake.moves, 1);
    assert_int_equal(fake.creates, 1);
    assert_int_equal(cpus_reserved(f), 2);
    assert_int_equal(control(f, OBJECT_VM, "vm", "suspend"), 0);
}

/* ---- services whose template changes */

#define PAIR       "replicas = 2\n[vm]\ncpus = 1\nimage = /one\n"
#define PAIR_OF(x) "replicas = 2\n[vm]\ncpus = 1\nimage = /" x "\n"

static void set_flag(bool *which, bool on)
{
    pthread_mutex_lock(&fake.lock);
    *which = on;
    pthread_mutex_unlock(&fake.lock);
}

static unsigned counted(const unsigned *which)
{
    unsigned n;

    pthread_mutex_lock(&fake.lock);
    n = *which;
    pthread_mutex_unlock(&fake.lock);
    return n;
}

static void expect_in(struct fixture *f, enum object_kind kind, const char *name, const char *what,
                      const char *part)
{
    for (int tries = 0; tries < 1000; tries++) {
        g_autofree char *text = field(f, kind, name, what);

        if (strstr(text, part))
            return;
        g_usleep(10000);
    }
    {
        g_autofree char *text = field(f, kind, name, what);

        assert_string_equal(text, part);
    }
}

static void a_rollout_takes_one_at_a_time(void **state)
{
    struct fixture *f = *state;

    assert_int_equal(make(f, OBJECT_SERVICE, "web", "max_unavailable = 0\n"), EINVAL);
    assert_int_equal(commit(f, OBJECT_SERVICE, "web", PAIR), 0);
    /* What can change as it runs does. */
    assert_int_equal(
        commit(f, OBJECT_SERVICE, "web", "replicas = 2\n[vm]\ncpus = 2\nimage = /one\n"), 0);
    expect(f, OBJECT_SERVICE, "web", "state", "ready");
    expect(f, OBJECT_VM, "web-1", "spec", "cpus = 2\nimage = /one\n");
    assert_int_equal(counted(&fake.destroys) + counted(&fake.restarts), 0);
    /* An image is for life. */
    assert_int_equal(commit(f, OBJECT_SERVICE, "web", PAIR_OF("two")), 0);
    expect(f, OBJECT_SERVICE, "web", "state", "ready");
    expect(f, OBJECT_VM, "web-0", "spec", "cpus = 1\nimage = /two\n");
    expect(f, OBJECT_VM, "web-1", "spec", "cpus = 1\nimage = /two\n");
    assert_int_equal(counted(&fake.destroys), 2);
    assert_int_equal(counted(&fake.least), 1);
    assert_int_equal(domains(), 2);
    assert_int_equal(commit(f, OBJECT_SERVICE, "web", "max_unavailable = 100%\n" PAIR), 0);
    expect(f, OBJECT_SERVICE, "web", "state", "ready");
    assert_int_equal(counted(&fake.least), 0);
}

static void a_rollout_restarts_what_cannot_change_live(void **state)
{
    struct fixture *f = *state;

    assert_int_equal(make(f, OBJECT_SERVICE, "web", PAIR), 0);
    set_flag(&fake.change_later, true);
    assert_int_equal(
        commit(f, OBJECT_SERVICE, "web", "replicas = 2\n[vm]\ncpus = 2\nimage = /one\n"), 0);
    expect(f, OBJECT_SERVICE, "web", "state", "ready");
    assert_int_equal(counted(&fake.restarts), 2);
    assert_int_equal(counted(&fake.destroys), 0);
    assert_int_equal(control(f, OBJECT_SERVICE, "web", "restart"), 0);
    expect(f, OBJECT_SERVICE, "web", "state", "ready");
    assert_int_equal(counted(&fake.restarts), 4);
    /* And what the driver cannot change at all is made anew. */
    set_failure(&fake.fail_change, EOPNOTSUPP);
    commit(f, OBJECT_SERVICE, "web", "replicas = 2\n[vm]\ncpus = 3\nimage = /one\n");
    expect(f, OBJECT_VM, "web-1", "spec", "cpus = 3\nimage = /one\n");
    expect(f, OBJECT_SERVICE, "web", "state", "ready");
    assert_int_equal(counted(&fake.destroys), 2);
}

static void a_bad_template_stops_the_rollout(void **state)
{
    struct fixture *f = *state;
    uint64_t second;

    assert_int_equal(make(f, OBJECT_SERVICE, "web", PAIR), 0);
    second = id_of(f, OBJECT_VM, "web-1");
    set_flag(&fake.bad_image, true);
    assert_int_equal(commit(f, OBJECT_SERVICE, "web", PAIR_OF("bad")), ENOENT);
    expect(f, OBJECT_SERVICE, "web", "state", "degraded");
    expect_in(f, OBJECT_SERVICE, "web", "error",
              "the rollout stopped with 1 of 2 members to update");
    expect_in(f, OBJECT_SERVICE, "web", "error", "web-0: told to fail on test:///");
    expect(f, OBJECT_VM, "web-1", "state", "running");
    assert_int_equal(domains(), 1);
    /* The template as it was rolls back, and does not touch what was never touched. */
    set_flag(&fake.bad_image, false);
    assert_int_equal(commit(f, OBJECT_SERVICE, "web", PAIR), 0);
    expect(f, OBJECT_SERVICE, "web", "state", "ready");
    expect(f, OBJECT_SERVICE, "web", "error", "");
    assert_int_equal(id_of(f, OBJECT_VM, "web-1"), second);
    assert_int_equal(domains(), 2);
}

static void a_rollout_goes_on_after_a_restart(void **state)
{
    struct fixture *f = *state;

    assert_int_equal(make(f, OBJECT_SERVICE, "web", PAIR), 0);
    set_flag(&fake.bad_image, true);
    assert_int_equal(commit(f, OBJECT_SERVICE, "web", PAIR_OF("two")), ENOENT);
    engine_free(f->engine);
    set_flag(&fake.bad_image, false);
    start(f);
    expect(f, OBJECT_SERVICE, "web", "state", "ready");
    expect(f, OBJECT_VM, "web-0", "spec", "cpus = 1\nimage = /two\n");
    expect(f, OBJECT_VM, "web-1", "spec", "cpus = 1\nimage = /two\n");
    expect(f, OBJECT_SERVICE, "web", "error", "");
    assert_int_equal(domains(), 2);
}

static void a_rollout_waits_for_room(void **state)
{
    struct fixture *f = *state;

    assert_int_equal(make(f, OBJECT_SERVICE, "web", "[vm]\nmemory = 1GiB\nimage = /one\n"), 0);
    assert_int_equal(make(f, OBJECT_VM, "x", "memory = 2GiB\nhost = a\n"), 0);
    assert_int_equal(make(f, OBJECT_VM, "y", "memory = 2GiB\nhost = b\n"), 0);
    assert_int_equal(commit(f, OBJECT_SERVICE, "web", "[vm]\nmemory = 3GiB\nimage = /two\n"), 0);
    expect_in(f, OBJECT_SERVICE, "web", "error", "the rollout stopped with 1 of 1");
    expect(f, OBJECT_SERVICE, "web", "state", "degraded");
    expect(f, OBJECT_VM, "web-0", "state", "running");
    assert_int_equal(counted(&fake.destroys), 0);
    assert_int_equal(remove_dir(f, OBJECT_VM, "y"), 0);
    expect(f, OBJECT_SERVICE, "web", "state", "ready");
    expect(f, OBJECT_VM, "web-0", "host", "b");
    expect(f, OBJECT_SERVICE, "web", "error", "");
}

static void the_highest_numbers_go_first(void **state)
{
    struct fixture *f = *state;

    assert_int_equal(
        make(f, OBJECT_SERVICE, "web", "replicas = 3\nspread = none\n[vm]\ncpus = 1\n"), 0);
    assert_int_equal(control(f, OBJECT_SERVICE, "web", "scale 2"), 0);
    expect(f, OBJECT_VM, "web-2", "state", "gone");
    expect(f, OBJECT_VM, "web-1", "state", "running");
    /* While a rollout has stopped, too. */
    set_flag(&fake.bad_image, true);
    assert_int_equal(
        commit(f, OBJECT_SERVICE, "web", "replicas = 2\nspread = none\n[vm]\nimage = /x\n"),
        ENOENT);
    assert_int_equal(control(f, OBJECT_SERVICE, "web", "scale 1"), 0);
    expect(f, OBJECT_VM, "web-1", "state", "gone");
    assert_int_equal(control(f, OBJECT_SERVICE, "web", "scale 0"), 0);
    expect(f, OBJECT_SERVICE, "web", "state", "ready");
    expect(f, OBJECT_SERVICE, "web", "error", "");
    assert_int_equal(domains(), 0);
}

/* Its guest ends by itself. */
static void die(struct fixture *f, const char *name)
{
    struct cloud *cloud = engine_cloud(f->engine);
    g_autofree char *host = field(f, OBJECT_VM, name, "host");
    g_autofree char *host_uri = g_strdup_printf("test:///%s", host);
    struct fake_domain *domain;
    struct virt *v;
    char uuid[37];

    cloud_read_lock(cloud);
    memcpy(uuid, cloud_find(cloud, OBJECT_VM, name)->vm.uuid, sizeof uuid);
    cloud_read_unlock(cloud);
    pthread_mutex_lock(&fake.lock);
    domain = g_hash_table_lookup(fake.domains, uuid);
    domain->state = DOMAIN_SHUTOFF;
    v = g_hash_table_lookup(fake.virts, host_uri);
    pthread_mutex_unlock(&fake.lock);
    v->event(v->ctx, VIRT_DOMAIN, uuid);
    expect(f, OBJECT_VM, name, "state", "shutoff");
}

static void a_crash_loop_is_told_and_slows_down(void **state)
{
    struct fixture *f = *state;
    int64_t begin = g_get_monotonic_time();

    assert_int_equal(make(f, OBJECT_SERVICE, "web", "[vm]\ncpus = 1\n"), 0);
    for (int i = 0; i < 2; i++) {
        die(f, "web-0");
        expect(f, OBJECT_VM, "web-0", "error", "");
        expect(f, OBJECT_VM, "web-0", "state", "running");
        expect(f, OBJECT_SERVICE, "web", "state", "ready");
    }
    /* The rests were 2 and 4 seconds. */
    assert_true(g_get_monotonic_time() - begin > 5500000);
    die(f, "web-0");
    expect_in(f, OBJECT_VM, "web-0", "error", "stopped by itself 3 times in a row");
    expect_in(f, OBJECT_SERVICE, "web", "error", "web-0: it stopped by itself 3 times");
    /* It runs again, and is not trusted yet. */
    expect(f, OBJECT_VM, "web-0", "state", "running");
    expect_in(f, OBJECT_VM, "web-0", "error", "stopped by itself 3 times in a row");
    expect(f, OBJECT_SERVICE, "web", "state", "pending");
}

#define SICKLY(start)                                                                              \
    "[vm]\nhealth = agent\nhealth_interval = 0.5\nhealth_failures = 2\nhealth_start = " start "\n"

static void the_unhealthy_are_restarted(void **state)
{
    struct fixture *f = *state;

    assert_int_equal(make(f, OBJECT_SERVICE, "web", "[vm]\nhealth = udp 1\n"), EINVAL);
    set_flag(&fake.sick, true);
    assert_int_equal(commit(f, OBJECT_SERVICE, "web", SICKLY("60")), 0);
    /* While it may still be booting, it is only not ready. */
    g_usleep(G_USEC_PER_SEC * 2);
    expect(f, OBJECT_VM, "web-0", "state", "running");
    expect(f, OBJECT_SERVICE, "web", "state", "pending");
    expect(f, OBJECT_VM, "web-0", "error", "");
    assert_int_equal(counted(&fake.restarts), 0);
    set_flag(&fake.sick, false);
    expect(f, OBJECT_SERVICE, "web", "state", "ready");
    set_flag(&fake.sick, true);
    expect(f, OBJECT_VM, "web-0", "error", "unhealthy: told to be sick");
    expect(f, OBJECT_SERVICE, "web", "state", "pending");
    expect_in(f, OBJECT_SERVICE, "web", "error", "web-0: unhealthy: told to be sick");
    /* It is stopped and started after a rest. */
    for (int i = 0; i < 500 && counted(&fake.restarts) == 0; i++)
        g_usleep(10000);
    assert_int_equal(counted(&fake.restarts), 1);
    set_flag(&fake.sick, false);
    expect(f, OBJECT_SERVICE, "web", "state", "ready");
    expect(f, OBJECT_SERVICE, "web", "error", "");
}

#define TEST(name) cmocka_unit_test_setup_teardown(name, set_up, tear_down)

int main(void)
{
    const struct CMUnitTest tests[] = {
        TEST(names_and_specs_are_checked),
        TEST(a_spec_makes_a_vm),
        TEST(what_no_host_could_hold_is_refused),
        TEST(what_does_not_fit_now_waits),
        TEST(the_most_wanted_goes_first),
        TEST(labels_that_others_need_are_spared),
        TEST(a_host_that_fails_is_passed_over),
        TEST(a_failed_change_leaves_the_last_good_spec),
        TEST(a_lost_answer_does_not_make_it_twice),
        TEST(a_service_is_its_replicas),
        TEST(a_restart_finds_all_as_it_was),
        TEST(a_vm_is_renamed_with_its_domain),
        TEST(a_plan_makes_nothing_until_it_is_moved),
        TEST(a_dropped_spec_may_come_back),
        TEST(a_service_takes_restored_members),
        TEST(a_vm_moves_where_it_fits),
        TEST(a_move_that_fails_leaves_it),
        TEST(a_move_of_which_nobody_heard_is_found),
        TEST(a_rollout_takes_one_at_a_time),
        TEST(a_rollout_restarts_what_cannot_change_live),
        TEST(a_bad_template_stops_the_rollout),
        TEST(a_rollout_goes_on_after_a_restart),
        TEST(a_rollout_waits_for_room),
        TEST(the_highest_numbers_go_first),
        TEST(a_crash_loop_is_told_and_slows_down),
        TEST(the_unhealthy_are_restarted),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
