/*
 * test_ping.c - `s2sctl ping` and `probe --esp`: what counters, answers and refusals mean, the bisection of sizes, and the answers' schemas.
 */
#include <errno.h>
#include <string.h>

#include "base/util.h"
#include "ctl/ping/ping.h"
#include "schema_help.h"
#include "unit.h"

/* Three packets; what counters did meanwhile. */
struct seen {
	unsigned sent, received, errors;
	int error;
	const char *error_from;
	uint64_t link_out, sa_out, sa_in, no_sa, refused, loop, damaged;
	bool unknown; /* the daemon does not answer any more */
};

static struct ping_facts facts_of(const struct seen *v)
{
	struct ping_facts f = { .tunnel = "aws",
		.interface = "s2s-aws",
		.size = PING_SIZE,
		.sent = v->sent,
		.received = v->received,
		.errors = v->errors,
		.error = v->error };
	ck_assert(addr_parse(&f.from, "169.254.21.2") && addr_parse(&f.to, "169.254.21.1"));
	if (v->error_from != NULL)
		ck_assert(addr_parse(&f.error_from, v->error_from));
	f.was = (struct ping_counters){ .sa = !v->unknown,
		.link = true,
		.sa_out = 1000,
		.sa_in = 1000,
		.link_out = 7,
		.no_sa = 5,
		.refused = 6,
		.loop = 7,
		.link_damaged = 8 };
	f.is = f.was;
	f.is.link_out += v->link_out;
	f.is.sa_out += v->sa_out;
	f.is.sa_in += v->sa_in;
	f.is.no_sa += v->no_sa;
	f.is.refused += v->refused;
	f.is.loop += v->loop;
	f.is.link_damaged += v->damaged;
	return f;
}

#define ALL_OUT .sent = 3, .link_out = 3, .sa_out = 3
static const struct {
	struct seen seen;
	enum ping_code code;
	const char *legs; /* y n ? of interface, ESP out, ESP in, answers */
	const char *text;
} rows[] = {
	{ { ALL_OUT, .received = 3, .sa_in = 3 }, PING_ANSWERED, "yyyy", "both directions work" },
	{ { ALL_OUT, .received = 1, .sa_in = 1 }, PING_SOME_LOST, "yyyy", "lost on the way" },
	{ { ALL_OUT, .received = 3, .unknown = true }, PING_ANSWERED, "y?yy", NULL },
	{ { ALL_OUT }, PING_NO_ESP_BACK, "yynn", "3 packets went into the tunnel and left as ESP; nothing came back as ESP" },
	{ { ALL_OUT, .sa_in = 3 }, PING_LOST_HERE, "yyyn", "packet filter of this machine" },
	{ { ALL_OUT, .damaged = 3 }, PING_DAMAGED, "yynn", "damaged or repeated" },
	{ { ALL_OUT, .sa_in = 1, .errors = 1, .error = EHOSTUNREACH, .error_from = "10.20.0.1" }, PING_REFUSED_THERE, "yyyn",
		"10.20.0.1 says" },
	{ { .sent = 3, .no_sa = 3, .errors = 3, .error = EHOSTUNREACH, .error_from = "169.254.21.2" }, PING_NO_SA, "nnnn",
		"no SA for these" },
	{ { .sent = 3, .refused = 3, .sa_out = 3 }, PING_ESP_STOPPED, "ynnn", "on their way out" },
	{ { .sent = 3, .loop = 3 }, PING_LOOP, "nnnn", "into the tunnel itself" },
	{ { .sent = 3 }, PING_FILTERED, "nnnn", "packet filter" },
	{ { .sent = 3, .link_out = 2, .sa_out = 2 }, PING_FILTERED, "nnnn", NULL }, /* of somebody else's */
	{ { .error = EPERM }, PING_FILTERED, "nnnn", NULL },
	{ { .error = ENETUNREACH }, PING_NOT_SENT, "nnnn", "Network is unreachable" },
	{ { .error = EMSGSIZE }, PING_TOO_BIG, "nnnn", "larger than what fits" },
	{ { .sent = 3, .no_sa = 1, .link_out = 3, .sa_out = 3 }, PING_NO_ESP_BACK, "yynn",
		NULL }, /* one is an idle interface's own */
};

