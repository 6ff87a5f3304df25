/* state.h - the states of a tunnel, an IKE SA and a child SA, one row each. */
#ifndef CODES_STATE_H
#define CODES_STATE_H

/* How a state is coloured for people. */
enum tint { TINT_NONE, TINT_GOOD, TINT_WARN, TINT_BAD };

/* code, word, the word in a narrow column, rank (`status` and `top` list the smallest first; the next smaller one is left for
 * the state's failing kind), tint */
/* clang-format off */
#define TUNNEL_STATE_LIST(X) \
	X(DOWN, "down", "down", 4, BAD) \
	X(CONNECTING, "connecting", "connect", 2, WARN) \
	X(UP, "up", "up", 6, GOOD) \
	X(MISCONFIGURED, "misconfigured", "misconf", 0, BAD)

/* code, word */
#define SA_STATE_LIST(X) \
	X(INITIATING, "initiating") \
	X(HALF_OPEN, "half-open") \
	X(ESTABLISHED, "established") \
	X(REPLACED, "replaced") \
	X(DELETING, "deleting") \
	X(DEAD, "dead")

/* code, word, meaning */
#define CHILD_STATE_LIST(X) \
	X(MAKING, "making") /* being negotiated or installed */ \
	X(INBOUND, "inbound") /* may receive; not known whether the peer can */ \
	X(READY, "ready") /* both may send */ \
	X(REPLACED, "replaced") /* rekeyed: still receives, goes by a DELETE of whoever won the rekey */ \
	X(DELETING, "deleting") /* our DELETE is out */ \
	X(LINGER, "lingering") /* closed; receives a little longer */ \
	X(DEAD, "dead")
/* clang-format on */

enum tunnel_state {
#define X(code, word, narrow, rank, tint) TUNNEL_##code,
	TUNNEL_STATE_LIST(X)
#undef X
		TUNNEL_STATE_COUNT /* also: a word that is none */
};
enum sa_state {
#define X(code, word) SA_##code,
	SA_STATE_LIST(X)
#undef X
};
enum child_state {
#define X(code, word) CHILD_##code,
	CHILD_STATE_LIST(X)
#undef X
};

struct tunnel_state_row {
	const char *word, *narrow;
	unsigned rank;
	enum tint tint;
};
/* One row more than there are states: what a newer daemon may say, ranked with the worst. */
extern const struct tunnel_state_row tunnel_state_rows[TUNNEL_STATE_COUNT + 1];

const char *tunnel_state_word(enum tunnel_state s);     /* "up" ... */
enum tunnel_state tunnel_state_parse(const char *word); /* NULL or an unknown word: TUNNEL_STATE_COUNT */
enum tunnel_state tunnel_state_best(unsigned nth);      /* 0: the best, in the order of rank */
const char *sa_state_word(enum sa_state s);
const char *child_state_word(enum child_state s);

#endif
