/*
 * bench_exchange.c - what it costs that records are kept: two machines in one process with real keys, sealing and stores, one exchange after the other;
 * the same exchanges with and without records, in turns. A line per kind: "KIND WHOLE WITHOUT WITH", microseconds of both ends together, the best of the
 * rounds; the first with the key exchange in it, without what sockets and the other processes cost, the other two the machines' steps and the stores alone.
 */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

#include "base/store.h"
#include "check/check.h"
#include "ike/ike.h"

#define ROUNDS 15
#define EXCHANGES 200 /* of a round */
#define PSK "Kx7.mQ2_vT9zLw4RbN8sPd3H"

struct end {
	struct ike *ike;
	struct store *store;
	struct conf *conf;
	struct arena arena;
	struct ike_actions actions;
};
struct pending {
	struct pending *next;
	int end;
	struct ike_event in;
	struct ike_job_result *result;
	uint8_t *octets;
};

static struct end ends[2];
static struct pending *first, **last = &first;
static struct moment now = { { 1000000 }, 1790000000 };
static double stepping; /* ns in steps and stores */
static unsigned replies;

static _Noreturn void die(const char *what)
{
	fprintf(stderr, "bench_exchange: %s\n", what);
	exit(1);
}

static double now_ns(void)
{
	struct timespec t;
	clock_gettime(CLOCK_MONOTONIC, &t);
	return (double)t.tv_sec * 1e9 + (double)t.tv_nsec;
}

static struct pending *post(int end, const struct ike_event *in)
{
	struct pending *p = xcalloc(1, sizeof *p);
	p->end = end;
	p->in = *in;
	*last = p;
	last = &p->next;
	return p;
}

/* ---------------------------------------------------------------- what the other processes do */
static int auth(struct end *e, const struct ike_job *j, struct ike_job_result *r)
{
	uint8_t body[64] = { 0 };
	const struct ident *id = &e->conf->tunnels[0]->local_id;
	size_t n = 0;
	body[0] = id->type;
	memcpy(body + 4, id->data, id->len);
	struct auth_input in = { j->prf, j->message, j->nonce, bytes_of(j->sk_p.data, j->sk_p.len),
		j->kind == JOB_AUTH_SIGN ? bytes_of(body, 4u + id->len) : j->peer_id };
	int err = psk_auth(&in, bytes_of(PSK, strlen(PSK)), r->auth, &n);
	if (err == ERR_OK && j->kind == JOB_AUTH_ANSWER) {
		struct auth_input ours = { j->prf, j->ours.message, j->ours.nonce, bytes_of(j->ours.sk_p.data, j->ours.sk_p.len),
			bytes_of(body, 4u + id->len) };
		err = psk_auth(&ours, bytes_of(PSK, strlen(PSK)), r->auth, &n);
	}
	r->auth_len = j->kind == JOB_AUTH_VERIFY ? 0 : (uint16_t)n;
	return err;
}

static void do_job(int end, const struct ike_action *a)
{
	const struct ike_job *j = &a->job.job;
	struct ike_job_result *r = xcalloc(1, sizeof *r);
	switch (j->kind) {
	case JOB_KE_OFFER: r->err = ke_generate(j->group, rng_fill, NULL, &r->priv, &r->pub); break;
	case JOB_KE_FINISH: r->err = ke_derive(&j->priv, j->peer_public, &r->shared); break;
	case JOB_KE_ACCEPT:
		r->err = ke_generate(j->group, rng_fill, NULL, &r->priv, &r->pub);
		if (r->err == ERR_OK)
			r->err = ke_derive(&r->priv, j->peer_public, &r->shared);
		break;
	case JOB_AUTH_SIGN:
	case JOB_AUTH_ANSWER:
	case JOB_AUTH_VERIFY: r->err = auth(&ends[end], j, r); break;
	case JOB_AUTH_CERT: die("no end has a certificate"); break;
	}
	struct ike_event in = { .kind = EVENT_JOB, .job = { a->job.ticket, r } };
	post(end, &in)->result = r;
}

static void do_send(int end, const struct ike_action *a)
{
	struct ike_event in = { .kind = EVENT_DATAGRAM, .datagram = { a->send.remote, a->send.local, a->send.bytes } };
	uint8_t *copy = xcalloc(1, a->send.bytes.n);
	memcpy(copy, a->send.bytes.p, a->send.bytes.n);
	in.datagram.bytes.p = copy;
	post(!end, &in)->octets = copy;
}

static void do_resolve(int end, const struct ike_action *a)
{
	struct ike_event in = { .kind = EVENT_RESOLVED,
		.resolved = { .tunnel = a->resolve.tunnel, .query = a->resolve.query, .n = 1 } };
	in.resolved.v[0] = (struct ike_path){ a->resolve.local, a->resolve.remote, 1500 };
	post(end, &in);
}

static void apply(int end, const struct ike_action *a)
{
	struct ike_event in = { .kind = EVENT_KERNEL_RESULT };
	switch (a->kind) {
	case ACTION_SEND: do_send(end, a); break;
	case ACTION_JOB: do_job(end, a); break;
	case ACTION_INSTALL:
		in.kernel.ticket = a->install.ticket;
		post(end, &in);
		break;
	case ACTION_SWITCH:
		in.kernel.ticket = a->swtch.ticket;
		post(end, &in);
		break;
	case ACTION_RESOLVE: do_resolve(end, a); break;
	case ACTION_REPLY:
		if (!a->reply.ok)
			die(a->reply.text);
		replies++;
		break;
	case ACTION_SAVE:
	case ACTION_KEEPALIVE:
	case ACTION_REMOVE:
	case ACTION_MOVE:
	case ACTION_LINK:
	case ACTION_COUNTERS:
	case ACTION_REPORT:
	case ACTION_TRACE:
	case ACTION_IDLE: break;
	}
}

