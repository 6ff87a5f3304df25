/*
 * test_explain_bgp.c - what explain says of BGP: the daemons' own words of tests/golden/bgp, judged, and situations that take more than those.
 */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "cloud/cloud.h"
#include "crypto/alg.h"
#include "ctl/bgp/parse.h"
#include "ctl/explain/explain.h"
#include "nft_json.h"
#include "unit.h"

#define NOW 1795255200 /* 2026-11-21T10:00:00Z */

struct scene {
	struct symptoms s;
	struct host_network host;
	struct bgp_view view;
	struct bgp_loser lost;
	json_t *tunnel, *siblings;
	struct verdicts v;
};

static void scene_begin(struct scene *x, const char *cloud, const char *peer, const char *since)
{
	char text[1024];
	const char *bad;
	ck_assert(alg_init(&bad));
	memset(x, 0, sizeof *x);
	snprintf(text, sizeof text,
		"{\"name\":\"t\",\"state\":\"up\",\"cloud\":\"%s\",\"interface\":\"v\",\"local\":\"198.51.100.7:500\",\"remote\":\"203.0.113.10:500\","
		"\"since\":\"%s\",\"rekeys\":1,\"children\":[],\"config\":{\"cloud\":\"%s\",\"remote\":\"203.0.113.10\",\"bgp.local-as\":\"65010\","
		"\"bgp.peer-as\":\"64512\",\"bgp.peer\":\"%s\"}}",
		cloud, since, cloud, peer);
	x->tunnel = parse(text);
	x->siblings = parse("[{\"interface\":\"v\"}]");
	x->host = (struct host_network){
		.link = true, .link_up = true, .link_mtu = 1438, .path_mtu = 1500, .forward4 = 1, .forward6 = 1
	};
	symptoms_read(&x->s, x->tunnel, NULL, x->siblings, NOW);
	x->s.host = &x->host;
}

static void scene_judge(struct scene *x, bool lost)
{
	symptoms_bgp(&x->s, &x->view, lost ? &x->lost : NULL);
	explain_judge(&x->s, &x->v);
}

static void scene_end(struct scene *x)
{
	verdicts_release(&x->v);
	bgp_release(&x->view);
	json_decref(x->tunnel);
	json_decref(x->siblings);
	symptoms_release(&x->s);
	host_network_release(&x->host);
}

static void load(struct scene *x, const char *name)
{
	static char text[1 << 16];
	char path[128];
	snprintf(path, sizeof path, "tests/golden/bgp/%s.in", name);
	FILE *f = fopen(path, "r");
	ck_assert_msg(f != NULL, "cannot open %s", path);
	size_t n = fread(text, 1, sizeof text - 1, f);
	text[n] = 0;
	fclose(f);
	bool bird = strncmp(name, "bird", 4) == 0, routes = strstr(name, "routes") != NULL;
	x->view.reach[bird ? BGP_BIRD : BGP_FRR] = BGP_ANSWERS;
	x->view.zebra = x->view.zebra || routes;
	ck_assert(routes ? bird ? bgp_bird_routes(&x->view, text) : bgp_frr_routes(&x->view, text)
		  : bird ? bgp_bird_sessions(&x->view, text)
			 : bgp_frr_sessions(&x->view, text));
}

static const struct verdict *find(const struct scene *x, const char *code)
{
	for (unsigned i = 0; i < x->v.n; i++)
		if (strcmp(verdict_word(x->v.v[i].rule->code), code) == 0)
			return &x->v.v[i];
	return NULL;
}

