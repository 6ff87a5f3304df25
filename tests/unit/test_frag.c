/*
 * test_frag.c - IKE fragmentation (RFC 7383), both ways, with its bounds: first the reassembly by itself, then in the middle of a living SA.
 */
#include <stdio.h>
#include <string.h>

#include "../sim/hostile.h"
#include "unit.h"

/* ---------------------------------------------------------------- reassembly by itself */
static struct sa sa;
static struct bytes whole;
static uint8_t first;

static void set_keys(const struct suite *suite)
{
	keys_drop(&sa);
	sa.core.suite = *suite;
	sa.keys = keys_new(0, (uint8_t)integ_key_bytes(suite->integ), (uint8_t)seal_key_bytes(suite->encr, suite->keylen));
}

static void setup(void)
{
	const char *why;
	ck_assert_msg(alg_init(&why), "%s", why);
	memset(&sa, 0, sizeof sa);
	sa.core.fragmentation = true;
	sa.state = SA_ESTABLISHED;
	set_keys(&(struct suite){ .encr = ENCR_AES_GCM_16, .keylen = 256 });
}

static void teardown(void)
{
	fragments_free(&sa);
	keys_drop(&sa);
	bytes_drop(&whole);
}

/* What fragment_add says to an authentic piece; numbers that the decoder refuses already are ERR_FRAGMENT too. */
static int piece_of(uint32_t id, unsigned number, unsigned total, size_t len, bool response, bool spoil)
{
	static uint8_t mem[IKE_MESSAGE_MAX], plain[IKE_MESSAGE_MAX];
	static struct message m;
	static uint64_t iv;
	struct header h = {
		.major = 2, .exchange = EXCHANGE_IKE_AUTH, .message_id = id, .flags = response ? IKE_FLAG_RESPONSE : 0
	};
	struct writer w;
	struct arena a;
	memset(plain, (int)number, len);
	struct seal_keys keys = keys_in(&sa);
	size_t body = seal_size(&keys, len);
	message_begin(&w, mem, sizeof mem, &h);
	uint8_t *at = message_seal(&w, PAYLOAD_IDi, body, 1, 1);
	ck_assert_ptr_nonnull(at);
	const uint8_t numbers[] = { (uint8_t)(number >> 8), (uint8_t)number, (uint8_t)(total >> 8), (uint8_t)total };
	memcpy(at - sizeof numbers, numbers, sizeof numbers);
	ck_assert_int_eq(seal_write(&keys, iv++, bytes_of(mem, (size_t)(at - mem)), bytes_of(plain, len), at, body), ERR_OK);
	if (spoil)
		at[body - 1] ^= 1;
	arena_init(&a, 1 << 20);
	bytes_drop(&whole);
	int err = message_decode(&m, message_end(&w), &a);
	err = err == ERR_OK ? fragment_add(&sa, &m, &whole, &first) : ERR_FRAGMENT;
	arena_release(&a);
	return err;
}

static int piece(unsigned number, unsigned total) { return piece_of(1, number, total, 10, false, false); }

static void is_whole(unsigned total, size_t each)
{
	ck_assert_uint_eq(whole.n, total * each);
	for (size_t i = 0; i < whole.n; i++)
		ck_assert_uint_eq(whole.p[i], i / each + 1);
	ck_assert_uint_eq(first, PAYLOAD_IDi);
}

START_TEST(in_order)
{
	for (unsigned i = 1; i < 5; i++)
		ck_assert_int_eq(piece(i, 5), ERR_STALE);
	ck_assert_int_eq(piece(5, 5), ERR_OK);
	is_whole(5, 10);
}
END_TEST

