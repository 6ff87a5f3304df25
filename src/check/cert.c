/*
 * cert.c - certificates: which keys of a tunnel belong together, and whether what is in the files can prove anything to a peer. What the peer shows is judged
 * when it comes, by the engine.
 */
#include <string.h>

#include "crypto/pkey.h"
#include "rules.h"

static bool written(const struct tunnel_draft *d, enum key_id id) { return (d->written & KEY_BIT(id)) != 0; }

static void missing(struct findings *f, const struct tunnel_draft *d, enum key_id id, const char *text, const char *advice)
{
	if (!written(d, id))
		finding_advice(finding_add(f, tunnel_place(d->t, id), FINDING_MISSING, "%s", text), "%s", advice);
}

/* Keys that say nothing without `certificate`. */
static bool strays(struct findings *f, const struct tunnel_draft *d)
{
	static const enum key_id needs_certificate[] = { KEY_PRIVATE_KEY, KEY_CA },
				 idle[] = { KEY_CRL, KEY_CERT_PIN, KEY_SEND_CERTIFICATE };
	bool meant = false;
	for (unsigned i = 0; i < ARRAY_SIZE(needs_certificate); i++)
		meant = meant || written(d, needs_certificate[i]);
	if (meant)
		missing(f, d, KEY_CERTIFICATE, "is missing: the file in keys/ with our certificate, then its intermediates",
			"write 'certificate: NAME.pem'; `s2sctl certificate request` makes a key and what a CA signs");
	for (unsigned i = 0; i < ARRAY_SIZE(idle) && !meant; i++)
		if (written(d, idle[i]))
			finding_add(f, tunnel_place(d->t, idle[i]), FINDING_WITHOUT_EFFECT,
				"does nothing: this tunnel has a pre-shared key and no certificate");
	return meant;
}

/* --- what is in the files --- */
static struct cert *read_der(struct bytes der)
{
	enum cert_cause why;
	return cert_read(der, &why);
}

static struct finding *about(struct findings *f, const struct tunnel_draft *d, enum key_id id, enum finding_code code,
	const struct cert *c, const char *text)
{
	struct cert_facts facts;
	cert_facts(c, &facts);
	return finding_add(f, tunnel_place(d->t, id), code, "'%s' %s", facts.subject, text);
}

/* A key in a token is not opened here: that takes its PIN and its time; the signer says what is wrong with it. */
static bool in_token(const struct cert_conf *c)
{
	return c->key != NULL ? pkey_of_tpm(bytes_of(c->key->data, c->key->len))
			      : c->private_key != NULL && pkey_is_uri(c->private_key);
}

static void key_fits(struct findings *f, const struct tunnel_draft *d, const struct cert *leaf)
{
	const struct cert_conf *c = &d->t->cert;
	const char *why = "";
	if (c->key == NULL || in_token(c))
		return;
	const struct pkey_source source = { .file = bytes_of(c->key->data, c->key->len) };
	struct pkey *k = pkey_open(&source, &why);
	if (k == NULL)
		finding_advice(
			finding_add(f, tunnel_place(d->t, KEY_PRIVATE_KEY), FINDING_CERT_KEY, "keys/%s: %s", c->private_key, why),
			"the key is wanted without a password, the file is for root alone: openssl pkey -in FILE -out FILE.key; out of a .p12 or .pfx "
			"file: openssl pkcs12 -in FILE -nocerts -noenc -out FILE.key");
	else if (!pkey_fits(k, leaf))
		finding_advice(about(f, d, KEY_PRIVATE_KEY, FINDING_CERT_KEY, leaf,
				       "is not the certificate of this key: a peer would refuse what it signs"),
			"the certificate of this key comes first in 'certificate'; compare `openssl pkey -in KEY -pubout` with `openssl x509 -in "
			"CERTIFICATE -noout -pubkey`");
	pkey_close(k);
}

static void leaf_good(struct findings *f, const struct tunnel_draft *d, const struct cert *leaf)
{
	struct cert_facts facts;
	cert_facts(leaf, &facts);
	if (facts.ca)
		finding_advice(about(f, d, KEY_CERTIFICATE, FINDING_CERT_USAGE, leaf,
				       "is the certificate of a CA: a peer refuses it as ours"),
			"put our own certificate first into the file, then its intermediates");
	else if (!facts.signs)
		finding_advice(about(f, d, KEY_CERTIFICATE, FINDING_CERT_USAGE, leaf,
				       "may not sign: its keyUsage lacks digitalSignature"),
			"have the CA make one with keyUsage digitalSignature, as `s2sctl certificate request` asks for");
	const struct ident *id = &d->t->local_id;
	char text[256];
	if (id->type != 0 && (d->broken & KEY_BIT(KEY_LOCAL_ID)) == 0 &&
		!cert_carries(leaf, id->type, bytes_of(id->data, id->len)))
		finding_advice(
			finding_add(f, tunnel_place(d->t, written(d, KEY_LOCAL_ID) ? KEY_LOCAL_ID : KEY_CERTIFICATE),
				FINDING_CERT_NAME,
				"our certificate '%s' does not carry %s: a peer refuses it (a name must be a subjectAltName, a CN is none)",
				facts.subject, ident_format(id, text, sizeof text)),
			"leave 'local-id' out for the certificate's subject, or have a certificate made that has it");
}

