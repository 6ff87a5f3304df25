/*
 * alg.c - the crypto floor's main file: the registry. Everything the daemon can negotiate is one row of the table below.
 *
 *	          word, sizes, verdict            OpenSSL's name            used by
 *	conf -----> alg_by_word --+
 *	ike  -----> alg_find -----+--> [ row ] ---- usable() loads ------> seal.c  (cipher)
 *	kernel ---> row->kernel --+                                        prf.c   (digest)
 *	                                                                   ke.c    (group: ke_modp, ke_ec, ke_raw)
 *
 * A row that the library of this machine does not load (FIPS without MD5, a build without a curve) does not exist for anybody
 * above: it is not configured, not offered, not accepted, so nothing can be chosen that fails when it is used. A row is tried
 * when it is asked for first: all of them are half of what a start costs, and a gateway needs a few.
 */
#include <pthread.h>
#include <string.h>
#include <strings.h>

#include <openssl/crypto.h>
#include <openssl/err.h>

#include "base/util.h"
#include "lib.h"

#define BOTH (ALG_IKE | ALG_ESP)

#define CBC(encr_id, bits, bytes, block, text, weakness, kernel_name, lib_name) \
	{ \
		.alg = { .type = TRANSFORM_ENCR, \
			.id = (encr_id), \
			.keylen = (bits), \
			.word = (text), \
			.uses = BOTH, \
			.key_bytes = (bytes), \
			.iv_bytes = (block), \
			.block_bytes = (block), \
			.weak = (weakness), \
			.kernel = (kernel_name) }, \
		.name = (lib_name) \
	}
#define AEAD(encr_id, bits, bytes, tag, use, text, kernel_name, lib_name) \
	{ \
		.alg = { .type = TRANSFORM_ENCR, \
			.id = (encr_id), \
			.keylen = (bits), \
			.word = (text), \
			.uses = (use), \
			.key_bytes = (bytes), \
			.salt_bytes = 4, \
			.iv_bytes = 8, \
			.block_bytes = 4, \
			.icv_bytes = (tag), \
			.aead = true, \
			.kernel = (kernel_name) }, \
		.name = (lib_name) \
	}
#define PRF(prf_id, size, text, weakness, lib_name) \
	{ \
		.alg = { .type = TRANSFORM_PRF, \
			.id = (prf_id), \
			.word = (text), \
			.uses = ALG_IKE, \
			.key_bytes = (size), \
			.icv_bytes = (size), \
			.weak = (weakness) }, \
		.name = (lib_name) \
	}
#define INTEG(integ_id, size, cut, text, weakness, kernel_name, lib_name) \
	{ \
		.alg = { .type = TRANSFORM_INTEG, \
			.id = (integ_id), \
			.word = (text), \
			.uses = BOTH, \
			.key_bytes = (size), \
			.icv_bytes = (cut), \
			.weak = (weakness), \
			.kernel = (kernel_name) }, \
		.name = (lib_name) \
	}
#define KE(group_id, public_bytes, text, weakness, full, how, lib_name) \
	{ \
		.alg = { .type = TRANSFORM_KE, \
			.id = (group_id), \
			.word = (text), \
			.uses = BOTH, \
			.key_bytes = (public_bytes), \
			.weak = (weakness), \
			.full_check = (full) }, \
		.name = (lib_name), .method = &(how) \
	}
#define ESN(esn_id, text) \
	{ \
		.alg = {.type = TRANSFORM_ESN, .id = (esn_id), .word = (text), .uses = ALG_ESP } \
	}

