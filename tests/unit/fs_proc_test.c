/* SPDX-License-Identifier: GPL-2.0-or-later */
/* What /proc says about who asks. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>
#include <errno.h>
#include <fcntl.h>
#include <glib.h>
#include <pthread.h>
#include <stdatomic.h>
#include <stdlib.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <unistd.h>

#include "fs/proc.h"

static void *of_thread(void *data)
{
    (void)data;
    return GINT_TO_POINTER(proc_tgid(gettid()));
}

static void threads_have_a_group(void **state)
{
    GThread *thread;

    (void)state;
    assert_int_equal(proc_parse_tgid(""), 0);
    assert_int_equal(proc_parse_tgid("Name:\tx\n"), 0);
    assert_int_equal(proc_parse_tgid("Name:\tx\nTgid:\tnone\n"), 0);
    assert_int_equal(proc_parse_tgid("Name:\tx\nTgid:\t-3\n"), 0);
    assert_int_equal(proc_parse_tgid("Name:\tx\nTgid:\t99999999999\n"), 0);
    /* A name cannot pass for a field: newlines in it are escaped by the kernel. */
    assert_int_equal(proc_parse_tgid("Name:\tTgid: 5\nUmask:\t0022\nTgid:\t4242\nNgid:\t0\n"),
                     4242);
    assert_int_equal(proc_tgid(getpid()), getpid());
    thread = g_thread_new("other", of_thread, NULL);
    assert_int_equal(GPOINTER_TO_INT(g_thread_join(thread)), getpid());
    assert_int_equal(proc_tgid(0), 0);
}

static void a_program_has_a_name(void **state)
{
    (void)state;
    assert_false(proc_parse_is("", "tar"));
    assert_false(proc_parse_is("Name:\ttarget\nUmask:\t0022\n", "tar"));
    assert_false(proc_parse_is("Name:\tta\nUmask:\t0022\n", "tar"));
    assert_false(proc_parse_is("Name:\tx\nName:\ttar\n", "tar"));
    assert_false(proc_is(0, "tar"));
    assert_true(proc_parse_is("Name:\ttar\nUmask:\t0022\n", "tar"));
    assert_true(proc_parse_is("Name:\tborg-linux64\nUmask:\t0022\n", "borg"));
}

static void noise_is_no_interrupt(void **state)
{
    (void)state;
    assert_false(proc_parse_noise(""));
    assert_false(proc_parse_noise("Name:\tx\nSigPnd:\t0\nShdPnd:\t0\nSigBlk:\t0\n"));
    /* SIGINT, and SIGINT with SIGCHLD */
    assert_false(proc_parse_noise("\nSigPnd:\t0000000000000000\nShdPnd:\t0000000000000002\n"));
    assert_false(proc_parse_noise("\nSigPnd:\t0000000000000002\nShdPnd:\t0000000000010000\n"));
    /* SIGCHLD, and SIGCHLD with a SIGINT that is blocked */
    assert_true(proc_parse_noise("\nSigPnd:\t0000000000000000\nShdPnd:\t0000000000010000\n"));
    assert_true(proc_parse_noise("\nSigPnd:\t0\nShdPnd:\t10002\nSigBlk:\t2\n"));
    assert_false(proc_only_noise(0));
}

static void calls_that_make_names(void **state)
{
    g_autofree char *exclusive =
        g_strdup_printf("%d 0xffffff9c 0x7f00 0x%x 0x1b6 0x0 0x0 0x7ffd 0x7f", SYS_openat,
                        O_WRONLY | O_CREAT | O_EXCL);
    g_autofree char *shared = g_strdup_printf("%d 0xffffff9c 0x7f00 0x%x 0x1b6 0x0 0x0 0x7ffd 0x7f",
                                              SYS_openat, O_WRONLY | O_CREAT | O_TRUNC);
    g_autofree char *link = g_strdup_printf("%d 0x7f00 0xffffff9c 0x7f01 0x0", SYS_symlinkat);

    (void)state;
    assert_false(proc_parse_makes_new(""));
    assert_false(proc_parse_makes_new("running\n"));
    assert_false(proc_parse_makes_new("-1 0x7ffd 0x7f\n"));
    assert_false(proc_parse_makes_new(shared));
    assert_true(proc_parse_makes_new(exclusive));
    assert_true(proc_parse_makes_new(link));
}

