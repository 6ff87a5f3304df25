/*
 * sent.c - messages as they leave: sealed, sent, kept for repeating.
 */
#include <stdlib.h>
#include <string.h>

#include "machine.h"

void sent_message_clear(struct sent_message *f)
{
	if (f->data)
		wipe(f->data, f->size);
	free(f->data);
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

static void send_one(struct step *s, const struct sa *sa, struct bytes datagram)
{
	struct bytes copy = arena_copy(s->out->arena, datagram);
	if (!copy.n)
		return; /* out of room in this step: as if the network had lost it */
	struct ike_action *a = step_action(s, ACTION_SEND);
	a->send.local = sa->core.local;
	a->send.remote = sa->core.remote;
	a->send.bytes = copy;
}

void sent_message_transmit(struct step *s, const struct sa *sa, const struct sent_message *f)
{
	struct cursor c = cursor_of(f->data, f->size);
	for (unsigned i = 0; i < f->n; i++) {
		uint16_t n = get_u16(&c);
		send_one(s, sa, get_view(&c, n));
	}
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
