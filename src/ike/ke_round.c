/*
 * ke_round.c - one key exchange of a negotiation, DH and KEM alike: the initiator offers, the responder accepts, the initiator finishes (RFC 7296 1.2,
 * 2.17, 2.18; RFC 9370 for more than one). All three are jobs.
 */
#include <stdlib.h>
#include <string.h>

#include "machine.h"

static void keep_public(struct ke_round *k, const struct ke_public *pub)
{
	free(k->pub);
	k->pub_len = pub->len;
	k->pub = xcalloc(1, pub->len);
	memcpy(k->pub, pub->data, pub->len);
}

void ke_round_offer(struct step *s, struct sa *sa, struct exchange *x, uint16_t group)
{
	ke_round(x->neg)->group = group;
	exchange_ask(s, sa, x, &(struct ike_job){ .kind = JOB_KE_OFFER, .group = group });
}

void ke_round_offered(struct negotiation *n, const struct ike_job_result *job)
{
	ke_round(n)->priv = job->priv;
	keep_public(ke_round(n), &job->pub);
}

void ke_round_accept(struct step *s, struct sa *sa, struct exchange *x, const struct payload *ke)
{
	ke_round(x->neg)->group = ke->ke.group;
	exchange_ask(s, sa, x,
		&(struct ike_job){
			.kind = JOB_KE_ACCEPT, .group = ke->ke.group, .peer_public = arena_copy(s->out->arena, ke->ke.value) });
}

void ke_round_accepted(struct negotiation *n, const struct ike_job_result *job) { keep_public(ke_round(n), &job->pub); }

void ke_round_finish(struct step *s, struct sa *sa, struct exchange *x, const struct payload *ke)
{
	struct ke_round *k = ke_round(x->neg);
	exchange_ask(s, sa, x,
		&(struct ike_job){ .kind = JOB_KE_FINISH,
			.group = k->group,
			.priv = k->priv,
			.peer_public = arena_copy(s->out->arena, ke->ke.value) });
}

bool ke_round_fits(const struct payload *ke, uint16_t group)
{
	return ke && ke->ke.group == group && ke->ke.value.n == ke_public_size(group);
}

uint16_t ke_round_wanted(struct negotiation *n, const struct payload *notify, unsigned at_most)
{
	struct cursor c = cursor_over(notify->notify.data);
	uint16_t group = get_u16(&c);
	return c.bad || group == ke_round(n)->group || n->ke_retries++ >= at_most ? GROUP_NONE : group;
}

struct bytes ke_round_want(struct step *s, uint16_t group)
{
	uint8_t want[2] = { (uint8_t)(group >> 8), (uint8_t)group };
	return arena_copy(s->out->arena, bytes_of(want, sizeof want));
}

void ke_round_free(struct negotiation *n)
{
	for (unsigned i = 0; i < KE_ROUNDS_MAX; i++)
		free(n->ke[i].pub);
}
