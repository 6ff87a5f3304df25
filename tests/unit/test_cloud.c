/* test_cloud.c - the rows of providers: what they say of keys, algorithms and policies, and that nothing in them is misspelt. */
#include <string.h>

#include "base/util.h"
#include "cloud/cloud.h"
#include "conf/conf.h"
#include "unit.h"

static void need_algs(void)
{
	const char *why;
	ck_assert(alg_init(&why));
}

START_TEST(keys)
{
	static const struct {
		enum cloud cloud;
		const char *key;
		bool documented;
	} want[] = {
		{ CLOUD_AWS, "a1._Zz99", true },
		{ CLOUD_AWS, "a1._Zz9", false },
		{ CLOUD_AWS, "0a1._Zz99", false },
		{ CLOUD_AWS, "a1-._Zz99", false },
		{ CLOUD_AWS, "1234567812345678123456781234567812345678123456781234567812345678", true },
		{ CLOUD_AWS, "12345678123456781234567812345678123456781234567812345678123456789", false },
		{ CLOUD_AZURE, "a", true },
		{ CLOUD_AZURE, "!\"#$%&'()*+,./:;<=>?@[\\]^_`{|}", true },
		{ CLOUD_AZURE, "a-made-up-k3y-with-hyphens", false },
		{ CLOUD_AZURE, "with space", false },
		{ CLOUD_AZURE, "with~tilde", false },
		{ CLOUD_AZURE, "\xc3\xa9", false },
		{ CLOUD_AZURE, "\x7f", false },
		{ CLOUD_NONE, "\x01 ~-", true },
	};
	char long_key[129];
	for (size_t i = 0; i < ARRAY_SIZE(want); i++)
		ck_assert_msg(cloud_psk_documented(want[i].cloud, want[i].key, strlen(want[i].key)) == want[i].documented, "%s",
			want[i].key);
	memset(long_key, 'k', sizeof long_key);
	ck_assert_int_eq(cloud_psk_documented(CLOUD_AZURE, long_key, 128), true);
	ck_assert_int_eq(cloud_psk_documented(CLOUD_AZURE, long_key, 129), false);
	ck_assert_int_eq(cloud_psk_documented(CLOUD_AWS, "abcdefg\0i", 9), false);
}
END_TEST

START_TEST(names)
{
	need_algs();
	ck_assert_str_eq(cloud_name(CLOUD_AZURE, false, "modp2048", 8), "DHGroup14");
	ck_assert_str_eq(cloud_name(CLOUD_AZURE, true, "modp2048", 8), "PFS2048");
	ck_assert_str_eq(cloud_name(CLOUD_AWS, true, "modp2048", 8), "14");
	ck_assert_ptr_null(cloud_name(CLOUD_AWS, false, "modp1536", 8));
	ck_assert_ptr_null(cloud_name(CLOUD_NONE, false, "modp2048", 8));
	ck_assert_str_eq(cloud_word_of(CLOUD_AZURE, true, TRANSFORM_KE, "pfs14"), "modp2048");
	ck_assert_str_eq(cloud_word_of(CLOUD_AZURE, false, TRANSFORM_KE, "DHGroup2048"), "modp2048");
	ck_assert_str_eq(cloud_word_of(CLOUD_AZURE, false, TRANSFORM_PRF, "SHA384"), "prfsha384");
	ck_assert_str_eq(cloud_word_of(CLOUD_AZURE, false, TRANSFORM_INTEG, "SHA384"), "sha384");
	ck_assert_ptr_null(cloud_word_of(CLOUD_AZURE, false, TRANSFORM_KE, "SHA384"));
	ck_assert(cloud_takes_word(CLOUD_NONE, false, "x448") && !cloud_takes_word(CLOUD_AWS, false, "x448"));
}
END_TEST

