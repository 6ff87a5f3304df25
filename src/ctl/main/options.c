/* options.c - reads the command line by the rows of options.h. */
#include "options.h"

#include <errno.h>
#include <getopt.h>
#include <stddef.h>
#include <stdlib.h>
#include <string.h>

#include "config.h"
#include "ctl/answer.h"

enum kind { KIND_FLAG, KIND_TEXT, KIND_NUMBER, KIND_ROUTES };

static const struct row {
	const char *word;
	char letter;
	enum kind kind;
	size_t at; /* in struct options */
	int least;
} rows[] = {
#define X(id, word, letter, kind, member, least) { word, letter, KIND_##kind, offsetof(struct options, member), least },
	OPTION_LIST(X) OPTION_EVERYWHERE(X)
#undef X
};

#define LONG_FIRST 256 /* what getopt_long returns for the first row without a letter */
#define MOST 86400

static bool take_number(const struct options *o, const struct row *row, int *to)
{
	char *end;
	errno = 0;
	long n = strtol(optarg, &end, 10);
	if (errno != 0 || end == optarg || *end != 0 || n < row->least || n > MOST) {
		ctl_usage(o, NULL, "--%s: '%s' is not a number from %d to %d", row->word, optarg, row->least, MOST);
		return false;
	}
	*to = (int)n;
	return true;
}

static bool take_route(struct options *o)
{
	if (o->n_route < ROUTE_OPTIONS) {
		o->route[o->n_route++] = optarg;
		return true;
	}
	ctl_usage(o, NULL, "--route more than %d times: write several prefixes with commas between", ROUTE_OPTIONS);
	return false;
}

static bool take(struct options *o, const struct row *row)
{
	void *to = (char *)o + row->at;
	switch (row->kind) {
	case KIND_FLAG: *(bool *)to = true; return true;
	case KIND_TEXT: *(const char **)to = optarg; return true;
	case KIND_NUMBER: return take_number(o, row, to);
	case KIND_ROUTES: return take_route(o);
	}
	return false;
}

static unsigned row_of(int letter)
{
	unsigned i = 0;
	if (letter >= LONG_FIRST)
		return (unsigned)letter - LONG_FIRST;
	while (i < OPTION_COUNT && rows[i].letter != letter)
		i++;
	return i;
}

/* The rows in getopt's own form. */
static void make_tables(struct option longs[OPTION_COUNT + 1], char letters[2 * OPTION_COUNT + 1])
{
	for (unsigned i = 0; i < OPTION_COUNT; i++) {
		bool value = rows[i].kind != KIND_FLAG;
		longs[i] = (struct option){ rows[i].word, value ? required_argument : no_argument, NULL, LONG_FIRST + (int)i };
		if (rows[i].letter != 0)
			*letters++ = rows[i].letter;
		if (rows[i].letter != 0 && value)
			*letters++ = ':';
	}
	longs[OPTION_COUNT] = (struct option){ 0 };
	*letters = 0;
}

bool options_read(struct options *o, unsigned *used, const char **word, int argc, char **argv)
{
	struct option longs[OPTION_COUNT + 1];
	char letters[2 * OPTION_COUNT + 1];
	int letter;
	*o = (struct options){ .rundir = S2S_RUNDIR, .last = -1 };
	*used = 0;
	/* Wanted wherever it is written: a fault may stand before it. */
	for (int i = 1; i < argc && strcmp(argv[i], "--") != 0; i++)
		o->json |= strcmp(argv[i], "--json") == 0;
	make_tables(longs, letters);
	while ((letter = getopt_long(argc, argv, letters, longs, NULL)) != -1) {
		unsigned i = row_of(letter);
		if (i >= OPTION_COUNT) {
			if (o->json) /* getopt has printed it for people */
				answer_print_error("usage", "an option is unknown, or lacks its value");
			return false;
		}
		if (i < OPTION_RUNDIR)
			*used |= 1u << i;
		if (!take(o, &rows[i]))
			return false;
	}
	*word = optind < argc ? argv[optind] : NULL;
	o->argc = optind < argc ? argc - optind - 1 : 0;
	o->argv = argv + argc - o->argc;
	return true;
}

const char *option_word(unsigned options)
{
	unsigned i = 0;
	while (i < OPTION_RUNDIR - 1 && (options >> i & 1) == 0)
		i++;
	return rows[i].word;
}
