/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * race MOUNT OWNER OTHER ROUNDS: in each round user OWNER makes a VM of mode 0700 and user OTHER,
 * at the same time, opens its file in specs/ with O_CREAT. Prints how many of OWNER's OTHER has
 * opened, or was refused with another errno than EACCES.
 */
#include <errno.h>
#include <fcntl.h>
#include <grp.h>
#include <sched.h>
#include <stdatomic.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/mman.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>

struct shared {
    atomic_int arrived; /* at the start of rounds, of both together */
    atomic_int taken;
};

static void meet(struct shared *shared, int round)
{
    atomic_fetch_add(&shared->arrived, 1);
    while (atomic_load(&shared->arrived) < 2 * (round + 1))
        sched_yield();
}

static int become(const char *uid)
{
    unsigned id = (unsigned)strtoul(uid, NULL, 10);

    return setgroups(0, NULL) || setgid(id) || setuid(id);
}

/* Later by a little in each round: the two meet in all their steps. */
static void make(const char *mount, int round)
{
    const struct timespec pause = {0, round % 40 * 2000L};
    char path[4096];

    nanosleep(&pause, NULL);
    snprintf(path, sizeof path, "%s/vms/r%d", mount, round);
    mkdir(path, 0700);
}

static int take(const char *mount, int round)
{
    struct stat st = {0};
    char path[4096];
    int fd;

    snprintf(path, sizeof path, "%s/specs/vms/r%d.ini", mount, round);
    fd = open(path, O_CREAT | O_RDWR, 0600);
    if (fd < 0)
        return errno != EACCES;
    fstat(fd, &st);
    close(fd);
    return st.st_uid != getuid();
}

int main(int argc, char **argv)
{
    struct shared *shared =
        mmap(NULL, sizeof *shared, PROT_READ | PROT_WRITE, MAP_SHARED | MAP_ANONYMOUS, -1, 0);
    int rounds = argc == 5 ? atoi(argv[4]) : 0, status = 0;
    pid_t other;

    if (!rounds || shared == MAP_FAILED) {
        fputs("usage: race MOUNT OWNER OTHER ROUNDS\n", stderr);
        return 2;
    }
    other = fork();
    if (other < 0)
        return 1;
    if (become(argv[other ? 2 : 3]) != 0) {
        perror("race");
        atomic_store(&shared->arrived, 2 * rounds + 2); /* nobody waits for this one */
        rounds = 0;
        status = 1;
    }
    for (int round = 0; round < rounds; round++) {
        meet(shared, round);
        if (other)
            make(argv[1], round);
        else
            atomic_fetch_add(&shared->taken, take(argv[1], round));
    }
    if (!other)
        return status;
    if (waitpid(other, NULL, 0) != other)
        return 1;
    printf("%d\n", atomic_load(&shared->taken));
    return status;
}
