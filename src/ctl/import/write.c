/* write.c - the set as files: names for the tunnels, YAML in which every value says where it is from, keys; and the proof that the
 * daemon will take it. */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/util.h"
#include "set.h"

#define COMMENT_COLUMN 52

/* --- keys --- */
/* Line number i of the text, cut into an optional address and the key. */
struct psk_line {
	const char *addr, *key;
	size_t addr_len, key_len;
};

/* ADDRESS ADDRESS : PSK "KEY", a line of ipsec.secrets: the peer's address stands last. */
static bool secrets_line(const char *s, size_t n, struct psk_line *line)
{
	const char *word = memmem(s, n, "PSK", 3), *end = s + n;
	const char *colon = word != NULL ? memrchr(s, ':', (size_t)(word - s)) : NULL;
	if (colon == NULL || word + 3 == end || strchr(" \t\"'", word[3]) == NULL ||
		strspn(colon + 1, " \t") != (size_t)(word - colon - 1))
		return false;
	line->key = word + 3;
	line->key_len = doc_trim(&line->key, (size_t)(end - line->key));
	if (line->key_len > 2 && (line->key[0] == '"' || line->key[0] == '\'') && line->key[line->key_len - 1] == line->key[0])
		line->key++, line->key_len -= 2;
	size_t len = doc_trim(&s, (size_t)(colon - s));
	line->addr = s + len;
	while (line->addr > s && line->addr[-1] != ' ' && line->addr[-1] != '\t')
		line->addr--;
	line->addr_len = (size_t)(s + len - line->addr);
	return true;
}

static bool psk_next(const char **at, const char *end, struct psk_line *line)
{
	while (*at < end) {
		const char *s = *at, *nl = memchr(s, '\n', (size_t)(end - s));
		size_t n = (size_t)((nl != NULL ? nl : end) - s);
		*at = nl != NULL ? nl + 1 : end;
		n = doc_trim(&s, n);
		if (n == 0 || (n > 1 && s[0] == '#' && s[1] == ' '))
			continue;
		*line = (struct psk_line){ 0 };
		if (secrets_line(s, n, line))
			return true;
		size_t first = 0;
		while (first < n && s[first] != ' ' && s[first] != '\t')
			first++;
		*line = (struct psk_line){ .key = s, .key_len = n };
		if (first == n)
			return true;
		line->addr = s;
		line->addr_len = first;
		line->key = s + first;
		line->key_len = doc_trim(&line->key, n - first);
		return true;
	}
	return false;
}

bool import_psk_is_placeholder(const char *psk)
{
	static const char *const words[] = { "KEY", "PSK", "SECRET", "PLACEHOLDER", "PASSWORD" };
	size_t n = strlen(psk);
	if (psk[strspn(psk, "*")] == 0 || (n > 2 && psk[0] == '<' && psk[n - 1] == '>'))
		return true;
	bool shouted = psk[strspn(psk, "ABCDEFGHIJKLMNOPQRSTUVWXYZ-_. ")] == 0, named = false;
	for (size_t i = 0; i < ARRAY_SIZE(words); i++)
		named |= strstr(psk, words[i]) != NULL;
	return shouted && named;
}

const char *import_psk(struct import_set *p, const char *address, unsigned i, unsigned n)
{
	const struct import_doc *d = p->psk;
	struct psk_line line, mine = { 0 }, only = { 0 };
	unsigned bare = 0;
	if (d == NULL)
		return NULL;
	for (const char *at = d->text, *end = d->text + d->len; psk_next(&at, end, &line);) {
		if (line.addr_len == strlen(address) && memcmp(line.addr, address, line.addr_len) == 0)
			return import_copy(p, line.key, line.key_len);
		if (line.addr_len > 0)
			continue;
		only = line;
		if (bare++ == i)
			mine = line;
	}
	if (bare == 1)
		return import_copy(p, only.key, only.key_len);
	if (bare == n)
		return import_copy(p, mine.key, mine.key_len);
	import_refuse(p, "%s holds no key for %s: write one line with the key of all tunnels, or lines of 'OUTSIDE-ADDRESS KEY'",
		d->name, address);
	return NULL;
}

