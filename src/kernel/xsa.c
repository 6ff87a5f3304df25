/*
 * xsa.c - one SA as netlink messages.
 *
 * What the kernel does with the outer header (for the manual):
 * - DF: unless the tunnel says otherwise, the outside packet goes out without it (XFRM_STATE_NOPMTUDISC), so a narrower link behind the uplink
 *   fragments ESP instead of swallowing it when ICMP is filtered, as both clouds recommend. Without that flag the kernel copies it, and sets it for
 *   IPv6 inside. To set it always is for nf_tables, which is told by the mark (chain outer, nft.c). Inside packets with DF that are too large for the uplink are still answered
 *   with "fragmentation needed", inside packets without DF are fragmented before encryption.
 * - It bears the mark of packets to peers, with the lower half of the inside packet's: it takes the way of PEER_TABLE, the inside packet never does.
 * - DSCP is copied outwards and not back (RFC 4301 5.1.2.1); or it is 0 (XFRM_SA_XFLAG_DONT_ENCAP_DSCP), and nf_tables sets its bits. ECN is handled as RFC 6040 says.
 */
#include <netinet/in.h>

#include "base/util.h"
#include "xsa.h"

#include <errno.h>
#include <linux/udp.h>
#include <string.h>

#include "codes/feature.h"
#include "crypto/alg.h"
#include "kernel/kernel.h"
#include "own.h"

#define WINDOW_MAX 4096   /* the kernel's bitmap ends there */
#define MAPPING_SECONDS 2 /* at most one report of a peer's new port in that time */

struct xsa_id xsa_id_of(const struct esp_sa *sa)
{
	bool in = sa->dir == ESP_IN;
	struct xsa_id id = { .src = in ? sa->remote : sa->local, .dst = in ? sa->local : sa->remote, .spi = sa->spi };
	return id;
}

static uint64_t limit_or_none(uint64_t v) { return v != 0 ? v : XFRM_INF; }

static void fill_info(struct xfrm_usersa_info *info, const struct esp_sa *sa)
{
	struct xsa_id id = xsa_id_of(sa);
	xfrm_put_addr(&info->id.daddr, &id.dst);
	xfrm_put_addr(&info->saddr, &id.src);
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
	if (sa->dir == ESP_OUT && sa->df == DF_CLEAR)
		info->flags |= XFRM_STATE_NOPMTUDISC;
}

/*
 * Read back, an SA says whether it is outbound: by its direction where the kernel knows one; elsewhere by one of two flags, each useless in the
 * other direction. A kernel that knows the direction refuses what does not fit it: the second flag, and a replay window, on outbound SAs.
 */
static void put_direction(struct nlm *m, struct xfrm_usersa_info *info, const struct esp_sa *sa, uint32_t features)
{
	if ((features & FEATURE_BIT(FEATURE_SA_DIRECTION)) != 0)
		nlm_put_u8(m, XSA_DIR, sa->dir == ESP_OUT ? XSA_DIR_OUT : XSA_DIR_IN);
	else if (sa->dir == ESP_OUT && sa->df != DF_CLEAR)
		info->flags |= XFRM_STATE_DECAP_DSCP;
}

static void copy_name(char to[64], const char *name)
{
	size_t n = strlen(name);
	memcpy(to, name, n < 63 ? n : 63);
}

static bool put_aead(struct nlm *m, const struct alg *encr, const struct secret *key)
{
	if (key->len != encr->key_bytes + encr->salt_bytes)
		return false;
	struct xfrm_algo_aead *a = nlm_space(m, XFRMA_ALG_AEAD, sizeof *a + key->len);
	if (a == NULL)
		return true;
	copy_name(a->alg_name, encr->kernel);
	a->alg_key_len = 8u * key->len;
	a->alg_icv_len = 8u * encr->icv_bytes;
	memcpy(a->alg_key, key->data, key->len);
	return true;
}

static bool put_crypt(struct nlm *m, const struct alg *encr, const struct secret *key)
{
	if (key->len != encr->key_bytes + encr->salt_bytes)
		return false;
	struct xfrm_algo *a = nlm_space(m, XFRMA_ALG_CRYPT, sizeof *a + key->len);
	if (a == NULL)
		return true;
	copy_name(a->alg_name, encr->kernel);
	a->alg_key_len = 8u * key->len;
	memcpy(a->alg_key, key->data, key->len);
	return true;
}

/* Always with the length: for SHA2-256 the kernel's default is the 96 bits of an old draft. */
static bool put_auth(struct nlm *m, const struct alg *integ, const struct secret *key)
{
	if (key->len != integ->key_bytes)
		return false;
	struct xfrm_algo_auth *a = nlm_space(m, XFRMA_ALG_AUTH_TRUNC, sizeof *a + key->len);
	if (a == NULL)
		return true;
	copy_name(a->alg_name, integ->kernel);
	a->alg_key_len = 8u * key->len;
	a->alg_trunc_len = 8u * integ->icv_bytes;
	memcpy(a->alg_key, key->data, key->len);
	return true;
}

