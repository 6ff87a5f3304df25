/* state.c - the rows of states. */
#include "codes/state.h"

#include <string.h>

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

#define X(code, word) word,
const char *sa_state_word(enum sa_state s)
{
	static const char *const words[] = { SA_STATE_LIST(X) };
	return words[s];
}

const char *child_state_word(enum child_state s)
{
	static const char *const words[] = { CHILD_STATE_LIST(X) };
	return words[s];
}
#undef X
