/*
 * fsm.c - the state tables, and the only place that assigns a state.
 *
 * Exchange table: what waits (kind, side, state), what came (event), who handles it, and the next state by the handler's outcome:
 * NEXT -> next, SKIP -> skip, STAY -> unchanged, DONE -> idle, GONE -> the SA died in the handler. Datagrams that fit no row were dropped before (exchange.c
 * checks turn and exchange type); a job or kernel answer without a row is a defect and ends in the assertion.
 */
#include <assert.h>
#include <stddef.h>

#include "base/util.h"
#include "core.h"

struct row {
	uint8_t side, kind, state, event;
	enum outcome (*handler)(struct step *s, struct turn *t);
	uint8_t next, skip;
};

static const struct row rows[] = {
	/* side  kind            waits in    for          handler               NEXT        SKIP */
	{ OURS, X_INIT, XS_KE, XE_JOB, init_ke_done, XS_SENT, XS_IDLE },
	{ OURS, X_INIT, XS_SENT, XE_RESPONSE, init_answered, XS_DERIVE, XS_KE },
	{ OURS, X_INIT, XS_DERIVE, XE_JOB, init_derived, XS_SIGN, XS_IDLE },
	{ OURS, X_AUTH, XS_SIGN, XE_JOB, auth_signed, XS_SENT, XS_IDLE },
	{ OURS, X_AUTH, XS_SENT, XE_RESPONSE, auth_answered, XS_VERIFY, XS_IDLE },
	{ OURS, X_AUTH, XS_VERIFY, XE_JOB, auth_verified, XS_INSTALL, XS_IDLE },
	{ OURS, X_AUTH, XS_INSTALL, XE_KERNEL, auth_installed, XS_IDLE, XS_IDLE },
	{ OURS, X_NEW_CHILD, XS_KE, XE_JOB, create_ke_done, XS_SENT, XS_IDLE },
	{ OURS, X_NEW_CHILD, XS_SENT, XE_RESPONSE, create_answered, XS_DERIVE, XS_INSTALL },
	{ OURS, X_NEW_CHILD, XS_DERIVE, XE_JOB, create_derived, XS_INSTALL, XS_IDLE },
	{ OURS, X_NEW_CHILD, XS_INSTALL, XE_KERNEL, create_installed, XS_IDLE, XS_IDLE },
	{ OURS, X_REKEY_CHILD, XS_KE, XE_JOB, create_ke_done, XS_SENT, XS_IDLE },
	{ OURS, X_REKEY_CHILD, XS_SENT, XE_RESPONSE, create_answered, XS_DERIVE, XS_INSTALL },
	{ OURS, X_REKEY_CHILD, XS_DERIVE, XE_JOB, create_derived, XS_INSTALL, XS_IDLE },
	{ OURS, X_REKEY_CHILD, XS_INSTALL, XE_KERNEL, create_installed, XS_IDLE, XS_IDLE },
	{ OURS, X_REKEY_IKE, XS_KE, XE_JOB, rekey_ke_done, XS_SENT, XS_IDLE },
	{ OURS, X_REKEY_IKE, XS_SENT, XE_RESPONSE, rekey_answered, XS_DERIVE, XS_IDLE },
	{ OURS, X_REKEY_IKE, XS_DERIVE, XE_JOB, rekey_derived, XS_IDLE, XS_IDLE },
	{ OURS, X_DELETE_CHILD, XS_SENT, XE_RESPONSE, info_answered, XS_IDLE, XS_IDLE },
	{ OURS, X_DELETE_IKE, XS_SENT, XE_RESPONSE, info_answered, XS_IDLE, XS_IDLE },
	{ OURS, X_LIVENESS, XS_SENT, XE_RESPONSE, info_answered, XS_IDLE, XS_IDLE },
	{ THEIRS, X_INIT, XS_DERIVE, XE_JOB, init_peer_derived, XS_IDLE, XS_IDLE },
	{ THEIRS, X_AUTH, XS_VERIFY, XE_JOB, auth_peer_verified, XS_SIGN, XS_IDLE },
	{ THEIRS, X_AUTH, XS_SIGN, XE_JOB, auth_peer_signed, XS_INSTALL, XS_IDLE },
	{ THEIRS, X_AUTH, XS_INSTALL, XE_KERNEL, auth_peer_installed, XS_IDLE, XS_IDLE },
	{ THEIRS, X_NEW_CHILD, XS_DERIVE, XE_JOB, create_peer_derived, XS_INSTALL, XS_IDLE },
	{ THEIRS, X_NEW_CHILD, XS_INSTALL, XE_KERNEL, create_peer_installed, XS_IDLE, XS_IDLE },
	{ THEIRS, X_REKEY_CHILD, XS_DERIVE, XE_JOB, create_peer_derived, XS_INSTALL, XS_IDLE },
	{ THEIRS, X_REKEY_CHILD, XS_INSTALL, XE_KERNEL, create_peer_installed, XS_IDLE, XS_IDLE },
	{ THEIRS, X_REKEY_IKE, XS_DERIVE, XE_JOB, rekey_peer_derived, XS_IDLE, XS_IDLE },
};

