/*
 * store.c - see store.h. What is in the file is enough to find every record; what makes it quick (where a key is, which blocks are free) is in
 * private memory and made anew by whoever opens it.
 */
#include "base/store.h"

#include <errno.h>
#include <fcntl.h>
#include <linux/falloc.h>
#include <stdatomic.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/random.h>
#include <sys/stat.h>
#include <unistd.h>

#include "base/mem.h"
#include "base/table.h"
#include "base/util.h"
#include "store_note.h"

#define MAGIC UINT64_C(0x31306f7473643273) /* "s2dsto01" */
#define LAYOUT STORE_LAYOUT
#define PAGE 4096u
#define BLOCK 16u
#define INDEX_AT PAGE
#define DATA_AT (INDEX_AT + STORE_RECORDS_MAX * sizeof(struct slot))
#define BLOCKS_MAX ((uint32_t)((STORE_MAX - DATA_AT) / BLOCK))
#define PAGE_SLOTS ((uint32_t)(PAGE / sizeof(struct slot)))
#define GROWTH ((size_t)128 << 10)
#define IN_USE 0x80000000u /* in an index entry */
#define SIZES 64u          /* told apart */

struct fixed { /* never changes while the store lives */
	uint64_t magic;
	uint32_t layout, kind, version, uid;
	uint64_t netns_device, netns_inode;
	char boot[STORE_BOOT];
};
struct head {
	struct fixed fixed;
	uint64_t checksum;        /* of fixed */
	_Atomic uint64_t n_slots; /* the lower half; the upper one is its complement */
	int64_t deaths[STORE_DEATHS_MAX];
	uint32_t stepping;
};
struct slot {
	_Atomic uint64_t entry; /* 0: free; else key << 32 | IN_USE | first block + 1: no flipped bit makes it a free one */
	uint32_t crashes, spare;
};
struct record {
	uint32_t key, n; /* n octets follow this head */
	uint64_t checksum;
};
_Static_assert(
	sizeof(struct head) <= PAGE && sizeof(struct slot) == 16 && sizeof(struct record) == 16 && sizeof(struct notes) == 64,
	"layout of the file");
_Static_assert(BLOCKS_MAX < IN_USE, "a block's number leaves a bit");

struct store {
	int fd;
	uint8_t *map; /* STORE_MAX octets, of which only what the file has may be touched */
	struct head *head;
	struct slot *slots;
	uint8_t *data;
	size_t noted;               /* octets of each record's notes */
	uint32_t n_slots, n_blocks; /* as much of both as the file has */
	uint32_t used;              /* blocks */
	uint32_t next;              /* where the search for free blocks goes on */
	uint32_t freed[SIZES];      /* by size: where so many were given back last */
	uint64_t *taken;            /* a bit per block; those past n_blocks are set */
	uint32_t *free_slots, n_free;
	struct table keys; /* key -> its slot */
};

/* Against damage, not against malice. */
static uint64_t record_checksum(const struct record *r, const uint8_t *octets)
{
	return hash_words((uint64_t)r->key << 32 | r->n, octets, r->n);
}

/* ---------------------------------------------------------------- room */
static uint32_t blocks_of(const struct store *s, size_t n)
{
	return (uint32_t)((sizeof(struct record) + s->noted + n + BLOCK - 1) / BLOCK);
}

static bool reserve(int fd, size_t at, size_t n)
{
	int err;
	do
		err = fallocate(fd, 0, (off_t)at, (off_t)n);
	while (err != 0 && errno == EINTR);
	return err == 0;
}

static void mark(struct store *s, uint32_t at, uint32_t n, bool taken)
{
	s->used = taken ? s->used + n : s->used - n;
	for (uint32_t i = at; n > 0;) {
		uint32_t here = 64 - i % 64 < n ? 64 - i % 64 : n;
		uint64_t bits = ~UINT64_C(0) >> (64 - here) << i % 64;
		if (taken)
			s->taken[i / 64] |= bits;
		else
			s->taken[i / 64] &= ~bits;
		i += here;
		n -= here;
	}
}