/* CVE-2016-10396 (racoon): reassembly was quadratic in this order. Here each piece is placed once, whatever the order. */
START_TEST(bug_CVE_2016_10396)
{
	for (unsigned round = 0; round < 200; round++) {
		for (unsigned i = 128; i > 1; i--)
			ck_assert_int_eq(piece_of(round, i, 128, 10, false, false), ERR_STALE);
		ck_assert_int_eq(piece_of(round, 1, 128, 10, false, false), ERR_OK);
		is_whole(128, 10);
	}
	for (unsigned i = 1; i <= 128; i += 2)
		ck_assert_int_eq(piece(i, 128), ERR_STALE);
	for (unsigned i = 2; i < 128; i += 2)
		ck_assert_int_eq(piece(i, 128), ERR_STALE);
	ck_assert_int_eq(piece(128, 128), ERR_OK);
	is_whole(128, 10);
}
END_TEST

START_TEST(impossible_numbers)
{
	static const unsigned bad[][2] = { { 0, 1 }, { 0, 0 }, { 1, 0 }, { 2, 1 }, { 129, 128 }, { 65535, 1 }, { 0, 65535 } };
	for (size_t i = 0; i < sizeof bad / sizeof *bad; i++)
		ck_assert_int_eq(piece(bad[i][0], bad[i][1]), ERR_FRAGMENT);
	ck_assert_ptr_null(sa.fragments[0]); /* and nothing was kept for them */
}
END_TEST

START_TEST(too_many_are_refused_at_once)
{
	ck_assert_int_eq(piece(1, 129), ERR_FRAGMENT);
	ck_assert_int_eq(piece(1, 65535), ERR_FRAGMENT);
	ck_assert_int_eq(piece(65535, 65535), ERR_FRAGMENT);
	ck_assert_ptr_null(sa.fragments[0]);
}
END_TEST

/* strongSwan 1e1dd2976d: a total that shrinks made an incomplete message complete. */
START_TEST(bug_SS_1e1dd2976d_reassembly)
{
	ck_assert_int_eq(piece(1, 5), ERR_STALE);
	ck_assert_int_eq(piece(2, 5), ERR_STALE);
	ck_assert_int_eq(piece(2, 2), ERR_FRAGMENT);
	ck_assert_int_eq(piece(1, 1), ERR_FRAGMENT);
	for (unsigned i = 3; i < 5; i++)
		ck_assert_int_eq(piece(i, 5), ERR_STALE);
	ck_assert_int_eq(piece(5, 5), ERR_OK);
	is_whole(5, 10);
}
END_TEST

/* RFC 7383 2.6: a larger total is the sender's second, finer split; the first is forgotten. */
START_TEST(a_total_that_grows_starts_over)
{
	ck_assert_int_eq(piece(1, 2), ERR_STALE);
	ck_assert_int_eq(piece(2, 3), ERR_STALE);
	ck_assert_int_eq(piece(2, 2), ERR_FRAGMENT);
	ck_assert_int_eq(piece(3, 3), ERR_STALE);
	ck_assert_int_eq(piece(1, 3), ERR_OK);
	is_whole(3, 10);
}
END_TEST

START_TEST(a_piece_counts_once)
{
	for (unsigned i = 0; i < 10; i++)
		ck_assert_int_eq(piece(1, 3), ERR_STALE);
	ck_assert_int_eq(piece_of(1, 1, 3, 25, false, false), ERR_STALE); /* another text under the same number changes nothing */
	ck_assert_int_eq(piece(2, 3), ERR_STALE);
	ck_assert_int_eq(piece(3, 3), ERR_OK);
	is_whole(3, 10);
}
END_TEST

START_TEST(a_forged_piece_is_not_kept)
{
	ck_assert_int_eq(piece_of(1, 1, 2, 10, false, true), ERR_INTEGRITY);
	ck_assert_ptr_null(sa.fragments[0]);
	ck_assert_int_eq(piece(1, 2), ERR_STALE);
	ck_assert_int_eq(piece_of(1, 2, 2, 10, false, true), ERR_INTEGRITY);
	ck_assert_int_eq(piece_of(7, 1, 9, 10, false, true), ERR_INTEGRITY); /* nor does it push anything out */
	ck_assert_int_eq(piece(2, 2), ERR_OK);
	is_whole(2, 10);
}
END_TEST

