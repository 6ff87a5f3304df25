/* test_records.c - what the engine keeps over its death, and what it does not believe of it. */
#include "engine/records.h"

#include <fcntl.h>
#include <signal.h>
#include <stdio.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/resource.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <unistd.h>

#include "base/log.h"
#include "store_help.h"
#include "unit.h"

static int log_fd;

static void catch_log(void)
{
	log_fd = memfd_create("log", MFD_CLOEXEC);
	ck_assert_int_eq(dup2(log_fd, STDERR_FILENO), STDERR_FILENO);
	log_open_stderr(LOG_LEVEL_DEBUG);
}

/* What was logged since the last call, without the times. */
static const char *logged(void)
{
	static char text[4096];
	char raw[4096];
	ssize_t n = pread(log_fd, raw, sizeof raw - 1, 0);
	size_t len = 0;
	ck_assert_int_ge(n, 0);
	raw[n] = 0;
	text[0] = 0;
	for (char *line = strtok(raw, "\n"); line != NULL; line = strtok(NULL, "\n"))
		len += (size_t)snprintf(text + len, sizeof text - len, "%s\n", line + 21);
	ck_assert_int_eq(ftruncate(log_fd, 0), 0);
	lseek(log_fd, 0, SEEK_SET);
	return text;
}

#define NOW ((struct mono){ 5000000 })

static struct records *started_at(int fd, struct mono now)
{
	struct store_bind b = here();
	return records_new(dup(fd), &b, true, now);
}

/* Tunnels 1 to 4 have names. */
static const char *name_of(const void *arg, uint32_t id)
{
	static const char *const names[] = { NULL, "one", "two", "three", "four" };
	(void)arg;
	return id < 5 ? names[id] : NULL;
}

static void save(struct records *r, uint32_t tunnel, const char *text)
{
	ck_assert(records_save(r, tunnel, bytes_of(text, strlen(text))));
}

static bool is(struct bytes b, const char *text) { return bytes_equal(b, bytes_of(text, strlen(text))); }

static const struct esp_held held[] = { { .tunnel = 3, .spi = 31 }, { .tunnel = 1, .spi = 11 }, { .tunnel = 4, .spi = 41 },
	{ .tunnel = 3, .spi = 32 }, { .tunnel = 9, .spi = 91 } };

/* It comes after another, which left nothing that can be used. */
static bool is_left_nothing(struct records *r)
{
	const struct ike_restore *all = records_restore(r, 5, name_of, NULL);
	return all != NULL && all->n == 0;
}

START_TEST(comes_back)
{
	int fd = memory();
	catch_log();
	struct store_bind b = here();
	struct records *r = records_new(dup(fd), &b, false, NOW);
	ck_assert_ptr_eq(records_restore(r, 5, name_of, NULL), NULL); /* the first one */
	records_restored(r);
	save(r, 1, "first");
	save(r, 1, "second");
	save(r, 2, "gone");
	save(r, 3, "third");
	save(r, 7, "no tunnel");
	ck_assert(records_save(r, 2, (struct bytes){ 0 }));
	records_free(r);
	ck_assert_str_eq(logged(), "");

	r = started_at(fd, NOW);
	records_held(r, held, 2);
	records_held(r, held + 2, 3);
	records_held(r, NULL, 0);
	const struct ike_restore *all = records_restore(r, 5, name_of, NULL);
	ck_assert_uint_eq(all->n, 3);
	ck_assert(all->v[0].tunnel == 1 && is(all->v[0].record, "second") && all->v[0].n == 1 && all->v[0].held[0].spi == 11);
	ck_assert(all->v[1].tunnel == 3 && is(all->v[1].record, "third") && all->v[1].n == 2);
	ck_assert_uint_eq(all->v[1].held[0].spi + all->v[1].held[1].spi, 63);
	ck_assert(all->v[2].tunnel == 4 && all->v[2].record.n == 0 && all->v[2].n == 1 && all->v[2].held[0].spi == 41);
	records_restored(r);
	ck_assert_str_eq(logged(), "info: engine: going on with the state of 2 tunnels and 4 SAs of the kernel\n");
	records_free(r);
	struct store *s = opened(fd);
	ck_assert_uint_eq(store_count(s), 2); /* that of no tunnel is gone */
	store_close(s);
}
END_TEST

