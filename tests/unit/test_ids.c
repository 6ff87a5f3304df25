/*
 * test_ids.c - message ids come to an end (RFC 7296 2.2): the IKE SA is rekeyed long before, closed when that does not work, and no id is used twice.
 */
#include "liar.h"

static uint8_t before[IKE_SPI_LEN];

static struct sa *sa_of(int host) { return live_sa(w.hosts[host].ike, tunnel_of(&w, host, "t"), &(unsigned){ 0 }); }

/* Both ends have come so far in what A asks. */
static void come_to(uint32_t id)
{
	up();
	sa_of(A)->core.next_out = sa_of(B)->core.next_in = id;
	memcpy(before, sa_of(A)->core.spi_i, IKE_SPI_LEN);
}

static bool renewed(void) { return sa_of(A) && memcmp(sa_of(A)->core.spi_i, before, IKE_SPI_LEN) != 0; }

static unsigned down(int host)
{
	unsigned n = 0;
	for (unsigned i = 0; i <= BLAME_OPERATOR; i++)
		n += w.hosts[host].facts[FACT_DOWN][i];
	return n;
}

START_TEST(high_ids_ask_for_a_rekey)
{
	come_to(IDS_REKEY - 2);
	w.traffic = true;
	order(&w, A, COMMAND_REKEY); /* takes two: the rekey, and the DELETE of the old child */
	world_run(&w, 5 * SECOND);
	ck_assert(renewed());
	ck_assert_uint_lt(sa_of(A)->core.next_out, 100);
	ck_assert_uint_eq(down(A) + down(B), 0);
	check_converged(&w, true);
}
END_TEST

/* A peer that asks and does not care: who answers does. */
START_TEST(high_ids_of_the_peer_ask_for_a_rekey)
{
	struct inside none = { 0 };
	come_to(5);
	sa_of(B)->core.next_in = IDS_REKEY - 1;
	ask(&none, EXCHANGE_INFORMATIONAL);
	deaf = false;
	ck_assert_uint_eq(replies, 1);
	world_run(&w, 5 * SECOND);
	ck_assert(renewed());
	ck_assert_uint_eq(down(A) + down(B), 0);
}
END_TEST

static bool no_rekey(struct world *world, const struct packet *p)
{
	return watch(world, p) || (p->n > 19 && p->data[18] == EXCHANGE_CREATE_CHILD_SA);
}

START_TEST(at_the_end_the_sa_is_closed)
{
	come_to(IDS_CLOSE - 1);
	sa_of(A)->rekey_due = false;
	w.filter = no_rekey;
	w.excuse_until = w.now + MINUTE;
	order(&w, A, COMMAND_REKEY);
	world_run(&w, 40 * SECOND);
	ck_assert(renewed());
	ck_assert_uint_lt(sa_of(A)->core.next_out, 100);
	ck_assert_uint_eq(w.hosts[A].facts[FACT_LIFETIME][BLAME_PEER], 1);
	w.filter = watch;
	serves_on();
}
END_TEST

/* The number behind the last one is 0: a peer that goes on all the same is not heard, or all that it ever sent could be sent again. */
START_TEST(the_last_id_is_not_answered)
{
	struct inside none = { 0 };
	uint64_t stale;
	come_to(UINT32_MAX);
	stale = dropped(DROP_STALE);
	ask(&none, EXCHANGE_INFORMATIONAL);
	ck_assert_uint_eq(replies, 0);
	ck_assert_uint_eq(sa_of(B)->core.next_in, UINT32_MAX);
	ck_assert_uint_eq(dropped(DROP_STALE), stale + 1);
	serves_on();
}
END_TEST

static unsigned asked;

static bool count(struct world *world, const struct packet *p)
{
	(void)world;
	asked += p->from == A && !(p->data[19] & IKE_FLAG_RESPONSE) && !memcmp(p->data, before, IKE_SPI_LEN);
	return false;
}

START_TEST(without_an_id_nothing_is_asked)
{
	come_to(UINT32_MAX);
	asked = 0;
	w.filter = count;
	w.excuse_until = w.now + MINUTE;
	order(&w, A, COMMAND_REKEY);
	world_run(&w, 2 * SECOND);
	ck_assert_uint_eq(asked, 0);
	ck_assert(renewed());
	w.filter = watch;
	serves_on();
}
END_TEST

int main(void)
{
	Suite *s = suite_create("ids");
	TCase *t = tcase_create("end");
	tcase_add_checked_fixture(t, setup, teardown);
	tcase_add_test(t, high_ids_ask_for_a_rekey);
	tcase_add_test(t, high_ids_of_the_peer_ask_for_a_rekey);
	tcase_add_test(t, at_the_end_the_sa_is_closed);
	tcase_add_test(t, the_last_id_is_not_answered);
	tcase_add_test(t, without_an_id_nothing_is_asked);
	suite_add_tcase(s, t);
	return unit_run_suite(s);
}
