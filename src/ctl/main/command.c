/*
 * command.c - the table of s2sctl's commands, one row each, and the reading of the command line. A command's function gets options that
 * were checked against its row; what it returns is the exit code.
 */
#include <errno.h>
#include <getopt.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "base/file.h"
#include "base/mem.h"
#include "config.h"
#include "ctl/ctl.h"
#include "ctl/render.h"

static const struct ctl_command commands[] = {
	{ "status", "[TUNNEL...]", 0, -1, OPT_TIMEOUT, run_status, "one line per tunnel, worst first, with the reason in words",
		"Without names every configured tunnel is listed, those that are down too." },
	{ "show", "TUNNEL... | algorithms | profile NAME", 1, -1, OPT_TIMEOUT, run_show,
		"everything about a tunnel, or what s2sd knows",
		"A tunnel: SPIs, algorithms, ages, next rekey, NAT, addresses, counters, the peer's vendor, settings.\n"
		"algorithms: words for proposals. profile NAME: the defaults of `cloud: NAME`. These two need no daemon." },
	{ "up", "TUNNEL", 1, 1, OPT_TIMEOUT, run_order, "bring a tunnel up and wait until it is",
		"Ends 0 only when the tunnel is up. --timeout SECONDS: how long to wait (30)." },
	{ "down", "TUNNEL", 1, 1, OPT_TIMEOUT, run_order, "take a tunnel down until `up` or a restart",
		"A reload does not undo it." },
	{ "rekey", "[--ike | --check] TUNNEL", 1, 1, OPT_TIMEOUT | OPT_IKE | OPT_CHECK, run_order,
		"fresh keys now, and wait for them",
		"The child SA is rekeyed, with --ike the IKE SA. --check: as a proof that both ends agree on PFS, which no first\n"
		"negotiation shows; a refusal is told and harms nothing. --timeout SECONDS: how long to wait (30)." },
	{ "reload", "[--dry-run]", 0, 0, OPT_TIMEOUT | OPT_DRY_RUN, run_reload, "read the configuration again",
		"A configuration with faults is refused and the running one stays. --dry-run: tell what would change." },
	{ "check", "[FILE]", 0, 1, 0, run_check, "what is wrong, or will be, with a configuration, and what to do about it",
		"FILE is the main file; conf.d/ and keys/ are looked for beside it. Settings are held against each other, against what\n"
		"AWS and Azure can do, and against this machine; no daemon is needed. Ends 1 when there is an error." },
	{ "export", "frr | bird [FILE]", 1, 2, 0, run_export, "BGP of the tunnels for a routing daemon",
		"Writes a configuration for all tunnels with a `bgp` block: neighbours, timers, filters, guards, ECMP.\n"
		"FILE is the main file; conf.d/ is looked for beside it. Keys are not read." },
	{ "events", "[-f] [-n NUMBER] [TUNNEL]", 0, 1, OPT_TIMEOUT | OPT_FOLLOW | OPT_LAST | OPT_DEBUG, run_events,
		"what happened, newest last",
		"-f, --follow: go on with what happens. -n, --last NUMBER: only the last ones. --debug: with -f, everything." },
	{ "top", "[--once]", 0, 0, OPT_ONCE, run_top, "tunnels and their traffic, live; q to leave",
		"Rates in and out with a graph each, errors, IKE retransmissions, rekeys; worst tunnels first, t: busiest first.\n"
		"--once, or not on a terminal: one frame after a second, plain." },
	{ "metrics", "[--classic]", 0, 0, OPT_TIMEOUT | OPT_CLASSIC, run_metrics, "what the daemon counts, as OpenMetrics text",
		"--classic: in the older Prometheus text format, for a textfile collector or `promtool check metrics`.\n"
		"`metrics-listen` serves the same by HTTP." },
	{ "trace", "[--pcapng FILE] [--seconds NUMBER] TUNNEL", 1, 1, OPT_PCAPNG | OPT_SECONDS, run_trace,
		"a tunnel's IKE messages, decrypted, as they go by",
		"A diagram in text, or with --pcapng a file for Wireshark or tshark (- for stdout). Keys are not in it, and the contents\n"
		"of AUTH are zeros. --seconds NUMBER: how long; otherwise until it is interrupted." },
	{ "report", "[-c CONFIG] [FILE]", 0, 1, OPT_CONFIG, run_report, "everything for whoever helps, in one text without keys",
		"Versions, status, events, metrics, settings in force, and this machine's network. FILE must not exist yet; without\n"
		"FILE, or -, to stdout. -c, --config CONFIG: the main configuration file." },
	{ "import", "aws|azure FILE... [-o DIR] [--name NAME] [--psk-file FILE] [--route PREFIX] [--force] [--dry-run]", 2, -1,
		OPT_IMPORT | OPT_DRY_RUN, run_import, "tunnels from the files that AWS or Azure hands out",
		"aws: describe-vpn-connections JSON, CustomerGatewayConfiguration XML, 'Generic' text. azure: JSON of connection, virtual\n"
		"network gateway, local network gateway, shared key and VNet in any order, Virtual WAN site file, device script.\n"
		"FILE may be -. Writes conf.d/NAME.yaml and keys/NAME.psk under DIR (" S2S_SYSCONFDIR "/s2sd), all or nothing.\n"
		"-o, --output DIR. --name NAME: instead of the connection's. --psk-file FILE: the key when the files lack it, one\n"
		"line for all tunnels, or lines of `OUTSIDE-ADDRESS KEY`. --route PREFIX[,PREFIX]: networks behind the cloud.\n"
		"--force: replace files that exist. --dry-run: show what would be written, and write nothing." },
	{ "explain", "TUNNEL", 1, 1, OPT_TIMEOUT, run_explain, "why a tunnel is as it is, and what to change on which side",
		"The verdict first, then what it rests on: what the daemon saw, and this machine's routes, filters and counters (as\n"
		"root, and in the daemon's network namespace). Then what to do here and at the other end, in the cloud's own words." },
	{ "probe", "[--port NUMBER] ADDRESS", 1, 1, OPT_PORT, run_probe,
		"which IKE proposals a peer accepts, and whom it looks like",
		"Asks by IKE_SA_INIT alone, at most five datagrams a second and about 60 in all, from a port of its own; no key is needed.\n"
		"At most one half-open IKE SA is left at the peer. --port NUMBER: another port than 500. Ends 1 when nobody answers." },
	{ "genpsk", "", 0, 0, 0, run_genpsk, "a pre-shared key that both clouds accept",
		"48 letters and digits of the system's randomness." },
	{ "version", "", 0, 0, 0, run_version, "versions of s2sctl and of the daemon, if it answers", "" },
	{ "help", "[COMMAND]", 0, 1, 0, run_help, "this list, or more about a command", "" },
};
#define COMMANDS (sizeof commands / sizeof commands[0])

