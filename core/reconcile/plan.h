/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Plans, batches of them, and what they would come to: a part of internal.h, which includes it. */
#pragma once

#include "core/cloud/cloud.h"

struct engine;
struct request;

/* ---- plan.c */
enum spec_kind plan_kind(const char *text, size_t len);
void plan_commit(struct engine *engine, struct request *request, struct object *plan,
                 const char *text, Spec *spec) REQUIRES(model);
void plan_remove(struct engine *engine, struct request *request, struct object *plan)
    REQUIRES(model);
/* The answers as the cloud stands now, for one in a batch if all of it became real; of all plans:
 * by and by. */
void plan_refresh(struct engine *engine, struct object *plan) REQUIRES(model);
/* Whether a plan may be called NAME, which has its batch: 0, EINVAL, EPERM, ESTALE. */
int plan_check_name(struct engine *engine, const char *name) REQUIRES(model);
/* EINVAL, ENOSPC: what is against PLAN's becoming a KIND called NAME. */
bool plan_may_promote(struct engine *engine, struct object *plan, enum object_kind kind,
                      const char *name, GError **error) REQUIRES(model);
/* PLAN becomes a KIND called NAME, and REQUEST waits for it. */
void plan_promote(struct engine *engine, struct request *request, struct object *plan,
                  enum object_kind kind, const char *name) REQUIRES(model);
/* batch.c: all plans of BATCH become KINDs, or none does. */
void batch_promote(struct engine *engine, struct request *request, struct object *batch,
                   enum object_kind kind) REQUIRES(model);
void batch_refresh(struct engine *engine, struct object *batch) REQUIRES(model);
/* What is reserved on paper only, between begin and end. Until the end nobody else is answered, so
 * there is an end to it. */
struct paper {
    uint64_t next, room;
    unsigned steps; /* places that were looked for */
    int64_t start;  /* monotonic, in microseconds */
};
void paper_begin(struct engine *engine, struct paper *paper) REQUIRES(model);
void paper_end(struct engine *engine, struct paper *paper) REQUIRES(model);
/* Whether there was time enough: what follows is not tried any more. */
bool paper_is_full(const struct paper *paper);
/* Says where PLAN, which has a spec, would go, and reserves that; adds to HOSTS " HOST" for each,
 * " -" for one that goes nowhere, and " ..." if not all were tried. */
void plan_explain(struct engine *engine, struct object *plan, struct paper *paper, GString *hosts)
    REQUIRES(model);
/* Says that PLAN was not tried, as the paper is full. */
void plan_pass_over(struct engine *engine, struct object *plan, GString *hosts) REQUIRES(model);
void plan_refresh_all(struct engine *engine) REQUIRES(model);
