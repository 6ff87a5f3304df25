/* verdict.c - the words of verdict.h. */
#include "codes/verdict.h"

const char *verdict_word(enum verdict_code code)
{
	static const char *const words[VERDICT_COUNT] = {
#define X(code, word) [VERDICT_##code] = word,
		VERDICT_LIST(X)
#undef X
	};
	return words[code];
}
