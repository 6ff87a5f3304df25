/*
 * test_pkey_store.c - keys that never leave their token: a TPM 2.0 (swtpm, tpm2-tools, tpm2-openssl) and PKCS#11 (softhsm2, pkcs11-provider; Debian 12 has the
 * latter in backports only). Where packages are missing the test says that it was NOT made. A network namespace of its own keeps swtpm's port to itself.
 */
#include <dlfcn.h>
#include <fcntl.h>
#include <sched.h>
#include <signal.h>
#include <stdio.h>
#include <string.h>
#include <sys/wait.h>
#include <unistd.h>

#include <openssl/pem.h>
#include <openssl/provider.h>

#include "crypto/sign_lib.h"
#include "crypto_help.h"
#include "made_cert.h"
#include "signer/keys.h"

#define TPM "TPM2TOOLS_TCTI=swtpm:host=127.0.0.1,port=2321 "
#define SOFTHSM "SOFTHSM2_CONF=softhsm2.conf "
#define PIN "4711"

static char dir[] = "/tmp/test-token-XXXXXX";
static int64_t clock_ms = 1000;
static struct bytes leaf; /* given with each key; nothing: none is */

static bool shell(const char *command)
{
	char line[768];
	snprintf(line, sizeof line, "cd %s && { %s; } >log 2>&1", dir, command);
	int status = system(line);
	return WIFEXITED(status) && WEXITSTATUS(status) == 0;
}

static void need_shell(const char *command)
{
	char line[128];
	if (shell(command))
		return;
	snprintf(line, sizeof line, "cat %s/log >&2", dir);
	bool told = system(line) == 0;
	ck_abort_msg("%s%s", command, told ? "" : ": and it left no word");
}

static bool lack(const char *name, const char *what)
{
	fprintf(stderr, "test_pkey_store: %s is not installed: keys in %s were NOT tried\n", name, what);
	return true;
}

static bool missing(const char *const *programs, const char *what)
{
	char line[128];
	for (; *programs != NULL; programs++) {
		snprintf(line, sizeof line, "command -v %s", *programs);
		if (!shell(line))
			return lack(*programs, what);
	}
	return false;
}

/* By its name: OPENSSL_MODULES may say where it is. That of a TPM wants to see one. */
static bool missing_provider(const char *provider, const char *what)
{
	OSSL_LIB_CTX *ctx = OSSL_LIB_CTX_new();
	OSSL_PROVIDER *p = OSSL_PROVIDER_load(ctx, provider);
	if (p != NULL)
		OSSL_PROVIDER_unload(p);
	OSSL_LIB_CTX_free(ctx);
	return p == NULL && lack(provider, what);
}

static EVP_PKEY *public_of(const char *name)
{
	char path[64];
	snprintf(path, sizeof path, "%s/%s", dir, name);
	FILE *f = fopen(path, "r");
	ck_assert_msg(f != NULL, "%s", path);
	EVP_PKEY *key = PEM_read_PUBKEY(f, NULL, NULL, NULL);
	fclose(f);
	ck_assert(key != NULL);
	return key;
}

