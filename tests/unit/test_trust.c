/*
 * test_trust.c - what a packet may change: only what its sender has proven to be entitled to. In the simulator's world.
 */
#include <stdio.h>
#include <string.h>

#include "../sim/hostile.h"
#include "unit.h"

static struct world w;
static struct addr elsewhere; /* nobody of this world */
static struct bytes caught;   /* a datagram that was taken off the wire */
static uint8_t caught_bytes[4096];
static struct addr caught_to;
static int catch_from;            /* ANY_HOST: nobody's */
static uint8_t catch_kind;        /* exchange */
static uint8_t catch_flags;       /* with or without IKE_FLAG_RESPONSE */
static unsigned auths[HOSTS_MAX]; /* IKE_AUTH requests that left a host */
static bool strangers_wait;       /* IKE_AUTH requests of C and D do not arrive */
static bool c_is_cut_off;         /* after its IKE_AUTH request C is not heard any more, and hears nothing */

static bool watch(struct world *world, const struct packet *p)
{
	(void)world;
	if (p->esp || p->n < IKE_HEADER_LEN || p->from < 0)
		return false;
	if (c_is_cut_off && (addr_same_ip(&p->dst, &w.hosts[C].addr) || (p->from == C && auths[C] != 0)))
		return p->data[18] != EXCHANGE_IKE_SA_INIT;
	if (strangers_wait && p->from >= C && p->data[18] == EXCHANGE_IKE_AUTH)
		return true;
	auths[p->from] += p->data[18] == EXCHANGE_IKE_AUTH && !(p->data[19] & IKE_FLAG_RESPONSE);
	if (p->from != catch_from || p->data[18] != catch_kind || (p->data[19] & IKE_FLAG_RESPONSE) != catch_flags)
		return false;
	ck_assert_uint_le(p->n, sizeof caught_bytes);
	memcpy(caught_bytes, p->data, p->n);
	caught = bytes_of(caught_bytes, p->n);
	caught_to = p->dst;
	return true;
}

static void setup(void)
{
	const char *why;
	ck_assert_msg(alg_init(&why), "%s", why);
	ck_assert(addr_parse(&elsewhere, "203.0.113.66"));
	caught = (struct bytes){ 0 };
	catch_from = ANY_HOST;
	c_is_cut_off = strangers_wait = false;
	memset(auths, 0, sizeof auths);
	world_init(&w, 21, false);
	pair(&w);
	w.filter = watch;
}

static void teardown(void)
{
	ck_assert_msg(!w.failed, "%s", w.why);
	world_release(&w);
}

static void catch_next(int from, uint8_t kind, uint8_t flags)
{
	catch_from = from;
	catch_kind = kind;
	catch_flags = flags;
}

/* What was caught arrives, and comes from another address than its sender's. */
static void deliver_from_elsewhere(int to, uint16_t port)
{
	struct addr from = elsewhere;
	ck_assert_uint_gt(caught.n, 0);
	from.port = port;
	struct ike_event e = { .kind = EVENT_DATAGRAM, .datagram = { caught_to, from, caught } };
	catch_from = ANY_HOST;
	host_step(&w, to, &e);
}

/* ---------------------------------------------------------------- the suite */
/*
 * IKE_SA_INIT does not say for which tunnel it is; the identity in IKE_AUTH does. A suite that another tunnel of the same peer
 * permits would else do for all of them.
 */
START_TEST(suite_must_be_the_chosen_tunnels_own)
{
	link_add(&w, "u", A, B);
	set(&w, A, "u", "start", "respond");
	set(&w, B, "t", "ike-proposals", "[aes256-sha384-ecp384]");
	set(&w, A, "t", "ike-proposals", "[aes128-sha256-modp2048]");
	set(&w, B, "u", "ike-proposals", "[aes128-sha256-modp2048]");
	begin(&w);
	world_run(&w, 10 * SECOND);
	ck_assert_uint_gt(auths[A], 0);
	unsigned n;
	ck_assert_ptr_null(live_sa(w.hosts[B].ike, tunnel_of(&w, B, "t"), &n));
	ck_assert(saw(&w, B, FACT_ID_REFUSED, BLAME_PEER));
	/* The same with a suite that the tunnel has. */
	set(&w, A, "t", "ike-proposals", "[aes256-sha384-ecp384]");
	host_load(&w, A);
	world_run(&w, 2 * MINUTE);
	ck_assert_ptr_nonnull(live_sa(w.hosts[B].ike, tunnel_of(&w, B, "t"), &n));
}
END_TEST

