// SPDX-License-Identifier: GPL-2.0-or-later
/*
 * This machine: which daemon runs on it, and the URI of the host `local`.
 */
#include <string.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/un.h>
#include <unistd.h>

#include "core/virt/internal.h"

enum { ANSWER_SECONDS = 10 }; /* a daemon that systemd has to start first takes a few */

static bool is_socket(const char *path)
{
    struct stat st;
    return stat(path, &st) == 0 && S_ISSOCK(st.st_mode);
}

/* A session's daemon that was killed leaves its socket behind, and libvirt would start another
 * one. The system's is not tried, because it writes a line of log about each such visit. */
static bool listens(const char *path)
{
    struct sockaddr_un address = {.sun_family = AF_UNIX};
    if (!is_socket(path))
        return false;
    if (g_str_has_prefix(path, "/run/libvirt/") || g_str_has_prefix(path, "/var/run/libvirt/") ||
        strlen(path) >= sizeof address.sun_path)
        return true;
    int fd = socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC | SOCK_NONBLOCK, 0);
    if (fd < 0)
        return true;
    strcpy(address.sun_path, path);
    int err = connect(fd, (struct sockaddr *)&address, sizeof address) < 0 ? errno : 0;
    close(fd);
    return err != ECONNREFUSED && err != ENOENT;
}

char *virt_real_uri(const char *uri, const char *state)
{
    const struct virt_site site = {
        .state = state,
        .runtime = g_get_user_runtime_dir(),
        .embedded = virt_embed_in_use(),
        .listens = listens,
    };
    return virt_connect_uri(uri, &site);
}

/* A question to the daemon, which a hung one never answers: who asks goes on after a while, and
 * the thread frees it. */
struct question {
    gatomicrefcount refs;
    char *uri;
    GMutex lock;
    GCond answered;
    bool done, yes; /* guarded by lock */
};

static void question_unref(struct question *question)
{
    if (!g_atomic_ref_count_dec(&question->refs))
        return;
    g_mutex_clear(&question->lock);
    g_cond_clear(&question->answered);
    g_free(question->uri);
    g_free(question);
}

static gpointer ask(gpointer data)
{
    struct question *question = data;
    virConnectPtr conn = virConnectOpen(question->uri);
    bool yes = conn != NULL;
    if (conn)
        virConnectClose(conn);
    g_mutex_lock(&question->lock);
    question->done = true;
    question->yes = yes;
    g_cond_signal(&question->answered);
    g_mutex_unlock(&question->lock);
    question_unref(question);
    return NULL;
}

static bool wait_for_answer(struct question *question)
{
    gint64 until = g_get_monotonic_time() + ANSWER_SECONDS * G_TIME_SPAN_SECOND;
    g_mutex_lock(&question->lock);
    while (!question->done)
        if (!g_cond_wait_until(&question->answered, &question->lock, until))
            break;
    bool yes = question->done && question->yes;
    g_mutex_unlock(&question->lock);
    return yes;
}

static bool answers(const char *uri)
{
    struct question *question = g_new0(struct question, 1);
    g_atomic_ref_count_init(&question->refs);
    g_atomic_ref_count_inc(&question->refs);
    g_mutex_init(&question->lock);
    g_cond_init(&question->answered);
    question->uri = g_strdup(uri);
    GThread *thread = g_thread_try_new("virt-ask", ask, question, NULL);
    if (thread)
        g_thread_unref(thread);
    else
        question_unref(question);
    bool yes = thread && wait_for_answer(question);
    question_unref(question);
    return yes;
}

char *virt_local_uri(const char *state)
{
    g_autofree char *uri = virt_real_uri("qemu:///system", state);
    g_autofree char *path = virt_uri_parameter(uri, "socket");
    if (path && is_socket(path)) {
        virt_start(NULL); /* main may ask before it starts anything */
        virt_log_choose(uri, state);
        if (answers(uri))
            return g_strdup("qemu:///system");
    }
    g_autofree char *root = g_build_filename(state, "embed", NULL);
    return virt_embed_uri(root);
}
