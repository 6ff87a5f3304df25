/* test_xfrm.c - SA and policy messages: built into memory and read back; selectors cut into what the kernel matches. */
#include <netinet/in.h>

#include <errno.h>
#include <linux/udp.h>
#include <stdlib.h>
#include <string.h>

#include "codes/feature.h"
#include "crypto/alg.h"
#include "kernel/nlm.h"
#include "kernel/own.h"
#include "kernel/policy.h"
#include "kernel/xsa.h"
#include "unit.h"

static struct nlm m;
static uint32_t features; /* of the kernel that is built for */
static const struct xsa_how plain;

static struct addr ip(const char *text, uint16_t port)
{
	struct addr a;
	ck_assert(addr_parse(&a, text));
	a.port = port;
	return a;
}

static struct esp_sa sample(enum esp_dir dir, bool aead)
{
	struct esp_sa sa = { .tunnel = 7,
		.dir = dir,
		.spi = 0xc0ffee01,
		.local = ip("198.51.100.7", 4500),
		.remote = ip("203.0.113.10", 4600),
		.replay_window = 1024,
		.soft_bytes = 1000,
		.hard_bytes = 2000,
		.hard_seconds = 4000 };
	sa.suite = aead ? (struct suite){ .encr = ENCR_AES_GCM_16, .keylen = 256 }
			: (struct suite){ .encr = ENCR_AES_CBC, .keylen = 128, .integ = INTEG_HMAC_SHA2_256_128 };
	sa.encr_key.len = aead ? 36 : 16;
	sa.integ_key.len = aead ? 0 : 32;
	memset(sa.encr_key.data, 0x5a, sa.encr_key.len);
	memset(sa.integ_key.data, 0xa5, sa.integ_key.len);
	return sa;
}

static const struct xfrm_usersa_info *built(const struct esp_sa *sa, bool vti, struct attrs *a)
{
	const char *why;
	struct xsa_how how = { .vti = vti, .features = features };
	ck_assert_int_eq(xsa_build_add(&m, sa, &how, &why), 0);
	attrs_read(a, &m.head, sizeof(struct xfrm_usersa_info));
	return nlm_fixed(&m.head, sizeof(struct xfrm_usersa_info));
}

START_TEST(sa_in_gcm_udp)
{
	struct esp_sa sa = sample(ESP_IN, true);
	struct attrs a;
	sa.encap = true;
	const struct xfrm_usersa_info *i = built(&sa, false, &a);
	ck_assert_uint_eq(m.head.nlmsg_type, XFRM_MSG_NEWSA);
	ck_assert_uint_eq(m.head.nlmsg_flags & NLM_F_EXCL, NLM_F_EXCL);
	ck_assert_mem_eq(&i->id.daddr, sa.local.ip, 4);
	ck_assert_mem_eq(&i->saddr, sa.remote.ip, 4);
	ck_assert_uint_eq(ntohl(i->id.spi), 0xc0ffee01);
	ck_assert_uint_eq(i->reqid, 0x53320007);
	ck_assert_uint_eq(i->mode, XFRM_MODE_TUNNEL);
	ck_assert_uint_eq(i->sel.family, 0);
	ck_assert_uint_eq(i->flags, XFRM_STATE_AF_UNSPEC);
	ck_assert_uint_eq(i->replay_window, 0);
	ck_assert_uint_eq(i->lft.soft_byte_limit, 1000);
	ck_assert_uint_eq(i->lft.hard_byte_limit, 2000);
	ck_assert_uint_eq(i->lft.hard_add_expires_seconds, 4000);
	ck_assert_uint_eq(i->lft.hard_packet_limit, XFRM_INF);
	const struct xfrm_algo_aead *aead = attr_data(&a, XFRMA_ALG_AEAD, sizeof *aead + 36);
	ck_assert_ptr_nonnull(aead);
	ck_assert_str_eq(aead->alg_name, "rfc4106(gcm(aes))");
	ck_assert_uint_eq(aead->alg_key_len, 288);
	ck_assert_uint_eq(aead->alg_icv_len, 128);
	ck_assert_ptr_null(a.v[XFRMA_ALG_CRYPT]);
	ck_assert_ptr_null(a.v[XFRMA_ALG_AUTH_TRUNC]);
	const struct xfrm_replay_state_esn *r = attr_data(&a, XFRMA_REPLAY_ESN_VAL, sizeof *r + 128);
	ck_assert_ptr_nonnull(r);
	ck_assert_uint_eq(r->replay_window, 1024);
	ck_assert_uint_eq(r->bmp_len, 32);
	const struct xfrm_encap_tmpl *e = attr_data(&a, XFRMA_ENCAP, sizeof *e);
	ck_assert_ptr_nonnull(e);
	ck_assert_uint_eq(e->encap_type, UDP_ENCAP_ESPINUDP);
	ck_assert_uint_eq(ntohs(e->encap_sport), 4600);
	ck_assert_uint_eq(ntohs(e->encap_dport), 4500);
	ck_assert_uint_gt(attr_u32(&a, XFRMA_MTIMER_THRESH, 0), 0);
	ck_assert_uint_eq(attr_u32(&a, XFRMA_IF_ID, 0), 0x53320007);
	ck_assert_ptr_null(a.v[XFRMA_MARK]);
	ck_assert_ptr_null(a.v[XFRMA_SET_MARK]); /* what comes out of it goes the way of inside packets */
}
END_TEST

