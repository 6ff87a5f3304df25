/*
 * certified.c - both ends prove themselves by certificates: in both roles, with each kind of key, with chains that need fragments; refusals by their
 * cause; certificates that expire while an SA lives.
 */
#include <stdio.h>
#include <string.h>

#include "certs.h"
#include "hostile.h"

static const char *const kinds[] = { "rsa", "p256", "p384", "ed25519" };

static void certify(struct world *w, int host, const char *kind, const char *variant)
{
	char name[64];
	char who = (char)(w->hosts[host].name + 32);
	set(w, host, "t", "psk", "");
	snprintf(name, sizeof name, "%c.%s.%s.cert", who, kind, variant);
	set(w, host, "t", "certificate", name);
	snprintf(name, sizeof name, "%c.%s.key", who, kind);
	set(w, host, "t", "private-key", name);
	set(w, host, "t", "ca", "ca.pem");
}

static void certified_pair(struct world *w, const struct params *p, const char *variant)
{
	pair(w);
	w->wall = CERTS_NOW;
	certify(w, A, kinds[p->seed % 4], variant);
	certify(w, B, kinds[p->seed / 4 % 4], variant);
	if (p->b_initiates) {
		set(w, A, "t", "start", "respond");
		set(w, B, "t", "start", "initiate");
	}
	if (p->both_initiate)
		set(w, B, "t", "start", "initiate");
}

static const struct cert_facts *peer_of(struct world *w, int host)
{
	struct tunnel_view v;
	return ike_view(w->hosts[host].ike, tunnel_id(w, host, "t"), &v) ? v.peer_cert : NULL;
}

static void certified(struct world *w, const struct params *p)
{
	certified_pair(w, p, p->variant ? p->variant : "plain");
	if (p->loss)
		w->weather = (struct weather){ .loss = 10, .duplicate = 5, .delay_min = 1, .delay_max = 50 };
	begin(w);
	await_up(w, p->loss ? MINUTE : 10 * SECOND);
	for (int i = 0; i < 2 && !w->failed; i++) {
		const struct cert_facts *peer = peer_of(w, i);
		expect(w, peer && strstr(peer->subject, i == A ? "CN=gateway b" : "CN=gateway a"),
			"the peer's certificate is known");
	}
	order(w, A, COMMAND_REKEY_IKE);
	world_run(w, 20 * SECOND);
	expect(w, w->failed || peer_of(w, A), "also after a rekey");
	order(w, B, COMMAND_REKEY);
	check_converged(w, true);
}

/* B does not say SIGNATURE_HASH_ALGORITHMS, as Azure does not: what is left is RSA with SHA-1, where that is allowed, and ECDSA by the curve. */
static void old_methods(struct world *w, const struct params *p)
{
	pair(w);
	w->wall = CERTS_NOW;
	for (int i = 0; i < 2; i++) {
		certify(w, i, p->differ ? "p384" : "rsa", "plain");
		set(w, i, "t", "allow-weak", p->disjoint || p->differ ? "" : "[sha1-auth]");
	}
	begin(w);
	w->meddled = true;
	w->hosts[B].ike->certificates = false;
	if (p->disjoint) {
		world_run(w, MINUTE);
		expect(w, never_up(w), "SHA-1 is not for everybody");
		expect(w, saw(w, A, FACT_NO_SIGNATURE, BLAME_PEER), "A says what is missing");
		return;
	}
	await_up(w, 10 * SECOND);
	struct tunnel_view v;
	expect(w,
		ike_view(w->hosts[A].ike, tunnel_id(w, A, "t"), &v) &&
			sign_scheme(v.our_scheme)->method == (p->differ ? AUTH_ECDSA_384 : AUTH_RSA_SIGNATURE),
		"A signs as B understands");
	check_converged(w, true);
}

