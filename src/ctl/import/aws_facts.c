/* aws_facts.c - what the readers found, each fact once with the place it is from, joined by connection and tunnel. */
#include <string.h>
#include <strings.h>

#include "aws.h"

/* --- what a fact is called, and how two of them are compared --- */
static const struct {
	const char *what;
	enum aws_fact_kind kind;
} facts[AWS_FACTS] = {
#define X(fact, what, kind) [fact] = { what, kind },
	AWS_FOUND_LIST(X) AWS_OPTION_LIST(X)
#undef X
};

static const char *const conn_facts[AWSC_FACTS] = {
#define X(fact, what) [fact] = what,
	AWSC_FOUND_LIST(X) AWSC_OPTION_LIST(X)
#undef X
};

/* Addresses are compared as addresses: "2001:DB8:0::1" is "2001:db8::1". Placeholders stay as they are. */
static const char *normal(struct import_set *p, enum aws_fact_kind kind, const char *text)
{
	char out[ADDR_TEXT];
	struct addr addr;
	struct prefix prefix;
	if (kind == FACT_ADDR && addr_parse(&addr, text))
		return import_text(p, "%s", addr_format(&addr, out));
	if (kind == FACT_PREFIX && prefix_parse(&prefix, text))
		return import_text(p, "%s", prefix_format(&prefix, out));
	return text;
}

static bool fact_put(struct aws *a, struct fact *f, const char *what, const char *text, const char *from)
{
	if (f->text == NULL)
		*f = (struct fact){ text, from };
	return strcasecmp(f->text, text) == 0 ||
	       import_refuse(a->p, "%s is '%s' in %s and '%s' in %s: download both again", what, f->text, f->from, text, from);
}

bool aws_fact_add(struct aws *a, struct fact *v, int fact, const char *text, const char *from)
{
	struct fact *f = &v[fact];
	if (text == NULL || text[0] == 0)
		return true;
	if (facts[fact].kind == FACT_SECRET && f->text != NULL)
		return strcmp(f->text, text) == 0 ||
		       import_refuse(a->p, "%s and %s do not have the same pre-shared key for one tunnel: download both again",
			       f->from, from);
	return fact_put(a, f, facts[fact].what, normal(a->p, facts[fact].kind, text), from);
}

bool aws_conn_fact_add(struct aws *a, struct aws_conn *c, enum aws_conn_fact fact, const char *text, const char *from)
{
	return text == NULL || text[0] == 0 || fact_put(a, &c->v[fact], conn_facts[fact], text, from);
}

/* --- connections and tunnels --- */
struct aws_conn *aws_conn_new(struct aws *a, const char *file)
{
	struct aws_conn **end = &a->first, *c;
	unsigned n = 0;
	for (; *end != NULL; end = &(*end)->next)
		n++;
	if (n >= AWS_CONNECTIONS_MAX) {
		import_refuse(a->p, "%s: more than %d connections", file, AWS_CONNECTIONS_MAX);
		return NULL;
	}
	c = import_alloc(a->p, sizeof *c);
	if (c == NULL)
		return NULL;
	c->file = file;
	*end = c;
	return c;
}

static bool same_fact(const struct fact *x, const struct fact *y)
{
	return x->text != NULL && y->text != NULL && strcmp(x->text, y->text) == 0;
}

static struct aws_tunnel *tunnel_like(const struct aws_conn *c, const struct aws_tunnel *t)
{
	struct aws_tunnel *found = c->first;
	bool known = t->v[AWS_OUTSIDE].text != NULL;
	while (found != NULL &&
		!same_fact(&found->v[known ? AWS_OUTSIDE : AWS_INSIDE_CIDR], &t->v[known ? AWS_OUTSIDE : AWS_INSIDE_CIDR]))
		found = found->next;
	return found;
}

bool aws_join(struct aws *a, struct aws_conn *c, const struct aws_tunnel *t, const char *file)
{
	struct aws_tunnel *into = tunnel_like(c, t), **end = &c->first;
	struct addr addr;
	if (t->v[AWS_OUTSIDE].text == NULL && into == NULL)
		return import_refuse(a->p, "%s: a tunnel without its outside address at AWS", file);
	if (t->v[AWS_OUTSIDE].text != NULL && !addr_parse(&addr, t->v[AWS_OUTSIDE].text))
		return import_refuse(a->p, "%s: invalid outside address '%s' of a tunnel at AWS", file, t->v[AWS_OUTSIDE].text);
	if (into == NULL) {
		if (c->n == AWS_TUNNELS_MAX)
			return import_refuse(a->p, "%s: more than %d tunnels in one connection", file, AWS_TUNNELS_MAX);
		into = import_alloc(a->p, sizeof *into);
		if (into == NULL)
			return false;
		while (*end != NULL)
			end = &(*end)->next;
		*end = into;
		c->n++;
	}
	for (int i = 0; i < AWS_FACTS; i++)
		if (!aws_fact_add(a, into->v, i, t->v[i].text, t->v[i].from))
			return false;
	return true;
}

/* Two files speak of one connection when the id is the same, or when one has no id and a tunnel is the same. */
static bool same_conn(const struct aws_conn *x, const struct aws_conn *y)
{
	if (x->v[AWSC_ID].text != NULL && y->v[AWSC_ID].text != NULL)
		return strcasecmp(x->v[AWSC_ID].text, y->v[AWSC_ID].text) == 0;
	for (const struct aws_tunnel *t = y->first; t != NULL; t = t->next)
		if (t->v[AWS_OUTSIDE].text != NULL && tunnel_like(x, t) != NULL)
			return true;
	return false;
}

static bool merge(struct aws *a, struct aws_conn *into, const struct aws_conn *c)
{
	for (int i = 0; i < AWSC_FACTS; i++)
		if (!aws_conn_fact_add(a, into, (enum aws_conn_fact)i, c->v[i].text, c->v[i].from))
			return false;
	for (const struct aws_tunnel *t = c->first; t != NULL; t = t->next)
		if (!aws_join(a, into, t, c->file))
			return false;
	into->options |= c->options;
	into->template |= c->template;
	return true;
}

bool aws_join_all(struct aws *a)
{
	for (struct aws_conn *c = a->first; c != NULL; c = c->next) {
		for (struct aws_conn **other = &c->next; *other != NULL;) {
			if (!same_conn(c, *other)) {
				other = &(*other)->next;
				continue;
			}
			if (!merge(a, c, *other))
				return false;
			*other = (*other)->next;
		}
	}
	return true;
}
