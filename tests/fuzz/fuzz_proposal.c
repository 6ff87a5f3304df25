/*
 * fuzz_proposal.c - an SA payload: decoded, written, decoded again; both readings must agree.
 */
#include <stdlib.h>

#include "base/err.h"
#include "wire/payload.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

/* A foreign attribute is not written again, so only what can be chosen must survive in full. */
static bool same_transform(const struct transform *x, const struct transform *y)
{
	return x->type == y->type && x->id == y->id && (x->foreign || (x->keylen == y->keylen && !y->foreign));
}

static bool same_offer(const struct offer *x, const struct offer *y)
{
	bool same = x->number == y->number && x->protocol == y->protocol && bytes_equal(x->spi, y->spi) && x->n == y->n;
	for (uint16_t i = 0; same && i < x->n; i++)
		same = same_transform(&x->t[i], &y->t[i]);
	return same;
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	static uint8_t mem[1 << 16];
	static char text[8192];
	struct payload p = { .type = PAYLOAD_SA, .body = bytes_of(data, size) }, q = { .type = PAYLOAD_SA };
	struct buf b = buf_of(mem, sizeof(mem));
	struct arena a;
	arena_init(&a, 4 << 20);
	if (size <= sizeof(mem) && payload_decode(&p, &a) == ERR_OK) {
		payload_format(&p, text, sizeof(text));
		payload_encode(&p, &b);
		q.body = buf_view(&b);
		if (payload_decode(&q, &a) || p.sa.n != q.sa.n)
			abort();
		for (uint16_t i = 0; i < p.sa.n; i++)
			if (!same_offer(&p.sa.v[i], &q.sa.v[i]))
				abort();
	}
	arena_release(&a);
	return 0;
}
