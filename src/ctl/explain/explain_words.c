/*
 * explain_words.c - verdicts as words for people and as JSON; what {name} stands for in the words of the table.
 */
#include <stdlib.h>
#include <string.h>

#include "base/mem.h"
#include "base/util.h"
#include "ctl/answer.h"
#include "explain_tests.h"
#include "check/lint.h"
#include "ctl/render.h"

enum cloud cloud_of(const struct sight *s)
{
	enum cloud c = CLOUD_NONE;
	cloud_parse(str(s->tunnel, "cloud"), &c);
	return c;
}

const char *far_end(const struct sight *s) { return provider_of(cloud_of(s))->title; }

const char *weight_word(enum weight w)
{
	static const char *const words[] = { "down", "trouble", "suspicion", "hint", "fine" };
	return words[w];
}

/* ---------------------------------------------------------------- what {name} stands for */
static const char *setting(const struct sight *s, const char *key) { return str(json_object_get(s->tunnel, "config"), key); }

static void p_peer(const struct sight *s, const struct verdict *v, char *to)
{
	char text[ADDR_TEXT];
	struct addr a = peer_of(s->tunnel);
	(void)v;
	snprintf(to, PARAM_TEXT, "%s", a.family != 0 ? addr_format(&a, text) : setting(s, "remote"));
}

static void p_here(const struct sight *s, const struct verdict *v, char *to)
{
	char text[ADDR_TEXT];
	(void)v;
	bool known = s->ways != NULL && s->ways->from.family != 0;
	snprintf(to, PARAM_TEXT, "%s", known ? addr_format(&s->ways->from, text) : "this machine's address");
}

static void p_remote(const struct sight *s, const struct verdict *v, char *to)
{
	if (setting(s, "remote")[0] != 0)
		snprintf(to, PARAM_TEXT, "%s", setting(s, "remote"));
	else
		p_peer(s, v, to);
}

static void p_ours(const struct sight *s, const struct verdict *v, char *to)
{
	bool esp = v->rule->code == VERDICT_ESP_PROPOSAL || v->rule->code == VERDICT_PFS;
	snprintf(to, PARAM_TEXT, "%s", setting(s, esp ? "esp-proposals" : "ike-proposals"));
}

static void p_id(const struct sight *s, const struct verdict *v, char *to)
{
	const char *set = setting(s, "local-id");
	if (v->a[0] != 0 && v->rule->code == VERDICT_PSK_OR_IDENTITY)
		set = v->a;
	if (set[0] == 0)
		p_here(s, v, to);
	else
		snprintf(to, PARAM_TEXT, "%s", set);
}

static void p_key(const struct sight *s, const struct verdict *v, char *to)
{
	const char *file = setting(s, "psk-file");
	(void)v;
	snprintf(to, PARAM_TEXT, "%s%s", file[0] != 0 ? "keys/" : "'psk'", file);
}

/* All items in the cloud's words. */
static void p_names(const struct sight *s, const struct verdict *v, char *to)
{
	(void)s;
	to[0] = 0;
	for (unsigned i = 0; i < v->n_items; i++) {
		size_t n = strlen(to);
		const char *words = v->items[i].named[0] != 0 ? v->items[i].named : v->items[i].ours;
		if (words[0] != 0)
			snprintf(to + n, PARAM_TEXT - n, "%s%s", n > 0 ? ", " : "", words);
	}
}

static void p_group(const struct sight *s, const struct verdict *v, char *to)
{
	(void)s;
	snprintf(to, PARAM_TEXT, "%s", "as here");
	for (unsigned i = 0; i < v->n_items; i++)
		if (strcmp(v->items[i].what, "group") == 0)
			snprintf(to, PARAM_TEXT, "%s", v->items[i].named[0] != 0 ? v->items[i].named : v->items[i].ours);
}

static void p_policy(const struct sight *s, const struct verdict *v, char *to)
{
	char text[POLICY_TEXT];
	(void)v;
	snprintf(to, PARAM_TEXT, "%s", s->conf != NULL ? azure_policy(s->conf, text) : "a custom policy that holds these");
}

/* The address before the last change stands in the fact's own words; the identity that goes with it is the operator's to know. */
static void p_old(const struct sight *s, const struct verdict *v, char *to)
{
	const json_t *e = latest(s, "address-changed", INT32_MAX);
	const char *was = strstr(str(e, "text"), "it was from ");
	(void)v;
	snprintf(to, PARAM_TEXT, "%s", was != NULL ? was + strlen("it was from ") : "OLD-ADDRESS");
	to[strcspn(to, ": ")] = 0;
}

/* A tunnel that only responds is down when its peer has gone; one that initiates is connecting. */
static void p_next(const struct sight *s, const struct verdict *v, char *to)
{
	(void)v;
	bool ours = strcmp(str(s->tunnel, "state"), "down") != 0;
	snprintf(to, PARAM_TEXT, "%s",
		ours ? "we try until it answers" : "the peer has to initiate, as 'start' in the settings says");
}

static const struct param {
	const char *name;
	void (*fill)(const struct sight *s, const struct verdict *v, char *to);
	const char *member, *key; /* or simply a member of the tunnel, a setting */
} params[] = {
	{ "name", NULL, "name", NULL },
	{ "interface", NULL, "interface", NULL },
	{ "local", NULL, "local", NULL },
	{ "metric", NULL, NULL, "route-metric" },
	{ "window", NULL, NULL, "replay-window" },
	{ "peer", p_peer, NULL, NULL },
	{ "here", p_here, NULL, NULL },
	{ "remote", p_remote, NULL, NULL },
	{ "ours", p_ours, NULL, NULL },
	{ "id", p_id, NULL, NULL },
	{ "key", p_key, NULL, NULL },
	{ "ike-names", p_names, NULL, NULL },
	{ "esp-names", p_names, NULL, NULL },
	{ "dh", p_group, NULL, NULL },
	{ "pfs", p_group, NULL, NULL },
	{ "policy", p_policy, NULL, NULL },
	{ "old", p_old, NULL, NULL },
	{ "next", p_next, NULL, NULL },
};

