/* system.c - see system.h. */
#include "ctl/system.h"

#include <fcntl.h>
#include <limits.h>
#include <stdio.h>
#include <stdlib.h>
#include <time.h>
#include <unistd.h>

int64_t system_ms(void)
{
	struct timespec t;
	clock_gettime(CLOCK_MONOTONIC, &t);
	return (int64_t)t.tv_sec * 1000 + t.tv_nsec / 1000000;
}

/* Not file_read: what /proc holds has no size. */
bool system_file(const char *root, const char *name, char *text, size_t size)
{
	char path[PATH_MAX];
	size_t len = 0;
	ssize_t n = 0;
	snprintf(path, sizeof path, "%s/proc/%s", root, name);
	int fd = open(path, O_RDONLY | O_CLOEXEC | O_NOCTTY);
	while (fd >= 0 && len + 1 < size && (n = read(fd, text + len, size - len - 1)) > 0)
		len += (size_t)n;
	if (fd >= 0)
		close(fd);
	text[len] = 0;
	return fd >= 0 && n >= 0;
}

int system_number(const char *root, const char *name)
{
	char text[64], *end;
	if (!system_file(root, name, text, sizeof text))
		return SYSTEM_UNKNOWN;
	long v = strtol(text, &end, 10);
	return end != text && v >= 0 && v <= INT_MAX ? (int)v : SYSTEM_UNKNOWN;
}
