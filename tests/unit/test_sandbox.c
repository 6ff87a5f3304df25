/*
 * test_sandbox.c - what engine and resolver can still do behind their filters, and what not: some deeds are tried, each by a child of its own, for
 * a filter is for good; and the filters as programs of the kernel are asked about every system call there is.
 */
#include <dlfcn.h>
#include <errno.h>
#include <fcntl.h>
#include <netinet/in.h>
#include <pthread.h>
#include <signal.h>
#include <stdio.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/ptrace.h>
#include <sys/socket.h>
#include <sys/wait.h>
#include <unistd.h>

#include "engine/sandbox.h"
#include "ipc/filter.h"
#include "resolver/confine.h"
#include "signer/confine.h"
#include "unit.h"

#if FILTERS
#include <linux/filter.h>
#include <linux/seccomp.h>
#include <sched.h>
#include <seccomp.h>
#include <sys/ioctl.h>
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
static int shut_socket(void)
{
	return refused(shutdown(STDIN_FILENO, SHUT_RDWR)) + refused(fcntl(STDIN_FILENO, F_SETFL, O_NONBLOCK)) +
	       refused(fcntl(STDIN_FILENO, F_SETOWN, 1));
}
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
	{ "shut a socket, or change it", shut_socket, 0 },
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
	if (!FILTERS) {
		ck_assert(WIFEXITED(status) && WEXITSTATUS(status) == 99); /* and the engine says so in its log */
		return;
	}
	if (deeds[_i].signal != 0)
		ck_assert_msg(WIFSIGNALED(status) && WTERMSIG(status) == deeds[_i].signal, "%s: %x", deeds[_i].name, status);
	else
		ck_assert_msg(WIFEXITED(status) && WEXITSTATUS(status) == 0, "%s: %x", deeds[_i].name, status);
}
END_TEST

#if FILTERS
/* ---------------------------------------------------------------- every call */
static struct sock_filter program[4096];
static size_t steps;

/* Stands before the library's own: keeps the program that is loaded. */
int seccomp_load(const scmp_filter_ctx c)
{
	int (*real)(scmp_filter_ctx) = (int (*)(scmp_filter_ctx))dlsym(RTLD_NEXT, "seccomp_load");
	FILE *f = tmpfile();
	if (f != NULL && seccomp_export_bpf(c, fileno(f)) == 0) {
		rewind(f);
		steps = fread(program, sizeof program[0], sizeof program / sizeof program[0], f);
	}
	return real != NULL ? real(c) : -1;
}

/* What the kernel would do: the filter is run as it is loaded (a classic BPF program over struct seccomp_data). */
static uint32_t judged(const struct seccomp_data *d)
{
	uint32_t a = 0, x = 0, mem[16] = { 0 };
	for (size_t at = 0; at < steps; at++) {
		const struct sock_filter *i = &program[at];
		uint32_t v = BPF_SRC(i->code) == BPF_X ? x : i->k;
		switch (BPF_CLASS(i->code)) {
		case BPF_LD:
			ck_assert(BPF_MODE(i->code) == BPF_MEM || i->k + 4 <= sizeof *d);
			if (BPF_MODE(i->code) == BPF_MEM)
				a = mem[i->k & 15];
			else
				memcpy(&a, (const uint8_t *)d + i->k, 4);
			break;
		case BPF_ST: mem[i->k & 15] = a; break;
		case BPF_LDX: x = mem[i->k & 15]; break;
		case BPF_ALU:
			ck_assert_int_eq(BPF_OP(i->code), BPF_AND);
			a &= v;
			break;
		case BPF_MISC:
			if (BPF_MISCOP(i->code) == BPF_TAX)
				x = a;
			else
				a = x;
			break;
		case BPF_JMP: {
			bool yes = false;
			switch (BPF_OP(i->code)) {
			case BPF_JA: at += i->k; continue;
			case BPF_JEQ: yes = a == v; break;
			case BPF_JGT: yes = a > v; break;
			case BPF_JGE: yes = a >= v; break;
			case BPF_JSET: yes = (a & v) != 0; break;
			default: ck_abort_msg("a jump of an unknown kind: %x", i->code);
			}
			at += yes ? i->jt : i->jf;
			break;
		}
		case BPF_RET: return i->k;
		default: ck_abort_msg("an instruction of an unknown kind: %x", i->code);
		}
	}
	ck_abort_msg("the filter has no end");
	return 0;
}

