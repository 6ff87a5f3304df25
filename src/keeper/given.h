/*
 * given.h - descriptors that the service manager kept for us over a restart (sd_listen_fds(3), the protocol written by hand): LISTEN_PID, LISTEN_FDS,
 * LISTEN_FDNAMES. What they are is for those to judge who take them.
 */
#ifndef KEEPER_GIVEN_H
#define KEEPER_GIVEN_H

#include <stdbool.h>

#define GIVEN_NAME 32

void given_open(void); /* reads the environment and removes it from there */
/* The next one whose name begins with this; it is the caller's from now on. False: there are no more. */
bool given_take(const char *begin, char name[GIVEN_NAME], int *fd);
/* Those that nobody has taken are closed; told of each, so that the manager can forget it. */
void given_close(void (*told)(const char *name));

#endif
