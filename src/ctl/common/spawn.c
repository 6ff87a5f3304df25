/*
 * spawn.c - see spawn.h. No shell, a fixed search path, nothing on standard input or error; what does not end in time is killed.
 */
#include "ctl/spawn.h"
#include "ctl/system.h"

#include <errno.h>
#include <fcntl.h>
#include <poll.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/wait.h>
#include <unistd.h>

#include "base/mem.h"

#define SEARCH "/usr/sbin:/usr/bin:/sbin:/bin"
#define NOT_RUN 127
#define SLOWER 3    /* so many times the time are for one that is at work itself: a slow machine is no daemon that hangs */
#define LINGER_MS 5 /* between two looks whether one that has said all has ended */

static void become(const char *const *argv, int out)
{
	int null = open("/dev/null", O_RDWR);
	if (null < 0 || dup2(null, 0) < 0 || dup2(out, 1) < 0 || dup2(null, 2) < 0)
		_exit(NOT_RUN);
	setenv("PATH", SEARCH, 1);
	setenv("LC_ALL", "C", 1);
	execvp(argv[0], (char *const *)(uintptr_t)argv);
	_exit(NOT_RUN);
}

struct running {
	pid_t pid;
	int fd; /* -1 = it says nothing more */
	size_t len, cap;
};

static void start(struct program *p, struct running *r)
{
	int ends[2];
	p->text = NULL;
	p->status = -1;
	p->end = PROGRAM_ABSENT;
	*r = (struct running){ .pid = -1, .fd = -1 };
	if (pipe2(ends, O_CLOEXEC) != 0)
		return;
	r->pid = fork();
	if (r->pid == 0)
		become(p->argv, ends[1]);
	close(ends[1]);
	if (r->pid < 0) {
		close(ends[0]);
		return;
	}
	r->fd = ends[0];
	r->cap = 4096;
	p->text = xcalloc(r->cap, 1);
	p->end = PROGRAM_LATE;
}

static void read_more(struct program *p, struct running *r)
{
	ssize_t n = read(r->fd, p->text + r->len, r->cap - r->len - 1);
	if (n < 0 && errno == EINTR)
		return;
	if (n > 0 && r->len + (size_t)n <= p->most) {
		r->len += (size_t)n;
		p->text[r->len] = 0;
		if (r->cap - r->len < 2048)
			p->text = xrealloc_array(p->text, r->cap *= 2, 1);
		return;
	}
	p->end = n == 0 ? PROGRAM_ENDED : PROGRAM_TOO_LONG;
	close(r->fd);
	r->fd = -1;
}

/* Late: one that sleeps waits for somebody else, one that computes or reads a disk is slow itself. */
static bool is_at_work(pid_t pid)
{
	char path[40], text[512];
	snprintf(path, sizeof path, "%d/stat", (int)pid);
	const char *name = system_file("", path, text, sizeof text) ? strrchr(text, ')') : NULL;
	return name != NULL && name[1] == ' ' && (name[2] == 'R' || name[2] == 'D');
}

static bool any_at_work(const struct running *r, unsigned n)
{
	for (unsigned i = 0; i < n; i++)
		if (r[i].fd >= 0 && is_at_work(r[i].pid))
			return true;
	return false;
}

/* One that has closed its output may live on: it has the rest of the time. */
static void finish(struct program *p, struct running *r, int64_t until)
{
	int code = 0;
	pid_t gone = 0;
	if (r->fd >= 0)
		close(r->fd);
	while (r->pid > 0 && p->end == PROGRAM_ENDED && (gone = waitpid(r->pid, &code, WNOHANG)) == 0) {
		if (system_ms() >= until)
			p->end = PROGRAM_LATE;
		else
			poll(NULL, 0, LINGER_MS);
	}
	if (r->pid > 0 && gone != r->pid) {
		if (p->end == PROGRAM_LATE && is_at_work(r->pid))
			p->end = PROGRAM_BUSY;
		kill(r->pid, SIGKILL);
		while (waitpid(r->pid, &code, 0) < 0 && errno == EINTR)
			continue;
	}
	if (p->end == PROGRAM_ENDED && WIFEXITED(code))
		p->status = WEXITSTATUS(code);
	if (p->end == PROGRAM_ENDED && p->status == NOT_RUN)
		p->end = PROGRAM_ABSENT;
	if (p->end != PROGRAM_ENDED) {
		free(p->text);
		p->text = NULL;
	}
}

/* False when nobody says anything more, or the time is over. */
static bool gather(struct program *v, struct running *r, struct pollfd *fds, unsigned n, int64_t until)
{
	int64_t left = until - system_ms();
	unsigned open = 0;
	for (unsigned i = 0; i < n; i++) {
		fds[i] = (struct pollfd){ .fd = r[i].fd, .events = POLLIN };
		open += r[i].fd >= 0;
	}
	if (open == 0 || left <= 0)
		return false;
	if (poll(fds, n, (int)left) > 0)
		for (unsigned i = 0; i < n; i++)
			if (r[i].fd >= 0 && fds[i].revents != 0)
				read_more(&v[i], &r[i]);
	return true;
}

void programs_run(struct program *v, unsigned n, int64_t ms)
{
	int64_t until = system_ms() + ms, last = until + (SLOWER - 1) * ms;
	struct running *r = xcalloc(n + 1, sizeof *r);
	struct pollfd *fds = xcalloc(n + 1, sizeof *fds);
	for (unsigned i = 0; i < n; i++)
		start(&v[i], &r[i]);
	do {
		while (gather(v, r, fds, n, until))
			continue;
	} while (any_at_work(r, n) && until < last && (until += ms / 4) > 0);
	for (unsigned i = 0; i < n; i++)
		finish(&v[i], &r[i], until);
	free(fds);
	free(r);
}

char *program_output(const char *const *argv, size_t most, int seconds, int *status)
{
	struct program p = { .argv = argv, .most = most };
	programs_run(&p, 1, (int64_t)seconds * 1000);
	*status = p.status;
	return p.text;
}
