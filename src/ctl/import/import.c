/*
 * import.c - `s2sctl import aws|azure FILE...`: reads the files, lets the readers make settings, has the configuration loader judge the
 * result together with what is there already, and only then writes, all or nothing. It prints what was written and assumed, and what is left to do.
 */
#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "config.h"
#include "base/file.h"
#include "base/util.h"
#include "check/files.h"
#include "crypto/alg.h"
#include "ctl/answer.h"
#include "install.h"
#include "set.h"
#include "ctl/render.h"

#define DEFAULT_DIR S2S_SYSCONFDIR "/s2sd"

/* --- reading: files, pipes and standard input, never more than is allowed --- */
static char *read_bounded(int fd, size_t max, size_t *len)
{
	char *text = xcalloc(max + 1, 1); /* what nothing is read into costs no memory */
	ssize_t got = 1;
	size_t n = 0;
	while (n <= max && got != 0) {
		got = read(fd, text + n, max + 1 - n);
		if (got < 0 && errno != EINTR)
			break;
		n += got > 0 ? (size_t)got : 0;
	}
	*len = n;
	if (got == 0)
		return text;
	int error = got < 0 ? errno : EFBIG;
	wipe(text, n);
	free(text);
	errno = error;
	return NULL;
}

static bool read_doc(const char *path, size_t max, struct import_doc *d, char why[INSTALL_WHY])
{
	bool standard = strcmp(path, "-") == 0;
	struct stat st;
	int fd = standard ? STDIN_FILENO : open(path, O_RDONLY | O_CLOEXEC);
	d->name = standard ? "standard input" : path;
	int error = fd < 0 ? errno : fstat(fd, &st) == 0 && S_ISREG(st.st_mode) && (size_t)st.st_size > max ? EFBIG : 0;
	if (error == 0) {
		d->text = read_bounded(fd, max, &d->len);
		error = d->text == NULL ? errno : 0;
	}
	if (!standard && fd >= 0)
		close(fd);
	if (error == EFBIG)
		snprintf(why, INSTALL_WHY, "%.400s is larger than %zu KiB: no such file of a cloud is", d->name, max / 1024);
	else if (error != 0)
		snprintf(why, INSTALL_WHY, "%.400s: %s", d->name, strerror(error));
	return error == 0;
}

static void release_doc(struct import_doc *d)
{
	if (d->text != NULL)
		wipe((void *)d->text, d->len);
	free((void *)d->text);
}

/* --- printing --- */
static json_t *clean_json(const char *s)
{
	char text[4096];
	return json_string(escaped(text, sizeof text, s));
}

static json_t *notes_json(const struct import_set *p, enum note_kind kind)
{
	json_t *list = json_array();
	for (const struct note *n = p->notes; n != NULL; n = n->next)
		if (n->kind == kind)
			json_array_append_new(list, clean_json(n->text));
	return list;
}

static json_t *tunnels_json(const struct import_set *p)
{
	json_t *list = json_array();
	for (const struct import_conn *m = p->first; m != NULL; m = m->next) {
		for (const struct import_tunnel *t = m->first; t != NULL; t = t->next) {
			json_t *name = clean_json(t->name), *remote = clean_json(t->remote);
			json_array_append_new(list, json_pack("{soso}", "name", name, "remote", remote));
		}
	}
	return list;
}

static json_t *warnings_json(const struct import_set *p, const struct findings *faults)
{
	char text[FINDING_TEXT];
	json_t *list = notes_json(p, NOTE_WARNING);
	for (unsigned i = 0; i < faults->n; i++)
		json_array_append_new(list, clean_json(finding_text(&faults->v[i], text)));
	return list;
}

static int print_json(const struct import_set *p, const struct options *o, const char *dir, const struct findings *faults)
{
	json_t *answer = answer_new(), *files = json_array();
	for (const struct import_file *f = p->files; f != NULL; f = f->next) {
		char folder[4096];
		json_t *path = json_sprintf("%s/%s", escaped(folder, sizeof folder, dir), f->path);
		json_array_append_new(files, json_pack("{soss?}", "path", path, "text", f->secret ? NULL : f->text));
	}
	json_object_set_new(answer, "written", json_boolean(!o->dry_run));
	json_object_set_new(answer, "files", files);
	json_object_set_new(answer, "tunnels", tunnels_json(p));
	json_object_set_new(answer, "assumed", notes_json(p, NOTE_ASSUMED));
	json_object_set_new(answer, "warnings", warnings_json(p, faults));
	json_object_set_new(answer, "here", notes_json(p, NOTE_HERE));
	json_object_set_new(answer, "cloud", notes_json(p, NOTE_CLOUD));
	return answer_print(answer);
}

static void print_notes(const struct import_set *p)
{
	static const struct {
		enum note_kind kind;
		const char *title;
	} order[] = { { NOTE_ASSUMED, "assumed" }, { NOTE_WARNING, "warning" }, { NOTE_CLOUD, "at the cloud" },
		{ NOTE_HERE, "to do here" } };
	char text[4096];
	for (size_t i = 0; i < ARRAY_SIZE(order); i++)
		for (const struct note *n = p->notes; n != NULL; n = n->next) {
			if (n->kind != order[i].kind)
				continue;
			int used = printf("%s: ", order[i].title);
			put_fitting(stdout, escaped(text, sizeof text, n->text), (unsigned)used, 2);
		}
}

