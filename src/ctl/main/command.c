/*
 * command.c - the table of s2sctl's commands, one row each. A command's function gets options that were checked against its row; what it
 * returns is the exit code.
 */
#include <errno.h>
#include <stdio.h>
#include <string.h>

#include "config.h"
#include "base/util.h"
#include "ctl/answer.h"
#include "ctl/render.h"
#include "options.h"

static int run_any_probe(const struct ctl_command *self, const struct options *o)
{
	if (o->esp && o->port > 0)
		return ctl_usage(o, self, "--port does not go with --esp");
	return o->esp ? run_probe_esp(self, o) : run_probe(self, o);
}

static const struct ctl_command commands[] = {
	{ "status", "[TUNNEL...]", 0, -1, OPT_TIMEOUT, run_status, "one line per tunnel, worst first, with the reason",
		"Without names all configured tunnels are listed, also those that are down." },
	{ "show", "TUNNEL... | algorithms | profile NAME", 1, -1, OPT_TIMEOUT, run_show,
		"all details of a tunnel, or what s2sd supports",
		"A tunnel: SPIs, algorithms, ages, next rekey, NAT, addresses, counters, the peer's vendor, settings.\n"
		"algorithms: their names in proposals. profile NAME: the defaults of `cloud: NAME`. These two need no daemon." },
	{ "up", "TUNNEL", 1, 1, OPT_TIMEOUT, run_order, "bring a tunnel up and wait until it is up",
		"Exits 0 only when the tunnel is up. --timeout SECONDS: how long to wait (default 30)." },
	{ "down", "TUNNEL", 1, 1, OPT_TIMEOUT, run_order, "take a tunnel down until `up` or a restart",
		"A reload does not bring it up again." },
	{ "rekey", "[--ike | --check] TUNNEL", 1, 1, OPT_TIMEOUT | OPT_IKE | OPT_CHECK, run_order,
		"rekey a tunnel now and wait until it is done",
		"Rekeys the child SA, with --ike the IKE SA. --check: verifies that both ends agree on PFS, which the first negotiation\n"
		"does not show; if the peer refuses, the tunnel stays up. --timeout SECONDS: how long to wait (default 30)." },
	{ "reload", "[--dry-run]", 0, 0, OPT_TIMEOUT | OPT_DRY_RUN, run_reload, "read the configuration again",
		"A configuration with errors is rejected and the running one stays. --dry-run: only show what would change." },
	{ "check", "[FILE]", 0, 1, 0, run_check, "find what is wrong with a configuration, and what to do about it",
		"FILE is the main file; conf.d/ and keys/ lie beside it. The settings are checked against each other, against what\n"
		"AWS and Azure support, and against this machine; no daemon is needed. Exits 1 when there is an error." },
	{ "export", "frr | bird [FILE]", 1, 2, 0, run_export, "a BGP configuration for a routing daemon",
		"Writes a configuration for all tunnels with a `bgp` block: neighbours, timers, filters, blackhole routes, ECMP.\n"
		"FILE is the main file; conf.d/ lies beside it. Keys are not read." },
	{ "events", "[-f] [-n NUMBER] [TUNNEL]", 0, 1, OPT_TIMEOUT | OPT_FOLLOW | OPT_LAST | OPT_DEBUG, run_events,
		"what happened, newest last",
		"-f, --follow: keep printing new events. -n, --last NUMBER: only the last NUMBER. --debug: with -f, debug events too." },
	{ "top", "[--once]", 0, 0, OPT_ONCE, run_top, "live view of the tunnels and their traffic; q quits",
		"Rates in and out with a graph each, errors, IKE retransmissions, rekeys; worst tunnels first, key t: busiest first.\n"
		"--once, or without a terminal: one plain frame after a second." },
	{ "metrics", "[--classic | --listen ADDRESS]", 0, 0, OPT_TIMEOUT | OPT_CLASSIC | OPT_LISTEN, run_metrics,
		"what the daemon counts, as OpenMetrics text",
		"--classic: in the older Prometheus text format, for a textfile collector or `promtool check metrics`.\n"
		"--listen ADDRESS: serve it by HTTP as /metrics, on 127.0.0.1:PORT, [::1]:PORT or unix:/PATH, until it is stopped\n"
		"(s2sd-metrics.service does that)." },
	{ "trace", "[--pcapng FILE] [--seconds NUMBER] TUNNEL", 1, 1, OPT_PCAPNG | OPT_SECONDS, run_trace,
		"a tunnel's IKE messages, decrypted, live",
		"Text, or with --pcapng a file for Wireshark or tshark (- for stdout). It contains no keys, and the contents of AUTH are\n"
		"zeros. --seconds NUMBER: stop after so long; otherwise it runs until it is interrupted." },
	{ "report", "[-c CONFIG] [FILE]", 0, 1, OPT_CONFIG, run_report, "all that support needs, in one text without keys",
		"Versions, status, events, metrics, settings in force, and this machine's network. FILE must not exist yet; without\n"
		"FILE, or with -, the report goes to stdout. -c, --config CONFIG: the main configuration file." },
	{ "import",
		"aws|azure FILE... [-o DIR] [--name NAME] [--only NAME|ID] [--psk-file FILE] [--route PREFIX] [--force] [--dry-run]",
		2, -1, OPT_IMPORT | OPT_DRY_RUN, run_import, "create tunnels from the files that AWS or Azure provides",
		"aws: describe-vpn-connections JSON, CustomerGatewayConfiguration XML, downloads. azure: JSON of connection, virtual\n"
		"network gateway, local network gateway, shared key and VNet in any order, Virtual WAN site file, device script.\n"
		"FILE may be -. Writes conf.d/NAME.yaml and keys/NAME.psk under DIR (" S2S_SYSCONFDIR "/s2sd), all or nothing.\n"
		"-o, --output DIR. --name NAME: instead of the connection's. --only NAME|ID[,NAME|ID]: these connections, by name, id, site,\n"
		"link or our outside address, when the files hold others, too. --psk-file FILE: the key when the files lack it, one\n"
		"line for all tunnels, or lines of `OUTSIDE-ADDRESS KEY`. --route PREFIX[,PREFIX]: networks behind the cloud.\n"
		"--force: replace files that exist. --dry-run: show what would be written, and write nothing." },
	{ "explain", "[--from ADDRESS --to ADDRESS [--trace [--seconds NUMBER]]] [TUNNEL]", 0, 1,
		OPT_TIMEOUT | OPT_FROM | OPT_TO | OPT_TRACE | OPT_SECONDS, run_explain,
		"what is wrong with a tunnel, whose fault it is, and what to change",
		"Without a name all tunnels, worst first. Prints the verdict, then the evidence: what the daemon saw, and this machine's\n"
		"routes, filters and counters (run it as root, in the daemon's network namespace); then what to do here and at the\n"
		"other end, in the cloud's own terms. --from ADDRESS --to ADDRESS: also the way of such a packet and of its answer through\n"
		"this machine, step by step; one of them is behind the tunnel, the other behind this machine or its own. --trace: real\n"
		"packets of that pair are watched, for 15 s or --seconds NUMBER: which rules of nf_tables they meet, where they die, what\n"
		"NAT makes of them. It needs root." },
	{ "ping", "[-c NUMBER] [--from ADDRESS] [--size NUMBER | --mtu] TUNNEL [ADDRESS]", 1, 2,
		OPT_HOW_MANY | OPT_CONFIG | OPT_FROM | OPT_SIZE | OPT_MTU, run_ping,
		"ping through a tunnel from its inside address, and which leg of the way works",
		"To the peer's inside addresses, or to ADDRESS. Says whether the packets reached the interface, left as ESP, whether ESP came\n"
		"back, and what was answered. -c, --count NUMBER: instead of 3. --from ADDRESS: instead of the inside address. --size NUMBER:\n"
		"packets of that size, IP header and all, that may not be fragmented. --mtu: finds the largest that passes, and what to write.\n"
		"Exits 0 when something was answered." },
	{ "probe", "[--port NUMBER] ADDRESS | --esp TUNNEL", 1, 1, OPT_PORT | OPT_ESP, run_any_probe,
		"which IKE proposals a peer accepts, or whether ESP passes",
		"Sends IKE_SA_INIT only, at most five datagrams a second and about 60 in all, from a port of its own; needs no key.\n"
		"Leaves at most one half-open IKE SA at the peer. --port NUMBER: instead of 500. Exits 1 when nobody answers.\n"
		"--esp TUNNEL: pings through the tunnel, and says whether ESP is dropped on the path while IKE passes; changes nothing." },
	{ "upgrade-check", "[--program PATH]", 0, 0, OPT_PROGRAM, run_upgrade_check, "what a restart of the daemon would do now",
		"Asks the program on disk (" S2S_SBINDIR
		"/s2sd) whether it takes the settings and what the running daemon saved, and says\n"
		"which tunnels go on. Run it as root. Exits 0 when a restart loses nothing. --program PATH: another s2sd." },
	{ "certificate",
		"request none|aws|azure SUBJECT [NAME...] [--name FILE] [-o DIR] [--force] | show [FILE...] | check [FILE | TUNNEL]",
		1, -1, OPT_NAME | OPT_OUTPUT | OPT_FORCE, run_certificate,
		"a key and a certificate request; what certificates say; what is wrong with them",
		"request: a new key and what a CA is asked to sign, DIR/keys/FILE.key and FILE.csr (" S2S_SYSCONFDIR
		"/s2sd/keys/gw), as any peer,\n"
		"AWS or Azure wants it, and how it is signed. SUBJECT: \"O=Example, CN=gw\"; NAME: a DNS name, an address, an e-mail address.\n"
		"show: the certificates of files, or of all tunnels. check: those of all tunnels, or of one: keys, chains, names, expiry; FILE is\n"
		"the main file. Exits 1 when there is an error." },
	{ "genpsk", "", 0, 0, 0, run_genpsk, "a pre-shared key that both clouds accept", "48 random letters and digits." },
	{ "version", "", 0, 0, 0, run_version, "versions of s2sctl and of the daemon, if it answers", "" },
	{ "help", "[COMMAND]", 0, 1, 0, run_help, "this list, or details of a command", "" },
};
#define COMMANDS (ARRAY_SIZE(commands))

