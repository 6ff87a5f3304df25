/*
 * test_bugs.c - what brought other daemons down, tried on ours: the rows that need a living state machine.
 * tests/README.md holds the table of all rows. A is the liar (its messages are changed and sealed again), B is judged.
 */
#include <malloc.h>
#include <stdio.h>
#include <string.h>

#include "../sim/hostile.h"
#include "unit.h"

size_t __sanitizer_get_current_allocated_bytes(void) __attribute__((weak));

static struct world w;
static struct inside in, reply; /* the last answer of B, opened */
static unsigned replies;
static uint8_t want;                  /* exchange of A whose next request is kept in `in` and lost */
static bool deaf;                     /* A hears nothing of what B answers */
static void (*lie)(struct inside *m); /* changes A's next IKE_AUTH request */

static bool tolerates(const char *complaint) { return strstr(complaint, "different keys or algorithms for SPI") != NULL; }

static bool watch(struct world *world, const struct packet *p)
{
	struct inside m;
	if (p->from == B && p->n > 19 && p->data[19] & IKE_FLAG_RESPONSE) {
		replies++;
		hostile_open(world, p, &reply);
		return deaf;
	}
	if (p->from != A || !hostile_open(world, p, &m) || m.h.flags & IKE_FLAG_RESPONSE)
		return false;
	if (want && m.h.exchange == want) {
		in = m;
		return true;
	}
	if (!lie || m.h.exchange != EXCHANGE_IKE_AUTH)
		return false;
	void (*now)(struct inside * m) = lie;
	lie = NULL;
	now(&m);
	hostile_send(world, A, &m, 0, 0);
	return true;
}

static void setup(void)
{
	const char *why;
	ck_assert_msg(alg_init(&why), "%s", why);
	replies = want = 0;
	deaf = false;
	lie = NULL;
	world_init(&w, 3, false);
	pair(&w);
	w.filter = watch;
	w.tolerates = tolerates;
}

static void teardown(void)
{
	ck_assert_msg(!w.failed, "%s", w.why);
	world_release(&w);
}

static void up(void)
{
	begin(&w);
	await_up(&w, 10 * SECOND);
	w.traffic = false;
	world_run(&w, SECOND);
	ck_assert_msg(!w.failed, "%s", w.why);
	replies = 0;
}

/* An honest peer in A's place is served again. */
static void serves_on(void)
{
	want = 0;
	lie = NULL;
	deaf = false;
	host_stop(&w, A);
	host_start(&w, A);
	check_converged(&w, true);
}

/* SA_INIT is done, IKE_AUTH is held back: B has a half-open SA with keys. Its IKE_AUTH request is in `in`. */
static void half_open(void)
{
	want = EXCHANGE_IKE_AUTH;
	begin(&w);
	world_run(&w, 3 * SECOND);
	ck_assert_uint_eq(w.hosts[B].ike->totals.half_open, 1);
	ck_assert_uint_gt(in.n, 100);
	replies = 0;
}

static struct tunnel *b_tunnel(void) { return tunnel_of(&w, B, "t"); }
static struct sa *b_sa(void) { return live_sa(w.hosts[B].ike, b_tunnel(), &(unsigned){ 0 }); }
static uint64_t dropped(enum drop_reason why) { return w.hosts[B].ike->totals.dropped[why]; }

static uint16_t notify_of(struct inside *m)
{
	size_t n;
	const uint8_t *p = inside_find(m, PAYLOAD_NOTIFY, &n);
	return p && n >= 4 ? (uint16_t)(p[2] << 8 | p[3]) : 0;
}

/* The request as A would send it next, given to B; the answer is in `reply`. */
static void ask(struct inside *m, uint8_t exchange)
{
	struct inside head;
	ck_assert(hostile_request(&w, A, "t", exchange, &head));
	head.h.message_id = b_sa() ? b_sa()->core.next_in : 1;
	head.first = m->first;
	head.n = m->n;
	memcpy(head.data, m->data, m->n);
	memset(&reply, 0, sizeof reply);
	deaf = true; /* A knows nothing of it */
	hostile_deliver(&w, B, &head, 0, 0);
	world_run(&w, 200);
}

/* A's own request for a rekey of its child (or of the IKE SA), taken out of its hands. */
static void take_rekey(enum ike_command_kind kind)
{
	want = EXCHANGE_CREATE_CHILD_SA;
	order(&w, A, kind);
	world_run(&w, 200);
	ck_assert_uint_gt(in.n, 100);
}

static void renew(struct inside *m, uint32_t spi) /* the same with another nonce and SPI */
{
	size_t n;
	uint8_t *nonce = inside_find(m, PAYLOAD_NONCE, &n), *sa = inside_find(m, PAYLOAD_SA, &n);
	nonce[0] ^= (uint8_t)spi;
	nonce[1] ^= 0x55;
	memcpy(sa + 8, &spi, 4); /* behind the head of the first proposal */
}

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

