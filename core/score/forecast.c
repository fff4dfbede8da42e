/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "core/score/forecast.h"

#include <math.h>

/* Of the horizon: how long level and trend remember. A trend that is believed too soon is noise. */
#define LEVEL_MEMORY 0.5
#define TREND_MEMORY 2.0
#define ERRORS       64 /* that the mean square remembers */

static void judge(struct forecast *forecast, double error)
{
    forecast->judged++;
    forecast->square += (error * error - forecast->square) /
                        (forecast->judged < ERRORS ? forecast->judged : ERRORS);
}

/* Compares what was expected for about now with what is. */
static void take_due(struct forecast *forecast, double now, double value, double horizon)
{
    while (forecast->n > 0 && forecast->kept[forecast->first].due <= now) {
        if (now - forecast->kept[forecast->first].due <= horizon / FORECAST_STEPS)
            judge(forecast, value - forecast->kept[forecast->first].value);
        forecast->first = (forecast->first + 1) % FORECAST_KEPT;
        forecast->n--;
    }
}

static void keep(struct forecast *forecast, double now, double horizon)
{
    unsigned last = (forecast->first + forecast->n + FORECAST_KEPT - 1) % FORECAST_KEPT;
    unsigned next = (last + 1) % FORECAST_KEPT;
    double due = now + horizon;
    if (forecast->n == FORECAST_KEPT)
        return;
    if (forecast->n > 0 && due - forecast->kept[last].due < horizon / FORECAST_STEPS)
        return;
    forecast->kept[next].due = due;
    forecast->kept[next].value = forecast_value(forecast, horizon);
    forecast->n++;
}

static void begin(struct forecast *forecast, double now, double value)
{
    forecast->level = value;
    forecast->trend = 0;
    forecast->at = now;
    forecast->samples = 1;
    forecast->n = 0;
}

static void follow(struct forecast *forecast, double elapsed, double value, double horizon)
{
    double before = forecast->level;
    double expected = before + forecast->trend * elapsed;
    double weight = -expm1(-elapsed / (LEVEL_MEMORY * horizon));
    forecast->level = expected + (value - expected) * weight;
    weight = -expm1(-elapsed / (TREND_MEMORY * horizon));
    forecast->trend += ((forecast->level - before) / elapsed - forecast->trend) * weight;
}

void forecast_add(struct forecast *forecast, double now, double value, double horizon)
{
    double elapsed = now - forecast->at;
    if (!(value >= 0) || !isfinite(value))
        return;
    if (forecast->samples == 0 || elapsed > horizon) {
        begin(forecast, now, value);
        return;
    }
    if (!(elapsed > 0))
        return;
    take_due(forecast, now, value, horizon);
    follow(forecast, elapsed, value, horizon);
    forecast->at = now;
    forecast->samples++;
    keep(forecast, now, horizon);
}

double forecast_value(const struct forecast *forecast, double horizon)
{
    double value = forecast->level + forecast->trend * horizon;
    if (forecast->samples < 2)
        return -1;
    return value > 0 ? value : 0;
}

double forecast_error(const struct forecast *forecast)
{
    return forecast->judged > 0 ? sqrt(forecast->square) : -1;
}
