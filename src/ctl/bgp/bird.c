/*
 * bird.c - BIRD 2's listings. A protocol is a block that begins at the left edge; what follows is "Name: value", deeper inside for its channels. Its texts
 * of errors are the only form that they have: those that are known here get a code, others stay words.
 */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/util.h"
#include "parse.h"

/* ---------------------------------------------------------------- words of a line */
struct line {
	const char *p;
	size_t n;
};

static bool next_line(const char **text, struct line *l)
{
	if (**text == 0)
		return false;
	l->p = *text;
	l->n = strcspn(*text, "\n");
	*text += l->n + (l->p[l->n] == '\n');
	return true;
}

static bool is_blank(char c) { return c == ' ' || c == '\t'; }

static struct line trimmed(struct line l)
{
	while (l.n > 0 && is_blank(*l.p))
		l.p++, l.n--;
	while (l.n > 0 && is_blank(l.p[l.n - 1]))
		l.n--;
	return l;
}

/* The next word; what is left stays in l. */
static struct line word(struct line *l)
{
	*l = trimmed(*l);
	struct line w = { l->p, 0 };
	while (w.n < l->n && !is_blank(w.p[w.n]))
		w.n++;
	l->p += w.n;
	l->n -= w.n;
	return w;
}

static bool says(struct line l, const char *what) { return l.n == strlen(what) && strncmp(l.p, what, l.n) == 0; }

/* The line is "key: value". */
static bool member(struct line l, const char *key, struct line *value)
{
	size_t n = strlen(key);
	l = trimmed(l);
	if (l.n <= n || strncmp(l.p, key, n) != 0 || l.p[n] != ':')
		return false;
	*value = trimmed((struct line){ l.p + n + 1, l.n - n - 1 });
	return true;
}

static int64_t number(struct line l)
{
	int64_t n = 0;
	if (l.n == 0 || l.n > 12 || l.p[0] < '0' || l.p[0] > '9')
		return BGP_NOT_TOLD;
	for (size_t i = 0; i < l.n && l.p[i] >= '0' && l.p[i] <= '9'; i++)
		n = 10 * n + (l.p[i] - '0');
	return n;
}

static bool address(struct line l, struct addr *a)
{
	char text[ADDR_TEXT];
	bgp_words_set(text, sizeof text, l.p, l.n);
	text[strcspn(text, "%")] = 0; /* fe80::1%eth0 */
	return addr_parse(a, text);
}

/* ---------------------------------------------------------------- a session */
static enum bgp_state state_of(struct line l)
{
	for (unsigned i = BGP_IDLE; i <= BGP_ESTABLISHED; i++)
		if (says(l, bgp_state_word((enum bgp_state)i)))
			return (enum bgp_state)i;
	if (says(l, "Passive"))
		return BGP_ACTIVE;
	return says(l, "Down") || says(l, "Close") ? BGP_IDLE : BGP_UNKNOWN;
}

/* "Received: Bad peer AS": who says it, and what. */
static void read_error(struct bgp_session *x, struct line l)
{
	static const struct {
		const char *who, *what;
		enum bgp_error error;
	} rows[] = {
		{ NULL, "Bad peer AS", BGP_BAD_PEER_AS },
		{ NULL, "Hold timer expired", BGP_HOLD_EXPIRED },
		{ NULL, "Maximum number of prefixes reached", BGP_PREFIX_LIMIT },
		{ NULL, "Administrative shutdown", BGP_SHUTDOWN },
		{ NULL, "Peer de-configured", BGP_REMOVED },
		{ "Socket", "Connection refused", BGP_REFUSED },
		{ "Socket", "Connection reset by peer", BGP_REFUSED },
		{ "Socket", "Connection closed", BGP_REFUSED },
		{ "Socket", "No route to host", BGP_UNREACHABLE },
		{ "Socket", "Network is unreachable", BGP_NO_ROUTE },
		{ "Socket", "Cannot assign requested address", BGP_NO_SOURCE },
		{ "Error", "Neighbor lost", BGP_LINK },
		{ "Error", "Link down", BGP_LINK },
		{ "Automatic shutdown", "Route limit exceeded", BGP_PREFIX_LIMIT },
	};
	const char *colon = memchr(l.p, ':', l.n);
	struct line who = { l.p, colon != NULL ? (size_t)(colon - l.p) : 0 };
	struct line what = colon != NULL ? trimmed((struct line){ colon + 1, l.n - who.n - 1 }) : l;
	bgp_words_set(x->error_words, sizeof x->error_words, l.p, l.n);
	x->from = says(who, "Received") ? BGP_FROM_PEER : says(who, "BGP Error") ? BGP_FROM_US : BGP_FROM_NOBODY;
	x->error = BGP_OTHER;
	for (size_t i = 0; i < ARRAY_SIZE(rows); i++)
		if (says(what, rows[i].what) && (rows[i].who == NULL || says(who, rows[i].who)))
			x->error = rows[i].error;
	x->limit_hit = x->limit_hit || says(who, "Automatic shutdown");
}

static void add(int64_t *sum, int64_t n)
{
	if (n >= 0)
		*sum = n + (*sum > 0 ? *sum : 0);
}

/* "2 imported, 1 filtered, 3 exported, 2 preferred" */
static void read_routes(struct bgp_session *x, struct line l)
{
	while (l.n > 0) {
		int64_t n = number(word(&l));
		struct line what = word(&l);
		if (what.n > 0 && what.p[what.n - 1] == ',')
			what.n--;
		if (says(what, "imported"))
			add(&x->accepted, n);
		else if (says(what, "exported"))
			add(&x->sent, n);
	}
}

