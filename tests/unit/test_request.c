/*
 * test_request.c - the keeper's table of requests over its socket, with an engine that does as it likes. The kernel behind is the null kernel.
 */
#include "check/again.h"
#include "base/util.h"
#include "request_help.h"

/* ---------------------------------------------------------------- AUTH */
static const uint8_t sk_p[32] = { 5, 4, 3, 2, 1 };

static struct addr from = { .family = AF_INET }; /* the outside address that the engine tells */

static bool answer_wanted; /* with the verdict about the peer's AUTH */

static struct msg_auth_result ask_over(bool initiator, struct bytes message, const uint8_t *auth, size_t n)
{
	static const char them[] = "\2\0\0\0them.example", nonce[] = "sixteen or more of it";
	uint8_t body[512];
	struct msg_auth h;
	struct msg_auth_result out;
	memset(&h, 0, sizeof h);
	h.tunnel = k.conf->tunnels[0]->id;
	h.prf = PRF_HMAC_SHA2_256;
	h.verify = auth != NULL;
	h.initiator = initiator;
	h.local = from;
	h.message_len = (uint32_t)message.n;
	h.nonce_len = sizeof nonce;
	h.sk_p_len = sizeof sk_p;
	h.peer_id_len = auth != NULL ? sizeof them - 1 : 0;
	h.auth_len = (uint16_t)n;
	h.answer = answer_wanted;
	h.own_message_len = answer_wanted ? (uint32_t)message.n : 0;
	h.own_nonce_len = answer_wanted ? sizeof nonce : 0;
	h.own_sk_p_len = answer_wanted ? sizeof sk_p : 0;
	struct buf b = buf_of(body, sizeof body);
	put_bytes(&b, &h, sizeof h);
	put_view(&b, message);
	put_bytes(&b, nonce, sizeof nonce);
	put_bytes(&b, sk_p, sizeof sk_p);
	put_bytes(&b, them, h.peer_id_len);
	put_bytes(&b, auth, n);
	if (answer_wanted)
		put_view(&b, first_message(false)); /* in the place of the one before */
	put_bytes(&b, nonce, h.own_nonce_len);
	put_bytes(&b, sk_p, h.own_sk_p_len);
	ck_assert(!b.bad && ipc_send(engine, MSG_AUTH, (struct ike_ticket){ 7, 7 }, body, b.len));
	ck_assert(answered(MSG_AUTH_RESULT, &out, sizeof out));
	ck_assert(engine_lives());
	return out;
}

static struct msg_auth_result ask_auth(const uint8_t *auth, size_t n)
{
	return ask_over(true, first_message(auth == NULL), auth, n);
}

/* What AUTH of this end is, by its definition. */
static void expected(bool by_initiator, const char *id_body, size_t n, uint8_t out[PRF_MAX])
{
	struct tunnel_conf *t = k.conf->tunnels[0];
	size_t len;
	struct auth_input in = { PRF_HMAC_SHA2_256, first_message(by_initiator), bytes_of("sixteen or more of it", 22),
		bytes_of(sk_p, sizeof sk_p), bytes_of(id_body, n) };
	ck_assert_int_eq(psk_auth(&in, bytes_of(t->psk->data, t->psk->len), out, &len), ERR_OK);
}

/* Whoever asks: what is signed is our identity and our role's message, and nothing else is. */
START_TEST(we_sign_as_ourselves_only)
{
	static const char us[] = "\2\0\0\0us.example", zero[PRF_MAX];
	uint8_t want[PRF_MAX];
	struct msg_auth_result made = ask_over(true, first_message(true), NULL, 0);
	expected(true, us, sizeof us - 1, want);
	ck_assert_int_eq(made.err, ERR_OK);
	ck_assert_uint_eq(made.len, 32);
	ck_assert_mem_eq(made.auth, want, 32);
	for (unsigned initiator = 0; initiator <= 1; initiator++) {
		struct msg_auth_result refused[] = { ask_over(initiator, first_message(!initiator), NULL, 0),
			ask_over(initiator, bytes_of("OCTETS-OF-CEO@example.net, and then some", 40), NULL, 0),
			ask_over(initiator, bytes_of(NULL, 0), NULL, 0), ask_over(false, first_message(false), NULL, 0) };
		for (unsigned i = 0; i < 4; i++) {
			ck_assert_int_eq(refused[i].err, ERR_NO_MATCH);
			ck_assert_uint_eq(refused[i].len, 0);
			ck_assert_mem_eq(refused[i].auth, zero, PRF_MAX);
		}
	}
}
END_TEST

