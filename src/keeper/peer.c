/* peer.c - an address for a tunnel's peer: permitted, or refused and told. */
#include <stdio.h>

#include "grant.h"
#include "keeper.h"

#define REFUSAL_EVERY 60000 /* ms */

bool keeper_peer_permitted(struct keeper *k, struct tunnel_run *t, const struct addr *peer, char *why)
{
	char sentence[CONF_PEER_WHY] = "";
	if (grant_peer(k->conf, t->conf, peer, sentence) == GRANT_OK)
		return true;
	int64_t now = keeper_now();
	if (t->refusal_at == 0 || now - t->refusal_at >= REFUSAL_EVERY) {
		t->refusal_at = now;
		keeper_fact(k, FACT_ADDRESS_REFUSED, BLAME_NETWORK, SUBJECT_ADDRESS, t->conf->id, "%s", sentence);
	}
	if (why != NULL)
		snprintf(why, CONF_PEER_WHY, "%s", sentence);
	return false;
}
