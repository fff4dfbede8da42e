/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Inode numbers, the tables, and what is made from them. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>
#include <string.h>

#include "fs/ino.h"
#include "fs/list.h"
#include "fs/mount.h"
#include "fs/table.h"

static const struct file_table *const tables[] = {&root_files, &host_files, &vm_files,
                                                  &service_files};

static void test_ino_round_trip(void **state)
{
    const uint64_t ids[] = {ROOT_ID, HOSTS_ID, SPECS_ID, OBJECT_FIRST, 12345, UINT64_C(1) << 55};

    (void)state;
    for (size_t i = 0; i < G_N_ELEMENTS(ids); i++) {
        for (unsigned code = 0; code < 256; code++) {
            uint64_t ino = ino_make(ids[i], code);

            assert_int_equal(ino_id(ino), ids[i]);
            assert_int_equal(ino_code(ino), code);
        }
    }
    assert_int_equal(ino_make(ROOT_ID, 0), FUSE_ROOT_ID);
    assert_int_not_equal(ino_make(HOSTS_ID, 0), FUSE_ROOT_ID);
}

static void check_row(const struct file_row *row)
{
    assert_true(row->doc && row->doc[0]);
    assert_true(row->code != CODE_SELF);
    assert_true(S_ISREG(row->mode) || S_ISLNK(row->mode) || S_ISDIR(row->mode));
    assert_true(S_ISDIR(row->mode) || row->show);
    /* The write bit comes from `store` alone. */
    if (S_ISREG(row->mode))
        assert_int_equal(row->mode & 0222, 0);
    assert_true(row->name || S_ISLNK(row->mode));
    assert_true(row->facet < FACETS || row->facet == LIVE || row->facet == CLOCKED ||
                row->facet == LOG);
}

static void test_rows(void **state)
{
    (void)state;
    for (size_t t = 0; t < G_N_ELEMENTS(tables); t++) {
        const struct file_row *rows = tables[t]->rows;

        for (size_t i = 0; i < tables[t]->n; i++) {
            check_row(&rows[i]);
            /* Offsets of directories are codes, and go up. */
            assert_true(i == 0 || rows[i].code > rows[i - 1].code);
            assert_ptr_equal(table_by_code(tables[t], rows[i].code), &rows[i]);
            if (rows[i].name)
                assert_ptr_equal(table_by_name(tables[t], rows[i].name), &rows[i]);
        }
        assert_null(table_by_name(tables[t], "nothing"));
        assert_null(table_by_code(tables[t], 255));
    }
}

/* One name is one code, and one code one name, wherever it appears: numbers are for ever. */
static void test_codes_agree(void **state)
{
    const char *names[256] = {NULL};

    (void)state;
    for (size_t t = 0; t < G_N_ELEMENTS(tables); t++) {
        for (size_t i = 0; i < tables[t]->n; i++) {
            const struct file_row *row = &tables[t]->rows[i];

            if (names[row->code])
                assert_string_equal(names[row->code], row->name);
            names[row->code] = row->name;
        }
    }
    assert_string_equal(names[1], "spec");
    assert_string_equal(names[11], "vms");
    assert_string_equal(names[15], "events");
}

static void test_folders(void **state)
{
    (void)state;
    assert_null(folder_by_id(ROOT_ID));
    assert_null(folder_by_name(ROOT_ID, "nothing"));
    assert_null(folder_by_kind(OBJECT_FOLDER, false));
    for (size_t i = 0; i < N_FOLDERS; i++) {
        assert_ptr_equal(folder_by_id(folders[i].id), &folders[i]);
        assert_ptr_equal(folder_by_name(folders[i].parent, folders[i].name), &folders[i]);
        if (folders[i].kind != OBJECT_FOLDER)
            assert_ptr_equal(folder_by_kind(folders[i].kind, folders[i].flat), &folders[i]);
        assert_true(folders[i].doc[0]);
    }
}

static void test_lists(void **state)
{
    g_autoptr(GString) files = g_string_new(NULL);
    g_autoptr(GString) keys = g_string_new(NULL);
    g_autoptr(GString) readme = g_string_new(NULL);
    g_auto(GStrv) lines = NULL;

    (void)state;
    list_files(files);
    assert_non_null(strstr(files->str, "\nvm\tspec\trw\t"));
    assert_non_null(strstr(files->str, "\nroot\tvms\tdir\t"));
    assert_non_null(strstr(files->str, "\nvm\thost\tlink\t"));
    list_keys(keys);
    assert_non_null(strstr(keys->str, "host\turi\t"));
    assert_non_null(strstr(keys->str, "\ncloud\tstate\tpath\t"));
    show_readme(NULL, NULL, readme);
    lines = g_strsplit(readme->str, "\n", -1);
    assert_true(g_strv_length(lines) <= 40);
    for (char **line = lines; *line; line++)
        assert_true(strlen(*line) <= 80);
}

static void test_mountinfo(void **state)
{
    const char *info = "36 35 0:32 / /mnt/a rw - ext4 /dev/sda1 rw\n"
                       "37 35 0:33 / /mnt/b rw,nosuid shared:1 - fuse.cloudfs cloudfs rw\n"
                       "38 35 0:34 / /mnt/c\\040d rw - fuse.cloudfs x rw\n"
                       "broken\n39\n";

    (void)state;
    assert_false(mount_is_cloudfs(info, "/mnt/a"));
    assert_false(mount_is_cloudfs(info, "/mnt"));
    assert_false(mount_is_cloudfs("", "/mnt"));
    assert_true(mount_is_cloudfs(info, "/mnt/b"));
    assert_true(mount_is_cloudfs(info, "/mnt/c d"));
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_ino_round_trip), cmocka_unit_test(test_rows),
        cmocka_unit_test(test_codes_agree),    cmocka_unit_test(test_folders),
        cmocka_unit_test(test_lists),          cmocka_unit_test(test_mountinfo),
    };

    return cmocka_run_group_tests_name("fs_table", tests, NULL, NULL);
}