/* None of them, when code is NULL. */
static void expect(const struct scene *x, const char *where, const char *code)
{
	for (unsigned i = 0; i < x->v.n; i++) {
		const char *word = verdict_word(x->v.v[i].rule->code);
		if (strncmp(word, "bgp-", 4) == 0 && (code == NULL || strcmp(word, code) != 0))
			ck_abort_msg(
				"%s: expected %s, saw %s: %s", where, code != NULL ? code : "nothing", word, x->v.v[i].title);
		for (const char *const *text = (const char *const[]){ x->v.v[i].title, x->v.v[i].here, x->v.v[i].there, "" };
			*text == NULL || **text != 0; text++)
			ck_assert_msg(*text == NULL || strpbrk(*text, "{}") == NULL, "%s: something is not filled in: %s", where,
				*text);
	}
	ck_assert_msg(code == NULL || find(x, code) != NULL, "%s: expected %s, saw %s", where, code,
		verdict_word(x->v.v[0].rule->code));
}

#define LONG_AGO "2026-11-21T09:00:00Z"
static const struct {
	const char *input, *peer, *code; /* NULL: nothing is wrong */
	const char *here;
} told[] = {
	{ "frr-established", "169.254.21.2", NULL, NULL },
	{ "frr-empty", "169.254.21.2", "bgp-not-configured", "s2sctl export frr" },
	{ "frr-no-neighbor", "169.254.21.2", "bgp-not-configured", "vtysh -f tunnels.conf" },
	{ "frr-established", "169.254.21.6", "bgp-not-configured", NULL },
	{ "frr-as-ours", "169.254.21.2", "bgp-settings", "s2sctl export frr" },
	{ "frr-as-theirs", "169.254.21.2", "bgp-local-as", "65010" },
	{ "frr-as-theirs-early", "169.254.21.2", "bgp-down", NULL },
	{ "frr-dropped", "169.254.21.2", "bgp-no-answer", "ping -I v 169.254.21.2" },
	{ "frr-refused", "169.254.21.2", "bgp-refused", NULL },
	{ "frr-hold", "169.254.21.2", "bgp-hold-timer", NULL },
	{ "frr-md5-here", "169.254.21.2", "bgp-password", "the same password" },
	{ "frr-limit", "169.254.21.2", "bgp-limit", "vtysh -c 'clear bgp 169.254.21.2'" },
	{ "frr-limit-there", "169.254.21.2", "bgp-limit-there", "send fewer" },
	{ "frr-shutdown-here", "169.254.21.2", "bgp-shutdown", "-c 'router bgp 65010' -c 'no neighbor 169.254.21.2 shutdown'" },
	{ "frr-shutdown-there", "169.254.21.2", "bgp-shutdown-there", NULL },
	{ "frr-not-connected", "10.30.255.30", "bgp-multihop", "'neighbor 10.30.255.30 ebgp-multihop 4'" },
	{ "frr-no-route", "10.30.255.30", "bgp-no-route", "ip route get 10.30.255.30" },
	{ "frr-stale", "169.254.21.2", "bgp-stale", NULL },
	{ "bird-established", "169.254.21.2", NULL, NULL },
	{ "bird-dynamic", "169.254.21.2", "bgp-nothing-sent", NULL },
	{ "bird-no-neighbor", "169.254.21.2", "bgp-not-configured", "birdc configure" },
	{ "bird-as-ours", "169.254.21.2", "bgp-settings", "s2sctl export bird" },
	{ "bird-as-theirs", "169.254.21.2", "bgp-local-as", NULL },
	{ "bird-dropped", "169.254.21.2", "bgp-no-answer", NULL },
	{ "bird-away", "169.254.21.2", "bgp-no-answer", NULL },
	{ "bird-refused", "169.254.21.2", "bgp-refused", NULL },
	{ "bird-source", "169.254.21.2", "bgp-refused", "'bgp: local'" },
	{ "bird-hold", "169.254.21.2", "bgp-hold-timer", NULL },
	{ "bird-limit", "169.254.21.2", "bgp-limit", "birdc enable office" },
	{ "bird-shutdown-here", "169.254.21.2", "bgp-shutdown", "birdc enable office" },
	{ "bird-shutdown-there", "169.254.21.2", "bgp-shutdown-there", NULL },
	{ "bird-not-connected", "10.30.255.30", "bgp-multihop", "multihop 4;" },
	{ "bird-no-route", "10.30.255.30", "bgp-no-route", NULL },
	{ "bird-nothing-sent", "169.254.21.2", "bgp-nothing-sent", NULL },
};
#define TOLD (sizeof told / sizeof *told)

