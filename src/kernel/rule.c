/*
 * rule.c - the rules that send what goes to a peer to PEER_TABLE.
 *
 * By the mark, one per family, as long as there are tunnels. The kernel's own check of sources (rp_filter) looks for the way back without that
 * mark, and would drop what a peer sends as soon as a route into a tunnel (rp_filter 1) or an unreachable one (2, too) covers the peer. So while
 * PEER_TABLE has an IPv4 route, three more rules say the same of what this machine itself sends as ESP or from IKE's ports, as which a look for
 * the way back counts. The kernel tells such a look the protocol and ports only when a rule asks for them that is not of interface lo
 * (fib_rule_requires_fldissect): that is the fourth, of an interface that does not exist. Then the kernel looks into every packet that it
 * routes; they are not there without need.
 */
#include <netinet/in.h>

#include "own.h"
#include "state.h"

#include <errno.h>
#include <linux/fib_rules.h>
#include <linux/rtnetlink.h>
#include <string.h>

#include "base/util.h"

static const struct rule_row {
	uint8_t family;
	const char *iif;  /* NULL: by the mark. Otherwise of packets from this interface, ... */
	uint8_t ip_proto; /* ... of this protocol, ... */
	uint16_t sport;   /* ... and from this port, unless 0 */
} rows[RULES_MAX] = {
	{ AF_INET, NULL, 0, 0 }, { AF_INET6, NULL, 0, 0 }, { AF_INET, "lo", IPPROTO_ESP, 0 },
	{ AF_INET, "lo", IPPROTO_UDP, IKE_PORT }, { AF_INET, "lo", IPPROTO_UDP, IKE_NAT_PORT },
	{ AF_INET, "s2s/none", IPPROTO_ESP, 0 }, /* no interface can have that name */
};

bool rule_wanted(const struct kernel *k, unsigned i)
{
	return table_count(&k->by_id) > 0 && (rows[i].iif == NULL || k->peer_routes_set4 > 0);
}

bool rule_is_ipv6(unsigned i) { return rows[i].family == AF_INET6; }

static void build(struct nlm *m, uint16_t type, uint16_t flags, const struct rule_row *r)
{
	struct fib_rule_hdr *head = nlm_begin(m, type, flags, sizeof *head);
	head->family = r->family;
	head->action = FR_ACT_TO_TBL;
	nlm_put_u32(m, FRA_TABLE, PEER_TABLE);
	nlm_put_u32(m, FRA_PRIORITY, PEER_RULE_PRIORITY);
	nlm_put_u8(m, FRA_PROTOCOL, S2S_RTPROT);
	if (r->iif == NULL) {
		nlm_put_u32(m, FRA_FWMARK, PEER_MARK);
		nlm_put_u32(m, FRA_FWMASK, PEER_RULE_MASK);
		return;
	}
	nlm_put_text(m, FRA_IIFNAME, r->iif);
	nlm_put_u8(m, FRA_IP_PROTO, r->ip_proto);
	struct fib_rule_port_range port = { r->sport, r->sport };
	if (r->sport != 0)
		nlm_put(m, FRA_SPORT_RANGE, &port, sizeof port);
}

int rule_put(struct kernel *k, unsigned i)
{
	build(&k->scratch, RTM_NEWRULE, NLM_F_CREATE | NLM_F_EXCL, &rows[i]);
	int error = nl_call(&k->route, &k->scratch, "set a rule for packets to peers", EEXIST);
	k->rule_there[i] = error == 0;
	if (error == -EAFNOSUPPORT && rows[i].family == AF_INET6) { /* a kernel without IPv6 */
		k->why[0] = 0;
		k->rule_there[i] = true;
		return 0;
	}
	if (error == -EOPNOTSUPP)
		return kernel_fail(
			k, 0, "this kernel has no policy routing: a route that covers a peer leads its packets into the tunnel");
	return error;
}

static int drop(struct kernel *k, unsigned i)
{
	build(&k->scratch, RTM_DELRULE, 0, &rows[i]);
	k->rule_there[i] = false;
	return nl_call(&k->route, &k->scratch, "remove a rule for packets to peers", ENOENT);
}

int rule_sync(struct kernel *k)
{
	int first = 0;
	for (unsigned i = 0; i < RULES_MAX; i++) {
		bool wanted = rule_wanted(k, i);
		if (wanted && !k->rule_there[i])
			first = first_error(first, rule_put(k, i));
		else if (!wanted && k->rule_there[i])
			first = first_error(first, drop(k, i));
	}
	return first;
}

/* --- what is there --- */
static bool is_row(const struct rule_row *r, const struct attrs *a, uint8_t family)
{
	const uint8_t *proto = attr_data(a, FRA_IP_PROTO, 1);
	const struct fib_rule_port_range *port = attr_data(a, FRA_SPORT_RANGE, sizeof *port);
	if (family != r->family || attr_u32(a, FRA_TABLE, 0) != PEER_TABLE || attr_u32(a, FRA_PRIORITY, 0) != PEER_RULE_PRIORITY)
		return false;
	if (r->iif == NULL)
		return attr_u32(a, FRA_FWMARK, 0) == PEER_MARK && attr_u32(a, FRA_FWMASK, 0) == PEER_RULE_MASK && proto == NULL;
	return attr_u32(a, FRA_FWMARK, 0) == 0 && proto != NULL && *proto == r->ip_proto &&
	       strcmp(attr_text(a, FRA_IIFNAME), r->iif) == 0 && (port != NULL ? port->start : 0) == r->sport;
}

bool rule_read(struct rule_seen *seen, const struct nlmsghdr *h)
{
	const struct fib_rule_hdr *head = nlm_fixed(h, sizeof *head);
	struct attrs a;
	memset(seen, 0, sizeof *seen);
	if (head == NULL || (h->nlmsg_type != RTM_NEWRULE && h->nlmsg_type != RTM_DELRULE))
		return false;
	attrs_read(&a, h, sizeof *head);
	const uint8_t *protocol = attr_data(&a, FRA_PROTOCOL, 1);
	seen->size = h->nlmsg_len - MNL_NLMSG_HDRLEN;
	if (protocol == NULL || *protocol != S2S_RTPROT || seen->size > sizeof seen->body)
		return false;
	memcpy(seen->body, mnl_nlmsg_get_payload(h), seen->size);
	seen->row = -1;
	for (unsigned i = 0; i < RULES_MAX; i++)
		if (is_row(&rows[i], &a, head->family))
			seen->row = (int)i;
	return true;
}

int rule_dump(struct kernel *k, int family, nl_fn fn, void *arg)
{
	struct fib_rule_hdr *head = nlm_begin(&k->scratch, RTM_GETRULE, 0, sizeof *head);
	head->family = (uint8_t)family;
	int error = nl_dump(&k->route, &k->scratch, "list rules", fn, arg);
	if (error == -EAFNOSUPPORT || error == -EOPNOTSUPP) {
		k->why[0] = 0; /* no IPv6, no policy routing: no rules */
		return 0;
	}
	return error;
}

int rule_delete_seen(struct kernel *k, const struct rule_seen *seen)
{
	memcpy(nlm_begin(&k->scratch, RTM_DELRULE, 0, seen->size), seen->body, seen->size);
	return nl_call(&k->route, &k->scratch, "remove a rule", ENOENT);
}
