/*
 * cert.c - what IKE_SA_INIT and IKE_AUTH carry of certificates (RFC 7296 1.2, 3.6, 3.7; RFC 7427 4), and what becomes of an IKE SA that was made with
 * them. Nothing is parsed here: the peer's certificates go as they came to a job, which judges chain, identity and signature together.
 *
 *	                                  <--  ..., CERTREQ, N(SIGNATURE_HASH_ALGORITHMS)      the latter in both IKE_SA_INIT
 *	SK {IDi, CERT+, CERTREQ, ...}     -->
 *	                                  <--  SK {IDr, CERT+, ...}
 *
 * HTTP_CERT_LOOKUP_SUPPORTED is never said, and a CERT that is a URL is none: nothing is fetched because a stranger asks for it.
 */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "machine.h"

#define X509_SIGNATURE 4 /* RFC 7296 3.6: one certificate in DER; all other encodings are passed over */

bool by_certificate(const struct tunnel *t) { return t->conf->cert.set; }

/* ---------------------------------------------------------------- what is said of ourselves */

void cert_announce(struct step *s, struct writer *w)
{
	uint8_t data[SIGN_HASHES_SIZE];
	if (!s->ike->certificates)
		return;
	sign_hashes_write(data);
	struct payload p = payload_notify(NOTIFY_SIGNATURE_HASH_ALGORITHMS, bytes_of(data, sizeof data));
	message_add(w, &p);
}

static bool has_hash(const uint8_t *v, unsigned n, const uint8_t *hash)
{
	for (unsigned i = 0; i < n; i++)
		if (!memcmp(v + i * CA_HASH, hash, CA_HASH))
			return true;
	return false;
}

/* CAs that we do not know are no reason to refuse anything: they explain a refusal of the peer's, if one comes. */
static void note_asked(struct asked_cas *asked, const struct tunnel *t, struct bytes hashes)
{
	for (size_t at = 0; at + CA_HASH <= hashes.n && asked->n < UINT16_MAX; at += CA_HASH) {
		const uint8_t *hash = hashes.p + at;
		bool known = has_hash(t->ca_hashes, t->n_ca_hashes, hash);
		if (!asked->n || (known && !asked->known))
			memcpy(asked->one, hash, CA_HASH);
		asked->known += known;
		asked->n++;
		asked->ours |= has_hash(t->issuer_hashes, t->n_issuer_hashes, hash);
	}
}

void cert_heard(struct negotiation *n, const struct tunnel *t, const struct message *m, bool inner)
{
	const struct payload *p = message_find_notify(m, NOTIFY_SIGNATURE_HASH_ALGORITHMS, inner);
	if (p)
		n->hashes = sign_hashes_read(p->notify.data);
	for (p = message_find(m, PAYLOAD_CERTREQ, inner); p; p = message_next(m, p, PAYLOAD_CERTREQ, inner)) {
		if (p->certreq.encoding != X509_SIGNATURE)
			continue;
		n->cert_asked = true;
		if (t && by_certificate(t))
			note_asked(&n->asked_cas, t, p->certreq.hashes);
	}
}

static struct payload request_of(const uint8_t *hashes, unsigned n)
{
	struct payload p = { .type = PAYLOAD_CERTREQ };
	p.certreq.encoding = X509_SIGNATURE;
	p.certreq.hashes = bytes_of(hashes, (size_t)n * CA_HASH);
	return p;
}

static void name_cas(struct named_cas *all, const uint8_t *hashes, unsigned n)
{
	for (unsigned i = 0; i < n && all->n < REQUESTED_MAX; i++)
		if (!has_hash(all->hash, all->n, hashes + i * CA_HASH))
			memcpy(all->hash + all->n++ * CA_HASH, hashes + i * CA_HASH, CA_HASH);
}

