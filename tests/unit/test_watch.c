/* test_watch.c - what the kernel tells of traced packets, and what is made of it; messages that lie. */
#include <arpa/inet.h>
#include <endian.h>
#include <libmnl/libmnl.h>
#include <linux/netfilter.h>
#include <linux/netfilter/nf_tables.h>
#include <linux/netfilter/nfnetlink.h>
#include <stdlib.h>
#include <string.h>

#include "ctl/explain/watched.h"
#include "schema_help.h"
#include "unit.h"

static char buf[4096];

struct say {
	uint32_t id;
	const char *table, *chain;
	uint64_t handle;
	uint32_t type;
	int32_t verdict;
	const char *target;
};

static const uint8_t ip[20] = { 0x45, 0, 0, 84, 0, 1, 0x40, 0, 64, 1, 0, 0, 10, 1, 0, 10, 10, 20, 0, 10 };
static const uint8_t echo[8] = { 8, 0, 0, 0, 0x12, 0x34, 0, 1 };

static struct nlmsghdr *message(const struct say *s)
{
	struct nlmsghdr *h = mnl_nlmsg_put_header(memset(buf, 0, sizeof buf));
	struct nfgenmsg *g = mnl_nlmsg_put_extra_header(h, sizeof *g);
	h->nlmsg_type = NFNL_SUBSYS_NFTABLES << 8 | NFT_MSG_TRACE;
	g->nfgen_family = NFPROTO_IPV4;
	mnl_attr_put_u32(h, NFTA_TRACE_ID, htonl(s->id));
	mnl_attr_put_strz(h, NFTA_TRACE_TABLE, s->table);
	mnl_attr_put_strz(h, NFTA_TRACE_CHAIN, s->chain);
	mnl_attr_put_u32(h, NFTA_TRACE_TYPE, htonl(s->type));
	if (s->handle != 0)
		mnl_attr_put_u64(h, NFTA_TRACE_RULE_HANDLE, htobe64(s->handle));
	if (s->type == NFT_TRACETYPE_POLICY) {
		mnl_attr_put_u32(h, NFTA_TRACE_POLICY, htonl((uint32_t)s->verdict));
	} else {
		struct nlattr *v = mnl_attr_nest_start(h, NFTA_TRACE_VERDICT);
		mnl_attr_put_u32(h, NFTA_VERDICT_CODE, htonl((uint32_t)s->verdict));
		if (s->target != NULL)
			mnl_attr_put_strz(h, NFTA_VERDICT_CHAIN, s->target);
		mnl_attr_nest_end(h, v);
	}
	mnl_attr_put(h, NFTA_TRACE_NETWORK_HEADER, sizeof ip, ip);
	mnl_attr_put(h, NFTA_TRACE_TRANSPORT_HEADER, sizeof echo, echo);
	return h;
}

static void tell(struct watch *w, const struct say *s)
{
	struct nlmsghdr *h = message(s);
	watch_take(w, h, h->nlmsg_len);
}

static struct watch *watch_new(void)
{
	struct watch *w = calloc(1, sizeof *w);
	ck_assert_ptr_nonnull(w);
	snprintf(w->table, sizeof w->table, "s2sctl-1");
	addr_parse(&w->from, "10.1.0.10");
	addr_parse(&w->to, "10.20.0.10");
	return w;
}

START_TEST(a_packet_is_followed_to_its_end)
{
	struct watch *w = watch_new();
	for (unsigned i = 0; i < 3; i++) {
		tell(w, &(struct say){ 7, "s2sctl-1", "into", 5, NFT_TRACETYPE_RULE, NFT_CONTINUE, NULL });
		tell(w, &(struct say){ 7, "s2sctl-1", "into", 0, NFT_TRACETYPE_POLICY, NF_ACCEPT, NULL });
		tell(w, &(struct say){ 7, "filter", "FORWARD", 9, NFT_TRACETYPE_RULE, NFT_JUMP, "sub" });
		tell(w, &(struct say){ 7, "filter", "sub", 4, NFT_TRACETYPE_RULE, i < 2 ? NF_ACCEPT : NF_DROP, NULL });
	}
	const struct watch_seen *s = &w->leg[WATCH_INTO];
	ck_assert_uint_eq(s->traced, 3);
	ck_assert_uint_eq(s->n_rules, 3);
	ck_assert_uint_eq(s->rules[0].n, 3);
	ck_assert_str_eq(s->rules[0].target, "sub");
	ck_assert_uint_eq(s->dropped, 1);
	ck_assert_ptr_nonnull(s->killer);
	ck_assert_str_eq(s->killer->chain, "sub");
	ck_assert_uint_eq(s->killer->handle, 4);
	ck_assert_uint_eq(w->network, sizeof ip);
	ck_assert_uint_eq(w->transport, sizeof echo);
	free(w);
}
END_TEST

