/* conntrack.c - what NAT made of a flow: the kernel's entry of it, asked for by the packet's own addresses and ports. */
#include <arpa/inet.h>
#include <errno.h>
#include <linux/netfilter/nf_conntrack_common.h>
#include <linux/netfilter/nfnetlink_conntrack.h>
#include <netinet/in.h>
#include <string.h>

#include "nfnl.h"

struct entry {
	struct addr from[2], to[2]; /* of the original direction, of the reply */
	uint32_t status;
	bool there;
};

/* ---------------------------------------------------------------- the question */
static bool put_ports(struct nlmsghdr *h, uint8_t protocol, const uint8_t *above, size_t size)
{
	uint16_t word;
	struct nlattr *p = mnl_attr_nest_start(h, CTA_TUPLE_PROTO);
	bool echo = protocol == IPPROTO_ICMP || protocol == IPPROTO_ICMPV6,
	     ports = protocol == IPPROTO_TCP || protocol == IPPROTO_UDP;
	mnl_attr_put_u8(h, CTA_PROTO_NUM, protocol);
	if (echo && size >= 6) {
		memcpy(&word, above + 4, sizeof word);
		mnl_attr_put_u16(h, protocol == IPPROTO_ICMP ? CTA_PROTO_ICMP_ID : CTA_PROTO_ICMPV6_ID, word);
		mnl_attr_put_u8(h, protocol == IPPROTO_ICMP ? CTA_PROTO_ICMP_TYPE : CTA_PROTO_ICMPV6_TYPE, above[0]);
		mnl_attr_put_u8(h, protocol == IPPROTO_ICMP ? CTA_PROTO_ICMP_CODE : CTA_PROTO_ICMPV6_CODE, above[1]);
	} else if (ports && size >= 4) {
		memcpy(&word, above, sizeof word);
		mnl_attr_put_u16(h, CTA_PROTO_SRC_PORT, word);
		memcpy(&word, above + 2, sizeof word);
		mnl_attr_put_u16(h, CTA_PROTO_DST_PORT, word);
	}
	mnl_attr_nest_end(h, p);
	return (!echo && !ports) || size >= 6;
}

/* ---------------------------------------------------------------- the answer */
static void read_ip(const struct nlattr *list, struct addr *from, struct addr *to)
{
	const struct nlattr *a;
	mnl_attr_for_each_nested(a, list)
	{
		struct bytes ip = { mnl_attr_get_payload(a), mnl_attr_get_payload_len(a) };
		uint16_t type = mnl_attr_get_type(a);
		if (type == CTA_IP_V4_SRC || type == CTA_IP_V6_SRC)
			addr_from_bytes(from, ip);
		else if (type == CTA_IP_V4_DST || type == CTA_IP_V6_DST)
			addr_from_bytes(to, ip);
	}
}

static void read_tuple(const struct nlattr *tuple, struct entry *e, unsigned which)
{
	const struct nlattr *a;
	mnl_attr_for_each_nested(a, tuple) if (mnl_attr_get_type(a) == CTA_TUPLE_IP) read_ip(a, &e->from[which], &e->to[which]);
}

static int read_entry(const struct nlmsghdr *h, void *arg)
{
	struct entry *e = arg;
	const struct nlattr *a;
	mnl_attr_for_each(a, h, sizeof(struct nfgenmsg))
	{
		uint16_t type = mnl_attr_get_type(a);
		if (type == CTA_TUPLE_ORIG || type == CTA_TUPLE_REPLY)
			read_tuple(a, e, type == CTA_TUPLE_REPLY);
		else if (type == CTA_STATUS && mnl_attr_validate(a, MNL_TYPE_U32) >= 0)
			e->status = ntohl(mnl_attr_get_u32(a));
	}
	e->there = true;
	return MNL_CB_OK;
}

void conntrack_ask(struct nfnl *n, struct watch *w)
{
	char buf[NFNL_ROOM];
	struct entry e = { .there = false };
	bool v6 = w->network >= 40 && w->header[0] >> 4 == 6;
	if (w->network < 20)
		return;
	/* The one answer says that more come, and none does: its end is the acknowledgement. */
	struct nlmsghdr *h = nfnl_begin(n, buf, NFNL_SUBSYS_CTNETLINK, IPCTNL_MSG_CT_GET, v6 ? AF_INET6 : AF_INET, NLM_F_ACK);
	struct nlattr *tuple = mnl_attr_nest_start(h, CTA_TUPLE_ORIG), *ip = mnl_attr_nest_start(h, CTA_TUPLE_IP);
	mnl_attr_put(h, v6 ? CTA_IP_V6_SRC : CTA_IP_V4_SRC, v6 ? 16 : 4, w->header + (v6 ? 8 : 12));
	mnl_attr_put(h, v6 ? CTA_IP_V6_DST : CTA_IP_V4_DST, v6 ? 16 : 4, w->header + (v6 ? 24 : 16));
	mnl_attr_nest_end(h, ip);
	if (!put_ports(h, w->header[v6 ? 6 : 9], w->header + w->network, w->transport))
		return;
	mnl_attr_nest_end(h, tuple);
	int error = nfnl_ask(n, h, h->nlmsg_len, read_entry, &e);
	w->nat.unseen = error != 0 && error != ENOENT;
	if (error != 0 || !e.there)
		return;
	w->nat.there = true;
	w->nat.answered = (e.status & IPS_SEEN_REPLY) != 0;
	if (!addr_same_ip(&e.to[1], &e.from[0]))
		w->nat.source = e.to[1];
	if (!addr_same_ip(&e.from[1], &e.to[0]))
		w->nat.destination = e.from[1];
}
