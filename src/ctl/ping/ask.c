/* ask.c - which tunnel, from where, to where, and what its counters are: the daemon's `show`, and the interface's own; see ping.h. */
#include <ifaddrs.h>
#include <linux/if_link.h>
#include <linux/if_packet.h>
#include <net/if.h>
#include <stdlib.h>
#include <string.h>
#include <sys/ioctl.h>
#include <sys/socket.h>
#include <unistd.h>

#include "base/util.h"
#include "codes/control.h"
#include "ctl/answer.h"
#include "ctl/client.h"
#include "ctl/render.h"
#include "ping.h"

#define QUICK 10

static json_t *show(const struct options *o, const char *tunnel, int *code)
{
	json_t *request = client_request(CONTROL_SHOW), *word = json_string(tunnel);
	json_object_set_new(request, "tunnel", word != NULL ? word : json_string("?"));
	return client_ask(o, request, QUICK, code);
}

/* ---------------------------------------------------------------- counters */
/* AF_PACKET's addresses carry the interface's counters. */
static void count_link(const char *interface, struct ping_counters *c)
{
	struct ifaddrs *all = NULL;
	if (getifaddrs(&all) != 0)
		return;
	for (const struct ifaddrs *i = all; i != NULL; i = i->ifa_next) {
		const struct rtnl_link_stats *s = i->ifa_data;
		/* An interface without an address of its layer, as those of tunnels, has NULL there. */
		bool packets = s != NULL && (i->ifa_addr == NULL || i->ifa_addr->sa_family == AF_PACKET);
		if (!packets || strcmp(i->ifa_name, interface) != 0)
			continue;
		c->link = true;
		c->link_out = s->tx_packets;
		c->link_in = s->rx_packets;
		c->link_damaged = s->rx_errors;
		c->no_sa = s->tx_carrier_errors;
		c->refused = s->tx_aborted_errors;
		c->loop = s->collisions;
	}
	freeifaddrs(all);
}

bool ping_count(const struct options *o, const struct ping_plan *p, struct ping_counters *c, int64_t *heard)
{
	struct options quiet = *o;
	int code;
	*c = (struct ping_counters){ 0 };
	count_link(p->interface, c);
	json_t *answer = show(&quiet, p->tunnel, &code);
	const json_t *t = json_array_get(json_object_get(answer, "tunnels"), 0);
	if (t != NULL) {
		c->sa = true;
		c->sa_out = count_of(t, "packets_out");
		c->sa_in = count_of(t, "packets_in");
		c->sa_damaged = count_of(t, "replay_errors") + count_of(t, "integrity_errors");
		const char *at = word_of(t, "last_heard");
		*heard = at != NULL ? time_parse(at) : 0;
	}
	json_decref(answer);
	return c->sa;
}

static int mtu_of(const char *interface)
{
	struct ifreq r = { 0 };
	int fd = socket(AF_INET, SOCK_DGRAM | SOCK_CLOEXEC, 0);
	snprintf(r.ifr_name, sizeof r.ifr_name, "%s", interface);
	int mtu = fd >= 0 && ioctl(fd, SIOCGIFMTU, &r) == 0 ? r.ifr_mtu : 0;
	if (fd >= 0)
		close(fd);
	return mtu;
}

/* ---------------------------------------------------------------- addresses */
/* The other host of a link of two: /30 and /31, /126 and /127. */
static bool other_end(const struct prefix *p, struct addr *to)
{
	unsigned bits = 8 * (unsigned)addr_bytes(&p->addr).n, last = bits / 8 - 1;
	*to = p->addr;
	if (p->len == bits - 1)
		to->ip[last] ^= 1;
	else if (p->len == bits - 2)
		to->ip[last] ^= 3; /* 1 and 2 of four */
	else
		return false;
	return p->len == bits - 1 || ((p->addr.ip[last] & 3) != 0 && (p->addr.ip[last] & 3) != 3);
}

/* own: of ours, NULL = none is known */
static void add_pair(struct ping_plan *p, const struct addr *from, const struct addr *to, const struct prefix *own)
{
	for (unsigned i = 0; i < p->n; i++)
		if (addr_same_ip(&p->pair[i].to, to))
			return;
	if (p->n < ARRAY_SIZE(p->pair)) {
		p->pair[p->n].from = *from;
		p->pair[p->n].inside = own != NULL && prefix_contains(own, to) ? *own : (struct prefix){ 0 };
		p->pair[p->n++].to = *to;
	}
}

