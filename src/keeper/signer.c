/*
 * signer.c - the processes with the private keys of certificates: started when a signature is wanted, given the keys then, ended never but by us. Files'
 * keys are in one, keys that a provider has (PKCS#11, TPM) in another. One that dies or does not answer takes its requests with it: the exchanges
 * fail, are begun again, and find another one.
 */
#include "keeper.h"

#include <event2/event.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/log.h"
#include "helper.h"
#include "ipc/helper.h"
#include "ipc/signer.h"

#define WAITING_MAX 4096
#define ANSWER_LIMIT 20000 /* ms: a token is slow, and its requests wait for each other */
#define AGAIN 1000         /* ms between two starts */

struct request {
	struct request *next;
	struct ike_ticket ticket;
	bool void_; /* the engine that asked is gone: its numbers are another's now */
};

struct signer {
	struct keeper *keeper;
	bool tokens;
	pid_t pid;
	struct ipc *ipc; /* NULL: none runs */
	struct event *timer;
	const struct account *account;
	struct table given; /* tunnel -> the settings (struct tunnel_conf) with whose key it signs; ours, counted */
	struct request *first, **last;
	unsigned n;
	int64_t started, killed;     /* keeper_awake */
	struct helper_ending ending; /* while it has not ended no other is started: each could hang in the same driver */
};

/* s: with ERR_OK; why: with another, a provider may have had a say in it. */
static void answer(struct keeper *k, struct ike_ticket ticket, int err, const struct signer_signature *s, const char *why)
{
	struct msg_auth_result out;
	memset(&out, 0, sizeof out);
	out.err = err;
	log_escape(out.why, sizeof out.why, bytes_of(why, strlen(why)));
	if (err == ERR_OK) {
		struct buf b = buf_of(out.auth, sizeof out.auth);
		sign_auth_write(&b, sign_scheme(s->scheme), bytes_of(s->value, s->len));
		out.scheme = s->scheme;
		out.len = (uint16_t)b.len;
		out.err = b.bad ? ERR_NO_ROOM : ERR_OK;
	}
	keeper_send(k, MSG_AUTH_RESULT, ticket, &out, sizeof out);
}

static void forget_given(struct signer *s)
{
	struct tunnel_conf *t;
	size_t it = 0;
	while ((t = table_next(&s->given, &it)) != NULL)
		tunnel_conf_unref(t);
	table_release(&s->given);
	table_init(&s->given, 0);
}

static void end(struct signer *s, const char *why)
{
	if (s->ipc == NULL)
		return;
	event_del(s->timer);
	s->killed = keeper_awake();
	helper_end(&s->ending, s->keeper->base, s->pid, s->account->uid);
	ipc_free(s->ipc);
	s->ipc = NULL;
	forget_given(s);
	struct request *r = s->first;
	s->first = NULL;
	s->last = &s->first;
	s->n = 0;
	for (struct request *next; r != NULL; r = next) {
		next = r->next;
		if (!r->void_)
			answer(s->keeper, r->ticket, ERR_CRYPTO, NULL, why);
		free(r);
	}
}

static void give_up(struct signer *s, const char *why)
{
	if (keeper_may_complain(s->keeper))
		log_line(LOG_LEVEL_ERROR, "the signer of keys in %s failed: %s; another is started when it is needed",
			s->tokens ? "tokens" : "files", why);
	end(s, why);
}

static void on_gone(void *arg) { give_up(arg, "the signer ended"); }

static void on_silence(int fd, short what, void *arg)
{
	const struct signer *s = arg;
	(void)fd, (void)what;
	give_up(arg, s->tokens ? "the token does not answer within 20 s" : "the signer does not answer within 20 s");
}

/* Of the first that waits. */
static void set_timer(struct signer *s)
{
	struct timeval limit = { ANSWER_LIMIT / 1000, 0 };
	event_del(s->timer);
	if (s->first != NULL)
		event_add(s->timer, &limit);
}

