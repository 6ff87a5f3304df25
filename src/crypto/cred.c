/* cred.c - proving an identity (RFC 7296 2.15). The one place that puts the signed octets together. */
#include "crypto/crypto.h"

int psk_auth(const struct auth_input *in, struct bytes psk, uint8_t out[PRF_MAX], size_t *len)
{
	static const char pad[] = "Key Pad for IKEv2"; /* 17 octets, no final zero */
	struct bytes pad_octets = bytes_of(pad, sizeof pad - 1);
	uint8_t key[PRF_MAX], id_mac[PRF_MAX];

	*len = prf_size(in->prf);
	struct bytes octets[] = { in->message, in->nonce, bytes_of(id_mac, *len) };
	int err = *len ? prf_compute(in->prf, in->sk_p, &in->id_body, 1, id_mac) : ERR_UNSUPPORTED;
	if (!err)
		err = prf_compute(in->prf, psk, &pad_octets, 1, key);
	if (!err)
		err = prf_compute(in->prf, bytes_of(key, *len), octets, 3, out);
	wipe(key, sizeof key);
	wipe(id_mac, sizeof id_mac);
	return err;
}
