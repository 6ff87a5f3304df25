/*
 * ways.c - see ways.h. The kernel is asked over rtnetlink, which needs no rights and sends nothing.
 */
#include "ways.h"

#include <linux/rtnetlink.h>
#include <net/if.h>
#include <poll.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

#include "base/path.h"
#include "base/util.h"
#include "ctl/system.h"

#define PATIENCE 2000 /* ms for an answer of the kernel */
#define TABLE_FILE ((size_t)1 << 20)

/* ---------------------------------------------------------------- one question */
struct question {
	struct nlmsghdr h;
	struct rtmsg r;
	uint8_t room[96];
};

static void put(struct question *q, uint16_t type, const void *data, size_t n)
{
	struct rtattr *a = (struct rtattr *)((uint8_t *)q + NLMSG_ALIGN(q->h.nlmsg_len));
	a->rta_type = type;
	a->rta_len = (uint16_t)RTA_LENGTH(n);
	memcpy(RTA_DATA(a), data, n);
	q->h.nlmsg_len = (uint32_t)(NLMSG_ALIGN(q->h.nlmsg_len) + RTA_ALIGN(a->rta_len));
}

static unsigned out_of(const struct nlmsghdr *h)
{
	const struct rtmsg *r = NLMSG_DATA(h);
	int left = (int)RTM_PAYLOAD(h);
	unsigned index = 0;
	for (const struct rtattr *a = RTM_RTA(r); RTA_OK(a, left); a = RTA_NEXT(a, left))
		if (a->rta_type == RTA_OIF && RTA_PAYLOAD(a) == sizeof index)
			memcpy(&index, RTA_DATA(a), sizeof index);
	return r->rtm_type == RTN_UNICAST ? index : 0;
}

/* The device by which this machine sends to an address; "" when it sends nowhere, or nobody says. from: family 0 = any; mark 0 = none. */
static void device_to(int fd, const struct addr *to, const struct addr *from, uint32_t mark, char name[IF_NAMESIZE])
{
	struct question q = {
		.h = { .nlmsg_len = NLMSG_LENGTH(sizeof(struct rtmsg)), .nlmsg_type = RTM_GETROUTE, .nlmsg_flags = NLM_F_REQUEST }
	};
	union {
		struct nlmsghdr h;
		uint8_t bytes[4096];
	} answer;
	struct pollfd p = { .fd = fd, .events = POLLIN };
	name[0] = 0;
	q.r.rtm_family = to->family;
	q.r.rtm_dst_len = (uint8_t)(8 * addr_bytes(to).n);
	put(&q, RTA_DST, to->ip, addr_bytes(to).n);
	if (from != NULL && from->family == to->family)
		put(&q, RTA_SRC, from->ip, addr_bytes(from).n);
	if (mark != 0)
		put(&q, RTA_MARK, &mark, sizeof mark);
	if (send(fd, &q, q.h.nlmsg_len, 0) < 0 || poll(&p, 1, PATIENCE) <= 0)
		return;
	ssize_t n = recv(fd, &answer, sizeof answer, 0);
	if (n <= 0 || !NLMSG_OK(&answer.h, (unsigned)n) || answer.h.nlmsg_type != RTM_NEWROUTE)
		return;
	unsigned index = out_of(&answer.h);
	if (index == 0 || if_indextoname(index, name) == NULL)
		name[0] = 0;
}

/* ---------------------------------------------------------------- peers */
static void read_peers(struct host *h, const struct conf *c, int fd)
{
	for (uint32_t i = 0; i < c->n && i < h->n_paths; i++) {
		const struct tunnel_conf *t = c->tunnels[i];
		if (t->local.family == 0 || addr_is_any(&t->local) || t->local.family != t->remote.family)
			continue;
		device_to(fd, &t->remote, &t->local, PEER_MARK, h->paths[i].out);
		device_to(fd, &t->remote, &t->local, 0, h->paths[i].back);
	}
}

/* ---------------------------------------------------------------- networks of the interfaces */
/* A host of the network that is not ourselves: the first ones and the last. */
static struct addr host_number(const struct prefix *p, unsigned number, bool from_end)
{
	struct prefix net = prefix_mask(p);
	struct addr a = net.addr;
	uint32_t size = p->len < 32 ? 1u << (32 - p->len) : 1, k = from_end ? size - 1 - number : number;
	for (int i = 3; i >= 0; i--, k >>= 8)
		a.ip[i] = (uint8_t)(a.ip[i] | (k & 0xff));
	return a;
}

