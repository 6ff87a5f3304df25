/*
 * export_text.c - settings in, what `s2sctl export frr` and `export bird` make of them out. With a second argument, one of the two alone.
 */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "check/check.h"
#include "ctl/export/export.h"

static int refused(struct findings *faults)
{
	char text[FINDING_TEXT];
	for (unsigned i = 0; i < faults->n; i++)
		printf("%s:%d: %s\n", faults->v[i].file, faults->v[i].line, finding_text(&faults->v[i], text));
	findings_release(faults);
	printf("refused\n");
	return 0;
}

int main(int argc, char **argv)
{
	static char text[1 << 20];
	struct findings faults;
	struct export e;
	const char *why = "", *one = argc > 2 ? argv[2] : NULL;
	char reason[EXPORT_WHY];
	FILE *f = argc > 1 ? fopen(argv[1], "r") : stdin;
	if (f == NULL || !alg_init(&why)) {
		fprintf(stderr, "export_text: %s\n", f == NULL ? "cannot open the input" : why);
		return 2;
	}
	struct conf_text in = { .file = "s2sd.yaml", .text = text, .len = fread(text, 1, sizeof text - 1, f) };
	if (f != stdin)
		fclose(f);
	struct conf *c = conf_load(&in, 1, NULL, NULL, &faults);
	if (c == NULL)
		return refused(&faults);
	findings_release(&faults);
	bool good = export_make(&e, c, reason);
	if (good && one == NULL)
		printf("=== frr\n");
	if (good && (one == NULL || strcmp(one, "frr") == 0))
		export_frr(&e, stdout);
	if (good && one == NULL)
		printf("=== bird\n");
	if (good && (one == NULL || strcmp(one, "bird") == 0))
		export_bird(&e, stdout);
	if (good)
		export_release(&e);
	else
		printf("refused: %s\n", reason);
	conf_free(c);
	return 0;
}
