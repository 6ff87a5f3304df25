/*
 * again.c - see again.h. A load goes through the files once. What it makes is a new struct known, with the old tunnels where their
 * lines are the same and drafts of the others; then the rules are asked, as check_draft() asks them, of the drafts alone and of what
 * may have something in common.
 */
#include "check/again.h"

#include <stdlib.h>
#include <string.h>

#include "base/table.h"
#include "remember.h"

#define MOST_READ 2000 /* tunnels: of more than that, all are read in one go */

struct conf_memory {
	struct known now, next; /* next: of what was loaded last */
	uint32_t read;
};

struct again {
	const struct known *was;
	struct known *now;
	struct findings *f;
	struct key_folder *keys;
	int64_t before;
	unsigned cap_files, cap_units;
	unsigned next_file;       /* of was: the one that is most likely next */
	bool *met;                /* files of was that are there again */
	struct table by_path;     /* of was, from 1 on; made when the order is another */
	uint32_t *by_rank;        /* units of was; the same */
	struct conf_draft drafts; /* seq: which unit is theirs */
	unsigned cap_drafts;
	bool *used; /* units of was */
};

struct conf_memory *conf_memory_new(void) { return xcalloc(1, sizeof(struct conf_memory)); }

void conf_memory_free(struct conf_memory *m)
{
	if (m == NULL)
		return;
	known_release(&m->now);
	known_release(&m->next);
	free(m);
}

size_t conf_memory_packed(const struct conf_memory *m) { return m->next.packed; }
uint32_t conf_memory_read(const struct conf_memory *m) { return m->read; }

/* --- files and their parts --- */
static struct unit *add_unit(struct again *a)
{
	struct known *k = a->now;
	if (k->n == a->cap_units) {
		a->cap_units += a->cap_units / 2 + a->was->n + 64;
		k->v = known_grow(k->v, k->n, a->cap_units, sizeof *k->v);
	}
	k->v[k->n] = (struct unit){ .order = k->n_files };
	return &k->v[k->n++];
}

static void use_again(struct again *a, const struct unit *from, int line)
{
	struct unit *u = add_unit(a);
	*u = *from;
	u->line = line;
	u->order = a->now->n_files;
	known_clashes(a->now, u, a->was->clashes + from->clashes, from->n_clashes);
}

static bool is_same(const struct again *a, const struct unit *u)
{
	return !u->told && u->keys != 0 && known_keys(u->t, a->keys->dir, a->before) == u->keys;
}

static uint64_t path_hash(const char *path) { return hash_bytes(HASH_START, path, strlen(path)); }

/* Files come in the same order each time, unless some are new or gone. */
static const struct source *source_of(struct again *a, const char *path)
{
	struct source *v = a->was->files, *s = a->next_file < a->was->n_files ? &v[a->next_file] : NULL;
	if (s == NULL || strcmp(s->path, path) != 0) {
		if (table_count(&a->by_path) == 0)
			for (unsigned i = 0; i < a->was->n_files; i++)
				table_put(&a->by_path, path_hash(v[i].path), &v[i]);
		s = table_get(&a->by_path, path_hash(path));
	}
	if (s == NULL || strcmp(s->path, path) != 0)
		return NULL;
	a->next_file = (unsigned)(s - v) + 1;
	a->met[s - v] = true;
	return s;
}

static bool use_file(struct again *a, const struct source *was)
{
	for (unsigned i = 0; i < was->n; i++) {
		known_keys_ahead(&a->was->v[was->first + i], was->n - i);
		if (!is_same(a, &a->was->v[was->first + i]))
			return false;
	}
	for (unsigned i = 0; i < was->n; i++)
		use_again(a, &a->was->v[was->first + i], a->was->v[was->first + i].line);
	return true;
}

/* Of that name in the file. Tunnels keep their order mostly: the one at `at` is the first that is looked at. */
static const struct unit *unit_of(struct again *a, const struct source *was, unsigned *at, const char *name)
{
	const struct known *k = a->was;
	if (was == NULL)
		return NULL;
	unsigned i = was->first + *at;
	if (*at >= was->n || strcmp(k->v[i].t->name, name) != 0) {
		if (conf_find(k->conf, name) == NULL)
			return NULL;
		if (a->by_rank == NULL)
			a->by_rank = known_ranks(k);
		i = a->by_rank[conf_after(k->conf, name) - 1];
	}
	if (i < was->first || i - was->first >= was->n)
		return NULL;
	*at = i - was->first + 1;
	return &k->v[i];
}

