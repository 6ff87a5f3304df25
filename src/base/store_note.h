/*
 * store_note.h - the notes of one record in the file: two places in turn, so that a writer may die at any instruction: the one that it was at has its old
 * number until it is whole, and the other one is the latest.
 */
#ifndef BASE_STORE_NOTE_H
#define BASE_STORE_NOTE_H

#include <stdatomic.h>

#include "base/store.h"

struct note {
	uint8_t v[STORE_NOTE];
	uint32_t checksum;
	_Atomic uint32_t number; /* counts up within a record; 0: nothing was ever written */
};
struct notes {
	struct note v[2];
};
_Static_assert(sizeof(struct notes) == 64, "layout of the file");

/* of: the checksum of the record that they are about. */
void notes_write(struct notes *n, uint64_t of, const uint8_t v[STORE_NOTE]);
const uint8_t *notes_latest(const struct notes *n, uint64_t of); /* NULL: there is none, or it is damaged */
bool notes_damaged(const struct notes *n, uint64_t of);          /* something was written, and the latest cannot be told */

#endif
