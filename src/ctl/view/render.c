/*
 * render.c - see render.h. Answers are walked with tolerance: a member that is missing is a "-", never a crash.
 */
#include "ctl/render.h"

#include <inttypes.h>
#include <stdarg.h>
#include <stdlib.h>
#include <string.h>

#include "base/log.h"
#include "base/mem.h"
#include "base/text.h"
#include "codes/counter.h"
#include "codes/state.h"
#include "base/util.h"

/* ---------------------------------------------------------------- status */
static enum tunnel_state state_of(const json_t *tunnel) { return tunnel_state_parse(word_of(tunnel, "state")); }

/* A tunnel that tries and fails is worse than one that tries, and that is worse than one that is meant to be down. */
static unsigned rank(const json_t *tunnel)
{
	enum tunnel_state state = state_of(tunnel);
	bool failing = state == TUNNEL_CONNECTING && json_is_object(json_object_get(tunnel, "last_error"));
	return tunnel_state_rows[state].rank - failing;
}

static int worst_first(const void *a, const void *b)
{
	const json_t *x = *(const json_t *const *)a, *y = *(const json_t *const *)b;
	unsigned p = rank(x), q = rank(y);
	const char *n = word_of(x, "name"), *m = word_of(y, "name");
	if (p != q)
		return p < q ? -1 : 1;
	return n != NULL && m != NULL ? strcmp(n, m) : 0;
}

static uint64_t sum_of(const json_t *children, const char *key)
{
	uint64_t sum = 0;
	for (size_t i = 0; i < json_array_size(children); i++)
		sum += count_of(json_array_get(children, i), key);
	return sum;
}

static const char *reason_of(const json_t *t)
{
	const char *reason = word_of(t, "reason");
	if (reason == NULL && state_of(t) != TUNNEL_UP)
		reason = word_of(json_object_get(t, "last_error"), "text");
	return reason;
}

#define BGP_CELL 32
/* "Established 12", "Active", "?" when nobody could be asked; NULL: the tunnel has no BGP. */
static const char *bgp_of(const json_t *t, char cell[BGP_CELL])
{
	const json_t *bgp = json_object_get(t, "bgp"), *received = json_object_get(bgp, "received");
	const char *state = word_of(bgp, "state");
	if (!json_is_object(bgp))
		return NULL;
	if (json_is_integer(received))
		snprintf(cell, BGP_CELL, "%s %" PRIu64, state != NULL ? state : "?", count_of(bgp, "received"));
	else
		snprintf(cell, BGP_CELL, "%s", state != NULL ? state : "?");
	return cell;
}

static bool any_bgp(const json_t *const *order, size_t n)
{
	for (size_t i = 0; i < n; i++)
		if (json_is_object(json_object_get(order[i], "bgp")))
			return true;
	return false;
}

/* On a terminal the reason has lines of its own, and our own address gives way when there is no room for it. */
enum shape { PLAIN, WIDE, NARROW };

static void status_row(struct sheet *s, const json_t *t, int64_t now, enum shape shape, bool bgp)
{
	char age[TIME_TEXT], in[SIZE_TEXT], out[SIZE_TEXT], cell[BGP_CELL];
	const json_t *children = json_object_get(t, "children");
	size_t n = 0;
	const char *cells[SHEET_COLUMNS];
	cells[n++] = word_of(t, "name");
	cells[n++] = word_of(t, "state");
	cells[n++] = age_words(json_object_get(t, "since"), now, age);
	if (shape != NARROW)
		cells[n++] = word_of(t, "local");
	cells[n++] = word_of(t, "remote");
	cells[n++] = size_words(sum_of(children, "bytes_in"), in);
	cells[n++] = size_words(sum_of(children, "bytes_out"), out);
	if (bgp)
		cells[n++] = bgp_of(t, cell);
	if (shape == PLAIN)
		cells[n++] = reason_of(t);
	sheet_row(s, cells, 1, tunnel_state_rows[state_of(t)].tint);
}