static const struct ctl_command *find(const char *word)
{
	for (size_t i = 0; i < COMMANDS; i++) {
		if (strcmp(commands[i].word, word) == 0)
			return &commands[i];
	}
	return NULL;
}

static int unknown_command(const struct options *o, const char *word)
{
	const char *words[COMMANDS + 1] = { NULL };
	for (size_t i = 0; i < COMMANDS; i++)
		words[i] = commands[i].word;
	const char *near = near_word_in(word, words);
	char clean[128];
	return ctl_usage(o, NULL, "unknown command '%s'%s%s%s `s2sctl help` lists all", escaped(clean, sizeof clean, word),
		near != NULL ? ": did you mean '" : "", near != NULL ? near : "", near != NULL ? "'?" : ";");
}

/* ---------------------------------------------------------------- help */
static void put_commands(FILE *to)
{
	fputs("usage: s2sctl [-r RUNDIR] [--json] COMMAND [ARGUMENT...]\n\n", to);
	for (size_t i = 0; i < COMMANDS; i++) {
		fprintf(to, "  %-13s ", commands[i].word);
		put_fitting(to, commands[i].help, 16, 16);
	}
	fprintf(to, "\n  -r, --rundir RUNDIR  talk to the daemon of this run directory (" S2S_RUNDIR ")\n"
		    "  --json               one JSON object on stdout\n"
		    "exit: 0 done, 1 failed, 2 usage, 3 the daemon does not answer\n");
}

