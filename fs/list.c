/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "fs/list.h"

#include "core/spec/conf.h"
#include "core/spec/spec.h"
#include "fs/table.h"

static const struct file_table *const tables[] = {&host_files, &vm_files, &service_files,
                                                  &plan_files};

static void list_table(const struct file_table *table, GString *out)
{
    for (size_t i = 0; i < table->n; i++) {
        const struct file_row *row = &table->rows[i];

        if (row->name)
            g_string_append_printf(out, "%s\t%s\t%s\t%s\n", table->of, row->name, row_access(row),
                                   row->doc);
    }
}

void list_files(GString *out)
{
    list_table(&root_files, out);
    for (size_t i = 0; i < N_FOLDERS; i++)
        g_string_append_printf(out, "%s\t%s\tdir\t%s\n",
                               folders[i].parent == ROOT_ID ? "root" : "specs", folders[i].name,
                               folders[i].doc);
    for (size_t i = 0; i < G_N_ELEMENTS(tables); i++)
        list_table(tables[i], out);
}

static void add_keys(const char *where, const struct spec_key *keys, size_t n, GString *out)
{
    static const char *const types[] = {
        [SPEC_TEXT] = "text",
        [SPEC_WORD] = "word",
        [SPEC_WORDS] = "words",
        [SPEC_PATH] = "path",
        [SPEC_COUNT] = "count",
        [SPEC_SIZE] = "size",
        [SPEC_REAL] = "number",
        [SPEC_CHOICE] = "choice",
        [SPEC_SWITCH] = "switch",
        [SPEC_HEALTH] = "agent or tcp PORT",
        [SPEC_SHARE] = "count or percentage",
    };

    for (size_t i = 0; i < n; i++) {
        const struct spec_key *key = &keys[i];

        g_string_append_printf(out, "%s\t%s\t%s\t%s\t%s\t%s\n", where, key->name,
                               key->choices ? key->choices : types[key->type],
                               key->unit ? key->unit : "", key->preset ? key->preset : "",
                               key->doc);
    }
}

void list_keys(GString *out)
{
    static const struct {
        const char *where;
        enum spec_kind kind;
    } specs[] = {
        {"host",    SPEC_HOST   },
        {"vm",      SPEC_VM     },
        {"service", SPEC_SERVICE}
    };
    const struct spec_key *keys;
    size_t n;

    for (size_t i = 0; i < G_N_ELEMENTS(specs); i++) {
        keys = spec_keys(specs[i].kind, &n);
        add_keys(specs[i].where, keys, n, out);
    }
    keys = conf_keys(&n);
    add_keys("cloud", keys, n, out);
    keys = conf_quota_keys(&n);
    add_keys("quota", keys, n, out);
}

/* ---- README */

static const char intro[] =
    "This directory is a cloud: hosts, virtual machines (VMs) and services of them.\n"
    "\n"
    "    mkdir hosts/h1; echo 'uri = qemu:///system' > hosts/h1/spec  # connects it\n"
    "    mkdir vms/web1; echo 'memory = 1GiB' > vms/web1/spec         # creates it\n"
    "    cat vms/web1/state; echo shutdown > vms/web1/ctl; rmdir vms/web1\n"
    "\n"
    "A refused write says why in `error`. See cloudfs-tree(5), cloudfs-spec(5).\n";

/* Whether a table before number END has a row of this name. */
static bool is_listed(size_t end, const char *name)
{
    for (size_t i = 0; i < end; i++)
        if (table_by_name(tables[i], name))
            return true;
    return false;
}

static void add_line(GString *text, const char *name, const char *slash, const char *access,
                     const char *doc)
{
    g_autofree char *full = g_strconcat(name, slash, NULL);

    g_string_append_printf(text, "%-11s %-4s %s\n", full, access, doc);
}

static void add_row(GString *text, const struct file_row *row)
{
    bool dir = S_ISDIR(row->mode);

    add_line(text, row->name, dir ? "/" : "", row_access(row), row->doc);
}

void show_readme(const struct object *object, struct cloud *cloud, GString *text)
{
    (void)object;
    (void)cloud;
    g_string_append_printf(text, "%s\n", intro);
    for (size_t i = 0; i < root_files.n; i++)
        add_row(text, &root_files.rows[i]);
    for (size_t i = 0; i < N_FOLDERS; i++)
        if (folders[i].parent == ROOT_ID)
            add_line(text, folders[i].name, "/", "dir", folders[i].doc);
    g_string_append(text, "\nIn each directory of these (where it has a meaning):\n\n");
    for (size_t t = 0; t < G_N_ELEMENTS(tables); t++)
        for (size_t i = 0; i < tables[t]->n; i++)
            if (tables[t]->rows[i].name && !is_listed(t, tables[t]->rows[i].name))
                add_row(text, &tables[t]->rows[i]);
}
