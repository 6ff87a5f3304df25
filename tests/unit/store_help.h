/* store_help.h - stores for tests: made, opened, filled with records that say what they are, taken as an image of octets. */
#ifndef UNIT_STORE_HELP_H
#define UNIT_STORE_HELP_H

#include <sys/types.h>

#include "base/store.h"

/* Where things are in the file, said once more: a change of the layout has to be one on purpose. */
enum { INDEX = 4096, SLOT = 16, DATA = 4096 + STORE_RECORDS_MAX * SLOT, BLOCK = 16, HEAD_CHECKSUM = 80, HEAD_SLOTS = 88 };

struct store_bind here(void); /* of a keeper, records of version 3, which has no notes */
int memory(void);
struct store *created(int fd);

/* What the last opened() has dropped. */
extern unsigned damaged;
extern uint32_t damaged_key;
extern char damage[STORE_WHY];
store_damaged count_damage;
struct store *opened(int fd);
/* For a process that is killed: libcheck's checks write to a file that it shares with the test, and would be cut off there. NULL: why. */
struct store *opened_unchecked(int fd, char why[STORE_WHY]);

uint32_t next_random(uint64_t *r);
bool put(struct store *s, uint32_t key, uint32_t version);
uint32_t version_of(uint32_t key, struct bytes b); /* checks that it is whole and of this key */
/* No octet of the file but those of records, index and head is other than 0. */
void nothing_left_of_old_records(const struct store *s, int fd);

/* What the file has, without its holes. */
struct image {
	uint8_t head[INDEX + 4096], data[1 << 17];
	size_t n;
};

void image_read(struct image *m, int fd);
int image_file(const struct image *m);

/* After each instruction of a process that stopped itself first, and of which the file has changed: what `seen` finds by then, which never goes back, and is
 * `last` at the end. Number of the changes; 0: there is no ptrace() here, as that process said by ending with NO_PTRACE. */
#define NO_PTRACE 9
unsigned changes_of(pid_t writer, int fd, unsigned (*seen)(const struct image *m), unsigned last);

#endif