/* How many blocks from at on are free, counted up to most. */
static uint32_t free_run(const struct store *s, uint32_t at, uint32_t most)
{
	uint32_t n = 0;
	while (n < most && at + n < s->n_blocks) {
		uint64_t w = s->taken[(at + n) / 64] >> (at + n) % 64;
		if (w != 0)
			return n + (uint32_t)__builtin_ctzll(w);
		n += 64 - (at + n) % 64;
	}
	return n < most ? n : most;
}

static bool find_run(const struct store *s, uint32_t from, uint32_t to, uint32_t n, uint32_t *at)
{
	for (uint32_t i = from; i < to;) {
		uint64_t w = ~s->taken[i / 64] >> i % 64;
		if (w == 0) {
			i = (i / 64 + 1) * 64;
			continue;
		}
		i += (uint32_t)__builtin_ctzll(w);
		uint32_t run = free_run(s, i, n);
		if (run >= n) {
			*at = i;
			return true;
		}
		i += run > 0 ? run : 1; /* the rest of the map's last word is taken */
	}
	return false;
}

/* The map covers n blocks; the new ones are free. */
static void cover(struct store *s, uint32_t n)
{
	size_t old = (s->n_blocks + 63) / 64, words = (n + 63) / 64;
	s->taken = xrealloc_array(s->taken, words + 1, sizeof *s->taken);
	memset(s->taken + old, 0xff, (words + 1 - old) * sizeof *s->taken);
	for (uint32_t i = s->n_blocks; i < n; i++)
		s->taken[i / 64] &= ~(UINT64_C(1) << i % 64);
	s->n_blocks = n;
}

static bool grow_data(struct store *s, uint32_t need)
{
	size_t now = DATA_AT + (size_t)s->n_blocks * BLOCK;
	size_t least = ((size_t)need * BLOCK + PAGE - 1) / PAGE * PAGE;
	size_t more = (size_t)s->n_blocks * BLOCK / 8 / PAGE * PAGE;
	if (more < GROWTH)
		more = GROWTH;
	if (more < least || more > STORE_MAX - now)
		more = least;
	if (more > STORE_MAX - now)
		return false;
	if (!reserve(s->fd, now, more)) {
		if (more == least || !reserve(s->fd, now, least))
			return false;
		more = least;
	}
	cover(s, s->n_blocks + (uint32_t)(more / BLOCK));
	return true;
}

/* How many of the last blocks are free. */
static uint32_t free_tail(const struct store *s)
{
	uint32_t n = 0;
	while (n < s->n_blocks && free_run(s, s->n_blocks - n - 1, 1) == 1)
		n++;
	return n;
}

/* First where as many were given back last: else what grows would leave holes that nobody fills. Then it goes on where it stopped the
 * last time, so that records of one size do not search through each other. */
static bool take_blocks(struct store *s, uint32_t n, uint32_t *at)
{
	*at = s->freed[n % SIZES];
	if (free_run(s, *at, n) >= n) {
		mark(s, *at, n, true);
		return true;
	}
	if (!find_run(s, s->next, s->n_blocks, n, at) && !find_run(s, 0, s->next, n, at)) {
		uint32_t tail = free_tail(s), from = s->n_blocks - tail; /* less than n */
		if (!grow_data(s, n - tail) || !find_run(s, from, s->n_blocks, n, at))
			return false;
	}
	mark(s, *at, n, true);
	s->next = *at + n;
	return true;
}

static void add_slots(struct store *s, uint32_t n)
{
	s->free_slots = xrealloc_array(s->free_slots, n, sizeof *s->free_slots);
	for (uint32_t i = n; i > s->n_slots; i--) {
		if (atomic_load_explicit(&s->slots[i - 1].entry, memory_order_relaxed) == 0)
			s->free_slots[s->n_free++] = i - 1;
	}
	s->n_slots = n;
}

static uint64_t doubled(uint32_t n) { return (uint64_t)~n << 32 | n; }

