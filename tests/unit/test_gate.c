/* test_gate.c - strangers at the door: floods of IKE_SA_INITs from invented and from real addresses (RFC 7296 2.6). */
#include <malloc.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "../sim/hostile.h"
#include "check/check.h"
#include "unit.h"

/* Present under AddressSanitizer only, where mallinfo knows nothing. */
size_t __sanitizer_get_current_allocated_bytes(void) __attribute__((weak));

static struct world w;
static struct inside request; /* an honest IKE_SA_INIT, to be varied */
static bool have_request;
static struct bytes cookie; /* the last that B asked for */
static uint8_t cookie_bytes[64];
static unsigned answers, cookies, refusals;

static size_t memory(void)
{
	return __sanitizer_get_current_allocated_bytes ? __sanitizer_get_current_allocated_bytes() : mallinfo2().uordblks;
}

static size_t resident(void)
{
	unsigned long pages = 0;
	FILE *f = fopen("/proc/self/statm", "r");
	ck_assert(f && fscanf(f, "%*u %lu", &pages) == 1);
	fclose(f);
	return pages * 4096;
}

/* Sees everything on its way; what goes to strangers ends here. */
static bool watch(struct world *world, const struct packet *p)
{
	struct inside in;
	if (p->n < IKE_HEADER_LEN || p->data[18] != EXCHANGE_IKE_SA_INIT)
		return false;
	if (p->from == A && !have_request && !(p->data[19] & IKE_FLAG_RESPONSE))
		have_request = hostile_open(world, p, &request);
	if (p->from != B || p->dst.ip[0] != 203)
		return false;
	answers++;
	ck_assert(hostile_open(world, p, &in));
	ck_assert_uint_le(p->n, request.n + IKE_HEADER_LEN); /* never more than came */
	uint16_t notify = in.first == PAYLOAD_NOTIFY ? (uint16_t)(in.data[6] << 8 | in.data[7]) : 0;
	refusals += notify == NOTIFY_NO_PROPOSAL_CHOSEN || notify == NOTIFY_INVALID_KE_PAYLOAD;
	if (notify == NOTIFY_COOKIE) {
		cookies++;
		cookie = bytes_of(cookie_bytes, in.n - 8);
		memcpy(cookie_bytes, in.data + 8, cookie.n);
	}
	return true;
}

/* B keeps a tunnel with A and serves strangers by another; C waits with one of its own. */
static void setup(void)
{
	const char *why;
	ck_assert_msg(alg_init(&why), "%s", why);
	have_request = false;
	answers = cookies = refusals = 0;
	cookie = (struct bytes){ 0 };
	world_init(&w, 11, false);
	pair(&w);
	host_add(&w, "192.0.2.77");
	link_add(&w, "c", C, B);
	set(&w, B, "any", "remote", "any");
	set(&w, B, "any", "remote-id", "fqdn:anybody.example");
	set(&w, B, "any", "psk", "another.secret.of.both.ends");
	set(&w, B, "any", "start", "respond");
	set(&w, B, "any", "routes", "10.99.0.0/16");
	w.filter = watch;
	host_start(&w, B);
	host_start(&w, A);
	world_run(&w, 5 * SECOND);
	ck_assert(have_request && tunnel_of(&w, B, "t")->state == TUNNEL_UP);
}

static void teardown(void)
{
	ck_assert_msg(!w.failed, "%s", w.why);
	world_release(&w);
}

static struct addr stranger(uint32_t n)
{
	struct addr a = { .family = AF_INET, .port = IKE_PORT, .ip = { 203, (uint8_t)(n >> 16), (uint8_t)(n >> 8), (uint8_t)n } };
	return a;
}

static struct {
	struct ike *ike; /* NULL: it is B that is asked */
	struct arena arena;
	struct ike_actions out;
	msec now;
	int job; /* an error that ends each key exchange at once; ERR_OK: none ends */
	unsigned refused, dialled;
} crowd;

static void fill_ever_new(void *arg, void *out, size_t n)
{
	static uint64_t next = 1;
	(void)arg;
	for (size_t i = 0; i < n; i++) {
		next = next * 6364136223846793005u + 1442695040888963407u;
		((uint8_t *)out)[i] = (uint8_t)(next >> 56);
	}
}

