/*
 * hostile.c - see hostile.h.
 */
#include <stdlib.h>
#include <string.h>

#include "hostile.h"

/* Far from the counters of the honest, whose state is not touched here. */
static uint64_t next_iv = (uint64_t)1 << 63;

struct sa *hostile_sa(struct host *h, const struct header *head)
{
	struct cursor c = cursor_of(head->flags & IKE_FLAG_INITIATOR ? head->spi_i : head->spi_r, IKE_SPI_LEN);
	return h->ike ? table_get(&h->ike->by_spi, get_u64(&c)) : NULL;
}

/* The sender's, or, when its SA ended with this very message, those of the other of two hosts. */
static struct seal_keys keys_of(struct world *w, int from, const struct header *head)
{
	struct header other = *head;
	other.flags ^= IKE_FLAG_INITIATOR;
	const struct sa *ours = hostile_sa(&w->hosts[from], head), *theirs = ours ? NULL : hostile_sa(&w->hosts[!from], &other);
	return ours ? keys_out(ours) : theirs ? keys_in(theirs) : (struct seal_keys){ 0 };
}

static bool open_sealed(struct world *w, const struct packet *p, struct inside *in)
{
	uint8_t copy[INSIDE_MAX];
	const size_t head = IKE_HEADER_LEN + IKE_PAYLOAD_HEADER_LEN;
	struct seal_keys keys = keys_of(w, p->from, &in->h);
	struct bytes plain;
	if (!keys.e.n || p->n < head || p->n > sizeof copy)
		return false;
	memcpy(copy, p->data, p->n);
	if (seal_open(&keys, bytes_of(copy, head), copy + head, p->n - head, &plain) != ERR_OK)
		return false;
	in->sealed = true;
	in->first = copy[IKE_HEADER_LEN];
	in->n = plain.n;
	if (plain.n)
		memcpy(in->data, plain.p, plain.n);
	return true;
}

bool hostile_open(struct world *w, const struct packet *p, struct inside *in)
{
	memset(in, 0, sizeof *in);
	if (p->from < 0 || p->n > INSIDE_MAX || header_decode(&in->h, bytes_of(p->data, p->n)) != ERR_OK ||
		in->h.first == PAYLOAD_SKF)
		return false;
	if (in->h.first == PAYLOAD_SK)
		return open_sealed(w, p, in);
	in->first = in->h.first;
	in->n = p->n - IKE_HEADER_LEN;
	memcpy(in->data, p->data + IKE_HEADER_LEN, in->n);
	return true;
}

static struct bytes plain_datagram(const struct inside *in, uint8_t *mem, size_t size)
{
	struct writer w;
	message_begin(&w, mem, size, &in->h);
	put_bytes(&w.out, in->data, in->n);
	struct bytes all = message_end(&w);
	if (all.n)
		mem[16] = in->first;
	return all;
}

static struct bytes sealed_datagram(
	struct sa *sa, const struct inside *in, uint16_t number, uint16_t total, uint8_t *mem, size_t size)
{
	struct writer w;
	struct seal_keys keys = keys_out(sa);
	size_t body = seal_size(&keys, in->n);
	message_begin(&w, mem, size, &in->h);
	uint8_t *at = body ? message_seal(&w, in->first, body, total ? 1 : 0, total ? 1 : 0) : NULL;
	if (at && total) { /* the writer would not write all of them */
		const uint8_t numbers[] = { (uint8_t)(number >> 8), (uint8_t)number, (uint8_t)(total >> 8), (uint8_t)total };
		memcpy(at - sizeof numbers, numbers, sizeof numbers);
	}
	if (!at || seal_write(&keys, next_iv++, bytes_of(mem, (size_t)(at - mem)), bytes_of(in->data, in->n), at, body) != ERR_OK)
		return (struct bytes){ 0 };
	return message_end(&w);
}

static struct bytes datagram_of(
	struct host *h, const struct inside *in, uint16_t number, uint16_t total, uint8_t *mem, size_t size)
{
	struct sa *sa = hostile_sa(h, &in->h);
	if (!in->sealed)
		return plain_datagram(in, mem, size);
	return sa ? sealed_datagram(sa, in, number, total, mem, size) : (struct bytes){ 0 };
}

