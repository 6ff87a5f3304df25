/*
 * compare_nft.c - the nf_tables table. As long as the kernel counts no new generation nobody changed any table, and nothing is read. Otherwise
 * the rules are held against what was read after they had been written, the elements against what would be written now.
 */
#include "compare.h"
#include "nft_look.h"

#include <errno.h>
#include <string.h>

static int look(struct kernel *k, struct nft_print *there)
{
	int error = -EINTR;
	for (unsigned tries = 0; tries < 3 && error == -EINTR; tries++) {
		error = nft_print_rules(&k->netfilter, there);
		if (error == 0)
			error = nft_print_elements(&k->netfilter, there);
	}
	return error;
}

static void restore(struct comparison *c, const char *was)
{
	struct kernel *k = c->k;
	nft_rebuild(k);
	compare_told(c, NULL, OBJECT_FIREWALL, k->nft == NFT_MISSING ? -EOPNOTSUPP : 0, was, "nf_tables table s2sd");
	k->why[0] = 0;
}

int compare_nft(struct comparison *c)
{
	struct kernel *k = c->k;
	struct nft_print there = { 0 };
	uint32_t generation;
	if (k->nft == NFT_UNTRIED || table_count(&k->by_id) == 0)
		return 0;
	elsewhere_look(k);
	k->why[0] = 0;
	if (k->nft == NFT_MISSING) {
		restore(c, "");
		return 0;
	}
	int error = nft_generation(&k->netfilter, &generation);
	if (error != 0 || generation == k->nft_seen.generation)
		return error;
	error = look(k, &there);
	if (error != 0) {
		k->why[0] = 0;
		return error == -EINTR ? 0 : error; /* somebody is at it: the next look will tell */
	}
	struct nft_print wanted = { .rules = k->nft_seen.rules, .elements = nft_wanted_elements(k) };
	if (there.rules == 0)
		restore(c, "");
	else if (there.rules != wanted.rules || there.elements != wanted.elements)
		restore(c, "changed");
	else
		k->nft_seen.generation = generation;
	return 0;
}
