/*
 * host.c - see host.h. Everything is read, nothing is asked of a daemon and nothing is changed; what cannot be read stays unknown.
 */
#include "check/host.h"

#include <dirent.h>
#include <fcntl.h>
#include <ifaddrs.h>
#include <limits.h>
#include <net/if.h>
#include <netinet/in.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>
#include <sys/stat.h>

#include "base/file.h"
#include "base/mem.h"
#include "base/path.h"
#include "base/util.h"
#include "ctl/system.h"
#include "filters.h"
#include "ports.h"
#include "speed.h"
#include "ways.h"

#define SMALL_FILE ((size_t)65536)

/* ---------------------------------------------------------------- numbers of the kernel */
static int number_at(const char *root, const char *name)
{
	char path[160];
	snprintf(path, sizeof path, "sys/net/%s", name);
	return system_number(root, path);
}

static void read_numbers(struct host *h, const char *root)
{
	const struct {
		int *to;
		const char *name;
	} rows[] = {
		{ &h->forward4, "ipv4/ip_forward" },
		{ &h->forward6, "ipv6/conf/all/forwarding" },
		{ &h->rp_all, "ipv4/conf/all/rp_filter" },
		{ &h->rp_default, "ipv4/conf/default/rp_filter" },
		{ &h->hash4, "ipv4/fib_multipath_hash_policy" },
		{ &h->hash6, "ipv6/fib_multipath_hash_policy" },
	};
	for (size_t i = 0; i < ARRAY_SIZE(rows); i++)
		*rows[i].to = number_at(root, rows[i].name);
}

/* ---------------------------------------------------------------- addresses */
static uint8_t mask_length(const struct sockaddr *mask)
{
	struct addr a = { 0 };
	unsigned n = 0;
	if (mask == NULL || !addr_from_sockaddr(&a, mask,
				    mask->sa_family == AF_INET6 ? sizeof(struct sockaddr_in6) : sizeof(struct sockaddr_in)))
		return 128;
	while (n < 8 * addr_bytes(&a).n && (a.ip[n / 8] & (0x80 >> n % 8)) != 0)
		n++;
	return (uint8_t)n;
}

static void add_net(struct host *h, const struct ifaddrs *i)
{
	struct host_net net = { 0 };
	bool v6 = i->ifa_addr != NULL && i->ifa_addr->sa_family == AF_INET6;
	if (i->ifa_addr == NULL || (i->ifa_addr->sa_family != AF_INET && !v6))
		return;
	if (!addr_from_sockaddr(&net.prefix.addr, i->ifa_addr, v6 ? sizeof(struct sockaddr_in6) : sizeof(struct sockaddr_in)))
		return;
	net.prefix.addr.port = 0;
	net.prefix.len = mask_length(i->ifa_netmask);
	if (net.prefix.len > 8 * addr_bytes(&net.prefix.addr).n)
		net.prefix.len = (uint8_t)(8 * addr_bytes(&net.prefix.addr).n);
	snprintf(net.interface, sizeof net.interface, "%s", i->ifa_name);
	net.carries = (i->ifa_flags & IFF_RUNNING) != 0 && (i->ifa_flags & IFF_LOOPBACK) == 0 &&
		      ((i->ifa_flags & IFF_NOARP) == 0 || (i->ifa_flags & IFF_POINTOPOINT) != 0);
	h->nets = xrealloc_array(h->nets, h->n_nets + 1, sizeof *h->nets);
	h->nets[h->n_nets++] = net;
}

static void read_nets(struct host *h)
{
	struct ifaddrs *all = NULL;
	if (getifaddrs(&all) != 0)
		return;
	for (const struct ifaddrs *i = all; i != NULL; i = i->ifa_next)
		add_net(h, i);
	freeifaddrs(all);
}

/* ---------------------------------------------------------------- the way to each peer */
static void read_paths(struct host *h, const struct conf *c, const char *root)
{
	char name[128];
	h->paths = xcalloc(c->n + 1, sizeof *h->paths);
	h->n_paths = c->n;
	for (uint32_t i = 0; i < c->n; i++) {
		path_look_up(&c->tunnels[i]->remote, PEER_MARK, &h->paths[i].from, &h->paths[i].mtu);
		snprintf(name, sizeof name, "ipv4/conf/%s/rp_filter", c->tunnels[i]->interface);
		h->paths[i].rp_filter = number_at(root, name);
	}
}

/* ---------------------------------------------------------------- systemd-networkd */
/* The last assignment wins; systemd takes more spellings of yes and no than the usual ones. */
static void take_line(struct host *h, char *line, bool *network)
{
	static const char *const no[] = { "no", "false", "off", "0", "n", "f" };
	char *value = strchr(line, '='), *end;
	if (line[0] == '[')
		*network = strncmp(line, "[Network]", 9) == 0;
	if (!*network || value == NULL || line[0] == '#' || line[0] == ';')
		return;
	*value++ = 0;
	line[strcspn(line, " \t")] = 0;
	value += strspn(value, " \t");
	for (end = value + strlen(value); end > value && strchr(" \t\r", end[-1]) != NULL;)
		*--end = 0;
	bool deletes = true;
	for (size_t i = 0; i < ARRAY_SIZE(no); i++)
		deletes = deletes && strcasecmp(value, no[i]) != 0;
	if (strcmp(line, "ManageForeignRoutes") == 0)
		h->networkd_routes = deletes;
	if (strcmp(line, "ManageForeignRoutingPolicyRules") == 0)
		h->networkd_rules = deletes;
}