/* Only when it is asked for: an order may stop or start thousands of tunnels, one after the other. */
static const struct named_cas *gather(struct ike *ike)
{
	struct named_cas *all = &ike->any_cas;
	if (!all->stale)
		return all;
	*all = (struct named_cas){ 0 };
	for (const struct tunnel *t = ike->any; t; t = t->chain) {
		if (!by_certificate(t) || t->held)
			continue;
		all->some = true;
		all->bound |= t->conf->local.family != 0;
		name_cas(all, t->ca_hashes, t->n_ca_hashes);
	}
	return all;
}

/* Of all tunnels that the peer may be for: which one it is shows in IKE_AUTH. */
void cert_request_any(struct step *s, const struct sa *sa, struct writer *w)
{
	const struct named_cas *gathered = gather(s->ike);
	struct named_cas all = { 0 };
	struct tunnel *t = NULL;
	while (s->ike->certificates && all.n < REQUESTED_MAX &&
		(t = tunnel_next_at(s->ike, t, &sa->core.local, &sa->core.remote))) {
		if (t->conf->remote_any && !gathered->bound) { /* these are the last */
			all.some |= gathered->some;
			name_cas(&all, gathered->hash, gathered->n);
			break;
		}
		all.some |= by_certificate(t) && !t->held;
		if (!t->held)
			name_cas(&all, t->ca_hashes, t->n_ca_hashes);
	}
	if (!all.some)
		return;
	struct payload p = request_of(all.hash, all.n);
	message_add(w, &p);
}

void cert_request(struct chain *c, const struct tunnel *t)
{
	if (!by_certificate(t))
		return;
	struct payload p = request_of(t->ca_hashes, t->n_ca_hashes);
	chain_add(c, &p);
}

static bool sends(const struct tunnel_conf *conf, bool asked)
{
	switch (conf->cert.send) {
	case SEND_CERTIFICATE_ALWAYS: return true;
	case SEND_CERTIFICATE_ASKED: return asked;
	case SEND_CERTIFICATE_NEVER: return false;
	}
	return true;
}

/* The first is our own (RFC 7296 3.6); the order of the others does not matter. */
void cert_add_chain(struct chain *c, const struct tunnel *t, const struct negotiation *n)
{
	const struct tunnel_conf *conf = n->signs; /* a reload may have brought another key since */
	if (!by_certificate(t) || !conf || !sends(conf, n->cert_asked))
		return;
	for (unsigned i = 0; i < conf->cert.chain.n; i++) {
		struct payload p = { .type = PAYLOAD_CERT };
		p.cert.encoding = X509_SIGNATURE;
		p.cert.value = conf->cert.chain.v[i];
		chain_add(c, &p);
	}
}

/* Into v, which has room for all of them. */
static void add_hash(uint8_t *v, unsigned *n, const struct cert *ca)
{
	if (cert_key_hash(ca, v + *n * CA_HASH) == ERR_OK)
		++*n;
}

/* Ours in their order, NULL where one cannot be read, and until when all of them are valid. */
static void read_own(struct tunnel *t, struct cert *own[CERT_CHAIN_MAX])
{
	const struct der_list *chain = &t->conf->cert.chain;
	struct cert_facts facts;
	enum cert_cause why; /* the loader has told it */
	for (unsigned i = 0; i < chain->n && i < CERT_CHAIN_MAX && t->conf->cert.set; i++) {
		own[i] = cert_read(chain->v[i], &why);
		if (!own[i])
			continue;
		cert_facts(own[i], &facts);
		t->own_until = !t->own_until || facts.not_after < t->own_until ? facts.not_after : t->own_until;
		t->issuer_known = facts.self_issued;
		if (!i) {
			t->own_from = facts.not_before;
			t->own = xcalloc(1, sizeof *t->own);
			*t->own = facts;
		}
		if (i)
			add_hash(t->issuer_hashes, &t->n_issuer_hashes, own[i]);
	}
}

