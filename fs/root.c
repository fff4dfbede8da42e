/* SPDX-License-Identifier: GPL-2.0-or-later */
/* The root: its files and its folders. */
#include "fs/table.h"

static void show_events(const struct object *object, struct cloud *cloud, GString *text)
    REQUIRES_SHARED(model)
{
    int64_t time;
    const GString *log = cloud_events_text(cloud, &time);

    (void)object;
    g_string_append_len(text, log->str, (gssize)log->len);
}

static const struct file_row rows[] = {
    {"score",     CODE_SCORE,     S_IFREG | 0444, LIVE,            show_score,     NULL,       "the whole cloud's score"},
    {"metrics",   CODE_METRICS,   S_IFREG | 0444, LIVE,            show_metrics,   NULL,
     "everything in OpenMetrics text"                                                                                   },
    {"README",    CODE_README,    S_IFREG | 0444, FACET_ATTR,      show_readme,    NULL,
     "one screen: how to use this tree"                                                                                 },
    {"events",    CODE_EVENTS,    S_IFREG | 0444, LOG,             show_events,    NULL,
     "what happened, a line an event; tail -F follows it"                                                               },
    {"rebalance", CODE_REBALANCE, S_IFREG | 0444, FACET_PLACEMENT, show_placement, store_plan,
     "moves that would pay; writing apply makes them"                                                                   },
};

const struct file_table root_files = {"root", rows, G_N_ELEMENTS(rows)};

const struct folder_row folders[N_FOLDERS] = {
    {"hosts",    HOSTS_ID,          ROOT_ID,  OBJECT_HOST,    false,
     "mkdir drafts a host, its spec connects it, rmdir forgets it"                                 },
    {"vms",      VMS_ID,            ROOT_ID,  OBJECT_VM,      false,
     "mkdir drafts a VM, its spec creates it, rmdir destroys it"                                   },
    {"services", SERVICES_ID,       ROOT_ID,  OBJECT_SERVICE, false,
     "the same for N VMs from one template, NAME-0 to NAME-(N-1)"                                  },
    {"plan",     PLAN_ID,           ROOT_ID,  OBJECT_PLAN,    false,
     "VMs and services on paper: mv plan/web1 vms/web1 makes it real"                              },
    {"specs",    SPECS_ID,          ROOT_ID,  OBJECT_FOLDER,  false,
     "every spec again, flat: to back up, restore and keep in git"                                 },
    {"hosts",    SPECS_HOSTS_ID,    SPECS_ID, OBJECT_HOST,    true,  "the specs of hosts, NAME.ini"},
    {"vms",      SPECS_VMS_ID,      SPECS_ID, OBJECT_VM,      true,  "the specs of VMs, NAME.ini"  },
    {"services", SPECS_SERVICES_ID, SPECS_ID, OBJECT_SERVICE, true,
     "the specs of services, NAME.ini"                                                             },
};
