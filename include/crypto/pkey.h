/*
 * pkey.h - a private key: out of the bytes of a file, or named by a URI and kept by a provider (a token behind PKCS#11, a TPM), and signatures with it.
 * Keys of tokens live in a library context of their provider's, so that it never serves anything else of this process; one thread opens and closes them.
 */
#ifndef CRYPTO_PKEY_H
#define CRYPTO_PKEY_H

#include "base/buf.h"
#include "crypto/cert.h"
#include "crypto/sign.h"

#define PKEY_FILE_MAX 65536 /* octets of a file with a key */

enum pkey_fault {
	PKEY_WRONG,   /* the token was not asked: what it takes to do that is wrong here */
	PKEY_REFUSED, /* it answered, and gave no key: it may count wrong PINs, and lock itself when it is asked too often */
	PKEY_SILENT   /* it cannot be reached, or no longer: what is open there is gone, too */
};
struct pkey_source {
	struct bytes file;      /* PEM (PKCS#8, also encrypted, the older forms, a TPM's) or PKCS#12; empty when uri is set */
	const char *uri;        /* pkcs11:..., handle:...; NULL */
	const char *password;   /* of the file or the token; NULL: none */
	enum pkey_fault *fault; /* NULL, or set where a key in a token was not opened */
};
struct pkey;

bool pkey_is_uri(const char *text);                          /* what of `private-key` is a URI, not the name of a file */
bool pkey_of_tpm(struct bytes file);                         /* a file that only its TPM can use: TSS2 PRIVATE KEY in PEM */
bool pkey_same_provider(const char *uri, const char *other); /* of two keys in tokens; NULL: one in a TPM's file */

/* NULL: why is a sentence that names no secret. May block as long as a token takes. */
struct pkey *pkey_open(const struct pkey_source *source, const char **why);
void pkey_close(struct pkey *k); /* wipes; NULL is fine */

enum key_kind pkey_kind(const struct pkey *k);
uint16_t pkey_bits(const struct pkey *k);
bool pkey_fits(const struct pkey *k, const struct cert *c); /* is it the key of this certificate? */

/* The signature of the parts, taken one after the other, as AUTH carries it. ERR_UNSUPPORTED: the scheme is not for such a key; ERR_CRYPTO: library or token refused. */
int pkey_sign(const struct pkey *k, const struct sign_scheme *scheme, const struct bytes *parts, unsigned n,
	uint8_t out[SIGN_MAX], size_t *len);

#endif