static int put_algorithms(struct nlm *m, const struct esp_sa *sa, const char **why)
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

static void put_replay(struct nlm *m, const struct esp_sa *sa, uint32_t features)
{
	bool esn = sa->suite.esn == ESN_YES, bare = (features & FEATURE_BIT(FEATURE_SA_DIRECTION)) != 0 && sa->dir == ESP_OUT;
	uint32_t window = sa->replay_window < WINDOW_MAX ? sa->replay_window : WINDOW_MAX;
	if (sa->dir == ESP_OUT || window == 0)
		window =
			esn && !bare
				? 32
				: 0; /* with ESN the state must be there in both directions; not empty unless it is known to be outbound */
	if (window == 0 && !(esn && bare))
		return;
	uint32_t words = (window + 31) / 32;
	struct xfrm_replay_state_esn *r = nlm_space(m, XFRMA_REPLAY_ESN_VAL, sizeof *r + 4 * words);
	if (r == NULL)
		return;
	r->bmp_len = words;
	r->replay_window = window;
}

static void put_encap(struct nlm *m, uint16_t sport, uint16_t dport)
{
	struct xfrm_encap_tmpl e = { .encap_type = UDP_ENCAP_ESPINUDP, .encap_sport = htons(sport), .encap_dport = htons(dport) };
	nlm_put(m, XFRMA_ENCAP, &e, sizeof e);
}

/* The packets bear the mark of packets to peers; with it the lower half of the inside packet's, or what is to be done to their header. */
static void put_outer(struct nlm *m, const struct esp_sa *sa)
{
	uint32_t dscp = sa->dscp_fixed ? sa->dscp & PEER_MARK_DSCP : 0, df = sa->df == DF_SET ? PEER_MARK_DF : 0;
	bool header = dscp != 0 || df != 0;
	if (sa->dscp_fixed)
		nlm_put_u32(m, XFRMA_SA_EXTRA_FLAGS, XFRM_SA_XFLAG_DONT_ENCAP_DSCP);
	nlm_put_u32(m, XFRMA_SET_MARK, header ? PEER_MARK_HEADER | dscp | df : PEER_MARK);
	nlm_put_u32(m, XFRMA_SET_MARK_MASK, header ? UINT32_MAX : PEER_MARK_MASK);
}

static void put_card(struct nlm *m, const struct esp_sa *sa, uint32_t ifindex)
{
	struct xfrm_user_offload o = { .ifindex = (int)ifindex };
	o.flags |= sa->dir == ESP_IN ? XFRM_OFFLOAD_INBOUND : 0;
	o.flags |= sa->local.family == AF_INET6 ? XFRM_OFFLOAD_IPV6 : 0;
	nlm_put(m, XFRMA_OFFLOAD_DEV, &o, sizeof o);
}

int xsa_build_add(struct nlm *m, const struct esp_sa *sa, const struct xsa_how *how, const char **why)
{
	struct xsa_id id = xsa_id_of(sa);
	*why = "addresses of two families, or none";
	if (id.src.family == 0 || id.src.family != id.dst.family)
		return -EINVAL;
	*why = "SPI below 256 is reserved";
	if (sa->spi < 256)
		return -EINVAL;
	struct xfrm_usersa_info *info = nlm_begin(m, XFRM_MSG_NEWSA, NLM_F_CREATE | NLM_F_EXCL, sizeof *info);
	fill_info(info, sa);
	int error = put_algorithms(m, sa, why);
	if (error != 0)
		return error;
	put_direction(m, info, sa, how->features);
	put_replay(m, sa, how->features);
	if (sa->encap)
		put_encap(m, id.src.port, id.dst.port);
	/* Until the address change is answered every packet would be an event of its own. */
	if (sa->encap && sa->dir == ESP_IN)
		nlm_put_u32(m, XFRMA_MTIMER_THRESH, MAPPING_SECONDS);
	if (sa->dir == ESP_OUT && sa->encap && sa->keepalive != 0 && (how->features & FEATURE_BIT(FEATURE_NAT_KEEPALIVE)) != 0)
		nlm_put_u32(m, XSA_NAT_KEEPALIVE, sa->keepalive);
	if (sa->dir == ESP_OUT)
		put_outer(m, sa);
	if (how->card != 0)
		put_card(m, sa, how->card);
	own_put(m, sa->tunnel, how->vti);
	*why = "too large";
	return m->bad ? -EMSGSIZE : 0;
}

