/*
 * leftover.c - SAs that the kernel has for a tunnel from before a death, and whose IKE SAs nobody knows any more. The peer may still send by them, and what
 * leaves by them arrives: they stay while the tunnel is dialled beside, until a new child has carried for as long as a closed one lingers, or nothing came of it
 * for dpd-timeout. Who only answers waits for the peer, which notices when it asks for something, a rekey at the latest: as long as keys live here.
 */
#include <stdlib.h>
#include <string.h>

#include "machine.h"

void leftovers_take(struct step *s, struct tunnel *t, const struct esp_held *held, uint32_t n)
{
	if (!n)
		return;
	t->leftover = xcalloc(n, sizeof *t->leftover);
	memcpy(t->leftover, held, n * sizeof *held);
	t->n_leftover = n;
	bool dials = tunnel_may_initiate(s->ike, t);
	t->leftover_until = mono_add(s->now.mono, dials ? t->conf->dpd_timeout : t->conf->esp_lifetime);
	tunnel_mark(s, t);
}

void leftover_remove(struct step *s, uint32_t tunnel, const struct esp_held *h)
{
	step_action(s, ACTION_REMOVE)->remove = (struct esp_remove){
		.tunnel = tunnel, .dir = h->dir, .spi = h->spi, .local = h->local, .remote = h->remote
	};
}

void leftovers_within(struct step *s, struct tunnel *t, msec span)
{
	t->leftover_until = mono_min(t->leftover_until, mono_add(s->now.mono, span));
}

void tunnel_link_down(struct step *s, struct tunnel *t)
{
	t->link = (struct esp_link_state){ .tunnel = t->id, .state = LINK_DOWN };
	step_action(s, ACTION_LINK)->link = t->link;
}

void leftovers_work(struct step *s, struct tunnel *t)
{
	if (!t->n_leftover)
		return;
	if (t->link_up && !t->leftover_replaced) {
		t->leftover_replaced = true;
		leftovers_within(s, t, LINGER_IN);
	}
	if (t->removed || t->held || s->ike->shutting_down)
		leftovers_within(s, t, 0);
	if (!mono_due(t->leftover_until, s->now.mono)) {
		t->ask_at = mono_min(t->ask_at, t->leftover_until);
		return;
	}
	for (uint32_t i = 0; i < t->n_leftover; i++)
		leftover_remove(s, t->id, &t->leftover[i]);
	if (!t->link_up && !t->removed) /* the interface was left up for their sake */
		tunnel_link_down(s, t);
	leftovers_free(t);
}

void leftovers_free(struct tunnel *t)
{
	free(t->leftover);
	t->leftover = NULL;
	t->n_leftover = 0;
	t->leftover_replaced = false;
}
