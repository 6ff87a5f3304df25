/*
 * files.h - where the pure loader meets the file system: for s2sd and s2sctl, which both read FILE, conf.d/ and keys/ beside it.
 * Inline, because nothing in src/conf may touch a file.
 */
#ifndef CONF_FILES_H
#define CONF_FILES_H

#include <stdlib.h>
#include <string.h>

#include "base/file.h"
#include "conf/conf.h"

/* A key_reader; arg is the path of keys/. */
static inline struct psk *conf_key_read(void *arg, const char *name, const char **why)
{
	size_t n = 0;
	uint8_t *data = file_key_read(arg, name, &n, why);
	if (data == NULL)
		return NULL;
	struct psk *psk = xcalloc(1, sizeof *psk + n);
	psk->len = n;
	if (n > 0)
		memcpy(psk->data, data, n);
	wipe(data, n);
	free(data);
	return psk;
}

/* Everything at once. NULL: either why says which file could not be read, or why is "" and faults say what is wrong. */
static inline struct conf *conf_load_files(const char *main_file, struct faults *faults, char why[FILE_WHY])
{
	struct file_set set;
	*faults = (struct faults){ 0 };
	if (!file_set_read(&set, main_file, why))
		return NULL;
	struct conf_text *texts = xcalloc(set.n, sizeof *texts);
	for (unsigned i = 0; i < set.n; i++)
		texts[i] = (struct conf_text){ set.v[i].path, set.v[i].text, set.v[i].len, set.v[i].private_mode };
	struct conf *c = conf_load(texts, set.n, conf_key_read, set.key_dir, faults);
	free(texts);
	file_set_release(&set);
	return c;
}

#endif
