/*
 * sheet.c - tables and small values of render.h. libsmartcols lays out what a terminal sees; a pipe gets the cells as they are.
 */
#include <inttypes.h>
#include <stdlib.h>
#include <string.h>
#include <sys/ioctl.h>
#include <time.h>
#include <unistd.h>

#include <libsmartcols.h>

#include "base/log.h"
#include "base/mem.h"
#include "conf/finding.h"
#include "ctl/render.h"

struct row {
	char *cells[SHEET_COLUMNS];
	unsigned tinted_column;
	enum tint tint;
};

struct sheet {
	const struct column *columns;
	unsigned n, rows, cap;
	struct row *v;
};

/* What log_escape does, except for quotes and backslashes: they harm no terminal, and the text may have been escaped once already. */
const char *escaped(char *text, size_t size, const char *src)
{
	static const char keep[] = "'\"\\";
	size_t len = 0;
	if (src == NULL || src[0] == 0)
		src = "-";
	text[0] = 0;
	while (*src != 0 && len + 1 < size) {
		size_t n = strcspn(src, keep);
		if (n == 0) {
			text[len++] = *src++;
			text[len] = 0;
			continue;
		}
		log_escape(text + len, size - len, bytes_of(src, n));
		len += strlen(text + len);
		src += n;
	}
	return text;
}

bool tinted(FILE *to)
{
	const char *no = getenv("NO_COLOR"), *term = getenv("TERM");
	return isatty(fileno(to)) && (no == NULL || no[0] == 0) && term != NULL && strcmp(term, "dumb") != 0;
}

unsigned screen_width(FILE *to)
{
	struct winsize w = { 0 };
	if (ioctl(fileno(to), TIOCGWINSZ, &w) != 0 || w.ws_col < 40)
		return 80;
	return w.ws_col;
}

static unsigned columns_of(const char *text, size_t n)
{
	unsigned count = 0;
	for (size_t i = 0; i < n; i++)
		count += ((unsigned char)text[i] & 0xc0) != 0x80;
	return count;
}

static void put_pieces(FILE *to, const char *text, size_t n, unsigned gap, unsigned *used, unsigned indent, unsigned width)
{
	for (size_t i = 0; i < n; i++) {
		bool begins = ((unsigned char)text[i] & 0xc0) != 0x80;
		if (i == 0 && gap && *used + gap < width) {
			fputc(' ', to);
			++*used;
		}
		if (begins && *used >= width) {
			fprintf(to, "\n%*s", (int)indent, "");
			*used = indent;
		}
		fputc(text[i], to);
		*used += begins;
	}
}

void put_wrapped(FILE *to, const char *text, unsigned used, unsigned indent, unsigned width)
{
	for (bool first = true; *text != 0; first = false) {
		size_t n = strcspn(text, " \n");
		unsigned columns = columns_of(text, n), gap = !first;
		if (indent + columns > width && width > indent) { /* a word that fits in no line */
			put_pieces(to, text, n, gap, &used, indent, width);
			text += n + strspn(text + n, " \n");
			continue;
		}
		if (used > indent && used + gap + columns > width) {
			fprintf(to, "\n%*s", (int)indent, "");
			used = indent;
		} else if (gap) {
			fputc(' ', to);
			used++;
		}
		fprintf(to, "%.*s", (int)n, text);
		used += columns;
		text += n + strspn(text + n, " \n");
	}
	fputc('\n', to);
}

void put_fitting(FILE *to, const char *text, unsigned used, unsigned indent)
{
	if (isatty(fileno(to)))
		put_wrapped(to, text, used, indent, screen_width(to));
	else
		fprintf(to, "%s\n", text);
}

void put_place(FILE *to, const char *file, uint64_t line, bool warning, const char *text)
{
	char whole[4096];
	snprintf(whole, sizeof whole, "%s:%" PRIu64 ": %s%s", file, line, warning ? "warning: " : "", text);
	put_fitting(to, whole, 0, 8);
}

void put_findings(FILE *to, const struct findings *f, bool errors_only)
{
	char line[FINDING_LINE], clean[2 * FINDING_LINE];
	for (unsigned i = 0; i < f->n; i++)
		if (!errors_only || finding_load(f->v[i].code) == LOAD_REFUSES)
			put_fitting(to, escaped(clean, sizeof clean, finding_line(&f->v[i], line)), 0, 8);
}

struct sheet *sheet_new(const struct column *columns, unsigned n)
{
	struct sheet *s = xcalloc(1, sizeof *s);
	s->columns = columns;
	s->n = n < SHEET_COLUMNS ? n : SHEET_COLUMNS;
	return s;
}

