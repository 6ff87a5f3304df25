/*
 * remove.c - s2sd --remove: what a daemon that could not clean up has left. Needs no settings: in the kernel all that is ours is marked, what lies in the run
 * directory has our names, and one of them tells whether the unreachable routes stay.
 */
#include <errno.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>

#include "base/log.h"
#include "ipc/privilege.h"
#include "keeper.h"
#include "settings_link.h"

static void ignore_news(void *arg, const struct kernel_event *e) { (void)arg, (void)e; }

static bool remove_from_kernel(const struct keeper *k, bool guarded)
{
	struct kernel *kernel = NULL;
	int err = k->ops->open(&kernel, ignore_news, NULL);
	if (err != 0)
		log_line(LOG_LEVEL_ERROR, "the kernel cannot be asked: %s (%s)", k->ops->why(kernel), strerror(-err));
	else if ((err = k->ops->remove(kernel, guarded)) != 0)
		log_line(LOG_LEVEL_ERROR, "kernel state is left behind: %s (%s)", k->ops->why(kernel), strerror(-err));
	k->ops->close(kernel);
	return err == 0;
}

static void remove_from_run_dir(struct keeper *k)
{
	keeper_stores_close(k, true);
	keeper_remove_control(k);
	settings_unlink(k->run_dir);
	keeper_remove_places(k);
}

int keeper_remove(const struct options *o)
{
	const char *why;
	struct keeper k = { .opt = *o,
		.ops = o->null_kernel ? &kernel_null : &kernel_real,
		.run_dir = -1,
		.control = -1,
		.stores = { .engine = -1, .own = -1 } };
	log_open_stderr(o->verbose > 0 ? LOG_LEVEL_DEBUG : LOG_LEVEL_INFO);
	if (geteuid() != 0 || !privilege_keeper(&why)) {
		log_line(LOG_LEVEL_ERROR, "s2sd --remove needs root");
		return 1;
	}
	/* No run directory: no daemon. One that is there is locked while all this is removed. */
	bool there = access(o->rundir, F_OK) == 0;
	if (there && !keeper_open_run_dir(&k))
		return 1;
	bool guarded = there && !o->all && keeper_exit_guards(&k);
	if (!remove_from_kernel(&k, guarded))
		return 1;
	if (guarded)
		log_line(LOG_LEVEL_NOTICE, "the unreachable routes stay, as on-exit says: s2sd --remove --all removes them");
	if (there) {
		remove_from_run_dir(&k);
		if (!guarded)
			keeper_forget_exit(&k);
		if (rmdir(o->rundir) != 0 && errno != EBUSY && errno != ENOTEMPTY)
			log_line(LOG_LEVEL_WARNING, "%s: %s", o->rundir, strerror(errno));
	}
	return 0;
}
