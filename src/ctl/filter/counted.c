/*
 * counted.c - which rule of iptables-legacy dropped packets while somebody looked: the kernel tells of no packet that such a rule took, but it counts them. What
 * `iptables-legacy-save -c` printed before and after is read side by side; rules that were changed meanwhile prove nothing.
 */
#include <inttypes.h>
#include <stdio.h>
#include <string.h>

#include "base/util.h"
#include "ctl/filter.h"

struct reading { /* one rule or the policy of one chain */
	const char *rest;
	char table[FILTER_NAME], chain[FILTER_NAME];
	const char *words; /* of the rule, as it was written behind the chain's name; or the policy */
	size_t n;
	unsigned place; /* 0: the policy */
	uint64_t packets;
};

static void take_policy(struct reading *r, const char *line, size_t n)
{
	const char *open = memchr(line, '[', n), *blank = memchr(line, ' ', n);
	if (open == NULL || blank == NULL || blank > open || sscanf(open, "[%" SCNu64 ":", &r->packets) != 1)
		return;
	snprintf(r->chain, sizeof r->chain, "%.*s", (int)(blank - line - 1), line + 1);
	r->words = blank + 1;
	r->n = (size_t)(open - blank) - 1;
	r->place = 0;
}

static void take_rule(struct reading *r, const char *line, size_t n)
{
	char chain[FILTER_NAME];
	int at = 0;
	uint64_t packets;
	if (sscanf(line, "[%" SCNu64 ":%*u] -A %63s %n", &packets, chain, &at) != 2 || at == 0 || (size_t)at > n)
		return;
	r->place = strcmp(chain, r->chain) == 0 ? r->place + 1 : 1;
	snprintf(r->chain, sizeof r->chain, "%s", chain);
	r->packets = packets;
	r->words = line + at;
	r->n = n - (size_t)at;
}

/* The next one; false: there is none. */
static bool next(struct reading *r)
{
	r->words = NULL;
	while (r->words == NULL && *r->rest != 0) {
		const char *line = r->rest;
		size_t n = strcspn(line, "\n");
		r->rest += n + (line[n] == '\n');
		if (line[0] == '*')
			snprintf(r->table, sizeof r->table, "%.*s", (int)(n - 1), line + 1);
		else if (line[0] == ':')
			take_policy(r, line, n);
		else if (line[0] == '[')
			take_rule(r, line, n);
	}
	return r->words != NULL;
}

static bool same(const struct reading *a, const struct reading *b)
{
	return a->n == b->n && a->place == b->place && memcmp(a->words, b->words, a->n) == 0 && strcmp(a->chain, b->chain) == 0 &&
	       strcmp(a->table, b->table) == 0;
}

static bool is_word(const char *p, size_t n, const char *word)
{
	size_t len = strlen(word);
	return n >= len && memcmp(p, word, len) == 0 && (n == len || p[len] == ' ');
}

/* The target is the last -j: a comment may have another before it. */
static bool drops(const struct reading *r)
{
	const char *target = NULL;
	if (r->place == 0)
		return is_word(r->words, r->n, "DROP");
	for (size_t i = 0; i + 3 < r->n; i++)
		if (memcmp(r->words + i, "-j ", 3) == 0)
			target = r->words + i + 3;
	size_t left = target != NULL ? r->n - (size_t)(target - r->words) : 0;
	return target != NULL && (is_word(target, left, "DROP") || is_word(target, left, "REJECT"));
}

bool filter_legacy_dropped(const char *before, const char *after, struct filter_counted *out)
{
	struct reading a = { .rest = before }, b = { .rest = after };
	*out = (struct filter_counted){ .packets = 0 };
	for (;;) {
		bool more = next(&a);
		if (next(&b) != more || (more && !same(&a, &b)))
			return false;
		if (!more)
			return out->packets > 0;
		if (!drops(&b) || b.packets < a.packets || b.packets - a.packets <= out->packets)
			continue;
		out->packets = b.packets - a.packets;
		out->place = b.place;
		snprintf(out->table, sizeof out->table, "%s", b.table);
		snprintf(out->chain, sizeof out->chain, "%s", b.chain);
		snprintf(out->rule, sizeof out->rule, "%.*s",
			(int)(b.place > 0 && b.n < FILTER_TEXT ? b.n
				: b.place > 0                  ? FILTER_TEXT - 1
							       : 0),
			b.words);
	}
}
