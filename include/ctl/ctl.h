/*
 * ctl.h - what the commands of s2sctl share: options, exit codes, a command's row.
 *
 * Order inside src/ctl, from below: view (words on a screen), common (answers, the control socket, other programs), bgp (what routing daemons say), filter (the
 * rules of nf_tables), watch (real packets), way (a packet's way through this machine), then a folder per subject, none of which knows another; main on top: the
 * table of commands and what is too small for a folder of its own.
 */
#ifndef CTL_CTL_H
#define CTL_CTL_H

#include <limits.h>
#include <stdbool.h>

enum ctl_exit { CTL_DONE = 0, CTL_FAILED = 1, CTL_USAGE = 2, CTL_NO_DAEMON = 3 };

#define ROUTE_OPTIONS 16

struct options {
	const char *rundir;
	bool json, help, version, ike, rekey_check, dry_run, follow, debug;
	int timeout; /* seconds; 0 = the command's own */
	int last;    /* -1 = all */
	int argc;    /* arguments after the command's word */
	char **argv;
	/* import */
	const char *out, *name, *only, *psk_file; /* NULL = not written */
	const char *route[ROUTE_OPTIONS];         /* --route, as written */
	unsigned n_route;
	bool force;
	/* metrics, top, trace, report */
	bool classic, once;
	bool trace;                                     /* explain: real packets are watched */
	const char *from, *to;                          /* ping, explain: the ends of a packet; NULL = not written */
	int port;                                       /* probe; 0 = 500 */
	int seconds;                                    /* 0 = until it is ended */
	const char *pcapng, *config, *listen, *program; /* NULL = not written */
	/* ping, probe, explain */
	int count, size; /* 0 = the command's own */
	bool mtu, esp;
};

struct ctl_command {
	const char *word, *args; /* as the usage line writes them */
	int min, max;            /* number of arguments; max -1 = any */
	unsigned options;        /* OPT_* of main/options.h that it takes, beside those of every command */
	int (*run)(const struct ctl_command *self, const struct options *o);
	const char *help, *more;
};

int ctl_main(int argc, char **argv);

/* The settings that are meant when none are named: those of the run directory's daemon, else the ones in their ordinary place. */
const char *settings_path(const struct options *o, char path[PATH_MAX]);
/* A main file that somebody named, or conf.d/ in its place: the daemon does without a main file, and `import -o` writes none. */
bool settings_are_at(const char *file);

/* One function per command; rows in main/command.c. */
typedef int ctl_run(const struct ctl_command *self, const struct options *o);
ctl_run run_explain, run_probe, run_ping, run_probe_esp;
ctl_run run_status, run_show, run_order, run_reload, run_check, run_export, run_events, run_genpsk, run_version, run_help,
	run_certificate, run_import, run_metrics, run_top, run_trace, run_report, run_upgrade_check;
int show_algorithms(const struct options *o);                /* main/algorithms.c */
int show_profile(const struct options *o, const char *name); /* main/algorithms.c */
bool psk_make(char *key, unsigned n);                        /* n characters and a 0; false when the system has no randomness */
#define PSK_LENGTH 48

#endif
