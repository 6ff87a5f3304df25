/* address.c - the inside addresses on the tunnel interface. Ours carry our protocol number; an operator's own additions stay. */

#include "state.h"

#include <errno.h>
#include <linux/if_addr.h>
#include <linux/rtnetlink.h>
#include <stdlib.h>
#include <string.h>

#include "base/mem.h"

#define SURPLUS_MAX 64

struct sweep {
	const struct tunnel *t;
	unsigned n;
	struct prefix surplus[SURPLUS_MAX];
};

int address_wanted(const struct tunnel *t, const struct prefix *p)
{
	for (unsigned i = 0; i < t->want.n_inside; i++)
		if (t->want.inside[i].len == p->len && addr_same_ip(&t->want.inside[i].addr, &p->addr))
			return (int)i;
	return -1;
}

bool address_read(struct address_seen *seen, const struct nlmsghdr *h)
{
	const struct ifaddrmsg *i = nlm_fixed(h, sizeof *i);
	struct attrs a;
	memset(seen, 0, sizeof *seen);
	if (i == NULL || (h->nlmsg_type != RTM_NEWADDR && h->nlmsg_type != RTM_DELADDR))
		return false;
	attrs_read(&a, h, sizeof *i);
	const uint8_t *proto = attr_data(&a, IFA_PROTO, 1);
	seen->ifindex = i->ifa_index;
	seen->ours = proto != NULL && *proto == S2S_RTPROT;
	seen->prefix = (struct prefix){ .addr = attr_addr(&a, a.v[IFA_LOCAL] != NULL ? IFA_LOCAL : IFA_ADDRESS, i->ifa_family),
		.len = i->ifa_prefixlen };
	return true;
}

static void find_surplus(void *arg, const struct nlmsghdr *h)
{
	struct sweep *s = arg;
	struct address_seen seen;
	if (address_read(&seen, h) && seen.ifindex == s->t->ifindex && seen.ours && address_wanted(s->t, &seen.prefix) < 0 &&
		s->n < SURPLUS_MAX)
		s->surplus[s->n++] = seen.prefix;
}

static void build(struct nlm *m, uint16_t type, uint16_t flags, uint32_t ifindex, const struct prefix *p)
{
	struct ifaddrmsg *i = nlm_begin(m, type, flags, sizeof *i);
	i->ifa_family = p->addr.family;
	i->ifa_prefixlen = p->len;
	i->ifa_index = ifindex;
	nlm_put_addr(m, IFA_LOCAL, &p->addr);
	nlm_put_addr(m, IFA_ADDRESS, &p->addr);
	if (type != RTM_NEWADDR)
		return;
	nlm_put_u8(m, IFA_PROTO, S2S_RTPROT);
	if (p->addr.family == AF_INET6)
		nlm_put_u32(
			m, IFA_FLAGS, IFA_F_NODAD); /* nobody else is on this link, and routes with this source follow at once */
}

int address_sync(struct kernel *k, struct tunnel *t)
{
	struct nlm *m = &k->scratch;
	struct sweep *s = xcalloc(1, sizeof *s);
	s->t = t;
	struct ifaddrmsg *i = nlm_begin(m, RTM_GETADDR, 0, sizeof *i);
	i->ifa_index = t->ifindex;
	int error = nl_dump(&k->route, m, "list the tunnel interface's addresses", find_surplus, s);
	if (error == -EINTR)
		error = 0; /* what is missed now is found next time */
	for (unsigned n = 0; n < t->want.n_inside && error == 0; n++) {
		build(m, RTM_NEWADDR, NLM_F_CREATE | NLM_F_REPLACE, t->ifindex, &t->want.inside[n]);
		nl_add(&k->route, m, "set an inside address", EEXIST);
	}
	for (unsigned n = 0; n < s->n && error == 0; n++) {
		build(m, RTM_DELADDR, 0, t->ifindex, &s->surplus[n]);
		nl_add(&k->route, m, "remove an inside address", EADDRNOTAVAIL);
	}
	free(s);
	return first_error(error, nl_flush(&k->route));
}
