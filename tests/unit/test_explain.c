/* test_explain.c - every verdict of the table (rows: explain_rows.h): what it takes, whose fault it is, its words for each cloud; items side by side. */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "crypto/alg.h"
#include "check/check.h"
#include "cloud/cloud.h"
#include "ctl/explain/explain.h"
#include "codes/event.h"
#include "explain_rows.h"
#include "unit.h"

#define CONFIG \
	"\"config\":{\"cloud\":\"%s\",\"remote\":\"203.0.113.10\",\"psk-file\":\"t.psk\",\"routes\":\"10.20.0.0/24\",\"start\":\"%s\"," \
	"\"ike-proposals\":\"aes256-sha256-modp2048\",\"esp-proposals\":\"aes256-sha256-modp2048\",\"route-metric\":\"100\",\"replay-window\":\"1024\"}"

struct scene {
	struct symptoms s;
	struct host_network host;
	json_t *tunnel, *events, *siblings;
	struct verdicts v;
};

static struct scene *scene_of(const struct row *r)
{
	struct scene *x = calloc(1, sizeof *x);
	char *text = NULL;
	ck_assert_int_gt(
		asprintf(&text,
			"{\"name\":\"t\",\"state\":\"%s\",\"cloud\":\"%s\",\"interface\":\"s2s-t\",\"local\":\"198.51.100.7:500\",\"remote\":\"203.0.113.10:500\","
			"\"ike\":{\"encapsulation\":\"none\"}," CONFIG ",%s}",
			r->state, r->cloud, r->cloud, r->start, r->more),
		0);
	x->tunnel = parse(text);
	free(text);
	ck_assert_int_gt(asprintf(&text, "[%s]", r->events), 0);
	x->events = parse(text);
	free(text);
	x->siblings = parse("[{\"interface\":\"s2s-t\"},{\"interface\":\"s2s-other\"}]");
	x->host = (struct host_network){
		.link = true, .link_up = true, .link_mtu = 1438, .path_mtu = 1500, .forward4 = 1, .forward6 = 1, .n_routes = 1
	};
	addr_parse(&x->host.from, "198.51.100.7");
	prefix_parse(&x->host.routes[0].prefix, "10.20.0.0/24");
	addr_parse(&x->host.routes[0].host, "10.20.0.1");
	x->host.routes[0].end = ROUTE_DEVICE;
	snprintf(x->host.routes[0].device, sizeof x->host.routes[0].device, "s2s-t");
	if (r->machine != NULL)
		r->machine(&x->host);
	symptoms_read(&x->s, x->tunnel, x->events, x->siblings, NOW);
	ck_assert_ptr_nonnull(x->s.conf);
	x->s.host = &x->host;
	x->s.way = &walked;
	explain_judge(&x->s, &x->v);
	return x;
}

static void scene_end(struct scene *x)
{
	verdicts_release(&x->v);
	json_decref(x->tunnel);
	json_decref(x->events);
	json_decref(x->siblings);
	host_network_release(&x->host);
	way_release(&walked);
	symptoms_release(&x->s);
	free(x);
}

static const struct verdict *verdict_of(const struct scene *x, const char *code)
{
	for (unsigned i = 0; i < x->v.n; i++)
		if (strcmp(verdict_word(x->v.v[i].rule->code), code) == 0)
			return &x->v.v[i];
	ck_abort_msg("expected the verdict %s, saw %s: %s", code, verdict_word(x->v.v[0].rule->code), x->v.v[0].title);
	return NULL;
}

static void has(const char *what, const char *code, const char *text, const char *words)
{
	if (words != NULL)
		ck_assert_msg(text != NULL && strstr(text, words) != NULL, "%s: expected %s with '%s', saw '%s'", code, what,
			words, text != NULL ? text : "nothing");
}

static void setup(void)
{
	const char *bad = NULL;
	ck_assert_msg(alg_init(&bad), "%s", bad);
}

