/*
 * keeper_metrics.c - the listening socket of metrics-listen: opened here, because its port or its directory may need a privilege, served by the engine.
 */
#include "keeper.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/un.h>
#include <unistd.h>

#include "base/log.h"

#define UNIX_PREFIX "unix:"

static bool is_unix(const char *at) { return strncmp(at, UNIX_PREFIX, strlen(UNIX_PREFIX)) == 0; }

/* "127.0.0.1:9816" or "[::1]:9816"; the configuration's parser has judged the form and that it is a loopback address. */
static bool socket_address(const char *at, struct sockaddr_storage *to, socklen_t *len)
{
	char ip[ADDR_TEXT];
	struct addr a;
	const char *colon = strrchr(at, ':');
	size_t n = colon != NULL ? (size_t)(colon - at) : 0;
	if (n == 0 || n >= sizeof ip)
		return false;
	bool brackets = at[0] == '[';
	snprintf(ip, sizeof ip, "%.*s", (int)(n - (brackets ? 2 : 0)), at + brackets);
	if (!addr_parse(&a, ip))
		return false;
	a.port = (uint16_t)strtoul(colon + 1, NULL, 10);
	*len = addr_to_sockaddr(&a, to);
	return true;
}

static int listen_ip(const char *at)
{
	struct sockaddr_storage to;
	socklen_t len;
	int yes = 1;
	if (!socket_address(at, &to, &len))
		return -EINVAL;
	int fd = socket(to.ss_family, SOCK_STREAM | SOCK_CLOEXEC | SOCK_NONBLOCK, 0);
	if (fd < 0)
		return -errno;
	if (setsockopt(fd, SOL_SOCKET, SO_REUSEADDR, &yes, sizeof yes) == 0 && bind(fd, (struct sockaddr *)&to, len) == 0 &&
		listen(fd, 16) == 0)
		return fd;
	int err = errno;
	close(fd);
	return -err;
}

/* Open to the group of the control socket. Only a socket is taken out of the way. */
static int listen_unix(const struct keeper *k, const char *path)
{
	struct sockaddr_un to = { .sun_family = AF_UNIX };
	struct stat st;
	if ((size_t)snprintf(to.sun_path, sizeof to.sun_path, "%s", path) >= sizeof to.sun_path)
		return -ENAMETOOLONG;
	if (lstat(path, &st) == 0 && S_ISSOCK(st.st_mode))
		unlink(path);
	int fd = socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC | SOCK_NONBLOCK, 0);
	if (fd < 0)
		return -errno;
	mode_t old = umask(0177);
	bool ok = bind(fd, (struct sockaddr *)&to, sizeof to) == 0;
	int err = errno;
	umask(old);
	if (ok && chown(path, 0, k->control_gid) == 0 && chmod(path, 0660) == 0 && listen(fd, 16) == 0)
		return fd;
	err = ok ? errno : err;
	if (ok)
		unlink(path);
	close(fd);
	return -err;
}

void keeper_metrics_close(struct keeper *k)
{
	if (k->metrics_fd < 0)
		return;
	close(k->metrics_fd);
	k->metrics_fd = -1;
	if (is_unix(k->metrics_at))
		unlink(k->metrics_at + strlen(UNIX_PREFIX));
}

/* That nobody can look at the tunnels is no reason to be without them: what fails is logged, and the daemon goes on. */
void keeper_metrics_open(struct keeper *k)
{
	const char *at = k->conf->global.metrics_listen != NULL ? k->conf->global.metrics_listen : "";
	if (strcmp(at, k->metrics_at) == 0 && (k->metrics_fd >= 0) == (at[0] != 0))
		return;
	keeper_metrics_close(k);
	snprintf(k->metrics_at, sizeof k->metrics_at, "%s", at);
	if (at[0] == 0)
		return;
	int fd = is_unix(at) ? listen_unix(k, at + strlen(UNIX_PREFIX)) : listen_ip(at);
	if (fd < 0)
		log_line(LOG_LEVEL_ERROR, "metrics-listen: %s: %s", at, strerror(-fd));
	k->metrics_fd = fd < 0 ? -1 : fd;
}

bool keeper_metrics_send(struct keeper *k)
{
	return ipc_send_fds(k->engine, MSG_METRICS, NULL, 0, &k->metrics_fd, k->metrics_fd >= 0 ? 1 : 0);
}
