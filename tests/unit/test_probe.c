/*
 * test_probe.c - `s2sctl probe` against made-up peers on the loopback: what it finds, that it stays polite, and that it
 * leaves at most one half-open SA.
 */
#include <poll.h>
#include <signal.h>
#include <stdatomic.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/socket.h>
#include <sys/wait.h>
#include <unistd.h>

#include "crypto/alg.h"
#include "ctl/probe/probe.h"
#include "unit.h"
#include "wire/message.h"

/* ---------------------------------------------------------------- a peer */
struct peer {
	const char *policy; /* as ike-proposals: what it accepts, in its order */
	const char *vendor; /* of the answer in full */
	bool cookies;       /* it asks for one each time */
	bool mute;          /* it says nothing when it refuses */
	unsigned deaf;      /* datagrams at the beginning that it does not hear */
	bool babbles;       /* nonsense comes before each answer */
	bool dead;          /* it never answers */
};

struct seen { /* shared with the peer's process */
	unsigned datagrams, states, malformed;
	atomic_uint handled; /* datagrams that were answered, or never will be */
};

static struct seen *seen;
static pid_t server;
static struct addr at;
/* A wait that ends with an answer may be long; one that ends with none is not, but see poll(). */
static const struct probe_pace patient = { 2, 10000, 10000 }, hasty = { 2, 60, 60 };
static struct probe_cost cost;

/* In place of libc's: a wait ends no sooner than the peer's process has handled all that was sent, however busy the machine is. */
int poll(struct pollfd *p, nfds_t n, int timeout)
{
	struct timespec wait = { timeout / 1000, timeout % 1000 * 1000000L };
	int r = ppoll(p, n, &wait, NULL);
	for (bool done = server <= 0; r == 0 && !done;) {
		done = seen->handled >= cost.datagrams;
		wait = (struct timespec){ 0, done ? 0 : 1000000 };
		r = ppoll(p, n, &wait, NULL);
	}
	return r;
}

static bool has(const struct offer *o, const struct transform *t)
{
	for (unsigned i = 0; i < o->n; i++)
		if (o->t[i].type == t->type && o->t[i].id == t->id && o->t[i].keylen == t->keylen)
			return true;
	return false;
}

/* One of each kind: the first of ours that they have. */
static bool choose_from(const struct proposal *ours, const struct offer *o, struct transform chosen[4], unsigned *n)
{
	static const uint8_t types[] = { TRANSFORM_ENCR, TRANSFORM_PRF, TRANSFORM_INTEG, TRANSFORM_KE };
	*n = 0;
	for (unsigned k = 0; k < 4; k++) {
		bool named = false, found = false;
		for (unsigned i = 0; i < ours->n && !found; i++) {
			if (ours->t[i].type != types[k])
				continue;
			named = true;
			if ((found = has(o, &ours->t[i])))
				chosen[(*n)++] = ours->t[i];
		}
		for (unsigned i = 0; i < o->n; i++)
			if (!named && o->t[i].type == types[k])
				return false;
		if (named && !found)
			return false;
	}
	return true;
}

static struct proposal_list policy_of(const char *text)
{
	struct proposal_list list = { 0 };
	char copy[1024], *rest = copy, *word;
	const char *bad, *why;
	size_t bad_len;
	snprintf(copy, sizeof copy, "%s", text);
	while ((word = strsep(&rest, " ")) != NULL)
		if (word[0] != 0 && !proposal_parse(&list.v[list.n++], PROTOCOL_IKE, word, &bad, &bad_len, &why))
			ck_abort_msg("%s: %s", word, why);
	return list;
}

static void answer(int fd, const struct sockaddr_storage *from, socklen_t len, const struct header *q, const struct payload *p,
	unsigned n, bool whole)
{
	uint8_t out[2048];
	struct writer w;
	struct header h = { .major = 2, .exchange = EXCHANGE_IKE_SA_INIT, .flags = IKE_FLAG_RESPONSE };
	memcpy(h.spi_i, q->spi_i, IKE_SPI_LEN);
	memset(h.spi_r, whole ? 7 : 0, IKE_SPI_LEN);
	message_begin(&w, out, sizeof out, &h);
	for (unsigned i = 0; i < n; i++)
		message_add(&w, &p[i]);
	struct bytes b = message_end(&w);
	if (sendto(fd, b.p, b.n, 0, (const struct sockaddr *)from, len) < 0)
		_exit(2);
}

