/*
 * hostile.h - a peer that has the keys and lies: a datagram of a host is opened with that host's own keys, changed, sealed again and sent.
 * For the fuzz ring and the bug tests; the honest scenarios of the simulator do not use it.
 */
#ifndef SIM_HOSTILE_H
#define SIM_HOSTILE_H

#include "world.h"

#define INSIDE_MAX 8192

struct inside { /* a datagram taken apart: what stands behind the header, or inside SK */
	struct header h;
	bool sealed;
	uint8_t first; /* type of the first payload in data */
	size_t n;
	uint8_t data[INSIDE_MAX];
};

/* The SA of the host that a message with this header leaves from; NULL when it has none. */
struct sa *hostile_sa(struct host *h, const struct header *head);
/* False: not openable (a fragment, an SA that is gone, too long). The packet stays as it is. */
bool hostile_open(struct world *w, const struct packet *p, struct inside *in);
/* Seals (when in->sealed) with the keys of from's SA and sends. total: 0 = SK; else as SKF number of total, wherever the numbers lead. */
bool hostile_send(struct world *w, int from, const struct inside *in, uint16_t number, uint16_t total);
/* The next request of the tunnel's SA (the established one if there is one) as its header: message id taken, nothing inside yet. */
bool hostile_request(struct world *w, int from, const char *tunnel, uint8_t exchange, struct inside *in);
/* What the other end gets when it asks the SA of `from`: hands the datagram over at once, past weather and filter. */
void hostile_deliver(struct world *w, int to, const struct inside *in, uint16_t number, uint16_t total);
void inside_add(
	struct inside *in, uint8_t type, const void *body, size_t n); /* one payload more; the next-payload fields follow */
uint8_t *inside_find(struct inside *in, uint8_t type, size_t *n);     /* the body of the first payload of the type */
bool inside_has_notify(const struct inside *in, uint16_t type);
void inside_drop(struct inside *in, unsigned which); /* takes one out of the chain, counted from 0 */

#endif
