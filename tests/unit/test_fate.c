/* test_fate.c - a packet's way through nf_tables rules. */
#include <stdio.h>

#include "ctl/filter.h"
#include "nft_json.h"
#include "unit.h"

#define STRICT "{\"chain\":{\"family\":\"inet\",\"table\":\"filter\",\"name\":\"strict\",\"handle\":9}}"

enum fate { FATE_PASSES, FATE_MAYBE, FATE_DROPPED };

static enum fate fate_of(const char *rules, const struct packet *p, char why[FILTER_TEXT])
{
	static const char *const hooks[] = { "prerouting", "input", "forward", "output", NULL };
	struct filter_hits hits = { 0 };
	json_t *o = parse(rules);
	struct ruleset *r = ruleset_new(o);
	filter_walk(r, hooks, p, &hits);
	why[0] = 0;
	if (hits.n > 0)
		filter_place(&hits.hit[0], why);
	ruleset_free(r);
	json_decref(o);
	return hits.n == 0 ? FATE_PASSES : hits.hit[0].certain ? FATE_DROPPED : FATE_MAYBE;
}

START_TEST(a_packet_finds_its_rule)
{
	struct packet out = { .out = "s2s-t", .state = PACKET_NEW }, esp = { .protocol = "esp", .state = PACKET_ANSWER };
	struct packet ike = { .protocol = "udp", .port = 500, .state = PACKET_NEW };
	addr_parse(&out.to, "10.20.0.1");
	addr_parse(&esp.from, "203.0.113.10");
	addr_parse(&ike.to, "203.0.113.10");
	static const char drop_forward[] = NFT(
		CHAIN("forward", "drop") "," RULE("forward", MATCH(META("oifname"), "\"s2s-*\"") ",{\"accept\":null}"));
	static const char states[] = NFT(
		CHAIN("input", "drop") "," RULE("input", MATCH(STATE, "[\"established\",\"related\"]") ",{\"accept\":null}"));
	static const char ports[] = NFT(CHAIN("output", "accept") "," RULE(
		"output", MATCH(DPORT("udp"), "{\"set\":[53,{\"range\":[400,600]}]}") ",{\"drop\":null}"));
	static const char tcp[] = NFT(
		CHAIN("output", "accept") "," RULE("output", MATCH(DPORT("tcp"), "500") ",{\"drop\":null}"));
	static const char net[] = NFT(CHAIN("output", "accept") "," RULE(
		"output", MATCH("{\"payload\":{\"protocol\":\"ip\",\"field\":\"daddr\"}}",
				  "{\"prefix\":{\"addr\":\"203.0.113.0\",\"len\":24}}") ",{\"reject\":null}"));
	static const char jump[] = NFT(
		CHAIN("input", "accept") "," RULE("input", "{\"jump\":{\"target\":\"strict\"}}") "," STRICT "," RULE(
			"strict", MATCH(META("l4proto"), "\"esp\"") ",{\"counter\":{\"packets\":0}},{\"drop\":null}"));
	static const char set[] = NFT(
		CHAIN("output", "drop") "," RULE("output", MATCH(DPORT("udp"), "\"@allowed\"") ",{\"accept\":null}"));
	static const char own[] =
		"{\"nftables\":[{\"chain\":{\"family\":\"inet\",\"table\":\"s2sd\",\"name\":\"c\",\"type\":\"filter\",\"hook\":\"forward\",\"policy\":\"drop\"}}]}";
	static const char loop[] = NFT(CHAIN("forward", "accept") "," RULE("forward", "{\"jump\":{\"target\":\"forward\"}}"));
	const struct {
		const char *rules;
		const struct packet *p;
		enum fate fate;
		const char *why;
	} cases[] = {
		{ drop_forward, &out, FATE_PASSES, "" },
		{ drop_forward, &(struct packet){ .out = "eth1", .to = out.to }, FATE_DROPPED,
			"policy drop of chain inet filter forward" },
		{ states, &esp, FATE_PASSES, "" },
		{ states, &(struct packet){ .protocol = "esp", .from = esp.from, .state = PACKET_NEW }, FATE_DROPPED,
			"policy drop of chain inet filter input" },
		{ ports, &ike, FATE_DROPPED, "rule with handle 7 of chain inet filter output" },
		{ tcp, &ike, FATE_PASSES, "" },
		{ net, &ike, FATE_DROPPED, "rule with handle 7 of chain inet filter output" },
		{ jump, &esp, FATE_DROPPED, "rule with handle 7 of chain inet filter strict" },
		{ set, &ike, FATE_MAYBE, "policy drop of chain inet filter output" },
		{ own, &out, FATE_PASSES, "" },
		{ loop, &out, FATE_PASSES, "" },
		{ "{}", &out, FATE_PASSES, "" },
		{ "{\"nftables\":[1,{\"chain\":3},{\"rule\":null}]}", &out, FATE_PASSES, "" },
	};
	for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
		char why[FILTER_TEXT];
		ck_assert_msg(fate_of(cases[i].rules, cases[i].p, why) == cases[i].fate, "case %zu: %s", i, why);
		ck_assert_str_eq(why, cases[i].why);
	}
}
END_TEST

UNIT_MAIN("fate", a_packet_finds_its_rule)
