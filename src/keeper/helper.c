/* helper.c - see helper.h. */
#include "helper.h"

#include <errno.h>
#include <event2/event.h>
#include <fcntl.h>
#include <limits.h>
#include <poll.h>
#include <signal.h>
#include <spawn.h>
#include <stdio.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/syscall.h>
#include <sys/wait.h>
#include <unistd.h>

#include "base/log.h"
#include "config.h"
#include "ipc/helper.h"
#include "ipc/privilege.h"

extern char **environ;

static int open_in(const char *dir, int len, const char *name)
{
	char path[PATH_MAX];
	int n = snprintf(path, sizeof path, "%.*s/%s", len, dir, name);
	return n > 0 && (size_t)n < sizeof path ? open(path, O_PATH | O_CLOEXEC) : -1;
}

int helper_open(const char *name)
{
	char self[PATH_MAX];
	ssize_t n = readlink("/proc/self/exe", self, sizeof self);
	while (n > 0 && self[n - 1] != '/')
		n--;
	int fd = n > 1 ? open_in(self, (int)n - 1, name) : -1;
	if (fd < 0)
		fd = open_in(S2S_LIBEXEC, (int)strlen(S2S_LIBEXEC), name);
	if (fd >= 0)
		return fd;
	int err = errno;
	log_line(LOG_LEVEL_ERROR, S2S_LIBEXEC "/%s: %s", name, strerror(err));
	return -err;
}

static int spawn(int program, const char *name, pid_t *pid, int fd)
{
	char path[32], *argv[] = { (char *)name, NULL };
	posix_spawn_file_actions_t files;
	posix_spawnattr_t attr;
	sigset_t all, none;
	sigfillset(&all);
	sigemptyset(&none);
	posix_spawn_file_actions_init(&files);
	posix_spawnattr_init(&attr);
	/* The only descriptor besides stdio that survives: everything else is close-on-exec. */
	posix_spawn_file_actions_adddup2(&files, fd, HELPER_FD);
	posix_spawnattr_setflags(&attr, POSIX_SPAWN_SETSIGDEF | POSIX_SPAWN_SETSIGMASK);
	posix_spawnattr_setsigdefault(&attr, &all);
	posix_spawnattr_setsigmask(&attr, &none);
	snprintf(path, sizeof path, "/proc/self/fd/%d", program);
	int err = posix_spawn(pid, path, &files, &attr, argv, environ);
	posix_spawn_file_actions_destroy(&files);
	posix_spawnattr_destroy(&attr);
	return -err;
}

int helper_start(int program, const char *name, pid_t *pid, int *fd)
{
	int pair[2];
	if (socketpair(AF_UNIX, SOCK_SEQPACKET | SOCK_CLOEXEC, 0, pair) != 0)
		return -errno;
	int err = spawn(program, name, pid, pair[1]);
	close(pair[1]);
	if (err != 0) {
		close(pair[0]);
		return err;
	}
	*fd = pair[0];
	return 0;
}

static bool collect(struct helper_ending *e)
{
	if (waitpid(e->pid, NULL, WNOHANG) == 0)
		return false;
	if (e->event != NULL)
		event_free(e->event);
	if (e->fd >= 0)
		close(e->fd);
	*e = (struct helper_ending){ .fd = -1 };
	return true;
}

static void on_end(evutil_socket_t fd, short what, void *arg)
{
	(void)fd, (void)what;
	collect(arg);
}

void helper_end(struct helper_ending *e, struct event_base *base, pid_t pid, uid_t uid)
{
	static const struct timeval again = { 0, 200000 };
	*e = (struct helper_ending){ .pid = pid, .fd = (int)syscall(SYS_pidfd_open, pid, 0) };
	privilege_kill(pid, uid);
	if (collect(e))
		return;
	e->event = event_new(base, e->fd, EV_READ | EV_PERSIST, on_end, e);
	event_add(e->event, e->fd < 0 ? &again : NULL); /* Linux before 5.3 has no such descriptor */
}

void helper_leave(struct helper_ending *e)
{
	struct pollfd p = { .fd = e->fd, .events = POLLIN };
	if (e->pid == 0)
		return;
	poll(&p, 1, 500);
	if (!collect(e) && e->event != NULL)
		event_free(e->event);
}
