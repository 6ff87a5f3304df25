/*
 * store_file.c - what a store lies in, and what it is bound to.
 */
#include "base/store.h"

#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/stat.h>
#include <time.h>
#include <unistd.h>

#define LOCK_WAIT 5000 /* ms */
#define LOCK_STEP 10

bool store_bind_here(struct store_bind *b, uint32_t kind, uint32_t version, char why[STORE_WHY])
{
	struct stat st;
	memset(b, 0, sizeof *b);
	b->kind = kind;
	b->version = version;
	b->uid = geteuid();
	int fd = open("/proc/sys/kernel/random/boot_id", O_RDONLY | O_CLOEXEC);
	ssize_t n = fd >= 0 ? read(fd, b->boot, sizeof b->boot - 1) : -1;
	if (fd >= 0)
		close(fd);
	if (n <= 0) {
		snprintf(why, STORE_WHY, "/proc does not say which boot this is: %s", strerror(errno));
		return false;
	}
	b->boot[strcspn(b->boot, "\n")] = 0;
	if (stat("/proc/self/ns/net", &st) != 0) {
		snprintf(why, STORE_WHY, "/proc does not say which network namespace this is: %s", strerror(errno));
		return false;
	}
	b->netns_device = st.st_dev;
	b->netns_inode = st.st_ino;
	return true;
}

int store_memory(const char *name)
{
	unsigned flags = MFD_CLOEXEC | MFD_ALLOW_SEALING;
#ifdef MFD_NOEXEC_SEAL
	int fd = memfd_create(name, flags | MFD_NOEXEC_SEAL); /* Linux 6.3 */
	if (fd < 0 && errno == EINVAL)
		fd = memfd_create(name, flags);
#else
	int fd = memfd_create(name, flags);
#endif
	if (fd >= 0 && fcntl(fd, F_ADD_SEALS, F_SEAL_SHRINK) != 0) {
		int err = errno;
		close(fd);
		errno = err;
		return -1;
	}
	return fd;
}

bool store_is_empty(int fd)
{
	struct stat st;
	return fstat(fd, &st) == 0 && st.st_size == 0;
}

/* Of the process, not of the descriptor: those that were handed over share what flock() would lock. */
pid_t store_lock(int fd)
{
	struct timespec step = { 0, LOCK_STEP * 1000000 };
	for (unsigned waited = 0;; waited += LOCK_STEP) {
		struct flock l = { .l_type = F_WRLCK, .l_whence = SEEK_SET };
		if (fcntl(fd, F_SETLK, &l) == 0)
			return 0;
		if (errno != EAGAIN && errno != EACCES)
			return -1;
		l = (struct flock){ .l_type = F_WRLCK, .l_whence = SEEK_SET };
		if (waited >= LOCK_WAIT && fcntl(fd, F_GETLK, &l) == 0 && l.l_type != F_UNLCK)
			return l.l_pid > 0 ? l.l_pid : 1; /* 0: it is in no pid namespace of ours */
		nanosleep(&step, NULL);
	}
}
