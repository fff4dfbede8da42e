/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * How often a host is sampled: each `sample` seconds while somebody looks at what sampling tells
 * of it, else ever more rarely, each time half as often, down to each `sample_idle` seconds.
 *
 * Each host has moments of its own in every interval, so that however many there are and whatever
 * began together, about as many are sampled at any time. Numbers are seconds. Pure.
 */
#pragma once

#include <stdbool.h>
#include <stdint.h>

struct conf;

/* The interval after one of INTERVAL in which somebody LOOKED, or nobody. A forecast learns
 * nothing from rarer samples than a few in its time, so those of CONF bound it too. */
double pace_interval(const struct conf *conf, double interval, bool looked);
/* From NOW to the first moment of host ID, for this INTERVAL, that is at least LEAST away. */
double pace_wait(uint64_t id, double interval, double now, double least);
