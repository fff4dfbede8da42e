/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Why a VM went where it did, or nowhere: sentences that users read. */
#include "tests/unit/place_fixture.h"

static void assert_never(const struct place *place, const struct place_want *w, const char *text)
{
    g_autofree char *why = NULL;
    assert_int_equal(found(place, w), -1);
    assert_true(place_never(place, w, NULL));
    assert_true(place_never(place, w, &why));
    assert_string_equal(why, text);
}

static void assert_explained(const struct place *place, const struct place_want *w,
                             const char *text)
{
    g_autofree char *explained = place_explain(place, w);
    assert_string_equal(explained, text);
}

static void test_never(void **state)
{
    (void)state;
    struct place *place = three();
    struct place_host h3 = host(3, "h3");
    h3.memory = 128 * GIB;
    h3.labels = WORDS("gpu", "ssd");
    place_set_host(place, &h3);
    struct place_want w = want(1, 4096);
    assert_never(place, &w, "memory: wants 4.0 TiB, the largest host (h3) holds 128.0 GiB");
    w = want(65, 1);
    assert_never(place, &w, "cpus: wants 65, the largest host (h1) holds 64");
    w = want(1, 1);
    w.labels = WORDS("ssd", "tpu");
    assert_never(place, &w, "label tpu: no host has it");
    w.labels = NULL;
    w.networks = WORDS("br9");
    assert_never(place, &w, "network br9: no host has it");
    w.networks = NULL;
    w.zone = "z9";
    assert_never(place, &w, "zone z9: no host is in it");
    w.zone = NULL;
    w.types = WORDS("lxc");
    assert_never(place, &w, "virtualization lxc: no host offers it");
    w.types = WORDS("lxc", "xen");
    assert_never(place, &w, "virtualization lxc or xen: no host offers it");
    w.types = NULL;
    w.host = "h9";
    assert_never(place, &w, "host h9: there is no such host");
    w = want(1, 100);
    w.host = "h2";
    assert_never(place, &w,
                 "no host meets it all: h2 fails on memory: wants 100.0 GiB, holds 64.0 GiB");
    w = want(1, 128);
    w.memory++;
    assert_never(place, &w,
                 "memory: wants 137438953473 B, the largest host (h3) holds 137438953472 B");
    place_free(place);
}

static void test_nothing(void **state)
{
    (void)state;
    struct place *place = place_new();
    struct place_want w = want(1, 1);
    assert_explained(place, &w,
                     "0 of 0 hosts passed\nHOST RESULT         DEMAND RESOURCES COST SCORE\n");
    place_free(place);
}

static void test_over_reserved(void **state)
{
    (void)state;
    struct place *place = place_new();
    struct place_want w = want(1, 1);
    add(place, 1, "h1");
    take(place, 1, 1, 100, 100);
    assert_explained(place, &w,
                     "0 of 1 hosts passed: cpus 1\n"
                     "HOST RESULT         DEMAND RESOURCES COST SCORE\n"
                     "h1   cpus           wants 1, -36 free of 64\n");
    place_free(place);
}

static void test_explanation(void **state)
{
    (void)state;
    struct place *place = three();
    struct place_want w = want(8, 8);
    struct place_host h4 = host(4, "host4"), h5 = host(5, "h5"), h6 = host(6, "h6");
    h4.up = false;
    h4.why_down = "maintenance";
    h5.networks = WORDS("user");
    h6.types = WORDS("lxc");
    place_set_host(place, &h4);
    place_set_host(place, &h5);
    place_set_host(place, &h6);
    take(place, 1, 2, 32, 32);
    take(place, 2, 3, 1, 61);
    w.networks = WORDS("br0");
    w.types = kvm;
    assert_explained(place, &w,
                     "2 of 6 hosts passed: h2\n"
                     "HOST  RESULT         DEMAND RESOURCES COST SCORE\n"
                     "h2    chosen         1.000000 1.333333 1.000000 1.333333\n"
                     "h1    passed         1.000000 0.571429 1.000000 0.571429\n"
                     "h3    memory         wants 8.0 GiB, 3.0 GiB free of 64.0 GiB\n"
                     "host4 up             maintenance\n"
                     "h5    network        no network br0\n"
                     "h6    virtualization wants kvm or qemu, offers lxc\n");
    place_free(place);
}

