/*
 * test_keeper_auth.c - for what the keeper makes and checks AUTH, and for what it does not.
 */
#include "grant_help.h"

static uint8_t them[4] = { 203, 0, 113, 10 }, stranger[4] = { 192, 0, 2, 66 };

static struct asked { /* an honest question: what of it is spoilt is the test's business */
	bool verify, initiator, by_cert;
	uint8_t flags, exchange, version;
	uint32_t message_id, claimed;
	uint64_t spi_i, spi_r;
	size_t message, nonce, sk_p, auth;
	struct ident peer;
	struct addr local;
	bool answer; /* and our own part of it */
	uint8_t own_flags;
	uint64_t own_spi_r;
	size_t own_message, own_nonce, own_sk_p;
} ask;

static void honest(bool verify, bool initiator)
{
	bool by_initiator = verify != initiator;
	ask = (struct asked){ .verify = verify,
		.initiator = initiator,
		.flags = by_initiator ? IKE_FLAG_INITIATOR : IKE_FLAG_RESPONSE,
		.exchange = EXCHANGE_IKE_SA_INIT,
		.version = 0x20,
		.claimed = 300,
		.spi_i = 0x1122334455667788,
		.spi_r = by_initiator ? 0 : 0x99,
		.message = 300,
		.nonce = 32,
		.sk_p = 32,
		.auth = verify ? 32 : 0,
		.local = ip("198.51.100.7", 500) };
	if (verify)
		ask.peer = (struct ident){ ID_IPV4_ADDR, 4, them };
}

/* A responder's: the peer's AUTH is checked, and ours wanted with it. */
static void honest_answer(void)
{
	honest(true, false);
	ask.answer = true;
	ask.own_flags = IKE_FLAG_RESPONSE;
	ask.own_spi_r = 0x99;
	ask.own_message = 200;
	ask.own_nonce = ask.own_sk_p = 32;
}

static void put_first(struct buf *b, uint64_t spi_r, uint8_t flags, size_t size, size_t claimed)
{
	struct buf m = *b;
	put_u64(&m, ask.spi_i);
	put_u64(&m, spi_r);
	put_u8(&m, PAYLOAD_SA);
	put_u8(&m, ask.version);
	put_u8(&m, ask.exchange);
	put_u8(&m, flags);
	put_u32(&m, ask.message_id);
	put_u32(&m, (uint32_t)claimed);
	ck_assert(!m.bad);
	b->len += size;
}

static size_t auth_message(uint8_t out[2048])
{
	struct msg_auth h;
	memset(&h, 0, sizeof h);
	h.tunnel = 1;
	h.prf = PRF_HMAC_SHA2_256;
	h.verify = ask.verify;
	h.initiator = ask.initiator;
	h.by_cert = ask.by_cert;
	h.local = ask.local;
	h.message_len = (uint32_t)ask.message;
	h.nonce_len = (uint16_t)ask.nonce;
	h.sk_p_len = (uint16_t)ask.sk_p;
	h.peer_id_len = ask.peer.type != 0 ? (uint16_t)(4 + ask.peer.len) : 0;
	h.auth_len = (uint16_t)ask.auth;
	h.answer = ask.answer;
	h.own_message_len = (uint32_t)ask.own_message;
	h.own_nonce_len = (uint16_t)ask.own_nonce;
	h.own_sk_p_len = (uint16_t)ask.own_sk_p;
	struct buf b = buf_of(out, 2048);
	put_bytes(&b, &h, sizeof h);
	put_first(&b, ask.spi_r, ask.flags, ask.message, ask.claimed);
	put_space(&b, ask.nonce + ask.sk_p);
	if (h.peer_id_len > 0) {
		put_u32(&b, (uint32_t)ask.peer.type << 24);
		put_bytes(&b, ask.peer.data, ask.peer.len);
	}
	put_space(&b, ask.auth);
	if (ask.own_message > 0)
		put_first(&b, ask.own_spi_r, ask.own_flags, ask.own_message, ask.own_message);
	put_space(&b, ask.own_nonce + ask.own_sk_p);
	ck_assert(!b.bad);
	return b.len;
}

