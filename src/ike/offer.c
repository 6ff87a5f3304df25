/*
 * offer.c - payloads that several exchanges send alike, and how their refusal is reported.
 */

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
		ike_report(s, code, BLAME_PEER, sa->tunnel, &sa->core.remote,
			"the peer refused our traffic selectors %.110s (TS_UNACCEPTABLE): make local-ts and remote-ts fit its side",
			pair);
	else if (code == FACT_NO_PROPOSAL)
		ike_report(s, code, BLAME_PEER, sa->tunnel, &sa->core.remote,
			"no common ESP proposal: the peer accepts none of ours (%.84s)", ours);
	else
		ike_report(s, code, BLAME_PEER, sa->tunnel, &sa->core.remote, "the peer made no child SA: %s (%u)",
			ike_notify_name(notify), notify);
	ike_report_compared(s, sa->tunnel, code == FACT_NO_PROPOSAL ? PROTOCOL_ESP : PROTOCOL_NONE, notify,
		code == FACT_TS_REFUSED ? pair : ours, "");
}

void report_selectors(
	struct step *s, struct tunnel *t, const struct addr *peer, const struct payload *tsi, const struct payload *tsr)
{
	char theirs[FACT_ITEM], ours[FACT_ITEM];
	const struct slot *slot = &t->slots[0];
	select_describe_ts(tsr->ts.v, tsr->ts.n, tsi->ts.v, tsi->ts.n, theirs, sizeof theirs); /* as we see it: our end first */
	select_describe_ts(slot->local_ts->v, slot->local_ts->n, slot->remote_ts->v, slot->remote_ts->n, ours, sizeof ours);
	ike_report(s, FACT_TS_REFUSED, BLAME_PEER, t, peer,
		"the peer's traffic selectors %.85s do not fit our local-ts and remote-ts %.85s", theirs, ours);
	ike_report_compared(s, t, PROTOCOL_NONE, NOTIFY_TS_UNACCEPTABLE, ours, theirs);
}
