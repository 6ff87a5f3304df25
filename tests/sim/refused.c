/*
 * refused.c - rekeys that are refused for good: another IKE SA is made beside the old one before that ends (RFC 7296 4), and no packet is lost.
 */
#include <stdio.h>
#include <string.h>

#include "hostile.h"

#define ASKED_MAX 8

/* A minimal peer: each CREATE_CHILD_SA of the other end reaches it as an empty INFORMATIONAL, and its answer comes back as a refusal. */
static struct minimal {
	uint16_t notify;
	bool ike, child, lists;     /* which rekeys and new children; lists: what asks for several selectors, from IKE_AUTH on */
	bool sending, closed, mute; /* closed: new IKE SAs are refused, too; mute: AUTH_LIFETIME is never said */
	int asks;                   /* the other end */
	unsigned n;
	struct header asked[ASKED_MAX];
} minimal;

static bool is_ike(struct inside *m)
{
	size_t n;
	const uint8_t *sa = inside_find(m, PAYLOAD_SA, &n);
	return sa && n > 5 && sa[5] == PROTOCOL_IKE;
}

static bool has_list(struct inside *m)
{
	size_t i, r;
	const uint8_t *tsi = inside_find(m, PAYLOAD_TSi, &i), *tsr = inside_find(m, PAYLOAD_TSr, &r);
	return (tsi && i > 0 && tsi[0] > 1) || (tsr && r > 0 && tsr[0] > 1);
}

static bool was_asked(const struct header *h)
{
	for (unsigned i = 0; i < ASKED_MAX; i++)
		if (minimal.asked[i].message_id == h->message_id && !memcmp(minimal.asked[i].spi_i, h->spi_i, IKE_SPI_LEN) &&
			!memcmp(minimal.asked[i].spi_r, h->spi_r, IKE_SPI_LEN))
			return true;
	return false;
}

/* The refusal of an IKE_SA_INIT; the request itself is lost. */
static bool answer_init(struct world *w, struct inside *m)
{
	static const uint8_t notify[] = { 0, 0, 0, NOTIFY_NO_PROPOSAL_CHOSEN };
	m->n = m->first = 0;
	m->h.flags = IKE_FLAG_RESPONSE;
	inside_add(m, PAYLOAD_NOTIFY, notify, sizeof notify);
	minimal.sending = true;
	hostile_send(w, B, m, 0, 0);
	minimal.sending = false;
	return true;
}

static bool silence(struct world *w, const struct packet *p, struct inside *m)
{
	if (!inside_has_notify(m, NOTIFY_AUTH_LIFETIME))
		return false;
	m->n = m->first = 0;
	minimal.sending = true;
	hostile_send(w, p->from, m, 0, 0);
	minimal.sending = false;
	return true;
}

static bool refuses(struct world *w, const struct packet *p)
{
	static struct inside m;
	if (minimal.sending || p->from < 0 || !hostile_open(w, p, &m))
		return false;
	if (minimal.closed && p->from == A && m.h.exchange == EXCHANGE_IKE_SA_INIT)
		return answer_init(w, &m);
	if (!m.sealed)
		return false;
	bool request = p->from == minimal.asks && !(m.h.flags & IKE_FLAG_RESPONSE) && m.h.exchange == EXCHANGE_CREATE_CHILD_SA &&
		       (is_ike(&m) ? minimal.ike : minimal.child || (minimal.lists && has_list(&m)));
	bool answer = p->from != minimal.asks && m.h.flags & IKE_FLAG_RESPONSE && m.h.exchange == EXCHANGE_INFORMATIONAL &&
		      was_asked(&m.h);
	if (!request && !answer)
		return minimal.mute && silence(w, p, &m);
	if (request && !was_asked(&m.h))
		minimal.asked[minimal.n++ % ASKED_MAX] = m.h;
	m.n = m.first = 0;
	m.h.exchange = request ? EXCHANGE_INFORMATIONAL : EXCHANGE_CREATE_CHILD_SA;
	const uint8_t notify[] = { 0, 0, (uint8_t)(minimal.notify >> 8), (uint8_t)minimal.notify };
	if (answer)
		inside_add(&m, PAYLOAD_NOTIFY, notify, sizeof notify);
	minimal.sending = true;
	hostile_send(w, p->from, &m, 0, 0);
	minimal.sending = false;
	return true;
}

