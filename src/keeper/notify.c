/* notify.c - see notify.h. */
#include "notify.h"

#include <errno.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/time.h>
#include <sys/un.h>
#include <unistd.h>

#include "base/log.h"

static int manager = -1;
static msec watchdog;
static bool keeps; /* descriptors */

#define PATIENCE 500 /* ms for a manager that is slow to take a descriptor */

static msec watchdog_of_environment(void)
{
	const char *usec = getenv("WATCHDOG_USEC"), *pid = getenv("WATCHDOG_PID");
	if (usec == NULL || (pid != NULL && strtol(pid, NULL, 10) != getpid()))
		return 0;
	return (msec)(strtoull(usec, NULL, 10) / 1000);
}

void notify_open(void)
{
	const char *path = getenv("NOTIFY_SOCKET");
	struct sockaddr_un to = { .sun_family = AF_UNIX };
	watchdog = watchdog_of_environment();
	const char *most = getenv("FDSTORE");
	keeps = most != NULL && strtoul(most, NULL, 10) > 0;
	if (path == NULL || (path[0] != '/' && path[0] != '@') || strlen(path) >= sizeof to.sun_path)
		goto out;
	size_t len = strlen(path);
	memcpy(to.sun_path, path, len);
	if (path[0] == '@')
		to.sun_path[0] = 0; /* an abstract address */
	manager = socket(AF_UNIX, SOCK_DGRAM | SOCK_CLOEXEC, 0);
	if (manager >= 0 &&
		connect(manager, (struct sockaddr *)&to, (socklen_t)(offsetof(struct sockaddr_un, sun_path) + len)) != 0) {
		close(manager);
		manager = -1;
	}
	struct timeval patience = { 0, PATIENCE * 1000 };
	if (manager >= 0)
		setsockopt(manager, SOL_SOCKET, SO_SNDTIMEO, &patience, sizeof patience);
out:
	unsetenv("NOTIFY_SOCKET");
	unsetenv("FDSTORE");
	unsetenv("WATCHDOG_USEC");
	unsetenv("WATCHDOG_PID");
}

void notify(const char *fmt, ...)
{
	char text[512];
	va_list ap;
	if (manager < 0)
		return;
	va_start(ap, fmt);
	int n = vsnprintf(text, sizeof text, fmt, ap);
	va_end(ap);
	if (n > 0 && send(manager, text, strlen(text), MSG_NOSIGNAL | MSG_DONTWAIT) < 0)
		return; /* the manager does not listen: nothing depends on it */
}

void notify_keep(const char *name, int fd)
{
	/* A socket reports an error whenever an ICMP message came: that is no reason to drop it. */
	char text[128];
	int n = snprintf(text, sizeof text, "FDSTORE=1\nFDNAME=%s\nFDPOLL=0", name);
	union {
		struct cmsghdr align;
		char space[CMSG_SPACE(sizeof fd)];
	} control = { 0 };
	struct iovec iov = { text, (size_t)n };
	struct msghdr m = { .msg_iov = &iov, .msg_iovlen = 1, .msg_control = &control, .msg_controllen = sizeof control };
	struct cmsghdr *h = CMSG_FIRSTHDR(&m);
	*h = (struct cmsghdr){ .cmsg_len = CMSG_LEN(sizeof fd), .cmsg_level = SOL_SOCKET, .cmsg_type = SCM_RIGHTS };
	memcpy(CMSG_DATA(h), &fd, sizeof fd);
	if (manager >= 0 && sendmsg(manager, &m, MSG_NOSIGNAL) < 0)
		log_line(LOG_LEVEL_WARNING, "the service manager does not take %s: %s; a restart is not without loss", name,
			strerror(errno));
}

void notify_forget(const char *name)
{
	char text[96];
	int n = snprintf(text, sizeof text, "FDSTOREREMOVE=1\nFDNAME=%s", name);
	if (manager >= 0 && send(manager, text, (size_t)n, MSG_NOSIGNAL) < 0)
		log_line(LOG_LEVEL_WARNING, "the service manager does not forget %s: %s", name, strerror(errno));
}

bool notify_keeps(void) { return manager >= 0 && keeps; }
msec notify_watchdog(void) { return manager >= 0 ? watchdog : 0; }
