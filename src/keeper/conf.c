/*
 * keeper_conf.c - settings from files: at start, with -n, and again on SIGHUP. A bad configuration never replaces a running one.
 */
#include "keeper.h"

#include <errno.h>
#include <jansson.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "base/file.h"
#include "base/log.h"

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

/* NULL: faults has the reasons, or *why when the files could not even be read. */
static struct conf *load(const char *file, struct faults *faults, char why[FILE_WHY])
{
	struct file_set set;
	*faults = (struct faults){ 0 };
	why[0] = 0;
	if (!file_set_read(&set, file, why))
		return NULL;
	struct conf_text *texts = xcalloc(set.n + 1, sizeof *texts);
	for (unsigned i = 0; i < set.n; i++)
		texts[i] = (struct conf_text){ set.v[i].path, set.v[i].text, set.v[i].len, set.v[i].private_mode };
	struct conf *c = conf_load(texts, set.n, read_key, set.key_dir, faults);
	free(texts);
	file_set_release(&set);
	return c;
}

#define FAULT_TEXT 1024
/* The words have foreign text escaped already (conf.h). */
static const char *fault_format(const struct fault *f, char text[FAULT_TEXT])
{
	const char *severity = f->severity == FAULT_WARNING ? "warning: " : "";
	if (f->file != NULL)
		snprintf(text, FAULT_TEXT, "%s:%d: %s%s", f->file, f->line, severity, f->text);
	else
		snprintf(text, FAULT_TEXT, "%s%s", severity, f->text);
	return text;
}

int keeper_check(const struct options *o)
{
	char why[FILE_WHY], text[FAULT_TEXT];
	struct faults faults;
	struct conf *c = load(o->file, &faults, why);
	for (unsigned i = 0; i < faults.n; i++)
		printf("%s\n", fault_format(&faults.v[i], text));
	if (why[0] != 0)
		printf("%s\n", why);
	faults_release(&faults);
	if (c == NULL)
		return 1;
	conf_free(c);
	return 0;
}

static void log_faults(const struct faults *faults, const char *why)
{
	char text[FAULT_TEXT];
	for (unsigned i = 0; i < faults->n; i++) {
		enum log_level level = faults->v[i].severity == FAULT_WARNING ? LOG_LEVEL_WARNING : LOG_LEVEL_ERROR;
		log_line(level, "%s", fault_format(&faults->v[i], text));
	}
	if (why[0] != 0)
		log_line(LOG_LEVEL_ERROR, "%s", why);
}

bool keeper_configure(struct keeper *k)
{
	char why[FILE_WHY];
	struct faults faults;
	k->conf = load(k->opt.file, &faults, why);
	log_faults(&faults, why);
	faults_release(&faults);
	if (k->conf == NULL) {
		log_line(LOG_LEVEL_ERROR, "the configuration is not usable");
		return false;
	}
	conf_adopt(k->conf, NULL);
	return true;
}

bool keeper_send_conf(struct keeper *k)
{
	struct bytes packed = conf_pack(k->conf);
	int fd = packed.p != NULL ? ipc_blob(packed.p, packed.n) : -1;
	free((void *)packed.p);
	bool ok = fd >= 0 && ipc_send_fds(k->engine, MSG_CONF, NULL, 0, &fd, 1);
	if (fd >= 0)
		close(fd);
	else
		log_line(LOG_LEVEL_ERROR, "the configuration cannot be handed to the engine: %s", strerror(errno));
	return ok;
}

/* ---------------------------------------------------------------- what a reload changes */
static const char *effect_word(enum conf_effect e)
{
	switch (e) {
	case EFFECT_NONE: return "nothing is interrupted";
	case EFFECT_LINK: return "interface and routes";
	case EFFECT_REKEY: return "rekey";
	case EFFECT_RESTART: return "restart of the tunnel";
	}
	return NULL;
}

static void add_row(json_t *told, const char *kind, const char *tunnel, const char *key, const char *effect)
{
	json_t *row = json_object(), *list = json_object_get(told, kind);
	json_object_set_new(row, "tunnel", json_string(tunnel));
	json_object_set_new(row, "key", key != NULL ? json_string(key) : json_null());
	json_object_set_new(row, "effect", effect != NULL ? json_string(effect) : json_null());
	json_array_append_new(list, row);
}

struct tally {
	unsigned added, changed, removed;
};

