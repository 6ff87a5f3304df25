/*
 * top.c - see top.h. A line of 80 columns:
 *
 *	TUNNEL          STATE   SINCE     IN/s            OUT/s           ERR  RTX REKEY
 *	aws-1           up      4h02m     1.2M ▁▂▅█▇▅▂▁    310K ▁▁▂▂▁▁▁▁     0    2    14
 *	azure           connect 12s    network: no answer from 192.0.2.10:500 to IKE_SA_INIT ...
 *
 * Both graphs of a tunnel have one scale, the busiest second that is shown.
 */
#include "top.h"

#include <stdarg.h>
#include <stdlib.h>
#include <string.h>

#include "base/mem.h"
#include "ctl/render.h"

#define NARROW 79    /* columns that the smallest line fills */
#define FLOOR 1024.0 /* bytes per second: below it noise would look like traffic */
#define NAME_MIN 15
#define NAME_MAX 32
#define GRAPH_MIN 8
#define GRAPH_MAX 40

/* ---------------------------------------------------------------- taking answers */
static int by_name(const void *a, const void *b)
{
	const struct top_tunnel *x = a, *y = b;
	return strcmp(x->name, y->name);
}

/* Among the first `known`, which are in name order, or a new one behind all. */
static struct top_tunnel *place_of(struct top *t, unsigned known, const char *name)
{
	struct top_tunnel key = { 0 };
	snprintf(key.name, sizeof key.name, "%s", name);
	struct top_tunnel *old = known > 0 ? bsearch(&key, t->v, known, sizeof key, by_name) : NULL;
	if (old != NULL)
		return old;
	t->v = xrealloc_array(t->v, t->n + 1, sizeof *t->v);
	struct top_tunnel *p = &t->v[t->n++];
	*p = (struct top_tunnel){ 0 };
	snprintf(p->name, sizeof p->name, "%s", name);
	return p;
}

/* A counter that went back began anew: the daemon did. */
static double per_second(uint64_t before, uint64_t now, int64_t span_ms)
{
	return now >= before && span_ms > 0 ? (double)(now - before) * 1000.0 / (double)span_ms : 0;
}

static void take_one(struct top *t, unsigned known, const json_t *o)
{
	static const char *const bytes[] = { "bytes_in", "bytes_out" }, *const packets[] = { "packets_in", "packets_out" };
	char name[64], clean[256];
	struct top_tunnel *p = place_of(t, known, escaped(name, sizeof name, word_of(o, "name")));
	const char *reason = word_of(o, "reason");
	p->state = tunnel_state_parse(word_of(o, "state"));
	snprintf(p->reason, sizeof p->reason, "%s", reason != NULL ? escaped(clean, sizeof clean, reason) : "");
	p->since = time_parse(word_of(o, "since"));
	for (int d = TOP_IN; d <= TOP_OUT; d++) {
		uint64_t b = count_of(o, bytes[d]), k = count_of(o, packets[d]);
		p->rate[d] = p->known ? per_second(p->bytes[d], b, t->span_ms) : 0;
		p->packet_rate[d] = p->known ? per_second(p->packets[d], k, t->span_ms) : 0;
		p->bytes[d] = b;
		p->packets[d] = k;
		p->history[d][t->taken % TOP_HISTORY] = (float)p->rate[d];
	}
	p->n = p->known && p->n < TOP_HISTORY ? p->n + 1 : p->n;
	memset(p->columns, 0, sizeof p->columns);
	for (unsigned i = 0; i < COUNTER_COUNT; i++)
		p->columns[counter_rows[i].column] += count_of(o, counter_rows[i].member);
	p->known = p->seen = true;
}

static int worst_first(const void *a, const void *b)
{
	const struct top_tunnel *x = a, *y = b;
	unsigned p = tunnel_state_rows[x->state].rank, q = tunnel_state_rows[y->state].rank;
	return p != q ? (p < q ? -1 : 1) : strcmp(x->name, y->name);
}

static int busiest_first(const void *a, const void *b)
{
	const struct top_tunnel *x = a, *y = b;
	double p = x->rate[0] + x->rate[1], q = y->rate[0] + y->rate[1];
	return p != q ? (p > q ? -1 : 1) : worst_first(a, b);
}

void top_sort(struct top *t)
{
	if (t->n > 0)
		qsort(t->v, t->n, sizeof *t->v, t->by_traffic ? busiest_first : worst_first);
}

void top_take(struct top *t, const json_t *answer)
{
	const json_t *list = json_object_get(answer, "tunnels");
	int64_t clock_ms = (int64_t)count_of(answer, "clock_ms");
	unsigned kept = 0, known = t->n;
	t->span_ms = t->taken > 0 && clock_ms > t->clock_ms ? clock_ms - t->clock_ms : 0;
	t->clock_ms = clock_ms;
	t->at = time_parse(word_of(answer, "at"));
	for (unsigned i = 0; i < t->n; i++)
		t->v[i].seen = false;
	if (known > 0)
		qsort(t->v, known, sizeof *t->v, by_name);
	for (size_t i = 0; i < json_array_size(list); i++)
		take_one(t, known, json_array_get(list, i));
	t->taken++;
	for (unsigned i = 0; i < t->n; i++) {
		if (t->v[i].seen)
			t->v[kept++] = t->v[i];
	}
	t->n = kept;
	top_sort(t);
}

