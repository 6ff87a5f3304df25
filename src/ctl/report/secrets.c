/*
 * secrets.c - the last look over a report: whatever of the pre-shared keys should have got into it, goes.
 */
#include <stdlib.h>
#include <string.h>

#include "base/mem.h"
#include "report.h"

#define SHORTEST 4 /* what is shorter would take half of the report with it; nobody guesses at such a key, he tries them all */

static void keep(struct secrets *s, char *text, size_t n)
{
	s->v = xrealloc_array(s->v, s->n + 1, sizeof *s->v);
	s->v[s->n].text = text;
	s->v[s->n++].len = n;
}

static char *hex_of(const uint8_t *p, size_t n, const char *digits)
{
	char *text = xcalloc(2 * n + 1, 1);
	for (size_t i = 0; i < n; i++) {
		text[2 * i] = digits[p[i] >> 4];
		text[2 * i + 1] = digits[p[i] & 15];
	}
	return text;
}

/* Without padding: a longer text that begins with the key has no padding there. The last group may differ for that, so it is left out. */
static char *base64_of(const uint8_t *p, size_t n, size_t *len)
{
	static const char letters[] = "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/";
	char *text = xcalloc(n / 3 * 4 + 1, 1);
	*len = n / 3 * 4;
	for (size_t i = 0; i < n / 3; i++) {
		uint32_t v = (uint32_t)p[3 * i] << 16 | (uint32_t)p[3 * i + 1] << 8 | p[3 * i + 2];
		for (unsigned k = 0; k < 4; k++)
			text[4 * i + k] = letters[v >> (18 - 6 * k) & 63];
	}
	return text;
}

void secrets_add(struct secrets *s, const void *p, size_t n)
{
	size_t len;
	if (n < SHORTEST)
		return;
	char *plain = xcalloc(n + 1, 1);
	memcpy(plain, p, n);
	keep(s, plain, n);
	keep(s, hex_of(p, n, "0123456789abcdef"), 2 * n);
	keep(s, hex_of(p, n, "0123456789ABCDEF"), 2 * n);
	char *base64 = base64_of(p, n, &len);
	if (len >= 8)
		keep(s, base64, len);
	else
		free(base64);
}

void secrets_of_conf(struct secrets *s, const struct conf *c)
{
	for (uint32_t i = 0; c != NULL && i < c->n; i++) {
		if (c->tunnels[i]->psk != NULL)
			secrets_add(s, c->tunnels[i]->psk->data, c->tunnels[i]->psk->len);
	}
}

unsigned secrets_remove(const struct secrets *s, char *text, size_t n)
{
	unsigned found = 0;
	for (unsigned i = 0; i < s->n; i++) {
		char *at = text;
		while ((at = memmem(at, n - (size_t)(at - text), s->v[i].text, s->v[i].len)) != NULL) {
			memset(at, '*', s->v[i].len);
			at += s->v[i].len;
			found++;
		}
	}
	return found;
}

void secrets_release(struct secrets *s)
{
	for (unsigned i = 0; i < s->n; i++) {
		wipe(s->v[i].text, s->v[i].len);
		free(s->v[i].text);
	}
	free(s->v);
	*s = (struct secrets){ 0 };
}
