// SPDX-License-Identifier: GPL-2.0-or-later
/* Text to struct: every type, bound and sentence. */
#include <locale.h>
#include <setjmp.h>
#include <stdarg.h>
#include <string.h>

#include "core/error.h"
#include "core/spec/spec.h"

#undef fail /* cmocka has one of its own */
#include <cmocka.h>

#define assert_real(got, want) assert_true((got) == (want))

static void refuses(enum spec_kind kind, const char *text, const char *sentence)
{
    g_autoptr(GError) error = NULL;
    g_autoptr(Spec) spec = spec_parse(kind, text, strlen(text), &error);
    assert_null(spec);
    assert_non_null(error);
    assert_true(error->domain == CLOUDFS_ERROR);
    assert_int_equal(error->code, EINVAL);
    assert_string_equal(error->message, sentence);
}

static struct spec *parses(enum spec_kind kind, const char *text)
{
    g_autoptr(GError) error = NULL;
    struct spec *spec = spec_parse(kind, text, strlen(text), &error);
    if (error)
        fail_msg("%s: %s", text, error->message);
    assert_non_null(spec);
    return spec;
}

static void test_lines(void **state)
{
    (void)state;
    refuses(SPEC_VM, "", "the spec is empty");
    refuses(SPEC_VM, "# cpus = 1\n\n  ; memory = 1G\n", "the spec is empty");
    refuses(SPEC_VM, "[vm]\n", "the spec is empty");
    refuses(SPEC_VM, "cpus\n", "line 1: \"cpus\" is neither \"key = value\" nor \"[section]\"");
    refuses(SPEC_VM, "cpus = 1\nfoo",
            "line 2: \"foo\" is neither \"key = value\" nor \"[section]\"");
    refuses(SPEC_VM, "cpus = x\nfoo", "line 1: cpus: \"x\" is not a whole number");
    refuses(SPEC_VM, "cpus = 1\n\n# x\ncpus = 2\n", "line 4: \"cpus\" was given before, in line 1");
    refuses(SPEC_VM, "cpus = 1\ncpu = 2\n", "line 2: unknown key \"cpu\" (did you mean \"cpus\"?)");
    refuses(SPEC_VM, "mem = 1G\n", "line 1: unknown key \"mem\" (did you mean \"memory\"?)");
    refuses(SPEC_VM, "Cpus = 1\n", "line 1: unknown key \"Cpus\" (did you mean \"cpus\"?)");
    refuses(SPEC_VM, "xyzzy = 1\n", "line 1: unknown key \"xyzzy\"");
    refuses(SPEC_VM, "= 1\n", "line 1: unknown key \"\"");
    refuses(SPEC_VM, "cpus =\n", "line 1: cpus: has no value");
    refuses(SPEC_VM, "cpus = ; four\n", "line 1: cpus: has no value");
    refuses(SPEC_VM, "cpus = 4 # four\n", "line 1: cpus: \"4 # four\" is not a whole number");
    refuses(SPEC_VM, "cpus = 2\n  memory = 1G\n",
            "line 2: is indented, so it continues \"cpus\" of line 1, which takes one line");
}

/* What is stored, or told of domains of others, must be read all the same. */
static void test_needs(void **state)
{
    (void)state;
    static const struct {
        enum spec_kind kind;
        const char *text, *missing;
    } rows[] = {
        {SPEC_VM,      "initrd = /i\n",                                   "initrd" },
        {SPEC_VM,      "cmdline = quiet\n",                               "cmdline"},
        {SPEC_SERVICE, "replicas = 1\n[vm]\ncpus = 1\ncmdline = quiet\n", "cmdline"},
        {SPEC_SERVICE, "[vm]\nkernel = /k\ncmdline = quiet\n",            NULL     },
        {SPEC_VM,      "cmdline = quiet\ninitrd = /i\nkernel = /k\n",     NULL     },
        {SPEC_VM,      "kernel = /k\n",                                   NULL     },
        {SPEC_HOST,    "uri = test:///default\n",                         NULL     },
    };
    for (size_t i = 0; i < G_N_ELEMENTS(rows); i++) {
        g_autoptr(Spec) spec = parses(rows[i].kind, rows[i].text);
        g_autoptr(GError) error = NULL;
        assert_int_equal(spec_check_needs(spec, &error), !rows[i].missing);
        if (!rows[i].missing)
            continue;
        assert_int_equal(error->code, EINVAL);
        assert_true(g_str_has_prefix(error->message, rows[i].missing));
        assert_non_null(strstr(error->message, "without kernel"));
    }
}

