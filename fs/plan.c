/* SPDX-License-Identifier: GPL-2.0-or-later */
/* The files of a plan: a VM or a service on paper. */
#include "fs/table.h"

static const struct file_row rows[] = {ROW_SPEC, ROW_STATE, ROW_PLACEMENT, ROW_ERROR};

const struct file_table plan_files = {"plan", rows, G_N_ELEMENTS(rows)};