/* The kernel uses a packet's number again: what it says goes to the leg of the one that met us last. */
START_TEST(numbers_come_again)
{
	struct watch *w = watch_new();
	tell(w, &(struct say){ 7, "filter", "FORWARD", 1, NFT_TRACETYPE_RULE, NF_DROP, NULL });
	tell(w, &(struct say){ 7, "s2sctl-1", "into", 5, NFT_TRACETYPE_RULE, NFT_CONTINUE, NULL });
	tell(w, &(struct say){ 7, "filter", "FORWARD", 0, NFT_TRACETYPE_POLICY, NF_ACCEPT, NULL });
	tell(w, &(struct say){ 7, "s2sctl-1", "back", 6, NFT_TRACETYPE_RULE, NFT_CONTINUE, NULL });
	tell(w, &(struct say){ 7, "filter", "FORWARD", 0, NFT_TRACETYPE_POLICY, NF_DROP, NULL });
	ck_assert_uint_eq(w->leg[WATCH_INTO].dropped, 0);
	ck_assert_uint_eq(w->leg[WATCH_INTO].n_rules, 1);
	ck_assert_uint_eq(w->leg[WATCH_BACK].dropped, 1);
	ck_assert(w->leg[WATCH_BACK].killer->policy);
	for (uint32_t i = 0; i < 100; i++)
		tell(w, &(struct say){ 100 + i, "s2sctl-1", "esp-out", 5, NFT_TRACETYPE_RULE, NFT_CONTINUE, NULL });
	tell(w, &(struct say){ 7, "filter", "FORWARD", 2, NFT_TRACETYPE_RULE, NF_DROP, NULL });
	ck_assert_uint_eq(w->leg[WATCH_BACK].dropped, 1);
	free(w);
}
END_TEST

START_TEST(messages_that_lie_are_left)
{
	struct watch *w = watch_new();
	struct say s = { 7, "s2sctl-1", "into", 5, NFT_TRACETYPE_RULE, NFT_CONTINUE, NULL };
	struct nlmsghdr *h = message(&s);
	uint32_t size = h->nlmsg_len;
	for (uint32_t n = 0; n < size; n++) { /* cut short: in a buffer of its own, that the sanitizer looks at */
		char *copy = malloc(n + 1);
		ck_assert_ptr_nonnull(copy);
		memcpy(copy, buf, n);
		watch_take(w, copy, n);
		free(copy);
	}
	ck_assert_uint_eq(w->leg[WATCH_INTO].traced, 0);
	for (uint32_t n = sizeof *h; n < size; n++) { /* a length that is not true, attributes cut */
		h = message(&s);
		h->nlmsg_len = n;
		watch_take(w, h, size);
	}
	h = message(&s);
	for (uint32_t i = sizeof *h + sizeof(struct nfgenmsg); i < size; i++) { /* lengths and types of anything */
		uint8_t was = (uint8_t)buf[i];
		buf[i] = (char)0xff;
		watch_take(w, h, size);
		buf[i] = (char)was;
	}
	for (uint64_t i = 1; i < 200; i++)
		tell(w, &(struct say){ 7, "t\x1b[31m", "c", i, NFT_TRACETYPE_RULE, NF_ACCEPT, "`id`" });
	for (int i = 0; i < WATCH_LEGS; i++)
		ck_assert_uint_le(w->leg[i].n_rules, WATCH_RULES);
	free(w);
}
END_TEST

START_TEST(words_and_json_fit)
{
	struct watch *w = watch_new();
	struct symptoms s = { .name = "t", .interface = "s2s-t" };
	struct link_counts none = { 0 }, some = { .out = 3, .in = 3 };
	char *text = NULL;
	size_t size = 0;
	w->nat.there = true;
	addr_parse(&w->nat.source, "169.254.21.2");
	tell(w, &(struct say){ 7, "s2sctl-1", "into", 5, NFT_TRACETYPE_RULE, NFT_CONTINUE, NULL });
	tell(w, &(struct say){ 7, "t\x1b[31m", "c", 3, NFT_TRACETYPE_RULE, NF_DROP, NULL });
	FILE *to = open_memstream(&text, &size);
	watched_text(w, &s, &none, &(struct watched_legacy){ .loaded = false }, to);
	fclose(to);
	ck_assert_ptr_null(strchr(text, '\x1b'));
	ck_assert_ptr_nonnull(strstr(text, "1 died: dropped or rejected by ip t\\x1b[31m c handle 3"));
	ck_assert_ptr_nonnull(strstr(text, "the source becomes 169.254.21.2"));
	ck_assert_ptr_nonnull(strstr(text, "so: the rule named above drops them"));
	free(text);
	json_t *o = watched_json(w, &s, &some, &(struct watched_legacy){ .loaded = false });
	schema_check("explain.trace", o);
	json_decref(o);
	free(w);
}
END_TEST

