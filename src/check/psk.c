/* psk.c - pre-shared keys: is one strong enough, is it a key at all, and do peers that should not share one. No finding has a word of a key in it. */
#include <ctype.h>
#include <stdlib.h>
#include <string.h>
#include <strings.h>

#include "rules.h"

/* An initiator sends AUTH to whoever answers (RFC 7296 2.15): with it a key is tried off-line, as fast as one likes. */
#define PSK_WEAK_BELOW 16  /* octets */
#define PSK_SHORT_BELOW 20 /* enough when it is random; what people think up has some 2 bits a character */
#define GENPSK_ADVICE "make a new one with `s2sctl genpsk` and set it at both ends"

static bool repeats_one(const void *key, size_t n) { return n > 1 && memcmp(key, (const uint8_t *)key + 1, n - 1) == 0; }
bool check_psk_weak(const void *key, size_t n) { return n < PSK_WEAK_BELOW || repeats_one(key, n); }

static struct place key_place(const struct tunnel_draft *d)
{
	return tunnel_place(d->t, (d->written & KEY_BIT(KEY_PSK)) != 0 ? KEY_PSK : KEY_PSK_FILE);
}

static void strength(struct findings *f, const struct tunnel_draft *d)
{
	const struct psk *psk = d->t->psk;
	bool weak = check_psk_weak(psk->data, psk->len);
	const char *why = repeats_one(psk->data, psk->len)
				  ? "this key is one character over and over"
				  : "this key is shorter than 16 octets: whoever answers in the peer's place can guess it";
	if (weak && (d->t->allow_weak & WEAK_PSK) != 0)
		finding_advice(finding_add(f, key_place(d), FINDING_PSK_WEAK_ALLOWED, "%s ('allow-weak: psk' permits it)", why),
			GENPSK_ADVICE);
	else if (weak)
		finding_advice(finding_add(f, key_place(d), FINDING_PSK_WEAK, "%s", why),
			GENPSK_ADVICE "; 'allow-weak: psk' permits this one knowingly");
	else if (psk->len < PSK_SHORT_BELOW)
		finding_advice(
			finding_add(f, key_place(d), FINDING_PSK_SHORT,
				"this key is shorter than 20 octets: enough when it is random, not when somebody thought it up"),
			GENPSK_ADVICE);
}

/* --- what people have around a key: the daemon takes the bytes as they are, and authentication fails much later --- */
#define BEGINS(text) \
	{ \
		text, sizeof text - 1 \
	}

static const struct {
	const char *text;
	size_t n;
} marks[] = { BEGINS("\xef\xbb\xbf"), BEGINS("\xff\xfe"), BEGINS("\xfe\xff") },
  quotes[] = { BEGINS("\""), BEGINS("'"), BEGINS("`"), BEGINS("\xe2\x80\x98"), BEGINS("\xe2\x80\x99"), BEGINS("\xe2\x80\x9c"),
	  BEGINS("\xe2\x80\x9d"), BEGINS("\xe2\x80\x9e"), BEGINS("\xc2\xab"), BEGINS("\xc2\xbb") };

static bool marked(const struct psk *k)
{
	for (size_t i = 0; i < ARRAY_SIZE(marks); i++)
		if (k->len >= marks[i].n && memcmp(k->data, marks[i].text, marks[i].n) == 0)
			return true;
	return false;
}

/* A quote at either end; a curly one has another form on the other side. */
static bool quoted_key(const struct psk *k)
{
	unsigned ends = 0;
	for (size_t i = 0; i < ARRAY_SIZE(quotes); i++) {
		size_t n = quotes[i].n;
		ends |= k->len > 2 * n && memcmp(k->data, quotes[i].text, n) == 0 ? 1u : 0;
		ends |= k->len > 2 * n && memcmp(k->data + k->len - n, quotes[i].text, n) == 0 ? 2u : 0;
	}
	return ends == 3;
}

/* ADDRESS ADDRESS : PSK "key" */
static bool secrets_line(const struct psk *k)
{
	const uint8_t *psk = memmem(k->data, k->len, "PSK ", 4);
	return psk != NULL && memchr(k->data, ':', (size_t)(psk - k->data)) != NULL;
}

