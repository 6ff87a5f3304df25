/*
 * sandbox.c - see sandbox.h. Three sorts of calls: those that the engine makes; those that only somebody who took it over would make, which end
 * it; all others, also those a newer C library may try first, just fail.
 */
#include "sandbox.h"

#include "config.h"
#include "base/util.h"

#if defined(__SANITIZE_ADDRESS__)
#define INSTRUMENTED 1
#elif defined(__has_feature)
#if __has_feature(address_sanitizer)
#define INSTRUMENTED 1
#endif
#endif

#if !defined(HAVE_LIBSECCOMP)
bool sandbox_enter(const char **why)
{
	*why = "built without libseccomp";
	return false;
}
#elif defined(INSTRUMENTED)
bool sandbox_enter(const char **why)
{
	*why = "the sanitizer of this build makes system calls of its own";
	return false;
}
#else

#include <errno.h>
#include <sched.h>
#include <seccomp.h>
#include <stddef.h>
#include <sys/ioctl.h>
#include <sys/mman.h>
#include <unistd.h>

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
	CALL(fcntl),
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
	/* memory; executable memory is refused below */
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

static const int deadly[] = {
	CALL(execve),
	CALL(execveat),
	CALL(fork),
	CALL(vfork),
	CALL(ptrace),
	CALL(process_vm_readv),
	CALL(process_vm_writev),
	CALL(bpf),
	CALL(keyctl),
	CALL(add_key),
	CALL(request_key),
	CALL(mount),
	CALL(umount2),
	CALL(pivot_root),
	CALL(chroot),
	CALL(setns),
	CALL(unshare),
	CALL(init_module),
	CALL(finit_module),
	CALL(kexec_load),
	CALL(perf_event_open),
	CALL(userfaultfd),
	CALL(io_uring_setup),
	CALL(personality),
	CALL(setuid),
	CALL(setresuid),
	CALL(setgid),
	CALL(setresgid),
	CALL(setgroups),
	CALL(capset),
};

/* How large the address space's pieces are is not ours to judge; that none becomes code is. */
static int grant_memory(scmp_filter_ctx c)
{
	int err = seccomp_rule_add(c, SCMP_ACT_ALLOW, CALL(mmap), 1, SCMP_A2(SCMP_CMP_MASKED_EQ, PROT_EXEC, 0));
	return err != 0 ? err : seccomp_rule_add(c, SCMP_ACT_ALLOW, CALL(mprotect), 1, SCMP_A2(SCMP_CMP_MASKED_EQ, PROT_EXEC, 0));
}

/* A thread of this process, no process of its own. clone3 hides its flags in memory: the C library falls back to clone. */
static int grant_threads(scmp_filter_ctx c)
{
	int err = seccomp_rule_add(c, SCMP_ACT_ALLOW, CALL(clone), 1, SCMP_A0(SCMP_CMP_MASKED_EQ, CLONE_THREAD, CLONE_THREAD));
	return err != 0 ? err : seccomp_rule_add(c, SCMP_ACT_ERRNO(ENOSYS), CALL(clone3), 0);
}

/* libevent asks how much there is to read; abort() is for this process. */
static int grant_rest(scmp_filter_ctx c)
{
	int err = seccomp_rule_add(c, SCMP_ACT_ALLOW, CALL(ioctl), 1, SCMP_A1(SCMP_CMP_EQ, FIONREAD, 0));
	return err != 0 ? err
			: seccomp_rule_add(c, SCMP_ACT_ALLOW, CALL(tgkill), 1, SCMP_A0(SCMP_CMP_EQ, (scmp_datum_t)getpid(), 0));
}

/* Calls that this machine does not have are left out by the library itself. */
static int add_all(scmp_filter_ctx c, const int *calls, size_t n, uint32_t action)
{
	int err = 0;
	for (size_t i = 0; i < n && err == 0; i++)
		err = calls[i] >= 0 ? seccomp_rule_add(c, action, calls[i], 0) : 0;
	return err;
}

bool sandbox_enter(const char **why)
{
	scmp_filter_ctx c = seccomp_init(SCMP_ACT_ERRNO(EPERM));
	*why = "the system call filter cannot be made";
	if (c == NULL)
		return false;
	int err = add_all(c, granted, ARRAY_SIZE(granted), SCMP_ACT_ALLOW);
	if (err == 0)
		err = add_all(c, deadly, ARRAY_SIZE(deadly), SCMP_ACT_KILL_PROCESS);
	if (err == 0)
		err = grant_memory(c);
	if (err == 0)
		err = grant_threads(c);
	if (err == 0)
		err = grant_rest(c);
	if (err == 0) {
		*why = "the kernel refuses the system call filter";
		err = seccomp_load(c);
	}
	seccomp_release(c);
	return err == 0;
}
#endif
