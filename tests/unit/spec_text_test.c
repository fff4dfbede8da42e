// SPDX-License-Identifier: GPL-2.0-or-later
/* Editing, names, sizes, and input that wants to do harm. */
#include <setjmp.h>
#include <stdarg.h>
#include <string.h>

#include "core/error.h"
#include "core/spec/spec.h"

#undef fail /* cmocka has one of its own */
#include <cmocka.h>

#define assert_real(got, want) assert_true((got) == (want))

static void sets(const char *text, const char *key, const char *value, const char *want)
{
    g_autofree char *got = spec_text_set(text, key, value);
    assert_string_equal(got, want);
}

static void test_set_in_place(void **state)
{
    (void)state;
    sets("# my vm\ncpus=1\r\n\nmemory = 1G ; small\n# end\n", "cpus", "2",
         "# my vm\ncpus=2\r\n\nmemory = 1G ; small\n# end\n");
    sets("memory  :  1G ; small\n", "memory", "2GiB", "memory  :  2GiB ; small\n");
    sets("cpus = 1", "cpus", "2", "cpus = 2");
    sets("cpus =\n", "cpus", "2", "cpus = 2\n");
    sets("cpus = ; none\n", "cpus", "2", "cpus = 2 ; none\n");
    sets("cmdline = a\n  b\n# c\n  d\ncpus = 1\n", "cmdline", "x", "cmdline = x\n# c\ncpus = 1\n");
    sets("user_data =\n  #cloud-config\n  cpus = 1\ncpus = 2\n", "cpus", "3",
         "user_data =\n  #cloud-config\n  cpus = 1\ncpus = 3\n");
    sets("cpus = 1\n", "user_data", "#!/bin/sh\nls ; ls\n",
         "cpus = 1\nuser_data = #!/bin/sh\n"
         "    ls ; ls\n\n");
    sets("what is this\ncpus = 1\n", "cpus", "2", "what is this\ncpus = 2\n");
}

static void test_set_new(void **state)
{
    (void)state;
    sets("", "host", "h1", "host = h1\n");
    sets("cpus = 1", "host", "h1", "cpus = 1\nhost = h1\n");
    sets("cpus = 1\n# end\n", "host", "h1", "cpus = 1\n# end\nhost = h1\n");
    sets("replicas = 2\n\n# template\n[vm]\n", "spread", "none",
         "replicas = 2\nspread = none\n\n# template\n[vm]\n");
    sets("cost = 2 ; x", "replicas", "3", "cost = 2 ; x\nreplicas = 3\n");
}

static void test_set_and_sections(void **state)
{
    (void)state;
    sets("replicas = 2\n[vm]\ndemand = 1\n", "demand", "9",
         "replicas = 2\ndemand = 9\n[vm]\ndemand = 1\n");
    sets("[vm]\ndemand = 1\n", "demand", "9", "demand = 9\n[vm]\ndemand = 1\n");
    sets("[vm]\ncpus = 1\n[service]\ndemand = 2\n", "demand", "9",
         "[vm]\ncpus = 1\n[service]\ndemand = 9\n");
    sets("replicas = 2\n[vm]\nhost = h1\n", "host", "h2",
         "replicas = 2\nhost = h2\n[vm]\nhost = h1\n");
    sets("[vm]\nhost = h1\n", "host", "h2", "[vm]\nhost = h2\n");
    sets(" [vm]\ncpus = 1\n", "host", "h1", " host = h1\n [vm]\ncpus = 1\n");
    sets("  cost = 2\n  [vm]\n", "spread", "none", "  cost = 2\n  spread = none\n  [vm]\n");
    sets("[host]\nuri = a:b\n", "uri", "c:d", "[host]\nuri = c:d\n");
}

static void extracts(const char *text, const char *want)
{
    g_autofree char *got = spec_text_template(text);
    g_autoptr(GError) error = NULL;
    assert_string_equal(got, want);
    g_autoptr(Spec) spec = spec_parse(SPEC_VM, got, strlen(got), &error);
    assert_null(error);
    assert_non_null(spec);
}

static void test_template(void **state)
{
    (void)state;
    extracts("replicas = 2\n[vm]\n# big\n  cpus = 2 ; x\n\n", "# big\n  cpus = 2 ; x\n\n");
    extracts("[vm]\ncpus = 2\n[service]\ncost = 1\n[vm]\nmemory = 1G", "cpus = 2\nmemory = 1G");
    extracts("replicas = 2\n", "cpus = 1\n");
    extracts("replicas = 2\n[vm]\n# nothing", "# nothing\ncpus = 1\n");
}

