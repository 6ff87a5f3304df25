/*
 * signer.h - what the keeper asks s2sd-signer, the process that has the private keys, and what comes back: messages of ipc/ipc.h.
 *
 *	keeper  -- SETUP, then KEY (once per tunnel, before the first SIGN of it), SIGN (ticket) -->  signer
 *	        <-- SIGNATURE (ticket) ---------------------------------------------------------
 *
 * What is signed has been put together by the keeper. Requests are answered in their order. A key that cannot be opened is told with the answer to each
 * request for it; FORGET drops all keys: after a reload they are given again.
 */
#ifndef IPC_SIGNER_H
#define IPC_SIGNER_H

#include "crypto/pkey.h"
#include "ipc/ipc.h"

enum signer_message {
	SIGNER_SETUP = 1, /* struct signer_setup */
	SIGNER_KEY,       /* struct signer_key, then the bytes of the file, or the URI, then our certificate */
	SIGNER_SIGN,      /* struct signer_sign, then the octets */
	SIGNER_FORGET,    /* nothing */
	SIGNER_SIGNATURE  /* struct signer_signature */
};

#define SIGNER_GROUPS_MAX 16
struct signer_setup {
	uint32_t uid, gid;
	uint32_t groups[SIGNER_GROUPS_MAX]; /* of tokens: whose devices and files they are */
	uint8_t n_groups;
	uint8_t tokens; /* keys by URI: providers need files and devices, so neither root directory nor filter */
	char root[108]; /* an empty directory to live in */
};
#define SIGNER_URI_MAX 1024
struct signer_key {
	uint32_t tunnel, size;
	uint32_t leaf; /* octets of our certificate in DER: what a key in a token signs is verified with it; 0: it is not */
	uint8_t uri;   /* 0: the bytes of a file, for tokens of one that only its TPM can use */
};
struct signer_sign {
	uint32_t tunnel, size;
	uint8_t scheme; /* crypto/sign.h */
};
#define SIGNER_WHY 160
struct signer_signature {
	int32_t err;
	uint16_t len;
	uint8_t scheme;
	uint8_t value[SIGN_MAX];
	char why[SIGNER_WHY]; /* where err is set; it names no secret */
};

#endif