static bool grow_index(struct store *s)
{
	uint32_t n = s->n_slots;
	if (n + PAGE_SLOTS > STORE_RECORDS_MAX || !reserve(s->fd, INDEX_AT + n * sizeof(struct slot), PAGE))
		return false;
	memset(&s->slots[n], 0, PAGE); /* nobody has checked what is there */
	atomic_store_explicit(&s->head->n_slots, doubled(n + PAGE_SLOTS), memory_order_release);
	add_slots(s, n + PAGE_SLOTS);
	return true;
}

/* ---------------------------------------------------------------- records */
static struct record *record_at(const struct store *s, uint32_t block)
{
	return (struct record *)(void *)(s->data + (size_t)block * BLOCK);
}
static uint64_t entry_make(uint32_t key, uint32_t block) { return (uint64_t)key << 32 | IN_USE | (block + 1); }
static uint32_t entry_block(uint64_t entry) { return ((uint32_t)entry & ~IN_USE) - 1; }
static uint32_t entry_key(uint64_t entry) { return (uint32_t)(entry >> 32); }
static uint64_t entry_of(const struct slot *l) { return atomic_load_explicit(&l->entry, memory_order_relaxed); }

static struct notes *notes_at(const struct store *s, uint32_t block) { return (struct notes *)(void *)(record_at(s, block) + 1); }
static uint8_t *octets_of(const struct store *s, struct record *r) { return (uint8_t *)(r + 1) + s->noted; }

static struct bytes octets_at(const struct store *s, uint64_t entry)
{
	struct record *r = record_at(s, entry_block(entry));
	return bytes_of(octets_of(s, r), r->n);
}

static void give_back(struct store *s, uint32_t block)
{
	uint32_t n = blocks_of(s, record_at(s, block)->n);
	wipe(s->data + (size_t)block * BLOCK, (size_t)n * BLOCK);
	mark(s, block, n, false);
	s->freed[n % SIZES] = block;
}

/* Free blocks are all zero: nothing is noted of it yet. */
static uint32_t write_record(struct store *s, uint32_t at, uint32_t key, struct bytes b)
{
	struct record *r = record_at(s, at);
	r->key = key;
	r->n = (uint32_t)b.n;
	if (b.n > 0)
		memcpy(octets_of(s, r), b.p, b.n);
	r->checksum = record_checksum(r, octets_of(s, r));
	return at;
}

bool store_put(struct store *s, uint32_t key, struct bytes record)
{
	struct slot *l = table_get(&s->keys, key);
	uint32_t at = 0;
	bool room = record.n <= STORE_MAX / 2 && (l != NULL || s->n_free > 0 || grow_index(s)) &&
		    take_blocks(s, blocks_of(s, record.n), &at);
	if (!room && l != NULL) {
		store_drop(s, key);
		l = NULL;
		room = record.n <= STORE_MAX / 2 && take_blocks(s, blocks_of(s, record.n), &at);
	}
	if (!room)
		return false;
	write_record(s, at, key, record);
	uint64_t old = l != NULL ? entry_of(l) : 0;
	if (l == NULL) {
		l = &s->slots[s->free_slots[--s->n_free]];
		l->crashes = 0;
		table_put(&s->keys, key, l);
	}
	/* All of the record is in the memory before the entry says so: a process may be killed here, its stores are not taken back. */
	atomic_store_explicit(&l->entry, entry_make(key, at), memory_order_release);
	atomic_signal_fence(memory_order_seq_cst);
	if (old != 0)
		give_back(s, entry_block(old));
	return true;
}

void store_drop(struct store *s, uint32_t key)
{
	struct slot *l = table_del(&s->keys, key);
	if (l == NULL)
		return;
	uint64_t old = entry_of(l);
	atomic_store_explicit(&l->entry, 0, memory_order_release);
	atomic_signal_fence(memory_order_seq_cst);
	give_back(s, entry_block(old));
	s->free_slots[s->n_free++] = (uint32_t)(l - s->slots);
}

void store_clear(struct store *s)
{
	for (uint32_t i = 0; i < s->n_slots; i++) {
		if (entry_of(&s->slots[i]) != 0)
			store_drop(s, entry_key(entry_of(&s->slots[i])));
	}
}

