/*
 * import_text.c - files of a cloud in; the files that `s2sctl import` would write, keys and all, and what it would tell out.
 *
 * The input begins with "#IMPORT aws" or "#IMPORT azure", then options one a line ("#NAME x", "#ROUTE 10.0.0.0/8"), then the files behind
 * lines "#FILE name"; "#PSK name" is the file of --psk-file. The result is loaded as the daemon would load it, and checked.
 */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "check/check.h"
#include "check/host.h"
#include "crypto/alg.h"
#include "ctl/import/set.h"

#define FILES_MAX 16

struct input {
	struct import_request request;
	struct import_doc docs[FILES_MAX], psk;
	const char *routes[FILES_MAX];
	bool good;
};

/* The argument of "#WORD argument", or NULL. */
static const char *argument(const char *line, const char *word)
{
	size_t n = strlen(word);
	return strncmp(line, word, n) == 0 && line[n] == ' ' ? line + n + 1 : NULL;
}

static void finish(struct import_doc *d, const char *end)
{
	if (d != NULL)
		d->len = (size_t)(end - d->text);
}

static struct import_doc *begin(struct input *in, const char *line, char *next)
{
	const char *file = argument(line, "#FILE"), *psk = argument(line, "#PSK");
	struct import_doc *d = file != NULL && in->request.n < FILES_MAX ? &in->docs[in->request.n++]
			       : psk != NULL                             ? &in->psk
									 : NULL;
	if (psk != NULL)
		in->request.psk = &in->psk;
	if (d != NULL)
		*d = (struct import_doc){ .name = file != NULL ? file : psk, .text = next };
	return d;
}

static void option(struct input *in, const char *line)
{
	const char *cloud = argument(line, "#IMPORT"), *name = argument(line, "#NAME"), *route = argument(line, "#ROUTE");
	if (cloud != NULL)
		in->good = cloud_parse(cloud, &in->request.cloud);
	const char *only = argument(line, "#ONLY");
	if (name != NULL)
		in->request.name = name;
	if (only != NULL)
		in->request.only = only;
	if (route != NULL && in->request.n_routes < FILES_MAX)
		in->routes[in->request.n_routes++] = route;
}

/* Lines with '#' and a capital are ours; the text is cut at them. */
static void split(struct input *in, char *text, const char *end)
{
	struct import_doc *open = NULL;
	for (char *line = text, *next; *line != 0; line = next) {
		char *nl = strchr(line, '\n');
		next = nl != NULL ? nl + 1 : line + strlen(line);
		if (line[0] != '#' || line[1] < 'A' || line[1] > 'Z')
			continue;
		finish(open, line);
		if (nl != NULL)
			*nl = 0;
		open = begin(in, line, next);
		option(in, line);
		if (open == NULL && argument(line, "#FILE") != NULL)
			in->good = false;
	}
	finish(open, end);
}

/* What `s2sctl check` says of the result, on a machine on which nothing is to be said; hints are left out. */
static void print_check(const struct conf *c)
{
	const struct host calm = { .forward4 = 1, .forward6 = 1, .rp_all = 2, .hash4 = 1, .hash6 = 1, .key_dir_mode = 0700 };
	struct findings out = { 0 };
	char text[FINDING_TEXT];
	check_conf(&out, c, &calm);
	for (unsigned i = 0; i < out.n; i++)
		if (out.v[i].severity != FINDING_HINT)
			printf("check: %s:%d: %s\n", out.v[i].file, out.v[i].line, finding_text(&out.v[i], text));
	findings_release(&out);
}

static void print_plan(struct import_set *p)
{
	static const char *const note_words[] = {
		[NOTE_ASSUMED] = "assumed", [NOTE_WARNING] = "warning", [NOTE_HERE] = "here", [NOTE_CLOUD] = "cloud"
	};
	struct findings faults = { 0 };
	for (const struct import_file *f = p->files; f != NULL; f = f->next)
		printf("==> %s%s\n%s", f->path, f->secret ? " (0600)" : "", f->text);
	struct conf *c = import_load(p, "", NULL, &faults);
	for (const struct note *n = p->notes; n != NULL; n = n->next)
		printf("%s: %s\n", note_words[n->kind], n->text);
	char text[FINDING_TEXT];
	for (unsigned i = 0; i < faults.n; i++)
		printf("%s:%d: %s: %s\n", faults.v[i].file, faults.v[i].line,
			finding_load(faults.v[i].code) == LOAD_REFUSES ? "error" : "warning", finding_text(&faults.v[i], text));
	if (c != NULL)
		print_check(c);
	printf("%s\n", c == NULL          ? "the daemon would refuse it"
		       : p->bring != NULL ? "accepted when these files are there"
					  : "accepted");
	conf_free(c);
	findings_release(&faults);
}

int main(int argc, char **argv)
{
	static char text[1 << 20];
	static struct input in;
	struct import_set p;
	const char *why = "";
	FILE *f = argc > 1 ? fopen(argv[1], "r") : stdin;
	if (f == NULL || !alg_init(&why)) {
		fprintf(stderr, "import_text: %s\n", f == NULL ? "cannot open the input" : why);
		return 2;
	}
	size_t n = fread(text, 1, sizeof text - 1, f);
	text[n] = 0;
	if (f != stdin)
		fclose(f);
	split(&in, text, text + n);
	in.request.docs = in.docs;
	in.request.routes = in.routes;
	if (!in.good) {
		fprintf(stderr, "import_text: the input does not begin with #IMPORT aws or azure\n");
		return 2;
	}
	doc_json_memory();
	if (import_read(&p, &in.request))
		print_plan(&p);
	else
		printf("refused: %s\n", p.refusal);
	import_release(&p);
	return 0;
}
