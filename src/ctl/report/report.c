/*
 * report.c - `s2sctl report`: one text to send to support. Versions, what the daemon reports, the settings in force, and the machine's
 * network as /proc shows it. Sections that are not available say why.
 *
 * No key gets in by three ways: settings are printed from what the parser understood, in which a pre-shared key has no text; the daemon tells no
 * keys; and at the end the whole text is searched for every key of the configuration.
 */
#include "report.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <sys/utsname.h>
#include <time.h>

#include "base/clock.h"
#include "ctl/client.h"
#include "check/files.h"
#include "config.h"
#include "base/util.h"
#include "crypto/alg.h"
#include "ctl/answer.h"
#include "ctl/output.h"
#include "ctl/render.h"

#define SECTION_MAX ((size_t)1 << 20) /* of one file of /proc */

struct report {
	FILE *to;
	json_t *sections; /* title -> text, for --json */
	char *part;
	size_t part_n;
	FILE *open;
};

/* ---------------------------------------------------------------- sections */
static FILE *section(struct report *r)
{
	r->open = open_memstream(&r->part, &r->part_n);
	return r->open;
}

static void close_section(struct report *r, const char *title)
{
	fclose(r->open);
	fprintf(r->to, "==== %s\n%s%s\n", title, r->part, r->part_n == 0 || r->part[r->part_n - 1] != '\n' ? "\n" : "");
	json_t *text = json_stringn(r->part, r->part_n);
	json_object_set_new(r->sections, title, text != NULL ? text : json_string("(not UTF-8)"));
	free(r->part);
}

static void versions(struct report *r)
{
	struct utsname u;
	char now[TIME_TEXT];
	FILE *to = section(r);
	fprintf(to, "s2sctl %s\ntaken at %s\n", S2S_VERSION, wall_format(time(NULL), now));
	if (uname(&u) == 0)
		fprintf(to, "%s %s %s %s\n", u.sysname, u.release, u.version, u.machine);
	close_section(r, "versions");
}

/* Line by line, what is no printable text escaped: names of interfaces are anybody's choice. */
static void copy_file(FILE *to, const char *path)
{
	char line[2048], clean[4096];
	size_t sum = 0;
	FILE *f = fopen(path, "re");
	if (f == NULL) {
		fprintf(to, "%s: %s\n", path, strerror(errno));
		return;
	}
	while (fgets(line, sizeof line, f) != NULL && (sum += strlen(line)) < SECTION_MAX) {
		line[strcspn(line, "\n")] = 0;
		for (char *p = line; *p != 0; p++)
			*p = *p == '\t' ? ' ' : *p;
		fprintf(to, "%s\n", line[0] != 0 ? escaped(clean, sizeof clean, line) : "");
	}
	if (sum >= SECTION_MAX)
		fprintf(to, "(truncated)\n");
	fclose(f);
}

static void machine(struct report *r)
{
	static const char *const files[] = { "/etc/os-release", "/proc/uptime", "/proc/loadavg", "/proc/net/xfrm_stat",
		"/proc/net/dev", "/proc/net/route", "/proc/net/ipv6_route", "/proc/net/if_inet6", "/proc/net/snmp",
		"/proc/net/netstat", "/proc/net/udp", "/proc/net/udp6", "/proc/sys/net/ipv4/ip_forward",
		"/proc/sys/net/ipv6/conf/all/forwarding", "/proc/sys/net/ipv4/conf/all/rp_filter",
		"/proc/sys/net/ipv4/conf/default/rp_filter", "/proc/crypto" };
	for (size_t i = 0; i < ARRAY_SIZE(files); i++) {
		copy_file(section(r), files[i]);
		close_section(r, files[i]);
	}
}

static json_t *ask_quietly(const struct options *o, enum control_command command, const char **why)
{
	struct client c;
	json_t *answer = NULL;
	int err = client_try(&c, o);
	*why = err != 0 ? strerror(err) : "it does not answer";
	if (err != 0)
		return NULL;
	if (client_send(&c, client_request(command)) == CLIENT_OK && client_next(&c, 20, &answer) != CLIENT_OK)
		answer = NULL;
	client_close(&c);
	return answer;
}

static void daemon_part(struct report *r, const struct options *o, enum control_command command)
{
	const char *why;
	char title[64];
	FILE *to = section(r);
	json_t *answer = ask_quietly(o, command, &why);
	if (answer == NULL)
		fprintf(to, "the daemon: %s\n", why);
	else if (word_of(answer, "metrics") != NULL)
		fputs(word_of(answer, "metrics"), to);
	else
		json_dumpf(answer, to, JSON_INDENT(1));
	json_decref(answer);
	snprintf(title, sizeof title, "s2sctl %s", control_command_word(command));
	close_section(r, title);
}

