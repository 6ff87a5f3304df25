/*
 * two_ends.h - two machines in one process with real keys and sealing: what one sends the other gets, jobs and the kernel answer at once. Included by the one
 * file of a program.
 */
#ifndef TWO_ENDS_H
#define TWO_ENDS_H

#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

#include "base/store.h"
#include "check/check.h"
#include "ike/ike.h"

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
static double stepping[2]; /* of each end: ns in steps and stores */
static unsigned replies;

static _Noreturn void die(const char *what)
{
	fprintf(stderr, "bench: %s\n", what);
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
		const struct ike_action *a = &e->actions.v[i];
		if (e->store != NULL && !(a->save.noted ? store_note(e->store, a->save.tunnel, a->save.note)
							: store_put(e->store, a->save.tunnel, a->save.record)))
			die("no room in the store");
	}
	stepping[end] += now_ns() - from;
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

static void command(enum ike_command_kind kind, uint32_t tunnel)
{
	struct ike_event in = { .kind = EVENT_COMMAND, .command = { kind, tunnel, 1 } };
	unsigned before = replies;
	post(0, &in);
	run();
	if (replies == before)
		die("an exchange did not end");
}

/* An end with these settings; it keeps records where it has a store. */
static void begin(int end, const char *settings, struct store *store)
{
	struct end *e = &ends[end];
	struct findings faults;
	struct conf_text file = { .file = "bench.yaml", .text = settings, .len = strlen(settings), .private_mode = true };
	e->conf = conf_load(&file, 1, NULL, NULL, &faults);
	if (e->conf == NULL)
		die(faults.n > 0 ? faults.v[0].text : "no settings");
	conf_adopt(e->conf, NULL);
	findings_release(&faults);
	e->store = store;
	arena_init(&e->arena, 1 << 20);
	ike_actions_init(&e->actions, &e->arena);
	e->ike = ike_new(rng_fill, NULL);
	ike_saves(e->ike, store != NULL);
	struct ike_event in = { .kind = EVENT_CONF, .conf = { .conf = e->conf } };
	post(end, &in);
	run();
}

#endif
