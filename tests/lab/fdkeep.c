/*
 * fdkeep.c - a service manager as far as s2sd needs one: it starts the daemon, keeps its descriptors (FDSTORE of sd_notify(3)), hands them to the next run
 * (sd_listen_fds(3)), and starts that when the one before has ended.
 *
 *     fdkeep SOCKET PIDFILE PROGRAM ARGUMENT...
 *
 * SIGUSR2: a restart, as the unit does it. SIGTERM: a stop; then it says how many descriptors are left and ends with the daemon's status. A daemon that
 * ends by itself is started again after 100 ms; with status 78 it is not, until SIGUSR2 comes.
 */
#include <errno.h>
#include <fcntl.h>
#include <poll.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/signalfd.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/un.h>
#include <sys/wait.h>
#include <unistd.h>

#define KEPT_MAX 16 /* FileDescriptorStoreMax of the unit */
#define NAME_MAX_ 64
#define RESTART_AFTER 100 /* ms */

static struct {
	int fd;
	char name[NAME_MAX_];
} kept[KEPT_MAX];
static unsigned n_kept;
static int manager;
static pid_t daemon_pid;

static void die(const char *what)
{
	fprintf(stderr, "fdkeep: %s: %s\n", what, strerror(errno));
	exit(2);
}

static void forget(const char *name)
{
	unsigned n = 0;
	for (unsigned i = 0; i < n_kept; i++)
		if (strcmp(kept[i].name, name) == 0)
			close(kept[i].fd);
		else
			kept[n++] = kept[i];
	n_kept = n;
}

static void keep(const char *name, int fd)
{
	if (n_kept == KEPT_MAX) {
		fprintf(stderr, "fdkeep: %s: there are too many\n", name);
		close(fd);
		return;
	}
	kept[n_kept].fd = fd;
	snprintf(kept[n_kept++].name, NAME_MAX_, "%s", name);
}

/* One state; false: none is there. */
static int hear(void)
{
	char text[1024], name[NAME_MAX_] = "";
	union {
		struct cmsghdr align;
		char space[CMSG_SPACE(sizeof(int))];
	} control;
	struct iovec iov = { text, sizeof text - 1 };
	struct msghdr m = { .msg_iov = &iov, .msg_iovlen = 1, .msg_control = &control, .msg_controllen = sizeof control };
	ssize_t n = recvmsg(manager, &m, MSG_DONTWAIT | MSG_CMSG_CLOEXEC);
	int fd = -1;
	if (n < 0)
		return 0;
	text[n] = 0;
	const struct cmsghdr *h = CMSG_FIRSTHDR(&m);
	if (h != NULL && h->cmsg_type == SCM_RIGHTS)
		memcpy(&fd, CMSG_DATA(h), sizeof fd);
	const char *at = strstr(text, "FDNAME=");
	if (at != NULL)
		snprintf(name, sizeof name, "%.*s", (int)strcspn(at + 7, "\n"), at + 7);
	if (strstr(text, "FDSTOREREMOVE=1") != NULL)
		forget(name);
	else if (strstr(text, "FDSTORE=1") != NULL && fd >= 0 && strstr(text, "FDPOLL=0") != NULL)
		keep(name, fd);
	else if (fd >= 0)
		close(fd);
	return 1;
}

static void start(char **argv, const char *pidfile)
{
	daemon_pid = fork();
	if (daemon_pid < 0)
		die("fork");
	if (daemon_pid == 0) {
		char number[16], names[KEPT_MAX * NAME_MAX_] = "";
		sigset_t none;
		sigemptyset(&none);
		sigprocmask(SIG_SETMASK, &none, NULL);
		int high[KEPT_MAX];
		for (unsigned i = 0; i < n_kept; i++) {
			high[i] = fcntl(kept[i].fd, F_DUPFD_CLOEXEC, 3 + KEPT_MAX + 8); /* out of the way */
			snprintf(names + strlen(names), sizeof names - strlen(names), "%s%s", i > 0 ? ":" : "", kept[i].name);
		}
		for (unsigned i = 0; i < n_kept; i++)
			dup2(high[i], 3 + (int)i);
		snprintf(number, sizeof number, "%d", (int)getpid());
		setenv("LISTEN_PID", number, 1);
		snprintf(number, sizeof number, "%u", n_kept);
		setenv("LISTEN_FDS", number, 1);
		setenv("LISTEN_FDNAMES", names, 1);
		execv(argv[0], argv);
		_exit(127);
	}
	FILE *f = fopen(pidfile, "w");
	if (f == NULL || fprintf(f, "%d\n", (int)daemon_pid) < 0 || fclose(f) != 0)
		die(pidfile);
}

int main(int argc, char **argv)
{
	struct sockaddr_un at = { .sun_family = AF_UNIX };
	int stopping = 0, restarting = 0, status = 0;
	sigset_t set;
	if (argc < 4)
		return 2;
	snprintf(at.sun_path, sizeof at.sun_path, "%s", argv[1]);
	unlink(argv[1]);
	manager = socket(AF_UNIX, SOCK_DGRAM | SOCK_CLOEXEC, 0);
	if (manager < 0 || bind(manager, (struct sockaddr *)&at, sizeof at) != 0)
		die(argv[1]);
	setenv("NOTIFY_SOCKET", argv[1], 1);
	setenv("FDSTORE", "16", 1);
	sigemptyset(&set);
	sigaddset(&set, SIGCHLD);
	sigaddset(&set, SIGTERM);
	sigaddset(&set, SIGUSR2);
	sigprocmask(SIG_BLOCK, &set, NULL);
	int signals = signalfd(-1, &set, SFD_CLOEXEC | SFD_NONBLOCK);
	start(argv + 3, argv[2]);
	for (int failed = 0;;) {
		struct pollfd p[2] = { { .fd = manager, .events = POLLIN }, { .fd = signals, .events = POLLIN } };
		struct signalfd_siginfo info;
		poll(p, 2, -1);
		while (hear())
			continue;
		while (read(signals, &info, sizeof info) == (ssize_t)sizeof info) {
			if (info.ssi_signo == SIGTERM) {
				stopping = 1;
				kill(daemon_pid, SIGTERM);
			} else if (info.ssi_signo == SIGUSR2 && failed) {
				failed = 0;
				start(argv + 3, argv[2]);
			} else if (info.ssi_signo == SIGUSR2) {
				restarting = 1;
				kill(daemon_pid, SIGUSR2);
			}
		}
		if (failed || waitpid(daemon_pid, &status, WNOHANG) != daemon_pid)
			continue;
		while (hear())
			continue;
		if (stopping)
			break;
		failed = WIFEXITED(status) && WEXITSTATUS(status) == 78;
		if (failed)
			continue;
		if (!restarting)
			usleep(RESTART_AFTER * 1000);
		restarting = 0;
		start(argv + 3, argv[2]);
	}
	printf("%u descriptors left\n", n_kept);
	return WIFEXITED(status) ? WEXITSTATUS(status) : 1;
}
