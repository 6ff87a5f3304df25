/* show.c - `s2sctl certificate show` and `check`: the certificates of files, or of all tunnels. */
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>
#include <unistd.h>

#include "certificate.h"
#include "check/files.h"
#include "crypto/pkey.h"
#include "ctl/render.h"

static void add(json_t *rows, const struct shown *s, struct bytes der)
{
	json_t *row = facts_json(s, der);
	if (row != NULL)
		json_array_append_new(rows, row);
}

static void add_list(json_t *rows, const struct tunnel_conf *t, const char *use, const char *name, const struct der_list *l)
{
	const struct shown s = { name, t->name, use };
	for (unsigned i = 0; i < l->n; i++)
		add(rows, &s, l->v[i]);
}

static json_t *rows_of(const struct conf *c, const char *tunnel)
{
	json_t *rows = json_array();
	for (uint32_t i = 0; c != NULL && i < c->n; i++) {
		const struct tunnel_conf *t = c->tunnels[i];
		if (tunnel != NULL && strcmp(t->name, tunnel) != 0)
			continue;
		add_list(rows, t, "certificate", t->cert.certificate, &t->cert.chain);
		add_list(rows, t, "ca", t->cert.ca, &t->cert.cas);
	}
	return rows;
}

static void print_rows(const json_t *rows)
{
	for (size_t i = 0; i < json_array_size(rows); i++)
		facts_print(json_array_get(rows, i));
}

/* --- files --- */
static bool read_file(const char *path, struct cert_list *l, const char **why)
{
	struct file_text f;
	int rc = file_read(path, CERT_FILE_MAX, &f);
	if (rc != 0) {
		*why = rc == -EFBIG ? "larger than 512 KiB" : rc == -EINVAL ? "not a regular file" : strerror(-rc);
		return false;
	}
	bool ok = cert_file_read(bytes_of(f.text, f.len), CERT_CA_MAX, l, why);
	file_text_release(&f);
	return ok;
}

/* One that cannot be read does not hide the others: it is told on stderr, and is in `bad` with its reason. */
static void show_files(const struct options *o, json_t *rows, json_t *bad)
{
	struct options told = *o;
	told.json = false; /* the answer tells all of them at its end */
	for (int i = 1; i < o->argc; i++) {
		const struct shown s = { o->argv[i], NULL, "file" };
		const char *why = "";
		struct cert_list l = { 0 };
		if (!read_file(o->argv[i], &l, &why)) {
			ctl_fail(&told, CTL_FAILED, "unreadable", "%s: %s", o->argv[i], why);
			json_array_append_new(bad, json_pack("{soss}", "file", words_json(o->argv[i]), "text", why));
		}
		for (unsigned k = 0; k < l.n; k++)
			add(rows, &s, l.der[k]);
		cert_list_free(&l);
	}
}

/* --- the settings --- */
static int load(const struct options *o, const char *file, struct conf **c, struct findings *f)
{
	char why[FILE_WHY], path[PATH_MAX];
	*c = conf_load_files(file != NULL ? file : settings_path(o, path), true, f, why);
	if (*c == NULL && why[0] != 0)
		return ctl_fail(o, CTL_FAILED, "unreadable", "%s", why);
	return CTL_DONE;
}

static int show_answer(const struct options *o, json_t *rows, json_t *bad)
{
	int code = json_array_size(bad) > 0 ? CTL_FAILED : CTL_DONE;
	if (!o->json) {
		print_rows(rows);
	} else if (code != CTL_DONE && json_array_size(rows) == 0) {
		char text[PATH_MAX + 256];
		const json_t *first = json_array_get(bad, 0);
		snprintf(text, sizeof text, "%s: %s", word_of(first, "file"), word_of(first, "text"));
		answer_print_error("unreadable", text);
	} else {
		json_t *answer = answer_new();
		json_object_set(answer, "certificates", rows);
		json_object_set(answer, "unreadable", bad);
		code |= answer_print(answer);
	}
	return code;
}

int run_certificate_show(const struct ctl_command *self, const struct options *o)
{
	struct conf *c = NULL;
	struct findings f = { 0 };
	json_t *rows = NULL, *bad = json_array();
	(void)self;
	int code = CTL_DONE;
	if (o->argc > 1) {
		rows = json_array();
		show_files(o, rows, bad);
	} else if ((code = load(o, NULL, &c, &f)) == CTL_DONE && c == NULL)
		code = ctl_fail(o, CTL_FAILED, "configuration", "the configuration has faults: see `s2sctl check`");
	if (c != NULL)
		rows = rows_of(c, NULL);
	if (code == CTL_DONE)
		code = show_answer(o, rows, bad);
	json_decref(rows);
	json_decref(bad);
	findings_release(&f);
	conf_free(c);
	return code;
}