START_TEST(without_a_store)
{
	catch_log();
	struct records *r = records_new(-1, NULL, false, NOW);
	save(r, 1, "first");
	ck_assert_ptr_eq(records_stepping(r), NULL);
	records_begin(r);
	records_end(r);
	records_calm(r);
	records_held(r, held, 5);
	const struct ike_restore *all = records_restore(r, 5, name_of, NULL);
	ck_assert_uint_eq(all->n, 3);
	ck_assert_uint_eq(all->v[0].record.n, 0);
	records_free(r);
	ck_assert_str_eq(logged(), "info: engine: going on with the state of 0 tunnels and 4 SAs of the kernel\n");
}
END_TEST

/* An engine that dies while it works on a tunnel. */
static void die_at(int fd, uint32_t tunnel, struct mono now)
{
	struct records *r = started_at(fd, now);
	records_restore(r, 5, name_of, NULL);
	records_restored(r);
	records_begin(r);
	if (tunnel != 0)
		*records_stepping(r) = tunnel;
	records_free(r);
}

static struct mono after(msec ms) { return mono_add(NOW, ms); }

START_TEST(who_kills_twice_is_left_out)
{
	int fd = memory();
	catch_log();
	struct records *r = started_at(fd, NOW);
	save(r, 1, "first");
	save(r, 2, "second");
	records_begin(r);
	records_end(r);
	records_free(r);
	die_at(fd, 2, after(0)); /* the death before was not in a step */
	die_at(fd, 2, after(40000));
	logged();
	r = started_at(fd, after(110000));
	const struct ike_restore *all = records_restore(r, 5, name_of, NULL);
	ck_assert_uint_eq(all->n, 1);
	ck_assert_uint_eq(all->v[0].tunnel, 1);
	ck_assert_str_eq(logged(),
		"error: two: the engine died 2 times while it worked on it: its state is not taken over, it dials anew\n"
		"info: engine: going on with the state of 1 tunnels and 0 SAs of the kernel\n");
	records_free(r);
	/* Once said, done: a record that it has from now on is one like any other. */
	r = started_at(fd, after(110001));
	save(r, 2, "new");
	records_free(r);
	r = started_at(fd, after(110002));
	ck_assert_uint_eq(records_restore(r, 5, name_of, NULL)->n, 2);
	records_free(r);
}
END_TEST

/* Whoever kills engines, an operator or a test, kills some of them in the middle of something. */
START_TEST(who_was_killed_accuses_nobody)
{
	int fd = memory();
	struct store_bind b = here();
	catch_log();
	struct records *r = started_at(fd, NOW);
	save(r, 2, "second");
	for (unsigned i = 0; i < 5; i++) {
		records_begin(r);
		*records_stepping(r) = 2;
		records_free(r);
		r = records_new(dup(fd), &b, false, after(i * 1000));
	}
	ck_assert_uint_eq(*records_stepping(r), 0);
	ck_assert_uint_eq(records_restore(r, 5, name_of, NULL)->n, 1);
	records_free(r);
}
END_TEST

START_TEST(a_minute_of_life_forgives)
{
	int fd = memory();
	catch_log();
	struct records *r = started_at(fd, NOW);
	save(r, 2, "second");
	records_free(r);
	die_at(fd, 2, after(0));
	r = started_at(fd, after(100));
	records_calm(r);
	records_free(r);
	die_at(fd, 2, after(200));
	die_at(fd, 0, after(300));
	r = started_at(fd, after(400));
	ck_assert_uint_eq(records_restore(r, 5, name_of, NULL)->n, 1);
	records_free(r);
}
END_TEST

START_TEST(three_deaths_within_a_minute)
{
	int fd = memory();
	catch_log();
	struct records *r = started_at(fd, NOW);
	save(r, 1, "first");
	save(r, 2, "second");
	records_free(r);
	die_at(fd, 0, after(0));
	die_at(fd, 1, after(20000));
	die_at(fd, 0, after(40000));
	logged();
	r = started_at(fd, after(50000));
	ck_assert(is_left_nothing(r));
	ck_assert_str_eq(logged(),
		"error: engine: it died 3 times within a minute: nothing of what was there is taken over, all tunnels dial anew\n");
	save(r, 1, "anew");
	records_free(r);
	r = started_at(fd, after(60000));
	ck_assert_uint_eq(records_restore(r, 5, name_of, NULL)->n, 1);
	records_free(r);
}
END_TEST

