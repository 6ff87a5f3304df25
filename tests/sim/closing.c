/*
 * closing.c - who has sent a DELETE, or has answered the peer's, sends nothing more on what it closes: the peer may have no SA for it any more. Looks at
 * datagrams from outside: which children the SA had when the request came, and which of them are closed when the answer leaves.
 */
#include <string.h>

#include "world.h"

static uint32_t id_of(const struct packet *p)
{
	struct cursor c = cursor_of(p->data + 20, 4);
	return get_u32(&c);
}

/* Sealed: what nothing protects, a hint that the SA is not known, answers nothing. */
static bool informational(const struct packet *p, bool response)
{
	return !p->esp && p->n >= IKE_HEADER_LEN && p->data[18] == EXCHANGE_INFORMATIONAL &&
	       (p->data[16] == PAYLOAD_SK || p->data[16] == PAYLOAD_SKF) && !(p->data[19] & IKE_FLAG_RESPONSE) == !response;
}

static struct closing *find(struct host *h, const struct packet *p)
{
	for (unsigned i = 0; i < ASKED_MAX; i++)
		if (h->asked[i].n && h->asked[i].id == id_of(p) && !memcmp(h->asked[i].spis, p->data, 2 * IKE_SPI_LEN))
			return &h->asked[i];
	return NULL;
}

/* What is elected could carry it; unless another program removed its outbound SA, too. */
static bool another_sends(struct host *h, uint32_t id, uint32_t spi)
{
	struct tunnel *t = tunnel_by_id(h->ike, id);
	const struct child *of = t ? child_sending(t, spi) : NULL;
	if (t)
		tunnel_elect(t);
	const struct child *c = t && of && of->slot ? of->slot->best : NULL;
	return c && c->core.spi_out != spi && child_sends(c);
}

/* The SA of the host that the datagram is for, or comes from. */
static const struct sa *receiver(struct host *h, const struct packet *p, bool comes)
{
	bool second = !(p->data[19] & IKE_FLAG_INITIATOR) != comes;
	struct cursor c = cursor_of(p->data + (second ? IKE_SPI_LEN : 0), IKE_SPI_LEN);
	return table_get(&h->ike->by_spi, get_u64(&c));
}

void closing_asked(struct world *w, int host, const struct packet *p)
{
	struct host *h = &w->hosts[host];
	const struct sa *sa = informational(p, false) ? receiver(h, p, true) : NULL;
	if (!sa || !sa->tunnel || sa->core.next_in != id_of(p) || find(h, p))
		return;
	struct closing *a = &h->asked[h->n_asked++ % ASKED_MAX];
	*a = (struct closing){ .id = id_of(p), .tunnel = sa->tunnel->id };
	memcpy(a->spis, p->data, sizeof a->spis);
	for (const struct child *o = sa->children; o && a->n < CHILDREN_PER_SA_MAX; o = o->next)
		if (o->core.out_installed || o->job_install)
			a->out[a->n++] = o->core.spi_out;
}

static void mark(struct host *h, uint32_t tunnel, uint32_t spi)
{
	struct ksa *k = kernel_find(h, ESP_OUT, spi, tunnel);
	if (k && another_sends(h, tunnel, spi))
		k->closing = true;
}

static void answered(struct host *h, struct closing *a)
{
	const struct tunnel *t = tunnel_by_id(h->ike, a->tunnel);
	for (unsigned i = 0; i < a->n; i++) {
		const struct child *c = t ? child_sending(t, a->out[i]) : NULL;
		if (!c || c->state == CHILD_LINGER)
			mark(h, a->tunnel, a->out[i]);
	}
	a->n = 0;
}

void closing_sent(struct world *w, int host, const struct packet *p)
{
	struct host *h = &w->hosts[host];
	struct closing *a = informational(p, true) ? find(h, p) : NULL;
	const struct sa *sa = informational(p, false) ? receiver(h, p, false) : NULL;
	if (a)
		answered(h, a);
	if (!sa || sa->ours.core.kind != X_DELETE_CHILD || sa->ours.core.message_id != id_of(p) || !sa->ours.neg)
		return;
	const struct child *c = child_by_number(sa->tunnel, sa->ours.neg->replaces);
	if (c)
		mark(h, c->tunnel->id, c->core.spi_out);
}
