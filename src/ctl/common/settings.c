/* settings.c - where the settings are that a command looks at when its user names no file. */
#include <stdio.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "base/file.h"
#include "config.h"
#include "ctl/ctl.h"

const char *settings_path(const struct options *o, char path[PATH_MAX])
{
	char link[PATH_MAX];
	int room = snprintf(link, sizeof link, "%s/" S2S_SETTINGS_LINK, o->rundir);
	ssize_t n = room > 0 && (size_t)room < sizeof link ? readlink(link, path, PATH_MAX - 1) : -1;
	if (n > 0 && path[0] == '/') {
		path[n] = 0;
		return path;
	}
	return S2S_SYSCONFDIR "/s2sd/s2sd.yaml";
}

bool settings_are_at(const char *file)
{
	char folder[PATH_MAX];
	struct stat st;
	const char *slash = strrchr(file, '/');
	int room = snprintf(folder, sizeof folder, "%.*sconf.d", slash != NULL ? (int)(slash - file) + 1 : 0, file);
	if (access(file, F_OK) == 0)
		return true;
	return room > 0 && (size_t)room < sizeof folder && stat(folder, &st) == 0 && S_ISDIR(st.st_mode);
}
