/*
 * filter_text.c - what `nft -j list ruleset` printed in, and after a line "=== legacy" what `iptables-legacy-save -c` did, or after
 * "=== iptables" what `iptables-nft-save` did; out, what happens to the packets of a
 * tunnel with interface s2s-aws, 10.20.0.0/24 behind it, 10.1.0.0/24 behind us on lan, and its peer 203.0.113.10: the rules, and the commands that mend it.
 * "=== ip6": all of these are of IPv6, fd00:20::/64 behind the tunnel, fd00:1::/64 behind us, and its peer 2001:db8::10.
 */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "ctl/filter.h"
#include "ctl/render.h"

static const char *const way_through[] = { "prerouting", "forward", "postrouting", NULL };
static const char *const way_out[] = { "output", "postrouting", NULL }, *const way_in[] = { "prerouting", "input", NULL };
static const char *const kinds[] = { "drop", "reject", "policy", "masquerade", "snat", "dnat", "redirect", "notrack" };

static bool v6;

static struct addr at(const char *text)
{
	struct addr a = { 0 };
	addr_parse(&a, text);
	return a;
}

static void print(
	const struct ruleset *r, const char *what, const char *const *hooks, const struct packet *p, const struct addr *peer)
{
	char place[FILTER_TEXT], clean[2 * FILTER_TEXT];
	struct prefix far;
	struct filter_hits hits = { 0 };
	prefix_parse(&far, v6 ? "fd00:20::/64" : "10.20.0.0/24");
	filter_walk(r, hooks, p, &hits);
	printf("%s: %s%s\n", what, hits.n == 0 ? "passes" : "", hits.cut ? "too many rules" : "");
	for (unsigned i = 0; i < hits.n; i++) {
		const struct filter_hit *h = &hits.hit[i];
		struct mend m = { 0 };
		printf("  %s%s%s at %s, %s\n", h->certain ? "" : "perhaps ", kinds[h->kind], h->named ? " (named)" : "", h->hook,
			escaped(clean, sizeof clean, filter_place(h, place)));
		if (h->jumps[0] != 0)
			printf("    from %s\n", escaped(clean, sizeof clean, h->jumps));
		if (h->rule[0] != 0)
			printf("    rule %s\n", escaped(clean, sizeof clean, h->rule));
		if (h->to[0] != 0)
			printf("    to %s\n", escaped(clean, sizeof clean, h->to));
		filter_mend(r, h,
			&(struct mend_for){ .interface = "s2s-aws", .peer = peer, .far = &far, .p = p, .iptables = i % 2 == 1 },
			&m);
		for (unsigned k = 0; k < m.n; k++)
			printf("    %s\n", m.command[k]);
		if (m.unwritable)
			printf("    (a name that needs quoting)\n");
	}
}

static void print_all(const struct ruleset *r)
{
	struct addr near = at(v6 ? "fd00:1::10" : "10.1.0.10"), far = at(v6 ? "fd00:20::10" : "10.20.0.10"),
		    peer = at(v6 ? "2001:db8::10" : "203.0.113.10");
	print(r, "into the tunnel", way_through,
		&(struct packet){ .in = "lan", .out = "s2s-aws", .from = near, .to = far, .state = PACKET_NEW, .through = true },
		NULL);
	print(r, "answers", way_through,
		&(struct packet){
			.in = "s2s-aws", .out = "lan", .from = far, .to = near, .state = PACKET_ANSWER, .through = true },
		NULL);
	print(r, "our IKE", way_out,
		&(struct packet){ .out = "out", .to = peer, .protocol = "udp", .port = 500, .state = PACKET_NEW }, &peer);
	print(r, "the peer's ESP", way_in,
		&(struct packet){ .in = "out", .from = peer, .protocol = "esp", .state = PACKET_ANSWER }, &peer);
}

int main(int argc, char **argv)
{
	static char text[1 << 20];
	FILE *f = argc > 1 ? fopen(argv[1], "r") : stdin;
	if (f == NULL)
		return 2;
	text[fread(text, 1, sizeof text - 1, f)] = 0;
	if (f != stdin)
		fclose(f);
	char *ip6 = strstr(text, "=== ip6\n");
	v6 = ip6 != NULL;
	if (v6)
		memset(ip6, '\n', strlen("=== ip6"));
	char *legacy = strstr(text, "=== legacy\n");
	if (legacy != NULL) {
		*legacy = 0;
		legacy += strlen("=== legacy\n");
	}
	char *spelled = strstr(text, "=== iptables\n");
	if (spelled != NULL) {
		*spelled = 0;
		spelled += strlen("=== iptables\n");
	}
	json_t *rules = json_loads(text, 0, NULL);
	printf("%s", rules == NULL ? "no JSON\n" : "");
	if (legacy != NULL && rules != NULL)
		filter_add_legacy(rules, legacy, v6);
	if (spelled != NULL && filter_wants_spelling(rules, v6))
		filter_spell_out(rules, spelled, v6);
	struct ruleset *r = ruleset_new(rules);
	print_all(r);
	ruleset_free(r);
	json_decref(rules);
	return 0;
}