static void lifetimes(struct world *w, int host, const char *esp, const char *ike)
{
	w->traffic_max = 60;
	set(w, host, "t", "esp-lifetime", esp);
	set(w, host, "t", "ike-lifetime", ike);
}

/* Up all the time, and not by dialling without end: at most so many attempts of A and B together. */
static void stayed_up(struct world *w, unsigned attempts_max)
{
	uint64_t attempts = 0;
	for (int i = 0; i < 2 && !w->failed; i++) {
		struct tunnel *t = tunnel_of(w, i, "t");
		expect(w, t && w->hosts[i].up_epoch[t->id] == 0 && t->state == TUNNEL_UP, "the tunnel stayed up");
		attempts += t ? t->counters[COUNTER_ATTEMPTS] : 0;
	}
	expect(w, attempts <= attempts_max, "one attempt per lifetime, no loop");
	expect(w, w->links[0].lost == 0, "no packet is lost");
}

static void pfs_differs(struct world *w, const struct params *p)
{
	pair(w);
	for (int i = 0; i < 2; i++)
		lifetimes(w, i, "60s", "3600s");
	set(w, p->host, "t", "esp-proposals", "aes256-sha256-modp2048");
	set(w, !p->host, "t", "esp-proposals", "[aes256-sha256]");
	if (p->both_initiate)
		set(w, B, "t", "start", "initiate");
	begin(w);
	await_up(w, 10 * SECOND);
	world_run(w, 6 * MINUTE);
	expect(w, saw(w, A, FACT_PFS_MISMATCH, BLAME_PEER) || saw(w, B, FACT_PFS_MISMATCH, BLAME_PEER), "the difference is told");
	expect(w, saw(w, A, FACT_REAUTH, BLAME_NONE) || saw(w, B, FACT_REAUTH, BLAME_NONE), "and what follows");
	stayed_up(w, p->both_initiate ? 20 : 12);
	check_converged(w, true);
}

/* Such a peer, and a host whose children live so long. */
static void minimal_pair(struct world *w, struct minimal how, int host, const char *esp, const char *ike)
{
	minimal = how;
	pair(w);
	lifetimes(w, host, esp, ike);
	w->filter = refuses;
}

/* A few lifetimes: before the end of each A makes another IKE SA. */
static void begin_reauths(struct world *w)
{
	begin(w);
	await_up(w, 10 * SECOND);
	world_run(w, 6 * MINUTE);
	expect(w, saw(w, A, FACT_REAUTH, BLAME_NONE), "A makes another IKE SA");
}

static void refused(struct world *w, const struct params *p)
{
	minimal_pair(w, (struct minimal){ .notify = p->notify, .ike = p->ike, .child = p->child }, A, p->child ? "60s" : "3600s",
		p->ike ? "90s" : "3600s");
	begin_reauths(w);
	bool silent = p->notify == NOTIFY_TEMPORARY_FAILURE;
	expect(w, silent || saw(w, A, FACT_REKEY_FAILED, BLAME_PEER) || saw(w, A, FACT_PFS_MISMATCH, BLAME_PEER),
		"the refusal is told");
	stayed_up(w, 12);
	check_converged(w, true);
}