/* The last of them is whose issuer is not in the chain. */
static void note_issuer(struct tunnel *t, const struct cert *ca, struct cert *const own[CERT_CHAIN_MAX])
{
	bool one = false, last = false;
	for (unsigned i = 0; i < CERT_CHAIN_MAX; i++)
		if (own[i])
			one |= last = cert_issued(ca, own[i]);
	if (one)
		add_hash(t->issuer_hashes, &t->n_issuer_hashes, ca);
	t->issuer_known |= last;
}

/* What the settings say of our CAs and of our own certificate, read once: a hub names its CAs to every stranger. */
void cert_configure(struct tunnel *t)
{
	const struct cert_conf *conf = &t->conf->cert;
	struct cert *own[CERT_CHAIN_MAX] = { NULL };
	enum cert_cause why; /* the loader has told it */
	cert_forget(t);
	if (!conf->set)
		return;
	t->ca_hashes = xcalloc(conf->cas.n + 1u, CA_HASH);
	t->issuer_hashes = xcalloc(conf->cas.n + CERT_CHAIN_MAX, CA_HASH);
	t->remote_name = ident_name(&t->conf->remote_id);
	read_own(t, own);
	for (unsigned i = 0; i < conf->cas.n; i++) {
		struct cert *ca = cert_read(conf->cas.v[i], &why);
		if (ca)
			add_hash(t->ca_hashes, &t->n_ca_hashes, ca);
		if (ca)
			note_issuer(t, ca, own);
		cert_free(ca);
	}
	for (unsigned i = 0; i < CERT_CHAIN_MAX; i++)
		cert_free(own[i]);
}

void cert_forget(struct tunnel *t)
{
	free(t->ca_hashes);
	free(t->issuer_hashes);
	free(t->own);
	t->own = NULL;
	t->ca_hashes = t->issuer_hashes = NULL;
	t->n_ca_hashes = t->n_issuer_hashes = 0;
	t->issuer_known = false;
	t->own_until = t->own_from = 0;
	t->remote_name = 0;
}

/* ---------------------------------------------------------------- what the peer says of itself */

static bool refuse(struct step *s, const struct sa *sa, struct tunnel *t, enum cert_cause cause)
{
	ike_report(s, FACT_CERTIFICATE_REFUSED, BLAME_PEER, t, &sa->core.remote, "the peer's certificate is refused: %s",
		cert_cause_text(cause));
	ike_report_compared(s, t, PROTOCOL_NONE, NOTIFY_AUTHENTICATION_FAILED, cert_cause_word(cause), "");
	return false;
}

/* The method is what this tunnel has; with certificates these are kept. False: it was told why not. */
bool cert_method(struct step *s, const struct sa *sa, struct tunnel *t, const struct payload *auth)
{
	bool signature = auth->auth.method == AUTH_RSA_SIGNATURE || auth->auth.method == AUTH_DIGITAL_SIGNATURE ||
			 (auth->auth.method >= AUTH_ECDSA_256 && auth->auth.method <= AUTH_ECDSA_521);
	if (by_certificate(t) ? signature : auth->auth.method == AUTH_SHARED_KEY_MIC)
		return true;
	ike_report(s, FACT_AUTH_FAILED, BLAME_PEER, t, &sa->core.remote, "the peer authenticates with method %u, not with a %s",
		auth->auth.method, by_certificate(t) ? "certificate" : "pre-shared key");
	return false;
}

bool cert_take(struct step *s, const struct sa *sa, struct tunnel *t, struct negotiation *n, const struct message *m)
{
	struct peer_proof *proof = &n->proof;
	const struct payload *auth = message_find(m, PAYLOAD_AUTH, true);
	if (!by_certificate(t))
		return true;
	for (const struct payload *p = NULL; (p = message_next(m, p, PAYLOAD_CERT, true));) {
		if (p->cert.encoding != X509_SIGNATURE)
			continue;
		if (proof->n == CERT_CHAIN_MAX)
			return refuse(s, sa, t, CERT_TOO_MANY);
		if (!p->cert.value.n || p->cert.value.n > CERT_SIZE_MAX)
			return refuse(s, sa, t, p->cert.value.n ? CERT_TOO_LARGE : CERT_MALFORMED);
		proof->chain[proof->n++] = bytes_dup(p->cert.value);
	}
	if (!proof->n)
		return refuse(s, sa, t, CERT_NONE);
	if (auth->auth.value.n > IKE_AUTH_PEER_MAX)
		return refuse(s, sa, t, CERT_AUTH_BAD);
	proof->method = auth->auth.method;
	return true;
}

