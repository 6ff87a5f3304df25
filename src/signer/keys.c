/* keys.c - see keys.h. */
#include "keys.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/table.h"

struct held {
	uint32_t tunnel;
	struct pkey *key;     /* NULL: it cannot be opened, ... */
	char why[SIGNER_WHY]; /* ... and why */
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

void keys_forget(void)
{
	size_t it = 0;
	struct held *h;
	while ((h = table_next(all(), &it)) != NULL) {
		pkey_close(h->key);
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
	pkey_close(h->key);
	h->key = NULL;
	h->why[0] = 0;
	return h;
}

bool keys_take(struct bytes body, bool tokens)
{
	struct signer_key head;
	char uri[SIGNER_URI_MAX + 1];
	const char *why = "";
	if (body.n < sizeof head)
		return false;
	memcpy(&head, body.p, sizeof head);
	struct bytes data = bytes_of(body.p + sizeof head, body.n - sizeof head);
	if (data.n != head.size || data.n == 0 || head.uri != tokens || (tokens && data.n > SIGNER_URI_MAX))
		return false;
	struct pkey_source source = { .file = tokens ? bytes_of(NULL, 0) : data };
	if (tokens) {
		memcpy(uri, data.p, data.n);
		uri[data.n] = 0;
		source.uri = uri;
	}
	struct held *h = place(head.tunnel);
	h->key = pkey_open(&source, &why);
	if (h->key == NULL)
		snprintf(h->why, sizeof h->why, "%s", why);
	wipe(uri, sizeof uri); /* it may have a PIN in it */
	return true;
}

bool keys_sign(struct bytes body, struct signer_signature *out)
{
	struct signer_sign head;
	size_t len = 0;
	memset(out, 0, sizeof *out);
	if (body.n < sizeof head)
		return false;
	memcpy(&head, body.p, sizeof head);
	struct bytes octets = bytes_of(body.p + sizeof head, body.n - sizeof head);
	const struct sign_scheme *scheme = sign_scheme(head.scheme);
	const struct held *h = table_get(all(), head.tunnel);
	if (octets.n != head.size || scheme == NULL || h == NULL)
		return false;
	out->scheme = head.scheme;
	out->err = h->key != NULL ? pkey_sign(h->key, scheme, &octets, 1, out->value, &len) : ERR_CRYPTO;
	out->len = (uint16_t)len;
	if (h->key == NULL)
		snprintf(out->why, sizeof out->why, "%s", h->why);
	else if (out->err != ERR_OK)
		snprintf(out->why, sizeof out->why, "%s with a key of kind %s: %s", scheme->word,
			key_kind_word(pkey_kind(h->key)), err_text(out->err));
	return true;
}
