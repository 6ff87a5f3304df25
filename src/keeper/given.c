/* given.c - see given.h. */
#include "given.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#define FIRST 3 /* SD_LISTEN_FDS_START */
#define GIVEN_MAX 64

static struct {
	char name[GIVEN_NAME];
	int fd; /* -1: taken */
} given[GIVEN_MAX];
static unsigned n_given;

void given_open(void)
{
	const char *pid = getenv("LISTEN_PID"), *count = getenv("LISTEN_FDS"), *names = getenv("LISTEN_FDNAMES");
	unsigned long n = pid != NULL && count != NULL && strtol(pid, NULL, 10) == getpid() ? strtoul(count, NULL, 10) : 0;
	for (unsigned long i = 0; i < n && i < GIVEN_MAX; i++) {
		size_t len = names != NULL ? strcspn(names, ":") : 0;
		given[i].fd = FIRST + (int)i;
		snprintf(given[i].name, GIVEN_NAME, "%.*s", (int)(len < GIVEN_NAME ? len : 0), names != NULL ? names : "");
		names = names != NULL && names[len] == ':' ? names + len + 1 : NULL;
		n_given++;
	}
	unsetenv("LISTEN_PID");
	unsetenv("LISTEN_FDS");
	unsetenv("LISTEN_FDNAMES");
}

bool given_take(const char *begin, char name[GIVEN_NAME], int *fd)
{
	for (unsigned i = 0; i < n_given; i++) {
		if (given[i].fd < 0 || strncmp(given[i].name, begin, strlen(begin)) != 0)
			continue;
		memcpy(name, given[i].name, GIVEN_NAME);
		*fd = given[i].fd;
		given[i].fd = -1;
		return true;
	}
	return false;
}

void given_close(void (*told)(const char *name))
{
	for (unsigned i = 0; i < n_given; i++) {
		if (given[i].fd < 0)
			continue;
		close(given[i].fd);
		told(given[i].name);
	}
	n_given = 0;
}
