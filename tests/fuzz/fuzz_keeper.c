/*
 * fuzz_keeper.c - what a captured engine may ask of the keeper. Input: kind, whose tunnel, then changes to an honest request (place, octet); AUTH is free bytes.
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
		"tunnels:\n  t:\n    remote: 203.0.113.10\n    local: 198.51.100.7\n    psk: a.secret.of.both\n"
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

static void inside(const struct ts_list *mine, const struct ts_list *theirs)
{
	must(theirs->n <= TS_LIST_MAX && ts_list_contains(mine, theirs));
}

static void auth(const struct tunnel_conf *t, struct cursor *c)
{
	struct auth_request r;
	uint8_t body[4096];
	struct msg_auth *h = (struct msg_auth *)body;
	size_t n = cursor_left(c) < sizeof body ? cursor_left(c) : sizeof body;
	struct bytes raw = get_view(c, n);
	if (n)
		memcpy(body, raw.p, n);
	if (n > sizeof *h && (body[0] & 1)) { /* lengths that fit */
		size_t left = n - sizeof *h;
		h->local_len = (uint16_t)(left / 4);
		h->remote_len = (uint16_t)(left / 4);
		h->auth_len = 0;
		h->octets_len = (uint32_t)(left - 2 * (left / 4));
		h->verify = 0;
	}
	if (!auth_request_parse(&r, bytes_of(body, n)) || grant_auth(t, &r) != GRANT_OK)
		return;
	must(r.octets.n && r.octets.n <= JOB_OCTETS_MAX && r.auth.n <= PRF_MAX && r.octets.p >= body &&
		r.octets.p + r.octets.n <= body + n);
	must(r.head.verify ? ident_equal(&t->remote_id, &r.remote_id) : r.local_id.type == ID_IPV4_ADDR && r.local_id.len == 4);
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
	struct esp_sa sa = { t->id, ESP_IN, true, 0xc0ffee01, local, remote, suite, 1024, 0, 0, 0, { .len = 32 }, { .len = 32 } };
	struct esp_switch to = { t->id, 0xc0ffee02, local, remote, net("10.1.0.0/16"), net("10.2.0.0/16") };
	struct esp_move move = { t->id, 1000, 1001, true, local, remote, local, remote };
	struct esp_link_state link = { t->id, LINK_UP, true, suite, local, remote };
	struct esp_remove gone = { t->id, ESP_OUT, 1000, local, remote };
	struct msg_resolve name = { .tunnel = t->id, .remote = remote };
	switch (get_u8(&c) % 7) {
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
		if (grant_switch(t, &to) == GRANT_OK && to.spi_out) {
			outside(t, &to.local, &to.remote);
			inside(t->local_ts, &to.local_ts);
			inside(t->remote_ts, &to.remote_ts);
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
	default: auth(t, &c);
	}
	return 0;
}