/* clang-format off */
static struct lib_alg table[] = {
	CBC(ENCR_AES_CBC, 256, 32, 16, "aes256", NULL, "cbc(aes)", "AES-256-CBC"),
	CBC(ENCR_AES_CBC, 192, 24, 16, "aes192", NULL, "cbc(aes)", "AES-192-CBC"),
	CBC(ENCR_AES_CBC, 128, 16, 16, "aes128", NULL, "cbc(aes)", "AES-128-CBC"),
	CBC(ENCR_3DES,      0, 24,  8, "3des", "3des", "cbc(des3_ede)", "DES-EDE3-CBC"),
	AEAD(ENCR_AES_GCM_16, 256, 32, 16, BOTH, "aes256gcm16", "rfc4106(gcm(aes))", "AES-256-GCM"),
	AEAD(ENCR_AES_GCM_16, 192, 24, 16, BOTH, "aes192gcm16", "rfc4106(gcm(aes))", "AES-192-GCM"),
	AEAD(ENCR_AES_GCM_16, 128, 16, 16, BOTH, "aes128gcm16", "rfc4106(gcm(aes))", "AES-128-GCM"),
	AEAD(ENCR_AES_GCM_12, 256, 32, 12, ALG_ESP, "aes256gcm12", "rfc4106(gcm(aes))", "AES-256-GCM"),
	AEAD(ENCR_AES_GCM_12, 192, 24, 12, ALG_ESP, "aes192gcm12", "rfc4106(gcm(aes))", "AES-192-GCM"),
	AEAD(ENCR_AES_GCM_12, 128, 16, 12, ALG_ESP, "aes128gcm12", "rfc4106(gcm(aes))", "AES-128-GCM"),
	AEAD(ENCR_AES_GCM_8,  256, 32,  8, ALG_ESP, "aes256gcm8",  "rfc4106(gcm(aes))", "AES-256-GCM"),
	AEAD(ENCR_AES_GCM_8,  192, 24,  8, ALG_ESP, "aes192gcm8",  "rfc4106(gcm(aes))", "AES-192-GCM"),
	AEAD(ENCR_AES_GCM_8,  128, 16,  8, ALG_ESP, "aes128gcm8",  "rfc4106(gcm(aes))", "AES-128-GCM"),
	AEAD(ENCR_CHACHA20_POLY1305, 0, 32, 16, BOTH, "chacha20poly1305", "rfc7539esp(chacha20,poly1305)", "ChaCha20-Poly1305"),

	PRF(PRF_HMAC_SHA2_256, 32, "prfsha256", NULL, "SHA256"),
	PRF(PRF_HMAC_SHA2_384, 48, "prfsha384", NULL, "SHA384"),
	PRF(PRF_HMAC_SHA2_512, 64, "prfsha512", NULL, "SHA512"),
	PRF(PRF_HMAC_SHA1,     20, "prfsha1", "sha1", "SHA1"),
	PRF(PRF_HMAC_MD5,      16, "prfmd5", "md5", "MD5"),

	INTEG(INTEG_HMAC_SHA2_256_128, 32, 16, "sha256", NULL, "hmac(sha256)", "SHA256"),
	INTEG(INTEG_HMAC_SHA2_384_192, 48, 24, "sha384", NULL, "hmac(sha384)", "SHA384"),
	INTEG(INTEG_HMAC_SHA2_512_256, 64, 32, "sha512", NULL, "hmac(sha512)", "SHA512"),
	INTEG(INTEG_HMAC_SHA1_96,      20, 12, "sha1", "sha1", "hmac(sha1)", "SHA1"),
	INTEG(INTEG_HMAC_MD5_96,       16, 12, "md5", "md5", "hmac(md5)", "MD5"),

