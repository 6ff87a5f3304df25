/*
 * question.c - RTM_GETROUTE: with an input interface the kernel answers as its input path would decide, with the reverse path check and the
 * interface's forwarding. Needs no rights.
 */
#include <errno.h>
#include <linux/rtnetlink.h>
#include <string.h>

#include "leg.h"
#include "netlink.h"

static void take_hop(struct way_answer *a, const struct way_attrs *t, uint8_t family)
{
	const struct rtvia *via = way_data(t, RTA_VIA, sizeof *via + 16);
	a->via = way_addr(t, RTA_GATEWAY, family);
	if (via != NULL && via->rtvia_family == AF_INET6)
		addr_from_bytes(&a->via, bytes_of(via->rtvia_addr, 16));
}

static void take_answer(void *arg, const struct nlmsghdr *h)
{
	struct way_answer *a = arg;
	struct way_attrs t;
	const struct rtmsg *r = way_fixed(h, sizeof *r);
	if (r == NULL)
		return;
	way_attrs(&t, h, sizeof *r);
	a->type = r->rtm_type;
	a->table = way_u32(&t, RTA_TABLE, r->rtm_table);
	a->out = way_u32(&t, RTA_OIF, 0);
	a->source = way_addr(&t, RTA_PREFSRC, r->rtm_family);
	a->protocol = r->rtm_protocol;
	take_hop(a, &t, r->rtm_family);
	/* IPv6 answers with the route as it stands in the table but for unicast, whose error is in the metrics. */
	if (r->rtm_family == AF_INET6 && (a->type == RTN_UNREACHABLE || a->type == RTN_PROHIBIT || a->type == RTN_BLACKHOLE))
		a->error = a->type == RTN_PROHIBIT ? EACCES : a->type == RTN_BLACKHOLE ? EINVAL : EHOSTUNREACH;
}

/* Of the route itself: what it covers, who made it. */
static void take_match(void *arg, const struct nlmsghdr *h)
{
	struct way_answer *a = arg;
	struct way_attrs t;
	const struct rtmsg *r = way_fixed(h, sizeof *r);
	if (r == NULL)
		return;
	way_attrs(&t, h, sizeof *r);
	a->prefix = (struct prefix){ way_addr(&t, RTA_DST, r->rtm_family), r->rtm_dst_len };
	a->prefix.addr.family = r->rtm_family;
	a->protocol = r->rtm_protocol;
	a->shared = t.v[RTA_MULTIPATH] != NULL;
}

static void request(struct way_request *r, const struct way_question *q, unsigned flags)
{
	struct rtmsg *m = way_request(r, RTM_GETROUTE, sizeof *m);
	uint8_t bits = q->to.family == AF_INET6 ? 128 : 32;
	m->rtm_family = q->to.family;
	m->rtm_dst_len = bits;
	m->rtm_src_len = q->from.family != 0 ? bits : 0;
	m->rtm_flags = q->to.family == AF_INET6 ? flags & RTM_F_FIB_MATCH : flags;
	way_request_addr(r, RTA_DST, &q->to);
	way_request_addr(r, RTA_SRC, &q->from);
	if (q->in != 0)
		mnl_attr_put_u32(&r->head, RTA_IIF, q->in);
	if (q->mark != 0)
		mnl_attr_put_u32(&r->head, RTA_MARK, q->mark);
}

void way_route(const struct way_facts *f, const struct way_question *q, struct way_answer *a)
{
	struct way_request r;
	*a = (struct way_answer){ 0 };
	request(&r, q, RTM_F_LOOKUP_TABLE);
	int error = way_ask(f->socket, f->socket->route, &r, false, take_answer, a);
	if (error != 0)
		a->error = -error;
	if (a->error != 0)
		return;
	request(&r, q, RTM_F_LOOKUP_TABLE | RTM_F_FIB_MATCH);
	way_ask(f->socket, f->socket->route, &r, false, take_match, a); /* else the prefix is not known */
}

void way_asked_read(const struct way_facts *f, struct way_asked *a, const struct addr *trusted)
{
	const struct way_question *q = &a->q;
	way_route(f, q, &a->as_it_comes);
	way_route(f, &(struct way_question){ .to = q->to, .mark = q->mark }, &a->plain);
	/* With our own address as its source the kernel can be asked for the way back as its check would ask. */
	if (q->from.family != 0)
		way_route(f, &(struct way_question){ .from = a->kind == LEG_ARRIVAL ? q->to : (struct addr){ 0 }, .to = q->from },
			&a->reverse);
	a->trusted = a->as_it_comes;
	if (a->kind == LEG_BACK && a->as_it_comes.error != 0 && trusted != NULL && trusted->family == q->to.family)
		way_route(f, &(struct way_question){ .in = q->in, .from = *trusted, .to = q->to, .mark = q->mark }, &a->trusted);
}