static void test_sections(void **state)
{
    (void)state;
    refuses(SPEC_SERVICE, "[vmm]\n", "line 1: section [vmm] is unknown; a service has [vm]");
    refuses(SPEC_VM, "[host]\n",
            "line 1: section [host] is unknown; the keys of a VM need no section");
    refuses(SPEC_HOST, "uri=a:b\n[vm]\n",
            "line 2: section [vm] is unknown; the keys of a host need no section");
    refuses(SPEC_SERVICE, "[vm\n", "line 1: \"[vm\" is neither \"key = value\" nor \"[section]\"");
    refuses(SPEC_SERVICE, "[vm] cpus = 1\n",
            "line 1: \"[vm] cpus = 1\" is neither \"key = value\" nor \"[section]\"");
    refuses(SPEC_SERVICE, "cpus = 1\n", "line 1: \"cpus\" belongs under [vm]");
    refuses(SPEC_SERVICE, "[vm]\nreplicas = 1\n", "line 2: \"replicas\" belongs above [vm]");
    refuses(SPEC_SERVICE, "[vm]\ncpus = 1\n[service]\n[vm]\ncpus = 2\n",
            "line 5: \"cpus\" was given before, in line 2");

    g_autoptr(Spec) vm = parses(SPEC_VM, "[vm]\n  cpus = 2\n  memory: 1G\n");
    assert_int_equal(vm->vm.cpus, 2);
    assert_int_equal(vm->vm.memory, 1 << 30);
    g_autoptr(Spec) service =
        parses(SPEC_SERVICE, "demand = 3\n[vm] ; the template\ndemand = 4\n[service]\ncost = 5\n");
    assert_real(service->service.demand, 3);
    assert_real(service->service.vm.demand, 4);
    assert_real(service->service.cost, 5);
    assert_int_equal(service->given,
                     spec_key_bit(SPEC_SERVICE, "demand") | spec_key_bit(SPEC_SERVICE, "cost"));
    assert_int_equal(service->given_vm, spec_key_bit(SPEC_VM, "demand"));
}

static void test_defaults(void **state)
{
    (void)state;
    refuses(SPEC_HOST, "zone = a\n", "uri is missing");
    g_autoptr(Spec) host = parses(SPEC_HOST, "uri = test:///default");
    assert_real(host->host.cost, 1);
    assert_real(host->host.maintenance_cost, 1);
    assert_real(host->host.cpu_overcommit, 4);
    assert_real(host->host.memory_overcommit, 1);
    assert_int_equal(host->host.reserved_cpus, 0);
    assert_null(host->host.zone);
    assert_non_null(host->host.labels);
    assert_null(host->host.labels[0]);

    g_autoptr(Spec) service = parses(SPEC_SERVICE, "replicas = 0\r\n");
    const struct vm_spec *vm = &service->service.vm;
    assert_int_equal(service->service.replicas, 0);
    assert_int_equal(service->service.spread, SPREAD_HOST);
    assert_int_equal(spec_share_of(service->service.max_unavailable, 8), 1);
    g_autoptr(Spec) shared = parses(SPEC_SERVICE, "max_unavailable = 30%\n");
    assert_int_equal(spec_share_of(shared->service.max_unavailable, 8), 2);
    assert_int_equal(spec_share_of(shared->service.max_unavailable, 1), 1);
    assert_int_equal(vm->cpus, 1);
    assert_int_equal(vm->memory, 512 << 20);
    assert_real(vm->usage, 1);
    assert_real(vm->demand, 1);
    assert_int_equal(vm->disk, 0);
    assert_int_equal(vm->policy, POLICY_PACK);
    assert_int_equal(vm->restart, RESTART_ALWAYS);
    assert_true(vm->power);
    assert_false(vm->protect);
    assert_null(vm->virtualization);
    assert_null(vm->networks[0]);
}

