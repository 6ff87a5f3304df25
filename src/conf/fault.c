/* fault.c - what is wrong with a configuration, all of it, in the order of the files. */
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "keys.h"

static void keep(const struct context *c, enum severity severity, const char *fmt, va_list ap)
{
	struct gather *g = c->gather;
	char text[512];
	struct out o = out_of(text, sizeof text);
	g->errors += severity == FAULT_ERROR;
	if (g->n >= FAULTS_MAX - 1) { /* the last one is for the count of the others */
		g->dropped++;
		g->dropped_errors += severity == FAULT_ERROR;
		return;
	}
	if (c->tunnel != NULL)
		out_add(&o, "%s: ", c->tunnel);
	if (c->key != NULL)
		out_add(&o, "%s: ", c->key);
	vsnprintf(text + o.len, sizeof text - o.len, fmt, ap);

	if (g->n == g->cap) {
		g->cap = g->cap > 0 ? 2 * g->cap : 16;
		g->v = xrealloc_array(g->v, g->cap, sizeof *g->v);
	}
	struct kept *k = &g->v[g->n];
	*k = (struct kept){ .order = c->order, .seq = g->n++ };
	k->f = (struct fault){ .severity = severity, .line = c->line, .key = c->key };
	k->f.file = c->file != NULL ? xstrdup(c->file) : NULL;
	k->f.text = xstrdup(text);
	if (c->tunnel != NULL)
		snprintf(k->f.tunnel, sizeof k->f.tunnel, "%s", c->tunnel);
}

void complain(const struct context *c, enum severity severity, const char *fmt, ...)
{
	va_list ap;
	va_start(ap, fmt);
	keep(c, severity, fmt, ap);
	va_end(ap);
}

bool refuse(const struct context *c, const char *fmt, ...)
{
	va_list ap;
	va_start(ap, fmt);
	keep(c, FAULT_ERROR, fmt, ap);
	va_end(ap);
	return false;
}

static int by_place(const void *x, const void *y)
{
	const struct kept *a = x, *b = y;
	if (a->order != b->order)
		return a->order < b->order ? -1 : 1;
	if (a->f.line != b->f.line)
		return a->f.line < b->f.line ? -1 : 1;
	return a->seq < b->seq ? -1 : a->seq > b->seq;
}

void gather_finish(struct gather *g, struct faults *out)
{
	struct faults all = { .errors = g->errors };
	if (g->n > 0) {
		qsort(g->v, g->n, sizeof *g->v, by_place);
		all.v = xcalloc(g->n + 1, sizeof *all.v);
	}
	for (; all.n < g->n; all.n++)
		all.v[all.n] = g->v[all.n].f;
	if (g->dropped > 0) {
		const struct fault *last = &all.v[all.n - 1];
		char text[64];
		snprintf(text, sizeof text, "and %u more faults", g->dropped);
		struct fault more = { .severity = g->dropped_errors > 0 ? FAULT_ERROR : FAULT_WARNING, .line = last->line };
		more.file = last->file != NULL ? xstrdup(last->file) : NULL;
		more.text = xstrdup(text);
		all.v[all.n++] = more;
	}
	free(g->v);
	*g = (struct gather){ 0 };
	if (out != NULL)
		*out = all;
	else
		faults_release(&all);
}

void faults_release(struct faults *f)
{
	for (unsigned i = 0; i < f->n; i++) {
		free((char *)f->v[i].file); /* ours: copied by keep() */
		free(f->v[i].text);
	}
	free(f->v);
	*f = (struct faults){ 0 };
}
