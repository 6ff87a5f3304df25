/*
 * leg.c - one direction of the way, judged by the kernel's answers. What the answers do not say, as it is (measured on 6.1 and 6.18):
 *
 *   - IPv4 refuses with EHOSTUNREACH for an interface that does not forward and for an `unreachable` route; the setting tells them apart.
 *     IPv6 answers as if it forwarded, and conf.all alone counts.
 *   - The reverse path check refuses with EXDEV, on new kernels with EINVAL, which is also that for a source of this machine's own.
 *   - Decrypted packets are exempt from that check, but the answer is as if they were not: they are asked for again, from a trusted source.
 *   - Policies are not looked at at all.
 */
#include <errno.h>
#include <linux/rtnetlink.h>
#include <stdio.h>
#include <string.h>

#include "leg.h"

#define V6(a) ((a)->q.to.family == AF_INET6)

/* ---------------------------------------------------------------- where it comes in */
static void arrives(const struct way_facts *f, const struct way_asked *a, struct way_leg *leg)
{
	char from[ADDR_TEXT];
	const struct way_link *in = way_link(f, a->q.in);
	addr_format(&a->q.from, from);
	if (in == NULL)
		way_add(leg, PART_ARRIVES, WAY_FINE, "", "this machine sends it itself, from %s",
			a->q.from.family != 0 ? from : "an address that the route chooses");
	else
		way_add(leg, PART_ARRIVES, WAY_FINE, in->name, "a packet from %s arrives on %s%s", from, in->name,
			in->kind == LINK_TUNNEL ? ", decrypted"
			: in->running           ? ""
						: ", which has no carrier now");
}

/* An address that both ends have: what claims to come from us is dropped, what goes there ends here. */
static bool own_addresses(const struct way_facts *f, const struct way_asked *a, struct way_leg *leg)
{
	char text[ADDR_TEXT];
	const struct way_address *from = way_own_address(f, &a->q.from), *to = way_own_address(f, &a->q.to);
	const struct way_link *in = way_link(f, a->q.in);
	if (from != NULL && in != NULL && in->accept_local <= 0)
		way_add(leg, PART_ARRIVES, WAY_OWN_ADDRESS, addr_format(&a->q.from, text),
			"%s is this machine's own address, on %s: a packet from outside with that source is dropped", text,
			way_link_name(f, from->link));
	else if (to != NULL && a->kind == LEG_INTO)
		way_add(leg, PART_ROUTE, WAY_OWN_ADDRESS, addr_format(&a->q.to, text),
			"%s is this machine's own address, on %s: packets to it never enter the tunnel", text,
			way_link_name(f, to->link));
	else
		return false;
	return true;
}

/* ---------------------------------------------------------------- forwarding, reverse path */
static bool forwards(const struct way_facts *f, const struct way_asked *a, struct way_leg *leg)
{
	char name[64];
	const struct way_link *in = way_link(f, a->q.in);
	if (in == NULL || a->as_it_comes.type == RTN_LOCAL)
		return true;
	int all = V6(a) ? f->forward6 : f->forward4, here = V6(a) ? all : in->forwarding;
	if (all == 0)
		snprintf(name, sizeof name, "%s", V6(a) ? "net.ipv6.conf.all.forwarding" : "net.ipv4.ip_forward");
	else
		snprintf(name, sizeof name, "net.ipv4.conf.%s.forwarding", in->name);
	if (here == 0)
		way_add(leg, PART_FORWARDING, WAY_FORWARDING, name, "%s is 0: what arrives on %s is not forwarded", name,
			in->name);
	else if (here < 0)
		way_add(leg, PART_FORWARDING, WAY_NOT_SEEN, name, "whether %s forwards could not be read", in->name);
	else
		way_add(leg, PART_FORWARDING, WAY_FINE, "", "%s forwards", in->name);
	return here != 0;
}

static int strictness(const struct way_facts *f, const struct way_link *in)
{
	return in->rp_filter > f->rp_all ? in->rp_filter : f->rp_all;
}

static bool reverse_path(const struct way_facts *f, const struct way_asked *a, struct way_leg *leg)
{
	char from[ADDR_TEXT], name[64];
	const struct way_link *in = way_link(f, a->q.in);
	int error = a->as_it_comes.error, strict = in != NULL ? strictness(f, in) : 0;
	if (in == NULL || V6(a) || a->kind == LEG_BACK || strict <= 0 || (error != EXDEV && error != EINVAL))
		return true;
	/* EINVAL of a refusing route or rule: the source is where it should be, or the check does not mind. */
	bool there = a->reverse.error == 0 && (strict == 2 || a->reverse.out == in->index);
	if (error == EINVAL && there)
		return true;
	snprintf(name, sizeof name, "net.ipv4.conf.%s.rp_filter", f->rp_all >= in->rp_filter ? "all" : in->name);
	addr_format(&a->q.from, from);
	if (a->reverse.error != 0)
		way_add(leg, PART_REVERSE, WAY_REVERSE_PATH, "",
			"%s is %d, and there is no route back to %s: its packets are dropped on %s", name, strict, from,
			in->name);
	else
		way_add(leg, PART_REVERSE, WAY_REVERSE_PATH, in->name,
			"%s is %d, and the way back to %s is through %s: its packets are dropped on %s", name, strict, from,
			way_link_name(f, a->reverse.out), in->name);
	return false;
}

