/*
 * probe_rows.c - what can be asked about: the rows of the registry that IKE can use, loaded here or not. Of each kind the strong
 * ones first, in the registry's order, as peers may go by ours; then two groups that the registry has not.
 */
#include <stdio.h>
#include <string.h>

#include "probe.h"

static const struct alg modp768 = { .type = TRANSFORM_KE, .id = GROUP_MODP_768, .word = PROBE_DECOY, .key_bytes = 96 };
static const struct alg nobody = { .type = TRANSFORM_KE, .id = 65000, .word = "group-65000", .key_bytes = 32 };

static unsigned take(const struct alg **to, unsigned most, uint8_t type)
{
	const struct alg *a;
	unsigned n = 0;
	for (int weak = 0; weak <= 1; weak++)
		for (unsigned i = 0; (a = alg_any(i)) && n < most; i++)
			if (a->type == type && (a->uses & ALG_IKE) && (a->weak != NULL) == weak)
				to[n++] = a;
	return n;
}

/* The PRF of the same hash. */
static const struct alg *prf_of(const struct alg *integ)
{
	char word[32];
	const struct alg *a;
	snprintf(word, sizeof word, "prf%s", integ->word);
	for (unsigned i = 0; (a = alg_any(i)); i++)
		if (strcmp(a->word, word) == 0)
			return a;
	return NULL;
}

const struct probe_rows *probe_rows(void)
{
	static struct probe_rows r;
	if (r.groups > 0)
		return &r;
	r.encrs = take(r.encr, PROBE_ENCRS, TRANSFORM_ENCR);
	r.hashes = take(r.integ, PROBE_HASHES, TRANSFORM_INTEG);
	for (unsigned i = 0; i < r.hashes; i++)
		r.prf[i] = prf_of(r.integ[i]);
	for (unsigned i = 0; i < r.encrs; i++)
		r.aeads |= r.encr[i]->aead ? 1u << i : 0;
	r.groups = take(r.group, PROBE_GROUPS - 2, TRANSFORM_KE);
	r.group[r.groups++] = &modp768;
	r.nobody = r.groups;
	r.group[r.groups++] = &nobody;
	return &r;
}
