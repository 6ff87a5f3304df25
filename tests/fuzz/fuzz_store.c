/*
 * fuzz_store.c - a store's file that somebody has been at. Input: steps of a letter and its operands, until it ends:
 *
 *	p key n octets...   the record of the key becomes these; all steps but this one and d are what an enemy does to the file
 *	d key               the record is dropped
 *	h at octet          xor in the head, i: in the index, r: in the records (at: 2 octets)
 *	e slot key block    an entry of the index (1, 1 and 2 octets)
 *	t n                 the file ends after n blocks of data
 *	o                   opened anew
 *
 * At the end it is opened: refused with a sentence, or a store that can be read, changed, and opened once more without damage.
 */
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <unistd.h>

#include "base/store.h"
#include "base/util.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

enum { INDEX = 4096, SLOT = 16, DATA = INDEX + STORE_RECORDS_MAX * SLOT, BLOCK = 16, RECORD_MAX = 2000 };

static void must(bool holds)
{
	if (!holds)
		abort();
}

struct life {
	int fd;
	struct store *s;
	unsigned damaged;
};

static const struct store_bind bind_to = {
	.kind = STORE_OF_ENGINE, .version = 1, .boot = "3b4ba1de-7d9f-4d6f-9f1b-0c5f2a6a9a11"
};

static void on_damaged(void *arg, uint32_t key, const char *what)
{
	(void)key;
	must(what[0] != 0);
	((struct life *)arg)->damaged++;
}

static struct store_bind bind_of(void)
{
	struct store_bind b = bind_to;
	b.uid = geteuid();
	return b;
}

/* Not sealed: an enemy may cut it while nobody looks. */
static void begin(struct life *l)
{
	char why[STORE_WHY];
	struct store_bind b = bind_of();
	l->fd = memfd_create("fuzz", MFD_CLOEXEC);
	l->s = store_create(l->fd, &b, why);
	must(l->s != NULL);
}

static void reopen(struct life *l)
{
	char why[STORE_WHY] = "";
	struct store_bind b = bind_of();
	store_close(l->s);
	l->damaged = 0;
	l->s = store_open(l->fd, &b, on_damaged, l, why);
	must((l->s == NULL) == (why[0] != 0) && memchr(why, 0, sizeof why) != NULL);
	if (l->s == NULL)
		l->s = store_create(l->fd, &b, why);
	must(l->s != NULL);
}

/* The file as others see it; what the process believes of it is made anew after that. */
static void harm(struct life *l, off_t at, const void *p, size_t n)
{
	must(pwrite(l->fd, p, n, at) == (ssize_t)n);
	reopen(l);
}

static void flip(struct life *l, off_t at, uint8_t bits)
{
	uint8_t octet = 0;
	if (pread(l->fd, &octet, 1, at) != 1)
		return;
	octet ^= bits;
	harm(l, at, &octet, 1);
}

static void cut(struct life *l, uint16_t blocks)
{
	must(ftruncate(l->fd, DATA + (off_t)blocks * BLOCK) == 0);
	reopen(l);
}

static void step(struct life *l, struct cursor *c)
{
	uint32_t key, where;
	uint8_t what = get_u8(c);
	switch (what) {
	case 'p':
		key = get_u8(c);
		where = get_u16(c) % RECORD_MAX;
		must(store_put(l->s, key, get_view(c, where < cursor_left(c) ? where : cursor_left(c))));
		break;
	case 'd': store_drop(l->s, get_u8(c)); break;
	case 'h':
		where = get_u16(c);
		flip(l, where % INDEX, get_u8(c));
		break;
	case 'i':
		where = get_u16(c);
		flip(l, INDEX + where % 8192, get_u8(c));
		break;
	case 'r':
		where = get_u16(c);
		flip(l, DATA + (off_t)where, get_u8(c));
		break;
	case 'e': {
		where = get_u8(c);
		key = get_u8(c);
		uint64_t entry = (uint64_t)key << 32 | 0x80000000u | get_u16(c);
		harm(l, INDEX + (off_t)where * SLOT, &entry, sizeof entry);
		break;
	}
	case 't': cut(l, get_u16(c)); break;
	case 'o': reopen(l); break;
	default: break;
	}
}

static size_t read_all(const struct store *s, uint64_t *sum)
{
	size_t it = 0, n = 0;
	uint32_t key;
	struct bytes b, same;
	for (; store_next(s, &it, &key, &b); n++) {
		*sum = hash_bytes(*sum, b.p, b.n) + key;
		must(store_get(s, key, &same) && same.p == b.p && same.n == b.n);
	}
	must(n == store_count(s));
	return n;
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	struct life l = { 0 };
	struct cursor c = cursor_of(data, size);
	struct bytes b;
	uint64_t sum = 0, again = 0;
	begin(&l);
	while (cursor_left(&c) > 0)
		step(&l, &c);
	reopen(&l);
	size_t n = read_all(l.s, &sum);
	for (uint32_t key = 0; key < 20; key++) {
		must(store_put(l.s, 1000 + key, bytes_of(data, size < RECORD_MAX ? size : RECORD_MAX)));
		store_crashed(l.s, key);
	}
	for (uint32_t key = 0; key < 20; key++) {
		must(store_get(l.s, 1000 + key, &b) && memcmp(b.p, data, b.n) == 0);
		store_drop(l.s, 1000 + key);
	}
	must(store_died(l.s, (struct mono){ 100000 }, 60000) >= 1);
	store_clear_crashes(l.s);
	must(read_all(l.s, &again) <= n && store_used(l.s) <= store_size(l.s));
	reopen(&l);
	must(l.damaged == 0);
	store_close(l.s);
	close(l.fd);
	return 0;
}
