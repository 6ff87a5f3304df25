/*
 * host_network.c - see host_network.h. Numbers come from /proc, addresses and path from sockets that send nothing, routes from netlink, rules from `nft`.
 */
#include "host_network.h"

#include <errno.h>
#include <net/if.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/ioctl.h>
#include <unistd.h>

#include "base/path.h"
#include "ctl/system.h"

/* ---------------------------------------------------------------- /proc */
void host_counters_parse(struct host_counters *c, char *text)
{
	char *line;
	c->n = 0;
	while ((line = strsep(&text, "\n")) != NULL && c->n < HOST_COUNTERS) {
		unsigned long long n;
		if (sscanf(line, "%39s %llu", c->v[c->n].name, &n) == 2 && n > 0)
			c->v[c->n++].n = n;
	}
}

void host_counters_read(struct host_counters *c)
{
	static char text[8192];
	c->n = 0;
	if (system_file("", "net/xfrm_stat", text, sizeof text))
		host_counters_parse(c, text);
}

void host_counters_rise(const struct host_counters *was, const struct host_counters *now, struct host_counters *rise)
{
	rise->n = 0;
	for (unsigned i = 0; i < now->n; i++) {
		uint64_t before = 0;
		for (unsigned k = 0; k < was->n; k++)
			before = strcmp(was->v[k].name, now->v[i].name) == 0 ? was->v[k].n : before;
		if (now->v[i].n <= before)
			continue;
		rise->v[rise->n] = now->v[i];
		rise->v[rise->n++].n -= before;
	}
}

static void read_numbers(struct host_network *w)
{
	w->forward4 = system_number("", "sys/net/ipv4/ip_forward");
	w->forward6 = system_number("", "sys/net/ipv6/conf/all/forwarding");
	char tables[256];
	w->iptables = access("/usr/sbin/iptables", X_OK) == 0 || access("/sbin/iptables", X_OK) == 0;
	w->legacy_rules = system_file("", "net/ip_tables_names", tables, sizeof tables) && tables[0] != 0;
}

/* ---------------------------------------------------------------- interface, path */
static void read_link(struct host_network *w, const char *interface)
{
	struct ifreq r = { 0 };
	int fd = socket(AF_INET, SOCK_DGRAM | SOCK_CLOEXEC, 0);
	if (fd < 0)
		return;
	snprintf(r.ifr_name, sizeof r.ifr_name, "%s", interface);
	w->link = ioctl(fd, SIOCGIFFLAGS, &r) == 0;
	w->link_up = w->link && (r.ifr_flags & IFF_UP) != 0;
	w->link_mtu = w->link && ioctl(fd, SIOCGIFMTU, &r) == 0 ? r.ifr_mtu : SYSTEM_UNKNOWN;
	close(fd);
}

/* ---------------------------------------------------------------- routes */
static void look_up(struct host_route *r, const struct way_facts *facts)
{
	char device[WAY_NAME];
	int error = way_device_to(facts, &r->host, device);
	if (error == ENETUNREACH || error == EHOSTUNREACH || error == EACCES || error == EINVAL)
		r->end = ROUTE_REFUSED;
	else if (error == 0) {
		r->end = ROUTE_DEVICE;
		snprintf(r->device, sizeof r->device, "%s", device);
	}
}

static void read_routes(struct host_network *w, const struct tunnel_conf *t, const struct way_facts *facts)
{
	for (unsigned i = 0; i < t->n_routes && w->n_routes < HOST_ROUTES; i++) {
		struct host_route *r = &w->routes[w->n_routes++];
		r->prefix = t->routes[i];
		r->host = way_host_in(&r->prefix);
		look_up(r, facts);
	}
}

/*
 * The kernel's choice is the first address of the interface that is of one network with the next hop, else its first at all; of one network the first is the
 * primary. An address that is not on the interface is changed for certain, and so is one that is not the first of its network.
 */
static void read_masquerade(struct host_network *w, const struct way_facts *facts)
{
	const struct way_link *out = way_link_named(facts, w->uplink);
	const struct way_address *own = way_own_address(facts, &w->from);
	if (out == NULL || own == NULL)
		return;
	for (unsigned i = 0; i < facts->n_addresses; i++) {
		const struct way_address *a = &facts->addresses[i];
		bool near = own->link != out->index || prefix_contains(&a->prefix, &w->from);
		if (a->link != out->index || a->prefix.addr.family != w->from.family || !near)
			continue;
		if (!addr_same_ip(&a->prefix.addr, &w->from))
			w->masquerade = a->prefix.addr;
		return;
	}
}

void host_network_read(struct host_network *w, const struct tunnel_conf *t, const char *interface, const struct addr *peer,
	json_t *rules, const struct way_facts *facts)
{
	*w = (struct host_network){ .rules = json_incref(rules) };
	w->legacy_rules = json_is_true(json_object_get(rules, "legacy_unread"));
	read_numbers(w);
	read_link(w, interface);
	path_look_up(peer, PEER_MARK, &w->from, &w->path_mtu);
	if (t != NULL && t->local.family != 0 && way_own_address(facts, &t->local) != NULL)
		w->from = t->local; /* what IKE is sent from, whatever the route would choose */
	if (way_device_to(facts, peer, w->uplink) != 0)
		w->uplink[0] = 0;
	read_masquerade(w, facts);
	host_lans_read(w, t, interface);
	if (t != NULL)
		read_routes(w, t, facts);
}

void host_network_release(struct host_network *w)
{
	json_decref(w->rules);
	*w = (struct host_network){ 0 };
}
