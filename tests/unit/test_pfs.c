/*
 * test_pfs.c - a peer without PFS: our rekey goes on without a group when our proposals can do without. One that wants PFS when we have none.
 */
#include "liar.h"

/* Takes no offer that has a group in it: the proposal without one becomes unknown to it while a KE payload is there. */
static bool no_pfs(struct world *world, const struct packet *p)
{
	struct inside m;
	size_t n;
	if (p->from != A || !hostile_open(world, p, &m) || m.h.flags & IKE_FLAG_RESPONSE ||
		m.h.exchange != EXCHANGE_CREATE_CHILD_SA || !inside_find(&m, PAYLOAD_KE, &n))
		return false;
	uint8_t *sa = inside_find(&m, PAYLOAD_SA, &n);
	size_t second = (size_t)sa[2] << 8 | sa[3];
	ck_assert_uint_lt(second + 20, n);
	sa[second + 8 + 4 + 5] = 99; /* head of the proposal, SPI, number of its first transform */
	world->filter = NULL;
	hostile_send(world, A, &m, 0, 0);
	world->filter = no_pfs;
	replies++;
	return true;
}

/* Our rekey is refused because of PFS; our proposals can do without: it is tried so, and told. */
START_TEST(rekeys_without_pfs_when_the_peer_has_none)
{
	set(&w, A, "t", "esp-proposals", "[aes256-sha256-modp2048, aes256-sha256]");
	set(&w, B, "t", "esp-proposals", "[aes256-sha256]");
	up();
	w.filter = no_pfs;
	uint32_t old = tunnel_of(&w, A, "t")->slots->current->core.spi_in;
	uint64_t token = host_order(&w, A, "t", COMMAND_REKEY_CHECK);
	world_run(&w, 5 * SECOND);
	const struct reply *r = order_reply(&w, token);
	ck_assert_uint_eq(replies, 1);
	ck_assert(r && !r->pending && r->ok);
	ck_assert_ptr_nonnull(strstr(r->text, "without PFS"));
	ck_assert_uint_ne(tunnel_of(&w, A, "t")->slots->current->core.spi_in, old);
	ck_assert_uint_eq(tunnel_of(&w, A, "t")->slots->current->core.suite.group, GROUP_NONE);
	w.traffic = true;
	check_converged(&w, true);
}
END_TEST

/* The other way round: we have no group, and the peer wants one. */
START_TEST(a_peer_that_wants_pfs_is_told)
{
	set(&w, A, "t", "esp-proposals", "[aes256-sha256]");
	set(&w, B, "t", "esp-proposals", "[aes256-sha256-modp2048]");
	up();
	uint64_t token = host_order(&w, A, "t", COMMAND_REKEY_CHECK);
	world_run(&w, 5 * SECOND);
	const struct reply *r = order_reply(&w, token);
	ck_assert(r && !r->pending && !r->ok);
	ck_assert_uint_eq(w.hosts[A].facts[FACT_PFS_MISMATCH][BLAME_PEER], 1);
	ck_assert_uint_eq(w.hosts[B].facts[FACT_PFS_MISMATCH][BLAME_PEER], 1);
	w.traffic = true;
	check_converged(&w, true);
}
END_TEST

static unsigned offers, without;

/* Refuses the offer with a group, and then wants a group for the one without. */
static bool wants_a_group_of_none(struct world *world, const struct packet *p)
{
	static const uint8_t no_proposal[] = { 0, 0, 0, NOTIFY_NO_PROPOSAL_CHOSEN },
			     invalid_ke[] = { 0, 0, 0, NOTIFY_INVALID_KE_PAYLOAD, 0, 14 };
	struct inside m;
	size_t n;
	if (!hostile_open(world, p, &m) || m.h.exchange != EXCHANGE_CREATE_CHILD_SA)
		return false;
	if (p->from == A) {
		offers++;
		without += inside_find(&m, PAYLOAD_KE, &n) == NULL;
		return false;
	}
	m.n = 0;
	inside_add(&m, PAYLOAD_NOTIFY, without ? invalid_ke : no_proposal, without ? sizeof invalid_ke : sizeof no_proposal);
	world->filter = NULL;
	hostile_send(world, B, &m, 0, 0);
	world->filter = wants_a_group_of_none;
	return true;
}

START_TEST(no_group_is_sent_with_an_offer_that_has_none)
{
	set(&w, A, "t", "esp-proposals", "[aes256-sha256-modp2048, aes256-sha256]");
	set(&w, B, "t", "esp-proposals", "[aes256-sha256-modp2048, aes256-sha256]");
	up();
	offers = without = 0;
	w.filter = wants_a_group_of_none;
	uint64_t token = host_order(&w, A, "t", COMMAND_REKEY_CHECK);
	world_run(&w, 5 * SECOND);
	const struct reply *r = order_reply(&w, token);
	ck_assert(r && !r->pending && !r->ok);
	ck_assert_uint_eq(without, 1);
	ck_assert_uint_eq(offers, 2);
	w.filter = NULL;
}
END_TEST

/* Its key is made otherwise, its packets are as large as those of the child that IKE_AUTH made: nothing is done to interface, addresses and routes. */
START_TEST(the_first_rekey_leaves_the_interface_alone)
{
	set(&w, A, "t", "esp-proposals", "[aes256-sha256-modp2048]");
	set(&w, B, "t", "esp-proposals", "[aes256-sha256-modp2048]");
	up();
	unsigned told[] = { w.hosts[A].links_told, w.hosts[B].links_told };
	host_order(&w, A, "t", COMMAND_REKEY);
	world_run(&w, 5 * SECOND);
	ck_assert_uint_eq(tunnel_of(&w, A, "t")->slots->current->core.suite.group, GROUP_MODP_2048);
	ck_assert_uint_eq(w.hosts[A].links_told, told[A]);
	ck_assert_uint_eq(w.hosts[B].links_told, told[B]);
	check_converged(&w, true);
}
END_TEST

/* Thousands of idle peers are asked in few turns, and none sooner than it is configured. */
static const struct {
	const char *text;
	msec interval, part;
} intervals[] = { { "10s", 10000, 400 }, { "30m", 1800000, 1000 } };

START_TEST(idle_peers_are_asked_together)
{
	msec interval = intervals[_i].interval, part = intervals[_i].part;
	set(&w, A, "t", "dpd-interval", intervals[_i].text);
	set(&w, A, "t", "dpd-timeout", "1h");
	up();
	struct sa *sa = tunnel_of(&w, A, "t")->sa_list;
	for (msec heard = 1000; heard < 2300; heard += 7) {
		sa->heard.ms = heard;
		struct mono at = sa_liveness_at(sa);
		ck_assert_int_eq(at.ms % part, 0);
		ck_assert_int_ge(at.ms, heard + interval);
		ck_assert_int_lt(at.ms, heard + interval + part);
	}
	sa->heard.ms = w.now;
}
END_TEST

int main(void)
{
	TCase *t = tcase_create("machine");
	tcase_add_test(t, rekeys_without_pfs_when_the_peer_has_none);
	tcase_add_test(t, a_peer_that_wants_pfs_is_told);
	tcase_add_test(t, no_group_is_sent_with_an_offer_that_has_none);
	tcase_add_test(t, the_first_rekey_leaves_the_interface_alone);
	tcase_add_loop_test(t, idle_peers_are_asked_together, 0, ARRAY_SIZE(intervals));
	return liar_run("pfs", t);
}
