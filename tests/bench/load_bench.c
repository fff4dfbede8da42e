/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * What the benchmarks of whole mounts do in one process, so that no shell is measured with it:
 *
 *     load_bench read SECONDS <FILES     reads the files in turn; microseconds a file: median,
 *                                        99th percentile, files a second
 *     load_bench probe SECONDS <DIRS     in one of the directories, chosen at random, a stat of
 *                                        `score`, a listing and a read of `state`; of each in
 *                                        milliseconds: median, 99th percentile, longest
 *     load_bench create DIR COUNT PROCS  COUNT VMs by mkdir and a spec, from PROCS processes at
 *                                        once; VMs a second
 *     load_bench each DIR FROM COUNT     the same one after the other, from number FROM on;
 *                                        milliseconds a VM: median, 99th percentile
 *     load_bench direct URI COUNT XML    domains as in the file XML, but for name and UUID, by
 *                                        virDomainDefineXML() and virDomainCreate() on one
 *                                        connection; domains a second, milliseconds of CPU each
 *     load_bench sync FILE COUNT         16 KiB written over and fdatasync(2): microseconds, median
 *     load_bench open DIR HOSTS          opens test://DIR/hN.xml of HOSTS hosts and prints the
 *                                        KiB that takes: what is libvirt's own
 */
#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <glib.h>
#include <libvirt/libvirt.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>

static const char spec[] = "cpus = 1\nmemory = 64MiB\nnetwork = none\n";

static void die(const char *what)
{
    fprintf(stderr, "load_bench: %s: %s\n", what, strerror(errno));
    exit(1);
}

static double seconds(void)
{
    return (double)g_get_monotonic_time() / 1e6;
}

static void read_file(const char *path)
{
    char buffer[16384];
    int fd = open(path, O_RDONLY);

    if (fd < 0)
        die(path);
    while (read(fd, buffer, sizeof buffer) > 0)
        continue;
    close(fd);
}

static GPtrArray *lines(FILE *in)
{
    GPtrArray *all = g_ptr_array_new_with_free_func(g_free);
    char line[4096];

    while (fgets(line, sizeof line, in)) {
        line[strcspn(line, "\n")] = '\0';
        g_ptr_array_add(all, g_strdup(line));
    }
    return all;
}

static int by_value(const void *a, const void *b)
{
    const double *x = a, *y = b;

    return (*x > *y) - (*x < *y);
}

/* The value that SHARE of them are not above. */
static double quantile(GArray *values, double share)
{
    g_array_sort(values, by_value);
    return g_array_index(values, double, (unsigned)((values->len - 1) * share));
}

static void bench_read(double duration)
{
    GPtrArray *files = lines(stdin);
    GArray *times = g_array_new(FALSE, FALSE, sizeof(double));
    double begin = seconds(), now = begin;

    if (files->len == 0)
        die("no files");
    for (unsigned i = 0; now - begin < duration; i++) {
        double before = now, took;

        read_file(files->pdata[i % files->len]);
        now = seconds();
        took = (now - before) * 1e6;
        g_array_append_val(times, took);
    }
    printf("%.1f %.1f %.0f\n", quantile(times, 0.5), quantile(times, 0.99),
           times->len / (now - begin));
    g_array_free(times, TRUE);
    g_ptr_array_free(files, TRUE);
}

/* ---- what somebody waits for who does one thing now and then */

static void stat_score(const char *dir)
{
    g_autofree char *path = g_strconcat(dir, "/score", NULL);
    struct stat st;

    if (stat(path, &st) < 0)
        die(path);
}

static void list_dir(const char *dir)
{
    DIR *stream = opendir(dir);

    if (!stream)
        die(dir);
    while (readdir(stream))
        continue;
    closedir(stream);
}

static void read_state(const char *dir)
{
    g_autofree char *path = g_strconcat(dir, "/state", NULL);

    read_file(path);
}

static const struct {
    const char *name;
    void (*run)(const char *dir);
} probes[] = {
    {"stat", stat_score},
    {"list", list_dir  },
    {"read", read_state},
};

/* A millisecond apart, so that the probe itself loads nothing. */
static void bench_probe(double duration)
{
    GPtrArray *dirs = lines(stdin);
    GArray *times[G_N_ELEMENTS(probes)];
    double begin = seconds();

    if (dirs->len == 0)
        die("no directories");
    for (unsigned i = 0; i < G_N_ELEMENTS(probes); i++)
        times[i] = g_array_new(FALSE, FALSE, sizeof(double));
    for (unsigned n = 0; seconds() - begin < duration; n++) {
        const char *dir = dirs->pdata[(unsigned)g_random_int_range(0, (int)dirs->len)];
        double before = seconds(), took;

        probes[n % G_N_ELEMENTS(probes)].run(dir);
        took = (seconds() - before) * 1e3;
        g_array_append_val(times[n % G_N_ELEMENTS(probes)], took);
        g_usleep(1000);
    }
    for (unsigned i = 0; i < G_N_ELEMENTS(probes); i++) {
        printf("%s %.2f %.2f %.2f\n", probes[i].name, quantile(times[i], 0.5),
               quantile(times[i], 0.99), quantile(times[i], 1));
        g_array_free(times[i], TRUE);
    }
    g_ptr_array_free(dirs, TRUE);
}

