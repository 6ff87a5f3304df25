/*
 * card.c - network cards that encrypt and decrypt ESP (crypto offload). The kernel still does the rest, and does all of it where a card does not take an SA.
 *
 * That a card takes whole packets is not for tunnels with an interface: it looks at selectors alone, knows nothing of if_id and marks, and a policy of
 * 0.0.0.0/0 in it would take all that the machine sends.
 */
#include "state.h"

#include <errno.h>
#include <net/if.h>
#include <string.h>
#include <time.h>

#include "base/nic.h"
#include "path.h"

#define LOOK_EVERY 60000 /* ms; a card's features change by an operator's hand */

static uint64_t now_ms(void)
{
	struct timespec ts;
	clock_gettime(CLOCK_MONOTONIC, &ts);
	return (uint64_t)ts.tv_sec * 1000 + (uint64_t)ts.tv_nsec / 1000000;
}

static bool encrypts(const char *name)
{
	struct nic_features f;
	nic_features(name, &f);
	return f.esp == 1;
}

/* On most machines there is none, and nobody looks for the way of each SA. */
static bool some_card(struct kernel *k)
{
	uint64_t now = now_ms();
	if (k->cards_seen != 0 && now - k->cards_seen < LOOK_EVERY)
		return k->cards;
	struct if_nameindex *all = if_nameindex();
	k->cards = false;
	k->cards_seen = now;
	for (const struct if_nameindex *i = all; i != NULL && i->if_index != 0 && !k->cards; i++)
		k->cards = encrypts(i->if_name);
	if_freenameindex(all);
	return k->cards;
}

static uint32_t card_on_the_way(struct kernel *k, const struct addr *remote)
{
	char name[IF_NAMESIZE];
	struct path_hop hop;
	bool beside;
	if (path_route(k, remote, &hop, &beside) != 0 || !hop.found || if_indextoname(hop.oif, name) == NULL)
		return 0;
	return encrypts(name) ? hop.oif : 0;
}

/* Finding the way may take a dump of the main table: not for each of the SAs that a tunnel gets at once. */
static uint32_t card_of(struct kernel *k, struct tunnel *t, const struct addr *remote)
{
	uint64_t now = now_ms();
	bool known = t->card_way.to.family != 0 && addr_same_ip(&t->card_way.to, remote) &&
		     t->card_way.changes == k->uplink_changes && now - t->card_way.at < LOOK_EVERY;
	if (!known) {
		t->card_way.card = card_on_the_way(k, remote);
		t->card_way.to = *remote;
		t->card_way.changes = k->uplink_changes;
		t->card_way.at = now;
	}
	return t->card_way.card;
}

static void tell(struct kernel *k, struct tunnel *t, const char *why)
{
	char reason[NL_WHY];
	memcpy(reason, why, strlen(why) + 1);
	k->why[0] = 0;
	if (t->want.offload == OFFLOAD_CRYPTO && !t->card_told)
		kernel_fail(k, 0, "offload: crypto is not possible, the processor encrypts: %s", reason);
	t->card_told = true;
}

uint32_t card_for(struct kernel *k, struct tunnel *t, const struct esp_sa *sa)
{
	if (t->card_mode != t->want.offload)
		t->card_refused = t->card_told = 0;
	t->card_mode = t->want.offload;
	if (t->want.offload != OFFLOAD_AUTO && t->want.offload != OFFLOAD_CRYPTO)
		return 0;
	k->why[0] = 0;
	if (sa->encap) {
		tell(k, t, "cards do not take ESP in UDP");
		return 0;
	}
	uint32_t card = some_card(k) ? card_of(k, t, &sa->remote) : 0;
	k->why[0] = 0;
	if (card == 0)
		tell(k, t, "no network card on the way to the peer does ESP (`ethtool -k DEVICE`, esp-hw-offload)");
	return card != t->card_refused ? card : 0;
}

void card_refused(struct kernel *k, struct tunnel *t, uint32_t ifindex)
{
	t->card_refused = ifindex;
	tell(k, t, k->why);
}
