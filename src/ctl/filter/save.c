/*
 * save.c - what `iptables-legacy-save -c` prints, as the objects that nft would print: one evaluator for both. The format is that of iptables-restore, one rule a
 * line. Options that are not known here become a condition that cannot be evaluated.
 */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/mem.h"
#include "base/util.h"
#include "ruleset.h"

#define WORDS_MAX 96
#define LINE_MOST 4096

struct reading {
	json_t *list;
	const char *family, *prefix; /* prefix: of the tables' names */
	char table[FILTER_NAME];
	/* of one rule */
	char *word[WORDS_MAX];
	unsigned n, at;
	json_t *expr;
	bool negated;
};

/* ---------------------------------------------------------------- words */
/* Cuts a line in place; "..." may hold blanks, and \ keeps what follows. False: more words than there is room for. */
static bool cut(struct reading *r, char *line)
{
	r->n = r->at = 0;
	while (*(line += strspn(line, " ")) != 0) {
		bool quoted = *line == '"';
		char *to = line += quoted;
		if (r->n == WORDS_MAX)
			return false;
		r->word[r->n++] = line;
		while (*line != 0 && *line != (quoted ? '"' : ' ')) {
			line += *line == '\\' && line[1] != 0;
			*to++ = *line++;
		}
		line += *line != 0;
		*to = 0;
	}
	return true;
}

static const char *next(struct reading *r) { return r->at < r->n ? r->word[r->at++] : NULL; }

/* ---------------------------------------------------------------- conditions */
static void add_match(struct reading *r, json_t *left, json_t *right)
{
	json_array_append_new(
		r->expr, json_pack("{s:{s:s,s:o,s:o}}", "match", "op", r->negated ? "!=" : "==", "left", left, "right", right));
	r->negated = false;
}

static void add_unknown(struct reading *r, const char *name)
{
	json_t *word = json_string(name);
	json_array_append_new(
		r->expr, json_pack("{s:{s:s,s:o}}", "xt", "type", "match", "name", word != NULL ? word : json_string("?")));
	r->negated = false;
}

static json_t *word_json(const char *text)
{
	json_t *o = json_string(text);
	return o != NULL ? o : json_string("?");
}

static void add_address(struct reading *r, const char *field, const char *text)
{
	struct prefix p;
	char host[ADDR_TEXT];
	json_t *right;
	if (prefix_parse(&p, text))
		right = json_pack("{s:{s:s,s:i}}", "prefix", "addr", addr_format(&p.addr, host), "len", p.len);
	else
		right = word_json("@?"); /* a mask that is no prefix */
	add_match(r,
		json_pack("{s:{s:s,s:s}}", "payload", "protocol", strcmp(r->family, "ip6") == 0 ? "ip6" : "ip", "field", field),
		right);
}

static void add_device(struct reading *r, const char *key, const char *text)
{
	char name[64];
	size_t n = strlen(text);
	snprintf(name, sizeof name, "%s", text);
	if (n > 0 && n < sizeof name && name[n - 1] == '+')
		name[n - 1] = '*';
	add_match(r, json_pack("{s:{s:s}}", "meta", "key", key), word_json(name));
}

/* "500", "500:600", and of multiport "500,4500,6000:6100". */
static void add_ports(struct reading *r, const char *text)
{
	json_t *list = json_array();
	bool good = *text != 0;
	for (size_t n; good && *text != 0; text += n + (text[n] == ',')) {
		unsigned lo, hi;
		char port[16], end;
		n = strcspn(text, ",");
		snprintf(port, sizeof port, "%.*s", (int)(n < sizeof port ? n : sizeof port - 1), text);
		int read = sscanf(port, "%5u:%5u%c", &lo, &hi, &end);
		good = read == 1 || read == 2;
		if (good)
			json_array_append_new(
				list, read == 1 ? json_integer(lo) : json_pack("{s:[i,i]}", "range", (int)lo, (int)hi));
	}
	if (good)
		add_match(r, json_pack("{s:{s:s,s:s}}", "payload", "protocol", "th", "field", "dport"),
			json_incref(json_array_size(list) == 1 ? json_array_get(list, 0) : list));
	else
		add_unknown(r, "dport");
	json_decref(list);
}

/* "RELATED,ESTABLISHED" */
static void add_words(struct reading *r, json_t *left, const char *text)
{
	json_t *list = json_array();
	for (size_t n; *text != 0; text += n + (text[n] == ',')) {
		char word[24];
		n = strcspn(text, ",");
		snprintf(word, sizeof word, "%.*s", (int)(n < sizeof word ? n : sizeof word - 1), text);
		for (char *c = word; *c != 0; c++)
			*c = (char)(*c >= 'A' && *c <= 'Z' ? *c + 32 : *c);
		json_array_append_new(list, word_json(word));
	}
	add_match(r, left, list);
}

