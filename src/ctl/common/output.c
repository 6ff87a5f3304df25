/* output.c - see output.h. */
#include "ctl/output.h"

#include <errno.h>
#include <fcntl.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

/* The questions are asked of the open file, not of its name; it is emptied only when they are answered. */
static int open_own(const char *path, const char **why)
{
	struct stat st;
	/* NONBLOCK: a pipe in the place of a file must not stop us. */
	int fd = open(path, O_WRONLY | O_NOFOLLOW | O_CLOEXEC | O_NOCTTY | O_NONBLOCK);
	if (fd < 0) {
		*why = errno == ELOOP ? "it is a symbolic link" : errno == ENXIO ? "it is not a regular file" : strerror(errno);
		return -1;
	}
	bool good = fstat(fd, &st) == 0 && S_ISREG(st.st_mode) && st.st_uid == geteuid() && (st.st_mode & 077) == 0 &&
		    st.st_nlink == 1;
	*why = !good ? "it is there already, and not a file that only we can open: remove it or name another" : NULL;
	if (good && ftruncate(fd, 0) == 0)
		return fd;
	if (good)
		*why = strerror(errno);
	close(fd);
	return -1;
}

FILE *output_open(const char *path, bool replace, const char **why)
{
	int fd = open(path, O_WRONLY | O_CREAT | O_EXCL | O_NOFOLLOW | O_CLOEXEC, 0600);
	if (fd < 0)
		*why = strerror(errno);
	if (fd < 0 && errno == EEXIST && replace)
		fd = open_own(path, why);
	FILE *f = fd >= 0 ? fdopen(fd, "w") : NULL;
	if (fd >= 0 && f == NULL) {
		*why = strerror(errno);
		close(fd);
	}
	return f;
}