static void add_draft(struct again *a, struct tunnel_draft d, unsigned unit)
{
	if (a->drafts.n == a->cap_drafts) {
		a->cap_drafts = 2 * a->cap_drafts + 8;
		a->drafts.v = xrealloc_array(a->drafts.v, a->cap_drafts, sizeof *a->drafts.v);
	}
	d.seq = unit;
	a->now->v[unit].t = d.t;
	a->drafts.v[a->drafts.n++] = d;
}

static size_t lines_in(const char *p, size_t n)
{
	size_t lines = 0;
	for (const char *end = p + n; (p = memchr(p, '\n', (size_t)(end - p))) != NULL; p++)
		lines++;
	return lines;
}

/* These parts alone, with as many lines between them as there are in the file. Wiped: keys may stand in it. */
static char *text_of_parts(const struct conf_text *text, const struct conf_part *const *parts, unsigned n, size_t *len)
{
	const struct conf_part *last = parts[n - 1];
	char *out = xcalloc(sizeof SPLIT_TOP + (last->at + last->len - parts[0]->at),
		1); /* what is left out is longer than its lines' ends */
	int line = parts[0]->line;
	*len = strlen(SPLIT_TOP);
	memcpy(out, SPLIT_TOP, *len);
	for (unsigned i = 0; i < n; i++) {
		for (; line < parts[i]->line; line++)
			out[(*len)++] = '\n';
		memcpy(out + *len, text->text + parts[i]->at, parts[i]->len);
		*len += parts[i]->len;
		line += (int)lines_in(text->text + parts[i]->at, parts[i]->len);
	}
	return out;
}

/* Tunnels that were read have the places of these units. Settings of the daemon are not among the parts. */
static bool as_expected(const struct again *a, const struct conf_draft *d, const unsigned *units, unsigned n)
{
	if (a->f->refused > 0 || d->n != n)
		return false;
	for (unsigned i = 0; i < GLOBAL_KEYS_MAX; i++)
		if (d->global_at[i].file != NULL)
			return false;
	for (unsigned i = 0; i < n; i++)
		if (d->v[i].cut || d->v[i].t->line != a->now->v[units[i]].line)
			return false;
	return true;
}

static bool read_parts(struct again *a, const struct conf_text *alone, const unsigned *units, unsigned n)
{
	struct conf_draft d;
	unsigned before = a->f->n, order = a->now->n_files;
	bool good = conf_read(&d, alone, 1, conf_key_read_in, a->keys, a->f) && as_expected(a, &d, units, n);
	for (unsigned i = before; i < a->f->n; i++)
		a->f->v[i].order = order;
	for (unsigned i = 0; good && i < n; i++) {
		d.v[i].t->order = order;
		add_draft(a, d.v[i], units[i]);
	}
	d.n = good ? 0 : d.n;
	conf_free(conf_draft_take(&d));
	return good;
}

/* What becomes of the parts of a file: those to be read come together as a text; of a new file that is all of it. */
struct plan {
	uint32_t *same; /* per part: its unit, and one more; 0: it is to be read */
	uint64_t *text; /* hashes of those that are to be read */
	unsigned n;     /* of them */
	struct conf_text alone;
};

static struct plan plan_parts(
	struct again *a, const struct conf_text *text, const struct conf_parts *parts, const struct source *was)
{
	struct plan p = { .same = xcalloc(parts->n, sizeof *p.same),
		.text = xcalloc(MOST_READ, sizeof *p.text),
		.alone = { .private_mode = text->private_mode } };
	const struct conf_part *fresh[MOST_READ];
	char name[TUNNEL_NAME_MAX + 1];
	for (unsigned i = 0, at = 0; i < parts->n; i++) {
		conf_part_name(text, &parts->v[i], name);
		const struct unit *u = unit_of(a, was, &at, name);
		/* Who writes a tunnel twice has two of them. */
		uint64_t hash = known_part(text, &parts->v[i]);
		bool same = u != NULL && u->text == hash && !a->used[u - a->was->v] && was->private_mode == text->private_mode &&
			    is_same(a, u);
		if (same) {
			a->used[u - a->was->v] = true;
			p.same[i] = (uint32_t)(u - a->was->v) + 1;
		} else if (p.n++ < MOST_READ) {
			fresh[p.n - 1] = &parts->v[i];
			p.text[p.n - 1] = hash;
		}
	}
	if (was == NULL) {
		p.alone.len = text->len;
		p.alone.text = memcpy(xcalloc(text->len + 1, 1), text->text, text->len);
	} else if (p.n > 0 && p.n <= MOST_READ) {
		p.alone.above = fresh[0]->line - 2;
		p.alone.text = text_of_parts(text, fresh, p.n, &p.alone.len);
	}
	return p;
}

