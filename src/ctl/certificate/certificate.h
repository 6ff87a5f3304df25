/*
 * certificate.h - inside of ctl/certificate: the three commands below `s2sctl certificate`. Order, from below: words, facts; ask, show; certificate.
 */
#ifndef CTL_CERTIFICATE_H
#define CTL_CERTIFICATE_H

#include <jansson.h>

#include "conf/conf.h"
#include "ctl/answer.h"

/* --- words.c --- */
json_t *words_json(const char *text); /* escaped; null for "" */

/* --- facts.c: what one certificate says --- */
struct shown {
	const char *file, *tunnel, *use; /* tunnel NULL: a file alone; use: "certificate", "ca" or "file" */
};
json_t *facts_json(const struct shown *s, struct bytes der); /* NULL: it is none */
void facts_print(const json_t *row);

int run_certificate_request(const struct ctl_command *self, const struct options *o);
int run_certificate_show(const struct ctl_command *self, const struct options *o);
int run_certificate_check(const struct ctl_command *self, const struct options *o);

#endif