static enum grant judged(void)
{
	static uint8_t body[2048];
	struct auth_request r;
	return auth_request_parse(&r, bytes_of(body, auth_message(body))) ? grant_auth(&tunnel, &r) : GRANT_BROKEN;
}

static enum grant checked_for(uint8_t type, uint16_t len, uint8_t *data)
{
	honest(true, true);
	ask.peer = (struct ident){ type, len, data };
	return judged();
}

START_TEST(the_key_speaks_for_its_own_identities_only)
{
	ck_assert_int_eq(checked_for(ID_IPV4_ADDR, 4, them), GRANT_OK);
	ck_assert_int_eq(checked_for(ID_IPV4_ADDR, 4, stranger), GRANT_DENIED);
	ck_assert_int_eq(checked_for(ID_FQDN, 4, them), GRANT_DENIED);
	ck_assert_int_eq(checked_for(0, 0, NULL), GRANT_BROKEN);
	tunnel.remote_id = (struct ident){ ID_IPV4_ADDR, 4, stranger };
	ck_assert_int_eq(checked_for(ID_IPV4_ADDR, 4, stranger), GRANT_OK);
	ck_assert_int_eq(checked_for(ID_IPV4_ADDR, 4, them), GRANT_DENIED);
	free(tunnel.psk);
	tunnel.psk = NULL;
	ck_assert_int_eq(checked_for(ID_IPV4_ADDR, 4, stranger), GRANT_GONE);
}
END_TEST

/* The engine has no say in who we are: it may only name the address, and only while the configuration leaves it open. */
START_TEST(our_own_identity_is_the_configured_one)
{
	struct addr said = ip("198.51.100.9", 4500);
	struct ident id = grant_own_identity(&tunnel, &said);
	ck_assert(ident_equal(&id, &tunnel.local_id));
	tunnel.local_id.type = 0;
	id = grant_own_identity(&tunnel, &said);
	ck_assert_int_eq(id.type, ID_IPV4_ADDR);
	ck_assert(bytes_equal(bytes_of(id.data, id.len), addr_bytes(&said)));
	honest(false, true);
	ask.local = said;
	ck_assert_int_eq(judged(), GRANT_OK); /* the route decides */
	tunnel.local = ip("198.51.100.7", 0);
	ck_assert_int_eq(judged(), GRANT_DENIED);
	ask.local = ip("198.51.100.7", 4500);
	ck_assert_int_eq(judged(), GRANT_OK);
	id = grant_own_identity(&tunnel, &said);
	ck_assert(bytes_equal(bytes_of(id.data, id.len), addr_bytes(&tunnel.local)));
	ask.local.family = 0;
	ck_assert_int_eq(judged(), GRANT_BROKEN);
}
END_TEST

static void other_flags(void) { ask.flags ^= IKE_FLAG_INITIATOR | IKE_FLAG_RESPONSE; }
static void both_flags(void) { ask.flags = IKE_FLAG_INITIATOR | IKE_FLAG_RESPONSE; }
static void no_flags(void) { ask.flags = 0; }
static void other_exchange(void) { ask.exchange = EXCHANGE_IKE_AUTH; }
static void later_message(void) { ask.message_id = 1; }
static void claims_more(void) { ask.claimed++; }
static void claims_less(void) { ask.claimed--; }
static void other_version(void) { ask.version = 0x10; }
static void no_spi(void) { ask.spi_i = 0; }
static void other_spi(void) { ask.spi_r = ask.spi_r == 0 ? 0x99 : 0; }
static void only_a_header_less_one(void) { ask.message = ask.claimed = IKE_HEADER_LEN - 1; }
static void nothing(void) { ask.message = ask.claimed = 0; }
static void other_role(void) { ask.initiator = !ask.initiator; }
static void other_end(void)
{
	ask.verify = !ask.verify;
	ask.auth = 0;
	ask.peer = ask.verify ? (struct ident){ ID_IPV4_ADDR, 4, them } : (struct ident){ 0 };
}

