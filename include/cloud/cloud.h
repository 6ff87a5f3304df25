/*
 * cloud.h - the providers of VPN gateways that s2sd knows by name: one row each, all data.
 *
 * A provider is a line of CLOUD_LIST and a file src/cloud/NAME.c with its row. Nobody compares providers: who needs to know what
 * one does reads its row. Texts hold {placeholders} that the reader fills in.
 */
#ifndef CLOUD_CLOUD_H
#define CLOUD_CLOUD_H

#include "codes/verdict.h"

/* clang-format off */
#define CLOUD_LIST(X) \
	X(NONE, none) \
	X(AWS, aws) \
	X(AZURE, azure)
/* clang-format on */
enum cloud {
#define X(code, word) CLOUD_##code,
	CLOUD_LIST(X)
#undef X
};
#define CLOUD_ONE(code, word) +1
#define CLOUD_COUNT (0 CLOUD_LIST(CLOUD_ONE))

struct provider {
	const char *title; /* "AWS", "the peer" */

	/* `s2sctl explain`: what to do there, by verdict; NULL = nothing. The placeholders are those of its own words. */
	const char *advice[VERDICT_COUNT];
};
const struct provider *provider_of(enum cloud cloud);

#endif
