/*
 * grant.c - see grant.h. The bytes come from a process that reads hostile packets: a bool may hold any byte, a length any number.
 */
#include "grant.h"

#include <string.h>

#include "wire/ikev2.h"

#define SPI_RESERVED 255 /* RFC 4303 2.1: 1-255 are reserved, 0 is for local use */
#define REPLAY_WINDOW_MAX 4096
#define ID_BODY_HEAD 4 /* RFC 7296 3.5: type and three reserved octets */

const char *grant_word(enum grant c)
{
	switch (c) {
	case GRANT_OK: return "granted";
	case GRANT_GONE: return "tunnel is not configured";
	case GRANT_ADDRESS: return "the peer cannot have this address";
	case GRANT_DENIED: return "does not belong to the tunnel";
	case GRANT_BROKEN: return "malformed";
	}
	return "?";
}

/* A bool that came as a byte: reading it as bool would be undefined for anything but 0 and 1. */
static bool is_bool(const bool *b)
{
	uint8_t byte;
	memcpy(&byte, b, 1);
	return byte <= 1;
}

static bool is_addr(const struct addr *a) { return a->family == AF_INET || a->family == AF_INET6; }

static bool is_pair(const struct addr *a, const struct addr *b)
{
	return is_addr(a) && a->family == b->family && !addr_is_any(a) && !addr_is_any(b);
}

/* What the configuration says of the outside addresses; what it leaves open is left to the engine. */
static bool is_ours(const struct tunnel_conf *t, const struct addr *local, const struct addr *remote)
{
	if (t->local.family != 0 && !addr_same_ip(&t->local, local))
		return false;
	return t->remote.family == 0 || addr_same_ip(&t->remote, remote);
}

enum grant grant_peer(const struct conf *c, const struct tunnel_conf *t, const struct addr *peer, char why[CONF_PEER_WHY])
{
	return conf_peer_permitted(c, t, peer, why) ? GRANT_OK : GRANT_ADDRESS;
}

static bool is_suite(const struct suite *s)
{
	const struct alg *encr = alg_find(TRANSFORM_ENCR, s->encr, s->keylen);
	if (s->protocol != PROTOCOL_ESP || encr == NULL || encr->kernel == NULL || s->esn > 1)
		return false;
	if (encr->aead)
		return s->integ == INTEG_NONE;
	const struct alg *integ = alg_find(TRANSFORM_INTEG, s->integ, 0);
	return integ != NULL && integ->kernel != NULL;
}

static bool keys_fit(const struct esp_sa *sa)
{
	const struct alg *encr = alg_find(TRANSFORM_ENCR, sa->suite.encr, sa->suite.keylen);
	const struct alg *integ = encr->aead ? NULL : alg_find(TRANSFORM_INTEG, sa->suite.integ, 0);
	return sa->encr_key.len == encr->key_bytes + encr->salt_bytes &&
	       sa->integ_key.len == (integ != NULL ? integ->key_bytes : 0);
}

enum grant grant_install(const struct tunnel_conf *t, const struct esp_sa *sa)
{
	if (sa->dir > ESP_OUT || !is_bool(&sa->encap) || sa->spi <= SPI_RESERVED || sa->replay_window > REPLAY_WINDOW_MAX)
		return GRANT_BROKEN;
	if (sa->keepalive > ESP_KEEPALIVE_MAX || (sa->keepalive != 0 && (sa->dir != ESP_OUT || sa->encap != true)))
		return GRANT_BROKEN;
	if (sa->df > DF_SET || !is_bool(&sa->dscp_fixed) || sa->dscp > ESP_DSCP_MAX)
		return GRANT_BROKEN;
	if (!is_pair(&sa->local, &sa->remote) || (sa->encap && (sa->local.port == 0 || sa->remote.port == 0)))
		return GRANT_BROKEN;
	if (!is_suite(&sa->suite) || !keys_fit(sa))
		return GRANT_BROKEN;
	if (t == NULL)
		return GRANT_GONE;
	return is_ours(t, &sa->local, &sa->remote) ? GRANT_OK : GRANT_DENIED;
}

static bool are_selectors(const struct ts *v, unsigned n)
{
	for (unsigned i = 0; i < n; i++) {
		const struct ts *ts = &v[i];
		if (!is_addr(&ts->lo) || ts->lo.family != ts->hi.family || addr_compare_ip(&ts->lo, &ts->hi) > 0)
			return false;
	}
	return true;
}

bool switch_has_ends(const struct esp_switch *s)
{
	return s->spi_out != 0 || (s->n_local > 0 && s->n_remote > 0 && s->remote.family != 0);
}

