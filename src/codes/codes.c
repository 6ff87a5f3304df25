/* codes.c - the rows and words of all lists in include/codes; what is no code has a word, too. */
#include <stddef.h>
#include <string.h>

#include "base/util.h"
#include "codes/control.h"
#include "codes/counter.h"
#include "codes/event.h"
#include "codes/feature.h"
#include "codes/finding.h"
#include "codes/problem.h"
#include "codes/state.h"
#include "codes/verdict.h"

/* ---------------------------------------------------------------- lists of words */
#define X(code, word) word,
static const char *const commands[] = { CONTROL_COMMAND_LIST(X) };
static const char *const control_errors[] = { CONTROL_ERROR_LIST(X) };
static const char *const verdicts[] = { VERDICT_LIST(X) };
static const char *const subjects[] = { NULL, SUBJECT_LIST(X) };
static const char *const problems[] = { NULL, PROBLEM_LIST(X) };
static const char *const drops[] = { DROP_LIST(X) };
static const char *const sa_states[] = { SA_STATE_LIST(X) };
static const char *const child_states[] = { CHILD_STATE_LIST(X) };
#undef X
#define X(code, word, what) word,
static const char *const features[] = { FEATURE_LIST(X) };
#undef X
#define X(code, word, what) what,
static const char *const feature_texts[] = { FEATURE_LIST(X) };
#undef X
static const char *const blames[] = { "none", "peer", "local", "network", "operator" };
static const char *const severities[] = { "error", "warning", "hint" };
static const char *const sides[] = { "ours", "cloud", "both" };

const char *control_command_word(enum control_command c) { return commands[c]; }
const char *control_error_word(enum control_error e) { return control_errors[e]; }
const char *verdict_word(enum verdict_code code) { return verdicts[code]; }
const char *subject_word(enum fact_subject s) { return (unsigned)s < SUBJECT_COUNT ? subjects[s] : NULL; }
const char *problem_word(enum problem p) { return (unsigned)p < PROBLEM_COUNT ? problems[p] : NULL; }
const char *feature_word(enum feature f) { return features[f]; }
const char *feature_text(enum feature f) { return feature_texts[f]; }
const char *drop_word(enum drop_reason r) { return (unsigned)r < DROP_COUNT ? drops[r] : "?"; }
const char *sa_state_word(enum sa_state s) { return sa_states[s]; }
const char *child_state_word(enum child_state s) { return child_states[s]; }
const char *blame_word(enum blame b) { return blames[(unsigned)b < ARRAY_SIZE(blames) ? b : BLAME_NONE]; }
const char *severity_word(enum finding_severity s) { return severities[s]; }
const char *side_word(enum finding_side s) { return sides[s]; }

enum control_command control_command_parse(const char *word)
{
	unsigned i = 0;
	while (i < CONTROL_COMMAND_COUNT && strcmp(word, commands[i]) != 0)
		i++;
	return (enum control_command)i;
}

/* ---------------------------------------------------------------- events */
static const struct {
	const char *word;
	enum log_level level;
	bool error;
} events[FACT_COUNT] = {
#define X(code, word, level, error) [FACT_##code] = { word, LOG_LEVEL_##level, error },
	FACT_LIST(X)
#undef X
};

const char *fact_word(enum fact_code code) { return (unsigned)code < FACT_COUNT ? events[code].word : "?"; }

enum log_level fact_level(enum fact_code code) { return (unsigned)code < FACT_COUNT ? events[code].level : LOG_LEVEL_DEBUG; }

bool fact_is_error(enum fact_code code) { return (unsigned)code < FACT_COUNT && events[code].error; }

/* ---------------------------------------------------------------- findings */
static const struct {
	const char *rule;
	enum finding_severity severity;
	enum finding_side side;
	enum finding_load load;
} findings[FINDING_COUNT] = {
#define X(code, rule, severity, side, load) [FINDING_##code] = { rule, FINDING_##severity, SIDE_##side, LOAD_##load },
	FINDING_LIST(X)
#undef X
};

const char *finding_rule(enum finding_code code) { return findings[code].rule; }
enum finding_severity finding_severity(enum finding_code code) { return findings[code].severity; }
enum finding_side finding_side(enum finding_code code) { return findings[code].side; }
enum finding_load finding_load(enum finding_code code) { return findings[code].load; }

/* ---------------------------------------------------------------- counters and states */
const struct counter_row counter_rows[COUNTER_COUNT] = {
#define X(code, member, metric, unit, column, line, help) { member, metric, unit, COLUMN_##column, line, help },
	COUNTER_LIST(X)
#undef X
};

const struct tunnel_state_row tunnel_state_rows[TUNNEL_STATE_COUNT + 1] = {
#define X(code, word, narrow, rank, tint) { word, narrow, rank, TINT_##tint },
	TUNNEL_STATE_LIST(X)
#undef X
		{ "?", "?", 0, TINT_BAD },
};

const char *tunnel_state_word(enum tunnel_state s)
{
	return tunnel_state_rows[(unsigned)s < TUNNEL_STATE_COUNT ? s : TUNNEL_STATE_COUNT].word;
}

enum tunnel_state tunnel_state_parse(const char *word)
{
	unsigned i = 0;
	while (i < TUNNEL_STATE_COUNT && (!word || strcmp(word, tunnel_state_rows[i].word) != 0))
		i++;
	return (enum tunnel_state)i;
}

enum tunnel_state tunnel_state_best(unsigned nth)
{
	unsigned best = 0;
	for (unsigned i = 0, better; i < TUNNEL_STATE_COUNT; i++) {
		better = 0;
		for (unsigned k = 0; k < TUNNEL_STATE_COUNT; k++)
			better += tunnel_state_rows[k].rank > tunnel_state_rows[i].rank;
		if (better == nth)
			best = i;
	}
	return (enum tunnel_state)best;
}
