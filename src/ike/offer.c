/* offer.c - payloads that several exchanges send alike, and how their refusal is reported. */

#include <stdio.h>
#include <stdlib.h>

#include "machine.h"

struct bytes spi_bytes(struct step *s, uint32_t spi)
{
	uint8_t be[4] = { (uint8_t)(spi >> 24), (uint8_t)(spi >> 16), (uint8_t)(spi >> 8), (uint8_t)spi };
	return arena_copy(s->out->arena, bytes_of(be, 4));
}

void add_ts(struct chain *c, uint8_t payload, const struct ts_list *list)
{
	struct payload p = { .type = payload };
	p.ts.n = list->n;
	p.ts.v = list->v;
	chain_add(c, &p);
}

void add_more_possible(struct chain *c, const struct negotiation *n)
{
	struct payload p = payload_notify(NOTIFY_ADDITIONAL_TS_POSSIBLE, (struct bytes){ 0 });
	if (n->more_possible)
		chain_add(c, &p);
}

void add_ke_nonce(struct chain *c, struct negotiation *n, const struct nonce *nonce)
{
	struct payload p = { .type = PAYLOAD_NONCE };
	p.nonce.value = bytes_of(nonce->v, nonce->n);
	chain_add(c, &p);
	if (ke_round(n)->group == GROUP_NONE)
		return;
	p = (struct payload){ .type = PAYLOAD_KE };
	p.ke.group = ke_round(n)->group;
	p.ke.value = bytes_of(ke_round(n)->pub, ke_round(n)->pub_len);
	chain_add(c, &p);
}

void report_no_child(struct step *s, struct sa *sa, const struct child *c, uint16_t notify)
{
	enum fact_code code = notify == NOTIFY_TS_UNACCEPTABLE      ? FACT_TS_REFUSED
			      : notify == NOTIFY_NO_PROPOSAL_CHOSEN ? FACT_NO_PROPOSAL
								    : FACT_NO_CHILD;
	char ours[FACT_ITEM], pair[FACT_ITEM];
	const struct tunnel_conf *conf = sa->tunnel->conf;
	select_describe_ours(conf->esp, conf->n_esp, ours, sizeof ours);
	select_describe_ts(c->local_ts->v, c->local_ts->n, c->remote_ts->v, c->remote_ts->n, pair, sizeof pair);
	if (code == FACT_TS_REFUSED)
		sa_report(s, sa, code, BLAME_PEER,
			"the peer refused our traffic selectors %.110s (TS_UNACCEPTABLE): make local-ts and remote-ts fit its side",
			pair);
	else if (code == FACT_NO_PROPOSAL)
		sa_report(s, sa, code, BLAME_PEER, "no common ESP proposal: the peer accepts none of ours (%.84s)", ours);
	else
		sa_report(s, sa, code, BLAME_PEER, "the peer made no child SA: %s (%u)", ike_notify_name(notify), notify);
	ike_report_compared(s, sa->tunnel, code == FACT_NO_PROPOSAL ? PROTOCOL_ESP : PROTOCOL_NONE, notify,
		code == FACT_TS_REFUSED ? pair : ours, "");
}

static void report_selectors(struct step *s, struct sa *sa, const struct message *m)
{
	const struct payload *tsi = message_find(m, PAYLOAD_TSi, true), *tsr = message_find(m, PAYLOAD_TSr, true);
	char theirs[FACT_ITEM], ours[FACT_ITEM];
	const struct tunnel_conf *conf = sa->tunnel->conf;
	select_describe_ts(tsr->ts.v, tsr->ts.n, tsi->ts.v, tsi->ts.n, theirs, sizeof theirs); /* as we see it: our end first */
	select_describe_ts(conf->local_ts->v, conf->local_ts->n, conf->remote_ts->v, conf->remote_ts->n, ours, sizeof ours);
	sa_report(s, sa, FACT_TS_REFUSED, BLAME_PEER,
		"the peer's traffic selectors %.85s do not fit our local-ts and remote-ts %.85s", theirs, ours);
	ike_report_compared(s, sa->tunnel, PROTOCOL_NONE, NOTIFY_TS_UNACCEPTABLE, ours, theirs);
}