/* --- YAML --- */
static size_t folder_of(const struct import_doc *d, const char *text)
{
	const char *slash = d != NULL ? strrchr(d->name, '/') : NULL;
	return slash != NULL && strncmp(text, d->name, strlen(d->name)) == 0 ? (size_t)(slash + 1 - d->name) : 0;
}

/* The path of an input file is cut down to its name: the comment outlives the place where the download lay. */
static const char *skip_folder(const struct import_set *p, const char *text)
{
	for (unsigned i = 0; i < p->request->n; i++) {
		size_t n = folder_of(&p->request->docs[i], text);
		if (n > 0)
			return text + n;
	}
	return text + folder_of(p->request->psk, text);
}

static void put_comment(const struct import_set *p, FILE *f, const char *text)
{
	for (text = skip_folder(p, text); *text != 0; text = *text == ' ' ? skip_folder(p, text + 1) : text + 1)
		fputc(*text >= ' ' && *text <= '~' ? *text : '?', f);
	fputc('\n', f);
}

static void put_setting(const struct import_set *p, FILE *f, const struct setting *s, unsigned indent)
{
	const char *key = strncmp(s->key, "bgp.", 4) == 0 ? s->key + 4 : s->key;
	int n = fprintf(f, "%*s%s: %s", (int)indent, "", key, s->value);
	if (s->from == NULL) {
		fputc('\n', f);
		return;
	}
	fprintf(f, "%*s# ", n < COMMENT_COLUMN ? COMMENT_COLUMN - n : 1, "");
	put_comment(p, f, s->from);
}

static void put_children(FILE *f, const struct import_tunnel *t)
{
	for (const struct import_child *child = t->children; child != NULL; child = child->next)
		fprintf(f, "      - {local-ts: %s, remote-ts: %s}\n", child->local_ts, child->remote_ts);
}

static void put_tunnel(const struct import_set *p, FILE *f, const struct import_tunnel *t)
{
	bool bgp = false;
	fprintf(f, "  %s:\n", t->name);
	for (unsigned i = 0; i < t->n; i++) {
		if (strncmp(t->set[i].key, "bgp.", 4) == 0)
			continue;
		put_setting(p, f, &t->set[i], 4);
		if (strcmp(t->set[i].key, IMPORT_CHILDREN) == 0)
			put_children(f, t);
	}
	for (unsigned i = 0; i < t->n; i++) {
		if (strncmp(t->set[i].key, "bgp.", 4) != 0)
			continue;
		if (!bgp)
			fprintf(f, "    bgp:\n");
		bgp = true;
		put_setting(p, f, &t->set[i], 6);
	}
}

static struct import_file *add_file(struct import_set *p, const char *path, const char *text, size_t len, bool secret)
{
	struct import_file *file = import_alloc(p, sizeof *file), **end = &p->files;
	if (file == NULL)
		return NULL;
	*file = (struct import_file){ .path = path, .text = text, .len = len, .secret = secret };
	while (*end != NULL)
		end = &(*end)->next;
	*end = file;
	return file;
}

static bool put_yaml(struct import_set *p, const struct import_conn *m)
{
	char *text = NULL;
	size_t len = 0;
	FILE *f = open_memstream(&text, &len);
	if (f == NULL)
		return import_refuse(p, "there is no memory left");
	for (const struct note *n = m->head; n != NULL; n = n->next) {
		fputs("# ", f);
		put_comment(p, f, n->text);
	}
	fputs("tunnels:\n", f);
	for (const struct import_tunnel *t = m->first; t != NULL; t = t->next)
		put_tunnel(p, f, t);
	bool good = fclose(f) == 0;
	if (good)
		add_file(p, import_text(p, "conf.d/%s.yaml", m->name), import_copy(p, text, len), len, false);
	free(text);
	return good || import_refuse(p, "there is no memory left");
}

