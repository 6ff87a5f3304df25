/* test_store.c - records of a shared memory file: put, and kept over a death at any instruction. */
#include "base/store.h"

#include <signal.h>
#include <stdio.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/ptrace.h>
#include <sys/resource.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>

#include "store_help.h"
#include "unit.h"

START_TEST(puts_gets_drops)
{
	int fd = memory();
	ck_assert(store_is_empty(fd));
	struct store *s = created(fd);
	struct bytes b;
	ck_assert(!store_is_empty(fd));
	ck_assert(!store_get(s, 0, &b));
	ck_assert(put(s, 0, 1)); /* zero is a key like any other */
	ck_assert(put(s, UINT32_MAX, 7));
	ck_assert(store_put(s, 5, bytes_of(NULL, 0)));
	ck_assert_uint_eq(store_count(s), 3);
	ck_assert(store_get(s, 0, &b));
	ck_assert_uint_eq(version_of(0, b), 1);
	ck_assert(store_get(s, 5, &b));
	ck_assert_uint_eq(b.n, 0);
	ck_assert(put(s, 0, 2));
	store_drop(s, 5);
	store_drop(s, 6);
	*store_stepping(s) = 77;
	store_close(s);

	s = opened(fd);
	ck_assert_uint_eq(damaged, 0);
	ck_assert_uint_eq(*store_stepping(s), 77);
	ck_assert_uint_eq(store_count(s), 2);
	ck_assert(store_get(s, 0, &b));
	ck_assert_uint_eq(version_of(0, b), 2);
	ck_assert(store_get(s, UINT32_MAX, &b));
	ck_assert_uint_eq(version_of(UINT32_MAX, b), 7);
	ck_assert(!store_get(s, 5, &b));
	nothing_left_of_old_records(s, fd);
	store_clear(s);
	ck_assert_uint_eq(store_count(s), 0);
	ck_assert_uint_eq(store_used(s), 0);
	nothing_left_of_old_records(s, fd);
	ck_assert(!store_put(s, 1, bytes_of(s, STORE_MAX))); /* looked at only for its length */
	store_close(s);
	store_close(NULL);
	close(fd);
}
END_TEST

/* Many keys, many times, opened anew now and then; space is used again. */
START_TEST(agrees_with_an_array)
{
	enum { KEYS = 700 };
	static uint32_t version[KEYS];
	uint64_t r = 99;
	int fd = memory();
	struct store *s = created(fd);
	size_t most = 0;
	for (uint32_t step = 1; step < 40000; step++) {
		uint32_t k = next_random(&r) % KEYS;
		struct bytes b;
		if (next_random(&r) % 8 != 0) {
			ck_assert(put(s, k * 65536, step));
			version[k] = step;
		} else {
			store_drop(s, k * 65536);
			version[k] = 0;
		}
		k = next_random(&r) % KEYS;
		ck_assert(store_get(s, k * 65536, &b) == (version[k] != 0));
		if (version[k] != 0)
			ck_assert_uint_eq(version_of(k * 65536, b), version[k]);
		if (step % 5000 != 0)
			continue;
		most = store_size(s);
		store_close(s);
		s = opened(fd);
		ck_assert_uint_eq(damaged, 0);
		ck_assert_uint_ge(most, store_size(s));
	}
	size_t it = 0, seen = 0;
	uint32_t key;
	struct bytes b;
	for (; store_next(s, &it, &key, &b); seen++)
		ck_assert_uint_eq(version_of(key, b), version[key / 65536]);
	ck_assert_uint_eq(seen, store_count(s));
	ck_assert_uint_gt(seen, KEYS / 2);
	/* Half of it may be free, not more. */
	ck_assert_uint_lt(most, 2 * store_used(s) + (1 << 18));
	nothing_left_of_old_records(s, fd);
	store_close(s);
	close(fd);
}
END_TEST

START_TEST(counts_crashes_and_deaths)
{
	int fd = memory();
	struct store *s = created(fd);
	put(s, 4, 1);
	store_crashed(s, 4);
	store_crashed(s, 5);
	put(s, 4, 2);
	store_crashed(s, 4);
	ck_assert_uint_eq(store_died(s, (struct mono){ 100000 }, 60000), 1);
	ck_assert_uint_eq(store_died(s, (struct mono){ 130000 }, 60000), 2);
	store_close(s);
	s = opened(fd);
	ck_assert_uint_eq(store_crashes(s, 4), 2);
	ck_assert_uint_eq(store_crashes(s, 5), 0);
	ck_assert_uint_eq(store_died(s, (struct mono){ 159000 }, 60000), 3);
	ck_assert_uint_eq(store_died(s, (struct mono){ 161000 }, 60000), 3);
	ck_assert_uint_eq(store_died(s, (struct mono){ 50000 }, 60000), 1); /* the others are in the future: another clock */
	store_clear(s);
	ck_assert_uint_eq(store_died(s, (struct mono){ 162000 }, 60000), 3);
	put(s, 4, 3);
	ck_assert_uint_eq(store_crashes(s, 4), 0); /* gone with its record */
	store_crashed(s, 4);
	store_clear_crashes(s);
	ck_assert_uint_eq(store_crashes(s, 4), 0);
	ck_assert_uint_eq(store_died(s, (struct mono){ 162000 }, 60000), 1);
	store_close(s);
	close(fd);
}
END_TEST