static struct sheet *status_sheet(const json_t *const *order, size_t n, int64_t now, enum shape shape)
{
	static const struct column all[] = { { "TUNNEL", false }, { "STATE", false }, { "SINCE", true }, { "LOCAL", false },
		{ "REMOTE", false }, { "IN", true }, { "OUT", true }, { "BGP", false }, { "REASON", false } };
	/* By shape, without BGP and with it. */
	static const struct column wide[] = { { "TUNNEL", false }, { "STATE", false }, { "SINCE", true }, { "LOCAL", false },
		{ "REMOTE", false }, { "IN", true }, { "OUT", true }, { "REASON", false } };
	static const struct column narrow[] = { { "TUNNEL", false }, { "STATE", false }, { "SINCE", true }, { "REMOTE", false },
		{ "IN", true }, { "OUT", true }, { "BGP", false } };
	bool bgp = any_bgp(order, n);
	unsigned columns = (shape == NARROW ? 6 : shape == WIDE ? 7 : 8) + bgp;
	struct sheet *s = sheet_new(shape == NARROW ? narrow : bgp ? all : wide, columns);
	for (size_t i = 0; i < n; i++)
		status_row(s, order[i], now, shape, bgp);
	return s;
}

/* The table line by line, each tunnel's reason under it. */
static void put_explained(const struct sheet *s, const json_t *const *order, size_t n, FILE *to)
{
	char *text, *line, *rest, clean[1024];
	size_t len, row = 0;
	unsigned width = screen_width(to);
	FILE *f = open_memstream(&text, &len);
	sheet_print_as(s, f, tinted(to));
	fclose(f);
	for (rest = text; (line = strsep(&rest, "\n")) != NULL && rest != NULL; row++) {
		const char *reason = row > 0 && row <= n ? reason_of(order[row - 1]) : NULL;
		fprintf(to, "%s\n", line);
		if (reason == NULL)
			continue;
		fputs("  ", to);
		put_wrapped(to, escaped(clean, sizeof clean, reason), 2, 2, width);
	}
	free(text);
}

static void put_totals(const json_t *list, FILE *to)
{
	size_t n = json_array_size(list), count[TUNNEL_STATE_COUNT + 1] = { 0 };
	for (size_t i = 0; i < n; i++)
		count[state_of(json_array_get(list, i))]++;
	fprintf(to, "%zu tunnel%s", n, n == 1 ? "" : "s");
	const char *comma = ": ";
	for (unsigned i = 0; i < TUNNEL_STATE_COUNT; i++) {
		enum tunnel_state state = tunnel_state_best(i);
		if (count[state] == 0)
			continue;
		fprintf(to, "%s%zu %s", comma, count[state], tunnel_state_word(state));
		comma = ", ";
	}
	fputc('\n', to);
}

void render_status(const json_t *answer, int64_t now, FILE *to, bool terminal)
{
	const json_t *list = json_object_get(answer, "tunnels");
	size_t n = json_array_size(list);
	const json_t **order = xcalloc(n + 1, sizeof *order);
	for (size_t i = 0; i < n; i++)
		order[i] = json_array_get(list, i);
	qsort(order, n, sizeof *order, worst_first);
	struct sheet *s = status_sheet(order, n, now, terminal ? WIDE : PLAIN);
	if (terminal && sheet_width(s) > screen_width(to)) {
		sheet_free(s);
		s = status_sheet(order, n, now, NARROW);
	}
	if (n > 0 && terminal)
		put_explained(s, order, n, to);
	else if (n > 0)
		sheet_print(s, to, false);
	if (terminal)
		put_totals(list, to);
	sheet_free(s);
	free(order);
}

/* ---------------------------------------------------------------- show */
struct page {
	FILE *to;
	bool aligned;
	int64_t now;
};

static void item(const struct page *p, unsigned depth, const char *key, const char *fmt, ...)
	__attribute__((format(printf, 4, 5)));
static void item(const struct page *p, unsigned depth, const char *key, const char *fmt, ...)
{
	char text[4096], clean[4096];
	va_list ap;
	va_start(ap, fmt);
	vsnprintf(text, sizeof text, fmt, ap);
	va_end(ap);
	int width = p->aligned ? 20 - 2 * (int)depth : 0;
	escaped(clean, sizeof clean, text);
	int used = fprintf(
		p->to, "%*s%s:%*s", 2 * (int)depth, "", key, width > (int)strlen(key) ? width - (int)strlen(key) : 1, "");
	if (p->aligned)
		put_wrapped(p->to, clean, (unsigned)used, 2 * depth + (unsigned)width + 1, screen_width(p->to));
	else
		fprintf(p->to, "%s\n", clean);
}