/* A tunnel without local-id and local is named by its outside address, which the engine tells. */
START_TEST(no_address_but_our_own_is_signed)
{
	struct tunnel_conf *t = k.conf->tunnels[0];
	struct ident kept = t->local_id;
	t->local_id.type = 0;
	ck_assert(addr_parse(&from, "127.0.0.1"));
	ck_assert_int_eq(ask_over(true, first_message(true), NULL, 0).err, ERR_OK);
	static const char *const others[] = { "192.0.2.66", "2001:db8::66", "0.0.0.0" };
	for (unsigned i = 0; i < sizeof others / sizeof *others; i++) {
		ck_assert(addr_parse(&from, others[i]));
		ck_assert_int_eq(ask_over(true, first_message(true), NULL, 0).err, ERR_NO_MATCH);
	}
	t->local_id = kept;
	from = (struct addr){ .family = AF_INET };
}
END_TEST

/* Each bit of the peer's AUTH counts, and all of its length. */
START_TEST(auth_is_compared_whole)
{
	static const char them[] = "\2\0\0\0them.example";
	uint8_t good[PRF_MAX], longer[PRF_MAX] = { 0 };
	expected(false, them, sizeof them - 1, good);
	ck_assert_int_eq(ask_auth(good, 32).err, ERR_OK);
	for (size_t i = 0; i < 8u * 32; i++) {
		good[i / 8] ^= (uint8_t)(1 << i % 8);
		ck_assert_int_eq(ask_auth(good, 32).err, ERR_INTEGRITY);
		good[i / 8] ^= (uint8_t)(1 << i % 8);
	}
	for (uint16_t n = 0; n < 32; n++)
		ck_assert_int_eq(ask_auth(good, n).err, ERR_INTEGRITY);
	memcpy(longer, good, 32);
	ck_assert_int_eq(ask_auth(longer, 33).err, ERR_INTEGRITY);
	ck_assert_uint_eq(ask_auth(good, 32).len, 0); /* the right answer is not told */
}
END_TEST

/* Verdict and answer in one: ours is made for a peer that proved itself, and for nobody else. */
START_TEST(ours_goes_with_a_good_verdict_only)
{
	static const char them[] = "\2\0\0\0them.example", us[] = "\2\0\0\0us.example", zero[PRF_MAX];
	uint8_t good[PRF_MAX], want[PRF_MAX];
	expected(true, them, sizeof them - 1, good);
	expected(false, us, sizeof us - 1, want);
	answer_wanted = true;
	struct msg_auth_result r = ask_over(false, first_message(true), good, 32);
	ck_assert_int_eq(r.err, ERR_OK);
	ck_assert_uint_eq(r.len, 32);
	ck_assert_mem_eq(r.auth, want, 32);
	good[31] ^= 1;
	r = ask_over(false, first_message(true), good, 32);
	ck_assert_int_eq(r.err, ERR_INTEGRITY);
	ck_assert_uint_eq(r.len, 0);
	ck_assert_mem_eq(r.auth, zero, PRF_MAX);
	answer_wanted = false;
	good[31] ^= 1;
	ck_assert_uint_eq(ask_over(false, first_message(true), good, 32).len, 0);
}
END_TEST

static int installed_after(uint32_t sa, uint32_t job, uint32_t spi)
{
	struct msg_result result = { 0 };
	struct msg_install m = pair_of(spi, spi);
	m.after = (struct ike_ticket){ sa, job };
	ck_assert(ipc_send(engine, MSG_INSTALL, (struct ike_ticket){ 1, 1 }, &m, sizeof m));
	ck_assert(answered(MSG_KERNEL_RESULT, &result, sizeof result));
	ck_assert(engine_lives());
	return result.err;
}

