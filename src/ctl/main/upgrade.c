/*
 * upgrade.c - `s2sctl upgrade-check`: what a restart of the daemon would do now, with the program that lies on disk. Nothing is changed: that program is asked
 * about itself and the settings, the one that runs about its state.
 */
#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "codes/state.h"
#include "config.h"
#include "ctl/answer.h"
#include "ctl/client.h"
#include "ctl/render.h"
#include "ctl/spawn.h"

#define QUICK 10 /* seconds */
#define SETTINGS_TIME 60
#define ABOUT 8192        /* octets that a program may say about itself */
#define FAULTS (1u << 20) /* ... and about the settings */
#define STORES "stores: " /* the line of `s2sd -V` that tells the layout of what is saved */

struct upgrade {
	const char *program;
	char *about, *about_running; /* what `-V` says; NULL: nobody could ask */
	char *faults;
	bool settings_ok, kept;
	const char *where; /* "service-manager", "run-directory", NULL: nowhere */
	json_t *status, *reload, *rows;
	unsigned goes_on, dials;
};

static char *about(const char *program)
{
	int status;
	const char *const argv[] = { program, "-V", NULL };
	char *text = program_output(argv, ABOUT, QUICK, &status);
	if (text != NULL && status == 0)
		return text;
	free(text);
	return NULL;
}

/* The line that begins so, without its beginning and end. */
static const char *line_of(const char *text, const char *begin, char *line, size_t size)
{
	const char *at = text != NULL ? strstr(text, begin) : NULL;
	if (at == NULL)
		return NULL;
	at += strlen(begin);
	snprintf(line, size, "%.*s", (int)strcspn(at, "\n"), at);
	return line;
}

/* ---------------------------------------------------------------- the daemon that runs */
static long keeper_pid(const struct options *o)
{
	char path[PATH_MAX], text[32] = "";
	snprintf(path, sizeof path, "%s/lock", o->rundir);
	FILE *f = fopen(path, "re");
	bool got = f != NULL && fgets(text, sizeof text, f) != NULL;
	if (f != NULL)
		fclose(f);
	return got ? strtol(text, NULL, 10) : 0;
}

static bool has_manager(long pid)
{
	static const char wanted[] = "NOTIFY_SOCKET=";
	char path[64], text[8192];
	size_t n = 0;
	snprintf(path, sizeof path, "/proc/%ld/environ", pid);
	FILE *f = fopen(path, "re");
	if (f != NULL) {
		n = fread(text, 1, sizeof text - 1, f);
		fclose(f);
	}
	text[n] = 0;
	for (size_t i = 0; i < n; i += strlen(text + i) + 1) {
		if (strncmp(text + i, wanted, sizeof wanted - 1) == 0)
			return true;
	}
	return false;
}

/* By now the number may be anybody's. Run is only what the operator runs anyway, or what nobody but root and he can have written. */
static bool is_trusted(int fd, const char *program)
{
	struct stat st, named;
	if (fstat(fd, &st) != 0 || !S_ISREG(st.st_mode))
		return false;
	if (stat(program, &named) == 0 && st.st_dev == named.st_dev && st.st_ino == named.st_ino)
		return true;
	return (st.st_uid == 0 || st.st_uid == geteuid()) && (st.st_mode & (S_IWGRP | S_IWOTH)) == 0;
}

static char *about_process(long pid, const char *program)
{
	char path[64];
	snprintf(path, sizeof path, "/proc/%ld/exe", pid);
	int fd = open(path, O_PATH | O_CLOEXEC);
	if (fd < 0)
		return NULL;
	/* What was looked at is what runs. */
	snprintf(path, sizeof path, "/proc/self/fd/%d", fd);
	char *text = is_trusted(fd, program) ? about(path) : NULL;
	close(fd);
	return text;
}

/* Where its state outlives it, and whether the new program can read it. */
static void look_at_state(struct upgrade *u, const struct options *o)
{
	char path[PATH_MAX], running[256], new[256];
	long pid = keeper_pid(o);
	if (pid <= 0)
		return;
	u->about_running = about_process(pid, u->program);
	snprintf(path, sizeof path, "%s/state.keeper", o->rundir);
	u->where = access(path, F_OK) == 0 ? "run-directory" : has_manager(pid) ? "service-manager" : NULL;
	u->kept = u->where != NULL && line_of(u->about, STORES, new, sizeof new) != NULL &&
		  line_of(u->about_running, STORES, running, sizeof running) != NULL && strcmp(running, new) == 0;
}

/* ---------------------------------------------------------------- the tunnels */
static const json_t *reload_row(const struct upgrade *u, const char *list, const char *tunnel)
{
	const json_t *rows = json_object_get(u->reload, list);
	for (size_t i = 0; i < json_array_size(rows); i++) {
		const json_t *row = json_array_get(rows, i);
		const char *name = word_of(row, "tunnel");
		if (name != NULL && strcmp(name, tunnel) == 0)
			return row;
	}
	return NULL;
}

static void add_row(struct upgrade *u, const char *tunnel, const char *does, const json_t *change)
{
	const char *effect = word_of(change, "effect");
	json_array_append_new(u->rows, json_pack("{ssssss?}", "tunnel", tunnel, "does", does, "effect", effect));
}

