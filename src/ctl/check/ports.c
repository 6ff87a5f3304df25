/*
 * ports.c - which program has the UDP ports of IKE, found as ss(8) does: the socket's inode in /proc/net/udp, then whose descriptor it is. That needs root;
 * what cannot be seen is left out. What one of our processes has is ours, whoever has it too: systemd keeps copies of our sockets for the next start.
 */
#include "ports.h"

#include <dirent.h>
#include <limits.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "base/util.h"
#include "ctl/spawn.h"
#include "ctl/system.h"

#define SOCKETS_MAX 16
#define OURS "s2sd"
#define MANAGER 1 /* process 1 */
#define KEPT_MOST 65536
#define PATIENCE 3

struct socket {
	unsigned port;
	unsigned long inode;
	bool ours; /* one of our processes has it */
	bool kept; /* the manager keeps it for our unit, whose next start gets it */
};

struct search {
	struct host *h;
	const char *root;
	unsigned n;
	struct socket v[SOCKETS_MAX];
};

static bool is_ikes(unsigned port) { return port == 500 || port == 4500; }

/* "  sl local rem st tx:rx tr:when retrnsmt uid timeout inode ..." */
static unsigned read_sockets(struct socket v[SOCKETS_MAX], unsigned n, const char *root, const char *file)
{
	char path[PATH_MAX], line[512];
	struct socket s = { 0 };
	snprintf(path, sizeof path, "%s/proc/net/%s", root, file);
	FILE *f = fopen(path, "re");
	while (f != NULL && n < SOCKETS_MAX && fgets(line, sizeof line, f) != NULL)
		if (sscanf(line, " %*[^:]: %*[0-9A-Fa-f]:%x %*s %*s %*s %*s %*s %*s %*s %lu", &s.port, &s.inode) == 2 &&
			is_ikes(s.port))
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

static bool read_name(char name[HOST_PROGRAM], const char *root, int pid)
{
	char file[64];
	snprintf(file, sizeof file, "%d/comm", pid);
	if (!system_file(root, file, name, HOST_PROGRAM))
		return false;
	name[strcspn(name, "\n")] = 0;
	return true;
}

static bool is_manager(const char *program, int pid) { return pid == MANAGER && strcmp(program, "systemd") == 0; }

static void add_port(struct search *s, int pid, const char *program, unsigned port)
{
	struct host *h = s->h;
	struct host_port p = { .port = port, .pid = pid, .manager = is_manager(program, pid) };
	for (unsigned i = 0; i < h->n_ports; i++)
		if (h->ports[i].port == port && h->ports[i].pid == pid)
			return; /* of both address families */
	if (h->n_ports == ARRAY_SIZE(h->ports))
		return;
	snprintf(p.program, sizeof p.program, "%s", program);
	read_unit(p.unit, s->root, pid);
	h->ports[h->n_ports++] = p;
}

static void judge(struct search *s, struct socket *v, int pid, const char *program, bool ours)
{
	if (ours)
		v->ours = true;
	else if (!v->ours && !(v->kept && is_manager(program, pid)))
		add_port(s, pid, program, v->port);
}

/* ours: only at processes of ours, else only at those of others. */
static void look_at(struct search *s, int pid, bool ours)
{
	char path[PATH_MAX], link[64], program[HOST_PROGRAM];
	struct dirent *e;
	unsigned long inode;
	if (!read_name(program, s->root, pid) || (strncmp(program, OURS, strlen(OURS)) == 0) != ours)
		return;
	snprintf(path, sizeof path, "%s/proc/%d/fd", s->root, pid);
	DIR *d = opendir(path);
	while (d != NULL && (e = readdir(d)) != NULL) {
		ssize_t len = readlinkat(dirfd(d), e->d_name, link, sizeof link - 1);
		link[len > 0 ? len : 0] = 0;
		if (sscanf(link, "socket:[%lu]", &inode) != 1)
			continue;
		for (unsigned i = 0; i < s->n; i++)
			if (s->v[i].inode == inode)
				judge(s, &s->v[i], pid, program, ours);
	}
	if (d != NULL)
		closedir(d);
}

static void look_at_all(struct search *s, bool ours)
{
	char path[PATH_MAX];
	struct dirent *e;
	snprintf(path, sizeof path, "%s/proc", s->root);
	DIR *d = opendir(path);
	while (d != NULL && (e = readdir(d)) != NULL) {
		long pid = strtol(e->d_name, NULL, 10); /* 0: a name of something else */
		if (pid > 0 && pid <= INT_MAX)
			look_at(s, (int)pid, ours);
	}
	if (d != NULL)
		closedir(d);
}

/* Lines of "name type devno inode ...". Before systemd 254 nobody can tell, and the manager is named like everybody else. */
static void read_kept(struct search *s, host_kept *ask)
{
	char program[HOST_PROGRAM], *rest = NULL;
	unsigned long inode;
	bool others = false;
	for (unsigned i = 0; i < s->n; i++)
		others |= !s->v[i].ours;
	if (!others || !read_name(program, s->root, MANAGER) || !is_manager(program, MANAGER))
		return;
	char *text = ask();
	for (char *line = text != NULL ? strtok_r(text, "\n", &rest) : NULL; line != NULL; line = strtok_r(NULL, "\n", &rest))
		for (unsigned i = 0; i < s->n && sscanf(line, "%*s %*s %*s %lu", &inode) == 1; i++)
			s->v[i].kept |= s->v[i].inode == inode;
	free(text);
}

void host_read_ports(struct host *h, const char *root, host_kept *ask)
{
	struct search s = { .h = h, .root = root };
	s.n = read_sockets(s.v, read_sockets(s.v, 0, root, "udp"), root, "udp6");
	if (s.n == 0)
		return;
	look_at_all(&s, true);
	read_kept(&s, ask);
	look_at_all(&s, false);
}

char *host_ask_kept(void)
{
	static const char *const argv[] = { "systemd-analyze", "--no-pager", "fdstore", "s2sd.service", NULL };
	int status;
	return program_output(argv, KEPT_MOST, PATIENCE, &status);
}