/* ---------------------------------------------------------------- INITIAL_CONTACT */
/* Peers of a name have their addresses as identities: one that comes anew speaks for itself, not for the other. */
START_TEST(initial_contact_is_of_one_identity)
{
	unsigned n;
	host_add(&w, "192.0.2.77");
	set(&w, A, "t", "local-id", "");
	set(&w, B, "t", "remote-id", "");
	set(&w, B, "t", "remote", "peers.example");
	set(&w, C, "t", "remote", "198.51.100.2");
	set(&w, C, "t", "remote-id", "fqdn:t-b.example");
	set(&w, C, "t", "psk", "a.secret.of.both.ends.of.t");
	set(&w, C, "t", "routes", "10.11.0.0/24");
	c_is_cut_off = true;
	host_start(&w, B);
	host_start(&w, A);
	await_up(&w, 15 * SECOND);
	world_run(&w, SECOND);
	struct sa *of_a = live_sa(w.hosts[B].ike, tunnel_of(&w, B, "t"), &n);
	ck_assert_uint_eq(n, 1);
	uint32_t number = of_a->number;
	host_start(&w, C);
	for (n = 1; n == 1 && of_a; of_a = table_get(&w.hosts[B].ike->by_number, number)) {
		world_run(&w, 20);
		live_sa(w.hosts[B].ike, tunnel_of(&w, B, "t"), &n);
	}
	ck_assert_uint_eq(n, 2); /* C's, of which nothing more is heard */
	ck_assert_ptr_nonnull(of_a);
	ck_assert(!of_a->forgotten); /* before A says anything more */
	world_run(&w, MINUTE);
	of_a = table_get(&w.hosts[B].ike->by_number, number);
	ck_assert_ptr_nonnull(of_a);
	ck_assert_int_eq(of_a->state, SA_ESTABLISHED);
	host_stop(&w, C);
}
END_TEST

/* ---------------------------------------------------------------- places */
/* Sixteen IKE_AUTH that name A, from two hosts, arrive at B before the keeper has looked at the first. */
static void many_at_once(const char *psk, msec looks_within)
{
	static const char *const addresses[] = { "192.0.2.77", "192.0.2.78" };
	char name[8], text[32], remote[ADDR_TEXT];
	set(&w, B, "t", "remote", "any");
	for (int h = C; h <= D; h++) {
		host_add(&w, addresses[h - C]);
		for (unsigned i = 0; i < LINKS_MAX; i++) {
			snprintf(name, sizeof name, "s%u", i);
			set(&w, h, name, "remote", addr_format(&w.hosts[B].addr, remote));
			set(&w, h, name, "local-id", "fqdn:t-a.example");
			snprintf(text, sizeof text, "fqdn:s%u.example", i);
			set(&w, h, name, "remote-id", text);
			set(&w, h, name, "psk", psk);
			snprintf(text, sizeof text, "10.%d.%u.0/24", 200 + h, i);
			set(&w, h, name, "routes", text);
		}
	}
	host_start(&w, B);
	host_start(&w, C);
	host_start(&w, D);
	strangers_wait = true;
	world_run(&w, 900);
	msec usual = w.job_max;
	w.job_max = looks_within;
	strangers_wait = false;
	world_run(&w, 5 * SECOND);
	w.job_max = usual;
}

/* The name of a peer is no secret: as long as nobody has looked at AUTH, those who use it take no place of the peer's. */
START_TEST(strangers_do_not_keep_the_peer_out)
{
	many_at_once("a.key.that.nobody.else.has", 10 * MINUTE);
	ck_assert_uint_ge(tunnel_of(&w, B, "t")->sas, SAS_PER_TUNNEL_MAX);
	host_start(&w, A);
	await_up(&w, 5 * SECOND);
	ck_assert(!saw(&w, B, FACT_PEER_REFUSED, BLAME_PEER));
	ck_assert_uint_gt(tunnel_of(&w, B, "t")->sas, SAS_PER_TUNNEL_MAX);
}
END_TEST

/* What is asked for with the verdict about its AUTH is of no use to who has another key. */
START_TEST(nothing_is_installed_for_a_stranger)
{
	set(&w, A, "t", "psk", "a.key.that.nobody.else.has");
	begin(&w);
	world_run(&w, MINUTE);
	ck_assert(saw(&w, B, FACT_AUTH_FAILED, BLAME_PEER));
	ck_assert_uint_eq(w.hosts[A].n_sas + w.hosts[B].n_sas, 0);
	ck_assert(!saw(&w, B, FACT_KERNEL_FAILED, BLAME_LOCAL));
	set(&w, A, "t", "psk", "a.secret.of.both.ends.of.t");
	host_load(&w, A);
	await_up(&w, MINUTE);
}
END_TEST

