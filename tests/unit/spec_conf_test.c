// SPDX-License-Identifier: GPL-2.0-or-later
/* cloudfs.conf. */
#include <setjmp.h>
#include <stdarg.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include <glib/gstdio.h>

#include "core/error.h"
#include "core/spec/conf.h"

#undef fail /* cmocka has one of its own */
#include <cmocka.h>

#define assert_real(got, want) assert_true((got) == (want))

static char *dir, *file;

static int setup(void **state)
{
    (void)state;
    dir = g_dir_make_tmp("cloudfs-conf-XXXXXX", NULL);
    file = g_build_filename(dir, "cloudfs.conf", NULL);
    return dir ? 0 : -1;
}

static int teardown(void **state)
{
    (void)state;
    g_unlink(file);
    g_rmdir(dir);
    g_free(file);
    g_free(dir);
    return 0;
}

static struct conf *load(const char *text, GError **error)
{
    assert_true(g_file_set_contents(file, text, -1, NULL));
    return conf_load(file, error);
}

/* SENTENCE stands behind the file's name. */
static void refuses(const char *text, const char *sentence)
{
    g_autoptr(GError) error = NULL;
    assert_null(load(text, &error));
    assert_non_null(error);
    assert_true(error->domain == CLOUDFS_ERROR);
    assert_int_equal(error->code, EINVAL);
    assert_true(g_str_has_prefix(error->message, file));
    assert_string_equal(error->message + strlen(file), sentence);
}

static void test_bad_files(void **state)
{
    (void)state;
    g_autoptr(GError) error = NULL;
    assert_null(conf_load("/nonexistent/cloudfs.conf", &error));
    assert_int_equal(error->code, ENOENT);
    assert_string_equal(error->message, "/nonexistent/cloudfs.conf: No such file or directory");
    g_clear_error(&error);
    assert_null(conf_load(dir, &error));
    assert_int_equal(error->code, EISDIR);
    g_clear_error(&error);
    if (geteuid() == 0)
        return;
    assert_true(g_file_set_contents(file, "", -1, NULL));
    g_chmod(file, 0);
    assert_null(conf_load(file, &error));
    assert_int_equal(error->code, EACCES);
    g_chmod(file, 0600);
}

static void test_bad_lines(void **state)
{
    (void)state;
    refuses("sample = 5\n", ":1: a key before the first section");
    refuses("[cloud]\nsampel = 5\n", ":2: unknown key \"sampel\" (did you mean \"sample\"?)");
    refuses("[cloud]\nsample = 0\n", ":2: sample: \"0\" is out of bounds (0.1 to 3600)");
    refuses("[cloud]\nwait = 601\n", ":2: wait: \"601\" is out of bounds (0 to 600)");
    refuses("[cloud]\ngrace = -1\n", ":2: grace: \"-1\" is out of bounds (0 to 3600)");
    refuses("[cloud]\nstate = var\n", ":2: state: \"var\" is not an absolute path");
    refuses("[cloud]\nwait = 1\n[cloud]\nwait = 2\n", ":4: \"wait\" was given before, in line 2");
    refuses("[cloud]\nwait = 1\n  2\n",
            ":3: is indented, so it continues a value that takes one line");
    refuses("[cloud]\nwait\n", ":2: \"wait\" is neither \"key = value\" nor \"[section]\"");
    refuses("[clouds]\n", ":1: section \"clouds\" is unknown; there are [cloud], "
                          "[virtualization], [host NAME] and [quota NAME]");
    refuses("[host]\n", ":1: section \"host\" is unknown; there are [cloud], "
                        "[virtualization], [host NAME] and [quota NAME]");
    refuses("[cloud]\npaths = images\n",
            ":2: paths: \"images\" has a word that is no absolute path");
    refuses("[quota no such]\n", ":1: there is no user \"no such\"");
    refuses("[quota @no such]\n", ":1: there is no group \"no such\"");
    refuses("[quota 1]\n[quota 1]\n", ":2: \"1\" was given before, in line 1");
    refuses("[quota root]\n[quota 0]\n", ":2: \"0\" was given before, in line 1");
    refuses("[quota @0]\n[quota *]\n[quota @root]\n", ":3: \"@root\" was given before, in line 1");
    refuses("[quota *]\n[quota *]\n", ":2: \"*\" was given before, in line 1");
    refuses("[quota 1]\ncpus = few\n", ":2: cpus: \"few\" is not a whole number");
    refuses("[quota 1]\nvms = 1\n[quota 2]\nvms = 1\nvms = 1\n",
            ":5: \"vms\" was given before, in line 4");
    refuses("[virtualization]\nkvm = -1\n", ":2: kvm: \"-1\" is not a factor (0 to 1000000)");
    refuses("[virtualization]\nkvm = nan\n", ":2: kvm: \"nan\" is not a factor (0 to 1000000)");
    refuses("[virtualization]\nk/m = 1\n", ":2: \"k/m\" is not a virtualization type");
    refuses("[virtualization]\nkvm = 1\nkvm = 1\n", ":3: \"kvm\" was given before, in line 2");
    refuses("# \xff\n", ":1: not valid UTF-8");
}

static void test_bad_hosts(void **state)
{
    (void)state;
    refuses("[host ../x]\nuri = a:b\n", ":1: \"../x\" is not a host's name");
    refuses("[cloud]\n\n[host h1]\nuri = a:b\n# x\nzones = z\n[cloud]\n",
            ":6: unknown key \"zones\" (did you mean \"zone\"?)");
    refuses("[host h1]\nuri = a:b\n\n[host h1]\nuri = a:b\n",
            ":4: \"h1\" was given before, in line 1");
    refuses("\n[host h1]\nzone = a\n", ":2: uri is missing");
    refuses("\n[host h1]\n\n[host h2]\n", ":2: the spec is empty");
    refuses("\n[host h1]\nuri=a:b\nuri=a:b\n", ":4: \"uri\" was given before, in line 3");
    refuses("\n[host h1]\nuri=a:b\nfoo\n",
            ":4: \"foo\" is neither \"key = value\" nor \"[section]\"");
}

