/*
 * spawn.c - see spawn.h. No shell, a fixed search path, nothing on standard input or error; what does not end in time is killed.
 */
#include "ctl/spawn.h"
#include "ctl/system.h"

#include <errno.h>
#include <fcntl.h>
#include <poll.h>
#include <signal.h>
#include <stdint.h>
#include <stdlib.h>
#include <sys/wait.h>
#include <unistd.h>

#include "base/mem.h"

#define SEARCH "/usr/sbin:/usr/bin:/sbin:/bin"

static void become(const char *const *argv, int out)
{
	int null = open("/dev/null", O_RDWR);
	if (null < 0 || dup2(null, 0) < 0 || dup2(out, 1) < 0 || dup2(null, 2) < 0)
		_exit(127);
	setenv("PATH", SEARCH, 1);
	setenv("LC_ALL", "C", 1);
	execvp(argv[0], (char *const *)(uintptr_t)argv);
	_exit(127);
}

/* Everything up to the end, or NULL. */
static char *gather(int fd, size_t most, int64_t until)
{
	size_t len = 0, cap = 4096;
	char *text = xcalloc(cap, 1);
	for (;;) {
		struct pollfd p = { .fd = fd, .events = POLLIN };
		int64_t left = until - system_ms();
		int ready = left > 0 ? poll(&p, 1, (int)left) : 0;
		if (ready < 0 && errno == EINTR)
			continue;
		ssize_t n = ready > 0 ? read(fd, text + len, cap - len - 1) : -1;
		if (n < 0 || len + (size_t)n > most)
			break;
		len += (size_t)n;
		text[len] = 0;
		if (n == 0)
			return text;
		if (cap - len < 2048)
			text = xrealloc_array(text, cap *= 2, 1);
	}
	free(text);
	return NULL;
}

char *program_output(const char *const *argv, size_t most, int seconds, int *status)
{
	int ends[2], code = 0;
	if (pipe2(ends, O_CLOEXEC) != 0)
		return NULL;
	pid_t pid = fork();
	if (pid == 0)
		become(argv, ends[1]);
	close(ends[1]);
	char *text = pid > 0 ? gather(ends[0], most, system_ms() + (int64_t)seconds * 1000) : NULL;
	close(ends[0]);
	if (pid > 0 && text == NULL)
		kill(pid, SIGKILL);
	while (pid > 0 && waitpid(pid, &code, 0) < 0 && errno == EINTR)
		continue;
	*status = WIFEXITED(code) ? WEXITSTATUS(code) : -1;
	if (text != NULL && *status != 127)
		return text;
	free(text);
	return NULL;
}