/* 0sBASE64, 0xHEX: as ipsec.secrets has what is no text. */
static bool encoded_key(const struct psk *k)
{
	static const char hex[] = "0123456789abcdefABCDEF",
			  base64[] = "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/=";
	if (k->len < 4 || k->data[0] != '0' || (k->data[1] != 's' && k->data[1] != 'x'))
		return false;
	const char *letters = k->data[1] == 'x' ? hex : base64;
	for (size_t i = 2; i < k->len; i++)
		if (strchr(letters, k->data[i]) == NULL)
			return false;
	return (k->len - 2) % (k->data[1] == 'x' ? 2 : 4) == 0;
}

/* NAME=KEY or NAME: KEY, as scripts and settings have it; a key of random letters has no such name. */
static bool assigned_key(const struct psk *k)
{
	static const char *const names[] = { "psk", "key", "secret" };
	char name[32];
	size_t n = 0;
	while (n < k->len && n + 1 < sizeof name &&
		(isalpha(k->data[n]) || k->data[n] == '_' || k->data[n] == '-' || k->data[n] == ' '))
		n++;
	memcpy(name, k->data, n);
	name[n] = 0;
	if (n + 1 >= k->len || (k->data[n] != '=' && k->data[n] != ':'))
		return false;
	for (size_t i = 0; i < ARRAY_SIZE(names); i++)
		if (n >= strlen(names[i]) && strcasecmp(name + n - strlen(names[i]), names[i]) == 0)
			return true;
	return false;
}

static bool blank_end(uint8_t c) { return c == ' ' || c == '\t' || c == '\r'; }

static const char *wrapping(const struct psk *k, const char **advice)
{
	*advice = "write the key alone into the file, one line of plain text: printf '%s\\n' KEY >FILE";
	if (memchr(k->data, 0, k->len) != NULL)
		return "this key has zero octets, as UTF-16 has them: the file was written by Windows PowerShell or an editor";
	if (marked(k))
		return "this key begins with a byte order mark, which an editor wrote";
	if (secrets_line(k))
		return "this looks like a whole line of ipsec.secrets, not like a key";
	if (memchr(k->data, '\n', k->len) != NULL)
		return "this key has several lines: all of them count, comments too";
	if (k->len > 1 && (k->data[0] == '{' || k->data[0] == '[') && memchr(k->data, '"', k->len) != NULL)
		return "this looks like JSON, not like a key";
	if (assigned_key(k))
		return "this looks like a line of a script or of settings, not like a key";
	if (encoded_key(k)) {
		*advice = "if the peer has the key decoded, write it decoded; 0s stands before base64, 0x before hexadecimal";
		return "this key is encoded as ipsec.secrets has it, and counts as it stands";
	}
	*advice = "take them out unless they belong to the key at the peer, too";
	if (quoted_key(k))
		return "this key is in quotes, which count as part of it";
	if (blank_end(k->data[0]) || blank_end(k->data[k->len - 1]))
		return "this key has blanks at its beginning or end, which count as part of it";
	return NULL;
}

static void wrapped(struct findings *f, const struct tunnel_draft *d)
{
	const char *advice, *why = wrapping(d->t->psk, &advice);
	if (why != NULL)
		finding_advice(finding_add(f, key_place(d), FINDING_KEY_WRAPPED, "%s", why), "%s", advice);
}

void check_psk(struct findings *f, const struct tunnel_draft *d)
{
	const struct psk *psk = d->t->psk;
	if (psk == NULL || psk->len == 0)
		return;
	wrapped(f, d);
	if ((d->broken & KEY_BIT(KEY_ALLOW_WEAK)) == 0)
		strength(f, d);
}

/* --- one key for several peers --- */
/* The first prefix of a, not counting default routes, is reached through b as well. */
static bool leads_to(const struct tunnel_conf *a, const struct tunnel_conf *b)
{
	struct prefix first, p;
	unsigned i = 0;
	while (space_of(a, i, &first) && prefix_is_default(&first))
		i++;
	if (!space_of(a, i, &first) || a->route_table != b->route_table)
		return false;
	for (i = 0; space_of(b, i, &p); i++)
		if (prefix_equal(&p, &first))
			return true;
	return false;
}

static bool leads_anywhere(const struct tunnel_conf *t)
{
	struct prefix p;
	return t->bgp.set || space_of(t, 0, &p);
}

/*
 * Two tunnels of one connection or of one site may share a key: they have the same identity or address, the same network behind them or, with BGP,
 * the same AS; those to one provider also when nobody says what is behind them. Of `remote: any` only the identity says who it is.
 */