static const struct {
	const char *name;
	void (*spoil)(void);
} spoilt[] = {
	{ "the other end's flags", other_flags },
	{ "both flags", both_flags },
	{ "no flags", no_flags },
	{ "another exchange", other_exchange },
	{ "a later message", later_message },
	{ "longer than it is", claims_more },
	{ "shorter than it is", claims_less },
	{ "another version", other_version },
	{ "no SPI of the initiator", no_spi },
	{ "an SPI of the responder where none is, or none where one is", other_spi },
	{ "less than a header", only_a_header_less_one },
	{ "nothing", nothing },
	{ "the other role", other_role },
	{ "the other end's message", other_end },
};

/* Whatever is no IKE_SA_INIT of the end that proves itself could be anything: an AUTH of the other role, another site's, a text. */
START_TEST(auth_is_over_the_first_message_of_its_own_role)
{
	for (unsigned how = 1; how < 4; how++) {
		honest(how & 1, how & 2);
		ck_assert_int_eq(judged(), GRANT_OK);
		spoilt[_i].spoil();
		ck_assert_msg(judged() == GRANT_DENIED, "%s, %s as %s", spoilt[_i].name, how & 1 ? "checked" : "signed",
			how & 2 ? "initiator" : "responder");
	}
}
END_TEST

START_TEST(nobody_initiates_to_any)
{
	tunnel.remote_any = true;
	for (unsigned how = 0; how < 4; how++) {
		honest(how & 1, how & 2);
		ck_assert_int_eq(judged(), how == 1 ? GRANT_OK : GRANT_DENIED);
	}
}
END_TEST

/* It comes with the verdict about the initiator's. Made for whoever asks it would let a captured engine guess the key, of any tunnel. */
START_TEST(a_responder_with_a_key_signs_with_its_verdict_only)
{
	honest(false, false);
	ck_assert_int_eq(judged(), GRANT_DENIED);
	honest(false, true);
	ck_assert_int_eq(judged(), GRANT_OK);
	honest(true, false);
	ck_assert_int_eq(judged(), GRANT_OK);
}
END_TEST

/* What a peer's certificate is worth the engine finds out; the key of ours signs where the tunnel has one, and only there. */
START_TEST(certificates_are_signed_for_and_never_verified)
{
	honest(false, true);
	ask.by_cert = true;
	ck_assert_int_eq(judged(), GRANT_GONE);
	tunnel.cert.set = true;
	ck_assert_int_eq(judged(), GRANT_OK);
	ask.by_cert = false; /* although there may be a pre-shared key of before */
	ck_assert_int_eq(judged(), GRANT_GONE);
	honest(true, true);
	ck_assert_int_eq(judged(), GRANT_GONE);
	ask.by_cert = true;
	ck_assert_int_eq(judged(), GRANT_BROKEN);
	tunnel.cert.set = false;
}
END_TEST

static bool stale(uint64_t leaf)
{
	struct auth_request r = { .head = { .by_cert = 1, .leaf = leaf } };
	return grant_auth_stale(&tunnel, &r);
}

/* A reload here, or there, between the request and its answer. */
START_TEST(by_the_certificate_that_was_meant)
{
	struct bytes leaf = bytes_of("one", 3), other = bytes_of("two", 3);
	struct cert_conf theirs = { .chain = { .n = 1, .v = &other } };
	tunnel.cert.chain.n = 1;
	tunnel.cert.chain.v = &leaf;
	ck_assert(!stale(cert_conf_leaf(&tunnel.cert)));
	ck_assert(stale(cert_conf_leaf(&theirs)) && stale(0));
	tunnel.cert.chain.n = 0;
	tunnel.cert.chain.v = NULL;
	ck_assert(stale(cert_conf_leaf(&theirs)));
}
END_TEST