enum {
	LONG_JSON = 256,
	LONG_TIMEOUT,
	LONG_IKE,
	LONG_CHECK,
	LONG_DRY_RUN,
	LONG_DEBUG,
	LONG_NAME,
	LONG_PSK_FILE,
	LONG_ROUTE,
	LONG_FORCE,
	LONG_CLASSIC,
	LONG_ONCE,
	LONG_SECONDS,
	LONG_PCAPNG,
	LONG_PORT
};

static const struct option longs[] = {
	{ "rundir", required_argument, NULL, 'r' },
	{ "help", no_argument, NULL, 'h' },
	{ "version", no_argument, NULL, 'V' },
	{ "json", no_argument, NULL, LONG_JSON },
	{ "timeout", required_argument, NULL, LONG_TIMEOUT },
	{ "ike", no_argument, NULL, LONG_IKE },
	{ "check", no_argument, NULL, LONG_CHECK },
	{ "dry-run", no_argument, NULL, LONG_DRY_RUN },
	{ "debug", no_argument, NULL, LONG_DEBUG },
	{ "follow", no_argument, NULL, 'f' },
	{ "last", required_argument, NULL, 'n' },
	{ "output", required_argument, NULL, 'o' },
	{ "name", required_argument, NULL, LONG_NAME },
	{ "psk-file", required_argument, NULL, LONG_PSK_FILE },
	{ "route", required_argument, NULL, LONG_ROUTE },
	{ "force", no_argument, NULL, LONG_FORCE },
	{ "classic", no_argument, NULL, LONG_CLASSIC },
	{ "once", no_argument, NULL, LONG_ONCE },
	{ "seconds", required_argument, NULL, LONG_SECONDS },
	{ "pcapng", required_argument, NULL, LONG_PCAPNG },
	{ "port", required_argument, NULL, LONG_PORT },
	{ "config", required_argument, NULL, 'c' },
	{ NULL, 0, NULL, 0 },
};