/* SAs that are asked for with a verdict are those of a peer that it proved: not after a no, nor after another question, nor for another SA. */
START_TEST(sas_go_with_a_good_verdict_only)
{
	static const char them[] = "\2\0\0\0them.example";
	uint8_t good[PRF_MAX], bad[PRF_MAX];
	expected(true, them, sizeof them - 1, good);
	memcpy(bad, good, sizeof bad);
	bad[0] ^= 1;
	ck_assert_int_eq(installed_after(7, 7, 0x1000), EPERM); /* nobody has proven anything yet */
	answer_wanted = true;
	ck_assert_int_eq(ask_over(false, first_message(true), good, 32).err, ERR_OK);
	ck_assert_int_eq(installed_after(7, 7, 0x1000), 0);
	ck_assert_int_eq(installed_after(7, 8, 0x2000), EPERM);
	ck_assert_int_eq(installed_after(8, 7, 0x2000), EPERM);
	ck_assert_int_eq(ask_over(false, first_message(true), bad, 32).err, ERR_INTEGRITY);
	ck_assert_int_eq(installed_after(7, 7, 0x2000), EPERM);
	answer_wanted = false;
	ck_assert_int_eq(ask_over(false, first_message(true), bad, 32).err, ERR_INTEGRITY);
	ck_assert_int_eq(installed_after(7, 7, 0x2000), EPERM);
	ck_assert_int_eq(ask_over(false, first_message(true), good, 32).err, ERR_OK); /* an initiator's */
	ck_assert_int_eq(installed_after(7, 7, 0x2000), 0);
	ck_assert_int_eq(installed(0x3000, 0x3000), 0);
	ck_assert_ptr_nonnull(keeper_sa(&k, k.conf->tunnels[0]->id, ESP_IN, 0x1000));
}
END_TEST

START_TEST(no_foreign_address_goes_into_an_answer)
{
	static const char them[] = "\2\0\0\0them.example";
	struct tunnel_conf *t = k.conf->tunnels[0];
	struct ident kept = t->local_id;
	uint8_t good[PRF_MAX];
	expected(true, them, sizeof them - 1, good);
	t->local_id.type = 0;
	answer_wanted = true;
	ck_assert(addr_parse(&from, "127.0.0.1"));
	ck_assert_int_eq(ask_over(false, first_message(true), good, 32).err, ERR_OK);
	ck_assert(addr_parse(&from, "192.0.2.66"));
	ck_assert_int_eq(ask_over(false, first_message(true), good, 32).err, ERR_NO_MATCH);
	answer_wanted = false;
	t->local_id = kept;
	from = (struct addr){ .family = AF_INET };
}
END_TEST

/* ---------------------------------------------------------------- news of the kernel's objects */
START_TEST(a_repair_is_told)
{
	struct fact f;
	keeper_repaired(&k, SUBJECT_ROUTE, k.conf->tunnels[0]->id, NULL, "ip (pid 7)", "route %s put back", "10.20.0.0/16");
	ck_assert(answered(MSG_FACT, &f, sizeof f));
	ck_assert_int_eq(f.code, FACT_KERNEL_REPAIRED);
	ck_assert_int_eq(f.blame, BLAME_LOCAL);
	ck_assert_int_eq(f.subject, SUBJECT_ROUTE);
	ck_assert_uint_eq(f.tunnel, k.conf->tunnels[0]->id);
	ck_assert_str_eq(f.text, "route 10.20.0.0/16 put back");
	ck_assert_str_eq(f.by, "ip (pid 7)");
	ck_assert_str_eq(f.was, "");
	keeper_repaired(&k, SUBJECT_SYSCTL, 0, "1", NULL, "rp_filter put back");
	ck_assert(answered(MSG_FACT, &f, sizeof f));
	ck_assert_str_eq(f.was, "1");
	ck_assert_str_eq(f.by, "");
}
END_TEST

