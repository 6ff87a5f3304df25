/* keys.c - see keys.h. */
#include "keys.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/table.h"

#define PAUSE 300000 /* ms */

struct held {
	uint32_t tunnel;
	struct pkey *key;     /* NULL: it cannot be opened, or is not open yet, ... */
	char why[SIGNER_WHY]; /* ... and why it cannot be */
	/* A token may go and come back: what it takes to open its key again. Neither is a secret: a URI may name the file with the PIN. */
	char *uri;
	uint8_t *file;
	size_t size;
	struct cert *leaf; /* ours, NULL: it was not given */
	struct mono again; /* refused: not asked before, so that automatic tries do not make it lock itself */
};
static struct table held;
static bool ready;

static struct table *all(void)
{
	if (!ready)
		table_init(&held, 0);
	ready = true;
	return &held;
}

static void empty(struct held *h)
{
	pkey_close(h->key);
	free(h->uri);
	free(h->file);
	cert_free(h->leaf);
	*h = (struct held){ .tunnel = h->tunnel };
}

void keys_forget(void)
{
	size_t it = 0;
	struct held *h;
	while ((h = table_next(all(), &it)) != NULL) {
		empty(h);
		free(h);
	}
	table_release(&held);
	ready = false;
}

static struct held *place(uint32_t tunnel)
{
	struct held *h = table_get(all(), tunnel);
	if (h == NULL) {
		h = xcalloc(1, sizeof *h);
		h->tunnel = tunnel;
		table_put(&held, tunnel, h);
	}
	empty(h);
	return h;
}

static enum pkey_fault open_key(struct held *h, struct pkey_source source)
{
	enum pkey_fault fault = PKEY_WRONG;
	const char *why = "";
	source.fault = &fault;
	h->key = pkey_open(&source, &why);
	snprintf(h->why, sizeof h->why, "%s", h->key == NULL ? why : "");
	return fault;
}

static bool of_token(const struct held *h) { return h->uri != NULL || h->file != NULL; }

static void refused(struct held *h, const char *why, struct mono now)
{
	char text[SIGNER_WHY] = ""; /* all of it leaves this process */
	snprintf(text, sizeof text, "%.118s; asked again in 5 min, or after a reload", why);
	memcpy(h->why, text, sizeof h->why);
	h->again = mono_add(now, PAUSE);
	pkey_close(h->key);
	h->key = NULL;
}

/* Of this key's provider. What is open there is of a session that is no more; a provider begins anew when its last key is closed. False: nothing was. */
static bool close_beside(const struct held *this)
{
	bool any = false;
	size_t it = 0;
	struct held *h;
	while ((h = table_next(all(), &it)) != NULL) {
		if (!of_token(h) || !pkey_same_provider(h->uri, this->uri))
			continue;
		any = any || h->key != NULL;
		pkey_close(h->key);
		h->key = NULL;
	}
	return any;
}

/* The tunnels of one gateway have the same key: none of them asks for it when one was refused. */
static bool is_refused(struct held *h, struct mono now)
{
	size_t it = 0;
	const struct held *o;
	while (h->uri != NULL && mono_due(h->again, now) && (o = table_next(all(), &it)) != NULL) {
		if (o->uri == NULL || mono_due(o->again, now) || strcmp(o->uri, h->uri) != 0)
			continue;
		memcpy(h->why, o->why, sizeof h->why);
		h->again = o->again;
	}
	return !mono_due(h->again, now);
}

static void open_in_token(struct held *h, struct mono now)
{
	const struct pkey_source source = { .uri = h->uri, .file = bytes_of(h->file, h->size) };
	if (h->key != NULL || is_refused(h, now))
		return;
	enum pkey_fault fault = open_key(h, source);
	if (h->key == NULL && fault == PKEY_SILENT && close_beside(h))
		fault = open_key(h, source);
	if (h->key == NULL && fault == PKEY_REFUSED)
		refused(h, h->why, now);
}

