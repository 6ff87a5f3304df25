/*
 * der.h - certificates and revocation lists as octets. Equal ones are in memory once in a process, however many tunnels have them: a list of revoked
 * certificates may be as large as the settings of a thousand tunnels. All of it is the loop's thread's.
 */
#ifndef CONF_DER_H
#define CONF_DER_H

#include <stdbool.h>
#include <stdint.h>

#include "base/buf.h"

void der_seed(uint64_t seed); /* random, before the first is held; a program that reads the files once and ends does without */
/* a copy, or what is there already and equal: then they have one address. One more owner */
struct bytes der_hold(struct bytes octets);
struct bytes der_share(struct bytes held); /* one owner more of what is held */
void der_let_go(struct bytes held);        /* one owner less */
unsigned der_count(void);                  /* how many there are */

/* Numbers for held ones, for a while: those of an earlier walk are forgotten with the next one. */
struct der_walk {
	uint64_t id;
	uint32_t n; /* how many have a number, when der_number_next() gives them */
};
void der_walk_begin(struct der_walk *w);
bool der_numbered(const struct der_walk *w, struct bytes held, uint32_t *number);
void der_number(const struct der_walk *w, struct bytes held, uint32_t number);
bool der_number_next(struct der_walk *w, struct bytes held); /* false: it has one */

#endif
