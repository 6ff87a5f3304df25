/*
 * test_work.c - what is done on worker threads: when the loop hears of it.
 */
#include <event2/event.h>

#include "crypto/alg.h"
#include "engine/work.h"
#include "unit.h"

enum { JOBS = 4 };
static struct event_base *base;
static struct work *work;
static uint32_t done[JOBS];
static unsigned n_done, in_first_turn;

static void on_result(void *arg, struct ike_ticket ticket, struct ike_job_result *r)
{
	(void)arg;
	ck_assert_int_eq(r->err, ERR_OK);
	ck_assert_uint_lt(n_done, JOBS);
	done[n_done++] = (uint32_t)ticket.job;
	work_result_free(r);
}

static void submit_as(uint32_t number, uint16_t group, bool alone)
{
	struct ike_job j = { .kind = JOB_KE_OFFER, .group = group };
	work_submit(work, (struct ike_ticket){ .job = number }, &j, alone);
}

static void submit(uint32_t number, uint16_t group) { submit_as(number, group, false); }

static void set_up(void)
{
	const char *why;
	ck_assert_msg(alg_init(&why), "%s", why);
	base = event_base_new();
	work = work_new(base, on_result, NULL);
	work_resize(work, 1);
}

/* A quick one before long ones: they take a tenth of a second and more, and its result is not kept until then. */
START_TEST(quick_before_long)
{
	set_up();
	submit(1, GROUP_MODP_2048);
	for (uint32_t i = 2; i <= JOBS; i++)
		submit(i, GROUP_MODP_8192);
	while (n_done < JOBS) {
		event_base_loop(base, EVLOOP_ONCE);
		in_first_turn = in_first_turn > 0 ? in_first_turn : n_done;
	}
	ck_assert_uint_eq(in_first_turn, 1);
	for (uint32_t i = 0; i < JOBS; i++)
		ck_assert_uint_eq(done[i], i + 1);
	work_resize(work, 0);
	event_base_free(base);
}
END_TEST

/* Alike, but each takes so long that its result does not wait for the next. */
START_TEST(long_ones_are_told_one_by_one)
{
	set_up();
	for (uint32_t i = 1; i <= JOBS; i++)
		submit(i, GROUP_MODP_8192);
	event_base_loop(base, EVLOOP_ONCE);
	ck_assert_uint_ge(n_done, 1);
	ck_assert_uint_lt(n_done, JOBS);
	while (n_done < JOBS)
		event_base_loop(base, EVLOOP_ONCE);
	work_resize(work, 0);
	event_base_free(base);
}
END_TEST

/* The loop is held by one that came alone, when that is short and nothing is under way. */
START_TEST(alone_at_once)
{
	set_up();
	submit_as(1, GROUP_MODP_2048, true);
	ck_assert_uint_eq(n_done, 1);
	submit_as(2, GROUP_MODP_4096, true);
	ck_assert_uint_eq(n_done, 1);
	submit_as(3, GROUP_MODP_2048, true);
	ck_assert_uint_eq(n_done, 1);
	while (n_done < 3)
		event_base_loop(base, EVLOOP_ONCE);
	submit_as(4, GROUP_MODP_2048, false);
	ck_assert_uint_eq(n_done, 3);
	while (n_done < JOBS)
		event_base_loop(base, EVLOOP_ONCE);
	work_resize(work, 0);
	event_base_free(base);
}
END_TEST

UNIT_MAIN("work", quick_before_long, long_ones_are_told_one_by_one, alone_at_once)