static void create_one(const char *dir, int n)
{
    g_autofree char *vm = g_strdup_printf("%s/bench%d", dir, n);
    g_autofree char *path = g_strconcat(vm, "/spec", NULL);
    int fd;

    if (mkdir(vm, 0755) < 0)
        die(vm);
    fd = open(path, O_WRONLY | O_TRUNC);
    if (fd < 0 || write(fd, spec, sizeof spec - 1) < 0 || close(fd) < 0)
        die(path);
}

static void bench_create(const char *dir, int count, int procs)
{
    double begin = seconds();
    int status;

    for (int p = 0; p < procs; p++) {
        if (fork() != 0)
            continue;
        for (int n = p; n < count; n += procs)
            create_one(dir, n);
        _exit(0);
    }
    while (wait(&status) > 0)
        if (status != 0)
            exit(1);
    printf("%.0f\n", count / (seconds() - begin));
}

static void bench_each(const char *dir, int from, int count)
{
    GArray *times = g_array_new(FALSE, FALSE, sizeof(double));

    for (int n = from; n < from + count; n++) {
        double before = seconds(), took;

        create_one(dir, n);
        took = (seconds() - before) * 1e3;
        g_array_append_val(times, took);
    }
    printf("%.2f %.2f\n", quantile(times, 0.5), quantile(times, 0.99));
    g_array_free(times, TRUE);
}

/* XML with TEXT as the first element NAME. */
static char *with_text(const char *xml, const char *name, const char *text)
{
    g_autofree char *open = g_strdup_printf("<%s>", name);
    g_autofree char *close = g_strdup_printf("</%s>", name);
    const char *begin = strstr(xml, open), *end = strstr(xml, close);

    if (!begin || !end)
        die(name);
    return g_strdup_printf("%.*s%s%s%s", (int)(begin - xml), xml, open, text, end);
}

static void define_and_create(virConnectPtr conn, const char *like, int n)
{
    g_autofree char *uuid = g_uuid_string_random();
    g_autofree char *name = g_strdup_printf("bench%d", n);
    g_autofree char *named = with_text(like, "name", name);
    g_autofree char *xml = with_text(named, "uuid", uuid);
    virDomainPtr dom = virDomainDefineXML(conn, xml);

    if (!dom || virDomainCreate(dom) < 0)
        die("virDomainCreate");
    virDomainFree(dom);
}

static void bench_direct(const char *uri, int count, const char *file)
{
    virConnectPtr conn = virConnectOpen(uri);
    g_autofree char *like = NULL;
    double begin;
    clock_t cpu;

    if (!conn || !g_file_get_contents(file, &like, NULL, NULL))
        die(conn ? file : uri);
    begin = seconds();
    cpu = clock();
    for (int n = 0; n < count; n++)
        define_and_create(conn, like, n);
    printf("%.0f %.2f\n", count / (seconds() - begin),
           (double)(clock() - cpu) * 1000 / CLOCKS_PER_SEC / count);
    virConnectClose(conn);
}

/* As the log of the database is written: again and again from its beginning. */
static void bench_sync(const char *file, int count)
{
    enum { BYTES = 16 * 1024, ROUND = 64 };
    static const char bytes[BYTES];
    GArray *times = g_array_new(FALSE, FALSE, sizeof(double));
    int fd = open(file, O_RDWR | O_CREAT | O_TRUNC, 0600);

    for (int n = 0; n < ROUND + count; n++) {
        double before = seconds(), took;

        if (pwrite(fd, bytes, BYTES, (off_t)(n % ROUND) * BYTES) < 0 || fdatasync(fd) < 0)
            die(file);
        took = (seconds() - before) * 1e6;
        if (n >= ROUND)
            g_array_append_val(times, took);
    }
    printf("%.0f\n", quantile(times, 0.5));
    g_array_free(times, TRUE);
    close(fd);
}

static void bench_open(const char *dir, int hosts)
{
    g_autofree char *status = NULL;

    for (int n = 0; n < hosts; n++) {
        g_autofree char *uri = g_strdup_printf("test://%s/h%d.xml", dir, n);

        if (!virConnectOpen(uri)) /* stays open, as in a mount */
            die(uri);
    }
    if (!g_file_get_contents("/proc/self/status", &status, NULL, NULL))
        die("/proc/self/status");
    printf("%d\n", atoi(strstr(status, "VmRSS:") + strlen("VmRSS:")));
}

int main(int argc, char **argv)
{
    if (argc == 3 && strcmp(argv[1], "read") == 0)
        bench_read(atof(argv[2]));
    else if (argc == 3 && strcmp(argv[1], "probe") == 0)
        bench_probe(atof(argv[2]));
    else if (argc == 5 && strcmp(argv[1], "create") == 0)
        bench_create(argv[2], atoi(argv[3]), atoi(argv[4]));
    else if (argc == 5 && strcmp(argv[1], "each") == 0)
        bench_each(argv[2], atoi(argv[3]), atoi(argv[4]));
    else if (argc == 5 && strcmp(argv[1], "direct") == 0)
        bench_direct(argv[2], atoi(argv[3]), argv[4]);
    else if (argc == 4 && strcmp(argv[1], "sync") == 0)
        bench_sync(argv[2], atoi(argv[3]));
    else if (argc == 4 && strcmp(argv[1], "open") == 0)
        bench_open(argv[2], atoi(argv[3]));
    else
        return 2;
    return 0;
}
