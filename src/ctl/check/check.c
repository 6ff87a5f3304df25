/*
 * check.c - `s2sctl check`: what the daemon would refuse or warn of, and what will not work for long, without touching a daemon. The
 * judgement is check/'s; here it is read and printed.
 */
#include <stdio.h>
#include <unistd.h>

#include "check/files.h"
#include "check/host.h"
#include "crypto/alg.h"
#include "ctl/answer.h"
#include "ctl/render.h"

static json_t *text_or_null(const char *text)
{
	char clean[2048];
	return text != NULL && text[0] != 0 ? json_string(escaped(clean, sizeof clean, text)) : json_null();
}

static json_t *place(const struct finding *f, const char *severity)
{
	json_t *row = json_object();
	json_object_set_new(row, "severity", json_string(severity));
	json_object_set_new(row, "file", text_or_null(f->file));
	json_object_set_new(row, "line", f->file != NULL ? json_integer(f->line) : json_null());
	json_object_set_new(row, "tunnel", text_or_null(f->tunnel));
	json_object_set_new(row, "key", text_or_null(f->key));
	return row;
}

static json_t *findings_json(const struct findings *f)
{
	json_t *list = json_array();
	for (unsigned i = 0; i < f->n; i++) {
		const struct finding *v = &f->v[i];
		json_t *row = place(v, severity_word(v->severity));
		json_object_set_new(row, "rule", json_string(v->rule));
		json_object_set_new(row, "side", v->advice != NULL ? json_string(side_word(v->side)) : json_null());
		json_object_set_new(row, "text", text_or_null(v->text));
		json_object_set_new(row, "todo", text_or_null(v->advice));
		json_array_append_new(list, row);
	}
	return list;
}

/* What the daemon says of it, as it does when it refuses a reload. */
static json_t *faults_json(const struct findings *f)
{
	char text[FINDING_TEXT];
	json_t *list = json_array();
	for (unsigned i = 0; i < f->n; i++) {
		enum finding_load load = finding_load(f->v[i].code);
		if (load == LOAD_TAKES)
			continue;
		json_t *row = place(&f->v[i], severity_word(load == LOAD_REFUSES ? FINDING_ERROR : FINDING_WARNING));
		json_object_set_new(row, "text", text_or_null(finding_text(&f->v[i], text)));
		json_array_append_new(list, row);
	}
	return list;
}

static int print_json(const struct findings *f, bool whole)
{
	json_t *o = answer_new();
	json_object_set_new(o, "ok", json_boolean(f->count[FINDING_ERROR] == 0));
	json_object_set_new(o, "complete", json_boolean(whole && f->dropped == 0));
	json_object_set_new(o, "errors", json_integer(f->count[FINDING_ERROR]));
	json_object_set_new(o, "warnings", json_integer(f->count[FINDING_WARNING]));
	json_object_set_new(o, "hints", json_integer(f->count[FINDING_HINT]));
	json_object_set_new(o, "findings", findings_json(f));
	json_object_set_new(o, "faults", faults_json(f));
	return answer_print(o);
}

static const char *where(const struct finding *f, char text[32])
{
	switch (f->side) {
	case SIDE_OURS: return "here";
	case SIDE_CLOUD: snprintf(text, 32, "at %s", provider_of(f->cloud)->title); return text;
	case SIDE_BOTH: return "on both sides";
	}
	return "here";
}

