/* filter.c - see filter.h. */
#include "ipc/filter.h"

#include "base/util.h"

#if !defined(HAVE_LIBSECCOMP)
bool filter_enter(const struct filter *f, const char **why)
{
	(void)f;
	*why = "built without libseccomp";
	return false;
}
#elif !FILTERS
bool filter_enter(const struct filter *f, const char **why)
{
	(void)f;
	*why = "the sanitizer of this build makes system calls of its own";
	return false;
}
#else

#include <errno.h>
#include <seccomp.h>
#include <sys/mman.h>
#include <unistd.h>

#define CALL(name) SCMP_SYS(name)

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
static const struct filter_rule memory[] = {
	{ CALL(mmap), 1, { { 2, PROT_EXEC, 0 } } },
	{ CALL(mprotect), 1, { { 2, PROT_EXEC, 0 } } },
};

/* Calls that this machine does not have are left out: they have negative numbers. */
static int add_all(scmp_filter_ctx c, const int *calls, size_t n, uint32_t action)
{
	int err = 0;
	for (size_t i = 0; i < n && err == 0; i++)
		err = calls[i] >= 0 ? seccomp_rule_add(c, action, calls[i], 0) : 0;
	return err;
}

static int add_rules(scmp_filter_ctx c, const struct filter_rule *rules, size_t n)
{
	int err = 0;
	for (size_t i = 0; i < n && err == 0; i++) {
		const struct filter_rule *r = &rules[i];
		struct scmp_arg_cmp arg[2];
		for (unsigned a = 0; a < r->n; a++)
			arg[a] = (struct scmp_arg_cmp){ r->arg[a].at, SCMP_CMP_MASKED_EQ, r->arg[a].mask, r->arg[a].value };
		err = r->call >= 0 ? seccomp_rule_add_array(c, SCMP_ACT_ALLOW, r->call, r->n, arg) : 0;
	}
	return err;
}

/* abort() is for this process. clone3 hides its flags in memory: the C library falls back to clone, which can be judged. */
static int add_own(scmp_filter_ctx c)
{
	const struct filter_rule abort_self = { CALL(tgkill), 1, { { 0, FILTER_INT, (uint64_t)getpid() } } };
	int err = add_rules(c, &abort_self, 1);
	return err != 0 ? err : seccomp_rule_add(c, SCMP_ACT_ERRNO(ENOSYS), CALL(clone3), 0);
}

bool filter_enter(const struct filter *f, const char **why)
{
	scmp_filter_ctx c = seccomp_init(SCMP_ACT_ERRNO(EPERM));
	*why = "the system call filter cannot be made";
	if (c == NULL)
		return false;
	int err = add_all(c, f->granted, f->n_granted, SCMP_ACT_ALLOW);
	if (err == 0)
		err = add_all(c, deadly, ARRAY_SIZE(deadly), SCMP_ACT_KILL_PROCESS);
	if (err == 0)
		err = add_rules(c, f->rules, f->n_rules);
	if (err == 0)
		err = add_rules(c, memory, ARRAY_SIZE(memory));
	if (err == 0)
		err = add_own(c);
	if (err == 0) {
		*why = "the kernel refuses the system call filter";
		err = seccomp_load(c);
	}
	seccomp_release(c);
	return err == 0;
}
#endif
