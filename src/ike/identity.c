/*
 * identity.c - who a tunnel's ends are: as configured, or by their outside addresses; which tunnel a peer means.
 */
#include <string.h>

#include "machine.h"

bool ident_is(const struct tunnel *t, const struct ident *theirs, const struct ident *expected)
{
	if (ident_equal(theirs, expected))
		return true;
	return t->conf->cert.set && theirs->type == ID_DER_ASN1_DN && expected->type == ID_DER_ASN1_DN &&
	       theirs->len <= CERT_NAME_MAX &&
	       cert_same_name(bytes_of(theirs->data, theirs->len), bytes_of(expected->data, expected->len));
}

const char *ident_words(const struct tunnel *t, const struct ident *id, char text[FACT_ITEM])
{
	bool name = t && t->conf->cert.set && id->type == ID_DER_ASN1_DN && id->len <= CERT_NAME_MAX;
	if (name && cert_name_format(bytes_of(id->data, id->len), text))
		return text;
	return ident_format(id, text, FACT_ITEM);
}

uint32_t ident_name(const struct ident *id)
{
	return id->type == ID_DER_ASN1_DN && id->len <= CERT_NAME_MAX ? cert_name_hash(bytes_of(id->data, id->len)) : 0;
}

bool ident_is_named(const struct tunnel *t, const struct ident *theirs, uint32_t name, const struct ident *expected)
{
	return ident_equal(theirs, expected) || (name && name == t->remote_name && ident_is(t, theirs, expected));
}

void add_ident(struct chain *c, uint8_t payload, const struct ident *id)
{
	struct payload p = { .type = payload };
	p.id.id_type = id->type;
	p.id.value = bytes_of(id->data, id->len);
	chain_add(c, &p);
}

struct ident ident_of(const struct payload *p)
{
	return (struct ident){
		.type = p->id.id_type, .len = (uint16_t)p->id.value.n, .data = (uint8_t *)(uintptr_t)p->id.value.p
	};
}

/* Of tunnels that fit: the one whose own name the peer asked for; then explicit remote before name before any; then explicit local. */
static unsigned fitness(const struct tunnel_conf *t, bool asked_for)
{
	unsigned there = t->remote_any ? 0 : t->remote_name ? 1 : 2;
	return 1 + (asked_for ? 8 : 0) + 2 * there + (t->local.family ? 1 : 0);
}

/*
 * One tunnel by identity; the suite of IKE_SA_INIT must be its own. Where several differ by our own name only, the peer's IDr
 * says which is meant (RFC 7296 1.2); one that fits none of ours is but a wish.
 */
static struct tunnel *choose(
	struct step *s, struct sa *sa, const struct ident *theirs, const struct payload *asked, bool *forbidden)
{
	struct tunnel *t = NULL, *best = NULL;
	struct ident local, remote, wish = asked ? ident_of(asked) : (struct ident){ 0 };
	unsigned most = 0;
	uint32_t name = s->ike->certificates ? ident_name(theirs)
					     : 0; /* read once: a stranger may have sent it, and tunnels are many */
	while ((t = tunnel_next_at(s->ike, t, &sa->core.local, &sa->core.remote))) {
		tunnel_identities(t, sa, &local, &remote);
		if (t->held || !ident_is_named(t, theirs, name, &remote) ||
			!suite_permitted(t->conf->ike, t->conf->n_ike, &sa->core.suite, false))
			continue;
		if (!path_permits(s, t, &sa->core.remote)) {
			*forbidden = true;
			continue;
		}
		unsigned fit = fitness(t->conf, asked && ident_is(t, &wish, &local));
		if (fit <= most)
			continue;
		most = fit;
		best = t;
	}
	return best;
}

/* Who names a peer's identity takes a place of that peer's only with its key: strangers would else keep it out, and its rekeys too. */
bool tunnel_is_full(const struct tunnel *t)
{
	unsigned n = 0;
	for (const struct sa *sa = t->sa_list; sa; sa = sa->tunnel_next)
		n += sa->state != SA_HALF_OPEN || sa->peer_id.type != 0;
	return n >= SAS_PER_TUNNEL_MAX;
}

bool tunnel_takes_peer(struct step *s, const struct sa *sa, struct tunnel *t)
{
	char from[ADDR_TEXT];
	if (!tunnel_is_full(t))
		return true;
	ike_report(s, FACT_PEER_REFUSED, BLAME_PEER, t, &sa->core.remote,
		"%s keeps initiating: it has %u IKE SAs already, no more are accepted", addr_port_format(&sa->core.remote, from),
		SAS_PER_TUNNEL_MAX);
	return false;
}

struct tunnel *tunnel_by_identity(struct step *s, struct sa *sa, const struct ident *theirs, const struct payload *asked)
{
	bool forbidden = false;
	struct tunnel *t = choose(s, sa, theirs, asked, &forbidden),
		      *near = tunnel_next_at(s->ike, NULL, &sa->core.local, &sa->core.remote);
	struct ident local, remote;
	char id[FACT_ITEM], want[FACT_ITEM] = "", from[ADDR_TEXT];
	if (t)
		return tunnel_takes_peer(s, sa, t) ? t : NULL;
	if (forbidden || (near && near->held))
		return NULL;
	if (near) {
		tunnel_identities(near, sa, &local, &remote);
		ident_words(near, &remote, want);
	}
	ike_report(s, FACT_ID_REFUSED, BLAME_PEER, near, &sa->core.remote,
		"%s identifies itself as %.79s, and no tunnel expects that: set remote-id",
		addr_port_format(&sa->core.remote, from), ident_words(near, theirs, id));
	ike_report_compared(s, near, PROTOCOL_NONE, NOTIFY_AUTHENTICATION_FAILED, want, id);
	return NULL;
}
