/* nic.c - see nic.h. */
#include "ctl/nic.h"

#include <limits.h>
#include <stdio.h>
#include <string.h>
#include <sys/stat.h>
#include <sys/utsname.h>

#include "base/file.h"

#define LIST_MAX ((size_t)4 << 20) /* modules.dep of a distribution has half a megabyte */

/* In modules.dep and modules.builtin a module is a path that ends in its name. */
static bool lists(const char *path, const char *name, bool *readable)
{
	struct file_text f = { 0 };
	char word[80];
	bool found = false;
	snprintf(word, sizeof word, "/%s.ko", name);
	if (file_read(path, LIST_MAX, &f) != 0)
		return false;
	*readable = true;
	for (char *rest = f.text, *line; !found && (line = strsep(&rest, "\n")) != NULL;) {
		line[strcspn(line, ":")] = 0; /* what it depends on */
		found = strstr(line, word) != NULL;
	}
	file_text_release(&f);
	return found;
}

enum module_state module_state(const char *root, const char *name)
{
	struct utsname u;
	struct stat st;
	char path[PATH_MAX];
	bool readable = false;
	snprintf(path, sizeof path, "%s/sys/module/%s", root, name);
	if (stat(path, &st) == 0)
		return MODULE_LOADED;
	if (uname(&u) != 0)
		return MODULE_UNKNOWN;
	snprintf(path, sizeof path, "%s/lib/modules/%s/modules.builtin", root, u.release);
	if (lists(path, name, &readable))
		return MODULE_LOADED;
	snprintf(path, sizeof path, "%s/lib/modules/%s/modules.dep", root, u.release);
	readable = false;
	if (lists(path, name, &readable))
		return MODULE_WAITS;
	return readable ? MODULE_NONE : MODULE_UNKNOWN;
}

bool nic_is_hardware(const char *root, const char *name)
{
	struct stat st;
	char path[PATH_MAX];
	snprintf(path, sizeof path, "%s/sys/class/net/%s/device", root, name);
	return stat(path, &st) == 0;
}
