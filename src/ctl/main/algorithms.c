/*
 * algorithms.c - `s2sctl show algorithms` and `show profile NAME`: what s2sd knows, without a daemon; and, if one answers, what it found its kernel to do better.
 */
#include <net/if.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>

#include "base/nic.h"
#include "base/util.h"
#include "codes/feature.h"
#include "conf/conf.h"
#include "crypto/alg.h"
#include "ctl/answer.h"
#include "ctl/client.h"
#include "ctl/nic.h"
#include "ctl/render.h"

#define DAEMON_PATIENCE 2 /* seconds; one that does not answer is none */

/* ---------------------------------------------------------------- words */
static const char *use_of(const struct alg *a)
{
	static const char *const words[] = { "-", "ike", "esp", "ike,esp" };
	return words[a->uses & (ALG_IKE | ALG_ESP)];
}

static const char *type_of(const struct alg *a)
{
	static const char *const words[] = { "-", "encryption", "prf", "integrity", "group", "esn" };
	return a->type < ARRAY_SIZE(words) ? words[a->type] : "-";
}

static unsigned key_bits(const struct alg *a)
{
	if (a->keylen != 0 || a->type != TRANSFORM_ENCR)
		return a->keylen;
	return a->key_bytes * 8u;
}

/* ---------------------------------------------------------------- what this machine does better */
struct better {
	const char *word, *text;
	int state; /* 1 yes, 0 no, NIC_UNKNOWN */
	char value[128];
};
#define BETTER_MAX (FEATURE_COUNT + 3)

static void better_module(struct better *b, const char *root, const char *module)
{
	enum module_state s = module_state(root, module);
	b->state = s == MODULE_UNKNOWN ? NIC_UNKNOWN : s == MODULE_LOADED;
	if (s == MODULE_WAITS)
		snprintf(b->value, sizeof b->value, "`modprobe %s`", module);
}

static void better_cards(struct better *b)
{
	struct if_nameindex *all = if_nameindex();
	b->state = all != NULL ? 0 : NIC_UNKNOWN;
	for (const struct if_nameindex *i = all; i != NULL && i->if_index != 0; i++) {
		struct nic_features n;
		size_t used = strlen(b->value);
		nic_features(i->if_name, &n);
		if (n.esp != 1)
			continue;
		b->state = 1;
		snprintf(b->value + used, sizeof b->value - used, "%s%s", used > 0 ? ", " : "", i->if_name);
	}
	if_freenameindex(all);
}

static void find_better(const struct options *o, struct better v[BETTER_MAX])
{
	json_t *answer = client_peek(o, client_request(CONTROL_VERSION), DAEMON_PATIENCE);
	const json_t *has = json_object_get(answer, "kernel");
	unsigned n = 0;
	for (; n < FEATURE_COUNT; n++) {
		const json_t *one = json_object_get(has, feature_word((enum feature)n));
		v[n] = (struct better){ feature_word((enum feature)n), feature_text((enum feature)n),
			json_is_boolean(one) ? json_is_true(one) : NIC_UNKNOWN, "" };
	}
	json_decref(answer);
	v[n] = (struct better){ .word = "esp4-offload", .text = "ESP over IPv4 is received and sent in batches" };
	better_module(&v[n++], "", "esp4_offload");
	v[n] = (struct better){ .word = "esp6-offload", .text = "ESP over IPv6 is received and sent in batches" };
	better_module(&v[n++], "", "esp6_offload");
	v[n] = (struct better){ .word = "esp-hw-offload", .text = "network cards that encrypt" };
	better_cards(&v[n]);
}

static json_t *better_json(const struct options *o)
{
	struct better v[BETTER_MAX];
	json_t *list = json_array();
	find_better(o, v);
	for (unsigned i = 0; i < BETTER_MAX; i++)
		json_array_append_new(list, json_pack("{s:s, s:o, s:s, s:s?}", "word", v[i].word, "here",
						    v[i].state == NIC_UNKNOWN ? json_null() : json_boolean(v[i].state != 0),
						    "text", v[i].text, "value", v[i].value[0] != 0 ? v[i].value : NULL));
	return list;
}

static void print_better(const struct options *o)
{
	static const struct column columns[] = { { "KERNEL", false }, { "HERE", false }, { "WHAT", false } };
	struct sheet *s = sheet_new(columns, ARRAY_SIZE(columns));
	struct better v[BETTER_MAX];
	find_better(o, v);
	for (unsigned i = 0; i < BETTER_MAX; i++) {
		char what[256];
		snprintf(what, sizeof what, "%s%s%s%s", v[i].text, v[i].value[0] != 0 ? " (" : "", v[i].value,
			v[i].value[0] != 0 ? ")" : "");
		const char *cells[] = { v[i].word, v[i].state == NIC_UNKNOWN ? "?" : v[i].state != 0 ? "yes" : "no", what };
		sheet_row(s, cells, 1, v[i].state == 1 ? TINT_GOOD : TINT_NONE);
	}
	sheet_print(s, stdout, isatty(STDOUT_FILENO));
	sheet_free(s);
}