START_TEST(each_verdict_has_its_words)
{
	const struct row *r = &rows[_i];
	setup();
	struct scene *x = scene_of(r);
	const struct verdict *v = verdict_of(x, r->code);
	ck_assert_str_eq(blame_word(v->blame), r->blame);
	has("title", r->code, v->title, r->title);
	has("here", r->code, v->here, r->here);
	has("there", r->code, v->there, r->there);
	if (r->there == NULL)
		ck_assert_msg(v->there == NULL, "%s: nothing is to be done there, yet it says '%s'", r->code, v->there);
	bool found = r->evidence == NULL;
	for (unsigned i = 0; i < v->n_evidence; i++)
		found |= strstr(v->evidence[i], r->evidence != NULL ? r->evidence : "") != NULL;
	ck_assert_msg(found, "%s: no evidence has '%s', the first is '%s'", r->code, r->evidence,
		v->n_evidence > 0 ? v->evidence[0] : "none");
	const char *const texts[] = { v->title, v->here, v->there };
	for (size_t i = 0; i < 3; i++)
		ck_assert_msg(texts[i] == NULL || strpbrk(texts[i], "{}") == NULL, "%s: something is not filled in: %s", r->code,
			texts[i]);
	scene_end(x);
}
END_TEST

/* What rose long ago is no evidence. */
START_TEST(only_counters_that_rise_are_told)
{
	char first[] = "XfrmInError \t0\nXfrmInNoStates 7000\nXfrmInStateSeqError 5\nXfrmOutNoStates 1\n";
	char second[] =
		"XfrmInError \t0\nXfrmInNoStates 7003\nXfrmInStateSeqError 5\nXfrmOutNoStates 9\nXfrmInNoPols 2\nnonsense\n";
	struct host_counters was, is, rise;
	struct row r = { "outbound-only", "aws", "initiate", "up", TRAFFIC(0, 9, 0, 0, ALONE("out", 9, 9000, true, false)), "",
		NULL, "network", NULL, NULL, NULL, NULL };
	host_counters_parse(&was, first);
	host_counters_parse(&is, second);
	host_counters_rise(&was, &is, &rise);
	ck_assert_uint_eq(rise.n, 3);
	setup();
	for (unsigned looks = 1; looks <= 2; looks++) {
		struct scene *x = scene_of(&r);
		verdicts_release(&x->v);
		x->host.risen = looks == 2 ? &rise : NULL;
		explain_judge(&x->s, &x->v);
		const struct verdict *v = verdict_of(x, "outbound-only");
		unsigned told = 0;
		for (unsigned i = 0; i < v->n_evidence; i++) {
			told += strstr(v->evidence[i], "kernel counter") != NULL;
			ck_assert_msg(strstr(v->evidence[i], "XfrmInStateSeqError") == NULL &&
					      strstr(v->evidence[i], "XfrmOut") == NULL,
				"%s", v->evidence[i]);
		}
		ck_assert_uint_eq(told, looks == 2 ? 2 : 0);
		if (looks == 2)
			has("evidence", r.code, v->evidence[v->n_evidence - 2], "XfrmInNoStates: 3 more within a second");
		scene_end(x);
	}
}
END_TEST

/* What could not be looked at is told whether a pair was given or not, once. */
START_TEST(what_is_not_seen_is_told)
{
	static const char *const unseen[] = { "XFRM policies of other programs: run this as root" };
	setup();
	for (unsigned named = 0; named < 2; named++) {
		struct scene *x = scene_of(&rows[0]);
		char *text = NULL;
		size_t size = 0;
		FILE *to = open_memstream(&text, &size);
		x->s.unseen = unseen;
		x->s.n_unseen = 1;
		walked.named = named != 0;
		explain_text(&x->s, &x->v, to, false);
		fclose(to);
		ck_assert_int_eq(strstr(text, "not seen: XFRM policies of other programs") != NULL, named == 0);
		json_t *o = explain_json(&x->s, &x->v);
		ck_assert_uint_eq(json_array_size(json_object_get(o, "not_seen")), 1);
		json_decref(o);
		free(text);
		scene_end(x);
	}
}
END_TEST

/* Rules that every router has change nothing of our own packets. */
START_TEST(nothing_is_rewritten)
{
	static void (*const machines[])(struct host_network * w) = { hides_nothing, names_us, untracked, to_us, to_peer };
	struct row r = { "no-answer", "aws", "initiate", "connecting",
		ERR("no-answer", "network", "no answer", ",\"ours\":\"IKE_SA_INIT\""), "", machines[_i], "network", NULL, NULL,
		NULL, NULL };
	setup();
	struct scene *x = scene_of(&r);
	for (unsigned i = 0; i < x->v.n; i++)
		ck_assert_str_ne(verdict_word(x->v.v[i].rule->code), "rewritten-ike");
	scene_end(x);
}
END_TEST