START_TEST(sa_out_cbc_vti)
{
	struct esp_sa sa = sample(ESP_OUT, false);
	struct attrs a;
	const struct xfrm_usersa_info *i = built(&sa, true, &a);
	ck_assert_mem_eq(&i->id.daddr, sa.remote.ip, 4);
	ck_assert_uint_eq(i->flags, XFRM_STATE_AF_UNSPEC | XFRM_STATE_NOPMTUDISC);
	const struct xfrm_algo_auth *auth = attr_data(&a, XFRMA_ALG_AUTH_TRUNC, sizeof *auth + 32);
	ck_assert_ptr_nonnull(auth);
	ck_assert_str_eq(auth->alg_name, "hmac(sha256)");
	ck_assert_uint_eq(auth->alg_key_len, 256);
	ck_assert_uint_eq(auth->alg_trunc_len, 128);
	const struct xfrm_algo *crypt = attr_data(&a, XFRMA_ALG_CRYPT, sizeof *crypt + 16);
	ck_assert_ptr_nonnull(crypt);
	ck_assert_str_eq(crypt->alg_name, "cbc(aes)");
	ck_assert_ptr_null(a.v[XFRMA_REPLAY_ESN_VAL]);
	ck_assert_ptr_null(a.v[XFRMA_ENCAP]);
	ck_assert_ptr_null(a.v[XFRMA_MTIMER_THRESH]);
	ck_assert_ptr_null(a.v[XFRMA_IF_ID]);
	const struct xfrm_mark *mark = attr_data(&a, XFRMA_MARK, sizeof *mark);
	ck_assert_uint_eq(attr_u32(&a, XFRMA_SET_MARK, 0), 0x73320000);
	ck_assert_uint_eq(attr_u32(&a, XFRMA_SET_MARK_MASK, 0), 0xffff0000);
	ck_assert_uint_eq(mark->v, 0x53320007);
	ck_assert_uint_eq(mark->m, UINT32_MAX);
}
END_TEST

START_TEST(sa_esn_and_windows)
{
	static const struct {
		uint8_t dir;
		bool esn;
		uint32_t asked, window, words;
	} rows[] = {
		{ ESP_OUT, true, 1024, 32, 1 },
		{ ESP_IN, true, 0, 32, 1 },
		{ ESP_IN, true, 33, 33, 2 },
		{ ESP_IN, false, 64, 64, 2 },
		{ ESP_IN, false, 100000, 4096, 128 },
		{ ESP_IN, false, 0, 0, 0 },
		{ ESP_OUT, false, 1024, 0, 0 },
	};
	for (unsigned n = 0; n < sizeof rows / sizeof rows[0]; n++) {
		struct esp_sa sa = sample(rows[n].dir, true);
		struct attrs a;
		sa.suite.esn = rows[n].esn ? ESN_YES : ESN_NO;
		sa.replay_window = rows[n].asked;
		const struct xfrm_usersa_info *i = built(&sa, false, &a);
		const struct xfrm_replay_state_esn *r = attr_data(&a, XFRMA_REPLAY_ESN_VAL, sizeof *r);
		ck_assert_int_eq((i->flags & XFRM_STATE_ESN) != 0, rows[n].esn);
		ck_assert_int_eq(r != NULL, rows[n].window != 0);
		if (r != NULL) {
			ck_assert_uint_eq(r->replay_window, rows[n].window);
			ck_assert_uint_eq(r->bmp_len, rows[n].words);
		}
	}
}
END_TEST