/* ---------------------------------------------------------------- the route */
static void add_rule(const struct way_facts *f, const struct way_asked *a, const struct way_answer *answer, struct way_leg *leg)
{
	char words[160];
	const struct way_rule *r = answer->error == 0 ? way_rule_of(f, &a->q, answer->table) : way_rule_refusing(f, &a->q);
	if (r != NULL)
		way_add(leg, PART_RULE, WAY_FINE, "", "rule %s", way_rule_words(r, words));
}

static bool refused(const struct way_facts *f, const struct way_asked *a, int error, struct way_leg *leg)
{
	char to[ADDR_TEXT], words[160];
	const char *how = error == ENETUNREACH    ? "has no route"
			  : error == EHOSTUNREACH ? "refuses (an `unreachable` route)"
			  : error == EACCES       ? "refuses (`prohibit`)"
			  : error == EINVAL       ? "drops (`blackhole`)"
						  : NULL;
	const struct way_rule *r = error != ENETUNREACH ? way_rule_refusing(f, &a->q) : NULL;
	addr_format(&a->q.to, to);
	if (how == NULL)
		way_add(leg, PART_ROUTE, WAY_NOT_SEEN, "", "the kernel does not answer for %s: %s", to, strerror(error));
	else if (r != NULL)
		way_add(leg, PART_RULE, WAY_NO_ROUTE, to, "the rule %s refuses packets to %s", way_rule_words(r, words), to);
	else
		way_add(leg, PART_ROUTE, WAY_NO_ROUTE, to, "the kernel %s for packets to %s", how, to);
	return false;
}

static bool is_own(const struct way_bounds *b, const char *device)
{
	if (strcmp(device, b->interface) == 0)
		return true;
	for (unsigned i = 0; i < b->n_own; i++)
		if (strcmp(b->own[i], device) == 0)
			return true;
	return false;
}

/* Where it must not lead. Another tunnel of ours may share the route: with several nexthops each direction may take its own. */
static bool leads_wrong(
	const struct way_facts *f, const struct way_bounds *b, const struct way_asked *a, const struct way_answer *r)
{
	const char *out = way_link_name(f, r->out);
	switch (a->kind) {
	case LEG_INTO: return !is_own(b, out);
	case LEG_BACK: return is_own(b, out) || (a->plain.error == 0 && a->plain.out != r->out && r->type != RTN_LOCAL);
	case LEG_OUTSIDE: return is_own(b, out);
	case LEG_ARRIVAL: return r->type != RTN_LOCAL;
	}
	return false;
}

static bool route(const struct way_facts *f, const struct way_bounds *b, const struct way_asked *a, struct way_leg *leg)
{
	char prefix[ADDR_TEXT] = "", via[ADDR_TEXT], table[24], to[ADDR_TEXT];
	const struct way_answer *r = a->kind == LEG_BACK ? &a->trusted : &a->as_it_comes;
	/* What the check of a tunnel's own interface says is not what decrypted packets meet; without a trusted source our own way has to do. */
	if (a->kind == LEG_BACK && (r->error == EXDEV || r->error == EINVAL) && a->plain.error == 0)
		r = &a->plain;
	if (r->error != 0)
		return refused(f, a, r->error, leg);
	add_rule(f, a, r, leg);
	snprintf(leg->out, sizeof leg->out, "%s", r->type == RTN_LOCAL ? "" : way_link_name(f, r->out));
	addr_format(&a->q.to, to);
	if (r->prefix.addr.family != 0)
		prefix_format(&r->prefix, prefix);
	bool wrong = leads_wrong(f, b, a, r);
	if (r->type == RTN_LOCAL)
		way_add(leg, PART_ROUTE, wrong ? WAY_ELSEWHERE : WAY_FINE, "lo", "%s is an address of this machine: it ends here",
			to);
	else
		way_add(leg, PART_ROUTE, wrong ? WAY_ELSEWHERE : WAY_FINE, leg->out,
			"%s: route %s of table %s%s%s, through %s%s%s", to,
			r->prefix.addr.family != 0 && r->prefix.len == 0 ? "default" : prefix, way_table_name(r->table, table),
			r->via.family != 0 ? " via " : "", r->via.family != 0 ? addr_format(&r->via, via) : "", leg->out,
			r->shared ? " (one of several)" : "", wrong ? ": not the way it should take" : "");
	return !wrong;
}