static bool address_of(const struct options *o, const char *word, const char *what, struct addr *a, int *code)
{
	char clean[128];
	if (addr_parse(a, word))
		return true;
	*code = ctl_fail(o, CTL_USAGE, "address", "%s '%s' is not an address", what, escaped(clean, sizeof clean, word));
	return false;
}

/* One given address, or the peer's own: of each inside network, and BGP's. */
static bool choose(struct ping_plan *p, const struct options *o, const json_t *t, const char *address, int *code)
{
	struct addr to = { 0 }, from = { 0 };
	const json_t *inside = json_object_get(t, "inside"), *config = json_object_get(t, "config");
	const char *bgp = word_of(config, "bgp.peer");
	if ((address != NULL && !address_of(o, address, "the target", &to, code)) ||
		(o->from != NULL && !address_of(o, o->from, "--from", &from, code)))
		return false;
	if (address == NULL && bgp != NULL && !addr_parse(&to, bgp))
		to.family = 0;
	for (size_t i = 0; i < json_array_size(inside); i++) {
		struct prefix own;
		struct addr other;
		const char *word = json_string_value(json_array_get(inside, i));
		if (word == NULL || !prefix_parse(&own, word))
			continue;
		const struct addr *source = from.family != 0 ? &from : &own.addr;
		if (to.family == own.addr.family && source->family == to.family)
			add_pair(p, source, &to, &own);
		if (address == NULL && other_end(&own, &other) && source->family == other.family && to.family != other.family)
			add_pair(p, source, &other, &own);
	}
	if (p->n == 0 && address != NULL && from.family == to.family)
		add_pair(p, &from, &to, NULL);
	if (p->n > 0)
		return true;
	*code = ctl_fail(o, CTL_FAILED, "no-address",
		address != NULL ? "the tunnel has no inside address of that family: write --from ADDRESS, one of this machine"
				: "which address the peer has inside is not known: write it behind the tunnel's name");
	return false;
}

static bool is_in_udp(const json_t *tunnel)
{
	const char *encapsulation = word_of(json_object_get(tunnel, "ike"), "encapsulation");
	return encapsulation != NULL && strcmp(encapsulation, "udp") == 0;
}

bool ping_in_udp(const struct ping_plan *p)
{
	int code;
	json_t *answer = show(p->o, p->tunnel, &code);
	bool udp = is_in_udp(json_array_get(json_object_get(answer, "tunnels"), 0));
	json_decref(answer);
	return udp;
}

bool ping_ask(struct ping_plan *p, const struct options *o, const char *tunnel, const char *address, int *code)
{
	json_t *answer = show(o, tunnel, code);
	const json_t *t = json_array_get(json_object_get(answer, "tunnels"), 0);
	const char *interface = word_of(t, "interface"), *state = word_of(t, "state"), *name = word_of(t, "name");
	char clean[64];
	bool good = false;
	*p = (struct ping_plan){ .o = o };
	if (answer == NULL)
		return false;
	snprintf(p->tunnel, sizeof p->tunnel, "%s", name != NULL ? name : "?");
	snprintf(p->interface, sizeof p->interface, "%s", interface != NULL ? interface : "?");
	snprintf(p->state, sizeof p->state, "%s", state != NULL ? state : "?");
	p->udp = is_in_udp(t);
	p->mtu = mtu_of(p->interface);
	if (strcmp(p->state, "up") != 0)
		*code = ctl_fail(o, CTL_FAILED, "not-up", "%s is %s: `s2sctl explain %s` says why", p->tunnel,
			escaped(clean, sizeof clean, p->state), p->tunnel);
	else if (p->mtu <= 0)
		*code = ctl_fail(o, CTL_FAILED, "no-interface",
			"there is no interface %s here: run it in the daemon's network namespace",
			escaped(clean, sizeof clean, p->interface));
	else
		good = choose(p, o, t, address, code);
	json_decref(answer);
	return good;
}
