/*
 * test_sync.c - message ids agreed anew (RFC 6311): a peer that is a cluster changes over; replays and lies.
 */
#include "liar.h"

static uint8_t before[IKE_SPI_LEN];

static struct sa *sa_of(int host) { return live_sa(w.hosts[host].ike, tunnel_of(&w, host, "t"), &(unsigned){ 0 }); }

static void both_up(void)
{
	up();
	memcpy(before, sa_of(A)->core.spi_i, IKE_SPI_LEN);
	w.traffic = true;
}

static bool same(int host) { return sa_of(host) && memcmp(sa_of(host)->core.spi_i, before, IKE_SPI_LEN) == 0; }

static unsigned facts(int host, enum fact_code code)
{
	unsigned n = 0;
	for (unsigned i = 0; i <= BLAME_OPERATOR; i++)
		n += w.hosts[host].facts[code][i];
	return n;
}

static void exchanges(int host, unsigned n)
{
	for (unsigned i = 0; i < n; i++) {
		order(&w, host, COMMAND_REKEY);
		world_run(&w, 2 * SECOND);
	}
}

START_TEST(both_announce_it)
{
	both_up();
	ck_assert(sa_of(A)->core.id_sync);
	ck_assert(sa_of(B)->core.id_sync);
	order(&w, A, COMMAND_REKEY_IKE);
	world_run(&w, 5 * SECOND);
	ck_assert(!same(A));
	ck_assert(sa_of(A)->core.id_sync && sa_of(B)->core.id_sync);
}
END_TEST

/* ---------------------------------------------------------------- what B takes */

static void notify(struct inside *m, uint32_t nonce, uint32_t send, uint32_t receive)
{
	uint8_t body[16] = { 0, 0, NOTIFY_IKEV2_MESSAGE_ID_SYNC >> 8, NOTIFY_IKEV2_MESSAGE_ID_SYNC & 0xff };
	uint32_t v[3] = { nonce, send, receive };
	for (unsigned i = 0; i < 12; i++)
		body[4 + i] = (uint8_t)(v[i / 4] >> (24 - 8 * (i % 4)));
	ck_assert(hostile_request(&w, A, "t", EXCHANGE_INFORMATIONAL, m));
	m->h.message_id = 0;
	inside_add(m, PAYLOAD_NOTIFY, body, sizeof body);
}

static void give(struct inside *m)
{
	memset(&reply, 0, sizeof reply);
	deaf = true;
	hostile_deliver(&w, B, m, 0, 0);
	world_run(&w, 200);
	deaf = false;
}

static void begin_b(void)
{
	both_up();
	exchanges(A, 2);
	replies = 0;
	w.traffic = false;
}

START_TEST(a_cluster_changes_over)
{
	struct inside m = { 0 };
	begin_b();
	uint32_t ids_in = sa_of(B)->core.next_in, ids_out = sa_of(B)->core.next_out;
	notify(&m, 0x1234, ids_in + 7, ids_out + 9);
	give(&m);
	ck_assert_uint_eq(replies, 1);
	ck_assert_uint_eq(notify_of(&reply), NOTIFY_IKEV2_MESSAGE_ID_SYNC);
	ck_assert_uint_eq(reply.h.message_id, 0);
	ck_assert_uint_eq(sa_of(B)->core.next_in, ids_in + 7);
	ck_assert_uint_eq(sa_of(B)->core.next_out, ids_out + 9);
	sa_of(A)->core.next_out = ids_in + 7;
	sa_of(A)->core.next_in = ids_out + 9;
	exchanges(A, 1);
	exchanges(B, 1);
	ck_assert(same(A) && same(B));
	check_converged(&w, true);
}
END_TEST

START_TEST(a_lost_answer_comes_again_and_changes_nothing)
{
	struct inside m = { 0 };
	begin_b();
	uint32_t ids_in = sa_of(B)->core.next_in, ids_out = sa_of(B)->core.next_out;
	notify(&m, 7, ids_in + 1, ids_out + 1);
	give(&m);
	give(&m);
	ck_assert_uint_eq(replies, 2);
	ck_assert_msg(!w.failed, "%s", w.why); /* the same octets */
	ck_assert_uint_eq(sa_of(B)->core.next_in, ids_in + 1);
	ck_assert_uint_eq(sa_of(B)->core.next_out, ids_out + 1);
	sa_of(A)->core.next_out = ids_in + 1;
	sa_of(A)->core.next_in = ids_out + 1;
}
END_TEST

