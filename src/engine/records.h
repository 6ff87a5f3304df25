/*
 * records.h - what outlives the engine: a record per tunnel in the store that the keeper gave it, and the SAs that the kernel still has. Without a
 * store everything works, and a death is the end of the IKE SAs.
 *
 * Who dies of a record must not die of it for ever: a tunnel that was being worked on at two crashes is not restored, and at the third death within a
 * minute nothing is. An engine that has lived for a minute starts to count anew.
 */
#ifndef ENGINE_RECORDS_H
#define ENGINE_RECORDS_H

#include "base/store.h"
#include "ike/ike.h"

#define RECORDS_CALM 60000 /* ms */

struct records;

/* The tunnel's name, NULL: there is none of this id. */
typedef const char *records_name(const void *arg, uint32_t tunnel);

/* Opens what is in the file, or makes a store of it; says in the log what is refused. fd: taken; -1: nothing outlives this process. crashed: the engine
 * before this one died of what it did; one that somebody killed says nothing about what it was at. */
struct records *records_new(int fd, const struct store_bind *b, bool crashed, struct mono now);
void records_free(struct records *r); /* the file keeps what it has */

/* Where the id of the tunnel that is being worked on has to stand; NULL: nowhere. */
uint32_t *records_stepping(struct records *r);
/* About to work, and done with it: what is neither 0 nor a tunnel's id is work on none of them. */
void records_begin(struct records *r);
void records_end(struct records *r);

/* Before anything that depends on it is done. Without octets: the record is dropped. false: there is no room for it, and no record of the tunnel now. */
bool records_save(struct records *r, uint32_t tunnel, struct bytes record);
bool records_note(struct records *r, uint32_t tunnel, const uint8_t note[STORE_NOTE]); /* the same, of what changed since */
void records_no_room(struct records *r, const char *name, struct mono now);            /* a line, once a minute */

void records_held(struct records *r, const struct esp_held *v, uint32_t n);
/* For the first configuration, n_ids of which may be in use: what there is for its tunnels, until the next call; NULL: nobody was here before. */
const struct ike_restore *records_restore(struct records *r, uint32_t n_ids, records_name *name, const void *arg);
void records_restored(struct records *r); /* after the step: gives back what records_restore() made */
void records_calm(struct records *r);     /* this process has lived for RECORDS_CALM */

#endif