START_TEST(judges)
{
	struct ping_facts f = facts_of(&rows[_i].seen);
	struct ping_result r;
	char legs[LEG_COUNT + 1] = "";
	ping_judge(&f, &r);
	for (unsigned i = 0; i < LEG_COUNT; i++)
		legs[i] = r.leg[i] == PING_YES ? 'y' : r.leg[i] == PING_NO ? 'n' : '?';
	ck_assert_msg(r.code == rows[_i].code, "%s", ping_code_word(r.code));
	ck_assert_str_eq(legs, rows[_i].legs);
	ck_assert_msg(rows[_i].text == NULL || strstr(r.text, rows[_i].text) != NULL, "%s", r.text);
	json_t *o = json_pack("{sisss[o]}", "version", 1, "tunnel", "aws", "targets", ping_facts_json(&f, &r));
	schema_check("ping", o);
	json_decref(o);
}
END_TEST

/* Who says that the peer's own address is not there, and whether that one is in our inside network. */
static const struct {
	const char *inside, *from;
	int error;
	enum ping_code code;
} ends[] = {
	{ "169.254.21.2/30", "169.254.22.1", EHOSTUNREACH, PING_INSIDE_APART },
	{ "169.254.21.2/30", "169.254.22.1", ENETUNREACH, PING_INSIDE_APART },
	{ "169.254.21.2/30", "169.254.21.1", EHOSTUNREACH, PING_REFUSED_THERE },
	{ "169.254.21.2/30", "169.254.22.1", EACCES, PING_REFUSED_THERE },
	{ "fd00::1/64", "169.254.22.1", EHOSTUNREACH, PING_REFUSED_THERE },
	{ NULL, "169.254.22.1", EHOSTUNREACH, PING_REFUSED_THERE }, /* a host behind the peer */
};

START_TEST(inside_ends)
{
	struct seen seen = { ALL_OUT, .sa_in = 1, .errors = 1, .error = ends[_i].error, .error_from = ends[_i].from };
	struct ping_facts f = facts_of(&seen);
	struct ping_result r;
	ck_assert(ends[_i].inside == NULL || prefix_parse(&f.inside, ends[_i].inside));
	ping_judge(&f, &r);
	ck_assert_msg(r.code == ends[_i].code, "%s", ping_code_word(r.code));
	if (r.code == PING_INSIDE_APART)
		ck_assert_msg(
			strstr(r.text, "169.254.22.1, which is not in our inside network 169.254.21.2/30") != NULL, "%s", r.text);
}
END_TEST

/* ---------------------------------------------------------------- sizes */
static unsigned limit, asked, stop_at;
static int up_to_limit(void *arg, unsigned size)
{
	(void)arg;
	asked++;
	return asked == stop_at ? -1 : size <= limit;
}

/* what passes, the range -> found; 0: not measured */
static const unsigned sizes[][5] = { { 1438, 576, 1438, 1438, 1 }, { 1437, 576, 1438, 1437, 16 }, { 576, 576, 1438, 576, 16 },
	{ 575, 576, 1438, 0, 2 }, { 1300, 1280, 1400, 1300, 16 }, { 9000, 576, 9000, 9000, 1 }, { 5000, 576, 65000, 5000, 20 },
	{ 1280, 1280, 1280, 1280, 1 }, { 100, 1280, 1280, 0, 1 } };

START_TEST(bisects)
{
	struct ping_mtu m;
	limit = sizes[_i][0];
	asked = stop_at = 0;
	ping_bisect(&m, sizes[_i][1], sizes[_i][2], up_to_limit, NULL);
	ck_assert_int_eq(m.measured, sizes[_i][3] != 0);
	ck_assert_uint_eq(m.mtu, sizes[_i][3]);
	ck_assert_uint_eq(m.asked, asked);
	ck_assert_uint_le(asked, sizes[_i][4]);
}
END_TEST

