/* pkey.c - a private key: read from the bytes of a file, or opened where it is kept (pkey_store.c); what it is, whose it is, and signing with it. */
#include <stdlib.h>
#include <string.h>

#include <openssl/err.h>
#include <openssl/pem.h>
#include <openssl/pkcs12.h>

#include "base/util.h"
#include "cert_lib.h"
#include "crypto/pkey.h"
#include "pkey_store.h"
#include "sign_lib.h"

#define TSS2 "-----BEGIN TSS2 PRIVATE KEY-----"

struct pkey {
	EVP_PKEY *key;
	enum key_kind kind;
	uint16_t bits;
	struct pkey_store store; /* key is its own when there is one */
};

bool pkey_is_uri(const char *text) { return strncmp(text, "pkcs11:", 7) == 0 || strncmp(text, "handle:", 7) == 0; }

bool pkey_of_tpm(struct bytes file) { return file.n > 0 && memmem(file.p, file.n, TSS2, strlen(TSS2)) != NULL; }

/* PEM's password callback; without a password it says so, where the library would ask the terminal. */
static int give_password(char *buf, int size, int for_writing, void *arg)
{
	const char *password = arg;
	size_t n = password != NULL ? strlen(password) : 0;
	(void)for_writing;
	if (password == NULL || n > (size_t)size)
		return -1;
	memcpy(buf, password, n);
	return (int)n;
}

static EVP_PKEY *read_pem(const struct pkey_source *from, const char **why)
{
	BIO *b = BIO_new_mem_buf(from->file.p, (int)from->file.n);
	EVP_PKEY *key = b != NULL ? PEM_read_bio_PrivateKey(b, NULL, give_password, (void *)(uintptr_t)from->password) : NULL;
	int reason = ERR_GET_REASON(ERR_peek_last_error());
	bool asked = reason == PEM_R_BAD_PASSWORD_READ || reason == PEM_R_PROBLEMS_GETTING_PASSWORD;
	*why = memmem(from->file.p, from->file.n, "PRIVATE KEY-----", 16) == NULL ? "there is no private key in it"
	       : from->password == NULL && asked
		       ? "it is encrypted, and there is no password"
		       : "the private key in it cannot be read: it is damaged, or the password is wrong";
	BIO_free(b);
	return key;
}

static EVP_PKEY *read_der(const struct pkey_source *from, const char **why)
{
	const uint8_t *at = from->file.p;
	EVP_PKEY *key = NULL;
	X509 *cert = NULL;
	PKCS12 *p = d2i_PKCS12(NULL, &at, (long)from->file.n);
	*why = "it is neither PEM nor PKCS#12";
	if (p != NULL && PKCS12_parse(p, from->password, &key, &cert, NULL) != 1)
		*why = from->password == NULL
			       ? "it is a PKCS#12 file with a password, or its encryption is of before 2010 (openssl pkcs12 -legacy)"
			       : "it cannot be opened: the password is wrong, or its encryption is of before 2010 (openssl pkcs12 -legacy)";
	else if (p != NULL)
		*why = "there is no private key in it";
	X509_free(cert);
	PKCS12_free(p);
	return key;
}

static bool open_key(struct pkey *k, const struct pkey_source *from, const char **why)
{
	enum pkey_fault fault = PKEY_WRONG;
	bool of_file = from->uri == NULL && from->file.n <= PKEY_FILE_MAX && pkey_of_tpm(from->file);
	if (from->uri != NULL || of_file) {
		bool opened = of_file ? pkey_store_read(&k->store, from->file, from->password, why, &fault)
				      : pkey_store_open(&k->store, from->uri, from->password, why, &fault);
		k->key = k->store.key;
		if (from->fault != NULL)
			*from->fault = fault;
		return opened;
	}
	*why = "the file is empty, or larger than 64 kB";
	if (from->file.n == 0 || from->file.n > PKEY_FILE_MAX)
		return false;
	k->key = from->file.p[0] == 0x30 ? read_der(from, why) : read_pem(from, why);
	return k->key != NULL;
}

static bool is_fit(struct pkey *k, const char **why)
{
	k->kind = sign_lib_kind(k->key, &k->bits);
	*why = "the key is neither RSA, nor ECDSA with P-256, P-384 or P-521, nor Ed25519 or Ed448";
	if (k->kind == KEY_NONE)
		return false;
	*why = "an RSA key has 2048 to 4096 bits here";
	return k->kind != KEY_RSA || (k->bits >= KEY_RSA_BITS_MIN && k->bits <= KEY_RSA_BITS_MAX);
}

struct pkey *pkey_open(const struct pkey_source *source, const char **why)
{
	struct pkey *k = calloc(1, sizeof *k);
	*why = "the cryptographic library failed";
	ERR_clear_error();
	bool ok = k != NULL && open_key(k, source, why) && is_fit(k, why);
	ERR_clear_error();
	if (ok)
		return k;
	pkey_close(k);
	return NULL;
}

void pkey_close(struct pkey *k)
{
	if (k == NULL)
		return;
	if (k->store.key != NULL)
		pkey_store_close(&k->store);
	else
		EVP_PKEY_free(k->key);
	free(k);
}

enum key_kind pkey_kind(const struct pkey *k) { return k->kind; }
uint16_t pkey_bits(const struct pkey *k) { return k->bits; }

bool pkey_fits(const struct pkey *k, const struct cert *c)
{
	bool same = k->kind == c->kind && EVP_PKEY_eq(k->key, c->key) == 1;
	ERR_clear_error();
	return same;
}

int pkey_sign(const struct pkey *k, const struct sign_scheme *scheme, const struct bytes *parts, unsigned n,
	uint8_t out[SIGN_MAX], size_t *len)
{
	return sign_lib_sign(k->key, pkey_store_libctx(&k->store), pkey_store_propq(&k->store), scheme, parts, n, out, len);
}
