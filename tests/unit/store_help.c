/* store_help.c - see store_help.h. */
#include "store_help.h"

#include <stdio.h>
#include <string.h>
#include <sys/ptrace.h>
#include <sys/wait.h>
#include <unistd.h>

#include "unit.h"

struct store_bind here(void)
{
	struct store_bind b;
	char why[STORE_WHY] = "";
	ck_assert_msg(store_bind_here(&b, STORE_OF_KEEPER, 3, why), "%s", why);
	return b;
}

struct store *created(int fd)
{
	char why[STORE_WHY] = "";
	struct store_bind b = here();
	struct store *s = store_create(fd, &b, why);
	ck_assert_msg(s != NULL, "%s", why);
	return s;
}

unsigned damaged;
uint32_t damaged_key;
char damage[STORE_WHY];
void count_damage(void *arg, uint32_t key, const char *what)
{
	(void)arg;
	damaged++;
	damaged_key = key;
	snprintf(damage, sizeof damage, "%s", what);
}

struct store *opened_unchecked(int fd, char why[STORE_WHY])
{
	struct store_bind b;
	damaged = 0;
	why[0] = 0;
	return store_bind_here(&b, STORE_OF_KEEPER, 3, why) ? store_open(fd, &b, count_damage, NULL, why) : NULL;
}

struct store *opened(int fd)
{
	char why[STORE_WHY];
	struct store *s = opened_unchecked(fd, why);
	ck_assert_msg(s != NULL, "%s", why);
	return s;
}

int memory(void)
{
	int fd = store_memory("test");
	ck_assert_int_ge(fd, 0);
	return fd;
}

/* ---------------------------------------------------------------- records that say what they are */
enum { RECORD_MAX = 3000 };
uint32_t next_random(uint64_t *r)
{
	*r = *r * UINT64_C(6364136223846793005) + UINT64_C(1442695040888963407);
	return (uint32_t)(*r >> 33);
}

static struct bytes make(uint8_t *to, uint32_t key, uint32_t version)
{
	uint64_t r = (uint64_t)key << 32 | version;
	uint32_t n = 8 + next_random(&r) % (RECORD_MAX - 8);
	memcpy(to, &version, 4);
	memcpy(to + 4, &key, 4);
	for (uint32_t i = 8; i < n; i++)
		to[i] = (uint8_t)next_random(&r);
	to[n - 1] |= 1; /* no block of it is all zero */
	return bytes_of(to, n);
}

/* Whole, and of this key: its version. */
uint32_t version_of(uint32_t key, struct bytes b)
{
	uint8_t same[RECORD_MAX];
	uint32_t version;
	ck_assert_uint_ge(b.n, 8);
	memcpy(&version, b.p, 4);
	ck_assert(bytes_equal(b, make(same, key, version)));
	return version;
}

bool put(struct store *s, uint32_t key, uint32_t version)
{
	uint8_t octets[RECORD_MAX];
	return store_put(s, key, make(octets, key, version));
}

void nothing_left_of_old_records(const struct store *s, int fd)
{
	static uint8_t octets[4 << 20];
	size_t size = store_size(s) - store_used(s), it = 0, zero = 0;
	uint32_t key;
	struct bytes b;
	ssize_t n = pread(fd, octets, sizeof octets, DATA);
	ck_assert(n > 0 && n < (ssize_t)sizeof octets);
	static const uint8_t none[BLOCK];
	for (ssize_t i = 0; i < n; i += BLOCK)
		zero += memcmp(octets + i, none, BLOCK) == 0;
	size_t blocks = 0;
	while (store_next(s, &it, &key, &b))
		blocks += (16 + b.n + BLOCK - 1) / BLOCK;
	ck_assert_uint_eq(zero + blocks, (size_t)n / BLOCK);
	ck_assert_uint_gt(size, 0);
}

void image_read(struct image *m, int fd)
{
	memset(m, 0, sizeof *m);
	ck_assert_int_eq(pread(fd, m->head, sizeof m->head, 0), sizeof m->head);
	ssize_t n = pread(fd, m->data, sizeof m->data, DATA);
	ck_assert(n > 0 && n < (ssize_t)sizeof m->data);
	m->n = (size_t)n;
}

int image_file(const struct image *m)
{
	int fd = memory();
	ck_assert_int_eq(pwrite(fd, m->head, sizeof m->head, 0), sizeof m->head);
	ck_assert_int_eq(pwrite(fd, m->data, m->n, DATA), (ssize_t)m->n);
	return fd;
}

unsigned changes_of(pid_t writer, int fd, unsigned (*seen)(const struct image *m), unsigned last)
{
	static struct image before, now;
	unsigned changes = 0, come = 0;
	int status;
	while (waitpid(writer, &status, 0) == writer && WIFSTOPPED(status)) {
		image_read(&now, fd);
		if (memcmp(&now, &before, sizeof now) != 0) {
			unsigned found = seen(&now);
			ck_assert_uint_ge(found, come);
			come = found;
			changes++;
			before = now;
		}
		ck_assert_int_eq(ptrace(PTRACE_SINGLESTEP, writer, NULL, NULL), 0);
	}
	close(fd);
	if (WIFEXITED(status) && WEXITSTATUS(status) == NO_PTRACE) /* under an emulator */
		return 0;
	ck_assert(WIFEXITED(status) && WEXITSTATUS(status) == 0);
	ck_assert_uint_eq(come, last);
	return changes;
}
