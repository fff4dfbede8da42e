/* SPDX-License-Identifier: GPL-2.0-or-later */
/* The files of a service. */
#include "fs/table.h"

static const struct file_row rows[] = {
    ROW_SPEC,    ROW_STATE,
    ROW_CTL,     ROW_SCORE,
    ROW_METRICS, ROW_PLACEMENT,
    ROW_ERROR,   {"vms", CODE_VMS, S_IFDIR | 0777, FACET_LINKS, NULL, NULL, "links to its members"},
};

const struct file_table service_files = {"service", rows, G_N_ELEMENTS(rows)};
