/*
 * net.c - the network between the hosts: weather, NAT, an attacker who repeats and spoils, and the watch on every datagram that leaves.
 */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "hostile.h"

/* ---------------------------------------------------------------- the watch */

static void sync_nonce(struct world *w, const struct packet *p, uint8_t nonce[4])
{
	static struct inside in;
	size_t n;
	const uint8_t *body = hostile_open(w, p, &in) ? inside_find(&in, PAYLOAD_NOTIFY, &n) : NULL;
	if (body && n == 16 && body[2] == NOTIFY_IKEV2_MESSAGE_ID_SYNC >> 8 && body[3] == (NOTIFY_IKEV2_MESSAGE_ID_SYNC & 0xff))
		memcpy(nonce, body + 4, 4);
}

/*
 * Under one key (SPIs and direction) a message id, with number and total of the fragment, always means the same bytes, and so does an IV
 * (RFC 7296 2.3, RFC 5282 3): a repetition is the datagram itself, or all of the message in more fragments (RFC 7383 2.5.2).
 */
static void watch(struct world *w, struct host *h, const struct packet *p)
{
	const uint8_t *d = p->data;
	bool fragment = d[16] == PAYLOAD_SKF;
	size_t iv = IKE_HEADER_LEN + IKE_PAYLOAD_HEADER_LEN + (fragment ? 4u : 0u);
	if ((d[16] != PAYLOAD_SK && !fragment) || p->n < iv + 8)
		return;
	uint8_t id[36] = { 0 };
	memcpy(id, d, 16);
	id[16] = d[19];
	memcpy(id + 17, d + 20, 4);
	if (fragment)
		memcpy(id + 21, d + 32, 4);
	if (d[18] == EXCHANGE_INFORMATIONAL &&
		!(d[20] | d[21] | d[22] | d[23])) /* message ids agreed anew: told apart by its nonce (RFC 6311 5.1) */
		sync_nonce(w, p, id + 25);
	bool fresh;
	uint64_t whole = mix_bytes(7, d, p->n), *had = seen_put(&w->messages, mix_bytes(2, id, sizeof id), &fresh);
	if (!fresh && *had != whole)
		world_fail(w, "%c: message id %02x%02x is used for two different messages (#%llu)", h->name, d[22], d[23],
			(unsigned long long)p->number);
	*had = whole;
	memset(id + 17, 0, sizeof id - 17);
	id[16] = d[19] & IKE_FLAG_INITIATOR;
	memcpy(id + 17, d + iv, 8);
	had = seen_put(&w->ivs, mix_bytes(3, id, sizeof id), &fresh);
	if (!fresh && *had != whole)
		world_fail(w, "%c: an IV is used twice under one key (#%llu)", h->name, (unsigned long long)p->number);
	*had = whole;
}

/* ---------------------------------------------------------------- where answers go */

/* What a request and its answer have in common: the host, the initiator's SPI, exchange and message id; and between which addresses it travelled. */
static uint64_t request_key(const struct host *h, const uint8_t *d, const struct addr *local, const struct addr *remote)
{
	uint8_t id[16] = { (uint8_t)h->number, d[18], (uint8_t)(d[19] & IKE_FLAG_INITIATOR) };
	memcpy(id + 3, d + 20, 4);
	uint64_t x = mix_bytes(mix_bytes(5, id, sizeof id), d, IKE_SPI_LEN);
	x = mix_bytes(mix_bytes(x, local->ip, sizeof local->ip), &local->port, sizeof local->port);
	return mix_bytes(mix_bytes(x, remote->ip, sizeof remote->ip), &remote->port, sizeof remote->port);
}

void net_asked(struct world *w, const struct ike_event *e)
{
	bool request = e->kind == EVENT_DATAGRAM && e->datagram.bytes.n >= IKE_HEADER_LEN &&
		       !(e->datagram.bytes.p[19] & IKE_FLAG_RESPONSE);
	w->asking = request ? e : NULL;
}

/* The step is over. What it has answered is done with; else the answer comes in a later one. */
void net_heard(struct world *w, const struct host *h)
{
	bool fresh;
	const struct ike_event *e = w->asking;
	if (e)
		seen_put(&w->requests, request_key(h, e->datagram.bytes.p, &e->datagram.local, &e->datagram.remote), &fresh);
	w->asking = NULL;
}

