/*
 * test_bugs_child.c - what brought other daemons down, tried on ours: requests about the child SAs of a living state machine, and what ends its IKE SA.
 * tests/README.md holds the table of all rows.
 */
#include "liar.h"

static void renew(struct inside *m, uint32_t spi) /* the same with another nonce and SPI */
{
	size_t n;
	uint8_t *nonce = inside_find(m, PAYLOAD_NONCE, &n), *sa = inside_find(m, PAYLOAD_SA, &n);
	nonce[0] ^= (uint8_t)spi;
	nonce[1] ^= 0x55;
	memcpy(sa + 8, &spi, 4); /* behind the head of the first proposal */
}

/* strongSwan 849c2c9707: CHILD_SA_NOT_FOUND has to name what was not found. */
START_TEST(bug_SS_849c2c9707)
{
	up();
	take_rekey(COMMAND_REKEY);
	size_t n;
	uint8_t *rekey = inside_find(&in, PAYLOAD_NOTIFY, &n);
	memcpy(rekey + 4, "\x12\x34\x56\x78", 4);
	ask(&in, EXCHANGE_CREATE_CHILD_SA);
	ck_assert_uint_eq(notify_of(&reply), NOTIFY_CHILD_SA_NOT_FOUND);
	uint8_t *not_found = inside_find(&reply, PAYLOAD_NOTIFY, &n);
	ck_assert_uint_eq(n, 8);
	ck_assert(not_found[0] == PROTOCOL_ESP && not_found[1] == 4 && !memcmp(not_found + 4, "\x12\x34\x56\x78", 4));
	ck_assert_int_eq(b_tunnel()->state, TUNNEL_UP);
}
END_TEST

/* Libreswan 3.20-4.11: REKEY_SA with a protocol that has no child SAs was echoed into an assertion. */
START_TEST(bug_CVE_2023_38710_sealed)
{
	up();
	take_rekey(COMMAND_REKEY);
	size_t n;
	*inside_find(&in, PAYLOAD_NOTIFY, &n) = (uint8_t)_i;
	ask(&in, EXCHANGE_CREATE_CHILD_SA);
	ck_assert_uint_eq(replies, 1);
	ck_assert_uint_eq(notify_of(&reply), NOTIFY_CHILD_SA_NOT_FOUND);
	ck_assert_int_eq(b_tunnel()->state, TUNNEL_UP);
	serves_on();
}
END_TEST

static uint32_t network(uint32_t host_order) { return __builtin_bswap32(host_order); }

/* B's answer to a DELETE of the child that A receives on: the SPI of B's own half, which has to go with it. */
static uint32_t delete_child(uint32_t spi)
{
	static const uint8_t head[] = { PROTOCOL_ESP, 4, 0, 1 };
	struct inside m = { 0 };
	uint8_t body[8];
	size_t n;
	spi = network(spi);
	memcpy(body, head, 4);
	memcpy(body + 4, &spi, 4);
	inside_add(&m, PAYLOAD_DELETE, body, sizeof body);
	ask(&m, EXCHANGE_INFORMATIONAL);
	uint8_t *deleted = inside_find(&reply, PAYLOAD_DELETE, &n);
	if (!deleted)
		return 0;
	ck_assert(n == sizeof body && !memcmp(deleted, head, 4));
	memcpy(&spi, deleted + 4, 4);
	return network(spi);
}

/* The request in `in` once more, with that SPI of A's: the SPI that B gives its half, or 0 when B refuses. */
static uint32_t make_child(uint32_t spi_out)
{
	uint32_t spi = 0;
	size_t n;
	renew(&in, network(spi_out));
	ask(&in, EXCHANGE_CREATE_CHILD_SA);
	uint8_t *sa = inside_find(&reply, PAYLOAD_SA, &n);
	if (sa)
		memcpy(&spi, sa + 8, 4);
	return network(spi);
}

static bool b_receives_on(uint32_t spi) { return kernel_find(&w.hosts[B], ESP_IN, spi, tunnel_id(&w, B, "t")); }

/* strongSwan #2945: one child is rekeyed twice before it is deleted, then the first of the two new ones is deleted. Each DELETE takes the child that it
   names, and no other. */
