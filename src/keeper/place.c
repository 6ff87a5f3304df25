/*
 * place.c - what a start needs besides settings and accounts: the run directory, the control socket.
 */
#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <string.h>
#include <sys/file.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/un.h>
#include <unistd.h>

#include "base/log.h"
#include "keeper.h"

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

bool keeper_open_run_dir(struct keeper *k)
{
	char empty[sizeof((struct msg_setup *)0)->root];
	if ((size_t)snprintf(empty, sizeof empty, "%s/empty", k->opt.rundir) >= sizeof empty) {
		log_line(LOG_LEVEL_ERROR, "%s: the path is too long", k->opt.rundir);
		return false;
	}
	if (!make_dir(k->opt.rundir, 0755) || !make_dir(empty, 0555))
		return false;
	k->run_dir = open(k->opt.rundir, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
	if (k->run_dir < 0 || flock(k->run_dir, LOCK_EX | LOCK_NB) != 0) {
		log_line(LOG_LEVEL_ERROR, "%s: %s", k->opt.rundir,
			k->run_dir >= 0 && errno == EWOULDBLOCK ? "another s2sd runs here" : strerror(errno));
		return false;
	}
	return true;
}

bool keeper_open_control(struct keeper *k)
{
	struct sockaddr_un at = { .sun_family = AF_UNIX };
	if ((size_t)snprintf(at.sun_path, sizeof at.sun_path, "%s/control.sock", k->opt.rundir) >= sizeof at.sun_path) {
		log_line(LOG_LEVEL_ERROR, "%s: the path is too long", k->opt.rundir);
		return false;
	}
	unlink(at.sun_path); /* of an earlier life: the lock on the directory says that nobody uses it */
	k->control = socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC | SOCK_NONBLOCK, 0);
	mode_t old = umask(0177);
	bool ok = k->control >= 0 && bind(k->control, (struct sockaddr *)&at, sizeof at) == 0;
	umask(old);
	ok = ok && chown(at.sun_path, 0, k->accounts.control) == 0 && chmod(at.sun_path, 0660) == 0 &&
	     listen(k->control, 64) == 0;
	if (!ok)
		log_line(LOG_LEVEL_ERROR, "%s: %s", at.sun_path, strerror(errno));
	return ok;
}
