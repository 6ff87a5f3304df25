/* file.c - settings and key files into memory, with the questions asked of the open file, not of its name. */
#include "base/file.h"

#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "base/log.h"
#include "base/mem.h"
#include "base/util.h"

#define FILES_MAX 65536

/* All of fd, at most max bytes, and a NUL behind it; NULL with errno. */
static char *read_all(int fd, size_t size, size_t max, size_t *len)
{
	size_t cap = (size < max ? size : max) + 2, n = 0; /* one byte more than the file, to see that it has not grown */
	char *text = xcalloc(cap, 1);
	while (n < cap - 1) {
		ssize_t got = read(fd, text + n, cap - 1 - n);
		if (got < 0 && errno == EINTR)
			continue;
		if (got < 0)
			goto bad;
		if (got == 0)
			break;
		n += (size_t)got;
	}
	errno = n == cap - 1 && n > max ? EFBIG : EAGAIN; /* it grew while we read it */
	if (n == cap - 1)
		goto bad;
	text[n] = 0;
	*len = n;
	return text;
bad:;
	int error = errno;
	wipe(text, cap);
	free(text);
	errno = error;
	return NULL;
}

static int open_regular(int dir, const char *path, int flags, struct stat *st)
{
	/* NONBLOCK: a pipe in the place of a file must not stop us. */
	int fd = openat(dir, path, O_RDONLY | O_CLOEXEC | O_NOCTTY | O_NONBLOCK | flags);
	if (fd < 0)
		return -errno;
	int error = fstat(fd, st) != 0 ? errno : !S_ISREG(st->st_mode) ? EINVAL : 0;
	if (error == 0)
		return fd;
	close(fd);
	return -error;
}

int file_read(const char *path, size_t max, struct file_text *out)
{
	struct stat st;
	*out = (struct file_text){ 0 };
	int fd = open_regular(AT_FDCWD, path, 0, &st);
	if (fd < 0)
		return fd;
	char *text = NULL;
	size_t len = 0;
	int error = (size_t)st.st_size > max ? EFBIG : 0;
	if (error == 0 && (text = read_all(fd, (size_t)st.st_size, max, &len)) == NULL)
		error = errno;
	close(fd);
	if (error != 0)
		return -error;
	*out = (struct file_text){ .path = xstrdup(path), .text = text, .len = len, .private_mode = (st.st_mode & 077) == 0 };
	return 0;
}

void file_text_release(struct file_text *f)
{
	if (f->text != NULL)
		wipe(f->text, f->len);
	free(f->text);
	free(f->path);
	*f = (struct file_text){ 0 };
}

/* --- the set --- */
static char *beside(const char *main_file, const char *name)
{
	const char *slash = strrchr(main_file, '/');
	size_t dir = slash != NULL ? (size_t)(slash - main_file) + 1 : 0, n = strlen(name);
	char *path = xcalloc(dir + n + 1, 1);
	memcpy(path, main_file, dir);
	memcpy(path + dir, name, n);
	return path;
}

static const char *reason(int error)
{
	if (error == EFBIG)
		return "larger than 16 MiB";
	return error == EINVAL ? "not a regular file" : strerror(error);
}

/* Names of files come to terminals and logs. */
static char *shown(const char *path)
{
	size_t size = 4 * strlen(path) + 1;
	char *text = xcalloc(size, 1);
	log_escape(text, size, bytes_of(path, strlen(path)));
	return text;
}

static void tell_why(char why[FILE_WHY], const char *path, const char *words)
{
	char *text = shown(path);
	snprintf(why, FILE_WHY, "%.400s: %s", text, words);
	free(text);
}

struct walk {
	void *arg;
	bool (*each)(void *arg, struct file_text *f, char why[FILE_WHY]);
};

static bool add_file(const struct walk *w, const char *path, bool may_be_absent, char why[FILE_WHY])
{
	struct file_text f;
	int rc = file_read(path, SETTINGS_FILE_MAX, &f);
	if (rc == -ENOENT && may_be_absent)
		return true;
	if (rc != 0) {
		tell_why(why, path, reason(-rc));
		return false;
	}
	free(f.path);
	f.path = shown(path);
	return w->each(w->arg, &f, why);
}

static int is_yaml(const struct dirent *d)
{
	size_t n = strlen(d->d_name);
	return d->d_name[0] != '.' && n > 5 && strcmp(d->d_name + n - 5, ".yaml") == 0;
}

/* By bytes: the order must not depend on anyone's locale. */
static int by_bytes(const struct dirent **a, const struct dirent **b) { return strcmp((*a)->d_name, (*b)->d_name); }

static bool add_folder(const struct walk *w, const char *folder, char why[FILE_WHY])
{
	struct dirent **names = NULL;
	int n = scandir(folder, &names, is_yaml, by_bytes);
	bool good = n >= 0 || errno == ENOENT;
	if (!good)
		tell_why(why, folder, strerror(errno));
	if (n > FILES_MAX) {
		tell_why(why, folder, "more than 65536 files");
		good = false;
	}
	for (int i = 0; i < n; i++) {
		size_t size = strlen(folder) + strlen(names[i]->d_name) + 2;
		char *path = xcalloc(size, 1);
		snprintf(path, size, "%s/%s", folder, names[i]->d_name);
		good = good && add_file(w, path, false, why);
		free(path);
		free(names[i]);
	}
	free(names);
	return good;
}