/* Sessions that were caught in their first seconds have settled here. */
static void settle(struct scene *x)
{
	for (unsigned i = 0; i < x->view.n; i++)
		if (x->view.sessions[i].state == BGP_ESTABLISHED)
			x->view.sessions[i].age_s = 60;
}

START_TEST(what_a_daemon_says_has_its_verdict)
{
	struct scene x;
	scene_begin(&x, "none", told[_i].peer, LONG_AGO);
	load(&x, told[_i].input);
	settle(&x);
	scene_judge(&x, false);
	expect(&x, told[_i].input, told[_i].code);
	const struct verdict *v = told[_i].code != NULL ? find(&x, told[_i].code) : NULL;
	if (told[_i].here != NULL)
		ck_assert_msg(strstr(v->here, told[_i].here) != NULL, "%s: expected '%s' in: %s", told[_i].input, told[_i].here,
			v->here);
	ck_assert(v == NULL || v->n_evidence > 0);
	scene_end(&x);
}
END_TEST

/* The same session, with one thing changed. */
static void no_policy(struct scene *x) { x->view.sessions[0].no_policy_in = true; }
static void all_filtered(struct scene *x) { x->view.sessions[0].accepted = 0, x->view.sessions[0].filtered = 2; }
static void none_received(struct scene *x) { x->view.sessions[0].accepted = x->view.sessions[0].received = 0; }
static void none_sent(struct scene *x) { x->view.sessions[0].sent = 0; }
static void many_sent(struct scene *x) { x->view.sessions[0].sent = 101; }
static void blocked(struct scene *x) { x->view.sessions[0].limit_hit = true; }
static void no_next_hop(struct scene *x) { x->view.zebra = true; }
static void young(struct scene *x) { x->view.sessions[0].age_s = 1, none_received(x), none_sent(x); }
static void other_as(struct scene *x)
{
	x->view.sessions[0].state = BGP_IDLE;
	x->view.sessions[0].error = BGP_BAD_PEER_AS;
	x->view.sessions[0].from = BGP_FROM_US;
}
static void no_source(struct scene *x) { x->view.sessions[0].state = BGP_ACTIVE, x->view.sessions[0].error = BGP_NO_SOURCE; }
static void before_its_try(struct scene *x)
{
	x->view.sessions[0].state = BGP_ACTIVE;
	x->view.sessions[0].retry_every_s = 120, x->view.sessions[0].retry_s = 20;
	x->s.since = NOW - 60;
}
static void tried_since(struct scene *x)
{
	before_its_try(x);
	x->s.since = NOW - 200;
}
static void filtered_out(struct scene *x)
{
	x->view.sessions[0].state = BGP_CONNECT;
	x->host.rules = parse(NFT(CHAIN("output", "accept") "," RULE("output", MATCH(DPORT("tcp"), "179") ",{\"drop\":null}")));
}
static void filtered_and_told(struct scene *x)
{
	filtered_out(x);
	x->view.sessions[0].state = BGP_IDLE;
	x->view.sessions[0].error = BGP_BAD_PEER_AS;
	x->view.sessions[0].from = BGP_FROM_PEER;
}
static void reset_by_us(struct scene *x)
{
	x->view.sessions[0].state = BGP_CONNECT;
	x->view.sessions[0].error = BGP_OTHER;
	x->view.sessions[0].from = BGP_FROM_US;
}
static void reset_and_password(struct scene *x) { reset_by_us(x), x->view.sessions[0].md5 = true; }
static void hanging(struct scene *x) { x->view.n = 0, x->view.reach[BGP_FRR] = BGP_HANGS; }
static void bird_hangs(struct scene *x) { x->view.reach[BGP_BIRD] = BGP_HANGS; }
static void nobody(struct scene *x) { x->view.n = 0, x->view.reach[BGP_FRR] = BGP_ABSENT; }
static void denied(struct scene *x) { x->view.n = 0, x->view.reach[BGP_FRR] = BGP_DENIED; }
static void down(struct scene *x) { nobody(x), x->s.state = TUNNEL_CONNECTING; }
static void not_used(struct scene *x) { prefix_parse(&x->lost.prefix, "10.20.0.0/24"), snprintf(x->lost.device, 64, "lan"); }

