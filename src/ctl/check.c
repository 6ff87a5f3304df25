/*
 * check.c - `s2sctl check`: the configuration as the daemon would read it, all faults in one run, without touching a daemon.
 */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "config.h"
#include "base/file.h"
#include "base/mem.h"
#include "conf/conf.h"
#include "crypto/alg.h"
#include "ctl.h"
#include "render.h"

static struct psk *read_key(void *arg, const char *name, const char **why)
{
	size_t len = 0;
	uint8_t *bytes = file_key_read(arg, name, &len, why);
	if (bytes == NULL)
		return NULL;
	struct psk *key = xcalloc(1, sizeof *key + len);
	key->len = len;
	memcpy(key->data, bytes, len);
	wipe(bytes, len);
	free(bytes);
	return key;
}

static bool is_warning(const struct fault *f) { return f->severity == FAULT_WARNING; }

static int tell_json(const struct faults *faults)
{
	json_t *o = json_versioned(), *list = json_array();
	char clean[1024];
	unsigned warnings = 0;
	for (unsigned i = 0; i < faults->n; i++) {
		const struct fault *f = &faults->v[i];
		json_t *row = json_object();
		warnings += is_warning(f);
		json_object_set_new(row, "severity", json_string(is_warning(f) ? "warning" : "error"));
		json_object_set_new(
			row, "file", f->file != NULL ? json_string(escaped(clean, sizeof clean, f->file)) : json_null());
		json_object_set_new(row, "line", json_integer(f->line));
		json_object_set_new(
			row, "tunnel", f->tunnel[0] != 0 ? json_string(escaped(clean, sizeof clean, f->tunnel)) : json_null());
		json_object_set_new(row, "key", f->key != NULL ? json_string(f->key) : json_null());
		json_object_set_new(row, "text", json_string(escaped(clean, sizeof clean, f->text)));
		json_array_append_new(list, row);
	}
	json_object_set_new(o, "ok", json_boolean(faults->errors == 0));
	json_object_set_new(o, "errors", json_integer(faults->errors));
	json_object_set_new(o, "warnings", json_integer(warnings));
	json_object_set_new(o, "faults", list);
	int code = put_json(o);
	return faults->errors > 0 ? CTL_FAILED : code;
}

static int tell(const struct faults *faults, const struct conf *conf)
{
	char file[1024], text[2048];
	for (unsigned i = 0; i < faults->n; i++) {
		const struct fault *f = &faults->v[i];
		escaped(text, sizeof text, f->text);
		if (f->file != NULL && f->line > 0)
			printf("%s:%d: %s%s\n", escaped(file, sizeof file, f->file), f->line, is_warning(f) ? "warning: " : "",
				text);
		else
			printf("%s: %s%s\n", escaped(file, sizeof file, f->file), is_warning(f) ? "warning: " : "", text);
	}
	if (faults->errors > 0 || conf == NULL) {
		fflush(stdout);
		fprintf(stderr, "s2sctl: %u error%s\n", faults->errors, faults->errors == 1 ? "" : "s");
		return CTL_FAILED;
	}
	if (isatty(STDOUT_FILENO))
		printf("%u tunnel%s, no errors\n", conf->n, conf->n == 1 ? "" : "s");
	return CTL_DONE;
}

int run_check(const struct ctl_command *self, const struct options *o)
{
	const char *file = o->argc > 0 ? o->argv[0] : S2S_SYSCONFDIR "/s2sd/s2sd.yaml", *bad = NULL;
	char why[FILE_WHY];
	struct file_set set;
	struct faults faults = { 0 };
	(void)self;
	if (!alg_init(&bad))
		return ctl_fail(o, CTL_FAILED, "crypto", "cryptographic library: %s", bad);
	/* The daemon does without a main file; who names one means it. */
	if (o->argc > 0 && access(file, F_OK) != 0)
		return ctl_fail(o, CTL_FAILED, "no-file", "%s: no such file", file);
	if (!file_set_read(&set, file, why))
		return ctl_fail(o, CTL_FAILED, "unreadable", "%s", why);
	struct conf_text *texts = xcalloc(set.n + 1, sizeof *texts);
	for (unsigned i = 0; i < set.n; i++)
		texts[i] = (struct conf_text){ set.v[i].path, set.v[i].text, set.v[i].len, set.v[i].private_mode };
	struct conf *conf = conf_load(texts, set.n, read_key, set.key_dir, &faults);
	int code = o->json ? tell_json(&faults) : tell(&faults, conf);
	if (conf != NULL)
		conf_free(conf);
	faults_release(&faults);
	free(texts);
	file_set_release(&set);
	return code;
}