static void judge_tunnel(struct upgrade *u, const json_t *t)
{
	const char *name = word_of(t, "name"), *state = word_of(t, "state");
	if (name == NULL)
		return;
	const json_t *change = reload_row(u, "changed", name);
	bool up = state != NULL && strcmp(state, tunnel_state_word(TUNNEL_UP)) == 0;
	if (reload_row(u, "removed", name) != NULL) {
		add_row(u, name, "removed", NULL);
	} else if (up && !u->kept) {
		u->dials++;
		add_row(u, name, "dials", change);
	} else {
		u->goes_on += up && change == NULL;
		add_row(u, name, change != NULL ? "changes" : up ? "goes-on" : "as-now", change);
	}
}

static void judge_tunnels(struct upgrade *u)
{
	const json_t *now = json_object_get(u->status, "tunnels"), *added = json_object_get(u->reload, "added");
	for (size_t i = 0; i < json_array_size(now); i++)
		judge_tunnel(u, json_array_get(now, i));
	for (size_t i = 0; i < json_array_size(added); i++) {
		const char *name = word_of(json_array_get(added, i), "tunnel");
		if (name != NULL)
			add_row(u, name, "starts", NULL);
	}
}

/* ---------------------------------------------------------------- what is said */
static json_t *line_or_null(const char *text, const char *begin)
{
	char line[256], clean[512];
	return line_of(text, begin, line, sizeof line) != NULL ? json_string(escaped(clean, sizeof clean, line)) : json_null();
}

static int print_json(const struct upgrade *u, bool lossless)
{
	json_t *o = answer_new(), *faults = json_array();
	char *rest = u->faults, *line, clean[1024];
	while (rest != NULL && (line = strsep(&rest, "\n")) != NULL) {
		if (line[0] != 0)
			json_array_append_new(faults, json_string(escaped(clean, sizeof clean, line)));
	}
	json_object_set_new(o, "lossless", json_boolean(lossless));
	json_object_set_new(o, "program", json_string(u->program));
	json_object_set_new(o, "release", line_or_null(u->about, "s2sd "));
	json_object_set_new(o, "running", line_or_null(u->about_running, "s2sd "));
	json_object_set_new(o, "settings_ok", json_boolean(u->settings_ok));
	json_object_set_new(o, "faults", faults);
	json_object_set_new(o, "state", u->where != NULL ? json_string(u->where) : json_null());
	json_object_set_new(o, "state_kept", json_boolean(u->kept));
	json_object_set(o, "tunnels", u->rows);
	int code = answer_print(o);
	return code != CTL_DONE ? code : lossless ? CTL_DONE : CTL_FAILED;
}

static void print_text(const struct upgrade *u)
{
	char line[256], clean[1024];
	bool known = line_of(u->about_running, "s2sd ", line, sizeof line) != NULL;
	printf("runs: s2sd %s\n", known            ? escaped(clean, sizeof clean, line)
				  : geteuid() != 0 ? "(unknown: ask as root)"
						   : "(unknown)");
	line_of(u->about, "s2sd ", line, sizeof line);
	printf("on disk: s2sd %s\n", escaped(clean, sizeof clean, line));
	if (u->settings_ok)
		printf("settings: usable\n");
	else
		printf("settings: refused; a restart would fail, and the tunnels would only last until the peers miss us:\n%s",
			u->faults);
	printf("state: %s\n", u->kept            ? "taken over"
			      : u->where == NULL ? "nothing outlives the daemon here: tunnels reconnect"
						 : "not taken over: its layout is another one, or not known; tunnels reconnect");
	for (size_t i = 0; i < json_array_size(u->rows); i++) {
		const json_t *row = json_array_get(u->rows, i);
		const char *effect = word_of(row, "effect");
		printf("%s: %s", escaped(clean, sizeof clean, word_of(row, "tunnel")), word_of(row, "does"));
		printf(effect != NULL ? " (%s)\n" : "\n", escaped(clean, sizeof clean, effect));
	}
}

static int judge(struct upgrade *u, const struct options *o)
{
	int code, status = -1;
	char path[PATH_MAX];
	const char *const argv[] = { u->program, "-n", "-c", settings_path(o, path), NULL };
	u->about = about(u->program);
	if (u->about == NULL)
		return ctl_fail(o, CTL_FAILED, "no-program", "%s: %s; another one is named by --program", u->program,
			access(u->program, X_OK) != 0 ? strerror(errno) : "does not run, or is no s2sd");
	u->status = client_ask(o, client_request(CONTROL_STATUS), QUICK, &code);
	if (u->status == NULL)
		return code;
	u->faults = program_output(argv, FAULTS, SETTINGS_TIME, &status);
	u->settings_ok = u->faults != NULL && status == 0;
	if (u->settings_ok) {
		json_t *dry = client_request(CONTROL_RELOAD);
		json_object_set_new(dry, "dry_run", json_true());
		u->reload = client_ask(o, dry, SETTINGS_TIME, &code);
		if (u->reload == NULL)
			return code;
	}
	look_at_state(u, o);
	judge_tunnels(u);
	bool lossless = u->settings_ok && u->dials == 0;
	if (o->json)
		return print_json(u, lossless);
	print_text(u);
	return lossless ? CTL_DONE : CTL_FAILED;
}

int run_upgrade_check(const struct ctl_command *self, const struct options *o)
{
	struct upgrade u = { .program = o->program != NULL ? o->program : S2S_SBINDIR "/s2sd", .rows = json_array() };
	(void)self;
	int code = judge(&u, o);
	free(u.about), free(u.about_running), free(u.faults);
	json_decref(u.status), json_decref(u.reload), json_decref(u.rows);
	return code;
}
