/*
 * record.h - a tunnel as octets: what of it outlives the process.
 *
 * One walk over its structs writes a record, or reads one into a blank tunnel that nobody knows yet; so what is written is what is read. It begins with a
 * hash of the settings that it was made under. Integers are of variable length (seven bits to an octet, the lowest first), times are CLOCK_BOOTTIME. Neither
 * ESP keys nor PSKs are in it, SK_* are.
 *
 *	u8 version | u32 length of the body | body: what decides | tail: what is only counted, or known anew in a moment
 *
 * Left out: IKE SAs that are not authenticated, or whose first child our kernel does not have yet, what of the peer's is unfinished (it repeats its request),
 * and what waits for a key of ours before its request was sent (it starts over). What of ours waits for a key after the answer came is kept as it was before:
 * the request is repeated.
 *
 * A liveness check, of ours or of the peer's, changes little, and often: it is said by a note beside the record. An empty INFORMATIONAL message is not in it:
 * sealed again under the same IV it is the same one, octet by octet. Each message that a note tells of takes one message id and one IV, and it says only of a
 * tunnel with one IKE SA, at work on nothing else; all other changes are those of the record, and a new record has no note.
 *
 *	u32 next_out | u32 next_in | u32 ours | u32 theirs | u64 last_heard
 *	ours: the empty request that is open, theirs: the empty answer that is kept, each by how many IVs ago it was sealed; 0: ours: none is open, theirs: as in the record
 */
#ifndef IKE_RECORD_H
#define IKE_RECORD_H

#include "base/store.h"
#include "child.h"
#include "sa.h"
#include "tunnel.h"

#define RECORD_VERSION \
	STORE_ENGINE_RECORDS /* raised with each change of the layout, since the last release or not: what lies between is run, too */
#define RECORD_MAX (1u << 20)       /* octets: a tunnel that needs more is not kept, and is dialled after a death */
#define NUMBER_MAX (UINT32_MAX / 2) /* of an IKE SA or a child: further ones come after it */

bool record_write(const struct tunnel *t, struct buf *b);    /* false: no room in b */
bool record_read(struct tunnel *blank, struct bytes record); /* false: it is not one of ours; release what there is */
void record_release(struct tunnel *read);      /* what was read, and did not become part of the machine; not the struct itself */
struct bytes record_body(struct bytes record); /* what decides whether it has to be saved again */
struct record_note {
	uint32_t next_out, next_in, ours, theirs;
	int64_t last_heard;
};
_Static_assert(STORE_NOTE == 24, "the note's octets");
bool record_note_write(const struct tunnel *t, uint8_t v[STORE_NOTE]); /* false: it cannot say what there is to say */
bool record_note_read(struct record_note *n, struct bytes v);
bool record_keeps_child(const struct sa *sa, const struct child *c);

#endif
