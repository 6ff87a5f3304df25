/*
 * test_answers.c - what a peer that has the keys asks out of the ordinary, and what it is answered (RFC 7296 2.21, 3.3).
 */
#include "liar.h"

/* One payload less: the first of this type. */
static void without(struct inside *m, uint8_t type)
{
	uint8_t t = m->first;
	size_t at = 0;
	for (unsigned i = 0; t && at + 4 <= m->n; i++) {
		if (t == type) {
			inside_drop(m, i);
			return;
		}
		t = m->data[at];
		at += (size_t)(m->data[at + 2] << 8 | m->data[at + 3]);
	}
	ck_abort_msg("there is no payload %u", type);
}

static void refused_by(uint16_t notify)
{
	ck_assert_uint_eq(replies, 1);
	ck_assert_uint_eq(notify_of(&reply), notify);
	ck_assert_ptr_null(b_sa());
	ck_assert_uint_eq(w.hosts[B].ike->totals.half_open, 0);
	ck_assert_uint_eq(w.hosts[B].ike->totals.established, 0);
}

/* ---------------------------------------------------------------- IKE_AUTH */

/* An IKE_AUTH without AUTH asks for EAP (RFC 7296 2.16): no EAP here, and the word for that is not INVALID_SYNTAX. */
START_TEST(eap_is_no_way_in)
{
	half_open();
	without(&in, PAYLOAD_AUTH);
	ask(&in, EXCHANGE_IKE_AUTH);
	refused_by(NOTIFY_AUTHENTICATION_FAILED);
	ck_assert(saw(&w, B, FACT_AUTH_FAILED, BLAME_PEER));
	ck_assert(!saw(&w, B, FACT_SYNTAX, BLAME_PEER));
	serves_on();
}
END_TEST

/* RFC 6023: without CHILDLESS_IKEV2_SUPPORTED in our answer nobody may leave out the child. */
START_TEST(a_child_is_part_of_ike_auth)
{
	half_open();
	without(&in, PAYLOAD_SA);
	without(&in, PAYLOAD_TSi);
	without(&in, PAYLOAD_TSr);
	ask(&in, EXCHANGE_IKE_AUTH);
	refused_by(NOTIFY_INVALID_SYNTAX);
	serves_on();
}
END_TEST

/* ---------------------------------------------------------------- exchanges */

/* IKE_INTERMEDIATE, IKE_FOLLOWUP_KE, one of a later age: nobody negotiated them. The answer ends the IKE SA, here as there (RFC 7296 2.21.3). */
START_TEST(exchanges_of_others_end_the_sa)
{
	static const uint8_t exchanges[] = { EXCHANGE_IKE_INTERMEDIATE, 44, 200 };
	struct inside none = { 0 };
	up();
	w.excuse_until = w.now + 15 * SECOND;
	ask(&none, exchanges[_i]);
	refused_by(NOTIFY_INVALID_SYNTAX);
	ck_assert(saw(&w, B, FACT_UNSUPPORTED, BLAME_PEER) || saw(&w, B, FACT_SYNTAX, BLAME_PEER));
	serves_on();
}
END_TEST

/* ---------------------------------------------------------------- proposals */

/* A proposal of ESP with these in place of A's own; the SPI stays. */
static void offer(struct inside *m, const uint8_t *transforms, size_t n, unsigned count)
{
	uint8_t body[128] = { 0, 0, 0, (uint8_t)(12 + n), 1, PROTOCOL_ESP, ESP_SPI_LEN, (uint8_t)count };
	size_t size;
	const uint8_t *was = inside_find(m, PAYLOAD_SA, &size);
	ck_assert(was && size >= 12 && was[5] == PROTOCOL_ESP);
	memcpy(body + 8, was + 8, ESP_SPI_LEN);
	memcpy(body + 12, transforms, n);
	without(m, PAYLOAD_SA);
	inside_add(m, PAYLOAD_SA, body, 12 + n);
}

#define AES(bits, more) more, 0, 0, 12, TRANSFORM_ENCR, 0, 0, ENCR_AES_CBC, 0x80, 14, (bits) >> 8, (bits)&0xff
#define OTHER(type, id, more) more, 0, 0, 8, type, 0, 0, id
#define SHA(more) OTHER(TRANSFORM_INTEG, INTEG_HMAC_SHA2_256_128, more)

/* The types in the answer's one proposal, as bits; key: the length of ENCR's. */
static unsigned answered(unsigned *key)
{
	size_t n;
	const uint8_t *sa = inside_find(&reply, PAYLOAD_SA, &n);
	unsigned types = 0;
	*key = 0;
	if (!sa)
		return 0;
	ck_assert_uint_eq(sa[0], 0);
	for (size_t at = 8u + sa[6]; at + 8 <= n; at += (size_t)(sa[at + 2] << 8 | sa[at + 3])) {
		ck_assert(!(types & 1u << sa[at + 4]));
		types |= 1u << sa[at + 4];
		if (sa[at + 4] == TRANSFORM_ENCR)
			*key = (unsigned)(sa[at + 10] << 8 | sa[at + 11]);
	}
	return types;
}