static struct tally compare(const struct conf *fresh, const struct conf *old, json_t *told)
{
	struct tally n = { 0 };
	const char *key;
	for (uint32_t i = 0; i < fresh->n; i++) {
		const struct tunnel_conf *t = fresh->tunnels[i], *before = conf_find(old, t->name);
		if (before == NULL)
			add_row(told, "added", t->name, NULL, NULL);
		n.added += before == NULL;
		if (before == NULL || before == t)
			continue;
		enum conf_effect effect = tunnel_conf_diff(before, t, &key);
		add_row(told, "changed", t->name, key, effect_word(effect));
		n.changed++;
	}
	for (uint32_t i = 0; i < old->n; i++) {
		if (conf_find(fresh, old->tunnels[i]->name) != NULL)
			continue;
		add_row(told, "removed", old->tunnels[i]->name, NULL, NULL);
		n.removed++;
	}
	return n;
}

static void add_faults(json_t *told, const struct faults *faults)
{
	json_t *list = json_array();
	for (unsigned i = 0; i < faults->n; i++) {
		const struct fault *f = &faults->v[i];
		json_t *row = json_object();
		json_object_set_new(row, "severity", json_string(f->severity == FAULT_WARNING ? "warning" : "error"));
		json_object_set_new(row, "file", f->file != NULL ? json_string(f->file) : json_null());
		json_object_set_new(row, "line", json_integer(f->line));
		json_object_set_new(row, "tunnel", f->tunnel[0] != 0 ? json_string(f->tunnel) : json_null());
		json_object_set_new(row, "key", f->key != NULL ? json_string(f->key) : json_null());
		json_object_set_new(row, "text", json_string(f->text));
		json_array_append_new(list, row);
	}
	json_object_set_new(told, "faults", list);
}

/* Some globals are read once: saying so is better than seeming to obey. */
static void warn_fixed(const struct global_conf *a, const struct global_conf *b)
{
	if (strcmp(a->user, b->user) != 0 || strcmp(a->group, b->group) != 0 || a->log_facility != b->log_facility)
		log_line(LOG_LEVEL_WARNING, "user, group and log-facility change with the next start only");
}

static void use(struct keeper *k, struct conf *fresh)
{
	struct conf *old = k->conf;
	warn_fixed(&old->global, &fresh->global);
	k->conf = fresh;
	if (k->opt.verbose == 0)
		log_set_level(fresh->global.log_level);
	/* The engine first: it says good-bye for tunnels that go, while their SAs are taken out below. */
	if (k->engine != NULL)
		keeper_send_conf(k);
	keeper_tunnels_refresh(k);
	conf_free(old);
}

static void finish_text(json_t *told, const char *words, char *text, size_t size)
{
	json_object_set_new(told, "text", json_string(words));
	char *json = json_dumps(told, JSON_COMPACT);
	snprintf(text, size, "%s", json != NULL && strlen(json) < size ? json : words);
	free(json);
	json_decref(told);
}

void keeper_reload(struct keeper *k, bool dry_run, char *text, size_t size, bool *ok)
{
	char why[FILE_WHY], words[FILE_WHY + 128];
	struct faults faults;
	json_t *told = json_pack("{s:[],s:[],s:[]}", "added", "changed", "removed");
	struct conf *fresh = load(k->opt.file, &faults, why);
	*ok = fresh != NULL;
	if (!dry_run)
		log_faults(&faults, why);
	add_faults(told, &faults);
	if (fresh == NULL) {
		snprintf(words, sizeof words, "%s%sthe configuration is not usable (%u error%s); the running one stays", why,
			why[0] != 0 ? ": " : "", faults.errors, faults.errors == 1 ? "" : "s");
	} else {
		conf_adopt(fresh, k->conf);
		struct tally n = compare(fresh, k->conf, told);
		snprintf(words, sizeof words, "%u added, %u changed, %u removed", n.added, n.changed, n.removed);
	}
	if (!dry_run) {
		log_line(*ok ? LOG_LEVEL_NOTICE : LOG_LEVEL_ERROR, "reload: %s", words);
		k->refused = !*ok;
		keeper_status(k);
	}
	faults_release(&faults);
	finish_text(told, words, text, size);
	if (fresh != NULL && dry_run)
		conf_free(fresh);
	else if (fresh != NULL)
		use(k, fresh);
}