static void build_id(struct nlm *m, uint16_t type, const struct xsa_id *id, uint32_t tunnel, bool vti)
{
	struct xfrm_usersa_id *u = nlm_begin(m, type, 0, sizeof *u);
	xfrm_put_addr(&u->daddr, &id->dst);
	u->spi = htonl(id->spi);
	u->family = id->dst.family;
	u->proto = IPPROTO_ESP;
	if (vti)
		own_put(m, tunnel, true); /* a marked SA is found by its mark only */
}

void xsa_build_del(struct nlm *m, const struct xsa_id *id, uint32_t tunnel, bool vti)
{
	build_id(m, XFRM_MSG_DELSA, id, tunnel, vti);
}

void xsa_build_get(struct nlm *m, const struct xsa_id *id, uint32_t tunnel, bool vti)
{
	build_id(m, XFRM_MSG_GETSA, id, tunnel, vti);
}

void xsa_build_dump(struct nlm *m)
{
	nlm_begin(m, XFRM_MSG_GETSA, NLM_F_DUMP, 0); /* attributes at once: a dump has no fixed header */
	nlm_put_u8(m, XFRMA_PROTO, IPPROTO_ESP);
}

void xsa_build_probe(struct nlm *m, uint16_t attribute, const void *bad, size_t n)
{
	/* SPI 1 is reserved: nobody has it. */
	struct xsa_id id = { .dst = { .family = AF_INET, .ip = { 127, 0, 0, 1 } }, .spi = 1 };
	build_id(m, XFRM_MSG_GETSA, &id, 0, false);
	nlm_put(m, attribute, bad, n);
}

void xsa_build_ports(struct nlm *m, const struct nlmsghdr *now, uint16_t sport, uint16_t dport)
{
	static const uint16_t copied[] = { XFRMA_ALG_AEAD, XFRMA_ALG_CRYPT, XFRMA_ALG_AUTH_TRUNC, XFRMA_REPLAY_ESN_VAL,
		XFRMA_MARK, XFRMA_IF_ID, XFRMA_SET_MARK, XFRMA_SET_MARK_MASK, XFRMA_SA_EXTRA_FLAGS, XSA_DIR, XSA_NAT_KEEPALIVE };
	struct xfrm_usersa_info *info = nlm_begin(m, XFRM_MSG_UPDSA, 0, sizeof *info);
	struct attrs a;
	if (!nlm_copy_fixed(info, now, sizeof *info)) {
		m->bad = true;
		return;
	}
	attrs_read(&a, now, sizeof *info);
	for (unsigned i = 0; i < ARRAY_SIZE(copied); i++)
		if (a.v[copied[i]] != NULL)
			nlm_put(m, copied[i], mnl_attr_get_payload(a.v[copied[i]]), mnl_attr_get_payload_len(a.v[copied[i]]));
	put_encap(m, sport, dport);
}

bool xsa_has_encap(const struct nlmsghdr *h)
{
	struct attrs a;
	attrs_read(&a, h, XSA_FIXED);
	return a.v[XFRMA_ENCAP] != NULL;
}

bool xsa_read(struct xsa_seen *seen, const struct nlmsghdr *h, size_t fixed)
{
	struct xfrm_usersa_info info; /* also the beginning of an EXPIRE */
	struct attrs a;
	memset(seen, 0, sizeof *seen);
	if (!nlm_copy_fixed(&info, h, sizeof info) || info.id.proto != IPPROTO_ESP)
		return false;
	attrs_read(&a, h, fixed);
	if (!own_read(&a, &seen->tunnel, &seen->vti) || info.reqid != IF_ID_BASE + seen->tunnel)
		return false;
	seen->larval = a.v[XFRMA_ALG_AEAD] == NULL && a.v[XFRMA_ALG_CRYPT] == NULL;
	const uint8_t *dir = attr_data(&a, XSA_DIR, sizeof *dir);
	bool out = dir != NULL ? *dir == XSA_DIR_OUT : (info.flags & (XFRM_STATE_NOPMTUDISC | XFRM_STATE_DECAP_DSCP)) != 0;
	seen->dir = out ? ESP_OUT : ESP_IN;
	seen->id = (struct xsa_id){ .src = xfrm_get_addr(&info.saddr, info.family),
		.dst = xfrm_get_addr(&info.id.daddr, info.family),
		.spi = ntohl(info.id.spi) };
	seen->count = (struct esp_counters){
		.tunnel = seen->tunnel,
		.spi = seen->id.spi,
		.dir = seen->dir,
		.bytes = info.curlft.bytes,
		.packets = info.curlft.packets,
		.replay_errors = info.stats.replay + info.stats.replay_window,
		.integrity_errors = info.stats.integrity_failed,
	};
	return true;
}
