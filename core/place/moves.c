/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Plans of moves. A plan is made on the table itself: each move is taken there before the next is
 * looked for, so that every filter sees what the moves before it have done; then all are taken
 * back, last first.
 */
#include "core/place/internal.h"

/* S of WANT where it is now, whatever the filters say of that host; -1: nowhere. */
static double here(const struct place *place, const struct place_want *want)
{
    const struct reservation *own = g_hash_table_lookup(place->vms, &want->vm);
    struct query query;
    if (!own || !own->host->present)
        return -1;
    query_init(&query, place, want);
    double schedule = place_schedule(&query, own->host, place_resources(&query, own->host));
    query_clear(&query);
    return schedule;
}

double place_here(const struct place *place, const struct place_want *want)
{
    return here(place, want);
}

static bool look(const struct place *place, const struct place_want *want, struct place_step *step)
{
    const struct reservation *own = g_hash_table_lookup(place->vms, &want->vm);
    struct place_choice choice;
    *step = (struct place_step){.vm = want->vm};
    if (!own || place_find(place, want, &choice) != PLACE_FOUND)
        return false;
    step->from = own->host->id;
    step->choice = choice;
    step->here = here(place, want);
    return choice.host != step->from;
}

static void undo(struct place *place, const struct place_want *const *taken,
                 const struct place_step *steps, size_t n)
{
    while (n-- > 0)
        place_take(place, steps[n].vm, steps[n].from, taken[n]);
}

struct candidate {
    const struct place_want *want;
    double gain;
};

double place_gain(const struct place_step *step)
{
    return step->here > 0 ? step->choice.schedule / step->here - 1 : 0;
}

static int by_gain(gconstpointer a, gconstpointer b)
{
    const struct candidate *left = a, *right = b;
    if (left->gain != right->gain)
        return left->gain > right->gain ? -1 : 1;
    return (left->want->vm > right->want->vm) - (left->want->vm < right->want->vm);
}

size_t place_rebalance(struct place *place, const struct place_want *wants, size_t n, double least,
                       struct place_step *steps, size_t most)
{
    g_autoptr(GArray) candidates = g_array_new(FALSE, FALSE, sizeof(struct candidate));
    g_autofree const struct place_want **taken = g_new0(const struct place_want *, most + 1);
    uint64_t room = place->room;
    size_t made = 0;
    struct place_step step;
    for (size_t i = 0; i < n; i++) {
        struct candidate candidate = {&wants[i], 0};
        if (!look(place, &wants[i], &step))
            continue;
        candidate.gain = place_gain(&step);
        if (candidate.gain >= least)
            g_array_append_val(candidates, candidate);
    }
    g_array_sort(candidates, by_gain);
    for (guint i = 0; i < candidates->len && made < most; i++) {
        const struct place_want *want = g_array_index(candidates, struct candidate, i).want;
        if (!look(place, want, &step) || place_gain(&step) < least)
            continue;
        taken[made] = want;
        steps[made++] = step;
        place_take(place, want->vm, step.choice.host, want);
    }
    undo(place, taken, steps, made);
    place->room = room; /* nothing has changed */
    return made;
}

size_t place_drain(struct place *place, const struct place_want *wants, size_t n,
                   struct place_step *steps)
{
    g_autofree const struct place_want **taken = g_new0(const struct place_want *, n + 1);
    uint64_t room = place->room;
    size_t made = 0;
    for (size_t i = 0; i < n; i++) {
        const struct reservation *own = g_hash_table_lookup(place->vms, &wants[i].vm);
        struct place_want away = wants[i];
        struct place_step step;
        if (!own)
            continue;
        uint64_t from = own->host->id;
        away.tried = &from;
        away.n_tried = 1;
        if (!look(place, &away, &step))
            continue;
        taken[made] = &wants[i];
        steps[made++] = step;
        place_take(place, step.vm, step.choice.host, &wants[i]);
    }
    undo(place, taken, steps, made);
    place->room = room; /* nothing has changed */
    return made;
}
