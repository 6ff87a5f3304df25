/* sandbox.c - see sandbox.h. What is granted; what ends the process, and what merely fails: ipc/filter.h. */
#include "sandbox.h"

#include "base/util.h"
#include "config.h"
#include "ipc/filter.h"

#if defined(HAVE_LIBSECCOMP)
#include <fcntl.h>
#include <sched.h>
#include <seccomp.h>
#include <sys/ioctl.h>

#define CALL(name) SCMP_SYS(name)

static const int granted[] = {
	/* the descriptors that are there */
	CALL(read),
	CALL(readv),
	CALL(write),
	CALL(writev),
	CALL(recvfrom),
	CALL(recvmsg),
	CALL(recvmmsg),
	CALL(sendto),
	CALL(sendmsg),
	CALL(sendmmsg),
	CALL(close),
	CALL(accept4),
	CALL(getsockopt),
	CALL(getsockname),
	CALL(getpeername),
	CALL(fstat),
	CALL(newfstatat),
	CALL(lseek),
	CALL(poll),
	CALL(ppoll),
	/* the loop and its timers */
	CALL(epoll_wait),
	CALL(epoll_pwait),
	CALL(epoll_pwait2),
	CALL(epoll_ctl),
	CALL(timerfd_settime),
	CALL(clock_gettime),
	CALL(gettimeofday),
	CALL(time),
	CALL(nanosleep),
	CALL(clock_nanosleep),
	CALL(restart_syscall),
	/* memory */
	CALL(brk),
	CALL(munmap),
	CALL(mremap),
	CALL(madvise),
	CALL(munlock),
	/* threads and signals */
	CALL(futex),
	CALL(set_robust_list),
	CALL(rseq),
	CALL(sched_yield),
	CALL(sched_getaffinity),
	CALL(rt_sigaction),
	CALL(rt_sigprocmask),
	CALL(rt_sigreturn),
	CALL(sigaltstack),
	CALL(membarrier),
	/* who am I, randomness, the end */
	CALL(getpid),
	CALL(gettid),
	CALL(getuid),
	CALL(geteuid),
	CALL(getgid),
	CALL(getegid),
	CALL(getrandom),
	CALL(exit),
	CALL(exit_group),
};

/* Sockets are the keeper's as well: nothing may be set on them, and no end shut. */
static const struct filter_rule rules[] = {
	{ CALL(fcntl), 1, { { 1, FILTER_INT, F_GETFL } } },
	{ CALL(fcntl), 1, { { 1, FILTER_INT, F_GETFD } } },
	{ CALL(fcntl), 1, { { 1, FILTER_INT, F_DUPFD_CLOEXEC } } },
	{ CALL(fcntl), 1, { { 1, FILTER_INT, F_GET_SEALS } } },
	/* the store grows */
	{ CALL(fallocate), 1, { { 1, FILTER_INT, 0 } } },
	/* libevent asks how much there is to read */
	{ CALL(ioctl), 1, { { 1, FILTER_INT, FIONREAD } } },
	/* a thread of this process, no process of its own */
	{ CALL(clone), 1, { { 0, CLONE_THREAD, CLONE_THREAD } } },
};
static const struct filter filter = { granted, ARRAY_SIZE(granted), rules, ARRAY_SIZE(rules) };
#else
static const struct filter filter; /* filter_enter says that there is none */
#endif

bool sandbox_enter(const char **why) { return filter_enter(&filter, why); }