/* Replayed, or of a liar: in both cases dropped, and what is under way goes on. */
START_TEST(what_is_old_or_wild_is_dropped)
{
	static const struct {
		int32_t send, receive;
	} v[] = { { -1, 0 }, { -2, 5 }, { INT32_MIN, 0 }, { 0, INT32_MIN } };
	begin_b();
	uint32_t ids_in = sa_of(B)->core.next_in, ids_out = sa_of(B)->core.next_out;
	for (unsigned i = 0; i < ARRAY_SIZE(v); i++) {
		struct inside m = { 0 };
		notify(&m, 9, v[i].send == INT32_MIN ? IDS_REKEY : ids_in + (uint32_t)v[i].send,
			v[i].receive == INT32_MIN ? IDS_REKEY : ids_out + (uint32_t)v[i].receive);
		give(&m);
		ck_assert_msg(
			sa_of(B)->core.next_in == ids_in && sa_of(B)->core.next_out == ids_out, "row %u changed the ids", i);
	}
	check_converged(&w, true);
}
END_TEST

START_TEST(a_replay_is_dropped)
{
	struct inside first = { 0 }, second = { 0 };
	begin_b();
	uint32_t ids_in = sa_of(B)->core.next_in, ids_out = sa_of(B)->core.next_out;
	notify(&first, 1, ids_in + 3, ids_out);
	give(&first);
	sa_of(A)->core.next_out = ids_in + 3;
	exchanges(A, 1);
	replies = 0;
	uint32_t now = sa_of(B)->core.next_in;
	notify(&second, 1, ids_in + 3, ids_out);
	give(&second);
	ck_assert_uint_eq(sa_of(B)->core.next_in, now);
	ck_assert_uint_eq(replies, 0);
}
END_TEST

START_TEST(nothing_else_may_be_in_it)
{
	struct inside m = { 0 };
	begin_b();
	uint32_t ids_in = sa_of(B)->core.next_in;
	notify(&m, 1, ids_in + 3, sa_of(B)->core.next_out);
	inside_add(&m, PAYLOAD_NOTIFY, (uint8_t[]){ 0, 0, 0x40, 0x00 }, 4);
	give(&m);
	ck_assert_uint_eq(sa_of(B)->core.next_in, ids_in);
}
END_TEST

START_TEST(not_announced_not_taken)
{
	struct inside m = { 0 };
	begin_b();
	uint32_t ids_in = sa_of(B)->core.next_in;
	sa_of(B)->core.id_sync = false;
	notify(&m, 1, ids_in + 3, sa_of(B)->core.next_out);
	give(&m);
	ck_assert_uint_eq(sa_of(B)->core.next_in, ids_in);
}
END_TEST

/* ---------------------------------------------------------------- what was under way */

static bool lose_requests_of_b(struct world *world, const struct packet *p)
{
	return watch(world, p) ||
	       (p->from == B && p->n > 19 && !(p->data[19] & IKE_FLAG_RESPONSE) && p->data[18] != EXCHANGE_IKE_SA_INIT);
}

START_TEST(an_open_request_goes_on_under_its_new_id)
{
	struct inside m = { 0 };
	begin_b();
	w.filter = lose_requests_of_b;
	order(&w, B, COMMAND_REKEY);
	world_run(&w, SECOND);
	uint32_t ids_in = sa_of(B)->core.next_in, ids_out = sa_of(B)->core.next_out;
	ck_assert_uint_eq(sa_of(B)->ours.core.state, XS_SENT);
	notify(&m, 5, ids_in, ids_out + 20);
	give(&m);
	ck_assert_uint_eq(sa_of(B)->ours.core.message_id, ids_out + 20);
	w.filter = watch;
	sa_of(A)->core.next_in = ids_out + 20;
	sa_of(A)->core.next_out = ids_in;
	world_run(&w, 10 * SECOND);
	ck_assert_uint_ge(facts(B, FACT_CHILD_REKEYED), 1);
	ck_assert(same(A) && same(B));
	check_converged(&w, true);
}
END_TEST

int main(void)
{
	TCase *t = tcase_create("sync");
	tcase_add_test(t, both_announce_it);
	tcase_add_test(t, a_cluster_changes_over);
	tcase_add_test(t, a_lost_answer_comes_again_and_changes_nothing);
	tcase_add_test(t, what_is_old_or_wild_is_dropped);
	tcase_add_test(t, a_replay_is_dropped);
	tcase_add_test(t, nothing_else_may_be_in_it);
	tcase_add_test(t, not_announced_not_taken);
	tcase_add_test(t, an_open_request_goes_on_under_its_new_id);
	return liar_run("sync", t);
}
