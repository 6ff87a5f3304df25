/* read.c - the rules of this machine, as nft and the old iptables print them; see ctl/filter.h. */
#include "ctl/filter.h"

#include <stdlib.h>

#include "ctl/spawn.h"
#include "ctl/system.h"

#define RULES_MOST ((size_t)4 << 20)
#define PATIENCE 5 /* seconds */

static bool legacy_loaded(bool v6)
{
	char tables[256];
	return system_file("", v6 ? "net/ip6_tables_names" : "net/ip_tables_names", tables, sizeof tables) && tables[0] != 0;
}

char *filter_legacy_read(bool v6)
{
	const char *const argv[] = { v6 ? "ip6tables-legacy-save" : "iptables-legacy-save", "-c", NULL };
	int status;
	char *text = legacy_loaded(v6) ? program_output(argv, RULES_MOST, PATIENCE, &status) : NULL;
	if (text != NULL && status == 0)
		return text;
	free(text);
	return NULL;
}

/* Rules of iptables-legacy are added: nft does not show them. */
static void add_legacy(json_t *rules, bool v6)
{
	if (!legacy_loaded(v6))
		return;
	char *text = filter_legacy_read(v6);
	if (text != NULL)
		filter_add_legacy(rules, text, v6);
	else
		json_object_set_new(rules, "legacy_unread", json_true());
	free(text);
}

/* Conditions that nft does not print are those of iptables-nft. */
static void spell_out(json_t *rules, bool v6)
{
	const char *const argv[] = { v6 ? "ip6tables-nft-save" : "iptables-nft-save", NULL };
	int status;
	char *text = filter_wants_spelling(rules, v6) ? program_output(argv, RULES_MOST, PATIENCE, &status) : NULL;
	if (text != NULL && status == 0)
		filter_spell_out(rules, text, v6);
	free(text);
}

json_t *filter_rules_read(void)
{
	static const char *const argv[] = { "nft", "-j", "list", "ruleset", NULL };
	int status;
	char *text = program_output(argv, RULES_MOST, PATIENCE, &status);
	json_t *rules = text != NULL && status == 0 ? json_loads(text, 0, NULL) : NULL;
	free(text);
	for (int v6 = 0; rules != NULL && v6 <= 1; v6++) {
		add_legacy(rules, v6 == 1);
		spell_out(rules, v6 == 1);
	}
	return rules;
}