/* The new SA is refused, too: dialled again with growing pauses, and what is up stays up. */
static void refused_all(struct world *w, const struct params *p)
{
	(void)p;
	minimal_pair(w, (struct minimal){ .notify = NOTIFY_NO_PROPOSAL_CHOSEN, .child = true }, A, "300s", "3600s");
	begin(w);
	await_up(w, 10 * SECOND);
	world_run(w, 2 * MINUTE);
	minimal.closed = true;
	world_run(w, 2 * MINUTE + 55 * SECOND);
	expect(w, saw(w, A, FACT_NO_PROPOSAL, BLAME_PEER), "the new SA was refused");
	stayed_up(w, 8);
	minimal.closed = false;
	check_converged(w, true);
}

/* A minimal peer has one child for each IKE SA: of several pairs one is carried, the others are told, and it is not asked without end. */
static void one_child_only(struct world *w, const struct params *p)
{
	minimal_pair(w, (struct minimal){ .notify = p->notify, .child = true }, A, "60s", "3600s");
	set_pairs(w, A, "t", "10.1", "10.11", 3);
	set_pairs(w, B, "t", "10.11", "10.1", 3);
	begin_reauths(w);
	expect(w, carried(w, A) == 1 && carried(w, B) == 1, "one pair is carried");
	expect(w, saw(w, A, FACT_NARROWED, BLAME_PEER), "the others are told");
	const struct tunnel *t = tunnel_of(w, A, "t");
	for (const struct slot *slot = t ? t->slots : NULL; slot; slot = slot->next)
		expect(w, slot->refusals < 12, "the peer is not asked without end");
	stayed_up(w, 12);
	check_stayed_up(w);
}

/* A peer that takes one pair of selectors at a time: its refusal is answered with pairs (RFC 7296 2.9). */
static void single_pairs(struct world *w, const struct params *p)
{
	(void)p;
	minimal_pair(w, (struct minimal){ .notify = NOTIFY_SINGLE_PAIR_REQUIRED, .lists = true }, A, "60s", "3600s");
	set(w, A, "t", "children",
		"[{local-ts: 10.1.0.0/24, remote-ts: 10.11.0.0/24}, {local-ts: [10.1.1.0/24, 10.1.2.0/24], remote-ts: [10.11.1.0/24, 10.11.2.0/24]}]");
	set(w, B, "t", "children",
		"[{local-ts: 10.11.0.0/24, remote-ts: 10.1.0.0/24}, {local-ts: [10.11.1.0/24, 10.11.2.0/24], remote-ts: [10.1.1.0/24, 10.1.2.0/24]}]");
	begin(w);
	await_up(w, 10 * SECOND);
	world_run(w, 5 * MINUTE);
	expect(w, carried(w, A) == 5 && carried(w, B) == 5, "each pair has a child");
	stayed_up(w, 8);
	check_converged(w, true);
}

/* RFC 4478: the peer says for how long it believes in our authentication; rekeys of the IKE SA change nothing of that. */
static void auth_lifetime(struct world *w, const struct params *p)
{
	struct inside m;
	const uint8_t notify[] = { 0, 0, NOTIFY_AUTH_LIFETIME >> 8, NOTIFY_AUTH_LIFETIME & 0xff, 0, 0, 0, 60 };
	pair_up(w);
	if (!hostile_request(w, B, "t", EXCHANGE_INFORMATIONAL, &m)) {
		expect(w, false, "an SA to speak on");
		return;
	}
	inside_add(&m, PAYLOAD_NOTIFY, notify, sizeof notify);
	hostile_send(w, B, &m, 0, 0);
	world_run(w, 5 * SECOND);
	if (p->ike)
		order(w, A, COMMAND_REKEY_IKE);
	world_run(w, 30 * SECOND);
	expect(w, !saw(w, A, FACT_REAUTH, BLAME_NONE), "not before it is time");
	world_run(w, 15 * SECOND);
	expect(w, saw(w, A, FACT_REAUTH, BLAME_NONE), "but before the end");
	stayed_up(w, 2);
	check_converged(w, true);
	stayed_up(w, 2);
}