static const char *param(const struct sight *s, const struct verdict *v, const char *name, size_t n, char *to)
{
	if (n == 1 && (name[0] == 'a' || name[0] == 'b'))
		return name[0] == 'a' ? v->a : v->b;
	for (size_t i = 0; i < ARRAY_SIZE(params); i++) {
		const struct param *p = &params[i];
		if (strlen(p->name) != n || strncmp(p->name, name, n) != 0)
			continue;
		if (p->fill != NULL)
			p->fill(s, v, to);
		else
			snprintf(to, PARAM_TEXT, "%s", p->member != NULL ? str(s->tunnel, p->member) : setting(s, p->key));
		return to;
	}
	return NULL;
}

char *explain_fill(const struct sight *s, const struct verdict *v, const char *words)
{
	char *text = NULL, value[PARAM_TEXT];
	size_t size = 0;
	FILE *to = open_memstream(&text, &size);
	while (to != NULL && *words != 0) {
		size_t n = strcspn(words, "{");
		fwrite(words, 1, n, to);
		words += n;
		if (*words == 0)
			break;
		n = strcspn(words, "}");
		const char *filled = param(s, v, words + 1, n - 1, value);
		if (filled != NULL)
			fputs(filled[0] != 0 ? filled : "-", to);
		else
			fwrite(words, 1, n + 1, to);
		words += n + (words[n] != 0);
	}
	if (to == NULL || fclose(to) != 0)
		return xstrdup("");
	return text;
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

static void put_verdict(const struct sight *s, const struct verdict *v, FILE *to, bool terminal)
{
	char there[32];
	for (unsigned i = 0; i < v->n_evidence; i++)
		put(to, terminal, "seen", v->evidence[i]);
	put_items(to, terminal, v);
	put(to, terminal, "here", v->here);
	snprintf(there, sizeof there, "at %s", far_end(s));
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

void explain_text(const struct sight *s, const struct verdicts *v, FILE *to, bool terminal)
{
	static const char *const colours[] = { "\033[31m", "\033[31m", "\033[33m", "\033[33m", "\033[32m" };
	char name[128], state[64], title[2048], line[2400], blame[64];
	for (unsigned i = 0; i < v->n; i++) {
		const struct verdict *x = &v->v[i];
		bool colour = terminal && tinted(to);
		escaped(title, sizeof title, x->title);
		snprintf(blame, sizeof blame, " (%s: %s)", x->rule->weight == WEIGHT_SUSPICION ? "perhaps" : "fault", x->blame);
		if (i == 0)
			snprintf(line, sizeof line, "%s: %s: %s%s", escaped(name, sizeof name, word_of(s->tunnel, "name")),
				escaped(state, sizeof state, word_of(s->tunnel, "state")), title,
				strcmp(x->blame, "none") != 0 ? blame : "");
		else
			snprintf(line, sizeof line, "also: %s%s", title, strcmp(x->blame, "none") != 0 ? blame : "");
		put_headline(to, terminal, colour ? colours[x->rule->weight] : NULL, line);
		put_verdict(s, x, to, terminal);
	}
	if (s->conf == NULL)
		put(to, terminal, "not seen", "the tunnel's settings could not be read back: policies are not spelled out");
	if (s->ways == NULL)
		put(to, terminal, "not seen", "this machine's routes, filters and interfaces");
	else if (s->ways->rules == NULL)
		put(to, terminal, "not seen", "the firewall's rules: `nft -j list ruleset` fails; ask again as root");
	if (s->ways != NULL && s->ways->legacy_rules)
		put(to, terminal, "not seen", "rules of the old iptables: `iptables-legacy-save` lists them");
}

/* ---------------------------------------------------------------- for programs */
static json_t *words_json(const char *text)
{
	char clean[4096];
	return text != NULL && text[0] != 0 ? json_string(escaped(clean, sizeof clean, text)) : json_null();
}

static json_t *verdict_json(const struct verdict *v)
{
	json_t *o = json_object(), *seen = json_array(), *items = json_array();
	json_object_set_new(o, "code", json_string(verdict_word(v->rule->code)));
	json_object_set_new(o, "weight", json_string(weight_word(v->rule->weight)));
	json_object_set_new(o, "blame", strcmp(v->blame, "none") == 0 ? json_null() : words_json(v->blame));
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
	json_object_set_new(o, "there", words_json(v->there));
	return o;
}

json_t *explain_json(const struct sight *s, const struct verdicts *v)
{
	json_t *o = answer_new(), *also = json_array();
	json_object_set_new(o, "tunnel", words_json(word_of(s->tunnel, "name")));
	json_object_set_new(o, "state", words_json(word_of(s->tunnel, "state")));
	json_object_set_new(o, "cloud", words_json(word_of(s->tunnel, "cloud")));
	json_object_set_new(o, "verdict", verdict_json(&v->v[0]));
	for (unsigned i = 1; i < v->n; i++)
		json_array_append_new(also, verdict_json(&v->v[i]));
	json_object_set_new(o, "also", also);
	json_object_set_new(o, "settings_seen", json_boolean(s->conf != NULL));
	json_object_set_new(o, "machine_seen", json_boolean(s->ways != NULL));
	json_object_set_new(o, "rules_seen", json_boolean(s->ways != NULL && s->ways->rules != NULL && !s->ways->legacy_rules));
	return o;
}