bool file_set_walk(
	const char *main_file, bool (*each)(void *arg, struct file_text *f, char why[FILE_WHY]), void *arg, char why[FILE_WHY])
{
	const struct walk w = { arg, each };
	char *folder = beside(main_file, "conf.d");
	why[0] = 0;
	bool good = add_file(&w, main_file, true, why) && add_folder(&w, folder, why);
	free(folder);
	return good;
}

static bool keep_file(void *arg, struct file_text *f, char why[FILE_WHY])
{
	struct file_set *s = arg;
	(void)why;
	s->v = xrealloc_array(s->v, s->n + 1, sizeof *s->v);
	s->v[s->n++] = *f;
	return true;
}

char *file_key_dir(const char *main_file) { return beside(main_file, "keys"); }

bool file_set_read(struct file_set *s, const char *main_file, char why[FILE_WHY])
{
	*s = (struct file_set){ .key_dir = file_key_dir(main_file) };
	bool good = file_set_walk(main_file, keep_file, s, why);
	if (!good)
		file_set_release(s);
	return good;
}

void file_set_release(struct file_set *s)
{
	for (unsigned i = 0; i < s->n; i++)
		file_text_release(&s->v[i]);
	free(s->v);
	free(s->key_dir);
	*s = (struct file_set){ 0 };
}

/* --- keys --- */
struct key_fault key_fault_absent(void) { return (struct key_fault){ .kind = KEY_FAULT_ABSENT, .text = "no such file" }; }

static struct key_fault mode_fault(const struct stat *st, size_t max)
{
	if ((st->st_mode & 077) != 0)
		return (struct key_fault){ .kind = KEY_FAULT_OPEN, .text = "group or others can read or write it: chmod 600 it" };
	if (st->st_uid != geteuid() && st->st_uid != 0)
		return (struct key_fault){ .text = "it belongs to somebody else: chown root it" };
	const char *large = max > KEY_FILE_MAX ? "it is larger than 512 KiB" : "it is larger than 4096 bytes";
	return (struct key_fault){ .text = (size_t)st->st_size > max ? large : NULL };
}

static struct key_fault open_fault(int error)
{
	if (error == ENOENT)
		return key_fault_absent();
	if (error == EACCES || error == EPERM)
		return (struct key_fault){ .kind = KEY_FAULT_DENIED, .text = strerror(error) };
	return (struct key_fault){ .text = error == ELOOP    ? "it is a symbolic link"
					   : error == EINVAL ? "it is not a regular file"
							     : strerror(error) };
}

size_t file_key_line(const uint8_t *p, size_t n)
{
	bool newline = n > 0 && p[n - 1] == '\n';
	n -= newline;
	return n - (newline && n > 0 && p[n - 1] == '\r');
}

int file_key_open(const char *key_dir) { return open(key_dir, O_PATH | O_DIRECTORY | O_CLOEXEC); }

void file_key_close(int dir)
{
	if (dir >= 0)
		close(dir);
}

uint8_t *file_key_read_in(int dir, const char *name, size_t max, size_t *len, struct key_fault *fault)
{
	struct stat st;
	*fault = (struct key_fault){ .text = "a key file is a name in keys/, without a slash" };
	if (name[0] == 0 || name[0] == '.' || strchr(name, '/') != NULL)
		return NULL;
	fault->text = "there is no folder keys/ beside the settings";
	if (dir < 0) {
		fault->kind = errno == ENOENT ? KEY_FAULT_ABSENT : KEY_FAULT_OTHER;
		return NULL;
	}
	int fd = open_regular(dir, name, O_NOFOLLOW, &st);
	*fault = fd < 0 ? open_fault(-fd) : mode_fault(&st, max);
	fault->named = fd >= 0 || fstatat(dir, name, &st, AT_SYMLINK_NOFOLLOW) == 0;
	char *text = NULL;
	if (fault->text == NULL) {
		text = read_all(fd, (size_t)st.st_size, max, len);
		fault->text = text == NULL ? strerror(errno) : NULL;
	}
	if (fd >= 0)
		close(fd);
	return (uint8_t *)text;
}

uint8_t *file_key_read(const char *key_dir, const char *name, size_t max, size_t *len, struct key_fault *fault)
{
	int dir = file_key_open(key_dir);
	uint8_t *key = file_key_read_in(dir, name, max, len, fault);
	file_key_close(dir);
	return key;
}

uint64_t file_key_stamp(int dir, const char *name, int64_t before)
{
	struct stat st;
	if (fstatat(dir, name, &st, AT_SYMLINK_NOFOLLOW) != 0 || !S_ISREG(st.st_mode) || st.st_ctim.tv_sec >= before)
		return 0;
	const uint64_t facts[] = { st.st_dev, st.st_ino, (uint64_t)st.st_size, st.st_mode, st.st_uid, (uint64_t)st.st_mtim.tv_sec,
		(uint64_t)st.st_mtim.tv_nsec, (uint64_t)st.st_ctim.tv_sec, (uint64_t)st.st_ctim.tv_nsec };
	return hash_words(HASH_START, facts, sizeof facts) | 1;
}