/* Refused before the kernel sees it: a key of the wrong length, encryption without integrity, reserved SPIs, mixed families. */
START_TEST(sa_refused)
{
	const char *why;
	struct esp_sa sa = sample(ESP_IN, true);
	sa.encr_key.len = 32;
	ck_assert_int_eq(xsa_build_add(&m, &sa, &plain, &why), -EINVAL);
	sa = sample(ESP_IN, false);
	sa.integ_key.len = 20;
	ck_assert_int_eq(xsa_build_add(&m, &sa, &plain, &why), -EINVAL);
	sa = sample(ESP_IN, false);
	sa.suite.integ = INTEG_NONE;
	ck_assert_int_eq(xsa_build_add(&m, &sa, &plain, &why), -EOPNOTSUPP);
	sa = sample(ESP_IN, true);
	sa.suite.encr = 999;
	ck_assert_int_eq(xsa_build_add(&m, &sa, &plain, &why), -EOPNOTSUPP);
	sa = sample(ESP_IN, true);
	sa.spi = 255;
	ck_assert_int_eq(xsa_build_add(&m, &sa, &plain, &why), -EINVAL);
	sa = sample(ESP_IN, true);
	sa.remote = ip("2001:db8::1", 0);
	ck_assert_int_eq(xsa_build_add(&m, &sa, &plain, &why), -EINVAL);
	sa.local = sa.remote = (struct addr){ 0 };
	ck_assert_int_eq(xsa_build_add(&m, &sa, &plain, &why), -EINVAL);
}
END_TEST

START_TEST(sa_read_back)
{
	struct esp_sa sa = sample(ESP_OUT, true);
	struct xsa_seen seen;
	struct attrs a;
	built(&sa, false, &a);
	ck_assert(xsa_read(&seen, &m.head, XSA_FIXED));
	ck_assert_uint_eq(seen.tunnel, 7);
	ck_assert_int_eq(seen.dir, ESP_OUT);
	ck_assert(!seen.vti);
	ck_assert_uint_eq(seen.id.spi, 0xc0ffee01);
	ck_assert(addr_same_ip(&seen.id.dst, &sa.remote));
	sa.dir = ESP_IN;
	built(&sa, true, &a);
	ck_assert(xsa_read(&seen, &m.head, XSA_FIXED));
	ck_assert(seen.vti);
	ck_assert_int_eq(seen.dir, ESP_IN);
	/* Not ours: another reqid, or no owner's number at all. */
	struct xfrm_usersa_info *i = mnl_nlmsg_get_payload(&m.head);
	i->reqid = 0x53320008;
	ck_assert(!xsa_read(&seen, &m.head, XSA_FIXED));
	i->reqid = 5;
	ck_assert(!xsa_read(&seen, &m.head, XSA_FIXED));
	m.head.nlmsg_len = MNL_NLMSG_HDRLEN + sizeof *i;
	i->reqid = 0x53320007;
	ck_assert(!xsa_read(&seen, &m.head, XSA_FIXED));
	m.head.nlmsg_len = MNL_NLMSG_HDRLEN + 8;
	ck_assert(!xsa_read(&seen, &m.head, XSA_FIXED));
}
END_TEST

