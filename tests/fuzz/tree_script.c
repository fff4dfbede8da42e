/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "tests/fuzz/tree_script.h"

#include <stdlib.h>
#include <string.h>

#include "tests/fuzz/tree_proc.h"

/* ---- what the bytes say */

unsigned script_byte(struct script *s)
{
    if (!s->left)
        return 0;
    s->left--;
    return *s->data++;
}

static const char *const names[] = {
    "web1",       "web2",        "web1-0", "web1-1",   "spec",   "spec~",  "spec.swp", "web1.ini",
    "web2.ini",   ".web1.ini.x", "a",      "b",        "a.ini",  "vms",    "hosts",    "services",
    "host",       "ctl",         "state",  "score",    "events", "README", "error",    "metrics",
    "domain.xml", "placement",   "moves",  "..evil",   "..",     ".",      "web1@a",   "rebalance",
    "resources",  "plan",        "specs",  "new host",
};

const char *script_name(struct script *s, unsigned which)
{
    unsigned choice = script_byte(s), len;
    char *made = s->name[which];

    if (choice < 0xf0)
        return names[choice % G_N_ELEMENTS(names)];
    /* Any that the kernel would send: not empty, no '/'. */
    len = script_byte(s);
    len = MIN(len, s->left);
    memcpy(made, s->data, len);
    made[len] = '\0';
    s->data += len;
    s->left -= len;
    g_strdelimit(made, "/", '_');
    return *made ? made : "x";
}

static const char *const texts[] = {
    "cpus = 1\n",
    "cpus = 2\nmemory = 1GiB\n",
    "cpus = 1\nhost = b\n",
    "cpus = 64\n",
    "cpus = none\n",
    "uri = test:///a\n",
    "uri = test:///c\n",
    "replicas = 2\n[vm]\ncpus = 1\n",
    "replicas = 0\n[vm]\n",
    "replicas = 5\nspread = none\n[vm]\nmemory = 2GiB\n",
    "",
    "start\n",
    "destroy\n",
    "scale 3\n",
    "migrate b\n",
    "drain\nactivate\n",
    "apply\n",
    "restart\nstop\n",
    "avoid = x\nprotect = yes\n",
    "cpus = 1\nhealth = tcp 80\npower = off\n",
    "image = /nowhere\ndisk = 1GiB\n",
    "cpus",
    "shutdown\nreboot\nsuspend\nresume\n",
    "cpus = 1\nmemory = 64MiB\nservice = web1\n",
};

GBytes *script_text(struct script *s)
{
    unsigned choice = script_byte(s);
    size_t len;

    if (choice < 0xe0) {
        const char *fixed = texts[choice % G_N_ELEMENTS(texts)];
        return g_bytes_new_static(fixed, strlen(fixed));
    }
    len = MIN(s->left, choice == 0xff ? s->left : 40);
    s->data += len;
    s->left -= len;
    return g_bytes_new(s->data - len, len);
}

uint64_t script_ino(struct script *s)
{
    unsigned choice = script_byte(s);

    return choice == 0xff ? (uint64_t)script_byte(s) << 8 | script_byte(s) : s->inos[choice % INOS];
}

struct open *script_open(struct script *s)
{
    struct open *open = &s->opens[script_byte(s) % HANDLES];

    return open->used ? open : NULL;
}

/* ---- requests */

struct call *script_ask(struct script *s)
{
    static const uid_t users[] = {0, 0, 1000, 1001};
    unsigned who = script_byte(s);
    pid_t pid = who & 0x80 ? 0 : PROC_ANY | (pid_t)(who >> 2 & PROC_BITS);

    return call_new(s->fs, users[who % G_N_ELEMENTS(users)], pid);
}

static void keep(struct script *s, const struct call *call)
{
    struct open *open;

    if (call->has_entry)
        s->inos[FIXED + s->next_ino++ % (INOS - FIXED)] = call->ino;
    if (!call->has_handle)
        return;
    for (open = s->opens; open < s->opens + HANDLES && open->used; open++)
        ;
    if (open == s->opens + HANDLES)
        abort(); /* see script_has_room() */
    *open = (struct open){.used = true, .ino = call->ino, .fi = call->fi};
}

int script_finish(struct script *s, struct call *call)
{
    int err = call_wait(call);

    keep(s, call);
    call_free(call);
    return err;
}

void script_wait(struct script *s, struct call **busy)
{
    if (*busy)
        script_finish(s, g_steal_pointer(busy));
}

/* Some wait for the answer, and some get a signal. */
void script_later(struct script *s, struct call *call, struct call **busy)
{
    unsigned choice = script_byte(s);

    script_wait(s, busy);
    *busy = call;
    if (choice & 1)
        call_interrupt(call);
    if (choice & 2)
        script_wait(s, busy);
}

bool script_has_room(const struct script *s)
{
    for (unsigned i = 0; i < HANDLES; i++)
        if (!s->opens[i].used)
            return true;
    return false;
}
