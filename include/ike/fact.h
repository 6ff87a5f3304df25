/*
 * fact.h - what happened, as data. Log lines, status, events and metrics are rendered from the same fact. Its codes: codes/event.h.
 */
#ifndef IKE_FACT_H
#define IKE_FACT_H

#include <stdbool.h>
#include <stdint.h>

#include "base/addr.h"
#include "codes/event.h"

#define FACT_TEXT 256
#define FACT_ITEM 384
#define FACT_VALUE 64
struct fact {
	enum fact_code code;
	enum blame blame;
	uint32_t tunnel;  /* 0 = none known */
	struct addr peer; /* family 0 = none */
	enum fact_subject subject;
	uint8_t protocol; /* enum ike_protocol of the proposals in ours and theirs; 0 = it is not about proposals */
	uint16_t notify;  /* that decided it, ours or theirs; 0 = none */
	/* From here on words only, which engine/control_events.c keeps by a table of them. The value before and after what happened: an address, a state. The text is for people, these are for programs; "" = none. */
	char was[FACT_VALUE], now[FACT_VALUE];
	char by[FACT_VALUE];  /* the program that did it, escaped; "" = it cannot be told */
	char text[FACT_TEXT]; /* the words after "<tunnel>: "; foreign bytes are escaped already */
	/* What was held against each other, in full: proposals, identities, selectors; or the request that nobody answered. Escaped; "" = not known. */
	char ours[FACT_ITEM], theirs[FACT_ITEM];
};

#endif
