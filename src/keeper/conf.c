/*
 * conf.c - settings from files: at start, with -n, and again on SIGHUP. A bad configuration never replaces a running one.
 */
#include "keeper.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>
#include <unistd.h>

#include "base/log.h"
#include "check/again.h"
#include "ipc/reloaded.h"

/* What the files say, or NULL. What cannot be handed to an engine would end one after the other. */
static struct conf *load(struct conf_memory *m, const char *file, struct findings *faults, char why[FILE_WHY])
{
	struct conf *c = conf_memory_load(m, file, (int64_t)time(NULL), faults, why);
	size_t packed = conf_memory_packed(m);
	if (c == NULL || packed <= IPC_BLOB_MAX)
		return c;
	snprintf(
		why, FILE_WHY, "all settings and their files together are %zu MiB, %u at most", packed >> 20, IPC_BLOB_MAX >> 20);
	conf_free(c);
	return NULL;
}

int keeper_check(const char *file)
{
	char why[FILE_WHY], line[FINDING_LINE];
	struct findings faults;
	struct conf_memory *m = conf_memory_new();
	struct conf *c = load(m, file, &faults, why);
	conf_memory_free(m);
	for (unsigned i = 0; i < faults.n; i++)
		printf("%s\n", finding_line(&faults.v[i], line));
	if (why[0] != 0)
		printf("%s\n", why);
	findings_release(&faults);
	if (c == NULL)
		return 1;
	conf_free(c);
	return 0;
}

static void log_faults(const struct findings *faults, const char *why)
{
	char line[FINDING_LINE];
	for (unsigned i = 0; i < faults->n; i++) {
		const struct finding *f = &faults->v[i];
		struct log_fields fields = { f->tunnel[0] != 0 ? f->tunnel : NULL, NULL, NULL };
		log_fielded(finding_load(f->code) == LOAD_REFUSES ? LOG_LEVEL_ERROR : LOG_LEVEL_WARNING, &fields, "%s",
			finding_line(f, line));
	}
	if (why[0] != 0)
		log_line(LOG_LEVEL_ERROR, "%s", why);
}

/* old: of an earlier run, or NULL: what that left is of no use then. */
static void go_on_with(struct keeper *k, struct conf *old)
{
	if (old == NULL) {
		if (k->stores.found) {
			log_line(LOG_LEVEL_WARNING, "what an earlier run left is not understood: all tunnels reconnect");
			keeper_stores_renew(k);
		}
		conf_adopt(k->conf, NULL);
		return;
	}
	conf_resume(k->conf, old);
	bool same = old->n == k->conf->n;
	for (uint32_t i = 0; i < old->n && same; i++)
		same = old->tunnels[i] == k->conf->tunnels[i];
	if (same) {
		conf_free(old);
		return;
	}
	k->next = k->conf;
	k->conf = old;
}

bool keeper_configure(struct keeper *k)
{
	char why[FILE_WHY];
	struct findings faults;
	k->memory = conf_memory_new();
	k->conf = load(k->memory, k->opt.file, &faults, why);
	log_faults(&faults, why);
	findings_release(&faults);
	if (k->conf == NULL) {
		log_line(LOG_LEVEL_ERROR, "the configuration is not usable");
		return false;
	}
	go_on_with(k, keeper_saved_conf(k, k->conf));
	conf_memory_keep(k->memory, k->next != NULL ? k->next : k->conf);
	return true;
}

const struct global_conf *keeper_global(const struct keeper *k) { return k->next != NULL ? &k->next->global : &k->conf->global; }

bool keeper_send_conf(struct keeper *k, const struct conf *old)
{
	struct bytes packed = conf_pack_since(k->conf, k->behind ? NULL : old);
	int fd = packed.p != NULL ? ipc_blob(packed.p, packed.n) : -1;
	free((void *)packed.p);
	bool ok = fd >= 0 && ipc_send_fds(k->engine, MSG_CONF, NULL, 0, &fd, 1);
	if (fd >= 0)
		close(fd);
	else
		log_line(LOG_LEVEL_ERROR, "the configuration cannot be handed to the engine: %s", strerror(errno));
	k->behind = !ok;
	return ok;
}

/* ---------------------------------------------------------------- what a reload changes */
static const char *const effect_words[] = { [EFFECT_NONE] = "nothing is interrupted",
	[EFFECT_LINK] = "interface and routes",
	[EFFECT_REKEY] = "rekey",
	[EFFECT_RESTART] = "restart of the tunnel" };