/* What masquerading makes of our address is told of masquerading only. */
START_TEST(snat_is_no_masquerading)
{
	struct row r = { "rewritten-ike", "aws", "initiate", "connecting",
		ERR("no-answer", "network", "no answer", ",\"ours\":\"IKE_SA_INIT\""), "", renames_us, "local", NULL, NULL, NULL,
		NULL };
	setup();
	struct scene *x = scene_of(&r);
	verdicts_release(&x->v);
	addr_parse(&x->host.masquerade, "198.51.100.1");
	explain_judge(&x->s, &x->v);
	const struct verdict *v = verdict_of(x, "rewritten-ike");
	for (unsigned i = 0; i < v->n_evidence; i++)
		ck_assert_msg(strstr(v->evidence[i], "masquerading") == NULL, "%s", v->evidence[i]);
	scene_end(x);
}
END_TEST

/* Where it is seen why the peer does not answer, that comes first, and that it does not answer is not told beside. */
START_TEST(a_dead_peer_is_told_by_its_cause)
{
	unsigned seen = 0;
	setup();
	for (size_t k = 0; k < ROWS; k++) {
		if (strstr(rows[k].events, "peer-dead") == NULL || strcmp(rows[k].code, "dead-peer") == 0)
			continue;
		struct scene *x = scene_of(&rows[k]);
		ck_assert_str_eq(verdict_word(x->v.v[0].rule->code), rows[k].code);
		for (unsigned i = 0; i < x->v.n; i++)
			ck_assert_int_ne(x->v.v[i].rule->code, VERDICT_DEAD_PEER);
		seen++;
		scene_end(x);
	}
	ck_assert_uint_eq(seen, 2);
}
END_TEST

/* The table and this test grow together. */
START_TEST(no_verdict_is_untested)
{
	const struct rule *r;
	for (unsigned i = 0; (r = explain_rule(i)) != NULL; i++) {
		bool found = r->code == VERDICT_INSIDE_APART || r->code == VERDICT_INSIDE_RANGE ||
			     strncmp(verdict_word(r->code), "bgp-", 4) == 0; /* test_explain_bgp has those */
		for (size_t k = 0; k < ROWS; k++)
			found |= strcmp(rows[k].code, verdict_word(r->code)) == 0;
		ck_assert_msg(found, "no row provokes %s", verdict_word(r->code));
	}
}
END_TEST

/* The last error stays until the tunnel comes up again; what worked since then takes it back, and what worked before does not. */
START_TEST(a_rekey_that_works_takes_back_one_that_failed)
{
	static const struct {
		const char *error, *events;
		bool gone;
	} cases[] = {
		{ ERR("rekey-failed", "peer", "the peer refused the rekey", ",\"subject\":\"child-sa\""),
			EVENT("rekey-failed", "refused", "") "," EVENT("child-rekeyed", "done", ""), true },
		{ ERR("rekey-failed", "peer", "the peer refused the rekey", ",\"subject\":\"child-sa\""),
			EVENT("child-rekeyed", "done", "") "," EVENT("rekey-failed", "refused", ""), false },
		{ ERR("rekey-failed", "peer", "the peer refused the rekey", ",\"subject\":\"child-sa\""),
			EVENT("rekey-failed", "refused", "") "," EVENT("ike-rekeyed", "done", ""), false },
		{ ERR("rekey-failed", "peer", "could not be rekeyed", ",\"subject\":\"ike-sa\""),
			EVENT("rekey-failed", "refused", "") "," EVENT("ike-rekeyed", "done", ""), true },
		{ ERR("rekey-failed", "peer", "could not be rekeyed", ",\"subject\":\"ike-sa\""),
			EVENT("rekey-failed", "refused", "") "," EVENT("child-established", "beside", ""), true },
		{ ERR("no-proposal", "peer", "no common IKE proposal", IKE_ITEMS("null")),
			EVENT("no-proposal", "refused", "") "," EVENT("ike-established", "beside", ""), true },
		{ ERR("no-proposal", "peer", "no common IKE proposal", IKE_ITEMS("null")),
			EVENT("ike-established", "before", "") "," EVENT("no-proposal", "refused", ""), false },
		{ ERR("pfs-mismatch", "peer", "refused", ""),
			EVENT("pfs-mismatch", "refused", "") "," EVENT("child-rekeyed", "done", ""), true },
		{ ERR("pfs-mismatch", "peer", "refused", ""),
			EVENT("child-rekeyed", "done", "") "," EVENT("pfs-mismatch", "refused", ""), false },
	};
	char more[1024];
	setup();
	for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
		snprintf(more, sizeof more, "%s,%s", cases[i].error, CHILD(9, 9, 0, 0));
		struct scene *x = scene_of(&(struct row){
			.cloud = "aws", .start = "initiate", .state = "up", .more = more, .events = cases[i].events });
		ck_assert_msg((strcmp(verdict_word(x->v.v[0].rule->code), "up") == 0) == cases[i].gone, "case %zu: %s", i,
			verdict_word(x->v.v[0].rule->code));
		scene_end(x);
	}
}
END_TEST

