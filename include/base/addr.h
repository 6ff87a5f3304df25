/* addr.h - addresses and prefixes as values. Ports in host order. family 0 = "no address". */
#ifndef BASE_ADDR_H
#define BASE_ADDR_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <sys/socket.h>

#include "base/buf.h"

struct addr {
	uint8_t family; /* 0, AF_INET, AF_INET6 */
	uint16_t port;
	uint8_t ip[16]; /* network order; IPv4 in the first 4, the rest 0 */
};

struct prefix {
	struct addr addr; /* port 0; host bits kept as written: see prefix_mask */
	uint8_t len;
};

#define ADDR_TEXT 64 /* room for any addr_format / prefix_format */

bool addr_parse(struct addr *a, const char *text);     /* numeric IPv4 or IPv6, no port */
bool addr_from_bytes(struct addr *a, struct bytes ip); /* 4 or 16 bytes */
struct bytes addr_bytes(const struct addr *a);         /* 0, 4 or 16 bytes, a view into a */
bool addr_same_ip(const struct addr *a, const struct addr *b);
bool addr_equal(const struct addr *a, const struct addr *b); /* with the port */
bool addr_is_any(const struct addr *a);                      /* no family, or all zero */
bool addr_is_private(const struct addr *a);                  /* RFC 1918, RFC 6598, RFC 4193: behind a NAT, if anything */
int addr_compare_ip(const struct addr *a, const struct addr *b);
const char *addr_format(const struct addr *a, char text[ADDR_TEXT]);      /* "192.0.2.1"; "-" without a family; returns text */
const char *addr_port_format(const struct addr *a, char text[ADDR_TEXT]); /* "192.0.2.1:500", "[2001:db8::1]:500" */
bool addr_port_parse(struct addr *a, const char *text); /* what addr_port_format writes: "192.0.2.1:500", "[2001:db8::1]:500" */
socklen_t addr_to_sockaddr(const struct addr *a, struct sockaddr_storage *ss); /* 0 without a family */
bool addr_from_sockaddr(struct addr *a, const struct sockaddr *sa, socklen_t len);

bool prefix_parse(struct prefix *p, const char *text); /* "10.0.0.0/8"; a bare address is a host prefix */
const char *prefix_format(const struct prefix *p, char text[ADDR_TEXT]);
bool prefix_has_host_bits(const struct prefix *p);
struct prefix prefix_mask(const struct prefix *p); /* host bits cleared */
bool prefix_contains(const struct prefix *p, const struct addr *a);
bool prefix_overlaps(const struct prefix *a, const struct prefix *b);
bool prefix_equal(const struct prefix *a, const struct prefix *b); /* after masking */

#endif
