/*
 * test_recent.c - what a tunnel carried lately, and when traffic of one way only is worth a word.
 */
#include <string.h>

#include "../../src/ike/machine.h"
#include "unit.h"

static struct moment at(msec ms) { return (struct moment){ { ms }, 1000 + ms / 1000 }; }

static void look(struct recent *r, msec ms, uint64_t in, uint64_t out, unsigned size)
{
	if (in)
		recent_add(r, WAY_IN, in, in * size, 0, 0);
	if (out)
		recent_add(r, WAY_OUT, out, out * size, 0, 0);
	recent_looked(r, at(ms));
}

START_TEST(a_window_holds_what_is_in_it)
{
	struct recent r = { 0 };
	for (msec ms = 100000; ms <= 300000; ms += 1000)
		look(&r, ms, 1, 3, 500);
	struct recent_sum ten = recent_sum(&r, at(300000).mono, 10000), minute = recent_sum(&r, at(300000).mono, 60000);
	ck_assert_uint_eq(ten.packets[WAY_IN], 11);
	ck_assert_uint_eq(ten.packets[WAY_OUT], 33);
	ck_assert_uint_eq(minute.packets[WAY_IN], 61);
	ck_assert_uint_eq(minute.packets[WAY_OUT], 183);
	ck_assert_int_eq(r.last[WAY_IN], 1300);
	/* It empties by itself. */
	ck_assert_uint_eq(recent_sum(&r, at(312000).mono, 10000).packets[WAY_OUT], 0);
	ck_assert_uint_gt(recent_sum(&r, at(312000).mono, 60000).packets[WAY_OUT], 140);
	ck_assert_uint_eq(recent_sum(&r, at(362000).mono, 60000).packets[WAY_OUT], 0);
	ck_assert_int_eq(r.last[WAY_IN], 1300);
	recent_free(&r);
}
END_TEST

START_TEST(numbers_may_be_of_any_size)
{
	struct recent r = { 0 };
	for (msec ms = 0; ms < 3; ms++) {
		recent_add(&r, WAY_IN, UINT64_MAX / 2, UINT64_MAX, UINT64_MAX / 2, 1);
		recent_looked(&r, at(ms));
	}
	struct recent_sum sum = recent_sum(&r, at(3).mono, 60000);
	ck_assert_uint_eq(sum.packets[WAY_IN], UINT32_MAX);
	ck_assert_uint_eq(sum.replay_errors, UINT32_MAX);
	ck_assert_uint_eq(sum.integrity_errors, 3);
	recent_free(&r);
}
END_TEST

START_TEST(errors_alone_are_counted_and_are_no_traffic)
{
	struct recent r = { 0 };
	recent_add(&r, WAY_IN, 0, 0, 0, 7);
	recent_looked(&r, at(5000));
	ck_assert_uint_eq(recent_sum(&r, at(6000).mono, 10000).integrity_errors, 7);
	ck_assert_int_eq(r.last[WAY_IN], 0);
	recent_free(&r);
}
END_TEST

/* Attempts that nobody answers are told after 45 seconds, once; the first answer takes it back. */
START_TEST(attempts_without_answer_are_a_problem)
{
	struct recent r = { 0 };
	msec ms = 100000;
	look(&r, ms, 5, 5, 60);
	for (ms += 5000; ms < 150000; ms += 5000) {
		look(&r, ms, 0, 1, 60);
		ck_assert_int_eq(recent_problem(&r, at(ms).mono, false), PROBLEM_NONE);
	}
	look(&r, ms, 0, 1, 60);
	ck_assert_int_eq(recent_problem(&r, at(ms).mono, false), PROBLEM_OUTBOUND_ONLY);
	r.told = PROBLEM_OUTBOUND_ONLY;
	/* An attempt every two minutes is the same problem; none for five is none. */
	for (int i = 0; i < 5; i++)
		look(&r, ms += 120000, 0, 3, 60);
	ck_assert_int_eq(recent_problem(&r, at(ms).mono, false), PROBLEM_OUTBOUND_ONLY);
	ck_assert_int_eq(recent_problem(&r, at(ms + ONE_WAY_QUIET).mono, false), PROBLEM_NONE);
	look(&r, ms + 1000, 1, 1, 60);
	ck_assert_int_eq(recent_problem(&r, at(ms + 1000).mono, false), PROBLEM_NONE);
	recent_free(&r);
}
END_TEST

/* Somebody tried for most of a minute and gave up: what is told is told while it goes on. */
START_TEST(attempts_that_ended_are_no_problem)
{
	struct recent r = { 0 };
	for (msec ms = 100000; ms <= 140000; ms += 5000)
		look(&r, ms, 0, 1, 60);
	for (msec ms = 140000 + ONE_WAY_TELL; ms < 400000; ms += 5000)
		ck_assert_int_eq(recent_problem(&r, at(ms).mono, false), PROBLEM_NONE);
	recent_free(&r);
}
END_TEST

