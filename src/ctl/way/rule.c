/* rule.c - which `ip rule` led to a table: the kernel's answer names the table only. */
#include <linux/fib_rules.h>
#include <linux/rtnetlink.h>
#include <stdio.h>
#include <string.h>

#include "leg.h"

static bool fits_prefix(const struct prefix *p, const struct addr *a)
{
	return p->addr.family == 0 || (a->family != 0 && prefix_contains(p, a));
}

static bool fits(const struct way_facts *f, const struct way_rule *r, const struct way_question *q)
{
	const char *in = q->in != 0 ? way_link_name(f, q->in) : "lo";
	bool yes = fits_prefix(&r->from, &q->from) && fits_prefix(&r->to, &q->to) && (r->in[0] == 0 || strcmp(r->in, in) == 0) &&
		   r->out[0] == 0 && ((r->mark ^ q->mark) & r->mask) == 0;
	return r->family == q->to.family && (r->invert ? !yes : yes);
}

const struct way_rule *way_rule_of(const struct way_facts *f, const struct way_question *q, uint32_t table)
{
	for (unsigned i = 0; i < f->n_rules; i++)
		if (f->rules[i].action == FR_ACT_TO_TBL && (f->rules[i].table == table || f->rules[i].l3mdev) &&
			fits(f, &f->rules[i], q))
			return &f->rules[i];
	return NULL;
}

const struct way_rule *way_rule_refusing(const struct way_facts *f, const struct way_question *q)
{
	for (unsigned i = 0; i < f->n_rules; i++) {
		uint8_t action = f->rules[i].action;
		if ((action == FR_ACT_BLACKHOLE || action == FR_ACT_UNREACHABLE || action == FR_ACT_PROHIBIT) &&
			fits(f, &f->rules[i], q))
			return &f->rules[i];
	}
	return NULL;
}

const char *way_table_name(uint32_t table, char text[24])
{
	if (table == RT_TABLE_MAIN || table == RT_TABLE_LOCAL || table == RT_TABLE_DEFAULT)
		snprintf(text, 24, "%s", table == RT_TABLE_MAIN ? "main" : table == RT_TABLE_LOCAL ? "local" : "default");
	else
		snprintf(text, 24, "%u", table);
	return text;
}

/* As `ip rule` writes it. */
const char *way_rule_words(const struct way_rule *r, char text[160])
{
	char from[ADDR_TEXT] = "all", to[ADDR_TEXT] = "", mark[40] = "", table[24];
	if (r->from.addr.family != 0)
		prefix_format(&r->from, from);
	if (r->to.addr.family != 0)
		prefix_format(&r->to, to);
	if (r->mask == UINT32_MAX)
		snprintf(mark, sizeof mark, " fwmark 0x%x", r->mark);
	else if (r->mask != 0)
		snprintf(mark, sizeof mark, " fwmark 0x%x/0x%x", r->mark, r->mask);
	const char *action = r->action == FR_ACT_TO_TBL      ? "lookup "
			     : r->action == FR_ACT_PROHIBIT  ? "prohibit"
			     : r->action == FR_ACT_BLACKHOLE ? "blackhole"
							     : "unreachable";
	snprintf(text, 160, "%u: %sfrom %s%s%s%s%s%s %s%s", r->pref, r->invert ? "not " : "", from, to[0] != 0 ? " to " : "", to,
		mark, r->in[0] != 0 ? " iif " : "", r->in, action,
		r->l3mdev                    ? "[l3mdev]"
		: r->action == FR_ACT_TO_TBL ? way_table_name(r->table, table)
					     : "");
	return text;
}