/* B only answers, and its rekeys are refused: it asks A for a new IKE SA by AUTH_LIFETIME. */
static void lifetime_given(struct world *w, const struct params *p)
{
	(void)p;
	minimal_pair(w, (struct minimal){ .notify = NOTIFY_NO_PROPOSAL_CHOSEN, .child = true, .asks = B }, B, "60s", "3600s");
	begin_reauths(w);
	stayed_up(w, 12);
	check_converged(w, true);
}

/* A refuses the rekeys of B, which can do nothing about it. */
static void peers_refused(struct world *w, const struct params *p)
{
	(void)p;
	minimal_pair(w, (struct minimal){ .mute = true, .asks = ANY_HOST }, B, "60s", "3600s");
	set(w, A, "t", "esp-proposals", "aes256-sha256-modp2048");
	set(w, B, "t", "esp-proposals", "[aes256-sha256]");
	begin_reauths(w);
	stayed_up(w, 12);
	check_converged(w, true);
}

/* ---------------------------------------------------------------- last words */

static uint8_t lost_answer; /* to a request of this exchange, once */

static bool loses_answer(struct world *w, const struct packet *p)
{
	(void)w;
	bool it = packet_is(p, B, lost_answer, true);
	lost_answer = it ? 0 : lost_answer;
	return it;
}

/* The answer that ends an IKE SA is lost: the repetition is answered, although nobody has the SA any more. */
static void last_answer(struct world *w, const struct params *p)
{
	pair(w);
	w->filter = loses_answer;
	if (!p->closes) {
		set(w, B, "t", "psk", "another.secret.than.both");
		lost_answer = EXCHANGE_IKE_AUTH;
		begin(w);
		world_run(w, 4 * SECOND);
		expect(w, saw(w, A, FACT_AUTH_FAILED, BLAME_PEER), "the refusal is heard");
		return;
	}
	begin(w);
	await_up(w, 10 * SECOND);
	world_run(w, 500);
	lost_answer = EXCHANGE_INFORMATIONAL;
	uint64_t token = host_order(w, A, "t", COMMAND_DOWN);
	world_run(w, 2 * SECOND);
	const struct reply *r = order_reply(w, token);
	expect(w, !lost_answer && r && !r->pending && r->ok, "the DELETE is answered");
	world_run(w, MINUTE);
	expect(w, mono_is_never(farewells_until(w->hosts[B].ike->farewells)), "and forgotten in time");
}

/* ---------------------------------------------------------------- what ends an IKE SA */

static uint32_t ike_attempts(struct world *w)
{
	struct tunnel *t = tunnel_of(w, A, "t");
	return t ? (uint32_t)t->counters[COUNTER_ATTEMPTS] : 0;
}

/* The order, and what a broken SA costs is not counted. A makes a new one at once. */
static void breaks(struct world *w, enum ike_command_kind kind)
{
	w->excuse_until = w->now + 15 * SECOND;
	order(w, A, kind);
	world_run(w, 3 * SECOND);
	expect(w, ike_attempts(w) == 2, "the old IKE SA is gone, and a new one is made");
	expect(w, tunnel_of(w, A, "t")->state == TUNNEL_UP, "at once");
	expect(w, tunnel_of(w, A, "t")->sas <= 1, "and the old one is closed");
}

/* RFC 7296 2.21.3: INVALID_SYNTAX in an answer means that the peer has dropped the SA. */
static void syntax_answered(struct world *w, const struct params *p)
{
	minimal = (struct minimal){ .notify = NOTIFY_INVALID_SYNTAX, .ike = true, .child = true };
	pair_up(w);
	w->filter = refuses;
	breaks(w, p->ike ? COMMAND_REKEY_IKE : COMMAND_REKEY);
	expect(w, saw(w, A, FACT_PEER_REFUSED, BLAME_PEER), "it is told");
	check_converged(w, true);
}

