/*
 * test_again.c - a configuration that is read again, where only what changed is read, is the one that a full load gives, with the same findings.
 */
#include "check/again.h"

#include <check.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <time.h>
#include <unistd.h>

#include "base/util.h"
#include "crypto/crypto.h"
#include "unit.h"

static char folder[] = "/tmp/s2sd-again.XXXXXX";
static char main_file[64];

static const char *path_of(const char *name)
{
	static char path[128];
	snprintf(path, sizeof path, "%s/%s", folder, name);
	return path;
}

static void make_folder(void)
{
	const char *why;
	ck_assert(alg_init(&why));
	snprintf(folder, sizeof folder, "/tmp/s2sd-again.XXXXXX");
	ck_assert_ptr_nonnull(mkdtemp(folder));
	snprintf(main_file, sizeof main_file, "%s/s2sd.yaml", folder);
	mkdir(path_of("conf.d"), 0700);
	mkdir(path_of("keys"), 0700);
}

static void remove_folder(void)
{
	char command[128];
	snprintf(command, sizeof command, "rm -rf '%s'", folder);
	ck_assert_int_eq(system(command), 0);
}

/* In the place of the C library's: the first file that is read then is the last before keys/ is another folder. */
static bool swap_at_read;
ssize_t read(int fd, void *to, size_t n)
{
	ssize_t got = syscall(SYS_read, fd, to, n);
	if (swap_at_read && got > 0 && memmem(to, (size_t)got, "a-key-made-up", 13) != NULL)
		swap_at_read = unlink(path_of("keys")) != 0 || symlink("two", path_of("keys")) != 0;
	return got;
}

/* Once more with the same text is no change. */
static void write_file(const char *name, const char *text, unsigned mode)
{
	struct file_text now;
	struct stat st;
	bool same = file_read(path_of(name), SETTINGS_FILE_MAX, &now) == 0 && strcmp(now.text, text) == 0;
	file_text_release(&now);
	if (same && stat(path_of(name), &st) == 0 && (st.st_mode & 0777) == mode)
		return;
	FILE *f = fopen(path_of(name), "w");
	ck_assert_ptr_nonnull(f);
	ck_assert_int_ge(fputs(text, f), 0);
	ck_assert_int_eq(fclose(f), 0);
	ck_assert_int_eq(chmod(path_of(name), mode), 0);
}

/* ---------------------------------------------------------------- equal? */
static bool same_text(const char *a, const char *b) { return a == b || (a != NULL && b != NULL && strcmp(a, b) == 0); }

static void same_findings(const struct findings *a, const struct findings *b, unsigned round)
{
	for (unsigned i = 0; i < a->n && i < b->n; i++) {
		const struct finding *x = &a->v[i], *y = &b->v[i];
		char one[FINDING_LINE], other[FINDING_LINE];
		ck_assert_msg(x->code == y->code && x->key == y->key && same_text(x->advice, y->advice) &&
				      strcmp(x->tunnel, y->tunnel) == 0 &&
				      strcmp(finding_line(x, one), finding_line(y, other)) == 0,
			"round %u, finding %u:\n%s\n%s", round, i, finding_line(x, one), finding_line(y, other));
	}
	ck_assert_msg(a->n == b->n && a->refused == b->refused, "round %u: %u findings, in full %u", round, a->n, b->n);
}

static void same_tunnels(const struct conf *a, const struct conf *b, unsigned round)
{
	ck_assert_uint_eq(a->n, b->n);
	for (uint32_t i = 0; i < a->n; i++) {
		const struct tunnel_conf *x = a->tunnels[i];
		struct tunnel_conf *y = b->tunnels[i];
		ck_assert_msg(strcmp(x->name, y->name) == 0 && strcmp(x->file, y->file) == 0 && psk_same(x->psk, y->psk),
			"round %u: %s (%s), in full %s (%s)", round, x->name, x->file, y->name, y->file);
		y->id = x->id;
		y->psk_changes = x->psk_changes;
	}
	struct bytes p = conf_pack(a), q = conf_pack(b);
	ck_assert_msg(bytes_equal(p, q), "round %u: packed otherwise", round);
	free((void *)p.p);
	free((void *)q.p);
}

