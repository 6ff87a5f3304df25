/* fill.c - what {name} stands for in the words of the table. */
#include <stddef.h>
#include <string.h>

#include "base/text.h"
#include "base/mem.h"
#include "base/util.h"
#include "check/check.h"
#include "crypto/cert.h"
#include "explain.h"

static void p_peer(const struct symptoms *s, const struct verdict *v, char *to)
{
	(void)v;
	if (s->peer.family != 0)
		addr_format(&s->peer, to);
	else
		symptoms_setting(s, "remote", to);
}

static void p_here(const struct symptoms *s, const struct verdict *v, char *to)
{
	(void)v;
	if (s->host != NULL && s->host->from.family != 0)
		addr_format(&s->host->from, to);
	else
		verdict_set(to, "this machine's address");
}

static void p_remote(const struct symptoms *s, const struct verdict *v, char *to)
{
	if (symptoms_setting(s, "remote", to)[0] == 0)
		p_peer(s, v, to);
}

static void p_ours(const struct symptoms *s, const struct verdict *v, char *to)
{
	bool esp = v->rule->code == VERDICT_ESP_PROPOSAL || v->rule->code == VERDICT_PFS;
	symptoms_setting(s, esp ? "esp-proposals" : "ike-proposals", to);
}

static void p_id(const struct symptoms *s, const struct verdict *v, char *to)
{
	if (v->a[0] != 0 && v->rule->code == VERDICT_PSK_OR_IDENTITY)
		verdict_set(to, "%s", v->a);
	else if (symptoms_setting(s, "local-id", to)[0] == 0)
		p_here(s, v, to);
}

static void p_key(const struct symptoms *s, const struct verdict *v, char *to)
{
	char file[SETTING_TEXT];
	(void)v;
	symptoms_setting(s, "psk-file", file);
	verdict_set(to, "%s%.*s", file[0] != 0 ? "keys/" : "'psk'", SETTING_TEXT - 16, file);
}

/* All items in the cloud's words. */
static void p_names(const struct symptoms *s, const struct verdict *v, char *to)
{
	(void)s;
	to[0] = 0;
	for (unsigned i = 0; i < v->n_items; i++) {
		const char *words = v->items[i].named[0] != 0 ? v->items[i].named : v->items[i].ours;
		if (words[0] != 0)
			text_join(to, PARAM_TEXT, ", ", words);
	}
}

static void p_group(const struct symptoms *s, const struct verdict *v, char *to)
{
	(void)s;
	verdict_set(to, "%s", "as here");
	for (unsigned i = 0; i < v->n_items; i++)
		if (strcmp(v->items[i].what, "group") == 0)
			verdict_set(to, "%s", v->items[i].named[0] != 0 ? v->items[i].named : v->items[i].ours);
}

static void p_policy(const struct symptoms *s, const struct verdict *v, char *to)
{
	char text[POLICY_TEXT];
	(void)v;
	const char *command = s->conf != NULL ? check_policy_command(s->conf, text) : NULL;
	verdict_set(to, "%s", command != NULL ? command : "a custom policy that holds these");
}

/* The address before the last change; the identity that goes with it is the operator's to know. */
static void p_old(const struct symptoms *s, const struct verdict *v, char *to)
{
	const struct explain_event *e = symptoms_latest(s, FACT_ADDRESS_CHANGED, INT32_MAX);
	(void)v;
	verdict_set(to, "%s", e != NULL && e->was[0] != 0 ? e->was : "OLD-ADDRESS");
}

/* A tunnel that only responds is down when its peer has gone; one that initiates is connecting. */
static void p_next(const struct symptoms *s, const struct verdict *v, char *to)
{
	(void)v;
	bool waits = s->state == TUNNEL_DOWN;
	verdict_set(to, "%s", waits ? "the peer has to initiate, as 'start' in the settings says" : "we try until it answers");
}

