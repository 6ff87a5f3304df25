/*
 * test_bugs.c - what brought other daemons down, tried on ours: the rows that need a living state machine; test_bugs_child has those about child SAs.
 * tests/README.md holds the table of all rows.
 */
#include <malloc.h>

#include "liar.h"

size_t __sanitizer_get_current_allocated_bytes(void) __attribute__((weak));

/* ---------------------------------------------------------------- before authentication */

/* Libreswan 3.27: an encrypted INFORMATIONAL right after IKE_SA_INIT was answered without keys. */
START_TEST(bug_CVE_2019_12312)
{
	half_open();
	struct inside none = { 0 };
	uint64_t before = dropped(DROP_UNEXPECTED);
	ask(&none, EXCHANGE_INFORMATIONAL);
	ck_assert_uint_eq(replies, 0);
	ck_assert_uint_eq(dropped(DROP_UNEXPECTED), before + 1);
	ck_assert_uint_eq(w.hosts[B].ike->totals.half_open, 1);
	serves_on();
}
END_TEST

/* strongSwan 5.1.2: a rekey request for an IKE SA that was not authenticated made one that was. */
START_TEST(bug_CVE_2014_2338)
{
	up();
	take_rekey(COMMAND_REKEY_IKE);
	struct inside rekey = in;
	host_stop(&w, A);
	host_stop(&w, B);
	half_open();
	ask(&rekey, EXCHANGE_CREATE_CHILD_SA);
	ck_assert_uint_eq(replies, 0);
	ck_assert_ptr_null(b_sa());
	ck_assert_uint_eq(w.hosts[B].ike->totals.established, 0);
	serves_on();
}
END_TEST

/* Libreswan 4.1 (#1574, #1609): an IKE_INTERMEDIATE that nobody negotiated, before and after authentication. */
START_TEST(bug_libreswan_1574)
{
	half_open();
	struct inside none = { 0 };
	ask(&none, EXCHANGE_IKE_INTERMEDIATE);
	ck_assert_uint_eq(replies, 0);
	serves_on();
	replies = 0;
	w.filter = watch;
	ck_assert_ptr_nonnull(b_sa());
	w.excuse_until = w.now + 15 * SECOND;
	ask(&none, EXCHANGE_IKE_INTERMEDIATE);
	ck_assert_uint_eq(replies, 1);
	ck_assert_uint_eq(notify_of(&reply), NOTIFY_INVALID_SYNTAX);
	ck_assert_uint_eq(w.hosts[B].facts[FACT_UNSUPPORTED][BLAME_PEER], 1);
	ck_assert_ptr_null(b_sa()); /* what is answered so is over at both ends (RFC 7296 2.21.3) */
	serves_on();
}
END_TEST

/* Libreswan, openswan: mandatory payloads withheld. Here inside SK, one after the other, by a peer that has the keys. */
START_TEST(bug_CVE_2013_6466_sealed)
{
	half_open();
	struct inside without = in;
	size_t n;
	inside_drop(&without, (unsigned)_i);
	bool auth = inside_find(&without, PAYLOAD_AUTH, &n) && inside_find(&without, PAYLOAD_IDi, &n);
	ask(&without, EXCHANGE_IKE_AUTH);
	world_run(&w, SECOND);
	bool child = inside_find(&without, PAYLOAD_SA, &n) && inside_find(&without, PAYLOAD_TSi, &n) &&
		     inside_find(&without, PAYLOAD_TSr, &n);
	ck_assert(auth || !b_sa());
	ck_assert(child || b_tunnel()->state != TUNNEL_UP);
	serves_on();
}
END_TEST

/* Libreswan 3.16: an IKE proposal without a Diffie-Hellman transform, at the start and in a rekey. */
START_TEST(bug_CVE_2016_5391)
{
	static const uint8_t transforms[] = { 3, 0, 0, 12, TRANSFORM_ENCR, 0, 0, ENCR_AES_CBC, 0x80, 14, 1, 0, 3, 0, 0, 8,
		TRANSFORM_PRF, 0, 0, PRF_HMAC_SHA2_256, 0, 0, 0, 8, TRANSFORM_INTEG, 0, 0, INTEG_HMAC_SHA2_256_128 };
	uint8_t offer[16 + sizeof transforms] = { 0, 0, 0, 36, 1, PROTOCOL_IKE, 0, 3 };
	bool rekey = _i;
	size_t head = rekey ? 16 : 8;
	for (int i = 0; i < 2; i++)
		set(&w, i, "t", "ike-proposals", "aes256-sha256-modp2048");
	if (rekey) {
		up();
		take_rekey(COMMAND_REKEY_IKE);
		offer[3] += 8;
		offer[6] = IKE_SPI_LEN;
		memset(offer + 8, 0x5a, IKE_SPI_LEN);
	} else {
		want = EXCHANGE_IKE_SA_INIT;
		begin(&w);
		world_run(&w, SECOND);
	}
	ck_assert_uint_eq(in.first, PAYLOAD_SA);
	memcpy(offer + head, transforms, sizeof transforms);
	inside_drop(&in, 0);
	inside_add(&in, PAYLOAD_SA, offer, head + sizeof transforms);
	if (rekey) {
		ask(&in, EXCHANGE_CREATE_CHILD_SA);
	} else {
		deaf = true;
		hostile_deliver(&w, B, &in, 0, 0);
		world_run(&w, 200);
	}
	ck_assert_uint_eq(replies, 1);
	ck_assert_uint_eq(notify_of(&reply), NOTIFY_NO_PROPOSAL_CHOSEN);
	ck_assert_uint_eq(w.hosts[B].ike->totals.half_open, 0);
	serves_on();
}
END_TEST

