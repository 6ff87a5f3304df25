/*
 * fuzz_fragments.c - SKF payloads that are authentic and in any order, of any number and total (RFC 7383). Input: per fragment flags, number, total, size.
 * A naive model says what must come out: nothing, an error, or the whole message.
 */
#include <stdlib.h>
#include <string.h>

#include "ike/machine.h"

#define PARTS_MAX 200

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static struct model { /* per direction */
	uint32_t id;
	unsigned total, have, first;
	size_t n[PARTS_MAX];
	uint8_t *part[PARTS_MAX];
} models[2];
static struct sa sa;

static void must(bool holds)
{
	if (!holds)
		abort();
}

static void forget(struct model *f)
{
	for (unsigned i = 0; i < PARTS_MAX; i++)
		free(f->part[i]);
	memset(f, 0, sizeof *f);
}

static int model_add(struct model *f, uint32_t id, unsigned number, unsigned total, struct bytes plain, unsigned first)
{
	bool same = f->total && f->id == id;
	size_t sum = plain.n;
	if (!number || number > total || total > 128 || (same && total < f->total))
		return ERR_FRAGMENT;
	if (same && total == f->total && f->part[number])
		return ERR_STALE;
	for (unsigned i = 0; same && total == f->total && i < PARTS_MAX; i++)
		sum += f->n[i];
	if (!plain.n || sum > sa_message_max(&sa))
		return ERR_FRAGMENT;
	if (!same || total > f->total)
		forget(f);
	f->id = id;
	f->total = total;
	f->n[number] = plain.n;
	f->part[number] = malloc(plain.n);
	must(f->part[number] != NULL);
	memcpy(f->part[number], plain.p, plain.n);
	f->first = number == 1 ? first : f->first;
	return ++f->have == total ? ERR_OK : ERR_STALE;
}

static void same_whole(struct model *f, struct bytes whole, uint8_t first)
{
	size_t at = 0;
	for (unsigned i = 1; i <= f->total; at += f->n[i++])
		must(at + f->n[i] <= whole.n && !memcmp(whole.p + at, f->part[i], f->n[i]));
	must(at == whole.n && first == f->first);
	forget(f);
}

static void one(struct header *h, unsigned number, unsigned total, struct bytes plain, uint8_t first)
{
	static uint8_t mem[IKE_MESSAGE_MAX];
	static struct message m;
	static uint64_t iv;
	struct bytes whole = { 0 };
	struct arena a;
	struct writer w;
	struct seal_keys keys = keys_in(&sa);
	size_t body = seal_size(&keys, plain.n);
	message_begin(&w, mem, sizeof mem, h);
	uint8_t *at = message_seal(&w, first, body, 1, 1), got = 0;
	const uint8_t numbers[] = { (uint8_t)(number >> 8), (uint8_t)number, (uint8_t)(total >> 8), (uint8_t)total };
	must(at != NULL);
	memcpy(at - sizeof numbers, numbers, sizeof numbers); /* the writer would not write all of them */
	must(seal_write(&keys, iv++, bytes_of(mem, (size_t)(at - mem)), plain, at, body) == ERR_OK);
	arena_init(&a, 1 << 20);
	if (message_decode(&m, message_end(&w), &a) == ERR_OK) {
		struct model *f = &models[h->flags & IKE_FLAG_RESPONSE ? 1 : 0];
		int want = model_add(f, h->message_id, number, total, plain, first), err = fragment_add(&sa, &m, &whole, &got);
		must(err == want);
		if (err == ERR_OK)
			same_whole(f, whole, got);
		bytes_drop(&whole);
	}
	arena_release(&a);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	static uint8_t plain[40000];
	const char *why;
	struct cursor c = cursor_of(data, size);
	must(alg_init(&why));
	sa.core.fragmentation = true;
	sa.state = size & 1 ? SA_ESTABLISHED : SA_HALF_OPEN; /* a peer that has proven itself, and one that has not */
	sa.core.suite = (struct suite){ .encr = ENCR_AES_GCM_16, .keylen = 256 };
	if (!sa.keys)
		sa.keys = keys_new(0, 0, 36);
	for (unsigned n = 0; cursor_left(&c) && n < 300; n++) {
		uint8_t flags = get_u8(&c), number = get_u8(&c), total = get_u8(&c);
		size_t len = get_u8(&c);
		struct header h = {
			.major = 2, .exchange = EXCHANGE_IKE_AUTH, .flags = flags & IKE_FLAG_RESPONSE, .message_id = flags & 3
		};
		len = flags & 0x80 ? len * 150 : len;
		memset(plain, (int)n, len);
		one(&h, flags & 0x40 ? number * 257u : number, flags & 0x10 ? total * 257u : total, bytes_of(plain, len),
			flags & 8 ? 0 : number);
	}
	fragments_free(&sa);
	forget(&models[0]);
	forget(&models[1]);
	return 0;
}
