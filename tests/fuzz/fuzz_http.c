/*
 * fuzz_http.c - a scraper's request, whole and in pieces: the verdict comes once, is one of ours, and does not depend on how the bytes arrived.
 */
#include <stdint.h>
#include <stdlib.h>

#include "ctl/metrics/http.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static void must(bool holds)
{
	if (!holds)
		abort();
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	struct http_request whole, piece;
	const char *p = (const char *)data;
	size_t n = http_parse(p, size, &whole), first = 0;
	must(n <= size && (n != 0 || size < HTTP_HEAD_MAX));
	for (size_t k = 0; k <= size && first == 0; k++) {
		char *copy = malloc(k + 1); /* exactly as long as it is: reading on is seen */
		for (size_t i = 0; i < k; i++)
			copy[i] = p[i];
		first = http_parse(copy, k, &piece);
		free(copy);
	}
	must((first == 0) == (n == 0));
	if (n == 0 || first != n)
		return 0; /* a head too long ends where its last piece did */
	must(piece.status == whole.status && piece.head_only == whole.head_only && piece.open == whole.open);
	must(whole.status == 200 || whole.status == 400 || whole.status == 404 || whole.status == 405 || whole.status == 431 ||
		whole.status == 505);
	return 0;
}