/* ---------------------------------------------------------------- telling */
json_t *json_versioned(void)
{
	json_t *o = json_object();
	json_object_set_new(o, "version", json_integer(1));
	return o;
}

int put_json(json_t *o)
{
	int bad = json_dumpf(o, stdout, isatty(STDOUT_FILENO) ? JSON_INDENT(2) : JSON_COMPACT);
	json_decref(o);
	bad |= putchar('\n') == EOF;
	bad |= fflush(stdout);
	return bad != 0 ? CTL_FAILED : CTL_DONE;
}

static void put_error(const char *word, const char *clean)
{
	json_t *answer = json_versioned(), *error = json_object();
	json_object_set_new(error, "code", json_string(word));
	json_object_set_new(error, "text", json_string(clean));
	json_object_set_new(answer, "error", error);
	put_json(answer);
}

int ctl_fail(const struct options *o, enum ctl_exit code, const char *word, const char *fmt, ...)
{
	char text[1024], clean[2048];
	va_list ap;
	va_start(ap, fmt);
	vsnprintf(text, sizeof text, fmt, ap);
	va_end(ap);
	int used = fprintf(stderr, "s2sctl: ");
	put_fitting(stderr, escaped(clean, sizeof clean, text), (unsigned)used, (unsigned)used);
	if (o->json)
		put_error(word, clean);
	return code;
}

/* On a terminal in lines that fit, otherwise as they are written. */
static void put_lines(FILE *to, const char *text, unsigned used, unsigned indent)
{
	if (!isatty(fileno(to))) {
		put_fitting(to, text, used, indent);
		return;
	}
	char *joined = xstrdup(text);
	for (char *p = joined; *p != 0; p++)
		*p = *p == '\n' ? ' ' : *p;
	put_fitting(to, joined, used, indent);
	free(joined);
}

static void put_usage(FILE *to, const struct ctl_command *c)
{
	char text[512];
	snprintf(text, sizeof text, "usage: s2sctl [-r RUNDIR] [--json] %s%s%s", c->word, c->args[0] != 0 ? " " : "", c->args);
	put_lines(to, text, 0, 7);
}

static bool json_wanted; /* written anywhere: a fault may stand before it */

int usage_fault(const struct ctl_command *c, const char *fmt, ...)
{
	char text[1024], clean[2048];
	va_list ap;
	va_start(ap, fmt);
	vsnprintf(text, sizeof text, fmt, ap);
	va_end(ap);
	int used = fprintf(stderr, "s2sctl: ");
	put_fitting(stderr, escaped(clean, sizeof clean, text), (unsigned)used, (unsigned)used);
	if (c != NULL)
		put_usage(stderr, c);
	if (json_wanted)
		put_error("usage", clean);
	return CTL_USAGE;
}

const char *settings_file(const struct options *o, char path[PATH_MAX])
{
	char link[PATH_MAX];
	int room = snprintf(link, sizeof link, "%s/" S2S_SETTINGS_LINK, o->rundir);
	ssize_t n = room > 0 && (size_t)room < sizeof link ? readlink(link, path, PATH_MAX - 1) : -1;
	if (n > 0 && path[0] == '/') {
		path[n] = 0;
		return path;
	}
	return S2S_SYSCONFDIR "/s2sd/s2sd.yaml";
}

/* ---------------------------------------------------------------- near words */
/* Edit distance with transpositions of neighbours, of words short enough to be ours. */
static unsigned distance(const char *a, const char *b)
{
	enum { LONGEST = 32 };
	unsigned d[LONGEST + 1][LONGEST + 1];
	size_t n = strlen(a), m = strlen(b);
	if (n > LONGEST || m > LONGEST)
		return LONGEST;
	for (size_t i = 0; i <= n; i++)
		d[i][0] = (unsigned)i;
	for (size_t j = 0; j <= m; j++)
		d[0][j] = (unsigned)j;
	for (size_t i = 1; i <= n; i++) {
		for (size_t j = 1; j <= m; j++) {
			unsigned best = d[i - 1][j - 1] + (a[i - 1] != b[j - 1]);
			best = d[i - 1][j] + 1 < best ? d[i - 1][j] + 1 : best;
			best = d[i][j - 1] + 1 < best ? d[i][j - 1] + 1 : best;
			bool swapped = i > 1 && j > 1 && a[i - 1] == b[j - 2] && a[i - 2] == b[j - 1];
			if (swapped && d[i - 2][j - 2] + 1 < best)
				best = d[i - 2][j - 2] + 1;
			d[i][j] = best;
		}
	}
	return d[n][m];
}

