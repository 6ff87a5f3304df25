/*
 * nft_expr.h - the words of nf_tables: a batch of messages (a transaction), and the expressions that our rules are made of.
 * An expression loads into register 1 or compares register 1, unless it says otherwise.
 */
#ifndef KERNEL_NFT_EXPR_H
#define KERNEL_NFT_EXPR_H

#include "nl.h"

struct batch {
	struct nl *nl;
	struct nlm m; /* the message being written */
	uint8_t *bytes;
	size_t len, cap, last; /* last: offset of the last message */
	unsigned n;
	bool bad;
};

void batch_open(struct batch *b, struct nl *nl);
struct nlm *batch_begin(struct batch *b, uint16_t type, uint8_t family, uint16_t flags);
void batch_end(struct batch *b);
/* Sends it, if go and if there is anything in it; 0 or the first error. Frees what it took. */
int batch_close(struct batch *b, bool go, const char *what);

struct rule {
	struct nlm *m;
	struct nlattr *list;
};

void expr_meta(struct rule *r, uint32_t key);
void expr_equal(struct rule *r, const void *value, size_t n);
void expr_payload(struct rule *r, uint32_t base, uint32_t offset, uint32_t n);
void expr_lookup(struct rule *r, const char *set, uint32_t into); /* into 0: it is in the set, or the rule ends */
void expr_verdict(struct rule *r, int verdict, const char *chain);
void expr_counter(struct rule *r);
void expr_route_back(struct rule *r);   /* the interface to which a packet to the source would go, 0 = none */
void expr_to_ourselves(struct rule *r); /* the destination is an address of this machine, or the rule ends */
void expr_marked(struct rule *r, uint32_t mark, uint32_t mask);
void expr_will_be_encrypted(struct rule *r); /* by an IPsec policy, or the rule ends */
void expr_syn(struct rule *r);               /* a TCP segment with SYN, or the rule ends */
struct header_bits {                         /* two octets of the IP header */
	uint32_t offset;
	uint16_t set;
	bool checksum; /* IPv4: that of the header follows */
};
void expr_set_header(struct rule *r, const struct header_bits *h);
void expr_set_option(struct rule *r, uint8_t option, uint32_t from); /* two bytes of a TCP option */

#endif