bool keys_take(struct bytes body, bool tokens)
{
	struct signer_key head;
	if (body.n < sizeof head)
		return false;
	memcpy(&head, body.p, sizeof head);
	struct bytes data = bytes_of(body.p + sizeof head, body.n - sizeof head), leaf = bytes_of(NULL, 0);
	if (head.leaf > 0 && head.leaf < data.n) {
		data.n -= head.leaf;
		leaf = bytes_of(data.p + data.n, head.leaf);
	}
	if (leaf.n != head.leaf || data.n != head.size || data.n == 0 || (head.uri != 0 && data.n > SIGNER_URI_MAX))
		return false;
	if (tokens !=
		(head.uri != 0 || pkey_of_tpm(data))) /* other people's code sees no key of a file, the other process no token */
		return false;
	enum cert_cause cause;
	struct cert *c = leaf.n > 0 ? cert_read(leaf, &cause) : NULL;
	if (leaf.n > 0 && c == NULL)
		return false;
	struct held *h = place(head.tunnel);
	h->leaf = c;
	if (!tokens) {
		open_key(h, (struct pkey_source){ .file = data });
	} else if (head.uri != 0) {
		h->uri = memcpy(xcalloc(1, data.n + 1), data.p, data.n);
	} else {
		h->file = memcpy(xcalloc(1, data.n), data.p, data.n);
		h->size = data.n;
	}
	return true;
}

/* A TPM has some of the signatures only, and says no more than that it refuses one. */
static void tell(const struct held *h, const struct sign_scheme *scheme, int err, struct signer_signature *out)
{
	const char *kind = key_kind_word(pkey_kind(h->key));
	if (!of_token(h))
		snprintf(out->why, sizeof out->why, "%s with a key of kind %s: %s", scheme->word, kind, err_text(err));
	else if (scheme->weak != NULL || scheme->pss)
		snprintf(out->why, sizeof out->why,
			"the token does not make this signature, %s with a key of kind %s: it needs an ECDSA key, or one in a file",
			scheme->word, kind);
	else
		snprintf(out->why, sizeof out->why, "the token refuses to sign (%s with a key of kind %s)", scheme->word, kind);
}

static void sign(
	struct held *h, const struct sign_scheme *scheme, struct bytes octets, struct signer_signature *out, struct mono now)
{
	size_t len = 0;
	memset(out, 0, sizeof *out);
	out->scheme = scheme->id;
	if (of_token(h))
		open_in_token(h, now);
	out->err = h->key != NULL ? pkey_sign(h->key, scheme, &octets, 1, out->value, &len) : ERR_CRYPTO;
	out->len = (uint16_t)len;
	if (h->key == NULL)
		snprintf(out->why, sizeof out->why, "%s", h->why);
	else if (out->err != ERR_OK)
		tell(h, scheme, out->err, out);
}

/* A peer would only say that it refuses us. */
static void verify(const struct held *h, const struct sign_scheme *scheme, struct bytes octets, struct signer_signature *out)
{
	if (out->err != ERR_OK || h->leaf == NULL || cert_signed(h->leaf, scheme, &octets, 1, bytes_of(out->value, out->len)))
		return;
	memset(out, 0, sizeof *out);
	out->scheme = scheme->id;
	out->err = ERR_CRYPTO;
	snprintf(out->why, sizeof out->why, "the key in the token does not fit the certificate, which is of another key");
}

bool keys_sign(struct bytes body, struct mono now, struct signer_signature *out)
{
	struct signer_sign head;
	memset(out, 0, sizeof *out);
	if (body.n < sizeof head)
		return false;
	memcpy(&head, body.p, sizeof head);
	struct bytes octets = bytes_of(body.p + sizeof head, body.n - sizeof head);
	const struct sign_scheme *scheme = sign_scheme(head.scheme);
	struct held *h = table_get(all(), head.tunnel);
	if (octets.n != head.size || scheme == NULL || h == NULL)
		return false;
	bool was_open = h->key != NULL;
	sign(h, scheme, octets, out, now);
	if (out->err == ERR_OK || !of_token(h) || h->key == NULL) {
		verify(h, scheme, octets, out);
		return true;
	}
	if (was_open) {
		close_beside(h);
		sign(h, scheme, octets, out, now);
		verify(h, scheme, octets, out);
	} else { /* a TPM asks for the password of a key when that signs */
		refused(h, out->why, now);
		memcpy(out->why, h->why, sizeof out->why);
	}
	return true;
}