/* ---------------------------------------------------------------- show algorithms */
static int algorithms_json(const struct options *options)
{
	json_t *o = answer_new(), *list = json_array();
	const struct alg *a;
	for (unsigned i = 0; (a = alg_row(i)) != NULL; i++) {
		json_t *row = json_object();
		json_object_set_new(row, "word", json_string(a->word));
		json_object_set_new(row, "kind", json_string(type_of(a)));
		json_object_set_new(row, "id", json_integer(a->id));
		json_object_set_new(row, "key_bits", key_bits(a) != 0 ? json_integer(key_bits(a)) : json_null());
		json_object_set_new(row, "ike", json_boolean(a->uses & ALG_IKE));
		json_object_set_new(row, "esp", json_boolean(a->uses & ALG_ESP));
		json_object_set_new(row, "aead", json_boolean(a->aead));
		json_object_set_new(row, "weak", a->weak != NULL ? json_string(a->weak) : json_null());
		json_object_set_new(row, "kernel", a->kernel != NULL ? json_string(a->kernel) : json_null());
		json_array_append_new(list, row);
	}
	json_object_set_new(o, "algorithms", list);
	json_object_set_new(o, "features", better_json(options));
	return answer_print(o);
}

int show_algorithms(const struct options *o)
{
	static const struct column columns[] = { { "WORD", false }, { "KIND", false }, { "ID", true }, { "KEY", true },
		{ "USE", false }, { "VERDICT", false } };
	const char *why = NULL;
	const struct alg *a;
	if (!alg_init(&why))
		return ctl_fail(o, CTL_FAILED, "crypto", "cryptographic library: %s", why);
	if (o->json)
		return algorithms_json(o);
	struct sheet *s = sheet_new(columns, ARRAY_SIZE(columns));
	for (unsigned i = 0; (a = alg_row(i)) != NULL; i++) {
		char id[16], bits[16] = "-", verdict[64] = "ok";
		snprintf(id, sizeof id, "%u", a->id);
		if (key_bits(a) != 0)
			snprintf(bits, sizeof bits, "%u", key_bits(a));
		if (a->weak != NULL)
			snprintf(verdict, sizeof verdict, "weak:%s", a->weak);
		const char *cells[] = { a->word, type_of(a), id, bits, use_of(a), verdict };
		sheet_row(s, cells, 5, a->weak != NULL ? TINT_WARN : TINT_NONE);
	}
	sheet_print(s, stdout, isatty(STDOUT_FILENO));
	sheet_free(s);
	print_better(o);
	return CTL_DONE;
}

/* ---------------------------------------------------------------- show profile */
static void setting(void *arg, const char *key, const char *value)
{
	if (arg != NULL)
		json_object_set_new(arg, key, json_string(value));
	else
		printf("%s: %s\n", key, value);
}

int show_profile(const struct options *o, const char *name)
{
	const char *words[CLOUD_COUNT + 1] = { NULL }, *why = NULL;
	char clean[128];
	enum cloud cloud;
	for (int i = 0; i < CLOUD_COUNT; i++)
		words[i] = cloud_word((enum cloud)i);
	if (!alg_init(&why))
		return ctl_fail(o, CTL_FAILED, "crypto", "cryptographic library: %s", why);
	if (!cloud_parse(name, &cloud)) {
		const char *near = near_word_in(name, words);
		char list[128] = "";
		for (unsigned i = 0; i < CLOUD_COUNT; i++)
			snprintf(list + strlen(list), sizeof list - strlen(list), "%s%s", i > 0 ? ", " : "", words[i]);
		return ctl_fail(o, CTL_FAILED, "unknown-profile", "unknown profile '%s'%s%s%s the profiles are %s",
			escaped(clean, sizeof clean, name), near != NULL ? ": did you mean '" : "", near != NULL ? near : "",
			near != NULL ? "'?" : ";", list);
	}
	if (!o->json) {
		profile_each(cloud, setting, NULL);
		return CTL_DONE;
	}
	json_t *answer = answer_new(), *settings = json_object();
	profile_each(cloud, setting, settings);
	json_object_set_new(answer, "profile", json_string(name));
	json_object_set_new(answer, "settings", settings);
	return answer_print(answer);
}