static bool carry_out(struct again *a, struct plan *p, const struct conf_parts *parts, const char *path)
{
	if (p->n + a->drafts.n > MOST_READ)
		return false;
	unsigned *units = xcalloc(p->n, sizeof *units), n = 0;
	for (unsigned i = 0; i < parts->n; i++) {
		if (p->same[i] != 0) {
			use_again(a, &a->was->v[p->same[i] - 1], parts->v[i].line);
			continue;
		}
		units[n] = a->now->n;
		struct unit *u = add_unit(a);
		u->text = p->text[n++];
		u->line = parts->v[i].line;
	}
	p->alone.file = path;
	bool good = p->alone.text == NULL || read_parts(a, &p->alone, units, n);
	free(units);
	return good;
}

/* f is released before anything is made of it: the text of a file may be the largest of all that a reload needs. */
static bool use_changed(
	struct again *a, struct file_text *f, const struct conf_text *text, struct source *s, const struct source *was)
{
	struct conf_parts parts;
	if (!conf_split(text, &parts))
		return false;
	known_text(s, text, &parts);
	s->split = true;
	bool good = was == NULL ? s->head_is_empty : was->split && was->head == s->head && (was->n > 0 || s->head_is_empty);
	if (good) {
		struct plan p = plan_parts(a, text, &parts, was);
		file_text_release(f);
		good = carry_out(a, &p, &parts, s->path);
		known_forget((char *)p.alone.text, p.alone.len);
		free(p.same);
		known_forget(p.text, MOST_READ * sizeof *p.text);
	}
	free(parts.v);
	return good;
}

static bool each_file(void *arg, struct file_text *f, char why[FILE_WHY])
{
	struct again *a = arg;
	struct known *k = a->now;
	struct conf_text text = { f->path, f->text, f->len, f->private_mode, 0 };
	const struct source *was = source_of(a, f->path);
	struct source s = { .path = xstrdup(f->path), .first = k->n };
	(void)why;
	known_text(&s, &text, NULL);
	bool same = was != NULL && was->text == s.text && was->len == s.len && was->private_mode == s.private_mode &&
		    use_file(a, was);
	if (same) {
		s.head = was->head;
		s.head_is_empty = was->head_is_empty;
		s.split = was->split;
	}
	bool good = same || use_changed(a, f, &text, &s, was);
	s.n = k->n - s.first;
	if (k->n_files == a->cap_files) {
		a->cap_files = 2 * a->cap_files + a->was->n_files + 8;
		k->files = known_grow(k->files, k->n_files, a->cap_files, sizeof *k->files);
	}
	k->files[k->n_files++] = s;
	file_text_release(f);
	return good;
}

/* Files that are not there any more had nothing but tunnels. */
static bool nothing_is_missing(const struct again *a)
{
	for (unsigned i = 0; i < a->was->n_files; i++)
		if (!a->met[i] && !(a->was->files[i].split && a->was->files[i].head_is_empty))
			return false;
	return true;
}

/* --- the rules --- */
static void mark_told(struct again *a)
{
	for (unsigned i = 0; i < a->f->n; i++)
		for (unsigned k = 0; k < a->drafts.n; k++)
			if (strcmp(a->f->v[i].tunnel, a->drafts.v[k].t->name) == 0)
				a->now->v[a->drafts.v[k].seq].told = true;
}

struct seen {           /* which hash was met first where */
	uint32_t *unit; /* and one more; 0: nowhere */
	uint64_t mask;
};

static bool has_hash(const struct known *k, const struct unit *u, uint64_t hash, bool psk)
{
	if (psk)
		return u->psk == hash;
	for (unsigned i = 0; i < u->n_clashes; i++)
		if (k->clashes[u->clashes + i] == hash)
			return true;
	return false;
}

/* in[unit]: it has something that another has, too. */
static bool meet(const struct known *k, struct seen *s, unsigned unit, uint64_t hash, bool psk, bool *in)
{
	uint64_t at = hash >> 1 & s->mask; /* of keys the lowest bit is always set */
	for (; s->unit[at] != 0; at = (at + 1) & s->mask) {
		unsigned first = s->unit[at] - 1;
		if (first == unit || !has_hash(k, &k->v[first], hash, psk))
			continue;
		in[first] = in[unit] = true;
		return true;
	}
	s->unit[at] = unit + 1;
	return false;
}

/* Where it was and where it will stand: only a load that is kept moves a tunnel that is in use. */
static void trade_places(struct unit *u)
{
	unsigned order = u->t->order;
	int line = u->t->line;
	tunnel_conf_move(u->t, u->order, u->line);
	u->order = order;
	u->line = line;
}

