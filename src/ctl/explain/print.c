/* print.c - verdicts as words for people and as JSON. */
#include <string.h>

#include "explain.h"
#include "ctl/render.h"

static const char *weight_word(enum weight w)
{
	static const char *const words[] = { "down", "trouble", "suspicion", "hint", "fine" };
	return words[w];
}

/* ---------------------------------------------------------------- for people */
#define LABEL 12
#define WIDEST 140 /* longer lines are hard to read */

static unsigned width_of(FILE *to)
{
	unsigned width = screen_width(to);
	return width < WIDEST ? width : WIDEST;
}

/* "  label  text", on a terminal broken at blanks and indented. */
static void put(FILE *to, bool terminal, const char *label, const char *text)
{
	char clean[4096];
	escaped(clean, sizeof clean, text);
	if (!terminal) {
		fprintf(to, "  %s: %s\n", label, clean);
		return;
	}
	fprintf(to, "  %-*s", LABEL, label);
	put_wrapped(to, clean, LABEL + 2, LABEL + 2, width_of(to));
}

static void put_items(FILE *to, bool terminal, const struct verdict *v)
{
	char line[1024];
	for (unsigned i = 0; i < v->n_items; i++) {
		const struct item *item = &v->items[i];
		const char *judgement = item->theirs[0] == 0 ? "" : item->common ? ": fits" : ": differs";
		snprintf(line, sizeof line, "%s: ours %s%s%s%s%s%s%s", item->what, item->ours[0] != 0 ? item->ours : "none",
			item->named[0] != 0 ? " (there: " : "", item->named, item->named[0] != 0 ? ")" : "",
			item->theirs[0] != 0 ? "; theirs " : "", item->theirs, judgement);
		put(to, terminal, "compared", line);
	}
}

static void put_verdict(const struct symptoms *s, const struct verdict *v, FILE *to, bool terminal)
{
	char there[32];
	for (unsigned i = 0; i < v->n_evidence; i++)
		put(to, terminal, "seen", v->evidence[i]);
	put_items(to, terminal, v);
	put(to, terminal, "here", v->here);
	snprintf(there, sizeof there, "at %s", provider_of(s->cloud)->title);
	if (v->there != NULL)
		put(to, terminal, there, v->there);
}

static void put_headline(FILE *to, bool terminal, const char *colour, const char *line)
{
	if (!terminal) {
		fprintf(to, "%s\n", line);
		return;
	}
	fputs(colour != NULL ? colour : "", to);
	put_wrapped(to, line, 0, 2, width_of(to));
	fputs(colour != NULL ? "\033[0m" : "", to);
}

/* What of BGP could not be asked, where it matters: the tunnel has no session that is known. */
static bool is_bgp_seen(const struct symptoms *s)
{
	return s->bgp == NULL || s->conf == NULL || s->conf->bgp.peer.family == 0 ||
	       bgp_session_of(s->bgp, &s->conf->bgp.peer) != NULL || !bgp_unknown(s->bgp);
}

static void put_bgp_unseen(const struct symptoms *s, FILE *to, bool terminal)
{
	char line[200];
	for (unsigned i = 0; i < BGP_DAEMONS && !is_bgp_seen(s); i++) {
		const char *name = bgp_daemon_name((enum bgp_daemon)i);
		if (s->bgp->reach[i] == BGP_DENIED)
			snprintf(line, sizeof line, "BGP: %s may be asked by root and the group %s only; you are neither", name,
				bgp_daemon_group((enum bgp_daemon)i));
		else if (s->bgp->reach[i] == BGP_GARBLED)
			snprintf(line, sizeof line,
				"BGP: %s said nothing that could be read, or this machine was too slow for it", name);
		else
			continue;
		put(to, terminal, "not seen", line);
	}
}