static const char *or_dash(const char *word) { return word != NULL && word[0] != 0 ? word : "-"; }

static void times(const struct page *p, const json_t *o)
{
	char age[TIME_TEXT], left[TIME_TEXT] = "-", bytes[SIZE_TEXT];
	const json_t *rekey = json_object_get(o, "rekey_at");
	int64_t at = time_parse(json_string_value(rekey));
	item(p, 1, "established", "%s (%s ago)", or_dash(word_of(o, "established")),
		age_words(json_object_get(o, "established"), p->now, age));
	if (at != 0)
		item(p, 1, "next rekey", "%s (in %s)", json_string_value(rekey), span_format((at - p->now) * 1000, left));
	else
		item(p, 1, "next rekey", "-");
	if (json_is_integer(json_object_get(o, "expires_in")))
		item(p, 1, "lifetime left", "%s", span_format(json_integer_value(json_object_get(o, "expires_in")) * 1000, left));
	if (json_is_integer(json_object_get(o, "bytes_left")))
		item(p, 1, "bytes left", "%s", size_words(count_of(o, "bytes_left"), bytes));
}

static void certificate(const struct page *p, const char *whose, const json_t *c)
{
	item(p, 1, whose, "%s", or_dash(word_of(c, "subject")));
	item(p, 1, "issued by", "%s, serial %s", or_dash(word_of(c, "issuer")), or_dash(word_of(c, "serial")));
	item(p, 1, "valid", "%s to %s", or_dash(word_of(c, "not_before")), or_dash(word_of(c, "not_after")));
}

/* Nothing with a pre-shared key. */
static void proof(const struct page *p, const json_t *ike)
{
	const json_t *c = json_object_get(ike, "peer_certificate");
	if (!json_is_object(c))
		return;
	item(p, 1, "signatures", "ours %s, the peer's %s", or_dash(word_of(ike, "our_signature")),
		or_dash(word_of(ike, "peer_signature")));
	certificate(p, "peer's cert", c);
}

static void show_own_certificate(const struct page *p, const json_t *t)
{
	const json_t *c = json_object_get(t, "our_certificate");
	if (!json_is_object(c))
		return;
	fprintf(p->to, "our certificate\n");
	certificate(p, "subject", c);
	item(p, 1, "key", "%s, %lld bits", or_dash(word_of(c, "key")), (long long)json_integer_value(json_object_get(c, "bits")));
}

static void show_ike(const struct page *p, const json_t *t, const json_t *ike)
{
	if (!json_is_object(ike)) {
		fprintf(p->to, "ike sa: none\n");
		return;
	}
	static const char *const members[][2] = { { "role", "role" }, { "state", "state" }, { "proposal", "proposal" },
		{ "nat", "nat" }, { "encapsulation", "encapsulation" }, { "peer id", "peer_id" }, { "vendor", "vendor" } };
	fprintf(p->to, "ike sa\n");
	item(p, 1, "spi", "%s_i %s_r", or_dash(word_of(ike, "spi_i")), or_dash(word_of(ike, "spi_r")));
	for (size_t i = 0; i < ARRAY_SIZE(members); i++)
		item(p, 1, members[i][0], "%s", or_dash(word_of(ike, members[i][1])));
	proof(p, ike);
	item(p, 1, "last heard", "%s", or_dash(word_of(t, "last_heard")));
	times(p, ike);
}

static void selectors(const struct page *p, const char *key, const json_t *list)
{
	char text[3072] = "";
	for (size_t i = 0; i < json_array_size(list); i++)
		text_join(text, sizeof text, " ", or_dash(json_string_value(json_array_get(list, i))));
	item(p, 1, key, "%s", text);
}

