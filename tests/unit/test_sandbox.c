/*
 * test_sandbox.c - what the engine can still do behind its filter, and what not. Each try is a child of its own: the filter is for good.
 */
#include <errno.h>
#include <fcntl.h>
#include <pthread.h>
#include <signal.h>
#include <stdio.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/ptrace.h>
#include <sys/socket.h>
#include <sys/wait.h>
#include <unistd.h>

#include "config.h"
#include "engine/sandbox.h"
#include "unit.h"

#if defined(__SANITIZE_ADDRESS__) || !defined(HAVE_LIBSECCOMP)
#define FILTERED 0
#else
#define FILTERED 1
#endif

/* What a child makes of the deed behind the filter: its wait status. */
static int behind(int (*deed)(void))
{
	int status;
	pid_t pid = fork();
	ck_assert_int_ge(pid, 0);
	if (pid == 0) {
		const char *why;
		_exit(sandbox_enter(&why) ? deed() : 99);
	}
	ck_assert_int_eq(waitpid(pid, &status, 0), pid);
	return status;
}

static int refused(int got) { return got < 0 && errno == EPERM ? 0 : 1; }
static int open_file(void) { return refused(open("/etc/passwd", O_RDONLY)); }
static int open_socket(void) { return refused(socket(AF_INET, SOCK_DGRAM, 0)); }
static int signal_parent(void) { return refused(kill(getppid(), SIGKILL)); }
static int make_code(void)
{
	void *p = mmap(NULL, 4096, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
	if (p == MAP_FAILED || mprotect(p, 4096, PROT_READ | PROT_EXEC) == 0)
		return 1;
	return mmap(NULL, 4096, PROT_READ | PROT_EXEC, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0) == MAP_FAILED ? 0 : 1;
}
static int run_program(void) { return execl("/bin/true", "true", (char *)NULL); }
static int trace(void) { return (int)ptrace(PTRACE_TRACEME, 0, NULL, NULL); }
static int become_many(void) { return fork() < 0 ? 0 : 1; }
static void *work(void *arg)
{
	*(int *)arg = 42;
	return arg;
}
static int start_thread(void)
{
	pthread_t t;
	int done = 0;
	return pthread_create(&t, NULL, work, &done) == 0 && pthread_join(t, NULL) == 0 && done == 42 ? 0 : 1;
}
static int show_status(void)
{
	char text[64];
	int got = 1, ends[2];
	if (pipe2(ends, 0) == 0)
		return 1; /* a pipe is nothing the engine makes any more */
	for (unsigned i = 0; i < 100; i++)
		got = write(STDERR_FILENO, text, 0) == 0 ? 0 : 1;
	return got;
}

static const struct {
	const char *name;
	int (*deed)(void);
	int signal; /* 0: it goes on, and finds what it expects */
} deeds[] = {
	{ "open a file", open_file, 0 },
	{ "open a socket", open_socket, 0 },
	{ "signal another process", signal_parent, 0 },
	{ "make code", make_code, 0 },
	{ "fork", become_many, 0 },
	{ "start a thread", start_thread, 0 },
	{ "write, but make no pipe", show_status, 0 },
	{ "run a program", run_program, SIGSYS },
	{ "trace", trace, SIGSYS },
};

START_TEST(each_deed)
{
	int status = behind(deeds[_i].deed);
	if (!FILTERED) {
		ck_assert(WIFEXITED(status) && WEXITSTATUS(status) == 99); /* and the engine says so in its log */
		return;
	}
	if (deeds[_i].signal != 0)
		ck_assert_msg(WIFSIGNALED(status) && WTERMSIG(status) == deeds[_i].signal, "%s: %x", deeds[_i].name, status);
	else
		ck_assert_msg(WIFEXITED(status) && WEXITSTATUS(status) == 0, "%s: %x", deeds[_i].name, status);
}
END_TEST

int main(void)
{
	Suite *s = suite_create("sandbox");
	TCase *t = tcase_create("deeds");
	tcase_add_loop_test(t, each_deed, 0, sizeof deeds / sizeof deeds[0]);
	suite_add_tcase(s, t);
	SRunner *r = srunner_create(s);
	srunner_run_all(r, CK_ENV);
	int failed = srunner_ntests_failed(r);
	srunner_free(r);
	return failed > 0;
}