/* What the outer header gets: the kernel's flags, and what the mark asks of nf_tables. Inbound nothing of that. Read back, the direction is known. */
START_TEST(outer_header)
{
	static const struct {
		uint8_t df;
		bool fixed;
		uint8_t dscp;
		uint32_t flags, extra, mark, mask;
	} rows[] = {
		{ DF_CLEAR, false, 0, XFRM_STATE_NOPMTUDISC, 0, 0x73320000, 0xffff0000 },
		{ DF_COPY, false, 0, XFRM_STATE_DECAP_DSCP, 0, 0x73320000, 0xffff0000 },
		{ DF_SET, false, 0, XFRM_STATE_DECAP_DSCP, 0, 0x73330040, 0xffffffff },
		{ DF_CLEAR, true, 0, XFRM_STATE_NOPMTUDISC, XFRM_SA_XFLAG_DONT_ENCAP_DSCP, 0x73320000, 0xffff0000 },
		{ DF_CLEAR, true, 46, XFRM_STATE_NOPMTUDISC, XFRM_SA_XFLAG_DONT_ENCAP_DSCP, 0x7333002e, 0xffffffff },
		{ DF_SET, true, 63, XFRM_STATE_DECAP_DSCP, XFRM_SA_XFLAG_DONT_ENCAP_DSCP, 0x7333007f, 0xffffffff },
		{ DF_COPY, false, 46, XFRM_STATE_DECAP_DSCP, 0, 0x73320000, 0xffff0000 }, /* not fixed: it says nothing */
	};
	for (unsigned n = 0; n < sizeof rows / sizeof rows[0]; n++)
		for (unsigned dir = ESP_IN; dir <= ESP_OUT; dir++) {
			struct esp_sa sa = sample((enum esp_dir)dir, true);
			struct xsa_seen seen;
			struct attrs a;
			sa.df = rows[n].df;
			sa.dscp_fixed = rows[n].fixed;
			sa.dscp = rows[n].dscp;
			const struct xfrm_usersa_info *i = built(&sa, false, &a);
			bool out = dir == ESP_OUT;
			ck_assert_uint_eq(i->flags, XFRM_STATE_AF_UNSPEC | (out ? rows[n].flags : 0));
			ck_assert_uint_eq(attr_u32(&a, XFRMA_SA_EXTRA_FLAGS, 0), out ? rows[n].extra : 0);
			ck_assert_uint_eq(attr_u32(&a, XFRMA_SET_MARK, 0), out ? rows[n].mark : 0);
			ck_assert_uint_eq(attr_u32(&a, XFRMA_SET_MARK_MASK, 0), out ? rows[n].mask : 0);
			ck_assert(xsa_read(&seen, &m.head, XSA_FIXED));
			ck_assert_uint_eq(seen.dir, dir);
		}
}
END_TEST

/* For a kernel that knows the direction of SAs: it stands in both, and nothing that such a kernel refuses stands beside it (Linux 6.10, verify_newsa_info). */
START_TEST(sa_direction)
{
	features = FEATURE_BIT(FEATURE_SA_DIRECTION);
	for (unsigned dir = ESP_IN; dir <= ESP_OUT; dir++)
		for (unsigned df = DF_CLEAR; df <= DF_SET; df++)
			for (unsigned esn = 0; esn < 2; esn++) {
				struct esp_sa sa = sample((enum esp_dir)dir, true);
				struct xsa_seen seen;
				struct attrs a;
				bool out = dir == ESP_OUT;
				sa.encap = true;
				sa.df = (uint8_t)df;
				sa.dscp_fixed = true;
				sa.suite.esn = esn != 0 ? ESN_YES : ESN_NO;
				const struct xfrm_usersa_info *i = built(&sa, false, &a);
				const uint8_t *told = attr_data(&a, XSA_DIR, 1);
				ck_assert_ptr_nonnull(told);
				ck_assert_uint_eq(*told, out ? XSA_DIR_OUT : XSA_DIR_IN);
				ck_assert_uint_eq(i->flags & XFRM_STATE_DECAP_DSCP, 0);
				ck_assert_int_eq((i->flags & XFRM_STATE_NOPMTUDISC) != 0, out && df == DF_CLEAR);
				ck_assert(out ? a.v[XFRMA_MTIMER_THRESH] == NULL : a.v[XFRMA_SA_EXTRA_FLAGS] == NULL);
				const struct xfrm_replay_state_esn *r = attr_data(&a, XFRMA_REPLAY_ESN_VAL, sizeof *r);
				ck_assert_int_eq(r != NULL, !out || esn != 0);
				ck_assert(r == NULL || !out || (r->replay_window == 0 && r->bmp_len == 0));
				ck_assert(xsa_read(&seen, &m.head, XSA_FIXED));
				ck_assert_uint_eq(seen.dir, dir);
			}
	features = 0;
}
END_TEST

