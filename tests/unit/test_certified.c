/*
 * test_certified.c - what certificates make of the protocol's machine: until when an SA counts as proven, and how a name finds its tunnel. In the
 * simulator's world.
 */
#include <stdio.h>
#include <string.h>

#include "../sim/certs.h"
#include "../sim/hostile.h"
#include "unit.h"

static struct world w;

static void certify(int host, const char *who, const char *variant)
{
	char name[64];
	set(&w, host, "t", "psk", "");
	snprintf(name, sizeof name, "%s.p256.%s.cert", who, variant);
	set(&w, host, "t", "certificate", name);
	snprintf(name, sizeof name, "%s.p256.key", who);
	set(&w, host, "t", "private-key", name);
	set(&w, host, "t", "ca", "ca.pem");
}

static void setup(void)
{
	const char *why;
	ck_assert_msg(alg_init(&why), "%s", why);
	world_init(&w, 21, false);
	pair(&w);
	w.wall = CERTS_NOW;
	certify(A, "a", "plain");
	certify(B, "b", "plain");
}

static void teardown(void)
{
	ck_assert_msg(!w.failed, "%s", w.why);
	world_release(&w);
}

static void up(void)
{
	begin(&w);
	await_up(&w, 10000);
	ck_assert_msg(!w.failed, "%s", w.why);
}

static struct sa *only_sa(int host)
{
	unsigned n = 0;
	struct sa *sa = live_sa(w.hosts[host].ike, tunnel_of(&w, host, "t"), &n);
	ck_assert_uint_eq(n, 1);
	return sa;
}

/* RFC 4301 4.4.2.1: the first of ours that expires, be it the leaf or a CA that goes with it. */
START_TEST(the_first_of_our_chain_to_expire_counts)
{
	certify(A, "a", "brief");
	up();
	ck_assert_int_eq(tunnel_of(&w, A, "t")->own_until, CERTS_SOON);
	ck_assert_int_gt(tunnel_of(&w, B, "t")->own_until, CERTS_SOON);
	ck_assert_int_eq(only_sa(A)->core.proven_until, CERTS_SOON);
	certify(A, "a", "deep");
	host_load(&w, A);
	ck_assert_int_gt(tunnel_of(&w, A, "t")->own_until, CERTS_SOON);
	certify(A, "a", "soon");
	host_load(&w, A);
	ck_assert_int_eq(tunnel_of(&w, A, "t")->own_until, CERTS_SOON);
}
END_TEST

/* Where ours has expired and the peer takes it all the same, the SA is good for as long as the peer's: it would else be made again and again. */
START_TEST(our_own_that_has_expired_limits_nothing)
{
	up();
	struct sa *sa = only_sa(A);
	struct step s = { .ike = w.hosts[A].ike, .now = { .wall = CERTS_NOW } };
	struct cert_verdict v = { .scheme = sign_scheme(2), .ends = CERTS_NOW + 1000 };
	struct negotiation n = { .proof = { .ours = 2 } };
	static const int64_t own[][2] = { { 500, 500 }, { 2000, 1000 }, { 0, 1000 }, { -500, 1000 } };
	for (unsigned i = 0; i < sizeof own / sizeof own[0]; i++) {
		sa->tunnel->own_until = CERTS_NOW + own[i][0];
		cert_believed(&s, sa, &n, &v);
		ck_assert_int_eq(sa->core.proven_until, CERTS_NOW + own[i][1]);
	}
	w.meddled = true;
}
END_TEST

/* Blanks and case do not count, nor do types of strings: names are compared, not octets. One that differs is not even read. */
START_TEST(a_name_finds_its_tunnel)
{
	for (int i = 0; i < 2; i++) {
		set(&w, i, "t", "local-id", "");
		set(&w, i, "t", "remote-id", i == A ? "O=EXAMPLE, CN=Gateway  b" : "O=Example, CN=GATEWAY  A");
	}
	up();
	struct tunnel *t = tunnel_of(&w, A, "t");
	const struct ident *theirs = &only_sa(A)->peer_id, *expected = &t->conf->remote_id;
	uint32_t name = ident_name(theirs);
	char text[FACT_ITEM];
	ck_assert(!ident_equal(theirs, expected));
	ck_assert(name != 0 && name == t->remote_name && name == ident_name(expected));
	ck_assert(ident_is(t, theirs, expected) && ident_is_named(t, theirs, name, expected));
	ck_assert(
		!ident_is_named(t, theirs, name + 1, expected)); /* the hash said already that it is another: nothing is parsed */
	ck_assert(!ident_is_named(t, theirs, 0, expected));
	ck_assert(ident_is_named(t, expected, 0, expected)); /* the very octets */
	ck_assert_str_eq(ident_words(t, theirs, text), "O=Example, CN=gateway b");
	ck_assert_uint_eq(ident_name(&tunnel_of(&w, B, "t")->conf->remote_id), tunnel_of(&w, B, "t")->remote_name);
}
END_TEST