/* A responder that has another key: its answer to IKE_AUTH, sealed well, proves nothing. */
static bool prove_nothing(struct world *world, const struct packet *p)
{
	struct inside m;
	size_t n;
	if (p->from != B || p->n < IKE_HEADER_LEN || p->data[18] != EXCHANGE_IKE_AUTH || strangers_wait ||
		!hostile_open(world, p, &m))
		return false;
	inside_find(&m, PAYLOAD_AUTH, &n)[n - 1] ^= 1;
	strangers_wait = true; /* this one is changed already */
	hostile_send(world, B, &m, 0, 0);
	strangers_wait = false;
	return true;
}

START_TEST(nothing_is_installed_for_who_answers_in_the_peers_place)
{
	w.filter = prove_nothing;
	w.meddled = true;
	begin(&w);
	for (unsigned i = 0; i < 2000 && !saw(&w, A, FACT_AUTH_FAILED, BLAME_PEER); i++)
		world_run(&w, 10);
	ck_assert(saw(&w, A, FACT_AUTH_FAILED, BLAME_PEER));
	ck_assert_uint_eq(w.hosts[A].n_sas, 0);
	world_run(&w, 20 * SECOND);
	ck_assert_uint_eq(w.hosts[A].n_sas, 0);
	ck_assert(!saw(&w, A, FACT_KERNEL_FAILED, BLAME_LOCAL) && !saw(&w, A, FACT_UP, BLAME_NONE));
	w.filter = watch;
	await_up(&w, MINUTE);
}
END_TEST

/* The peer itself has so many places and no more, however fast it initiates; the simulator counts them after each step. */
START_TEST(a_peer_has_so_many_places)
{
	w.kernel_max = 2 * SECOND; /* an SA is being made for as long */
	many_at_once("a.secret.of.both.ends.of.t", 2 * SECOND);
	ck_assert(saw(&w, B, FACT_IKE_ESTABLISHED, BLAME_NONE));
	ck_assert(saw(&w, B, FACT_PEER_REFUSED, BLAME_PEER));
}
END_TEST

/* ---------------------------------------------------------------- addresses */
/* Who is behind no NAT has no address but its own (RFC 7296 2.23): on the path anybody could rewrite it, and lead our traffic away. */
/* Not of a peer that is written as an address, which moves to another port only. */
START_TEST(a_peer_without_nat_does_not_move)
{
	set(&w, B, "t", "remote", "any");
	set(&w, B, "t", "remote-id", "fqdn:a.example.com");
	set(&w, A, "t", "local-id", "fqdn:a.example.com");
	set(&w, B, "t", "start", "respond");
	begin(&w);
	await_up(&w, 15 * SECOND);
	world_run(&w, SECOND);
	catch_next(A, EXCHANGE_CREATE_CHILD_SA, 0);
	order(&w, A, COMMAND_REKEY);
	world_run(&w, 500);
	deliver_from_elsewhere(B, 500);
	struct sa *sa = live_sa(w.hosts[B].ike, tunnel_of(&w, B, "t"), &(unsigned){ 0 });
	ck_assert_ptr_nonnull(sa);
	ck_assert(addr_same_ip(&sa->core.remote, &w.hosts[A].addr));
	ck_assert(!saw(&w, B, FACT_NAT_CHANGED, BLAME_NETWORK));
	world_run(&w, MINUTE);
	check_converged(&w, true);
}
END_TEST

/* B's peer seems to be behind a NAT, and something authentic of it comes from elsewhere. Where does B send to then? */
static struct addr goes_to(const char *remote, const char *routes, const struct addr *from, uint16_t port)
{
	set(&w, B, "t", "remote", remote);
	set(&w, B, "t", "remote-id", "fqdn:a.example.com");
	set(&w, A, "t", "local-id", "fqdn:a.example.com");
	set(&w, B, "t", "start", "respond");
	set(&w, B, "t", "routes", routes);
	begin(&w);
	await_up(&w, 15 * SECOND);
	world_run(&w, SECOND);
	struct sa *sa = live_sa(w.hosts[B].ike, tunnel_of(&w, B, "t"), &(unsigned){ 0 });
	ck_assert_ptr_nonnull(sa);
	sa->core.nat_remote = w.meddled = true;
	catch_next(A, EXCHANGE_CREATE_CHILD_SA, 0);
	order(&w, A, COMMAND_REKEY);
	world_run(&w, 500);
	elsewhere = *from;
	deliver_from_elsewhere(B, port);
	sa = live_sa(w.hosts[B].ike, tunnel_of(&w, B, "t"), &(unsigned){ 0 });
	ck_assert_ptr_nonnull(sa);
	return sa->core.remote;
}

static struct addr other_address, own_address;
static const struct move {
	const char *remote, *routes;
	const struct addr *from;
	bool follows;
} moves[] = {
	{ "192.0.2.1", "[10.9.0.0/16]", &other_address, false }, /* written as an address: that one */
	{ "192.0.2.1", "[10.9.0.0/16]", &own_address, true },    /* another port of it */
	{ "any", "[203.0.113.64/26]", &other_address, false },   /* behind a tunnel */
	{ "any", "[203.0.113.64/26]", &own_address, true },      /* another port only */
	{ "any", "[203.0.113.128/26, 0.0.0.0/0]", &other_address, true },
};

