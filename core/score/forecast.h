/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Expected load: double exponential smoothing (Holt, "Forecasting seasonals and trends by
 * exponentially weighted moving averages", 1957) of samples that need not be regular, and how wrong
 * it has been. Pure arithmetic: no clock, no model.
 *
 * A level and a trend follow the samples; HORIZON seconds ahead the load is expected to be level +
 * trend x horizon. Each forecast that falls due is compared with the sample of then; the error is
 * the root of the mean square of these, of which newer ones weigh more.
 */
#pragma once

#define FORECAST_KEPT  32 /* forecasts that wait for their time */
#define FORECAST_STEPS 16 /* those kept in a horizon: samples further apart judge none */

struct forecast {
    double level, trend; /* trend: a second */
    double at;           /* of the last sample, seconds */
    unsigned samples;    /* without a gap */
    double square;       /* mean of squared errors */
    unsigned judged;     /* forecasts that fell due */
    struct {
        double due, value;
    } kept[FORECAST_KEPT]; /* a ring */
    unsigned first, n;
};

/*
 * Takes the sample VALUE of time NOW, in seconds that never go back. A forecast of all zeros is one
 * that has seen nothing yet. After a gap longer than HORIZON, which is above 0, it begins anew, but
 * for its error.
 */
void forecast_add(struct forecast *forecast, double now, double value, double horizon);
/* What to expect HORIZON seconds after the last sample, not below 0; -1: not known yet. */
double forecast_value(const struct forecast *forecast, double horizon);
/* By how much that is wrong, usually; -1: not known yet. */
double forecast_error(const struct forecast *forecast);