static void child_of(const char *proposals, bool auth)
{
	for (int i = 0; i < 2; i++)
		set(&w, i, "t", "esp-proposals", proposals);
	if (auth) {
		half_open();
	} else {
		up();
		take_rekey(COMMAND_REKEY);
	}
}

/* RFC 7296 3.3: one transform of each type that was offered, and none of another: by IKE_AUTH (even) and by CREATE_CHILD_SA (odd). */
START_TEST(types_that_were_not_offered_are_not_answered)
{
	static const uint8_t bare[] = { AES(256, 3), SHA(0) };
	static const uint8_t esn[] = { AES(256, 3), SHA(3), OTHER(TRANSFORM_ESN, ESN_NO, 0) };
	static const uint8_t none[] = { AES(256, 3), SHA(3), OTHER(TRANSFORM_KE, GROUP_NONE, 3),
		OTHER(TRANSFORM_ESN, ESN_YES, 0) };
	static const struct {
		const uint8_t *v;
		size_t n;
		unsigned count, types;
	} rows[] = {
		{ bare, sizeof bare, 2, 1u << TRANSFORM_ENCR | 1u << TRANSFORM_INTEG },
		{ esn, sizeof esn, 3, 1u << TRANSFORM_ENCR | 1u << TRANSFORM_INTEG | 1u << TRANSFORM_ESN },
		{ none, sizeof none, 4, 1u << TRANSFORM_ENCR | 1u << TRANSFORM_INTEG | 1u << TRANSFORM_KE | 1u << TRANSFORM_ESN },
	};
	bool auth = _i % 2 == 0;
	unsigned key, row = (unsigned)_i / 2, types = rows[row].types;
	child_of("[aes256-sha256]", auth);
	offer(&in, rows[row].v, rows[row].n, rows[row].count);
	ask(&in, auth ? EXCHANGE_IKE_AUTH : EXCHANGE_CREATE_CHILD_SA);
	if (auth) /* RFC 7296 1.2: there is no group in IKE_AUTH */
		types &= ~(1u << TRANSFORM_KE);
	ck_assert_uint_eq(replies, 1);
	ck_assert_uint_eq(answered(&key), types);
	ck_assert_uint_eq(key, 256);
	serves_on();
}
END_TEST

/* What is configured is meant: a longer key is another algorithm (RFC 7296 3.3.5 would let us take it). */
START_TEST(a_longer_key_is_not_the_one_that_is_configured)
{
	static const uint8_t longer[] = { AES(256, 3), SHA(0) }, both[] = { AES(256, 3), AES(128, 3), SHA(0) };
	unsigned key;
	child_of("[aes128-sha256]", false);
	offer(&in, _i ? both : longer, _i ? sizeof both : sizeof longer, _i ? 3 : 2);
	ask(&in, EXCHANGE_CREATE_CHILD_SA);
	ck_assert_uint_eq(replies, 1);
	ck_assert_uint_eq(notify_of(&reply), _i ? 0 : NOTIFY_NO_PROPOSAL_CHOSEN);
	answered(&key);
	ck_assert_uint_eq(key, _i ? 128 : 0);
	serves_on();
}
END_TEST

/* ---------------------------------------------------------------- SPIs that are not known */

static void stray(struct inside *m)
{
	memset(m, 0, sizeof *m);
	m->h = (struct header){ .major = 2, .exchange = EXCHANGE_INFORMATIONAL, .flags = IKE_FLAG_INITIATOR, .message_id = 7 };
	memset(m->h.spi_i, 0x11, IKE_SPI_LEN);
	memset(m->h.spi_r, 0x22, IKE_SPI_LEN);
	m->first = PAYLOAD_SK;
	m->n = 60;
	memset(m->data, 0x33, m->n);
	memcpy(m->data, "\0\0\0\x3c", 4);
}

static unsigned told(const struct inside *m)
{
	replies = 0;
	memset(&reply, 0, sizeof reply);
	hostile_deliver(&w, B, m, 0, 0);
	world_run(&w, 100);
	return replies;
}