bool store_get(const struct store *s, uint32_t key, struct bytes *record)
{
	const struct slot *l = table_get(&s->keys, key);
	*record = l != NULL ? octets_at(s, entry_of(l)) : (struct bytes){ 0 };
	return l != NULL;
}

bool store_next(const struct store *s, size_t *it, uint32_t *key, struct bytes *record)
{
	while (*it < s->n_slots) {
		uint64_t entry = entry_of(&s->slots[(*it)++]);
		if (entry == 0)
			continue;
		*key = entry_key(entry);
		*record = octets_at(s, entry);
		return true;
	}
	return false;
}

/* ---------------------------------------------------------------- notes */
bool store_note(struct store *s, uint32_t key, const uint8_t note[STORE_NOTE])
{
	const struct slot *l = table_get(&s->keys, key);
	if (l == NULL || s->noted == 0)
		return false;
	uint32_t block = entry_block(entry_of(l));
	notes_write(notes_at(s, block), record_at(s, block)->checksum, note);
	return true;
}

bool store_noted(const struct store *s, uint32_t key, struct bytes *note)
{
	const struct slot *l = table_get(&s->keys, key);
	uint32_t block = l != NULL ? entry_block(entry_of(l)) : 0;
	const uint8_t *v = l != NULL && s->noted > 0 ? notes_latest(notes_at(s, block), record_at(s, block)->checksum) : NULL;
	*note = v != NULL ? bytes_of(v, STORE_NOTE) : (struct bytes){ 0 };
	return v != NULL;
}

/* ---------------------------------------------------------------- deaths */
uint32_t *store_stepping(struct store *s) { return &s->head->stepping; }

uint32_t store_crashes(const struct store *s, uint32_t key)
{
	const struct slot *l = table_get(&s->keys, key);
	return l != NULL ? l->crashes : 0;
}

void store_crashed(struct store *s, uint32_t key)
{
	struct slot *l = table_get(&s->keys, key);
	if (l != NULL && l->crashes < UINT32_MAX)
		l->crashes++;
}

unsigned store_died(struct store *s, struct mono now, msec span)
{
	int64_t *d = s->head->deaths;
	unsigned n = 0;
	memmove(d + 1, d, (STORE_DEATHS_MAX - 1) * sizeof *d);
	d[0] = now.ms;
	/* 0: none. What lies in the future was not written by us. */
	for (unsigned i = 0; i < STORE_DEATHS_MAX; i++)
		n += d[i] > 0 && d[i] <= now.ms && now.ms - d[i] <= span;
	return n;
}

void store_clear_crashes(struct store *s)
{
	for (uint32_t i = 0; i < s->n_slots; i++)
		s->slots[i].crashes = 0;
	memset(s->head->deaths, 0, sizeof s->head->deaths);
}

size_t store_count(const struct store *s) { return table_count(&s->keys); }
size_t store_used(const struct store *s) { return (size_t)s->used * BLOCK + store_count(s) * sizeof(struct slot); }
size_t store_size(const struct store *s) { return PAGE + s->n_slots * sizeof(struct slot) + (size_t)s->n_blocks * BLOCK; }

/* ---------------------------------------------------------------- life */
void store_close(struct store *s)
{
	if (s == NULL)
		return;
	if (s->map != NULL)
		munmap(s->map, STORE_MAX);
	table_release(&s->keys);
	free(s->taken);
	free(s->free_slots);
	free(s);
}

/* The whole of it is mapped at once: later growth needs no mmap(), which the engine's filter does not have. */
static struct store *map_file(int fd, uint32_t kind, char why[STORE_WHY])
{
	uint64_t seed = 0;
	struct store *s = xcalloc(1, sizeof *s);
	void *map = mmap(NULL, STORE_MAX, PROT_READ | PROT_WRITE, MAP_SHARED | MAP_NORESERVE, fd, 0);
	if (map == MAP_FAILED) {
		snprintf(why, STORE_WHY, "it cannot be mapped: %s", strerror(errno));
		free(s);
		return NULL;
	}
	/* Keys in the core file of a process are no better than keys on a disk. */
	madvise(map, STORE_MAX, MADV_DONTDUMP);
	if (getrandom(&seed, sizeof seed, GRND_NONBLOCK) != sizeof seed)
		seed = (uint64_t)(uintptr_t)s;
	s->fd = fd;
	s->noted = kind == STORE_OF_ENGINE ? sizeof(struct notes) : 0;
	s->map = map;
	s->head = map;
	s->slots = (struct slot *)(void *)(s->map + INDEX_AT);
	s->data = s->map + DATA_AT;
	table_init(&s->keys, seed);
	return s;
}