static uint32_t judge(int nr, uint64_t a0, uint64_t a1, uint64_t a2)
{
	struct seccomp_data d = { .nr = nr, .arch = seccomp_arch_native(), .args = { a0, a1, a2 } };
	return judged(&d);
}

/* What each needs, whatever the arguments, and what only an intruder would do. Written down here a second time: who grants one more has to say so twice. */
static const char *const of_engine[] = { "read", "readv", "write", "writev", "recvfrom", "recvmsg", "recvmmsg", "sendto",
	"sendmsg", "sendmmsg", "close", "accept4", "getsockopt", "getsockname", "getpeername", "fstat", "newfstatat", "lseek",
	"poll", "ppoll", "epoll_wait", "epoll_pwait", "epoll_pwait2", "epoll_ctl", "timerfd_settime", "clock_gettime",
	"gettimeofday", "time", "nanosleep", "clock_nanosleep", "restart_syscall", "brk", "munmap", "mremap", "madvise",
	"munlock", "futex", "set_robust_list", "rseq", "sched_yield", "sched_getaffinity", "rt_sigaction", "rt_sigprocmask",
	"rt_sigreturn", "sigaltstack", "membarrier", "getpid", "gettid", "getuid", "geteuid", "getgid", "getegid", "getrandom",
	"exit", "exit_group" };
static const char *const of_resolver[] = { "read", "pread64", "write", "close", "fstat", "newfstatat", "lseek", "poll", "ppoll",
	"connect", "sendto", "sendmsg", "sendmmsg", "recvfrom", "recvmsg", "getsockname", "getpeername", "brk", "munmap",
	"mremap", "madvise", "clock_gettime", "gettimeofday", "time", "restart_syscall", "futex", "rt_sigaction",
	"rt_sigprocmask", "rt_sigreturn", "getpid", "gettid", "getuid", "geteuid", "getgid", "getegid", "uname", "getrandom",
	"exit", "exit_group" };
static const char *const of_signer[] = { "read", "write", "recvmsg", "sendmsg", "sendmmsg", "sendto", "close", "fstat",
	"newfstatat", "lseek", "poll", "ppoll", "brk", "munmap", "mremap", "madvise", "clock_gettime", "gettimeofday", "time",
	"restart_syscall", "futex", "rt_sigaction", "rt_sigprocmask", "rt_sigreturn", "getpid", "gettid", "getuid", "geteuid",
	"getgid", "getegid", "getrandom", "exit", "exit_group" };
static const char *const deadly[] = { "execve", "execveat", "fork", "vfork", "ptrace", "process_vm_readv", "process_vm_writev",
	"bpf", "keyctl", "add_key", "request_key", "mount", "umount2", "pivot_root", "chroot", "setns", "unshare", "init_module",
	"finit_module", "kexec_load", "perf_event_open", "userfaultfd", "io_uring_setup", "personality", "setuid", "setresuid",
	"setgid", "setresgid", "setgroups", "capset" };

static bool named(int nr, const char *const *list, size_t n)
{
	for (size_t i = 0; i < n; i++) {
		if (seccomp_syscall_resolve_name(list[i]) == nr)
			return true;
	}
	return false;
}

#define REFUSED (SECCOMP_RET_ERRNO | EPERM)
#define LIST(list) list, sizeof list / sizeof *list

static const struct {
	const char *name;
	bool (*enter)(const char **why);
	const char *const *granted;
	size_t n;
	bool threads, files;
} filters[] = {
	{ "engine", sandbox_enter, LIST(of_engine), true, false },
	{ "resolver", resolver_filter, LIST(of_resolver), false, true },
	{ "signer", signer_filter, LIST(of_signer), false, false },
};

/* With no bit set, and with all: what depends on an argument says no to both but where zero is harmless, or all bits have the one that counts. */
static bool in_order(int filter, int nr)
{
	bool code = nr == SCMP_SYS(mmap) || nr == SCMP_SYS(mprotect), thread = nr == SCMP_SYS(clone) && filters[filter].threads;
	bool opens = nr == SCMP_SYS(openat) && filters[filter].files,
	     grows = nr == SCMP_SYS(fallocate) && filters[filter].threads;
	uint32_t want = named(nr, filters[filter].granted, filters[filter].n) ? SECCOMP_RET_ALLOW
			: named(nr, LIST(deadly))                             ? SECCOMP_RET_KILL_PROCESS
			: nr == SCMP_SYS(clone3)                              ? (SECCOMP_RET_ERRNO | ENOSYS)
									      : REFUSED;
	uint32_t none = judge(nr, 0, 0, 0), all = judge(nr, ~0ull, ~0ull, ~0ull);
	if (none == (code || opens || grows ? SECCOMP_RET_ALLOW : want) && all == (thread ? SECCOMP_RET_ALLOW : want))
		return true;
	fprintf(stderr, "%s: system call %d: %x, with all bits %x, not %x\n", filters[filter].name, nr, none, all, want);
	return false;
}