/* Does anything in the list issue this one? */
static const struct cert *issuer_in(struct cert *const *v, unsigned n, const struct cert *c)
{
	for (unsigned i = 0; i < n; i++)
		if (v[i] != NULL && v[i] != c && cert_issued(v[i], c))
			return v[i];
	return NULL;
}

/* From the leaf up to what is its own issuer, or to what nothing in the file has issued. An intermediate there that `ca` has, and which is no root, is missing:
 * the peer may know the root only. */
static void chain_whole(struct findings *f, const struct tunnel_draft *d, struct cert *const *v, unsigned n,
	struct cert *const *ca, unsigned n_ca)
{
	const struct cert *last = v[0], *next;
	struct cert_facts facts;
	unsigned used = 1;
	for (; used <= n && (next = issuer_in(v, n, last)) != NULL; used++)
		last = next;
	cert_facts(last, &facts);
	const struct cert *known = facts.self_issued ? NULL : issuer_in(ca, n_ca, last);
	if (used < n)
		finding_advice(about(f, d, KEY_CERTIFICATE, FINDING_CERT_CHAIN, last,
				       "is issued by none of the others in the file, which are of no use"),
			"the file has our certificate, then who issued it, and so on");
	if (known != NULL)
		cert_facts(known, &facts);
	if (known != NULL && !facts.self_issued)
		finding_advice(
			finding_add(f, tunnel_place(d->t, KEY_CERTIFICATE), FINDING_CERT_CHAIN,
				"the intermediate '%s' is missing: a peer that knows the root alone refuses our certificate",
				facts.subject),
			"add it to the end of keys/%s, as PEM", d->t->cert.certificate);
}

/* What comes before a peer has proven who it is is bounded, by s2sd as by others: our chain is a part of that. */
static void chain_small(struct findings *f, const struct tunnel_draft *d)
{
	const struct der_list *chain = &d->t->cert.chain;
	size_t octets = 0;
	for (unsigned i = 0; i < chain->n; i++)
		octets += chain->v[i].n;
	if (octets > CERT_CHAIN_OCTETS)
		finding_advice(
			finding_add(f, tunnel_place(d->t, KEY_CERTIFICATE), FINDING_CERT_CHAIN,
				"the chain has %zu octets: peers may refuse an IKE_AUTH of more than 16 kB (s2sd does)", octets),
			"leave out what the peer has: its root, or all that 'send-certificate' need not bring; ECDSA certificates are smaller");
}

static void weak_ones(struct findings *f, const struct tunnel_draft *d, enum key_id id, struct cert *const *v, unsigned n)
{
	struct cert_facts facts;
	for (unsigned i = 0; i < n; i++) {
		if (v[i] == NULL)
			continue;
		cert_facts(v[i], &facts);
		if (facts.weak && !facts.self_issued)
			finding_advice(about(f, d, id, FINDING_CERT_WEAK, v[i],
					       "is signed with SHA-1 or MD5: s2sd and most peers refuse such a chain"),
				"have the CA sign it anew with SHA-256");
		if (id == KEY_CA && !facts.ca)
			finding_advice(about(f, d, id, FINDING_CERT_CA, v[i],
					       "is no CA's certificate, and a peer that shows it is not trusted for it"),
				"write who issued it into 'ca', and to accept this very one 'cert-pin'");
	}
}

static void read_all(struct cert **v, const struct der_list *l)
{
	for (unsigned i = 0; i < l->n; i++)
		v[i] = read_der(l->v[i]);
}

static void contents(struct findings *f, const struct tunnel_draft *d)
{
	const struct cert_conf *c = &d->t->cert;
	struct cert *chain[CERT_CHAIN_MAX] = { NULL }, *ca[CERT_CA_MAX] = { NULL };
	read_all(chain, &c->chain);
	read_all(ca, &c->cas);
	if (c->chain.n > 0 && chain[0] != NULL) {
		key_fits(f, d, chain[0]);
		leaf_good(f, d, chain[0]);
		chain_whole(f, d, chain, c->chain.n, ca, c->cas.n);
		chain_small(f, d);
	}
	weak_ones(f, d, KEY_CERTIFICATE, chain, c->chain.n);
	weak_ones(f, d, KEY_CA, ca, c->cas.n);
	for (unsigned i = 0; i < CERT_CHAIN_MAX; i++)
		cert_free(chain[i]);
	for (unsigned i = 0; i < CERT_CA_MAX; i++)
		cert_free(ca[i]);
}