/* ---------------------------------------------------------------- what rules of iptables-legacy counted */
#define SAVED_OF(policy, first, second, third, source) \
	"# Generated by iptables-save v1.8.9 on Sun Nov 29\n*filter\n:INPUT ACCEPT [5:420]\n:FORWARD DROP [" policy \
	":99]\n:X - [0:0]\n[" first ":84] -A FORWARD -i lan -m comment --comment \"no -j DROP here\" -j X\n[" second \
	":84] -A FORWARD -i lan -p icmp -j REJECT --reject-with icmp-port-unreachable\n[" third ":84] -A X -s " source \
	" -j DROP\nCOMMIT\n"
#define SAVED(policy, first, second, third) SAVED_OF(policy, first, second, third, "10.1.0.0/24")
#define OLD SAVED("7", "10", "20", "30")

static const struct {
	const char *after;
	bool found;
	const char *chain, *rule;
	unsigned place;
	uint64_t packets;
} grown[] = {
	{ OLD, false, NULL, NULL, 0, 0 },
	{ SAVED("7", "14", "20", "34"), true, "X", "-s 10.1.0.0/24 -j DROP", 1, 4 }, /* the jump counts, too */
	{ SAVED("7", "14", "23", "30"), true, "FORWARD", "-i lan -p icmp -j REJECT --reject-with icmp-port-unreachable", 2, 3 },
	{ SAVED("12", "10", "20", "31"), true, "FORWARD", "", 0, 5 }, /* the most */
	{ SAVED("7", "14", "20", "30"), false, NULL, NULL, 0, 0 },
	{ SAVED("7", "0", "0", "0"), false, NULL, NULL, 0, 0 }, /* set to zero */
	{ SAVED_OF("7", "14", "20", "34", "10.2.0.0/24"), false, NULL, NULL, 0, 0 },
	{ "*filter\n:FORWARD DROP [99:1]\nCOMMIT\n", false, NULL, NULL, 0, 0 }, /* other rules than before */
	{ SAVED("7", "10", "20", "99") "[5:5] -A X -j DROP\n", false, NULL, NULL, 0, 0 },
	{ "", false, NULL, NULL, 0, 0 },
	{ "*\n:\n:x\n[\n[1\n[1:1] -A\n[1:1] -A X\n", false, NULL, NULL, 0, 0 },
};

START_TEST(rules_of_iptables_legacy_count)
{
	struct filter_counted c;
	bool found = filter_legacy_dropped(OLD, grown[_i].after, &c);
	ck_assert_int_eq(found, grown[_i].found);
	if (!found)
		return;
	ck_assert_str_eq(c.table, "filter");
	ck_assert_str_eq(c.chain, grown[_i].chain);
	ck_assert_str_eq(c.rule, grown[_i].rule);
	ck_assert_uint_eq(c.place, grown[_i].place);
	ck_assert_uint_eq(c.packets, grown[_i].packets);
}
END_TEST

/* They are named where no message tells of them; a drop of somebody else's packets is no reason when ours went through. */
START_TEST(a_rule_of_iptables_legacy_is_named)
{
	struct watch *w = watch_new();
	struct symptoms s = { .name = "t", .interface = "s2s-t" };
	struct link_counts none = { 0 }, some = { .out = 3, .in = 3 };
	struct watched_legacy l = { .loaded = true,
		.dropped = true,
		.by = { .table = "filter", .chain = "X\x1b", .rule = "-j DROP", .place = 2, .packets = 3 } };
	char *text = NULL;
	size_t size = 0;
	w->leg[WATCH_INTO].packets = 3;
	FILE *to = open_memstream(&text, &size);
	watched_text(w, &s, &none, &l, to);
	fclose(to);
	ck_assert_ptr_nonnull(
		strstr(text, "iptables-legacy: rule 2 of chain filter X\\x1b dropped 3 packets meanwhile: -j DROP"));
	ck_assert_ptr_nonnull(strstr(text, "so: the rule of iptables-legacy named above drops them"));
	free(text);
	json_t *o = watched_json(w, &s, &none, &l);
	schema_check("explain.trace", o);
	ck_assert_int_eq(json_integer_value(json_object_get(json_object_get(o, "legacy_dropped_by"), "place")), 2);
	json_decref(o);
	w->leg[WATCH_BACK].packets = 3;
	o = watched_json(w, &s, &some, &l);
	ck_assert_ptr_null(strstr(json_string_value(json_object_get(o, "text")), "legacy"));
	json_decref(o);
	free(w);
}
END_TEST

int main(void)
{
	TCase *t = tcase_create("all");
	tcase_add_test(t, a_packet_is_followed_to_its_end);
	tcase_add_test(t, numbers_come_again);
	tcase_add_test(t, messages_that_lie_are_left);
	tcase_add_test(t, words_and_json_fit);
	tcase_add_loop_test(t, rules_of_iptables_legacy_count, 0, sizeof grown / sizeof *grown);
	tcase_add_test(t, a_rule_of_iptables_legacy_is_named);
	return unit_run_case("watch", t);
}
