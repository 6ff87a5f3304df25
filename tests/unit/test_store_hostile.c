/* test_store_hostile.c - a store's file that is damaged, cut, made up or not ours: refused, or what is sound of it is read. */
#include <errno.h>
#include <fcntl.h>
#include <linux/falloc.h>
#include <stdio.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/stat.h>
#include <unistd.h>

#include "base/util.h"
#include "store_help.h"
#include "unit.h"

static struct image good;

static void make_good(void)
{
	int fd = memory();
	struct store *s = created(fd);
	for (uint32_t k = 0; k < 6; k++)
		ck_assert(store_put(
			s, k, bytes_of("abcdefghijklmnopqrstuvwxyz0123456789abcdefghijklmnopqrstuvwxyz0123456789", 30 + k * 8)));
	store_close(s);
	image_read(&good, fd);
	close(fd);
}

enum { TRY_KEYS = 40 };

/* Whatever is in it: refused with a sentence, or a store whose records can be read and changed. Returns the records, -1: refused. */
static int try_image(const struct image *m, char why[STORE_WHY])
{
	struct store_bind b = here();
	int fd = image_file(m);
	uint32_t key;
	struct bytes r;
	damaged = 0;
	why[0] = 0;
	struct store *s = store_open(fd, &b, count_damage, NULL, why);
	unsigned first = damaged;
	int n = s != NULL ? (int)store_count(s) : -1;
	ck_assert((s == NULL) == (why[0] != 0));
	if (s != NULL) {
		uint64_t sum = 0;
		for (size_t it = 0; store_next(s, &it, &key, &r);)
			sum = hash_bytes(sum, r.p, r.n);
		ck_assert(sum != 1);
		for (uint32_t k = 0; k < TRY_KEYS; k++)
			ck_assert(put(s, k, k + 1));
		for (uint32_t k = 0; k < TRY_KEYS; k++) {
			ck_assert(store_get(s, k, &r));
			ck_assert_uint_eq(version_of(k, r), k + 1);
		}
		store_close(s);
		s = opened(fd);
		ck_assert_uint_eq(damaged, 0);
		store_close(s);
	}
	damaged = first;
	close(fd);
	return n;
}

static void refused(const struct image *m, const char *sentence)
{
	char why[STORE_WHY];
	ck_assert_int_eq(try_image(m, why), -1);
	ck_assert_str_eq(why, sentence);
}

static void refused_bind(const struct store_bind *b, const char *sentence)
{
	char why[STORE_WHY] = "";
	int fd = image_file(&good);
	ck_assert(store_open(fd, b, NULL, NULL, why) == NULL);
	ck_assert_str_eq(why, sentence);
	static struct image after;
	image_read(&after, fd);
	ck_assert(memcmp(&after, &good, sizeof after) == 0); /* left as it was */
	close(fd);
}

START_TEST(of_others)
{
	char sentence[STORE_WHY];
	make_good();
	struct store_bind b = here();
	b.kind = STORE_OF_ENGINE;
	refused_bind(&b, "it is of another process");
	b = here();
	b.version = 4;
	refused_bind(&b, "it was written by an older version: records 3, and this one knows 4");
	b.version = 2;
	refused_bind(&b, "it was written by a newer version: records 3, and this one knows 2");
	b = here();
	b.boot[3] ^= 1;
	refused_bind(&b, "it is of another boot");
	b = here();
	b.netns_inode++;
	refused_bind(&b, "it is of another network namespace");
	b = here();
	b.netns_device++;
	refused_bind(&b, "it is of another network namespace");
	b = here();
	b.uid += 5;
	snprintf(sentence, sizeof sentence, "it belongs to user %u, and this is user %u", (unsigned)geteuid(),
		(unsigned)geteuid() + 5);
	refused_bind(&b, sentence);

	int pipes[2];
	char why[STORE_WHY] = "";
	b = here();
	ck_assert_int_eq(pipe(pipes), 0);
	ck_assert(store_open(pipes[0], &b, NULL, NULL, why) == NULL);
	ck_assert_str_eq(why, "it is not a file");
}
END_TEST

static void set(struct image *m, size_t at, const void *p, size_t n)
{
	*m = good;
	memcpy((at < DATA ? m->head + at : m->data + at - DATA), p, n);
}