static void crowd_step(const struct ike_event *in)
{
	struct moment now = { { crowd.now }, crowd.now / 1000 };
	struct ike_job_result failed = { .err = crowd.job };
	ike_step(crowd.ike, now, in, &crowd.out);
	struct ike_event e = { .kind = EVENT_JOB, .job = { { 0, 0 }, &failed } };
	for (uint32_t i = 0; i < crowd.out.n; i++) {
		const struct ike_action *a = &crowd.out.v[i];
		crowd.refused += a->kind == ACTION_REPORT && a->fact->code == FACT_KE_REFUSED;
		crowd.dialled += a->kind == ACTION_RESOLVE;
		if (a->kind == ACTION_JOB)
			e.job.ticket = a->job.ticket;
	}
	ike_actions_reset(&crowd.out);
	if (crowd.job != ERR_OK && e.job.ticket.sa)
		crowd_step(&e);
}

static void tell(struct addr from, struct bytes all)
{
	struct addr to = w.hosts[B].addr;
	to.port = IKE_PORT;
	struct ike_event e = { .kind = EVENT_DATAGRAM, .datagram = { to, from, all } };
	if (crowd.ike)
		crowd_step(&e);
	else
		host_step(&w, B, &e);
}

/* One IKE_SA_INIT of that address with an SPI of its own, with the last cookie or without. */
static void knock_from(struct addr from, uint32_t spi, bool with_cookie)
{
	static uint8_t mem[4096];
	struct writer m;
	struct header h = request.h;
	memcpy(h.spi_i, &spi, 4);
	message_begin(&m, mem, sizeof mem, &h);
	if (with_cookie) {
		struct payload p = payload_notify(NOTIFY_COOKIE, cookie);
		message_add(&m, &p);
		buf_set_u8(&m.out, m.next_at, request.first);
	}
	put_bytes(&m.out, request.data, request.n);
	struct bytes all = message_end(&m);
	if (!with_cookie)
		mem[16] = request.first;
	tell(from, all);
}

static void knock(uint32_t from, uint32_t spi) { knock_from(stranger(from), spi, false); }

static void knock_proven(uint32_t from, uint32_t spi)
{
	cookie.n = 0;
	knock(from, spi);
	if (cookie.n) /* else it was let in without */
		knock_from(stranger(from), spi, true);
}

static struct ike_totals totals(void)
{
	struct ike_totals t;
	ike_totals(w.hosts[B].ike, &t);
	return t;
}

/* 20,000 a second from ever new addresses. */
static void flood(uint32_t count, uint32_t *n)
{
	for (uint32_t end = *n + count; *n < end && !w.failed; ++*n) {
		knock(*n * 2654435761u, *n);
		if (*n % 20 == 0)
			world_run(&w, 1);
	}
}

START_TEST(a_flood_of_a_million_costs_no_memory)
{
	uint32_t n = 1, count = __sanitizer_get_current_allocated_bytes ? 100000 : 1000000;
	set_global(&w, B, "cookie-threshold", "40");
	host_load(&w, B);
	flood(count / 10, &n);
	size_t had = memory(), held = resident();
	host_start(&w, C); /* an honest new peer in the middle of it */
	flood(count * 9 / 10, &n);
	ck_assert_msg(memory() < had + (512 << 10), "%zu bytes more", memory() - had);
	ck_assert_msg(
		__sanitizer_get_current_allocated_bytes || resident() < held + (4 << 20), "%zu bytes more", resident() - held);
	ck_assert_uint_le(totals().half_open, 40 + 2);
	ck_assert_uint_ge(totals().cookies_sent, count - count / 100);
	ck_assert_int_eq(tunnel_of(&w, B, "t")->state, TUNNEL_UP); /* and not one packet lost: teardown */
	ck_assert_int_eq(tunnel_of(&w, B, "c")->state, TUNNEL_UP);
	ck_assert_int_eq(tunnel_of(&w, C, "c")->state, TUNNEL_UP);
	ck_assert_uint_gt(w.links[0].received, count / 10000); /* 20000 knocks take a second */
}
END_TEST

