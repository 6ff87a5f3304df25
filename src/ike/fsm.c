/*
 * fsm.c - the exchange table: what waits (kind, side, state), what came (event), who handles it, and the next state by the handler's outcome:
 * NEXT -> next, SKIP -> skip, STAY -> unchanged, DONE -> idle, GONE -> the SA died in the handler. Datagrams that fit no row were dropped before (exchange.c
 * checks turn and exchange type); a job or kernel answer without a row is a defect and ends in the assertion.
 */
#include <assert.h>
#include <stddef.h>

#include "machine.h"

struct row {
	uint8_t side, kind, state, event;
	fsm_handler *handler;
	uint8_t next, skip;
	uint8_t next_kind; /* NEXT begins an exchange of this kind; 0 = the same goes on */
};

static const struct row rows[] = {
	/* side, kind, waits in, for, handler, then by its outcome: NEXT, SKIP; NEXT begins another kind */
	{ OURS, X_INIT, XS_KE, XE_JOB, init_ke_done, XS_SENT, XS_IDLE, X_NONE },
	{ OURS, X_INIT, XS_SENT, XE_RESPONSE, init_answered, XS_DERIVE, XS_KE, X_NONE },
	{ OURS, X_INIT, XS_DERIVE, XE_JOB, init_derived, XS_SIGN, XS_IDLE, X_AUTH },
	{ OURS, X_AUTH, XS_SIGN, XE_JOB, auth_signed, XS_SENT, XS_IDLE, X_NONE },
	{ OURS, X_AUTH, XS_SENT, XE_RESPONSE, auth_answered, XS_VERIFY, XS_IDLE, X_NONE },
	{ OURS, X_AUTH, XS_VERIFY, XE_JOB, auth_verified, XS_INSTALL, XS_IDLE, X_NONE },
	{ OURS, X_AUTH, XS_INSTALL, XE_KERNEL, auth_installed, XS_IDLE, XS_IDLE, X_NONE },
	{ OURS, X_NEW_CHILD, XS_KE, XE_JOB, create_ke_done, XS_SENT, XS_IDLE, X_NONE },
	{ OURS, X_NEW_CHILD, XS_SENT, XE_RESPONSE, create_answered, XS_DERIVE, XS_INSTALL, X_NONE },
	{ OURS, X_NEW_CHILD, XS_DERIVE, XE_JOB, create_derived, XS_INSTALL, XS_IDLE, X_NONE },
	{ OURS, X_NEW_CHILD, XS_INSTALL, XE_KERNEL, create_installed, XS_IDLE, XS_IDLE, X_NONE },
	{ OURS, X_REKEY_CHILD, XS_KE, XE_JOB, create_ke_done, XS_SENT, XS_IDLE, X_NONE },
	{ OURS, X_REKEY_CHILD, XS_SENT, XE_RESPONSE, create_answered, XS_DERIVE, XS_INSTALL, X_NONE },
	{ OURS, X_REKEY_CHILD, XS_DERIVE, XE_JOB, create_derived, XS_INSTALL, XS_IDLE, X_NONE },
	{ OURS, X_REKEY_CHILD, XS_INSTALL, XE_KERNEL, create_installed, XS_IDLE, XS_IDLE, X_NONE },
	{ OURS, X_REKEY_IKE, XS_KE, XE_JOB, rekey_ke_done, XS_SENT, XS_IDLE, X_NONE },
	{ OURS, X_REKEY_IKE, XS_SENT, XE_RESPONSE, rekey_answered, XS_DERIVE, XS_IDLE, X_NONE },
	{ OURS, X_REKEY_IKE, XS_DERIVE, XE_JOB, rekey_derived, XS_IDLE, XS_IDLE, X_NONE },
	{ OURS, X_DELETE_CHILD, XS_SENT, XE_RESPONSE, info_answered, XS_IDLE, XS_IDLE, X_NONE },
	{ OURS, X_DELETE_IKE, XS_SENT, XE_RESPONSE, info_answered, XS_IDLE, XS_IDLE, X_NONE },
	{ OURS, X_LIVENESS, XS_SENT, XE_RESPONSE, info_answered, XS_IDLE, XS_IDLE, X_NONE },
	{ THEIRS, X_INIT, XS_DERIVE, XE_JOB, init_peer_derived, XS_IDLE, XS_IDLE, X_NONE },
	{ THEIRS, X_AUTH, XS_VERIFY, XE_JOB, auth_peer_verified, XS_SIGN, XS_INSTALL, X_NONE },
	{ THEIRS, X_AUTH, XS_SIGN, XE_JOB, auth_peer_signed, XS_INSTALL, XS_IDLE, X_NONE },
	{ THEIRS, X_AUTH, XS_INSTALL, XE_KERNEL, auth_peer_installed, XS_IDLE, XS_IDLE, X_NONE },
	{ THEIRS, X_NEW_CHILD, XS_DERIVE, XE_JOB, create_peer_derived, XS_INSTALL, XS_IDLE, X_NONE },
	{ THEIRS, X_NEW_CHILD, XS_INSTALL, XE_KERNEL, create_peer_installed, XS_IDLE, XS_IDLE, X_NONE },
	{ THEIRS, X_REKEY_CHILD, XS_DERIVE, XE_JOB, create_peer_derived, XS_INSTALL, XS_IDLE, X_NONE },
	{ THEIRS, X_REKEY_CHILD, XS_INSTALL, XE_KERNEL, create_peer_installed, XS_IDLE, XS_IDLE, X_NONE },
	{ THEIRS, X_REKEY_IKE, XS_DERIVE, XE_JOB, rekey_peer_derived, XS_IDLE, XS_IDLE, X_NONE },
};