/* Every scheme for this kind of key that is not in `lacks`, verified by the ordinary library. */
static void try_key(const char *uri, const char *password, enum key_kind kind, uint16_t bits, EVP_PKEY *public, const char *lacks)
{
	static const struct bytes parts[] = { { (const uint8_t *)"what is", 7 }, { (const uint8_t *)" signed", 7 } };
	const char *why = "";
	enum cert_cause cause;
	unsigned signatures = 0;
	struct pkey *k = pkey_open(&(struct pkey_source){ .uri = uri, .password = password }, &why);
	ck_assert_msg(k != NULL, "%s: %s", uri, why);
	ck_assert_int_eq(pkey_kind(k), kind);
	ck_assert_uint_eq(pkey_bits(k), bits);
	/* Whose key it is. */
	struct made ca = made_ca("CN=ca", NULL), m = made(&(struct made_spec){ .issuer = &ca, .old_key = public }),
		    other = made_leaf("CN=x", &ca, NULL);
	struct cert *c = cert_read(m.der, &cause), *d = cert_read(other.der, &cause);
	const struct sign_scheme *s;
	for (unsigned i = 0; (s = sign_scheme_row(i)) != NULL; i++) {
		uint8_t out[SIGN_MAX];
		struct sign_auth a = { .scheme = s, .salt = s->pss ? 16 * s->hash : 0 };
		size_t len;
		if (!sign_fits(s, kind) || strstr(lacks, s->word) != NULL)
			continue;
		ck_assert_msg(pkey_sign(k, s, parts, 2, out, &len) == ERR_OK, "%s by %s", s->word, uri);
		a.signature = bytes_of(out, len);
		ck_assert_msg(sign_lib_verify(public, &a, parts, 2) == ERR_OK, "%s by %s is wrong", s->word, uri);
		ck_assert_msg(cert_signed(c, s, parts, 2, a.signature), "%s by %s", s->word, uri);
		ck_assert_msg(!cert_signed(d, s, parts, 2, a.signature), "%s by %s", s->word, uri);
		ck_assert_msg(!cert_signed(c, s, parts, 1, a.signature), "%s by %s", s->word, uri);
		signatures++;
	}
	ck_assert_uint_ge(signatures, 3);
	ck_assert(pkey_fits(k, c) && !pkey_fits(k, d));
	cert_free(c);
	cert_free(d);
	pkey_close(k);
}

/* There is no resource manager that would make room for the next object. */
#define FLUSH TPM "tpm2_flushcontext -Q -t"

static void make_in_tpm(const char *kind, const char *handle, const char *options)
{
	char line[512];
	snprintf(line, sizeof line,
		TPM
		"tpm2_create -Q -C primary -G %s %s -a 'fixedtpm|fixedparent|sensitivedataorigin|userwithauth|sign' -u pub -r priv && " FLUSH
		" && " TPM "tpm2_load -Q -C primary -u pub -r priv -c key && " FLUSH,
		kind, options);
	need_shell(line);
	snprintf(line, sizeof line,
		TPM "tpm2_evictcontrol -Q -C o -c key %s && " FLUSH " && " TPM "tpm2_readpublic -Q -c %s -f pem -o %s.pem",
		handle, handle, kind);
	need_shell(line);
}

static void start_tpm(void)
{
	need_shell(
		"swtpm socket --tpm2 --tpmstate dir=$PWD --server type=tcp,port=2321,bindaddr=127.0.0.1 --ctrl type=tcp,port=2322,bindaddr=127.0.0.1 "
		"--flags not-need-init,startup-clear --daemon --pid file=pid");
}

static bool no_tpm(void)
{
	static const char *const programs[] = { "swtpm", "tpm2_createprimary", "tpm2_readpublic", "ip", NULL };
	need_algs();
	if (missing(programs, "a TPM"))
		return true;
	if (unshare(CLONE_NEWNET) != 0) {
		fprintf(stderr, "test_pkey_store: no network namespace without root: keys in a TPM were NOT tried\n");
		return true;
	}
	need_shell("ip link set lo up");
	start_tpm();
	setenv("TPM2OPENSSL_TCTI", "swtpm:host=127.0.0.1,port=2321", 1);
	if (missing_provider("tpm2", "a TPM"))
		return true;
	need_shell(TPM "tpm2_createprimary -Q -C o -c primary && " FLUSH);
	return false;
}