START_TEST(of_another_layout)
{
	static struct image m;
	make_good();
	set(&m, 0, "x", 1);
	refused(&m, "it is not a store");
	set(&m, 8, &(uint32_t){ 0 }, 4);
	refused(&m, "it was written by an older version: layout 0, and this one knows 3");
	set(&m, 8, &(uint32_t){ 4 }, 4);
	refused(&m, "it was written by a newer version: layout 4, and this one knows 3");
	for (size_t at = 12; at < HEAD_CHECKSUM + 8; at++) {
		set(&m, at, &(uint8_t){ good.head[at] ^ 0x20 }, 1);
		refused(&m, "its head is damaged");
	}
	for (unsigned bit = 0; bit < 64; bit++) {
		set(&m, HEAD_SLOTS + bit / 8, &(uint8_t){ good.head[HEAD_SLOTS + bit / 8] ^ (uint8_t)(1 << bit % 8) }, 1);
		refused(&m, "its index is damaged");
	}
	static const uint32_t sizes[] = { 0, 1, 255, STORE_RECORDS_MAX + 256, UINT32_MAX };
	for (unsigned i = 0; i < 5; i++) {
		set(&m, HEAD_SLOTS, &(uint64_t){ (uint64_t)~sizes[i] << 32 | sizes[i] }, 8);
		refused(&m, "its index is damaged");
	}
	/* An index longer than what the file has: there are holes. */
	set(&m, HEAD_SLOTS, &(uint64_t){ (uint64_t)~STORE_RECORDS_MAX << 32 | STORE_RECORDS_MAX }, 8);
	refused(&m, "parts of it are missing");
}
END_TEST

static int with_entry(unsigned slot, uint64_t entry)
{
	static struct image m;
	char why[STORE_WHY];
	set(&m, INDEX + slot * SLOT, &entry, sizeof entry);
	return try_image(&m, why);
}

static uint64_t entry_of(unsigned slot)
{
	uint64_t e;
	memcpy(&e, good.head + INDEX + slot * SLOT, sizeof e);
	return e;
}

START_TEST(index_entries)
{
	make_good();
	for (unsigned slot = 0; slot < 6; slot++) {
		for (unsigned bit = 0; bit < 64; bit++) {
			ck_assert_int_eq(with_entry(slot, entry_of(slot) ^ UINT64_C(1) << bit), 5);
			ck_assert_uint_eq(damaged, 1);
		}
		ck_assert_int_eq(with_entry(slot, UINT64_MAX), 5);
		ck_assert_int_eq(with_entry(slot, 0), 5); /* free */
		/* Another one's record, under its key: there once. */
		ck_assert_int_eq(with_entry(slot, entry_of((slot + 1) % 6)), 5);
		ck_assert_str_eq(damage, "it lies over another one");
	}
	/* The first of the blocks behind the end. */
	ck_assert_int_eq(with_entry(8, UINT64_C(8) << 32 | 0x80000000 | (good.n / BLOCK + 1)), 6);
	ck_assert_str_eq(damage, "its place is outside the file");
	ck_assert_uint_eq(damaged_key, 8);
}
END_TEST

static size_t place_of(unsigned slot) { return (((size_t)entry_of(slot) & 0x7fffffff) - 1) * BLOCK; }

/* It belongs to a record: none of its bits is believed when it is another one. */
static bool matters(size_t at)
{
	for (unsigned slot = 0; slot < 6; slot++)
		if (at >= place_of(slot) && at < place_of(slot) + 16 + 30 + slot * 8)
			return true;
	return false;
}

/* Every bit of the records' heads, contents and of what is around them. */
START_TEST(record_octets)
{
	static struct image m;
	char why[STORE_WHY];
	make_good();
	for (size_t at = 0; at < place_of(5) + 8 * BLOCK; at++) {
		for (unsigned bit = 0; bit < 8; bit += 1 + at % 3) {
			set(&m, DATA + at, &(uint8_t){ good.data[at] ^ (uint8_t)(1 << bit) }, 1);
			int n = try_image(&m, why);
			ck_assert_int_eq(n, matters(at) ? 5 : 6);
		}
	}
	/* Lengths up to the end and past it. */
	static const uint32_t lengths[] = { 0, 1, 45, 47, 4096, 1u << 16, 1u << 17, UINT32_MAX - 16, UINT32_MAX };
	for (unsigned i = 0; i < sizeof lengths / 4; i++) {
		set(&m, DATA + place_of(2) + 4, &lengths[i], 4);
		ck_assert_int_eq(try_image(&m, why), 5);
		ck_assert_uint_eq(damaged_key, 2);
	}
}
END_TEST