/* What begins the kinds that another one hands over to. */
static void (*const begins[])(struct step *s, struct sa *sa) = { [X_AUTH] = auth_start };

static const struct row *find(enum xside side, const struct exchange *x, enum fsm_event ev)
{
	for (size_t i = 0; i < ARRAY_SIZE(rows); i++)
		if (rows[i].side == side && rows[i].kind == x->core.kind && rows[i].state == x->core.state && rows[i].event == ev)
			return &rows[i];
	return NULL;
}

void fsm_run(struct step *s, struct sa *sa, enum xside side, enum fsm_event ev, const struct message *m,
	struct ike_job_result *job, int kernel)
{
	struct exchange *x = side == OURS ? &sa->ours : &sa->theirs;
	const struct row *row = find(side, x, ev);
	assert(row);
	struct fsm_input t = { .sa = sa, .x = x, .m = m, .job = job, .kernel = kernel };
	if (ev != XE_RESPONSE)
		x->job = 0;
	enum fsm_outcome r = row->handler(s, &t);
	if (r == FSM_GONE)
		return;
	(row->kind == X_LIVENESS && x->sent.empty ? sa_look : sa_mark)(s, sa); /* dispatch.c has said what came with the answer */
	if (r == FSM_STAY)
		return;
	uint8_t to = r == FSM_NEXT ? row->next : r == FSM_SKIP ? row->skip : XS_IDLE;
	if (to != XS_IDLE) {
		if (ev == XE_RESPONSE)
			x->first = s->now.mono; /* from here on it is our turn */
		bool begin = r == FSM_NEXT && row->next_kind;
		exchange_state(x, begin ? row->next_kind : x->core.kind, to);
		if (begin)
			begins[row->next_kind](s, sa);
		return;
	}
	struct negotiation *n = x->neg;
	bool keep = side == THEIRS && x->core.kind == X_INIT; /* nonces and messages are signed in IKE_AUTH */
	exchange_end(x);
	if (side == OURS)
		sent_message_clear(&x->sent);
	if (!keep) {
		x->neg = NULL;
		negotiation_free(s, n);
	}
}
