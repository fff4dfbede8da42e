/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Requests that wait for their answer, and looks at the model. */
#include "tests/unit/reconcile_fixture.h"

#include <signal.h>
#include <string.h>
#include <sys/resource.h>
#include <time.h>

const struct actor somebody = {.uid = 1000, .gid = 1000, .pid = 4711, .user = true};
static const struct actor administrator = {.uid = 0, .gid = 0, .pid = 4712, .user = true};

/* Only an administrator says where a host is. */
static const struct actor *maker_of(enum object_kind kind)
{
    return kind == OBJECT_HOST ? &administrator : &somebody;
}

void answered(void *ctx, int err)
{
    struct fixture *f = ctx;

    pthread_mutex_lock(&f->lock);
    f->err = err;
    pthread_cond_signal(&f->cond);
    pthread_mutex_unlock(&f->lock);
}

/* Waits for the answer to the request just made. */
int answer(struct fixture *f)
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

int make_dir(struct fixture *f, enum object_kind kind, const char *name)
{
    engine_mkdir(f->engine, kind, name, 0755, maker_of(kind), answered, f);
    return answer(f);
}

uint64_t id_of(struct fixture *f, enum object_kind kind, const char *name)
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

int commit(struct fixture *f, enum object_kind kind, const char *name, const char *text)
{
    engine_commit(f->engine, id_of(f, kind, name), text, strlen(text), maker_of(kind), answered, f);
    return answer(f);
}

int make(struct fixture *f, enum object_kind kind, const char *name, const char *text)
{
    int err = make_dir(f, kind, name);

    return err ? err : commit(f, kind, name, text);
}

int remove_dir(struct fixture *f, enum object_kind kind, const char *name)
{
    engine_rmdir(f->engine, id_of(f, kind, name), &somebody, answered, f);
    return answer(f);
}

int control(struct fixture *f, enum object_kind kind, const char *name, const char *line)
{
    engine_control(f->engine, id_of(f, kind, name), line, &somebody, answered, f);
    return answer(f);
}

int rename_to(struct fixture *f, enum object_kind from, const char *name, enum object_kind kind,
              const char *to)
{
    engine_rename(f->engine, id_of(f, from, name), kind, to, &somebody, answered, f);
    return answer(f);
}

int drop(struct fixture *f, enum object_kind kind, const char *name)
{
    engine_drop(f->engine, id_of(f, kind, name), &somebody, answered, f);
    return answer(f);
}

int keep(struct fixture *f, enum object_kind kind, const char *name)
{
    engine_keep(f->engine, id_of(f, kind, name), &somebody, answered, f);
    return answer(f);
}

/* One field of an object as text, "" where there is none. Free with g_free. */
char *field(struct fixture *f, enum object_kind kind, const char *name, const char *what)
{
    struct cloud *cloud = engine_cloud(f->engine);
    g_autofree char *why = NULL;
    const char *text = "gone";
    struct object *object;
    char *copy;

    cloud_read_lock(cloud);
    object = cloud_find(cloud, kind, name);
    if (object && object->placement)
        why = packed_text(object->placement);
    if (object && strcmp(what, "state") == 0)
        text = object->state;
    else if (object && strcmp(what, "spec") == 0)
        text = object->next_text ? object->next_text : object->spec_text;
    else if (object && strcmp(what, "error") == 0)
        text = object->error;
    else if (object && strcmp(what, "pending") == 0)
        text = object->vm.pending;
    else if (object && strcmp(what, "placement") == 0)
        text = why;
    else if (object && strcmp(what, "host") == 0)
        text = object->vm.host ? object->vm.host->name : NULL;
    copy = g_strdup(text ? text : "");
    cloud_read_unlock(cloud);
    return copy;
}

void expect(struct fixture *f, enum object_kind kind, const char *name, const char *what,
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

uint64_t cpus_reserved(struct fixture *f)
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

void start_engine(struct fixture *f)
{
    g_autoptr(GError) error = NULL;

    f->engine = engine_new_with(&f->conf, &fake_ops, &error);
    assert_non_null(f->engine);
}

void start(struct fixture *f)
{
    start_engine(f);
    expect(f, OBJECT_HOST, "a", "state", "up");
    expect(f, OBJECT_HOST, "b", "state", "up");
}

int set_up(void **state)
{
    struct fixture *f = g_new0(struct fixture, 1);

    fake_init();
    pthread_mutex_init(&f->lock, NULL);
    pthread_cond_init(&f->cond, NULL);
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

int tear_down(void **state)
{
    struct fixture *f = *state;
    const char *argv[] = {"rm", "-rf", f->dir, NULL};

    engine_free(f->engine);
    g_spawn_sync(NULL, (char **)argv, NULL, G_SPAWN_SEARCH_PATH, NULL, NULL, NULL, NULL, NULL,
                 NULL);
    fake_clear();
    g_hash_table_destroy(f->conf.virtualization);
    g_ptr_array_free(f->conf.hosts, true);
    g_ptr_array_free(f->conf.quotas, true);
    g_strfreev(f->conf.paths);
    g_free(f->conf.state);
    g_free(f->dir);
    g_free(f);
    return 0;
}

void fail_saves(bool fail)
{
    struct rlimit limit;

    signal(SIGXFSZ, SIG_IGN);
    getrlimit(RLIMIT_FSIZE, &limit);
    limit.rlim_cur = fail ? 0 : limit.rlim_max;
    setrlimit(RLIMIT_FSIZE, &limit);
}

void expect_in(struct fixture *f, enum object_kind kind, const char *name, const char *what,
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
