/*
 * test_looks.c - how often the counters are looked at: seldom while nothing leaves, twice a second while something is without an answer, and never so
 * seldom that failover-after (5 s, the default) is kept badly.
 */
#include "liar.h"

static uint32_t t_of(int host) { return tunnel_id(&w, host, "t"); }
static unsigned looks(void) { return w.hosts[A].looks; }

/* Every 50 ms for so long; back: with an answer to each. */
static void carry(msec ms, bool back)
{
	for (msec at = 0; at < ms; at += 50) {
		traffic_send(&w, A, t_of(A));
		world_run(&w, 20);
		if (back)
			traffic_send(&w, B, t_of(B));
		world_run(&w, 30);
	}
}

static unsigned in_a_minute(void (*what)(void))
{
	unsigned before = looks();
	for (unsigned i = 0; i < 60; i++)
		what();
	return looks() - before;
}
static void rest(void) { world_run(&w, SECOND); }
static void talk(void) { carry(SECOND, true); }
static void log_lines(void) { carry(SECOND, false); }

/* A peer may die just when the tunnel is up. */
START_TEST(as_soon_as_it_is_up)
{
	up();
	unsigned before = looks();
	world_run(&w, 2 * SECOND);
	ck_assert_uint_ge(looks() - before, 3);
}
END_TEST

/* One way only: the peer says that it lives, so that what leaves wants no answer, it seems. */
static const struct {
	const char *name;
	void (*what)(void);
	unsigned least, most; /* looks in a minute */
} paces[] = { { "at rest", rest, 22, 25 }, { "with traffic", talk, 108, 122 }, { "one way only", log_lines, 100, 122 } };

START_TEST(pace)
{
	up();
	world_run(&w, 2 * COUNTERS_BUSY);
	unsigned n = in_a_minute(paces[_i].what);
	ck_assert_msg(n >= paces[_i].least && n <= paces[_i].most, "%s: %u", paces[_i].name, n);
}
END_TEST

START_TEST(asked_for_by_others)
{
	up();
	world_run(&w, 2 * COUNTERS_BUSY);
	unsigned before = looks();
	for (unsigned i = 0; i < 60; i++) {
		rest();
		world_at(&w, 1, W_COUNTERS, A);
	}
	ck_assert_uint_le(looks() - before, 61); /* those that were asked for serve */
}
END_TEST

START_TEST(while_there_is_no_answer)
{
	up();
	carry(10 * SECOND, true);
	w.partition = true;
	unsigned before = looks();
	carry(4 * SECOND, false);
	ck_assert_uint_ge(looks() - before, 6);
}
END_TEST

static msec until_it_is_left(void)
{
	msec from = w.now;
	while (w.hosts[A].link[t_of(A)] == LINK_UP && w.now - from < MINUTE)
		carry(50, false);
	return w.now - from;
}

/* The line is cut while there is traffic, and before there is any. */
START_TEST(failover_in_time)
{
	w.meddled = true;
	up();
	carry(10 * SECOND + _i / 2 * 130, true);
	if (_i % 2)
		world_run(&w, 5 * SECOND + 2 * COUNTERS_BUSY + _i / 2 * 230);
	w.partition = true;
	msec ms = until_it_is_left();
	ck_assert_msg(ms >= 3800 && ms <= (_i % 2 ? 7000 : 6300), "%lld ms", (long long)ms);
}
END_TEST

int main(void)
{
	TCase *t = tcase_create("looks");
	tcase_add_checked_fixture(t, setup, teardown);
	tcase_set_timeout(t, 60);
	tcase_add_test(t, as_soon_as_it_is_up);
	tcase_add_loop_test(t, pace, 0, sizeof paces / sizeof paces[0]);
	tcase_add_test(t, asked_for_by_others);
	tcase_add_test(t, while_there_is_no_answer);
	tcase_add_loop_test(t, failover_in_time, 0, 20);
	return unit_run_case("looks", t);
}