static void on_message(void *arg, struct ipc_message *m)
{
	struct signer *s = arg;
	struct signer_signature in;
	struct request *r = s->first;
	bool ok = m->head.kind == SIGNER_SIGNATURE && m->head.size == sizeof in && m->n_fds == 0 && r != NULL &&
		  r->ticket.sa == m->head.ticket.sa && r->ticket.job == m->head.ticket.job;
	if (ok) {
		memcpy(&in, m->body, sizeof in);
		ok = in.len <= sizeof in.value && memchr(in.why, 0, sizeof in.why) != NULL &&
		     (in.err != ERR_OK || sign_scheme(in.scheme) != NULL);
	}
	if (!ok) {
		give_up(s, "the signer said something that is no answer");
		return;
	}
	s->first = r->next;
	if (s->first == NULL)
		s->last = &s->first;
	s->n--;
	set_timer(s);
	if (!r->void_)
		answer(s->keeper, r->ticket, in.err, &in, in.why);
	free(r);
}

/* NULL, or why there is none. */
static const char *start(struct signer *s)
{
	struct keeper *k = s->keeper;
	struct signer_setup setup = { .uid = s->account->uid, .gid = s->account->gid, .tokens = s->tokens };
	struct ipc_watcher w = { on_message, on_gone, s };
	int fd;
	if (s->started != 0 && keeper_awake() - s->started < AGAIN)
		return "the signer has failed a moment ago";
	if (s->ending.pid != 0) /* nobody has ended yet who was killed just now */
		return keeper_awake() - s->killed < AGAIN ? "the signer has failed a moment ago"
		       : s->tokens ? "the signer was killed and does not end: it hangs in the driver of its token"
				   : "the signer was killed and does not end";
	s->started = keeper_awake();
	snprintf(setup.root, sizeof setup.root, "%s/empty", k->opt.rundir);
	for (; s->tokens && setup.n_groups < k->accounts.n_token_groups; setup.n_groups++)
		setup.groups[setup.n_groups] = k->accounts.token_groups[setup.n_groups];
	int err = helper_start(k->signer_program, SIGNER_PROGRAM, &s->pid, &fd);
	if (err != 0) {
		if (keeper_may_complain(k))
			log_line(LOG_LEVEL_ERROR, "cannot start the signer: %s", strerror(-err));
		return "the signer cannot be started";
	}
	s->ipc = ipc_new(fd);
	ipc_watch(s->ipc, k->base, &w);
	bool sent = ipc_send(s->ipc, SIGNER_SETUP, (struct ike_ticket){ 0, 0 }, &setup, sizeof setup);
	ipc_cork(s->ipc);
	return sent ? NULL : "the signer cannot be given work";
}

static struct signer *signer_for(struct keeper *k, const struct tunnel_conf *t)
{
	const struct psk *file = t->cert.key;
	bool token = pkey_is_uri(t->cert.private_key) || (file != NULL && pkey_of_tpm(bytes_of(file->data, file->len)));
	struct signer **at = &k->signers[token];
	if (*at != NULL)
		return *at;
	struct signer *s = *at = xcalloc(1, sizeof *s);
	s->keeper = k;
	s->tokens = at == &k->signers[1];
	s->account = s->tokens ? &k->accounts.token : &k->accounts.signer;
	s->last = &s->first;
	s->timer = evtimer_new(k->base, on_silence, s);
	table_init(&s->given, 0);
	return s;
}

static bool give_key(struct signer *s, struct tunnel_conf *t)
{
	bool uri = pkey_is_uri(t->cert.private_key);
	struct bytes key = uri                   ? bytes_of(t->cert.private_key, strlen(t->cert.private_key))
			   : t->cert.key != NULL ? bytes_of(t->cert.key->data, t->cert.key->len)
						 : bytes_of(NULL, 0);
	struct bytes leaf = s->tokens && t->cert.chain.n > 0
				    ? t->cert.chain.v[0]
				    : bytes_of(NULL, 0); /* a file was held against it when it was read */
	struct signer_key head = { .tunnel = t->id, .size = (uint32_t)key.n, .leaf = (uint32_t)leaf.n, .uri = uri };
	struct tunnel_conf *had = table_get(&s->given, t->id);
	size_t size = sizeof head + key.n + leaf.n;
	if (had == t)
		return true;
	if (key.n == 0 || size > IPC_BODY_MAX)
		return false;
	uint8_t *body = xcalloc(1, size);
	struct buf b = buf_of(body, size);
	put_bytes(&b, &head, sizeof head);
	put_view(&b, key);
	put_view(&b, leaf);
	bool ok = ipc_send(s->ipc, SIGNER_KEY, (struct ike_ticket){ 0, 0 }, body, size);
	wipe(body, size);
	free(body);
	if (had != NULL)
		tunnel_conf_unref(table_del(&s->given, t->id));
	table_put(&s->given, t->id, tunnel_conf_ref(t));
	return ok;
}

