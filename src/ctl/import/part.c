/*
 * part.c - which connections of the files become tunnels: those that --only names, less those that do not fit; and what a person has to be told when
 * the files are those of several offices.
 */
#include <stdio.h>
#include <string.h>
#include <strings.h>

#include "set.h"

#define NAMES_TOLD 12
#define OFFICES_MAX 64

/* --- --only --- */
static bool listed(const char *list, const char *word)
{
	size_t n = strlen(word);
	for (const char *s = list; n > 0 && *s != 0; s += strspn(s, ", ")) {
		size_t len = strcspn(s, ",");
		if (len == n && strncasecmp(s, word, n) == 0)
			return true;
		s += len;
	}
	return false;
}

bool import_wanted(struct import_set *p, const char *const *words, unsigned n)
{
	const char *only = p->request->only;
	for (unsigned i = 0; i < n && only != NULL; i++)
		if (words[i] != NULL && listed(only, words[i]))
			return true;
	if (only == NULL)
		return true;
	if (p->n_seen++ < NAMES_TOLD)
		p->seen = import_text(p, "%s%s'%s'", p->seen != NULL ? p->seen : "", p->seen != NULL ? ", " : "", words[0]);
	return false;
}

/* --- what does not fit --- */
struct import_mark import_mark(struct import_set *p)
{
	struct import_mark mark = { &p->notes, &p->first, p->n };
	while (*mark.notes != NULL)
		mark.notes = &(*mark.notes)->next;
	while (*mark.conns != NULL)
		mark.conns = &(*mark.conns)->next;
	return mark;
}

bool import_go_on(struct import_set *p, const struct import_mark *mark, bool good)
{
	struct note **end = &p->left;
	if (good && p->refusal == NULL)
		return true;
	if (p->full || p->hard)
		return false;
	*mark->notes = NULL;
	*mark->conns = NULL;
	p->n = mark->n;
	while (*end != NULL)
		end = &(*end)->next;
	*end = import_alloc(p, sizeof **end);
	if (*end == NULL)
		return false;
	**end = (struct note){ .kind = NOTE_WARNING, .text = p->refusal != NULL ? p->refusal : "a connection cannot be used" };
	p->refusal = NULL;
	return true;
}

static bool nothing_left(struct import_set *p)
{
	unsigned more = 0;
	for (const struct note *n = p->left != NULL ? p->left->next : NULL; n != NULL; n = n->next)
		more += strcmp(n->text, p->left->text) != 0;
	if (p->left != NULL && more > 0)
		return import_refuse(p,
			"no connection can be used: %s; and %u more, each for a reason of its own (--only NAME tells it)",
			p->left->text, more);
	if (p->left != NULL)
		return import_refuse(p, "%s", p->left->text);
	if (p->seen != NULL)
		return import_refuse(p, "--only '%s': no connection has this name or id; the files hold %s%s", p->request->only,
			p->seen, p->n_seen > NAMES_TOLD ? " and more" : "");
	return import_refuse(p, "the files hold no connection");
}

/* --- several offices in one file --- */
static const char *office_of(const struct import_conn *m)
{
	for (unsigned i = 0; m->first != NULL && i < m->first->n; i++)
		if (strcmp(m->first->set[i].key, "local-id") == 0)
			return m->first->set[i].value;
	return NULL;
}

/* As --only takes it. */
static const char *chosen_by(struct import_set *p, const struct import_conn *m)
{
	for (const struct import_conn *o = p->first; o != NULL && m->more != NULL; o = o->next)
		if (o != m && strcmp(o->called, m->called) == 0)
			return import_text(p, "%s-%s", m->called, m->more);
	return m->called;
}

static void note_offices(struct import_set *p)
{
	const char *seen[OFFICES_MAX], *list = NULL, *silent = NULL;
	unsigned n = 0;
	for (const struct import_conn *m = p->first; m != NULL; m = m->next) {
		const char *office = office_of(m);
		unsigned i = 0;
		silent = office == NULL && silent == NULL ? chosen_by(p, m) : silent;
		while (office != NULL && i < n && strcmp(seen[i], office) != 0)
			i++;
		if (office == NULL || i < n || n == OFFICES_MAX)
			continue;
		seen[n++] = office;
		if (n <= NAMES_TOLD)
			list = import_text(
				p, "%s%s%s (%s)", list != NULL ? list : "", list != NULL ? ", " : "", office, chosen_by(p, m));
	}
	if (n > 1 || (n == 1 && silent != NULL))
		import_note(p, NOTE_WARNING,
			"the connections are those of %u outside address%s of ours: %s%s%s%s%s. If this machine is one of these offices only, remove the "
			"files of the others, or import again with --force --only NAME",
			n, n > 1 ? "es" : "", list, n > NAMES_TOLD ? ", ..." : "", silent != NULL ? "; that of '" : "",
			silent != NULL ? silent : "", silent != NULL ? "' is not told" : "");
}

bool import_parts(struct import_set *p)
{
	if (p->first == NULL)
		return nothing_left(p);
	for (const struct note *n = p->left; n != NULL; n = n->next)
		import_note(p, NOTE_WARNING, "left out: %s", n->text);
	if (p->seen != NULL)
		import_note(
			p, NOTE_ASSUMED, "left out because of --only: %s%s", p->seen, p->n_seen > NAMES_TOLD ? " and more" : "");
	note_offices(p);
	return p->refusal == NULL;
}