static bool is_one_of(const char *word, const char *const *list)
{
	for (; *list != NULL; list++)
		if (strcmp(word, *list) == 0)
			return true;
	return false;
}

/* An option and its argument; false: it is not known. */
static bool condition(struct reading *r, const char *option)
{
	static const char *const silent[] = { "tcp", "udp", "conntrack", "state", "comment", "addrtype", "multiport", NULL };
	static const char *const known[] = { "-s", "-d", "-i", "-o", "-p", "-m", "--dport", "--dports", "--ctstate", "--state",
		"--comment", "--dst-type", NULL };
	const char *value = is_one_of(option, known) ? next(r) : NULL;
	if (value == NULL)
		return false;
	if (strcmp(option, "-s") == 0 || strcmp(option, "-d") == 0)
		add_address(r, option[1] == 's' ? "saddr" : "daddr", value);
	else if (strcmp(option, "-i") == 0 || strcmp(option, "-o") == 0)
		add_device(r, option[1] == 'i' ? "iifname" : "oifname", value);
	else if (strcmp(option, "-p") == 0)
		add_match(r, json_pack("{s:{s:s}}", "meta", "key", "l4proto"), word_json(value));
	else if (strcmp(option, "--dport") == 0 || strcmp(option, "--dports") == 0)
		add_ports(r, value);
	else if (strcmp(option, "--ctstate") == 0 || strcmp(option, "--state") == 0)
		add_words(r, json_pack("{s:{s:s}}", "ct", "key", "state"), value);
	else if (strcmp(option, "--dst-type") == 0)
		add_words(r, json_pack("{s:{s:s,s:[s]}}", "fib", "result", "type", "flags", "daddr"), value);
	else if (strcmp(option, "-m") == 0 && !is_one_of(value, silent))
		add_unknown(r, value);
	return true;
}

/* ---------------------------------------------------------------- targets */
static bool chain_known(const struct reading *r, const char *name)
{
	for (size_t i = 0; i < json_array_size(r->list); i++) {
		const json_t *c = json_object_get(json_array_get(r->list, i), "chain");
		if (json_is(c, "name", name) && json_is(c, "table", r->table) && json_is(c, "family", r->family))
			return true;
	}
	return false;
}

/* The address that a target's options write; its port is of no interest. */
static json_t *written(struct reading *r, const char *option)
{
	for (const char *word; (word = next(r)) != NULL;) {
		if (strcmp(word, option) != 0 || (word = next(r)) == NULL)
			continue;
		char address[FILTER_NAME];
		snprintf(address, sizeof address, "%.*s", (int)strcspn(word, strcmp(r->family, "ip") == 0 ? ":-" : "-"), word);
		return json_pack("{s:o}", "addr", word_json(address));
	}
	return json_null();
}

static bool option_there(struct reading *r, const char *option)
{
	for (const char *word; (word = next(r)) != NULL;)
		if (strcmp(word, option) == 0)
			return true;
	return false;
}

static json_t *target(struct reading *r, const char *name, bool go)
{
	static const struct {
		const char *target, *word;
	} rows[] = { { "ACCEPT", "accept" }, { "DROP", "drop" }, { "RETURN", "return" }, { "REJECT", "reject" },
		{ "QUEUE", "queue" }, { "NFQUEUE", "queue" }, { "MASQUERADE", "masquerade" }, { "REDIRECT", "redirect" },
		{ "NOTRACK", "notrack" } };
	for (size_t i = 0; i < ARRAY_SIZE(rows); i++)
		if (strcmp(rows[i].target, name) == 0)
			return json_pack("{s:n}", rows[i].word);
	if (strcmp(name, "SNAT") == 0)
		return json_pack("{s:o}", "snat", written(r, "--to-source"));
	if (strcmp(name, "DNAT") == 0)
		return json_pack("{s:o}", "dnat", written(r, "--to-destination"));
	if (strcmp(name, "CT") == 0 && option_there(r, "--notrack"))
		return json_pack("{s:n}", "notrack");
	if (chain_known(r, name))
		return json_pack("{s:{s:o}}", go ? "goto" : "jump", "target", word_json(name));
	return json_pack("{s:{s:s,s:o}}", "xt", "type", "target", "name", word_json(name));
}

/* ---------------------------------------------------------------- lines */
static void read_rule(struct reading *r, char *line)
{
	const char *chain, *word;
	r->expr = json_array();
	r->negated = false;
	if (!cut(r, line))
		add_unknown(r, "a long rule");
	while ((word = next(r)) != NULL && strcmp(word, "-A") != 0)
		continue;
	chain = next(r);
	while (chain != NULL && (word = next(r)) != NULL) {
		if (strcmp(word, "!") == 0) {
			r->negated = true;
		} else if (strcmp(word, "-j") == 0 || strcmp(word, "-g") == 0) {
			const char *name = next(r);
			json_array_append_new(r->expr, target(r, name != NULL ? name : "?", word[1] == 'g'));
			break;
		} else if (!condition(r, word)) {
			add_unknown(r, word);
		}
	}
	if (chain != NULL)
		json_array_append_new(r->list, json_pack("{s:{s:s,s:s,s:o,s:i,s:O}}", "rule", "family", r->family, "table",
						       r->table, "chain", word_json(chain), "handle", 0, "expr", r->expr));
	json_decref(r->expr);
}