/* What p->host shows is refused by the other end, whoever initiates, by its cause; with a good one the tunnel comes up. */
static void refused(struct world *w, const struct params *p)
{
	int judge = p->host == A ? B : A;
	const char *kind = kinds[p->seed % 4];
	certified_pair(w, p, "plain");
	certify(w, p->host, kind, p->variant);
	if (!strcmp(p->variant, "revoked")) {
		set(w, judge, "t", "crl", p->seed & 1 ? "crl.pem fresh" : "crl.pem require");
	}
	begin(w);
	world_run(w, 2 * MINUTE);
	expect(w, saw(w, judge, FACT_CERTIFICATE_REFUSED, BLAME_PEER), "it is refused, and the peer is blamed");
	expect(w, !saw(w, judge, FACT_UP, BLAME_NONE), "it opens nothing");
	const struct tunnel *t = w->failed ? NULL : tunnel_of(w, judge, "t");
	expect(w, t && t->last_error && t->last_error->ours[0], "the cause is told");
	bool foreign = !strcmp(p->variant, "foreign");
	expect(w, saw(w, p->host, foreign ? FACT_OTHER_CA : FACT_OUR_CERTIFICATE, BLAME_PEER),
		"who is refused knows whether by its CA");
	expect(w, !saw(w, p->host, foreign ? FACT_OUR_CERTIFICATE : FACT_OTHER_CA, BLAME_PEER), "and says nothing else");
	t = w->failed ? NULL : tunnel_of(w, p->host, "t");
	expect(w,
		!foreign || (t && t->last_error && !strcmp(t->last_error->theirs, "O=Example, CN=Test Root") &&
				    !strcmp(t->last_error->ours, "O=Example, CN=Other Root")),
		"both CAs are named");
	for (int i = 0; i < 2 && !w->failed; i++)
		expect(w, kernel_count(&w->hosts[i], tunnel_id(w, i, "t"), ESP_IN) == 0, "nothing stays in the kernel");
	certify(w, p->host, kind, "plain");
	host_load(w, p->host);
	w->excuse_until = w->now + 5 * SECOND;
	world_run(w, 3 * MINUTE);
	check_converged(w, true);
}

static bool adds_certificates(struct world *w, const struct packet *p)
{
	static struct inside m;
	static bool sending;
	if (sending || !packet_is(p, A, EXCHANGE_IKE_AUTH, false) || !hostile_open(w, p, &m))
		return false;
	for (unsigned i = 0; i < CERT_CHAIN_MAX; i++)
		inside_add(&m, PAYLOAD_CERT, "\4certificate", 12);
	sending = true;
	hostile_send(w, A, &m, 0, 0);
	sending = false;
	return true;
}

/* More certificates than a chain may have: not even looked at. */
static void too_many(struct world *w, const struct params *p)
{
	certified_pair(w, p, "plain");
	certify(w, A, "p256", "plain");
	w->filter = adds_certificates;
	begin(w);
	world_run(w, 20 * SECOND);
	const struct tunnel *t = w->failed ? NULL : tunnel_of(w, B, "t");
	expect(w,
		t && t->last_error && t->last_error->code == FACT_CERTIFICATE_REFUSED && !strcmp(t->last_error->ours, "too-many"),
		"they are refused for their number");
	expect(w, never_up(w), "nothing comes up");
}

/* One end has a certificate, the other a pre-shared key. */
static void other_kind(struct world *w, const struct params *p)
{
	certified_pair(w, p, "plain");
	set(w, p->host, "t", "certificate", "");
	set(w, p->host, "t", "private-key", "");
	set(w, p->host, "t", "ca", "");
	set(w, p->host, "t", "psk", "a.secret.of.one.end.only");
	begin(w);
	world_run(w, MINUTE);
	expect(w, never_up(w), "nothing comes up");
	/* Who has no certificate says nothing of signatures: with an RSA key there is none that it is known to understand. */
	bool unsigned_ = saw(w, A, FACT_NO_SIGNATURE, BLAME_PEER) || saw(w, B, FACT_NO_SIGNATURE, BLAME_PEER);
	bool said = true;
	for (int i = 0; i < 2; i++)
		said &= saw(w, i, FACT_AUTH_FAILED, BLAME_PEER) || saw(w, i, FACT_OUR_CERTIFICATE, BLAME_PEER);
	expect(w, unsigned_ || said, "both say why");
}