/* An IKE_SA_INIT is kept until the peer has proven who it is: one of so many octets, with a notification that nobody knows in front. */
static void knock_with(size_t size)
{
	static uint8_t mem[IKE_MESSAGE_MAX], nothing[IKE_MESSAGE_MAX];
	struct writer m;
	struct header h = request.h;
	h.spi_i[0] ^= 0x55;
	message_begin(&m, mem, sizeof mem, &h);
	struct payload p = payload_notify(45000, bytes_of(nothing, size - IKE_HEADER_LEN - 8 - request.n));
	message_add(&m, &p);
	buf_set_u8(&m.out, m.next_at, request.first);
	put_bytes(&m.out, request.data, request.n);
	struct bytes all = message_end(&m);
	ck_assert_uint_eq(all.n, size);
	tell(stranger(4), all);
}

START_TEST(the_first_message_is_of_so_many_octets)
{
	knock_with(IKE_UNPROVEN_MAX + 1);
	ck_assert_uint_eq(totals().dropped[DROP_LENGTH], 1);
	ck_assert_uint_eq(totals().half_open, 0);
	knock_with(IKE_UNPROVEN_MAX);
	ck_assert_uint_eq(totals().half_open, 1);
}
END_TEST

START_TEST(a_flood_in_the_name_of_a_peer_does_not_shut_it_out)
{
	struct addr c = w.hosts[C].addr;
	c.port = IKE_PORT;
	host_start(&w, C);
	for (uint32_t n = 1; n < 60000; n++) {
		knock_from(c, n, false);
		if (n % 20 == 0)
			world_run(&w, 1);
	}
	ck_assert_int_eq(tunnel_of(&w, C, "c")->state, TUNNEL_UP);
	ck_assert_uint_le(totals().half_open, 17);
}
END_TEST

START_TEST(a_real_source_has_its_share_only)
{
	for (uint32_t n = 1; n < 3000; n++) {
		knock_proven(5, n);
		world_run(&w, 10);
	}
	ck_assert_uint_le(totals().half_open, 64);
	ck_assert_uint_gt(totals().dropped[DROP_HALF_OPEN] + totals().dropped[DROP_RATE], 1000);
	uint64_t before = totals().half_open;
	knock_proven(6, 1); /* another one is served */
	ck_assert_uint_eq(totals().half_open, before + 1);
	world_run(&w, HALF_OPEN_TIMEOUT + SECOND);
	ck_assert_uint_eq(totals().half_open, 0);
	knock(5, 9999); /* the share is given back, no cookie is needed any more */
	ck_assert_uint_eq(totals().half_open, 1);
}
END_TEST

START_TEST(a_real_source_is_slowed_down)
{
	uint64_t before = totals().dropped[DROP_RATE];
	for (uint32_t n = 1; n < 500; n++)
		knock_proven(7, n); /* all at once */
	ck_assert_uint_gt(totals().dropped[DROP_RATE], before + 300);
}
END_TEST

START_TEST(the_limit_holds_for_all)
{
	set_global(&w, B, "half-open-limit", "30");
	host_load(&w, B);
	for (uint32_t n = 1; n < 200; n++)
		knock_proven(n, n);
	ck_assert_uint_eq(totals().half_open, 30);
}
END_TEST

START_TEST(an_ipv6_source_is_its_network)
{
	struct addr a = { .family = AF_INET6, .port = IKE_PORT, .ip = { 0x20, 1, 0xd, 0xb8, 0, 0, 0, 1 } };
	uint64_t before = totals().cookies_sent;
	for (uint32_t n = 1; n <= 100; n++) {
		a.ip[15] = (uint8_t)n;
		knock_from(a, n, false);
	}
	ck_assert_uint_eq(totals().half_open, 16);
	ck_assert_uint_eq(totals().cookies_sent, before + 84);
}
END_TEST

START_TEST(a_cookie_is_for_its_owner_only)
{
	set_global(&w, B, "cookie-threshold", "0");
	host_load(&w, B);
	knock(1, 1);
	ck_assert_uint_eq(cookie.n, 33);
	knock_from(stranger(2), 1, true); /* another address */
	knock_from(stranger(1), 2, true); /* another SPI */
	cookie_bytes[20] ^= 1;
	knock_from(stranger(1), 1, true);
	ck_assert_uint_eq(totals().half_open, 0);
	knock(1, 1);
	size_t n;
	uint8_t *nonce = inside_find(&request, PAYLOAD_NONCE, &n);
	nonce[n - 1] ^= 1; /* another request: else one cookie buys as many key exchanges as its owner likes */
	knock_from(stranger(1), 1, true);
	nonce[n - 1] ^= 1;
	ck_assert_uint_eq(totals().half_open, 0);
	knock(1, 1);
	knock_from(stranger(1), 1, true);
	ck_assert_uint_eq(totals().half_open, 1);
}
END_TEST