START_TEST(keys_in_a_tpm)
{
	const char *why = "";
	if (no_tpm())
		return;
	make_in_tpm("rsa2048", "0x81000001", "");
	make_in_tpm("ecc256", "0x81000002", "");
	try_key("handle:0x81000001", NULL, KEY_RSA, 2048, public_of("rsa2048.pem"),
		"rsa-pss-sha256 rsa-pss-sha384 rsa-pss-sha512");
	try_key("handle:0x81000002", NULL, KEY_P256, 256, public_of("ecc256.pem"), "");
	ck_assert_ptr_null(pkey_open(&(struct pkey_source){ .uri = "handle:0x81000077" }, &why));
	ck_assert_str_eq(why, "the token has no such private key, or does not give access to it");
	need_shell("kill $(cat pid) && rm -f pid");
}
END_TEST

START_TEST(a_pin_for_a_key_in_a_tpm)
{
	const char *why = "";
	char uri[128];
	if (no_tpm())
		return;
	make_in_tpm("ecc256", "0x81000001", "-p " PIN);
	need_shell("printf '%s\\n' " PIN " >pin && printf 1234 >other && : >empty");
	snprintf(uri, sizeof uri, "handle:0x81000001?pin-source=file:%s/pin", dir);
	try_key(uri, NULL, KEY_P256, 256, public_of("ecc256.pem"), "");
	snprintf(uri, sizeof uri, "handle:0x81000001?pin-source=file:%s/empty", dir);
	ck_assert_ptr_null(pkey_open(&(struct pkey_source){ .uri = uri }, &why));
	ck_assert_str_eq(why, "the file that pin-source names cannot be read by user s2sd-token");
	need_shell("kill $(cat pid) && rm -f pid");
}
END_TEST

/* A file that is of no use without this TPM. */
START_TEST(keys_that_only_their_tpm_can_use)
{
	static uint8_t text[4096];
	const char *why = "";
	char path[64];
	if (no_tpm())
		return;
	need_shell(
		"openssl genpkey -provider tpm2 -provider default -propquery '?provider=tpm2' -algorithm EC -pkeyopt group:P-256 -out tss.pem");
	snprintf(path, sizeof path, "%s/tss.pem", dir);
	FILE *f = fopen(path, "r");
	ck_assert_ptr_nonnull(f);
	struct bytes file = bytes_of(text, fread(text, 1, sizeof text, f));
	fclose(f);
	ck_assert(pkey_of_tpm(file));
	ck_assert(!pkey_of_tpm(bytes_of(text, 20)));
	struct pkey *k = pkey_open(&(struct pkey_source){ .file = file }, &why);
	ck_assert_msg(k != NULL, "%s", why);
	ck_assert_int_eq(pkey_kind(k), KEY_P256);
	pkey_close(k);
	need_shell("kill $(cat pid) && rm -f pid tpm2-00.permall");
	ck_assert_ptr_null(pkey_open(&(struct pkey_source){ .file = file }, &why));
	ck_assert_msg(strncmp(why, "the TPM does not answer", 23) == 0, "%s", why);
	start_tpm();
	ck_assert_ptr_null(pkey_open(&(struct pkey_source){ .file = file }, &why));
	ck_assert_msg(strncmp(why, "the TPM does not take this key", 30) == 0, "%s", why);
	need_shell("kill $(cat pid) && rm -f pid");
}
END_TEST

static int32_t tunnel_signs(uint32_t tunnel, uint8_t scheme, const char *uri, const char **why)
{
	static uint8_t body[2048];
	static struct signer_signature out;
	struct signer_key key = {
		.tunnel = tunnel, .size = uri != NULL ? (uint32_t)strlen(uri) : 0, .leaf = (uint32_t)leaf.n, .uri = 1
	};
	struct signer_sign head = { .tunnel = tunnel, .size = 6 };
	struct buf b = buf_of(body, sizeof body);
	if (uri != NULL) {
		put_bytes(&b, &key, sizeof key);
		put_bytes(&b, uri, strlen(uri));
		put_view(&b, leaf);
		ck_assert(keys_take(buf_view(&b), true));
		b = buf_of(body, sizeof body);
	}
	head.scheme = scheme;
	put_bytes(&b, &head, sizeof head);
	put_bytes(&b, "octets", 6);
	ck_assert(keys_sign(buf_view(&b), (struct mono){ clock_ms }, &out));
	*why = out.why;
	return out.err;
}