/* ---------------------------------------------------------------- child SAs */

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
	struct child *old = b_tunnel()->slots[0].current;
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
	uint32_t now = b_tunnel()->slots[0].current->core.spi_out;
	ck_assert(now == 0x22222222 || now == old_out); /* never the one that is gone */
	ck_assert(b_receives_on(two) && b_receives_on(old_in));
	ck_assert_uint_eq(delete_child(old_out), old_in);
	world_run(&w, 20 * SECOND);
	ck_assert_int_eq(b_tunnel()->state, TUNNEL_UP);
	ck_assert_uint_eq(b_tunnel()->slots[0].current->core.spi_out, 0x22222222);
	ck_assert_uint_eq(w.hosts[B].policy[tunnel_id(&w, B, "t")].spi_out, 0x22222222);
	ck_assert(b_receives_on(two) && !b_receives_on(one) && !b_receives_on(old_in));
	serves_on();
}
END_TEST

/* strongSwan #2778: the peer gives one SPI to two children: one that is in use, one that just was, or a number that RFC 4303 reserves. */
START_TEST(bug_strongswan_2778)
{
	up();
	uint32_t in_use = b_tunnel()->slots[0].current->core.spi_out;
	take_rekey(COMMAND_REKEY);
	if (_i == 1) { /* the old one is gone, and lingers for packets under way */
		size_t n;
		ck_assert_uint_ne(make_child(0x11111111), 0);
		ck_assert_uint_ne(delete_child(in_use), 0);
		memcpy(inside_find(&in, PAYLOAD_NOTIFY, &n) + 4, "\x11\x11\x11\x11", 4);
	}
	uint32_t spi_in = b_tunnel()->slots[0].current->core.spi_in;
	ck_assert_uint_eq(make_child(_i == 2 ? 255 : in_use), 0);
	ck_assert_uint_eq(notify_of(&reply), NOTIFY_NO_PROPOSAL_CHOSEN);
	ck_assert_uint_eq(b_tunnel()->slots[0].current->core.spi_in, spi_in);
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
	uint32_t spi = network(b_tunnel()->slots[0].current->core.spi_out);
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
		size_t body = seal_size(&sa->core.in, 0);
		uint8_t *at = message_seal(&m, 0, body, 0, 0);
		ck_assert_int_eq(seal_write(&sa->core.in, 77u + (unsigned)good, bytes_of(mem, (size_t)(at - mem)),
					 (struct bytes){ 0 }, at, body),
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

/* ---------------------------------------------------------------- a peer without PFS */

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
	uint32_t old = tunnel_of(&w, A, "t")->slots[0].current->core.spi_in;
	uint64_t token = host_order(&w, A, "t", COMMAND_REKEY_CHECK);
	world_run(&w, 5 * SECOND);
	const struct reply *r = order_reply(&w, token);
	ck_assert_uint_eq(replies, 1);
	ck_assert(r && !r->pending && r->ok);
	ck_assert_ptr_nonnull(strstr(r->text, "without PFS"));
	ck_assert_uint_ne(tunnel_of(&w, A, "t")->slots[0].current->core.spi_in, old);
	ck_assert_uint_eq(tunnel_of(&w, A, "t")->slots[0].current->core.suite.group, GROUP_NONE);
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

int main(void)
{
	Suite *s = suite_create("bugs");
	TCase *t = tcase_create("machine");
	tcase_add_checked_fixture(t, setup, teardown);
	tcase_set_timeout(t, 240);
	const TTest *const tests[] = { bug_CVE_2019_12312, bug_CVE_2014_2338, bug_libreswan_1574, bug_CVE_2018_16151,
		bug_CVE_2024_2357, bug_SS_849c2c9707, bug_strongswan_2945, bug_libreswan_67_sealed, bug_SS_543a4c86f9,
		bug_OI_baf0c8e, bug_CVE_2025_20182, rekeys_without_pfs_when_the_peer_has_none,
		no_group_is_sent_with_an_offer_that_has_none };
	for (size_t i = 0; i < sizeof tests / sizeof *tests; i++)
		tcase_add_test(t, tests[i]);
	tcase_add_loop_test(t, bug_CVE_2013_6466_sealed, 0, 7);
	tcase_add_loop_test(t, bug_CVE_2023_38710_sealed, 0, 3);
	tcase_add_loop_test(t, bug_CVE_2016_5391, 0, 2);
	tcase_add_loop_test(t, bug_CVE_2022_23094, 0, 4);
	tcase_add_loop_test(t, bug_strongswan_2778, 0, 3);
	suite_add_tcase(s, t);
	SRunner *r = srunner_create(s);
	srunner_run_all(r, CK_ENV);
	int failed = srunner_ntests_failed(r);
	srunner_free(r);
	return failed != 0;
}