static void add_key(struct import_set *p, const char *name, const char *psk)
{
	const char *line = import_text(p, "%s\n", psk);
	add_file(p, import_text(p, "keys/%s.psk", name), line, strlen(line), true);
}

/* --- names --- */
/* A key that the cloud has is taken as it is, as its algorithms are; and that is said. */
static void allow_weak_key(struct import_set *p, struct import_tunnel *t, const char *key)
{
	if (!check_psk_weak(key, strlen(key)))
		return;
	import_tunnel_allow(p, t, "psk", "the cloud has a weak key");
	import_note(p, NOTE_WARNING,
		"a weak pre-shared key is in use because the cloud has it: make a new one with `s2sctl genpsk`, set it at the cloud and in keys/, and take psk out of allow-weak");
}

static bool give_names(struct import_set *p, struct import_conn *m)
{
	unsigned i = 0;
	for (struct import_tunnel *t = m->first; t != NULL; t = t->next) {
		if (m->n > 1)
			snprintf(t->name, sizeof t->name, "%.*s-%u", TUNNEL_NAME_MAX - 2, m->name, ++i);
		else
			snprintf(t->name, sizeof t->name, "%s", m->name);
		if (t->certified) {
			import_tunnel_set(
				p, t, "certificate", import_text(p, "%s.pem", m->name), "ours, then its intermediates: bring it");
			import_tunnel_set(
				p, t, "private-key", import_text(p, "%s.key", m->name), "its key, without a password: bring it");
			import_tunnel_set(
				p, t, "ca", import_text(p, "%s-ca.pem", m->name), "who certified the cloud's end: bring it");
			continue;
		}
		const char *owner = t->psk != NULL ? t->name : m->name, *from = t->psk != NULL ? t->psk_from : m->psk_from;
		if (t->psk == NULL && m->psk == NULL)
			return import_refuse(p, "%s: the pre-shared key of the tunnel to %s is missing", m->from, t->remote);
		import_tunnel_set(p, t, "psk-file", import_text(p, "%s.psk", owner), from);
		allow_weak_key(p, t, t->psk != NULL ? t->psk : m->psk);
	}
	return true;
}

static bool name_taken(const struct import_set *p, const struct import_conn *m, const struct import_tunnel *t)
{
	for (const struct import_conn *other = p->first; other != NULL; other = other->next)
		for (const struct import_tunnel *o = other->first; o != NULL && other != m; o = o->next)
			if (strcmp(o->name, t->name) == 0)
				return true;
	return false;
}

bool import_finish(struct import_set *p)
{
	if (!import_parts(p))
		return false;
	for (struct import_conn *m = p->first; m != NULL; m = m->next) {
		if (m->n > 9)
			return import_refuse(p, "%s: a connection of %u tunnels: AWS and Azure make fewer", m->from, m->n);
		if (!give_names(p, m) || p->refusal != NULL)
			return false;
	}
	for (struct import_conn *m = p->first; m != NULL; m = m->next) {
		for (struct import_tunnel *t = m->first; t != NULL; t = t->next) {
			if (name_taken(p, m, t))
				return import_refuse(p,
					"two tunnels would have the name '%s': import the connection '%s' by itself, with --only and another --name",
					t->name, m->called);
			if (t->psk != NULL)
				add_key(p, t->name, t->psk);
		}
		if (m->psk != NULL)
			add_key(p, m->name, m->psk);
		if (!put_yaml(p, m))
			return false;
	}
	return true;
}

/* --- would the daemon take it? --- */
struct key_source {
	struct import_set *p;
	const struct conf_files *set; /* may be NULL */
	const char *absent;           /* files in keys/ that are not there, as a list for people */
};