/* ---------------------------------------------------------------- steps */
static void step(int end, const struct ike_event *in)
{
	struct end *e = &ends[end];
	double from = now_ns();
	ike_step(e->ike, now, in, &e->actions);
	for (uint32_t i = 0; i < e->actions.n && e->actions.v[i].kind == ACTION_SAVE; i++) {
		if (!store_put(e->store, e->actions.v[i].save.tunnel, e->actions.v[i].save.record))
			die("no room in the store");
	}
	stepping += now_ns() - from;
	for (uint32_t i = 0; i < e->actions.n; i++)
		apply(end, &e->actions.v[i]);
	ike_actions_reset(&e->actions);
}

static void run(void)
{
	while (first != NULL) {
		struct pending *p = first;
		first = p->next;
		if (first == NULL)
			last = &first;
		step(p->end, &p->in);
		free(p->result);
		free(p->octets);
		free(p);
	}
}

/* Whatever is due until then. */
static void wait_ms(msec ms)
{
	struct mono until = mono_add(now.mono, ms);
	for (;;) {
		run();
		struct mono at = mono_min(ike_next(ends[0].ike), ike_next(ends[1].ike));
		if (at.ms > until.ms)
			break;
		now.mono = at.ms > now.mono.ms ? at : now.mono;
		for (int i = 0; i < 2; i++) {
			struct ike_event in = { .kind = EVENT_TIMER };
			if (mono_due(ike_next(ends[i].ike), now.mono))
				step(i, &in);
		}
	}
	now.mono = until;
}

static void command(enum ike_command_kind kind)
{
	struct ike_event in = { .kind = EVENT_COMMAND, .command = { kind, ends[0].conf->tunnels[0]->id, 1 } };
	unsigned before = replies;
	post(0, &in);
	run();
	if (replies == before)
		die("an exchange did not end");
}

static void begin(int end)
{
	static const char text[] =
		"tunnels:\n  t:\n    local: 198.51.100.%d\n    remote: 198.51.100.%d\n    local-id: fqdn:%c.example\n"
		"    remote-id: fqdn:%c.example\n    psk: " PSK "\n    start: %s\n    dpd-interval: 10s\n    dpd-timeout: 60s\n"
		"    ike-proposals: aes256gcm16-prfsha256-x25519\n    esp-proposals: aes256gcm16-x25519\n";
	struct end *e = &ends[end];
	char settings[512], why[STORE_WHY];
	struct findings faults;
	struct store_bind b;
	snprintf(settings, sizeof settings, text, end + 1, 2 - end, 'a' + end, 'b' - end, end == 0 ? "manual" : "respond");
	struct conf_text file = { .file = "bench.yaml", .text = settings, .len = strlen(settings), .private_mode = true };
	e->conf = conf_load(&file, 1, NULL, NULL, &faults);
	if (e->conf == NULL || !store_bind_here(&b, STORE_OF_ENGINE, 1, why))
		die("no settings");
	conf_adopt(e->conf, NULL);
	findings_release(&faults);
	e->store = store_create(store_memory("bench"), &b, why);
	if (e->store == NULL)
		die(why);
	arena_init(&e->arena, 1 << 20);
	ike_actions_init(&e->actions, &e->arena);
	e->ike = ike_new(rng_fill, NULL);
	struct ike_event in = { .kind = EVENT_CONF, .conf = { .conf = e->conf } };
	post(end, &in);
	run();
}

static void keep(bool wanted)
{
	for (int i = 0; i < 2; i++)
		ike_saves(ends[i].ike, wanted);
}

/* ---------------------------------------------------------------- kinds */
static const struct kind {
	const char *name;
	enum ike_command_kind command;
} kinds[] = {
	{ "handshake", COMMAND_UP },                                       /* with the DELETE of the one before */
	{ "rekey-child", COMMAND_REKEY },                                  /* with the DELETE of the old one */
	{ "rekey-ike", COMMAND_REKEY_IKE }, { "liveness", COMMAND_TRACE }, /* of both ends */
};

/* Microseconds of an exchange: the whole, and the steps alone. */
static void measure(const struct kind *k, double *whole, double *steps)
{
	double from = now_ns();
	stepping = 0;
	for (unsigned i = 0; i < EXCHANGES; i++) {
		if (k->command == COMMAND_UP) {
			command(COMMAND_DOWN);
			wait_ms(3000);
		}
		if (k->command != COMMAND_TRACE)
			command(k->command);
		wait_ms(k->command == COMMAND_TRACE ? 10000 : 3000);
	}
	*whole = (now_ns() - from) / 1e3 / EXCHANGES;
	*steps = stepping / 1e3 / EXCHANGES;
}

int main(void)
{
	const char *why = NULL;
	if (!alg_init(&why))
		die(why);
	begin(1);
	begin(0);
	command(COMMAND_UP);
	wait_ms(5000);
	for (size_t i = 0; i < sizeof kinds / sizeof kinds[0]; i++) {
		double best[2] = { 1e9, 1e9 }, whole = 1e9;
		for (unsigned round = 0; round < 2 * ROUNDS; round++) {
			double w, s;
			keep(round % 2 == 1);
			measure(&kinds[i], &w, &s);
			best[round % 2] = s < best[round % 2] ? s : best[round % 2];
			whole = round % 2 == 0 && w < whole ? w : whole;
		}
		printf("%s %.2f %.2f %.2f\n", kinds[i].name, whole, best[0], best[1]);
	}
	return 0;
}
