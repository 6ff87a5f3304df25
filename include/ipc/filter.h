/*
 * filter.h - the system call filters of the unprivileged processes. Three sorts of calls: those that the process makes; those that only somebody who took
 * it over would make, which end it; all others, also those that a newer C library may try first, just fail.
 */
#ifndef IPC_FILTER_H
#define IPC_FILTER_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "config.h"

/* Whether this build has them: a sanitizer makes system calls of its own. */
#if defined(__SANITIZE_ADDRESS__) || !defined(HAVE_LIBSECCOMP)
#define FILTERS 0
#elif defined(__has_feature)
#if __has_feature(address_sanitizer)
#define FILTERS 0
#endif
#endif
#ifndef FILTERS
#define FILTERS 1
#endif

#define FILTER_INT 0xffffffffu /* what the kernel looks at of an int */

struct filter_rule { /* a call that is granted when each of the arguments is as said; several rules of a call: one of them must hold */
	int call;
	unsigned n;
	struct {
		unsigned at;
		uint64_t mask, value;
	} arg[2];
};

struct filter {
	const int *granted; /* whatever the arguments */
	size_t n_granted;
	const struct filter_rule *rules;
	size_t n_rules;
};

/* For this thread and those it starts from now on, for good. Memory is granted besides, but none that is code. False: there is no filter, *why says so. */
bool filter_enter(const struct filter *f, const char **why);

#endif