static void answer_whole(int fd, const struct sockaddr_storage *from, socklen_t len, const struct peer *peer,
	const struct message *m, const struct transform *t, unsigned n, uint8_t number)
{
	static uint8_t value[1100], nonce[32];
	struct offer o = { .number = number, .protocol = PROTOCOL_IKE, .n = (uint16_t)n, .t = t };
	const struct payload *ke = message_find(m, PAYLOAD_KE, false);
	struct payload p[4] = { { .type = PAYLOAD_SA }, { .type = PAYLOAD_KE }, { .type = PAYLOAD_NONCE },
		{ .type = PAYLOAD_VENDOR } };
	p[0].sa.n = 1;
	p[0].sa.v = &o;
	p[1].ke.group = ke->ke.group;
	p[1].ke.value = bytes_of(value, ke->ke.value.n);
	p[2].nonce.value = bytes_of(nonce, sizeof nonce);
	p[3].vendor.value = bytes_of(peer->vendor, peer->vendor != NULL ? strlen(peer->vendor) : 0);
	seen->states++;
	answer(fd, from, len, &m->h, p, peer->vendor != NULL ? 4 : 3, true);
}

static void serve_one(int fd, const struct peer *peer, const struct proposal_list *policy, const struct message *m,
	const struct sockaddr_storage *from, socklen_t len)
{
	const struct payload *sa = message_find(m, PAYLOAD_SA, false), *ke = message_find(m, PAYLOAD_KE, false);
	struct transform chosen[4];
	unsigned n;
	if (peer->cookies && message_find_notify(m, NOTIFY_COOKIE, false) == NULL) {
		struct payload p = payload_notify(NOTIFY_COOKIE, bytes_of("a cookie", 8));
		answer(fd, from, len, &m->h, &p, 1, false);
		return;
	}
	for (unsigned i = 0; i < policy->n; i++)
		for (unsigned k = 0; k < sa->sa.n; k++) {
			if (!choose_from(&policy->v[i], &sa->sa.v[k], chosen, &n))
				continue;
			uint8_t group[2] = { (uint8_t)(chosen[n - 1].id >> 8), (uint8_t)chosen[n - 1].id };
			struct payload p = payload_notify(NOTIFY_INVALID_KE_PAYLOAD, bytes_of(group, 2));
			if (ke->ke.group == chosen[n - 1].id)
				answer_whole(fd, from, len, peer, m, chosen, n, sa->sa.v[k].number);
			else
				answer(fd, from, len, &m->h, &p, 1, false);
			return;
		}
	struct payload p = payload_notify(NOTIFY_NO_PROPOSAL_CHOSEN, (struct bytes){ 0 });
	if (!peer->mute)
		answer(fd, from, len, &m->h, &p, 1, false);
}

static void serve(int fd, const struct peer *peer)
{
	static uint8_t mem[4096];
	struct proposal_list policy = policy_of(peer->policy);
	struct arena arena;
	arena_init(&arena, 1 << 20);
	for (;;) {
		struct sockaddr_storage from;
		socklen_t len = sizeof from;
		ssize_t n = recvfrom(fd, mem, sizeof mem, 0, (struct sockaddr *)&from, &len);
		if (n < 0)
			_exit(3);
		seen->datagrams++;
		struct message *m = arena_alloc(&arena, sizeof *m);
		bool good = message_decode(m, bytes_of(mem, (size_t)n), &arena) == ERR_OK && message_judge(m, false) == ERR_OK;
		/* RFC 7296 3.4: the key exchange belongs to a group that is offered. */
		const struct payload *sa = good ? message_find(m, PAYLOAD_SA, false) : NULL,
				     *ke = good ? message_find(m, PAYLOAD_KE, false) : NULL;
		bool offered = false;
		for (unsigned i = 0; good && i < sa->sa.n; i++)
			offered |= has(&sa->sa.v[i], &(struct transform){ .type = TRANSFORM_KE, .id = ke->ke.group });
		seen->malformed += !good || !offered;
		if (peer->babbles && sendto(fd, "nonsense", 8, 0, (struct sockaddr *)&from, len) < 0)
			_exit(4);
		if (good && !peer->dead && seen->datagrams > peer->deaf)
			serve_one(fd, peer, &policy, m, &from, len);
		arena_reset(&arena);
		seen->handled++;
	}
}

