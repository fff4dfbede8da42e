/* SPDX-License-Identifier: GPL-2.0-or-later */
/* The verbs of `ctl`: a row and a function each. */
#include <string.h>

#include "core/reconcile/internal.h"

/* Runs with REQUEST still to be answered or made to wait. ARGUMENT: NULL where there is none. */
typedef void (*verb_fn)(struct engine *engine, struct request *request, struct object *object,
                        const char *argument);

struct verb {
    enum object_kind kind;
    const char *name;
    const char *argument; /* for people; NULL: it takes none */
    verb_fn run;
};

static void refuse(struct engine *engine, struct request *request, struct object *object,
                   GError *error) REQUIRES(model)
{
    request_finish(engine, request->ticket, object, error);
    g_error_free(error);
}

static bool may_control(struct object *vm, GError **error) REQUIRES(model)
{
    if (vm->vm.phase != VM_ACTIVE)
        fail(error, EBUSY, "%s has no domain: its state is %s", vm->name, vm->state);
    else if (vm_glance(vm)->busy)
        fail(error, EBUSY, "a job of %s is under way", vm->name);
    else
        return host_require_up(vm->vm.host, error);
    return false;
}

static void power(struct engine *engine, struct request *request, struct object *vm,
                  enum domain_verb verb) REQUIRES(model)
{
    GError *error = NULL;

    if (!may_control(vm, &error)) {
        refuse(engine, request, vm, error);
        return;
    }
    vm_power(engine, vm, verb, false);
    /* What is asked for by hand is what is wanted from now on. */
    if (verb == VERB_START || verb == VERB_RESUME)
        vm->vm.power = true;
    else if (verb == VERB_SHUTDOWN || verb == VERB_DESTROY)
        vm->vm.power = false;
    request_wait(engine, request, &vm_work(vm)->waiters, true);
}

static void run_start(struct engine *engine, struct request *request, struct object *vm,
                      const char *argument) REQUIRES(model)
{
    GError *error = NULL;

    (void)argument;
    if (vm->vm.phase != VM_FAILED || !vm->spec || vm_glance(vm)->busy) {
        power(engine, request, vm, VERB_START);
        return;
    }
    if (vm_is_bound(vm) && !host_require_up(vm->vm.host, &error)) {
        refuse(engine, request, vm, error);
        return;
    }
    /* Its domain could not be made, or was removed: it is made anew. */
    vm->vm.power = true;
    if (vm->vm.host && host_is_up(vm->vm.host)) {
        vm_create(engine, vm);
    } else {
        placing_wait(engine, vm);
    }
    request_wait(engine, request, &vm_work(vm)->waiters, true);
}

#define POWER_VERB(name, verb)                                                                     \
    static void run_##name(struct engine *engine, struct request *request, struct object *vm,      \
                           const char *argument) REQUIRES(model)                                   \
    {                                                                                              \
        (void)argument;                                                                            \
        power(engine, request, vm, verb);                                                          \
    }
POWER_VERB(shutdown, VERB_SHUTDOWN)
POWER_VERB(destroy, VERB_DESTROY)
POWER_VERB(reboot, VERB_REBOOT)
POWER_VERB(reset, VERB_RESET)
POWER_VERB(suspend, VERB_SUSPEND)
POWER_VERB(resume, VERB_RESUME)
#undef POWER_VERB

static void run_migrate(struct engine *engine, struct request *request, struct object *vm,
                        const char *argument) REQUIRES(model)
{
    struct object *host = cloud_find(engine->cloud, OBJECT_HOST, argument);
    struct place_choice choice;
    GError *error = NULL;

    if (!host)
        fail(&error, EINVAL, "there is no host %s", argument);
    else if (may_control(vm, &error) && vm->vm.host != host &&
             vm_may_move(engine, vm, host, &choice, &error))
        vm_move(engine, vm, host, &choice);
    if (error)
        refuse(engine, request, vm, error);
    else if (vm->vm.host == host)
        request_finish(engine, request->ticket, vm, NULL);
    else
        request_wait(engine, request, &vm_work(vm)->waiters, true);
}

static void set_maintenance(struct engine *engine, struct request *request, struct object *host,
                            bool on) REQUIRES(model)
{
    host->host.maintenance = on;
    cloud_refresh_state(engine->cloud, host);
    engine->room_changed = true;
    request_finish(engine, request->ticket, host, NULL);
}

static void run_drain(struct engine *engine, struct request *request, struct object *host,
                      const char *argument) REQUIRES(model)
{
    (void)argument;
    set_maintenance(engine, request, host, true);
    rebalance_drain(engine, host);
}

static void run_activate(struct engine *engine, struct request *request, struct object *host,
                         const char *argument) REQUIRES(model)
{
    (void)argument;
    rebalance_stop(engine, host->id);
    set_maintenance(engine, request, host, false);
}

static void run_apply(struct engine *engine, struct request *request, struct object *root,
                      const char *argument) REQUIRES(model)
{
    (void)argument;
    rebalance_apply(engine);
    request_finish(engine, request->ticket, root, NULL);
}

static void run_stop(struct engine *engine, struct request *request, struct object *root,
                     const char *argument) REQUIRES(model)
{
    (void)argument;
    rebalance_stop(engine, 0);
    request_finish(engine, request->ticket, root, NULL);
}

static void run_reconnect(struct engine *engine, struct request *request, struct object *host,
                          const char *argument) REQUIRES(model)
{
    GError *error = NULL;

    (void)argument;
    if (!host_work(host)) {
        fail(&error, EBUSY, "host %s has no spec yet", host->name);
        refuse(engine, request, host, error);
        return;
    }
    host_connect(engine, host);
    request_wait(engine, request, &host_work(host)->waiters, true);
}

