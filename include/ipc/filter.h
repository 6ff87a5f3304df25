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

/* As linux/audit.h calls the machine that this is built for: a call of another one's (of 32 bits, say) ends the process. */
#if defined(__x86_64__) && defined(__LP64__)
#define FILTER_ARCH AUDIT_ARCH_X86_64
#elif defined(__aarch64__) && defined(__LP64__) && defined(__AARCH64EL__)
#define FILTER_ARCH AUDIT_ARCH_AARCH64
#elif defined(__riscv) && __riscv_xlen == 64
#define FILTER_ARCH AUDIT_ARCH_RISCV64
#elif defined(__powerpc64__) && defined(__LITTLE_ENDIAN__)
#define FILTER_ARCH AUDIT_ARCH_PPC64LE
#elif defined(__s390x__)
#define FILTER_ARCH AUDIT_ARCH_S390X
#endif

/* Whether this build has them: a sanitizer makes system calls of its own. */
#if defined(__SANITIZE_ADDRESS__) || !defined(HAVE_LIBSECCOMP) || !defined(FILTER_ARCH)
#define FILTERS 0
#elif defined(__has_feature)
#if __has_feature(address_sanitizer)
#define FILTERS 0
#endif
#endif
#ifndef FILTERS
#define FILTERS 1
#endif

#define FILTER_INT 0xffffffffu /* all that the kernel looks at of an int */

struct filter_rule { /* a call that is granted when each of the arguments is as said; several rules of a call: one of them must hold */
	int call;
	unsigned n;
	struct {
		unsigned at;
		uint32_t mask,
			value; /* the lower half is looked at: nothing here is wider than an int, or has a flag in the upper one */
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
