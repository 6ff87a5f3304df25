/* files.c - where the pure judge meets the file system. */
#include "check/files.h"

#include <stdlib.h>
#include <string.h>

static struct psk *as_key(uint8_t *data, size_t n)
{
	if (data == NULL)
		return NULL;
	struct psk *psk = xcalloc(1, sizeof *psk + n);
	psk->len = n;
	memcpy(psk->data, data, n);
	wipe(data, n);
	free(data);
	return psk;
}

struct psk *conf_key_read(void *arg, const char *name, size_t max, struct key_fault *fault)
{
	size_t n = 0;
	uint8_t *data = file_key_read(arg, name, max, &n, fault);
	return as_key(data, n);
}

struct psk *conf_key_read_in(void *arg, const char *name, size_t max, struct key_fault *fault)
{
	const struct key_folder *k = arg;
	size_t n = 0;
	if (k->dir < 0)
		return conf_key_read(k->path, name, max, fault);
	uint8_t *data = file_key_read_in(k->dir, name, max, &n, fault);
	return as_key(data, n);
}

struct key_folder key_folder_open(const char *main_file)
{
	struct key_folder k = { .path = file_key_dir(main_file) };
	k.dir = file_key_open(k.path);
	return k;
}

void key_folder_close(struct key_folder *k)
{
	file_key_close(k->dir);
	free(k->path);
}

bool conf_files_read(struct conf_files *s, const char *main_file, char why[FILE_WHY])
{
	*s = (struct conf_files){ 0 };
	if (!file_set_read(&s->set, main_file, why))
		return false;
	s->texts = xcalloc(s->set.n, sizeof *s->texts);
	for (unsigned i = 0; i < s->set.n; i++) {
		const struct file_text *t = &s->set.v[i];
		s->texts[i] = (struct conf_text){ t->path, t->text, t->len, t->private_mode, 0 };
	}
	return true;
}

void conf_files_release(struct conf_files *s)
{
	file_set_release(&s->set);
	free(s->texts);
	s->texts = NULL;
}

struct conf *conf_load_files(const char *main_file, bool keys, struct findings *f, char why[FILE_WHY])
{
	struct conf_files s;
	*f = (struct findings){ 0 };
	if (!conf_files_read(&s, main_file, why))
		return NULL;
	struct conf *c = conf_load(s.texts, s.set.n, keys ? conf_key_read : NULL, s.set.key_dir, f);
	conf_files_release(&s);
	return c;
}