/* received, rejected, filtered, ignored, accepted: of all updates so far */
static void read_updates(struct bgp_session *x, struct line l)
{
	int64_t received = number(word(&l));
	word(&l);
	int64_t filtered = number(word(&l));
	add(&x->filtered, filtered);
	add(&x->received, received);
}

static void read_channel(struct bgp_session *x, struct line l)
{
	struct line value;
	if (member(l, "Routes", &value))
		read_routes(x, value);
	else if (member(l, "Import updates", &value))
		read_updates(x, value);
	else if (member(l, "Input filter", &value))
		bgp_words_set(x->filter, sizeof x->filter, value.p, value.n);
	else if (member(l, "Import limit", &value)) {
		struct line n = word(&value);
		x->limit = number(n);
		x->limit_hit = x->limit_hit || says(trimmed(value), "[HIT]");
	}
}

static int64_t timer(struct line l) { return number(l) >= 0 ? number(l) + 1 : BGP_NOT_TOLD; }

static void read_member(struct bgp_session *x, struct line l)
{
	struct line value;
	if (member(l, "BGP state", &value))
		x->state = state_of(value);
	else if (member(l, "Neighbor address", &value))
		address(value, &x->peer);
	else if (member(l, "Neighbor AS", &value))
		x->peer_as = (uint32_t)number(value);
	else if (member(l, "Local AS", &value))
		x->local_as = (uint32_t)number(value);
	else if (member(l, "Last error", &value))
		read_error(x, value);
	else if (member(l, "Message", &value))
		bgp_words_set(x->message, sizeof x->message, value.p, value.n);
	else if (member(l, "Source address", &value))
		bgp_words_set(x->source, sizeof x->source, value.p, value.n);
	else if (member(l, "Connect delay", &value) || member(l, "Error wait", &value) || member(l, "Connect retry", &value))
		x->retry_s = timer(value);
	else if (says(trimmed(l), "Neighbor graceful restart active"))
		x->stale = true;
	else if (member(l, "Session", &value))
		x->multihop = value.n >= 8 && memmem(value.p, value.n, "multihop", 8) != NULL;
}

/* ---------------------------------------------------------------- blocks */
/* NAME BGP TABLE STATE SINCE [INFO]: SINCE may be a date and a time. */
static struct bgp_session *begin(struct bgp_view *v, struct line l)
{
	struct line name = word(&l), protocol = word(&l);
	if (!says(protocol, "BGP"))
		return NULL;
	word(&l);
	struct line state = word(&l), since = word(&l);
	struct bgp_session *x = bgp_session_add(v);
	if (x == NULL)
		return NULL;
	x->daemon = BGP_BIRD;
	bgp_words_set(x->name, sizeof x->name, name.p, name.n);
	bgp_words_set(x->since, sizeof x->since, since.p, since.n);
	x->shut = says(state, "down");
	return x;
}

static void end(struct bgp_view *v, struct bgp_session *x)
{
	if (x == NULL)
		return;
	x->shut = x->shut && x->error == BGP_NO_ERROR; /* a limit takes it down as well */
	/* All updates so far: those that were accepted may have been taken back. */
	if (x->state == BGP_ESTABLISHED && x->accepted > 0)
		x->received = x->accepted;
	x->starting = x->error == BGP_NO_ERROR && x->retry_s >= 0;
	x->not_connected = x->state == BGP_IDLE && !x->shut && x->error == BGP_NO_ERROR && x->retry_s < 0;
	if (x->peer.family == 0) /* a range: its sessions have blocks of their own */
		bgp_session_drop(v);
}

bool bgp_bird_sessions(struct bgp_view *v, const char *text)
{
	struct bgp_session *x = NULL;
	struct line l;
	bool heading = false, in_channel = false;
	while (next_line(&text, &l)) {
		if (l.n == 0)
			continue;
		if (!is_blank(*l.p)) {
			struct line rest = l;
			heading = heading || says(word(&rest), "Name");
			end(v, x);
			x = begin(v, l);
			in_channel = false;
		} else if (x != NULL && l.n > 10 && strncmp(l.p, "  Channel ", 10) == 0)
			in_channel = true;
		else if (x != NULL && in_channel)
			read_channel(x, l);
		else if (x != NULL)
			read_member(x, l);
	}
	end(v, x);
	return heading;
}

/* "10.20.0.0/24   unicast [NAME 12:00:00] * (100) [AS64512i]", and further ways to the same network without it. */
bool bgp_bird_routes(struct bgp_view *v, const char *text)
{
	struct prefix p = { .len = 0 };
	struct line l;
	bool heading = false, known = false;
	while (next_line(&text, &l)) {
		heading = heading || (l.n > 6 && strncmp(l.p, "Table ", 6) == 0);
		const char *open = memchr(l.p, '[', l.n);
		if (l.n == 0 || open == NULL || l.p[0] == '\t')
			continue;
		struct line rest = l, name = { open + 1, l.n - (size_t)(open + 1 - l.p) };
		if (!is_blank(*l.p)) {
			struct line net = word(&rest);
			char net_text[ADDR_TEXT];
			bgp_words_set(net_text, sizeof net_text, net.p, net.n);
			known = prefix_parse(&p, net_text);
		}
		name = word(&name);
		struct bgp_route *r = known && name.n > 0 ? bgp_route_add(v) : NULL;
		if (r == NULL)
			continue;
		r->prefix = p;
		bgp_words_set(r->protocol, sizeof r->protocol, name.p, name.n);
	}
	return heading;
}
