/*
 * stores.c - where our store and the engine's lie: with a service manager that keeps descriptors in anonymous memory that it hands to the next run;
 * otherwise in files in the run directory, if that is memory too, for they hold keys; otherwise in memory that ends with us.
 */
#include <errno.h>
#include <fcntl.h>
#include <linux/magic.h>
#include <stdio.h>
#include <string.h>
#include <sys/stat.h>
#include <sys/vfs.h>
#include <unistd.h>

#include "base/log.h"
#include "base/store.h"
#include "base/util.h"
#include "crypto/crypto.h"
#include "given.h"
#include "keeper.h"
#include "notify.h"

#define OWN "state.keeper"
#define ENGINE "state.engine"

static bool on_memory(int dir)
{
	struct statfs s;
	return fstatfs(dir, &s) == 0 && (s.f_type == TMPFS_MAGIC || s.f_type == RAMFS_MAGIC);
}

/* One that is larger than a store can be would never be given back. */
static bool is_ours(int fd)
{
	struct stat st;
	return fstat(fd, &st) == 0 && S_ISREG(st.st_mode) && st.st_uid == geteuid() && (uint64_t)st.st_size <= STORE_MAX &&
	       (fcntl(fd, F_GETFL) & O_ACCMODE) == O_RDWR;
}

static bool is_private(int fd)
{
	struct stat st;
	return fstat(fd, &st) == 0 && (st.st_mode & 077) == 0 && st.st_nlink == 1;
}

static bool is_newer(int fd, int other)
{
	struct stat a, b;
	if (other < 0 || fstat(fd, &a) != 0 || fstat(other, &b) != 0)
		return other < 0;
	return a.st_ctim.tv_sec != b.st_ctim.tv_sec ? a.st_ctim.tv_sec > b.st_ctim.tv_sec
						    : a.st_ctim.tv_nsec >= b.st_ctim.tv_nsec;
}

/* What the manager kept under this name, in an order of its own. It forgets by name: the one that stays is handed to it again after the others. */
static int find_given(const char *name)
{
	char given[GIVEN_NAME];
	int fd, found = -1;
	bool others = false;
	while (given_take(name, given, &fd)) {
		bool good = strcmp(given, name) == 0 && is_ours(fd) && is_newer(fd, found);
		int other = good ? found : fd;
		if (other >= 0) {
			close(other);
			notify_forget(given);
			others = true;
		}
		if (good)
			found = fd;
	}
	if (found >= 0 && others)
		notify_keep(name, found);
	return found;
}

/* What an earlier run left under this name, or -1. */
static int find(struct keeper *k, const char *name)
{
	int fd = find_given(name);
	if (fd >= 0)
		return fd;
	fd = on_memory(k->run_dir) ? openat(k->run_dir, name, O_RDWR | O_NOFOLLOW | O_NONBLOCK | O_CLOEXEC) : -1;
	if (fd >= 0 && is_ours(fd) && is_private(fd))
		return fd;
	if (fd >= 0)
		close(fd);
	return -1;
}

/* -1: nothing outlives us. That is told, and no reason not to run. */
static int make(struct keeper *k, const char *name)
{
	int fd = -1;
	unlinkat(k->run_dir, name, 0);
	if (!notify_keeps() && on_memory(k->run_dir))
		fd = openat(k->run_dir, name, O_RDWR | O_CREAT | O_EXCL | O_NOFOLLOW | O_CLOEXEC, 0600);
	if (fd < 0)
		fd = store_memory(name);
	if (fd >= 0)
		notify_keep(name, fd);
	else
		log_line(LOG_LEVEL_WARNING, "%s: %s: tunnels reconnect after a crash", name, strerror(errno));
	return fd;
}

static void told_damaged(void *arg, uint32_t key, const char *what)
{
	(void)arg;
	log_line(LOG_LEVEL_WARNING, "record %u of what an earlier run saved is lost: %s", key, what);
}

static void make_all(struct keeper *k, const struct store_bind *b)
{
	char why[STORE_WHY] = "";
	k->stores.engine = make(k, ENGINE);
	k->stores.own = make(k, OWN);
	k->stores.found = false;
	rng_seed(NULL, k->stores.salt, sizeof k->stores.salt);
	if (k->stores.own >= 0)
		k->stores.v = store_create(k->stores.own, b, why);
	if (k->stores.v == NULL && why[0] != 0)
		log_line(LOG_LEVEL_WARNING, OWN ": %s: tunnels reconnect after a restart", why);
}

static void open_own(struct keeper *k, const struct store_bind *b)
{
	char why[STORE_WHY] = "";
	k->stores.own = find(k, OWN);
	if (k->stores.own < 0)
		return;
	k->stores.v = store_open(k->stores.own, b, told_damaged, k, why);
	if (k->stores.v == NULL && !store_is_empty(k->stores.own))
		log_line(LOG_LEVEL_WARNING, "what an earlier run saved is not used: %s", why);
	if (k->stores.v != NULL)
		return;
	close(k->stores.own);
	k->stores.own = -1;
	notify_forget(OWN);
}

static void close_all(struct keeper *k)
{
	store_close(k->stores.v);
	k->stores.v = NULL;
	keeper_forget_saved_conf(k);
	if (k->stores.own >= 0)
		close(k->stores.own);
	if (k->stores.engine >= 0)
		close(k->stores.engine);
	k->stores.own = k->stores.engine = -1;
}

/* The engine's belongs to ours, which says whose its tunnels are. */
void keeper_stores_open(struct keeper *k)
{
	struct store_bind b;
	char why[STORE_WHY];
	if (!store_bind_here(&b, STORE_OF_KEEPER, STORE_KEEPER_RECORDS, why)) {
		log_line(LOG_LEVEL_WARNING, "nothing is saved for a restart: %s", why);
		return;
	}
	open_own(k, &b);
	k->stores.found = k->stores.v != NULL;
	k->stores.engine = find(k, ENGINE);
	if (!k->stores.found) {
		if (k->stores.engine >= 0) {
			close(k->stores.engine);
			notify_forget(ENGINE);
		}
		make_all(k, &b);
		return;
	}
	if (k->stores.engine < 0)
		k->stores.engine = make(k, ENGINE);
}

void keeper_stores_close(struct keeper *k, bool gone)
{
	static const char *const names[] = { OWN, ENGINE };
	close_all(k);
	for (unsigned i = 0; gone && i < ARRAY_SIZE(names); i++) {
		unlinkat(k->run_dir, names[i], 0);
		notify_forget(names[i]);
	}
}

void keeper_stores_distrust(struct keeper *k, bool renew)
{
	if (k->stores.engine < 0)
		return;
	close(k->stores.engine);
	unlinkat(k->run_dir, ENGINE, 0);
	notify_forget(ENGINE);
	k->stores.engine = renew ? make(k, ENGINE) : -1;
}

void keeper_stores_renew(struct keeper *k)
{
	struct store_bind b;
	char why[STORE_WHY];
	keeper_stores_close(k, true);
	if (store_bind_here(&b, STORE_OF_KEEPER, STORE_KEEPER_RECORDS, why))
		make_all(k, &b);
}
