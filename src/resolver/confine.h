/*
 * confine.h - what is left to the process that parses DNS answers: an ordinary user; a root directory with copies of the files that tell how names are
 * resolved and nothing else; the system calls of a look-up. It can still send datagrams and connect over IP: that is its work.
 */
#ifndef RESOLVER_CONFINE_H
#define RESOLVER_CONFINE_H

#include "ipc/resolver.h"

/* Still as root: fills `root`, goes in, gives all up. False: *why says what could not be done. */
bool resolver_confine(const struct resolver_ask *ask, const char **why);
/* After that: false when there is no system call filter. */
bool resolver_filter(const char **why);

#endif
