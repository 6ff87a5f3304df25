/* set.c - gathering what an import makes, and telling what a person has to know. See set.h. */
#include <ctype.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "crypto/alg.h"
#include "set.h"

/* --- memory and words --- */
void *import_alloc(struct import_set *p, size_t n)
{
	void *m = p->full ? NULL : arena_alloc(&p->arena, n);
	if (m == NULL) {
		p->full = true;
		if (p->refusal == NULL)
			p->refusal = "the files hold more than one import can take: give fewer at once";
	}
	return m;
}

static const char *import_vtext(struct import_set *p, const char *fmt, va_list ap)
{
	va_list again;
	va_copy(again, ap);
	int n = vsnprintf(NULL, 0, fmt, again);
	va_end(again);
	char *text = n >= 0 ? import_alloc(p, (size_t)n + 1) : NULL;
	if (text == NULL)
		return "";
	vsnprintf(text, (size_t)n + 1, fmt, ap);
	return text;
}

const char *import_text(struct import_set *p, const char *fmt, ...)
{
	va_list ap;
	va_start(ap, fmt);
	const char *text = import_vtext(p, fmt, ap);
	va_end(ap);
	return text;
}

const char *import_copy(struct import_set *p, const char *text, size_t n)
{
	char *copy = import_alloc(p, n + 1);
	if (copy == NULL)
		return "";
	memcpy(copy, text, n);
	return copy;
}

bool import_refuse(struct import_set *p, const char *fmt, ...)
{
	va_list ap;
	if (p->refusal != NULL)
		return false;
	va_start(ap, fmt);
	const char *text = import_vtext(p, fmt, ap);
	va_end(ap);
	if (p->refusal == NULL)
		p->refusal = text;
	return false;
}

static void note_add(struct import_set *p, struct note **list, enum note_kind kind, const char *text)
{
	for (; *list != NULL; list = &(*list)->next) {
		if ((*list)->kind == kind && strcmp((*list)->text, text) == 0)
			return;
	}
	*list = import_alloc(p, sizeof **list);
	if (*list != NULL)
		**list = (struct note){ .kind = kind, .text = text };
}

void import_note(struct import_set *p, enum note_kind kind, const char *fmt, ...)
{
	va_list ap;
	va_start(ap, fmt);
	note_add(p, &p->notes, kind, import_vtext(p, fmt, ap));
	va_end(ap);
}

/* --- connections --- */
/* Lower-case letters, digits and single '-' between them, with room for "-2" behind. What is longer is cut, and told apart by a hash of all of it. */
static void name_clean(struct import_set *p, char name[TUNNEL_NAME_MAX + 1], const char *from, const char *fallback)
{
	const size_t most = TUNNEL_NAME_MAX - 2;
	char *all = import_alloc(p, strlen(from) + 1);
	size_t n = 0;
	for (; all != NULL && *from != 0; from++) {
		unsigned char c = (unsigned char)*from;
		if (c < 0x80 && isalnum(c))
			all[n++] = (char)tolower(c);
		else if (n > 0 && all[n - 1] != '-')
			all[n++] = '-';
	}
	while (n > 0 && all[n - 1] == '-')
		n--;
	if (n > 0)
		all[n] = 0;
	if (n == 0)
		snprintf(name, TUNNEL_NAME_MAX + 1, "%s", fallback);
	else if (n <= most)
		snprintf(name, TUNNEL_NAME_MAX + 1, "%s", all);
	else
		snprintf(name, TUNNEL_NAME_MAX + 1, "%.*s-%04x", (int)(most - 5), all, name_hash(all));
}

static struct import_conn *conn_of_name(struct import_set *p, const char *name)
{
	for (struct import_conn *m = p->first; m != NULL; m = m->next)
		if (strcmp(m->name, name) == 0)
			return m;
	return NULL;
}