/* An answer goes where its request came from (RFC 7296 2.11, 2.23). */
static void check_answer(struct world *w, const struct host *h, const struct packet *p)
{
	uint8_t asked[IKE_HEADER_LEN];
	const struct ike_event *e = w->asking;
	if (!(p->data[19] & IKE_FLAG_RESPONSE))
		return;
	memcpy(asked, p->data, sizeof asked);
	asked[19] ^= IKE_FLAG_INITIATOR | IKE_FLAG_RESPONSE;
	const uint8_t *now = e ? e->datagram.bytes.p : NULL;
	bool elsewhere = false;
	if (now && !memcmp(now, asked, IKE_SPI_LEN) && now[18] == asked[18] && !((now[19] ^ asked[19]) & IKE_FLAG_INITIATOR) &&
		!memcmp(now + 20, asked + 20, 4)) {
		elsewhere = !addr_equal(&e->datagram.remote, &p->dst) || !addr_equal(&e->datagram.local, &p->src);
		w->asking = NULL;
	} else {
		seen_put(&w->requests, request_key(h, asked, &p->src, &p->dst), &elsewhere);
	}
	if (elsewhere)
		world_fail(w, "%c: an answer goes where its request did not come from (#%llu)", h->name,
			(unsigned long long)p->number);
}

/* ---------------------------------------------------------------- NAT */

void nat_place(struct world *w, int host, const char *outside, bool forwards)
{
	struct nat *n = &w->hosts[host].nat;
	*n = (struct nat){ .used = true, .forwards = forwards, .next_port = 20000 };
	addr_parse(&n->outside, outside);
}

void nat_forget(struct world *w, int host, const char *outside)
{
	struct nat *n = &w->hosts[host].nat;
	n->n = 0;
	n->next_port += 1000;
	if (outside)
		addr_parse(&n->outside, outside);
	note(w, "%c   its NAT forgets all mappings%s", w->hosts[host].name, outside ? " and has a new address" : "");
	w->excuse_until = w->now + 15 * SECOND;
}

static bool nat_out(struct world *w, struct host *h, struct packet *p)
{
	struct nat *n = &h->nat;
	if (p->esp && !p->encap)
		return false; /* no ports to translate */
	unsigned i = 0;
	while (i < n->n && n->maps[i].inside != p->src.port)
		i++;
	if (i == NAT_MAPS_MAX)
		return false;
	if (i == n->n) {
		bool fixed = n->forwards && (p->src.port == IKE_PORT || p->src.port == IKE_NATT_PORT);
		n->maps[n->n++].inside = p->src.port;
		n->maps[i].outside = fixed ? p->src.port : n->next_port++;
	}
	n->maps[i].last = w->now;
	uint16_t port = n->maps[i].outside;
	p->src = n->outside;
	p->src.port = port;
	return true;
}

static bool nat_in(struct world *w, struct host *h, struct packet *p)
{
	struct nat *n = &h->nat;
	uint16_t port = 0;
	for (unsigned i = 0; i < n->n; i++)
		if (n->maps[i].outside == p->dst.port && (n->forwards || w->now - n->maps[i].last < MINUTE))
			port = n->maps[i].inside;
	if (!port && n->forwards && (p->dst.port == IKE_PORT || p->dst.port == IKE_NATT_PORT))
		port = p->dst.port;
	if (!port || (p->esp && !p->encap))
		return false;
	p->dst = h->addr;
	p->dst.port = port;
	return true;
}

/* Whose is the address on the wire? The packet is translated on the way in. */
static struct host *owner(struct world *w, struct packet *p, bool *refused)
{
	*refused = false;
	for (int i = 0; i < w->n_hosts; i++) {
		struct host *h = &w->hosts[i];
		if (!h->nat.used && addr_same_ip(&h->addr, &p->dst))
			return h;
		if (h->nat.used && addr_same_ip(&h->nat.outside, &p->dst)) {
			*refused = !nat_in(w, h, p);
			return h;
		}
	}
	return NULL;
}

/* ---------------------------------------------------------------- on the way */

static void travel(struct world *w, const struct packet *p, msec delay)
{
	struct wevent *e = world_at(w, delay, W_PACKET, ANY_HOST);
	e->packet = *p;
	e->packet.data = p->n ? xcalloc(1, p->n) : NULL;
	if (p->n)
		memcpy(e->packet.data, p->data, p->n);
}

static msec delay(struct world *w) { return prng_between(&w->random, w->weather.delay_min, w->weather.delay_max); }