bool check_certificate_keys(struct findings *f, const struct tunnel_draft *d)
{
	if (!written(d, KEY_CERTIFICATE))
		return strays(f, d);
	if (written(d, KEY_PSK) || written(d, KEY_PSK_FILE))
		finding_add(f, tunnel_place(d->t, KEY_CERTIFICATE), FINDING_CONTRADICTION,
			"and a pre-shared key are both written: which one counts?");
	missing(f, d, KEY_PRIVATE_KEY, "is missing: the key of our certificate",
		"write 'private-key: NAME.key', a file in keys/, or a URI (pkcs11:..., handle:...)");
	missing(f, d, KEY_CA, "is missing: who may certify the peer",
		"write 'ca: NAME.pem' with the root or the intermediate that issued the peer's certificate, and nobody else's");
	if (!d->t->remote_any)
		missing(f, d, KEY_REMOTE_ID,
			"is missing: with certificates it says which of all that this CA has certified the peer is",
			"write the subject of the peer's certificate, or a name of it: 'remote-id: \"CN=vpn-....endpoint-0\"'");
	contents(f, d);
	return true;
}

/* --- `s2sctl check` alone: time, as the daemon starts whatever the clock says, and what is good to know --- */
#define DAY 86400
#define SOON 30 /* days, in which a certificate is to be renewed */
#define LATE 7
#define CRL_SOON 2 /* many are made anew each day, and are good for a week */

static void validity(struct check *c, const struct tunnel_conf *t, enum key_id id, struct bytes der)
{
	struct cert_facts x;
	struct cert *cert = read_der(der);
	struct place at = tunnel_place(t, id);
	const char *renew = id == KEY_CA
				    ? "get the authority's new certificate, put it into the file, too, and run `s2sctl reload`"
				    : "renew it, replace the files in keys/, and run `s2sctl reload`: no tunnel is interrupted";
	if (cert == NULL)
		return;
	cert_facts(cert, &x);
	int64_t left = x.not_after - c->host->now, days = left / DAY;
	if (x.not_before > c->host->now + CERT_SKEW)
		finding_advice(finding_add(c->out, at, FINDING_CERT_NOT_YET,
				       "'%s' is not valid yet: the clock here is wrong, or it was made for later", x.subject),
			"set the clock (timedatectl), or wait");
	else if (left <= 0)
		finding_advice(finding_add(c->out, at, FINDING_CERT_EXPIRED, "'%s' has expired: peers refuse it", x.subject),
			"%s", renew);
	else if (days < 1)
		finding_advice(finding_add(c->out, at, FINDING_CERT_EXPIRES_NOW, "'%s' expires in %lld hour%s", x.subject,
				       (long long)(left / 3600), left / 3600 == 1 ? "" : "s"),
			"%s", renew);
	else if (days < SOON)
		finding_advice(finding_add(c->out, at, days < LATE ? FINDING_CERT_EXPIRES : FINDING_CERT_EXPIRES_SOON,
				       "'%s' expires in %lld day%s", x.subject, (long long)days, days > 1 ? "s" : ""),
			"%s", renew);
	cert_free(cert);
}

static void freshness(struct check *c, const struct tunnel_conf *t, struct bytes der)
{
	struct crl_facts x;
	struct place at = tunnel_place(t, KEY_CRL);
	bool required = t->cert.crl_policy == CRL_REQUIRE;
	const char *renew = "get its new one, replace the file in keys/, and run `s2sctl reload`; a timer can do that each day";
	if (!crl_facts(der, &x) || x.next == 0)
		return;
	int64_t left = x.next - c->host->now;
	if (left <= 0)
		finding_advice(
			finding_add(c->out, at, required ? FINDING_CRL_EXPIRED : FINDING_CRL_STALE,
				"the CRL of '%s' is out of date: %s", x.issuer,
				required ? "no certificate of that CA is accepted" : "what was revoked since is not known"),
			"%s", renew);
	else if (left < CRL_SOON * (int64_t)DAY)
		finding_advice(finding_add(c->out, at, FINDING_CRL_EXPIRES, "the CRL of '%s' is out of date in %lld hour%s%s",
				       x.issuer, (long long)(left / 3600), left / 3600 == 1 ? "" : "s",
				       required ? ", and then no certificate of that CA is accepted" : ""),
			"%s", renew);
}

void check_certificates(struct check *c, const struct tunnel_conf *t)
{
	if (in_token(&t->cert))
		finding_advice(
			finding_add(c->out, tunnel_place(t, KEY_PRIVATE_KEY), FINDING_CERT_TOKEN,
				"is in a token and was not looked at: whether it is the certificate's shows when it signs"),
			"`s2sctl explain` says it, once the tunnel was tried");
	if (c->host->now <= 0)
		return;
	for (unsigned i = 0; i < t->cert.chain.n; i++)
		validity(c, t, KEY_CERTIFICATE, t->cert.chain.v[i]);
	for (unsigned i = 0; i < t->cert.cas.n; i++)
		validity(c, t, KEY_CA, t->cert.cas.v[i]);
	for (unsigned i = 0; i < t->cert.crls.n && t->cert.crl_policy != CRL_OFF; i++)
		freshness(c, t, t->cert.crls.v[i]);
}