static void peer_start(const struct peer *peer)
{
	const char *bad = NULL;
	struct sockaddr_storage ss;
	socklen_t len;
	ck_assert_msg(alg_init(&bad), "%s", bad);
	seen = mmap(NULL, sizeof *seen, PROT_READ | PROT_WRITE, MAP_SHARED | MAP_ANONYMOUS, -1, 0);
	ck_assert_ptr_ne(seen, MAP_FAILED);
	addr_parse(&at, "127.0.0.1");
	len = addr_to_sockaddr(&at, &ss);
	int fd = socket(AF_INET, SOCK_DGRAM, 0);
	ck_assert_int_eq(bind(fd, (struct sockaddr *)&ss, len), 0);
	len = sizeof ss;
	ck_assert_int_eq(getsockname(fd, (struct sockaddr *)&ss, &len), 0);
	addr_from_sockaddr(&at, (struct sockaddr *)&ss, len);
	server = fork();
	ck_assert_int_ge(server, 0);
	if (server == 0) {
		alarm(50);
		serve(fd, peer);
	}
	close(fd);
}

static void peer_end(void)
{
	if (server > 0) {
		kill(server, SIGKILL);
		waitpid(server, NULL, 0);
	}
	munmap(seen, sizeof *seen);
}

static struct probe probed(const struct peer *peer)
{
	struct probe p;
	peer_start(peer);
	probe_begin(&p);
	bool silent = peer->mute || peer->dead || peer->deaf;
	ck_assert_int_eq(probe_run(&p, &at, silent ? &hasty : &patient, &cost), PROBE_ENDED);
	ck_assert_uint_eq(seen->malformed, 0);
	ck_assert_uint_le(seen->states, 1);
	ck_assert_uint_eq(seen->states, p.half_open);
	ck_assert_uint_le(p.asked, PROBE_QUESTIONS);
	return p;
}

/* "aes256-sha256-modp2048" and so on, in a list. */
static bool accepts(const struct probe *p, const char *text)
{
	struct addr to = { .family = AF_INET };
	json_t *o = probe_json(p, PROBE_ENDED, &cost, &to), *list = json_object_get(o, "accepted");
	bool found = false;
	for (size_t i = 0; i < json_array_size(list); i++)
		found |= strcmp(json_string_value(json_array_get(list, i)), text) == 0;
	json_decref(o);
	return found;
}

/* ---------------------------------------------------------------- policies */
#define AZURE_DEFAULT \
	"aes256-sha1-modp1024 aes256-sha256-modp1024 aes128-sha1-modp1024 aes128-sha256-modp1024 3des-sha1-modp1024 3des-sha256-modp1024"
#define AWS_GROUPS \
	"modp1024-modp2048-modp3072-modp4096-modp6144-modp8192-ecp256-ecp384-ecp521-modp1024s160-modp2048s224-modp2048s256"
#define AWS_DEFAULT \
	"aes128-aes256-sha1-sha256-sha384-sha512-" AWS_GROUPS \
	" aes128gcm16-aes256gcm16-prfsha1-prfsha256-prfsha384-prfsha512-" AWS_GROUPS

START_TEST(knows_azures_default)
{
	struct probe p = probed(&(struct peer){ .policy = AZURE_DEFAULT,
		.vendor = "\x1e\x2b\x51\x69\x05\x99\x1c\x7d\x7c\x96\xfc\xbf\xb5\x87\xe4\x61\x01\x02\x03\x09" });
	ck_assert_str_eq(probe_recognise(&p)->code, "azure-default");
	ck_assert_str_eq(probe_vendor(&p), "Microsoft (Azure, Windows)");
	ck_assert_uint_eq(probe_count(&p), 6);
	ck_assert(p.complete && !p.cut);
	ck_assert(accepts(&p, "aes256-sha1-modp1024") && accepts(&p, "3des-sha256-modp1024") &&
		  !accepts(&p, "aes256-sha256-modp2048"));
	ck_assert_uint_eq(seen->states, 1);
}
END_TEST

START_TEST(knows_aws_default)
{
	struct probe p = probed(&(struct peer){ .policy = AWS_DEFAULT });
	ck_assert_str_eq(probe_recognise(&p)->code, "aws-default");
	ck_assert_uint_eq((unsigned)__builtin_popcount(p.groups), 12);
	ck_assert_uint_eq((unsigned)__builtin_popcount(p.encrs), 4);
	ck_assert(!p.complete && !p.cut);
	ck_assert_ptr_null(probe_vendor(&p));
}
END_TEST