/* A hash of where all is written. */
static uint64_t places_of(const struct conf *c)
{
	uint64_t h = HASH_START;
	for (uint32_t i = 0; i < c->n; i++) {
		const struct tunnel_conf *t = c->tunnels[i];
		const int at[] = { (int)t->order, t->line };
		h = hash_bytes(hash_bytes(h, t->file, strlen(t->file)), at, sizeof at);
		for (unsigned k = 0; tunnel_conf_key(k) != NULL; k++) {
			int line = tunnel_conf_line(t, tunnel_conf_key(k));
			h = hash_bytes(h, &line, sizeof line);
		}
		for (unsigned k = 0; k < t->n_children; k++)
			h = hash_bytes(h, &t->children[k].line, sizeof t->children[k].line);
	}
	return h;
}

/* c is used now, and old, which may be NULL, no more. */
static void keep(struct conf_memory *m, struct conf *c, struct conf *old)
{
	char why[FILE_WHY];
	struct findings f;
	conf_adopt(c, old);
	conf_memory_keep(m, c);
	conf_free(old);
	struct conf *whole = conf_load_files(main_file, true, &f, why);
	ck_assert(places_of(c) == places_of(whole));
	findings_release(&f);
	conf_free(whole);
}

/* What the memory gives, held against a full load. */
static struct conf *load_both(struct conf_memory *m, unsigned round, int64_t later)
{
	char why[FILE_WHY], why_full[FILE_WHY];
	struct findings f, full;
	struct conf *c = conf_memory_load(m, main_file, time(NULL) + later, &f, why),
		    *whole = conf_load_files(main_file, true, &full, why_full);
	same_findings(&f, &full, round);
	ck_assert_str_eq(why, why_full);
	ck_assert_msg((c == NULL) == (whole == NULL), "round %u: one is refused", round);
	if (c != NULL) {
		same_tunnels(c, whole, round);
		struct bytes p = conf_pack(c);
		ck_assert_uint_eq(p.n, conf_memory_packed(m));
		free((void *)p.p);
	}
	findings_release(&f);
	findings_release(&full);
	conf_free(whole);
	return c;
}

/* ---------------------------------------------------------------- edits at random */
#define TUNNELS 24
#define FILES 5

static uint64_t state;
static unsigned draw(unsigned n)
{
	state = state * UINT64_C(6364136223846793005) + 1442695040888963407u;
	return (unsigned)(state >> 33) % n;
}

static const char *const extras[] = {
	"",
	"",
	"",
	"",
	"",
	"",
	"dpd-timeout: 40s\n",
	"dpd-timeout: 50s # it's late\n\n# at a margin\n",
	"esp-lifetime: 9h\n",         /* told: crossed */
	"inside: [169.254.9.2/30]\n", /* told where two have it */
	"inside: [169.254.8.2/30, 169.254.9.2/30]\n",
	"bgp:\n  local-as: 65000\n  peer-as: 65001\n  peer: 169.254.7.1\ninside: 169.254.7.2/30\n",
	"children:\n  - {local-ts: 10.1.0.0/16, remote-ts: 10.2.0.0/16}\n  - local-ts: 10.3.0.0/16\n    remote-ts: 10.4.0.0/16\n",
	"routes: [10.7.0.0/16,\n  10.8.0.0/16]\n",
	"remote-id: \"fqdn:a.example\"\n",
	"remote-id: 'fqdn:a\n  .example'\n",
	"\tdpd-timeout: 30s\n",
	"mtu: 1400\n",
};
static const char *const faults[] = {
	"interface: same0\n", /* when two have it */
	"dpd-timeuot: 3s\n",
	"dpd-timeout: 3y\n",
	"remote-id: |\n  fqdn:b.example\n",
	"remote-id: \"fqdn:a.example\n",
	"routes: [10.7.0.0/16\n",
	"remote: 192.0.2.1\n",
	"psk-file: none\n",
};

static struct made {
	bool there, flow, twice;
	unsigned file, name, remote, key, inline_key, extra, fault;
} made[TUNNELS];
static struct {
	unsigned style, mode;
} files[FILES];
static unsigned key_version[TUNNELS], settings;

static void append(char *text, size_t size, const char *indent, const char *lines)
{
	while (*lines != 0) {
		size_t n = strcspn(lines, "\n"), at = strlen(text);
		snprintf(text + at, size - at, "%s%.*s\n", n > 0 ? indent : "", (int)n, lines);
		lines += n + (lines[n] != 0);
	}
}