START_TEST(a_cookie_is_good_for_two_turns_of_the_secret)
{
	set_global(&w, B, "cookie-threshold", "0");
	host_load(&w, B);
	uint8_t old[33];
	knock(1, 1);
	memcpy(old, cookie_bytes, sizeof old);
	world_run(&w, 61 * SECOND);
	knock(2, 7); /* the secret turns when somebody knocks */
	memcpy(cookie_bytes, old, sizeof old);
	knock_from(stranger(1), 1, true);
	ck_assert_uint_eq(totals().half_open, 1);
	world_run(&w, 61 * SECOND);
	knock(2, 8);
	memcpy(cookie_bytes, old, sizeof old);
	knock_from(stranger(1), 1, true);
	ck_assert_uint_eq(totals().half_open, 0);
}
END_TEST

/* Its first octet only says which secret it was made with: one that names a later one is still old. */
START_TEST(an_old_cookie_stays_old)
{
	uint8_t old[33];
	set_global(&w, B, "cookie-threshold", "0");
	host_load(&w, B);
	knock(1, 1);
	memcpy(old, cookie_bytes, sizeof old);
	for (uint32_t i = 0; i < 3; i++) {
		world_run(&w, 61 * SECOND);
		knock(2, 7 + i);
	}
	for (unsigned version = 0; version < 256; version++) {
		memcpy(cookie_bytes, old, sizeof old);
		cookie_bytes[0] = (uint8_t)version;
		knock_from(stranger(1), 1, true);
		ck_assert_uint_eq(totals().half_open, 0);
	}
}
END_TEST

START_TEST(strangers_do_not_fill_the_log)
{
	request.data[4 + 8 + 7] =
		77; /* SA header, proposal header, then the first transform's id: an encryption that does not exist */
	for (uint32_t n = 1; n <= 5000; n++) { /* ten seconds */
		knock(n, n);
		world_run(&w, 2);
	}
	ck_assert_uint_gt(refusals, 500);
	ck_assert_uint_gt(cookies, 4000);
	ck_assert_uint_le(w.hosts[B].facts[FACT_NO_PROPOSAL][BLAME_PEER], 10 + 10 * 10 + 2);
}
END_TEST

/* A value that no key exchange accepts ends its SA at once: it never counts as half-open, and still is not free. */
START_TEST(bad_values_do_not_buy_key_exchanges)
{
	size_t n;
	uint64_t before = w.hosts[B].ike->numbers;
	inside_find(&request, PAYLOAD_KE, &n)[100] ^= 1;
	for (uint32_t i = 1; i <= 10000; i++) {
		knock(i * 2654435761u, i);
		if (i % 10 == 0)
			world_run(&w, 1);
	}
	ck_assert_uint_ge(w.hosts[B].ike->numbers - before, 100);
	ck_assert_uint_le(w.hosts[B].ike->numbers - before, 100 + 50 + 20);
	ck_assert_uint_le(w.hosts[B].facts[FACT_KE_REFUSED][BLAME_PEER], 25);
}
END_TEST

START_TEST(it_is_said_that_there_is_a_flood)
{
	uint32_t n = 1;
	flood(20000, &n);
	ck_assert_uint_eq(w.hosts[B].facts[FACT_FLOOD][BLAME_NETWORK], 1);
}
END_TEST