START_TEST(empty_pieces_are_refused)
{
	ck_assert_int_eq(piece_of(1, 1, 2, 0, false, false), ERR_FRAGMENT);
	ck_assert_ptr_null(sa.fragments[0]);
}
END_TEST

START_TEST(a_message_has_its_largest_size)
{
	const size_t each = 12000;
	for (unsigned i = 1; i <= 5; i++)
		ck_assert_int_eq(piece_of(1, i, 7, each, false, false), ERR_STALE);
	ck_assert_int_eq(piece_of(1, 6, 7, each, false, false), ERR_FRAGMENT); /* 72,000 */
	ck_assert_uint_le(5 * each, IKE_MESSAGE_MAX);
}
END_TEST

/* Who has not proven who it is makes us keep less. */
START_TEST(the_first_message_is_smaller)
{
	static const enum sa_state states[] = { SA_INITIATING, SA_HALF_OPEN };
	for (unsigned i = 0; i < 2; i++) {
		sa.state = states[i];
		ck_assert_int_eq(piece_of(1 + i, 1, 4, 8000, false, false), ERR_STALE);
		ck_assert_int_eq(piece_of(1 + i, 2, 4, 8000, false, false), ERR_STALE);
		ck_assert_int_eq(piece_of(1 + i, 3, 4, 8000, false, false), ERR_FRAGMENT);
		ck_assert_int_eq(piece_of(3 + i, 1, 2, 17000, false, false), ERR_FRAGMENT);
	}
}
END_TEST

START_TEST(one_message_per_direction)
{
	ck_assert_int_eq(piece_of(1, 1, 2, 10, false, false), ERR_STALE);
	ck_assert_int_eq(piece_of(1, 1, 2, 10, true, false), ERR_STALE);
	ck_assert_int_eq(piece_of(1, 2, 2, 10, false, false), ERR_OK);
	ck_assert_int_eq(piece_of(1, 2, 2, 10, true, false), ERR_OK);
	ck_assert_int_eq(piece_of(2, 1, 2, 10, false, false), ERR_STALE);
	ck_assert_int_eq(piece_of(3, 2, 2, 10, false, false), ERR_STALE); /* another message: the old one is forgotten */
	ck_assert_int_eq(piece_of(2, 2, 2, 10, false, false), ERR_STALE);
}
END_TEST

START_TEST(a_single_piece_is_a_message)
{
	ck_assert_int_eq(piece(1, 1), ERR_OK);
	is_whole(1, 10);
}
END_TEST

START_TEST(only_when_both_said_so)
{
	sa.core.fragmentation = false;
	ck_assert_int_eq(piece(1, 1), ERR_FRAGMENT);
}
END_TEST

/* ---------------------------------------------------------------- sending */