/* NAT keepalives are the kernel's business where it has them, encapsulates and sends. A change of ports keeps direction and interval: without the former it is
 * refused. */
START_TEST(sa_keepalive)
{
	static struct nlm update;
	struct attrs a, b;
	for (unsigned bits = 0; bits < 8; bits++) {
		struct esp_sa sa = sample((bits & 1) != 0 ? ESP_OUT : ESP_IN, true);
		sa.encap = (bits & 2) != 0;
		sa.keepalive = 20;
		features = (bits & 4) != 0 ? FEATURE_BIT(FEATURE_SA_DIRECTION) | FEATURE_BIT(FEATURE_NAT_KEEPALIVE) : 0;
		built(&sa, false, &a);
		ck_assert_uint_eq(attr_u32(&a, XSA_NAT_KEEPALIVE, 0), bits == 7 ? 20 : 0);
		xsa_build_ports(&update, &m.head, 4500, 4601);
		attrs_read(&b, &update.head, XSA_FIXED);
		ck_assert_uint_eq(attr_u32(&b, XSA_NAT_KEEPALIVE, 0), bits == 7 ? 20 : 0);
		ck_assert_int_eq(b.v[XSA_DIR] != NULL, (bits & 4) != 0);
	}
	features = 0;
}
END_TEST

/* What asks a kernel whether it knows an attribute changes nothing, whatever the kernel is: it looks for an SA. */
START_TEST(probe_is_harmless)
{
	uint8_t bad = 99;
	struct attrs a;
	xsa_build_probe(&m, XSA_DIR, &bad, sizeof bad);
	ck_assert_uint_eq(m.head.nlmsg_type, XFRM_MSG_GETSA);
	ck_assert_uint_eq(m.head.nlmsg_flags & (NLM_F_DUMP | NLM_F_CREATE), 0);
	const struct xfrm_usersa_id *id = nlm_fixed(&m.head, sizeof *id);
	attrs_read(&a, &m.head, sizeof *id);
	ck_assert_uint_lt(ntohl(id->spi), 256);
	ck_assert_uint_eq(*(const uint8_t *)attr_data(&a, XSA_DIR, 1), 99);
}
END_TEST

/* The mark of the way to the peer stays when its ports change. */
START_TEST(sa_ports_keep_the_mark)
{
	static struct nlm update;
	struct esp_sa sa = sample(ESP_OUT, true);
	struct attrs a, b;
	sa.encap = true;
	built(&sa, false, &a);
	xsa_build_ports(&update, &m.head, 4500, 4601);
	attrs_read(&b, &update.head, XSA_FIXED);
	ck_assert_uint_eq(attr_u32(&b, XFRMA_SET_MARK, 0), 0x73320000);
	ck_assert_uint_eq(attr_u32(&b, XFRMA_SET_MARK_MASK, 0), 0xffff0000);
	sa.dscp_fixed = true;
	built(&sa, false, &a);
	xsa_build_ports(&update, &m.head, 4500, 4601);
	attrs_read(&b, &update.head, XSA_FIXED);
	ck_assert_uint_eq(attr_u32(&b, XFRMA_SA_EXTRA_FLAGS, 0), XFRM_SA_XFLAG_DONT_ENCAP_DSCP);
}
END_TEST

