/* nft_rules.h - the fixed part of the nf_tables table. */
#ifndef KERNEL_NFT_RULES_H
#define KERNEL_NFT_RULES_H

#include "nft_expr.h"

#define TABLE "s2sd"

void nft_rules_table(struct batch *b, uint16_t type); /* NFT_MSG_NEWTABLE or DELTABLE */
void nft_rules_add(struct batch *b, bool check);      /* sets, chains, rules; without the check of sources only MSS clamping */
const char *nft_rules_set(unsigned i);                /* the sets' names; NULL at the end */

#endif