START_TEST(bug_strongswan_2945)
{
	up();
	struct child *old = b_tunnel()->slots->current;
	uint32_t old_out = old->core.spi_out, old_in = old->core.spi_in;
	take_rekey(COMMAND_REKEY);
	uint32_t one = make_child(0x11111111), two = make_child(0x22222222);
	ck_assert(one && two && one != two);
	ck_assert_uint_eq(delete_child(0x11111111), one);
	ck_assert_ptr_null(child_by_spi_out(b_sa(), 0x11111111));
	ck_assert_ptr_eq(child_by_spi_out(b_sa(), old_out), old);
	ck_assert_ptr_nonnull(child_by_spi_out(b_sa(), 0x22222222));
	world_run(&w, SECOND);
	ck_assert_int_eq(b_tunnel()->state, TUNNEL_UP);
	uint32_t now = b_tunnel()->slots->current->core.spi_out;
	ck_assert(now == 0x22222222 || now == old_out); /* never the one that is gone */
	ck_assert(b_receives_on(two) && b_receives_on(old_in));
	ck_assert_uint_eq(delete_child(old_out), old_in);
	world_run(&w, 20 * SECOND);
	ck_assert_int_eq(b_tunnel()->state, TUNNEL_UP);
	ck_assert_uint_eq(b_tunnel()->slots->current->core.spi_out, 0x22222222);
	ck_assert_uint_eq(policy_spi(&w.hosts[B], tunnel_id(&w, B, "t")), 0x22222222);
	ck_assert(b_receives_on(two) && !b_receives_on(one) && !b_receives_on(old_in));
	serves_on();
}
END_TEST

/* strongSwan #2778: the peer gives one SPI to two children: one that is in use, one that just was, or a number that RFC 4303 reserves. */
START_TEST(bug_strongswan_2778)
{
	up();
	uint32_t in_use = b_tunnel()->slots->current->core.spi_out;
	take_rekey(COMMAND_REKEY);
	if (_i == 1) { /* the old one is gone, and lingers for packets under way */
		size_t n;
		ck_assert_uint_ne(make_child(0x11111111), 0);
		ck_assert_uint_ne(delete_child(in_use), 0);
		memcpy(inside_find(&in, PAYLOAD_NOTIFY, &n) + 4, "\x11\x11\x11\x11", 4);
	}
	uint32_t spi_in = b_tunnel()->slots->current->core.spi_in;
	ck_assert_uint_eq(make_child(_i == 2 ? 255 : in_use), 0);
	ck_assert_uint_eq(notify_of(&reply), NOTIFY_NO_PROPOSAL_CHOSEN);
	ck_assert_uint_eq(b_tunnel()->slots->current->core.spi_in, spi_in);
	ck_assert_int_eq(b_tunnel()->state, TUNNEL_UP);
	serves_on();
}
END_TEST

/* Libreswan #67: a DELETE of a child and then one of the IKE SA in one message. */
START_TEST(bug_libreswan_67_sealed)
{
	up();
	struct inside m = { 0 };
	uint8_t esp[8] = { PROTOCOL_ESP, 4, 0, 1 };
	static const uint8_t ike[] = { PROTOCOL_IKE, 0, 0, 0 };
	uint32_t spi = network(b_tunnel()->slots->current->core.spi_out);
	memcpy(esp + 4, &spi, 4);
	inside_add(&m, PAYLOAD_DELETE, esp, sizeof esp);
	inside_add(&m, PAYLOAD_DELETE, ike, sizeof ike);
	inside_add(&m, PAYLOAD_DELETE, esp, sizeof esp);
	ask(&m, EXCHANGE_INFORMATIONAL);
	ck_assert_uint_eq(replies, 1);
	ck_assert_ptr_null(b_sa());
	serves_on();
}
END_TEST

/* strongSwan 543a4c86f9: INVALID_SYNTAX said after IKE_AUTH ends the IKE SA. */
START_TEST(bug_SS_543a4c86f9)
{
	static const uint8_t notify[] = { 0, 0, 0, NOTIFY_INVALID_SYNTAX };
	up();
	struct inside m = { 0 };
	inside_add(&m, PAYLOAD_NOTIFY, notify, sizeof notify);
	ask(&m, EXCHANGE_INFORMATIONAL);
	ck_assert_uint_eq(replies, 1);
	ck_assert_ptr_null(b_sa());
	serves_on();
}
END_TEST

int main(void)
{
	TCase *t = tcase_create("machine");
	tcase_add_test(t, bug_SS_849c2c9707);
	tcase_add_loop_test(t, bug_CVE_2023_38710_sealed, 0, 3);
	tcase_add_test(t, bug_strongswan_2945);
	tcase_add_loop_test(t, bug_strongswan_2778, 0, 3);
	tcase_add_test(t, bug_libreswan_67_sealed);
	tcase_add_test(t, bug_SS_543a4c86f9);
	return liar_run("bugs child", t);
}
