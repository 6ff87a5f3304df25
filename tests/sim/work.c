/*
 * work.c - what the daemon does on worker threads and elsewhere: key exchange, AUTH, names.
 *
 * The key exchange is g^x modulo a prime of 61 bits, blown up to the size of the group's values: commutative, cheap, and any changed bit is noticed.
 */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "crypto/pkey.h"
#include "engine/prove.h"
#include "world.h"

#define PRIME 2305843009213693951u /* 2^61 - 1 */

static uint64_t power(uint64_t base, uint64_t x)
{
	unsigned __int128 result = 1, b = base % PRIME;
	for (; x; x >>= 1, b = b * b % PRIME)
		if (x & 1)
			result = result * b % PRIME;
	return (uint64_t)result;
}

static void blow_up(uint64_t v, uint16_t group, uint8_t *out, size_t n)
{
	struct prng p = { v ^ group };
	memcpy(out, &v, 8);
	prng_fill(&p, out + 8, n - 8);
}

static void ke_make(struct host *h, uint16_t group, struct ike_job_result *r)
{
	uint64_t x = prng_next(&h->fill) >> 4 | 1;
	size_t n = ke_public_size(group);
	r->priv.group = group;
	r->priv.len = 8;
	memcpy(r->priv.data, &x, 8);
	r->pub.len = (uint16_t)n;
	blow_up(power(3, x), group, r->pub.data, n);
}

static size_t shared_size(uint16_t group)
{
	size_t n = ke_public_size(group);
	return group == GROUP_ECP_256 || group == GROUP_ECP_384 || group == GROUP_ECP_521 ? n / 2 : n;
}

static int ke_finish(const struct ke_private *priv, struct bytes peer, struct ike_job_result *r)
{
	uint8_t good[KE_PUBLIC_MAX];
	uint64_t x, y;
	if (peer.n != ke_public_size(priv->group) || peer.n < 8 || priv->len != 8)
		return ERR_BAD_KE;
	memcpy(&y, peer.p, 8);
	blow_up(y, priv->group, good, peer.n);
	if (memcmp(good, peer.p, peer.n) || y < 2)
		return ERR_BAD_KE;
	memcpy(&x, priv->data, 8);
	r->shared.len = (uint16_t)shared_size(priv->group);
	blow_up(power(y, x), priv->group, r->shared.data, r->shared.len);
	return ERR_OK;
}

/* ---------------------------------------------------------------- AUTH */

static struct tunnel_conf *keeper_tunnel(struct host *h, uint32_t id)
{
	for (uint32_t i = 0; h->conf && i < h->conf->n; i++)
		if (h->conf->tunnels[i]->id == id)
			return h->conf->tunnels[i];
	return NULL;
}

/* Our own identity is what the keeper has, never what it is told; the peer's must be the tunnel's. */
static struct bytes id_body(
	struct world *w, struct host *h, const struct tunnel_conf *t, const struct ike_job *j, uint8_t room[4 + IDENT_MAX])
{
	struct bytes ip = addr_bytes(&j->local);
	struct ident by_address = { ip.n == 16 ? ID_IPV6_ADDR : ID_IPV4_ADDR, (uint16_t)ip.n, (uint8_t *)(uintptr_t)ip.p };
	const struct ident *id = t->local_id.type ? &t->local_id : &by_address;
	struct ident peer;
	if (j->kind == JOB_AUTH_VERIFY) {
		peer = (struct ident){ j->peer_id.p[0], (uint16_t)(j->peer_id.n - 4), (uint8_t *)(uintptr_t)j->peer_id.p + 4 };
		if (t->remote_id.type && !ident_equal(&t->remote_id, &peer))
			world_fail(w, "%c: AUTH is checked for an identity that tunnel %s does not have", h->name, t->name);
		return j->peer_id;
	}
	struct buf b = buf_of(room, 4 + IDENT_MAX);
	put_u32(&b, (uint32_t)id->type << 24);
	put_bytes(&b, id->data, id->len);
	return buf_view(&b);
}

/* As the keeper judges: whoever proves itself does so over the IKE_SA_INIT of its own role. */
static void judge_message(struct world *w, struct host *h, const struct tunnel_conf *t, const struct ike_job *j)
{
	struct header m;
	bool by_initiator = (j->kind == JOB_AUTH_SIGN) == j->initiator;
	int err = header_decode(&m, j->message);
	unsigned flags = m.flags & (IKE_FLAG_INITIATOR | IKE_FLAG_RESPONSE);
	if (err != ERR_OK || m.exchange != EXCHANGE_IKE_SA_INIT || m.message_id ||
		flags != (by_initiator ? IKE_FLAG_INITIATOR : IKE_FLAG_RESPONSE))
		world_fail(w, "%c: AUTH is asked for over a message that is not the %s's IKE_SA_INIT", h->name,
			by_initiator ? "initiator" : "responder");
	if (j->initiator && t->remote_any)
		world_fail(w, "%c: AUTH of an initiator is asked for, and nobody initiates to any peer: %s", h->name, t->name);
}

