/*
 * bench_ready.c ROUNDS PROGRAM ARGUMENT... - milliseconds from the start of the daemon until it tells its manager READY=1: the best of the rounds, since
 * on a busy machine all others tell of the machine. Behind it the milliseconds of CPU that it and the processes it started took until then: the median.
 */
#include <dirent.h>
#include <poll.h>
#include <signal.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/un.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>

#define ROUNDS_MAX 64
#define PATIENCE 20000 /* ms */

static double now_ms(void)
{
	struct timespec t;
	clock_gettime(CLOCK_MONOTONIC, &t);
	return (double)t.tv_sec * 1e3 + (double)t.tv_nsec / 1e6;
}

static int manager(char name[64])
{
	struct sockaddr_un at = { .sun_family = AF_UNIX };
	int fd = socket(AF_UNIX, SOCK_DGRAM | SOCK_CLOEXEC, 0);
	snprintf(name, 64, "@s2sd-bench-%ld", (long)getpid());
	size_t len = strlen(name);
	memcpy(at.sun_path, name, len);
	at.sun_path[0] = 0;
	return bind(fd, (struct sockaddr *)&at, (socklen_t)(offsetof(struct sockaddr_un, sun_path) + len)) == 0 ? fd : -1;
}

static bool wait_ready(int fd)
{
	char text[512];
	struct pollfd p = { .fd = fd, .events = POLLIN };
	while (poll(&p, 1, PATIENCE) == 1) {
		ssize_t n = recv(fd, text, sizeof text - 1, 0);
		text[n > 0 ? n : 0] = 0;
		if (strncmp(text, "READY=1", 7) == 0)
			return true;
	}
	return false;
}

static double task_ms(long pid, const char *tid)
{
	char path[96];
	unsigned long long ns = 0;
	snprintf(path, sizeof path, "/proc/%ld/task/%.20s/schedstat", pid, tid);
	FILE *f = fopen(path, "r");
	if (f == NULL || fscanf(f, "%llu", &ns) != 1)
		ns = 0; /* it ended this moment */
	if (f != NULL)
		fclose(f);
	return (double)ns / 1e6;
}

static double process_ms(long pid)
{
	char path[64];
	double sum = 0;
	snprintf(path, sizeof path, "/proc/%ld/task", pid);
	DIR *d = opendir(path);
	for (struct dirent *e; d != NULL && (e = readdir(d)) != NULL;) {
		if (e->d_name[0] != '.')
			sum += task_ms(pid, e->d_name);
	}
	if (d != NULL)
		closedir(d);
	return sum;
}

static double family_ms(long pid)
{
	char path[64];
	long child;
	double sum = process_ms(pid);
	snprintf(path, sizeof path, "/proc/%ld/task/%ld/children", pid, pid);
	FILE *f = fopen(path, "r");
	while (f != NULL && fscanf(f, "%ld", &child) == 1)
		sum += process_ms(child);
	if (f != NULL)
		fclose(f);
	return sum;
}

struct cost {
	double spent, cpu; /* ms */
};

static struct cost one(int fd, char **argv)
{
	int status;
	char rest[512];
	double start = now_ms();
	pid_t pid = fork();
	if (pid == 0) {
		execv(argv[0], argv);
		_exit(127);
	}
	bool ready = wait_ready(fd);
	struct cost c = { now_ms() - start, family_ms((long)pid) };
	kill(pid, SIGTERM);
	waitpid(pid, &status, 0);
	while (recv(fd, rest, sizeof rest, MSG_DONTWAIT) > 0)
		continue;
	if (!ready || !WIFEXITED(status) || WEXITSTATUS(status) != 0) {
		fprintf(stderr, "bench_ready: %s (wait status %x)\n", ready ? "the daemon did not leave in order" : "not ready",
			status);
		exit(1);
	}
	return c;
}

static int ascending(const void *a, const void *b)
{
	double x = *(const double *)a, y = *(const double *)b;
	return (x > y) - (x < y);
}

int main(int argc, char **argv)
{
	double spent[ROUNDS_MAX], cpu[ROUNDS_MAX];
	char name[64];
	int rounds = argc > 2 ? atoi(argv[1]) : 0, fd = manager(name);
	if (rounds < 1 || rounds > ROUNDS_MAX || fd < 0) {
		fprintf(stderr, "usage: bench_ready ROUNDS PROGRAM ARGUMENT...\n");
		return 2;
	}
	setenv("NOTIFY_SOCKET", name, 1);
	for (int i = 0; i < rounds; i++) {
		struct cost c = one(fd, argv + 2);
		spent[i] = c.spent;
		cpu[i] = c.cpu;
	}
	qsort(spent, (size_t)rounds, sizeof spent[0], ascending);
	qsort(cpu, (size_t)rounds, sizeof cpu[0], ascending);
	printf("%.2f %.2f\n", spent[0], cpu[rounds / 2]);
	return 0;
}
