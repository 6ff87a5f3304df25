/*
 * pkey_store.c - keys of tokens, through OSSL_STORE, or a decoder, and the provider of their kind. Each provider has one library context with the default
 * provider beside: the property query prefers the token's for what its key does, hashes stay with the default one. It is there while a key of it is
 * open: a TPM has few sessions, and a module of PKCS#11 is one per process.
 */
#include <fcntl.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include <openssl/conf.h>
#include <openssl/decoder.h>
#include <openssl/err.h>
#include <openssl/provider.h>
#include <openssl/store.h>
#include <openssl/ui.h>

#include "base/mem.h"
#include "base/util.h"
#include "pkey_store.h"

#define PIN_MAX 128
#define URI_ROOM 1100
#define PIN_SOURCE "?pin-source=file:"

struct provider {
	const char *prefix, *name, *propq, *missing, *silent;
	OSSL_LIB_CTX *libctx;
	OSSL_PROVIDER *loaded[3];
	unsigned users;
};
static struct provider providers[] = {
	{ "pkcs11:", "pkcs11", "?provider=pkcs11", "the provider for PKCS#11 cannot be loaded (package pkcs11-provider)",
		"the token cannot be reached, or gives user s2sd-token no access", NULL, { NULL }, 0 },
	{ "handle:", "tpm2", "?provider=tpm2", "the provider for TPM 2.0 cannot be loaded (package tpm2-openssl)",
		"the TPM does not answer: TPM2OPENSSL_TCTI says where it is, and user s2sd-token needs access to it (group tss)",
		NULL, { NULL }, 0 },
};
#define TPM (&providers[1])

static const char unreadable[] = "the file that pin-source names cannot be read by user s2sd-token";

/* UI_METHOD for a PIN: everything that is asked for is answered with it, nothing is ever asked of a terminal. */
static int answer(UI *ui, UI_STRING *string)
{
	const char *pin = UI_get0_user_data(ui);
	if (UI_get_string_type(string) != UIT_PROMPT)
		return 1;
	return pin != NULL && UI_set_result(ui, string, pin) == 0;
}

static EVP_PKEY *load(OSSL_STORE_CTX *ctx)
{
	EVP_PKEY *key = NULL;
	OSSL_STORE_expect(ctx, OSSL_STORE_INFO_PKEY);
	while (key == NULL && !OSSL_STORE_eof(ctx)) {
		OSSL_STORE_INFO *info = OSSL_STORE_load(ctx);
		if (info == NULL)
			break;
		if (OSSL_STORE_INFO_get_type(info) == OSSL_STORE_INFO_PKEY)
			key = OSSL_STORE_INFO_get1_PKEY(info);
		OSSL_STORE_INFO_free(info);
	}
	return key;
}

static void let_go(struct provider *p)
{
	if (p->users > 0 && --p->users > 0)
		return;
	for (unsigned i = ARRAY_SIZE(p->loaded); i-- > 0;) {
		if (p->loaded[i] != NULL)
			OSSL_PROVIDER_unload(p->loaded[i]);
		p->loaded[i] = NULL;
	}
	OSSL_LIB_CTX_free(p->libctx);
	p->libctx = NULL;
}

/* Where a provider's errors come from: TSS2 has the layer above 16 bits, and 0 is the TPM itself. */
static bool said_by_tpm(const char *data) { return strtoul(data, NULL, 10) >> 16 == 0; }

/*
 * Why a key was not opened, by what the provider left. PKCS#11's says nothing when the PIN is wrong, nor when there is no such token or key: all of that
 * counts as refused.
 */
static void tell(const struct provider *p, const char **why, enum pkey_fault *fault)
{
	const char *data = NULL;
	int flags = 0;
	unsigned long e;
	*fault = PKEY_REFUSED;
	*why = "the token has no such private key, or does not give access to it";
	while (*fault == PKEY_REFUSED && (e = ERR_get_error_all(NULL, NULL, NULL, &data, &flags)) != 0) {
		bool text = ERR_GET_LIB(e) >= ERR_LIB_USER && (flags & ERR_TXT_STRING) != 0 && data != NULL;
		if (p == TPM && text && !said_by_tpm(data)) {
			*fault = PKEY_SILENT;
			*why = p->silent;
		} else if (p != TPM && ERR_GET_LIB(e) == ERR_LIB_BIO) {
			*fault = PKEY_WRONG;
			*why = unreadable;
		} else if (p != TPM && text && strstr(data, "initialization failed") != NULL) {
			*fault = PKEY_WRONG;
			*why = "no module of PKCS#11 can be started: openssl.cnf (pkcs11-module-path) or PKCS11_PROVIDER_MODULE names it, and it may miss its token";
		}
	}
}

/* A provider that is there and does not start has looked for its token and found none. */
static bool is_not_there(void)
{
	unsigned long e;
	bool no_file = false;
	while ((e = ERR_get_error()) != 0)
		no_file = no_file || ERR_GET_LIB(e) == ERR_LIB_DSO;
	return no_file;
}