static void inside_is(struct scene *x, const char *text) { ck_assert(tunnel_conf_set(x->s.conf, "inside", text)); }
static void no_next_hop_afar(struct scene *x) { no_next_hop(x), inside_is(x, "169.254.99.2/30"); }
static void no_next_hop_near(struct scene *x) { no_next_hop(x), inside_is(x, "169.254.21.1/30"); }
static void no_next_hop_multihop(struct scene *x) { no_next_hop_afar(x), x->view.sessions[0].multihop = true; }
static void none_afar(struct scene *x)
{
	not_used(x);
	x->lost.none = true;
	inside_is(x, "169.254.99.2/30");
}
static void lost_afar(struct scene *x) { none_afar(x), x->lost.none = false; }

static const struct {
	void (*change)(struct scene *x);
	const char *cloud, *code;
	bool lost;
} changed[] = {
	{ no_policy, "none", "bgp-policy", false }, { all_filtered, "none", "bgp-filtered", false },
	{ none_received, "aws", "bgp-nothing-received", false }, { none_sent, "none", "bgp-nothing-sent", false },
	{ many_sent, "aws", "bgp-too-many", false }, { many_sent, "none", NULL, false }, { blocked, "none", "bgp-limit", false },
	{ no_next_hop, "none", "bgp-nexthop", false }, { young, "none", NULL, false },
	{ other_as, "azure", "bgp-peer-as", false }, { no_source, "none", "bgp-source", false },
	{ before_its_try, "none", "bgp-waiting", false }, { tried_since, "azure", "bgp-refused", false },
	{ filtered_out, "none", "bgp-firewall", false },
	{ filtered_and_told, "none", "bgp-local-as", false }, /* it was not filtered when the peer said so */
	{ reset_by_us, "none", "bgp-no-answer", false }, { reset_and_password, "none", "bgp-password", false },
	{ hanging, "none", "bgp-hangs", false }, { bird_hangs, "none", NULL, false }, { nobody, "none", "bgp-no-daemon", false },
	{ denied, "none", NULL, false }, { down, "none", NULL, false }, { not_used, "none", "bgp-not-installed", true },
	{ no_next_hop_afar, "none", "bgp-multihop", false }, /* the peer began it */
	{ no_next_hop_near, "none", "bgp-nexthop", false }, { no_next_hop_multihop, "none", "bgp-nexthop", false },
	{ none_afar, "none", "bgp-multihop", true },
	{ lost_afar, "none", "bgp-not-installed", true }, /* another route is preferred, wherever the peer is */
};
#define CHANGED (sizeof changed / sizeof *changed)

START_TEST(one_change_makes_its_verdict)
{
	struct scene x;
	char where[32];
	snprintf(where, sizeof where, "case %d", _i);
	scene_begin(&x, changed[_i].cloud, "169.254.21.2", LONG_AGO);
	load(&x, "frr-established");
	settle(&x);
	changed[_i].change(&x);
	scene_judge(&x, changed[_i].lost);
	expect(&x, where, changed[_i].code);
	scene_end(&x);
}
END_TEST