/* Only a daemon of another version may leave explain without a word: each error that ours can remember leads to a verdict. */
START_TEST(each_error_leads_to_a_verdict)
{
	char more[256];
	setup();
	for (int i = 0; i < FACT_COUNT; i++) {
		enum fact_code code = (enum fact_code)i;
		if (!fact_is_error(code))
			continue;
		snprintf(more, sizeof more,
			"\"last_error\":{" AT ",\"code\":\"%s\",\"blame\":\"peer\",\"text\":\"x\",\"protocol\":\"ike\"}",
			fact_word(code));
		struct scene *x = scene_of(
			&(struct row){ .cloud = "aws", .start = "initiate", .state = "connecting", .more = more, .events = "" });
		ck_assert_msg(strcmp(verdict_word(x->v.v[0].rule->code), "unknown") != 0, "no verdict for the error %s",
			fact_word(code));
		scene_end(x);
	}
}
END_TEST

static const struct row *row_of(const char *code, const char *cloud)
{
	for (size_t i = 0; i < ROWS; i++)
		if (strcmp(rows[i].code, code) == 0 && strcmp(rows[i].cloud, cloud) == 0)
			return &rows[i];
	ck_abort_msg("no row %s %s", code, cloud);
	return NULL;
}

START_TEST(worst_comes_first_and_special_hides_general)
{
	setup();
	struct scene *x = scene_of(row_of("weak-group", "azure"));
	ck_assert_str_eq(verdict_word(x->v.v[0].rule->code), "weak-group");
	for (unsigned i = 0; i < x->v.n; i++)
		ck_assert_str_ne(verdict_word(x->v.v[i].rule->code), "ike-proposal");
	scene_end(x);
	x = scene_of(row_of("firewall-ike", "aws"));
	ck_assert_str_eq(verdict_word(x->v.v[0].rule->code), "no-answer");
	for (unsigned i = 1; i < x->v.n; i++)
		ck_assert_int_ge(x->v.v[i].rule->weight, x->v.v[i - 1].rule->weight);
	scene_end(x);
	x = scene_of(row_of("integrity", "aws"));
	for (unsigned i = 0; i < x->v.n; i++)
		ck_assert_str_ne(verdict_word(x->v.v[i].rule->code), "up");
	scene_end(x);
}
END_TEST

/* Silence, a burst that waits for its answer, traffic of long ago, and what needs no answer or gets it through another tunnel: nothing is wrong. */
START_TEST(a_healthy_tunnel_is_healthy)
{
	static const struct {
		const char *more, *code, *also;
	} cases[] = {
		{ CHILD(0, 0, 0, 0) ",\"one_way\":1,\"quiet_ms\":9000", "up", NULL },
		{ CHILD(55, 55, 0, 0) ",\"one_way\":1,\"quiet_ms\":9000", "up", NULL },
		{ TRAFFIC(0, 9, 0, 0, ALONE("out", 9, 9000, true, false)), "outbound-only", NULL },
		{ TRAFFIC(0, 9, 0, 0, ALONE("out", 9, 9000, true, true)), "up", NULL },
		{ TRAFFIC(0, 9, 0, 0, ALONE("out", 9, 900, true, false)), "up", NULL },
		{ TRAFFIC(0, 0, 0, 0, ALONE("out", 9, 9000, true, false)), "up", NULL },
		{ TRAFFIC(5, 9, 0, 0, ALONE("out", 2, 9000, true, false)), "up", NULL },
		{ TRAFFIC(0, 99, 0, 0, ALONE("out", 99, 90000, false, false)), "up", "one-way" },
		{ TRAFFIC(9, 0, 0, 0, ALONE("in", 9, 9000, true, false)), "inbound-only", NULL },
		{ TRAFFIC(9, 0, 0, 0, ALONE("in", 9, 9000, true, true)), "up", NULL },
		{ TRAFFIC(9, 0, 0, 0, ALONE("in", 9, 9000, false, false)), "up", "one-way" },
		{ TRAFFIC(0, 0, 0, 0, ALONE("in", 9, 9000, true, false)), "up", NULL },
		{ CHILD(100000, 9, 99, 0), "up", NULL },
		{ CHILD(100000, 9, 100, 0), "replay", NULL },
	};
	setup();
	for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
		struct scene *x = scene_of(
			&(struct row){ .cloud = "aws", .start = "initiate", .state = "up", .more = cases[i].more, .events = "" });
		ck_assert_msg(strcmp(verdict_word(x->v.v[0].rule->code), cases[i].code) == 0, "case %zu: %s", i,
			verdict_word(x->v.v[0].rule->code));
		ck_assert_uint_eq(x->v.n, cases[i].also != NULL ? 2 : 1);
		if (cases[i].also != NULL)
			ck_assert_str_eq(verdict_word(x->v.v[1].rule->code), cases[i].also);
		scene_end(x);
	}
}
END_TEST