static bool spoils_key(struct world *w, const struct packet *p)
{
	static struct inside m;
	size_t n;
	if (minimal.sending || p->from != minimal.asks || !hostile_open(w, p, &m) || m.h.exchange != EXCHANGE_CREATE_CHILD_SA)
		return false;
	uint8_t *ke = inside_find(&m, PAYLOAD_KE, &n);
	if (!ke || n < 12)
		return false;
	ke[n - 1] ^= 1;
	minimal.sending = true;
	hostile_send(w, p->from, &m, 0, 0);
	minimal.sending = false;
	return true;
}

/* RFC 6989 2.5: a public value that is none, in a request or in an answer, ends the IKE SA. */
static void bad_key(struct world *w, const struct params *p)
{
	minimal = (struct minimal){ .asks = p->host };
	pair_up(w);
	w->filter = spoils_key;
	breaks(w, p->ike ? COMMAND_REKEY_IKE : COMMAND_REKEY);
	expect(w, saw(w, !p->host, FACT_KE_REFUSED, BLAME_PEER), "it is told");
	bool made = p->ike && p->host == B; /* B has made the SA that A cannot: it learns by liveness that nobody has it */
	for (int i = 0; i < 2 && !w->failed; i++)
		expect(w, tunnel_of(w, i, "t")->sas == (made && i == B ? 2 : 1), "neither end has the old SA");
	check_converged(w, true);
}

/* ---------------------------------------------------------------- INITIAL_CONTACT */

static unsigned contacts, auths; /* IKE_AUTH requests, and those with INITIAL_CONTACT */

static bool counts_contacts(struct world *w, const struct packet *p)
{
	static struct inside m;
	if (p->from != A || !hostile_open(w, p, &m) || !m.sealed || m.h.exchange != EXCHANGE_IKE_AUTH)
		return false;
	auths++;
	contacts += inside_has_notify(&m, NOTIFY_INITIAL_CONTACT);
	return false;
}

static void told(struct world *w, int host, const char *tunnel, enum ike_command_kind kind, bool contact)
{
	unsigned before = contacts, had = auths;
	host_order(w, host, tunnel, kind);
	world_run(w, 20 * SECOND);
	expect(w, kind == COMMAND_DOWN || auths > had, "the order leads to IKE_AUTH");
	expect(w, contact ? contacts > before : contacts == before,
		contact ? "INITIAL_CONTACT is said" : "INITIAL_CONTACT is not said");
}

/* Two uplinks to one peer under one pair of identities: INITIAL_CONTACT would take down the other one (RFC 7296 2.4). */
static void two_uplinks(struct world *w, const struct params *p)
{
	static const char *const hosts[] = { "192.0.2.1", "198.51.100.2", "198.51.100.3" };
	static const char *const names[] = { "one", "two" };
	(void)p;
	contacts = auths = 0;
	for (int i = 0; i < 3; i++)
		host_add(w, hosts[i]);
	for (int i = 0; i < 2; i++) {
		link_add(w, names[i], A, 1 + i);
		set(w, A, names[i], "start", "manual");
		set(w, A, names[i], "local-id", "fqdn:us.example");
		set(w, A, names[i], "remote-id", "fqdn:peer.example");
		set(w, 1 + i, names[i], "local-id", "fqdn:peer.example");
		set(w, 1 + i, names[i], "remote-id", "fqdn:us.example");
	}
	w->filter = counts_contacts;
	begin(w);
	told(w, A, "one", COMMAND_UP, true);
	told(w, A, "two", COMMAND_UP, false);
	told(w, A, "one", COMMAND_DOWN, false);
	told(w, A, "one", COMMAND_UP, false);
	told(w, A, "one", COMMAND_DOWN, false);
	told(w, A, "two", COMMAND_DOWN, false);
	unsigned before = contacts;
	host_order(w, A, "one", COMMAND_UP);
	host_order(w, A, "two", COMMAND_UP);
	await_up(w, 20 * SECOND);
	expect(w, contacts - before <= 1, "of two that are made at once the second does not say it");
	check_converged(w, true);
}