/* The system's openssl.cnf may tell a provider where the token's module is; a file that is not there, or wrong, says nothing. */
static bool hold(struct provider *p, const char **why)
{
	static const char *const beside[] = { "default", "base" };
	if (p->users > 0) {
		p->users++;
		return true;
	}
	*why = "the cryptographic library failed";
	p->libctx = OSSL_LIB_CTX_new();
	if (p->libctx == NULL)
		return false;
	char *path = CONF_get1_default_config_file();
	if (path != NULL)
		OSSL_LIB_CTX_load_config(p->libctx, path);
	OPENSSL_free(path);
	UI_set_default_method(UI_null()); /* a provider that gets no PIN from us would ask the terminal by this one */
	for (unsigned i = 0; i < ARRAY_SIZE(beside); i++)
		p->loaded[i] = OSSL_PROVIDER_load(p->libctx, beside[i]);
	ERR_clear_error();
	p->loaded[2] = OSSL_PROVIDER_load(p->libctx, p->name);
	p->users = 1;
	if (p->loaded[0] != NULL && p->loaded[1] != NULL && p->loaded[2] != NULL)
		return true;
	*why = p->loaded[2] == NULL && !is_not_there() ? p->silent : p->missing;
	let_go(p);
	return false;
}

/* How a PIN comes out of a URI is PKCS#11's (RFC 7512 2.4), and its provider's work; a TPM's provider knows only that there is one: `?pass`. */
static bool take_pin(const char *uri, char plain[URI_ROOM], char pin[PIN_MAX + 1], const char **why)
{
	const char *at = strstr(uri, PIN_SOURCE);
	if (at == NULL || (size_t)(at - uri) + sizeof "?pass" > URI_ROOM)
		return false;
	*why = unreadable;
	int fd = open(at + strlen(PIN_SOURCE), O_RDONLY | O_CLOEXEC | O_NOCTTY | O_NONBLOCK);
	ssize_t n = fd >= 0 ? read(fd, pin, PIN_MAX) : -1;
	if (fd >= 0)
		close(fd);
	if (n <= 0)
		return false;
	n -= pin[n - 1] == '\n';
	pin[n] = 0;
	memcpy(plain, uri, (size_t)(at - uri));
	memcpy(plain + (at - uri), "?pass", sizeof "?pass");
	return true;
}

static EVP_PKEY *open_uri(const struct provider *p, const char *uri, const char *pin)
{
	UI_METHOD *ui = UI_create_method("s2sd");
	OSSL_STORE_CTX *ctx = NULL;
	if (ui != NULL && UI_method_set_reader(ui, answer) == 0)
		ctx = OSSL_STORE_open_ex(uri, p->libctx, p->propq, ui, (void *)(uintptr_t)pin, NULL, NULL, NULL);
	EVP_PKEY *key = ctx != NULL ? load(ctx) : NULL;
	OSSL_STORE_close(ctx);
	UI_destroy_method(ui);
	return key;
}

static bool is_open(struct pkey_store *s)
{
	ERR_clear_error();
	if (s->key == NULL)
		pkey_store_close(s);
	return s->key != NULL;
}

static struct provider *provider_of(const char *uri)
{
	for (unsigned i = 0; i < ARRAY_SIZE(providers); i++)
		if (strncmp(uri, providers[i].prefix, strlen(providers[i].prefix)) == 0)
			return &providers[i];
	return NULL;
}

bool pkey_same_provider(const char *uri, const char *other)
{
	return provider_of(uri != NULL ? uri : TPM->prefix) == provider_of(other != NULL ? other : TPM->prefix);
}

bool pkey_store_open(struct pkey_store *s, const char *uri, const char *pin, const char **why, enum pkey_fault *fault)
{
	char plain[URI_ROOM], read_pin[PIN_MAX + 1];
	struct provider *p = provider_of(uri);
	*s = (struct pkey_store){ 0 };
	*why = "the URI of a key begins with pkcs11: or handle:";
	if (p == NULL)
		return false;
	if (p == TPM && strstr(uri, PIN_SOURCE) != NULL) {
		if (!take_pin(uri, plain, read_pin, why))
			return false;
		uri = plain;
		pin = read_pin;
	}
	if (hold(p, why)) {
		s->provider = p;
		ERR_clear_error();
		s->key = open_uri(p, uri, pin);
		if (s->key == NULL)
			tell(p, why, fault);
	}
	wipe(read_pin, sizeof read_pin);
	return is_open(s);
}

bool pkey_store_read(struct pkey_store *s, struct bytes pem, const char *pin, const char **why, enum pkey_fault *fault)
{
	*s = (struct pkey_store){ 0 };
	if (!hold(TPM, why))
		return false;
	s->provider = TPM;
	ERR_clear_error();
	OSSL_DECODER_CTX *ctx = OSSL_DECODER_CTX_new_for_pkey(
		&s->key, "PEM", NULL, NULL, EVP_PKEY_KEYPAIR, TPM->libctx, TPM->propq);
	if (ctx != NULL && (pin == NULL || OSSL_DECODER_CTX_set_passphrase(ctx, (const unsigned char *)pin, strlen(pin)) == 1)) {
		const unsigned char *at = pem.p;
		size_t n = pem.n;
		if (OSSL_DECODER_from_data(ctx, &at, &n) != 1)
			s->key = NULL;
	}
	OSSL_DECODER_CTX_free(ctx);
	if (s->key == NULL)
		tell(TPM, why, fault);
	if (*fault == PKEY_REFUSED)
		*why = "the TPM does not take this key: it is of another TPM, or its parent is gone, or it has a password";
	return is_open(s);
}

void pkey_store_close(struct pkey_store *s)
{
	EVP_PKEY_free(s->key);
	if (s->provider != NULL)
		let_go(s->provider);
	*s = (struct pkey_store){ 0 };
}

OSSL_LIB_CTX *pkey_store_libctx(const struct pkey_store *s) { return s->provider != NULL ? s->provider->libctx : NULL; }
const char *pkey_store_propq(const struct pkey_store *s) { return s->provider != NULL ? s->provider->propq : NULL; }