static void ask_of(struct again *a, const bool *in, void (*rule)(struct findings *f, const struct conf_draft *d))
{
	struct conf_draft some = { .v = xcalloc(a->now->n, sizeof *some.v) };
	for (unsigned i = 0; i < a->now->n; i++) {
		struct tunnel_conf *t = a->now->v[i].t;
		uint64_t written = KEY_BIT(KEY_REMOTE) |
				   (t->psk_file == NULL ? KEY_BIT(KEY_PSK) : 0); /* all that these rules ask for */
		if (!in[i])
			continue;
		trade_places(&a->now->v[i]);
		some.v[some.n++] = (struct tunnel_draft){ .t = t, .written = written, .seq = i };
	}
	rule(a->f, &some);
	for (unsigned i = 0; i < some.n; i++)
		trade_places(&a->now->v[some.v[i].seq]);
	free(some.v);
}

static void ask_in_common(struct again *a, bool psk)
{
	const struct known *k = a->now;
	struct seen s = { .mask = 1 };
	while (s.mask < 2 * (uint64_t)(psk ? k->n : k->n_clashes))
		s.mask = 2 * s.mask + 1;
	s.unit = xcalloc(s.mask + 1, sizeof *s.unit);
	bool *in = xcalloc(k->n, sizeof *in), any = false;
	for (unsigned i = 0; i < k->n; i++) {
		const struct unit *u = &k->v[i];
		if (psk && u->psk != 0)
			any |= meet(k, &s, i, u->psk, true, in);
		for (unsigned n = 0; !psk && n < u->n_clashes; n++)
			any |= meet(k, &s, i, k->clashes[u->clashes + n], false, in);
	}
	if (any)
		ask_of(a, in, psk ? check_psk_shared : check_clashes);
	free(s.unit);
	free(in);
}

/* Where the settings of the daemon are written: in the files of that name. */
static void move_globals(struct again *a)
{
	struct known *k = a->now;
	k->global_at = xcalloc(GLOBAL_KEYS_MAX, sizeof *k->global_at);
	for (unsigned i = 0; i < GLOBAL_KEYS_MAX; i++) {
		struct place *p = &k->global_at[i];
		*p = a->was->global_at[i];
		for (unsigned n = 0; p->file != NULL && n < k->n_files; n++)
			if (strcmp(k->files[n].path, a->was->global_at[i].file) == 0) {
				p->file = k->files[n].path;
				p->order = n;
				break;
			}
	}
}

static bool judge(struct again *a)
{
	struct known *k = a->now;
	for (unsigned i = 0; i < a->drafts.n && a->f->refused == 0; i++)
		check_keys(a->f, &a->drafts.v[i]);
	if (a->f->refused > 0)
		return false;
	mark_told(a);
	for (unsigned i = 0; i < a->drafts.n; i++)
		known_unit(k, &k->v[a->drafts.v[i].seq], a->keys->dir, a->before);
	ask_in_common(a, false);
	ask_in_common(a, true);
	move_globals(a);
	struct conf_draft all = { .conf = a->was->conf, .n = k->n, .global_at = k->global_at };
	check_globals(a->f, &all);
	return a->f->refused == 0 && a->f->dropped == 0;
}

/* --- together --- */
static int by_name(const void *x, const void *y)
{
	const struct tunnel_draft *a = x, *b = y;
	return strcmp(a->t->name, b->t->name);
}

/* The old ones are in name order. Of fresh ones the reference is given away. */
static struct conf *merge(struct again *a)
{
	const struct conf *was = a->was->conf;
	struct known *k = a->now;
	struct conf *c = conf_copy_globals(was);
	bool *stays = xcalloc(was->n, sizeof *stays);
	uint32_t *moved = xcalloc(was->n, sizeof *moved), at = 0;
	for (unsigned i = 0; i < a->drafts.n; i++)
		k->v[a->drafts.v[i].seq].rank = UINT32_MAX;
	for (unsigned i = 0; i < k->n; i++)
		if (k->v[i].rank != UINT32_MAX)
			stays[k->v[i].rank] = true;
	if (a->drafts.n > 1)
		qsort(a->drafts.v, a->drafts.n, sizeof *a->drafts.v, by_name);
	c->tunnels = xcalloc(k->n, sizeof *c->tunnels);
	for (uint32_t i = 0; i < was->n; i++) {
		if (!stays[i])
			continue;
		for (; at < a->drafts.n && strcmp(a->drafts.v[at].t->name, was->tunnels[i]->name) < 0; at++) {
			k->v[a->drafts.v[at].seq].rank = c->n | UINT32_C(0x80000000);
			c->tunnels[c->n++] = a->drafts.v[at].t;
		}
		moved[i] = c->n;
		c->tunnels[c->n++] = tunnel_conf_ref(was->tunnels[i]);
	}
	for (; at < a->drafts.n; at++) {
		k->v[a->drafts.v[at].seq].rank = c->n | UINT32_C(0x80000000);
		c->tunnels[c->n++] = a->drafts.v[at].t;
	}
	for (unsigned i = 0; i < k->n; i++)
		k->v[i].rank = (k->v[i].rank & UINT32_C(0x80000000)) != 0 ? k->v[i].rank & UINT32_C(0x7fffffff)
									  : moved[k->v[i].rank];
	free(stays);
	free(moved);
	a->drafts.n = 0;
	return c;
}