const char *nearest(const char *word, const char *const *list)
{
	const char *best = NULL;
	unsigned least = 3;
	for (; *list != NULL; list++) {
		unsigned d = distance(word, *list);
		if (d < least && d < strlen(*list)) {
			least = d;
			best = *list;
		}
	}
	return best;
}

static const struct ctl_command *find(const char *word)
{
	for (size_t i = 0; i < COMMANDS; i++) {
		if (strcmp(commands[i].word, word) == 0)
			return &commands[i];
	}
	return NULL;
}

static int unknown_command(const char *word)
{
	const char *words[COMMANDS + 1] = { NULL };
	for (size_t i = 0; i < COMMANDS; i++)
		words[i] = commands[i].word;
	const char *near = nearest(word, words);
	char clean[128];
	return usage_fault(NULL, "no command is called '%s'%s%s%s; `s2sctl help` lists them", escaped(clean, sizeof clean, word),
		near != NULL ? ": did you mean '" : "", near != NULL ? near : "", near != NULL ? "'?" : "");
}

/* ---------------------------------------------------------------- help */
static void put_commands(FILE *to)
{
	fputs("usage: s2sctl [-r RUNDIR] [--json] COMMAND [ARGUMENT...]\n\n", to);
	for (size_t i = 0; i < COMMANDS; i++) {
		fprintf(to, "  %-8s ", commands[i].word);
		put_lines(to, commands[i].help, 11, 11);
	}
	fprintf(to, "\n  -r, --rundir RUNDIR  talk to the daemon of this run directory (" S2S_RUNDIR ")\n"
		    "  --json               one JSON object on stdout\n"
		    "exit: 0 done, 1 failed, 2 usage, 3 the daemon does not answer\n");
}

static int put_help_json(void)
{
	json_t *o = json_versioned(), *list = json_array();
	for (size_t i = 0; i < COMMANDS; i++) {
		const struct ctl_command *c = &commands[i];
		json_array_append_new(list, json_pack("{ssssss}", "command", c->word, "arguments", c->args, "help", c->help));
	}
	json_object_set_new(o, "commands", list);
	return put_json(o);
}

static int put_help(const struct ctl_command *c)
{
	put_usage(stdout, c);
	put_lines(stdout, c->help, 0, 0);
	if (c->more[0] != 0)
		put_lines(stdout, c->more, 0, 0);
	return CTL_DONE;
}

int run_help(const struct ctl_command *self, const struct options *o)
{
	(void)self;
	if (o->json)
		return put_help_json();
	if (o->argc == 0) {
		put_commands(stdout);
		return CTL_DONE;
	}
	const struct ctl_command *c = find(o->argv[0]);
	return c != NULL ? put_help(c) : unknown_command(o->argv[0]);
}

/* ---------------------------------------------------------------- the command line */
static bool number(const char *text, int min, int *value)
{
	char *end;
	errno = 0;
	long n = strtol(text, &end, 10);
	if (errno != 0 || end == text || *end != 0 || n < min || n > 86400)
		return false;
	*value = (int)n;
	return true;
}

struct parsed {
	struct options o;
	unsigned used; /* OPT_* that were written */
	bool help, version;
};

static bool take_route(struct parsed *p)
{
	if (p->o.n_route < ROUTE_OPTIONS) {
		p->o.route[p->o.n_route++] = optarg;
		return true;
	}
	usage_fault(NULL, "--route more than %d times: write several prefixes with commas between", ROUTE_OPTIONS);
	return false;
}

