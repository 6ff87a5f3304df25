/* plan.c - gathering what an import makes, and telling what a person has to know. See plan.h. */
#include <ctype.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "crypto/alg.h"
#include "plan.h"

/* --- memory and words --- */
void *plan_alloc(struct plan *p, size_t n)
{
	void *m = p->full ? NULL : arena_alloc(&p->arena, n);
	if (m == NULL) {
		p->full = true;
		if (p->refusal == NULL)
			p->refusal = "the files hold more than one import can take: give fewer at once";
	}
	return m;
}

static const char *plan_vtext(struct plan *p, const char *fmt, va_list ap)
{
	va_list again;
	va_copy(again, ap);
	int n = vsnprintf(NULL, 0, fmt, again);
	va_end(again);
	char *text = n >= 0 ? plan_alloc(p, (size_t)n + 1) : NULL;
	if (text == NULL)
		return "";
	vsnprintf(text, (size_t)n + 1, fmt, ap);
	return text;
}

const char *plan_text(struct plan *p, const char *fmt, ...)
{
	va_list ap;
	va_start(ap, fmt);
	const char *text = plan_vtext(p, fmt, ap);
	va_end(ap);
	return text;
}

const char *plan_copy(struct plan *p, const char *text, size_t n)
{
	char *copy = plan_alloc(p, n + 1);
	if (copy == NULL)
		return "";
	memcpy(copy, text, n);
	return copy;
}

bool plan_refuse(struct plan *p, const char *fmt, ...)
{
	va_list ap;
	if (p->refusal != NULL)
		return false;
	va_start(ap, fmt);
	const char *text = plan_vtext(p, fmt, ap);
	va_end(ap);
	if (p->refusal == NULL)
		p->refusal = text;
	return false;
}

static void note_add(struct plan *p, struct note **list, enum note_kind kind, const char *text)
{
	for (; *list != NULL; list = &(*list)->next) {
		if ((*list)->kind == kind && strcmp((*list)->text, text) == 0)
			return;
	}
	*list = plan_alloc(p, sizeof **list);
	if (*list != NULL)
		**list = (struct note){ .kind = kind, .text = text };
}

void plan_note(struct plan *p, enum note_kind kind, const char *fmt, ...)
{
	va_list ap;
	va_start(ap, fmt);
	note_add(p, &p->notes, kind, plan_vtext(p, fmt, ap));
	va_end(ap);
}

const char *note_word(enum note_kind kind)
{
	switch (kind) {
	case NOTE_ASSUMED: return "assumed";
	case NOTE_WARNING: return "warning";
	case NOTE_HERE: return "here";
	case NOTE_CLOUD: return "cloud";
	}
	return "?";
}

/* --- connections --- */
/* Lower-case letters, digits and single '-' between them, with room for "-2" behind. */
static void name_clean(char name[TUNNEL_NAME_MAX + 1], const char *from, const char *fallback)
{
	size_t n = 0;
	for (; *from != 0 && n < TUNNEL_NAME_MAX - 2; from++) {
		unsigned char c = (unsigned char)*from;
		if (c < 0x80 && isalnum(c))
			name[n++] = (char)tolower(c);
		else if (n > 0 && name[n - 1] != '-')
			name[n++] = '-';
	}
	while (n > 0 && name[n - 1] == '-')
		n--;
	name[n] = 0;
	if (n == 0)
		snprintf(name, TUNNEL_NAME_MAX + 1, "%s", fallback);
}

static struct made *made_of_name(struct plan *p, const char *name)
{
	for (struct made *m = p->first; m != NULL; m = m->next)
		if (strcmp(m->name, name) == 0)
			return m;
	return NULL;
}

struct made *plan_made(struct plan *p, const char *name, const char *from)
{
	struct made *m = plan_alloc(p, sizeof *m), **end = &p->first;
	const char *wanted = p->request->name;
	if (m == NULL)
		return NULL;
	name_clean(m->name, wanted != NULL ? wanted : name, cloud_word(p->request->cloud));
	struct made *twin = made_of_name(p, m->name);
	if (twin != NULL && wanted != NULL)
		plan_refuse(
			p, "--name fits one connection, and the files hold more: one is in %s, another in %s", twin->from, from);
	else if (twin != NULL)
		plan_refuse(p, "two connections have the name '%s': one in %s, one in %s. Import them one at a time, with --name",
			m->name, twin->from, from);
	if (twin != NULL)
		return NULL;
	m->from = from;
	while (*end != NULL)
		end = &(*end)->next;
	*end = m;
	p->n++;
	return m;
}

void made_head(struct plan *p, struct made *m, const char *fmt, ...)
{
	va_list ap;
	va_start(ap, fmt);
	note_add(p, &m->head, NOTE_HERE, plan_vtext(p, fmt, ap));
	va_end(ap);
}

struct made_tunnel *made_tunnel(struct plan *p, struct made *m)
{
	struct made_tunnel *t = plan_alloc(p, sizeof *t), **end = &m->first;
	if (t == NULL)
		return NULL;
	while (*end != NULL)
		end = &(*end)->next;
	*end = t;
	m->n++;
	made_set(p, t, "cloud", cloud_word(p->request->cloud), NULL);
	return t;
}

/* --- settings: what stands in the YAML passes here, so nothing of a foreign file can break out of its scalar --- */
static bool plain_value(const char *s)
{
	if (!isalnum((unsigned char)*s) && *s != '[' && *s != ':')
		return false;
	for (; *s != 0; s++)
		if ((unsigned char)*s >= 0x80 || (!isalnum((unsigned char)*s) && strchr(".,/:_@+-[]\" ", *s) == NULL))
			return false;
	return true;
}