/* The message of n octets comes out in pieces that with their headers are no larger than the packet; put together again it is the same. */
static void sent_and_put_together(size_t n, unsigned packet)
{
	static uint8_t plain[IKE_MESSAGE_MAX];
	struct arena arena;
	struct ike_actions out;
	struct ike ike = { 0 };
	struct step s = { .ike = &ike, .out = &out };
	struct header h = { .major = 2, .exchange = EXCHANGE_IKE_AUTH, .message_id = 1 };
	struct sent_message keep = { 0 };
	static struct message m;
	arena_init(&arena, 8 << 20);
	ike_actions_init(&out, &arena);
	for (size_t i = 0; i < n; i++)
		plain[i] = (uint8_t)(i * 7 + i / 256);
	uint64_t iv = sa.core.iv_out;
	bytes_drop(&whole);
	ck_assert(sent_message_seal(&s, &sa, &(struct unsealed){ h, PAYLOAD_IDi, bytes_of(plain, n) }, packet, &keep));
	sent_message_transmit(&s, &(struct ike_path){ sa.core.local, sa.core.remote, 0 }, &keep);
	ck_assert_uint_eq(sa.core.iv_out, iv + out.n); /* an IV of its own for each */
	ck_assert_uint_eq(keep.n, out.n);
	ck_assert_uint_eq(keep.packet, packet);
	for (uint32_t i = 0; i < out.n; i++) {
		struct bytes b = out.v[i].send.bytes;
		ck_assert_int_eq(out.v[i].kind, ACTION_SEND);
		ck_assert_uint_le(b.n + (sa.core.remote.family == AF_INET6 ? 52 : 32), packet);
		ck_assert_int_eq(message_decode(&m, b, &arena), ERR_OK);
		ck_assert_int_eq(fragment_add(&sa, &m, &whole, &first), i + 1 < out.n ? ERR_STALE : ERR_OK);
	}
	ck_assert_uint_eq(whole.n, n);
	ck_assert(!memcmp(whole.p, plain, n) && first == PAYLOAD_IDi);
	sent_message_clear(&keep);
	ike_actions_release(&out);
	arena_release(&arena);
}

START_TEST(what_is_sent_can_be_put_together)
{
	static const unsigned packets[] = { 576, 1000, 1280, 1400, 1500 };
	static const struct suite suites[] = {
		{ .encr = ENCR_AES_GCM_16, .keylen = 256 },
		{ .encr = ENCR_AES_CBC, .keylen = 256, .integ = INTEG_HMAC_SHA2_512_256 },
		{ .encr = ENCR_AES_CBC, .keylen = 128, .integ = INTEG_HMAC_SHA1_96 },
		{ .encr = ENCR_CHACHA20_POLY1305 },
	};
	set_keys(&suites[_i]);
	for (size_t n = 1500; n < 5000; n += 61)
		for (unsigned i = 0; i < sizeof packets / sizeof *packets; i++) {
			sa.core.remote.family = n & 1 ? AF_INET6 : AF_INET;
			sent_and_put_together(n, packets[i]);
		}
	sa.core.remote.family = AF_INET;
	sent_and_put_together(60000, 1280);
}
END_TEST

/* What is written, the uplink, and what got through; never more than is safe without a word, never less than every path takes. */
START_TEST(packets_are_as_large_as_the_path)
{
	static const struct {
		unsigned written, mtu, narrow, expected;
	} rows[] = { { 0, 0, 0, 1280 }, { 0, 1500, 0, 1280 }, { 0, 1000, 0, 1000 }, { 0, 296, 0, 576 }, { 1500, 1500, 0, 1500 },
		{ 1500, 1492, 0, 1492 }, { 9000, 0, 0, 9000 }, { 600, 1500, 0, 600 }, { 0, 1500, 576, 576 },
		{ 1500, 1500, 1280, 1280 }, { 600, 1500, 1280, 600 } };
	struct step s = { .now.mono.ms = 1000 };
	struct tunnel_conf conf = { 0 };
	struct ike_path paths[2] = { 0 };
	struct tunnel t = { .conf = &conf, .n_paths = 2, .paths = paths };
	addr_parse(&sa.core.local, "192.0.2.1");
	addr_parse(&sa.core.remote, "198.51.100.2");
	paths[1] = (struct ike_path){ sa.core.local, sa.core.remote, 0 };
	addr_parse(&paths[0].local, "192.0.2.1");
	addr_parse(&paths[0].remote, "198.51.100.3"); /* of another address */
	paths[0].mtu = 700;
	sa.tunnel = &t;
	for (size_t i = 0; i < sizeof rows / sizeof *rows; i++) {
		conf.fragment_size = rows[i].written;
		paths[1].mtu = rows[i].mtu;
		sa.narrow = (uint16_t)rows[i].narrow;
		sa.narrow_until.ms = 1001;
		ck_assert_uint_eq(packet_limit(&s, &sa), rows[i].expected);
	}
	sa.narrow = 576;
	sa.narrow_until.ms = 1000; /* that was long ago */
	ck_assert_uint_eq(packet_limit(&s, &sa), 600);
	path_set(&sa, &sa.core.local, &paths[0].remote);
	ck_assert_uint_eq(sa.narrow, 0);
	sa.tunnel = NULL;
}
END_TEST