static void test_defaults(void **state)
{
    (void)state;
    g_setenv("XDG_STATE_HOME", "/tmp/state", TRUE);
    g_autoptr(Conf) conf = conf_load(NULL, NULL);
    assert_non_null(conf);
    assert_string_equal(conf->state, geteuid() == 0 ? "/var/lib/cloudfs" : "/tmp/state/cloudfs");
    assert_real(conf->sample, 5);
    assert_real(conf->sample_idle, 30);
    assert_real(conf->grace, 10);
    assert_real(conf->wait, 10);
    assert_int_equal(conf->hosts->len, 0);
    assert_real(conf_virtualization(conf, "kvm"), 1);
    assert_real(conf_virtualization(conf, "qemu"), 0.1);
    assert_real(conf_virtualization(conf, "lxc"), 1);
    g_autoptr(Conf) empty = load("", NULL);
    assert_non_null(empty);
}

static void test_whole(void **state)
{
    (void)state;
    g_autofree char *name = g_strnfill(63, 'n'); /* inih itself cuts sections at 49 */
    g_autofree char *text = g_strdup_printf("[cloud]\n"
                                            "state = /srv/cloud  ; here\n"
                                            "sample = 0.5\ngrace = 0\nwait = 0\n"
                                            "[virtualization]\nqemu = 0\nxen = 0.9\n"
                                            "[host node1] ; first\n"
                                            "# the first\n"
                                            "uri = qemu+ssh://root@node1/system\n"
                                            "labels = a\n  b\n\n"
                                            "[host  %s]\nuri = test:///default",
                                            name);
    g_autoptr(GError) error = NULL;
    g_autoptr(Conf) conf = load(text, &error);
    assert_null(error);
    assert_string_equal(conf->state, "/srv/cloud");
    assert_real(conf->sample, 0.5);
    assert_real(conf->grace, 0);
    assert_real(conf->wait, 0);
    assert_real(conf_virtualization(conf, "kvm"), 1);
    assert_real(conf_virtualization(conf, "qemu"), 0);
    assert_real(conf_virtualization(conf, "xen"), 0.9);
    assert_int_equal(conf->hosts->len, 2);

    const struct conf_host *first = conf->hosts->pdata[0], *second = conf->hosts->pdata[1];
    assert_string_equal(first->name, "node1");
    assert_string_equal(first->text, "# the first\nuri = qemu+ssh://root@node1/system\n"
                                     "labels = a\n  b\n\n");
    assert_string_equal(first->spec->host.labels[1], "b");
    assert_string_equal(second->name, name);
    assert_string_equal(second->text, "uri = test:///default");
    assert_string_equal(second->spec->host.uri, "test:///default");
}

static void test_quotas(void **state)
{
    (void)state;
    g_autoptr(Conf) conf = load("[quota root]\ncpus = 8\n[quota @root]\nmemory = 1GiB\nvms = 0\n"
                                "[quota *]\nvms = 2\n[quota 4711]\n",
                                NULL);
    assert_non_null(conf);
    assert_int_equal(conf->quotas->len, 4);
    const struct conf_quota *root = conf->quotas->pdata[0], *group = conf->quotas->pdata[1];
    const struct conf_quota *each = conf->quotas->pdata[2], *number = conf->quotas->pdata[3];
    assert_true(!root->group && root->id == 0 && root->cpus == 8);
    assert_true(root->vms == G_MAXUINT32 && root->memory == G_MAXUINT64);
    assert_true(group->group && group->vms == 0 && group->memory == 1 << 30);
    assert_true(each->everybody && each->vms == 2);
    assert_true(!number->group && number->id == 4711);
}

static void test_paths(void **state)
{
    (void)state;
    g_autoptr(Conf) preset = load("[quota root]\n", NULL);
    g_autoptr(Conf) given = load("[cloud]\npaths = /a, /b\n", NULL);
    assert_string_equal(preset->paths[0], "/var/lib/libvirt/images");
    assert_string_equal(given->paths[1], "/b");
    assert_true(given->paths_given && !preset->paths_given);
    static const char *const allowed[] = {"/srv/images/", "/opt//x", NULL};
    assert_false(spec_path_below("/srv/images/../x", allowed));
    assert_false(spec_path_below("/srv/imagesx", allowed));
    assert_false(spec_path_below("/srv", allowed));
    assert_false(spec_path_below("srv/images/a", allowed));
    assert_true(spec_path_below("/srv/./images//a", allowed));
    assert_true(spec_path_below("/opt/x/..y", allowed));
}

static void test_keys(void **state)
{
    (void)state;
    size_t n;
    const struct spec_key *rows = conf_keys(&n);
    assert_int_equal(n, 11);
    for (size_t i = 0; i < n; i++) {
        assert_true(rows[i].doc && *rows[i].doc);
        assert_true(spec_check_value(&rows[i], rows[i].preset, NULL));
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_bad_files), cmocka_unit_test(test_bad_lines),
        cmocka_unit_test(test_bad_hosts), cmocka_unit_test(test_defaults),
        cmocka_unit_test(test_whole),     cmocka_unit_test(test_keys),
        cmocka_unit_test(test_quotas),    cmocka_unit_test(test_paths),
    };
    return cmocka_run_group_tests_name("spec_conf", tests, setup, teardown);
}
