/*
 * sa.c - one SA as netlink messages.
 *
 * What the kernel does with the outer header (for the manual):
 * - DF: the outside packet goes out without it (XFRM_STATE_NOPMTUDISC), so a narrower link behind the uplink fragments ESP instead of swallowing it
 *   when ICMP is filtered, as both clouds recommend. Inside packets with DF that are too large for the uplink are still answered
 *   with "fragmentation needed", inside packets without DF are fragmented before encryption.
 * - DSCP is copied outwards and not back (RFC 4301 5.1.2.1). ECN is handled as RFC 6040 says.
 */
#include <netinet/in.h>

#include "sa.h"

#include <errno.h>
#include <linux/udp.h>
#include <linux/xfrm.h>
#include <string.h>

#include "crypto/alg.h"

#define WINDOW_MAX 4096		 /* the kernel's bitmap ends there */
#define MAPPING_SECONDS 2	 /* at most one report of a peer's new port in that time */
#define OWNER_MASK 0xffff0000u	 /* IF_ID_BASE leaves 16 bits to the tunnel */

static void put_address(xfrm_address_t *to, const struct addr *a)
{
	struct bytes ip = addr_bytes(a);
	memcpy(to, ip.p, ip.n);
}

static struct addr get_address(const xfrm_address_t *from, uint16_t family)
{
	struct addr a = { 0 };
	addr_from_bytes(&a, bytes_of(from, family == AF_INET ? 4 : 16));
	return a;
}

struct sa_id sa_id_of(const struct esp_sa *sa)
{
	bool in = sa->dir == ESP_IN;
	struct sa_id id = { .src = in ? sa->remote : sa->local, .dst = in ? sa->local : sa->remote, .spi = sa->spi };
	return id;
}

void sa_put_owner(struct msg *m, uint32_t tunnel, bool vti)
{
	struct xfrm_mark mark = { .v = IF_ID_BASE + tunnel, .m = UINT32_MAX };
	if (vti)
		msg_put(m, XFRMA_MARK, &mark, sizeof mark);
	else
		msg_put_u32(m, XFRMA_IF_ID, IF_ID_BASE + tunnel);
}

static uint64_t limit_or_none(uint64_t v) { return v != 0 ? v : XFRM_INF; }

static void fill_info(struct xfrm_usersa_info *info, const struct esp_sa *sa)
{
	struct sa_id id = sa_id_of(sa);
	put_address(&info->id.daddr, &id.dst);
	put_address(&info->saddr, &id.src);
	info->id.spi = htonl(id.spi);
	info->id.proto = IPPROTO_ESP;
	info->family = id.dst.family;
	info->mode = XFRM_MODE_TUNNEL;
	info->reqid = IF_ID_BASE + sa->tunnel;
	info->lft = (struct xfrm_lifetime_cfg){
		.soft_byte_limit = limit_or_none(sa->soft_bytes),
		.hard_byte_limit = limit_or_none(sa->hard_bytes),
		.soft_packet_limit = XFRM_INF,
		.hard_packet_limit = XFRM_INF,
		.hard_add_expires_seconds = sa->hard_seconds,
	};
	/* The selector stays all zero: with AF_UNSPEC the SA carries both families, the policies say what may pass. */
	info->flags = XFRM_STATE_AF_UNSPEC;
	if (sa->suite.esn == ESN_YES)
		info->flags |= XFRM_STATE_ESN;
	/* Useless on an inbound SA; so it tells, read back, which direction this is. */
	if (sa->dir == ESP_OUT)
		info->flags |= XFRM_STATE_NOPMTUDISC;
}

static void copy_name(char to[64], const char *name)
{
	size_t n = strlen(name);
	memcpy(to, name, n < 63 ? n : 63);
}

static bool put_aead(struct msg *m, const struct alg *encr, const struct secret *key)
{
	if (key->len != encr->key_bytes + encr->salt_bytes)
		return false;
	struct xfrm_algo_aead *a = msg_space(m, XFRMA_ALG_AEAD, sizeof *a + key->len);
	if (a == NULL)
		return true;
	copy_name(a->alg_name, encr->kernel);
	a->alg_key_len = 8u * key->len;
	a->alg_icv_len = 8u * encr->icv_bytes;
	memcpy(a->alg_key, key->data, key->len);
	return true;
}