void top_release(struct top *t)
{
	free(t->v);
	*t = (struct top){ 0 };
}

/* ---------------------------------------------------------------- a line */
struct row {
	FILE *to;
	unsigned left; /* columns */
};

/* Columns of text that was escaped: what is left of UTF-8 are printable characters, counted as one column each. */
static bool inside_character(char c) { return ((unsigned char)c & 0xc0) == 0x80; }

static void put(struct row *r, const char *fmt, ...) __attribute__((format(printf, 2, 3)));
static void put(struct row *r, const char *fmt, ...)
{
	char text[1024];
	va_list ap;
	va_start(ap, fmt);
	vsnprintf(text, sizeof text, fmt, ap);
	va_end(ap);
	for (const char *p = text; *p != 0; p++) {
		if (!inside_character(*p) && r->left == 0)
			return;
		r->left -= !inside_character(*p);
		fputc(*p, r->to);
	}
}

static void end(struct row *r, unsigned width)
{
	fputc('\n', r->to);
	r->left = width;
}

/* Cut to its column with a mark, or filled. */
static void put_name(struct row *r, const char *text, unsigned columns)
{
	size_t n = strlen(text);
	if (n <= columns)
		put(r, "%-*s ", (int)columns, text);
	else
		put(r, "%.*s~ ", (int)columns - 1, text);
}

static void tint(const struct top_look *look, FILE *to, const char *code)
{
	if (look->colour)
		fprintf(to, "\033[%sm", code);
}

static const char *rate_words(double rate, char text[SIZE_TEXT])
{
	return size_words(rate > 0 ? (uint64_t)(rate + 0.5) : 0, text);
}

/* Spans with two units are too wide for their column: "3d04h" fits, what is longer shows its first unit. */
static const char *age(const struct top *t, const struct top_tunnel *p, char text[TIME_TEXT])
{
	if (p->since == 0 || t->at < p->since)
		return "-";
	span_format((t->at - p->since) * 1000, text);
	if (strlen(text) > 6)
		text[strcspn(text, "dhms") + 1] = 0;
	return text;
}

static double busiest(const struct top *t, const struct top_tunnel *p, unsigned columns)
{
	double most = FLOOR;
	for (unsigned i = 0; i < 2 * columns && i < 2 * p->n; i++) {
		double rate = p->history[i % 2][(t->taken - 1 - i / 2) % TOP_HISTORY];
		most = rate > most ? rate : most;
	}
	return most;
}

static void graph(struct row *r, const struct top *t, const struct top_tunnel *p, int direction, unsigned columns, bool utf8)
{
	static const char *const blocks[] = { " ", "▁", "▂", "▃", "▄", "▅", "▆", "▇", "█" };
	static const char *const plain[] = { " ", ".", ":", "-", "=", "+", "*", "#", "@" };
	double most = busiest(t, p, columns);
	for (unsigned i = columns; i-- > 0;) {
		double rate = i < p->n ? p->history[direction][(t->taken - 1 - i) % TOP_HISTORY] : 0;
		unsigned level = rate <= 0 ? 0 : 1 + (unsigned)(rate / most * 7.0 + 0.5);
		put(r, "%s", (utf8 ? blocks : plain)[level > 8 ? 8 : level]);
	}
	put(r, " ");
}

/* ---------------------------------------------------------------- a frame */
struct columns {
	unsigned name, graph;
};

static struct columns share(unsigned width)
{
	unsigned spare = width > NARROW ? width - NARROW : 0;
	struct columns c = { NAME_MIN, GRAPH_MIN };
	unsigned more = spare / 3 < NAME_MAX - NAME_MIN ? spare / 3 : NAME_MAX - NAME_MIN;
	c.name += more;
	spare -= more;
	c.graph += spare / 2 < GRAPH_MAX - GRAPH_MIN ? spare / 2 : GRAPH_MAX - GRAPH_MIN;
	return c;
}

static void summary(const struct top *t, const struct top_look *look, struct row *r)
{
	char in[SIZE_TEXT], out[SIZE_TEXT], at[TIME_TEXT] = "-";
	double sum[2] = { 0, 0 };
	unsigned count[TUNNEL_STATE_COUNT + 1] = { 0 };
	for (unsigned i = 0; i < t->n; i++) {
		count[t->v[i].state]++;
		sum[0] += t->v[i].rate[0];
		sum[1] += t->v[i].rate[1];
	}
	if (t->at != 0)
		wall_format(t->at, at);
	put(r, "s2sd %s  %.8s  %u tunnel%s", look->host, t->at != 0 ? at + 11 : "-", t->n, t->n == 1 ? "" : "s");
	for (unsigned k = 0; k < TUNNEL_STATE_COUNT; k++) {
		enum tunnel_state state = tunnel_state_best(k);
		if (count[state] > 0)
			put(r, ", %u %s", count[state], tunnel_state_word(state));
	}
	put(r, "  in %s/s out %s/s", rate_words(sum[0], in), rate_words(sum[1], out));
	end(r, look->width);
}