START_TEST(a_peer_moves_where_the_configuration_permits)
{
	const struct move *m = &moves[_i];
	other_address = elsewhere;
	own_address = w.hosts[A].addr;
	struct addr to = goes_to(m->remote, m->routes, m->from, 4600);
	ck_assert_int_eq(addr_same_ip(&to, m->from) && to.port == 4600, m->follows);
	ck_assert_int_eq(saw(&w, B, FACT_NAT_CHANGED, BLAME_NETWORK), m->follows);
	ck_assert_int_eq(saw(&w, B, FACT_ADDRESS_REFUSED, BLAME_NETWORK), !m->follows);
}
END_TEST

/* Who comes from behind a tunnel of ours is no peer, whatever he can prove. */
START_TEST(nobody_is_accepted_from_behind_a_tunnel)
{
	set(&w, B, "t", "remote", "any");
	set(&w, B, "t", "remote-id", "fqdn:a.example.com");
	set(&w, A, "t", "local-id", "fqdn:a.example.com");
	set(&w, B, "t", "start", "respond");
	set(&w, B, "t", "routes", "[192.0.2.0/28]");
	begin(&w);
	world_run(&w, 10 * SECOND);
	ck_assert_uint_gt(auths[A], 0);
	ck_assert_ptr_null(live_sa(w.hosts[B].ike, tunnel_of(&w, B, "t"), &(unsigned){ 0 }));
	ck_assert(saw(&w, B, FACT_ADDRESS_REFUSED, BLAME_NETWORK));
	ck_assert(!saw(&w, B, FACT_ID_REFUSED, BLAME_PEER));
	/* Written as an address it may. */
	set(&w, B, "t", "remote", "192.0.2.1");
	host_load(&w, B);
	world_run(&w, 2 * MINUTE);
	ck_assert_ptr_nonnull(live_sa(w.hosts[B].ike, tunnel_of(&w, B, "t"), &(unsigned){ 0 }));
}
END_TEST

/* Anybody may answer an IKE_SA_INIT whose SPI he has seen; who has not even the peer's address is not listened to. */
START_TEST(first_answer_comes_from_the_peer)
{
	catch_next(B, EXCHANGE_IKE_SA_INIT, IKE_FLAG_RESPONSE);
	begin(&w);
	world_run(&w, 400);
	deliver_from_elsewhere(A, 500);
	catch_next(B, EXCHANGE_IKE_SA_INIT, IKE_FLAG_RESPONSE); /* the peer itself is not heard yet */
	world_run(&w, 2 * SECOND);
	ck_assert_uint_eq(auths[A], 0);
	catch_next(ANY_HOST, 0, 0);
	await_up(&w, 30 * SECOND);
}
END_TEST

/* ---------------------------------------------------------------- keys */
/* SK_pi and SK_pr prove who made AUTH; once that is done they are good for nothing but an attacker. */
START_TEST(keys_of_auth_are_wiped)
{
	begin(&w);
	await_up(&w, 15 * SECOND);
	for (int i = A; i <= B; i++) {
		struct sa *sa = live_sa(w.hosts[i].ike, tunnel_of(&w, i, "t"), &(unsigned){ 0 });
		ck_assert_ptr_nonnull(sa);
		ck_assert_ptr_null(sa->auth);
		ck_assert_uint_gt(keys_d(sa).n, 0);
	}
}
END_TEST

int main(void)
{
	TCase *t = tcase_create("trust");
	tcase_add_checked_fixture(t, setup, teardown);
	tcase_set_timeout(t, 120);
	tcase_add_test(t, suite_must_be_the_chosen_tunnels_own);
	tcase_add_test(t, initial_contact_is_of_one_identity);
	tcase_add_test(t, strangers_do_not_keep_the_peer_out);
	tcase_add_test(t, nothing_is_installed_for_a_stranger);
	tcase_add_test(t, nothing_is_installed_for_who_answers_in_the_peers_place);
	tcase_add_test(t, a_peer_has_so_many_places);
	tcase_add_test(t, a_peer_without_nat_does_not_move);
	tcase_add_loop_test(t, a_peer_moves_where_the_configuration_permits, 0, sizeof moves / sizeof moves[0]);
	tcase_add_test(t, nobody_is_accepted_from_behind_a_tunnel);
	tcase_add_test(t, first_answer_comes_from_the_peer);
	tcase_add_test(t, keys_of_auth_are_wiped);
	return unit_run_case("trust", t);
}