enum grant grant_switch(const struct tunnel_conf *t, const struct esp_switch *s, size_t size)
{
	struct ts_list here, there;
	bool whole = s->n_local <= TS_LIST_MAX && s->n_remote <= TS_LIST_MAX && size == esp_switch_size(s);
	if (s->slot == 0 || s->slot > ESP_SLOTS_MAX)
		return GRANT_BROKEN;
	if (!whole || !are_selectors(s->ts, s->n_local + (unsigned)s->n_remote))
		return GRANT_BROKEN;
	if (s->spi_out != 0 && s->spi_out <= SPI_RESERVED)
		return GRANT_BROKEN;
	if (switch_has_ends(s) && !is_pair(&s->local, &s->remote))
		return GRANT_BROKEN;
	if (t == NULL)
		return GRANT_GONE;
	/* The selectors open the way in also when nothing may leave. */
	esp_switch_get(s, &here, &there);
	bool inside = ts_list_contains(t->local_ts, &here) && ts_list_contains(t->remote_ts, &there);
	return inside && (!switch_has_ends(s) || is_ours(t, &s->local, &s->remote)) ? GRANT_OK : GRANT_DENIED;
}

/* Malformed before all else, then the first that is refused. */
static enum grant both(enum grant a, enum grant b)
{
	return a == GRANT_BROKEN || b == GRANT_BROKEN ? GRANT_BROKEN : a != GRANT_OK ? a : b;
}

enum grant grant_pair(const struct tunnel_conf *t, const struct esp_pair *sas)
{
	if (sas->out.dir != ESP_OUT || sas->in.dir != ESP_IN || sas->out.tunnel != sas->in.tunnel)
		return GRANT_BROKEN;
	return both(grant_install(t, &sas->out), grant_install(t, &sas->in));
}

enum grant grant_first(const struct tunnel_conf *t, const struct esp_pair *sas, const struct esp_switch *s, size_t size,
	const struct esp_link_state *link)
{
	uint32_t tunnel = sas->out.tunnel;
	if (s->tunnel != tunnel || s->spi_out != sas->out.spi || link->tunnel != tunnel || link->state != LINK_UP)
		return GRANT_BROKEN;
	return both(grant_switch(t, s, size), grant_link(t, link));
}

enum grant grant_remove(const struct tunnel_conf *t, const struct esp_remove *r)
{
	if (r->dir > ESP_OUT || r->spi == 0 || !is_pair(&r->local, &r->remote))
		return GRANT_BROKEN;
	return t == NULL ? GRANT_GONE : GRANT_OK;
}

enum grant grant_move(const struct tunnel_conf *t, const struct esp_move *m)
{
	/* One of the pair may be gone, and the engine knows. */
	if (!is_bool(&m->encap) || (m->spi_in == 0 && m->spi_out == 0))
		return GRANT_BROKEN;
	if (!is_pair(&m->old_local, &m->old_remote) || !is_pair(&m->new_local, &m->new_remote))
		return GRANT_BROKEN;
	if (m->encap && (m->new_local.port == 0 || m->new_remote.port == 0))
		return GRANT_BROKEN;
	if (t == NULL)
		return GRANT_GONE;
	return is_ours(t, &m->new_local, &m->new_remote) ? GRANT_OK : GRANT_DENIED;
}

enum grant grant_link(const struct tunnel_conf *t, const struct esp_link_state *s)
{
	if (s->state > LINK_UP || !is_bool(&s->encap))
		return GRANT_BROKEN;
	if (s->state == LINK_UP && (!is_pair(&s->local, &s->remote) || !is_suite(&s->suite)))
		return GRANT_BROKEN;
	if (t == NULL)
		return GRANT_GONE;
	/* With `up` goes a host route outside the tunnels: to the peer, not to whom the engine may wish. */
	return s->state != LINK_UP || is_ours(t, &s->local, &s->remote) ? GRANT_OK : GRANT_DENIED;
}

enum grant grant_resolve(const struct tunnel_conf *t, const struct msg_resolve *r)
{
	if (memchr(r->name, 0, sizeof r->name) == NULL)
		return GRANT_BROKEN;
	if ((r->remote.family != 0 && !is_addr(&r->remote)) || (r->local.family != 0 && !is_addr(&r->local)))
		return GRANT_BROKEN;
	if (r->name[0] == 0 && r->remote.family == 0)
		return GRANT_BROKEN;
	if (t == NULL)
		return GRANT_GONE;
	/* Names leave this machine in clear: only the one the operator wrote is looked up. */
	if (r->name[0] != 0 && (t->remote_name == NULL || strcmp(t->remote_name, r->name) != 0))
		return GRANT_DENIED;
	return GRANT_OK;
}

static bool sizes_fit(struct bytes message, struct bytes nonce)
{
	return message.n <= IKE_MESSAGE_MAX && nonce.n >= IKE_NONCE_MIN && nonce.n <= IKE_NONCE_MAX;
}

/* An initiator makes its AUTH first, and what a certificate's key signs is asked for when the peer is proven. */
static bool own_part_fits(const struct auth_request *r)
{
	if (!r->head.answer)
		return r->own.message.n == 0 && r->own.nonce.n == 0 && r->own.sk_p.n == 0;
	return r->head.verify && !r->head.initiator && is_addr(&r->head.local) && sizes_fit(r->own.message, r->own.nonce);
}

