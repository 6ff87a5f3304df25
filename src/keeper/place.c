/*
 * place.c - what a start needs besides settings and accounts: the run directory, the control socket.
 */
#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/file.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/un.h>
#include <unistd.h>

#include "base/log.h"
#include "base/util.h"
#include "ipc/resolver.h"
#include "keeper.h"

#define CONTROL "control.sock"
#define LOCK "lock"
#define ON_EXIT "on-exit"
#define CONTROL_FRESH "control.new" /* takes the other one's place in one step */

static bool make_dir(const char *path, mode_t mode)
{
	struct stat st;
	if (mkdir(path, mode) == 0 && chmod(path, mode) == 0)
		return true;
	if (errno == EEXIST && lstat(path, &st) == 0 && S_ISDIR(st.st_mode) && st.st_uid == 0 && (st.st_mode & 022) == 0)
		return true;
	log_line(LOG_LEVEL_ERROR, "%s: unusable as run directory: %s", path,
		errno == EEXIST ? "not root's, or others may write" : strerror(errno));
	return false;
}

/* What helpers have as their root directory: nothing, and what tells how names are resolved. */
static const struct {
	const char *name;
	mode_t mode;
} dirs[] = { { "empty", 0555 }, { RESOLVER_ROOT, 0755 }, { RESOLVER_ROOT "/etc", 0755 } };

/* The lock is on the directory, which nobody can replace while it is ours; the file tells people who has it. */
static bool lock_run_dir(struct keeper *k)
{
	char holder[16] = "";
	int err = flock(k->run_dir, LOCK_EX | LOCK_NB) != 0 ? errno : 0;
	bool ours = err == 0;
	if (!ours && err != EWOULDBLOCK) {
		log_line(LOG_LEVEL_ERROR, "%s: %s", k->opt.rundir, strerror(err));
		return false;
	}
	int fd = openat(k->run_dir, LOCK, O_RDWR | O_NOFOLLOW | O_NONBLOCK | O_CLOEXEC | (ours ? O_CREAT | O_TRUNC : 0), 0644);
	if (ours && (fd < 0 || dprintf(fd, "%d\n", (int)getpid()) < 0))
		log_line(LOG_LEVEL_WARNING, "%s/" LOCK ": %s", k->opt.rundir, strerror(errno));
	if (!ours && (fd < 0 || read(fd, holder, sizeof holder - 1) <= 0 || strtol(holder, NULL, 10) <= 0))
		log_line(LOG_LEVEL_ERROR, "%s: another s2sd runs here", k->opt.rundir);
	else if (!ours)
		log_line(LOG_LEVEL_ERROR, "%s: another s2sd runs here, process %ld", k->opt.rundir, strtol(holder, NULL, 10));
	if (fd >= 0)
		close(fd);
	return ours;
}

/* Stays as long as what it tells to keep: for who removes without settings what a failure left. */
void keeper_note_exit(const struct keeper *k)
{
	if (k->conf->global.on_exit == ON_EXIT_REMOVE) {
		keeper_forget_exit(k);
		return;
	}
	int fd = openat(k->run_dir, ON_EXIT, O_WRONLY | O_CREAT | O_NOFOLLOW | O_NONBLOCK | O_CLOEXEC, 0644);
	if (fd < 0)
		log_line(LOG_LEVEL_WARNING, "%s/" ON_EXIT ": %s: s2sd --remove takes the unreachable routes away, too",
			k->opt.rundir, strerror(errno));
	else
		close(fd);
}

bool keeper_exit_guards(const struct keeper *k) { return faccessat(k->run_dir, ON_EXIT, F_OK, AT_SYMLINK_NOFOLLOW) == 0; }

void keeper_forget_exit(const struct keeper *k) { unlinkat(k->run_dir, ON_EXIT, 0); }

bool keeper_open_run_dir(struct keeper *k)
{
	char path[sizeof((struct msg_setup *)0)->root];
	bool ok = make_dir(k->opt.rundir, 0755);
	for (unsigned i = 0; i < ARRAY_SIZE(dirs) && ok; i++) {
		if ((size_t)snprintf(path, sizeof path, "%s/%s", k->opt.rundir, dirs[i].name) >= sizeof path) {
			log_line(LOG_LEVEL_ERROR, "%s: the path is too long", k->opt.rundir);
			return false;
		}
		ok = make_dir(path, dirs[i].mode);
	}
	if (!ok)
		return false;
	k->run_dir = open(k->opt.rundir, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
	return k->run_dir >= 0 && lock_run_dir(k);
}

void keeper_remove_places(struct keeper *k)
{
	char name[64];
	if (k->run_dir < 0)
		return;
	unlinkat(k->run_dir, LOCK, 0);
	for (unsigned i = 0; i < ARRAY_SIZE(resolver_files); i++) {
		snprintf(name, sizeof name, RESOLVER_ROOT "/etc/%s", resolver_files[i]);
		unlinkat(k->run_dir, name, 0);
	}
	unlinkat(k->run_dir, RESOLVER_ROOT "/etc/" RESOLVER_NSSWITCH, 0);
	for (unsigned i = ARRAY_SIZE(dirs); i-- > 0;)
		unlinkat(k->run_dir, dirs[i].name, AT_REMOVEDIR);
}

/* Its mode comes with it and its group before it listens: nothing is done to whatever may lie under that name by then. */
static int listen_at(struct keeper *k, const char *name)
{
	struct sockaddr_un at = { .sun_family = AF_UNIX };
	if ((size_t)snprintf(at.sun_path, sizeof at.sun_path, "%s/%s", k->opt.rundir, name) >= sizeof at.sun_path) {
		log_line(LOG_LEVEL_ERROR, "%s: the path is too long", k->opt.rundir);
		return -1;
	}
	unlinkat(k->run_dir, name, 0); /* of an earlier life: the lock on the directory says that nobody uses it */
	int fd = socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC | SOCK_NONBLOCK, 0);
	mode_t old = umask(0117);
	bool ok = fd >= 0 && bind(fd, (struct sockaddr *)&at, sizeof at) == 0;
	umask(old);
	ok = ok && fchownat(k->run_dir, name, 0, k->accounts.control, AT_SYMLINK_NOFOLLOW) == 0 && listen(fd, 64) == 0;
	if (ok)
		return fd;
	log_line(LOG_LEVEL_ERROR, "%s: %s", at.sun_path, strerror(errno));
	if (fd >= 0)
		close(fd);
	return -1;
}

bool keeper_open_control(struct keeper *k)
{
	k->control = listen_at(k, CONTROL);
	return k->control >= 0;
}

void keeper_renew_control(struct keeper *k)
{
	int fd = listen_at(k, CONTROL_FRESH);
	if (fd < 0)
		return; /* said; the old one may do */
	if (renameat(k->run_dir, CONTROL_FRESH, k->run_dir, CONTROL) != 0) {
		log_line(LOG_LEVEL_ERROR, "%s/" CONTROL ": %s", k->opt.rundir, strerror(errno));
		close(fd);
		return;
	}
	close(k->control);
	k->control = fd;
}

void keeper_remove_control(struct keeper *k)
{
	unlinkat(k->run_dir, CONTROL_FRESH, 0);
	unlinkat(k->run_dir, CONTROL, 0);
}