/* Returns false after telling what is wrong. */
static bool take(struct parsed *p, int letter)
{
	switch (letter) {
	case 'r': p->o.rundir = optarg; return true;
	case 'h': p->help = true; return true;
	case 'V': p->version = true; return true;
	case 'f': p->o.follow = true, p->used |= OPT_FOLLOW; return true;
	case LONG_JSON: p->o.json = true; return true;
	case LONG_IKE: p->o.ike = true, p->used |= OPT_IKE; return true;
	case LONG_CHECK: p->o.rekey_check = true, p->used |= OPT_CHECK; return true;
	case LONG_DRY_RUN: p->o.dry_run = true, p->used |= OPT_DRY_RUN; return true;
	case LONG_DEBUG: p->o.debug = true, p->used |= OPT_DEBUG; return true;
	case 'o': p->o.out = optarg, p->used |= OPT_IMPORT; return true;
	case LONG_NAME: p->o.name = optarg, p->used |= OPT_IMPORT; return true;
	case LONG_PSK_FILE: p->o.psk_file = optarg, p->used |= OPT_IMPORT; return true;
	case LONG_FORCE: p->o.force = true, p->used |= OPT_IMPORT; return true;
	case LONG_ROUTE: p->used |= OPT_IMPORT; return take_route(p);
	case LONG_CLASSIC: p->o.classic = true, p->used |= OPT_CLASSIC; return true;
	case LONG_ONCE: p->o.once = true, p->used |= OPT_ONCE; return true;
	case LONG_PCAPNG: p->o.pcapng = optarg, p->used |= OPT_PCAPNG; return true;
	case 'c': p->o.config = optarg, p->used |= OPT_CONFIG; return true;
	case 'n': p->used |= OPT_LAST; break;
	case LONG_TIMEOUT: p->used |= OPT_TIMEOUT; break;
	case LONG_SECONDS: p->used |= OPT_SECONDS; break;
	case LONG_PORT: p->used |= OPT_PORT; break;
	default:
		if (json_wanted) /* getopt has told the others */
			put_error("usage", "an option is unknown, or lacks its value");
		return false;
	}
	int *value = letter == 'n'            ? &p->o.last
		     : letter == LONG_SECONDS ? &p->o.seconds
		     : letter == LONG_PORT    ? &p->o.port
					      : &p->o.timeout;
	if (number(optarg, letter == 'n' ? 0 : 1, value))
		return true;
	usage_fault(NULL, "'%s' is not a number from %d to 86400", optarg, letter == 'n' ? 0 : 1);
	return false;
}

static int run(struct parsed *p, const char *word)
{
	const struct ctl_command *c = find(word);
	if (c == NULL)
		return unknown_command(word);
	if (p->help)
		return put_help(c);
	if ((p->used & ~c->options) != 0)
		return usage_fault(c, "%s does not take that option", c->word);
	if (p->o.ike && p->o.rekey_check)
		return usage_fault(c, "--ike and --check do not go together");
	if (p->o.argc < c->min || (c->max >= 0 && p->o.argc > c->max))
		return usage_fault(c, "%s arguments", p->o.argc < c->min ? "too few" : "too many");
	return c->run(c, &p->o);
}

int ctl_main(int argc, char **argv)
{
	struct parsed p = { .o = { .rundir = S2S_RUNDIR, .last = -1 } };
	int letter;
	json_wanted = false;
	for (int i = 1; i < argc && strcmp(argv[i], "--") != 0; i++)
		json_wanted |= strcmp(argv[i], "--json") == 0;
	while ((letter = getopt_long(argc, argv, "r:hVfn:o:c:", longs, NULL)) != -1) {
		if (!take(&p, letter))
			return CTL_USAGE;
	}
	const char *word = optind < argc ? argv[optind] : p.version ? "version" : NULL;
	if (word == NULL) {
		put_commands(p.help ? stdout : stderr);
		if (!p.help && json_wanted)
			put_error("usage", "there is no command");
		return p.help ? CTL_DONE : CTL_USAGE;
	}
	p.o.argc = optind < argc ? argc - optind - 1 : 0;
	p.o.argv = argv + argc - p.o.argc;
	int code = run(&p, word);
	if ((fflush(stdout) != 0 || ferror(stdout)) && errno != EPIPE) {
		fprintf(stderr, "s2sctl: the output could not be written: %s\n", strerror(errno));
		code = code == CTL_DONE ? CTL_FAILED : code;
	}
	return code;
}
