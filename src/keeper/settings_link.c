/* settings_link.c - see settings_link.h. Nothing of the daemon's own depends on the link. */
#include "settings_link.h"

#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "base/file.h"
#include "base/log.h"
#include "base/mem.h"

/* `s2sd -c RUNDIR/s2sd.yaml -r RUNDIR`: what would be the link is the settings, be it a file or an operator's own link. */
static bool in_place(int run_dir, const char *folder, const char *name)
{
	struct stat a, b;
	return strcmp(name, S2S_SETTINGS_LINK) == 0 && stat(folder, &a) == 0 && fstat(run_dir, &b) == 0 && a.st_dev == b.st_dev &&
	       a.st_ino == b.st_ino;
}

/* A link of an earlier life goes; a file never does. */
static bool make_place(int run_dir)
{
	struct stat st;
	if (fstatat(run_dir, S2S_SETTINGS_LINK, &st, AT_SYMLINK_NOFOLLOW) != 0)
		return errno == ENOENT;
	return S_ISLNK(st.st_mode) && unlinkat(run_dir, S2S_SETTINGS_LINK, 0) == 0;
}

bool settings_link(int run_dir, const char *file)
{
	const char *slash = strrchr(file, '/'), *name = slash == NULL ? file : slash + 1;
	char *folder = slash == NULL ? xstrdup(".") : strndup(file, (size_t)(name - file));
	char *real = folder != NULL ? realpath(folder, NULL) : NULL; /* the file itself may be absent */
	char path[PATH_MAX];
	bool made = false;
	free(folder);
	if (real != NULL && in_place(run_dir, real, name))
		goto out;
	made = real != NULL && (size_t)snprintf(path, sizeof path, "%s/%s", real, name) < sizeof path && make_place(run_dir) &&
	       symlinkat(path, run_dir, S2S_SETTINGS_LINK) == 0;
	if (!made)
		log_line(LOG_LEVEL_INFO, "%s: no link to the settings is made in the run directory", file);
out:
	free(real);
	return made;
}

void settings_unlink(int run_dir) { make_place(run_dir); }
