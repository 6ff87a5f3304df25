/*
 * fuzz_keeper.c - what a captured engine may ask of the keeper. Input: kind, whose tunnel, then changes to an honest request (place, octet).
 * What is granted must be within the tunnel's configuration and sound enough to be handed to the kernel.
 */
#include <stdlib.h>
#include <string.h>

#include "check/check.h"
#include "keeper/grant.h"
#include "wire/ikev2.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static void must(bool holds)
{
	if (!holds)
		abort();
}

static struct conf *conf; /* for as long as we run */

static struct tunnel_conf *tunnel_made(void)
{
	static const char text[] =
		"tunnels:\n  t:\n    remote: 203.0.113.10\n    local: 198.51.100.7\n    psk: a.secret.that.both.ends.have\n"
		"    local-ts: 10.0.0.0/8\n    remote-ts: 0.0.0.0/0\n    remote-id: fqdn:peer.example\n";
	struct conf_text file = { .file = "fuzz.yaml", .text = text, .len = sizeof text - 1, .private_mode = true };
	struct findings faults;
	conf = conf_load(&file, 1, NULL, NULL, &faults);
	must(conf != NULL);
	findings_release(&faults);
	conf_adopt(conf, NULL);
	return conf->tunnels[0];
}

static struct ts_list net(const char *text)
{
	struct prefix p;
	must(prefix_parse(&p, text));
	struct ts_list l = { .n = 1 };
	l.v[0] = ts_from_prefix(&p);
	return l;
}

static void edit(void *body, size_t n, struct cursor *c)
{
	while (cursor_left(c) >= 3) {
		size_t at = get_u16(c) % n;
		((uint8_t *)body)[at] = get_u8(c);
	}
}

static void outside(const struct tunnel_conf *t, const struct addr *local, const struct addr *remote)
{
	must(addr_same_ip(&t->local, local) && addr_same_ip(&t->remote, remote));
}

static void inside(const struct ts_list *mine, const struct ts_list *theirs) { must(ts_list_contains(mine, theirs)); }

static void put_header(struct buf *b, bool by_initiator, uint32_t size)
{
	put_u64(b, 1);
	put_u64(b, by_initiator ? 0 : 1);
	put_u32(b, (uint32_t)(0x20 << 16 | EXCHANGE_IKE_SA_INIT << 8 | (by_initiator ? IKE_FLAG_INITIATOR : IKE_FLAG_RESPONSE)));
	put_u32(b, 0);
	put_u32(b, size);
}

/* An honest question, in either role, to sign or to check, or a responder's to check and then to sign. */
static size_t auth_asked(uint8_t *body, size_t size, uint8_t how)
{
	static const char peer[] = "peer.example";
	struct msg_auth h;
	memset(&h, 0, sizeof h);
	h.prf = PRF_HMAC_SHA2_256;
	h.verify = how & 1;
	h.initiator = how >> 1 & 1;
	h.answer = h.verify && !h.initiator && (how & 4);
	must(addr_parse(&h.local, "198.51.100.7"));
	h.message_len = IKE_HEADER_LEN + 8;
	h.nonce_len = IKE_NONCE_MIN;
	h.sk_p_len = 32;
	h.peer_id_len = h.verify ? 4 + sizeof peer - 1 : 0;
	h.auth_len = h.verify ? 32 : 0;
	h.own_message_len = h.answer ? IKE_HEADER_LEN : 0;
	h.own_nonce_len = h.answer ? IKE_NONCE_MIN : 0;
	h.own_sk_p_len = h.answer ? 32 : 0;
	bool by_initiator = h.verify != h.initiator;
	struct buf b = buf_of(body, size);
	put_bytes(&b, &h, sizeof h);
	put_header(&b, by_initiator, h.message_len);
	put_space(&b, 8 + IKE_NONCE_MIN + 32);
	put_u32(&b, (uint32_t)(h.verify ? ID_FQDN << 24 : 0));
	if (h.verify)
		put_bytes(&b, peer, sizeof peer - 1);
	else
		b.len -= 4;
	put_space(&b, h.auth_len);
	if (h.answer) {
		put_header(&b, false, h.own_message_len);
		put_space(&b, IKE_NONCE_MIN + 32);
	}
	must(!b.bad);
	return b.len;
}

static void auth(const struct tunnel_conf *t, struct cursor *c)
{
	struct auth_request r;
	uint8_t body[512];
	size_t n = auth_asked(body, sizeof body, get_u8(c));
	if (cursor_left(c) == 0) {
		/* A responder signs with a pre-shared key only what was asked for together with the verdict. */
		must(auth_request_parse(&r, bytes_of(body, n)));
		must(grant_auth(t, &r) == (r.head.verify || r.head.initiator ? GRANT_OK : GRANT_DENIED));
		return;
	}
	edit(body, n, c);
	if (!auth_request_parse(&r, bytes_of(body, n)) || grant_auth(t, &r) != GRANT_OK)
		return;
	must(r.message.n >= IKE_HEADER_LEN && r.message.p >= body && r.message.p + r.message.n <= body + n &&
		r.auth.n <= PRF_MAX);
	must(r.message.p[18] == EXCHANGE_IKE_SA_INIT && r.sk_p.n == prf_size(r.head.prf) && r.nonce.n >= IKE_NONCE_MIN);
	bool by_initiator = r.head.verify != r.head.initiator;
	must((r.message.p[19] & 0x28) == (by_initiator ? IKE_FLAG_INITIATOR : IKE_FLAG_RESPONSE));
	must(r.head.verify ? r.peer_id.n == 4u + t->remote_id.len && r.peer_id.p[0] == t->remote_id.type
			   : addr_same_ip(&r.head.local, &t->local));
}

