/* privilege.c - see privilege.h. */
#include "base/store.h"
#include "base/util.h"
#include "ipc/privilege.h"

#include <errno.h>
#include <grp.h>
#include <linux/capability.h>
#include <signal.h>
#include <stdint.h>
#include <sys/prctl.h>
#include <sys/resource.h>
#include <sys/syscall.h>
#include <unistd.h>

static const struct {
	int cap;
	const char *missing;
} kept[] = {
	{ CAP_NET_ADMIN, "CAP_NET_ADMIN is missing" },
	{ CAP_NET_BIND_SERVICE, "CAP_NET_BIND_SERVICE is missing" },
	{ CAP_SETUID, "CAP_SETUID is missing" },
	{ CAP_SETGID, "CAP_SETGID is missing" },
	{ CAP_SYS_CHROOT, "CAP_SYS_CHROOT is missing" },
	{ CAP_CHOWN, "CAP_CHOWN is missing" },
};
#define KEPT (ARRAY_SIZE(kept))

static bool is_kept(int cap)
{
	for (size_t i = 0; i < KEPT; i++) {
		if (kept[i].cap == cap)
			return true;
	}
	return false;
}

static int caps_call(long number, struct __user_cap_data_struct data[2])
{
	struct __user_cap_header_struct head = { .version = _LINUX_CAPABILITY_VERSION_3 };
	return (int)syscall(number, &head, data);
}

static void stay_private(void)
{
	struct rlimit none = { 0, 0 };
	setrlimit(RLIMIT_CORE, &none);
	prctl(PR_SET_DUMPABLE, 0, 0, 0, 0);
}

bool privilege_keeper(const char **why)
{
	struct __user_cap_data_struct caps[2] = { { 0 } };
	struct rlimit unlimited = { RLIM_INFINITY, RLIM_INFINITY };
	/* Before CAP_SYS_RESOURCE goes; what this cannot raise shows when memory is locked. */
	setrlimit(RLIMIT_MEMLOCK, &unlimited);
	if (caps_call(SYS_capget, caps) != 0) {
		*why = "capabilities cannot be read";
		return false;
	}
	uint32_t want[2] = { 0, 0 };
	for (size_t i = 0; i < KEPT; i++) {
		unsigned word = (unsigned)kept[i].cap / 32;
		uint32_t bit = 1u << (kept[i].cap % 32);
		if ((caps[word].permitted & bit) == 0) {
			*why = kept[i].missing;
			return false;
		}
		want[word] |= bit;
	}
	/* Without CAP_SETPCAP the bounding set stays as the service manager made it; no_new_privs closes the same door. */
	for (int cap = 0; prctl(PR_CAPBSET_READ, cap, 0, 0, 0) >= 0; cap++) {
		if (!is_kept(cap))
			prctl(PR_CAPBSET_DROP, cap, 0, 0, 0);
	}
	prctl(PR_CAP_AMBIENT, PR_CAP_AMBIENT_CLEAR_ALL, 0, 0, 0);
	for (int i = 0; i < 2; i++)
		caps[i] = (struct __user_cap_data_struct){ .effective = want[i], .permitted = want[i], .inheritable = 0 };
	if (caps_call(SYS_capset, caps) != 0 || prctl(PR_SET_NO_NEW_PRIVS, 1, 0, 0, 0) != 0) {
		*why = "capabilities cannot be given up";
		return false;
	}
	stay_private();
	return true;
}

static bool became(uid_t uid, gid_t gid)
{
	uid_t r, e, s;
	gid_t gr, ge, gs;
	if (getresuid(&r, &e, &s) != 0 || getresgid(&gr, &ge, &gs) != 0)
		return false;
	struct __user_cap_data_struct caps[2] = { { 0 } };
	if (caps_call(SYS_capget, caps) != 0 || (caps[0].permitted | caps[1].permitted) != 0)
		return false;
	return r == uid && e == uid && s == uid && gr == gid && ge == gid && gs == gid && setuid(0) != 0;
}

/* The memory of the engine's store is the machine's, and a file's size is not the process's: it could take all of it, and die. */
static bool limit_files(void)
{
	struct rlimit l;
	if (getrlimit(RLIMIT_FSIZE, &l) != 0 || signal(SIGXFSZ, SIG_IGN) == SIG_ERR)
		return false;
	if (l.rlim_max > STORE_MAX) /* RLIM_INFINITY, too */
		l.rlim_max = STORE_MAX;
	l.rlim_cur = l.rlim_max;
	return setrlimit(RLIMIT_FSIZE, &l) == 0;
}

bool privilege_user(const struct ordinary_user *user, const char **why)
{
	struct rlimit fds = { user->max_fds, user->max_fds };
	const char *root = user->root;
	uid_t uid = user->uid;
	gid_t gid = user->gid;
	*why = "cannot enter the empty root directory";
	if (root != NULL && (chroot(root) != 0 || chdir("/") != 0))
		return false;
	*why = "cannot become an ordinary user";
	if (uid == 0 || setgroups(user->n_groups, user->groups) != 0 || setresgid(gid, gid, gid) != 0 ||
		setresuid(uid, uid, uid) != 0 || !became(uid, gid))
		return false;
	stay_private(); /* the change of uid made it as dumpable as fs.suid_dumpable says */
	*why = "cannot limit itself";
	if (prctl(PR_SET_NO_NEW_PRIVS, 1, 0, 0, 0) != 0 || setrlimit(RLIMIT_NOFILE, &fds) != 0 || !limit_files())
		return false;
	/* Asked for last: a change of uid clears it. Should the parent be gone already, its socket says so. */
	prctl(PR_SET_PDEATHSIG, SIGKILL, 0, 0, 0);
	return true;
}

void privilege_kill(pid_t pid, uid_t uid)
{
	if (pid <= 1)
		return;
	if (kill(pid, SIGKILL) == 0 || errno != EPERM)
		return;
	/* Each change of uid makes the process dumpable as far as fs.suid_dumpable says. Real and saved uid stay 0: meanwhile nobody else may signal it. */
	int changed = seteuid(uid);
	stay_private();
	if (changed != 0)
		return;
	kill(pid, SIGKILL);
	/* Back to uid 0: the effective capabilities return with it. */
	if (seteuid(0) != 0)
		_exit(1);
	stay_private();
}
