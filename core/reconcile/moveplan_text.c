/* SPDX-License-Identifier: GPL-2.0-or-later */
/* The texts of `rebalance` and of a host's `moves`. */
#include <string.h>

#include "core/reconcile/moveplan.h"

static void add_step(struct engine *engine, GString *text, const struct place_step *step)
    REQUIRES(model)
{
    const struct object *vm = cloud_by_id(engine->cloud, step->vm);
    const struct object *from = cloud_by_id(engine->cloud, step->from);
    const struct object *to = cloud_by_id(engine->cloud, step->choice.host);

    g_string_append_printf(text, "%s %s %s %+.6f %.3fGiB\n", vm->name, from->name, to->name,
                           place_gain(step), (double)vm->vm.memory / (1 << 30));
}

char *moves_rebalance_text(struct engine *engine, const char *progress)
{
    GString *text = g_string_new(NULL);
    struct moves moves;

    moves_rebalance(engine, &moves);
    g_string_append_printf(text, "# %zu %s of a gain of %g or more%s\n", moves.n,
                           moves.n == 1 ? "move" : "moves", engine->conf->rebalance_gain,
                           moves.n ? ": echo apply >rebalance" : "");
    g_string_append(text, progress);
    if (moves.n)
        g_string_append(text, "# VM FROM TO GAIN COST\n");
    for (size_t i = 0; i < moves.n; i++)
        add_step(engine, text, &moves.steps[i]);
    moves_clear(&moves);
    return g_string_free(text, false);
}

static bool has_step(const struct moves *moves, uint64_t vm)
{
    for (size_t i = 0; i < moves->n; i++)
        if (moves->steps[i].vm == vm)
            return true;
    return false;
}

/* What refused the other hosts, in a line. */
static char *refusals(struct engine *engine, struct object *vm, unsigned *reasons) REQUIRES(model)
{
    const char *types[] = {vm->vm.type, NULL};
    struct place_want want = cloud_want(vm, &vm->spec->vm, types);
    g_autofree char *text = NULL;

    if (*reasons == 0)
        return g_strdup("no other host takes it");
    (*reasons)--;
    want.tried = &vm->vm.host->id;
    want.n_tried = 1;
    text = place_explain(cloud_place(engine->cloud), &want);
    return g_strndup(text, strcspn(text, "\n"));
}

unsigned moves_add_stays(struct engine *engine, struct object *host, const struct moves *moves,
                         unsigned *reasons, GString *text)
{
    unsigned n = 0;

    for (unsigned i = 0; i < host->host.vms->len; i++) {
        struct object *vm = host->host.vms->pdata[i];
        g_autofree char *why = NULL;

        if (has_step(moves, vm->id) || vm->vm.moving_to)
            continue;
        why = moves_why_not(engine, vm);
        if (!why)
            why = refusals(engine, vm, reasons);
        g_string_append_printf(text, "%s %s - stays: %s\n", vm->name, host->name, why);
        n++;
    }
    return n;
}

char *moves_drain_text(struct engine *engine, struct object *host, unsigned *reasons)
{
    GString *text = g_string_new(NULL);
    g_autoptr(GString) rows = g_string_new(NULL);
    struct moves moves;
    unsigned stay;

    moves_drain(engine, host, &moves);
    for (size_t i = 0; i < moves.n; i++)
        add_step(engine, rows, &moves.steps[i]);
    stay = moves_add_stays(engine, host, &moves, reasons, rows);
    g_string_append_printf(text, "# drain: %zu of %u VMs go, %u stay\n", moves.n,
                           host->host.vms->len, stay);
    if (rows->len)
        g_string_append_printf(text, "# VM FROM TO GAIN COST\n%s", rows->str);
    moves_clear(&moves);
    return g_string_free(text, false);
}