/* When the last packet came and went is told of an idle tunnel. */
START_TEST(idle_is_said)
{
	static const struct {
		const char *more, *words;
	} cases[] = {
		{ CHILD(0, 0, 0, 0) ",\"last_in\":null,\"last_out\":null", "idle: no traffic was seen since it came up" },
		{ CHILD(0, 0, 0, 0) ",\"last_in\":\"2026-11-21T09:57:00Z\",\"last_out\":\"2026-11-21T09:56:00Z\"",
			"idle: no traffic for 3m00s: last in 3m00s ago, at 2026-11-21T09:57:00Z; last out 4m00s ago, at "
			"2026-11-21T09:56:00Z" },
		{ CHILD(0, 0, 0, 0) ",\"last_in\":null,\"last_out\":\"2026-11-21T09:56:00Z\"",
			"last in none; last out 4m00s ago" },
	};
	setup();
	for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
		struct scene *x = scene_of(
			&(struct row){ .cloud = "aws", .start = "initiate", .state = "up", .more = cases[i].more, .events = "" });
		ck_assert_ptr_nonnull(strstr(x->v.v[0].evidence[1], cases[i].words));
		scene_end(x);
	}
}
END_TEST

/* A responder that takes what comes at any of its addresses has none that the peer could be told. */
START_TEST(whom_the_peer_dials)
{
	static const struct {
		const char *local, *there;
	} cases[] = { { "\"198.51.100.7:500\"", "the peer has to initiate, to 198.51.100.7:500" },
		{ "null", "the peer has to initiate" } };
	setup();
	for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
		char more[64];
		snprintf(more, sizeof more, "\"local\":%s", cases[i].local); /* the later one counts */
		struct scene *x = scene_of(
			&(struct row){ .cloud = "none", .start = "respond", .state = "down", .more = more, .events = "" });
		ck_assert_str_eq(verdict_of(x, "idle")->there, cases[i].there);
		scene_end(x);
	}
}
END_TEST

/* What was put back once or twice is no trouble, whatever it was; what all tunnels share counts for each, another tunnel's things do not. */
START_TEST(a_repair_is_no_trouble)
{
	static const char once[] = REPAIRED("route", "ip") "," REPAIRED("address", "ip") "," REPAIRED("rule", "") "," REPAIRED(
		"sa", "");
	static const char theirs[] =
		"{\"tunnel\":\"other\",\"at\":\"2026-11-21T09:59:00Z\",\"code\":\"kernel-repaired\",\"subject\":\"route\"}";
	static const char shared[] =
		"{\"tunnel\":null,\"at\":\"2026-11-21T09:59:00Z\",\"code\":\"kernel-repaired\",\"subject\":\"firewall\",\"by\":\"nft\"}";
	static const char old[] =
		"{\"tunnel\":\"t\",\"at\":\"2026-11-21T09:00:00Z\",\"code\":\"kernel-repaired\",\"subject\":\"route\"}";
	static const struct {
		const char *more, *first, *second /* and third */, *code;
	} cases[] = {
		{ CHILD(9, 9, 0, 0) ",\"kernel\":{\"as_wanted\":true,\"differs\":null,\"repairs\":8}", theirs, once, "up" },
		{ CHILD(9, 9, 0, 0), theirs, theirs, "up" },
		{ CHILD(9, 9, 0, 0), shared, shared, "kernel-differs" },
		{ CHILD(9, 9, 0, 0), old, old, "up" },
	};
	char events[2048];
	setup();
	for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
		snprintf(events, sizeof events, "%s,%s,%s", cases[i].first, cases[i].second, cases[i].second);
		struct scene *x = scene_of(&(struct row){
			.cloud = "aws", .start = "initiate", .state = "up", .more = cases[i].more, .events = events });
		ck_assert_msg(strcmp(verdict_word(x->v.v[0].rule->code), cases[i].code) == 0, "case %zu: %s", i,
			verdict_word(x->v.v[0].rule->code));
		scene_end(x);
	}
}
END_TEST

