/*
 * bgp_text.c - what FRR 8.4 and BIRD 2.0 really said of a session in, what is read of it out. The inputs are the programs' own words, made with two
 * network namespaces and the fault that the file is named after.
 */
#include <inttypes.h>
#include <stdio.h>
#include <string.h>

#include "ctl/bgp/parse.h"

static void session(const struct bgp_session *x)
{
	static const char *const errors[] = { "-", "bad-peer-as", "hold-expired", "prefix-limit", "shutdown", "removed", "other",
		"refused", "unreachable", "no-route", "no-source", "link" };
	static const char *const from[] = { "", " from us", " from the peer" };
	static const struct {
		size_t at;
		const char *word;
	} flags[] = {
#define FLAG(name) { offsetof(struct bgp_session, name), #name }
		FLAG(shut), FLAG(stale), FLAG(limit_hit), FLAG(no_policy_in), FLAG(no_policy_out), FLAG(not_connected),
		FLAG(multihop), FLAG(md5), FLAG(bfd_down), FLAG(starting)
	};
	char text[ADDR_TEXT];
	printf("%s %s %s: %s, AS %u to %u\n", bgp_daemon_name(x->daemon), x->name, addr_format(&x->peer, text),
		bgp_state_word(x->state), x->local_as, x->peer_as);
	printf("  error %s%s \"%s\" \"%s\"\n ", errors[x->error], from[x->from], x->error_words, x->message);
	for (size_t i = 0; i < sizeof flags / sizeof *flags; i++)
		if (*((const bool *)x + flags[i].at))
			printf(" %s", flags[i].word);
	printf("\n  received %" PRId64 " accepted %" PRId64 " filtered %" PRId64 " sent %" PRId64 " limit %" PRId64 "\n",
		x->received, x->accepted, x->filtered, x->sent, x->limit);
	printf("  filter \"%s\" source \"%s\" age %s retry %s every %" PRId64 "\n", x->filter, x->source,
		x->age_s >= 0 || x->since[0] != 0 ? "told" : "-", x->retry_s >= 0 ? "told" : "-", x->retry_every_s);
}

int main(int argc, char **argv)
{
	static char text[1 << 20];
	char words[ADDR_TEXT], hop[ADDR_TEXT];
	struct bgp_view v = { .n = 0 };
	FILE *f = argc > 1 ? fopen(argv[1], "r") : NULL;
	if (f == NULL)
		return 2;
	size_t n = fread(text, 1, sizeof text - 1, f);
	fclose(f);
	if (n == 0)
		return 2;
	bool bird = strncmp(text, "BIRD ", 5) == 0, routes = strstr(argv[1], "routes") != NULL;
	bool good = bird && routes ? bgp_bird_routes(&v, text)
		    : bird         ? bgp_bird_sessions(&v, text)
		    : routes       ? bgp_frr_routes(&v, text)
				   : bgp_frr_sessions(&v, text);
	printf("%s: %u sessions, %u routes\n", good ? "read" : "not what it says", v.n, v.n_routes);
	for (unsigned i = 0; i < v.n; i++)
		session(&v.sessions[i]);
	for (unsigned i = 0; i < v.n_routes; i++)
		printf("%s by %s%s%s\n", prefix_format(&v.routes[i].prefix, words), v.routes[i].protocol,
			v.routes[i].nexthop.family != 0 ? addr_format(&v.routes[i].nexthop, hop) : "",
			v.routes[i].used ? ", used" : "");
	bgp_release(&v);
	return 0;
}
