/*
 * privilege.h - what each process may do. The keeper stays uid 0 with six capabilities; engine and resolver become an ordinary user.
 */
#ifndef DAEMON_PRIVILEGE_H
#define DAEMON_PRIVILEGE_H

#include <stdbool.h>
#include <stddef.h>
#include <sys/types.h>

/* Gives up everything but CAP_NET_ADMIN, NET_BIND_SERVICE, SETUID, SETGID, SYS_CHROOT, CHOWN, for good (bounding set, no_new_privs);
 * no core dumps, no ptrace. False: one of them is missing, *why names it. */
bool privilege_keeper(const char **why);
struct ordinary_user {
	uid_t uid;
	gid_t gid;
	const gid_t *groups; /* others that it belongs to */
	unsigned n_groups;
	const char *root; /* where it lives from now on; NULL: where we are */
	unsigned max_fds;
};
/* An ordinary user for good, without a capability; no file grows beyond what a store may be (EFBIG, no signal). Ends with the parent. */
bool privilege_user(const struct ordinary_user *user, const char **why);
/* SIGKILL to a child that runs as uid: the keeper has no CAP_KILL, with which it could end any process, so it becomes that user for the call. */
void privilege_kill(pid_t pid, uid_t uid);

#endif