START_TEST(no_verdict_is_untested)
{
	const struct rule *r;
	for (unsigned i = 0; (r = explain_rule(i)) != NULL; i++) {
		const char *word = verdict_word(r->code);
		bool found = strncmp(word, "bgp-", 4) != 0;
		for (size_t k = 0; k < TOLD; k++)
			found |= told[k].code != NULL && strcmp(told[k].code, word) == 0;
		for (size_t k = 0; k < CHANGED; k++)
			found |= changed[k].code != NULL && strcmp(changed[k].code, word) == 0;
		ck_assert_msg(found, "nothing provokes %s", word);
	}
}
END_TEST

/* A daemon that may not be asked is told, with the group that may; it is no "nobody runs". */
START_TEST(who_may_not_ask_is_told)
{
	struct scene x;
	char *text;
	size_t size;
	scene_begin(&x, "none", "169.254.21.2", LONG_AGO);
	x.view.reach[BGP_FRR] = x.view.reach[BGP_BIRD] = BGP_DENIED;
	scene_judge(&x, false);
	FILE *to = open_memstream(&text, &size);
	explain_text(&x.s, &x.v, to, false);
	fclose(to);
	ck_assert_ptr_nonnull(strstr(text, "FRR may be asked by root and the group frrvty only"));
	ck_assert_ptr_nonnull(strstr(text, "BIRD may be asked by root and the group bird only"));
	free(text);
	json_t *o = explain_json(&x.s, &x.v);
	ck_assert(json_is_false(json_object_get(o, "bgp_seen")));
	json_decref(o);
	scene_end(&x);
}
END_TEST

START_TEST(signs_of_the_kernel)
{
	struct bgp_view v = { .n = 0 };
	struct addr a;
	char text[] = "TcpExt: A TCPMD5NotFound TCPMD5Unexpected TCPMD5Failure\nTcpExt: 1 2 3 4\nIpExt: X\nIpExt: 1\n";
	bgp_signs_sockets(&v, "  sl  local_address rem_address   st tx_queue", false);
	bgp_signs_sockets(&v, "   1: 0215FEA9:D2F4 0115FEA9:00B3 02 00000001:00000000 01:0 0 0 0", false);
	bgp_signs_sockets(&v, "   2: 0215FEA9:00B3 0515FEA9:00B3 01 00000001:00000000 01:0 0 0 0", false);
	bgp_signs_sockets(&v, "   3: 0215FEA9:D2F4 0615FEA9:01BB 02 00000001:00000000 01:0 0 0 0", false);
	bgp_signs_sockets(&v, "   4: 0:0 B80D0120000000000000000002000000:00B3 02 0:0", true);
	ck_assert_uint_eq(v.n_sockets, 3);
	ck_assert(addr_parse(&a, "169.254.21.1") && bgp_unanswered(&v, &a));
	ck_assert(addr_parse(&a, "169.254.21.5") && !bgp_unanswered(&v, &a));
	ck_assert(addr_parse(&a, "2001:db8::2") && bgp_unanswered(&v, &a));
	bgp_signs_counters(&v, text);
	ck_assert_uint_eq(v.md5_missing, 2);
	ck_assert_uint_eq(v.md5_unexpected, 3);
	ck_assert_uint_eq(v.md5_wrong, 4);
	bgp_release(&v);
}
END_TEST

/* The settings name two links; a session that is up, or one that is meant to be far away, says that it is right so. */
static const struct {
	const char *input, *inside, *multihop, *cloud;
	bool apart;
} links[] = {
	{ "frr-dropped", "169.254.22.1/30", NULL, "none", true },
	{ "frr-no-neighbor", "169.254.22.1/30", NULL, "none", true },
	{ "frr-established", "169.254.22.1/30", NULL, "none", false },
	{ "frr-dropped", "169.254.22.1/30", "4", "none", false },
	{ "frr-dropped", "169.254.21.1/30", NULL, "none", false },
	{ "frr-dropped", "10.0.0.1/30", NULL, "none", false },
	{ "frr-dropped", "169.254.22.1/30", NULL, "azure", false },
};