START_TEST(what_differs_is_told_once_and_to_each_engine)
{
	struct msg_kernel m;
	uint32_t id = k.conf->tunnels[0]->id;
	keeper_kernel_state(&k, id, NULL);
	ck_assert(!answered(MSG_KERNEL, &m, sizeof m));
	keeper_kernel_state(&k, id, "no rule");
	ck_assert(answered(MSG_KERNEL, &m, sizeof m));
	ck_assert_uint_eq(m.tunnel, id);
	ck_assert(m.differs && strcmp(m.text, "no rule") == 0);
	keeper_kernel_state(&k, id, "no rule");
	ck_assert(!answered(MSG_KERNEL, &m, sizeof m));
	keeper_tunnels_report(&k);
	ck_assert(answered(MSG_KERNEL, &m, sizeof m) && strcmp(m.text, "no rule") == 0);
	keeper_kernel_state(&k, id, NULL);
	ck_assert(answered(MSG_KERNEL, &m, sizeof m) && !m.differs);
	keeper_kernel_state(&k, 77, "a tunnel that is gone");
	ck_assert(!answered(MSG_KERNEL, &m, sizeof m));
}
END_TEST

/* ---------------------------------------------------------------- switch */
static struct esp_switch switched;
static int note_switch(struct kernel *kernel, const struct esp_switch *s)
{
	(void)kernel;
	switched = *s;
	return 0;
}

/* Without an SA no addresses are judged: none reach the kernel, where a VTI would get them as its ends. */
START_TEST(a_switch_to_nothing_has_no_addresses)
{
	struct kernel_ops ops = kernel_null;
	struct msg_result result;
	struct esp_switch s = { .tunnel = k.conf->tunnels[0]->id, .slot = 1 };
	ops.sa_switch = note_switch;
	k.ops = &ops;
	ck_assert(addr_parse(&s.local, "198.51.100.7") && addr_parse(&s.remote, "10.1.0.7"));
	memset(&switched, 1, sizeof switched);
	ipc_send(engine, MSG_SWITCH, (struct ike_ticket){ 0, 0 }, &s, esp_switch_size(&s));
	ck_assert(answered(MSG_KERNEL_RESULT, &result, sizeof result));
	k.ops = &kernel_null;
	ck_assert_int_eq(result.err, 0);
	ck_assert(addr_is_any(&switched.local) && addr_is_any(&switched.remote));
}
END_TEST

/* ---------------------------------------------------------------- counters */
static const struct esp_counters seen_counters[] = {
	{ .tunnel = 1, .spi = 0x1111, .dir = ESP_OUT }, { .tunnel = 1, .spi = 0x2222, .dir = ESP_IN, .bytes = 84, .packets = 1 },
	{ .tunnel = 1, .spi = 0x3333, .dir = ESP_IN, .replay_errors = 1 },
	{ .tunnel = 1, .spi = 0x4444, .dir = ESP_IN, .integrity_errors = 1 },
	{ .tunnel = 1, .spi = 0x5555, .dir = ESP_IN, .packets = 1 }, /* nobody's */
};

static int counters_of_test(struct kernel *kernel, kernel_count_fn fn, void *arg)
{
	(void)kernel;
	for (unsigned i = 0; i < ARRAY_SIZE(seen_counters); i++)
		fn(arg, seen_counters[i].tunnel, &seen_counters[i]);
	return 0;
}

static int counters_of_none(struct kernel *kernel, kernel_count_fn fn, void *arg)
{
	(void)kernel;
	for (unsigned i = 0; i < ARRAY_SIZE(seen_counters); i++) {
		struct esp_counters c = { .tunnel = 1, .spi = seen_counters[i].spi, .dir = seen_counters[i].dir };
		fn(arg, c.tunnel, &c);
	}
	return 0;
}

static int counters_unread(struct kernel *kernel, kernel_count_fn fn, void *arg)
{
	(void)kernel, (void)fn, (void)arg;
	return -EIO;
}