/* UPDSA repeats the algorithms and lifetimes of what is there and changes the ports only. */
START_TEST(sa_ports)
{
	static struct nlm update;
	struct esp_sa sa = sample(ESP_IN, false);
	struct attrs a, b;
	sa.encap = true;
	built(&sa, false, &a);
	xsa_build_ports(&update, &m.head, 1, 2);
	ck_assert(!update.bad);
	ck_assert_uint_eq(update.head.nlmsg_type, XFRM_MSG_UPDSA);
	attrs_read(&b, &update.head, XSA_FIXED);
	ck_assert_mem_eq(mnl_nlmsg_get_payload(&update.head), mnl_nlmsg_get_payload(&m.head), XSA_FIXED);
	static const unsigned kept[] = { XFRMA_ALG_CRYPT, XFRMA_ALG_AUTH_TRUNC, XFRMA_REPLAY_ESN_VAL, XFRMA_IF_ID };
	for (unsigned i = 0; i < sizeof kept / sizeof kept[0]; i++) {
		ck_assert_ptr_nonnull(b.v[kept[i]]);
		ck_assert_uint_eq(b.v[kept[i]]->nla_len, a.v[kept[i]]->nla_len);
		ck_assert_mem_eq(b.v[kept[i]], a.v[kept[i]], a.v[kept[i]]->nla_len);
	}
	const struct xfrm_encap_tmpl *e = attr_data(&b, XFRMA_ENCAP, sizeof *e);
	ck_assert_uint_eq(ntohs(e->encap_sport), 1);
	ck_assert_uint_eq(ntohs(e->encap_dport), 2);
}
END_TEST

/* --- policies --- */
static struct ts range(const char *lo, const char *hi, uint8_t protocol, uint16_t port_lo, uint16_t port_hi)
{
	return (struct ts){ .protocol = protocol, .port_lo = port_lo, .port_hi = port_hi, .lo = ip(lo, 0), .hi = ip(hi, 0) };
}

static struct ts_list one(struct ts t) { return (struct ts_list){ .n = 1, .v = { t } }; }

START_TEST(policy_out)
{
	struct prefix l, r;
	struct outward out = { .spi = 0xabcdef01, .local = ip("198.51.100.7", 0), .remote = ip("203.0.113.10", 0) },
		       nowhere = { 0 };
	struct attrs a;
	prefix_parse(&l, "10.1.2.3/16");
	prefix_parse(&r, "10.20.0.0/24");
	struct sel s = { .local = l, .remote = r };
	policy_build_set(&m, &s, POLICY_OUT, 7, false, &out);
	const struct xfrm_userpolicy_info *p = nlm_fixed(&m.head, sizeof *p);
	attrs_read(&a, &m.head, sizeof *p);
	ck_assert_uint_eq(m.head.nlmsg_type, XFRM_MSG_UPDPOLICY);
	ck_assert_uint_eq(p->dir, XFRM_POLICY_OUT);
	ck_assert_uint_eq(p->action, XFRM_POLICY_ALLOW);
	ck_assert_uint_eq(ntohl(p->sel.saddr.a4), 0x0a010000);
	ck_assert_uint_eq(p->sel.prefixlen_s, 16);
	ck_assert_uint_eq(ntohl(p->sel.daddr.a4), 0x0a140000);
	const struct xfrm_user_tmpl *t = attr_data(&a, XFRMA_TMPL, sizeof *t);
	ck_assert_uint_eq(ntohl(t->id.spi), 0xabcdef01);
	ck_assert_uint_eq(t->reqid, 0x53320007);
	ck_assert_mem_eq(&t->id.daddr, out.remote.ip, 4);
	ck_assert_mem_eq(&t->saddr, out.local.ip, 4);
	/* no child: nothing leaves */
	policy_build_set(&m, &s, POLICY_OUT, 7, false, &nowhere);
	p = nlm_fixed(&m.head, sizeof *p);
	attrs_read(&a, &m.head, sizeof *p);
	ck_assert_uint_eq(p->action, XFRM_POLICY_BLOCK);
	ck_assert_ptr_null(a.v[XFRMA_TMPL]);
	ck_assert_uint_eq(attr_u32(&a, XFRMA_IF_ID, 0), 0x53320007);
}
END_TEST

