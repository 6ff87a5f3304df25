/*
 * nlm.h - one netlink message being written. What does not fit marks it bad, and a bad message is never sent.
 */
#ifndef KERNEL_NLM_H
#define KERNEL_NLM_H

#include <netinet/in.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include <libmnl/libmnl.h>
#include <linux/netlink.h>

#include "base/addr.h"

#define NLM_MAX 16384 /* a multipath route of 500 nexthops is the largest we write */

struct nlm {
	bool bad;
	union {
		struct nlmsghdr head;
		uint64_t align;
		uint8_t raw[NLM_MAX];
	};
};

/* Starts a request; returns the family's fixed header of that size, zeroed. */
void *nlm_begin(struct nlm *m, uint16_t type, uint16_t flags, size_t fixed);
void nlm_put(struct nlm *m, uint16_t type, const void *data, size_t n);
void nlm_put_u8(struct nlm *m, uint16_t type, uint8_t v);
void nlm_put_u16(struct nlm *m, uint16_t type, uint16_t v);
void nlm_put_u32(struct nlm *m, uint16_t type, uint32_t v);
void nlm_put_be32(struct nlm *m, uint16_t type, uint32_t v); /* v in host order */
void nlm_put_text(struct nlm *m, uint16_t type, const char *text);
void nlm_put_addr(struct nlm *m, uint16_t type, const struct addr *a); /* nothing without a family */
/* An attribute to fill in place, zeroed; NULL when it does not fit. */
void *nlm_space(struct nlm *m, uint16_t type, size_t n);
struct nlattr *nlm_nest(struct nlm *m, uint16_t type);
void nlm_nest_end(struct nlm *m, struct nlattr *nest);

/* --- reading --- */
#define ATTRS_MAX 80
struct attrs { /* attributes by type; what is unknown to us is left out */
	const struct nlattr *v[ATTRS_MAX];
};
void attrs_read(struct attrs *a, const struct nlmsghdr *h, size_t fixed);
void attrs_nested(struct attrs *a, const struct nlattr *nest); /* nest may be NULL */
uint32_t attr_u32(const struct attrs *a, unsigned type, uint32_t absent);
const void *attr_data(const struct attrs *a, unsigned type, size_t at_least); /* NULL when absent or shorter */
struct addr attr_addr(const struct attrs *a, unsigned type, uint8_t family);
const char *attr_text(const struct attrs *a, unsigned type); /* "" when absent */
/* The fixed header behind the netlink header; NULL when the message is shorter. */
const void *nlm_fixed(const struct nlmsghdr *h, size_t n);
/* The same as a copy: messages are aligned to 4 octets only, structs with 64-bit members want 8. False when shorter; *to is zeroed then. */
bool nlm_copy_fixed(void *to, const struct nlmsghdr *h, size_t n);

#endif
