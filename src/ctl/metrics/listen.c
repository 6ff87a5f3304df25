/* listen.c - see listen.h. */
#include "listen.h"

#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/un.h>
#include <unistd.h>

#include "base/addr.h"

#define BACKLOG 16

/* NULL: it is no Unix socket. */
static const char *unix_path(const char *at) { return strncmp(at, "unix:", 5) == 0 ? at + 5 : NULL; }

static bool is_loopback(const struct addr *a)
{
	static const uint8_t one[16] = { [15] = 1 };
	return a->family == AF_INET ? a->ip[0] == 127 : memcmp(a->ip, one, 16) == 0;
}

static int fail_closed(int fd)
{
	int err = errno;
	if (fd >= 0)
		close(fd);
	return -err;
}

static int open_ip(const char *at)
{
	struct sockaddr_storage to;
	struct addr a;
	int yes = 1;
	if (!addr_port_parse(&a, at) || a.port == 0 || !is_loopback(&a))
		return -EINVAL;
	socklen_t len = addr_to_sockaddr(&a, &to);
	int fd = socket(to.ss_family, SOCK_STREAM | SOCK_CLOEXEC | SOCK_NONBLOCK, 0);
	if (fd >= 0 && setsockopt(fd, SOL_SOCKET, SO_REUSEADDR, &yes, sizeof yes) == 0 &&
		bind(fd, (struct sockaddr *)&to, len) == 0 && listen(fd, BACKLOG) == 0)
		return fd;
	return fail_closed(fd);
}

/* Only a socket is taken out of the way. The group is given where we may: root may, and members of it. */
static int open_unix(const char *path, gid_t group)
{
	struct sockaddr_un to = { .sun_family = AF_UNIX };
	struct stat st;
	if (path[0] != '/')
		return -EINVAL;
	if ((size_t)snprintf(to.sun_path, sizeof to.sun_path, "%s", path) >= sizeof to.sun_path)
		return -ENAMETOOLONG;
	if (lstat(path, &st) == 0 && S_ISSOCK(st.st_mode))
		unlink(path);
	int fd = socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC | SOCK_NONBLOCK, 0);
	mode_t old = umask(0117);
	bool bound = fd >= 0 && bind(fd, (struct sockaddr *)&to, sizeof to) == 0;
	umask(old);
	if (!bound)
		return fail_closed(fd);
	bool given = fchownat(AT_FDCWD, path, (uid_t)-1, group, AT_SYMLINK_NOFOLLOW) == 0 || errno == EPERM;
	if (given && listen(fd, BACKLOG) == 0)
		return fd;
	int err = fail_closed(fd);
	unlink(path);
	return err;
}

int listen_open(const char *at, gid_t group)
{
	const char *path = unix_path(at);
	return path != NULL ? open_unix(path, group) : open_ip(at);
}

void listen_close(const char *at)
{
	if (unix_path(at) != NULL)
		unlink(unix_path(at));
}