static void test_explanation_of_groups(void **state)
{
    (void)state;
    struct place *place = three();
    struct place_want w = want(8, 8);
    w.avoid = "db";
    w.near = "app";
    w.service = 3;
    place_take(place, 1, 2, &w);
    assert_explained(place, &w,
                     "0 of 3 hosts passed: avoid 1, near 2\n"
                     "HOST RESULT         DEMAND RESOURCES COST SCORE\n"
                     "h1   near           group app is on h2\n"
                     "h2   avoid          group db is here\n"
                     "h3   near           group app is on h2\n");
    w.avoid = w.near = NULL;
    w.host = "h2";
    assert_explained(place, &w,
                     "0 of 3 hosts passed: host 2, spread 1\n"
                     "HOST RESULT         DEMAND RESOURCES COST SCORE\n"
                     "h1   host           wants h2\n"
                     "h2   spread         a member of the service is here\n"
                     "h3   host           wants h2\n");
    w.host = NULL;
    w.spread = SPREAD_ZONE;
    w.tried = (const uint64_t[]){1, 3};
    w.n_tried = 1;
    struct place_host h3 = host(3, "h3");
    h3.zone = "z3";
    place_set_host(place, &h3);
    assert_explained(place, &w,
                     "1 of 3 hosts passed: h3\n"
                     "HOST RESULT         DEMAND RESOURCES COST SCORE\n"
                     "h3   chosen         1.000000 0.571429 1.000000 0.571429\n"
                     "h1   spread         no zone has 1 members, another has 0\n"
                     "h2   spread         no zone has 1 members, another has 0\n");
    w.zone = "z3";
    w.labels = WORDS("gpu");
    w.n_tried = 2;
    assert_explained(place, &w,
                     "0 of 3 hosts passed: zone 2, labels 1\n"
                     "HOST RESULT         DEMAND RESOURCES COST SCORE\n"
                     "h1   zone           wants z3, is in no zone\n"
                     "h2   zone           wants z3, is in no zone\n"
                     "h3   labels         wants gpu\n");
    w.labels = NULL;
    w.zone = NULL;
    w.spread = SPREAD_NONE;
    assert_explained(place, &w,
                     "1 of 3 hosts passed: h2\n"
                     "HOST RESULT         DEMAND RESOURCES COST SCORE\n"
                     "h2   chosen         1.000000 0.666667 1.000000 0.666667\n"
                     "h1   tried          failed there before\n"
                     "h3   tried          failed there before\n");
    place_free(place);
}

static void test_explanation_of_many(void **state)
{
    (void)state;
    struct place *place = place_new();
    struct place_want w = want(64, 8);
    for (uint64_t id = 1; id <= 101; id++) {
        g_autofree char *name = g_strdup_printf("h%d", (int)id);
        add(place, id, name);
        if (id > 20)
            take(place, id, id, 1, 1);
    }
    g_autofree char *text = place_explain(place, &w);
    assert_non_null(strstr(text, "20 of 101 hosts passed: h1\n"));
    assert_non_null(strstr(text, "\nh10  passed "));
    assert_null(strstr(text, "\nh11  passed "));
    assert_non_null(strstr(text, "\npassed 10 more\n"
                                 "cpus 81 hosts: h21 wants 64, 63 free of 64; h22 wants 64, 63 "
                                 "free of 64; h23 wants 64, 63 free of 64\n"));
    place_free(place);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_never),
        cmocka_unit_test(test_nothing),
        cmocka_unit_test(test_over_reserved),
        cmocka_unit_test(test_explanation),
        cmocka_unit_test(test_explanation_of_groups),
        cmocka_unit_test(test_explanation_of_many),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