/* What was never used is not told: of thousands of tunnels most are idle. What has none any more, as the kernel made it anew, is. */
START_TEST(counters_of_what_was_used)
{
	struct kernel_ops ops = kernel_null;
	struct tunnel_run *t = keeper_tunnel(&k, 1);
	struct msg_counters told;
	ops.counters = counters_of_test;
	k.ops = &ops;
	for (unsigned i = 0; i < 4; i++)
		keeper_sa_note(t, &(struct esp_held){ .tunnel = 1, .spi = seen_counters[i].spi, .dir = seen_counters[i].dir });
	ipc_send(engine, MSG_ASK_COUNTERS, (struct ike_ticket){ 0, 0 }, NULL, 0);
	ck_assert(answered(MSG_COUNTERS, &told, offsetof(struct msg_counters, v) + 3 * sizeof told.v[0]));
	ck_assert(told.n == 3 && !told.more);
	for (unsigned i = 0; i < 3; i++)
		ck_assert_uint_eq(told.v[i].spi, seen_counters[i + 1].spi);
	for (unsigned look = 0; look < 3; look++) { /* one that sees nothing leaves it to the next */
		uint32_t n = look == 1 ? 3 : 0;
		ops.counters = look == 0 ? counters_unread : counters_of_none;
		ipc_send(engine, MSG_ASK_COUNTERS, (struct ike_ticket){ 0, 0 }, NULL, 0);
		ck_assert(answered(MSG_COUNTERS, &told, offsetof(struct msg_counters, v) + n * sizeof told.v[0]));
		ck_assert(told.n == n && !told.more);
	}
	k.ops = &kernel_null;
}
END_TEST

/* The next run has it as this one. */
START_TEST(a_switch_is_saved)
{
	char why[STORE_WHY];
	struct store_bind here;
	const struct tunnel_conf *conf = k.conf->tunnels[0];
	struct esp_switch s = { .tunnel = conf->id, .slot = 1 };
	struct tunnel_run found = { .conf = k.conf->tunnels[0] };
	struct msg_result result;
	int fd = store_memory("test");
	ck_assert(store_bind_here(&here, STORE_OF_KEEPER, 1, why));
	k.stores.v = store_create(fd, &here, why);
	ck_assert_ptr_nonnull(k.stores.v);
	esp_switch_put(&s, conf->local_ts, conf->remote_ts);
	ipc_send(engine, MSG_SWITCH, (struct ike_ticket){ 0, 0 }, &s, esp_switch_size(&s));
	ck_assert(answered(MSG_KERNEL_RESULT, &result, sizeof result));
	ck_assert_int_eq(result.err, 0);
	ck_assert(keeper_saved_tunnel(&k, &found) && found.n_switches == 1 && found.switches[0].slot == 1);
	keeper_switches_forget(&found);
	store_close(k.stores.v);
	k.stores.v = NULL;
	close(fd);
}
END_TEST

/* ---------------------------------------------------------------- reloads */
static char lines[8192];

/* What is logged from now on goes into a file. */
static FILE *log_to_file(void)
{
	FILE *f = tmpfile();
	ck_assert_ptr_nonnull(f);
	fflush(stderr);
	dup2(fileno(f), STDERR_FILENO);
	log_open_stderr(LOG_LEVEL_INFO);
	return f;
}

static unsigned logged(FILE *f, const char *words)
{
	unsigned n = 0;
	rewind(f);
	lines[fread(lines, 1, sizeof lines - 1, f)] = 0;
	for (const char *at = lines; (at = strstr(at, words)) != NULL; at++)
		n++;
	return n;
}

/* So many answers to reloads, and in how many ms they came. */
static int64_t reloads_answered(unsigned want, bool *full)
{
	unsigned n = 0;
	int64_t start = keeper_awake();
	while (n < want && keeper_awake() < start + 20000) {
		struct ipc_message m;
		event_base_loop(k.base, EVLOOP_NONBLOCK);
		while (ipc_receive(engine, &m) == 1) {
			n += m.head.kind == MSG_RELOADED;
			if (m.head.kind == MSG_RELOADED &&
				strstr(((const struct msg_reloaded *)m.body)->text, "too many") != NULL)
				*full = true;
			ipc_done(engine, &m);
		}
		usleep(1000);
	}
	ck_assert_uint_eq(n, want);
	return keeper_awake() - start;
}

