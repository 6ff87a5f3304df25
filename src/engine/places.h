/*
 * places.h - who gets a place at the control socket. Nobody can take all of them: a few are root's, each other user has a share, and whoever holds a place
 * without ever having asked for anything gives it up first.
 */
#ifndef ENGINE_PLACES_H
#define ENGINE_PLACES_H

#include <stdbool.h>
#include <stdint.h>
#include <sys/types.h>

#define PLACES_MAX 64
#define PLACES_OF_ROOT 8
#define PLACES_SHARE 32  /* of a user who is not root */
#define PLACES_IDLE 1000 /* ms without a request after which a place can be taken back */

struct place {
	bool taken, asked;
	uid_t uid;
	int64_t since; /* mono ms */
};

/* The index of a free place, or of one whose holder has to go first; -1: none. */
int place_for(const struct place v[PLACES_MAX], uid_t uid, int64_t now);
/* Is it worth while to see who comes? */
bool places_left(const struct place v[PLACES_MAX], int64_t now);

#endif