struct tally {
	unsigned added, changed, removed;
};

static struct tally compare(const struct conf *fresh, const struct conf *old, struct buf *rows)
{
	struct tally n = { 0 };
	const char *key;
	for (uint32_t i = 0, at = 0; i < fresh->n; i++) {
		const struct tunnel_conf *t = fresh->tunnels[i];
		if (conf_has(old, &at, t))
			continue;
		const struct tunnel_conf *before = conf_next(old, &at, t->name);
		struct reload_row row = { .kind = RELOAD_ADDED, .tunnel = t->name };
		if (before != NULL) {
			row.kind = RELOAD_CHANGED;
			row.text = effect_words[tunnel_conf_diff(before, t, &key)];
			row.key = key;
		}
		reload_put(rows, &row);
		n.added += before == NULL;
		n.changed += before != NULL;
	}
	for (uint32_t i = 0, at = 0; i < old->n; i++) {
		if (conf_has(fresh, &at, old->tunnels[i]) || conf_next(fresh, &at, old->tunnels[i]->name) != NULL)
			continue;
		const struct reload_row row = { .kind = RELOAD_REMOVED, .tunnel = old->tunnels[i]->name };
		reload_put(rows, &row);
		n.removed++;
	}
	return n;
}

static void put_faults(struct buf *rows, const struct findings *faults)
{
	char text[FINDING_TEXT];
	for (unsigned i = 0; i < faults->n; i++) {
		const struct finding *f = &faults->v[i];
		const struct reload_row row = { .kind = finding_load(f->code) == LOAD_REFUSES ? RELOAD_ERROR : RELOAD_WARNING,
			.line = f->line > 0 ? (uint32_t)f->line : 0,
			.tunnel = f->tunnel,
			.key = f->key,
			.file = f->file,
			.text = finding_text(f, text) };
		reload_put(rows, &row);
	}
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
	k->conf = fresh;
	if (k->opt.verbose == 0)
		log_set_level(fresh->global.log_level);
	/* The engine first: it closes tunnels that go, while their SAs are taken out below. */
	if (k->engine != NULL)
		keeper_send_conf(k, k->set_up ? old : NULL);
	keeper_save_conf(k);
	keeper_note_exit(k);
	keeper_tunnels_refresh(k, old);
	keeper_signers_forget(k);
	conf_free(old);
}

bool keeper_reload(struct keeper *k, bool dry_run, char words[MSG_RELOADED_TEXT], struct buf *rows)
{
	char why[FILE_WHY];
	struct findings faults;
	struct conf *fresh = load(k->memory, k->opt.file, &faults, why);
	bool ok = fresh != NULL;
	if (!dry_run)
		log_faults(&faults, why);
	put_faults(rows, &faults);
	if (fresh == NULL) {
		snprintf(words, MSG_RELOADED_TEXT, "%s%sthe configuration is not usable (%u error%s); the running one stays", why,
			why[0] != 0 ? ": " : "", faults.refused, faults.refused == 1 ? "" : "s");
	} else {
		(dry_run ? conf_try : conf_adopt)(fresh, k->conf);
		struct tally n = compare(fresh, k->conf, rows);
		snprintf(words, MSG_RELOADED_TEXT, "%u added, %u changed, %u removed", n.added, n.changed, n.removed);
	}
	if (!dry_run) {
		log_line(ok ? LOG_LEVEL_NOTICE : LOG_LEVEL_ERROR, "reload: %s", words);
		k->refused = !ok;
		keeper_status(k);
	}
	findings_release(&faults);
	if (fresh != NULL && dry_run) {
		conf_free(fresh);
	} else if (fresh != NULL) {
		conf_memory_keep(k->memory, fresh);
		warn_fixed(&k->conf->global, &fresh->global);
		use(k, fresh);
	}
	return ok;
}

void keeper_go_on(struct keeper *k)
{
	if (k->next == NULL) {
		keeper_save_conf(k);
		return;
	}
	struct conf *fresh = k->next;
	struct buf none = buf_of(NULL, 0);
	k->next = NULL;
	struct tally n = compare(fresh, k->conf, &none);
	log_line(LOG_LEVEL_NOTICE, "settings since the earlier run: %u added, %u changed, %u removed", n.added, n.changed,
		n.removed);
	use(k, fresh);
}