static int32_t signs_by(uint8_t scheme, const char *uri, const char **why) { return tunnel_signs(1, scheme, uri, why); }

static int32_t signs_of(uint32_t tunnel, const char *uri, const char **why)
{
	return tunnel_signs(
		tunnel, sign_choose(&(struct sign_wish){ .key = KEY_P256, .hashes = SIGN_HASHES_OURS | 1 })->id, uri, why);
}

static int32_t signs(const char *uri, const char **why) { return signs_of(1, uri, why); }

/* A TPM has not every signature, and says only that it will not: which one that was is told. */
START_TEST(what_a_tpm_does_not_sign)
{
	const char *why = "";
	if (no_tpm())
		return;
	make_in_tpm("rsa2048", "0x81000001", "");
	struct sign_wish wish = { .key = KEY_RSA, .bits = 2048, .hashes = SIGN_HASHES_OURS | 1 };
	ck_assert_msg(signs_by(sign_choose(&wish)->id, "handle:0x81000001", &why) == ERR_OK, "%s", why);
	wish.pss = true;
	ck_assert_int_ne(signs_by(sign_choose(&wish)->id, NULL, &why), ERR_OK);
	ck_assert_str_eq(why,
		"the token does not make this signature, rsa-pss-sha256 with a key of kind rsa: it needs an ECDSA key, or one in a file");
	/* The session is none the worse. */
	wish.pss = false;
	ck_assert_msg(signs_by(sign_choose(&wish)->id, NULL, &why) == ERR_OK, "%s", why);
	keys_forget();
	need_shell("kill $(cat pid) && rm -f pid");
}
END_TEST

/* The signer's keys are of a session with the token: when that is gone another one is begun, in the same process. */
START_TEST(a_tpm_that_is_away_for_a_while)
{
	const char *why = "";
	if (no_tpm())
		return;
	make_in_tpm("ecc256", "0x81000001", "");
	ck_assert_msg(signs("handle:0x81000001", &why) == ERR_OK, "%s", why);
	need_shell("kill $(cat pid) && rm -f pid");
	ck_assert_int_ne(signs(NULL, &why), ERR_OK);
	ck_assert_msg(strncmp(why, "the TPM does not answer", 23) == 0, "%s", why);
	start_tpm();
	ck_assert_msg(signs(NULL, &why) == ERR_OK, "%s", why);
	/* ... and at once where nobody asked meanwhile. */
	need_shell("kill $(cat pid) && rm -f pid");
	start_tpm();
	ck_assert_msg(signs(NULL, &why) == ERR_OK, "%s", why);
	keys_forget();
	need_shell("kill $(cat pid) && rm -f pid");
}
END_TEST

/* The provider loads a module with RTLD_DEEPBIND; the address sanitizer ends a process that does. */
static bool sanitized(void)
{
	if (dlsym(RTLD_DEFAULT, "__asan_init") == NULL)
		return false;
	fprintf(stderr, "test_pkey_store: built with a sanitizer: keys in a token behind PKCS#11 were NOT tried\n");
	return true;
}

static bool no_softhsm(void)
{
	static const char *const programs[] = { "softhsm2-util", NULL };
	char path[128];
	need_algs();
	if (sanitized() || missing(programs, "a token behind PKCS#11") || missing_provider("pkcs11", "a token behind PKCS#11"))
		return true;
	need_shell("echo -n " PIN " >pin && mkdir tokens && echo directories.tokendir = $PWD/tokens >softhsm2.conf");
	need_shell(SOFTHSM "softhsm2-util --init-token --free --label gw --pin " PIN " --so-pin 1234");
	snprintf(path, sizeof path, "%s/softhsm2.conf", dir);
	setenv("SOFTHSM2_CONF", path, 1);
	/* As the manual tells operators to name the module. */
	need_shell(
		"printf '%s\\n' 'openssl_conf = init' '[init]' 'providers = all' '[all]' 'default = this' 'pkcs11 = token' '[this]' 'activate = 1' '[token]' "
		"'pkcs11-module-path = /usr/lib/softhsm/libsofthsm2.so' >openssl.cnf");
	snprintf(path, sizeof path, "%s/openssl.cnf", dir);
	setenv("OPENSSL_CONF", path, 1);
	return false;
}

