/* cred.c - proving an identity. AUTH by pre-shared key: RFC 7296 2.15. */
#include "crypto/crypto.h"

int psk_auth(uint16_t prf_id, struct bytes psk, struct bytes signed_octets, uint8_t out[PRF_MAX], size_t *len)
{
	static const char pad[] = "Key Pad for IKEv2"; /* 17 octets, no final zero */
	struct bytes pad_octets = bytes_of(pad, sizeof pad - 1);
	uint8_t key[PRF_MAX];

	*len = prf_size(prf_id);
	int err = *len ? prf_compute(prf_id, psk, &pad_octets, 1, key) : ERR_UNSUPPORTED;
	if (!err)
		err = prf_compute(prf_id, bytes_of(key, *len), &signed_octets, 1, out);
	wipe(key, sizeof key);
	return err;
}