static void absent(bool gone)
{
	settings_of(&w, B, "t")->absent = gone;
	host_load(&w, B);
}

/* Libreswan 4.2: the log line about a rejected packet followed the pointer to a connection that there was not yet. Rejected here: a payload nobody knows
   and a payload that is missing, while the SA belongs to no tunnel; an identity when the last tunnel is gone; an IKE_SA_INIT when there is none. */
START_TEST(bug_CVE_2022_23094)
{
	static const struct {
		enum fact_code code;
		enum blame blame;
	} told[] = { { FACT_UNSUPPORTED, BLAME_PEER }, { FACT_SYNTAX, BLAME_PEER }, { FACT_ID_REFUSED, BLAME_PEER },
		{ FACT_NO_TUNNEL, BLAME_NONE } };
	if (_i == 3) {
		settings_of(&w, B, "t")->absent = true;
		begin(&w);
		world_run(&w, 3 * SECOND);
	} else {
		half_open();
		size_t last = in.n;
		if (_i == 0) {
			inside_add(&in, 200, NULL, 0);
			in.data[last + 1] = 0x80; /* critical */
		} else if (_i == 1) {
			inside_drop(&in, 0);
		} else {
			absent(true);
		}
		ask(&in, EXCHANGE_IKE_AUTH);
	}
	ck_assert_uint_ge(w.hosts[B].facts[told[_i].code][told[_i].blame], 1);
	ck_assert_uint_eq(w.hosts[B].ike->totals.established, 0);
	absent(false);
	serves_on();
}
END_TEST

static void method_rsa(struct inside *m)
{
	size_t n;
	*inside_find(m, PAYLOAD_AUTH, &n) = AUTH_RSA_SIGNATURE;
}

/* strongSwan gmp, Libreswan: forged RSA signatures. No key here is an RSA key: a signature in place of the pre-shared key's MAC is refused. */
START_TEST(bug_CVE_2018_16151)
{
	lie = method_rsa;
	begin(&w);
	for (unsigned i = 0; i < 200 && !saw(&w, A, FACT_AUTH_FAILED, BLAME_PEER); i++)
		world_run(&w, 10);
	ck_assert(saw(&w, A, FACT_AUTH_FAILED, BLAME_PEER) && saw(&w, B, FACT_AUTH_FAILED, BLAME_PEER)); /* said and heard */
	ck_assert(!saw(&w, B, FACT_IKE_ESTABLISHED, BLAME_NONE) && !b_sa());
	serves_on();
}
END_TEST

/* Libreswan: a tunnel whose pre-shared key is missing, then the request again. */
START_TEST(bug_CVE_2024_2357)
{
	half_open();
	struct psk *key = w.hosts[B].conf->tunnels[0]->psk;
	w.hosts[B].conf->tunnels[0]->psk = NULL;
	ask(&in, EXCHANGE_IKE_AUTH);
	ck_assert_uint_eq(replies, 1);
	ck_assert_uint_eq(notify_of(&reply), NOTIFY_AUTHENTICATION_FAILED);
	ck_assert_ptr_null(table_get(&w.hosts[B].ike->by_number, 1));
	world_run(&w, ANSWER_REPEAT_MIN);
	ask(&in, EXCHANGE_IKE_AUTH); /* its SA is gone, only its last answer is there */
	ck_assert_uint_eq(replies, 2);
	ck_assert_uint_eq(notify_of(&reply), NOTIFY_AUTHENTICATION_FAILED);
	ck_assert(saw(&w, B, FACT_AUTH_FAILED, BLAME_PEER) || saw(&w, B, FACT_CRYPTO_FAILED, BLAME_LOCAL));
	ck_assert_uint_eq(w.hosts[B].ike->totals.established, 0);
	w.hosts[B].conf->tunnels[0]->psk = key;
	serves_on();
}
END_TEST

/* ---------------------------------------------------------------- datagrams */

