/* finding.c - see finding.h: rows and words. */
#include "codes/finding.h"

static const struct {
	const char *rule;
	enum finding_severity severity;
	enum finding_side side;
	enum finding_load load;
} rows[FINDING_COUNT] = {
#define X(code, rule, severity, side, load) [FINDING_##code] = { rule, FINDING_##severity, SIDE_##side, LOAD_##load },
	FINDING_LIST(X)
#undef X
};

const char *finding_rule(enum finding_code code) { return rows[code].rule; }
enum finding_severity finding_severity(enum finding_code code) { return rows[code].severity; }
enum finding_side finding_side(enum finding_code code) { return rows[code].side; }
enum finding_load finding_load(enum finding_code code) { return rows[code].load; }

const char *severity_word(enum finding_severity s)
{
	static const char *const words[] = { "error", "warning", "hint" };
	return words[s];
}

const char *side_word(enum finding_side s)
{
	static const char *const words[] = { "ours", "cloud", "both" };
	return words[s];
}
