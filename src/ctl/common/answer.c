/* answer.c - see answer.h. */
#include "ctl/answer.h"

#include <stdarg.h>
#include <stdio.h>
#include <unistd.h>

#include "ctl/render.h"

json_t *answer_new(void)
{
	json_t *o = json_object();
	json_object_set_new(o, "version", json_integer(1));
	return o;
}

int answer_print(json_t *o)
{
	int bad = json_dumpf(o, stdout, isatty(STDOUT_FILENO) ? JSON_INDENT(2) : JSON_COMPACT);
	json_decref(o);
	bad |= putchar('\n') == EOF;
	bad |= fflush(stdout);
	return bad != 0 ? CTL_FAILED : CTL_DONE;
}

void answer_print_error(const char *code, const char *text)
{
	json_t *answer = answer_new(), *error = json_object();
	json_object_set_new(error, "code", json_string(code));
	json_object_set_new(error, "text", json_string(text));
	json_object_set_new(answer, "error", error);
	answer_print(answer);
}

/* "s2sctl: text" on stderr, escaped; `clean` keeps it for the JSON that follows. */
static void print_text(char *clean, size_t size, const char *fmt, va_list ap)
{
	char text[1024];
	vsnprintf(text, sizeof text, fmt, ap);
	int used = fprintf(stderr, "s2sctl: ");
	put_fitting(stderr, escaped(clean, size, text), (unsigned)used, (unsigned)used);
}

int ctl_fail(const struct options *o, enum ctl_exit code, const char *word, const char *fmt, ...)
{
	char clean[2048];
	va_list ap;
	va_start(ap, fmt);
	print_text(clean, sizeof clean, fmt, ap);
	va_end(ap);
	if (o->json)
		answer_print_error(word, clean);
	return code;
}

void ctl_print_usage(FILE *to, const struct ctl_command *c)
{
	char text[512];
	snprintf(text, sizeof text, "usage: s2sctl [-r RUNDIR] [--json] %s%s%s", c->word, c->args[0] != 0 ? " " : "", c->args);
	put_fitting(to, text, 0, 7);
}

int ctl_usage(const struct options *o, const struct ctl_command *c, const char *fmt, ...)
{
	char clean[2048];
	va_list ap;
	va_start(ap, fmt);
	print_text(clean, sizeof clean, fmt, ap);
	va_end(ap);
	if (c != NULL)
		ctl_print_usage(stderr, c);
	if (o->json)
		answer_print_error("usage", clean);
	return CTL_USAGE;
}