	KE(GROUP_MODP_2048,  256, "modp2048", NULL, false, ke_modp, NULL),
	KE(GROUP_MODP_3072,  384, "modp3072", NULL, false, ke_modp, NULL),
	KE(GROUP_MODP_4096,  512, "modp4096", NULL, false, ke_modp, NULL),
	KE(GROUP_MODP_6144,  768, "modp6144", NULL, false, ke_modp, NULL),
	KE(GROUP_MODP_8192, 1024, "modp8192", NULL, false, ke_modp, NULL),
	KE(GROUP_ECP_256,     64, "ecp256", NULL, false, ke_ec, "P-256"),
	KE(GROUP_ECP_384,     96, "ecp384", NULL, false, ke_ec, "P-384"),
	KE(GROUP_ECP_521,    132, "ecp521", NULL, false, ke_ec, "P-521"),
	KE(GROUP_CURVE25519,  32, "x25519", NULL, false, ke_raw, "X25519"),
	KE(GROUP_CURVE448,    56, "x448", NULL, false, ke_raw, "X448"),
	KE(GROUP_MODP_1024,  128, "modp1024", "modp1024", false, ke_modp, NULL),
	KE(GROUP_MODP_1536,  192, "modp1536", "modp1536", false, ke_modp, NULL),
	KE(GROUP_MODP_1024_160, 128, "modp1024s160", "modp1024s160", true, ke_modp, "dh_1024_160"),
	KE(GROUP_MODP_2048_224, 256, "modp2048s224", "modp2048s224", true, ke_modp, "dh_2048_224"),
	KE(GROUP_MODP_2048_256, 256, "modp2048s256", "modp2048s256", true, ke_modp, "dh_2048_256"),

	ESN(ESN_NO, "noesn"),
	ESN(ESN_YES, "esn"),
};

/* Spellings of other programs. */
static const struct { const char *word, *means; } aliases[] = {
	{ "aes", "aes128" }, { "sha", "sha1" }, { "sha2_256", "sha256" }, { "sha2_384", "sha384" }, { "sha2_512", "sha512" },
	{ "aes128gcm128", "aes128gcm16" }, { "aes192gcm128", "aes192gcm16" }, { "aes256gcm128", "aes256gcm16" },
	{ "curve25519", "x25519" }, { "curve448", "x448" },
};
/* clang-format on */

static const char *const weak_words[] = { "modp1024", "modp1536", "modp1024s160", "modp2048s224", "modp2048s256", "3des", "sha1",
	"md5" };

#define ROWS (ARRAY_SIZE(table))
#define ALIASES (ARRAY_SIZE(aliases))
#define WEAK_WORDS (ARRAY_SIZE(weak_words))

/* Its thousands of texts of errors stay where they are: nobody reads them, numbers are looked at. */
#define SETTINGS (OPENSSL_INIT_LOAD_CONFIG | OPENSSL_INIT_NO_LOAD_CRYPTO_STRINGS)

static bool load(struct lib_alg *row)
{
	switch ((enum ike_transform_type)row->alg.type) {
	case TRANSFORM_ENCR: return (row->cipher = cipher_load(row->name)) != NULL;
	case TRANSFORM_PRF:
	case TRANSFORM_INTEG: return (row->digest = digest_load(row->name, row->alg.key_bytes)) != NULL && hmac_works(row);
	case TRANSFORM_KE: return (row->group = row->method->load(row)) != NULL;
	case TRANSFORM_ESN: return true;
	}
	return false;
}

/* The only place that looks at a row's state. */
static bool usable(struct lib_alg *row)
{
	static pthread_mutex_t loading = PTHREAD_MUTEX_INITIALIZER;
	enum lib_state state = atomic_load_explicit(&row->state, memory_order_acquire);
	if (state != LIB_UNTRIED)
		return state == LIB_READY;
	pthread_mutex_lock(&loading);
	state = atomic_load_explicit(&row->state, memory_order_relaxed);
	if (state == LIB_UNTRIED) {
		OPENSSL_init_crypto(SETTINGS, NULL);
		ERR_set_mark();
		state = load(row) ? LIB_READY : LIB_LACKING;
		ERR_pop_to_mark();
		atomic_store_explicit(&row->state, state, memory_order_release);
	}
	pthread_mutex_unlock(&loading);
	return state == LIB_READY;
}

bool alg_begin(const char **why)
{
	bool good = OPENSSL_init_crypto(SETTINGS, NULL) == 1;
	*why = good ? NULL : "the cryptographic library refuses its settings (openssl.cnf)";
	ERR_clear_error();
	return !*why;
}

