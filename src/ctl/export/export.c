/* export.c - `s2sctl export FORMAT [FILE]`. */
#include "export.h"

#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "base/util.h"
#include "check/files.h"
#include "crypto/alg.h"
#include "ctl/answer.h"
#include "ctl/render.h"

static const struct format {
	const char *word;
	void (*write)(const struct export *e, FILE *to);
} formats[] = { { "frr", export_frr }, { "bird", export_bird } };
#define FORMATS (ARRAY_SIZE(formats))

static int put_text(const struct options *o, const struct format *f, const struct export *e)
{
	char *text = NULL;
	size_t len = 0;
	FILE *to = open_memstream(&text, &len);
	if (to != NULL) {
		f->write(e, to);
		fclose(to);
	}
	if (text == NULL)
		return ctl_fail(o, CTL_FAILED, "memory", "out of memory");
	int code = CTL_DONE;
	if (o->json) {
		json_t *answer = answer_new(), *names = json_array();
		for (unsigned i = 0; i < e->n; i++)
			json_array_append_new(names, json_string(e->peers[i].t->name));
		json_object_set_new(answer, "format", json_string(f->word));
		json_object_set_new(answer, "tunnels", names);
		json_object_set_new(answer, "text", json_string(text));
		code = answer_print(answer);
	} else if (fwrite(text, 1, len, stdout) != len) {
		code = CTL_FAILED;
	}
	free(text);
	return code;
}

/* Keys are not looked at: whoever may read the settings may export them. */
static int export_file(const struct options *o, const struct format *f, const char *file)
{
	char why[FILE_WHY], reason[EXPORT_WHY];
	struct findings faults;
	struct export e;
	struct conf *c = conf_load_files(file, false, &faults, why);
	if (c == NULL && why[0] != 0)
		return ctl_fail(o, CTL_FAILED, "unreadable", "%s", why);
	int code;
	if (c == NULL) {
		put_findings(stderr, &faults, true);
		code = ctl_fail(o, CTL_FAILED, "configuration", "%u error%s in the configuration: nothing is exported",
			faults.refused, faults.refused == 1 ? "" : "s");
	} else if (!export_make(&e, c, reason)) {
		code = ctl_fail(o, CTL_FAILED, "no-bgp", "%s", reason);
	} else {
		code = put_text(o, f, &e);
		export_release(&e);
	}
	conf_free(c);
	findings_release(&faults);
	return code;
}

int run_export(const struct ctl_command *self, const struct options *o)
{
	const char *words[FORMATS + 1] = { NULL }, *bad = NULL;
	char clean[128], path[PATH_MAX];
	const char *file = o->argc > 1 ? o->argv[1] : settings_path(o, path);
	for (size_t i = 0; i < FORMATS; i++)
		words[i] = formats[i].word;
	if (o->argc > 1 && !settings_are_at(file))
		return ctl_fail(o, CTL_FAILED, "no-file", "%s: no such file", file);
	if (!alg_init(&bad))
		return ctl_fail(o, CTL_FAILED, "crypto", "cryptographic library: %s", bad);
	for (size_t i = 0; i < FORMATS; i++)
		if (strcmp(words[i], o->argv[0]) == 0)
			return export_file(o, &formats[i], file);
	const char *near = near_word_in(o->argv[0], words);
	return ctl_usage(o, self, "unknown format '%s'%s%s%s the formats are frr and bird",
		escaped(clean, sizeof clean, o->argv[0]), near != NULL ? ": did you mean '" : "", near != NULL ? near : "",
		near != NULL ? "'?" : ";");
}