static void put_into_softhsm(EVP_PKEY *key, unsigned i)
{
	struct bytes pem = made_key_pem(key, NULL);
	char path[128], line[256];
	snprintf(path, sizeof path, "%s/key.pem", dir);
	int fd = open(path, O_WRONLY | O_CREAT | O_TRUNC, 0600);
	ck_assert(fd >= 0 && write(fd, pem.p, pem.n) == (ssize_t)pem.n && close(fd) == 0);
	snprintf(
		line, sizeof line, SOFTHSM "softhsm2-util --import key.pem --token gw --label k%u --id 0%u --pin " PIN, i, i + 1);
	need_shell(line);
	free((void *)(uintptr_t)pem.p);
}

START_TEST(keys_behind_pkcs11)
{
	static const char *const words[] = { "rsa2048", "P-256", "P-384" };
	static const enum key_kind kinds[] = { KEY_RSA, KEY_P256, KEY_P384 };
	const char *why = "";
	char uri[128];
	if (no_softhsm())
		return;
	for (unsigned i = 0; i < 3; i++) {
		EVP_PKEY *key = made_key(words[i]);
		put_into_softhsm(key, i);
		snprintf(uri, sizeof uri, "pkcs11:token=gw;object=k%u;type=private", i);
		try_key(uri, PIN, kinds[i], (uint16_t)EVP_PKEY_get_bits(key), key, "");
		snprintf(uri, sizeof uri, "pkcs11:token=gw;object=k%u;type=private?pin-source=file:%s/pin", i, dir);
		try_key(uri, NULL, kinds[i], (uint16_t)EVP_PKEY_get_bits(key), key, "");
	}
	ck_assert_ptr_null(
		pkey_open(&(struct pkey_source){ .uri = "pkcs11:token=gw;object=nobody;type=private", .password = PIN }, &why));
	ck_assert_str_eq(why, "the token has no such private key, or does not give access to it");
	ck_assert_ptr_null(pkey_open(&(struct pkey_source){ .uri = "pkcs11:token=gw;object=k0;type=private" },
		&why)); /* without its PIN nothing is asked of a terminal */
}
END_TEST

/* What goes wrong for one key is seen at the others by this: the file with their PIN is gone, so that who must be opened again cannot be. */
START_TEST(a_failure_closes_no_other_key)
{
	const char *why = "";
	char uri[128], other[128];
	if (no_softhsm())
		return;
	put_into_softhsm(made_key("P-256"), 1);
	need_shell("cp pin second");
	snprintf(uri, sizeof uri, "pkcs11:token=gw;object=k1;type=private?pin-source=file:%s/pin", dir);
	snprintf(other, sizeof other, "pkcs11:token=gw;object=k7;type=private?pin-source=file:%s/second", dir);
	ck_assert_msg(signs_of(1, uri, &why) == ERR_OK, "%s", why);
	need_shell("rm pin");
	ck_assert_int_ne(signs_of(2, other, &why), ERR_OK);
	ck_assert_msg(signs_of(1, NULL, &why) == ERR_OK, "%s", why);
	if (!no_tpm()) {
		make_in_tpm("ecc256", "0x81000001", "");
		ck_assert_msg(signs_of(3, "handle:0x81000001", &why) == ERR_OK, "%s", why);
		need_shell("kill $(cat pid) && rm -f pid");
		ck_assert_int_ne(signs_of(3, NULL, &why), ERR_OK);
		ck_assert_msg(signs_of(1, NULL, &why) == ERR_OK, "%s", why);
	}
	/* The proof of the proof. */
	ck_assert_int_ne(signs_of(1, uri, &why), ERR_OK);
	ck_assert_str_eq(why, "the file that pin-source names cannot be read by user s2sd-token");
	need_shell("cp second pin");
	ck_assert_msg(signs_of(1, NULL, &why) == ERR_OK, "%s", why);
	keys_forget();
}
END_TEST

