/* mtu.c - how large an inside packet may be so that the ESP packet around it fits the path. */
#include <netinet/in.h>

#include "crypto/alg.h"
#include "kernel/kernel.h"

#define ESP_HEADER 8  /* SPI and sequence number, RFC 4303 2 */
#define ESP_TRAILER 2 /* pad length and next header */
#define UDP_HEADER 8
#define TCP_HEADER 20

uint32_t tunnel_mtu(uint32_t path_mtu, bool outside_v6, bool encap, const struct suite *s)
{
	const struct alg *encr = alg_find(TRANSFORM_ENCR, s->encr, s->keylen);
	const struct alg *integ = s->integ != INTEG_NONE ? alg_find(TRANSFORM_INTEG, s->integ, 0) : NULL;
	uint32_t overhead = (outside_v6 ? 40 : 20) + (encap ? UDP_HEADER : 0) + ESP_HEADER;
	uint32_t block = 4; /* ESP aligns to four octets at least, RFC 4303 2.4 */

	if (encr != NULL) {
		overhead += encr->iv_bytes + (encr->aead ? encr->icv_bytes : 0u);
		if (!encr->aead && encr->block_bytes > block)
			block = encr->block_bytes;
	}
	if (integ != NULL && (encr == NULL || !encr->aead))
		overhead += integ->icv_bytes;
	if (path_mtu < overhead + block)
		return 0;
	return (path_mtu - overhead) / block * block - ESP_TRAILER;
}

uint32_t tunnel_mss(uint32_t mtu, bool inside_v6)
{
	uint32_t headers = (inside_v6 ? 40 : 20) + TCP_HEADER;
	return mtu > headers ? mtu - headers : 0;
}
