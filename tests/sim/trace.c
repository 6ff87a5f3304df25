/*
 * trace.c - the diagram: who sent what, when, and what became of it. Kept for every run in a ring; printed when something breaks.
 */
#include <stdarg.h>
#include <stdio.h>

#include "wire/ikev2.h"
#include "world.h"

void note(struct world *w, const char *fmt, ...)
{
	struct note *n = &w->notes[w->n_notes++ % NOTES_MAX];
	n->at = w->now;
	va_list ap;
	va_start(ap, fmt);
	vsnprintf(n->text, sizeof n->text, fmt, ap);
	va_end(ap);
	if (w->verbose)
		printf("%9.3f  %s\n", (double)n->at / 1000, n->text);
}

static uint32_t be32(const uint8_t *p) { return (uint32_t)p[0] << 24 | (uint32_t)p[1] << 16 | (uint32_t)p[2] << 8 | p[3]; }

void note_datagram(struct world *w, const struct packet *p, const char *fate)
{
	if (p->n < IKE_HEADER_LEN) {
		note(w, "%c   #%llu %zu bytes %s", p->from < 0 ? '*' : 'A' + p->from, (unsigned long long)p->number, p->n, fate);
		return;
	}
	const uint8_t *d = p->data;
	char to[ADDR_TEXT];
	if (w->quiet && !w->verbose && d[18] == EXCHANGE_INFORMATIONAL && p->n <= 80)
		return; /* liveness would fill the ring */
	note(w, "%c -> %-19s #%-4llu %s %s %u  %08x/%08x %zu%s %s", p->from < 0 ? '*' : 'A' + p->from,
		addr_port_format(&p->dst, to), (unsigned long long)p->number, ike_exchange_name(d[18]),
		d[19] & IKE_FLAG_RESPONSE ? "response" : "request", be32(d + 20), be32(d), be32(d + 8), p->n,
		d[19] & IKE_FLAG_INITIATOR ? " I" : " R", fate);
}

void notes_print(const struct world *w, unsigned last)
{
	uint64_t from = w->n_notes > last ? w->n_notes - last : 0;
	if (w->n_notes - from > NOTES_MAX)
		from = w->n_notes - NOTES_MAX;
	for (uint64_t i = from; i < w->n_notes; i++) {
		const struct note *n = &w->notes[i % NOTES_MAX];
		printf("   %9.3f  %s\n", (double)n->at / 1000, n->text);
	}
}