/* ---------------------------------------------------------------- killed */
enum { KILL_KEYS = 5 };
struct shared { /* what the writer is at: told before and after each change; version 0: dropped */
	volatile uint32_t done[KILL_KEYS], begun[KILL_KEYS];
};

static _Noreturn void write_for_ever(int fd, struct shared *t, uint64_t r)
{
	char why[STORE_WHY];
	struct store *s = opened_unchecked(fd, why);
	if (s == NULL)
		_exit(1);
	for (uint32_t version = t->done[0] | 1;; version++) {
		uint32_t k = next_random(&r) % KILL_KEYS;
		bool drop = next_random(&r) % 8 == 0;
		t->begun[k] = drop ? 0 : version;
		if (drop)
			store_drop(s, k);
		else if (!put(s, k, version))
			_exit(1);
		t->done[k] = t->begun[k];
	}
}

static void check_after_kill(int fd, const struct shared *t)
{
	struct store *s = opened(fd);
	ck_assert_msg(damaged == 0, "key %u: %s", damaged_key, damage);
	for (uint32_t k = 0; k < KILL_KEYS; k++) {
		struct bytes b;
		uint32_t version = store_get(s, k, &b) ? version_of(k, b) : 0;
		ck_assert_msg(version == t->done[k] || version == t->begun[k], "key %u: %u, neither %u nor %u", k, version,
			t->done[k], t->begun[k]);
	}
	nothing_left_of_old_records(s, fd);
	store_close(s);
}

START_TEST(killed_at_random_moments)
{
	struct shared *t = mmap(NULL, sizeof *t, PROT_READ | PROT_WRITE, MAP_SHARED | MAP_ANONYMOUS, -1, 0);
	uint64_t r = 4711;
	int fd = memory(), status;
	store_close(created(fd));
	for (uint32_t life = 0; life < 3000; life++) {
		pid_t writer = fork();
		if (writer == 0)
			write_for_ever(fd, t, life);
		struct timespec d = { 0, 100000 + next_random(&r) % 600000 };
		nanosleep(&d, NULL);
		kill(writer, SIGKILL);
		ck_assert_int_eq(waitpid(writer, &status, 0), writer);
		ck_assert(WIFSIGNALED(status) && WTERMSIG(status) == SIGKILL);
		check_after_kill(fd, t);
		for (uint32_t k = 0; k < KILL_KEYS; k++) {
			/* The next writer goes on with what is there. */
			struct store *s = opened(fd);
			struct bytes b;
			t->begun[k] = t->done[k] = store_get(s, k, &b) ? version_of(k, b) : 0;
			store_close(s);
		}
	}
	close(fd);
}
END_TEST

static bool is_text(struct bytes b, const char *text) { return bytes_equal(b, bytes_of(text, strlen(text))); }

/* How far three changes have come, each of them whole or not begun. */
static unsigned changes_seen(const struct image *m)
{
	int fd = image_file(m);
	struct store *s = opened(fd);
	struct bytes one, two, three;
	ck_assert_msg(damaged == 0, "key %u: %s", damaged_key, damage);
	ck_assert(store_get(s, 1, &one));
	bool first = is_text(one, "short"), second = store_get(s, 3, &three), third = !store_get(s, 2, &two);
	if (!first)
		ck_assert_uint_eq(version_of(1, one), 10);
	if (second)
		ck_assert(is_text(three, "new"));
	if (!third)
		ck_assert_uint_eq(version_of(2, two), 20);
	ck_assert(first >= second && second >= third);
	nothing_left_of_old_records(s, fd);
	store_close(s);
	close(fd);
	return (unsigned)(first + second + third);
}

