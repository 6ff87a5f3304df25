/* cert_kinds.c - two values of tunnels with certificates: a revocation list with how much it is relied on, and the hash of the peer's certificate. */
#include <stdlib.h>
#include <string.h>

#include "keys.h"

/* --- crl: "FILE require", "FILE fresh", "FILE off", "off"; a file alone is required --- */
static const struct word policies[] = { { "off", CRL_OFF }, { "fresh", CRL_FRESH }, { "require", CRL_REQUIRE }, { NULL, 0 } };

static bool policy_of(const char *word, enum crl_policy *policy)
{
	for (const struct word *w = policies; w->text != NULL; w++)
		if (strcmp(w->text, word) == 0) {
			*policy = (enum crl_policy)w->value;
			return true;
		}
	return false;
}

static bool crl_read(const struct context *c, const struct key *k, void *base, const char *text)
{
	struct tunnel_conf *t = base;
	enum crl_policy policy = CRL_REQUIRE;
	size_t name = strcspn(text, " "), gap = strspn(text + name, " ");
	if (text[name] == 0 && policy_of(text, &policy)) {
		if (policy != CRL_OFF)
			return refuse(c, FINDING_VALUE, "takes the name of a file before '%s'", text);
		t->cert.crl_policy = policy;
		return true;
	}
	char *file = xstrdup(text);
	file[name] = 0;
	bool good = key_file_valid(file) && (text[name] == 0 || policy_of(text + name + gap, &policy));
	if (!good) {
		free(file);
		return refuse(c, FINDING_VALUE, "takes %s " NOT_SHOWN, k->kind->form);
	}
	free(t->cert.crl);
	t->cert.crl = file;
	t->cert.crl_policy = policy;
	return true;
}

static void crl_print(const struct key *k, const void *base, struct text *o)
{
	const struct tunnel_conf *t = base;
	(void)k;
	text_add(o, "%s%s%s", t->cert.crl != NULL ? t->cert.crl : "", t->cert.crl != NULL ? " " : "",
		policies[t->cert.crl_policy].text);
}

static void crl_pack(const struct key *k, const void *base, struct buf *b)
{
	const struct cert_conf *c = &((const struct tunnel_conf *)base)->cert;
	(void)k;
	put_u8(b, c->crl_policy);
	put_bytes(b, c->crl, c->crl != NULL ? strlen(c->crl) : 0);
}

static bool crl_unpack(const struct key *k, void *base, struct cursor *c)
{
	struct tunnel_conf *t = base;
	char name[256] = "";
	(void)k;
	uint8_t policy = get_u8(c);
	size_t n = cursor_left(c);
	if (c->bad || policy > CRL_REQUIRE || n >= sizeof name)
		return false;
	get_copy(c, name, n);
	if (strlen(name) != n || (n > 0 && !key_file_valid(name)) || (n == 0 && policy != CRL_OFF))
		return false;
	free(t->cert.crl);
	t->cert.crl = n > 0 ? xstrdup(name) : NULL;
	t->cert.crl_policy = (enum crl_policy)policy;
	return true;
}

static void crl_clear(const struct key *k, void *base)
{
	struct tunnel_conf *t = base;
	(void)k;
	free(t->cert.crl);
	t->cert.crl = NULL;
}

const struct kind kind_crl = { "the name of a file in keys/ and 'require' or 'fresh', or 'off'", false, crl_read, crl_print,
	crl_pack, crl_unpack, crl_clear };

/* --- cert-pin: 64 hex digits, with colons if one likes, as `openssl x509 -fingerprint -sha256` prints them --- */
static bool pin_read(const struct context *c, const struct key *k, void *base, const char *text)
{
	struct tunnel_conf *t = base;
	char digits[2 * CERT_PIN_SIZE + 1], q[QUOTED_TEXT];
	size_t n = 0;
	struct bytes hash = { 0 };
	for (const char *p = text; *p != 0; p++)
		if (*p != ':' && n++ < sizeof digits - 1)
			digits[n - 1] = *p;
	if (n != sizeof digits - 1)
		return refuse(c, FINDING_VALUE, "%s is not %s", quoted(q, text), k->kind->form);
	digits[n] = 0;
	if (!text_unhex(digits, CERT_PIN_SIZE, &hash))
		return refuse(c, FINDING_VALUE, "%s is not %s", quoted(q, text), k->kind->form);
	memcpy(t->cert.pin, hash.p, CERT_PIN_SIZE);
	t->cert.pinned = true;
	free((void *)hash.p);
	return true;
}

static void pin_print(const struct key *k, const void *base, struct text *o)
{
	const struct tunnel_conf *t = base;
	(void)k;
	if (t->cert.pinned)
		text_hex(o, bytes_of(t->cert.pin, CERT_PIN_SIZE), CERT_PIN_SIZE);
}

static void pin_pack(const struct key *k, const void *base, struct buf *b)
{
	const struct tunnel_conf *t = base;
	(void)k;
	put_u8(b, t->cert.pinned);
	if (t->cert.pinned)
		put_bytes(b, t->cert.pin, CERT_PIN_SIZE);
}

static bool pin_unpack(const struct key *k, void *base, struct cursor *c)
{
	struct tunnel_conf *t = base;
	(void)k;
	uint8_t pinned = get_u8(c);
	t->cert.pinned = pinned == 1;
	if (pinned == 1)
		get_copy(c, t->cert.pin, CERT_PIN_SIZE);
	return !c->bad && pinned <= 1;
}

const struct kind kind_pin = { "a SHA-256 of 64 hex digits, as `openssl x509 -noout -fingerprint -sha256` prints it", false,
	pin_read, pin_print, pin_pack, pin_unpack, NULL };