static bool put_crypt(struct msg *m, const struct alg *encr, const struct secret *key)
{
	if (key->len != encr->key_bytes + encr->salt_bytes)
		return false;
	struct xfrm_algo *a = msg_space(m, XFRMA_ALG_CRYPT, sizeof *a + key->len);
	if (a == NULL)
		return true;
	copy_name(a->alg_name, encr->kernel);
	a->alg_key_len = 8u * key->len;
	memcpy(a->alg_key, key->data, key->len);
	return true;
}

/* Always with the length: for SHA2-256 the kernel's default is the 96 bits of an old draft. */
static bool put_auth(struct msg *m, const struct alg *integ, const struct secret *key)
{
	if (key->len != integ->key_bytes)
		return false;
	struct xfrm_algo_auth *a = msg_space(m, XFRMA_ALG_AUTH_TRUNC, sizeof *a + key->len);
	if (a == NULL)
		return true;
	copy_name(a->alg_name, integ->kernel);
	a->alg_key_len = 8u * key->len;
	a->alg_trunc_len = 8u * integ->icv_bytes;
	memcpy(a->alg_key, key->data, key->len);
	return true;
}

static int put_algorithms(struct msg *m, const struct esp_sa *sa, const char **why)
{
	const struct alg *encr = alg_find(TRANSFORM_ENCR, sa->suite.encr, sa->suite.keylen);
	*why = "encryption algorithm not known to the kernel";
	if (encr == NULL || encr->kernel == NULL)
		return -EOPNOTSUPP;
	*why = "encryption key of the wrong length";
	if (encr->aead)
		return put_aead(m, encr, &sa->encr_key) ? 0 : -EINVAL;
	if (!put_crypt(m, encr, &sa->encr_key))
		return -EINVAL;
	/* Encryption without integrity is no protection: such an SA is never made. */
	const struct alg *integ = alg_find(TRANSFORM_INTEG, sa->suite.integ, 0);
	*why = "integrity algorithm not known to the kernel";
	if (sa->suite.integ == INTEG_NONE || integ == NULL || integ->kernel == NULL)
		return -EOPNOTSUPP;
	*why = "integrity key of the wrong length";
	return put_auth(m, integ, &sa->integ_key) ? 0 : -EINVAL;
}

static void put_replay(struct msg *m, const struct esp_sa *sa)
{
	bool esn = sa->suite.esn == ESN_YES;
	uint32_t window = sa->replay_window < WINDOW_MAX ? sa->replay_window : WINDOW_MAX;
	if (sa->dir == ESP_OUT || window == 0)
		window = esn ? 32 : 0; /* with ESN the state must be there in both directions, and not empty */
	if (window == 0)
		return;
	uint32_t words = (window + 31) / 32;
	struct xfrm_replay_state_esn *r = msg_space(m, XFRMA_REPLAY_ESN_VAL, sizeof *r + 4 * words);
	if (r == NULL)
		return;
	r->bmp_len = words;
	r->replay_window = window;
}

static void put_encap(struct msg *m, uint16_t sport, uint16_t dport)
{
	struct xfrm_encap_tmpl e = { .encap_type = UDP_ENCAP_ESPINUDP, .encap_sport = htons(sport), .encap_dport = htons(dport) };
	msg_put(m, XFRMA_ENCAP, &e, sizeof e);
}

int sa_build_add(struct msg *m, const struct esp_sa *sa, bool vti, const char **why)
{
	struct sa_id id = sa_id_of(sa);
	*why = "addresses of two families, or none";
	if (id.src.family == 0 || id.src.family != id.dst.family)
		return -EINVAL;
	*why = "SPI below 256 is reserved";
	if (sa->spi < 256)
		return -EINVAL;
	fill_info(msg_begin(m, XFRM_MSG_NEWSA, NLM_F_CREATE | NLM_F_EXCL, sizeof(struct xfrm_usersa_info)), sa);
	int error = put_algorithms(m, sa, why);
	if (error != 0)
		return error;
	put_replay(m, sa);
	if (sa->encap)
		put_encap(m, id.src.port, id.dst.port);
	/* Until the address change is answered every packet would be an event of its own. */
	if (sa->encap && sa->dir == ESP_IN)
		msg_put_u32(m, XFRMA_MTIMER_THRESH, MAPPING_SECONDS);
	sa_put_owner(m, sa->tunnel, vti);
	*why = "too large";
	return m->bad ? -EMSGSIZE : 0;
}