START_TEST(texts)
{
	char text[32];
	ck_assert_str_eq(cloud_fill(text, sizeof text, "{a} {b}{a} {c} {", "a", "1", "b", "{a}", (char *)NULL), "1 {a}1 {c} {");
	ck_assert_str_eq(cloud_fill(text, 8, "{a}{a}{a}", "a", "abc", (char *)NULL), "abcabca");
	ck_assert_str_eq(cloud_fill(text, sizeof text, "", (char *)NULL), "");
}
END_TEST

START_TEST(policies)
{
	char text[POLICY_TEXT];
	struct proposal esp;
	struct cloud_target there = { "WHERE", "--size" };
	const char *bad, *why;
	size_t len;
	need_algs();
	ck_assert_ptr_null(cloud_policy(CLOUD_AWS, NULL, NULL, NULL, 1, 2, text));
	ck_assert_str_eq(cloud_policy(CLOUD_AZURE, &there, NULL, NULL, 300, 1023, text),
		"az network WHERE --ike-encryption AES256 --ike-integrity SHA256 --dh-group DHGroup14 --ipsec-encryption AES256 "
		"--ipsec-integrity SHA256 --pfs-group PFS2048 --sa-lifetime 300 --size 102400000");
	ck_assert(proposal_parse(&esp, PROTOCOL_ESP, "aes128gcm16", &bad, &len, &why));
	ck_assert_ptr_nonnull(strstr(cloud_policy(CLOUD_AZURE, NULL, NULL, &esp, 1, 2, text),
		"--ipsec-encryption GCMAES128 --ipsec-integrity GCMAES128 --pfs-group None"));
}
END_TEST

static bool is_key(const char *word)
{
	const char *key;
	for (unsigned i = 0; (key = tunnel_conf_key(i)) != NULL; i++)
		if (strcmp(key, word) == 0)
			return true;
	return false;
}

static bool is_alg(const char *word)
{
	const struct alg *a;
	for (unsigned i = 0; (a = alg_any(i)) != NULL; i++)
		if (strcmp(a->word, word) == 0)
			return true;
	return strcmp(word, CLOUD_NO_PFS) == 0;
}

static void is_prefix(const char *text)
{
	struct prefix p;
	ck_assert_msg(text == NULL || (prefix_parse(&p, text) && !prefix_has_host_bits(&p)), "%s", text);
}

START_TEST(rows_are_sound)
{
	for (unsigned i = 0; i < CLOUD_COUNT; i++) {
		const struct provider *p = provider_of((enum cloud)i);
		enum cloud again;
		ck_assert(p != NULL && p->name != NULL && p->title != NULL && p->bgp.hold > 0);
		ck_assert(cloud_parse(cloud_word((enum cloud)i), &again) && again == (enum cloud)i);
		for (const struct cloud_default *d = p->defaults; d->key != NULL; d++)
			ck_assert_msg(is_key(d->key) && d->value != NULL, "%s", d->key);
		for (const struct cloud_alg *a = p->algs; a != NULL && a->word != NULL; a++)
			ck_assert_msg(is_alg(a->word) && (a->ike != NULL || a->esp != NULL), "%s", a->word);
		for (const struct cloud_net *n = p->nets; n != NULL && n->of != NULL; n++) {
			is_prefix(n->of);
			for (size_t k = 0; k < ARRAY_SIZE(n->ranges); k++)
				is_prefix(n->ranges[k]);
			for (size_t k = 0; k < ARRAY_SIZE(n->reserved); k++)
				is_prefix(n->reserved[k]);
			ck_assert(n->ranges[0] != NULL && n->why != NULL && n->advice != NULL);
			ck_assert((n->reserved[0] != NULL) == (n->other != NULL));
		}
		for (unsigned k = 0; k < FINDING_COUNT; k++)
			ck_assert(p->findings[k].why == NULL || p->findings[k].advice != NULL);
		ck_assert((p->psk.max > 0) == (p->psk.rule != NULL && p->findings[FINDING_KEY_ALPHABET].advice != NULL));
	}
}
END_TEST

UNIT_MAIN("cloud", keys, names, texts, policies, rows_are_sound)