const struct scenario scenarios_refused[] = {
	{ "pfs-differs-A", pfs_differs, 10, "A wants PFS, B has none: each child lifetime ends with a new IKE SA",
		{ .host = A } },
	{ "pfs-differs-B", pfs_differs, 10, "... the other way round", { .host = B } },
	{ "pfs-differs-both-initiate", pfs_differs, 10, "... and both may make it", { .host = A, .both_initiate = true } },
	{ "refused-minimal", refused, 10, "a peer that refuses each CREATE_CHILD_SA: NO_ADDITIONAL_SAS",
		{ .notify = NOTIFY_NO_ADDITIONAL_SAS, .ike = true, .child = true } },
	{ "refused-child-ts", refused, 5, "... only of children, TS_UNACCEPTABLE",
		{ .notify = NOTIFY_TS_UNACCEPTABLE, .child = true } },
	{ "refused-child-ke", refused, 5, "... INVALID_KE_PAYLOAD that names no group",
		{ .notify = NOTIFY_INVALID_KE_PAYLOAD, .child = true } },
	{ "refused-ike", refused, 5, "... only of the IKE SA, NO_PROPOSAL_CHOSEN",
		{ .notify = NOTIFY_NO_PROPOSAL_CHOSEN, .ike = true } },
	{ "busy-without-end", refused, 5, "... TEMPORARY_FAILURE each time",
		{ .notify = NOTIFY_TEMPORARY_FAILURE, .ike = true, .child = true } },
	{ "refused-all", refused_all, 5, "... and new IKE SAs as well, for a while", { 0 } },
	{ "children-minimal", one_child_only, 10, "three pairs and a peer that makes no further child: NO_ADDITIONAL_SAS",
		{ .notify = NOTIFY_NO_ADDITIONAL_SAS } },
	{ "children-refused", one_child_only, 10, "... TS_UNACCEPTABLE", { .notify = NOTIFY_TS_UNACCEPTABLE } },
	{ "children-single-pair", single_pairs, 10, "a peer that takes one pair of selectors at a time", { 0 } },
	{ "auth-lifetime", auth_lifetime, 5, "the peer limits our authentication (RFC 4478)", { 0 } },
	{ "auth-lifetime-rekeyed", auth_lifetime, 5, "... and a rekey does not change that", { .ike = true } },
	{ "lifetime-given", lifetime_given, 5, "who only answers, and whose rekeys are refused, limits the peer's", { 0 } },
	{ "peers-refused", peers_refused, 5, "whose rekeys we refuse will end what it has: another IKE SA is made before",
		{ 0 } },
	{ "last-answer-auth", last_answer, 5, "the answer that refuses our IKE_AUTH is lost", { 0 } },
	{ "last-answer-delete", last_answer, 5, "... that to a DELETE of the IKE SA", { .closes = true } },
	{ "syntax-answered", syntax_answered, 5, "INVALID_SYNTAX in answer to a child rekey ends the IKE SA", { 0 } },
	{ "syntax-answered-ike", syntax_answered, 5, "... to an IKE rekey", { .ike = true } },
	{ "bad-key-asked", bad_key, 5, "a bad key exchange value in a child rekey ends the IKE SA", { .host = A } },
	{ "bad-key-answered", bad_key, 5, "... in its answer", { .host = B } },
	{ "bad-key-asked-ike", bad_key, 5, "... in an IKE rekey", { .host = A, .ike = true } },
	{ "bad-key-answered-ike", bad_key, 5, "... in its answer", { .host = B, .ike = true } },
	{ "two-uplinks", two_uplinks, 5, "two tunnels with one pair of identities: INITIAL_CONTACT is for the first alone",
		{ 0 } },
	{ 0 },
};
