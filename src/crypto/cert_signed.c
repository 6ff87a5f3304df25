/* cert_signed.c - our own signature, looked at as the peer will. */
#include "cert_lib.h"
#include "sign_lib.h"

/* By way of what AUTH would carry: all that the peer knows of it. */
bool cert_signed(
	const struct cert *c, const struct sign_scheme *scheme, const struct bytes *parts, unsigned n, struct bytes signature)
{
	uint8_t data[1 + SIGN_ALGORITHM_MAX + SIGN_MAX];
	struct buf b = buf_of(data, sizeof data);
	struct sign_auth auth;
	sign_auth_write(&b, scheme, signature);
	return !b.bad && sign_auth_read(scheme->method, buf_view(&b), &auth) == ERR_OK &&
	       sign_lib_verify(c->key, &auth, parts, n) == ERR_OK;
}