/* NULL: it has to be read in full; what was found is forgotten then. */
static struct conf *load_again(struct conf_memory *m, const char *main_file, struct key_folder *keys, struct findings *f,
	char why[FILE_WHY], int64_t before)
{
	m->next.cap_clashes = m->now.n_clashes + 1024; /* as many as before, in one piece */
	m->next.clashes = xcalloc(m->next.cap_clashes, sizeof *m->next.clashes);
	struct again a = { .was = &m->now, .now = &m->next, .f = f, .keys = keys, .before = before };
	struct conf *c = NULL;
	table_init(&a.by_path, 0); /* names of files are the administrator's */
	a.met = xcalloc(m->now.n_files, sizeof *a.met);
	a.used = xcalloc(m->now.n, sizeof *a.used);
	if (file_set_walk(main_file, each_file, &a, why) && nothing_is_missing(&a) && a.now->n <= UINT16_MAX && judge(&a)) {
		m->read = a.drafts.n;
		c = merge(&a);
		findings_sort(f);
		known_finish(a.now, c);
		a.now->usable = true;
	} else {
		findings_release(f);
		known_release(a.now);
	}
	for (unsigned i = 0; i < a.drafts.n; i++)
		tunnel_conf_unref(a.drafts.v[i].t);
	free(a.drafts.v);
	free(a.used);
	free(a.met);
	free(a.by_rank);
	table_release(&a.by_path);
	return c;
}

static struct conf *load_all(struct conf_memory *m, const char *main_file, struct key_folder *keys, struct findings *f,
	char why[FILE_WHY], int64_t before)
{
	struct conf_files s;
	struct conf_draft d;
	unsigned alone;
	if (!conf_files_read(&s, main_file, why))
		return NULL;
	bool complete = conf_read(&d, s.texts, s.set.n, conf_key_read_in, keys, f);
	struct place *global_at = xcalloc(GLOBAL_KEYS_MAX, sizeof *global_at);
	memcpy(global_at, d.global_at, GLOBAL_KEYS_MAX * sizeof *global_at);
	m->read = d.n;
	struct conf *c = check_draft(&d, complete, f, &alone);
	if (c != NULL)
		known_all(&m->next, &s, c, f, alone, keys->dir, before);
	m->next.global_at = global_at;
	for (unsigned i = 0; i < GLOBAL_KEYS_MAX && c != NULL; i++)
		if (global_at[i].file != NULL)
			global_at[i].file = m->next.files[global_at[i].order].path;
	conf_files_release(&s);
	return c;
}

struct conf *conf_memory_load(struct conf_memory *m, const char *main_file, int64_t now, struct findings *f, char why[FILE_WHY])
{
	int64_t before = now - FILE_TIMES_COARSE;
	*f = (struct findings){ 0 };
	why[0] = 0;
	known_release(&m->next);
	/* One folder for what is read and for what is known of it: another may get its name at any time. */
	struct key_folder keys = key_folder_open(main_file);
	struct conf *c = m->now.usable ? load_again(m, main_file, &keys, f, why, before) : NULL;
	c = c != NULL ? c : load_all(m, main_file, &keys, f, why, before);
	key_folder_close(&keys);
	return c;
}

void conf_memory_keep(struct conf_memory *m, const struct conf *c)
{
	known_release(&m->now);
	m->now = m->next;
	m->next = (struct known){ .packed = m->now.packed };
	m->now.conf = conf_copy(c);
	for (unsigned i = 0; i < m->now.n; i++) {
		struct unit *u = &m->now.v[i];
		u->t = c->tunnels[u->rank];
		tunnel_conf_move(u->t, u->order, u->line);
	}
}