START_TEST(what_is_not_ours_is_said)
{
	int fd = memory();
	catch_log();
	struct records *r = started_at(fd, NOW);
	save(r, 1, "first");
	save(r, 2, "second");
	save(r, 3, "third");
	save(r, 8, "eighth");
	records_free(r);
	struct image m;
	image_read(&m, fd);
	/* One octet of the second record and of the fourth. */
	for (size_t i = 0; i + 6 < m.n; i++) {
		if (memcmp(m.data + i, "second", 6) == 0 || memcmp(m.data + i, "eighth", 6) == 0)
			m.data[i] ^= 1;
	}
	int harmed = image_file(&m);
	r = started_at(harmed, NOW);
	ck_assert_uint_eq(records_restore(r, 5, name_of, NULL)->n, 2);
	ck_assert_str_eq(logged(), "warning: two: its state is damaged, it dials anew: its checksum is wrong\n"
				   "warning: engine: 1 records of no tunnel were damaged\n"
				   "info: engine: going on with the state of 2 tunnels and 0 SAs of the kernel\n");
	records_free(r);

	struct store_bind b = here();
	b.boot[0] ^= 1;
	r = records_new(dup(fd), &b, true, NOW);
	ck_assert(is_left_nothing(r));
	ck_assert_str_eq(logged(),
		"warning: engine: the state that an engine before left is not taken over, tunnels dial anew: it is of another boot\n");
	save(r, 1, "first");
	records_free(r);
	r = records_new(dup(fd), &b, true, NOW);
	ck_assert_uint_eq(records_restore(r, 5, name_of, NULL)->n, 1);
	records_free(r);

	logged();
	int closed = open("/proc/self/exe", O_RDONLY);
	b = here();
	r = records_new(closed, &b, true, NOW);
	save(r, 1, "first");
	ck_assert_ptr_nonnull(strstr(logged(), "no state is kept over a death of this process: "));
	records_free(r);
}
END_TEST

/* Two engines on one store: the first may be about to end, then the second one waits for it. */
START_TEST(one_writer)
{
	int fd = memory(), status;
	catch_log();
	for (unsigned lives = 0; lives < 2; lives++) {
		char expected[128] = "";
		int pipes[2];
		ck_assert_int_eq(pipe(pipes), 0);
		pid_t other = fork();
		if (other == 0) {
			struct records *mine = started_at(fd, NOW);
			if (write(pipes[1], "x", 1) != 1)
				_exit(1);
			if (lives == 0)
				usleep(300000);
			else
				pause();
			records_free(mine);
			_exit(0);
		}
		char c;
		ck_assert_int_eq(read(pipes[0], &c, 1), 1);
		struct records *r = started_at(fd, NOW);
		if (lives == 1)
			snprintf(expected, sizeof expected,
				"warning: engine: process %ld writes the state of the tunnels: this engine keeps none\n",
				(long)other);
		ck_assert_str_eq(logged(), expected);
		ck_assert((records_stepping(r) != NULL) == (lives == 0));
		records_free(r);
		kill(other, SIGKILL);
		waitpid(other, &status, 0);
		ck_assert(lives == 1 || WIFEXITED(status));
	}
}
END_TEST

START_TEST(no_room_is_told_once_a_minute)
{
	int fd = memory();
	struct stat st;
	static uint8_t large[100000];
	catch_log();
	struct records *r = started_at(fd, NOW);
	ck_assert_int_eq(fstat(fd, &st), 0);
	struct rlimit l = { (rlim_t)st.st_size, RLIM_INFINITY };
	signal(SIGXFSZ, SIG_IGN);
	ck_assert_int_eq(setrlimit(RLIMIT_FSIZE, &l), 0);
	save(r, 1, "first");
	for (unsigned i = 0; i < 5; i++) {
		ck_assert(!records_save(r, 1, bytes_of(large, sizeof large)));
		records_no_room(r, "one", after(i * 20000));
	}
	ck_assert(records_save(r, 1, (struct bytes){ 0 }));
	l.rlim_cur = RLIM_INFINITY;
	ck_assert_int_eq(setrlimit(RLIMIT_FSIZE, &l), 0);
	ck_assert_str_eq(logged(),
		"warning: one: no room to keep its state: should the engine be restarted, it dials anew (since the last such line: 0 more)\n"
		"warning: one: no room to keep its state: should the engine be restarted, it dials anew (since the last such line: 2 more)\n");
	records_free(r);
	r = started_at(fd, NOW);
	ck_assert(is_left_nothing(r));
	records_free(r);
}
END_TEST

UNIT_MAIN("records", comes_back, without_a_store, who_kills_twice_is_left_out, who_was_killed_accuses_nobody,
	a_minute_of_life_forgives, three_deaths_within_a_minute, what_is_not_ours_is_said, one_writer,
	no_room_is_told_once_a_minute)