/* Inbound policies always demand IPsec of this tunnel, whatever its addresses. */
START_TEST(policy_in_and_back)
{
	static const enum policy_dir dirs[] = { POLICY_IN, POLICY_FWD, POLICY_OUT };
	struct outward out = { .spi = 300, .local = ip("2001:db8::1", 0), .remote = ip("2001:db8::2", 0) };
	struct sel s = {
		.protocol = IPPROTO_TCP, .local_port = 80, .local_mask = 0xffff, .remote_port = 1024, .remote_mask = 0xfc00
	};
	prefix_parse(&s.local, "fd00:1::/64");
	prefix_parse(&s.remote, "fd00:2::/48");
	for (unsigned i = 0; i < 3; i++)
		for (unsigned vti = 0; vti < 2; vti++) {
			struct policy_seen seen;
			struct attrs a;
			policy_build_set(&m, &s, dirs[i], 9, vti, dirs[i] == POLICY_OUT ? &out : NULL);
			ck_assert(policy_read(&seen, &m.head));
			ck_assert_uint_eq(seen.tunnel, 9);
			ck_assert_int_eq(seen.dir, dirs[i]);
			ck_assert_int_eq(seen.vti, vti);
			ck_assert(sel_equal(&seen.sel, &s));
			attrs_read(&a, &m.head, sizeof(struct xfrm_userpolicy_info));
			const struct xfrm_user_tmpl *t = attr_data(&a, XFRMA_TMPL, sizeof *t);
			ck_assert_ptr_nonnull(t);
			ck_assert_uint_eq(t->optional, 0);
			ck_assert_uint_eq(t->reqid, 0x53320009);
			if (dirs[i] != POLICY_OUT)
				ck_assert_uint_eq(t->id.spi, 0);
		}
}
END_TEST

/* Every address of the range is in exactly one prefix, nothing else is. */
START_TEST(range_is_cut)
{
	struct ts_list l = one(range("10.0.0.5", "10.0.1.130", 0, 0, 65535)),
		       r = one(range("0.0.0.0", "255.255.255.255", 0, 0, 65535));
	struct sel_list list;
	ck_assert_int_eq(sel_list_from(&list, &l, &r), 0);
	for (unsigned n = 0; n < 1024; n++) {
		struct addr a = ip("10.0.0.0", 0);
		unsigned hits = 0;
		a.ip[2] = (uint8_t)(n >> 8);
		a.ip[3] = (uint8_t)n;
		for (unsigned i = 0; i < list.n; i++)
			hits += prefix_contains(&list.v[i].local, &a);
		ck_assert_uint_eq(hits, n >= 5 && n <= 256 + 130);
	}
	for (unsigned i = 0; i < list.n; i++)
		ck_assert_uint_eq(list.v[i].remote.len, 0);
	sel_list_free(&list);
}
END_TEST

START_TEST(ports_are_cut)
{
	struct ts_list l = one(range("10.0.0.0", "10.0.0.255", IPPROTO_UDP, 1000, 2999)),
		       r = one(range("10.9.0.0", "10.9.255.255", 0, 0, 65535));
	struct sel_list list;
	ck_assert_int_eq(sel_list_from(&list, &l, &r), 0);
	for (unsigned port = 0; port < 65536; port++) {
		unsigned hits = 0;
		for (unsigned i = 0; i < list.n; i++)
			hits += (port & list.v[i].local_mask) == list.v[i].local_port;
		ck_assert_uint_eq(hits, port >= 1000 && port <= 2999);
	}
	for (unsigned i = 0; i < list.n; i++) {
		ck_assert_uint_eq(list.v[i].protocol, IPPROTO_UDP);
		ck_assert_uint_eq(list.v[i].remote_mask, 0);
	}
	sel_list_free(&list);
}
END_TEST

