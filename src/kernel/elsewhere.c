/*
 * elsewhere.c - other programs' routes within guarded prefixes: a LAN of 10.1.0.0/16 beside `routes: 10.0.0.0/8`, an operator's second line, what BGP
 * brought. There what is addressed to a guarded prefix may leave by other interfaces (nft.c). Routes are read as a whole when one of them came
 * or went: the kernel tells neither of those that go with an interface, nor which one a new one replaced.
 */
#include "state.h"

#include <errno.h>
#include <linux/rtnetlink.h>
#include <stdlib.h>

#include "base/mem.h"

struct looking {
	const struct kernel *k;
	unsigned n;
	struct prefix *v;
};

/* All its nexthops lead into tunnels. */
static bool leads_into_tunnels(const struct kernel *k, const struct nlattr *multi)
{
	const uint8_t *p = mnl_attr_get_payload(multi);
	size_t left = mnl_attr_get_payload_len(multi);
	while (left >= sizeof(struct rtnexthop)) {
		const struct rtnexthop *nexthop = (const void *)p;
		size_t n = MNL_ALIGN(nexthop->rtnh_len);
		if (nexthop->rtnh_len < sizeof *nexthop || !ours_ifindex(k, (uint32_t)nexthop->rtnh_ifindex))
			return false;
		if (n >= left)
			return true;
		p += n;
		left -= n;
	}
	return true;
}

bool elsewhere_concerns(const struct kernel *k, const struct route_seen *r)
{
	return r->type == RTN_UNICAST && r->protocol != S2S_RTPROT && r->prefix.len > 1 &&
	       (r->oif == 0 || !ours_ifindex(k, r->oif)) && nft_guards(k, &r->prefix);
}

static void see_route(void *arg, const struct nlmsghdr *h)
{
	struct looking *l = arg;
	struct route_seen seen;
	struct attrs a;
	if (!route_read(&seen, h) || !elsewhere_concerns(l->k, &seen))
		return;
	attrs_read(&a, h, sizeof(struct rtmsg));
	if (a.v[RTA_MULTIPATH] != NULL && leads_into_tunnels(l->k, a.v[RTA_MULTIPATH]))
		return;
	l->v = xrealloc_array(l->v, l->n + 1, sizeof *l->v);
	l->v[l->n++] = prefix_mask(&seen.prefix);
}

int elsewhere_look(struct kernel *k)
{
	static const uint8_t families[] = { AF_INET, AF_INET6 };
	struct looking l = { .k = k };
	int error = 0;
	if (!k->elsewhere_old)
		return 0;
	for (unsigned i = 0; i < 2 && error == 0; i++) {
		unsigned before = l.n, tries = 0;
		do {
			l.n = before;
			struct rtmsg *r = nlm_begin(&k->scratch, RTM_GETROUTE, 0, sizeof *r);
			r->rtm_family = families[i]; /* of all tables: who has tables of their own has rules for them */
			error = nl_dump(&k->route, &k->scratch, "list routes", see_route, &l);
		} while (error == -EINTR && ++tries < 3);
		if (error == -ENOENT || error == -EAFNOSUPPORT || error == -EOPNOTSUPP) /* no such family here */
			error = 0;
	}
	/* What could not be read is not gone: it stays as it was until the next look. */
	if (error == 0)
		nft_elsewhere(k, l.v, l.n);
	free(l.v);
	return error;
}