void sheet_row(struct sheet *s, const char *const *cells, unsigned tinted_column, enum tint tint)
{
	char clean[1024];
	if (s->rows == s->cap) {
		s->cap = s->cap > 0 ? s->cap * 2 : 64;
		s->v = xrealloc_array(s->v, s->cap, sizeof *s->v);
	}
	struct row *r = &s->v[s->rows++];
	*r = (struct row){ .tinted_column = tinted_column, .tint = tint };
	for (unsigned i = 0; i < s->n; i++)
		r->cells[i] = xstrdup(escaped(clean, sizeof clean, cells[i]));
}

static void print_plain(const struct sheet *s, FILE *to)
{
	for (unsigned i = 0; i < s->rows; i++) {
		for (unsigned k = 0; k < s->n; k++)
			fprintf(to, "%s%c", s->v[i].cells[k], k + 1 < s->n ? ' ' : '\n');
	}
}

static struct libscols_table *layout(const struct sheet *s)
{
	struct libscols_table *t = scols_new_table();
	for (unsigned k = 0; t != NULL && k < s->n; k++) {
		if (scols_table_new_column(t, s->columns[k].title, 0, s->columns[k].right ? SCOLS_FL_RIGHT : 0) == NULL) {
			scols_unref_table(t);
			return NULL;
		}
	}
	return t;
}

unsigned sheet_width(const struct sheet *s)
{
	unsigned sum = 0;
	for (unsigned k = 0; k < s->n; k++) {
		unsigned widest = (unsigned)strlen(s->columns[k].title);
		for (unsigned i = 0; i < s->rows; i++) {
			unsigned n = columns_of(s->v[i].cells[k], strlen(s->v[i].cells[k]));
			widest = n > widest ? n : widest;
		}
		sum += widest + (k > 0);
	}
	return sum;
}

void sheet_print_as(const struct sheet *s, FILE *to, bool in_colour)
{
	static const char *const colours[] = { NULL, "green", "yellow", "red" };
	struct libscols_table *t = layout(s);
	if (t == NULL) {
		print_plain(s, to);
		return;
	}
	scols_table_set_stream(t, to);
	scols_table_enable_colors(t, in_colour);
	/* Rather a line that wraps than a reason that is cut. */
	scols_table_set_termforce(t, SCOLS_TERMFORCE_NEVER);
	for (unsigned i = 0; i < s->rows; i++) {
		const struct row *r = &s->v[i];
		struct libscols_line *l = scols_table_new_line(t, NULL);
		for (unsigned k = 0; l != NULL && k < s->n; k++)
			scols_line_set_data(l, k, r->cells[k]);
		if (l != NULL && r->tint != TINT_NONE)
			scols_cell_set_color(scols_line_get_cell(l, r->tinted_column), colours[r->tint]);
	}
	scols_print_table(t);
	scols_unref_table(t);
}

void sheet_print(struct sheet *s, FILE *to, bool terminal)
{
	if (terminal)
		sheet_print_as(s, to, tinted(to));
	else
		print_plain(s, to);
}

void sheet_free(struct sheet *s)
{
	for (unsigned i = 0; i < s->rows; i++) {
		for (unsigned k = 0; k < s->n; k++)
			free(s->v[i].cells[k]);
	}
	free(s->v);
	free(s);
}

/* ---------------------------------------------------------------- values */
const char *size_words(uint64_t bytes, char text[SIZE_TEXT])
{
	static const char units[] = "KMGTPE";
	if (bytes < 1024) {
		snprintf(text, SIZE_TEXT, "%u", (unsigned)bytes);
		return text;
	}
	unsigned unit = 0;
	uint64_t tenths = bytes / 1024 * 10 + bytes % 1024 * 10 / 1024;
	for (; tenths >= 10240; tenths /= 1024)
		unit++;
	if (tenths < 100)
		snprintf(text, SIZE_TEXT, "%u.%u%c", (unsigned)(tenths / 10), (unsigned)(tenths % 10), units[unit]);
	else
		snprintf(text, SIZE_TEXT, "%u%c", (unsigned)(tenths / 10), units[unit]);
	return text;
}

int64_t time_parse(const char *rfc3339)
{
	struct tm tm = { 0 };
	const char *end = rfc3339 != NULL ? strptime(rfc3339, "%Y-%m-%dT%H:%M:%SZ", &tm) : NULL;
	return end != NULL && *end == 0 ? (int64_t)timegm(&tm) : 0;
}

const char *age_words(const json_t *since, int64_t now, char text[TIME_TEXT])
{
	int64_t at = time_parse(json_string_value(since));
	if (at == 0)
		snprintf(text, TIME_TEXT, "-");
	else
		span_format((now > at ? now - at : 0) * 1000, text);
	return text;
}

const char *word_of(const json_t *object, const char *key) { return json_string_value(json_object_get(object, key)); }

uint64_t count_of(const json_t *object, const char *key)
{
	json_int_t n = json_integer_value(json_object_get(object, key));
	return n > 0 ? (uint64_t)n : 0;
}