#define TAB 8
/* As s2sd -n writes faults: an error has no word in front. */
static void print_one(const struct finding *f)
{
	char line[6144], file[1024], text[4096], name[128], place[1100] = "this machine";
	if (f->file != NULL && f->line > 0)
		snprintf(place, sizeof place, "%s:%d", escaped(file, sizeof file, f->file), f->line);
	else if (f->file != NULL)
		snprintf(place, sizeof place, "%s", escaped(file, sizeof file, f->file));
	bool severity = f->severity != FINDING_ERROR, tunnel = f->tunnel[0] != 0, key = f->key != NULL && f->file != NULL;
	snprintf(line, sizeof line, "%s: %s%s%s%s%s%s%s", place, severity ? severity_word(f->severity) : "", severity ? ": " : "",
		tunnel ? escaped(name, sizeof name, f->tunnel) : "", tunnel ? ": " : "", key ? f->key : "", key ? ": " : "",
		escaped(text, sizeof text, f->text));
	put_fitting(stdout, line, 0, TAB);
	if (f->advice == NULL)
		return;
	char at[32];
	int used = printf("\t%s: ", where(f, at));
	put_fitting(stdout, escaped(text, sizeof text, f->advice), (unsigned)used + TAB - 1, TAB);
}

static void print_all(const struct findings *f, const struct conf *conf)
{
	const unsigned *n = f->count;
	for (unsigned i = 0; i < f->n; i++)
		print_one(&f->v[i]);
	if (conf != NULL && isatty(STDOUT_FILENO))
		printf("%u tunnel%s: %u error%s, %u warning%s, %u hint%s\n", conf->n, conf->n == 1 ? "" : "s", n[0],
			n[0] == 1 ? "" : "s", n[1], n[1] == 1 ? "" : "s", n[2], n[2] == 1 ? "" : "s");
	fflush(stdout);
	if (n[FINDING_ERROR] > 0)
		fprintf(stderr, "s2sctl: %u error%s%s\n", n[0], n[0] == 1 ? "" : "s",
			conf == NULL ? "; what the settings mean together is looked at when they can be loaded" : "");
}

static bool only_keys_denied(const struct findings *f)
{
	for (unsigned i = 0; i < f->n; i++)
		if (finding_load(f->v[i].code) == LOAD_REFUSES && f->v[i].code != FINDING_KEY_FILE_DENIED)
			return false;
	return true;
}

/* Who may not read the keys still learns of everything else. */
static struct conf *load(const struct conf_files *set, struct findings *f, bool *whole)
{
	struct conf *conf = conf_load(set->texts, set->set.n, conf_key_read, set->set.key_dir, f);
	*whole = conf != NULL;
	if (conf != NULL || !only_keys_denied(f))
		return conf;
	findings_release(f);
	conf = conf_load(set->texts, set->set.n, NULL, NULL, f);
	finding_advice(finding_add(f, (struct place){ .order = PLACE_MACHINE }, FINDING_KEYS_UNREAD,
			       "the keys were not looked at: only root can read them"),
		"run `s2sctl check` as root");
	return conf;
}

static int judge(const struct options *o, const struct conf_files *set)
{
	struct findings f;
	struct host host = { 0 };
	bool whole;
	struct conf *conf = load(set, &f, &whole);
	if (conf != NULL) {
		host_read(&host, conf, set->set.key_dir, "");
		check_conf(&f, conf, &host);
	}
	int code = CTL_DONE;
	if (o->json)
		code = print_json(&f, whole);
	else
		print_all(&f, conf);
	if (f.count[FINDING_ERROR] > 0 || conf == NULL)
		code = CTL_FAILED;
	findings_release(&f);
	host_release(&host);
	conf_free(conf);
	return code;
}

int run_check(const struct ctl_command *self, const struct options *o)
{
	char why[FILE_WHY], path[PATH_MAX];
	const char *file = o->argc > 0 ? o->argv[0] : settings_path(o, path), *bad = NULL;
	struct conf_files set;
	(void)self;
	if (!alg_init(&bad))
		return ctl_fail(o, CTL_FAILED, "crypto", "cryptographic library: %s", bad);
	if (o->argc > 0 && !settings_are_at(file))
		return ctl_fail(o, CTL_FAILED, "no-file", "%s: no such file", file);
	if (!conf_files_read(&set, file, why))
		return ctl_fail(o, CTL_FAILED, "unreadable", "%s", why);
	int code = judge(o, &set);
	conf_files_release(&set);
	return code;
}