static void show_child(const struct page *p, const json_t *c)
{
	char in[SIZE_TEXT], out[SIZE_TEXT];
	fprintf(p->to, "child sa\n");
	item(p, 1, "spi", "in %s out %s", or_dash(word_of(c, "spi_in")), or_dash(word_of(c, "spi_out")));
	item(p, 1, "state", "%s", or_dash(word_of(c, "state")));
	item(p, 1, "proposal", "%s%s", or_dash(word_of(c, "proposal")), json_is_true(json_object_get(c, "esn")) ? " (esn)" : "");
	selectors(p, "local selectors", json_object_get(c, "local_ts"));
	selectors(p, "remote selectors", json_object_get(c, "remote_ts"));
	item(p, 1, "encaps", "%" PRIu64 " packets, %s bytes", count_of(c, "encaps"), size_words(count_of(c, "bytes_out"), out));
	item(p, 1, "decaps", "%" PRIu64 " packets, %s bytes", count_of(c, "decaps"), size_words(count_of(c, "bytes_in"), in));
	item(p, 1, "verify errors", "%" PRIu64, count_of(c, "integrity_errors"));
	item(p, 1, "replay errors", "%" PRIu64, count_of(c, "replay_errors"));
	times(p, c);
}

static void show_history(const struct page *p, const json_t *t)
{
	const json_t *e = json_object_get(t, "last_error"), *ms = json_object_get(t, "last_handshake_ms");
	char in[SIZE_TEXT], out[SIZE_TEXT];
	fprintf(p->to, "history\n");
	item(p, 1, "carried", "in %s bytes, out %s bytes", size_words(count_of(t, "bytes_in"), in),
		size_words(count_of(t, "bytes_out"), out));
	for (unsigned i = 0; i < COUNTER_COUNT; i++) {
		const struct counter_row *row = &counter_rows[i];
		if (row->line != NULL)
			item(p, 1, row->line, "%" PRIu64, count_of(t, row->member));
	}
	item(p, 1, "kernel repairs", "%" PRIu64, count_of(json_object_get(t, "kernel"), "repairs"));
	if (json_is_integer(ms))
		item(p, 1, "last handshake", "%" JSON_INTEGER_FORMAT " ms", json_integer_value(ms));
	if (json_is_object(e))
		item(p, 1, "last error", "%s %s (%s): %s", or_dash(word_of(e, "at")), or_dash(word_of(e, "code")),
			or_dash(word_of(e, "blame")), or_dash(word_of(e, "text")));
	else
		item(p, 1, "last error", "-");
}

static void show_settings(const struct page *p, json_t *config)
{
	const char *key;
	json_t *value;
	fprintf(p->to, "settings\n");
	json_object_foreach (config, key, value)
		if (json_is_string(value))
			item(p, 1, key, "%s", json_string_value(value));
}

/* Whether the kernel has what the tunnel needs of it. */
static void show_kernel(const struct page *p, const json_t *kernel)
{
	bool wanted = json_is_true(json_object_get(kernel, "as_wanted"));
	item(p, 1, "kernel", "%s", wanted ? "as wanted" : or_dash(word_of(kernel, "differs")));
}

static void show_tunnel(const struct page *p, const json_t *t)
{
	char age[TIME_TEXT], name[128], state[64], bgp[BGP_CELL];
	const char *reason = word_of(t, "reason");
	fprintf(p->to, "%s\n", escaped(name, sizeof name, word_of(t, "name")));
	item(p, 1, "state", "%s, %s%s%s", escaped(state, sizeof state, word_of(t, "state")),
		age_words(json_object_get(t, "since"), p->now, age), reason != NULL ? ", " : "", reason != NULL ? reason : "");
	item(p, 1, "cloud", "%s", or_dash(word_of(t, "cloud")));
	item(p, 1, "outside", "local %s remote %s", or_dash(word_of(t, "local")), or_dash(word_of(t, "remote")));
	item(p, 1, "interface", "%s", or_dash(word_of(t, "interface")));
	show_kernel(p, json_object_get(t, "kernel"));
	selectors(p, "inside", json_object_get(t, "inside"));
	selectors(p, "routes", json_object_get(t, "routes"));
	if (bgp_of(t, bgp) != NULL)
		item(p, 1, "bgp", "%s to %s", bgp, or_dash(word_of(t, "bgp_peer")));
	show_own_certificate(p, t);
	show_ike(p, t, json_object_get(t, "ike"));
	json_t *list = json_object_get(t, "children");
	if (json_array_size(list) == 0)
		fprintf(p->to, "child sa: none\n");
	for (size_t i = 0; i < json_array_size(list); i++)
		show_child(p, json_array_get(list, i));
	show_history(p, t);
	show_settings(p, json_object_get(t, "config"));
}