/* OpenIKED baf0c8e: the peer's address followed a packet that was not authentic. */
START_TEST(bug_OI_baf0c8e)
{
	static uint8_t mem[256];
	set(&w, A, "t", "encapsulation", "udp"); /* B sees a NAT before A: only such a peer may move at all */
	up();
	struct sa *sa = b_sa();
	struct addr was = sa->core.remote, elsewhere = was; /* written as an address: but for the port */
	elsewhere.port = 5555;
	ck_assert(sa->core.nat_remote);
	for (int good = 0; good < 2; good++) {
		ck_assert(hostile_request(&w, A, "t", EXCHANGE_INFORMATIONAL, &in));
		in.h.message_id = sa->core.next_in;
		struct writer m;
		message_begin(&m, mem, sizeof mem, &in.h);
		struct seal_keys keys = keys_in(sa);
		size_t body = seal_size(&keys, 0);
		uint8_t *at = message_seal(&m, 0, body, 0, 0);
		ck_assert_int_eq(
			seal_write(&keys, 77u + (unsigned)good, bytes_of(mem, (size_t)(at - mem)), (struct bytes){ 0 }, at, body),
			ERR_OK);
		at[body - 1] ^= !good;
		struct ike_event e = { .kind = EVENT_DATAGRAM, .datagram = { sa->core.local, elsewhere, message_end(&m) } };
		host_step(&w, B, &e);
		ck_assert(addr_equal(&sa->core.remote, good ? &elsewhere : &was));
	}
}
END_TEST

static size_t memory(void)
{
	return __sanitizer_get_current_allocated_bytes ? __sanitizer_get_current_allocated_bytes() : mallinfo2().uordblks;
}

static void spoil_and_send(const struct inside *base, struct prng *random)
{
	static uint8_t mem[INSIDE_MAX + 64];
	struct header h = base->h;
	struct writer m;
	if (h.exchange == EXCHANGE_IKE_SA_INIT)
		prng_fill(random, h.spi_i, IKE_SPI_LEN);
	message_begin(&m, mem, sizeof mem, &h);
	put_bytes(&m.out, base->data, base->n);
	struct bytes all = message_end(&m);
	mem[16] = base->first;
	uint32_t from = prng_percent(random, 90) ? IKE_HEADER_LEN : 16; /* seldom the header too */
	for (unsigned i = 1 + prng_below(random, 4); i; i--)
		mem[from + prng_below(random, (uint32_t)all.n - from)] ^= (uint8_t)prng_next(random);
	if (prng_percent(random, 5))
		all.n = prng_below(random, (uint32_t)all.n);
	struct addr src = w.hosts[A].addr, dst = w.hosts[B].addr;
	src.port = dst.port = IKE_PORT;
	struct ike_event e = { .kind = EVENT_DATAGRAM, .datagram = { dst, src, all } };
	ike_step(w.hosts[B].ike, world_moment(&w), &e, &w.hosts[B].actions);
	ike_actions_reset(&w.hosts[B].actions);
}

/* What comes to B's living SA, with its SPIs and in turn, but not sealed by A. */
static void forged(struct inside *m, uint8_t type)
{
	ck_assert(hostile_request(&w, A, "t", EXCHANGE_INFORMATIONAL, m));
	m->h.message_id = b_sa()->core.next_in;
	m->sealed = false;
	m->first = type;
	m->n = 120;
	memset(m->data, 0x33, m->n);
	memcpy(m->data, "\0\0\0\x78\0\1\0\2", type == PAYLOAD_SKF ? 8 : 4);
}

/* Cisco, Windows: memory lost per crafted packet. A million of them, and the heap is where it was. */
START_TEST(bug_CVE_2025_20182)
{
	static struct inside base[3];
	struct prng random = { 99 };
	unsigned count = __sanitizer_get_current_allocated_bytes ? 100000 : 1000000;
	want = EXCHANGE_IKE_SA_INIT;
	begin(&w);
	world_run(&w, SECOND);
	base[0] = in;
	want = 0;
	await_up(&w, 10 * SECOND);
	forged(&base[1], PAYLOAD_SK);
	forged(&base[2], PAYLOAD_SKF);
	for (unsigned i = 0; i < count / 10; i++)
		spoil_and_send(&base[i % 3], &random);
	size_t had = memory();
	for (unsigned i = 0; i < count; i++)
		spoil_and_send(&base[i % 3], &random);
	ck_assert_msg(memory() <= had + 65536, "%zu bytes more", memory() - had);
	ck_assert_uint_gt(dropped(DROP_INTEGRITY), count / 3);
	ck_assert_uint_gt(dropped(DROP_SYNTAX) + dropped(DROP_COOKIE), count / 5);
	ck_assert_uint_le(w.hosts[B].ike->totals.half_open, 16);
	ck_assert_int_eq(b_tunnel()->state, TUNNEL_UP);
	serves_on();
}
END_TEST

int main(void)
{
	TCase *t = tcase_create("machine");
	tcase_add_test(t, bug_CVE_2019_12312);
	tcase_add_test(t, bug_CVE_2014_2338);
	tcase_add_test(t, bug_libreswan_1574);
	tcase_add_loop_test(t, bug_CVE_2013_6466_sealed, 0, 7);
	tcase_add_loop_test(t, bug_CVE_2016_5391, 0, 2);
	tcase_add_loop_test(t, bug_CVE_2022_23094, 0, 4);
	tcase_add_test(t, bug_CVE_2018_16151);
	tcase_add_test(t, bug_CVE_2024_2357);
	tcase_add_test(t, bug_OI_baf0c8e);
	tcase_add_test(t, bug_CVE_2025_20182);
	return liar_run("bugs", t);
}
