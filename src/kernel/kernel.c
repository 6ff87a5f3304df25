/*
 * kernel.c - the operations of the real kernel: opening, closing, and the table.
 *
 * Every object of ours bears a mark that arrives with it, in one message; nothing is found by guessing, nothing is flushed. What protects
 * (blackhole routes, blocking policies, the anti-spoofing set) is there before what carries, and goes after it.
 */

#include "state.h"

#include <errno.h>
#include <fcntl.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "base/mem.h"
#include "base/util.h"
#include "codes/feature.h"

/* What it cannot refuse without knowing it: a direction that there is not, an interval of one octet. */
static void find_features(struct kernel *k)
{
	static const struct {
		enum feature feature;
		uint16_t attribute;
		uint8_t bad;
	} rows[] = {
		{ FEATURE_SA_DIRECTION, XSA_DIR, 99 },
		{ FEATURE_NAT_KEEPALIVE, XSA_NAT_KEEPALIVE, 1 },
	};
	for (unsigned i = 0; i < ARRAY_SIZE(rows); i++) {
		xsa_build_probe(&k->scratch, rows[i].attribute, &rows[i].bad, sizeof rows[i].bad);
		int error = nl_get(&k->xfrm, &k->scratch, "ask what this kernel knows", NULL, NULL);
		if (error == -EINVAL || error == -ERANGE)
			k->features |= FEATURE_BIT(rows[i].feature);
	}
}

static int open_sockets(struct kernel *k)
{
	int error = nl_open(&k->xfrm, NETLINK_XFRM, k->why);
	if (error == -EPROTONOSUPPORT)
		return kernel_fail(k, -EOPNOTSUPP, "this kernel has no XFRM (module xfrm_user)");
	if (error != 0)
		return kernel_fail(k, error, "cannot open an XFRM socket: %s", strerror(-error));
	error = nl_open(&k->route, NETLINK_ROUTE, k->why);
	if (error != 0)
		return kernel_fail(k, error, "cannot open a routing socket: %s", strerror(-error));
	error = nl_open(&k->netfilter, NETLINK_NETFILTER, k->why);
	if (error != 0 && error != -EPROTONOSUPPORT)
		return kernel_fail(k, error, "cannot open a netfilter socket: %s", strerror(-error));
	return event_open(k);
}

static int kernel_open(struct kernel **out, kernel_event_fn fn, void *arg)
{
	struct kernel *k = xcalloc(1, sizeof *k);
	k->fn = fn;
	k->arg = arg;
	table_init(&k->by_id, 0); /* no peer chooses these keys */
	table_init(&k->by_ifindex, 0);
	table_init(&k->dests, 0);
	for (unsigned kind = 0; kind < PREFIX_SETS; kind++)
		table_init(&k->sets[kind].all, 0);
	table_init(&k->uplinks, 0);
	table_init(&k->addresses, 0);
	*out = k; /* also after a failure: kernel_why tells, kernel_close frees */
	int error = open_sockets(k);
	char why[NL_WHY];
	memcpy(why, k->why, sizeof why); /* a warning, perhaps */
	if (error == 0)
		find_features(k);
	memcpy(k->why, why, sizeof why);
	return error;
}

static void kernel_close(struct kernel *k)
{
	size_t it = 0;
	if (k == NULL)
		return;
	for (struct tunnel *t; (t = table_next(&k->by_id, &it)) != NULL;)
		tunnel_free(k, t);
	table_release(&k->by_id);
	table_release(&k->by_ifindex);
	peer_route_release(k);
	route_release(k);
	nft_release(k);
	event_close(k);
	nl_close(&k->xfrm);
	nl_close(&k->route);
	nl_close(&k->netfilter);
	wipe(k, sizeof *k);
	free(k);
}

static uint32_t kernel_features(const struct kernel *k) { return k->features; }

static const char *kernel_why(const struct kernel *k) { return k->why; }

/* --- forwarding --- */
static const char *forwarding_file(int family)
{
	return family == AF_INET ? "/proc/sys/net/ipv4/ip_forward" : "/proc/sys/net/ipv6/conf/all/forwarding";
}

static int kernel_forwarding(struct kernel *k, int family)
{
	char c = 0;
	int fd = open(forwarding_file(family), O_RDONLY | O_CLOEXEC);
	if (fd < 0)
		return kernel_fail(k, -errno, "cannot read %s: %s", forwarding_file(family), strerror(errno));
	ssize_t n = read(fd, &c, 1);
	close(fd);
	return n == 1 && c != '0';
}

static int kernel_set_forwarding(struct kernel *k, int family)
{
	int fd = open(forwarding_file(family), O_WRONLY | O_CLOEXEC);
	if (fd < 0)
		return kernel_fail(k, -errno, "cannot write %s: %s", forwarding_file(family), strerror(errno));
	ssize_t n = write(fd, "1\n", 2);
	int error = n == 2 ? 0 : kernel_fail(k, -errno, "cannot write %s: %s", forwarding_file(family), strerror(errno));
	close(fd);
	return error;
}

/* --- the table --- */
const struct kernel_ops kernel_real = {
	.open = kernel_open,
	.close = kernel_close,
	.why = kernel_why,
	.features = kernel_features,
	.fds = kernel_fds,
	.read = kernel_read,
	.adopt = kernel_adopt,
	.held = kernel_held,
	.resume = kernel_resume,
	.reconcile = kernel_reconcile,
	.tunnel_set = kernel_tunnel_set,
	.tunnel_del = kernel_tunnel_del,
	.remove = kernel_remove,
	.tunnel_link = kernel_tunnel_link,
	.peer_routes_renew = kernel_peer_routes_renew,
	.sa_add = kernel_sa_add,
	.sa_switch = kernel_sa_switch,
	.sa_del = kernel_sa_del,
	.sa_move = kernel_sa_move,
	.counters = kernel_counters,
	.path = kernel_path,
	.forwarding = kernel_forwarding,
	.set_forwarding = kernel_set_forwarding,
};