void explain_text(const struct symptoms *s, const struct verdicts *v, FILE *to, bool terminal)
{
	static const char *const colours[] = { "\033[31m", "\033[31m", "\033[33m", "\033[33m", "\033[32m" };
	char name[128], state[64], title[2048], line[2400], blame[64];
	for (unsigned i = 0; i < v->n; i++) {
		const struct verdict *x = &v->v[i];
		bool colour = terminal && tinted(to);
		escaped(title, sizeof title, x->title);
		snprintf(blame, sizeof blame, " (%s: %s)", x->rule->weight == WEIGHT_SUSPICION ? "perhaps" : "fault",
			blame_word(x->blame));
		if (i == 0)
			snprintf(line, sizeof line, "%s: %s: %s%s", escaped(name, sizeof name, s->name),
				escaped(state, sizeof state, s->state_word), title, x->blame != BLAME_NONE ? blame : "");
		else
			snprintf(line, sizeof line, "also: %s%s", title, x->blame != BLAME_NONE ? blame : "");
		put_headline(to, terminal, colour ? colours[x->rule->weight] : NULL, line);
		put_verdict(s, x, to, terminal);
	}
	if (s->conf == NULL)
		put(to, terminal, "not seen",
			"the tunnel's settings, which the daemon does not give: policies are not spelled out");
	if (s->host == NULL)
		put(to, terminal, "not seen", "this machine's routes, filters and interfaces");
	else if (s->host->rules == NULL)
		put(to, terminal, "not seen", "the firewall's rules: `nft -j list ruleset` fails; run this as root");
	for (unsigned i = 0; i < s->n_unseen && !(s->way != NULL && s->way->named); i++) /* the way of a pair has told it */
		put(to, terminal, "not seen", s->unseen[i]);
	put_bgp_unseen(s, to, terminal);
	if (s->host != NULL && s->host->legacy_rules)
		put(to, terminal, "not seen", "rules of iptables-legacy: `iptables-legacy-save` lists them");
}

/* ---------------------------------------------------------------- for programs */
static json_t *words_json(const char *text)
{
	char clean[4096];
	return text != NULL && text[0] != 0 ? json_string(escaped(clean, sizeof clean, text)) : json_null();
}

static json_t *verdict_json(const struct verdict *v)
{
	json_t *o = json_object(), *seen = json_array(), *items = json_array(), *commands = json_array();
	json_object_set_new(o, "code", json_string(verdict_word(v->rule->code)));
	json_object_set_new(o, "weight", json_string(weight_word(v->rule->weight)));
	json_object_set_new(o, "blame", v->blame == BLAME_NONE ? json_null() : json_string(blame_word(v->blame)));
	json_object_set_new(o, "text", words_json(v->title));
	for (unsigned i = 0; i < v->n_evidence; i++)
		json_array_append_new(seen, words_json(v->evidence[i]));
	json_object_set_new(o, "evidence", seen);
	for (unsigned i = 0; i < v->n_items; i++) {
		const struct item *item = &v->items[i];
		json_t *row = json_object();
		json_object_set_new(row, "what", json_string(item->what));
		json_object_set_new(row, "ours", words_json(item->ours));
		json_object_set_new(row, "ours_there", words_json(item->named));
		json_object_set_new(row, "theirs", words_json(item->theirs));
		json_object_set_new(row, "fits", item->theirs[0] == 0 ? json_null() : json_boolean(item->common));
		json_array_append_new(items, row);
	}
	json_object_set_new(o, "compared", items);
	json_object_set_new(o, "here", words_json(v->here));
	for (unsigned i = 0; i < v->n_commands; i++)
		json_array_append_new(commands, words_json(v->commands[i]));
	json_object_set_new(o, "here_commands", commands);
	json_object_set_new(o, "there", words_json(v->there));
	return o;
}

json_t *explain_json(const struct symptoms *s, const struct verdicts *v)
{
	json_t *o = json_object(), *also = json_array(), *unseen = json_array();
	json_object_set_new(o, "tunnel", words_json(s->name));
	json_object_set_new(o, "state", words_json(s->state_word));
	json_object_set_new(o, "cloud", words_json(s->cloud_word));
	json_object_set_new(o, "verdict", verdict_json(&v->v[0]));
	for (unsigned i = 1; i < v->n; i++)
		json_array_append_new(also, verdict_json(&v->v[i]));
	json_object_set_new(o, "also", also);
	json_object_set_new(o, "settings_seen", json_boolean(s->conf != NULL));
	json_object_set_new(o, "machine_seen", json_boolean(s->host != NULL));
	json_object_set_new(o, "rules_seen", json_boolean(s->host != NULL && s->host->rules != NULL && !s->host->legacy_rules));
	json_object_set_new(o, "bgp_seen", json_boolean(is_bgp_seen(s)));
	for (unsigned i = 0; i < s->n_unseen; i++)
		json_array_append_new(unseen, json_string(s->unseen[i]));
	json_object_set_new(o, "not_seen", unseen);
	return o;
}