/* One octet changed, the end cut off, or something hung on; never a byte-identical copy. */
static void spoil(struct world *w, const struct packet *p)
{
	struct packet bad = *p;
	uint8_t copy[4096];
	if (p->n > sizeof copy - 8 || p->n < IKE_HEADER_LEN)
		return;
	memcpy(copy, p->data, p->n);
	bad.data = copy;
	bad.garbage = true;
	bad.from = ANY_HOST;
	uint32_t at = prng_below(&w->random, (uint32_t)p->n);
	switch (prng_below(&w->random, 6)) {
	case 0: bad.n = at; break;
	case 1:
		bad.n = p->n + 4;
		memset(copy + p->n, 0, 4);
		break;
	case 2: /* another message id: the repetition filter must not believe it */ copy[23] ^= 1; break;
	default: copy[at] ^= (uint8_t)(1u << prng_below(&w->random, 8)); break;
	}
	if (prng_percent(&w->random, 30))
		bad.src.port ^= 7;
	w->garbage++;
	travel(w, &bad, delay(w));
}

static void repeat_old(struct world *w)
{
	if (!w->n_past)
		return;
	struct packet p = w->past[prng_below(&w->random, w->n_past)];
	p.replay = true;
	note_datagram(w, &p, "again, by somebody");
	travel(w, &p, delay(w));
}

static void remember(struct world *w, const struct packet *p)
{
	struct packet *to = &w->past[w->n_past < PAST_MAX ? w->n_past++ : prng_below(&w->random, PAST_MAX)];
	free(to->data);
	*to = *p;
	to->data = xcalloc(1, p->n);
	memcpy(to->data, p->data, p->n);
}

static void through_weather(struct world *w, struct packet *p)
{
	const struct weather *v = &w->weather;
	bool lose = w->partition || prng_percent(&w->random, v->loss) || (w->drop_number && p->number == w->drop_number) ||
		    (w->filter && w->filter(w, p));
	if (w->hold && !lose && w->n_held < HELD_MAX) {
		note_datagram(w, p, "held");
		w->held[w->n_held++] = *p;
		p->data = NULL;
		return;
	}
	note_datagram(w, p, lose ? "LOST" : "");
	if (v->garbage && prng_percent(&w->random, v->garbage))
		spoil(w, p);
	if (v->replay) {
		remember(w, p);
		if (prng_percent(&w->random, v->replay))
			repeat_old(w);
	}
	if (lose)
		return;
	travel(w, p, delay(w));
	if (prng_percent(&w->random, v->duplicate))
		travel(w, p, delay(w));
}

void net_release_held(struct world *w, bool backwards)
{
	w->hold = false;
	for (unsigned i = 0; i < w->n_held; i++) {
		struct packet *p = &w->held[backwards ? w->n_held - 1 - i : i];
		note_datagram(w, p, "released");
		travel(w, p, 1 + i);
		free(p->data);
	}
	w->n_held = 0;
}

void net_forward(struct world *w, struct packet *p)
{
	struct host *h = p->from >= 0 ? &w->hosts[p->from] : NULL;
	if (h && (h->deaf || (h->nat.used && !nat_out(w, h, p)))) {
		if (p->esp && p->counts && !h->deaf)
			world_fail(w, "a packet from %c is lost: its NAT lets only UDP through", h->name);
	} else if (h && !h->nat.used && !addr_same_ip(&h->addr, &p->src)) {
		if (!p->esp)
			note_datagram(w, p, "from an address it does not have");
	} else if (!p->esp) {
		through_weather(w, p);
	} else if (w->partition || (w->weather.no_plain_esp && !p->encap) || prng_percent(&w->random, w->weather.esp_loss)) {
		w->esp_network++;
	} else {
		travel(w, p, delay(w));
	}
	free(p->data);
	p->data = NULL;
}

void net_send(struct world *w, int host, const struct ike_action *a)
{
	struct packet p = {
		.from = host, .src = a->send.local, .dst = a->send.remote, .n = a->send.bytes.n, .number = ++w->datagrams
	};
	struct host *h = &w->hosts[host];
	if (p.n < IKE_HEADER_LEN || !p.dst.port || !p.src.port || !p.dst.family || !p.src.family) {
		world_fail(w, "%c sends a datagram without header or address", h->name);
		return;
	}
	h->inits += a->send.bytes.p[18] == EXCHANGE_IKE_SA_INIT && !(a->send.bytes.p[19] & IKE_FLAG_RESPONSE);
	p.marker = p.src.port != IKE_PORT;
	p.data = xcalloc(1, p.n);
	memcpy(p.data, a->send.bytes.p, p.n);
	watch(w, h, &p);
	check_answer(w, h, &p);
	closing_sent(w, host, &p);
	net_forward(w, &p);
}