static int priority(const char *table, const char *hook)
{
	if (strcmp(table, "raw") == 0)
		return -300;
	if (strcmp(table, "mangle") == 0)
		return -150;
	if (strcmp(table, "nat") == 0)
		return strcmp(hook, "prerouting") == 0 || strcmp(hook, "output") == 0 ? -100 : 100;
	return strcmp(table, "security") == 0 ? 50 : 0;
}

/* ":FORWARD DROP [12:345]"; "-" as the policy: a chain that only jumps lead to. */
static void read_chain(struct reading *r, char *line)
{
	static const char *const hooks[] = { "PREROUTING", "INPUT", "FORWARD", "OUTPUT", "POSTROUTING" };
	static const char *const words[] = { "prerouting", "input", "forward", "output", "postrouting" };
	const char *table = r->table + strlen(r->prefix);
	if (!cut(r, line + 1) || r->n < 2)
		return;
	json_t *c = json_pack("{s:s,s:s,s:o,s:b}", "family", r->family, "table", r->table, "name", word_json(r->word[0]),
		"legacy", r->prefix[0] != 0);
	for (size_t i = 0; i < ARRAY_SIZE(hooks) && r->word[1][0] != '-'; i++) {
		if (strcmp(r->word[0], hooks[i]) != 0)
			continue;
		json_object_set_new(c, "type", json_string(strcmp(table, "nat") == 0 ? "nat" : "filter"));
		json_object_set_new(c, "hook", json_string(words[i]));
		json_object_set_new(c, "prio", json_integer(priority(table, words[i])));
		json_object_set_new(c, "policy", json_string(strcmp(r->word[1], "DROP") == 0 ? "drop" : "accept"));
	}
	json_array_append_new(r->list, json_pack("{s:o}", "chain", c));
}

static void read_save(json_t *rules, const char *text, bool v6, const char *prefix)
{
	struct reading r = { .list = json_object_get(rules, "nftables"), .family = v6 ? "ip6" : "ip", .prefix = prefix };
	char *copy = xstrdup(text), *rest = copy, *line;
	while (json_is_array(r.list) && (line = strsep(&rest, "\n")) != NULL) {
		if (strlen(line) > LINE_MOST)
			line[LINE_MOST] = 0;
		if (line[0] == '*')
			snprintf(r.table, sizeof r.table, "%s%.40s", prefix, line + 1);
		else if (line[0] == ':' && r.table[0] != 0)
			read_chain(&r, line);
		else if ((line[0] == '[' || line[0] == '-') && r.table[0] != 0)
			read_rule(&r, line);
	}
	free(copy);
}

void filter_add_legacy(json_t *rules, const char *text, bool v6) { read_save(rules, text, v6, LEGACY); }

/* ---------------------------------------------------------------- x_tables' conditions inside of nf_tables */
static bool has_condition(const json_t *rule)
{
	const json_t *expr = json_object_get(rule, "expr");
	for (size_t i = 0; i < json_array_size(expr); i++)
		if (json_is(json_object_get(json_array_get(expr, i), "xt"), "type", "match"))
			return true;
	return false;
}

bool filter_wants_spelling(const json_t *rules, bool v6)
{
	const json_t *list = json_object_get(rules, "nftables");
	for (size_t i = 0; i < json_array_size(list); i++) {
		const json_t *rule = json_object_get(json_array_get(list, i), "rule");
		if (json_is(rule, "family", v6 ? "ip6" : "ip") && has_condition(rule))
			return true;
	}
	return false;
}

/* By the rules' places: a chain that does not have as many here and there was changed meanwhile, or holds what the other does not show. */
void filter_spell_out(json_t *rules, const char *text, bool v6)
{
	json_t *saved = json_pack("{s:[]}", "nftables");
	read_save(saved, text, v6, "");
	struct ruleset *from = ruleset_new(saved), *to = ruleset_new(rules);
	for (unsigned i = 0; i < from->n_chains; i++) {
		const struct chain *a = &from->chains[i], *b = ruleset_chain(to, a->family, a->table, a->name);
		for (unsigned k = 0; b != NULL && b->n == a->n && k < a->n; k++) {
			json_t *rule = (json_t *)(uintptr_t)to->rules[b->first + k];
			if (has_condition(rule))
				json_object_set(rule, "expr", json_object_get(from->rules[a->first + k], "expr"));
		}
	}
	ruleset_free(from);
	ruleset_free(to);
	json_decref(saved);
}
