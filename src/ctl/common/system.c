/*
 * system.c - see system.h.
 */
#include "ctl/system.h"

#include <fcntl.h>
#include <limits.h>
#include <netinet/in.h>
#include <stdio.h>
#include <stdlib.h>
#include <time.h>
#include <unistd.h>

int64_t system_ms(void)
{
	struct timespec t;
	clock_gettime(CLOCK_MONOTONIC, &t);
	return (int64_t)t.tv_sec * 1000 + t.tv_nsec / 1000000;
}

/* Not file_read: what /proc holds has no size. */
bool system_file(const char *root, const char *name, char *text, size_t size)
{
	char path[PATH_MAX];
	size_t len = 0;
	ssize_t n = 0;
	snprintf(path, sizeof path, "%s/proc/%s", root, name);
	int fd = open(path, O_RDONLY | O_CLOEXEC | O_NOCTTY);
	while (fd >= 0 && len + 1 < size && (n = read(fd, text + len, size - len - 1)) > 0)
		len += (size_t)n;
	if (fd >= 0)
		close(fd);
	text[len] = 0;
	return fd >= 0 && n >= 0;
}

int system_number(const char *root, const char *name)
{
	char text[64], *end;
	if (!system_file(root, name, text, sizeof text))
		return SYSTEM_UNKNOWN;
	long v = strtol(text, &end, 10);
	return end != text && v >= 0 && v <= INT_MAX ? (int)v : SYSTEM_UNKNOWN;
}

/* A connected UDP socket has its route looked up, with what the kernel has learned of the path, and sends nothing. */
void system_path(const struct addr *to, struct addr *from, int *mtu)
{
	struct sockaddr_storage peer, own = { 0 };
	struct addr a = *to;
	socklen_t size = sizeof *mtu, own_len = sizeof own;
	bool v6 = to->family == AF_INET6;
	*mtu = SYSTEM_UNKNOWN;
	a.port = 500;
	socklen_t len = addr_to_sockaddr(&a, &peer);
	int fd = len > 0 ? socket(peer.ss_family, SOCK_DGRAM | SOCK_CLOEXEC, 0) : -1;
	if (fd < 0)
		return;
	if (connect(fd, (struct sockaddr *)&peer, len) == 0) {
		if (getsockopt(fd, v6 ? IPPROTO_IPV6 : IPPROTO_IP, v6 ? IPV6_MTU : IP_MTU, mtu, &size) != 0)
			*mtu = SYSTEM_UNKNOWN;
		if (getsockname(fd, (struct sockaddr *)&own, &own_len) == 0)
			addr_from_sockaddr(from, (struct sockaddr *)&own, own_len);
		from->port = 0;
	}
	close(fd);
}