static void test_names(void **state)
{
    (void)state;
    static const char *const bad[] = {"",    ".",   "..",   "-a", "_a",   "a/b",
                                      "a b", "a%b", "a\nb", "é",  "a\x7f"};
    for (size_t i = 0; i < G_N_ELEMENTS(bad); i++)
        assert_false(spec_valid_name(bad[i]));
    assert_false(spec_valid_name(NULL));
    g_autofree char *longest = g_strnfill(63, 'a');
    g_autofree char *longer = g_strnfill(64, 'a');
    assert_true(spec_valid_name(longest));
    assert_false(spec_valid_name(longer));
    assert_true(spec_valid_name("0-a_b.C"));
}

static void encodes(const char *name, const char *want)
{
    g_autofree char *got = spec_encode_name(name);
    assert_string_equal(got, want);
}

static void test_encoding(void **state)
{
    (void)state;
    encodes("web-1.x_y", "web-1.x_y");
    encodes("..", "%2E.");
    encodes("a/b %\n", "a%2Fb%20%25%0A");
    encodes("é", "%C3%A9");
    encodes("-x", "%2Dx");
    encodes("", "%");
    g_autofree char *fits = g_strnfill(63, 'a');
    g_autofree char *cut = g_strnfill(53, 'a');
    g_autofree char *one = g_strdup_printf("%s/%s", cut, cut);
    g_autofree char *two = g_strdup_printf("%sb", one);
    g_autofree char *coded_one = spec_encode_name(one);
    g_autofree char *coded_two = spec_encode_name(two);
    encodes(fits, fits);
    assert_true(g_str_has_prefix(coded_one, cut)); /* and no half of a %2F */
    assert_int_equal(coded_one[53], '%');
    assert_int_equal(strlen(coded_one), 62);
    assert_string_not_equal(coded_one, coded_two);
}

static void test_sizes(void **state)
{
    (void)state;
    static const char *const bad[] = {
        "",    "M",   "1X",    "1KB", "1MB",       "1mib",      "-1",
        "+1",  " 1",  "1 ",    "1.5", "1.",        "1.M",       "0x10",
        "1Mi", "1e3", "1KiBx", "1iB", "16777216T", "1.000001G", "99999999999999999999"};
    static const struct {
        const char *text;
        uint64_t bytes;
    } good[] = {
        {"0",                    0                       },
        {"1000",                 1000                    },
        {"1K",                   1024                    },
        {"512MiB",               536870912               },
        {"512 MiB",              536870912               },
        {"1.5G",                 1610612736              },
        {"1TiB",                 UINT64_C(1) << 40       },
        {"16777215T",            UINT64_C(16777215) << 40},
        {"18446744073709551615", UINT64_MAX              },
        {"0.5K",                 512                     }
    };
    uint64_t bytes = 7;
    for (size_t i = 0; i < G_N_ELEMENTS(bad); i++)
        if (spec_parse_size(bad[i], &bytes))
            fail_msg("%s", bad[i]);
    assert_false(spec_parse_size(NULL, &bytes));
    assert_int_equal(bytes, 7);
    for (size_t i = 0; i < G_N_ELEMENTS(good); i++) {
        assert_true(spec_parse_size(good[i].text, &bytes));
        assert_true(bytes == good[i].bytes);
        g_autofree char *text = spec_format_size(bytes);
        assert_true(spec_parse_size(text, &bytes));
        assert_true(bytes == good[i].bytes);
    }
    g_autofree char *text = spec_format_size(3 * UINT64_C(512) << 20);
    assert_string_equal(text, "1536MiB");
}

static const char *const seeds[] = {
    [SPEC_HOST] = "# a host\nuri = qemu+ssh://root@h1/system ; there\nlabels = a, b\n  c\n"
                  "cost = 1.5\nreserved_memory = 1.5GiB\ncpu_overcommit = 4\nzone = z-1\n",
    [SPEC_VM] = "cpus = 2\nmemory = 1GiB\nimage = /img/a.qcow2\nnetwork = a,user\n"
                "user_data =\n  #cloud-config\n  x:\n\n    - y ; z\npolicy = spread\nusage=0.5\n",
    [SPEC_SERVICE] = "replicas = 3\nspread = zone\n[vm]\ncpus: 1\ncmdline = a\n  b\n[service]\n"
                     "demand = 2.5\n",
};

