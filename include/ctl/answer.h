/* answer.h - how a command answers: JSON on stdout, a failure on stderr, its exit code. */
#ifndef CTL_ANSWER_H
#define CTL_ANSWER_H

#include <jansson.h>
#include <stdio.h>

#include "ctl/ctl.h"

json_t *answer_new(void); /* {"version":1} */
/* Takes the reference; indented on a terminal, one line otherwise; CTL_FAILED when stdout is full or gone. */
int answer_print(json_t *o);
void answer_print_error(const char *code, const char *text); /* {"version":1,"error":{...}}; the text is clean already */

/* Tells why on stderr (with --json also as an object on stdout) and returns the exit code. */
int ctl_fail(const struct options *o, enum ctl_exit code, const char *word, const char *fmt, ...)
	__attribute__((format(printf, 4, 5)));
/* The same for a command line that is wrong, followed by the command's usage line (c may be NULL). */
int ctl_usage(const struct options *o, const struct ctl_command *c, const char *fmt, ...) __attribute__((format(printf, 3, 4)));
void ctl_print_usage(FILE *to, const struct ctl_command *c);

#endif