static int put_help_json(void)
{
	json_t *o = answer_new(), *list = json_array();
	for (size_t i = 0; i < COMMANDS; i++) {
		const struct ctl_command *c = &commands[i];
		json_array_append_new(list, json_pack("{ssssss}", "command", c->word, "arguments", c->args, "help", c->help));
	}
	json_object_set_new(o, "commands", list);
	return answer_print(o);
}

static int put_help(const struct ctl_command *c)
{
	ctl_print_usage(stdout, c);
	put_fitting(stdout, c->help, 0, 0);
	if (c->more[0] != 0)
		put_fitting(stdout, c->more, 0, 0);
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
	return c != NULL ? put_help(c) : unknown_command(o, o->argv[0]);
}

/* ---------------------------------------------------------------- the command line */
static int run_command(const struct options *o, unsigned used, const char *word)
{
	const struct ctl_command *c = find(word);
	if (c == NULL)
		return unknown_command(o, word);
	if (o->help)
		return put_help(c);
	if ((used & ~c->options) != 0)
		return ctl_usage(o, c, "'%s' does not take --%s", c->word, option_word(used & ~c->options));
	if (o->ike && o->rekey_check)
		return ctl_usage(o, c, "--ike and --check do not go together");
	if (o->argc < c->min || (c->max >= 0 && o->argc > c->max))
		return ctl_usage(o, c, "%s arguments", o->argc < c->min ? "too few" : "too many");
	return c->run(c, o);
}

static int without_command(const struct options *o)
{
	put_commands(o->help ? stdout : stderr);
	if (!o->help && o->json)
		answer_print_error("usage", "no command was given");
	return o->help ? CTL_DONE : CTL_USAGE;
}

int ctl_main(int argc, char **argv)
{
	struct options o;
	unsigned used;
	const char *word;
	if (!options_read(&o, &used, &word, argc, argv))
		return CTL_USAGE;
	if (word == NULL && o.version)
		word = "version";
	if (word == NULL)
		return without_command(&o);
	int code = run_command(&o, used, word);
	if ((fflush(stdout) != 0 || ferror(stdout)) && errno != EPIPE) {
		fprintf(stderr, "s2sctl: cannot write the output: %s\n", strerror(errno));
		code = code == CTL_DONE ? CTL_FAILED : code;
	}
	return code;
}