/* ---------------------------------------------------------------- policies */
static void hit(struct way_leg *leg, const struct way_policy *p, const char *where)
{
	char words[200], a[ADDR_TEXT], b[ADDR_TEXT];
	way_policy_words(p, words);
	if (p->block)
		way_add(leg, PART_POLICY, WAY_POLICY, words, "the XFRM policy %s of another program, priority %u, blocks it %s",
			words, p->priority, where);
	else if (p->ends[1].family != 0)
		way_add(leg, PART_POLICY, WAY_POLICY, words,
			"the XFRM policy %s of another program, priority %u, takes it for its own tunnel %s - %s %s", words,
			p->priority, addr_format(&p->ends[0], a), addr_format(&p->ends[1], b), where);
	else
		way_add(leg, PART_POLICY, WAY_POLICY, words,
			"the XFRM policy %s of another program, priority %u, takes it for its own SA %s", words, p->priority,
			where);
}

/* True: it is taken or dropped. */
static bool policy(const struct way_facts *f, struct way_leg *leg, enum way_dir dir, uint32_t if_id, const char *where)
{
	const struct way_policy *p = way_policy_of(f, dir, if_id, &leg->from, &leg->to);
	if (p == NULL || (!p->block && p->templates == 0))
		return false;
	hit(leg, p, where);
	return true;
}

static void policies(const struct way_facts *f, const struct way_bounds *b, const struct way_asked *a, struct way_leg *leg)
{
	const struct way_link *in = way_link(f, a->q.in), *out = way_link_named(f, leg->out);
	bool found = false;
	if (!f->policies_seen) {
		way_add(leg, PART_POLICY, WAY_NOT_SEEN, "", "XFRM policies of other programs could not be read");
		return;
	}
	/* Packets that come out of an XFRM interface are looked up under its if_id, all others under 0. */
	if (in != NULL && in->disable_policy <= 0)
		found |= policy(f, leg, WAY_POLICY_FWD, in->kind == LINK_TUNNEL ? in->if_id : 0, "as it is forwarded");
	if (!found && out != NULL && out->disable_xfrm <= 0)
		found |= policy(f, leg, WAY_POLICY_OUT, 0, "as it leaves");
	if (!found && a->kind == LEG_INTO && b->if_id != 0)
		found |= policy(f, leg, WAY_POLICY_OUT, b->if_id, "within the tunnel's interface");
	if (!found)
		way_add(leg, PART_POLICY, WAY_FINE, "", "no XFRM policy of another program takes it");
}

/* ---------------------------------------------------------------- who gets it next */
static void neighbour(const struct way_facts *f, const struct way_asked *a, struct way_leg *leg)
{
	char text[ADDR_TEXT];
	const struct way_answer *r = a->kind == LEG_BACK && a->trusted.error == 0 ? &a->trusted
				     : a->as_it_comes.error == 0                  ? &a->as_it_comes
										  : &a->plain;
	const struct addr *next = r->via.family != 0 ? &r->via : &a->q.to;
	const struct way_link *out = way_link(f, r->out);
	if (out == NULL || out->kind != LINK_OTHER || leg->out[0] == 0)
		return;
	addr_format(next, text);
	if (!out->up || !out->running) {
		way_add(leg, PART_NEIGHBOUR, WAY_NEIGHBOUR, text, "%s %s: nothing leaves by it", out->name,
			out->up ? "has no carrier" : "is down");
		return;
	}
	const struct way_neighbour *n = way_neighbour(f, r->out, next);
	if (n != NULL && n->failed)
		way_add(leg, PART_NEIGHBOUR, WAY_NEIGHBOUR, text, "%s%s does not answer %s on %s",
			r->via.family != 0 ? "the router " : "the host ", text,
			next->family == AF_INET6 ? "neighbour solicitations" : "ARP", out->name);
	else
		way_add(leg, PART_NEIGHBOUR, WAY_FINE, "",
			n != NULL && n->known ? "%s is known on %s" : "%s has not been looked for on %s lately", text, out->name);
}

void way_judge(const struct way_facts *f, const struct way_bounds *b, const struct way_asked *a, struct way_leg *leg)
{
	*leg = (struct way_leg){ .kind = a->kind, .from = a->q.from, .to = a->q.to };
	if (a->q.in != 0)
		snprintf(leg->in, sizeof leg->in, "%s", way_link_name(f, a->q.in));
	arrives(f, a, leg);
	bool inner = a->kind == LEG_INTO || a->kind == LEG_BACK;
	if (inner && own_addresses(f, a, leg))
		return;
	if (inner && !forwards(f, a, leg))
		return;
	if (!reverse_path(f, a, leg) || !route(f, b, a, leg))
		return;
	if (inner && b->filter != NULL)
		b->filter(b->arg, leg);
	if (inner)
		policies(f, b, a, leg);
	neighbour(f, a, leg);
}