bool auth_request_parse(struct auth_request *r, struct bytes body)
{
	*r = (struct auth_request){ 0 };
	if (body.n < sizeof r->head)
		return false;
	memcpy(&r->head, body.p, sizeof r->head);
	struct cursor c = cursor_of(body.p + sizeof r->head, body.n - sizeof r->head);
	r->message = get_view(&c, r->head.message_len);
	r->nonce = get_view(&c, r->head.nonce_len);
	r->sk_p = get_view(&c, r->head.sk_p_len);
	r->peer_id = get_view(&c, r->head.peer_id_len);
	r->auth = get_view(&c, r->head.auth_len);
	r->own.message = get_view(&c, r->head.own_message_len);
	r->own.nonce = get_view(&c, r->head.own_nonce_len);
	r->own.sk_p = get_view(&c, r->head.own_sk_p_len);
	if (c.bad || cursor_left(&c) != 0 || r->head.verify > 1 || r->head.initiator > 1 || r->head.by_cert > 1 ||
		r->head.answer > 1 || (r->head.by_cert && r->head.verify))
		return false;
	if (!sizes_fit(r->message, r->nonce) || r->auth.n > PRF_MAX || !own_part_fits(r))
		return false;
	return r->head.verify == 1 ? r->peer_id.n >= ID_BODY_HEAD
				   : r->peer_id.n == 0 && r->auth.n == 0 && is_addr(&r->head.local);
}

/*
 * The header of the IKE_SA_INIT that this role sends (RFC 7296 3.1): whoever asks for AUTH over anything else, say over what the other end sent, is
 * after an AUTH that is good at the other end. The bits beside the two flags are ignored, as everywhere.
 */
static bool is_first_message(struct bytes message, bool by_initiator)
{
	struct cursor c = cursor_over(message);
	uint64_t spi_i = get_u64(&c), spi_r = get_u64(&c);
	get_u8(&c); /* the first payload */
	uint8_t version = get_u8(&c), exchange = get_u8(&c), flags = get_u8(&c) & (IKE_FLAG_INITIATOR | IKE_FLAG_RESPONSE);
	uint32_t message_id = get_u32(&c), length = get_u32(&c);
	if (c.bad || version >> 4 != 2 || exchange != EXCHANGE_IKE_SA_INIT || message_id != 0 || length != message.n ||
		spi_i == 0)
		return false;
	return by_initiator ? flags == IKE_FLAG_INITIATOR && spi_r == 0 : flags == IKE_FLAG_RESPONSE && spi_r != 0;
}

/* Without an identity in the configuration an end is named by its outside address: that one, or any while DNS or the route decides. */
static bool id_belongs(const struct ident *configured, const struct addr *outside, const struct ident *id)
{
	if (configured->type != 0)
		return ident_equal(configured, id);
	size_t size = id->type == ID_IPV4_ADDR ? 4 : id->type == ID_IPV6_ADDR ? 16 : 0;
	if (size == 0 || id->len != size)
		return false;
	return outside->family == 0 || bytes_equal(addr_bytes(outside), bytes_of(id->data, id->len));
}

struct ident grant_own_identity(const struct tunnel_conf *t, const struct addr *local)
{
	if (t->local_id.type != 0)
		return t->local_id;
	struct bytes ip = addr_bytes(t->local.family != 0 ? &t->local : local);
	return (struct ident){ ip.n == 4 ? ID_IPV4_ADDR : ID_IPV6_ADDR, (uint16_t)ip.n, (uint8_t *)(uintptr_t)ip.p };
}

bool grant_auth_stale(const struct tunnel_conf *t, const struct auth_request *r)
{
	return r->head.by_cert && r->head.leaf != cert_conf_leaf(&t->cert);
}

enum grant grant_auth(const struct tunnel_conf *t, const struct auth_request *r)
{
	bool ours = r->head.verify == 0, answer = r->head.answer != 0;
	size_t size = prf_size(r->head.prf);
	if (alg_find(TRANSFORM_PRF, r->head.prf, 0) == NULL || r->sk_p.n != size || (answer && r->own.sk_p.n != size))
		return GRANT_BROKEN;
	if (t == NULL || t->cert.set != (r->head.by_cert != 0) || (!t->cert.set && t->psk == NULL))
		return GRANT_GONE;
	/* Not broken: what a stranger may write into the header must not end the engine. */
	if (!is_first_message(r->message, ours == (r->head.initiator != 0)) ||
		(answer && !is_first_message(r->own.message, false)))
		return GRANT_DENIED;
	if (r->head.initiator && t->remote_any) /* nobody is there to initiate to */
		return GRANT_DENIED;
	if (ours && !r->head.initiator &&
		!t->cert.set) /* the responder's comes with the verdict about the initiator's, or not at all */
		return GRANT_DENIED;
	bool from_here = t->local_id.type != 0 || t->local.family == 0 || addr_same_ip(&t->local, &r->head.local);
	if ((ours || answer) && !from_here)
		return GRANT_DENIED;
	if (ours)
		return GRANT_OK;
	/* An ident owns its bytes elsewhere; here it only looks at them. */
	struct ident peer = { r->peer_id.p[0], (uint16_t)(r->peer_id.n - ID_BODY_HEAD),
		(uint8_t *)(uintptr_t)r->peer_id.p + ID_BODY_HEAD };
	return id_belongs(&t->remote_id, &t->remote, &peer) ? GRANT_OK : GRANT_DENIED;
}