/* --- check --- */
static bool concerns(const struct finding *f)
{
	static const char *const keys[] = { "certificate", "private-key", "ca", "crl", "cert-pin", "send-certificate", NULL };
	for (unsigned i = 0; keys[i] != NULL; i++)
		if (f->key != NULL && strcmp(f->key, keys[i]) == 0)
			return true;
	return strncmp(f->rule, "certificate", 11) == 0;
}

/* tunnel: of that one alone; NULL: of all. */
static json_t *findings_of(const struct findings *f, const char *tunnel, unsigned *errors)
{
	json_t *list = json_array();
	for (unsigned i = 0; i < f->n; i++) {
		const struct finding *v = &f->v[i];
		if (!concerns(v) || (tunnel != NULL && strcmp(v->tunnel, tunnel) != 0))
			continue;
		json_t *row = json_object();
		json_object_set_new(row, "severity", json_string(severity_word(v->severity)));
		json_object_set_new(row, "tunnel", words_json(v->tunnel));
		json_object_set_new(row, "key", words_json(v->key));
		json_object_set_new(row, "rule", json_string(v->rule));
		json_object_set_new(row, "text", words_json(v->text));
		json_object_set_new(row, "todo", words_json(v->advice));
		json_array_append_new(list, row);
		*errors += v->severity == FINDING_ERROR;
	}
	return list;
}

static void print_check(const json_t *found, const json_t *rows)
{
	char text[4096];
	for (size_t i = 0; i < json_array_size(rows); i++) {
		const json_t *row = json_array_get(rows, i);
		snprintf(text, sizeof text, "%s: %s: %s, until %s", word_of(row, "tunnel"), word_of(row, "use"),
			word_of(row, "subject"), word_of(row, "not_after"));
		put_fitting(stdout, text, 0, 8);
	}
	for (size_t i = 0; i < json_array_size(found); i++) {
		const json_t *row = json_array_get(found, i);
		const char *todo = word_of(row, "todo"), *key = word_of(row, "key");
		snprintf(text, sizeof text, "%s: %s: %s%s%s", word_of(row, "severity"), word_of(row, "tunnel"),
			key != NULL ? key : "", key != NULL ? ": " : "", word_of(row, "text"));
		put_fitting(stdout, text, 0, 8);
		if (todo != NULL) {
			int used = printf("        ");
			put_fitting(stdout, todo, (unsigned)used, 8);
		}
	}
}

int run_certificate_check(const struct ctl_command *self, const struct options *o)
{
	struct conf *c = NULL;
	struct findings f = { 0 };
	unsigned errors = 0;
	if (o->argc > 2)
		return ctl_usage(o, self, "too many arguments");
	/* What is no file is a tunnel of the settings in their ordinary place. */
	const char *word = o->argc > 1 ? o->argv[1] : NULL, *tunnel = word != NULL && access(word, F_OK) != 0 ? word : NULL;
	int code = load(o, tunnel == NULL ? word : NULL, &c, &f);
	if (code != CTL_DONE)
		return code;
	unsigned refused = f.refused;
	if (tunnel != NULL && c != NULL && conf_find(c, tunnel) == NULL) {
		findings_release(&f);
		conf_free(c);
		return ctl_fail(o, CTL_FAILED, "no-file", "'%s' is neither a file nor a tunnel", tunnel);
	}
	if (c != NULL)
		check_conf_certificates(&f, c, (int64_t)time(NULL));
	json_t *found = findings_of(&f, tunnel, &errors), *rows = rows_of(c, tunnel);
	if (o->json) {
		json_t *answer = answer_new();
		json_object_set_new(answer, "ok", json_boolean(errors == 0 && refused == 0));
		json_object_set(answer, "findings", found);
		json_object_set(answer, "certificates", rows);
		code = answer_print(answer);
	} else {
		print_check(found, rows);
		if (json_array_size(rows) == 0 && errors == 0 && refused == 0)
			printf("%s has a certificate\n", tunnel != NULL ? "this tunnel is not one that" : "no tunnel");
		if (refused > 0)
			fprintf(stderr, "s2sctl: the daemon refuses this configuration: see `s2sctl check`\n");
	}
	if (errors > 0 || refused > 0)
		code = CTL_FAILED;
	json_decref(found);
	json_decref(rows);
	findings_release(&f);
	conf_free(c);
	return code;
}