static void test_bounds(void **state)
{
    (void)state;
    refuses(SPEC_VM, "cpus = 0", "line 1: cpus: \"0\" is out of bounds (1 to 4096)");
    refuses(SPEC_VM, "cpus = 99999999999999999999",
            "line 1: cpus: \"99999999999999999999\" is out of bounds (1 to 4096)");
    refuses(SPEC_VM, "cpus = -1", "line 1: cpus: \"-1\" is not a whole number");
    refuses(SPEC_VM, "memory = 12XB", "line 1: memory: \"12XB\" is not a size (try 512MiB)");
    refuses(SPEC_VM, "memory = 0", "line 1: memory: \"0\" is out of bounds (1MiB to 64TiB)");
    refuses(SPEC_VM, "memory = 65T", "line 1: memory: \"65T\" is out of bounds (1MiB to 64TiB)");
    refuses(SPEC_VM, "usage = 0", "line 1: usage: \"0\" is out of bounds (above 0, up to 1)");
    refuses(SPEC_VM, "usage = 1.1", "line 1: usage: \"1.1\" is out of bounds (above 0, up to 1)");
    refuses(SPEC_VM, "demand = 1e-400",
            "line 1: demand: \"1e-400\" is out of bounds (above 0, up to 1000000000)");
    refuses(SPEC_SERVICE, "replicas = 10001",
            "line 1: replicas: \"10001\" is out of bounds (0 to 10000)");
    refuses(SPEC_VM, "health = ping",
            "line 1: health: \"ping\" is neither \"agent\" nor \"tcp PORT\"");
    refuses(SPEC_VM, "health = tcp 65536",
            "line 1: health: \"tcp 65536\" has no port from 1 to 65535");
    g_autoptr(Spec) checked = parses(SPEC_VM, "health = tcp 80");
    assert_int_equal(checked->vm.health.kind, HEALTH_TCP);
    assert_int_equal(checked->vm.health.port, 80);
    static const char *const no_shares[] = {"0", "0%", "101%", "%", "1.5", "-1", "10 %", "10001"};
    for (size_t i = 0; i < G_N_ELEMENTS(no_shares); i++) {
        g_autofree char *text = g_strdup_printf("max_unavailable = %s", no_shares[i]);
        g_autofree char *sentence = g_strdup_printf(
            "line 1: max_unavailable: \"%s\" is neither a count (1 to 10000) nor a percentage "
            "(1%% to 100%%)",
            no_shares[i]);
        refuses(SPEC_SERVICE, text, sentence);
    }
    static const char *const no_numbers[] = {"nan",  "inf", "-inf", "0x10",  "1,5",
                                             "1.5x", "1 2", "--1",  "1e999", "."};
    for (size_t i = 0; i < G_N_ELEMENTS(no_numbers); i++) {
        g_autofree char *text = g_strdup_printf("cost = %s", no_numbers[i]);
        g_autofree char *sentence =
            g_strdup_printf("line 1: cost: \"%s\" is not a number (try 1.5)", no_numbers[i]);
        refuses(SPEC_SERVICE, text, sentence);
    }
}

static void test_types(void **state)
{
    (void)state;
    refuses(SPEC_HOST, "uri = node1", "line 1: uri: \"node1\" has no scheme (try qemu:///system)");
    refuses(SPEC_HOST, "uri = a:b c", "line 1: uri: \"a:b c\" holds a blank");
    refuses(SPEC_VM, "policy = Pack", "line 1: policy: \"Pack\" is none of pack, spread");
    refuses(SPEC_VM, "power = maybe",
            "line 1: power: \"maybe\" is neither yes nor no (or on, off, true, false, 1, 0)");
    refuses(SPEC_VM, "image = a.img", "line 1: image: \"a.img\" is not an absolute path");
    refuses(SPEC_VM, "image = /a/../b", "line 1: image: \"/a/../b\" has a \"..\" in it");
    refuses(SPEC_VM, "user_data = /a/..", "line 1: user_data: \"/a/..\" has a \"..\" in it");
    refuses(SPEC_VM, "host = ../h1",
            "line 1: host: \"../h1\" is not a name (1 to 63 of letters, digits, '-', '_', '.', "
            "a letter or digit first)");
    refuses(SPEC_VM, "labels = ssd # fast",
            "line 1: labels: \"ssd # fast\" has a word that starts with '#' "
            "(a comment behind a value starts with ';')");
    refuses(SPEC_VM, "network = , ,", "line 1: network: \", ,\" has no word in it");

    g_autoptr(Spec) spec = parses(SPEC_VM, "image = /a/..b ; not a parent\n"
                                           "labels = a#b,c;d  é ; e\n"
                                           "policy = spread\nrestart=never\npower = off\n"
                                           "protect = yes\nusage = .5\ncmdline = a=b c#d;e\n");
    assert_string_equal(spec->vm.image, "/a/..b");
    assert_string_equal(spec->vm.labels[0], "a#b");
    assert_string_equal(spec->vm.labels[1], "c;d");
    assert_string_equal(spec->vm.labels[2], "é");
    assert_null(spec->vm.labels[3]);
    assert_int_equal(spec->vm.policy, POLICY_SPREAD);
    assert_int_equal(spec->vm.restart, RESTART_NEVER);
    assert_false(spec->vm.power);
    assert_true(spec->vm.protect);
    assert_real(spec->vm.usage, 0.5);
    assert_string_equal(spec->vm.cmdline, "a=b c#d;e");
}