START_TEST(selectors_edges)
{
	struct ts_list all = { .n = 2,
		.v = { range("0.0.0.0", "255.255.255.255", 0, 0, 65535),
			range("::", "ffff:ffff:ffff:ffff:ffff:ffff:ffff:ffff", 0, 0, 65535) } };
	struct sel_list list;
	ck_assert_int_eq(sel_list_from(&list, &all, &all), 0);
	ck_assert_uint_eq(list.n, 2); /* families do not mix */
	sel_list_free(&list);
	/* the worst range of IPv6 is cut into 254 prefixes, two of them make too many pairs */
	struct ts_list worst = one(range("::1", "ffff:ffff:ffff:ffff:ffff:ffff:ffff:fffe", 0, 0, 65535));
	ck_assert_int_eq(sel_list_from(&list, &worst, &all), 0);
	ck_assert_uint_eq(list.n, 254);
	sel_list_free(&list);
	ck_assert_int_eq(sel_list_from(&list, &worst, &worst), -E2BIG);
	ck_assert_ptr_null(list.v);
	struct ts_list icmp = one(range("0.0.0.0", "255.255.255.255", IPPROTO_ICMP, 0x0800, 0x08ff)),
		       opaque = one(range("10.0.0.0", "10.0.0.255", IPPROTO_UDP, 65535, 0));
	ck_assert_int_eq(sel_list_from(&list, &icmp, &all), -EOPNOTSUPP);
	ck_assert_int_eq(sel_list_from(&list, &opaque, &all), -EOPNOTSUPP);
}
END_TEST

START_TEST(migrate)
{
	struct sel s = { 0 };
	struct attrs a;
	prefix_parse(&s.local, "0.0.0.0/0");
	prefix_parse(&s.remote, "0.0.0.0/0");
	struct esp_move move = { .tunnel = 7,
		.old_local = ip("198.51.100.7", 0),
		.old_remote = ip("203.0.113.10", 0),
		.new_local = ip("198.51.100.8", 0),
		.new_remote = ip("203.0.113.11", 0) };
	policy_build_migrate(&m, &s, &move);
	attrs_read(&a, &m.head, sizeof(struct xfrm_userpolicy_id));
	const struct xfrm_user_migrate *g = attr_data(&a, XFRMA_MIGRATE, 2 * sizeof *g);
	ck_assert_ptr_nonnull(g);
	ck_assert_mem_eq(&g[0].old_daddr, move.old_remote.ip, 4);
	ck_assert_mem_eq(&g[0].new_saddr, move.new_local.ip, 4);
	ck_assert_mem_eq(&g[1].old_daddr, move.old_local.ip, 4);
	ck_assert_mem_eq(&g[1].new_daddr, move.new_local.ip, 4);
	ck_assert_uint_eq(g[0].reqid, 0x53320007);
	ck_assert_uint_eq(attr_u32(&a, XFRMA_IF_ID, 0), 0x53320007);
}
END_TEST

START_TEST(messages_are_bounded)
{
	static uint8_t lump[4096];
	nlm_begin(&m, 16, 0, 8);
	for (unsigned i = 0; i < 3; i++)
		nlm_put(&m, 1, lump, sizeof lump);
	ck_assert(!m.bad);
	nlm_put(&m, 1, lump, sizeof lump);
	ck_assert(m.bad);
	ck_assert_uint_le(m.head.nlmsg_len, NLM_MAX);
	nlm_put_u8(&m, 1, 1); /* once bad, always bad */
	ck_assert(m.bad);
	ck_assert_ptr_null(nlm_nest(&m, 2));
	nlm_nest_end(&m, NULL);
	nlm_begin(&m, 16, 0, 8);
	ck_assert(!m.bad);
}
END_TEST

int main(void)
{
	const char *why;
	if (!alg_init(&why))
		return EXIT_FAILURE;
	TCase *t = tcase_create("xfrm");
	tcase_add_test(t, sa_in_gcm_udp);
	tcase_add_test(t, sa_out_cbc_vti);
	tcase_add_test(t, sa_esn_and_windows);
	tcase_add_test(t, sa_refused);
	tcase_add_test(t, sa_read_back);
	tcase_add_test(t, sa_ports);
	tcase_add_test(t, outer_header);
	tcase_add_test(t, sa_direction);
	tcase_add_test(t, sa_keepalive);
	tcase_add_test(t, probe_is_harmless);
	tcase_add_test(t, sa_ports_keep_the_mark);
	tcase_add_test(t, policy_out);
	tcase_add_test(t, policy_in_and_back);
	tcase_add_test(t, range_is_cut);
	tcase_add_test(t, ports_are_cut);
	tcase_add_test(t, selectors_edges);
	tcase_add_test(t, migrate);
	tcase_add_test(t, messages_are_bounded);
	return unit_run_case("xfrm", t);
}
