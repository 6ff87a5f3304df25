/*
 * message.c - what the kernel tells of a traced packet. Only rules that match tell anything; headers come with the first message of each base chain. The number of a
 * packet is used again for others: our own table, which each packet meets first, says whose it is now.
 */
#include <arpa/inet.h>
#include <endian.h>
#include <stdio.h>
#include <string.h>

#include "base/util.h"
#include "nfnl.h"

struct told {
	const struct nlattr *a[NFTA_TRACE_MAX + 1];
	uint8_t family;
};

static bool read_told(struct told *t, const void *message, size_t size)
{
	const struct nlmsghdr *h = message;
	const struct nlattr *a;
	*t = (struct told){ .family = 0 };
	if (!mnl_nlmsg_ok(h, (int)size) || h->nlmsg_type != (NFNL_SUBSYS_NFTABLES << 8 | NFT_MSG_TRACE) ||
		mnl_nlmsg_get_payload_len(h) < sizeof(struct nfgenmsg))
		return false;
	t->family = ((const struct nfgenmsg *)mnl_nlmsg_get_payload(h))->nfgen_family;
	mnl_attr_for_each(a, h, sizeof(struct nfgenmsg)) if (mnl_attr_get_type(a) <= NFTA_TRACE_MAX)
		t->a[mnl_attr_get_type(a)] = a;
	return true;
}

static uint32_t number(const struct nlattr *a)
{
	return a != NULL && mnl_attr_get_payload_len(a) >= sizeof(uint32_t) ? ntohl(mnl_attr_get_u32(a)) : 0;
}

static void name(char to[WATCH_NAME], const struct nlattr *a)
{
	snprintf(to, WATCH_NAME, "%.*s", a != NULL ? (int)mnl_attr_get_payload_len(a) : 0,
		a != NULL ? (const char *)mnl_attr_get_payload(a) : "");
}

static const char *family_word(uint8_t family)
{
	switch (family) {
	case NFPROTO_INET: return "inet";
	case NFPROTO_IPV4: return "ip";
	case NFPROTO_IPV6: return "ip6";
	case NFPROTO_ARP: return "arp";
	case NFPROTO_NETDEV: return "netdev";
	case NFPROTO_BRIDGE: return "bridge";
	}
	return "?";
}

static const char *verdict_word_of(int32_t code)
{
	switch (code) {
	case NF_DROP: return "drop";
	case NF_ACCEPT: return "accept";
	case NF_STOLEN: return "stolen";
	case NF_QUEUE: return "queue";
	case NFT_CONTINUE: return "continue";
	case NFT_BREAK: return "break";
	case NFT_JUMP: return "jump";
	case NFT_GOTO: return "goto";
	case NFT_RETURN: return "return";
	}
	return "?";
}

static struct watch_rule rule_of(const struct told *t)
{
	struct watch_rule r = { .policy = number(t->a[NFTA_TRACE_TYPE]) == NFT_TRACETYPE_POLICY, .n = 1 };
	const struct nlattr *v;
	int32_t code = NFT_CONTINUE;
	snprintf(r.family, sizeof r.family, "%s", family_word(t->family));
	name(r.table, t->a[NFTA_TRACE_TABLE]);
	name(r.chain, t->a[NFTA_TRACE_CHAIN]);
	if (t->a[NFTA_TRACE_RULE_HANDLE] != NULL && mnl_attr_get_payload_len(t->a[NFTA_TRACE_RULE_HANDLE]) >= sizeof(uint64_t))
		r.handle = be64toh(mnl_attr_get_u64(t->a[NFTA_TRACE_RULE_HANDLE]));
	if (r.policy)
		code = (int32_t)number(t->a[NFTA_TRACE_POLICY]);
	else if (t->a[NFTA_TRACE_VERDICT] != NULL)
		mnl_attr_for_each_nested(v, t->a[NFTA_TRACE_VERDICT])
		{
			if (mnl_attr_get_type(v) == NFTA_VERDICT_CODE)
				code = (int32_t)number(v);
			else if (mnl_attr_get_type(v) == NFTA_VERDICT_CHAIN)
				name(r.target, v);
		}
	r.drop = code == NF_DROP;
	snprintf(r.verdict, sizeof r.verdict, "%s",
		verdict_word_of(code & NF_VERDICT_MASK && code > 0 ? code & NF_VERDICT_MASK : code));
	return r;
}

/* A rule is listed once, with how many packets met it. */
static const struct watch_rule *keep(struct watch_seen *s, const struct watch_rule *r)
{
	for (unsigned i = 0; i < s->n_rules; i++) {
		struct watch_rule *have = &s->rules[i];
		if (have->handle != r->handle || have->policy != r->policy || strcmp(have->family, r->family) != 0 ||
			strcmp(have->table, r->table) != 0 || strcmp(have->chain, r->chain) != 0 ||
			strcmp(have->verdict, r->verdict) != 0)
			continue;
		have->n++;
		return have;
	}
	if (s->n_rules == WATCH_RULES) {
		s->cut = true;
		return NULL;
	}
	s->rules[s->n_rules] = *r;
	return &s->rules[s->n_rules++];
}

static void keep_header(struct watch *w, const struct told *t)
{
	const struct nlattr *net = t->a[NFTA_TRACE_NETWORK_HEADER], *above = t->a[NFTA_TRACE_TRANSPORT_HEADER];
	if (w->network != 0 || net == NULL || above == NULL ||
		mnl_attr_get_payload_len(net) + mnl_attr_get_payload_len(above) > sizeof w->header)
		return;
	w->network = mnl_attr_get_payload_len(net);
	w->transport = mnl_attr_get_payload_len(above);
	memcpy(w->header, mnl_attr_get_payload(net), w->network);
	memcpy(w->header + w->network, mnl_attr_get_payload(above), w->transport);
}

static enum watch_leg leg_of(const struct watch *w, uint32_t id)
{
	for (size_t i = 0; i < ARRAY_SIZE(w->recent); i++)
		if (w->recent[i].ours && w->recent[i].id == id)
			return w->recent[i].leg;
	return WATCH_LEGS;
}

static void met_us(struct watch *w, uint32_t id, enum watch_leg leg)
{
	size_t at = w->next % ARRAY_SIZE(w->recent);
	for (size_t i = 0; i < ARRAY_SIZE(w->recent); i++)
		if (w->recent[i].ours && w->recent[i].id == id)
			at = i;
	w->next += at == w->next % ARRAY_SIZE(w->recent);
	w->recent[at].id = id;
	w->recent[at].leg = leg;
	w->recent[at].ours = true;
	w->leg[leg].traced++;
}

void watch_take(struct watch *w, const void *message, size_t size)
{
	struct told t;
	if (!read_told(&t, message, size))
		return;
	uint32_t id = number(t.a[NFTA_TRACE_ID]);
	struct watch_rule r = rule_of(&t);
	if (strcmp(r.table, w->table) == 0) {
		enum watch_leg own = marks_leg(r.chain);
		if (!r.policy && r.handle != 0 && own != WATCH_LEGS) {
			met_us(w, id, own);
			if (own == WATCH_INTO)
				keep_header(w, &t);
		}
		return;
	}
	enum watch_leg leg = leg_of(w, id);
	if (leg == WATCH_LEGS)
		return;
	const struct watch_rule *kept = keep(&w->leg[leg], &r);
	if (r.drop) {
		w->leg[leg].dropped++;
		w->leg[leg].killer = kept != NULL ? kept : w->leg[leg].killer;
	}
}