START_TEST(stops_when_interrupted)
{
	struct ping_mtu m;
	limit = 1000;
	for (stop_at = 1; stop_at < 9; stop_at++) {
		asked = 0;
		ping_bisect(&m, 576, 1438, up_to_limit, NULL);
		ck_assert_uint_eq(asked, stop_at);
		ck_assert(!m.measured && m.mtu == 0);
	}
}
END_TEST

/* ---------------------------------------------------------------- does ESP pass */
START_TEST(esp)
{
	static const struct {
		struct seen seen;
		bool udp, heard;
		const char *word;
	} v[] = { { { ALL_OUT, .received = 1 }, false, false, "passes" }, { { ALL_OUT, .sa_in = 2 }, false, true, "comes-back" },
		{ { ALL_OUT }, false, true, "esp-dropped" }, { { ALL_OUT }, true, true, "udp-unanswered" },
		{ { ALL_OUT }, false, false, "nothing-heard" }, { { ALL_OUT }, true, false, "nothing-heard" },
		{ { .sent = 3 }, false, true, "not-sent" },
		{ { .sent = 3, .refused = 3, .sa_out = 3 }, false, true, "not-sent" } };
	struct ping_facts f = facts_of(&v[_i].seen);
	struct ping_result r;
	ping_judge(&f, &r);
	ck_assert_str_eq(esp_verdict_word(esp_judge(&f, &r, v[_i].udp, v[_i].heard)), v[_i].word);
}
END_TEST

static const struct {
	struct seen seen;
	bool made;
	const char *why, *word;
} trials[] = {
	{ { ALL_OUT, .received = 1 }, true, "", "udp-helps" },
	{ { ALL_OUT, .sa_in = 2 }, true, "", "udp-helps" },
	{ { ALL_OUT, .damaged = 3 }, true, "", "udp-helps" },
	{ { ALL_OUT }, true, "", "udp-no-help" },
	{ { .sent = 3 }, true, "", "esp-dropped" }, /* nothing left: nothing is known */
	{ { 0 }, false, "only the peer initiates this tunnel", "esp-dropped" },
};

START_TEST(udp_tried)
{
	static const struct seen none = { ALL_OUT };
	struct ping_trial t = {
		.tried = true, .made = trials[_i].made, .back = true, .seconds = 6, .f = facts_of(&trials[_i].seen)
	};
	struct ping_plan p = { .tunnel = "aws" };
	struct ping_facts f = facts_of(&none);
	struct ping_result r;
	snprintf(t.why, sizeof t.why, "%s", trials[_i].why);
	ping_judge(&t.f, &t.r);
	ping_judge(&f, &r);
	ck_assert_str_eq(esp_verdict_word(esp_judge_trial(&t)), trials[_i].word);
	json_t *o = esp_json(&p, &f, &r, esp_judge_trial(&t), &t);
	schema_check("probe.esp", o);
	ck_assert_int_eq(json_is_null(json_object_get(json_object_get(o, "trial"), "ping")), !t.made);
	json_decref(o);
	t.tried = false;
	o = esp_json(&p, &f, &r, ESP_NOTHING_HEARD, &t);
	schema_check("probe.esp", o);
	ck_assert(json_is_null(json_object_get(o, "trial")) && json_is_false(json_object_get(o, "ike_heard")));
	json_decref(o);
}
END_TEST

int main(void)
{
	TCase *t = tcase_create("all");
	tcase_add_loop_test(t, judges, 0, (int)ARRAY_SIZE(rows));
	tcase_add_loop_test(t, inside_ends, 0, (int)ARRAY_SIZE(ends));
	tcase_add_loop_test(t, bisects, 0, (int)ARRAY_SIZE(sizes));
	tcase_add_test(t, stops_when_interrupted);
	tcase_add_loop_test(t, esp, 0, 8);
	tcase_add_loop_test(t, udp_tried, 0, (int)ARRAY_SIZE(trials));
	return unit_run_case("ping", t);
}