static void append_tunnel(char *text, size_t size, const struct made *t, const char *indent)
{
	char head[200], inner[16], key[64];
	snprintf(inner, sizeof inner, "%s  ", indent);
	if (t->inline_key)
		snprintf(key, sizeof key, "psk: abcdefghijklmnopqrstuvwxyz%02u", t->key);
	else
		snprintf(key, sizeof key, "psk-file: k%u", t->key);
	if (t->flow) {
		snprintf(head, sizeof head, "t%02u: {remote: 192.0.2.%u, %s}\n", t->name, t->remote, key);
		append(text, size, indent, head);
		return;
	}
	snprintf(head, sizeof head, "t%02u:\n", t->name);
	append(text, size, indent, head);
	snprintf(head, sizeof head, "remote: 192.0.2.%u\n%s\n", t->remote, key);
	append(text, size, inner, head);
	append(text, size, inner, extras[t->extra]);
	if (t->fault > 0)
		append(text, size, inner, faults[t->fault - 1]);
}

static void write_settings(unsigned file)
{
	static char text[20000];
	char name[32];
	unsigned n = 0, style = files[file].style;
	text[0] = 0;
	if (style == 1)
		strcat(text, "# ours\n\n");
	if (style == 2)
		strcat(text, "s2sd:\n  retry-max: 1h\n");
	if (style >= 7)
		strcat(text, style == 7 ? "# Z\xfcrich\n" : "# \x01\n");
	strcat(text, "tunnels:\n");
	if (style == 3)
		strcat(text, "  # first\n");
	for (unsigned i = 0; i < TUNNELS; i++)
		if (made[i].there && made[i].file == file) {
			for (unsigned k = made[i].twice ? 2 : 1; k > 0; k--)
				append_tunnel(text, sizeof text, &made[i], style == 4 ? "    " : "  ");
			n++;
		}
	if (style == 5)
		strcat(text, "s2sd: {retry-max: 1h}\n");
	if (style == 6)
		for (char *p = text; (p = strchr(p, '\n')) != NULL; p++)
			*p = draw(2) != 0 ? '\n' : '\r';
	snprintf(name, sizeof name, "conf.d/f%u.yaml", file);
	if (n == 0 && draw(2) == 0)
		unlink(path_of(name));
	else
		write_file(name, text, files[file].mode);
}

static void write_all(void)
{
	static const char *const mains[] = { "s2sd:\n  log-level: warning\n",
		"s2sd:\n  log-level: warning\n  half-open-limit: 20\n", "# none\n",
		"s2sd:\n  log-level: warning\n  retry-min: 2h\n" };
	for (unsigned i = 0; i < TUNNELS; i++) {
		char name[32], key[80];
		snprintf(name, sizeof name, "keys/k%u", i);
		snprintf(key, sizeof key, key_version[i] == 3 ? "short-key-of-%02u-%u" : "a-key-made-up-for-tests-%02u-%u\n",
			key_version[i] == 4 ? 99 : i, key_version[i]);
		write_file(name, key, key_version[i] == 5 ? 0644 : 0600);
	}
	write_file("s2sd.yaml", mains[settings], 0600);
	for (unsigned i = 0; i < FILES; i++)
		write_settings(i);
}

static void edit_tunnel(struct made *t, bool faulty)
{
	switch (draw(faulty ? 11 : 8)) {
	case 0: t->there = !t->there; break;
	case 1: t->file = draw(FILES); break;
	case 2: t->remote = draw(8) != 0 ? 10 + draw(200) : 7; break;
	case 3: t->key = draw(4) != 0 ? (unsigned)(t - made) : draw(TUNNELS); break;
	case 4: t->inline_key = draw(3) != 0; break;
	case 5: t->flow = draw(4) == 0; break;
	case 6:
	case 7: t->extra = draw(sizeof extras / sizeof *extras); break;
	case 8: t->fault = draw(1 + sizeof faults / sizeof *faults); break;
	case 9: t->name = draw(TUNNELS); break;
	case 10: t->twice = true; break;
	}
}

