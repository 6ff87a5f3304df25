/*
 * fuzz_suite_text.c - any text as a proposal: either it is refused with a place inside the text and a reason, or what it says,
 * written back and read again, says the same. Input: first octet even = IKE, odd = ESP.
 */
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include "crypto/alg.h"

static void check(bool ok)
{
	if (!ok)
		abort();
}

static bool same(const struct proposal *a, const struct proposal *b)
{
	bool equal = a->n == b->n && a->protocol == b->protocol;
	for (unsigned i = 0; equal && i < a->n; i++)
		equal = a->t[i].type == b->t[i].type && a->t[i].id == b->t[i].id && a->t[i].keylen == b->t[i].keylen;
	return equal;
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);
int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	struct proposal p, again;
	const char *bad, *why;
	char text[PROPOSAL_TEXT];
	size_t len;
	if (size < 1 || size > 4096)
		return 0;
	check(alg_init(&why));
	uint8_t protocol = data[0] & 1 ? PROTOCOL_ESP : PROTOCOL_IKE;
	char *in = strndup((const char *)data + 1, size - 1);
	check(in != NULL);
	if (!proposal_parse(&p, protocol, in, &bad, &len, &why)) {
		check(why && bad >= in && bad + len <= in + strlen(in));
		alg_nearest_word(bad, len);
	} else {
		proposal_format(&p, text);
		proposal_weak(&p, 0);
		if (!strstr(text, "..."))
			check(proposal_parse(&again, protocol, text, &bad, &len, &why) && same(&p, &again));
	}
	free(in);
	return 0;
}