START_TEST(knows_one_combination)
{
	struct probe p = probed(&(struct peer){ .policy = "aes256-sha256-modp2048" });
	ck_assert_str_eq(probe_recognise(&p)->code, "one");
	ck_assert(accepts(&p, "aes256-sha256-modp2048") && probe_count(&p) == 1 && p.complete);
	peer_end();
	p = probed(&(struct peer){ .policy = "aes256gcm16-prfsha384-ecp384" });
	ck_assert_str_eq(probe_recognise(&p)->code, "one");
	ck_assert(accepts(&p, "aes256gcm16-prfsha384-ecp384"));
	peer_end();
	p = probed(&(struct peer){ .policy = "aes128-sha256-prfsha512-ecp256" });
	ck_assert_str_eq(probe_recognise(&p)->code, "one");
	ck_assert(accepts(&p, "aes128-sha256-prfsha512-ecp256"));
}
END_TEST

START_TEST(tells_combinations_apart)
{
	/* Every item is known to it, but not every combination. */
	struct probe p = probed(&(struct peer){ .policy = "aes256-sha384-ecp384 aes128-sha256-modp2048" });
	ck_assert_str_eq(probe_recognise(&p)->code, "custom");
	ck_assert_uint_eq(probe_count(&p), 2);
	ck_assert(p.complete);
	ck_assert(accepts(&p, "aes256-sha384-ecp384") && accepts(&p, "aes128-sha256-modp2048"));
	ck_assert(!accepts(&p, "aes256-sha384-modp2048") && !accepts(&p, "aes256-sha256-modp2048"));
}
END_TEST

START_TEST(knows_strongswans_default)
{
	struct probe p = probed(&(struct peer){
		.policy =
			"aes128-aes192-aes256-sha256-sha384-sha512-ecp256-ecp384-ecp521-x25519-x448-modp3072-modp4096-modp6144-modp8192-modp2048 "
			"aes128gcm16-aes256gcm16-chacha20poly1305-prfsha256-prfsha384-prfsha512-ecp256-ecp384-ecp521-x25519-x448-modp3072-modp4096-modp6144-modp8192-modp2048" });
	ck_assert_str_eq(probe_recognise(&p)->code, "strongswan-default");
}
END_TEST

/* ---------------------------------------------------------------- peers of all kinds */
START_TEST(brings_cookies)
{
	struct probe p = probed(&(struct peer){ .policy = "aes256-sha256-modp2048", .cookies = true, .babbles = true });
	ck_assert_str_eq(probe_recognise(&p)->code, "one");
	ck_assert(cost.cookies);
	ck_assert_uint_eq(cost.datagrams, p.asked + 1); /* one cookie lasts */
}
END_TEST

START_TEST(silence_is_refusal_once_it_has_spoken)
{
	struct probe p = probed(&(struct peer){ .policy = "aes256-sha256-modp2048", .mute = true });
	ck_assert_str_eq(probe_recognise(&p)->code, "one");
	ck_assert_uint_gt(p.silent, 5);
}
END_TEST

START_TEST(repeats_what_was_lost)
{
	struct probe p = probed(&(struct peer){ .policy = AZURE_DEFAULT, .deaf = 2 });
	ck_assert_str_eq(probe_recognise(&p)->code, "azure-default");
	ck_assert_uint_eq(p.silent, 0);
}
END_TEST

START_TEST(gives_up_on_the_dead)
{
	struct probe p = probed(&(struct peer){ .policy = AZURE_DEFAULT, .dead = true });
	ck_assert_str_eq(probe_recognise(&p)->code, "silent");
	ck_assert_uint_eq(seen->datagrams, 3);
	ck_assert_uint_eq(p.asked, 1);
}
END_TEST

START_TEST(one_that_takes_nothing)
{
	struct probe p = probed(&(struct peer){ .policy = "" });
	ck_assert_str_eq(probe_recognise(&p)->code, "none");
	ck_assert_uint_eq(p.asked, 1);
	ck_assert_uint_eq(seen->states, 0);
}
END_TEST

START_TEST(nobody_listens)
{
	struct probe p;
	peer_start(&(struct peer){ .policy = "" });
	peer_end();
	server = 0;
	seen = mmap(NULL, sizeof *seen, PROT_READ | PROT_WRITE, MAP_SHARED | MAP_ANONYMOUS, -1, 0);
	probe_begin(&p);
	ck_assert_int_eq(probe_run(&p, &at, &hasty, &cost), PROBE_UNREACHABLE);
	ck_assert_uint_le(cost.datagrams, 2);
}
END_TEST

START_TEST(stays_polite)
{
	struct probe p;
	struct probe_pace pace = probe_politely;
	ck_assert_int_ge(pace.gap, 200);
	peer_start(&(struct peer){ .policy = AZURE_DEFAULT });
	probe_begin(&p);
	pace.gap = 30;
	ck_assert_int_eq(probe_run(&p, &at, &pace, &cost), PROBE_ENDED);
	/* By our clock: theirs may be told late on a machine that is busy. */
	ck_assert_int_ge(cost.ms, 30 * ((int64_t)cost.datagrams - 1));
	ck_assert_uint_le(seen->datagrams, 60);
	ck_assert_uint_eq(seen->datagrams, cost.datagrams);
}
END_TEST