/* Not the ctime: an upgrade of a package changes that of files that stay as they were. */
static void take_time(int64_t *latest, const char *path)
{
	struct stat st;
	if (lstat(path, &st) == 0 && st.st_mtim.tv_sec > *latest)
		*latest = st.st_mtim.tv_sec;
}

static bool take_settings(struct host *h, const char *path)
{
	struct file_text f = { 0 };
	char *rest, *line;
	bool network = false;
	if (file_read(path, SMALL_FILE, &f) != 0)
		return false;
	take_time(&h->networkd_settings, path);
	for (rest = f.text; (line = strsep(&rest, "\n")) != NULL;)
		take_line(h, line + strspn(line, " \t"), &network);
	file_text_release(&f);
	return true;
}

/* Highest first. A file hides those of the same name further down; systemd.unit(5) of drop-ins. */
static const char *const systemd_dirs[] = { "etc", "run", "usr/local/lib", "usr/lib", "lib" };
#define SYSTEMD_DIRS (ARRAY_SIZE(systemd_dirs))

static int is_setting(const struct dirent *d)
{
	size_t n = strlen(d->d_name);
	return n > 5 && strcmp(d->d_name + n - 5, ".conf") == 0;
}

struct dropin {
	char name[NAME_MAX + 1];
	unsigned dir;
};

static int by_name_then_rank(const void *x, const void *y)
{
	const struct dropin *a = x, *b = y;
	int order = strcmp(a->name, b->name);
	return order != 0 ? order : (int)a->dir - (int)b->dir;
}

static void read_dropins(struct host *h, const char *root)
{
	struct dropin *v = NULL;
	unsigned n = 0;
	char path[PATH_MAX];
	for (unsigned d = 0; d < SYSTEMD_DIRS; d++) {
		struct dirent **names = NULL;
		snprintf(path, sizeof path, "%s/%s/systemd/networkd.conf.d", root, systemd_dirs[d]);
		int k = scandir(path, &names, is_setting, NULL);
		for (int i = 0; i < k; i++) {
			v = xrealloc_array(v, n + 1, sizeof *v);
			v[n].dir = d;
			snprintf(v[n++].name, sizeof v->name, "%s", names[i]->d_name);
			free(names[i]);
		}
		free(names);
	}
	if (n > 1)
		qsort(v, n, sizeof *v, by_name_then_rank);
	for (unsigned i = 0; i < n; i++) {
		if (i > 0 && strcmp(v[i].name, v[i - 1].name) == 0)
			continue;
		snprintf(path, sizeof path, "%s/%s/systemd/networkd.conf.d/%s", root, systemd_dirs[v[i].dir], v[i].name);
		take_settings(h, path);
	}
	free(v);
}

static void read_networkd(struct host *h, const char *root)
{
	char path[PATH_MAX];
	struct stat st;
	snprintf(path, sizeof path, "%s/run/systemd/netif/state", root);
	h->networkd = stat(path, &st) == 0;
	/* systemd makes this link anew whenever it starts a unit. */
	snprintf(path, sizeof path, "%s/run/systemd/units/invocation:systemd-networkd.service", root);
	take_time(&h->networkd_since, path);
	h->networkd_routes = h->networkd_rules = true; /* what it does unless told otherwise */
	for (unsigned d = 0; d < SYSTEMD_DIRS; d++) {
		snprintf(path, sizeof path, "%s/%s/systemd/networkd.conf", root, systemd_dirs[d]);
		if (take_settings(h, path))
			break;
	}
	read_dropins(h, root);
}

/* ---------------------------------------------------------------- key files */
#define KEYS_MAX 1000

static void read_keys(struct host *h, const char *key_dir)
{
	struct stat st;
	struct dirent *e;
	h->key_dir_mode = HOST_UNKNOWN;
	DIR *d = key_dir != NULL ? opendir(key_dir) : NULL;
	if (d == NULL)
		return;
	if (fstat(dirfd(d), &st) == 0)
		h->key_dir_mode = (int)(st.st_mode & 07777);
	while ((e = readdir(d)) != NULL && h->n_keys < KEYS_MAX) {
		if (fstatat(dirfd(d), e->d_name, &st, AT_SYMLINK_NOFOLLOW) != 0 || !S_ISREG(st.st_mode) ||
			(st.st_mode & 077) == 0)
			continue;
		h->keys = xrealloc_array(h->keys, h->n_keys + 1, sizeof *h->keys);
		h->keys[h->n_keys++] = (struct host_key){ .name = xstrdup(e->d_name), .mode = st.st_mode & 07777 };
	}
	closedir(d);
}

void host_read(struct host *h, const struct conf *c, const char *key_dir, const char *root)
{
	*h = (struct host){ 0 };
	read_numbers(h, root);
	read_nets(h);
	read_paths(h, c, root);
	read_networkd(h, root);
	read_keys(h, key_dir);
	h->now = (int64_t)time(NULL);
	host_read_ports(h, root, host_ask_kept);
	host_read_ways(h, c, root);
	host_read_filters(h, c);
	host_read_speed(h, c, root);
}

void host_release(struct host *h)
{
	for (unsigned i = 0; i < h->n_keys; i++)
		free(h->keys[i].name);
	free(h->keys);
	free(h->filters);
	free(h->nets);
	free(h->paths);
	*h = (struct host){ 0 };
}