void cert_signs(const struct tunnel *t, struct negotiation *n, struct ike_job *job)
{
	struct tunnel_conf *conf = tunnel_conf_ref(t->conf);
	if (n->signs)
		tunnel_conf_unref(n->signs);
	n->signs = conf;
	job->leaf = cert_conf_leaf(&conf->cert);
}

/*
 * A clock of before the release is certainly wrong (a gateway boots with 1970), and who has issued our own certificate had the time of the day. A clock that may
 * be right is not overruled by it: a certificate may be made for later.
 */
int64_t cert_earliest(const struct tunnel *t, int64_t wall) { return wall < CERT_RELEASED ? t->own_from - CERT_SKEW : 0; }

/* Into the step's memory, as all of a job. False: there is no room, and nothing may be believed. */
bool cert_job(struct step *s, const struct sa *sa, const struct negotiation *n, struct ike_job *job)
{
	const struct peer_proof *proof = &n->proof;
	job->method = proof->method;
	job->conf = sa->tunnel->conf;
	job->wall = s->now.wall;
	job->earliest = cert_earliest(sa->tunnel, s->now.wall);
	for (unsigned i = 0; i < proof->n; i++) {
		job->chain[i] = arena_copy(s->out->arena, proof->chain[i]);
		if (!job->chain[i].n)
			return false;
	}
	job->n_chain = proof->n;
	return proof->n > 0;
}

/* ---------------------------------------------------------------- believed or not */

/* Where ours has expired and the peer takes it, that is the peer's affair: an SA that ends at once would be made again and again. */
void cert_believed(struct step *s, struct sa *sa, const struct negotiation *n, const struct cert_verdict *v)
{
	int64_t own = sa->tunnel->own_until;
	if (!v->scheme) /* a pre-shared key */
		return;
	if (!sa->proof)
		sa->proof = xcalloc(1, sizeof *sa->proof);
	sa->proof->peer = v->facts;
	sa->proof->theirs = v->scheme->id;
	sa->proof->ours = n->proof.ours;
	sa->proof->asked = n->asked_cas;
	sa->core.proven_until = own > s->now.wall && own < v->ends ? own : v->ends;
}

/* Whose side it is on: files and clock of this machine, or what the peer has. */
static enum blame side(const struct cert_verdict *v)
{
	bool files = v->cause == CERT_CRL_MISSING || v->cause == CERT_CRL_EXPIRED || v->cause == CERT_CRL_BAD;
	return files || v->clock || v->cause == CERT_FAILED ? BLAME_LOCAL : BLAME_PEER;
}

void cert_report_refused(struct step *s, struct sa *sa, const struct cert_verdict *v)
{
	char which[FACT_ITEM + 8] = "", id[FACT_ITEM];
	if (v->cause == CERT_NAME) /* what the peer calls itself and we expect */
		snprintf(which, sizeof which, " %.80s", ident_words(sa->tunnel, &sa->tunnel->conf->remote_id, id));
	else if (v->depth > 0)
		snprintf(which, sizeof which, " (CA %d above it)", v->depth);
	sa_report(s, sa, FACT_CERTIFICATE_REFUSED, side(v), "the peer's certificate is refused: %s%s%s: %.120s",
		cert_cause_text(v->cause), which, v->clock ? "; the clock of this machine is wrong" : "", v->subject);
	ike_report_compared(s, sa->tunnel, PROTOCOL_NONE, NOTIFY_AUTHENTICATION_FAILED, cert_cause_word(v->cause), v->subject);
}

