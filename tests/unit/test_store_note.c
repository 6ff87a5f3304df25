/* test_store_note.c - what is noted beside a record: the latest, over a death at any instruction; what is damaged is not believed. */
#include <stdio.h>
#include <string.h>
#include <sys/ptrace.h>
#include <sys/wait.h>
#include <unistd.h>

#include "store_help.h"
#include "unit.h"

enum { NOTES = DATA + 16, PLACE = 32 };

static struct store_bind engine(void)
{
	struct store_bind b = here();
	b.kind = STORE_OF_ENGINE;
	return b;
}

static struct store *made(int fd)
{
	char why[STORE_WHY] = "";
	struct store_bind b = engine();
	struct store *s = store_create(fd, &b, why);
	ck_assert_msg(s != NULL, "%s", why);
	return s;
}

static struct store *found(int fd)
{
	char why[STORE_WHY] = "";
	struct store_bind b = engine();
	damaged = 0;
	struct store *s = store_open(fd, &b, count_damage, NULL, why);
	ck_assert_msg(s != NULL, "%s", why);
	return s;
}

static bool note(struct store *s, uint32_t key, uint8_t v)
{
	uint8_t octets[STORE_NOTE];
	memset(octets, v, sizeof octets);
	return store_note(s, key, octets);
}

/* 0: there is none. */
static unsigned noted(const struct store *s, uint32_t key)
{
	struct bytes b;
	bool is = store_noted(s, key, &b);
	ck_assert_uint_eq(b.n, is ? STORE_NOTE : 0);
	for (size_t i = 1; i < b.n; i++)
		ck_assert_uint_eq(b.p[i], b.p[0]);
	return is ? b.p[0] : 0;
}

START_TEST(the_latest_is_found)
{
	int fd = memory();
	struct store *s = made(fd);
	ck_assert(!note(s, 1, 1)); /* of no record */
	put(s, 1, 10);
	put(s, 2, 20);
	ck_assert_uint_eq(noted(s, 1), 0);
	for (unsigned i = 1; i < 200; i++) {
		struct bytes b;
		ck_assert(note(s, 1, (uint8_t)i));
		ck_assert_uint_eq(noted(s, 1), i);
		ck_assert_uint_eq(noted(s, 2), 0);
		if (i % 9 == 0) {
			store_close(s);
			s = found(fd);
			ck_assert_uint_eq(damaged, 0);
			ck_assert_uint_eq(noted(s, 1), i);
		}
		ck_assert(store_get(s, 1, &b));
		ck_assert_uint_eq(version_of(1, b), 10);
	}
	put(s, 1, 11); /* what was noted of the one before is not so of this one */
	ck_assert_uint_eq(noted(s, 1), 0);
	ck_assert(note(s, 1, 7));
	store_drop(s, 1);
	ck_assert_uint_eq(noted(s, 1), 0);
	put(s, 1, 12);
	ck_assert_uint_eq(noted(s, 1), 0);
	store_close(s);
	close(fd);
}
END_TEST

START_TEST(only_an_engines_store_has_room)
{
	int fd = memory();
	struct store *s = created(fd);
	put(s, 1, 10);
	size_t of_keeper = store_used(s);
	ck_assert(!note(s, 1, 1));
	ck_assert_uint_eq(noted(s, 1), 0);
	store_close(s);
	s = made(fd);
	put(s, 1, 10);
	ck_assert_uint_eq(store_used(s), of_keeper + 2 * PLACE);
	store_close(s);
	close(fd);
}
END_TEST

/* The number of a note that is to be found. */
static unsigned found_in(const struct image *m)
{
	int fd = image_file(m);
	struct store *s = found(fd);
	ck_assert_msg(damaged == 0, "key %u: %s", damaged_key, damage);
	unsigned n = noted(s, 1);
	ck_assert(note(s, 1, 99)); /* and whoever comes after goes on */
	ck_assert_uint_eq(noted(s, 1), 99);
	store_close(s);
	close(fd);
	return n;
}

START_TEST(killed_at_each_instruction)
{
	int fd = memory();
	struct store *s = made(fd);
	put(s, 1, 10);
	store_close(s);
	pid_t writer = fork();
	if (writer == 0) {
		char why[STORE_WHY];
		struct store_bind b = engine();
		s = store_open(fd, &b, NULL, NULL, why);
		if (s == NULL || ptrace(PTRACE_TRACEME, 0, NULL, NULL) != 0)
			_exit(NO_PTRACE);
		raise(SIGSTOP);
		for (uint8_t i = 1; i <= 4; i++)
			note(s, 1, i);
		_exit(0);
	}
	unsigned changes = changes_of(writer, fd, found_in, 4);
	if (changes == 0)
		fprintf(stderr, "test_store_note: no ptrace() here: not killed at each instruction\n");
	else
		ck_assert_uint_gt(changes, 8);
}
END_TEST

/* The one before is not true any more: where the latest is damaged nobody knows what has been since, and the record is too old to be used. */
START_TEST(damaged_notes)
{
	static struct image good, m;
	int fd = memory();
	struct store *s = made(fd);
	put(s, 1, 10);
	note(s, 1, 1);
	note(s, 1, 2); /* to the first place */
	store_close(s);
	image_read(&good, fd);
	close(fd);
	for (unsigned i = 0; i < 2 * 2 * PLACE; i++) {
		unsigned at = i / 2;
		bool latest = at < PLACE, number = at % PLACE >= PLACE - sizeof(uint32_t);
		m = good;
		m.data[NOTES - DATA + at] ^= i % 2 ? 1 : 0x40;
		if (!latest && !number) { /* of that one only the number is looked at */
			ck_assert_uint_eq(found_in(&m), 2);
			continue;
		}
		struct bytes b;
		fd = image_file(&m);
		s = found(fd);
		ck_assert_uint_eq(damaged, 1);
		ck_assert_str_eq(damage, "what was noted of it is damaged");
		ck_assert(!store_get(s, 1, &b));
		store_close(s);
		close(fd);
	}
}
END_TEST

UNIT_MAIN("store_note", the_latest_is_found, only_an_engines_store_has_room, killed_at_each_instruction, damaged_notes)