/* The CAs of the two ends are not the same, and neither has the other's: that is no reason to refuse anybody. */
static void two_cas(struct world *w, const struct params *p)
{
	certified_pair(w, p, "plain");
	certify(w, B, kinds[p->seed % 4], "foreign");
	set(w, A, "t", "ca", "other-ca.pem");
	if (p->disjoint) /* ... and whoever is refused for another reason cannot know whether it is that */
		set(w, p->host, "t", "local-id", "nobody.example");
	begin(w);
	if (!p->disjoint) {
		await_up(w, 10 * SECOND);
		check_converged(w, true);
		return;
	}
	world_run(w, MINUTE);
	const struct tunnel *t = w->failed ? NULL : tunnel_of(w, p->host, "t");
	expect(w, t && t->last_error && t->last_error->code == FACT_OUR_CERTIFICATE && strstr(t->last_error->theirs, "SHA-1"),
		"what the peer asks for is named, and nothing is concluded");
}

static bool eats_large(struct world *w, const struct packet *p)
{
	(void)w;
	return p->n + 28 > 1000 && packet_is(p, A, EXCHANGE_IKE_AUTH, false);
}

static bool eats_fragments(struct world *w, const struct packet *p)
{
	(void)w;
	return packet_is(p, A, EXCHANGE_IKE_AUTH, false);
}

/* IKE_AUTH does not get through: what is smaller than a packet is no reason to speak of its size. */
static void lost(struct world *w, const struct params *p)
{
	certified_pair(w, p, p->variant);
	w->filter = p->disjoint ? eats_fragments : eats_large;
	begin(w);
	if (!p->disjoint) { /* smaller ones are tried */
		await_up(w, MINUTE);
		return;
	}
	w->excuse_until = w->now + 5 * MINUTE;
	world_run(w, 4 * MINUTE);
	const struct tunnel *t = w->failed ? NULL : tunnel_of(w, A, "t");
	expect(w, t && t->last_error && t->last_error->code == FACT_NO_ANSWER, "nobody answers");
	unsigned octets = 0, pieces = 0, packet = 0;
	int got = t && t->last_error
			  ? sscanf(t->last_error->now, "%u octets in %u packets of up to %u", &octets, &pieces, &packet)
			  : 0;
	expect(w, got == 3 && octets > 1280 && pieces > 1 && packet >= 576, "size, pieces and packets are told");
}

static msec until_soon(const struct world *w) { return (msec)(CERTS_SOON - w->wall) * SECOND - w->now; }

/* The certificate of p->host expires in three hours; half an hour before, it has a new one. Before the end another IKE SA is made, and nothing is lost. */
static void renewed(struct world *w, const struct params *p)
{
	const char *kind = kinds[p->seed % 4];
	certified_pair(w, p, "plain");
	certify(w, p->host, kind, "soon");
	w->octets = 0;
	w->traffic_max = MINUTE;
	begin(w);
	await_up(w, 10 * SECOND);
	world_run(w, until_soon(w) - 30 * MINUTE);
	expect(w, saw(w, A, FACT_REAUTH, BLAME_NONE) || saw(w, B, FACT_REAUTH, BLAME_NONE),
		"an hour before the end another SA is made");
	certify(w, p->host, kind, "plain");
	host_load(w, p->host);
	world_run(w, 2 * 60 * MINUTE);
	check_converged(w, true);
	check_stayed_up(w);
}