static void edit(bool faulty)
{
	switch (draw(12)) {
	case 0: files[draw(FILES)].style = draw(3) != 0 ? 0 : draw(faulty ? 9 : 6); break;
	case 1: files[draw(FILES)].mode = faulty && draw(2) == 0 ? 0644 : 0600; break;
	case 2: key_version[draw(TUNNELS)] = draw(faulty ? 6 : 5); break;
	case 3: settings = draw(faulty ? 4 : 3); break;
	default: edit_tunnel(&made[draw(TUNNELS)], faulty); break;
	}
}

/* Until it is loaded again: nobody goes on editing for long what is refused. */
static void repair(void)
{
	for (unsigned i = 0; i < TUNNELS; i++) {
		made[i].fault = made[i].extra = 0;
		made[i].twice = false;
		made[i].name = i;
		made[i].remote = 10 + i;
		key_version[i] %= 5;
	}
	for (unsigned i = 0; i < FILES; i++)
		files[i].style %= 5, files[i].mode = 0600;
	files[0].style = files[1].style = files[3].style = 0;
	settings %= 3;
}

static void begin(unsigned seed)
{
	state = seed;
	for (unsigned i = 0; i < TUNNELS; i++)
		made[i] = (struct made){
			.there = true, .file = i / 6, .name = i, .key = i, .remote = 10 + i, .inline_key = i % 3 != 0
		};
	memset(key_version, 0, sizeof key_version);
	settings = 0;
	for (unsigned i = 0; i < FILES; i++)
		files[i].style = 0, files[i].mode = 0600;
}

#define ROUNDS 200

START_TEST(edits_at_random)
{
	unsigned refused = 0, loads = 0, partly = 0;
	make_folder();
	begin((unsigned)_i);
	write_all();
	struct conf_memory *m = conf_memory_new();
	struct conf *running = load_both(m, 0, 0);
	ck_assert_ptr_nonnull(running);
	keep(m, running, NULL);
	for (unsigned round = 1; round <= ROUNDS; round++) {
		bool faulty = draw(4) == 0;
		for (unsigned n = 1 + draw(3); n > 0; n--)
			edit(faulty);
		write_all();
		uint64_t places = places_of(running);
		struct conf *c = load_both(m, round, 0);
		ck_assert(places_of(running) == places);
		loads++;
		refused += c == NULL;
		partly += c != NULL && conf_memory_read(m) < c->n;
		if (c == NULL && draw(4) != 0)
			repair();
		if (c == NULL)
			continue;
		if (draw(5) == 0) { /* a dry run */
			conf_try(c, running);
			conf_free(c);
			ck_assert(places_of(running) == places);
			continue;
		}
		keep(m, c, running);
		running = c;
	}
	ck_assert_msg(refused > ROUNDS / 20 && refused < ROUNDS * 3 / 4, "%u of %u were refused", refused, loads);
	ck_assert_msg(partly > ROUNDS / 10, "%u of %u were read in part", partly, loads);
	conf_free(running);
	conf_memory_free(m);
	remove_folder();
}
END_TEST

/* ---------------------------------------------------------------- how little is read */
static void four_from(unsigned first, const char *file, const char *what)
{
	char text[2000];
	size_t n = (size_t)snprintf(text, sizeof text, "tunnels:\n");
	for (unsigned i = first; i < first + 4; i++)
		n += (size_t)snprintf(text + n, sizeof text - n, "  t%u:\n    remote: 192.0.2.%u\n    psk-file: k%u\n%s", i, i, i,
			i == first + 1 ? what : "");
	write_file(file, text, 0600);
}

static struct conf *settled(struct conf_memory *m, struct conf *running, int64_t later, uint32_t read)
{
	struct conf *c = load_both(m, 0, later);
	ck_assert_ptr_nonnull(c);
	ck_assert_uint_eq(conf_memory_read(m), read);
	keep(m, c, running);
	return c;
}

#define LATER (FILE_TIMES_COARSE + 100) /* s */