/* *out: kept; of theirs what lies in ours. False: nothing is common, or more than fits, which *too_many says then. */
static bool narrow(struct ts_list *ours, const struct payload *theirs, struct ts_list **out, bool *too_many)
{
	struct ts_list common;
	bool some = ts_narrow(ours, theirs->ts.v, theirs->ts.n, &common);
	*too_many |= !some && common.n > 0;
	if (some) {
		struct ts_list *narrowed = ts_list_same(&common, ours) ? ts_list_share(ours) : ts_list_keep(&common);
		ts_list_drop(*out);
		*out = narrowed;
	}
	return some;
}

struct narrowed {
	struct slot *slot;
	struct ts_list *local, *remote;
	unsigned score, slots;
};

/* The more of these hold the better: it is all of the slot, the packet that made the peer ask is in it, the slot has no child, it is the one before. */
static void try_slot(struct narrowed *best, const struct child *c, struct slot *slot, const struct slot *before,
	const struct payload *local, const struct payload *remote, bool *too_many)
{
	struct narrowed n = { .slot = slot };
	if (narrow(slot->local_ts, local, &n.local, too_many) && narrow(slot->remote_ts, remote, &n.remote, too_many)) {
		bool whole = ts_list_equal(n.local, slot->local_ts) && ts_list_equal(n.remote, slot->remote_ts);
		n.score = 1 + 2 * slot_waits(c->tunnel, slot) +
			  4 * (ts_list_has(n.local, &local->ts.v[0]) && ts_list_has(n.remote, &remote->ts.v[0])) + 8 * whole +
			  16 * (slot == before);
		best->slots++;
	}
	if (n.score > best->score) {
		ts_list_drop(best->local);
		ts_list_drop(best->remote);
		n.slots = best->slots;
		*best = n;
	} else {
		ts_list_drop(n.local);
		ts_list_drop(n.remote);
	}
}

/* RFC 7296 2.9: what the peer wants, narrowed to one of the configured children; which goes with them that it replaces (before), or where it belongs. */
static uint16_t narrow_peers(
	struct child *c, struct negotiation *n, struct slot *before, const struct payload *local, const struct payload *remote)
{
	struct narrowed best = { 0 };
	for (struct slot *slot = c->tunnel->slots; slot; slot = slot->next)
		if (slot->kind == SLOT_CONFIGURED)
			try_slot(&best, c, slot, before, local, remote, &n->too_many);
	if (!best.slot || (before && before->kind == SLOT_CONFIGURED && best.slot != before)) {
		ts_list_drop(best.local);
		ts_list_drop(best.remote);
		return NOTIFY_TS_UNACCEPTABLE; /* a rekey carries what the old one did, or less */
	}
	n->too_many = false; /* another slot's */
	n->more_possible = best.slots > 1;
	c->local_ts = best.local;
	c->remote_ts = best.remote;
	c->peers_selectors = true;
	struct slot *slot = before ? before : slot_for(c->tunnel, best.slot, c);
	n->full = !slot;
	if (slot)
		slot_enter(slot, c);
	return slot ? 0 : NOTIFY_NO_ADDITIONAL_SAS;
}

/* The peer's answer may lie where another child carries already: then it is one of the same. */
static uint16_t narrow_ours(struct child *c, struct negotiation *n, const struct payload *local, const struct payload *remote)
{
	if (!narrow(c->local_ts, local, &c->local_ts, &n->too_many) || !narrow(c->remote_ts, remote, &c->remote_ts, &n->too_many))
		return NOTIFY_TS_UNACCEPTABLE;
	struct slot *slot = n->replaces ? c->slot : slot_for(c->tunnel, c->slot, c);
	if (slot)
		slot_enter(slot, c);
	return 0;
}

uint16_t offer_take_child(struct child *c, struct negotiation *n, const struct message *m, enum groups groups, bool ours)
{
	const struct payload *p = message_find(m, PAYLOAD_SA, true), *tsi = message_find(m, PAYLOAD_TSi, true);
	const struct payload *tsr = message_find(m, PAYLOAD_TSr, true);
	struct proposal v[PROPOSALS_MAX];
	struct bytes spi;
	if (!p || !tsi || !tsr)
		return NOTIFY_INVALID_SYNTAX;
	unsigned nv = child_proposals(c->tunnel, groups, v);
	bool one = !ours || p->sa.n == 1;
	if (!one || !select_suite(v, nv, p, PROTOCOL_ESP, groups == GROUPS_STRIPPED, &c->core.suite, &n->number, &spi))
		return NOTIFY_NO_PROPOSAL_CHOSEN;
	n->types = select_types(p, n->number);
	struct cursor at = cursor_over(spi);
	uint32_t spi_out = get_u32(&at);
	if (child_spi_out_taken(c->sa, spi_out)) /* reserved, or one that it uses already */
		return NOTIFY_INVALID_SPI;
	c->core.spi_out = spi_out;
	uint16_t wrong = ours ? narrow_ours(c, n, tsi, tsr) : narrow_peers(c, n, n->replaces ? c->slot : NULL, tsr, tsi);
	if (wrong)
		return wrong;
	c->policies = (uint16_t)ts_policies(c->local_ts, c->remote_ts);
	n->too_many = !slots_have_room(c->tunnel, c);
	return n->too_many ? NOTIFY_TS_UNACCEPTABLE : 0;
}

