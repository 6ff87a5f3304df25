/*
 * farewell.c - the last answer of an IKE SA that is gone: when it was lost, its request comes again (RFC 7296 2.1), and nothing else can answer that. Kept for
 * the time of the peer's repetitions, a fixed number of them, without keys.
 */
#include <stdlib.h>
#include <string.h>

#include "machine.h"

#define FAREWELL_TIME 40000 /* longer than peers repeat, as far as we know them */
#define FAREWELLS_MAX 256
#define FAREWELL_SIZE 1024 /* errors and empty answers are shorter */

struct farewell {
	uint8_t spi_i[IKE_SPI_LEN], spi_r[IKE_SPI_LEN];
	uint32_t message_id;
	bool initiator; /* we were */
	struct ike_path from;
	struct sent_message sent;
	struct mono repeated, until;
};
struct farewells { /* in order of their ends */
	struct farewell v[FAREWELLS_MAX];
	unsigned first, n;
};

struct farewells *farewells_new(void) { return xcalloc(1, sizeof(struct farewells)); }

static void drop_first(struct farewells *f)
{
	sent_message_clear(&f->v[f->first].sent);
	f->first = (f->first + 1) % FAREWELLS_MAX;
	f->n--;
}

void farewells_free(struct farewells *f)
{
	while (f->n)
		drop_first(f);
	free(f);
}

struct mono farewells_until(const struct farewells *f) { return f->n ? f->v[f->first].until : MONO_NEVER; }

void farewells_expire(struct step *s)
{
	while (mono_due(farewells_until(s->ike->farewells), s->now.mono))
		drop_first(s->ike->farewells);
}

void farewell_keep(struct step *s, struct sa *sa)
{
	struct farewells *f = s->ike->farewells;
	struct exchange *x = &sa->theirs;
	bool young = s->now.mono.ms - x->first.ms < FAREWELL_TIME;
	if (sa->core.origin.number && sent_message_answers(&x->sent, EXCHANGE_IKE_AUTH)) /* it says that there is an SA */
		return;
	if (!x->sent.n || !young || x->sent.size > FAREWELL_SIZE || sent_message_answers(&x->sent, EXCHANGE_IKE_SA_INIT))
		return;
	if (f->n == FAREWELLS_MAX)
		drop_first(f);
	struct farewell *to = &f->v[(f->first + f->n++) % FAREWELLS_MAX];
	memcpy(to->spi_i, sa->core.spi_i, IKE_SPI_LEN);
	memcpy(to->spi_r, sa->core.spi_r, IKE_SPI_LEN);
	to->initiator = sa->core.initiator;
	to->message_id = sa->core.next_in - 1;
	to->from = sa->from;
	to->sent = x->sent;
	to->repeated = x->first;
	to->until = mono_add(s->now.mono, FAREWELL_TIME);
	x->sent = (struct sent_message){ 0 };
}

/* There is no key any more to tell whose the repetition is: it must come from where the request came from. */
bool farewell_again(struct step *s, const struct header *h, const struct ike_event *e)
{
	struct farewells *f = s->ike->farewells;
	for (unsigned i = 0; i < f->n; i++) {
		struct farewell *v = &f->v[(f->first + i) % FAREWELLS_MAX];
		bool same = v->message_id == h->message_id && !memcmp(v->spi_i, h->spi_i, IKE_SPI_LEN) &&
			    !memcmp(v->spi_r, h->spi_r, IKE_SPI_LEN) && v->initiator == !(h->flags & IKE_FLAG_INITIATOR) &&
			    sent_message_answers(&v->sent, h->exchange) && addr_equal(&v->from.local, &e->datagram.local) &&
			    addr_equal(&v->from.remote, &e->datagram.remote);
		if (!same)
			continue;
		if (mono_due(mono_add(v->repeated, ANSWER_REPEAT_MIN), s->now.mono)) {
			v->repeated = s->now.mono;
			sent_message_transmit(s, &v->from, &v->sent);
		}
		return true;
	}
	return false;
}