/* Whatever the text, the answers agree with each other and nothing breaks. */
static void survives(enum spec_kind kind, const char *text, size_t len)
{
    g_autoptr(GError) error = NULL;
    g_autoptr(Spec) spec = spec_parse(kind, text, len, &error);
    g_autoptr(Spec) part = spec_parse_partial(kind, text, len, NULL);
    assert_true(!spec != !error);
    assert_true(!spec || part);
    if (error) {
        assert_true(error->code == EINVAL || error->code == EFBIG);
        assert_true(g_utf8_validate(error->message, -1, NULL));
        assert_true(strlen(error->message) < 512);
        assert_null(strchr(error->message, '\n'));
    }
    g_autofree char *string = g_strndup(text, len);
    g_autofree char *edited = spec_text_set(string, "demand", "7");
    g_autofree char *template = spec_text_template(string);
    g_autofree char *name = spec_encode_name(string);
    assert_true(strlen(name) <= 63);
    if (!spec || kind != SPEC_SERVICE)
        return;
    g_autoptr(Spec) again = spec_parse(kind, edited, strlen(edited), NULL);
    g_autoptr(Spec) vm = spec_parse(SPEC_VM, template, strlen(template), NULL);
    assert_non_null(again);
    assert_real(again->service.demand, 7);
    assert_non_null(vm);
}

static void test_mutations(void **state)
{
    (void)state;
    static const char bytes[] = "\n\r\t ;#=:[].,/\\%\"'\0\x01\x7f\xff\xc3\xa9\xef\xbb\xbf-0aZ";
    g_autoptr(GRand) rand = g_rand_new_with_seed(20240229);
    for (int i = 0; i < 10000; i++) {
        enum spec_kind kind = (enum spec_kind)(i % 3);
        g_autoptr(GString) text = g_string_new(seeds[kind]);
        for (int n = g_rand_int_range(rand, 1, 6); n > 0 && text->len > 1; n--) {
            gsize at = (gsize)g_rand_int_range(rand, 0, (gint32)text->len);
            gsize span = (gsize)g_rand_int_range(rand, 0, 20);
            char byte = bytes[g_rand_int_range(rand, 0, sizeof(bytes) - 1)];
            switch (g_rand_int_range(rand, 0, 4)) {
            case 0:
                text->str[at] = byte;
                break;
            case 1:
                g_string_insert_c(text, (gssize)at, byte);
                break;
            case 2:
                g_string_erase(text, (gssize)at, (gssize)MIN(span, text->len - at));
                break;
            default:
                g_string_insert_len(text, (gssize)at, seeds[kind], (gssize)span);
            }
        }
        survives(kind, text->str, text->len);
    }
}

static void test_random_bytes(void **state)
{
    (void)state;
    g_autoptr(GRand) rand = g_rand_new_with_seed(7);
    g_autofree char *bytes = g_malloc(SPEC_MAX_BYTES + 1);
    for (int i = 0; i < 300; i++) {
        size_t len = i == 0 ? SPEC_MAX_BYTES + 1 : (size_t)g_rand_int_range(rand, 0, 4096);
        for (size_t n = 0; n < len; n++)
            bytes[n] = (char)g_rand_int_range(rand, 0, i % 2 ? 256 : 128);
        survives((enum spec_kind)(i % 3), bytes, len);
    }
    static const char *const repeated[] = {
        "\n",       "[", "[vm]\n",         "a", "#\n",      " x\n",
        "cpus=1\n", "=", "labels=a\n b\n", ";", "\xc3\xa9", "user_data=\n \n"};
    for (size_t i = 0; i < G_N_ELEMENTS(repeated); i++) {
        size_t unit = strlen(repeated[i]), len = SPEC_MAX_BYTES / unit * unit;
        for (size_t n = 0; n < len; n++)
            bytes[n] = repeated[i][n % unit];
        for (int kind = SPEC_HOST; kind <= SPEC_SERVICE; kind++)
            survives((enum spec_kind)kind, bytes, len);
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_set_in_place),
        cmocka_unit_test(test_set_new),
        cmocka_unit_test(test_set_and_sections),
        cmocka_unit_test(test_template),
        cmocka_unit_test(test_names),
        cmocka_unit_test(test_encoding),
        cmocka_unit_test(test_sizes),
        cmocka_unit_test(test_mutations),
        cmocka_unit_test(test_random_bytes),
    };
    return cmocka_run_group_tests_name("spec_text", tests, NULL, NULL);
}