START_TEST(a_log_sender_is_none)
{
	struct recent out = { 0 }, in = { 0 }, bgp = { 0 };
	for (msec ms = 100000; ms < 400000; ms += 5000) {
		look(&out, ms, 0, 7, 211);
		look(&in, ms, 7, 0, 211);
		look(&bgp, ms, 0, 7, 211);
		ck_assert_int_eq(recent_problem(&out, at(ms).mono, false), PROBLEM_NONE);
		ck_assert_int_eq(recent_problem(&in, at(ms).mono, false), PROBLEM_NONE);
	}
	ck_assert_int_eq(recent_problem(&bgp, at(395000).mono, true), PROBLEM_OUTBOUND_ONLY);
	ck_assert(!recent_answerless(&out.alone[WAY_OUT], false));
	ck_assert(recent_answerless(&out.alone[WAY_OUT], true));
	recent_free(&out);
	recent_free(&in);
	recent_free(&bgp);
}
END_TEST

START_TEST(both_ways_in_one_look_are_no_question)
{
	struct recent r = { 0 };
	for (msec ms = 100000; ms < 400000; ms += 5000) {
		look(&r, ms, 1, 900, 60);
		ck_assert_int_eq(recent_problem(&r, at(ms).mono, true), PROBLEM_NONE);
		ck_assert_uint_eq(r.alone[WAY_OUT].packets, 0);
	}
	recent_free(&r);
}
END_TEST

/* Who comes up again begins anew; what was told is still to be taken back. */
START_TEST(coming_up_begins_anew)
{
	struct recent r = { 0 };
	for (msec ms = 100000; ms < 200000; ms += 5000)
		look(&r, ms, 1, 0, 84);
	ck_assert_int_eq(recent_problem(&r, at(195000).mono, false), PROBLEM_INBOUND_ONLY);
	r.told = PROBLEM_INBOUND_ONLY;
	recent_came_up(&r);
	ck_assert_int_eq(recent_problem(&r, at(195000).mono, false), PROBLEM_NONE);
	ck_assert_int_eq(r.told, PROBLEM_INBOUND_ONLY);
	ck_assert_uint_eq(recent_sum(&r, at(195000).mono, 60000).packets[WAY_IN], 0);
	ck_assert_int_eq(r.last[WAY_IN], 0);
}
END_TEST

/* Two tunnels to one network: by one the packets go, by the other the answers come, also when that one has just sent in vain. */
START_TEST(answers_come_by_another_tunnel)
{
	struct ike *ike = xcalloc(1, sizeof *ike);
	struct prefix net;
	struct tunnel_conf conf[2] = { { .n_routes = 1, .routes = &net }, { .n_routes = 1, .routes = &net } };
	struct tunnel t[2] = { { .id = 1, .conf = &conf[0], .state = TUNNEL_UP },
		{ .id = 2, .conf = &conf[1], .state = TUNNEL_UP } };
	ck_assert(prefix_parse(&net, "10.20.0.0/16"));
	table_init(&ike->tunnels, 7);
	for (unsigned i = 0; i < 2; i++)
		table_put(&ike->tunnels, t[i].id, &t[i]);
	for (msec ms = 100000; ms < 140000; ms += 1000)
		look(&t[1].recent, ms, 0, 3, 84);
	for (msec ms = 140000; ms < 150000; ms += 1000) {
		look(&t[0].recent, ms, 0, 3, 84);
		look(&t[1].recent, ms, 3, 0, 84);
	}
	ike->counted = at(149000).mono;
	ck_assert(tunnel_elsewhere(ike, &t[0], WAY_OUT));
	t[1].state = TUNNEL_CONNECTING;
	ck_assert(!tunnel_elsewhere(ike, &t[0], WAY_OUT));
	t[1].state = TUNNEL_UP;
	conf[1].n_routes = 0;
	ck_assert(!tunnel_elsewhere(ike, &t[0], WAY_OUT));
	for (unsigned i = 0; i < 2; i++)
		recent_free(&t[i].recent);
	table_release(&ike->tunnels);
	free(ike);
}
END_TEST

UNIT_MAIN("recent", answers_come_by_another_tunnel, a_window_holds_what_is_in_it, numbers_may_be_of_any_size,
	errors_alone_are_counted_and_are_no_traffic, attempts_without_answer_are_a_problem, attempts_that_ended_are_no_problem,
	a_log_sender_is_none, both_ways_in_one_look_are_no_question, coming_up_begins_anew)