/* Keeps the mapping in the NAT fresh, arrives nowhere. */
void net_keepalive(struct world *w, int host, const struct ike_action *a)
{
	struct packet p = { .from = host, .src = a->send.local, .dst = a->send.remote };
	if (w->hosts[host].nat.used)
		nat_out(w, &w->hosts[host], &p);
}

/* ---------------------------------------------------------------- arrival */

static bool old_news(const struct ike *ike, const struct packet *p)
{
	const uint8_t *d = p->data;
	uint32_t id = (uint32_t)d[20] << 24 | (uint32_t)d[21] << 16 | (uint32_t)d[22] << 8 | d[23];
	struct cursor c = cursor_of(d + (d[19] & IKE_FLAG_INITIATOR ? 8 : 0), 8);
	const struct sa *sa = table_get(&ike->by_spi, get_u64(&c));
	if (d[18] == EXCHANGE_IKE_SA_INIT)
		return false;
	if (!sa)
		return true;
	if (d[19] & IKE_FLAG_RESPONSE)
		return sa->ours.core.state != XS_SENT || sa->ours.core.message_id != id;
	return id < sa->core.next_in;
}

/* An answer without protection can say that the SA is lost: no proof, but a reason to ask (RFC 7296 2.4). */
static bool may_hint(const struct packet *p)
{
	return p->n > 19 && p->data[19] & IKE_FLAG_RESPONSE && p->data[16] != PAYLOAD_SK && p->data[16] != PAYLOAD_SKF;
}

/* What is not authentic, or is over, leaves no trace but a counter. */
static void deliver_bad(struct world *w, struct host *h, struct packet *p, const struct ike_event *e)
{
	bool harmless = p->garbage ? p->n < 19 || p->data[18] != EXCHANGE_IKE_SA_INIT : old_news(h->ike, p);
	bool init = p->n > 16 && p->data[16] == PAYLOAD_SA;
	uint64_t before = check_digest(h->ike);
	w->spared = true;
	host_step(w, h->number, e);
	w->spared = false;
	if (harmless && !init && !may_hint(p) && h->ike && check_digest(h->ike) != before)
		world_fail(w, "%c: a %s message changed its state (#%llu, %zu bytes)", h->name,
			p->garbage ? "spoiled" : "repeated", (unsigned long long)p->number, p->n);
}

void net_deliver(struct world *w, struct wevent *we)
{
	struct packet *p = &we->packet;
	struct addr on_wire = p->dst;
	bool refused;
	struct host *h = owner(w, p, &refused);
	if (p->esp) {
		if (h && !refused && (h->ike || h->dead) && !h->deaf)
			traffic_arrive(w, h->number, p);
		else if (h && refused && p->counts && w->now >= w->excuse_until)
			world_fail(w, "a packet from %c is lost: the NAT before %c has no mapping", 'A' + p->from, h->name);
		return;
	}
	if (h && h->dead && !refused && !h->deaf) { /* it waits in the socket */
		p->dst = on_wire;
		travel(w, p, 3);
		return;
	}
	if (!h || refused || h->deaf || !h->ike || !p->n)
		return;
	if (p->marker != (p->dst.port != IKE_PORT)) {
		note_datagram(w, p, "has the wrong marker for its port");
		return;
	}
	struct ike_event e = { .kind = EVENT_DATAGRAM, .datagram = { p->dst, p->src, { p->data, p->n } } };
	if (ike_next(h->ike).ms <= w->now)
		host_wake(w, h->number); /* so that a digest sees the datagram alone */
	if (p->garbage || p->replay) {
		deliver_bad(w, h, p, &e);
		return;
	}
	closing_asked(w, h->number, p);
	host_step(w, h->number, &e);
}

/* ---------------------------------------------------------------- for filters */

bool packet_is(const struct packet *p, int from, uint8_t exchange, bool response)
{
	return p->from == from && p->n > 19 && p->data[18] == exchange && !(p->data[19] & IKE_FLAG_RESPONSE) == !response;
}

bool no_auth_answer_of_b(struct world *w, const struct packet *p)
{
	(void)w;
	return packet_is(p, B, EXCHANGE_IKE_AUTH, true);
}
