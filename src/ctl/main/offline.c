/*
 * offline.c - what needs no daemon: the algorithm table, the profiles, fresh pre-shared keys.
 */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/random.h>
#include <unistd.h>

#include "base/mem.h"
#include "conf/conf.h"
#include "crypto/alg.h"
#include "ctl/ctl.h"
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
	return a->type < sizeof words / sizeof words[0] ? words[a->type] : "-";
}

static unsigned key_bits(const struct alg *a)
{
	if (a->keylen != 0 || a->type != TRANSFORM_ENCR)
		return a->keylen;
	return a->key_bytes * 8u;
}

static int algorithms_json(void)
{
	json_t *o = json_versioned(), *list = json_array();
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
	return put_json(o);
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
	struct sheet *s = sheet_new(columns, sizeof columns / sizeof columns[0]);
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
	const char *words[PROFILE_COUNT + 1] = { NULL }, *why = NULL;
	char clean[128];
	enum cloud cloud;
	for (int i = 0; i < PROFILE_COUNT; i++)
		words[i] = cloud_word((enum cloud)i);
	if (!alg_init(&why))
		return ctl_fail(o, CTL_FAILED, "crypto", "cryptographic library: %s", why);
	if (!cloud_parse(name, &cloud)) {
		const char *near = nearest(name, words);
		return ctl_fail(o, CTL_FAILED, "unknown-profile", "no profile is called '%s'%s%s; the profiles are %s, %s, %s",
			escaped(clean, sizeof clean, name), near != NULL ? ": did you mean " : "", near != NULL ? near : "",
			words[0], words[1], words[2]);
	}
	if (!o->json) {
		profile_each(cloud, setting, NULL);
		return CTL_DONE;
	}
	json_t *answer = json_versioned(), *settings = json_object();
	profile_each(cloud, setting, settings);
	json_object_set_new(answer, "profile", json_string(name));
	json_object_set_new(answer, "settings", settings);
	return put_json(answer);
}

/* ---------------------------------------------------------------- genpsk */
/* AWS takes 8 to 64 of letters, digits, '.' and '_', not starting with 0; Azure up to 128 printable. Letters and digits suit both, every
 * shell and every YAML. 48 of them hold 285 bits. */
bool psk_make(char *key, unsigned n)
{
	static const char letters[] = "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789";
	enum { LETTERS = sizeof letters - 1, FAIR = 256 / LETTERS * LETTERS };
	uint8_t fresh[64];
	unsigned done = 0;
	while (done < n) {
		if (getrandom(fresh, sizeof fresh, 0) != (ssize_t)sizeof fresh)
			return false;
		for (unsigned i = 0; i < sizeof fresh && done < n; i++) {
			/* A byte past the last whole round would favour the first letters. */
			if (fresh[i] < FAIR && !(done == 0 && letters[fresh[i] % LETTERS] == '0'))
				key[done++] = letters[fresh[i] % LETTERS];
		}
	}
	key[n] = 0;
	wipe(fresh, sizeof fresh);
	return true;
}

int run_genpsk(const struct ctl_command *self, const struct options *o)
{
	char key[PSK_LENGTH + 1];
	int code = CTL_DONE;
	(void)self;
	if (!psk_make(key, PSK_LENGTH))
		return ctl_fail(o, CTL_FAILED, "random", "the system has no random bytes");
	if (o->json) {
		json_t *answer = json_versioned();
		json_object_set_new(answer, "psk", json_string(key));
		code = put_json(answer);
	} else {
		printf("%s\n", key);
	}
	wipe(key, sizeof key);
	return code;
}