START_TEST(no_call_outside_the_table)
{
	const char *why;
	pid_t pid = fork(); /* for good: not in the process that reports */
	if (pid == 0) {
		bool made = filters[_i].enter(&why), ok = true;
		for (int nr = 0; made && nr < 2048; nr++)
			ok &= in_order(_i, nr);
		_exit(!made ? 99 : ok ? 0 : 1);
	}
	int status;
	ck_assert_int_eq(waitpid(pid, &status, 0), pid);
	ck_assert_msg(WIFEXITED(status) && WEXITSTATUS(status) == 0, "status %x", status);
}
END_TEST

/* What depends on arguments, each by the bit or value that decides; and calls in other clothes. */
struct row {
	uint32_t got, want;
};

static int all_as_wanted(const struct row *rows, size_t n)
{
	for (size_t i = 0; i < n; i++) {
		if (rows[i].got != rows[i].want) {
			fprintf(stderr, "row %zu: %x, not %x\n", i, rows[i].got, rows[i].want);
			return 1;
		}
	}
	return 0;
}

/* ioctl: FIONREAD is asked for. */
static int look_at_memory(bool ioctl)
{
	uint64_t self = (uint64_t)getpid();
	struct seccomp_data foreign = { .nr = SCMP_SYS(read), .arch = seccomp_arch_native() ^ 1 };
	const struct row rows[] = {
		{ judge(SCMP_SYS(mmap), 0, 0, PROT_READ | PROT_WRITE), SECCOMP_RET_ALLOW },
		{ judge(SCMP_SYS(mmap), 0, 0, PROT_READ | PROT_EXEC), REFUSED },
		{ judge(SCMP_SYS(mprotect), 0, 0, PROT_READ), SECCOMP_RET_ALLOW },
		{ judge(SCMP_SYS(mprotect), 0, 0, PROT_EXEC), REFUSED },
		{ judge(SCMP_SYS(ioctl), 0, FIONREAD, 0), ioctl ? SECCOMP_RET_ALLOW : REFUSED },
		{ judge(SCMP_SYS(ioctl), 0, TIOCSTI, 0), REFUSED }, { judge(SCMP_SYS(tgkill), self, 0, 0), SECCOMP_RET_ALLOW },
		{ judge(SCMP_SYS(tgkill), self + 1, 0, 0), REFUSED },
		{ judge(SCMP_SYS(fcntl), 0, F_GETFL, 0), SECCOMP_RET_ALLOW }, { judge(SCMP_SYS(fcntl), 0, F_SETFL, 0), REFUSED },
		{ judge(SCMP_SYS(fcntl), 0, F_SETOWN, 0), REFUSED }, { judged(&foreign), SECCOMP_RET_KILL_THREAD },
		{ judge(SCMP_SYS(execve) | 0x40000000, 0, 0, 0) == SECCOMP_RET_ALLOW, false }, /* x32 */
	};
	return all_as_wanted(rows, sizeof rows / sizeof *rows);
}

static int look_at_engine(void)
{
	const struct row rows[] = {
		{ judge(SCMP_SYS(clone), CLONE_THREAD | CLONE_VM, 0, 0), SECCOMP_RET_ALLOW },
		{ judge(SCMP_SYS(clone), CLONE_VM, 0, 0), REFUSED },
		{ judge(SCMP_SYS(fcntl), 0, F_GET_SEALS, 0), SECCOMP_RET_ALLOW },
		{ judge(SCMP_SYS(fcntl), 0, F_DUPFD_CLOEXEC, 0), SECCOMP_RET_ALLOW },
		{ judge(SCMP_SYS(fcntl), 0, F_ADD_SEALS, 0), REFUSED },
		/* the store grows; it is not emptied under who looks at it */
		{ judge(SCMP_SYS(fallocate), 0, 0, 4096), SECCOMP_RET_ALLOW },
		{ judge(SCMP_SYS(fallocate), 0, FALLOC_FL_PUNCH_HOLE | FALLOC_FL_KEEP_SIZE, 0), REFUSED },
		/* what it did to its sockets would outlive it */
		{ judge(SCMP_SYS(shutdown), 0, SHUT_RD, 0), REFUSED },
		{ judge(SCMP_SYS(shutdown), 0, SHUT_RDWR, 0), REFUSED },
	};
	return look_at_memory(true) + all_as_wanted(rows, sizeof rows / sizeof *rows);
}

