/* proc_help.c - see proc_help.h. */
#include "proc_help.h"

#include <stdio.h>
#include <string.h>
#include <unistd.h>

#include "unit.h"

const char *process_status(pid_t pid, const char *key)
{
	static char line[512];
	char path[40];
	size_t n = strlen(key);
	snprintf(path, sizeof path, "/proc/%d/status", (int)pid);
	FILE *f = fopen(path, "re");
	ck_assert_msg(f != NULL, "process %d is gone", (int)pid);
	while (fgets(line, sizeof line, f) != NULL && (strncmp(line, key, n) != 0 || line[n] != ':'))
		continue;
	fclose(f);
	ck_assert_msg(strncmp(line, key, n) == 0, "no %s in %s", key, path);
	char *value = line + n + 1 + strspn(line + n + 1, "\t ");
	for (size_t len = strlen(value); len > 0 && strchr(" \t\n", value[len - 1]) != NULL;)
		value[--len] = 0;
	return value;
}

const char *process_link(pid_t pid, const char *name)
{
	static char to[512];
	char path[40];
	snprintf(path, sizeof path, "/proc/%d/%.16s", (int)pid, name);
	ssize_t n = readlink(path, to, sizeof to - 1);
	ck_assert_msg(n >= 0, "%s cannot be read", path);
	to[n] = 0;
	return to;
}
