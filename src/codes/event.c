/* event.c - the words for events, blame and drop reasons. */
#include "codes/event.h"

#include <stddef.h>

static const struct {
	const char *word;
	enum log_level level;
	bool error;
} rows[FACT_COUNT] = {
#define X(code, word, level, error) [FACT_##code] = { word, LOG_LEVEL_##level, error },
	FACT_LIST(X)
#undef X
};

const char *fact_word(enum fact_code code) { return (unsigned)code < FACT_COUNT ? rows[code].word : "?"; }

enum log_level fact_level(enum fact_code code) { return (unsigned)code < FACT_COUNT ? rows[code].level : LOG_LEVEL_DEBUG; }

bool fact_is_error(enum fact_code code) { return (unsigned)code < FACT_COUNT && rows[code].error; }

const char *subject_word(enum fact_subject s)
{
	static const char *const words[] = {
#define X(code, word) [SUBJECT_##code] = word,
		SUBJECT_LIST(X)
#undef X
	};
	return (unsigned)s < SUBJECT_COUNT ? words[s] : NULL;
}

const char *blame_word(enum blame b)
{
	static const char *const words[] = { "none", "peer", "local", "network", "operator" };
	return (unsigned)b < 5 ? words[b] : "none";
}

const char *drop_word(enum drop_reason r)
{
	static const char *const words[] = {
#define X(code, word) [DROP_##code] = word,
		DROP_LIST(X)
#undef X
	};
	return (unsigned)r < DROP_COUNT ? words[r] : "?";
}