static int look_at_resolver(void)
{
	const struct row rows[] = {
		{ judge(SCMP_SYS(openat), 0, 0, O_RDONLY | O_CLOEXEC), SECCOMP_RET_ALLOW },
		{ judge(SCMP_SYS(openat), 0, 0, O_WRONLY), REFUSED },
		{ judge(SCMP_SYS(openat), 0, 0, O_RDWR), REFUSED },
		{ judge(SCMP_SYS(openat), 0, 0, O_RDONLY | O_CREAT), REFUSED },
		{ judge(SCMP_SYS(socket), AF_INET, SOCK_DGRAM | SOCK_CLOEXEC | SOCK_NONBLOCK, 0), SECCOMP_RET_ALLOW },
		{ judge(SCMP_SYS(socket), AF_INET6, SOCK_STREAM, 0), SECCOMP_RET_ALLOW },
		{ judge(SCMP_SYS(socket), AF_INET, SOCK_RAW, 0), REFUSED },
		{ judge(SCMP_SYS(socket), AF_UNIX, SOCK_STREAM, 0), REFUSED },
		{ judge(SCMP_SYS(socket), AF_NETLINK, SOCK_DGRAM, 0), REFUSED },
		{ judge(SCMP_SYS(ioctl), 0, SIOCGIFINDEX, 0), SECCOMP_RET_ALLOW },
		{ judge(SCMP_SYS(ioctl), 0, SIOCSIFFLAGS, 0), REFUSED },
		{ judge(SCMP_SYS(setsockopt), 0, IPPROTO_IP, IP_RECVERR), SECCOMP_RET_ALLOW },
		{ judge(SCMP_SYS(setsockopt), 0, SOL_SOCKET, SO_RCVBUF), REFUSED },
		{ judge(SCMP_SYS(clone), CLONE_THREAD | CLONE_VM, 0, 0), REFUSED },
		{ judge(SCMP_SYS(bind), 0, 0, 0), REFUSED },
	};
	return look_at_memory(true) + all_as_wanted(rows, sizeof rows / sizeof *rows);
}

static int look_at_signer(void)
{
	const struct row rows[] = {
		{ judge(SCMP_SYS(openat), 0, 0, O_RDONLY | O_CLOEXEC), REFUSED },
		{ judge(SCMP_SYS(socket), AF_INET, SOCK_DGRAM, 0), REFUSED },
		{ judge(SCMP_SYS(socket), AF_UNIX, SOCK_STREAM, 0), REFUSED },
		{ judge(SCMP_SYS(connect), 0, 0, 0), REFUSED },
		{ judge(SCMP_SYS(clone), CLONE_THREAD | CLONE_VM, 0, 0), REFUSED },
	};
	return look_at_memory(false) + all_as_wanted(rows, sizeof rows / sizeof *rows);
}

START_TEST(arguments_decide)
{
	static int (*const looks[])(void) = { look_at_engine, look_at_resolver, look_at_signer };
	int status;
	pid_t pid = fork();
	if (pid == 0) {
		const char *why;
		_exit(!filters[_i].enter(&why) ? 99 : looks[_i]());
	}
	ck_assert_int_eq(waitpid(pid, &status, 0), pid);
	ck_assert_msg(WIFEXITED(status) && WEXITSTATUS(status) == 0, "status %x", status);
}
END_TEST
#endif

int main(void)
{
	TCase *t = tcase_create("deeds");
	tcase_add_loop_test(t, each_deed, 0, sizeof deeds / sizeof deeds[0]);
#if FILTERS
	tcase_add_loop_test(t, no_call_outside_the_table, 0, 3);
	tcase_add_loop_test(t, arguments_decide, 0, 3);
#endif
	return unit_run_case("sandbox", t);
}