bool alg_init(const char **why)
{
	if (!alg_begin(why))
		return false;
	*why = !hash_ready()                                            ? "the cryptographic library has no SHA-1 or SHA-256"
	       : !alg_find(TRANSFORM_ENCR, ENCR_AES_CBC, 256)           ? "the cryptographic library has no AES-256-CBC"
	       : !alg_find(TRANSFORM_INTEG, INTEG_HMAC_SHA2_256_128, 0) ? "the cryptographic library has no HMAC-SHA-256"
	       : !alg_find(TRANSFORM_KE, GROUP_MODP_2048, 0) ? "the cryptographic library does not do 2048-bit Diffie-Hellman"
							     : NULL;
	return !*why;
}

static bool is(const struct alg *a, uint8_t type, uint16_t id, uint16_t keylen)
{
	return a->type == type && a->id == id && a->keylen == keylen;
}

/* The same ones are asked for again and again: those that were found last, one of each type, need no search. */
const struct lib_alg *lib_find(uint8_t type, uint16_t id, uint16_t keylen)
{
	static _Atomic(const struct lib_alg *) last[TRANSFORM_ESN + 1];
	const struct lib_alg *row = type < ARRAY_SIZE(last) ? atomic_load_explicit(&last[type], memory_order_acquire) : NULL;
	if (row && is(&row->alg, type, id, keylen))
		return row;
	for (unsigned i = 0; i < ROWS; i++) {
		if (!is(&table[i].alg, type, id, keylen))
			continue;
		row = usable(&table[i]) ? &table[i] : NULL;
		if (row)
			atomic_store_explicit(&last[type], row, memory_order_release);
		return row;
	}
	return NULL;
}

const struct alg *alg_find(uint8_t type, uint16_t id, uint16_t keylen)
{
	const struct lib_alg *row = lib_find(type, id, keylen);
	return row ? &row->alg : NULL;
}

static bool same_word(const char *have, const char *word, size_t len)
{
	return strlen(have) == len && !strncasecmp(have, word, len);
}

bool lib_by_word(const char *word, size_t len, const struct alg **found)
{
	*found = NULL;
	for (unsigned i = 0; i < ALIASES; i++)
		if (same_word(aliases[i].word, word, len))
			return lib_by_word(aliases[i].means, strlen(aliases[i].means), found);
	for (unsigned i = 0; i < ROWS; i++)
		if (same_word(table[i].alg.word, word, len)) {
			*found = usable(&table[i]) ? &table[i].alg : NULL;
			return true;
		}
	return false;
}

const struct alg *alg_by_word(const char *word, size_t len)
{
	const struct alg *found;
	lib_by_word(word, len, &found);
	return found;
}

const struct alg *alg_row(unsigned i)
{
	for (unsigned at = 0; at < ROWS; at++)
		if (usable(&table[at]) && !i--)
			return &table[at].alg;
	return NULL;
}

const struct alg *alg_any(unsigned i) { return i < ROWS ? &table[i].alg : NULL; }

const struct alg *lib_prf_of(const struct alg *integ)
{
	const struct lib_alg *of = lib_find(TRANSFORM_INTEG, integ->id, 0);
	for (unsigned i = 0; of && i < ROWS; i++)
		if (table[i].alg.type == TRANSFORM_PRF && !strcmp(table[i].name, of->name) && usable(&table[i]))
			return &table[i].alg;
	return NULL;
}

uint32_t alg_weak_bit(const char *word)
{
	for (unsigned i = 0; i < WEAK_WORDS; i++)
		if (!strcmp(weak_words[i], word))
			return 1u << i;
	return 0;
}

const char *alg_weak_word(unsigned i) { return i < WEAK_WORDS ? weak_words[i] : NULL; }

static const char *ready_word(const void *list, unsigned i)
{
	(void)list;
	const struct alg *a = alg_row(i);
	return a ? a->word : NULL;
}

const char *alg_nearest_word(const char *word, size_t len)
{
	char text[32]; /* no word of ours is longer */
	if (len >= sizeof text)
		return NULL;
	memcpy(text, word, len);
	text[len] = 0;
	return near_word(text, ready_word, NULL);
}
