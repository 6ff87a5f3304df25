/*
 * key_files.c - what is read from keys/ for a tunnel. Whether it is good for anything is check/'s to say; here it must be what its key says: certificates,
 * revocation lists, a private key.
 */
#include <stdlib.h>
#include <string.h>

#include "keys.h"

struct psk *draft_file(struct draft *d, const struct load *l, enum key_id id, const char *name, size_t max)
{
	static const struct {
		enum finding_code code;
		const char *advice;
	} rows[] = {
		[KEY_FAULT_OTHER] = { FINDING_KEY_FILE_UNUSABLE, NULL },
		[KEY_FAULT_ABSENT] = { FINDING_KEY_FILE_ABSENT,
			"put the key into keys/: (umask 077; s2sctl genpsk > keys/NAME), or the one that the peer has already" },
		[KEY_FAULT_OPEN] = { FINDING_KEY_FILE_OPEN, KEY_OPEN_ADVICE },
		[KEY_FAULT_DENIED] = { FINDING_KEY_FILE_DENIED, "check as root: nobody else can read keys/, and that is right" },
	};
	struct key_fault fault = { .text = "cannot be read" };
	struct place at = tunnel_place(d->out.t, id);
	struct findings *f = d->c.findings;
	struct psk *bytes = l->read_key(l->arg, name, max, &fault);
	if (bytes != NULL)
		/* cppcheck-suppress returnDanglingLifetime */
		return bytes;
	bool tell = fault.named || id != KEY_PSK_FILE; /* nobody takes the name of a certificate for a key */
	struct finding *v = tell ? finding_add(f, at, rows[fault.kind].code, "keys/%s: %s", name, fault.text)
				 : finding_add(f, at, rows[fault.kind].code, "%s " NOT_SHOWN, fault.text);
	bool is_public = id == KEY_CERTIFICATE || id == KEY_CA || id == KEY_CRL;
	const char *advice =
		fault.kind == KEY_FAULT_ABSENT && id != KEY_PSK_FILE ? "put the file into keys/, mode 0600, owner root"
		: fault.kind == KEY_FAULT_OPEN && is_public
			? "chmod 600 the file, owner root, as all in keys/; it is no secret, nothing has to be replaced"
			: rows[fault.kind].advice;
	if (advice != NULL)
		finding_advice(v, "%s", advice);
	return NULL;
}

/* --- certificates --- */
struct content { /* of one file */
	struct der_list *list;
	bool crl;
	unsigned most;
};

static bool is_der(struct bytes file)
{
	return file.n > 1 && file.p[0] == 0x30;
} /* PEM begins with a letter, a blank or a dash */

static bool read_content(const struct content *c, struct bytes file, struct cert_list *l, const char **why)
{
	return c->crl ? cert_pem_crls(file, l, why) : cert_file_read(file, c->most, l, why);
}

static const char *advice_for(const struct content *c, struct bytes file)
{
	if (is_der(file))
		return c->crl ? "make PEM of it: openssl crl -inform DER -in FILE -out FILE.pem"
			      : "what is in a .p12 or .pfx file with a password becomes PEM with: openssl pkcs12 -in FILE -nokeys -out FILE.pem";
	return c->crl ? "it has blocks of '-----BEGIN X509 CRL-----'" : "it has blocks of '-----BEGIN CERTIFICATE-----'";
}

static void read_list(struct draft *d, const struct load *l, enum key_id id, const char *name, struct content c)
{
	struct psk *file = draft_file(d, l, id, name, CERT_FILE_MAX);
	if (file == NULL) {
		d->out.broken |= KEY_BIT(id);
		return;
	}
	struct bytes text = bytes_of(file->data, file->len);
	struct cert_list found = { 0 };
	const char *why = "";
	if (read_content(&c, text, &found, &why)) {
		for (unsigned i = 0; i < found.n; i++)
			der_list_add(c.list, found.der[i]);
	} else {
		finding_advice(
			finding_add(d->c.findings, tunnel_place(d->out.t, id), FINDING_CERT_FILE, "keys/%s: %s", name, why), "%s",
			advice_for(&c, text));
		d->out.broken |= KEY_BIT(id);
	}
	cert_list_free(&found);
	psk_free(file);
}

static bool given(const struct draft *d, enum key_id id) { return (d->out.written & ~d->out.broken & KEY_BIT(id)) != 0; }

/* Peers take our identity from the certificate then, and so do strongSwan and both clouds. */
static void name_by_leaf(struct tunnel_conf *t)
{
	if (t->local_id.type != 0 || t->cert.chain.n == 0)
		return;
	enum cert_cause why;
	struct cert *leaf = cert_read(t->cert.chain.v[0], &why);
	struct bytes subject = leaf != NULL ? cert_subject(leaf) : bytes_of(NULL, 0);
	if (subject.n > 0 && subject.n <= IDENT_MAX) {
		uint8_t *own = memcpy(xcalloc(subject.n, 1), subject.p, subject.n);
		t->local_id = (struct ident){ ID_DER_ASN1_DN, (uint16_t)subject.n, own };
		t->cert.id_of_leaf = true;
	}
	cert_free(leaf);
}

void certs_read(struct draft *d, const struct load *l)
{
	struct cert_conf *c = &d->out.t->cert;
	c->set = (d->out.written & KEY_BIT(KEY_CERTIFICATE)) != 0;
	if (l->read_key == NULL)
		return;
	if (given(d, KEY_CERTIFICATE))
		read_list(d, l, KEY_CERTIFICATE, c->certificate, (struct content){ &c->chain, false, CERT_CHAIN_MAX });
	if (given(d, KEY_CA))
		read_list(d, l, KEY_CA, c->ca, (struct content){ &c->cas, false, CERT_CA_MAX });
	if (given(d, KEY_CRL) && c->crl != NULL && c->crl_policy != CRL_OFF)
		read_list(d, l, KEY_CRL, c->crl, (struct content){ &c->crls, true, CERT_CRL_MAX });
	if (given(d, KEY_PRIVATE_KEY) && !pkey_is_uri(c->private_key)) {
		c->key = draft_file(d, l, KEY_PRIVATE_KEY, c->private_key, CERT_FILE_MAX);
		if (c->key == NULL)
			d->out.broken |= KEY_BIT(KEY_PRIVATE_KEY);
	}
	if (!given(d, KEY_LOCAL_ID))
		name_by_leaf(d->out.t);
}