/* ---------------------------------------------------------------- settings */
static void put_setting(FILE *to, const char *indent, const char *key, const char *value)
{
	char clean[4096];
	if (value != NULL && value[0] != 0)
		fprintf(to, "%s%s: %s\n", indent, key, escaped(clean, sizeof clean, value));
}

void report_settings(const struct conf *c, FILE *to)
{
	static char text[64 * 1024];
	const char *key;
	fprintf(to, "s2sd:\n");
	for (unsigned i = 0; (key = global_conf_key(i)) != NULL; i++)
		put_setting(to, "  ", key, global_conf_value(&c->global, key, text, sizeof text));
	fprintf(to, "tunnels:\n");
	for (uint32_t n = 0; n < c->n; n++) {
		const struct tunnel_conf *t = c->tunnels[n];
		fprintf(to, "  %s:\n", t->name);
		for (unsigned i = 0; (key = tunnel_conf_key(i)) != NULL; i++)
			put_setting(to, "    ", key, tunnel_conf_value(t, key, text, sizeof text));
		if (t->psk != NULL && t->psk_file == NULL)
			fprintf(to, "    psk: (removed)\n");
	}
}

static void settings(struct report *r, const char *file, struct secrets *secrets)
{
	char why[FILE_WHY], line[FINDING_LINE];
	struct findings faults;
	FILE *to = section(r);
	struct conf *conf = conf_load_files(file, true, &faults, why);
	for (unsigned i = 0; i < faults.n; i++)
		fprintf(to, "# %s\n", finding_line(&faults.v[i], line));
	if (conf != NULL)
		report_settings(conf, to);
	else
		fprintf(to, "%s\n",
			why[0] != 0 ? why : "(the files cannot be loaded, and are not copied unread: they may contain keys)");
	secrets_of_conf(secrets, conf);
	close_section(r, "settings");
	conf_free(conf);
	findings_release(&faults);
}

/* ---------------------------------------------------------------- the command */
static int write_out(const struct options *o, const char *text, size_t n)
{
	const char *file = o->argc > 0 ? o->argv[0] : "-";
	if (strcmp(file, "-") == 0)
		return fwrite(text, 1, n, stdout) == n ? CTL_DONE : CTL_FAILED;
	const char *why = "";
	FILE *f = output_open(file, false, &why);
	if (f == NULL)
		return ctl_fail(o, CTL_FAILED, "output", "%s: %s", file, why);
	bool good = fwrite(text, 1, n, f) == n;
	good &= fclose(f) == 0;
	if (!good)
		return ctl_fail(o, CTL_FAILED, "output", "%s: cannot write: %s", file, strerror(errno));
	if (o->json)
		return answer_print(json_pack("{sisssi}", "version", 1, "file", file, "bytes", (int)n));
	printf("%s: %zu bytes; it contains addresses and names, but no keys\n", file, n);
	return CTL_DONE;
}

static void scrub_json(json_t *sections, const struct secrets *secrets)
{
	const char *title;
	json_t *value;
	json_object_foreach (sections, title, value) {
		char *text = xstrdup(json_string_value(value));
		if (secrets_remove(secrets, text, strlen(text)) > 0)
			json_string_set(value, text);
		free(text);
	}
}

int run_report(const struct ctl_command *self, const struct options *o)
{
	static const enum control_command asked[] = { CONTROL_VERSION, CONTROL_STATUS, CONTROL_SHOW, CONTROL_EVENTS,
		CONTROL_METRICS };
	char *text, path[PATH_MAX];
	const char *file = o->config != NULL ? o->config : settings_path(o, path), *why = NULL;
	size_t n;
	int code;
	struct secrets secrets = { 0 };
	struct report r = { .to = open_memstream(&text, &n), .sections = json_object() };
	(void)self;
	bool can_load = alg_init(&why);
	fprintf(r.to, "s2sd report. It contains no keys, but addresses, names and identities.\n\n");
	versions(&r);
	for (size_t i = 0; i < ARRAY_SIZE(asked); i++)
		daemon_part(&r, o, asked[i]);
	if (can_load)
		settings(&r, file, &secrets);
	machine(&r);
	fclose(r.to);
	secrets_remove(&secrets, text, n);
	scrub_json(r.sections, &secrets);
	if (o->json && o->argc == 0) {
		json_t *answer = answer_new();
		json_object_set(answer, "sections", r.sections);
		code = answer_print(answer);
	} else {
		code = write_out(o, text, n);
	}
	secrets_release(&secrets);
	json_decref(r.sections);
	free(text);
	return code;
}