/* As keeper and signer do it. */
static int sign(const struct host *h, const struct tunnel_conf *t, const struct ike_job *j, const struct auth_input *in,
	struct ike_job_result *r)
{
	struct cert_facts own;
	struct sign_octets octets;
	uint8_t value[SIGN_MAX];
	size_t n = 0;
	const char *why = "";
	enum cert_cause unread;
	struct cert *c = cert_read(t->cert.chain.v[0], &unread);
	cert_facts(c, &own);
	cert_free(c);
	struct sign_wish wish = { .key = own.key, .bits = own.bits, .hashes = j->hashes, .sha1 = tunnel_conf_sha1_auth(t) };
	const struct sign_scheme *scheme = sign_choose(&wish);
	int err = scheme ? sign_octets(in, &octets) : ERR_NO_MATCH;
	if (err != ERR_OK)
		return err;
	if (h->token_away) {
		snprintf(r->why, sizeof r->why, "%s", TOKEN_AWAY);
		return ERR_CRYPTO;
	}
	struct pkey *key = pkey_open(&(struct pkey_source){ .file = bytes_of(t->cert.key->data, t->cert.key->len) }, &why);
	err = key ? pkey_sign(key, scheme, octets.part, SIGN_PARTS, value, &n) : ERR_CRYPTO;
	pkey_close(key);
	struct buf b = buf_of(r->auth, sizeof r->auth);
	if (err == ERR_OK)
		sign_auth_write(&b, scheme, bytes_of(value, n));
	r->auth_len = (uint16_t)b.len;
	r->scheme = scheme->id;
	return err;
}

static int check_certificate(struct world *w, struct host *h, const struct ike_job *j, struct ike_job_result *r)
{
	const struct tunnel_conf *t = keeper_tunnel(h, j->tunnel);
	const char *why = "";
	struct anchors *a = j->conf ? prove_anchors(j->conf, &why) : NULL;
	if (!t || !a)
		return ERR_CRYPTO;
	if (j->conf->cert.key)
		world_fail(w, "%c: the engine has the private key of tunnel %s", h->name, t->name);
	judge_message(w, h, t, j);
	prove(a, j, r);
	anchors_free(a);
	return r->err;
}

static int auth(struct world *w, struct host *h, const struct ike_job *j, struct ike_job_result *r)
{
	const struct tunnel_conf *t = keeper_tunnel(h, j->tunnel);
	uint8_t room[4 + IDENT_MAX];
	size_t n = 0;
	if (!t || (t->cert.set ? !t->cert.key || j->kind != JOB_AUTH_SIGN || !j->by_cert : !t->psk))
		return ERR_CRYPTO;
	if (t->cert.set && j->leaf != cert_conf_leaf(&t->cert))
		return ERR_STALE;
	judge_message(w, h, t, j);
	struct auth_input in = { j->prf, j->message, j->nonce, bytes_of(j->sk_p.data, j->sk_p.len), id_body(w, h, t, j, room) };
	if (t->cert.set)
		return sign(h, t, j, &in, r);
	int err = psk_auth(&in, bytes_of(t->psk->data, t->psk->len), r->auth, &n);
	if (err != ERR_OK)
		return err;
	if (j->kind == JOB_AUTH_SIGN) {
		r->auth_len = (uint16_t)n;
		return ERR_OK;
	}
	bool same = j->auth.n == n && same_secret(j->auth.p, r->auth, n);
	memset(r->auth, 0, sizeof r->auth); /* the engine is not to learn what the right answer was */
	return same ? ERR_OK : ERR_INTEGRITY;
}

/* Both in one: ours only when the peer's is right. */
static int answer(struct world *w, struct host *h, const struct ike_job *j, struct ike_job_result *r)
{
	struct ike_job one = *j;
	if (j->initiator || j->by_cert)
		world_fail(w, "%c: an initiator's AUTH, or one by certificate, is asked for before the peer is proven", h->name);
	one.kind = JOB_AUTH_VERIFY;
	int err = auth(w, h, &one, r);
	if (err != ERR_OK)
		return err;
	one = *j;
	one.kind = JOB_AUTH_SIGN;
	one.message = j->ours.message;
	one.nonce = j->ours.nonce;
	one.sk_p = j->ours.sk_p;
	err = auth(w, h, &one, r);
	secret_clear(&one.sk_p);
	return err;
}

void work_job(struct world *w, int host, const struct ike_action *a)
{
	struct host *h = &w->hosts[host];
	const struct ike_job *j = &a->job.job;
	struct ike_job_result *r = xcalloc(1, sizeof *r);
	switch (j->kind) {
	case JOB_KE_OFFER: ke_make(h, j->group, r); break;
	case JOB_KE_FINISH: r->err = ke_finish(&j->priv, j->peer_public, r); break;
	case JOB_KE_ACCEPT:
		ke_make(h, j->group, r);
		r->err = ke_finish(&r->priv, j->peer_public, r);
		break;
	case JOB_AUTH_SIGN:
	case JOB_AUTH_VERIFY: r->err = auth(w, h, j, r); break;
	case JOB_AUTH_ANSWER: r->err = answer(w, h, j, r); break;
	case JOB_AUTH_CERT: r->err = check_certificate(w, h, j, r); break;
	}
	struct wevent *e = world_at(w, prng_between(&w->random, 0, w->job_max), W_JOB, host);
	e->job.ticket = a->job.ticket;
	e->job.result = r;
	if (j->kind == JOB_AUTH_ANSWER || j->kind == JOB_AUTH_VERIFY) {
		h->verdict.ticket = a->job.ticket;
		h->verdict.err = r->err;
		h->verdict.at = e->at;
	}
	h->jobs_pending++;
}

/* ---------------------------------------------------------------- names and routes */

void work_resolve(struct world *w, int host, const struct ike_action *a)
{
	struct wevent *e = world_at(w, prng_between(&w->random, 0, w->job_max), W_RESOLVED, host);
	e->resolved.tunnel = a->resolve.tunnel;
	e->resolved.query = a->resolve.query;
	struct addr remote = a->resolve.remote;
	for (unsigned i = 0; a->resolve.name && i < w->n_dns; i++)
		if (!strcmp(w->dns[i].name, a->resolve.name))
			remote = w->dns[i].addr;
	e->resolved.path.remote = remote;
	e->resolved.path.local = a->resolve.local.family ? a->resolve.local : w->hosts[host].addr;
}