/* Who is above the last of our chain: a root is not in it. */
static void own_issuer(const struct tunnel *t, char text[CERT_TEXT])
{
	const struct der_list *chain = &t->conf->cert.chain;
	struct cert_facts facts = { 0 };
	enum cert_cause why;
	struct cert *top = chain->n ? cert_read(chain->v[chain->n - 1], &why) : NULL;
	if (top)
		cert_facts(top, &facts);
	cert_free(top);
	memcpy(text, facts.issuer, sizeof facts.issuer);
}

/* By its name where it is among those that we trust, else by its hash; and how many others there are. */
static void asked_text(const struct tunnel *t, const struct asked_cas *asked, char text[FACT_ITEM])
{
	const struct der_list *cas = &t->conf->cert.cas;
	char name[CERT_TEXT] = "", more[32] = "";
	uint8_t hash[CA_HASH];
	for (unsigned i = 0; i < cas->n && !name[0]; i++) {
		struct cert_facts facts;
		enum cert_cause why;
		struct cert *ca = cert_read(cas->v[i], &why);
		if (ca && cert_key_hash(ca, hash) == ERR_OK && !memcmp(hash, asked->one, CA_HASH)) {
			cert_facts(ca, &facts);
			memcpy(name, facts.subject, sizeof name);
		}
		cert_free(ca);
	}
	if (!name[0]) {
		char hex[2 * CA_HASH + 1];
		for (unsigned i = 0; i < CA_HASH; i++)
			snprintf(hex + 2 * i, 3, "%02x", asked->one[i]);
		snprintf(name, sizeof name, "a CA that is not in 'ca' here (SHA-1 of its key: %s)", hex);
	}
	if (asked->n > 1)
		snprintf(more, sizeof more, ", or %u others", asked->n - 1u);
	snprintf(text, FACT_ITEM, "%s%s", name, more);
}

void cert_report_unwanted(struct step *s, const struct sa *sa, const struct asked_cas *asked)
{
	char id[FACT_ITEM], theirs[FACT_ITEM] = "", issuer[CERT_TEXT];
	struct ident local, remote;
	bool other = asked->n && !asked->ours, sure = sa->tunnel->issuer_known || asked->known == asked->n;
	if (other)
		asked_text(sa->tunnel, asked, theirs);
	if (other && sure) {
		own_issuer(sa->tunnel, issuer);
		sa_report(s, sa, FACT_OTHER_CA, BLAME_PEER,
			"the peer refused our authentication: it wants a certificate of %.100s, ours is of %.70s", theirs,
			issuer);
		ike_report_compared(s, sa->tunnel, PROTOCOL_NONE, NOTIFY_AUTHENTICATION_FAILED, issuer, theirs);
		return;
	}
	tunnel_identities(sa->tunnel, sa, &local, &remote);
	ident_words(sa->tunnel, &local, id);
	sa_report(s, sa, FACT_OUR_CERTIFICATE, BLAME_PEER,
		"the peer refused our authentication (AUTHENTICATION_FAILED): it does not accept our certificate or its issuer, or it "
		"does not know us as %.79s",
		id);
	ike_report_compared(s, sa->tunnel, PROTOCOL_NONE, NOTIFY_AUTHENTICATION_FAILED, id, theirs);
}

/* No signature that our key can make is one that the peer understands. */
void cert_report_no_scheme(struct step *s, const struct sa *sa, const struct negotiation *n)
{
	sa_report(s, sa, FACT_NO_SIGNATURE, BLAME_PEER, "AUTH cannot be signed: %s",
		n->hashes
			? "the peer announces no hash (SIGNATURE_HASH_ALGORITHMS) that our key can be used with"
			: "the peer announces no SIGNATURE_HASH_ALGORITHMS, so that only RSA with SHA-1 (allow-weak: [sha1-auth]) or ECDSA is left");
	ike_report_compared(s, sa->tunnel, PROTOCOL_NONE, 0, "", "");
}
