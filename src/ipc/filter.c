/*
 * filter.c - see filter.h. Of libseccomp there are only the names and numbers of the calls: the program for the kernel is made here, as to load a library
 * and to have it sort the calls took a tenth of what the whole start of the engine does.
 *
 *	architecture ──> other: end        number ──> tree ──> leaf: this call? ──> granted, ended, or its rules ──> granted
 *	                                                       │ no                                          │ none holds
 *	                                                       └──> refused <────────────────────────────────┘
 *
 * A tree, for the kernel goes through it once for each call there is, to know those that are always granted.
 */
#include "ipc/filter.h"

#include "base/util.h"

#if !defined(HAVE_LIBSECCOMP) || !defined(FILTER_ARCH)
bool filter_enter(const struct filter *f, const char **why)
{
	(void)f;
	*why = "built without libseccomp, or for a machine whose calls it does not know";
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
#include <linux/audit.h>
#include <linux/filter.h>
#include <linux/seccomp.h>
#include <seccomp.h>
#include <stddef.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/prctl.h>
#include <unistd.h>

#define CALLS_MAX 160
#define STEPS_MAX 1024

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

/* clone3 hides its flags in memory: the C library falls back to clone, which can be judged. */
#define REFUSED (SECCOMP_RET_ERRNO | EPERM)
#define UNKNOWN (SECCOMP_RET_ERRNO | ENOSYS)
#define BY_RULES 1u /* no verdict of the kernel's */

struct call {
	uint32_t number, verdict;
};

struct maker {
	const struct filter *f;
	struct filter_rule own;
	struct call calls[CALLS_MAX]; /* by number */
	unsigned n_calls;
	struct sock_filter steps[STEPS_MAX];
	unsigned n;
	bool full;
};

/* Calls that this machine does not have are left out: they have negative numbers. What was said first holds. */
static void add(struct maker *m, int number, uint32_t verdict)
{
	unsigned at = m->n_calls;
	while (at > 0 && number >= 0 && m->calls[at - 1].number >= (uint32_t)number)
		at--;
	if (number < 0 || (at < m->n_calls && m->calls[at].number == (uint32_t)number))
		return;
	m->full = m->full || m->n_calls == CALLS_MAX;
	if (m->full)
		return;
	memmove(&m->calls[at + 1], &m->calls[at], (m->n_calls++ - at) * sizeof m->calls[0]);
	m->calls[at] = (struct call){ (uint32_t)number, verdict };
}

static void add_all(struct maker *m, const int *calls, size_t n, uint32_t verdict)
{
	for (size_t i = 0; i < n; i++)
		add(m, calls[i], verdict);
}

static void add_rules(struct maker *m, const struct filter_rule *rules, size_t n)
{
	for (size_t i = 0; i < n; i++)
		add(m, rules[i].call, BY_RULES);
}

/* Where it stands: what it jumps over is known later. */
static unsigned put(struct maker *m, uint16_t code, uint32_t value, uint8_t yes, uint8_t no)
{
	m->full = m->full || m->n == STEPS_MAX;
	if (m->full)
		return 0;
	m->steps[m->n] = (struct sock_filter){ code, yes, no, value };
	return m->n++;
}

static void put_rule(struct maker *m, const struct filter_rule *r)
{
	const size_t lower = __BYTE_ORDER__ == __ORDER_LITTLE_ENDIAN__ ? 0 : sizeof(uint32_t);
	unsigned fails[ARRAY_SIZE(r->arg)];
	for (unsigned i = 0; i < r->n; i++) {
		put(m, BPF_LD | BPF_W | BPF_ABS,
			(uint32_t)(offsetof(struct seccomp_data, args) + r->arg[i].at * sizeof(uint64_t) + lower), 0, 0);
		put(m, BPF_ALU | BPF_AND | BPF_K, r->arg[i].mask, 0, 0);
		fails[i] = put(m, BPF_JMP | BPF_JEQ | BPF_K, r->arg[i].value, 0, 0);
	}
	put(m, BPF_RET | BPF_K, SECCOMP_RET_ALLOW, 0, 0);
	for (unsigned i = 0; i < r->n; i++)
		m->steps[fails[i]].jf = (uint8_t)(m->n - fails[i] - 1);
}

static void put_rules(struct maker *m, const struct filter_rule *rules, size_t n, uint32_t number)
{
	for (size_t i = 0; i < n; i++)
		if (rules[i].call >= 0 && (uint32_t)rules[i].call == number)
			put_rule(m, &rules[i]);
}

static void put_leaf(struct maker *m, const struct call *c)
{
	put(m, BPF_JMP | BPF_JEQ | BPF_K, c->number, 1, 0);
	put(m, BPF_RET | BPF_K, REFUSED, 0, 0);
	if (c->verdict != BY_RULES) {
		put(m, BPF_RET | BPF_K, c->verdict, 0, 0);
		return;
	}
	put_rules(m, m->f->rules, m->f->n_rules, c->number);
	put_rules(m, memory, ARRAY_SIZE(memory), c->number);
	put_rules(m, &m->own, 1, c->number);
	put(m, BPF_RET | BPF_K, REFUSED, 0, 0);
}

/* A conditional jump reaches 255 steps only. */
static void put_tree(struct maker *m, const struct call *calls, unsigned n)
{
	if (n <= 1) {
		put_leaf(m, calls);
		return;
	}
	put(m, BPF_JMP | BPF_JGE | BPF_K, calls[n / 2].number, 0, 1);
	unsigned away = put(m, BPF_JMP | BPF_JA, 0, 0, 0);
	put_tree(m, calls, n / 2);
	m->steps[away].k = m->n - away - 1;
	put_tree(m, calls + n / 2, n - n / 2);
}

static bool make(struct maker *m, const struct filter *f)
{
	m->f = f;
	/* abort() is for this process. */
	m->own = (struct filter_rule){ CALL(tgkill), 1, { { 0, FILTER_INT, (uint32_t)getpid() } } };
	add_all(m, deadly, ARRAY_SIZE(deadly), SECCOMP_RET_KILL_PROCESS);
	add_all(m, f->granted, f->n_granted, SECCOMP_RET_ALLOW);
	add_rules(m, f->rules, f->n_rules);
	add_rules(m, memory, ARRAY_SIZE(memory));
	add_rules(m, &m->own, 1);
	add(m, CALL(clone3), UNKNOWN);
	put(m, BPF_LD | BPF_W | BPF_ABS, offsetof(struct seccomp_data, arch), 0, 0);
	put(m, BPF_JMP | BPF_JEQ | BPF_K, FILTER_ARCH, 1, 0);
	put(m, BPF_RET | BPF_K, SECCOMP_RET_KILL_PROCESS, 0, 0);
	put(m, BPF_LD | BPF_W | BPF_ABS, offsetof(struct seccomp_data, nr), 0, 0);
	put_tree(m, m->calls, m->n_calls);
	return !m->full;
}

bool filter_enter(const struct filter *f, const char **why)
{
	struct maker m = { .n = 0 };
	*why = "the system call filter cannot be made";
	if (!make(&m, f))
		return false;
	const struct sock_fprog program = { (unsigned short)m.n, m.steps };
	*why = "the kernel refuses the system call filter";
	return prctl(PR_SET_NO_NEW_PRIVS, 1, 0, 0, 0) == 0 && prctl(PR_SET_SECCOMP, SECCOMP_MODE_FILTER, &program) == 0;
}
#endif
