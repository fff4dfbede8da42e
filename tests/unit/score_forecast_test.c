/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Forecasts of load: what must hold exactly, and whether they help on a day that looks like one. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>

#include <cmocka.h>
#include <math.h>

#include "core/score/forecast.h"

#define HORIZON 600.0
#define DAY     86400

static void test_nothing_is_known_at_first(void **state)
{
    (void)state;
    struct forecast f = {0};
    assert_true(forecast_value(&f, HORIZON) == -1);
    forecast_add(&f, 1000, 0.5, HORIZON);
    assert_true(forecast_value(&f, HORIZON) == -1);
    assert_true(forecast_error(&f) == -1);
    forecast_add(&f, 1005, -1, HORIZON); /* not known */
    forecast_add(&f, 1005, NAN, HORIZON);
    forecast_add(&f, 1000, 0.9, HORIZON); /* no time has passed */
    assert_int_equal(f.samples, 1);
    forecast_add(&f, 1005, 0.5, HORIZON);
    assert_true(fabs(forecast_value(&f, HORIZON) - 0.5) < 1e-12);
}

/* A straight line is found, at any rhythm of samples, and the error goes. */
static void test_a_line(void **state)
{
    (void)state;
    struct forecast f = {0};
    double now = 0;
    for (int i = 0; i < 4000; i++) {
        now += 2 + i % 7;
        forecast_add(&f, now, 0.1 + now * 1e-5, HORIZON);
    }
    assert_true(fabs(forecast_value(&f, HORIZON) - (0.1 + (now + HORIZON) * 1e-5)) < 1e-4);
    assert_true(forecast_error(&f) >= 0 && forecast_error(&f) < 1e-3);
}

static void test_a_gap(void **state)
{
    (void)state;
    struct forecast f = {0};
    for (int now = 0; now < 5000; now += 5)
        forecast_add(&f, now, now * 1e-4, HORIZON);
    double error = forecast_error(&f);
    assert_true(error > 0);
    forecast_add(&f, 90000, 0.2, HORIZON);
    assert_true(forecast_value(&f, HORIZON) == -1);
    forecast_add(&f, 90005, 0.2, HORIZON);
    assert_true(fabs(forecast_value(&f, HORIZON) - 0.2) < 1e-9);
    assert_true(forecast_error(&f) == error);
    for (int now = 90010; now < 99000; now += 5)
        forecast_add(&f, now, 0, HORIZON);
    assert_true(forecast_value(&f, HORIZON) >= 0);
}

static double noise(void)
{
    double sum = 0;
    for (int i = 0; i < 12; i++)
        sum += (double)rand() / RAND_MAX;
    return sum - 6; /* close to a normal distribution of deviation 1 */
}

/* CPUs in use of 64: a day's wave, a busy hour at noon, and noise. */
static double day_load(int now)
{
    double phase = 2 * 3.14159265358979 * (now % DAY) / DAY;
    int hour = now % DAY / 3600;
    double load = 28 - 18 * cos(phase) + (hour == 12 ? 8 : 0) + 2.5 * noise();
    return load > 0 ? load : 0;
}

/* Against the last sample as the forecast, on three days; and its own error must be honest. */
static void test_better_than_the_last_sample(void **state)
{
    (void)state;
    enum { SAMPLE = 5, N = 3 * DAY / SAMPLE, AHEAD = 600 / SAMPLE };
    double *load = malloc(N * sizeof(*load));
    struct forecast f = {0};
    double ours = 0, last = 0, shown = 0;
    int n = 0;
    srand(7);
    for (int i = 0; i < N; i++)
        load[i] = day_load(i * SAMPLE);
    for (int i = 0; i + AHEAD < N; i++) {
        forecast_add(&f, i * SAMPLE, load[i], HORIZON);
        if (i * SAMPLE < DAY)
            continue;
        ours += pow(forecast_value(&f, HORIZON) - load[i + AHEAD], 2);
        last += pow(load[i] - load[i + AHEAD], 2);
        shown += pow(forecast_error(&f), 2);
        n++;
    }
    ours = sqrt(ours / n);
    last = sqrt(last / n);
    shown = sqrt(shown / n);
    print_message("10 minutes ahead, RMSE in CPUs: forecast %.3f, last sample %.3f, shown %.3f\n",
                  ours, last, shown);
    free(load);
    assert_true(ours < 0.8 * last);
    assert_true(shown > 0.8 * ours && shown < 1.25 * ours);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_nothing_is_known_at_first),
        cmocka_unit_test(test_a_line),
        cmocka_unit_test(test_a_gap),
        cmocka_unit_test(test_better_than_the_last_sample),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
