/*
 * finding.h - the list of what is wrong with a configuration: filled by the parser (conf/) and the judge (check/), in the order of the files.
 */
#ifndef CONF_FINDING_H
#define CONF_FINDING_H

#include <limits.h>
#include <stdarg.h>

#include "codes/finding.h"
#include "conf/conf.h"

struct place {
	const char *file; /* NULL: it is about the machine */
	unsigned order;   /* of the file among those that were read */
	int line;
	const char *tunnel; /* NULL: about none */
	const char *key;    /* or the name of a setting of the system; NULL: about none */
	enum cloud cloud;
};
#define PLACE_MACHINE UINT_MAX /* order: behind all files */

struct finding {
	enum finding_code code;
	enum finding_severity severity; /* severity, side and rule are the code's */
	enum finding_side side;
	const char *rule;
	char *file; /* as in struct place */
	int line;
	char tunnel[TUNNEL_NAME_MAX + 1];
	const char *key;
	enum cloud cloud;
	char *text, *advice; /* foreign text in them is escaped; advice: what to do, may be NULL */
	unsigned order, seq;
};

/* So many are kept; the last one may say how many more there are. */
#define FAULTS_MAX 1000   /* of a load */
#define FINDINGS_MAX 2000 /* of s2sctl check */
struct findings {
	unsigned n, max, cap; /* max 0: FAULTS_MAX */
	unsigned dropped, dropped_refused, dropped_told;
	unsigned count[3]; /* per severity, dropped ones too */
	unsigned refused;  /* for how many the daemon refuses the configuration */
	struct finding *v;
};

/* NULL past the bound; finding_advice() takes that, too. */
struct finding *finding_add(struct findings *f, struct place at, enum finding_code code, const char *fmt, ...)
	__attribute__((format(printf, 4, 5)));
struct finding *finding_addv(struct findings *f, struct place at, enum finding_code code, const char *fmt, va_list ap);
void finding_advice(struct finding *f, const char *fmt, ...) __attribute__((format(printf, 2, 3)));
void findings_sort(struct findings *f); /* by file and line, once nothing is added any more */
void findings_release(struct findings *f);

#define FINDING_TEXT 1200
/* "aws-1: mtu: it is too large" */
const char *finding_text(const struct finding *f, char text[FINDING_TEXT]);
/* As the daemon says it: "FILE:LINE: warning: " and the text. An error has no word in front. */
#define FINDING_LINE 1800
const char *finding_line(const struct finding *f, char line[FINDING_LINE]);

#endif
