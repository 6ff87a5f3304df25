/*
 * test_repetition.c - when a request is sent again: each wait is longer than the one before (RFC 7296 2.4), but for a peer that was there just now. And
 * what comes again changes nothing.
 */
#include "../sim/hostile.h"
#include "unit.h"

#define SENT_MAX 600

static struct world w;
static uint8_t looked_for; /* exchange of A's requests that are noted */
static unsigned n_sent;
static struct {
	msec at;
	uint64_t spi;
} sent[SENT_MAX];

static bool note_sent(struct world *world, const struct packet *p)
{
	struct cursor c = cursor_of(p->data, p->n);
	if (packet_is(p, A, looked_for, false) && n_sent < SENT_MAX) {
		sent[n_sent].at = world->now;
		sent[n_sent++].spi = get_u64(&c);
	}
	return true; /* nobody is there */
}

static void setup(void)
{
	const char *why;
	ck_assert_msg(alg_init(&why), "%s", why);
	n_sent = 0;
	world_init(&w, 7, false);
	pair(&w);
}

static void teardown(void)
{
	ck_assert_msg(!w.failed, "%s", w.why);
	world_release(&w);
}

START_TEST(waits_grow)
{
	set(&w, A, "t", "dpd-timeout", "600s");
	begin(&w);
	await_up(&w, 10 * SECOND);
	w.traffic = false;
	world_run(&w, SECOND);
	w.filter = note_sent;
	w.excuse_until = w.now + 20 * MINUTE;
	looked_for = EXCHANGE_CREATE_CHILD_SA;
	order(&w, A, COMMAND_REKEY);
	world_run(&w, 9 * MINUTE);
	ck_assert_uint_gt(n_sent, 12); /* a dozen at least in several minutes */
	ck_assert_int_eq(sent[1].at - sent[0].at, RETRANSMIT_FIRST);
	ck_assert_int_eq(sent[2].at - sent[1].at, RETRANSMIT_SECOND);
	for (unsigned i = 3; i < n_sent; i++) {
		msec before = sent[i - 1].at - sent[i - 2].at, wait = sent[i].at - sent[i - 1].at;
		ck_assert_int_eq(sent[i].spi, sent[0].spi);
		ck_assert_int_eq(wait, before + before / 4 < RETRANSMIT_MAX ? before + before / 4 : RETRANSMIT_MAX);
	}
	ck_assert_int_eq(sent[n_sent - 1].at - sent[n_sent - 2].at, RETRANSMIT_MAX);
}
END_TEST

/* The longest wait between two IKE_SA_INIT of one attempt in that time. */
static msec longest_between(msec from, msec to)
{
	msec longest = 0;
	for (unsigned i = 1; i < n_sent; i++)
		if (sent[i].at > from && sent[i].at <= to && sent[i].spi == sent[i - 1].spi &&
			sent[i].at - sent[i - 1].at > longest)
			longest = sent[i].at - sent[i - 1].at;
	return longest;
}

START_TEST(who_was_there_just_now_is_asked_every_two_seconds)
{
	w.filter = note_sent;
	looked_for = EXCHANGE_IKE_SA_INIT;
	begin(&w);
	world_run(&w, 20 * MINUTE);
	ck_assert_int_eq(longest_between(0, 9 * MINUTE), 2000);
	ck_assert_int_gt(longest_between(11 * MINUTE, 20 * MINUTE), 5000);
	for (unsigned i = 1; sent[i].at < 9 * MINUTE; i++)
		ck_assert_int_le(sent[i].at - sent[i - 1].at, 3000); /* nor are there pauses between attempts */
}
END_TEST

/* ---------------------------------------------------------------- what comes again */

static uint8_t request[512]; /* the last liveness check of A's, as it was sent */
static struct packet last;
static unsigned answers;

static bool keep_request(struct world *world, const struct packet *p)
{
	(void)world;
	answers += packet_is(p, B, EXCHANGE_INFORMATIONAL, true);
	if (packet_is(p, A, EXCHANGE_INFORMATIONAL, false) && p->n <= sizeof request) {
		last = *p;
		memcpy(request, p->data, p->n);
	}
	return false;
}

/* Whether B looks at the record of its tunnel when that comes: one that is not there would be saved. */
static bool looks_at_record(void)
{
	struct host *b = &w.hosts[B];
	uint32_t id = tunnel_id(&w, B, "t");
	struct packet p = last;
	p.data = xcalloc(1, last.n);
	memcpy(p.data, request, last.n);
	ike_not_saved(b->ike, id);
	b->as_kept[id] = true;
	net_forward(&w, &p);
	world_run(&w, SECOND);
	return !b->as_kept[id];
}

/* Nothing of the tunnel is in another state when a request was answered from the cache, or was nobody's: a flood of them costs no walk over it. */
START_TEST(what_says_nothing_is_no_change)
{
	begin(&w);
	await_up(&w, 10 * SECOND);
	w.traffic = false;
	w.meddled = true;
	w.filter = keep_request;
	for (unsigned i = 0; i < 600 && !last.n; i++)
		world_run(&w, 100);
	ck_assert_uint_gt(last.n, IKE_HEADER_LEN);
	world_run(&w, 2 * SECOND);
	unsigned before = answers;
	ck_assert(!looks_at_record());
	ck_assert_uint_eq(answers, before + 1);
	request[last.n - 1] ^= 1;
	request[23]++; /* the next message id */
	ck_assert(!looks_at_record());
	ck_assert_uint_eq(answers, before + 1);
}
END_TEST

int main(void)
{
	TCase *t = tcase_create("waits");
	tcase_add_checked_fixture(t, setup, teardown);
	tcase_set_timeout(t, 60);
	tcase_add_test(t, waits_grow);
	tcase_add_test(t, who_was_there_just_now_is_asked_every_two_seconds);
	tcase_add_test(t, what_says_nothing_is_no_change);
	return unit_run_case("repetition", t);
}