/* A chain that is believed and a signature that is not is nothing that settings of ours could mend. */
static void p_proof(const struct symptoms *s, const struct verdict *v, char *to)
{
	char id[SETTING_TEXT];
	if (strcmp(v->b, cert_cause_word(CERT_AUTH_BAD)) == 0)
		verdict_set(to, "%s",
			"the peer has to mend it, for its certificate is believed and its signature is not: either its private key is not that of "
			"its certificate (`openssl x509 -in CERT.pem -noout -pubkey` and `openssl pkey -in KEY.pem -pubout` say the same "
			"there when they fit), or it signs other octets than it sent");
	else if (strcmp(v->b, cert_cause_word(CERT_NAME)) == 0)
		verdict_set(to,
			"the peer calls itself %s, as 'remote-id' says, and its certificate does not, neither by its subject nor by a "
			"subjectAltName: it needs one that does, or has to call itself as this one does, and 'remote-id' with it; "
			"'cert-pin' believes this certificate as it is",
			symptoms_setting(s, "remote-id", id));
	else
		verdict_set(to,
			"compare 'ca', 'remote-id', 'crl' and 'cert-pin' with what the peer has; `s2sctl certificate check %s` looks at ours",
			s->name);
}

/* Who takes what comes at any of his addresses has none to tell. */
static void p_begins(const struct symptoms *s, const struct verdict *v, char *to)
{
	(void)v;
	bool known = s->local[0] != 0;
	verdict_set(to, "the peer has to initiate%s%s", known ? ", to " : "", known ? s->local : "");
}

static void p_commands(const struct symptoms *s, const struct verdict *v, char *to)
{
	(void)s;
	char one[PARAM_TEXT];
	to[0] = 0;
	for (unsigned i = 0; i < v->n_commands; i++) {
		verdict_set(one, "`%s`", v->commands[i]);
		if (strlen(to) + strlen(one) + 40 > PARAM_TEXT) { /* none is cut */
			text_join(to, PARAM_TEXT, " ", "and more, see --json");
			break;
		}
		text_join(to, PARAM_TEXT, ", ", one);
	}
	if (to[0] == 0)
		verdict_set(to, "%s", "in the program that made the rule");
}

static const struct param {
	const char *name;
	void (*fill)(const struct symptoms *s, const struct verdict *v, char *to);
	const char *key; /* or simply a setting, */
	size_t member;   /* or a text of the symptoms */
} params[] = {
	{ "name", NULL, NULL, offsetof(struct symptoms, name) },
	{ "interface", NULL, NULL, offsetof(struct symptoms, interface) },
	{ "metric", NULL, "route-metric", 0 },
	{ "window", NULL, "replay-window", 0 },
	{ "bgp-peer", NULL, "bgp.peer", 0 },
	{ "fragment-size", NULL, "fragment-size", 0 },
	{ "local-as", NULL, "bgp.local-as", 0 },
	{ "peer-as", NULL, "bgp.peer-as", 0 },
	{ "peer", p_peer, NULL, 0 },
	{ "here", p_here, NULL, 0 },
	{ "remote", p_remote, NULL, 0 },
	{ "ours", p_ours, NULL, 0 },
	{ "id", p_id, NULL, 0 },
	{ "key", p_key, NULL, 0 },
	{ "ike-names", p_names, NULL, 0 },
	{ "esp-names", p_names, NULL, 0 },
	{ "dh", p_group, NULL, 0 },
	{ "pfs", p_group, NULL, 0 },
	{ "policy", p_policy, NULL, 0 },
	{ "old", p_old, NULL, 0 },
	{ "commands", p_commands, NULL, 0 },
	{ "proof", p_proof, NULL, 0 },
	{ "next", p_next, NULL, 0 },
	{ "begins", p_begins, NULL, 0 },
};

static const char *param(const struct symptoms *s, const struct verdict *v, const char *name, size_t n, char *to)
{
	if (n == 1 && (name[0] == 'a' || name[0] == 'b'))
		return name[0] == 'a' ? v->a : v->b;
	for (size_t i = 0; i < ARRAY_SIZE(params); i++) {
		const struct param *p = &params[i];
		if (strlen(p->name) != n || strncmp(p->name, name, n) != 0)
			continue;
		if (p->fill != NULL)
			p->fill(s, v, to);
		else if (p->key != NULL)
			symptoms_setting(s, p->key, to);
		else
			verdict_set(to, "%s", *(const char *const *)((const char *)s + p->member));
		return to;
	}
	return NULL;
}

char *explain_fill(const struct symptoms *s, const struct verdict *v, const char *words)
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