/* With `more` when it has one and that is enough, else with a letter: numbers are those of tunnels. */
static void name_apart(struct import_set *p, struct import_conn *m)
{
	char name[TUNNEL_NAME_MAX + 1], letter[2] = "b";
	m->name[0] = 0;
	name_clean(p, name, m->more != NULL ? import_text(p, "%s-%s", m->called, m->more) : m->called,
		cloud_word(p->request->cloud));
	for (const char *base = import_text(p, "%s", name); conn_of_name(p, name) != NULL && letter[0] <= 'z'; letter[0]++)
		name_clean(p, name, import_text(p, "%s-%s", base, letter), "");
	if (conn_of_name(p, name) != NULL)
		import_refuse(p, "more than 25 connections have the name '%s': import some of them, with --only ID", m->called);
	snprintf(m->name, sizeof m->name, "%s", name);
}

/* Two of one name at the cloud: each gets what tells it from the other. */
static void name_give(struct import_set *p, struct import_conn *m)
{
	bool twins = false;
	char name[TUNNEL_NAME_MAX + 1];
	name_clean(p, m->name, m->called, cloud_word(p->request->cloud));
	snprintf(name, sizeof name, "%s", m->name);
	for (struct import_conn *o = p->first; o != NULL; o = o->next) {
		char other[TUNNEL_NAME_MAX + 1];
		if (o == m)
			continue;
		name_clean(p, other, o->called, cloud_word(p->request->cloud));
		if (strcmp(other, name) != 0)
			continue;
		twins = true;
		if (strcmp(o->name, name) == 0 && o->more != NULL)
			name_apart(p, o);
	}
	if (twins)
		name_apart(p, m);
}

struct import_conn *import_conn_new(struct import_set *p, const char *name, const char *more, const char *from)
{
	struct import_conn *m = import_alloc(p, sizeof *m), **end = &p->first;
	const char *wanted = p->request->name;
	if (m == NULL)
		return NULL;
	if (wanted != NULL && p->first != NULL) {
		import_refuse(p,
			"--name fits one connection, and the files hold more: '%s' in %s, '%s' in %s. Choose one with --only NAME|ID, or leave --name out",
			p->first->called, p->first->from, name, from);
		p->hard = true;
		return NULL;
	}
	*m = (struct import_conn){ .called = name, .more = more, .from = from };
	while (*end != NULL)
		end = &(*end)->next;
	*end = m;
	p->n++;
	if (wanted != NULL)
		snprintf(m->name, sizeof m->name, "%s", wanted);
	else
		name_give(p, m);
	return p->refusal == NULL ? m : NULL;
}

void import_conn_head(struct import_set *p, struct import_conn *m, const char *fmt, ...)
{
	va_list ap;
	va_start(ap, fmt);
	note_add(p, &m->head, NOTE_HERE, import_vtext(p, fmt, ap));
	va_end(ap);
}

bool import_conn_has(const struct import_conn *m, const char *key)
{
	for (unsigned i = 0; m->first != NULL && i < m->first->n; i++)
		if (strcmp(m->first->set[i].key, key) == 0)
			return true;
	return false;
}

struct import_tunnel *import_tunnel_new(struct import_set *p, struct import_conn *m)
{
	struct import_tunnel *t = import_alloc(p, sizeof *t), **end = &m->first;
	if (t == NULL)
		return NULL;
	while (*end != NULL)
		end = &(*end)->next;
	*end = t;
	m->n++;
	import_tunnel_set(p, t, "cloud", cloud_word(p->request->cloud), NULL);
	return t;
}

/* --- settings: what stands in the YAML passes here, so nothing of a foreign file can break out of its scalar --- */
static bool plain_value(const char *s)
{
	if (!isalnum((unsigned char)*s) && *s != '[' && *s != ':')
		return false;
	for (; *s != 0; s++)
		if ((unsigned char)*s >= 0x80 || (!isalnum((unsigned char)*s) && strchr(".,/:_@+-=[]\" ", *s) == NULL))
			return false;
	return true;
}