/* Nobody renews it: the SA ends with the certificate, and no other is accepted. */
static void expires(struct world *w, const struct params *p)
{
	certified_pair(w, p, "plain");
	certify(w, p->host, kinds[p->seed % 4], "soon");
	w->traffic_max = MINUTE;
	begin(w);
	await_up(w, 10 * SECOND);
	order(w, A, COMMAND_REKEY_IKE); /* that changes nothing of it */
	world_run(w, until_soon(w) - MINUTE);
	for (int i = 0; i < 2 && !w->failed; i++)
		expect(w, tunnel_of(w, i, "t")->state == TUNNEL_UP, "it is up until then");
	w->excuse_until = w->now + 10 * MINUTE;
	world_run(w, 5 * MINUTE);
	for (int i = 0; i < 2 && !w->failed; i++)
		expect(w, tunnel_of(w, i, "t")->state != TUNNEL_UP, "and not longer");
	expect(w, saw(w, p->host == A ? B : A, FACT_CERTIFICATE_REFUSED, BLAME_PEER), "it is said why");
}

/* An IKE SA ends with the certificate of either end: A knows when its own does. */
static void own_expires(struct world *w, const struct params *p)
{
	certified_pair(w, p, "plain");
	certify(w, A, "p256", "soon");
	begin(w);
	await_up(w, 10 * SECOND);
	const struct sa *sa = w->failed ? NULL : live_sa(w->hosts[A].ike, tunnel_of(w, A, "t"), &(unsigned){ 0 });
	expect(w, sa && sa->core.proven_until == CERTS_SOON, "A knows until when it is believed");
	order(w, A, COMMAND_REKEY_IKE);
	world_run(w, 10 * SECOND);
	sa = w->failed ? NULL : live_sa(w->hosts[A].ike, tunnel_of(w, A, "t"), &(unsigned){ 0 });
	expect(w, sa && sa->core.proven_until == CERTS_SOON && sa->proof, "a rekey changes nothing of that");
}

/* A reload changes by what B is believed: it proves itself again beside the SA in use. Who cannot is up no more, whoever has to initiate. */
static void distrusted(struct world *w, const struct params *p)
{
	bool revoked = !strcmp(p->variant, "revoked");
	certified_pair(w, p, "plain");
	certify(w, B, kinds[p->seed % 4], p->variant);
	w->traffic_max = MINUTE;
	begin(w);
	await_up(w, 10 * SECOND);
	set(w, A, "t", "crl", "crl.pem fresh");
	host_load(w, A);
	w->excuse_until = w->now + (revoked ? 20 * MINUTE : 0);
	world_run(w, 15 * MINUTE);
	if (!revoked) {
		expect(w, saw(w, p->b_initiates ? B : A, FACT_REAUTH, BLAME_NONE), "another SA was made");
		check_converged(w, true);
		check_stayed_up(w);
		return;
	}
	expect(w, saw(w, A, FACT_CERTIFICATE_REFUSED, BLAME_PEER), "it is refused now");
	for (int i = 0; i < 2 && !w->failed; i++)
		expect(w, tunnel_of(w, i, "t")->state != TUNNEL_UP, "and up no more");
}

/* The token with p->host's key is away: that end says so, blames nobody else, and nothing is up until it is back. */
static void token_away(struct world *w, const struct params *p)
{
	certified_pair(w, p, "plain");
	begin(w);
	w->hosts[p->host].token_away = true;
	world_run(w, MINUTE);
	const struct tunnel *t = w->failed ? NULL : tunnel_of(w, p->host, "t");
	expect(w, t && t->last_error && t->last_error->code == FACT_SIGNING_FAILED && !strcmp(t->last_error->ours, TOKEN_AWAY),
		"it is told why nothing was signed");
	expect(w, saw(w, p->host, FACT_SIGNING_FAILED, BLAME_LOCAL), "the fault is ours");
	expect(w, !saw(w, p->host, FACT_CRYPTO_FAILED, BLAME_LOCAL) && never_up(w), "nobody gets in without a signature");
	w->hosts[p->host].token_away = false;
	w->excuse_until = w->now + 5 * SECOND;
	world_run(w, 3 * MINUTE);
	check_converged(w, true);
}