START_TEST(only_what_changed_is_read)
{
	make_folder();
	for (unsigned i = 1; i <= 8; i++) {
		char name[32], key[64];
		snprintf(name, sizeof name, "keys/k%u", i);
		snprintf(key, sizeof key, "a-key-made-up-for-tests-%u\n", i);
		write_file(name, key, 0600);
	}
	four_from(1, "conf.d/a.yaml", "");
	four_from(5, "conf.d/b.yaml", "");
	struct conf_memory *m = conf_memory_new();
	struct conf *c = settled(m, NULL, 0, 8);
	c = settled(m, c, LATER, 8); /* keys were written just now */
	const struct tunnel_conf *t1 = conf_find(c, "t1"), *t8 = conf_find(c, "t8");
	c = settled(m, c, LATER, 0);
	four_from(5, "conf.d/b.yaml", "    mtu: 1400\n");
	c = settled(m, c, LATER, 1);
	ck_assert_ptr_eq(conf_find(c, "t1"), t1);
	ck_assert_ptr_eq(conf_find(c, "t8"), t8);
	ck_assert_int_eq(t8->line, 12);
	c = settled(m, c, LATER, 0);
	four_from(5, "conf.d/b.yaml", "    mtu: 1400\r    mss: 1300\n"); /* YAML has other ends of lines, too */
	c = settled(m, c, LATER, 8);
	four_from(5, "conf.d/b.yaml", "    mtu: 1400\n");
	c = settled(m, c, LATER, 8);
	t8 = conf_find(c, "t8");
	usleep(50000);                                              /* times of files are as coarse as the kernel's tick */
	write_file("keys/k8", "a-key-made-up-for-tests-9\n", 0600); /* as long as before */
	c = settled(m, c, LATER, 1);
	ck_assert_ptr_ne(conf_find(c, "t8"), t8);
	ck_assert_uint_eq(conf_find(c, "t8")->psk_changes, 1);
	ck_assert_int_eq(unlink(path_of("conf.d/a.yaml")), 0);
	c = settled(m, c, LATER, 0);
	ck_assert_ptr_null(conf_find(c, "t1"));
	c = settled(m, c, 0, 4); /* one more write might have left the same times */
	conf_free(c);
	conf_memory_free(m);
	remove_folder();
}
END_TEST

/* Its first lines, too, and when there is nothing else in it. */
START_TEST(a_new_file_is_read_from_its_beginning)
{
	static const char *const heads[] = { "# Z\xfcrich\n", "# \x01\n", "# Z\xc3\xbcrich\n" };
	char text[200];
	make_folder();
	write_file("s2sd.yaml", "tunnels:\n  a:\n    remote: 192.0.2.1\n    psk: abcdefghijklmnopqrstuvwxyz01\n", 0600);
	struct conf_memory *m = conf_memory_new();
	struct conf *c = settled(m, NULL, LATER, 1);
	for (unsigned i = 0; i < 6; i++) {
		snprintf(text, sizeof text, "%s%s", heads[i / 2],
			i % 2 == 0 ? "" : "tunnels:\n  b:\n    remote: 192.0.2.2\n    psk: abcdefghijklmnopqrstuvwxyz02\n");
		write_file("conf.d/b.yaml", text, 0600);
		struct conf *fresh = load_both(m, i, LATER);
		ck_assert_int_eq(fresh != NULL, i >= 4);
		conf_free(fresh);
	}
	ck_assert_uint_eq(conf_memory_read(m), 1);
	conf_free(c);
	conf_memory_free(m);
	remove_folder();
}
END_TEST

/* mtu: is the default as well, but who writes it means it: a tunnel in use does not learn that from what is thrown away. */
START_TEST(a_dry_run_changes_nothing)
{
	static const char head[] = "tunnels:\n  b: {remote: 192.0.2.2, psk: abcdefghijklmnopqrstuvwxyz02}\n",
			  text[] = "  a:\n    remote: 192.0.2.1\n    psk: abcdefghijklmnopqrstuvwxyz01\n";
	char more[400];
	make_folder();
	snprintf(more, sizeof more, "%s%s", head, text);
	write_file("s2sd.yaml", more, 0600);
	struct conf_memory *m = conf_memory_new();
	struct conf *c = settled(m, NULL, LATER, 2);
	snprintf(more, sizeof more, "%s  # one line more\n%s    mtu: auto\n", head, text);
	for (unsigned i = 0; i < 2; i++) {
		write_file("s2sd.yaml", more, 0600);
		struct conf *fresh = load_both(m, i, LATER);
		ck_assert_ptr_nonnull(fresh);
		conf_try(fresh, c);
		ck_assert_ptr_eq(fresh->tunnels[0], c->tunnels[0]);
		conf_free(fresh);
		ck_assert_int_eq(tunnel_conf_line(c->tunnels[0], "mtu"), 0);
		ck_assert_int_eq(c->tunnels[0]->line, 3);
		snprintf(more, sizeof more, "%s  # one line more\n%s", head, text); /* the tunnel itself is the same */
	}
	c = settled(m, c, LATER, 1);
	ck_assert_int_eq(c->tunnels[0]->line, 4);
	conf_free(c);
	conf_memory_free(m);
	remove_folder();
}
END_TEST

