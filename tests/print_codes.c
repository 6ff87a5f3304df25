/*
 * print_codes.c - prints the words that leave the programs, a line each: what kind of word, the word, and what else belongs to it.
 * tests/check-codes holds manuals, schemas and completions against it.
 */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "codes/control.h"
#include "codes/counter.h"
#include "codes/event.h"
#include "codes/finding.h"
#include "codes/problem.h"
#include "codes/state.h"
#include "codes/verdict.h"
#include "conf/conf.h"
#include "engine/metrics.h"
#include "ike/ike.h"

static void fill(void *arg, void *out, size_t n)
{
	(void)arg;
	memset(out, 1, n);
}

/* The families are asked of who writes them. */
static void print_metrics(void)
{
	struct ike *ike = ike_new(fill, NULL);
	struct metrics *m = metrics_new(1);
	struct line l = { 0 };
	char *save = NULL;
	struct metrics_at at = { .format = METRICS_CLASSIC };
	while (metrics_more(m, ike, NULL, &at, &l))
		continue;
	for (char *line = strtok_r(l.data, "\n", &save); line; line = strtok_r(NULL, "\n", &save)) {
		char name[128], type[32];
		if (sscanf(line, "# TYPE %127s %31s", name, type) == 2)
			printf("metric %s %s\n", name, type);
	}
	line_release(&l);
	metrics_free(m);
	ike_free(ike);
}

int main(void)
{
	const char *word;
	for (unsigned i = 0; i < FACT_COUNT; i++)
		printf("event %s %s\n", fact_word((enum fact_code)i), log_level_word(fact_level((enum fact_code)i)));
	for (unsigned i = LOG_LEVEL_ERROR; i <= LOG_LEVEL_DEBUG; i++)
		printf("level %s\n", log_level_word((enum log_level)i));
	for (unsigned i = BLAME_PEER; i <= BLAME_OPERATOR; i++)
		printf("blame %s\n", blame_word((enum blame)i));
	for (unsigned i = SUBJECT_NONE + 1; i < SUBJECT_COUNT; i++)
		printf("subject %s\n", subject_word((enum fact_subject)i));
	for (unsigned i = PROBLEM_NONE + 1; i < PROBLEM_COUNT; i++)
		printf("problem %s\n", problem_word((enum problem)i));
	for (unsigned i = 0; i < DROP_COUNT; i++)
		printf("drop %s\n", drop_word((enum drop_reason)i));
	for (unsigned i = 0; i < TUNNEL_STATE_COUNT; i++)
		printf("tunnel-state %s\n", tunnel_state_word((enum tunnel_state)i));
#define X(code, word, ...) printf("sa-state %s\n", word);
	SA_STATE_LIST(X)
#undef X
#define X(code, word, ...) printf("child-state %s\n", word);
	CHILD_STATE_LIST(X)
#undef X
	for (unsigned i = 0; i < COUNTER_COUNT; i++)
		printf("counter %s\n", counter_rows[i].member);
	for (unsigned i = 0; i < CONTROL_COMMAND_COUNT; i++)
		printf("control-command %s\n", control_command_word((enum control_command)i));
	for (unsigned i = 0; i < CONTROL_ERROR_COUNT; i++)
		printf("control-error %s\n", control_error_word((enum control_error)i));
	for (unsigned i = 0; i < VERDICT_COUNT; i++)
		printf("verdict %s\n", verdict_word((enum verdict_code)i));
	for (unsigned i = 0; i < FINDING_COUNT; i++)
		printf("rule %s\n", finding_rule((enum finding_code)i));
	for (unsigned i = 0; (word = tunnel_conf_key(i)); i++)
		printf("key %s\n", word);
	for (unsigned i = 0; (word = global_conf_key(i)); i++)
		printf("key %s\n", word);
	for (unsigned i = 0; i < CLOUD_COUNT; i++)
		printf("cloud %s\n", cloud_word((enum cloud)i));
	print_metrics();
	return 0;
}