static void calls_that_make_private_files(void **state)
{
    static const struct {
        unsigned flags, mode;
        bool private;
    } calls[] = {
        {O_WRONLY | O_CREAT | O_TRUNC, 0600, true },
        {O_WRONLY | O_CREAT | O_TRUNC, 0666, false},
        {O_WRONLY | O_CREAT | O_TRUNC, 0644, false},
        {O_WRONLY | O_TRUNC,           0600, false},
        {O_WRONLY | O_TRUNC,           0,    false},
        {O_WRONLY | O_CREAT,           0,    false},
    };

    (void)state;
    assert_false(proc_parse_makes_private(""));
    assert_false(proc_parse_makes_private("running\n"));
    for (size_t i = 0; i < G_N_ELEMENTS(calls); i++) {
        g_autofree char *text =
            g_strdup_printf("%d 0xffffff9c 0xc000 0x%x 0x%x 0x0 0x0 0x7ffd 0x7f", SYS_openat,
                            calls[i].flags, calls[i].mode);

        assert_int_equal(proc_parse_makes_private(text), calls[i].private);
    }
}

/* Who asks is on the way to wait still, as its processor has something else to do. */
struct asker {
    char *fifo; /* open(2) waits, as nobody writes */
    int flags;
    atomic_int tid;
    atomic_bool ends;
};

enum { ON_THE_WAY_US = 10 * 1000 };

static void *ask(void *data)
{
    struct asker *asker = data;
    int64_t until = g_get_monotonic_time() + ON_THE_WAY_US;

    asker->tid = gettid();
    while (g_get_monotonic_time() < until)
        continue;
    close(open(asker->fifo, O_RDONLY | asker->flags, 0600));
    return NULL;
}

static void *run_on(void *data)
{
    struct asker *asker = data;

    asker->tid = gettid();
    while (!asker->ends)
        continue;
    return NULL;
}

static pthread_t begin(struct asker *asker, void *(*run)(void *data))
{
    pthread_t thread;

    assert_int_equal(pthread_create(&thread, NULL, run, asker), 0);
    while (!asker->tid)
        continue;
    return thread;
}

static bool private_soon(int flags)
{
    g_autofree char *dir = g_dir_make_tmp("proc-XXXXXX", NULL);
    struct asker asker = {.fifo = g_build_filename(dir, "fifo", NULL), .flags = flags};
    pthread_t thread;
    bool private;

    assert_int_equal(mkfifo(asker.fifo, 0600), 0);
    thread = begin(&asker, ask);
    private = proc_makes_private(asker.tid);
    close(open(asker.fifo, O_WRONLY));
    pthread_join(thread, NULL);
    unlink(asker.fifo);
    rmdir(dir);
    g_free(asker.fifo);
    return private;
}

static void who_is_on_the_way_is_waited_for(void **state)
{
    (void)state;
    assert_false(private_soon(0));
    assert_true(private_soon(O_CREAT));
}

/* A process that runs on was not asking at all, and is not waited for for ever. */
static void who_runs_on_is_given_up(void **state)
{
    struct asker asker = {0};
    pthread_t thread = begin(&asker, run_on);

    (void)state;
    assert_false(proc_makes_private(asker.tid));
    assert_false(proc_makes_new(asker.tid));
    asker.ends = true;
    pthread_join(thread, NULL);
    assert_false(proc_makes_new(0));
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(threads_have_a_group),
        cmocka_unit_test(a_program_has_a_name),
        cmocka_unit_test(noise_is_no_interrupt),
        cmocka_unit_test(calls_that_make_names),
        cmocka_unit_test(calls_that_make_private_files),
        cmocka_unit_test(who_is_on_the_way_is_waited_for),
        cmocka_unit_test(who_runs_on_is_given_up),
    };

    return cmocka_run_group_tests_name("fs_proc", tests, NULL, NULL);
}
