/* sent.c - messages as they leave: sealed, sent, kept for repeating. */
#include <stdlib.h>
#include <string.h>

#include "machine.h"

void sent_message_clear(struct sent_message *f)
{
	if (f->data)
		wipe(f->data, f->size);
	free(f->data);
	if (f->again)
		bytes_drop(&f->again->plain);
	free(f->again);
	*f = (struct sent_message){ 0 };
}

void sent_message_again(struct sent_message *f, const struct unsealed *m)
{
	f->again = xcalloc(1, sizeof *f->again);
	*f->again = *m;
	f->again->plain = bytes_dup(m->plain);
}

void sent_message_set(struct sent_message *f, const struct bytes *datagrams, unsigned n)
{
	sent_message_clear(f);
	size_t size = 0;
	for (unsigned i = 0; i < n; i++)
		size += 2 + datagrams[i].n;
	f->data = xcalloc(1, size);
	f->size = (uint32_t)size;
	f->n = (uint8_t)n;
	struct buf b = buf_of(f->data, size);
	for (unsigned i = 0; i < n; i++) {
		put_u16(&b, (uint16_t)datagrams[i].n);
		put_view(&b, datagrams[i]);
	}
}

static void send_one(struct step *s, const struct ike_path *way, struct bytes datagram)
{
	struct bytes copy = arena_copy(s->out->arena, datagram);
	if (!copy.n)
		return; /* out of room in this step: as if the network had lost it */
	struct ike_action *a = step_action(s, ACTION_SEND);
	a->send.local = way->local;
	a->send.remote = way->remote;
	a->send.bytes = copy;
}

void sent_message_transmit(struct step *s, const struct ike_path *way, const struct sent_message *f)
{
	struct cursor c = cursor_of(f->data, f->size);
	for (unsigned i = 0; i < f->n; i++) {
		uint16_t n = get_u16(&c);
		send_one(s, way, get_view(&c, n));
	}
}

size_t sealed_size(const struct sa *sa, size_t n)
{
	struct seal_keys k = keys_out(sa);
	return seal_size(&k, n);
}

int unseal(struct seal_keys k, const struct message *m, struct bytes sealed, struct bytes *plain)
{
	struct bytes head = bytes_of(m->raw.p, (size_t)(sealed.p - m->raw.p));
	return seal_open(&k, head, (uint8_t *)(uintptr_t)sealed.p, sealed.n, plain); /* all of a message is writable memory */
}

/* By the keys that it was sealed with. */
static bool open_one(struct step *s, const struct sa *sa, struct bytes datagram, struct unsealed *m)
{
	struct arena *a = s->out->arena;
	struct message *of = arena_alloc(a, sizeof *of);
	struct bytes plain;
	if (!of || message_decode(of, arena_copy(a, datagram), a) != ERR_OK || of->sealed_at >= of->n)
		return false;
	const struct payload *p = &of->p[of->sealed_at];
	bool part = p->type == PAYLOAD_SKF;
	struct bytes sealed = part ? p->skf.sealed : p->sk.sealed;
	uint8_t first = part ? p->skf.first : p->sk.first;
	if (unseal(keys_out(sa), of, sealed, &plain) != ERR_OK)
		return false;
	uint8_t *all = arena_alloc(a, m->plain.n + plain.n + 1);
	if (!all)
		return false;
	if (m->plain.n)
		memcpy(all, m->plain.p, m->plain.n);
	if (plain.n)
		memcpy(all + m->plain.n, plain.p, plain.n);
	if (!m->plain.n)
		m->first = first;
	m->h = of->h;
	m->plain = bytes_of(all, m->plain.n + plain.n);
	return true;
}

bool sent_message_open(struct step *s, const struct sa *sa, const struct sent_message *f, struct unsealed *m)
{
	struct cursor c = cursor_of(f->data, f->size);
	*m = (struct unsealed){ 0 };
	for (unsigned i = 0; i < f->n; i++) {
		uint16_t n = get_u16(&c);
		if (!open_one(s, sa, get_view(&c, n), m))
			return false;
	}
	return f->n != 0;
}

bool sent_message_answers(const struct sent_message *f, uint8_t exchange)
{
	return f->n && f->data[2 + 18] == exchange; /* length, then the header */
}

struct chain chain_new(struct step *s, size_t cap)
{
	struct chain c;
	uint8_t *mem = arena_alloc(s->out->arena, cap);
	chain_begin(&c, mem, mem ? cap : 0);
	return c;
}

/* The only place that takes an IV: a counter per key, never the same twice. */
bool seal_next(struct sa *sa, struct bytes head, struct bytes plain, uint8_t *out, size_t n)
{
	struct seal_keys k = keys_out(sa);
	return seal_write(&k, sa->core.iv_out++, head, plain, out, n) == ERR_OK;
}

void sent_unsealed(struct step *s, const struct header *h, const struct ike_event *e, uint16_t notify, struct bytes data)
{
	struct header answer = { .major = 2, .exchange = h->exchange, .message_id = h->message_id };
	answer.flags = (uint8_t)(IKE_FLAG_RESPONSE | (~h->flags & IKE_FLAG_INITIATOR));
	memcpy(answer.spi_i, h->spi_i, IKE_SPI_LEN);
	memcpy(answer.spi_r, h->spi_r, IKE_SPI_LEN);
	struct payload p = payload_notify(notify, data);
	struct writer w;
	uint8_t *mem = arena_alloc(s->out->arena, 128);
	message_begin(&w, mem, mem ? 128 : 0, &answer);
	message_add(&w, &p);
	struct ike_action *a = step_action(s, ACTION_SEND);
	a->send.local = e->datagram.local;
	a->send.remote = e->datagram.remote;
	a->send.bytes = message_end(&w);
	trace_plain(s, NULL, true, &e->datagram.local, &e->datagram.remote, a->send.bytes);
}
