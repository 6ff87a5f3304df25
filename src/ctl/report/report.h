/*
 * report.h - everything that somebody far away needs to judge a fault, in one text; and the certainty that no key is in it.
 */
#ifndef CTL_REPORT_H
#define CTL_REPORT_H

#include <jansson.h>
#include <stddef.h>
#include <stdio.h>

#include "conf/conf.h"

/* What must not appear: each as it is, in hex and in base64. */
struct secrets {
	unsigned n;
	struct {
		size_t len;
		char *text;
	} * v;
};
void secrets_add(struct secrets *s, const void *p, size_t n); /* short ones too: a weak key is still a key */
void secrets_of_conf(struct secrets *s, const struct conf *c);
void secrets_release(struct secrets *s); /* wiped */
/* Overwrites every occurrence by '*'; how many there were. */
unsigned secrets_remove(const struct secrets *s, char *text, size_t n);

/* The settings in force, key by key, as the parser understood them: no comment and no key of the files gets in. */
void report_settings(const struct conf *c, FILE *to);

#endif
