/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * The three scores of a cloud (design section 3). Pure arithmetic: no clock, no model.
 */
#pragma once

#define SCORE_MIN_USAGE 0.01 /* R below this counts as this */

/* VM = P x V / R. P: virtual CPUs; V: factor of the virtualization type; R: share in use, 0..1. */
double score_performance(double processors, double virtualization, double usage);

/* S = D x R / C. D: demand; R: amount of resources; C: cost, above 0. */
double score_schedule(double demand, double resources, double cost);

/* M = R x T / C. R: amount of the resource; T: seconds available; C: maintenance cost, above 0. */
double score_management(double resources, double available, double maintenance_cost);

/*
 * R of one sample: the larger of CPU and memory share, each clamped to 0..1.
 * cpu_seconds over wall_seconds and processors; memory_used over memory_max. A negative value
 * of cpu_seconds or memory_used means: not known. Returns -1 when neither is known.
 */
double score_usage(double cpu_seconds, double wall_seconds, double processors, double memory_used,
                   double memory_max);

/*
 * Exponential smoothing over irregular samples: PREVIOUS (-1: none yet) moved towards SAMPLE by
 * 1 - exp(-elapsed / tau), elapsed and tau in seconds.
 */
double score_smooth(double previous, double sample, double elapsed, double tau);