static struct fixed fixed_of(const struct store_bind *b)
{
	struct fixed f;
	memset(&f, 0, sizeof f);
	f.magic = MAGIC;
	f.layout = LAYOUT;
	f.kind = b->kind;
	f.version = b->version;
	f.uid = b->uid;
	f.netns_device = b->netns_device;
	f.netns_inode = b->netns_inode;
	memcpy(f.boot, b->boot, sizeof f.boot);
	return f;
}

struct store *store_create(int fd, const struct store_bind *b, char why[STORE_WHY])
{
	/* A hole is as good as a new file, and allowed where the file may not shrink. */
	if (fallocate(fd, FALLOC_FL_PUNCH_HOLE | FALLOC_FL_KEEP_SIZE, 0, (off_t)STORE_MAX) != 0 ||
		!reserve(fd, 0, INDEX_AT + PAGE) || !reserve(fd, DATA_AT, PAGE)) {
		snprintf(why, STORE_WHY, "there is no room for it: %s", strerror(errno));
		return NULL;
	}
	struct store *s = map_file(fd, b->kind, why);
	if (s == NULL)
		return NULL;
	cover(s, PAGE / BLOCK);
	add_slots(s, PAGE_SLOTS);
	struct fixed f = fixed_of(b);
	s->head->n_slots = doubled(PAGE_SLOTS);
	s->head->checksum = hash_words(LAYOUT, &f, sizeof f);
	s->head->fixed = f;
	return s;
}

/* ---------------------------------------------------------------- what was found */
static bool refuse(char why[STORE_WHY], const char *text)
{
	snprintf(why, STORE_WHY, "%s", text);
	return false;
}

static bool same_version(const char *what, uint32_t found, uint32_t known, char why[STORE_WHY])
{
	if (found != known)
		snprintf(why, STORE_WHY, "it was written by %s version: %s %u, and this one knows %u",
			found < known ? "an older" : "a newer", what, (unsigned)found, (unsigned)known);
	return found == known;
}

static bool check_fixed(const struct head *h, const struct store_bind *b, char why[STORE_WHY])
{
	const struct fixed *f = &h->fixed;
	if (f->magic != MAGIC)
		return refuse(why, "it is not a store");
	if (!same_version("layout", f->layout, LAYOUT, why))
		return false;
	if (h->checksum != hash_words(LAYOUT, f, sizeof *f))
		return refuse(why, "its head is damaged");
	if (f->kind != b->kind)
		return refuse(why, "it is of another process");
	if (!same_version("records", f->version, b->version, why))
		return false;
	if (f->uid != b->uid) {
		snprintf(why, STORE_WHY, "it was written by user %u, and this is user %u", (unsigned)f->uid, (unsigned)b->uid);
		return false;
	}
	if (memcmp(f->boot, b->boot, sizeof f->boot) != 0)
		return refuse(why, "it is of another boot");
	if (f->netns_device != b->netns_device || f->netns_inode != b->netns_inode)
		return refuse(why, "it is of another network namespace");
	return true;
}

