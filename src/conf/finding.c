/* finding.c - what is wrong with a configuration, all of it, in the order of the files. */
#include "conf/finding.h"

#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>

static char *text_make(const char *fmt, va_list ap)
{
	char text[1024];
	vsnprintf(text, sizeof text, fmt, ap);
	return xstrdup(text);
}

static struct finding *append(struct findings *f, struct place at, enum finding_code code, char *text)
{
	if (f->n == f->cap) {
		f->cap = f->cap > 0 ? 2 * f->cap : 16;
		f->v = xrealloc_array(f->v, f->cap, sizeof *f->v);
	}
	struct finding *v = &f->v[f->n];
	*v = (struct finding){ .code = code, .severity = finding_severity(code), .side = finding_side(code) };
	v->rule = finding_rule(code);
	v->file = at.file != NULL ? xstrdup(at.file) : NULL;
	v->line = at.line;
	v->key = at.key;
	v->cloud = at.cloud;
	v->text = text;
	v->order = at.order;
	v->seq = f->n++;
	snprintf(v->tunnel, sizeof v->tunnel, "%s", at.tunnel != NULL ? at.tunnel : "");
	return v;
}

struct finding *finding_addv(struct findings *f, struct place at, enum finding_code code, const char *fmt, va_list ap)
{
	f->count[finding_severity(code)]++;
	f->refused += finding_load(code) == LOAD_REFUSES;
	if (f->n < (f->max > 0 ? f->max : FAULTS_MAX) - 1)
		return append(f, at, code, text_make(fmt, ap));
	f->dropped++;
	f->dropped_refused += finding_load(code) == LOAD_REFUSES;
	return NULL;
}

struct finding *finding_add(struct findings *f, struct place at, enum finding_code code, const char *fmt, ...)
{
	va_list ap;
	va_start(ap, fmt);
	struct finding *v = finding_addv(f, at, code, fmt, ap);
	va_end(ap);
	return v;
}

void finding_advice(struct finding *f, const char *fmt, ...)
{
	va_list ap;
	if (f == NULL)
		return;
	va_start(ap, fmt);
	free(f->advice);
	f->advice = text_make(fmt, ap);
	va_end(ap);
}

static int by_place(const void *x, const void *y)
{
	const struct finding *a = x, *b = y;
	if (a->order != b->order)
		return a->order < b->order ? -1 : 1;
	if (a->line != b->line)
		return a->line < b->line ? -1 : 1;
	return a->seq < b->seq ? -1 : a->seq > b->seq;
}

void findings_sort(struct findings *f)
{
	char text[64];
	if (f->n > 1)
		qsort(f->v, f->n, sizeof *f->v, by_place);
	if (f->dropped == f->dropped_told)
		return;
	const struct finding *last = &f->v[f->n - 1];
	struct place at = { .file = last->file, .order = last->order, .line = last->line };
	snprintf(text, sizeof text, "and %u more faults", f->dropped - f->dropped_told);
	f->dropped_told = f->dropped;
	append(f, at, f->dropped_refused > 0 ? FINDING_MORE_ERRORS : FINDING_MORE_WARNINGS, xstrdup(text));
}

void findings_release(struct findings *f)
{
	for (unsigned i = 0; i < f->n; i++) {
		free(f->v[i].file);
		free(f->v[i].text);
		free(f->v[i].advice);
	}
	free(f->v);
	*f = (struct findings){ 0 };
}

const char *finding_text(const struct finding *f, char text[FINDING_TEXT])
{
	snprintf(text, FINDING_TEXT, "%s%s%s%s%s", f->tunnel, f->tunnel[0] != 0 ? ": " : "", f->key != NULL ? f->key : "",
		f->key != NULL ? ": " : "", f->text);
	return text;
}

const char *finding_line(const struct finding *f, char line[FINDING_LINE])
{
	char text[FINDING_TEXT];
	const char *word = finding_load(f->code) == LOAD_REFUSES ? "" : "warning: ";
	finding_text(f, text);
	if (f->file != NULL)
		snprintf(line, FINDING_LINE, "%s:%d: %s%s", f->file, f->line, word, text);
	else
		snprintf(line, FINDING_LINE, "%s%s", word, text);
	return line;
}
