/* netlink.h - questions to the kernel, of rtnetlink and XFRM: answers are read, nothing is ever changed. */
#ifndef CTL_WAY_NETLINK_H
#define CTL_WAY_NETLINK_H

#include <libmnl/libmnl.h>
#include <linux/netlink.h>

#include "ctl/way.h"

struct way_request {
	union {
		struct nlmsghdr head;
		uint8_t raw[512];
	};
};
/* Starts a question; returns the family's fixed header of that size, zeroed. */
void *way_request(struct way_request *r, uint16_t type, size_t fixed);
void way_request_addr(struct way_request *r, uint16_t type, const struct addr *a); /* nothing without a family */

#define WAY_ATTRS 80
struct way_attrs {
	const struct nlattr *v[WAY_ATTRS];
};
void way_attrs(struct way_attrs *a, const struct nlmsghdr *h, size_t fixed);
void way_nested(struct way_attrs *a, const struct nlattr *nest);              /* nest may be NULL */
const void *way_data(const struct way_attrs *a, unsigned type, size_t least); /* NULL when absent or shorter */
uint32_t way_u32(const struct way_attrs *a, unsigned type, uint32_t absent);
struct addr way_addr(const struct way_attrs *a, unsigned type, uint8_t family);
void way_text(const struct way_attrs *a, unsigned type, char to[WAY_NAME]);
const void *way_fixed(const struct nlmsghdr *h, size_t n); /* NULL when the message is shorter */

struct way_socket {
	struct mnl_socket *route, *xfrm; /* NULL: cannot be opened */
	uint32_t seq;
};
struct way_socket *way_socket_open(void);
void way_socket_close(struct way_socket *s);

typedef void way_message_fn(void *arg, const struct nlmsghdr *h);
/* 0 or -errno. A dump that was changed meanwhile is as good as any: the machine is looked at once. */
int way_ask(struct way_socket *s, struct mnl_socket *bus, struct way_request *r, bool dump, way_message_fn *fn, void *arg);

#endif
