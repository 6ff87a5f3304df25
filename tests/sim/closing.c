/*
 * closing.c - who has answered the peer's DELETE sends nothing more on what it closed: the peer has no SA for it any more. Looks at datagrams from outside:
 * which children the SA had when the request came, and which of them are closed when the answer leaves.
 */
#include <string.h>

#include "world.h"

static uint32_t id_of(const struct packet *p)
{
	struct cursor c = cursor_of(p->data + 20, 4);
	return get_u32(&c);
}

static bool informational(const struct packet *p, bool response)
{
	return !p->esp && p->n >= IKE_HEADER_LEN && p->data[18] == EXCHANGE_INFORMATIONAL &&
	       !(p->data[19] & IKE_FLAG_RESPONSE) == !response;
}

static struct closing *find(struct host *h, const struct packet *p)
{
	for (unsigned i = 0; i < ASKED_MAX; i++)
		if (h->asked[i].n && h->asked[i].id == id_of(p) && !memcmp(h->asked[i].spis, p->data, 2 * IKE_SPI_LEN))
			return &h->asked[i];
	return NULL;
}

/* What is elected could carry it; unless another program removed its outbound SA, too. */
static bool another_sends(struct host *h, uint32_t id)
{
	const struct tunnel *t = tunnel_by_id(h->ike, id);
	const struct child *c = t ? tunnel_elect(t, &t->slots[0]) : NULL;
	return c && child_sends(c);
}

void closing_asked(struct world *w, int host, const struct packet *p)
{
	struct host *h = &w->hosts[host];
	struct cursor c = cursor_of(p->data + (p->data[19] & IKE_FLAG_INITIATOR ? IKE_SPI_LEN : 0), IKE_SPI_LEN);
	const struct sa *sa = informational(p, false) ? table_get(&h->ike->by_spi, get_u64(&c)) : NULL;
	if (!sa || !sa->tunnel || sa->core.next_in != id_of(p) || find(h, p))
		return;
	struct closing *a = &h->asked[h->n_asked++ % ASKED_MAX];
	*a = (struct closing){ .id = id_of(p), .tunnel = sa->tunnel->id };
	memcpy(a->spis, p->data, sizeof a->spis);
	for (const struct child *o = sa->children; o && a->n < CHILDREN_PER_SA_MAX; o = o->next)
		if (o->core.out_installed || o->job_out)
			a->out[a->n++] = o->core.spi_out;
}

void closing_answered(struct world *w, int host, const struct packet *p)
{
	struct host *h = &w->hosts[host];
	struct closing *a = informational(p, true) ? find(h, p) : NULL;
	for (unsigned i = 0; a && i < a->n; i++) {
		const struct child *c = table_get(&h->ike->by_esp_out, (uint64_t)a->tunnel << 32 | a->out[i]);
		struct ksa *k = kernel_find(h, ESP_OUT, a->out[i], a->tunnel);
		if (k && (!c || c->state == CHILD_LINGER) && another_sends(h, a->tunnel))
			k->answered = true;
	}
	if (a)
		a->n = 0;
}