void render_show(const json_t *answer, int64_t now, FILE *to, bool terminal)
{
	const struct page p = { .to = to, .aligned = terminal, .now = now };
	const json_t *list = json_object_get(answer, "tunnels");
	for (size_t i = 0; i < json_array_size(list); i++) {
		if (i > 0)
			fputc('\n', to);
		show_tunnel(&p, json_array_get(list, i));
	}
}

/* ---------------------------------------------------------------- events, reload */
static const char *level_colour(const char *word)
{
	enum log_level level;
	if (word == NULL || !log_level_parse(word, &level))
		return "";
	return level == LOG_LEVEL_ERROR ? "\033[31m" : level == LOG_LEVEL_WARNING ? "\033[33m" : "";
}

/* time level tunnel blame: text. On a terminal in columns, long texts go on under their beginning. */
void render_event(const json_t *e, FILE *to, bool terminal)
{
	char at[64], level[16], tunnel[128], blame[16], text[1024];
	const char *words = word_of(e, "text"), *on = terminal && tinted(to) ? level_colour(word_of(e, "level")) : "";
	escaped(at, sizeof at, word_of(e, "at"));
	escaped(level, sizeof level, word_of(e, "level"));
	escaped(tunnel, sizeof tunnel, word_of(e, "tunnel"));
	escaped(blame, sizeof blame, word_of(e, "blame"));
	escaped(text, sizeof text, words != NULL ? words : word_of(e, "code"));
	if (!terminal) {
		fprintf(to, "%s %s %s %s: %s\n", at, level, tunnel, blame, text);
		return;
	}
	int used = fprintf(to, "%s %s%-7s%s ", at, on, level, on[0] != 0 ? "\033[0m" : "");
	used -= on[0] != 0 ? (int)strlen(on) + 4 : 0;
	used += fprintf(to, "%s%s%s: ", tunnel, strcmp(blame, "-") != 0 ? " " : "", strcmp(blame, "-") != 0 ? blame : "");
	put_wrapped(to, text, (unsigned)used, 29, screen_width(to));
}

static void put_change(const char *what, const json_t *entry, FILE *to)
{
	char name[128], key[64], effect[64];
	const char *plain = json_string_value(entry);
	if (plain != NULL) {
		fprintf(to, "%s: %s\n", escaped(name, sizeof name, plain), what);
		return;
	}
	const char *word = word_of(entry, "key"), *does = word_of(entry, "effect");
	fprintf(to, "%s: %s%s%s%s%s%s\n", escaped(name, sizeof name, word_of(entry, "tunnel")), what, word != NULL ? " (" : "",
		word != NULL ? escaped(key, sizeof key, word) : "", word != NULL ? ")" : "", does != NULL ? ": " : "",
		does != NULL ? escaped(effect, sizeof effect, does) : "");
}

static void put_fault(const json_t *f, FILE *to)
{
	char file[512], text[1024];
	const char *severity = word_of(f, "severity");
	bool warning = severity != NULL && strcmp(severity, "warning") == 0;
	escaped(file, sizeof file, word_of(f, "file"));
	put_place(to, file, count_of(f, "line"), warning, escaped(text, sizeof text, word_of(f, "text")));
}

void render_reload(const json_t *told, FILE *to)
{
	static const char *const kinds[] = { "added", "changed", "removed" };
	const json_t *faults = json_object_get(told, "faults");
	for (size_t k = 0; k < ARRAY_SIZE(kinds); k++) {
		const json_t *list = json_object_get(told, kinds[k]);
		for (size_t i = 0; i < json_array_size(list); i++)
			put_change(kinds[k], json_array_get(list, i), to);
	}
	for (size_t i = 0; i < json_array_size(faults); i++)
		put_fault(json_array_get(faults, i), to);
}
