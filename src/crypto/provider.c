/*
 * provider.c - functions of the provider that EVP has chosen, called as EVP calls them: provider(7). For what is done a dozen times in each message EVP takes
 * as long as the work itself: it makes the state of a digest anew for each beginning, and walks the names of all algorithms for each key object.
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

bool provider_functions(
	const OSSL_PROVIDER *from, int operation, const char *name, const int *ids, provider_fn **found, unsigned n)
{
	int no_cache;
	const OSSL_ALGORITHM *all = OSSL_PROVIDER_query_operation(from, operation, &no_cache), *a = all;
	while (a != NULL && a->algorithm_names != NULL && !is_named(a, name))
		a++;
	unsigned there = 0;
	for (unsigned i = 0; i < n && a != NULL; i++) {
		found[i] = function_of(a->implementation, ids[i]);
		there += found[i] != NULL;
	}
	OSSL_PROVIDER_unquery_operation(from, operation, all);
	return there == n;
}