/* Each one is answered, but the files are read once a second: an engine that asks without end costs a line a second. */
START_TEST(reloads_are_one_a_second)
{
	FILE *f = log_to_file();
	bool full = false;
	struct msg_reload r = { .token = 1 };
	k.opt.file = "/nonexistent/s2sd.yaml";
	k.memory = conf_memory_new();
	for (unsigned i = 0; i < 30; i++) {
		r.dry_run = i % 3 == 2;
		ipc_send(engine, MSG_RELOAD, (struct ike_ticket){ 0, 0 }, &r, sizeof r);
	}
	int64_t took = reloads_answered(30, &full);
	ck_assert_int_ge(took, 900); /* the first at once, the others together with the next */
	ck_assert_uint_le(logged(f, "reload: "), (unsigned)(took / 1000) + 2);
	ck_assert(!full && engine_lives());
	for (unsigned i = 0; i < 500; i++)
		ipc_send(engine, MSG_RELOAD, (struct ike_ticket){ 0, 0 }, &r, sizeof r);
	took += reloads_answered(500, &full);
	ck_assert(full && engine_lives());
	ck_assert_uint_le(logged(f, "reload: "), (unsigned)(took / 1000) + 2);
	fclose(f);
	conf_memory_free(k.memory);
	k.memory = NULL;
}
END_TEST

/* ---------------------------------------------------------------- the service manager */
static int manager;

static void manage(void)
{
	struct sockaddr_un at = { .sun_family = AF_UNIX };
	char name[40];
	snprintf(name, sizeof name, "@s2sd-request-%d", (int)getpid());
	size_t n = strlen(name);
	memcpy(at.sun_path, name, n);
	at.sun_path[0] = 0;
	manager = socket(AF_UNIX, SOCK_DGRAM | SOCK_CLOEXEC | SOCK_NONBLOCK, 0);
	ck_assert_int_eq(bind(manager, (struct sockaddr *)&at, (socklen_t)(offsetof(struct sockaddr_un, sun_path) + n)), 0);
	setenv("NOTIFY_SOCKET", name, 1);
	notify_open();
}

/* How often it was told something with these words; `lines` is what it was told last. */
static unsigned manager_told(const char *words)
{
	unsigned n = 0;
	ssize_t got;
	while ((got = recv(manager, lines, sizeof lines - 1, 0)) >= 0) {
		lines[got] = 0;
		n += strstr(lines, words) != NULL;
	}
	return n;
}

/* News of the engine's wake the service manager a few times a second, and the last one gets there. */
START_TEST(summaries_are_limited)
{
	struct msg_summary s = { .total = 500 };
	unsigned n = 0;
	manage();
	for (unsigned i = 0; i < 500; i++) {
		s.up = i;
		ipc_send(engine, MSG_SUMMARY, (struct ike_ticket){ 0, 0 }, &s, sizeof s);
		turn();
		n += manager_told("STATUS=");
	}
	ck_assert_uint_ge(n, 10);
	ck_assert_uint_lt(n, 250);
	engine_ping(&k);
	manager_told("STATUS=");
	ck_assert_ptr_nonnull(strstr(lines, "STATUS=499 of 500"));
	ck_assert(engine_lives());
	close(manager);
}
END_TEST

/* Only an answer to a question keeps the watchdog quiet. */
START_TEST(an_answer_needs_a_question)
{
	manage();
	for (unsigned i = 0; i < 5; i++)
		ipc_send(engine, MSG_PONG, (struct ike_ticket){ 0, 0 }, NULL, 0);
	turn();
	ck_assert_uint_eq(manager_told("WATCHDOG=1"), 0);
	k.pong_at = keeper_awake();
	k.set_up = true;
	k.on_request = keeper_request;
	k.stores.engine = k.stores.own = -1;
	engine_ping(&k);
	for (unsigned i = 0; i < 5; i++)
		ipc_send(engine, MSG_PONG, (struct ike_ticket){ 0, 0 }, NULL, 0);
	turn();
	ck_assert_uint_eq(manager_told("WATCHDOG=1"), 1);
	ck_assert(engine_lives());
	close(manager);
}
END_TEST

/* What the engine can make fail again and again is not logged again and again. */
START_TEST(failures_are_not_logged_without_end)
{
	FILE *f = log_to_file();
	for (unsigned i = 0; i < 3 * LINES_MOST; i++) {
		if (keeper_may_complain(&k))
			log_line(LOG_LEVEL_ERROR, "it failed");
	}
	ck_assert_uint_eq(logged(f, "it failed"), LINES_MOST);
	fclose(f);
}
END_TEST

/*
 * The whole table, written down a second time: who permits a request at another time or of another size has to say so twice. All other kinds, those that
 * go the other way among them, are never permitted.
 */