static void add_absent(struct key_source *s, const char *name)
{
	const char *path = import_text(s->p, "keys/%s", name), *at = strstr(s->absent, path);
	size_t n = strlen(path);
	while (at != NULL && at[n] != 0 && at[n] != ',')
		at = strstr(at + n, path);
	if (at == NULL) /* two tunnels of a connection have one certificate */
		s->absent = import_text(s->p, "%s%s%s", s->absent, s->absent[0] != 0 ? ", " : "", path);
}

static struct psk *read_made_key(void *arg, const char *name, size_t max, struct key_fault *fault)
{
	struct key_source *s = arg;
	for (const struct import_file *f = s->p->files; f != NULL; f = f->next) {
		if (!f->secret || strcmp(f->path + strlen("keys/"), name) != 0)
			continue;
		struct psk *psk = xcalloc(1, sizeof *psk + f->len);
		psk->len = f->len;
		memcpy(psk->data, f->text, psk->len);
		return psk;
	}
	*fault = key_fault_absent();
	struct psk *found = s->set != NULL ? conf_key_read(s->set->set.key_dir, name, max, fault) : NULL;
	if (found == NULL && fault->kind == KEY_FAULT_ABSENT)
		add_absent(s, name);
	return found;
}

static bool replaced(const struct import_set *p, const char *base, const char *file)
{
	size_t n = strlen(base);
	for (const struct import_file *f = p->files; f != NULL; f = f->next)
		if (strncmp(file, base, n) == 0 && strcmp(file + n, f->path) == 0)
			return true;
	return false;
}

static int by_name(const void *a, const void *b)
{
	return strcmp(((const struct conf_text *)a)->file, ((const struct conf_text *)b)->file);
}

/* The user has been told to bring them. */
static bool only_certificates_absent(const struct findings *f)
{
	static const char *const keys[] = { "certificate", "private-key", "ca" };
	for (unsigned i = 0; i < f->n; i++) {
		bool own = false;
		for (unsigned k = 0; k < ARRAY_SIZE(keys) && f->v[i].key != NULL; k++)
			own = own || strcmp(f->v[i].key, keys[k]) == 0;
		if (finding_load(f->v[i].code) == LOAD_REFUSES && !(own && f->v[i].code == FINDING_KEY_FILE_ABSENT))
			return false;
	}
	return f->dropped == 0;
}

struct conf *import_load(struct import_set *p, const char *base, const struct conf_files *set, struct findings *faults)
{
	unsigned count = 0, mains = 0, n = set != NULL ? set->set.n : 0;
	struct key_source source = { p, set, "" };
	struct conf_text *all = xcalloc(n + p->n + 1, sizeof *all);
	for (unsigned i = 0; i < n; i++)
		if (!replaced(p, base, set->texts[i].file))
			all[count++] = set->texts[i];
	const char *folder = import_text(p, "%sconf.d/", base);
	while (mains < count && strncmp(all[mains].file, folder, strlen(folder)) != 0)
		mains++;
	for (const struct import_file *f = p->files; f != NULL; f = f->next)
		if (!f->secret)
			all[count++] = (struct conf_text){ import_text(p, "%s%s", base, f->path), f->text, f->len, false, 0 };
	qsort(all + mains, count - mains, sizeof *all, by_name); /* the main file first, then conf.d/ in name order */
	struct conf *c = conf_load(all, count, read_made_key, &source, faults);
	if (c == NULL && only_certificates_absent(faults)) {
		findings_release(faults);
		c = conf_load(all, count, NULL, NULL, faults);
		p->bring = source.absent;
		import_note(p, NOTE_WARNING,
			"the daemon refuses all settings, those of other tunnels too, until these files are there: %s. One that runs keeps its tunnels; do not "
			"restart it or the machine before",
			p->bring);
	}
	free(all);
	return c;
}