/* The file before any of it is mapped. */
static bool check_file(int fd, const struct store_bind *b, uint32_t *n_slots, uint32_t *n_blocks, char why[STORE_WHY])
{
	struct stat st;
	struct head h;
	if (fstat(fd, &st) != 0 || !S_ISREG(st.st_mode))
		return refuse(why, "it is not a file");
	if (st.st_uid != b->uid) {
		snprintf(why, STORE_WHY, "it belongs to user %u, and this is user %u", (unsigned)st.st_uid, (unsigned)b->uid);
		return false;
	}
	if (st.st_size < (off_t)(DATA_AT + PAGE) || pread(fd, &h, sizeof h, 0) != sizeof h)
		return refuse(why, "it is cut short");
	if ((uint64_t)st.st_size > STORE_MAX)
		return refuse(why, "it is larger than a store can be");
	if (!check_fixed(&h, b, why))
		return false;
	uint64_t n = atomic_load_explicit(&h.n_slots, memory_order_relaxed);
	*n_slots = (uint32_t)n;
	*n_blocks = (uint32_t)(((size_t)st.st_size - DATA_AT) / BLOCK);
	if (n != doubled(*n_slots) || *n_slots == 0 || *n_slots > STORE_RECORDS_MAX || *n_slots % PAGE_SLOTS != 0)
		return refuse(why, "its index is damaged");
	/* Whoever writes into a hole takes memory, and is killed where there is none. A store has none but in its index. */
	if ((uint64_t)st.st_blocks * 512 < PAGE + *n_slots * sizeof(struct slot) + (uint64_t)*n_blocks * BLOCK)
		return refuse(why, "parts of it are missing");
	return true;
}

/* NULL: it is sound, and its blocks are taken. */
static const char *check_record(struct store *s, uint64_t entry)
{
	uint32_t at = entry_block(entry), room = s->n_blocks;
	if (((uint32_t)entry & IN_USE) == 0 || at >= room)
		return "its place is outside the file";
	struct record *r = record_at(s, at);
	if ((size_t)(room - at) * BLOCK < sizeof *r + s->noted || r->key != entry_key(entry) ||
		r->n > (size_t)(room - at) * BLOCK - sizeof *r - s->noted)
		return "its head is damaged";
	if (r->checksum != record_checksum(r, octets_of(s, r)))
		return "its checksum is wrong";
	if (s->noted > 0 && notes_damaged(notes_at(s, at), r->checksum))
		return "what was noted of it is damaged";
	if (free_run(s, at, blocks_of(s, r->n)) < blocks_of(s, r->n))
		return "it lies over another one";
	return NULL;
}

static void wipe_free(struct store *s)
{
	for (uint32_t i = 0, n; i < s->n_blocks; i += n) {
		n = free_run(s, i, s->n_blocks - i);
		wipe(s->data + (size_t)i * BLOCK, (size_t)n * BLOCK);
		n += n == 0;
	}
}

static void take_records(struct store *s, uint32_t n_slots, store_damaged *told, void *arg)
{
	for (uint32_t i = 0; i < n_slots; i++) {
		struct slot *l = &s->slots[i];
		uint64_t entry = entry_of(l);
		if (entry == 0)
			continue;
		const char *what = check_record(s, entry);
		if (what == NULL && !table_put(&s->keys, entry_key(entry), l))
			what = "there are two of it";
		if (what == NULL) {
			mark(s, entry_block(entry), blocks_of(s, record_at(s, entry_block(entry))->n), true);
			continue;
		}
		atomic_store_explicit(&l->entry, 0, memory_order_relaxed);
		if (told != NULL)
			told(arg, entry_key(entry), what);
	}
}

struct store *store_open(int fd, const struct store_bind *b, store_damaged *told, void *arg, char why[STORE_WHY])
{
	uint32_t n_slots, n_blocks;
	if (!check_file(fd, b, &n_slots, &n_blocks, why))
		return NULL;
	if (!reserve(fd, 0, INDEX_AT + n_slots * sizeof(struct slot)) || !reserve(fd, DATA_AT, (size_t)n_blocks * BLOCK)) {
		snprintf(why, STORE_WHY, "there is no room for it: %s", strerror(errno));
		return NULL;
	}
	struct store *s = map_file(fd, b->kind, why);
	if (s == NULL)
		return NULL;
	cover(s, n_blocks);
	take_records(s, n_slots, told, arg);
	add_slots(s, n_slots);
	wipe_free(s); /* what a killed writer had not finished, or not wiped yet */
	return s;
}
