/*
 * body.h - the two payload bodies that are large enough to have a file of their own: SA (RFC 7296 3.3) and TS (3.13).
 */
#ifndef WIRE_BODY_PRIVATE_H
#define WIRE_BODY_PRIVATE_H

#include "base/text.h"
#include "wire/payload.h"

#define SA_PROPOSALS_MAX 64 /* in one SA payload of a peer; more is ERR_TOO_MUCH */

int sa_decode(struct payload *p, struct arena *a);
void sa_encode(const struct payload *p, struct buf *b);
void sa_format(const struct payload *p, struct text *t);

int ts_body_decode(struct payload *p, struct arena *a);
void ts_body_encode(const struct payload *p, struct buf *b);
void ts_body_format(const struct payload *p, struct text *t);

#endif