static void test_continuation(void **state)
{
    (void)state;
    g_autoptr(Spec) spec = parses(SPEC_VM, "\xEF\xBB\xBF"
                                           "cmdline = root=/dev/vda ; disk\n"
                                           "  ro ; why\n"
                                           "\n"
                                           "  # not this\n"
                                           "  quiet\r\n"
                                           "network = a,\n\tb\n"
                                           "user_data =\n"
                                           "    #cloud-config\n"
                                           "    runcmd:\n"
                                           "      - for i in a b ; do echo; done\n"
                                           "\n"
                                           "      - [ls, -l]\n"
                                           "# a comment\n"
                                           "  end\n"
                                           "cpus = 3\n");
    assert_string_equal(spec->vm.cmdline, "root=/dev/vda ro quiet");
    assert_string_equal(spec->vm.networks[0], "a");
    assert_string_equal(spec->vm.networks[1], "b");
    assert_null(spec->vm.networks[2]);
    assert_string_equal(spec->vm.user_data,
                        "#cloud-config\nruncmd:\n  - for i in a b ; do echo; done\n\n"
                        "  - [ls, -l]\nend");
    assert_int_equal(spec->vm.cpus, 3);
}

/* inih's own limit is 200 bytes a line, 50 a name. */
static void test_long_lines(void **state)
{
    (void)state;
    g_autofree char *word = g_strnfill(5000, 'x');
    g_autofree char *blanks = g_strnfill(500, ' ');
    g_autofree char *text =
        g_strdup_printf("cmdline = %s ro ; %s\n  %s\n%scpus =%s7\n", word, word, word, "", blanks);
    g_autofree char *cmdline = g_strdup_printf("%s ro %s", word, word);
    g_autoptr(Spec) spec = parses(SPEC_VM, text);
    assert_string_equal(spec->vm.cmdline, cmdline);
    assert_int_equal(spec->vm.cpus, 7);

    g_autofree char *unknown = g_strdup_printf("cpus = 1\n%s = 1\n", word);
    refuses(SPEC_VM, unknown,
            "line 2: \"xxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxx…\" is neither "
            "\"key = value\" nor \"[section]\"");
}

static void test_bytes(void **state)
{
    (void)state;
    g_autoptr(GError) error = NULL;
    assert_null(spec_parse(SPEC_VM, "cpus=1\n\0", 8, &error));
    assert_int_equal(error->code, EINVAL);
    assert_string_equal(error->message, "line 2: holds a NUL byte");
    refuses(SPEC_VM, "cpus=1\n\n#\xff\n", "line 3: not valid UTF-8");
    refuses(SPEC_VM, "cpus=1\n# \x1b[2J\n", "line 2: holds a control character (0x1b)");
    refuses(SPEC_VM, "cpus=1\rmemory=1G\n", "line 1: holds a control character (0x0d)");
    refuses(SPEC_VM, "cpus=1 ; \xc2\x85\n", "line 1: holds a control character (0x85)");
    refuses(SPEC_VM,
            "\n\xEF\xBB\xBF"
            "cpus=1",
            "line 2: holds a control character (0xfeff)");
    assert_null(spec_parse(SPEC_VM, NULL, 0, NULL));

    g_clear_error(&error);
    g_autoptr(GString) big = g_string_new("cpus=1\n");
    while (big->len < SPEC_MAX_BYTES)
        g_string_append_c(big, '\n');
    g_autoptr(Spec) spec = spec_parse(SPEC_VM, big->str, big->len, NULL);
    assert_non_null(spec);
    g_string_append_c(big, '\n');
    assert_null(spec_parse(SPEC_VM, big->str, big->len, &error));
    assert_int_equal(error->code, EFBIG);
    assert_null(spec_parse_partial(SPEC_VM, big->str, big->len, NULL));
}

