/*
 * child.c - see child.h.
 */
#include "child.h"

#include <errno.h>
#include <signal.h>
#include <spawn.h>
#include <sys/socket.h>
#include <unistd.h>

#include "ipc/options.h"

extern char **environ;

static int spawn(const char *name, const char *role, pid_t *pid, int fd)
{
	char *argv[] = { (char *)name, (char *)role, NULL };
	posix_spawn_file_actions_t files;
	posix_spawnattr_t attr;
	sigset_t all, none;
	sigfillset(&all);
	sigemptyset(&none);
	posix_spawn_file_actions_init(&files);
	posix_spawnattr_init(&attr);
	/* The only descriptor besides stdio that survives: everything else is close-on-exec. */
	posix_spawn_file_actions_adddup2(&files, fd, ROLE_FD);
	posix_spawnattr_setflags(&attr, POSIX_SPAWN_SETSIGDEF | POSIX_SPAWN_SETSIGMASK);
	posix_spawnattr_setsigdefault(&attr, &all);
	posix_spawnattr_setsigmask(&attr, &none);
	int err = posix_spawn(pid, "/proc/self/exe", &files, &attr, argv, environ);
	posix_spawn_file_actions_destroy(&files);
	posix_spawnattr_destroy(&attr);
	return -err;
}

int child_start(const char *name, const char *role, pid_t *pid, int *fd)
{
	int pair[2];
	if (socketpair(AF_UNIX, SOCK_SEQPACKET | SOCK_CLOEXEC, 0, pair) != 0)
		return -errno;
	int err = spawn(name, role, pid, pair[1]);
	close(pair[1]);
	if (err != 0) {
		close(pair[0]);
		return err;
	}
	*fd = pair[0];
	return 0;
}