START_TEST(another_tunnel_may_carry_the_route)
{
	struct row r = *row_of("up", "aws");
	setup();
	struct scene *x = scene_of(&r);
	snprintf(x->host.routes[0].device, sizeof x->host.routes[0].device, "s2s-other");
	verdicts_release(&x->v);
	explain_judge(&x->s, &x->v);
	ck_assert_str_eq(verdict_word(x->v.v[0].rule->code), "up");
	scene_end(x);
}
END_TEST

/* ---------------------------------------------------------------- items */
START_TEST(items_stand_side_by_side)
{
	setup();
	struct verdict v = { 0 };
	ck_assert(!compare_proposals(
		&v, CLOUD_AZURE, false, "aes256-sha256-modp2048", "aes256-sha1-modp1024, encr-99-sha1-group-1025"));
	ck_assert_uint_eq(v.n_items, 3);
	ck_assert_str_eq(v.items[0].what, "encryption");
	ck_assert_str_eq(v.items[0].theirs, "aes256 encr-99");
	ck_assert(v.items[0].common);
	ck_assert_str_eq(v.items[1].what, "integrity");
	ck_assert_str_eq(v.items[1].named, "SHA256");
	ck_assert(!v.items[1].common);
	ck_assert_str_eq(v.items[2].what, "group");
	ck_assert_str_eq(v.items[2].named, "DHGroup14");
	ck_assert_str_eq(v.items[2].theirs, "modp1024 group-1025");
	ck_assert(!v.items[2].common);
	v.n_items = 0;
	ck_assert(!compare_proposals(&v, CLOUD_AZURE, true, "aes256-sha256-modp2048", "aes256-sha256"));
	ck_assert_str_eq(v.items[2].named, "PFS2048");
	ck_assert_str_eq(v.items[2].theirs, "no PFS");
	v.n_items = 0;
	ck_assert(compare_proposals(&v, CLOUD_AWS, false, "aes256gcm16-prfsha384-ecp384", "aes256gcm16-prfsha384-ecp384-ecp256"));
	ck_assert_str_eq(v.items[0].named, "AES256-GCM-16");
	v.n_items = 0;
	ck_assert(compare_proposals(&v, CLOUD_NONE, false, "aes256-sha256-modp2048", ""));
}
END_TEST

START_TEST(published_sets_are_of_known_words)
{
	static const enum cloud clouds[] = { CLOUD_AWS, CLOUD_AZURE };
	setup();
	for (unsigned i = 0; i < 4; i++) {
		char text[CLOUD_DEFAULTS];
		const char *name = NULL, *words = text;
		ck_assert(cloud_defaults(clouds[i / 2], i % 2, text, &name));
		ck_assert_uint_lt(strlen(text), CLOUD_DEFAULTS - 1);
		ck_assert_ptr_nonnull(name);
		while (*words != 0) {
			size_t n = strcspn(words, "-, ");
			ck_assert_msg(n == 0 || alg_by_word(words, n) != NULL, "%.*s", (int)n, words);
			words += n + (words[n] != 0);
		}
	}
	const char *name;
	char text[CLOUD_DEFAULTS];
	ck_assert(!cloud_defaults(CLOUD_NONE, false, text, &name));
	char groups[64];
	ck_assert(only_weak_groups("aes256-sha1-modp1024, aes128-sha256-modp1536", groups, sizeof groups));
	ck_assert_str_eq(groups, "modp1024 modp1536");
	ck_assert(!only_weak_groups("aes256-sha1-modp1024-modp2048", groups, sizeof groups));
	ck_assert(!only_weak_groups("aes256-sha1", groups, sizeof groups));
}
END_TEST

