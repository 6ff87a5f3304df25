/*
 * check_help.h - for the tests of check/: a configuration and a made-up machine, judged; what was found is in `out`.
 */
#ifndef CHECK_HELP_H
#define CHECK_HELP_H

#include <stdio.h>
#include <string.h>

#include "conf_help.h"
#include "check/check.h"
#include "check/host.h"
#include "unit.h"

static struct conf *conf;
static struct host host;
static struct findings out;

/* A machine on which nothing is to be said. */
static inline void calm(void)
{
	host = (struct host){
		.forward4 = 1, .forward6 = 1, .rp_all = 2, .rp_default = 0, .hash4 = 1, .hash6 = 1, .key_dir_mode = 0700
	};
}

static inline void load(const char *yaml)
{
	struct findings faults;
	conf = conf_of(yaml, &faults);
	ck_assert_msg(conf != NULL, "%s", faults.n > 0 ? faults.v[0].text : "?");
	findings_release(&faults);
}

static inline void judge(void)
{
	out = (struct findings){ 0 };
	check_conf(&out, conf, &host);
}

static inline void drop(void)
{
	findings_release(&out);
	conf_free(conf);
}

static inline const struct finding *find(const char *rule, const char *key)
{
	for (unsigned i = 0; i < out.n; i++)
		if (strcmp(out.v[i].rule, rule) == 0 && (key == NULL || (out.v[i].key != NULL && strcmp(out.v[i].key, key) == 0)))
			return &out.v[i];
	return NULL;
}

static inline void none_but_hints(void)
{
	for (unsigned i = 0; i < out.n; i++)
		ck_assert_msg(out.v[i].severity == FINDING_HINT, "%s: %s: %s", out.v[i].rule, out.v[i].key, out.v[i].text);
}

#define E FINDING_ERROR
#define W FINDING_WARNING
#define H FINDING_HINT

#define ONE(name, n, more) "  " name ": {remote: 203.0.113." n ", psk-file: k" more "}\n"
#define ROWS(v) ((int)(sizeof(v) / sizeof *(v)))

static inline int check_run(const char *name, TCase *t)
{
	tcase_set_timeout(t, 60);
	return unit_run_case(name, t);
}

#endif