static bool asks_for_auth(struct world *w, int host)
{
	struct tunnel *t = tunnel_of(w, host, "t");
	for (struct sa *sa = t ? t->sa_list : NULL; sa; sa = sa->tunnel_next)
		if (sa->ours.core.state == XS_SIGN || sa->theirs.core.state == XS_SIGN)
			return true;
	return false;
}

/* A reload brings another key and its certificate while AUTH is being made: one of them is shown with its own signature, never with the other's. */
static void crossed(struct world *w, const struct params *p)
{
	certified_pair(w, p, "plain");
	certify(w, p->host, "p256", "plain");
	w->job_max = 2 * SECOND;
	begin(w);
	for (unsigned i = 0; i < 1000 && !w->failed && !asks_for_auth(w, p->host); i++)
		world_run(w, 10);
	expect(w, asks_for_auth(w, p->host), "AUTH is asked for");
	certify(w, p->host, "rsa", "plain");
	host_load(w, p->host);
	await_up(w, MINUTE);
	for (int i = 0; i < 2 && !w->failed; i++)
		expect(w, !saw(w, i, FACT_CERTIFICATE_REFUSED, BLAME_PEER), "nobody is refused for it");
	check_converged(w, true);
}

/* The keeper has the new settings, the engine asks by the old ones: it is told so, and asks again when it has the new ones, too. */
static void keeper_ahead(struct world *w, const struct params *p)
{
	certified_pair(w, p, "plain");
	certify(w, p->host, "p256", "plain");
	begin(w);
	struct ike *engine = w->hosts[p->host].ike;
	certify(w, p->host, "rsa", "plain");
	w->job_max = 5 * SECOND;
	w->hosts[p->host].ike = NULL; /* it reads later, but before it gets its answer */
	host_load(w, p->host);
	w->hosts[p->host].ike = engine;
	for (unsigned i = 0; i < 20000 && !w->failed && !asks_for_auth(w, p->host); i++)
		world_run(w, 1);
	host_give_conf(w, p->host, NULL);
	await_up(w, MINUTE);
	for (int i = 0; i < 2 && !w->failed; i++)
		expect(w,
			!saw(w, i, FACT_CERTIFICATE_REFUSED, BLAME_PEER) && !saw(w, i, FACT_SIGNING_FAILED, BLAME_LOCAL) &&
				!saw(w, i, FACT_CRYPTO_FAILED, BLAME_LOCAL),
			"nobody is refused for it, and nothing fails");
	check_converged(w, true);
}

/* Both clocks were hours behind, and are set: the SA ends with the certificate all the same. */
static void clock_set(struct world *w, const struct params *p)
{
	certified_pair(w, p, "plain");
	certify(w, p->host, kinds[p->seed % 4], "soon");
	w->traffic_max = MINUTE;
	begin(w);
	await_up(w, 10 * SECOND);
	w->wall = CERTS_SOON - 10 * 60 - w->now / SECOND;
	world_run(w, 9 * MINUTE);
	for (int i = 0; i < 2 && !w->failed; i++)
		expect(w, tunnel_of(w, i, "t")->state == TUNNEL_UP, "it is up until then");
	expect(w, saw(w, A, FACT_REAUTH, BLAME_NONE) || saw(w, B, FACT_REAUTH, BLAME_NONE), "another SA was made");
	w->excuse_until = w->now + 10 * MINUTE;
	world_run(w, 3 * MINUTE);
	for (int i = 0; i < 2 && !w->failed; i++)
		expect(w, tunnel_of(w, i, "t")->state != TUNNEL_UP, "and not longer");
}