START_TEST(what_is_too_long_is_not_sent)
{
	static uint8_t plain[200000];
	struct arena arena;
	struct ike_actions out;
	struct step s = { .out = &out };
	struct header h = { .major = 2 };
	struct sent_message keep = { 0 };
	arena_init(&arena, 8 << 20);
	ike_actions_init(&out, &arena);
	ck_assert(!sent_message_seal(&s, &sa, &(struct unsealed){ h, PAYLOAD_IDi, bytes_of(plain, sizeof plain) }, 1280, &keep));
	ck_assert_uint_eq(out.n, 0);
	ike_actions_release(&out);
	arena_release(&arena);
}
END_TEST

/* ---------------------------------------------------------------- in a living SA */
static struct world w;
static unsigned from_b;
static struct inside in;

static bool count(struct world *world, const struct packet *p)
{
	(void)world;
	from_b += p->from == B;
	return false;
}

static void setup_world(void)
{
	setup();
	from_b = 0;
	world_init(&w, 5, false);
	pair_up(&w);
	world_run(&w, SECOND); /* what was still under way has come */
	w.filter = count;
	ck_assert_msg(!w.failed, "%s", w.why);
}

static void teardown_world(void)
{
	ck_assert_msg(!w.failed, "%s", w.why);
	world_release(&w);
}

/* A liveness request with some padding that is ignored (an unknown status notify), as three pieces. */
static struct sa *three_pieces(struct inside part[3])
{
	static const uint8_t notify[] = { 0, 0, 0xff, 0xfe, 1, 2, 3, 4, 5, 6, 7, 8 };
	ck_assert(hostile_request(&w, A, "t", EXCHANGE_INFORMATIONAL, &in));
	inside_add(&in, PAYLOAD_NOTIFY, notify, sizeof notify);
	for (unsigned i = 0; i < 3; i++) {
		part[i] = in;
		part[i].n = i < 2 ? 5 : in.n - 10;
		memmove(part[i].data, in.data + 5 * i, part[i].n);
		part[i].first = i ? 0 : in.first;
	}
	return live_sa(w.hosts[B].ike, tunnel_of(&w, B, "t"), &(unsigned){ 0 });
}

/* OpenIKED 71c2efc: every repeated fragment brought the whole answer again. Only the first may (RFC 7383 2.6.1). */
START_TEST(bug_OI_71c2efc)
{
	static struct inside part[3];
	struct sa *b = three_pieces(part);
	uint32_t next = b->core.next_in;
	for (unsigned i = 0; i < 3; i++)
		hostile_deliver(&w, B, &part[i], (uint16_t)(i + 1), 3);
	ck_assert_uint_eq(b->core.next_in, next + 1);
	ck_assert_uint_eq(from_b, 1);
	for (unsigned n = 0; n < 20; n++) {
		world_run(&w, ANSWER_REPEAT_MIN + 1);
		hostile_deliver(&w, B, &part[1 + n % 2], (uint16_t)(2 + n % 2), 3);
	}
	ck_assert_uint_eq(from_b, 1);
	hostile_deliver(&w, B, &part[0], 1, 3);
	ck_assert_uint_eq(from_b, 2);
	for (unsigned n = 0; n < 50; n++) /* and that not faster than it is worth */
		hostile_deliver(&w, B, &part[0], 1, 3);
	ck_assert_uint_eq(from_b, 2);
}
END_TEST

