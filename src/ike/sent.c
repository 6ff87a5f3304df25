/* sent.c - messages as they leave: sealed, sent, kept for repeating. */
#include <stdlib.h>
#include <string.h>

#include "machine.h"

void sent_message_clear(struct sent_message *f)
{
	if (f->data)
		wipe(f->data, f->size);
	free(f->data);
	bytes_drop(&f->again.plain);
	*f = (struct sent_message){ 0 };
}

void sent_message_set(struct sent_message *f, const struct bytes *datagrams, unsigned n)
{
	sent_message_clear(f);
	size_t size = 0;
	for (unsigned i = 0; i < n; i++)
		size += 2 + datagrams[i].n;
	f->data = xcalloc(1, size);
	f->size = (uint32_t)size;
	f->n = (uint16_t)n;
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
	return seal_write(&sa->core.out, sa->core.iv_out++, head, plain, out, n) == ERR_OK;
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
