/*
 * trace.c - the messages of a traced tunnel, opened, for whoever asked (s2sctl trace). Nothing is done for tunnels that nobody traces.
 *
 * A traced message is what the peer and we mean, without what proves or protects it: the encrypted payload's frame is gone, the contents of
 * AUTH and EAP are zeros (an AUTH is enough to guess at a weak pre-shared key). No SK_ key is in any message.
 */
#include <stdarg.h>
#include <stdio.h>
#include <string.h>

#include "machine.h"

/* A responder's SA has no tunnel before IKE_AUTH: then it is one that the addresses fit. */
static struct tunnel *traced(struct step *s, const struct sa *sa, const struct addr *local, const struct addr *remote)
{
	struct tunnel *t = NULL;
	bool all = s->ike->trace_all;
	if (!s->ike->traced && !all)
		return NULL;
	if (sa && sa->tunnel)
		return sa->tunnel->traced || all ? sa->tunnel : NULL;
	while ((t = tunnel_next_at(s->ike, t, local, remote)))
		if (t->traced || all)
			return t;
	return NULL;
}

/* Zeroes what follows the fixed part of AUTH and EAP payloads. The chain was judged before, or is ours; what is odd ends the walk with zeros. */
static void redact(uint8_t *chain, size_t n, uint8_t type)
{
	while (type != PAYLOAD_NONE && n >= IKE_PAYLOAD_HEADER_LEN) {
		size_t len = (size_t)chain[2] << 8 | chain[3], fixed = IKE_PAYLOAD_HEADER_LEN + (type == PAYLOAD_AUTH ? 4 : 0);
		if (len < IKE_PAYLOAD_HEADER_LEN || len > n)
			break;
		if ((type == PAYLOAD_AUTH || type == PAYLOAD_EAP) && len > fixed)
			memset(chain + fixed, 0, len - fixed);
		type = chain[0];
		chain += len;
		n -= len;
	}
	if (n)
		memset(chain, 0, n);
}

static struct ike_action *begin(
	struct step *s, const struct tunnel *t, bool out, const struct addr *local, const struct addr *remote)
{
	struct ike_action *a = step_action(s, ACTION_TRACE);
	a->trace.tunnel = t->id;
	a->trace.out = out;
	a->trace.local = *local;
	a->trace.remote = *remote;
	return a;
}

void trace_opened(struct step *s, const struct sa *sa, bool out, const struct ike_path *way, const struct header *h,
	uint8_t first, struct bytes plain)
{
	struct tunnel *t = traced(s, sa, &way->local, &way->remote);
	size_t size = IKE_HEADER_LEN + plain.n;
	uint8_t *mem = t && size <= IKE_MESSAGE_MAX ? arena_alloc(s->out->arena, size) : NULL;
	if (!mem)
		return;
	struct writer w;
	message_begin(&w, mem, size, h);
	put_view(&w.out, plain);
	if (w.out.bad)
		return;
	mem[w.next_at] = first;
	redact(mem + IKE_HEADER_LEN, plain.n, first);
	begin(s, t, out, &way->local, &way->remote)->trace.message = message_end(&w);
}

void trace_plain(
	struct step *s, const struct sa *sa, bool out, const struct addr *local, const struct addr *remote, struct bytes datagram)
{
	struct tunnel *t = traced(s, sa, local, remote);
	struct bytes copy = t ? arena_copy(s->out->arena, datagram) : (struct bytes){ 0 };
	if (copy.n)
		begin(s, t, out, local, remote)->trace.message = copy;
}

void trace_note(struct step *s, const struct sa *sa, bool out, const char *fmt, ...)
{
	char text[128];
	struct tunnel *t = traced(s, sa, &sa->core.local, &sa->core.remote);
	if (!t)
		return;
	va_list ap;
	va_start(ap, fmt);
	vsnprintf(text, sizeof text, fmt, ap);
	va_end(ap);
	begin(s, t, out, &sa->core.local, &sa->core.remote)->trace.note = arena_printf(s->out->arena, "%s", text);
}

void trace_set(struct ike *ike, struct tunnel *t, bool on)
{
	if (t->traced == on)
		return;
	t->traced = on;
	ike->traced += on ? 1u : -1u;
}

void ike_trace_all(struct ike *ike) { ike->trace_all = true; }
