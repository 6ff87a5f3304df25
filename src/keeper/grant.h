/*
 * grant.h - may the engine ask this? Pure judgement of requests against the configuration; the keeper acts only on GRANT_OK.
 */
#ifndef KEEPER_GRANT_H
#define KEEPER_GRANT_H

#include "ipc/msg.h"

enum grant {
	GRANT_OK,
	GRANT_GONE,    /* the tunnel is not configured any more: an honest race with a reload */
	GRANT_ADDRESS, /* not with this address of the peer, and that was told */
	GRANT_DENIED,  /* well-formed, but not this tunnel's: refused, and said in the log */
	GRANT_BROKEN,  /* no honest engine sends this: the engine is ended */
};
const char *grant_word(enum grant c);

/* GRANT_OK or GRANT_ADDRESS with a sentence: may the kernel be told to send t's packets to this peer? */
enum grant grant_peer(const struct conf *c, const struct tunnel_conf *t, const struct addr *peer, char why[CONF_PEER_WHY]);

/* t: the tunnel the request names, NULL when there is none of that id. */
enum grant grant_install(const struct tunnel_conf *t, const struct esp_sa *sa);
enum grant grant_pair(const struct tunnel_conf *t, const struct esp_pair *sas);
/* What goes with the first pair of a tunnel: of the same tunnel, to its outbound SA, and the interface up. */
enum grant grant_first(const struct tunnel_conf *t, const struct esp_pair *sas, const struct esp_switch *s, size_t size,
	const struct esp_link_state *link);
enum grant grant_switch(const struct tunnel_conf *t, const struct esp_switch *s, size_t size);
bool switch_has_ends(const struct esp_switch *s); /* its addresses count: of an SA, or of one that is asked for */
enum grant grant_remove(const struct tunnel_conf *t, const struct esp_remove *r);
enum grant grant_move(const struct tunnel_conf *t, const struct esp_move *m);
enum grant grant_link(const struct tunnel_conf *t, const struct esp_link_state *s);
enum grant grant_resolve(const struct tunnel_conf *t, const struct msg_resolve *r);

struct auth_request { /* a msg_auth taken apart: views into the message */
	struct msg_auth head;
	struct bytes message, nonce, sk_p, peer_id, auth;
	struct {
		struct bytes message, nonce, sk_p;
	} own; /* with head.answer */
};
bool auth_request_parse(struct auth_request *r, struct bytes body);
/* The request is for a certificate that a reload has replaced here, or will replace there: what would be signed is no proof with the chain that goes with it. */
bool grant_auth_stale(const struct tunnel_conf *t, const struct auth_request *r);
/* Our own AUTH is made over our own IKE_SA_INIT in our own role, the peer's checked over the peer's. */
enum grant grant_auth(const struct tunnel_conf *t, const struct auth_request *r);
/* Who we are to this peer: by the configuration, or else by our outside address, which is the configured one or, where the route decides, `local`.
 * Its data are the arguments'. */
struct ident grant_own_identity(const struct tunnel_conf *t, const struct addr *local);

#endif