START_TEST(nothing_happens_before_the_last_piece)
{
	static struct inside part[3];
	struct sa *b = three_pieces(part);
	uint32_t next = b->core.next_in;
	hostile_deliver(&w, B, &part[2], 3, 3);
	hostile_deliver(&w, B, &part[0], 1, 3);
	hostile_deliver(&w, B, &part[0], 1, 3);
	ck_assert_uint_eq(b->core.next_in, next);
	ck_assert_uint_eq(from_b, 0);
	hostile_deliver(&w, B, &part[1], 2, 3);
	ck_assert_uint_eq(b->core.next_in, next + 1);
	ck_assert_uint_eq(from_b, 1);
}
END_TEST

/* A fragment of a message whose turn it is not is not even opened. */
START_TEST(pieces_out_of_turn_are_not_kept)
{
	static struct inside part[3];
	struct sa *b = three_pieces(part);
	part[0].h.message_id += 3;
	hostile_deliver(&w, B, &part[0], 1, 3);
	part[0].h.flags ^= IKE_FLAG_RESPONSE;
	hostile_deliver(&w, B, &part[0], 1, 3);
	ck_assert_ptr_null(b->fragments[0]);
	ck_assert_ptr_null(b->fragments[1]);
}
END_TEST

static unsigned pieces, longest;

static bool measure(struct world *world, const struct packet *p)
{
	(void)world;
	pieces += p->data[16] == PAYLOAD_SKF;
	longest = p->n > longest ? (unsigned)p->n : longest;
	return p->data[16] == PAYLOAD_SKF && pieces % 5 == 3; /* some are lost on the way, and sent again */
}

/* Group 18 has public values of 1024 octets: rekeys of children and of the IKE SA do not fit into one datagram. */
START_TEST(a_large_key_exchange_goes_in_pieces)
{
	pieces = longest = 0;
	for (int i = 0; i < 2; i++) {
		set(&w, i, "t", "esp-proposals", "[aes256-sha256-modp8192, aes128-sha256-modp8192, aes192-sha256-modp8192]");
		host_load(&w, i);
	}
	w.filter = measure;
	for (int i = 0; i < 6; i++) {
		order(&w, i & 1, COMMAND_REKEY);
		world_run(&w, 20 * SECOND);
	}
	ck_assert_uint_gt(pieces, 12);
	ck_assert_uint_le(longest, 1280);
	check_converged(&w, true);
}
END_TEST

int main(void)
{
	Suite *s = suite_create("frag");
	TCase *t = tcase_create("reassembly"), *live = tcase_create("living");
	tcase_add_checked_fixture(t, setup, teardown);
	tcase_add_checked_fixture(live, setup_world, teardown_world);
	tcase_set_timeout(t, 60);
	const TTest *const tests[] = { in_order, bug_CVE_2016_10396, impossible_numbers, too_many_are_refused_at_once,
		bug_SS_1e1dd2976d_reassembly, a_total_that_grows_starts_over, a_piece_counts_once, a_forged_piece_is_not_kept,
		empty_pieces_are_refused, a_message_has_its_largest_size, the_first_message_is_smaller, one_message_per_direction,
		a_single_piece_is_a_message, only_when_both_said_so, packets_are_as_large_as_the_path,
		what_is_too_long_is_not_sent };
	for (size_t i = 0; i < sizeof tests / sizeof *tests; i++)
		tcase_add_test(t, tests[i]);
	tcase_add_loop_test(t, what_is_sent_can_be_put_together, 0, 4);
	tcase_add_test(live, bug_OI_71c2efc);
	tcase_add_test(live, nothing_happens_before_the_last_piece);
	tcase_add_test(live, pieces_out_of_turn_are_not_kept);
	tcase_add_test(live, a_large_key_exchange_goes_in_pieces);
	suite_add_tcase(s, t);
	suite_add_tcase(s, live);
	return unit_run_suite(s);
}