/* The first child of a tunnel: its SAs, the switch to it and the interface, one octet says of which the next ones change something. */
static void first(
	const struct tunnel_conf *t, struct esp_pair *pair, struct esp_switch *to, struct esp_link_state *link, struct cursor *c)
{
	switch (get_u8(c) % 3) {
	case 0: edit(pair, sizeof *pair, c); break;
	case 1: edit(to, sizeof *to, c); break;
	default: edit(link, sizeof *link, c);
	}
	if (grant_first(t, pair, to, esp_switch_size(to), link) != GRANT_OK)
		return;
	must(to->spi_out == pair->out.spi && to->tunnel == pair->out.tunnel && link->tunnel == to->tunnel &&
		link->state == LINK_UP);
	outside(t, &to->local, &to->remote);
	outside(t, &link->local, &link->remote);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	static struct tunnel_conf *t;
	const char *why;
	struct cursor c = cursor_of(data, size);
	must(alg_init(&why));
	t = t ? t : tunnel_made();
	struct addr local = t->local, remote = t->remote;
	local.port = remote.port = IKE_NATT_PORT;
	struct suite suite = { PROTOCOL_ESP, ENCR_AES_CBC, 256, 0, INTEG_HMAC_SHA2_256_128, 0, 0 };
	struct esp_sa sa = { .tunnel = t->id,
		.dir = ESP_IN,
		.encap = true,
		.spi = 0xc0ffee01,
		.local = local,
		.remote = remote,
		.suite = suite,
		.replay_window = 1024,
		.encr_key = { .len = 32 },
		.integ_key = { .len = 32 } };
	struct ts_list here = net("10.1.0.0/16"), there = net("10.2.0.0/16");
	struct esp_switch to = { .tunnel = t->id, .slot = 1, .spi_out = 0xc0ffee02, .local = local, .remote = remote };
	esp_switch_put(&to, &here, &there);
	struct esp_move move = { t->id, 1000, 1001, true, local, remote, local, remote };
	struct esp_pair pair = { .out = sa, .in = sa };
	pair.out.dir = ESP_OUT;
	pair.out.spi = to.spi_out;
	struct esp_link_state link = { t->id, LINK_UP, true, suite, local, remote };
	struct esp_remove gone = { t->id, ESP_OUT, 1000, local, remote };
	struct msg_resolve name = { .tunnel = t->id, .remote = remote };
	switch (get_u8(&c) % 9) {
	case 0:
		edit(&sa, sizeof sa, &c);
		if (grant_install(t, &sa) == GRANT_OK) {
			outside(t, &sa.local, &sa.remote);
			must(sa.spi > 255 && sa.encr_key.len <= SECRET_MAX && sa.integ_key.len <= SECRET_MAX &&
				sa.encr_key.len >= 16);
		}
		break;
	case 1:
		edit(&to, sizeof to, &c);
		if (grant_switch(t, &to, esp_switch_size(&to)) == GRANT_OK) {
			must(to.slot >= 1 && to.slot <= ESP_SLOTS_MAX);
			if (switch_has_ends(&to))
				outside(t, &to.local, &to.remote);
			esp_switch_get(&to, &here, &there);
			inside(t->local_ts, &here);
			inside(t->remote_ts, &there);
		}
		break;
	case 2:
		edit(&move, sizeof move, &c);
		if (grant_move(t, &move) == GRANT_OK)
			outside(t, &move.new_local, &move.new_remote);
		break;
	case 3:
		edit(&link, sizeof link, &c);
		must(grant_link(t, &link) != GRANT_OK || link.state <= LINK_UP);
		break;
	case 4:
		edit(&gone, sizeof gone, &c);
		must(grant_remove(t, &gone) != GRANT_OK || (gone.dir <= ESP_OUT && gone.spi));
		break;
	case 5:
		edit(&name, sizeof name, &c);
		must(grant_resolve(t, &name) != GRANT_OK || !name.name[0]); /* this tunnel has no name to look up */
		break;
	case 6: auth(t, &c); break;
	case 7:
		edit(&pair, sizeof pair, &c);
		if (grant_pair(t, &pair) == GRANT_OK) {
			outside(t, &pair.out.local, &pair.out.remote);
			outside(t, &pair.in.local, &pair.in.remote);
			must(pair.out.dir == ESP_OUT && pair.in.dir == ESP_IN);
		}
		break;
	default: first(t, &pair, &to, &link, &c);
	}
	return 0;
}
