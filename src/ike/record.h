/*
 * record.h - a tunnel as octets: what of it outlives the process.
 *
 * One walk over its structs writes a record, or reads one into a blank tunnel that nobody knows yet; so what is written is what is read. It begins with a
 * hash of the settings that it was made under. Integers are of variable length (seven bits to an octet, the lowest first), times are CLOCK_BOOTTIME. Neither
 * ESP keys nor PSKs are in it, SK_* are.
 *
 *	u8 version | u32 length of the body | body: what decides | tail: what is only counted, or known anew in a moment
 *
 * Left out: IKE SAs that are not authenticated, or whose first child our kernel does not have yet, what of the peer's is unfinished (it repeats its request), and what waits for a key of ours before its
 * request was sent (it starts over). What of ours waits for a key after the answer came is kept as it was before: the request is repeated.
 */
#ifndef IKE_RECORD_H
#define IKE_RECORD_H

#include "base/store.h"
#include "child.h"
#include "sa.h"
#include "tunnel.h"

#define RECORD_VERSION \
	STORE_ENGINE_RECORDS /* raised with each change of the layout, since the last release or not: what lies between is run, too */
#define RECORD_MAX (1u << 20) /* octets: a tunnel that needs more is not kept, and is dialled after a death */

bool record_write(const struct tunnel *t, struct buf *b);    /* false: no room in b */
bool record_read(struct tunnel *blank, struct bytes record); /* false: it is not one of ours; release what there is */
void record_release(struct tunnel *read);      /* what was read, and did not become part of the machine; not the struct itself */
struct bytes record_body(struct bytes record); /* what decides whether it has to be saved again */
bool record_keeps_child(const struct sa *sa, const struct child *c);

#endif