/* ---------------------------------------------------------------- words */
START_TEST(foreign_text_is_harmless)
{
	struct row r = *row_of("identity", "none");
	setup();
	r.more = ERR("id-refused", "peer", "calls itself \\u001b[31mroot\\n",
		",\"ours\":\"203.0.113.10\",\"theirs\":\"\\u001b]0;x\\u0007\"");
	r.title = NULL;
	struct scene *x = scene_of(&r);
	for (unsigned form = 0; form < 2; form++) {
		char *text = NULL;
		size_t size = 0;
		FILE *to = open_memstream(&text, &size);
		if (form == 0)
			explain_text(&x->s, &x->v, to, false);
		else {
			json_t *o = explain_json(&x->s, &x->v);
			json_dumpf(o, to, JSON_COMPACT);
			json_decref(o);
		}
		fclose(to);
		ck_assert_ptr_null(strchr(text, '\033'));
		ck_assert_ptr_null(strchr(text, '\007'));
		ck_assert_ptr_nonnull(strstr(text, "x1b]0;x"));
		free(text);
	}
	scene_end(x);
}
END_TEST

START_TEST(verdict_first_then_evidence_then_what_to_do)
{
	setup();
	struct scene *x = scene_of(row_of("psk-or-identity", "aws"));
	char *text = NULL;
	size_t size = 0;
	FILE *to = open_memstream(&text, &size);
	explain_text(&x->s, &x->v, to, false);
	fclose(to);
	ck_assert_str_eq(text,
		"t: connecting: the peer rejects our authentication: the pre-shared key differs, or it does not know us as 198.51.100.7 (fault: peer)\n"
		"  seen: 1m00s ago: refused\n"
		"  compared: identity: ours 198.51.100.7\n"
		"  here: compare keys/t.psk with the peer's key; set 'local-id' to the identity that the peer expects (often our address as it sees it), then `s2sctl reload`\n"
		"  at AWS: Pre-shared key in VPC console > Site-to-Site VPN connections > Modify VPN tunnel options (each tunnel has its own), and the customer "
		"gateway's IP address must be 198.51.100.7. Its log says `AWS tunnel detected a pre-shared key mismatch with cgw` when it is the key\n"
		"  not seen: the firewall's rules: `nft -j list ruleset` fails; run this as root\n");
	free(text);
	scene_end(x);
}
END_TEST

/* On a terminal of 80 columns every line fits, whatever the verdict. */
START_TEST(a_terminal_gets_lines_that_fit)
{
	setup();
	struct scene *x = scene_of(&rows[_i]);
	char *text = NULL, *rest, *line;
	size_t size = 0;
	FILE *to = open_memstream(&text, &size);
	explain_text(&x->s, &x->v, to, true);
	fclose(to);
	unsigned lines = 0;
	for (rest = text; (line = strsep(&rest, "\n")) != NULL; lines++)
		ck_assert_msg(strlen(line) <= 80, "%zu columns: %s", strlen(line), line);
	ck_assert_uint_gt(lines, 2);
	free(text);
	scene_end(x);
}
END_TEST

int main(void)
{
	TCase *all = tcase_create("all");
	tcase_add_loop_test(all, each_verdict_has_its_words, 0, (int)ROWS);
	tcase_add_loop_test(all, nothing_is_rewritten, 0, 5);
	tcase_add_test(all, only_counters_that_rise_are_told);
	tcase_add_test(all, what_is_not_seen_is_told);
	tcase_add_test(all, snat_is_no_masquerading);
	tcase_add_loop_test(all, a_terminal_gets_lines_that_fit, 0, (int)ROWS);
	const TTest *const tests[] = { a_dead_peer_is_told_by_its_cause, no_verdict_is_untested, each_error_leads_to_a_verdict,
		a_rekey_that_works_takes_back_one_that_failed, worst_comes_first_and_special_hides_general,
		a_healthy_tunnel_is_healthy, idle_is_said, whom_the_peer_dials, a_repair_is_no_trouble,
		another_tunnel_may_carry_the_route, items_stand_side_by_side, published_sets_are_of_known_words,
		foreign_text_is_harmless, verdict_first_then_evidence_then_what_to_do };
	for (size_t i = 0; i < sizeof tests / sizeof *tests; i++)
		tcase_add_test(all, tests[i]);
	return unit_run_case("explain", all);
}