void import_tunnel_set(struct import_set *p, struct import_tunnel *t, const char *key, const char *value, const char *from)
{
	if (!plain_value(value) || (value[0] != '[' && strpbrk(value, "\"[]") != NULL)) {
		import_refuse(p, "%s: invalid value for %s", from != NULL ? from : "the files", key);
		return;
	}
	if (t->n == IMPORT_SETTINGS)
		return;
	bool quote = value[0] != '[' && strchr(value, ':') != NULL;
	const char *copy = quote ? import_text(p, "\"%s\"", value) : import_text(p, "%s", value);
	t->set[t->n++] = (struct setting){ key, copy, from };
	if (strcmp(key, "remote") == 0)
		t->remote = import_text(p, "%s", value);
}

void import_certificates(struct import_set *p, struct import_tunnel *t, const char *remote_id, const char *from)
{
	import_tunnel_set(p, t, "remote-id", remote_id, from);
	t->certified = true;
}

/* "[10.1.0.0/16, \"2001:db8::/32\"]"; "" when there is no memory left */
static const char *prefixes_text(struct import_set *p, const struct prefix *v, unsigned n)
{
	char text[ADDR_TEXT];
	size_t size = 3 + (size_t)n * (ADDR_TEXT + 4), len = 1;
	char *list = import_alloc(p, size);
	if (list == NULL)
		return "";
	list[0] = '[';
	for (unsigned i = 0; i < n; i++) {
		const char *quote = v[i].addr.family == AF_INET6 ? "\"" : "";
		len += (size_t)snprintf(
			list + len, size - len, "%s%s%s%s", i > 0 ? ", " : "", quote, prefix_format(&v[i], text), quote);
	}
	snprintf(list + len, size - len, "]");
	return list;
}

void import_tunnel_prefixes(
	struct import_set *p, struct import_tunnel *t, const char *key, const struct prefix *v, unsigned n, const char *from)
{
	if (n > 0)
		import_tunnel_set(p, t, key, prefixes_text(p, v, n), from);
}

void import_tunnel_child(struct import_set *p, struct import_tunnel *t, const struct prefix *here, unsigned n_here,
	const struct prefix *there, unsigned n_there, const char *from)
{
	struct import_child *child = import_alloc(p, sizeof *child), **end = &t->children;
	if (child == NULL)
		return;
	if (t->children == NULL && t->n < IMPORT_SETTINGS)
		t->set[t->n++] = (struct setting){ IMPORT_CHILDREN, "", from };
	while (*end != NULL)
		end = &(*end)->next;
	*end = child;
	const char *near = prefixes_text(p, here, n_here), *far = prefixes_text(p, there, n_there);
	if (p->full)
		return;
	*child = (struct import_child){ .local_ts = n_here == 1 ? import_copy(p, near + 1, strlen(near) - 2) : near,
		.remote_ts = n_there == 1 ? import_copy(p, far + 1, strlen(far) - 2) : far };
}

bool import_prefix_add(struct prefix *list, unsigned *n, unsigned max, const struct prefix *p)
{
	struct prefix net = prefix_mask(p);
	for (unsigned i = 0; i < *n; i++)
		if (prefix_equal(&list[i], &net))
			return true;
	if (*n == max)
		return false;
	list[(*n)++] = net;
	return true;
}

void import_tunnel_routes(struct import_set *p, struct import_tunnel *t, const struct prefix *v, unsigned n, const char *from)
{
	struct prefix all[2 * IMPORT_PREFIXES];
	unsigned count = p->n_routes;
	memcpy(all, p->routes, sizeof p->routes);
	for (unsigned i = 0; i < n; i++)
		import_prefix_add(all, &count, 2 * IMPORT_PREFIXES, &v[i]);
	if (count == p->n_routes)
		from = "--route";
	else if (p->n_routes > 0)
		from = import_text(p, "--route; %s", from);
	import_tunnel_prefixes(p, t, "routes", all, count, from);
}

bool import_asn_valid(const char *text)
{
	char *end;
	unsigned long long n = strtoull(text, &end, 10);
	return isdigit((unsigned char)text[0]) && *end == 0 && n >= 1 && n <= 4294967294ULL;
}

