/*
 * algorithms.c - `s2sctl show algorithms` and `show profile NAME`: what s2sd knows, without a daemon.
 */
#include <stdio.h>
#include <string.h>
#include <unistd.h>

#include "base/util.h"
#include "conf/conf.h"
#include "crypto/alg.h"
#include "ctl/answer.h"
#include "ctl/render.h"

/* ---------------------------------------------------------------- show algorithms */
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

static int algorithms_json(void)
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
		return algorithms_json();
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