/* RFC 7296 1.5, 2.21.4: who speaks of an IKE SA that is not there hears so in the open, once a second, with its own SPIs and message id. */
START_TEST(an_ike_sa_that_is_not_there_is_said_not_to_be)
{
	struct inside m;
	up();
	deaf = true;
	stray(&m);
	ck_assert_uint_eq(told(&m), 1);
	ck_assert(!reply.sealed);
	ck_assert_uint_eq(notify_of(&reply), NOTIFY_INVALID_IKE_SPI);
	ck_assert_uint_eq(reply.h.exchange, m.h.exchange);
	ck_assert_uint_eq(reply.h.message_id, 7);
	ck_assert(reply.h.flags & IKE_FLAG_RESPONSE && !(reply.h.flags & IKE_FLAG_INITIATOR));
	ck_assert(!memcmp(reply.h.spi_i, m.h.spi_i, IKE_SPI_LEN) && !memcmp(reply.h.spi_r, m.h.spi_r, IKE_SPI_LEN));
	ck_assert_uint_eq(told(&m), 0); /* not twice in a second */
	world_run(&w, SECOND);
	m.h.flags |= IKE_FLAG_RESPONSE;
	ck_assert_uint_eq(told(&m), 0); /* two that do not know each other would go on for ever */
	m.h.flags = IKE_FLAG_INITIATOR;
	w.hosts[A].addr.ip[15] ^= 1;
	ck_assert_uint_eq(told(&m), 0); /* nobody whom a tunnel expects */
	w.hosts[A].addr.ip[15] ^= 1;
	ck_assert_uint_eq(told(&m), 1);
	serves_on();
}
END_TEST

/* A says, protected, that it has no SA for ESP that comes from B. */
static void no_sa_for(uint32_t spi)
{
	const uint8_t notify[] = { 0, 0, NOTIFY_INVALID_SPI >> 8, NOTIFY_INVALID_SPI & 0xff, (uint8_t)(spi >> 24),
		(uint8_t)(spi >> 16), (uint8_t)(spi >> 8), (uint8_t)spi };
	struct inside m = { 0 };
	inside_add(&m, PAYLOAD_NOTIFY, notify, sizeof notify);
	replies = 0;
	ask(&m, EXCHANGE_INFORMATIONAL);
	ck_assert_uint_eq(replies, 1);
	ck_assert(reply.sealed && reply.n == 0); /* a request like others */
	world_run(&w, SECOND);
}

static uint64_t rekeys(void) { return b_tunnel()->counters[COUNTER_CHILD_REKEYS]; }

/* RFC 7296 1.5: INVALID_SPI over the IKE SA. The child that sends so is rekeyed; one that is gone, replaced or has just been made is not. */
START_TEST(esp_that_the_peer_cannot_place_has_its_child_rekeyed)
{
	up();
	uint32_t spi = b_tunnel()->slots[0].current->core.spi_out;
	no_sa_for(spi);
	ck_assert_uint_eq(rekeys(), 0); /* the packets may have been under way when it was made */
	world_run(&w, 10 * SECOND);
	no_sa_for(spi + 1);
	no_sa_for(b_tunnel()->slots[0].current->core.spi_in);
	ck_assert_uint_eq(rekeys(), 0);
	no_sa_for(spi);
	ck_assert_uint_eq(rekeys(), 1);
	ck_assert(saw(&w, B, FACT_HINT, BLAME_NONE));
	no_sa_for(spi);
	no_sa_for(b_tunnel()->slots[0].current->core.spi_out);
	ck_assert_uint_eq(rekeys(), 1);
	ck_assert_uint_eq(b_tunnel()->state, TUNNEL_UP);
	world_run(&w, 10 * SECOND);
	no_sa_for(b_tunnel()->slots[0].current->core.spi_out);
	ck_assert_uint_eq(rekeys(), 2);
	serves_on();
}
END_TEST

/* At whatever moment of a rekey of the peer's the operator orders one: the tunnel is up. Its DELETE is lost once. */
START_TEST(a_rekey_can_be_ordered_during_one)
{
	up();
	for (unsigned i = 0; i < 40; i++) {
		order(&w, A, COMMAND_REKEY);
		world_run(&w, i * 5);
		want = EXCHANGE_INFORMATIONAL;
		world_run(&w, i % 4 * 100);
		const struct reply *r = order_reply(&w, host_order(&w, B, "t", i % 2 ? COMMAND_REKEY : COMMAND_REKEY_IKE));
		ck_assert_msg(r->pending || r->ok, "%s", r->text);
		want = 0;
		world_run(&w, 5 * SECOND);
	}
	serves_on();
}
END_TEST

int main(void)
{
	TCase *t = tcase_create("answers");
	tcase_add_test(t, a_rekey_can_be_ordered_during_one);
	tcase_add_test(t, eap_is_no_way_in);
	tcase_add_test(t, a_child_is_part_of_ike_auth);
	tcase_add_loop_test(t, exchanges_of_others_end_the_sa, 0, 3);
	tcase_add_loop_test(t, types_that_were_not_offered_are_not_answered, 0, 6);
	tcase_add_loop_test(t, a_longer_key_is_not_the_one_that_is_configured, 0, 2);
	tcase_add_test(t, an_ike_sa_that_is_not_there_is_said_not_to_be);
	tcase_add_test(t, esp_that_the_peer_cannot_place_has_its_child_rekeyed);
	return liar_run("answers", t);
}