static void print_next(const struct import_set *p, const struct options *o, const char *dir)
{
	char text[12288] = "", files[2048], at[4096];
	if (p->bring != NULL)
		snprintf(text, sizeof text, "bring %s, then ", escaped(files, sizeof files, p->bring));
	size_t n = strlen(text);
	if (o->out == NULL)
		snprintf(text + n, sizeof text - n, "s2sctl check, then s2sctl reload (or systemctl start s2sd)");
	else
		snprintf(text + n, sizeof text - n,
			"s2sctl check %s/s2sd.yaml, then s2sctl reload, where a daemon has these settings (or s2sd -c %s/s2sd.yaml)",
			escaped(at, sizeof at, dir), at);
	int used = printf("next: ");
	put_fitting(stdout, text, (unsigned)used, 2);
}

static void print_text(const struct import_set *p, const struct options *o, const char *dir)
{
	char path[4096];
	for (const struct import_file *f = p->files; f != NULL; f = f->next) {
		printf("%s %s/%s%s\n", o->dry_run ? "would write" : "wrote", escaped(path, sizeof path, dir), f->path,
			f->secret ? " (0600, a key)" : "");
		if (o->dry_run && !f->secret)
			printf("%s\n", f->text);
	}
	for (const struct import_conn *m = p->first; m != NULL; m = m->next)
		for (const struct import_tunnel *t = m->first; t != NULL; t = t->next)
			printf("tunnel %s to %s\n", t->name, t->remote);
	print_notes(p);
	if (!o->dry_run)
		print_next(p, o, dir);
}

/* --- judging and writing --- */
static int judge(struct import_set *p, const struct options *o, const char *dir)
{
	char why[FILE_WHY], base[4096], main_file[4096], failure[INSTALL_WHY];
	struct findings faults = { 0 };
	struct conf_files set;
	struct conf *conf = NULL;
	int code = CTL_FAILED;
	int room = snprintf(base, sizeof base, "%s/", dir), room2 = snprintf(main_file, sizeof main_file, "%s/s2sd.yaml", dir);
	if (room >= (int)sizeof base || room2 >= (int)sizeof main_file)
		return ctl_fail(o, CTL_FAILED, "unreadable", "the name of the folder is too long");
	if (!conf_files_read(&set, main_file, why))
		return ctl_fail(o, CTL_FAILED, "unreadable", "%s", why);
	conf = import_load(p, base, &set, &faults);
	put_findings(stderr, &faults, false);
	if (conf == NULL) {
		ctl_fail(o, CTL_FAILED, "faults",
			"with these files the configuration in %s would have %u error%s, see above: nothing was written", dir,
			faults.refused, faults.refused == 1 ? "" : "s");
		goto out;
	}
	if (!o->dry_run && !install_files(dir, p->files, o->force, failure)) {
		ctl_fail(o, CTL_FAILED, "write", "%s: nothing was written", failure);
		goto out;
	}
	code = CTL_DONE;
	if (o->json)
		code = print_json(p, o, dir, &faults);
	else
		print_text(p, o, dir);
out:
	conf_free(conf);
	findings_release(&faults);
	conf_files_release(&set);
	return code;
}

static int import(const struct options *o, struct import_request *r)
{
	struct import_set p;
	char dir[4096];
	snprintf(dir, sizeof dir, "%s", o->out != NULL ? o->out : DEFAULT_DIR);
	for (size_t n = strlen(dir); n > 1 && dir[n - 1] == '/'; n--)
		dir[n - 1] = 0;
	bool good = import_read(&p, r);
	int code = good ? judge(&p, o, dir) : ctl_fail(o, CTL_FAILED, "import", "%s", p.refusal);
	import_release(&p);
	return code;
}

static bool read_all(const struct options *o, struct import_doc *docs, unsigned n, struct import_doc *psk, char why[INSTALL_WHY])
{
	for (unsigned i = 0; i < n; i++)
		if (!read_doc(o->argv[i + 1], IMPORT_FILE_MAX, &docs[i], why))
			return false;
	if (o->psk_file == NULL || read_doc(o->psk_file, KEY_FILE_MAX, psk, why))
		return true;
	if (strcmp(o->psk_file, "-") != 0 && access(o->psk_file, F_OK) != 0)
		snprintf(
			why, INSTALL_WHY, "--psk-file takes the name of a file: no such file (value not shown, it may be a key)");
	return false;
}

int run_import(const struct ctl_command *self, const struct options *o)
{
	struct import_doc docs[IMPORT_FILES_MAX] = { 0 }, psk = { 0 };
	struct import_request r = { .docs = docs,
		.n = (unsigned)o->argc - 1,
		.name = o->name,
		.only = o->only,
		.routes = o->route,
		.n_routes = o->n_route };
	char why[INSTALL_WHY], clouds[IMPORT_CLOUDS];
	const char *bad = NULL;
	unsigned standard = o->psk_file != NULL && strcmp(o->psk_file, "-") == 0;
	if (!import_takes(o->argv[0]) || !cloud_parse(o->argv[0], &r.cloud))
		return ctl_usage(o, self, "import takes %s, not '%s'", import_clouds(clouds), o->argv[0]);
	for (int i = 1; i < o->argc; i++)
		standard += strcmp(o->argv[i], "-") == 0;
	if (standard > 1)
		return ctl_usage(o, self, "standard input can be read once only");
	if (r.n > IMPORT_FILES_MAX)
		return ctl_usage(o, self, "more than %d files", IMPORT_FILES_MAX);
	if (!alg_init(&bad))
		return ctl_fail(o, CTL_FAILED, "crypto", "cryptographic library: %s", bad);
	doc_json_memory();
	r.psk = o->psk_file != NULL ? &psk : NULL;
	int code = read_all(o, docs, r.n, &psk, why) ? import(o, &r) : ctl_fail(o, CTL_FAILED, "unreadable", "%s", why);
	for (unsigned i = 0; i < r.n; i++)
		release_doc(&docs[i]);
	release_doc(&psk);
	return code;
}
