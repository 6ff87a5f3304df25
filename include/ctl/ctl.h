/*
 * ctl.h - what the files of s2sctl share: options, exit codes, the table of commands, how a failure is told.
 */
#ifndef CTL_CTL_H
#define CTL_CTL_H

#include <jansson.h>
#include <limits.h>
#include <stdbool.h>

enum ctl_exit { CTL_DONE = 0, CTL_FAILED = 1, CTL_USAGE = 2, CTL_NO_DAEMON = 3 };

#define ROUTE_OPTIONS 16

struct options {
	const char *rundir;
	bool json, ike, rekey_check, dry_run, follow, debug;
	int timeout; /* seconds; 0 = the command's own */
	int last;    /* -1 = all */
	int argc;    /* arguments after the command's word */
	char **argv;
	/* import */
	const char *out, *name, *psk_file; /* NULL = not written */
	const char *route[ROUTE_OPTIONS];  /* --route, as written */
	unsigned n_route;
	bool force;
	/* metrics, top, trace, report */
	bool classic, once;
	int port;                    /* probe; 0 = 500 */
	int seconds;                 /* 0 = until it is ended */
	const char *pcapng, *config; /* NULL = not written */
};

enum {
	OPT_TIMEOUT = 1,
	OPT_IKE = 2,
	OPT_DRY_RUN = 4,
	OPT_FOLLOW = 8,
	OPT_LAST = 16,
	OPT_DEBUG = 32,
	OPT_IMPORT = 64,
	OPT_CLASSIC = 128,
	OPT_ONCE = 256,
	OPT_SECONDS = 512,
	OPT_PCAPNG = 1024,
	OPT_CONFIG = 2048,
	OPT_PORT = 4096,
	OPT_CHECK = 8192
};

struct ctl_command {
	const char *word, *args; /* as the usage line writes them */
	int min, max;            /* number of arguments; max -1 = any */
	unsigned options;        /* OPT_* that it takes; -r, --json and --help go with every command */
	int (*run)(const struct ctl_command *self, const struct options *o);
	const char *help, *more;
};

int ctl_main(int argc, char **argv);

/* The settings that are meant when none are named: those of the run directory's daemon, else the ones in their ordinary place. */
const char *settings_file(const struct options *o, char path[PATH_MAX]);
/* Tells why on stderr (with --json also as an object on stdout) and returns the exit code. */
int ctl_fail(const struct options *o, enum ctl_exit code, const char *word, const char *fmt, ...)
	__attribute__((format(printf, 4, 5)));
int usage_fault(const struct ctl_command *c, const char *fmt, ...) __attribute__((format(printf, 2, 3)));
int put_json(
	json_t *o); /* takes the reference; indented on a terminal, one line otherwise; CTL_FAILED when stdout is full or gone */
json_t *json_versioned(void); /* {"version":1} */

/* The word of the list (NULL at its end) that is near enough to be meant, or NULL. */
const char *nearest(const char *word, const char *const *list);

/* One function per command; rows in command.c. */
typedef int ctl_run(const struct ctl_command *self, const struct options *o);
ctl_run run_explain, run_probe;
ctl_run run_status, run_show, run_order, run_reload, run_check, run_export, run_events, run_genpsk, run_version, run_help,
	run_import, run_metrics, run_top, run_trace, run_report;
int show_algorithms(const struct options *o);                /* offline.c */
int show_profile(const struct options *o, const char *name); /* offline.c */
bool psk_make(char *key, unsigned n);                        /* n characters and a 0; false when the system has no randomness */
#define PSK_LENGTH 48

#endif