/* Also a key of which nothing was known yet finds a session that is no more. */
START_TEST(a_new_key_after_the_tpm_was_away)
{
	const char *why = "";
	if (no_tpm())
		return;
	make_in_tpm("ecc256", "0x81000001", "");
	ck_assert_msg(signs_of(1, "handle:0x81000001", &why) == ERR_OK, "%s", why);
	need_shell("kill $(cat pid) && rm -f pid");
	ck_assert_int_ne(signs_of(2, "handle:0x81000077", &why), ERR_OK);
	ck_assert_msg(strncmp(why, "the TPM does not answer", 23) == 0, "%s", why);
	start_tpm();
	ck_assert_msg(signs_of(1, NULL, &why) == ERR_OK, "%s", why);
	need_shell("kill $(cat pid) && rm -f pid");
	start_tpm();
	ck_assert_msg(signs_of(2, "handle:0x81000001", &why) == ERR_OK, "%s", why);
	keys_forget();
	need_shell("kill $(cat pid) && rm -f pid");
}
END_TEST

/* A token locks itself after a few wrong PINs: each try of a tunnel would be one. */
START_TEST(a_refused_pin_is_not_tried_again_at_once)
{
	const char *why = "";
	char uri[128];
	if (no_softhsm())
		return;
	put_into_softhsm(made_key("P-256"), 1);
	need_shell("echo -n 0815 >pin");
	snprintf(uri, sizeof uri, "pkcs11:token=gw;object=k1;type=private?pin-source=file:%s/pin", dir);
	ck_assert_int_ne(signs_of(1, uri, &why), ERR_OK);
	ck_assert_str_eq(
		why, "the token has no such private key, or does not give access to it; asked again in 5 min, or after a reload");
	need_shell("echo -n " PIN " >pin");
	clock_ms += 299999;
	ck_assert_int_ne(signs_of(1, NULL, &why), ERR_OK);
	ck_assert_msg(strstr(why, "asked again in 5 min") != NULL, "%s", why);
	ck_assert_int_ne(signs_of(2, uri, &why), ERR_OK); /* the same key, of another tunnel */
	ck_assert_msg(strstr(why, "asked again in 5 min") != NULL, "%s", why);
	clock_ms += 1;
	ck_assert_msg(signs_of(1, NULL, &why) == ERR_OK, "%s", why);
	/* A reload gives the keys anew. */
	keys_forget();
	need_shell("echo -n 0815 >pin");
	ck_assert_int_ne(signs_of(3, uri, &why), ERR_OK);
	need_shell("echo -n " PIN " >pin");
	keys_forget();
	ck_assert_msg(signs_of(3, uri, &why) == ERR_OK, "%s", why);
	/* What is wrong here costs no try. */
	need_shell("rm pin");
	ck_assert_int_ne(signs_of(1, uri, &why), ERR_OK);
	ck_assert_str_eq(why, "the file that pin-source names cannot be read by user s2sd-token");
	need_shell("echo -n " PIN " >pin");
	ck_assert_msg(signs_of(1, NULL, &why) == ERR_OK, "%s", why);
	keys_forget();
}
END_TEST