/* ---------------------------------------------------------------- the plan alone */
static int row(const char *word)
{
	int i = 0;
	while (i < (int)probe_rows()->groups && strcmp(probe_rows()->group[i]->word, word) != 0)
		i++;
	return i;
}

/* A peer that accepts even the decoy is led to keep state once, not again. */
START_TEST(a_decoy_that_is_taken_is_replaced)
{
	struct probe p;
	const struct probe_question *q;
	unsigned whole = 0;
	probe_begin(&p);
	while ((q = probe_next(&p)) != NULL) {
		int weak = row("modp768");
		bool own = q->decoy == weak;
		ck_assert_int_ge(q->decoy, 0); /* it has state there already: no question that must be answered in full */
		whole += own;
		bool offered = (q->groups & 1u << weak) != 0;
		probe_take(&p, &(struct probe_answer){ .kind = own       ? PROBE_WHOLE
							       : offered ? PROBE_GROUP
									 : PROBE_REFUSED,
				       .group = weak });
	}
	ck_assert_uint_eq(whole, 1);
	ck_assert_uint_eq(p.groups, 1u << row("modp768"));
	ck_assert(p.half_open);
	ck_assert_uint_gt(probe_count(&p), 0);
}
END_TEST

/* Whatever comes back, it ends. */
START_TEST(ends_whatever_is_answered)
{
	for (unsigned seed = 0; seed < 3000; seed++) {
		struct probe p;
		unsigned n = 0, x = seed * 2654435761u + 1;
		probe_begin(&p);
		while (probe_next(&p) != NULL) {
			x = x * 1664525u + 1013904223u;
			struct probe_answer a = { .kind = x >> 8 & 7,
				.group = (int)(x >> 16) % (int)(probe_rows()->groups + 1) - 1,
				.notify = (uint16_t)x };
			a.kind = a.kind > PROBE_OTHER ? PROBE_GROUP : a.kind;
			probe_take(&p, &a);
			ck_assert_uint_le(++n, PROBE_QUESTIONS);
		}
		probe_recognise(&p);
	}
}
END_TEST

START_TEST(reads_no_nonsense)
{
	static const struct probe_name name = { .spi = { 1, 2, 3, 4, 5, 6, 7, 8 } };
	uint8_t mem[PROBE_DATAGRAM];
	struct probe_answer a;
	struct probe p;
	const char *bad = NULL;
	ck_assert(alg_init(&bad));
	struct probe_ends ends = { .local = { .family = AF_INET, .port = 1 }, .remote = { .family = AF_INET, .port = 500 } };
	probe_begin(&p);
	size_t n = probe_write(probe_next(&p), &ends, &name, rng_fill, NULL, mem);
	ck_assert_uint_gt(n, 300);
	ck_assert_uint_lt(n, 1200);
	ck_assert(!probe_read(bytes_of(mem, n), name.spi, &a)); /* a request is no answer */
	for (size_t cut = 0; cut < n; cut += 7)
		ck_assert(!probe_read(bytes_of(mem, cut), name.spi, &a));
}
END_TEST

int main(void)
{
	Suite *suite = suite_create("probe");
	TCase *peers = tcase_create("peers"), *plan = tcase_create("plan");
	const TTest *const with_peer[] = { knows_azures_default, knows_aws_default, knows_one_combination,
		tells_combinations_apart, knows_strongswans_default, brings_cookies, silence_is_refusal_once_it_has_spoken,
		repeats_what_was_lost, gives_up_on_the_dead, one_that_takes_nothing, nobody_listens, stays_polite };
	const TTest *const alone[] = { a_decoy_that_is_taken_is_replaced, ends_whatever_is_answered, reads_no_nonsense };
	tcase_add_checked_fixture(peers, NULL, peer_end);
	tcase_set_timeout(peers, 60);
	for (size_t i = 0; i < sizeof with_peer / sizeof *with_peer; i++)
		tcase_add_test(peers, with_peer[i]);
	for (size_t i = 0; i < sizeof alone / sizeof *alone; i++)
		tcase_add_test(plan, alone[i]);
	suite_add_tcase(suite, peers);
	suite_add_tcase(suite, plan);
	return unit_run_suite(suite);
}