/* Cut anywhere: refused, or the records that are whole. */
START_TEST(truncated)
{
	struct store_bind b = here();
	char why[STORE_WHY];
	make_good();
	int last = -1;
	for (size_t n = 0; n <= good.n; n += n < 4096 ? 8 : 512) {
		static struct image m;
		m = good;
		m.n = n;
		int records = try_image(&m, why);
		ck_assert_int_ge(records, last);
		ck_assert(records >= 0 || n < 4096);
		last = records;
	}
	ck_assert_int_eq(last, 6);
	for (off_t n = 0; n < DATA; n += 4099) {
		int fd = memfd_create("cut", MFD_CLOEXEC);
		ck_assert_int_eq(pwrite(fd, good.head, sizeof good.head, 0), sizeof good.head);
		ck_assert_int_eq(ftruncate(fd, n), 0);
		ck_assert(store_open(fd, &b, NULL, NULL, why) == NULL);
		ck_assert_str_eq(why, "it is cut short");
		close(fd);
	}
	int fd = image_file(&good);
	ck_assert_int_eq(ftruncate(fd, (off_t)STORE_MAX + 1), 0);
	ck_assert(store_open(fd, &b, NULL, NULL, why) == NULL);
	ck_assert_str_eq(why, "it is larger than a store can be");
	close(fd);
	fd = image_file(&good);
	ck_assert_int_eq(fallocate(fd, FALLOC_FL_PUNCH_HOLE | FALLOC_FL_KEEP_SIZE, DATA, 4096), 0);
	ck_assert(store_open(fd, &b, NULL, NULL, why) == NULL);
	ck_assert_str_eq(why, "parts of it are missing");
	/* Made anew it is a store like any other, and nobody can cut it. */
	struct store *s = store_create(fd, &b, why);
	ck_assert(s != NULL && store_count(s) == 0 && *store_stepping(s) == 0);
	ck_assert(ftruncate(fd, 4096) != 0 && errno == EPERM);
	store_close(s);
	close(fd);
}
END_TEST

/* Pages that lie behind the index of a hostile file become part of it later: they are not believed then. */
START_TEST(behind_the_index)
{
	make_good();
	int fd = image_file(&good);
	uint8_t junk[4096];
	memset(junk, 0xa5, sizeof junk);
	ck_assert_int_eq(pwrite(fd, junk, sizeof junk, INDEX + 4096), sizeof junk);
	struct store *s = opened(fd);
	for (uint32_t k = 0; k < 1000; k++)
		ck_assert(put(s, k, 1));
	ck_assert_uint_eq(store_count(s), 1000);
	size_t it = 0, n = 0;
	uint32_t key;
	for (struct bytes b; store_next(s, &it, &key, &b); n++)
		ck_assert_uint_eq(version_of(key, b), 1);
	ck_assert_uint_eq(n, 1000);
	store_close(s);
	close(fd);
}
END_TEST

START_TEST(random_damage)
{
	static struct image m;
	char why[STORE_WHY];
	uint64_t r = 5;
	make_good();
	for (int round = 0; round < 1500; round++) {
		m = good;
		for (unsigned i = 0, n = 1 + next_random(&r) % 12; i < n; i++) {
			uint32_t where = next_random(&r), bit = 1u << next_random(&r) % 8;
			if (where % 2 == 0)
				m.head[INDEX + where / 2 % 160] ^= (uint8_t)bit;
			else
				m.data[where / 2 % 1024] ^= (uint8_t)bit;
		}
		ck_assert_int_ge(try_image(&m, why), 0);
	}
}
END_TEST

UNIT_MAIN("store_hostile", of_others, of_another_layout, index_entries, record_octets, truncated, behind_the_index, random_damage)