/* A TPM looks at the password when the key signs, and counts it. */
START_TEST(a_refused_password_is_not_tried_again_at_once)
{
	const char *why = "";
	char uri[128];
	if (no_tpm())
		return;
	make_in_tpm("ecc256", "0x81000001", "-p " PIN);
	need_shell("printf 1234 >pin");
	snprintf(uri, sizeof uri, "handle:0x81000001?pin-source=file:%s/pin", dir);
	for (unsigned i = 0; i < 5; i++) {
		ck_assert_int_ne(signs_of(1, i == 0 ? uri : NULL, &why), ERR_OK);
		ck_assert_msg(strstr(why, "asked again in 5 min") != NULL, "%s", why);
	}
	need_shell(TPM "tpm2_getcap properties-variable | grep 'TPM2_PT_LOCKOUT_COUNTER: 0x1'");
	need_shell("printf " PIN " >pin");
	clock_ms += 300000;
	ck_assert_msg(signs_of(1, NULL, &why) == ERR_OK, "%s", why);
	keys_forget();
	need_shell("kill $(cat pid) && rm -f pid");
}
END_TEST

/* Nobody could hold it against the certificate before it signed. */
START_TEST(a_key_that_is_not_the_certificates)
{
	const char *why = "";
	char uri[128];
	if (no_softhsm())
		return;
	EVP_PKEY *key = made_key("P-256");
	struct made ca = made_ca("CN=ca", NULL), right = made(&(struct made_spec){ .issuer = &ca, .old_key = key }),
		    wrong = made_leaf("CN=x", &ca, NULL);
	put_into_softhsm(key, 1);
	snprintf(uri, sizeof uri, "pkcs11:token=gw;object=k1;type=private?pin-source=file:%s/pin", dir);
	leaf = wrong.der;
	for (unsigned i = 0; i < 2; i++) {
		ck_assert_int_eq(signs(i == 0 ? uri : NULL, &why), ERR_CRYPTO);
		ck_assert_str_eq(why, "the key in the token does not fit the certificate, which is of another key");
	}
	leaf = right.der;
	ck_assert_msg(signs(uri, &why) == ERR_OK, "%s", why);
	ck_assert_msg(signs(NULL, &why) == ERR_OK, "%s", why);
	keys_forget();
	made_free(&wrong);
	made_free(&right);
	made_free(&ca);
}
END_TEST

START_TEST(without_a_module_of_pkcs11)
{
	const char *why = "";
	if (no_softhsm())
		return;
	unsetenv("OPENSSL_CONF");
	ck_assert_ptr_null(pkey_open(&(struct pkey_source){ .uri = "pkcs11:token=gw;object=k0;type=private" }, &why));
	ck_assert_msg(strncmp(why, "no module of PKCS#11 can be started", 35) == 0, "%s", why);
}
END_TEST

static void begin(void) { ck_assert(mkdtemp(dir) != NULL); }

static void end(void)
{
	char line[128];
	snprintf(line, sizeof line, "test -s %s/pid && kill $(cat %s/pid) 2>/dev/null; rm -rf %s", dir, dir, dir);
	ck_assert(system(line) == 0);
}

int main(void)
{
	TCase *t = tcase_create("tokens");
	tcase_set_timeout(t, 60);
	tcase_add_checked_fixture(t, begin, end);
	tcase_add_test(t, keys_in_a_tpm);
	tcase_add_test(t, a_pin_for_a_key_in_a_tpm);
	tcase_add_test(t, keys_that_only_their_tpm_can_use);
	tcase_add_test(t, what_a_tpm_does_not_sign);
	tcase_add_test(t, a_tpm_that_is_away_for_a_while);
	tcase_add_test(t, a_new_key_after_the_tpm_was_away);
	tcase_add_test(t, keys_behind_pkcs11);
	tcase_add_test(t, a_failure_closes_no_other_key);
	tcase_add_test(t, a_refused_pin_is_not_tried_again_at_once);
	tcase_add_test(t, a_refused_password_is_not_tried_again_at_once);
	tcase_add_test(t, a_key_that_is_not_the_certificates);
	tcase_add_test(t, without_a_module_of_pkcs11);
	return unit_run_case("pkey_store", t);
}
