/*
 * nft_look.h - what table `s2sd` holds, as numbers that are equal when it holds the same: without counters, handles and other names that the
 * kernel gives. Elements in any order, for there are as many as tunnels; rules in theirs.
 */
#ifndef KERNEL_NFT_LOOK_H
#define KERNEL_NFT_LOOK_H

#include "nl.h"

struct nft_print {
	uint64_t rules;    /* table, chains, sets, rules; 0: there is no such table */
	uint64_t elements; /* of the sets */
};

int nft_generation(struct nl *nl, uint32_t *generation); /* each change of any table counts one */
int nft_print_rules(struct nl *nl, struct nft_print *p);
int nft_print_elements(struct nl *nl, struct nft_print *p);
void nft_print_message(struct nft_print *p, const struct nlmsghdr *h); /* the elements of one message, read or to be written */

#endif