/* Both the order and the names of all tunnels of a file: that costs about as much as to read it. */
START_TEST(much_that_changes_takes_no_longer_than_all)
{
	enum { MANY = 12000 };
	char why[FILE_WHY];
	struct findings f;
	struct conf_memory *m = conf_memory_new();
	struct conf *c = NULL;
	make_folder();
	for (unsigned round = 0; round < 3; round++) {
		FILE *out = fopen(main_file, "w");
		ck_assert_ptr_nonnull(out);
		fputs("tunnels:\n", out);
		for (unsigned i = 0; i < MANY; i++) {
			unsigned n = round == 1 ? MANY - 1 - i : i;
			fprintf(out, "  %c%05u:\n    remote: 10.1.%u.%u\n    psk: abcdefghijklmnopqrstuvwxyz%05u\n",
				round == 2 ? 'x' : 't', n, n / 250, 1 + n % 250, n);
		}
		ck_assert_int_eq(fclose(out), 0);
		ck_assert_int_eq(chmod(main_file, 0600), 0);
		clock_t start = clock();
		struct conf *fresh = conf_memory_load(m, main_file, time(NULL) + LATER, &f, why);
		clock_t again = clock() - start;
		ck_assert_ptr_nonnull(fresh);
		findings_release(&f);
		start = clock();
		struct conf *whole = conf_load_files(main_file, true, &f, why);
		clock_t full = clock() - start;
		findings_release(&f);
		conf_free(whole);
		ck_assert_msg(
			again < 3 * full + CLOCKS_PER_SEC / 10, "round %u: %ld us, in full %ld", round, (long)again, (long)full);
		keep(m, fresh, c);
		c = fresh;
	}
	conf_free(c);
	conf_memory_free(m);
	remove_folder();
}
END_TEST

/* As those who deploy do it: a link to another folder, while the keys are being read. */
START_TEST(another_folder_of_keys_is_seen)
{
	static const char *const names[] = { "one/k1", "one/k2", "two/k1", "two/k2" };
	char why[FILE_WHY], key[64];
	struct findings f;
	make_folder();
	ck_assert_int_eq(rmdir(path_of("keys")), 0);
	mkdir(path_of("one"), 0700);
	mkdir(path_of("two"), 0700);
	for (unsigned i = 0; i < 4; i++) {
		snprintf(key, sizeof key, "a-key-made-up-for-tests-%u\n", i);
		write_file(names[i], key, 0600);
	}
	ck_assert_int_eq(symlink("one", path_of("keys")), 0);
	write_file(
		"s2sd.yaml", "tunnels:\n  a: {remote: 192.0.2.1, psk-file: k1}\n  b: {remote: 192.0.2.2, psk-file: k2}\n", 0600);
	struct conf_memory *m = conf_memory_new();
	swap_at_read = true;
	struct conf *c = conf_memory_load(m, main_file, time(NULL) + LATER, &f, why);
	ck_assert(!swap_at_read);
	findings_release(&f);
	ck_assert_ptr_nonnull(c);
	ck_assert_int_eq(c->tunnels[0]->psk->data[24], '0');
	ck_assert_int_eq(c->tunnels[1]->psk->data[24], '1'); /* of the same folder */
	keep(m, c, NULL);
	c = settled(m, c, LATER, 2);
	c = settled(m, c, LATER, 0);
	conf_free(c);
	conf_memory_free(m);
	remove_folder();
}
END_TEST

int main(void)
{
	TCase *t = tcase_create("again");
	tcase_set_timeout(t, 120);
	tcase_add_loop_test(t, edits_at_random, 1, 6);
	tcase_add_test(t, only_what_changed_is_read);
	tcase_add_test(t, a_new_file_is_read_from_its_beginning);
	tcase_add_test(t, a_dry_run_changes_nothing);
	tcase_add_test(t, much_that_changes_takes_no_longer_than_all);
	tcase_add_test(t, another_folder_of_keys_is_seen);
	return unit_run_case("again", t);
}