static void build_id(struct msg *m, uint16_t type, const struct sa_id *id, uint32_t tunnel, bool vti)
{
	struct xfrm_usersa_id *u = msg_begin(m, type, 0, sizeof *u);
	put_address(&u->daddr, &id->dst);
	u->spi = htonl(id->spi);
	u->family = id->dst.family;
	u->proto = IPPROTO_ESP;
	if (vti)
		sa_put_owner(m, tunnel, true); /* a marked SA is found by its mark only */
}

void sa_build_del(struct msg *m, const struct sa_id *id, uint32_t tunnel, bool vti)
{
	build_id(m, XFRM_MSG_DELSA, id, tunnel, vti);
}

void sa_build_get(struct msg *m, const struct sa_id *id, uint32_t tunnel, bool vti)
{
	build_id(m, XFRM_MSG_GETSA, id, tunnel, vti);
}

void sa_build_dump(struct msg *m)
{
	/* The kernel's dump asks for this header and ignores what is in it. */
	struct xfrm_usersa_id *u = msg_begin(m, XFRM_MSG_GETSA, NLM_F_DUMP, sizeof *u);
	u->proto = IPPROTO_ESP;
	msg_put_u8(m, XFRMA_PROTO, IPPROTO_ESP);
}

void sa_build_ports(struct msg *m, const struct nlmsghdr *now, uint16_t sport, uint16_t dport)
{
	static const uint16_t copied[] = { XFRMA_ALG_AEAD, XFRMA_ALG_CRYPT, XFRMA_ALG_AUTH_TRUNC, XFRMA_REPLAY_ESN_VAL, XFRMA_MARK, XFRMA_IF_ID };
	const struct xfrm_usersa_info *old = msg_fixed(now, sizeof *old);
	struct xfrm_usersa_info *info = msg_begin(m, XFRM_MSG_UPDSA, 0, sizeof *info);
	struct attrs a;
	if (old == NULL) {
		m->bad = true;
		return;
	}
	*info = *old;
	attrs_read(&a, now, sizeof *old);
	for (unsigned i = 0; i < sizeof copied / sizeof copied[0]; i++)
		if (a.v[copied[i]] != NULL)
			msg_put(m, copied[i], mnl_attr_get_payload(a.v[copied[i]]), mnl_attr_get_payload_len(a.v[copied[i]]));
	put_encap(m, sport, dport);
}

bool sa_read(struct sa_seen *seen, const struct nlmsghdr *h, size_t fixed)
{
	const struct xfrm_usersa_info *info = msg_fixed(h, sizeof *info);
	struct attrs a;
	memset(seen, 0, sizeof *seen);
	if (info == NULL || info->id.proto != IPPROTO_ESP || (info->reqid & OWNER_MASK) != IF_ID_BASE)
		return false;
	attrs_read(&a, h, fixed);
	const struct xfrm_mark *mark = attr_data(&a, XFRMA_MARK, sizeof *mark);
	seen->vti = mark != NULL && mark->v == info->reqid && mark->m == UINT32_MAX;
	if (!seen->vti && attr_u32(&a, XFRMA_IF_ID, 0) != info->reqid)
		return false;
	seen->tunnel = info->reqid - IF_ID_BASE;
	seen->dir = info->flags & XFRM_STATE_NOPMTUDISC ? ESP_OUT : ESP_IN;
	seen->id = (struct sa_id){ .src = get_address(&info->saddr, info->family),
		.dst = get_address(&info->id.daddr, info->family), .spi = ntohl(info->id.spi) };
	seen->count = (struct esp_counters){
		.spi = seen->id.spi,
		.dir = seen->dir,
		.bytes = info->curlft.bytes,
		.packets = info->curlft.packets,
		.replay_errors = (uint64_t)info->stats.replay + info->stats.replay_window,
		.integrity_errors = info->stats.integrity_failed,
	};
	return true;
}