/* Both ends agree on the selectors, and we cannot have so many. */
static void report_limit(struct step *s, struct sa *sa, bool of_children)
{
	char limit[FACT_VALUE];
	snprintf(limit, sizeof limit, "%d %s", of_children ? ESP_SLOTS_MAX : TS_POLICIES_MAX, of_children ? "children" : "pairs");
	sa_report(s, sa, FACT_TS_LIMIT, BLAME_LOCAL,
		of_children
			? "the peer asks for more child SAs with selectors of their own than the %d that a tunnel may have: it gets no more"
			: "the traffic selectors of the two ends fit, but make more than %d pairs, and we hold no more for a tunnel: use wider "
			  "prefixes in local-ts and remote-ts, or at the peer",
		TS_POLICIES_MAX);
	ike_report_about(s, sa->tunnel, SUBJECT_POLICY, NULL, limit);
}

void report_unusable_child(struct step *s, struct sa *sa, const struct negotiation *n)
{
	if (n->too_many)
		report_limit(s, sa, false);
	else
		sa_report(s, sa, FACT_NO_CHILD, BLAME_PEER, "the child SA that the peer agreed to cannot be used: %s",
			n->child_error == NOTIFY_NO_PROPOSAL_CHOSEN ? "it chose what we did not offer"
			: n->child_error == NOTIFY_TS_UNACCEPTABLE  ? "its traffic selectors lie outside ours"
			: n->child_error == NOTIFY_INVALID_SPI      ? "its SPI is in use already"
								    : "payloads are missing");
}

uint16_t offer_refuse_child(struct step *s, struct sa *sa, const struct message *m, const struct negotiation *n, uint16_t wrong,
	enum fact_code no_proposal)
{
	char theirs[FACT_ITEM], ours[FACT_ITEM];
	if (n->too_many || n->full) {
		if (!sa->limit_told)
			report_limit(s, sa, n->full);
		sa->limit_told = n->full;
		return wrong;
	}
	if (wrong == NOTIFY_TS_UNACCEPTABLE)
		report_selectors(s, sa, m);
	if (wrong == NOTIFY_NO_PROPOSAL_CHOSEN) {
		select_describe(message_find(m, PAYLOAD_SA, true), theirs, sizeof theirs);
		select_describe_ours(sa->tunnel->conf->esp, sa->tunnel->conf->n_esp, ours, sizeof ours);
		sa_report(s, sa, no_proposal, BLAME_PEER, "no common ESP proposal: the peer offers %.84s; we accept %.84s",
			theirs, ours);
		ike_report_compared(s, sa->tunnel, PROTOCOL_ESP, NOTIFY_NO_PROPOSAL_CHOSEN, ours, theirs);
	}
	if (wrong == NOTIFY_INVALID_SPI)
		sa_report(s, sa, FACT_NO_CHILD, BLAME_PEER, "the peer's ESP SPI is reserved or in use already");
	return wrong == NOTIFY_INVALID_SPI ? NOTIFY_NO_PROPOSAL_CHOSEN : wrong;
}

enum fsm_outcome sa_end_by(struct step *s, struct sa *sa, uint8_t exchange, uint16_t notify)
{
	exchange_answer_notify(s, sa, exchange, notify, (struct bytes){ 0 });
	sa_destroy(s, sa);
	return FSM_GONE;
}

void report_bad_ke(struct step *s, struct sa *sa)
{
	sa_report(s, sa, FACT_KE_REFUSED, BLAME_PEER, "the peer's key exchange value is invalid: the IKE SA is closed");
	ike_report_about(s, sa->tunnel, SUBJECT_IKE_SA, NULL, NULL);
}

/* The peer would refuse the next attempt likewise: back off. */
enum fsm_outcome sa_give_up(struct step *s, struct sa *sa)
{
	sa->tunnel->refused = true;
	sa_destroy(s, sa);
	return FSM_GONE;
}