#define ALIVE (PHASE_RUN | PHASE_STOP)
static const struct {
	size_t min, max;
	unsigned phases;
} permitted[MSG_KIND_COUNT + 1] = {
#define EXACT(type) sizeof(type), sizeof(type)
	[MSG_READY] = { 0, 0, PHASE_START },
	[MSG_PONG] = { 0, 0, PHASE_START | ALIVE },
	[MSG_AUTH] = { sizeof(struct msg_auth), IPC_BODY_MAX, ALIVE },
	[MSG_INSTALL] = { sizeof(struct msg_install), sizeof(struct msg_install) + sizeof(struct esp_switch), ALIVE },
	[MSG_SWITCH] = { offsetof(struct esp_switch, ts), sizeof(struct esp_switch), ALIVE },
	[MSG_REMOVE] = { EXACT(struct esp_remove), ALIVE },
	[MSG_MOVE] = { EXACT(struct esp_move), ALIVE },
	[MSG_LINK] = { EXACT(struct esp_link_state), ALIVE },
	[MSG_ASK_COUNTERS] = { 0, 0, ALIVE },
	[MSG_RESOLVE] = { EXACT(struct msg_resolve), ALIVE },
	[MSG_RELOAD] = { EXACT(struct msg_reload), PHASE_RUN },
	[MSG_SUMMARY] = { EXACT(struct msg_summary), ALIVE },
	[MSG_IDLE] = { 0, 0, PHASE_STOP },
};

/* Sends that many zero octets in that phase to a fresh keeper; whether the engine lives. */
static bool lives_after(uint32_t kind, size_t size, unsigned phase)
{
	static const uint8_t zero[4096];
	ck_assert_uint_le(size, sizeof zero);
	teardown();
	setup();
	k.phase = phase;
	ck_assert(ipc_send(engine, kind, (struct ike_ticket){ 0, 0 }, zero, size));
	turn();
	return engine_lives();
}

START_TEST(only_the_table_is_permitted)
{
	static const unsigned phases[] = { PHASE_START, PHASE_RUN, PHASE_STOP };
	uint32_t kind = (uint32_t)_i;
	size_t min = permitted[kind].min, max = permitted[kind].max;
	for (size_t i = 0; i < sizeof phases / sizeof phases[0]; i++) {
		bool in_time = (permitted[kind].phases & phases[i]) != 0;
		/* A reload that comes late is dropped, see keeper_request. */
		bool late = kind == MSG_RELOAD && !in_time;
		ck_assert_msg(in_time || lives_after(kind, min, phases[i]) == late, "kind %u in phase %u", kind, phases[i]);
		ck_assert_msg(min == 0 || !lives_after(kind, min - 1, phases[i]), "kind %u, an octet less", kind);
		ck_assert_msg(max >= 4096 || !lives_after(kind, max + 1, phases[i]), "kind %u, an octet more", kind);
	}
}
END_TEST

int main(void)
{
	TCase *t = tcase_create("requests");
	tcase_add_checked_fixture(t, setup, teardown);
	tcase_add_test(t, we_sign_as_ourselves_only);
	tcase_add_test(t, no_address_but_our_own_is_signed);
	tcase_add_test(t, auth_is_compared_whole);
	tcase_add_test(t, ours_goes_with_a_good_verdict_only);
	tcase_add_test(t, sas_go_with_a_good_verdict_only);
	tcase_add_test(t, no_foreign_address_goes_into_an_answer);
	tcase_add_test(t, a_repair_is_told);
	tcase_add_test(t, what_differs_is_told_once_and_to_each_engine);
	tcase_add_test(t, a_switch_to_nothing_has_no_addresses);
	tcase_add_test(t, counters_of_what_was_used);
	tcase_add_test(t, a_switch_is_saved);
	tcase_add_test(t, reloads_are_one_a_second);
	tcase_add_test(t, failures_are_not_logged_without_end);
	tcase_add_test(t, summaries_are_limited);
	tcase_add_test(t, an_answer_needs_a_question);
	tcase_add_loop_test(t, only_the_table_is_permitted, 0, MSG_KIND_COUNT + 1);
	return unit_run_case("request", t);
}