static const char *tint_code(enum tint tint)
{
	switch (tint) {
	case TINT_GOOD: return "32";
	case TINT_WARN: return "33";
	case TINT_BAD: return "31";
	case TINT_NONE: break;
	}
	return "0";
}

static void tunnel_line(
	const struct top *t, const struct top_tunnel *p, const struct top_look *look, struct columns c, struct row *r)
{
	char span[TIME_TEXT], in[SIZE_TEXT], out[SIZE_TEXT];
	const struct tunnel_state_row *state = &tunnel_state_rows[p->state];
	put_name(r, p->name, c.name);
	tint(look, r->to, tint_code(state->tint));
	put(r, "%-7s ", state->narrow);
	tint(look, r->to, "0");
	put(r, "%-6s ", age(t, p, span));
	if (p->state != TUNNEL_UP && p->reason[0] != 0) {
		put(r, "%s", p->reason);
		end(r, look->width);
		return;
	}
	put(r, "%6s ", rate_words(p->rate[TOP_IN], in));
	graph(r, t, p, TOP_IN, c.graph, look->utf8);
	put(r, "%6s ", rate_words(p->rate[TOP_OUT], out));
	graph(r, t, p, TOP_OUT, c.graph, look->utf8);
	put(r, "%5llu %4llu %5llu", (unsigned long long)p->columns[COLUMN_ERRORS],
		(unsigned long long)p->columns[COLUMN_RETRANSMITS], (unsigned long long)p->columns[COLUMN_REKEYS]);
	end(r, look->width);
}

void top_frame(const struct top *t, const struct top_look *look, FILE *to)
{
	struct columns c = share(look->width);
	struct row r = { to, look->width };
	unsigned room = look->height > 4   ? look->height - 3
			: look->height > 0 ? 1
					   : t->n,
		 skip = look->skip < t->n ? look->skip : 0;
	summary(t, look, &r);
	tint(look, to, "7");
	put(&r, "%-*s %-7s %-6s %6s %-*s %6s %-*s %5s %4s %5s", (int)c.name, "TUNNEL", "STATE", "SINCE", "IN/s", (int)c.graph, "",
		"OUT/s", (int)c.graph, "", "ERR", "RTX", "REKEY");
	tint(look, to, "0");
	end(&r, look->width);
	for (unsigned i = skip; i < t->n && i < skip + room; i++)
		tunnel_line(t, &t->v[i], look, c, &r);
	if (look->trouble != NULL) {
		char clean[256];
		put(&r, "%s", escaped(clean, sizeof clean, look->trouble));
		end(&r, look->width);
	} else if (look->keys) {
		put(&r, "q quit  t busiest first%s", t->n > room ? "  up, down: scroll" : "");
		if (t->n > room)
			put(&r, "  (%u-%u of %u)", skip + 1, skip + room < t->n ? skip + room : t->n, t->n);
		end(&r, look->width);
	}
}

/* ---------------------------------------------------------------- JSON */
static json_t *rate_json(double rate) { return json_integer((json_int_t)(rate + 0.5)); }

json_t *top_json(const struct top *t)
{
	char at[TIME_TEXT];
	json_t *o = json_object(), *list = json_array();
	json_object_set_new(o, "version", json_integer(1));
	json_object_set_new(o, "at", t->at != 0 ? json_string(wall_format(t->at, at)) : json_null());
	json_object_set_new(o, "interval_ms", json_integer(t->span_ms));
	for (unsigned i = 0; i < t->n; i++) {
		const struct top_tunnel *p = &t->v[i];
		json_t *row = json_object();
		json_object_set_new(row, "name", json_string(p->name));
		json_object_set_new(row, "state", json_string(tunnel_state_word(p->state)));
		json_object_set_new(row, "since", p->since != 0 ? json_string(wall_format(p->since, at)) : json_null());
		json_object_set_new(row, "reason", p->reason[0] != 0 ? json_string(p->reason) : json_null());
		json_object_set_new(row, "bytes_in_per_second", rate_json(p->rate[TOP_IN]));
		json_object_set_new(row, "bytes_out_per_second", rate_json(p->rate[TOP_OUT]));
		json_object_set_new(row, "packets_in_per_second", rate_json(p->packet_rate[TOP_IN]));
		json_object_set_new(row, "packets_out_per_second", rate_json(p->packet_rate[TOP_OUT]));
		json_object_set_new(row, "errors", json_integer((json_int_t)p->columns[COLUMN_ERRORS]));
		json_object_set_new(row, "retransmits", json_integer((json_int_t)p->columns[COLUMN_RETRANSMITS]));
		json_object_set_new(row, "rekeys", json_integer((json_int_t)p->columns[COLUMN_REKEYS]));
		json_array_append_new(list, row);
	}
	json_object_set_new(o, "tunnels", list);
	return o;
}
