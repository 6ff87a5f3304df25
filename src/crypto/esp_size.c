/* esp_size.c - how large an inside packet may be so that the ESP packet around it fits the path. */
#include "crypto/alg.h"

#define ESP_HEADER 8  /* SPI and sequence number, RFC 4303 2 */
#define ESP_TRAILER 2 /* pad length and next header */
#define UDP_HEADER 8
#define TCP_HEADER 20

/* All but padding and trailer; *block is what the inside packet and its trailer are padded to. */
static uint32_t esp_overhead(const struct suite *s, bool outside_v6, bool udp, uint32_t *block)
{
	const struct alg *encr = alg_find(TRANSFORM_ENCR, s->encr, s->keylen);
	const struct alg *integ = s->integ != INTEG_NONE ? alg_find(TRANSFORM_INTEG, s->integ, 0) : NULL;
	uint32_t overhead = (outside_v6 ? 40 : 20) + (udp ? UDP_HEADER : 0) + ESP_HEADER;

	*block = 4; /* ESP aligns to four octets at least, RFC 4303 2.4 */
	if (encr) {
		overhead += encr->iv_bytes + (encr->aead ? encr->icv_bytes : 0u);
		if (!encr->aead && encr->block_bytes > *block)
			*block = encr->block_bytes;
	}
	if (integ && (!encr || !encr->aead))
		overhead += integ->icv_bytes;
	return overhead;
}

uint32_t esp_inside_mtu(uint32_t path_mtu, bool outside_v6, bool udp, const struct suite *s)
{
	uint32_t block, overhead = esp_overhead(s, outside_v6, udp, &block);
	return path_mtu < overhead + block ? 0 : (path_mtu - overhead) / block * block - ESP_TRAILER;
}

uint32_t esp_inside_least(uint32_t path_mtu, bool outside_v6, bool udp, const struct proposal *p)
{
	uint32_t least = UINT32_MAX;
	for (unsigned i = 0; i < p->n; i++) {
		struct suite s = { .encr = p->t[i].id, .keylen = p->t[i].keylen };
		if (p->t[i].type != TRANSFORM_ENCR)
			continue;
		for (unsigned k = 0; k <= p->n; k++) { /* at p->n: alone, as AEAD is */
			if (k < p->n && p->t[k].type != TRANSFORM_INTEG)
				continue;
			s.integ = k < p->n ? p->t[k].id : INTEG_NONE;
			uint32_t fits = esp_inside_mtu(path_mtu, outside_v6, udp, &s);
			least = fits < least ? fits : least;
		}
	}
	return least != UINT32_MAX ? least : 0;
}

uint32_t tcp_mss(uint32_t mtu, bool inside_v6)
{
	uint32_t headers = (inside_v6 ? 40 : 20) + TCP_HEADER;
	return mtu > headers ? mtu - headers : 0;
}
