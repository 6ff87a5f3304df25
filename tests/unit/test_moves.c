/*
 * test_moves.c - the outside address of children side by side changes: MIGRATE takes whichever SA it finds, and in the end each slot leaves by its own.
 */
#include "slot_help.h"

static int move_sa(uint32_t spi, const struct addr *from, const struct addr *to)
{
	struct esp_move m = { .tunnel = 1,
		.spi_in = spi + 0x10000,
		.spi_out = spi,
		.old_local = *from,
		.old_remote = peer,
		.new_local = *to,
		.new_remote = peer };
	return kernel_real.sa_move(k, &m);
}

/* ---------------------------------------------------------------- moves */
#define MOVED 24

/* The policy names the address that its outbound SA has. */
static void follows(const char *remote, uint32_t spi)
{
	xfrm_address_t to = { 0 };
	struct xfrm_usersa_info sa;
	memcpy(&to, peer.ip, 4);
	const struct fake_thing *t = table_get(&fake.of[FAKE_SA], fake_sa_key(&to, htonl(spi)));
	ck_assert_ptr_nonnull(t);
	nlm_copy_fixed(&sa, (const void *)t->raw, sizeof sa);
	struct seen s = look(remote, XFRM_POLICY_OUT);
	ck_assert_uint_eq(s.spi, spi);
	ck_assert_msg(memcmp(&sa.saddr, s.local.ip, 4) == 0, "%s leaves from an address that the SA has not", remote);
}

START_TEST(each_moves_and_keeps_its_slot)
{
	unsigned step = (unsigned)_i * 2 + 1; /* in several orders */
	for (uint16_t i = 0; i < MOVED; i++) {
		add_pair(0x1000u + i);
		turn(i + 1, 0x1000u + i, host(i));
	}
	for (unsigned i = 0; i < MOVED; i++) {
		uint32_t spi = 0x1000 + i * step % MOVED;
		ck_assert_msg(move_sa(spi, &here, &away) == 0, "%x: %s", (unsigned)spi, kernel_real.why(k));
		settled(); /* what was taken along is neither lost nor surplus */
		for (unsigned j = 0; j < MOVED; j++)
			follows(host(j), 0x1000 + j);
	}
	for (unsigned i = 0; i < MOVED; i++) {
		struct seen s = look(host(i), XFRM_POLICY_OUT);
		ck_assert_uint_eq(s.spi, 0x1000 + i);
		ck_assert(addr_same_ip(&s.local, &away));
	}
	size_t it = 0;
	for (const struct fake_thing *t; (t = table_next(&fake.of[FAKE_SA], &it)) != NULL;) {
		struct xfrm_usersa_info sa;
		nlm_copy_fixed(&sa, (const void *)t->raw, sizeof sa);
		ck_assert(memcmp(&sa.saddr, away.ip, 4) == 0 || memcmp(&sa.id.daddr, away.ip, 4) == 0);
	}
	ck_assert_uint_eq(n_policies(), 3 * MOVED);
	ck_assert_uint_eq(table_count(&fake.of[FAKE_SA]), 2 * MOVED);
}
END_TEST

START_TEST(as_many_as_there_can_be_move)
{
	for (uint16_t i = 0; i < ESP_SLOTS_MAX; i++) {
		add_pair(0x1000u + i);
		turn(i + 1, 0x1000u + i, host(i));
	}
	unsigned writes = fake.writes;
	for (unsigned i = 0; i < ESP_SLOTS_MAX; i++)
		ck_assert_msg(move_sa(0x1000 + i, &here, &away) == 0, "%s", kernel_real.why(k));
	/* Two for each that MIGRATE takes, in at most as many calls as there are SAs, and one for each out policy. */
	ck_assert_uint_le(fake.writes - writes, (2 * 2 + 1) * ESP_SLOTS_MAX + 3 * ESP_SLOTS_MAX);
	for (unsigned i = 0; i < ESP_SLOTS_MAX; i++) {
		struct seen s = look(host(i), XFRM_POLICY_OUT);
		ck_assert(s.spi == 0x1000 + i && addr_same_ip(&s.local, &away));
	}
	settled();
}
END_TEST

/* A child that was replaced, and carries no slot, moves with none of the policies. */
START_TEST(a_child_without_a_slot_turns_no_policy)
{
	for (uint32_t spi = 0x1001; spi < 0x1009; spi++)
		add_pair(spi);
	uint32_t carries = 0x1001 + (uint32_t)_i; /* each once: which one is taken along first is the kernel's affair */
	turn(1, carries, "10.20.0.0/16");
	for (uint32_t spi = 0x1008; spi > 0x1000; spi--) {
		ck_assert_msg(move_sa(spi, &here, &away) == 0, "%s", kernel_real.why(k));
		follows("10.20.0.0/16", carries);
		ck_assert_uint_eq(n_policies(), 3);
		settled();
	}
}
END_TEST

START_TEST(one_that_is_not_there_moves_nothing)
{
	add_pair(0x1001);
	turn(1, 0x1001, "10.20.0.0/16");
	uint64_t before = picture();
	ck_assert_int_eq(move_sa(0x1009, &here, &away), -ESRCH);
	ck_assert(picture() == before);
	settled();
}
END_TEST

/* The peer's address changes; one child is closed by the address that it had. */
START_TEST(what_was_taken_along_can_be_removed)
{
	const struct addr fresh = { .family = AF_INET, .ip = { 203, 0, 113, 99 } };
	for (uint32_t spi = 0x1001; spi < 0x1009; spi++)
		add_pair(spi);
	turn(1, 0x1001, "10.20.0.0/16");
	for (uint32_t spi = 0x1001; spi < 0x1008; spi++) {
		struct esp_move m = { .tunnel = 1,
			.spi_in = spi + 0x10000,
			.spi_out = spi,
			.old_local = here,
			.old_remote = peer,
			.new_local = here,
			.new_remote = fresh };
		ck_assert_msg(kernel_real.sa_move(k, &m) == 0, "%s", kernel_real.why(k));
		if (spi == 0x1001)
			remove_out(0x1008, &peer); /* wherever it is */
	}
	ck_assert_uint_eq(table_count(&fake.of[FAKE_SA]), 15);
	settled();
}
END_TEST

int main(void)
{
	TCase *t = tcase_create("all");
	tcase_add_checked_fixture(t, setup, teardown);
	tcase_add_loop_test(t, each_moves_and_keeps_its_slot, 0, 3);
	tcase_add_test(t, as_many_as_there_can_be_move);
	tcase_add_loop_test(t, a_child_without_a_slot_turns_no_policy, 0, 8);
	tcase_add_test(t, one_that_is_not_there_moves_nothing);
	tcase_add_test(t, what_was_taken_along_can_be_removed);
	return unit_run_case("moves", t);
}
