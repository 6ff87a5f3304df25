/*
 * install.c - all or nothing, over several files: each is written whole under a name of its own beside its place; then the old ones are
 * linked away and the new ones put in place; whatever fails before the end is undone in reverse. Keys are never readable by others, not
 * for a moment, and no symbolic link is followed.
 */
#include "install.h"

#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/random.h>
#include <sys/stat.h>
#include <unistd.h>

enum step { STEP_NONE, STEP_WRITTEN, STEP_SAVED, STEP_PLACED };

struct item {
	const struct import_file *file;
	const char *name; /* without the folder */
	int folder;
	char fresh[64], old[64]; /* names beside it: what will be, what was */
	bool existed;
	enum step step;
};

struct install {
	const char *dir;
	int conf, keys; /* folders */
	bool made_dir, made_conf, made_keys;
	struct item *v;
	unsigned n;
	char *why;
};

static bool fail(struct install *in, const char *path, int error)
{
	snprintf(in->why, INSTALL_WHY, "%.200s/%.200s: %s", in->dir, path, strerror(error));
	return false;
}

/* --- folders --- */
static int folder_open(struct install *in, int at, const char *name, mode_t mode, bool *made)
{
	*made = mkdirat(at, name, mode) == 0;
	int fd = *made || errno == EEXIST ? openat(at, name, O_RDONLY | O_DIRECTORY | O_CLOEXEC | O_NOFOLLOW) : -1;
	if (fd < 0)
		fail(in, name, errno);
	return fd;
}

static bool folders_open(struct install *in)
{
	in->made_dir = mkdir(in->dir, 0755) == 0;
	if (!in->made_dir && errno != EEXIST)
		return fail(in, "", errno);
	int top = open(in->dir, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
	if (top < 0)
		return fail(in, "", errno);
	in->conf = folder_open(in, top, "conf.d", 0755, &in->made_conf);
	in->keys = in->conf >= 0 ? folder_open(in, top, "keys", 0700, &in->made_keys) : -1;
	close(top);
	return in->keys >= 0;
}

static void folders_remove(const struct install *in)
{
	char path[4096];
	snprintf(path, sizeof path, "%s/keys", in->dir);
	if (in->made_keys)
		rmdir(path);
	snprintf(path, sizeof path, "%s/conf.d", in->dir);
	if (in->made_conf)
		rmdir(path);
	if (in->made_dir)
		rmdir(in->dir);
}

/* --- one file --- */
static bool look(struct install *in, struct item *i, bool force)
{
	struct stat st;
	if (fstatat(i->folder, i->name, &st, AT_SYMLINK_NOFOLLOW) != 0)
		return errno == ENOENT || fail(in, i->file->path, errno);
	i->existed = true;
	if (!S_ISREG(st.st_mode))
		snprintf(in->why, INSTALL_WHY, "%.200s/%.200s is there and is no regular file", in->dir, i->file->path);
	else if (!force)
		snprintf(in->why, INSTALL_WHY, "%.200s/%.200s exists: --force replaces it, --name makes files of another name",
			in->dir, i->file->path);
	return S_ISREG(st.st_mode) && force;
}

static bool put_all(int fd, const char *text, size_t len)
{
	while (len > 0) {
		ssize_t n = write(fd, text, len);
		if (n < 0 && errno == EINTR)
			continue;
		if (n <= 0)
			return false;
		text += n;
		len -= (size_t)n;
	}
	return fsync(fd) == 0;
}

static bool write_fresh(struct install *in, struct item *i)
{
	uint64_t random;
	mode_t mode = i->file->secret ? 0600 : 0644;
	if (getrandom(&random, sizeof random, 0) != (ssize_t)sizeof random)
		return fail(in, i->file->path, EAGAIN);
	snprintf(i->fresh, sizeof i->fresh, ".s2sctl-%016llx.new", (unsigned long long)random);
	snprintf(i->old, sizeof i->old, ".s2sctl-%016llx.old", (unsigned long long)random);
	int fd = openat(i->folder, i->fresh, O_WRONLY | O_CREAT | O_EXCL | O_NOFOLLOW | O_CLOEXEC, 0600);
	if (fd < 0)
		return fail(in, i->file->path, errno);
	i->step = STEP_WRITTEN;
	bool good = put_all(fd, i->file->text, i->file->len) && fchmod(fd, mode) == 0;
	int error = errno;
	close(fd);
	return good || fail(in, i->file->path, error);
}

/* linkat refuses to replace: what appeared in the meantime is not lost. */
static bool place(struct install *in, struct item *i)
{
	if (i->existed) {
		if (linkat(i->folder, i->name, i->folder, i->old, 0) != 0)
			return fail(in, i->file->path, errno);
		i->step = STEP_SAVED;
		if (renameat(i->folder, i->fresh, i->folder, i->name) != 0)
			return fail(in, i->file->path, errno);
	} else {
		if (linkat(i->folder, i->fresh, i->folder, i->name, 0) != 0)
			return fail(in, i->file->path, errno);
		unlinkat(i->folder, i->fresh, 0);
	}
	i->step = STEP_PLACED;
	return true;
}

static void undo(struct item *i)
{
	if (i->step == STEP_PLACED && i->existed)
		renameat(i->folder, i->old, i->folder, i->name);
	else if (i->step == STEP_PLACED)
		unlinkat(i->folder, i->name, 0);
	if (i->step == STEP_SAVED)
		unlinkat(i->folder, i->old, 0);
	if (i->step == STEP_WRITTEN || i->step == STEP_SAVED)
		unlinkat(i->folder, i->fresh, 0);
	i->step = STEP_NONE;
}

static bool install_all(struct install *in, bool force)
{
	for (unsigned i = 0; i < in->n; i++) {
		in->v[i].folder = in->v[i].file->secret ? in->keys : in->conf;
		if (!look(in, &in->v[i], force))
			return false;
	}
	for (unsigned i = 0; i < in->n; i++)
		if (!write_fresh(in, &in->v[i]))
			return false;
	for (unsigned i = 0; i < in->n; i++)
		if (!place(in, &in->v[i]))
			return false;
	return true;
}

bool install_files(const char *dir, const struct import_file *files, bool force, char why[INSTALL_WHY])
{
	struct install in = { .dir = dir, .conf = -1, .keys = -1, .why = why };
	for (const struct import_file *f = files; f != NULL; f = f->next)
		in.n++;
	in.v = xcalloc(in.n + 1, sizeof *in.v);
	unsigned n = 0;
	for (const struct import_file *f = files; f != NULL; f = f->next)
		in.v[n++] = (struct item){ .file = f, .name = strchr(f->path, '/') + 1 };
	bool good = folders_open(&in) && install_all(&in, force);
	for (unsigned i = in.n; i > 0; i--) {
		struct item *item = &in.v[i - 1];
		if (!good)
			undo(item);
		else if (item->existed)
			unlinkat(item->folder, item->old, 0);
	}
	if (in.conf >= 0)
		fsync(in.conf), close(in.conf);
	if (in.keys >= 0)
		fsync(in.keys), close(in.keys);
	if (!good)
		folders_remove(&in);
	free(in.v);
	return good;
}