START_TEST(inside_ends_apart)
{
	struct scene x;
	scene_begin(&x, links[_i].cloud, "169.254.21.2", LONG_AGO);
	ck_assert(tunnel_conf_set(x.s.conf, "inside", links[_i].inside));
	if (links[_i].multihop != NULL)
		ck_assert(tunnel_conf_set(x.s.conf, "bgp.multihop", links[_i].multihop));
	load(&x, links[_i].input);
	settle(&x);
	scene_judge(&x, false);
	const struct verdict *v = find(&x, "inside-apart");
	ck_assert_int_eq(v != NULL, links[_i].apart);
	if (v != NULL) {
		ck_assert_msg(strstr(v->title, "ours is 169.254.22.1/30, the peer's 169.254.21.2") != NULL, "%s", v->title);
		ck_assert(v == &x.v.v[0] && v->n_evidence > 0 && find(&x, "bgp-no-answer") == NULL);
	}
	scene_end(&x);
}
END_TEST

/* What the clouds take; a session that is up says that it is right so. */
static const struct {
	const char *input, *cloud, *peer, *inside, *words, *here; /* words NULL: nothing is wrong */
} ranges[] = {
	{ "frr-no-neighbor", "azure", "169.254.30.1", "169.254.30.2/30",
		"of 169.254.0.0/16 Azure takes 169.254.21.0 to 169.254.22.255 alone", "APIPA" },
	{ "frr-no-neighbor", "azure", "169.254.21.9", "169.254.30.2/30", "169.254.30.2", "APIPA" },
	{ "frr-no-neighbor", "azure", "169.254.22.255", "169.254.22.254/30", NULL, NULL },
	{ "frr-no-neighbor", "azure", "10.12.255.30", "10.1.0.1/32", NULL, NULL },
	{ "frr-no-neighbor", "aws", "169.254.5.1", "169.254.5.2/30", "AWS keeps 169.254.5.0/30 for itself", NULL },
	{ "frr-no-neighbor", "aws", "169.254.6.2", "169.254.6.1/30", "AWS takes the first address", "write the second one" },
	{ "frr-no-neighbor", "aws", "169.254.6.1", "169.254.6.2/29", "AWS's inside networks are /30", NULL },
	{ "frr-no-neighbor", "none", "169.254.5.1", "169.254.5.2/30", NULL, NULL },
	{ "frr-established", "aws", "169.254.21.2", "169.254.21.1/30", NULL, NULL },
};

START_TEST(addresses_that_a_cloud_takes)
{
	struct scene x;
	scene_begin(&x, ranges[_i].cloud, ranges[_i].peer, LONG_AGO);
	ck_assert(tunnel_conf_set(x.s.conf, "inside", ranges[_i].inside));
	load(&x, ranges[_i].input);
	settle(&x);
	scene_judge(&x, false);
	const struct verdict *v = find(&x, "inside-range");
	ck_assert_int_eq(v != NULL, ranges[_i].words != NULL);
	if (v != NULL)
		ck_assert_msg(v->n_evidence > 0 && strstr(v->title, ranges[_i].words) != NULL, "%s", v->title);
	if (ranges[_i].here != NULL)
		ck_assert_msg(strstr(v->here, ranges[_i].here) != NULL, "%s", v->here);
	scene_end(&x);
}
END_TEST

int main(void)
{
	TCase *all = tcase_create("all");
	tcase_add_loop_test(all, what_a_daemon_says_has_its_verdict, 0, (int)TOLD);
	tcase_add_loop_test(all, one_change_makes_its_verdict, 0, (int)CHANGED);
	tcase_add_test(all, no_verdict_is_untested);
	tcase_add_test(all, who_may_not_ask_is_told);
	tcase_add_test(all, signs_of_the_kernel);
	tcase_add_loop_test(all, addresses_that_a_cloud_takes, 0, (int)(sizeof ranges / sizeof *ranges));
	tcase_add_loop_test(all, inside_ends_apart, 0, (int)(sizeof links / sizeof *links));
	return unit_run_case("explain_bgp", all);
}
