/* verdict.c - what a verdict gathers while it is looked for. */
#include <stdarg.h>
#include <stdlib.h>
#include <string.h>

#include "base/mem.h"
#include "explain.h"

void verdict_set(char to[PARAM_TEXT], const char *fmt, ...)
{
	va_list ap;
	va_start(ap, fmt);
	vsnprintf(to, PARAM_TEXT, fmt, ap);
	va_end(ap);
}

void evidence_add(struct verdict *v, const char *fmt, ...)
{
	char text[1024];
	va_list ap;
	va_start(ap, fmt);
	vsnprintf(text, sizeof text, fmt, ap);
	va_end(ap);
	for (unsigned i = 0; i < v->n_evidence; i++)
		if (strcmp(v->evidence[i], text) == 0)
			return;
	if (v->n_evidence < EVIDENCE_MAX)
		v->evidence[v->n_evidence++] = xstrdup(text);
}

void command_add(struct verdict *v, const char *command)
{
	for (unsigned i = 0; i < v->n_commands; i++)
		if (strcmp(v->commands[i], command) == 0)
			return;
	if (v->n_commands < COMMANDS_MAX)
		v->commands[v->n_commands++] = xstrdup(command);
}

void verdict_release(struct verdict *v)
{
	for (unsigned i = 0; i < v->n_commands; i++)
		free(v->commands[i]);
	for (unsigned i = 0; i < v->n_evidence; i++)
		free(v->evidence[i]);
	free(v->title);
	free(v->here);
	free(v->there);
	*v = (struct verdict){ 0 };
}

void verdicts_release(struct verdicts *v)
{
	for (unsigned i = 0; i < v->n; i++)
		verdict_release(&v->v[i]);
	v->n = 0;
}