/* A machine of its own, of COUNT tunnels that have strangers' addresses: they are none then. One more takes any peer. Its key exchanges end as `job` says. */
static void crowd_begin_as(unsigned count, unsigned threshold, const char *start)
{
	static const char any[] =
		"  any: {remote: any, remote-id: 'fqdn:anybody.example', psk: another.secret.of.both.ends, start: respond, routes: 10.99.0.0/16}\n";
	struct findings faults = { 0 };
	size_t size = sizeof any + 64 + 160 * (size_t)count, n;
	char *text = xcalloc(1, size);
	n = (size_t)snprintf(text, size, "s2sd: {cookie-threshold: %u}\ntunnels:\n%s", threshold, any);
	for (unsigned i = 1; i <= count; i++)
		n += (size_t)snprintf(text + n, size - n,
			"  p%u: {remote: 203.0.%u.%u, psk: a.key.of.its.own.for.%u, start: %s, routes: 10.100.%u.%u/32}\n", i,
			i >> 8, i & 255, i, start, i >> 8, i & 255);
	struct conf_text one = { .file = "crowd.yaml", .text = text, .len = n, .private_mode = true };
	struct ike_event e = { .kind = EVENT_CONF, .conf = { .conf = conf_load(&one, 1, NULL, NULL, &faults) } };
	ck_assert_msg(e.conf.conf != NULL, "%s", faults.n ? faults.v[0].text : "");
	conf_adopt(e.conf.conf, NULL);
	findings_release(&faults);
	free(text);
	arena_init(&crowd.arena, 64 << 20);
	ike_actions_init(&crowd.out, &crowd.arena);
	crowd.ike = ike_new(fill_ever_new, NULL);
	ike_saves(crowd.ike, false);
	crowd_step(&e);
}

static void crowd_begin(unsigned count, unsigned threshold) { crowd_begin_as(count, threshold, "respond"); }

static struct ike_totals crowd_totals(void)
{
	struct ike_totals t;
	ike_totals(crowd.ike, &t);
	return t;
}

static void crowd_end(void)
{
	ike_free(crowd.ike);
	ike_actions_release(&crowd.out);
	arena_release(&crowd.arena);
	memset(&crowd, 0, sizeof crowd);
}

START_TEST(own_peers_are_asked_after_strangers)
{
	crowd_begin(40, 10);
	for (uint32_t n = 1; n <= 30; n++)
		knock(5000 + n, n);
	ck_assert_uint_eq(crowd_totals().half_open, 10);
	ck_assert_uint_eq(crowd_totals().cookies_sent, 20);
	for (uint32_t n = 1; n <= 40; n++)
		knock(n, n);
	ck_assert_uint_eq(crowd_totals().half_open, 10 + 40);
	ck_assert_uint_eq(crowd_totals().cookies_sent, 20);
	knock(1, 41); /* as many as there are tunnels, the one for any peer counts */
	knock(2, 42);
	ck_assert_uint_eq(crowd_totals().half_open, 10 + 41);
	ck_assert_uint_eq(crowd_totals().cookies_sent, 21);
	crowd_end();
}
END_TEST

/* What is free for strangers goes to peers first. */
START_TEST(strangers_pay_for_peers)
{
	crowd_begin(40, 30);
	crowd.job = ERR_BAD_KE; /* none stays half-open: it is the rate that counts */
	for (uint32_t n = 1; n <= 30; n++)
		knock(n, n);
	ck_assert_uint_eq(crowd_totals().cookies_sent, 0);
	knock(5000, 1);
	ck_assert_uint_eq(crowd_totals().cookies_sent, 1);
	crowd_end();
}
END_TEST

/* Who makes up their addresses gets one key exchange for each tunnel at once, and afterwards what a stranger gets. */
START_TEST(made_up_peers_have_their_bound)
{
	uint32_t tunnels = 300 + 1;
	crowd_begin(300, 100);
	for (uint32_t i = 1; i <= 3000; i++)
		knock(1 + i % 300, i);
	ck_assert_uint_eq(crowd_totals().half_open, tunnels);
	crowd_end();
	crowd_begin(300, 100);
	crowd.job = ERR_BAD_KE;
	for (uint32_t i = 1; i <= 20000; i++) {
		knock(1 + i % 300, 10000 + i);
		crowd.now += i % 10 == 0;
	}
	ck_assert_uint_ge(crowd.ike->numbers, tunnels + 2 * 50 - 2);
	ck_assert_uint_le(crowd.ike->numbers, tunnels + 2 * 50 + 20);
	crowd_end();
}
END_TEST

START_TEST(no_threshold_spares_no_peer)
{
	crowd_begin(40, 0);
	knock(1, 1);
	ck_assert_uint_eq(crowd_totals().half_open, 0);
	ck_assert_uint_eq(crowd_totals().cookies_sent, 1);
	crowd_end();
}
END_TEST

