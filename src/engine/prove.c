/* prove.c - see prove.h. */
#include "prove.h"

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

struct of_tunnel {
	struct tunnel_conf *conf; /* counted */
	struct anchors *anchors;
};
struct trusted {
	struct table v; /* tunnel -> of_tunnel */
};

struct trusted *trusted_new(void)
{
	struct trusted *t = xcalloc(1, sizeof *t);
	table_init(&t->v, 0);
	return t;
}

void trusted_forget(struct trusted *t)
{
	struct of_tunnel *o;
	size_t it = 0;
	while ((o = table_next(&t->v, &it)) != NULL) {
		table_del(&t->v, o->conf->id);
		tunnel_conf_unref(o->conf);
		anchors_free(o->anchors);
		free(o);
	}
}

void trusted_free(struct trusted *t)
{
	trusted_forget(t);
	table_release(&t->v);
	free(t);
}

struct anchors *trusted_hold(struct trusted *t, struct tunnel_conf *conf)
{
	struct of_tunnel *o = table_get(&t->v, conf->id);
	const char *why = "";
	if (o != NULL && o->conf == conf)
		return anchors_hold(o->anchors);
	struct anchors *fresh = prove_anchors(conf, &why);
	if (fresh == NULL) {
		log_line(LOG_LEVEL_ERROR, "%s: ca: %s", conf->name, why);
		return NULL;
	}
	if (o == NULL) {
		o = xcalloc(1, sizeof *o);
		table_put(&t->v, conf->id, o);
	} else {
		tunnel_conf_unref(o->conf);
		anchors_free(o->anchors);
	}
	*o = (struct of_tunnel){ tunnel_conf_ref(conf), anchors_hold(fresh) };
	return fresh;
}
