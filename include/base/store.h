/*
 * store.h - records that outlive the process: key -> octets in a shared memory file, for what a daemon must know again after its death.
 *
 * One process writes at a time; it may die at any instruction. A record is replaced by copy: the new one is written into free blocks, then one
 * aligned store of 8 octets in the index makes it the current one. Whoever opens the file after a kill finds the old record or the new one,
 * whole. A put makes no system call but when the file has to grow (fallocate(), so that touching the memory never faults). What is replaced or
 * dropped is wiped: records hold keys.
 *
 * What changes often and is small is noted in place, beside the record that it is about: there are two places in turn, and the note counts when it gets its
 * number, at last; one that is damaged takes the record with it. A put has no note.
 *
 * What is found in a file is hostile input: store_open() checks each offset, size and checksum before it believes it. The file belongs to a boot,
 * a network namespace and a user; that of another is refused.
 *
 *	0      struct head: what it is bound to, how long the index is, which key is being worked on
 *	4096   index: 16 octets per record, room for STORE_RECORDS_MAX, only as many pages as are used exist
 *	...    data, in blocks of 16 octets: head of the record (key, length, checksum), in the engine's store room for two notes, record
 */
#ifndef BASE_STORE_H
#define BASE_STORE_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <sys/types.h>

#include "base/buf.h"
#include "base/clock.h"

#define STORE_MAX ((size_t)256 << 20) /* octets of the file; address space for all of it is taken at once */
#define STORE_RECORDS_MAX (1u << 18)
#define STORE_WHY 160
#define STORE_BOOT 40

/* Who may read it again. All of it must be the same. */
struct store_bind {
	uint32_t kind;    /* whose records: STORE_OF_... */
	uint32_t version; /* of the records' layout: raised with each change of it */
	uint32_t uid;     /* who owns the file */
	uint64_t netns_device, netns_inode;
	char boot[STORE_BOOT]; /* the kernel's boot id */
};
enum { STORE_OF_ENGINE = 1, STORE_OF_KEEPER = 2 };

/* Raised when an older or newer program could not read it. `s2sd -V` tells them: who has the same ones goes on where the other one was. */
#define STORE_LAYOUT 3u         /* of store.c; bind.version is that of the records */
#define STORE_ENGINE_RECORDS 6u /* what ACTION_SAVE brings: of ike/record.c */
#define STORE_KEEPER_RECORDS 4u

/* This process's user, boot and network namespace. false with a sentence in why when /proc does not say. */
bool store_bind_here(struct store_bind *b, uint32_t kind, uint32_t version, char why[STORE_WHY]);

struct store;

/* An anonymous file for a store, close-on-exec, sealed against shrinking; named for /proc only. -1 with errno. */
int store_memory(const char *name);
bool store_is_empty(int fd); /* nothing was ever in it: made by nobody, not damaged */
/* One process writes. Waits a little for another one, which is about to end, then gives its id; 0: the file is ours until we end or close
 * any descriptor of it; -1 with errno: it cannot be locked. */
pid_t store_lock(int fd);

/* Empties the file and makes a store of it. NULL with a sentence in why. fd stays the caller's and open as long as the store. */
struct store *store_create(int fd, const struct store_bind *b, char why[STORE_WHY]);

/* A record that was damaged is dropped alone, and told of here. */
typedef void store_damaged(void *arg, uint32_t key, const char *what);

/* Opens what an earlier process left. NULL with a sentence in why ("it is of another boot"): then the file is as it was. */
struct store *store_open(int fd, const struct store_bind *b, store_damaged *told, void *arg, char why[STORE_WHY]);
void store_close(struct store *s); /* the file stays; harmless with NULL */

/* Makes record the current one of key; it may be empty. false: there is no room, and the old record is gone too, so that nothing stale is ever
 * read again. Only where room is short is the old one dropped before the new one is written. */
bool store_put(struct store *s, uint32_t key, struct bytes record);
/* The latest of what changed since the record was put; only STORE_OF_ENGINE has room for it. false: there is no such record. */
#define STORE_NOTE 24u
bool store_note(struct store *s, uint32_t key, const uint8_t note[STORE_NOTE]);
/* a view, as that of store_get(); false: there is none */
bool store_noted(const struct store *s, uint32_t key, struct bytes *note);
void store_drop(struct store *s, uint32_t key);
void store_clear(struct store *s); /* drops all records; what it is bound to and the deaths stay */

bool store_get(const struct store *s, uint32_t key, struct bytes *record); /* a view, until the next put or drop of the key */

/* size_t it = 0; while (store_next(s, &it, &key, &record)) ... store_drop() is allowed inside the loop, store_put() is not. */
bool store_next(const struct store *s, size_t *it, uint32_t *key, struct bytes *record);

/* The key that is being worked on, 0 for none: kept in the file, written by the caller. What stands there after store_open() is what the dead
 * process was at. */
uint32_t *store_stepping(struct store *s);

/* How often a process died while it worked on the key. Kept beside the record, gone with it. */
uint32_t store_crashes(const struct store *s, uint32_t key);
void store_crashed(struct store *s, uint32_t key); /* once more; nothing for a key without a record */
/* Notes a death, found now (CLOCK_BOOTTIME): how many of the last STORE_DEATHS_MAX, with this one, were within the span. */
#define STORE_DEATHS_MAX 4
unsigned store_died(struct store *s, struct mono now, msec span);
void store_clear_crashes(struct store *s); /* counts and deaths */

size_t store_count(const struct store *s);
size_t store_used(const struct store *s); /* octets of records with what is kept about them */
size_t store_size(const struct store *s); /* octets of memory that the file takes */

#endif