START_TEST(the_limit_follows_the_tunnels)
{
	crowd_begin(550, 1000000);
	for (uint32_t n = 1; n < 1300; n++)
		knock(9000 + n, n);
	ck_assert_uint_eq(crowd_totals().half_open, 2 * (550 + 1));
	ck_assert_uint_eq(crowd_totals().dropped[DROP_HALF_OPEN], 1299 - 2 * (550 + 1));
	crowd_end();
}
END_TEST

/* A queue that is full is our trouble: the request is counted as such, nobody is blamed, and the next try is a new one. */
START_TEST(no_room_for_a_key_exchange_is_no_fault_of_the_peer)
{
	crowd_begin(1, 100);
	crowd.job = ERR_TOO_MUCH;
	knock(1, 1);
	ck_assert_uint_eq(crowd_totals().half_open, 0);
	ck_assert_uint_eq(crowd_totals().dropped[DROP_BUSY], 1);
	ck_assert_uint_eq(crowd_totals().dropped[DROP_SYNTAX], 0);
	ck_assert_uint_eq(crowd.refused, 0);
	crowd_end();
}
END_TEST

static void crowd_wait(msec until)
{
	crowd.now = until;
	do /* a step takes some of what is due */
		crowd_step(&(struct ike_event){ .kind = EVENT_TIMER });
	while (ike_next(crowd.ike).ms <= until);
}

/* All tunnels want to initiate at once: they take turns, and those whose peers are dead do not hold up the others for long. */
START_TEST(initiations_take_turns)
{
	crowd_begin_as(1000, 100, "initiate");
	ck_assert_uint_eq(crowd.dialled, 256);
	crowd_wait(499);
	ck_assert_uint_eq(crowd.dialled, 256);
	for (unsigned turn = 1; turn <= 3; turn++) {
		ck_assert_int_eq(ike_next(crowd.ike).ms, 500 * turn);
		crowd_wait(500 * turn);
		ck_assert_uint_eq(crowd.dialled, turn < 3 ? 256 * (turn + 1) : 1000);
	}
	crowd_end();
}
END_TEST

/* Whose turn has come, and who does not want it any more, passes it on; nobody is forgotten. */
START_TEST(a_turn_that_is_not_taken_is_passed_on)
{
	crowd_begin_as(600, 100, "initiate");
	for (uint32_t id = 257; id <= 600; id++)
		crowd_step(&(struct ike_event){ .kind = EVENT_COMMAND, .command = { COMMAND_DOWN, id, 0 } });
	crowd_wait(500);
	unsigned before = crowd.dialled;
	ck_assert_uint_lt(before, 600);
	for (uint32_t id = 257; id <= 600; id++)
		crowd_step(&(struct ike_event){ .kind = EVENT_COMMAND, .command = { COMMAND_UP, id, 0 } });
	for (msec at = 1000; at <= 2000; at += 500)
		crowd_wait(at);
	ck_assert_uint_ge(crowd.dialled, 600);
	for (uint32_t id = 1; id <= 601; id++) {
		const struct tunnel *t = tunnel_by_id(crowd.ike, id);
		ck_assert(t->query > 0 || t->conf->remote_any);
	}
	crowd_end();
}
END_TEST

int main(void)
{
	TCase *t = tcase_create("floods");
	tcase_add_checked_fixture(t, setup, teardown);
	tcase_set_timeout(t, 240);
	const TTest *const tests[] = { a_flood_of_a_million_costs_no_memory, the_first_message_is_of_so_many_octets,
		a_flood_in_the_name_of_a_peer_does_not_shut_it_out, a_real_source_has_its_share_only,
		a_real_source_is_slowed_down, the_limit_holds_for_all, an_ipv6_source_is_its_network,
		a_cookie_is_for_its_owner_only, a_cookie_is_good_for_two_turns_of_the_secret, an_old_cookie_stays_old,
		strangers_do_not_fill_the_log, bad_values_do_not_buy_key_exchanges, it_is_said_that_there_is_a_flood,
		own_peers_are_asked_after_strangers, strangers_pay_for_peers, no_threshold_spares_no_peer,
		made_up_peers_have_their_bound, the_limit_follows_the_tunnels, no_room_for_a_key_exchange_is_no_fault_of_the_peer,
		initiations_take_turns, a_turn_that_is_not_taken_is_passed_on };
	for (size_t i = 0; i < sizeof tests / sizeof *tests; i++)
		tcase_add_test(t, tests[i]);
	return unit_run_case("gate", t);
}