/* The moment at which peers are judged. */
static int64_t earliest(int64_t wall, int64_t *own_from)
{
	struct tunnel *t = tunnel_of(&w, A, "t");
	struct arena arena;
	struct ike_actions out;
	arena_init(&arena, 65536);
	ike_actions_init(&out, &arena);
	struct step s = { .ike = w.hosts[A].ike, .now = { .wall = wall }, .out = &out };
	struct negotiation n = { .proof = { .n = 1, .chain = { bytes_of("one", 3) } } };
	struct ike_job job = { 0 };
	ck_assert(cert_job(&s, only_sa(A), &n, &job));
	ck_assert_int_eq(job.wall, wall);
	ike_actions_release(&out);
	arena_release(&arena);
	*own_from = t->own_from;
	return job.earliest;
}

/* What is asked of the engine's workers says so; a clock that may be right is no worse for a certificate of ours that was made for later. */
START_TEST(a_clock_before_our_own_certificate_is_wrong)
{
	up();
	int64_t from;
	ck_assert_int_eq(earliest(0, &from), CERTS_NOW - 86400 - CERT_SKEW);
	ck_assert_int_eq(from, CERTS_NOW - 86400);
	ck_assert_int_eq(earliest(CERT_RELEASED - 1, &from), from - CERT_SKEW);
	struct tunnel *t = tunnel_of(&w, A, "t");
	t->own_from = CERTS_NOW + 86400;
	ck_assert_int_eq(earliest(CERT_RELEASED, &from), 0);
	ck_assert_int_eq(earliest(CERTS_NOW, &from), 0);
	/* Until when an SA is good is reckoned from the same moment. */
	struct sa *sa = only_sa(A);
	for (unsigned right = 0; right < 2; right++) {
		struct step s = { .ike = w.hosts[A].ike, .now = { { w.now }, right ? CERTS_NOW : 0 } };
		sa->core.proven_until = CERTS_NOW + 86400 + 7200;
		sa->core.expire_at = MONO_NEVER;
		sa_proven_until(&s, sa);
		ck_assert_int_eq(sa->core.expire_at.ms, w.now + (right ? 86400 + 7200 : 7200 + CERT_SKEW) * 1000LL);
	}
	w.meddled = true;
}
END_TEST

/* Of A's SA, by the clock of now: with the certificates that made it, or what the clock may be off later. */
static void ends_in_time(void)
{
	world_run(&w, 30000);
	int64_t left = (only_sa(A)->core.expire_at.ms - w.now) / 1000, wall = w.wall + w.now / 1000;
	ck_assert_int_le(left, CERTS_SOON - wall + 61);
	ck_assert_int_gt(left, 0);
}

/* A clock that goes right little by little has been set all the same. */
START_TEST(a_clock_is_set_in_small_steps)
{
	certify(A, "a", "soon");
	up();
	for (unsigned i = 0; i < 100; i++) {
		w.wall += 50;
		world_run(&w, 10000);
	}
	ends_in_time();
	ck_assert_msg(!w.failed, "%s", w.why);
}
END_TEST

/* What was made while the clock was set back is reckoned again when it is right, although it is only what it was. */
START_TEST(a_clock_is_set_back_and_forward)
{
	certify(A, "a", "soon");
	up();
	uint32_t before = only_sa(A)->number;
	w.wall -= 3600;
	world_run(&w, 30000);
	host_order(&w, A, "t", COMMAND_REKEY_IKE);
	world_run(&w, 30000);
	ck_assert_uint_ne(only_sa(A)->number, before);
	w.wall += 3600;
	ends_in_time();
	ck_assert_msg(!w.failed, "%s", w.why);
}
END_TEST

static struct inside held;
static bool hold_auth(struct world *world, const struct packet *p)
{
	return packet_is(p, A, EXCHANGE_IKE_AUTH, false) && (held.sealed || hostile_open(world, p, &held));
}

static unsigned jobs_of_b(void)
{
	struct sa *sa;
	unsigned n = 0;
	for (size_t it = 0; (sa = table_next(&w.hosts[B].ike->by_number, &it));)
		n += sa->jobs;
	return n;
}