static const struct row *find(enum xside side, const struct exchange *x, enum xevent ev)
{
	for (size_t i = 0; i < ARRAY_SIZE(rows); i++)
		if (rows[i].side == side && rows[i].kind == x->kind && rows[i].state == x->state && rows[i].event == ev)
			return &rows[i];
	return NULL;
}

void exchange_state(struct exchange *x, enum xkind kind, enum xstate state)
{
	x->kind = kind;
	x->state = state;
	if (state == XS_IDLE)
		x->job = 0;
}

void exchange_end(struct exchange *x)
{
	exchange_state(x, X_NONE, XS_IDLE);
	x->next = MONO_NEVER;
}

void fsm_run(struct step *s, struct sa *sa, enum xside side, enum xevent ev, const struct message *m, struct ike_job_result *job,
	int kernel)
{
	struct exchange *x = side == OURS ? &sa->ours : &sa->theirs;
	const struct row *row = find(side, x, ev);
	assert(row);
	struct turn t = { .sa = sa, .x = x, .m = m, .job = job, .kernel = kernel };
	if (ev != XE_RESPONSE)
		x->job = 0;
	enum outcome r = row->handler(s, &t);
	if (r == GONE)
		return;
	sa_mark(s, sa);
	if (r == STAY)
		return;
	uint8_t to = r == NEXT ? row->next : r == SKIP ? row->skip : XS_IDLE;
	if (to != XS_IDLE) {
		if (ev == XE_RESPONSE)
			x->first = s->now.mono; /* from here on it is our turn */
		exchange_state(x, x->kind, to); /* a handler may have gone on to the next kind (INIT -> AUTH) */
		return;
	}
	struct negotiation *n = x->neg;
	bool keep = side == THEIRS && x->kind == X_INIT; /* nonces and messages are signed in IKE_AUTH */
	exchange_end(x);
	if (side == OURS)
		flight_clear(&x->sent);
	if (!keep) {
		x->neg = NULL;
		negotiation_free(s, n);
	}
}

/* ---------------------------------------------------------------- IKE SA and child SA: which state may follow which */

static const uint8_t sa_may[] = {
#define TO(x) (1u << (x))
	[SA_DIALING] = TO(SA_ESTABLISHED) | TO(SA_DEAD),
	[SA_HALF_OPEN] = TO(SA_ESTABLISHED) | TO(SA_DEAD),
	[SA_ESTABLISHED] = TO(SA_REPLACED) | TO(SA_DELETING) | TO(SA_DEAD),
	[SA_REPLACED] = TO(SA_DELETING) | TO(SA_DEAD),
	[SA_DELETING] = TO(SA_DEAD),
	[SA_DEAD] = 0,
};

static const uint8_t child_may[] = {
	[CHILD_MAKING] = TO(CHILD_INBOUND) | TO(CHILD_DEAD),
	[CHILD_INBOUND] = TO(CHILD_READY) | TO(CHILD_REPLACED) | TO(CHILD_DELETING) | TO(CHILD_LINGER) | TO(CHILD_DEAD),
	[CHILD_READY] = TO(CHILD_REPLACED) | TO(CHILD_DELETING) | TO(CHILD_LINGER) | TO(CHILD_DEAD),
	[CHILD_REPLACED] = TO(CHILD_READY) | TO(CHILD_DELETING) | TO(CHILD_LINGER) | TO(CHILD_DEAD),
	[CHILD_DELETING] = TO(CHILD_LINGER) | TO(CHILD_DEAD),
	[CHILD_LINGER] = TO(CHILD_DEAD),
	[CHILD_DEAD] = 0,
#undef TO
};

void sa_state(struct sa *sa, enum sa_state state)
{
	assert(sa_may[sa->state] & 1u << state);
	sa->state = state;
}

void child_state(struct child *c, enum child_state state)
{
	assert(child_may[c->state] & 1u << state);
	c->state = state;
}
