/*
 * msg.h - one netlink message being written. What does not fit marks it bad, and a bad message is never sent.
 */
#ifndef KERNEL_MSG_H
#define KERNEL_MSG_H

#include <netinet/in.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include <libmnl/libmnl.h>
#include <linux/netlink.h>

#include "base/addr.h"

#define MSG_MAX 16384 /* a multipath route of 500 legs is the largest we write */

struct msg {
	bool bad;
	union {
		struct nlmsghdr head;
		uint64_t align;
		uint8_t raw[MSG_MAX];
	};
};

/* Starts a request; returns the family's fixed header of that size, zeroed. */
void *msg_begin(struct msg *m, uint16_t type, uint16_t flags, size_t fixed);
void msg_put(struct msg *m, uint16_t type, const void *data, size_t n);
void msg_put_u8(struct msg *m, uint16_t type, uint8_t v);
void msg_put_u16(struct msg *m, uint16_t type, uint16_t v);
void msg_put_u32(struct msg *m, uint16_t type, uint32_t v);
void msg_put_be32(struct msg *m, uint16_t type, uint32_t v); /* v in host order */
void msg_put_text(struct msg *m, uint16_t type, const char *text);
void msg_put_addr(struct msg *m, uint16_t type, const struct addr *a); /* nothing without a family */
/* An attribute to fill in place, zeroed; NULL when it does not fit. */
void *msg_space(struct msg *m, uint16_t type, size_t n);
struct nlattr *msg_nest(struct msg *m, uint16_t type);
void msg_nest_end(struct msg *m, struct nlattr *nest);

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
const void *msg_fixed(const struct nlmsghdr *h, size_t n);

#endif