const struct scenario scenarios_certified[] = {
	{ "cert-crossed", crossed, 10, "a reload brings A another key while it signs", { .host = A } },
	{ "cert-crossed-responder", crossed, 10, "and B", { .host = B } },
	{ "cert-keeper-ahead", keeper_ahead, 10, "A's keeper has other settings than its engine", { .host = A } },
	{ "cert-clock-set", clock_set, 4, "the clock is set forward", { .host = A } },
	{ "cert-reload", distrusted, 10, "a list of revoked certificates comes, and B's is not in it", { .variant = "plain" } },
	{ "cert-reload-other-role", distrusted, 10, "the same where B has to initiate",
		{ .variant = "plain", .b_initiates = true } },
	{ "cert-revoked-later", distrusted, 10, "a list of revoked certificates comes, and B's is in it",
		{ .variant = "revoked" } },
	{ "cert-revoked-later-other-role", distrusted, 10, "the same where B has to initiate",
		{ .variant = "revoked", .b_initiates = true } },
	{ "cert-up", certified, 20, "certificates of all kinds of keys", { 0 } },
	{ "cert-up-other-role", certified, 10, "the same with B as the initiator", { .b_initiates = true } },
	{ "cert-up-both", certified, 10, "both initiate", { .both_initiate = true } },
	{ "cert-chain", certified, 10, "chains of three, in fragments", { .variant = "deep" } },
	{ "cert-chain-large", certified, 10, "chains of nine kilobytes over a network that loses",
		{ .variant = "large", .loss = true } },
	{ "cert-old-rsa", old_methods, 5, "a peer that knows method 1 only", { 0 } },
	{ "cert-old-ecdsa", old_methods, 5, "a peer that knows methods 9 to 11 only", { .differ = true } },
	{ "cert-old-strict", old_methods, 5, "method 1 is the only one in common, and not allowed", { .disjoint = true } },
	{ "cert-expired", refused, 5, "an expired certificate", { .host = B, .variant = "old" } },
	{ "cert-young", refused, 5, "one that is not valid yet", { .host = B, .variant = "young" } },
	{ "cert-revoked", refused, 5, "one that is revoked", { .host = B, .variant = "revoked" } },
	{ "cert-foreign", refused, 5, "of a CA that is not this tunnel's", { .host = B, .variant = "foreign" } },
	{ "cert-usage", refused, 5, "not for signatures", { .host = B, .variant = "usage" } },
	{ "cert-authority", refused, 5, "that of a CA", { .host = B, .variant = "authority" } },
	{ "cert-nameless", refused, 5, "without the name", { .host = B, .variant = "nameless" } },
	{ "cert-expired-initiator", refused, 5, "the initiator's is expired", { .host = A, .variant = "old" } },
	{ "cert-foreign-initiator", refused, 5, "the initiator's is foreign", { .host = A, .variant = "foreign" } },
	{ "cert-nameless-initiator", refused, 5, "the initiator's has not the name", { .host = A, .variant = "nameless" } },
	{ "cert-psk", other_kind, 5, "B has a pre-shared key only", { .host = B } },
	{ "psk-cert", other_kind, 5, "A has a pre-shared key only", { .host = A } },
	{ "cert-two-cas", two_cas, 5, "the CAs of the two ends are not the same", { 0 } },
	{ "cert-two-cas-refused", two_cas, 5, "and A is refused", { .host = A, .disjoint = true } },
	{ "cert-lost", lost, 3, "IKE_AUTH with certificates is eaten", { .variant = "deep", .disjoint = true } },
	{ "cert-lost-large", lost, 3, "packets of more than a thousand octets are eaten", { .variant = "deep" } },
	{ "cert-renewed", renewed, 2, "A's certificate is renewed before it expires", { .host = A } },
	{ "cert-renewed-peer", renewed, 2, "B's is", { .host = B } },
	{ "cert-renewed-both-initiate", renewed, 2, "B's is, and both initiate", { .host = B, .both_initiate = true } },
	{ "cert-token-away", token_away, 5, "the token with A's key is away, then back", { .host = A } },
	{ "cert-token-away-peer", token_away, 5, "that with B's is", { .host = B } },
	{ "cert-many", too_many, 3, "seven certificates", { 0 } },
	{ "cert-own-expires", own_expires, 3, "A's expires, and A knows it", { .host = A } },
	{ "cert-expires", expires, 2, "A's expires", { .host = A } },
	{ "cert-expires-peer", expires, 2, "B's expires", { .host = B } },
	{ 0 },
};
