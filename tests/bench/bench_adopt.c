/*
 * bench_adopt.c ROUNDS COUNT PROGRAM ARGUMENT... - is the daemon's service manager, which keeps descriptors for it (FDSTORE). Waits until COUNT tunnels
 * are up, then kills the daemon and starts it again, ROUNDS times: "MS USED SIZE", milliseconds from a start until COUNT tunnels are up again (the best
 * of the rounds) and octets per tunnel in the engine's store: of the records, and of the file.
 */
#include <fcntl.h>
#include <poll.h>
#include <signal.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/un.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>

#include "base/store.h"
#include "base/text.h"

#define PATIENCE 600000 /* ms: tunnels are dialled meanwhile */
#define KEPT_MAX 16
#define STORE_NAME "state.engine"

struct kept {
	char name[64];
	int fd;
};
static struct kept kept[KEPT_MAX];
static unsigned n_kept;
static int manager;

static _Noreturn void die(const char *what)
{
	fprintf(stderr, "bench_adopt: %s\n", what);
	exit(1);
}

static double now_ms(void)
{
	struct timespec t;
	clock_gettime(CLOCK_MONOTONIC, &t);
	return (double)t.tv_sec * 1e3 + (double)t.tv_nsec / 1e6;
}

static void listen_as_manager(void)
{
	struct sockaddr_un at = { .sun_family = AF_UNIX };
	char name[64];
	manager = socket(AF_UNIX, SOCK_DGRAM | SOCK_CLOEXEC, 0);
	snprintf(name, sizeof name, "@s2sd-adopt-%ld", (long)getpid());
	memcpy(at.sun_path, name, strlen(name));
	at.sun_path[0] = 0;
	if (bind(manager, (struct sockaddr *)&at, (socklen_t)(offsetof(struct sockaddr_un, sun_path) + strlen(name))) != 0)
		die("no socket for the notifications");
	setenv("NOTIFY_SOCKET", name, 1);
	setenv("FDSTORE", "16", 1);
}

static void forget(const char *name)
{
	for (unsigned i = 0; i < n_kept; i++) {
		if (strcmp(kept[i].name, name) != 0)
			continue;
		close(kept[i].fd);
		kept[i--] = kept[--n_kept];
	}
}

static void value_of(const char *text, const char *key, char value[64])
{
	const char *at = strstr(text, key);
	snprintf(value, 64, "%.*s", at != NULL ? (int)strcspn(at + strlen(key), "\n") : 0, at != NULL ? at + strlen(key) : "");
}

static void keep_or_forget(const char *text, struct msghdr *m)
{
	char name[64];
	value_of(text, "FDNAME=", name);
	if (strstr(text, "FDSTOREREMOVE=1") != NULL)
		forget(name);
	for (struct cmsghdr *h = CMSG_FIRSTHDR(m); h != NULL; h = CMSG_NXTHDR(m, h)) {
		if (h->cmsg_type != SCM_RIGHTS)
			continue;
		if (n_kept == KEPT_MAX || strstr(text, "FDSTORE=1") == NULL)
			die("a descriptor that was not expected");
		struct kept *k = &kept[n_kept++];
		memcpy(k->name, name, sizeof name);
		memcpy(&k->fd, CMSG_DATA(h), sizeof k->fd);
	}
}

/* Until the daemon says that so many are up. */
static void wait_for(const char *status)
{
	struct pollfd p = { .fd = manager, .events = POLLIN };
	double start = now_ms();
	while (now_ms() - start < PATIENCE && poll(&p, 1, PATIENCE) == 1) {
		char text[1024], control[256];
		struct iovec iov = { text, sizeof text - 1 };
		struct msghdr m = { .msg_iov = &iov, .msg_iovlen = 1, .msg_control = control, .msg_controllen = sizeof control };
		ssize_t n = recvmsg(manager, &m, MSG_CMSG_CLOEXEC);
		text[n > 0 ? n : 0] = 0;
		keep_or_forget(text, &m);
		if (strstr(text, status) != NULL)
			return;
	}
	die("the tunnels did not come up");
}

static pid_t start(char **argv)
{
	pid_t pid = fork();
	if (pid != 0)
		return pid;
	char names[KEPT_MAX * 65] = "", number[16];
	struct text list = text_of(names, sizeof names);
	int high[KEPT_MAX];
	for (unsigned i = 0; i < n_kept; i++) {
		high[i] = fcntl(kept[i].fd, F_DUPFD_CLOEXEC, 3 + KEPT_MAX);
		text_add(&list, "%s%s", i > 0 ? ":" : "", kept[i].name);
	}
	for (unsigned i = 0; i < n_kept; i++)
		dup2(high[i], 3 + (int)i);
	snprintf(number, sizeof number, "%ld", (long)getpid());
	setenv("LISTEN_PID", number, 1);
	snprintf(number, sizeof number, "%u", n_kept);
	setenv("LISTEN_FDS", number, 1);
	setenv("LISTEN_FDNAMES", names, 1);
	execv(argv[0], argv);
	_exit(127);
}

static void end(pid_t pid, int sig)
{
	int status;
	if (kill(pid, sig) != 0 || waitpid(pid, &status, 0) != pid)
		die("the daemon ended by itself");
}

/* Of a daemon that has died: nobody writes. */
static void measure_store(unsigned count, size_t *used, size_t *size)
{
	char why[STORE_WHY];
	struct store_bind b;
	for (unsigned i = 0; i < n_kept; i++) {
		if (strcmp(kept[i].name, STORE_NAME) != 0)
			continue;
		if (store_lock(kept[i].fd) != 0 || !store_bind_here(&b, STORE_OF_ENGINE, STORE_ENGINE_RECORDS, why))
			die("the store is not free");
		struct store *s = store_open(kept[i].fd, &b, NULL, NULL, why);
		if (s == NULL)
			die(why);
		*used = store_used(s) / count;
		*size = store_size(s) / count;
		store_close(s);
		fcntl(kept[i].fd, F_SETLK, &(struct flock){ .l_type = F_UNLCK, .l_whence = SEEK_SET });
		return;
	}
	die("the daemon has given no store away");
}

int main(int argc, char **argv)
{
	if (argc < 4) {
		fprintf(stderr, "usage: bench_adopt ROUNDS COUNT PROGRAM ARGUMENT...\n");
		return 2;
	}
	unsigned rounds = (unsigned)atoi(argv[1]), count = (unsigned)atoi(argv[2]);
	size_t used = 0, size = 0;
	double best = PATIENCE;
	char status[64];
	snprintf(status, sizeof status, "STATUS=%u of %u tunnels up", count, count);
	listen_as_manager();
	pid_t pid = start(argv + 3);
	wait_for(status);
	for (unsigned i = 0; i < rounds; i++) {
		usleep(300000);
		end(pid, SIGKILL);
		measure_store(count, &used, &size);
		double from = now_ms();
		pid = start(argv + 3);
		wait_for(status);
		double took = now_ms() - from;
		if (took < best)
			best = took;
	}
	end(pid, SIGTERM);
	printf("%.0f %zu %zu\n", best, used, size);
	return 0;
}
