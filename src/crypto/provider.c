/*
 * provider.c - functions of the provider that EVP has chosen, called as EVP calls them: provider(7). EVP's own layers take a third of
 * the time of the short computations of IKE: for each beginning of a digest they make its state anew, for each key object they walk
 * the names of all algorithms. (Of two entries of one name in one provider, that differ in their properties, the first counts.)
 */
#include <string.h>
#include <strings.h>

#include "lib.h"

static bool is_named(const OSSL_ALGORITHM *a, const char *name) /* "SHA2-256:SHA-256:SHA256:2.16.840.1.101.3.4.2.1" */
{
	size_t n = strlen(name);
	for (const char *at = a->algorithm_names; at != NULL; at = strchr(at, ':')) {
		at += *at == ':';
		if (strncasecmp(at, name, n) == 0 && (at[n] == ':' || at[n] == '\0'))
			return true;
	}
	return false;
}

static provider_fn *function_of(const OSSL_DISPATCH *d, int id)
{
	for (; d != NULL && d->function_id != 0; d++)
		if (d->function_id == id)
			return d->function;
	return NULL;
}

static const OSSL_DISPATCH *implementation(const OSSL_ALGORITHM *a, const char *name)
{
	for (; a != NULL && a->algorithm_names != NULL; a++)
		if (is_named(a, name))
			return a->implementation;
	return NULL;
}

bool provider_functions(
	const OSSL_PROVIDER *from, int operation, const char *name, const int *ids, provider_fn **found, unsigned n)
{
	int no_cache;
	const OSSL_ALGORITHM *all = OSSL_PROVIDER_query_operation(from, operation, &no_cache);
	const OSSL_DISPATCH *d = implementation(all, name);
	unsigned there = 0;
	for (unsigned i = 0; i < n; i++) {
		found[i] = function_of(d, ids[i]);
		there += found[i] != NULL;
	}
	OSSL_PROVIDER_unquery_operation(from, operation, all);
	return there == n;
}
