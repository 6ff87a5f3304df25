/*
 * options.h - the options of s2sctl, one row each. A command's row in command.c says which of them it takes.
 */
#ifndef CTL_OPTIONS_H
#define CTL_OPTIONS_H

#include "ctl/ctl.h"

/* word, letter (0: none), how its value is read, its member of struct options, least value of a number */
/* clang-format off */
#define OPTION_LIST(X) \
	X(TIMEOUT, "timeout", 0, NUMBER, timeout, 1) \
	X(IKE, "ike", 0, FLAG, ike, 0) \
	X(CHECK, "check", 0, FLAG, rekey_check, 0) \
	X(DRY_RUN, "dry-run", 0, FLAG, dry_run, 0) \
	X(DEBUG, "debug", 0, FLAG, debug, 0) \
	X(FOLLOW, "follow", 'f', FLAG, follow, 0) \
	X(LAST, "last", 'n', NUMBER, last, 0) \
	X(OUTPUT, "output", 'o', TEXT, out, 0) \
	X(NAME, "name", 0, TEXT, name, 0) \
	X(ONLY, "only", 0, TEXT, only, 0) \
	X(PSK_FILE, "psk-file", 0, TEXT, psk_file, 0) \
	X(ROUTE, "route", 0, ROUTES, route, 0) \
	X(FORCE, "force", 0, FLAG, force, 0) \
	X(CLASSIC, "classic", 0, FLAG, classic, 0) \
	X(LISTEN, "listen", 0, TEXT, listen, 0) \
	X(ONCE, "once", 0, FLAG, once, 0) \
	X(SECONDS, "seconds", 0, NUMBER, seconds, 1) \
	X(PCAPNG, "pcapng", 0, TEXT, pcapng, 0) \
	X(PORT, "port", 0, NUMBER, port, 1) \
	X(CONFIG, "config", 'c', TEXT, config, 0) \
	X(PROGRAM, "program", 0, TEXT, program, 0) \
	X(HOW_MANY, "count", 0, NUMBER, count, 1) \
	X(SIZE, "size", 0, NUMBER, size, 1) \
	X(MTU, "mtu", 0, FLAG, mtu, 0) \
	X(ESP, "esp", 0, FLAG, esp, 0) \
	X(FROM, "from", 0, TEXT, from, 0) \
	X(TO, "to", 0, TEXT, to, 0) \
	X(TRACE, "trace", 0, FLAG, trace, 0)
/* Those of every command: no row of command.c names them. */
#define OPTION_EVERYWHERE(X) \
	X(RUNDIR, "rundir", 'r', TEXT, rundir, 0) \
	X(HELP, "help", 'h', FLAG, help, 0) \
	X(VERSION, "version", 'V', FLAG, version, 0) \
	X(JSON, "json", 0, FLAG, json, 0)
/* clang-format on */

enum option_index {
#define X(id, word, letter, kind, member, least) OPTION_##id,
	OPTION_LIST(X) OPTION_EVERYWHERE(X)
#undef X
		OPTION_COUNT
};
enum option_bit {
#define X(id, word, letter, kind, member, least) OPT_##id = 1 << OPTION_##id,
	OPTION_LIST(X)
#undef X
		OPT_IMPORT = OPT_OUTPUT | OPT_NAME | OPT_ONLY | OPT_PSK_FILE | OPT_ROUTE | OPT_FORCE
};

/* Reads the command line, whose first word that is no option is *word (NULL: none); what stands after it becomes argc and argv of
 * the options. `used` gets the OPT_* that were written. False after telling what is wrong. */
bool options_read(struct options *o, unsigned *used, const char **word, int argc, char **argv);

/* The long word of the first of these OPT_*. */
const char *option_word(unsigned options);

#endif