/* What each part may not be asked for alone is not granted in one either. */
START_TEST(answer_is_granted_as_its_two_parts_are)
{
	honest_answer();
	ck_assert_int_eq(judged(), GRANT_OK);
	ask.own_flags = IKE_FLAG_INITIATOR;
	ck_assert_int_eq(judged(), GRANT_DENIED);
	honest_answer();
	ask.own_spi_r = 0;
	ck_assert_int_eq(judged(), GRANT_DENIED);
	honest_answer();
	ask.flags = IKE_FLAG_RESPONSE;
	ck_assert_int_eq(judged(), GRANT_DENIED);
	honest_answer();
	ask.peer.data = stranger;
	ck_assert_int_eq(judged(), GRANT_DENIED);
	honest_answer();
	struct ident kept = tunnel.local_id;
	tunnel.local_id.type = 0;
	tunnel.local = ip("198.51.100.9", 0);
	ck_assert_int_eq(judged(), GRANT_DENIED);
	tunnel.local_id = kept;
}
END_TEST

START_TEST(answer_is_a_responders_by_the_pre_shared_key)
{
	honest_answer();
	ask.initiator = true;
	ck_assert_int_eq(judged(), GRANT_BROKEN);
	honest_answer();
	ask.by_cert = true;
	ck_assert_int_eq(judged(), GRANT_BROKEN);
	honest_answer();
	ask.verify = false;
	ask.auth = 0;
	ask.peer = (struct ident){ 0 };
	ck_assert_int_eq(judged(), GRANT_BROKEN);
	honest_answer();
	ask.local.family = 0;
	ck_assert_int_eq(judged(), GRANT_BROKEN);
	honest_answer();
	ask.answer = false; /* then there is no part of ours */
	ck_assert_int_eq(judged(), GRANT_BROKEN);
	size_t *const sizes[] = { &ask.own_nonce, &ask.own_nonce, &ask.own_sk_p, &ask.own_sk_p, &ask.own_sk_p };
	static const size_t wrong[] = { 15, 257, 31, 33, 0 };
	for (unsigned i = 0; i < 5; i++) {
		honest_answer();
		*sizes[i] = wrong[i];
		ck_assert_int_eq(judged(), GRANT_BROKEN);
	}
}
END_TEST

START_TEST(auth_requests_of_wrong_sizes_are_not_parsed)
{
	static uint8_t body[2048];
	struct auth_request r;
	honest(true, true);
	size_t n = auth_message(body);
	ck_assert(auth_request_parse(&r, bytes_of(body, n)));
	for (size_t cut = 0; cut < n; cut++)
		ck_assert(!auth_request_parse(&r, bytes_of(body, cut)));
	ck_assert(!auth_request_parse(&r, bytes_of(body, n + 1)));
	struct msg_auth h;
	memcpy(&h, body, sizeof h);
	h.message_len = 0xffffffff;
	memcpy(body, &h, sizeof h);
	ck_assert(!auth_request_parse(&r, bytes_of(body, n)));
	size_t *const sizes[] = { &ask.nonce, &ask.nonce, &ask.sk_p, &ask.sk_p, &ask.auth };
	static const size_t wrong[] = { 15, 257, 31, 33, 65 };
	for (unsigned i = 0; i < 5; i++) {
		honest(true, false);
		*sizes[i] = wrong[i];
		ck_assert_int_eq(judged(), GRANT_BROKEN);
	}
	honest(false, true);
	ask.auth = 1; /* an AUTH of the peer's goes with no signature of ours */
	ck_assert_int_eq(judged(), GRANT_BROKEN);
}
END_TEST

int main(void)
{
	TCase *t = tcase_create("auth");
	tcase_add_checked_fixture(t, setup_tunnel, teardown);
	tcase_add_test(t, the_key_speaks_for_its_own_identities_only);
	tcase_add_test(t, our_own_identity_is_the_configured_one);
	tcase_add_loop_test(t, auth_is_over_the_first_message_of_its_own_role, 0, sizeof spoilt / sizeof spoilt[0]);
	tcase_add_test(t, nobody_initiates_to_any);
	tcase_add_test(t, a_responder_with_a_key_signs_with_its_verdict_only);
	tcase_add_test(t, certificates_are_signed_for_and_never_verified);
	tcase_add_test(t, by_the_certificate_that_was_meant);
	tcase_add_test(t, answer_is_granted_as_its_two_parts_are);
	tcase_add_test(t, answer_is_a_responders_by_the_pre_shared_key);
	tcase_add_test(t, auth_requests_of_wrong_sizes_are_not_parsed);
	return unit_run_case("keeper_auth", t);
}