/* From the SA's addresses, or, before there is one, from the tunnel's. */
static void addressed(struct world *w, int from, const struct inside *in, struct packet *p)
{
	struct sa *sa = hostile_sa(&w->hosts[from], &in->h);
	p->from = from;
	p->src = sa ? sa->core.local : w->hosts[from].addr;
	p->dst = sa ? sa->core.remote : w->hosts[!from].addr;
	if (!p->src.port)
		p->src.port = p->dst.port = IKE_PORT;
	p->marker = p->src.port != IKE_PORT;
}

bool hostile_send(struct world *w, int from, const struct inside *in, uint16_t number, uint16_t total)
{
	uint8_t mem[INSIDE_MAX + 512];
	struct packet p = { .number = ++w->datagrams };
	struct bytes all = datagram_of(&w->hosts[from], in, number, total, mem, sizeof mem);
	if (!all.n)
		return false;
	addressed(w, from, in, &p);
	p.n = all.n;
	p.data = xcalloc(1, p.n);
	memcpy(p.data, all.p, p.n);
	net_forward(w, &p);
	return true;
}

void hostile_deliver(struct world *w, int to, const struct inside *in, uint16_t number, uint16_t total)
{
	static uint8_t mem[INSIDE_MAX + 512];
	struct packet p = { 0 };
	struct bytes all = datagram_of(&w->hosts[!to], in, number, total, mem, sizeof mem);
	addressed(w, !to, in, &p);
	struct ike_event e = { .kind = EVENT_DATAGRAM, .datagram = { p.dst, p.src, all } };
	host_step(w, to, &e);
}

bool hostile_request(struct world *w, int from, const char *tunnel, uint8_t exchange, struct inside *in)
{
	unsigned n;
	struct tunnel *t = tunnel_of(w, from, tunnel);
	struct sa *sa = t ? live_sa(w->hosts[from].ike, t, &n) : NULL;
	sa = t && !sa ? t->sa_list : sa;
	memset(in, 0, sizeof *in);
	if (!sa)
		return false;
	in->h = (struct header){ .major = 2, .exchange = exchange, .message_id = sa->core.next_out++ };
	w->hosts[from].as_kept[t->id] = true; /* not its own doing: it may be saved later, but then as a whole */
	ike_not_saved(w->hosts[from].ike, t->id);
	in->h.flags = sa->core.initiator ? IKE_FLAG_INITIATOR : 0;
	memcpy(in->h.spi_i, sa->core.spi_i, IKE_SPI_LEN);
	memcpy(in->h.spi_r, sa->core.spi_r, IKE_SPI_LEN);
	in->sealed = true;
	return true;
}

void inside_add(struct inside *in, uint8_t type, const void *body, size_t n)
{
	if (in->n + 4 + n > sizeof in->data)
		abort();
	size_t at = 0, last = 0;
	while (at < in->n) { /* to the last payload */
		last = at;
		at += (size_t)in->data[at + 2] << 8 | in->data[at + 3];
	}
	*(in->n ? &in->data[last] : &in->first) = type;
	uint8_t head[4] = { 0, 0, (uint8_t)((n + 4) >> 8), (uint8_t)(n + 4) };
	memcpy(in->data + in->n, head, sizeof head);
	if (n)
		memcpy(in->data + in->n + 4, body, n);
	in->n += 4 + n;
}

uint8_t *inside_find(struct inside *in, uint8_t type, size_t *n)
{
	uint8_t now = in->first;
	for (size_t at = 0; now && at + 4 <= in->n; now = in->data[at], at += (size_t)in->data[at + 2] << 8 | in->data[at + 3]) {
		if (now != type)
			continue;
		*n = ((size_t)in->data[at + 2] << 8 | in->data[at + 3]) - 4;
		return in->data + at + 4;
	}
	return NULL;
}

bool inside_has_notify(const struct inside *in, uint16_t type)
{
	uint8_t now = in->first;
	for (size_t at = 0; now && at + 8 <= in->n; now = in->data[at], at += (size_t)in->data[at + 2] << 8 | in->data[at + 3])
		if (now == PAYLOAD_NOTIFY && (in->data[at + 6] << 8 | in->data[at + 7]) == type)
			return true;
	return false;
}

void inside_drop(struct inside *in, unsigned which)
{
	uint8_t *next = &in->first;
	size_t at = 0;
	while (which-- && at + 4 <= in->n) {
		next = &in->data[at];
		at += (size_t)in->data[at + 2] << 8 | in->data[at + 3];
	}
	if (at + 4 > in->n)
		return;
	size_t len = (size_t)in->data[at + 2] << 8 | in->data[at + 3];
	*next = in->data[at];
	memmove(in->data + at, in->data + at + len, in->n - at - len);
	in->n -= len;
}