static void run_scale(struct engine *engine, struct request *request, struct object *service,
                      const char *argument) REQUIRES(model)
{
    g_autofree char *text = NULL;
    g_autoptr(Spec) spec = NULL;
    GError *error = NULL;

    if (!service->spec_text) {
        fail(&error, EBUSY, "service %s has no spec yet", service->name);
        refuse(engine, request, service, error);
        return;
    }
    text = spec_text_set(service->spec_text, "replicas", argument);
    spec = spec_parse(SPEC_SERVICE, text, strlen(text), &error);
    if (!spec) {
        refuse(engine, request, service, error);
        return;
    }
    spec->trusted = service->spec->trusted;
    service_commit(engine, request, service, text, spec);
}

static void run_restart(struct engine *engine, struct request *request, struct object *service,
                        const char *argument) REQUIRES(model)
{
    (void)argument;
    service_restart(engine, request, service);
}

static const struct verb verbs[] = {
    {OBJECT_VM,      "start",     NULL,   run_start    },
    {OBJECT_VM,      "shutdown",  NULL,   run_shutdown },
    {OBJECT_VM,      "destroy",   NULL,   run_destroy  },
    {OBJECT_VM,      "reboot",    NULL,   run_reboot   },
    {OBJECT_VM,      "reset",     NULL,   run_reset    },
    {OBJECT_VM,      "suspend",   NULL,   run_suspend  },
    {OBJECT_VM,      "resume",    NULL,   run_resume   },
    {OBJECT_VM,      "migrate",   "HOST", run_migrate  },
    {OBJECT_HOST,    "drain",     NULL,   run_drain    },
    {OBJECT_HOST,    "activate",  NULL,   run_activate },
    {OBJECT_HOST,    "reconnect", NULL,   run_reconnect},
    {OBJECT_SERVICE, "scale",     "N",    run_scale    },
    {OBJECT_SERVICE, "restart",   NULL,   run_restart  },
    {OBJECT_FOLDER,  "apply",     NULL,   run_apply    },
    {OBJECT_FOLDER,  "stop",      NULL,   run_stop     },
};

static const struct verb *find_verb(enum object_kind kind, const char *name)
{
    for (size_t i = 0; i < G_N_ELEMENTS(verbs); i++)
        if (verbs[i].kind == kind && strcmp(verbs[i].name, name) == 0)
            return &verbs[i];
    return NULL;
}

static char *list_verbs(enum object_kind kind, const char *between)
{
    GString *text = g_string_new(NULL);

    for (size_t i = 0; i < G_N_ELEMENTS(verbs); i++) {
        if (verbs[i].kind != kind)
            continue;
        g_string_append_printf(text, "%s%s%s%s", text->len ? between : "", verbs[i].name,
                               verbs[i].argument ? " " : "",
                               verbs[i].argument ? verbs[i].argument : "");
    }
    return g_string_free(text, false);
}

const char *engine_verbs(enum object_kind kind)
{
    static char *texts[OBJECT_KINDS];
    static gsize once;

    if (g_once_init_enter(&once)) {
        for (int i = 0; i < OBJECT_KINDS; i++) {
            g_autofree char *list = list_verbs((enum object_kind)i, "\n");

            texts[i] = *list ? g_strdup_printf("%s\n", list) : g_strdup("");
        }
        g_once_init_leave(&once, 1);
    }
    return texts[kind];
}

static const struct verb *parse_words(enum object_kind kind, char **words, GError **error)
{
    unsigned n = g_strv_length(words);
    const struct verb *verb = n > 0 ? find_verb(kind, words[0]) : NULL;
    g_autofree char *known = NULL;

    if (!verb) {
        known = list_verbs(kind, ", ");
        fail(error, EINVAL, "unknown verb \"%s\"; known are: %s", n > 0 ? words[0] : "", known);
        return NULL;
    }
    if (n != (verb->argument ? 2 : 1)) {
        fail(error, EINVAL, "usage: %s%s%s", verb->name, verb->argument ? " " : "",
             verb->argument ? verb->argument : "");
        return NULL;
    }
    return verb;
}

/* The words of LINE; blanks between them do not count. */
static char **split(const char *line)
{
    g_auto(GStrv) parts = g_strsplit_set(line, " \t\r\n", -1);
    g_autoptr(GStrvBuilder) words = g_strv_builder_new();

    for (char **part = parts; *part; part++)
        if (**part)
            g_strv_builder_add(words, *part);
    return g_strv_builder_end(words);
}

char **control_parse(enum object_kind kind, const char *line, GError **error)
{
    g_autofree char *clean = g_utf8_make_valid(line, -1);
    g_auto(GStrv) words = split(clean);

    return parse_words(kind, words, error) ? g_steal_pointer(&words) : NULL;
}

void control_run(struct engine *engine, struct request *request, struct object *object,
                 const char *line)
{
    GError *error = NULL;
    g_auto(GStrv) words = control_parse(object->kind, line, &error);

    if (!words) {
        refuse(engine, request, object, error);
        return;
    }
    cloud_event(engine->cloud, object->id == ROOT_ID ? NULL : object, &request->actor, "%s %s%s%s",
                object->id == ROOT_ID ? "rebalance" : "ctl", words[0], words[1] ? " " : "",
                words[1] ? words[1] : "");
    find_verb(object->kind, words[0])->run(engine, request, object, words[1]);
}
