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

void report_no_child(struct step *s, struct sa *sa, uint16_t notify)
{
	enum fact_code code = notify == NOTIFY_TS_UNACCEPTABLE      ? FACT_TS_REFUSED
			      : notify == NOTIFY_NO_PROPOSAL_CHOSEN ? FACT_NO_PROPOSAL
								    : FACT_NO_CHILD;
	char ours[FACT_ITEM], pair[FACT_ITEM];
	const struct slot *slot = &sa->tunnel->slots[0];
	const struct tunnel_conf *conf = sa->tunnel->conf;
	select_describe_ours(conf->esp, conf->n_esp, ours, sizeof ours);
	select_describe_ts(slot->local_ts->v, slot->local_ts->n, slot->remote_ts->v, slot->remote_ts->n, pair, sizeof pair);
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
	const struct slot *slot = &sa->tunnel->slots[0];
	select_describe_ts(tsr->ts.v, tsr->ts.n, tsi->ts.v, tsi->ts.n, theirs, sizeof theirs); /* as we see it: our end first */
	select_describe_ts(slot->local_ts->v, slot->local_ts->n, slot->remote_ts->v, slot->remote_ts->n, ours, sizeof ours);
	sa_report(s, sa, FACT_TS_REFUSED, BLAME_PEER,
		"the peer's traffic selectors %.85s do not fit our local-ts and remote-ts %.85s", theirs, ours);
	ike_report_compared(s, sa->tunnel, PROTOCOL_NONE, NOTIFY_TS_UNACCEPTABLE, ours, theirs);
}

/* *out: kept, or NULL. False: nothing is common, or more than fits, which *too_many says then. */
static bool narrow(const struct ts_list *ours, const struct payload *theirs, struct ts_list **out, bool *too_many)
{
	struct ts_list common;
	free(*out);
	*out = ts_narrow(ours, theirs->ts.v, theirs->ts.n, &common) ? ts_list_keep(&common) : NULL;
	*too_many |= !*out && common.n > 0;
	return *out != NULL;
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
	bool fits = narrow(c->slot->local_ts, ours ? tsi : tsr, &c->local_ts, &n->too_many) &&
		    narrow(c->slot->remote_ts, ours ? tsr : tsi, &c->remote_ts, &n->too_many);
	n->too_many |= fits && !ts_policies_fit(c->local_ts, c->remote_ts);
	return fits && !n->too_many ? 0 : NOTIFY_TS_UNACCEPTABLE;
}

/* Both ends agree on the selectors, and we cannot have so many. */
static void report_limit(struct step *s, struct sa *sa)
{
	char limit[FACT_VALUE];
	snprintf(limit, sizeof limit, "%d pairs", TS_POLICIES_MAX);
	sa_report(s, sa, FACT_TS_LIMIT, BLAME_LOCAL,
		"the traffic selectors of the two ends fit, but make more than %d pairs, and we hold no more for a tunnel: use wider prefixes in local-ts and remote-ts, or at the peer",
		TS_POLICIES_MAX);
	ike_report_about(s, sa->tunnel, SUBJECT_POLICY, NULL, limit);
}

void report_unusable_child(struct step *s, struct sa *sa, const struct negotiation *n)
{
	if (n->too_many)
		report_limit(s, sa);
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
	if (n->too_many) {
		report_limit(s, sa);
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