void made_set(struct plan *p, struct made_tunnel *t, const char *key, const char *value, const char *from)
{
	if (!plain_value(value) || (value[0] != '[' && strpbrk(value, "\"[]") != NULL)) {
		plan_refuse(p, "%s: what stands there for %s is no such value", from != NULL ? from : "the files", key);
		return;
	}
	if (t->n == PLAN_SETTINGS)
		return;
	bool quote = value[0] != '[' && strchr(value, ':') != NULL;
	const char *copy = quote ? plan_text(p, "\"%s\"", value) : plan_text(p, "%s", value);
	t->set[t->n++] = (struct setting){ key, copy, from };
	if (strcmp(key, "remote") == 0)
		t->remote = plan_text(p, "%s", value);
}

void made_prefixes(struct plan *p, struct made_tunnel *t, const char *key, const struct prefix *v, unsigned n, const char *from)
{
	char text[ADDR_TEXT];
	size_t size = 3 + (size_t)n * (ADDR_TEXT + 4), len = 1;
	char *list = plan_alloc(p, size);
	if (list == NULL || n == 0)
		return;
	list[0] = '[';
	for (unsigned i = 0; i < n; i++) {
		const char *quote = v[i].addr.family == AF_INET6 ? "\"" : "";
		len += (size_t)snprintf(
			list + len, size - len, "%s%s%s%s", i > 0 ? ", " : "", quote, prefix_format(&v[i], text), quote);
	}
	snprintf(list + len, size - len, "]");
	made_set(p, t, key, list, from);
}

static bool holds(const struct prefix *v, unsigned n, const struct prefix *wanted)
{
	for (unsigned i = 0; i < n; i++)
		if (prefix_equal(&v[i], wanted))
			return true;
	return false;
}

void made_routes(struct plan *p, struct made_tunnel *t, const struct prefix *v, unsigned n, const char *from)
{
	struct prefix all[2 * PLAN_PREFIXES];
	unsigned count = 0;
	for (unsigned i = 0; i < p->n_routes; i++)
		all[count++] = p->routes[i];
	for (unsigned i = 0; i < n && i < PLAN_PREFIXES; i++) {
		struct prefix net = prefix_mask(&v[i]);
		if (!holds(all, count, &net))
			all[count++] = net;
	}
	if (count == p->n_routes)
		from = "--route";
	else if (p->n_routes > 0)
		from = plan_text(p, "--route; %s", from);
	made_prefixes(p, t, "routes", all, count, from);
}

/* --- proposals --- */
static bool weak_words(
	struct plan *p, struct made_tunnel *t, uint8_t protocol, const char *text, uint32_t *weak, const char *from)
{
	struct proposal prop;
	const char *bad, *why, *word;
	size_t n;
	if (!proposal_parse(&prop, protocol, text, &bad, &n, &why))
		return plan_refuse(p, "%s: the proposal '%s' cannot be used here: %.*s %s", from, text, (int)n, bad, why);
	while ((word = proposal_weak(&prop, *weak)) != NULL && alg_weak_bit(word) != 0)
		*weak |= alg_weak_bit(word);
	made_set(p, t, protocol == PROTOCOL_IKE ? "ike-proposals" : "esp-proposals", text, from);
	return true;
}

bool made_proposals(struct plan *p, struct made_tunnel *t, const char *ike, const char *esp, const char *from)
{
	uint32_t weak = 0;
	const char *word, *list = NULL;
	if (!weak_words(p, t, PROTOCOL_IKE, ike, &weak, from) || !weak_words(p, t, PROTOCOL_ESP, esp, &weak, from))
		return false;
	for (unsigned i = 0; (word = alg_weak_word(i)) != NULL; i++)
		if ((weak & alg_weak_bit(word)) != 0)
			list = list == NULL ? word : plan_text(p, "%s, %s", list, word);
	if (list == NULL)
		return true;
	made_set(p, t, "allow-weak", plan_text(p, "[%s]", list), "the cloud's side allows nothing stronger");
	plan_note(p, NOTE_WARNING, "weak algorithms are in use because the cloud's side is set so: %s", list);
	return true;
}

/* --- the request --- */
static bool read_routes(struct plan *p)
{
	char word[ADDR_TEXT];
	for (unsigned i = 0; i < p->request->n_routes; i++) {
		for (const char *s = p->request->routes[i]; *s != 0; s += strspn(s, ", ")) {
			struct prefix r;
			size_t n = strcspn(s, ", ");
			snprintf(word, sizeof word, "%.*s", (int)n, s);
			if (n >= sizeof word || !prefix_parse(&r, word))
				return plan_refuse(p, "--route: '%s' is no prefix like 10.20.0.0/16", word);
			if (p->n_routes == PLAN_PREFIXES)
				return plan_refuse(p, "--route: more than %d prefixes", PLAN_PREFIXES);
			r = prefix_mask(&r);
			if (!holds(p->routes, p->n_routes, &r))
				p->routes[p->n_routes++] = r;
			s += n;
		}
	}
	return true;
}

static bool read_name(struct plan *p)
{
	char clean[TUNNEL_NAME_MAX + 1];
	if (p->request->name == NULL)
		return true;
	name_clean(clean, p->request->name, "");
	if (strcmp(clean, p->request->name) != 0)
		return plan_refuse(p, "--name '%s': a name is of lower-case letters, digits and '-', at most %d",
			p->request->name, TUNNEL_NAME_MAX - 2);
	return true;
}

bool plan_begin(struct plan *p, const struct import_request *r)
{
	*p = (struct plan){ .request = r };
	arena_init(&p->arena, (size_t)256 << 20);
	return read_routes(p) && read_name(p);
}

void plan_release(struct plan *p)
{
	arena_release(&p->arena);
	*p = (struct plan){ 0 };
}
