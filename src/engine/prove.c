/* prove.c - see prove.h. */
#include "prove.h"

#include <pthread.h>
#include <stdlib.h>

#include "base/log.h"
#include "base/table.h"

struct anchors *prove_anchors(const struct tunnel_conf *t, const char **why)
{
	const struct cert_conf *c = &t->cert;
	struct anchors_conf conf = { c->cas.v, c->cas.n, c->crls.v, c->crls.n, c->crl_policy };
	return anchors_new(&conf, why);
}

void prove(const struct anchors *a, const struct ike_job *j, struct ike_job_result *r)
{
	const struct tunnel_conf *t = j->conf;
	struct auth_input in = { j->prf, j->message, j->nonce, bytes_of(j->sk_p.data, j->sk_p.len), j->peer_id };
	struct cert_claim claim = { .chain = j->chain,
		.n_chain = j->n_chain,
		.id_type = t->remote_id.type,
		.id = bytes_of(t->remote_id.data, t->remote_id.len),
		.pin = t->cert.pinned ? t->cert.pin : NULL,
		.now = j->wall,
		.earliest = j->earliest,
		.sha1 = tunnel_conf_sha1_auth(t) };
	struct sign_octets octets;
	claim.method = j->method;
	claim.auth = j->auth;
	r->err = a != NULL ? sign_octets(&in, &octets) : ERR_CRYPTO;
	if (r->err != ERR_OK)
		return;
	claim.octets = &octets;
	cert_judge(a, &claim, &r->verdict);
	r->err = r->verdict.cause == CERT_OK && r->verdict.scheme != NULL ? ERR_OK : ERR_INTEGRITY;
}

/* ---------------------------------------------------------------- kept */

struct trust {
	struct tunnel_conf *conf; /* counted: what it is made of */
	unsigned users;           /* loop's thread only */
	bool told;
	pthread_mutex_t lock;
	bool made; /* under lock, as is what was made */
	struct anchors *anchors;
	const char *why;
};
struct of_tunnel {
	struct tunnel_conf *conf; /* counted: the settings as they are now */
	struct trust *trust;
};
struct trusted {
	struct table v; /* tunnel -> of_tunnel */
};

static struct trust *trust_new(struct tunnel_conf *conf)
{
	struct trust *t = xcalloc(1, sizeof *t);
	t->conf = tunnel_conf_ref(conf);
	t->users = 1;
	t->why = "";
	pthread_mutex_init(&t->lock, NULL);
	return t;
}

void trust_let_go(struct trust *t)
{
	if (t == NULL || --t->users > 0)
		return;
	tunnel_conf_unref(t->conf);
	anchors_free(t->anchors);
	pthread_mutex_destroy(&t->lock);
	free(t);
}

const struct anchors *trust_anchors(struct trust *t)
{
	pthread_mutex_lock(&t->lock);
	if (!t->made)
		t->anchors = prove_anchors(t->conf, &t->why);
	t->made = true;
	pthread_mutex_unlock(&t->lock);
	return t->anchors;
}

void trust_complain(struct trust *t)
{
	if (trust_anchors(t) != NULL || t->told)
		return;
	t->told = true;
	log_line(LOG_LEVEL_ERROR, "%s: ca: %s", t->conf->name, t->why);
}

struct trusted *trusted_new(void)
{
	struct trusted *t = xcalloc(1, sizeof *t);
	table_init(&t->v, 0);
	return t;
}

static void forget(struct trusted *t, struct of_tunnel *o)
{
	table_del(&t->v, o->conf->id);
	tunnel_conf_unref(o->conf);
	trust_let_go(o->trust);
	free(o);
}

void trusted_free(struct trusted *t)
{
	struct of_tunnel *o;
	size_t it = 0;
	while ((o = table_next(&t->v, &it)) != NULL)
		forget(t, o);
	table_release(&t->v);
	free(t);
}

void trusted_settle(struct trusted *t, const struct conf *c)
{
	struct of_tunnel *o;
	size_t it = 0;
	while ((o = table_next(&t->v, &it)) != NULL) {
		const struct tunnel_conf *now = conf_find(c, o->conf->name);
		if (now == NULL || now->id != o->conf->id || !now->cert.set || !tunnel_conf_same_trust(now, o->conf))
			forget(t, o);
	}
}

struct trust *trusted_hold(struct trusted *t, struct tunnel_conf *conf)
{
	struct of_tunnel *o = table_get(&t->v, conf->id);
	if (o != NULL && o->conf != conf && !tunnel_conf_same_trust(o->conf, conf)) {
		forget(t, o);
		o = NULL;
	}
	if (o == NULL) {
		o = xcalloc(1, sizeof *o);
		*o = (struct of_tunnel){ tunnel_conf_ref(conf), trust_new(conf) };
		table_put(&t->v, conf->id, o);
	} else if (o->conf != conf) {
		tunnel_conf_unref(o->conf);
		o->conf = tunnel_conf_ref(conf);
	}
	o->trust->users++;
	return o->trust;
}