/* A put, a put of a new key and a drop: after each instruction that changes the file, what somebody would find who opens it then. */
START_TEST(killed_at_each_instruction)
{
	int fd = memory();
	struct store *s = created(fd);
	put(s, 1, 10);
	put(s, 2, 20);
	store_close(s);
	pid_t writer = fork();
	if (writer == 0) {
		s = opened(fd);
		if (ptrace(PTRACE_TRACEME, 0, NULL, NULL) != 0)
			_exit(NO_PTRACE);
		raise(SIGSTOP);
		store_put(s, 1, bytes_of("short", 5));
		store_put(s, 3, bytes_of("new", 3));
		store_drop(s, 2);
		_exit(0);
	}
	unsigned changes = changes_of(writer, fd, changes_seen, 3);
	if (changes == 0)
		fprintf(stderr, "test_store: no ptrace() here: killed at random moments only, not at each instruction\n");
	else
		ck_assert_uint_gt(changes, 15);
}
END_TEST

/* ---------------------------------------------------------------- no room */
static void limit_file(rlim_t n)
{
	struct rlimit l = { n, RLIM_INFINITY };
	ck_assert_int_eq(setrlimit(RLIMIT_FSIZE, &l), 0);
}

/* A file that cannot grow, as on a full file system: nothing stale is left, nobody dies of a signal, and later there is room again. */
START_TEST(no_room)
{
	int fd = memory();
	struct store *s = created(fd);
	struct bytes b;
	unsigned failed = 0, kept = 0;
	static bool there[400];
	signal(SIGXFSZ, SIG_IGN);
	limit_file(DATA + (200 << 10));
	for (uint32_t round = 1; round < 6; round++) {
		for (uint32_t k = 0; k < 400; k++) {
			there[k] = put(s, k, round);
			failed += !there[k];
			ck_assert(store_get(s, k, &b) == there[k]);
		}
		store_close(s);
		s = opened(fd);
		ck_assert_uint_eq(damaged, 0);
		for (uint32_t k = 0; k < 400; k++) {
			ck_assert(store_get(s, k, &b) <=
				  there[k]); /* it had to give way to none: each put keeps or drops its own */
			if (store_get(s, k, &b)) {
				ck_assert_uint_eq(version_of(k, b), round);
				kept++;
			}
		}
	}
	ck_assert_uint_gt(failed, 400);
	ck_assert_uint_gt(kept, 400);
	limit_file(RLIM_INFINITY);
	for (uint32_t k = 0; k < 400; k++)
		ck_assert(put(s, k, 99));
	store_close(s);

	/* One record that fills all there is is replaced all the same. */
	int small = memory();
	s = created(small);
	limit_file(DATA + (64 << 10));
	static const uint8_t large[60 << 10];
	ck_assert(store_put(s, 1, bytes_of(large, sizeof large)));
	ck_assert(store_put(s, 1, bytes_of(large, sizeof large - 1)));
	ck_assert(!store_put(s, 1, bytes_of(large, sizeof large + 8192)));
	ck_assert(!store_get(s, 1, &b));
	store_close(s);

	struct store_bind bind = here();
	char why[STORE_WHY] = "";
	limit_file(DATA);
	ck_assert(store_create(memory(), &bind, why) == NULL);
	ck_assert_str_eq(why, "there is no room for it: File too large");
	limit_file(RLIM_INFINITY);
	close(small);
	close(fd);
}
END_TEST

/* Each record is put twice, the second time longer: what the first one took is where the next one begins. */
START_TEST(what_grows_leaves_no_holes)
{
	uint8_t v[90] = { 0 };
	int fd = memory();
	struct store *s = created(fd);
	for (uint32_t key = 1; key <= 20000; key++)
		ck_assert(store_put(s, key, bytes_of(v, 30)) && store_put(s, key, bytes_of(v, sizeof v)));
	ck_assert_uint_lt(store_size(s), store_used(s) + store_used(s) / 8 + (256u << 10)); /* but what it grew by last */
	store_close(s);
	close(fd);
}
END_TEST

/* More records than fit into the index's first pages, and its end. */
START_TEST(index_grows_to_its_end)
{
	int fd = memory();
	struct store *s = created(fd);
	for (uint32_t k = 0; k < STORE_RECORDS_MAX; k++)
		ck_assert(store_put(s, k, bytes_of(&k, sizeof k)));
	ck_assert(!store_put(s, STORE_RECORDS_MAX, bytes_of("x", 1)));
	ck_assert(store_put(s, 7, bytes_of("seven", 5)));
	store_close(s);
	s = opened(fd);
	ck_assert_uint_eq(damaged, 0);
	ck_assert_uint_eq(store_count(s), STORE_RECORDS_MAX);
	store_drop(s, 9);
	ck_assert(store_put(s, STORE_RECORDS_MAX, bytes_of("x", 1)));
	store_close(s);
	close(fd);
}
END_TEST

UNIT_MAIN("store", puts_gets_drops, agrees_with_an_array, counts_crashes_and_deaths, killed_at_random_moments,
	killed_at_each_instruction, no_room, what_grows_leaves_no_holes, index_grows_to_its_end)
