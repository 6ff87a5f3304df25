/*
 * trace.h - a traced message as text (trace.c, with the command) or as a packet of a pcapng file (pcapng.c, below it). Pure: the daemon's
 * lines in, text or bytes out.
 */
#ifndef CTL_TRACE_H
#define CTL_TRACE_H

#include <jansson.h>
#include <stdbool.h>
#include <stdint.h>
#include <stdio.h>

#include "base/addr.h"
#include "base/mem.h"

struct traced {
	int64_t at_us; /* wall */
	bool out;
	struct addr local, remote;
	const char *note;     /* instead of a message; as received, to be escaped */
	struct bytes message; /* to be freed */
};

bool traced_parse(const json_t *trace, struct traced *t); /* false: not understood */
void traced_release(struct traced *t);
/* Who -> whom, exchange, id, SPIs, then a line per payload; foreign bytes escaped. */
void trace_text(const struct traced *t, FILE *to);

/* pcapng (draft-ietf-opsawg-pcapng): a header, then packets as raw IP with the unsealed IKE message in UDP. */
void pcapng_begin(FILE *to, const char *comment);
void pcapng_packet(FILE *to, const struct traced *t, const char *comment); /* comment may be NULL */

#endif