static void read_net(struct host_net *n, int fd, const char *root)
{
	char name[64], device[IF_NAMESIZE];
	snprintf(name, sizeof name, "sys/net/ipv4/conf/%s/rp_filter", n->interface);
	n->rp_filter = system_number(root, name);
	if (n->prefix.addr.family != AF_INET || n->prefix.len > 30 || !n->carries)
		return;
	for (unsigned k = 0; k < 2 && n->elsewhere[0] == 0; k++) {
		struct addr a = host_number(&n->prefix, 1, k == 1);
		if (addr_same_ip(&a, &n->prefix.addr))
			a = host_number(&n->prefix, 2, k == 1);
		device_to(fd, &a, NULL, 0, device);
		if (device[0] != 0 && strcmp(device, n->interface) != 0)
			snprintf(n->elsewhere, sizeof n->elsewhere, "%s", device);
	}
}

/* ---------------------------------------------------------------- gateways */
/* A default route of the main table by that device, also one that another is preferred to: /proc/net/route, numbers in the machine's order. */
static void read_gateways(struct host *h, const char *root)
{
	char *text = malloc(TABLE_FILE), *rest = text, *line;
	bool read = text != NULL && system_file(root, "net/route", text, TABLE_FILE);
	while (read && (line = strsep(&rest, "\n")) != NULL) {
		char device[IF_NAMESIZE];
		uint32_t to, gateway, mask;
		if (sscanf(line, "%15s %x %x %*x %*d %*d %*d %x", device, &to, &gateway, &mask) != 4 || to != 0 || mask != 0)
			continue;
		for (unsigned i = 0; i < h->n_nets; i++)
			if (strcmp(h->nets[i].interface, device) == 0) {
				h->nets[i].has_default = true;
				h->nets[i].gateway.family = gateway != 0 ? AF_INET : 0;
				memcpy(h->nets[i].gateway.ip, &gateway, sizeof gateway);
			}
	}
	free(text);
}

/* ---------------------------------------------------------------- router advertisements */
static void add_ra(struct host *h, const char *device, const char *root)
{
	char name[64];
	snprintf(name, sizeof name, "sys/net/ipv6/conf/%s/accept_ra", device);
	if (system_number(root, name) != 1)
		return; /* 2: in spite of forwarding; 0: nobody wants them, or a network manager takes them itself */
	for (unsigned i = 0; i < h->n_ra; i++)
		if (strcmp(h->ra[i], device) == 0)
			return;
	if (h->n_ra < ARRAY_SIZE(h->ra))
		snprintf(h->ra[h->n_ra++], sizeof h->ra[0], "%s", device);
}

/* A default route of the kernel's making (RTF_ADDRCONF), or a global address that will end: dest len src len gateway metric ref use flags device. */
static void read_ra(struct host *h, const char *root)
{
	char *text = malloc(TABLE_FILE), *rest = text, *line, device[IF_NAMESIZE];
	unsigned a, b;
	bool read = text != NULL && system_file(root, "net/ipv6_route", text, TABLE_FILE);
	while (read && (line = strsep(&rest, "\n")) != NULL)
		if (sscanf(line, "00000000000000000000000000000000 %x %*s %*x %*s %*x %*x %*x %x %15s", &a, &b, device) == 3 &&
			a == 0 && (b & 0x00040000) != 0)
			add_ra(h, device, root);
	rest = text;
	read = text != NULL && system_file(root, "net/if_inet6", text, TABLE_FILE);
	/* address index len scope flags device; scope 0 is global, flag 0x80 permanent */
	while (read && (line = strsep(&rest, "\n")) != NULL)
		if (sscanf(line, "%*32s %*x %*x %x %x %15s", &a, &b, device) == 3 && a == 0 && (b & 0x80) == 0)
			add_ra(h, device, root);
	free(text);
}

void host_read_ways(struct host *h, const struct conf *c, const char *root)
{
	int fd = socket(AF_NETLINK, SOCK_RAW | SOCK_CLOEXEC, NETLINK_ROUTE);
	if (fd >= 0) {
		read_peers(h, c, fd);
		for (unsigned i = 0; i < h->n_nets; i++)
			read_net(&h->nets[i], fd, root);
		close(fd);
	}
	read_gateways(h, root);
	read_ra(h, root);
}
