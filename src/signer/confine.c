/* confine.c - see confine.h. */
#include "confine.h"

#include "base/util.h"
#include "config.h"
#include "ipc/filter.h"
#include "ipc/privilege.h"

#define DESCRIPTORS 16
#define DESCRIPTORS_TOKENS 256

bool signer_confine(const struct signer_setup *s, const char **why)
{
	const struct ordinary_user of_files = { .uid = s->uid, .gid = s->gid, .root = s->root, .max_fds = DESCRIPTORS };
	const struct ordinary_user of_tokens = {
		.uid = s->uid, .gid = s->gid, .groups = s->groups, .n_groups = s->n_groups, .max_fds = DESCRIPTORS_TOKENS
	};
	return privilege_user(s->tokens ? &of_tokens : &of_files, why);
}

#if defined(HAVE_LIBSECCOMP)
#include <fcntl.h>
#include <seccomp.h>

#define CALL(name) SCMP_SYS(name)

static const int granted[] = {
	/* the one socket, and stderr */
	CALL(read),
	CALL(write),
	CALL(recvmsg),
	CALL(sendmsg),
	CALL(sendmmsg),
	CALL(sendto),
	CALL(close),
	CALL(fstat),
	CALL(newfstatat),
	CALL(lseek),
	CALL(poll),
	CALL(ppoll),
	/* memory */
	CALL(brk),
	CALL(munmap),
	CALL(mremap),
	CALL(madvise),
	/* time, signals, who am I, randomness, the end */
	CALL(clock_gettime),
	CALL(gettimeofday),
	CALL(time),
	CALL(restart_syscall),
	CALL(futex),
	CALL(rt_sigaction),
	CALL(rt_sigprocmask),
	CALL(rt_sigreturn),
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
static const struct filter_rule rules[] = {
	{ CALL(fcntl), 1, { { 1, FILTER_INT, F_GETFL } } },
};
static const struct filter filter = { granted, ARRAY_SIZE(granted), rules, ARRAY_SIZE(rules) };
#else
static const struct filter filter; /* filter_enter says that there is none */
#endif

bool signer_filter(const char **why) { return filter_enter(&filter, why); }