/* Whoever has made a key exchange, and nobody else, has one chain looked at for it: whatever he sends meanwhile, and after it is refused. */
START_TEST(a_stranger_has_one_chain_verified)
{
	w.job_max = 5000;
	w.meddled = true;
	w.filter = hold_auth;
	held = (struct inside){ 0 };
	begin(&w);
	for (unsigned i = 0; i < 20000 && !held.sealed; i++)
		world_run(&w, 1);
	ck_assert(held.sealed);
	ck_assert_uint_eq(jobs_of_b(), 1); /* the key exchange */
	for (unsigned i = 0; i < 100; i++) {
		struct inside other = held;
		if (i % 2) { /* another one under the same number */
			size_t n;
			uint8_t *cert = inside_find(&other, PAYLOAD_CERT, &n);
			cert[100] ^= (uint8_t)i;
		}
		hostile_deliver(&w, B, &other, 0, 0);
		ck_assert_uint_eq(jobs_of_b(), 2);
	}
	uint32_t half_open = (uint32_t)w.hosts[B].ike->totals.half_open;
	ck_assert_uint_eq(half_open, 1);
	/* More certificates, fewer, larger ones than there may be: not even that one. */
	world_release(&w);
	setup();
	w.job_max = 5000;
	w.meddled = true;
	w.filter = hold_auth;
	held = (struct inside){ 0 };
	begin(&w);
	for (unsigned i = 0; i < 20000 && !held.sealed; i++)
		world_run(&w, 1);
	for (unsigned i = 0; i < CERT_CHAIN_MAX; i++)
		inside_add(&held, PAYLOAD_CERT, "\4one", 4);
	hostile_deliver(&w, B, &held, 0, 0);
	ck_assert_uint_eq(jobs_of_b(), 0);
	ck_assert_uint_eq(w.hosts[B].ike->totals.half_open, 0);
}
END_TEST

/* B has a second tunnel, for a peer with a certificate of that CA at any address. */
static void another_of_any(const char *ca)
{
	link_add(&w, "u", A, B);
	set(&w, B, "u", "psk", "");
	set(&w, B, "u", "certificate", "b.p256.plain.cert");
	set(&w, B, "u", "private-key", "b.p256.key");
	set(&w, B, "u", "ca", ca);
	set(&w, B, "u", "remote", "any");
	set(&w, A, "u", "start", "respond");
}

/* Whom a stranger is for is not known: the CAs of all that it may be are named, each once, whether they were gathered or are asked one by one. */
START_TEST(a_stranger_is_told_the_cas)
{
	const char *ways[][2] = { { "198.51.100.2", "" }, { "any", "" }, { "any", "198.51.100.2" }, { "peer.example", "" } };
	set(&w, B, "t", "remote", _i == 0 ? "192.0.2.1" : ways[_i][0]);
	set(&w, B, "t", "local", ways[_i][1]);
	set(&w, B, "t", "start", "respond");
	another_of_any("ca.pem");
	begin(&w);
	world_run(&w, 10000);
	const struct sa *sa = only_sa(A);
	ck_assert_ptr_nonnull(sa);
	ck_assert_ptr_nonnull(sa->proof);
	ck_assert_uint_eq(sa->proof->asked.n, 1);
	ck_assert(sa->proof->asked.ours && sa->proof->asked.known == 1);
	w.meddled = true;
}
END_TEST

static unsigned cas_told(void)
{
	const struct sa *sa = only_sa(A);
	ck_assert_ptr_nonnull(sa);
	ck_assert_ptr_nonnull(sa->proof);
	return sa->proof->asked.n;
}

static unsigned cas_told_after(const char *tunnel, enum ike_command_kind kind)
{
	host_order(&w, B, tunnel, kind);
	host_order(&w, A, "t", COMMAND_DOWN);
	world_run(&w, 10000);
	host_order(&w, A, "t", COMMAND_UP);
	world_run(&w, 10000);
	return cas_told();
}

/* Nobody is accepted for a tunnel that the operator stopped, and its customers are nobody's business: its CAs are not named, nor after the engine's death. */
START_TEST(a_stopped_tunnels_cas_are_not_told)
{
	set(&w, B, "t", "remote", "any");
	set(&w, B, "t", "local", "");
	set(&w, B, "t", "start", "respond");
	another_of_any("other-ca.pem");
	set(&w, B, "u", "local", "");
	w.meddled = true;
	begin(&w);
	world_run(&w, 10000);
	ck_assert_uint_eq(cas_told(), 2);
	ck_assert_uint_eq(cas_told_after("u", COMMAND_DOWN), 1);
	death(&w, B);
	world_run(&w, 10000);
	ck_assert(tunnel_of(&w, B, "u")->held);
	ck_assert_uint_eq(cas_told_after("t", COMMAND_UP), 1);
	ck_assert_uint_eq(cas_told_after("u", COMMAND_UP), 2);
}
END_TEST

int main(void)
{
	TCase *t = tcase_create("certified");
	tcase_add_checked_fixture(t, setup, teardown);
	tcase_set_timeout(t, 120);
	tcase_add_test(t, the_first_of_our_chain_to_expire_counts);
	tcase_add_test(t, our_own_that_has_expired_limits_nothing);
	tcase_add_test(t, a_name_finds_its_tunnel);
	tcase_add_test(t, a_clock_before_our_own_certificate_is_wrong);
	tcase_add_test(t, a_clock_is_set_in_small_steps);
	tcase_add_test(t, a_clock_is_set_back_and_forward);
	tcase_add_test(t, a_stopped_tunnels_cas_are_not_told);
	tcase_add_loop_test(t, a_stranger_is_told_the_cas, 0, 4);
	tcase_add_test(t, a_stranger_has_one_chain_verified);
	return unit_run_case("certified", t);
}