static bool send_octets(
	struct signer *s, const struct tunnel_conf *t, struct ike_ticket ticket, uint8_t scheme, const struct sign_octets *octets)
{
	struct signer_sign head = { .tunnel = t->id, .scheme = scheme };
	for (unsigned i = 0; i < SIGN_PARTS; i++)
		head.size += (uint32_t)octets->part[i].n;
	size_t size = sizeof head + head.size;
	if (size > IPC_BODY_MAX)
		return false;
	uint8_t *body = xcalloc(1, size);
	struct buf b = buf_of(body, size);
	put_bytes(&b, &head, sizeof head);
	for (unsigned i = 0; i < SIGN_PARTS; i++)
		put_view(&b, octets->part[i]);
	bool ok = ipc_send(s->ipc, SIGNER_SIGN, ticket, body, size);
	free(body);
	return ok;
}

static void enqueue(struct signer *s, struct ike_ticket ticket)
{
	struct request *r = xcalloc(1, sizeof *r);
	r->ticket = ticket;
	*s->last = r;
	s->last = &r->next;
	if (s->n++ == 0)
		set_timer(s);
}

/* By our own certificate's key, and by what the peer understands; NULL: nothing that both ends can do. */
static const struct sign_scheme *choose(const struct tunnel_conf *t, uint32_t hashes)
{
	enum key_kind kind;
	uint16_t bits;
	if (t->cert.chain.n == 0 || !cert_key(t->cert.chain.v[0], &kind, &bits)) /* the loader has told it */
		return NULL;
	struct sign_wish wish = { .key = kind, .bits = bits, .hashes = hashes, .sha1 = tunnel_conf_sha1_auth(t) };
	return sign_choose(&wish);
}

void keeper_sign(struct keeper *k, struct tunnel_conf *t, struct ike_ticket ticket, uint32_t hashes, const struct auth_input *in)
{
	const struct sign_scheme *scheme = choose(t, hashes);
	struct sign_octets octets;
	int err = scheme != NULL ? sign_octets(in, &octets) : ERR_NO_MATCH;
	struct signer *s = signer_for(k, t);
	if (err == ERR_OK && s->n >= WAITING_MAX)
		err = ERR_TOO_MUCH;
	const char *why = err == ERR_OK && s->ipc == NULL ? start(s) : NULL;
	if (why != NULL)
		err = ERR_CRYPTO;
	if (err != ERR_OK) {
		answer(k, ticket, err, NULL, why != NULL ? why : "");
		return;
	}
	enqueue(s, ticket); /* from here on its end answers */
	if (!give_key(s, t) || !send_octets(s, t, ticket, scheme->id, &octets))
		give_up(s, "the signer cannot be given work");
}

void keeper_signers_flush(struct keeper *k)
{
	for (unsigned i = 0; i < 2; i++)
		if (k->signers[i] != NULL && k->signers[i]->ipc != NULL)
			ipc_flush(k->signers[i]->ipc);
}

void keeper_signers_forget(struct keeper *k)
{
	for (unsigned i = 0; i < 2; i++) {
		struct signer *s = k->signers[i];
		if (s == NULL || s->ipc == NULL || table_count(&s->given) == 0)
			continue;
		forget_given(s);
		if (!ipc_send(s->ipc, SIGNER_FORGET, (struct ike_ticket){ 0, 0 }, NULL, 0))
			give_up(s, "the signer does not read");
	}
}

void keeper_signers_nobody_waits(struct keeper *k)
{
	for (unsigned i = 0; i < 2; i++)
		for (struct request *r = k->signers[i] != NULL ? k->signers[i]->first : NULL; r != NULL; r = r->next)
			r->void_ = true;
}

void keeper_signers_stop(struct keeper *k)
{
	for (unsigned i = 0; i < 2; i++) {
		struct signer *s = k->signers[i];
		if (s == NULL)
			continue;
		end(s, "the daemon ends");
		helper_leave(&s->ending);
		event_free(s->timer);
		table_release(&s->given);
		free(s);
		k->signers[i] = NULL;
	}
}
