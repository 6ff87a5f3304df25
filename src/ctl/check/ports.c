/*
 * ports.c - which program has the UDP ports of IKE, found as ss(8) does: the socket's inode in /proc/net/udp, then whose descriptor it is. That needs root;
 * what cannot be seen is left out.
 */
#include "ports.h"

#include <dirent.h>
#include <limits.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "base/util.h"
#include "ctl/system.h"

#define SOCKETS_MAX 16
#define OURS "s2sd"

struct socket {
	unsigned port;
	unsigned long inode;
};

static bool is_ours(unsigned port) { return port == 500 || port == 4500; }

/* "  sl local rem st tx:rx tr:when retrnsmt uid timeout inode ..." */
static unsigned read_sockets(struct socket v[SOCKETS_MAX], unsigned n, const char *root, const char *file)
{
	char path[PATH_MAX], line[512];
	struct socket s;
	snprintf(path, sizeof path, "%s/proc/net/%s", root, file);
	FILE *f = fopen(path, "re");
	while (f != NULL && n < SOCKETS_MAX && fgets(line, sizeof line, f) != NULL)
		if (sscanf(line, " %*[^:]: %*[0-9A-Fa-f]:%x %*s %*s %*s %*s %*s %*s %*s %lu", &s.port, &s.inode) == 2 &&
			is_ours(s.port))
			v[n++] = s;
	if (f != NULL)
		fclose(f);
	return n;
}

/* The service that it runs in, from its control group: "0::/system.slice/strongswan.service". */
static void read_unit(char unit[HOST_UNIT], const char *root, int pid)
{
	char name[64], text[1024];
	snprintf(name, sizeof name, "%d/cgroup", pid);
	unit[0] = 0;
	if (!system_file(root, name, text, sizeof text))
		return;
	text[strcspn(text, "\n")] = 0;
	const char *last = strrchr(text, '/');
	size_t n = last != NULL ? strlen(++last) : 0;
	if (n > strlen(".service") && n < HOST_UNIT && strcmp(last + n - strlen(".service"), ".service") == 0 &&
		strspn(last, "abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789_.@-") == n)
		snprintf(unit, HOST_UNIT, "%s", last);
}

static void add_port(struct host *h, const char *root, int pid, unsigned port)
{
	struct host_port p = { .port = port, .pid = pid };
	char name[64];
	snprintf(name, sizeof name, "%d/comm", pid);
	for (unsigned i = 0; i < h->n_ports; i++)
		if (h->ports[i].port == port && h->ports[i].pid == pid)
			return; /* of both address families */
	if (h->n_ports == ARRAY_SIZE(h->ports) || !system_file(root, name, p.program, sizeof p.program))
		return;
	p.program[strcspn(p.program, "\n")] = 0;
	if (strncmp(p.program, OURS, strlen(OURS)) == 0)
		return;
	read_unit(p.unit, root, pid);
	h->ports[h->n_ports++] = p;
}

static void look_at(struct host *h, const char *root, int pid, const struct socket *v, unsigned n)
{
	char path[PATH_MAX], link[64];
	struct dirent *e;
	unsigned long inode;
	snprintf(path, sizeof path, "%s/proc/%d/fd", root, pid);
	DIR *d = opendir(path);
	while (d != NULL && (e = readdir(d)) != NULL) {
		ssize_t len = readlinkat(dirfd(d), e->d_name, link, sizeof link - 1);
		link[len > 0 ? len : 0] = 0;
		if (sscanf(link, "socket:[%lu]", &inode) != 1)
			continue;
		for (unsigned i = 0; i < n; i++)
			if (v[i].inode == inode)
				add_port(h, root, pid, v[i].port);
	}
	if (d != NULL)
		closedir(d);
}

void host_read_ports(struct host *h, const char *root)
{
	struct socket v[SOCKETS_MAX];
	char path[PATH_MAX];
	struct dirent *e;
	unsigned n = read_sockets(v, read_sockets(v, 0, root, "udp"), root, "udp6");
	snprintf(path, sizeof path, "%s/proc", root);
	DIR *d = n > 0 ? opendir(path) : NULL;
	while (d != NULL && (e = readdir(d)) != NULL) {
		long pid = strtol(e->d_name, NULL, 10); /* 0: a name of something else */
		if (pid > 0 && pid <= INT_MAX)
			look_at(h, root, (int)pid, v, n);
	}
	if (d != NULL)
		closedir(d);
}