static struct spec *partial(const char *text, GError **error)
{
    return spec_parse_partial(SPEC_VM, text, strlen(text), error);
}

static void test_partial(void **state)
{
    (void)state;
    g_autoptr(GError) error = NULL;
    assert_null(partial("cpus = 0\n", &error));
    assert_int_equal(error->code, EINVAL);
    assert_string_equal(error->message, "line 1: cpus: \"0\" is out of bounds (1 to 4096)");
    assert_null(partial("cpus =\n", NULL));
    assert_null(partial("network = #x\n", NULL));
    assert_null(partial("user_data =\ncpus = 1\n", NULL));

    static const char *const fine[] = {"",
                                       "cpus",
                                       "cpus = 0",
                                       "cpus = 1\nmemory = 1X",
                                       "cpus = 1\nfoo\xc3",
                                       "user_data =\n",
                                       "user_data =\n  #cloud",
                                       "cmdline =\n",
                                       "# nothing\n",
                                       "network = a,\n",
                                       "network = ,\n"};
    for (size_t i = 0; i < G_N_ELEMENTS(fine); i++) {
        g_autoptr(Spec) spec = partial(fine[i], NULL);
        assert_non_null(spec);
        assert_int_equal(spec->vm.cpus, 1);
    }
    g_autoptr(Spec) host = spec_parse_partial(SPEC_HOST, NULL, 0, NULL);
    assert_non_null(host);
    assert_null(host->host.uri);
}

/* Every row takes its own default, is found by its name and has a line for the manual. */
static void test_tables(void **state)
{
    (void)state;
    for (enum spec_kind kind = SPEC_HOST; kind <= SPEC_SERVICE; kind++) {
        size_t n;
        const struct spec_key *rows = spec_keys(kind, &n);
        for (size_t i = 0; i < n; i++) {
            assert_int_equal(spec_key_bit(kind, rows[i].name), UINT64_C(1) << i);
            assert_true(rows[i].doc && *rows[i].doc);
            assert_false(spec_check_value(&rows[i], "", NULL));
            assert_false(spec_check_value(&rows[i], "\x01", NULL));
            if (rows[i].preset)
                assert_true(spec_check_value(&rows[i], rows[i].preset, NULL));
            if (rows[i].type != SPEC_TEXT)
                assert_false(spec_check_value(&rows[i], "1\n2", NULL));
        }
    }
    assert_int_equal(spec_key_bit(SPEC_VM, "uri"), 0);
}

static void test_locale(void **state)
{
    (void)state;
    if (!setlocale(LC_ALL, "de_DE.UTF-8"))
        skip();
    g_autoptr(Spec) spec = parses(SPEC_VM, "usage = 0.25\n");
    assert_real(spec->vm.usage, 0.25);
    refuses(SPEC_VM, "usage = 0,25", "line 1: usage: \"0,25\" is not a number (try 1.5)");
    setlocale(LC_ALL, "C");
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_lines),        cmocka_unit_test(test_needs),
        cmocka_unit_test(test_sections),     cmocka_unit_test(test_defaults),
        cmocka_unit_test(test_bounds),       cmocka_unit_test(test_types),
        cmocka_unit_test(test_continuation), cmocka_unit_test(test_long_lines),
        cmocka_unit_test(test_bytes),        cmocka_unit_test(test_partial),
        cmocka_unit_test(test_tables),       cmocka_unit_test(test_locale),
    };
    return cmocka_run_group_tests_name("spec", tests, NULL, NULL);
}
