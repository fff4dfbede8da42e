/* SPDX-License-Identifier: GPL-2.0-or-later */
/* The fields of one kind of object as text, whatever is in them, and back. */
#include <string.h>

#include "tests/unit/reconcile_fixture.h"

static const char hostile[] = "  a\\b;\t\"c\"\r\n[detail]\nuuid=d \\s; ";

static GKeyFile *parse(const char *text)
{
    GKeyFile *file = g_key_file_new();

    assert_true(g_key_file_load_from_data(file, text, strlen(text), G_KEY_FILE_NONE, NULL));
    return file;
}

static void a_key_file_takes_it(void **state) UNCHECKED_LOCKING
{
    struct fixture *f = *state;
    static char *networks[] = {(char *)hostile, (char *)"", (char *)"b;", NULL};
    struct object *host = cloud_find(engine_cloud(f->engine), OBJECT_HOST, "a");
    g_auto(GStrv) before = g_steal_pointer(&host->host.networks);
    g_autoptr(GKeyFile) file = NULL;
    g_auto(GStrv) read = NULL;
    g_autofree char *text = NULL;

    host->host.networks = networks;
    text = detail_write(f->engine, host);
    host->host.networks = g_steal_pointer(&before);
    file = parse(text);
    read = g_key_file_get_string_list(file, "detail", "networks", NULL, NULL);
    assert_int_equal(g_strv_length(read), 3);
    for (unsigned i = 0; i < 3; i++)
        assert_string_equal(read[i], networks[i]);
    assert_false(g_key_file_has_key(file, "detail", "uuid", NULL));
}

static void it_comes_back_as_it_was(void **state) UNCHECKED_LOCKING
{
    struct fixture *f = *state;
    struct detail_rest rest = {0};
    struct object *vm, *read;
    g_autofree char *text = NULL, *why = NULL, *uuid = NULL;

    assert_int_equal(make(f, OBJECT_VM, "web", "cpus = 1\nmemory = 1GiB\n"), 0);
    expect(f, OBJECT_VM, "web", "state", "running");
    assert_int_equal(make_dir(f, OBJECT_VM, "other"), 0);
    cloud_write_lock(engine_cloud(f->engine));
    vm = cloud_find(engine_cloud(f->engine), OBJECT_VM, "web");
    read = cloud_find(engine_cloud(f->engine), OBJECT_VM, "other");
    g_free(vm->vm.domain_name);
    vm->vm.domain_name = g_strdup(hostile);
    text = detail_write(f->engine, vm);
    detail_read(f->engine, read, text, &rest);
    assert_string_equal(read->vm.domain_name, hostile);
    assert_int_equal(read->vm.phase, VM_ACTIVE);
    assert_true(packed_equal(read->placement, vm->placement));
    assert_true(packed_equal(read->vm.xml, vm->vm.xml));
    why = packed_text(read->placement);
    assert_non_null(strstr(why, "hosts passed"));
    assert_true(read->vm.resources == vm->vm.resources);
    assert_int_equal(read->since, vm->since);
    assert_int_equal(rest.host, vm->vm.host->id);
    uuid = g_strdup(vm->vm.uuid);
    cloud_set_uuid(engine_cloud(f->engine), read, NULL); /* two had it */
    cloud_set_uuid(engine_cloud(f->engine), vm, uuid);
    read->since = -1;
    read->vm.phase = VM_DRAFT;
    cloud_write_unlock(engine_cloud(f->engine));
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        TEST(a_key_file_takes_it),
        TEST(it_comes_back_as_it_was),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