static bool same_peer(const struct tunnel_conf *a, const struct tunnel_conf *b)
{
	if (a->remote_id.type != 0 && ident_equal(&a->remote_id, &b->remote_id))
		return true;
	if (a->remote_any || b->remote_any)
		return false;
	if (a->remote.family != 0 && addr_same_ip(&a->remote, &b->remote))
		return true;
	if (a->remote_name != NULL && b->remote_name != NULL && strcmp(a->remote_name, b->remote_name) == 0)
		return true;
	if (provider_of(a->cloud)->psk.rule != NULL && a->cloud == b->cloud && (!leads_anywhere(a) || !leads_anywhere(b)))
		return true;
	return leads_to(a, b) || leads_to(b, a) || (a->bgp.set && b->bgp.set && a->bgp.peer_as == b->bgp.peer_as);
}

#define LOOK_BACK 16 /* of so many tunnels with the same key the first ones are looked at: they have been told of already */

static void key_shared(struct findings *f, const struct tunnel_draft *const *v, unsigned n)
{
	const struct tunnel_conf *t = v[n]->t, *other = NULL;
	bool passes = false; /* one peer passes for the other: nothing but the key and a name tells them apart */
	for (unsigned i = 0; i < n && i < LOOK_BACK && !passes; i++) {
		const struct tunnel_conf *o = v[i]->t;
		if (strcmp(t->name, o->name) == 0 || same_peer(t, o))
			continue;
		passes = (t->remote_any || o->remote_any) && (t->allow_weak & o->allow_weak & WEAK_PSK) == 0;
		other = other == NULL || passes ? o : other;
	}
	if (passes)
		finding_advice(
			finding_add(f, key_place(v[n]), FINDING_PSK_SHARED_ANY,
				"this key is that of tunnel '%s' (%s:%d), too: with 'remote: any' each of the two peers can pass for the other",
				other->name, other->file, other->line),
			"give each peer a key of its own, of `s2sctl genpsk`; 'allow-weak: psk' in both tunnels permits it knowingly");
	else if (other != NULL)
		finding_advice(finding_add(f, key_place(v[n]), FINDING_PSK_SHARED,
				       "this key is that of tunnel '%s' (%s:%d), too: who has one peer's key has the other's",
				       other->name, other->file, other->line),
			"give each peer a key of its own, of `s2sctl genpsk`");
}

#define DRAFT(x) (*(const struct tunnel_draft *const *)(x))

/* The order of the keys themselves: neither a copy nor a hash of one is made here. */
static int by_key(const void *x, const void *y)
{
	const struct tunnel_draft *a = DRAFT(x), *b = DRAFT(y);
	const struct psk *p = a->t->psk, *q = b->t->psk;
	if (p->len != q->len)
		return p->len < q->len ? -1 : 1;
	int order = memcmp(p->data, q->data, p->len);
	return order != 0 ? order : a->seq < b->seq ? -1 : a->seq > b->seq;
}

static bool same_key(const struct tunnel_draft *a, const struct tunnel_draft *b)
{
	return a->t->psk->len == b->t->psk->len && memcmp(a->t->psk->data, b->t->psk->data, a->t->psk->len) == 0;
}

/* Who the peer is must be known; other faults of the tunnel do not matter. */
static bool comparable(const struct tunnel_draft *d)
{
	uint64_t who = KEY_BIT(KEY_REMOTE) | KEY_BIT(KEY_REMOTE_ID) | KEY_BIT(KEY_ROUTES) | KEY_BIT(KEY_ALLOW_WEAK);
	return d->t->psk != NULL && d->t->psk->len > 0 && !d->cut && (d->broken & who) == 0 &&
	       (d->written & KEY_BIT(KEY_REMOTE)) != 0;
}

void check_psk_shared(struct findings *f, const struct conf_draft *d)
{
	const struct tunnel_draft **v = xcalloc(d->n + 1, sizeof *v);
	unsigned n = 0;
	for (unsigned i = 0; i < d->n; i++)
		if (comparable(&d->v[i]))
			v[n++] = &d->v[i];
	if (n > 1)
		qsort(v, n, sizeof *v, by_key);
	for (unsigned i = 1, first = 0; i < n; i++) {
		if (!same_key(v[first], v[i]))
			first = i;
		else
			key_shared(f, v + first, i - first);
	}
	free(v);
}

uint64_t check_psk_hash(const struct tunnel_conf *t)
{
	return t->psk != NULL && t->psk->len > 0 ? hash_words(HASH_START, t->psk->data, t->psk->len) | 1 : 0;
}