void import_tunnel_allow(struct import_set *p, struct import_tunnel *t, const char *word, const char *from)
{
	for (unsigned i = 0; i < t->n; i++) {
		struct setting *s = &t->set[i];
		if (strcmp(s->key, "allow-weak") != 0)
			continue;
		s->value = import_text(p, "%.*s, %s]", (int)strcspn(s->value, "]"), s->value, word);
		s->from = import_text(p, "%s; %s", s->from, from);
		return;
	}
	import_tunnel_set(p, t, "allow-weak", import_text(p, "[%s]", word), from);
}

/* --- proposals --- */
static bool weak_words(
	struct import_set *p, struct import_tunnel *t, uint8_t protocol, const char *text, uint32_t *weak, const char *from)
{
	struct proposal prop;
	const char *bad, *why, *word;
	size_t n;
	if (!proposal_parse(&prop, protocol, text, &bad, &n, &why))
		return import_refuse(p, "%s: the proposal '%s' cannot be used here: %.*s %s", from, text, (int)n, bad, why);
	while ((word = proposal_weak(&prop, *weak)) != NULL && alg_weak_bit(word) != 0)
		*weak |= alg_weak_bit(word);
	import_tunnel_set(p, t, protocol == PROTOCOL_IKE ? "ike-proposals" : "esp-proposals", text, from);
	return true;
}

bool import_tunnel_proposals(struct import_set *p, struct import_tunnel *t, const char *ike, const char *esp, const char *from)
{
	uint32_t weak = 0;
	const char *word, *list = NULL;
	if (!weak_words(p, t, PROTOCOL_IKE, ike, &weak, from) || !weak_words(p, t, PROTOCOL_ESP, esp, &weak, from))
		return false;
	for (unsigned i = 0; (word = alg_weak_word(i)) != NULL; i++)
		if ((weak & alg_weak_bit(word)) != 0)
			list = list == NULL ? word : import_text(p, "%s, %s", list, word);
	if (list == NULL)
		return true;
	import_tunnel_set(p, t, "allow-weak", import_text(p, "[%s]", list), "the cloud's side allows nothing stronger");
	import_note(p, NOTE_WARNING, "weak algorithms are in use because the cloud's side is set so: %s", list);
	return true;
}

/* --- the request --- */
static bool read_routes(struct import_set *p)
{
	char word[ADDR_TEXT];
	for (unsigned i = 0; i < p->request->n_routes; i++) {
		for (const char *s = p->request->routes[i]; *s != 0; s += strspn(s, ", ")) {
			struct prefix r;
			size_t n = strcspn(s, ", ");
			snprintf(word, sizeof word, "%.*s", (int)n, s);
			if (n >= sizeof word || !prefix_parse(&r, word))
				return import_refuse(p, "--route: invalid prefix '%s': write it like 10.20.0.0/16", word);
			if (!import_prefix_add(p->routes, &p->n_routes, IMPORT_PREFIXES, &r))
				return import_refuse(p, "--route: more than %d prefixes", IMPORT_PREFIXES);
			s += n;
		}
	}
	return true;
}

static bool read_name(struct import_set *p)
{
	char clean[TUNNEL_NAME_MAX + 1];
	if (p->request->name == NULL)
		return true;
	name_clean(p, clean, p->request->name, "");
	if (strcmp(clean, p->request->name) != 0)
		return import_refuse(p, "--name '%s': a name is of lower-case letters, digits and '-', at most %d",
			p->request->name, TUNNEL_NAME_MAX - 2);
	return true;
}

bool import_begin(struct import_set *p, const struct import_request *r)
{
	*p = (struct import_set){ .request = r };
	arena_init(&p->arena, (size_t)256 << 20);
	return read_routes(p) && read_name(p);
}

void import_release(struct import_set *p)
{
	arena_release(&p->arena);
	*p = (struct import_set){ 0 };
}
