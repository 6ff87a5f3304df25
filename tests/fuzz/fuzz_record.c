/*
 * fuzz_record.c - a tunnel's record that somebody has been at, and SAs of the kernel beside it. Input: which record of those that a life of tunnels has made
 * (up, amid rekeys from either end, with several children), how many SAs the kernel has, then changes: what, place, octet; the last octets: what was noted
 * since. An engine goes on from it, or refuses it; it holds together for thirty timers, and what it saves can be read again.
 */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "../sim/world.h"
#include "ike/record.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

enum { BASES = 64, LOOKS = 15, RECORD_ROOM = 8192, GIVEN_MAX = 8, NOTE_OCTETS = 4 };

static struct world w;
static struct bytes bases[BASES];
static unsigned n_bases;

static void must(bool holds)
{
	if (holds && !w.failed)
		return;
	notes_print(&w, 40);
	printf("the record: %s\n", w.why);
	fflush(stdout);
	abort();
}

static void look(void)
{
	struct bytes r = w.hosts[A].kept[tunnel_id(&w, A, "t")];
	if (n_bases < BASES && r.n > 0 && r.n < RECORD_ROOM)
		bases[n_bases++] = bytes_dup(r);
}

static void rekey_from(int host, enum ike_command_kind kind)
{
	order(&w, host, kind);
	for (unsigned i = 0; i < LOOKS / 2; i++) {
		world_run(&w, 40);
		look();
	}
	world_run(&w, 10 * SECOND);
}

static void make_bases(void)
{
	const char *why;
	must(alg_init(&why));
	world_init(&w, 11, false);
	pair(&w);
	w.kernel_max = 60;
	begin(&w);
	await_up(&w, 10 * SECOND);
	look();
	for (unsigned turn = 0; turn < 2; turn++) {
		for (int host = 0; host < 2; host++) {
			rekey_from(host, COMMAND_REKEY);
			rekey_from(host, COMMAND_REKEY_IKE);
		}
		set_pairs(&w, A, "t", "10.1", "10.2", 2);
		set_pairs(&w, B, "t", "10.2", "10.1", 2);
		host_load(&w, A);
		host_load(&w, B);
		world_run(&w, 30 * SECOND);
		look();
	}
	w.meddled = true;
	must(n_bases > LOOKS);
}

static size_t change(struct cursor *c, uint8_t *r, size_t n)
{
	uint8_t what = get_u8(c);
	size_t at = n > 0 ? get_u16(c) % n : 0;
	uint8_t octet = get_u8(c);
	switch (what % 6) {
	case 0: n = at; break;
	case 1: r[at] = octet; break;
	case 2: r[at] ^= (uint8_t)(1u << octet % 8); break;
	case 3: /* the length of what decides, as it is said */ r[1 + at % 4] = octet; break;
	case 4: /* octets taken out, and the length told */
		octet = (uint8_t)(octet % 16 < n - at ? octet % 16 : n - at);
		memmove(r + at, r + at + octet, n - at - octet);
		n -= octet;
		if (n > 5)
			r[4] = (uint8_t)(r[4] - octet);
		break;
	default: /* a number as long as it can be */
		for (unsigned i = 0; i < 9 && at + i < n; i++)
			r[at + i] = i < 8 ? 0xff : 0x7f;
	}
	return n;
}

/* SAs as the world's kernel has them, one with another SPI where the input says so. */
static uint32_t held_of(uint8_t how, struct esp_held v[GIVEN_MAX])
{
	const struct host *h = &w.hosts[A];
	uint32_t n = 0;
	for (unsigned i = 0; i < h->n_sas && n < how % GIVEN_MAX; i++) {
		const struct ksa *k = &h->sas[i];
		if (!k->gone)
			v[n++] = (struct esp_held){ .tunnel = k->tunnel,
				.spi = k->spi ^ how / GIVEN_MAX,
				.dir = k->dir,
				.encap = k->encap,
				.local = k->local,
				.remote = k->remote };
	}
	return n;
}

/* What is saved must be a record that is taken. */
static void look_at_actions(const struct ike_actions *a)
{
	for (uint32_t i = 0; i < a->n; i++) {
		struct tunnel read = { 0 };
		if (a->v[i].kind != ACTION_SAVE || a->v[i].save.record.n == 0)
			continue;
		must(record_read(&read, a->v[i].save.record));
		record_release(&read);
	}
}

static void go_on(struct bytes record, struct bytes note, uint8_t how)
{
	struct host *h = &w.hosts[A];
	struct ike *ours = h->ike;
	struct esp_held held[GIVEN_MAX];
	uint32_t id = tunnel_id(&w, A, "t");
	struct ike_kept one = { .tunnel = id, .record = record, .note = note, .n = held_of(how, held), .held = held };
	struct ike_restore from = { 1, &one };
	struct ike_event e = { .kind = EVENT_CONF, .conf = { conf_unpack(h->given), &from } };
	struct moment now = world_moment(&w);
	h->ike = ike_new(prng_fill, &h->fill);
	ike_step(h->ike, now, &e, &h->actions);
	look_at_actions(&h->actions);
	ike_actions_reset(&h->actions);
	for (unsigned i = 0; i < 30; i++) {
		struct mono at = ike_next(h->ike);
		now.mono = at.ms > now.mono.ms && !mono_is_never(at) ? at : now.mono;
		ike_step(h->ike, now, &(struct ike_event){ .kind = EVENT_TIMER }, &h->actions);
		look_at_actions(&h->actions);
		ike_actions_reset(&h->actions);
	}
	uint8_t link = h->link[id];
	h->link[id] = tunnel_by_id(h->ike, id)->state == TUNNEL_UP ? LINK_UP : LINK_DOWN;
	check_step(&w, A);
	must(!w.failed);
	h->link[id] = link;
	ike_free(h->ike);
	h->ike = ours;
}

/* Of the last octets: what is noted, reckoned from the record as long as that can be read. */
static struct bytes note_of(const uint8_t *record, size_t n, struct cursor *c)
{
	static uint8_t v[STORE_NOTE];
	struct buf b = buf_of(v, sizeof v);
	struct tunnel read = { 0 };
	const struct sa *sa = record_read(&read, bytes_of(record, n)) ? read.sa_list : NULL;
	uint32_t out = sa ? sa->core.next_out : 0, in = sa ? sa->core.next_in : 0;
	uint8_t more = get_u8(c);
	put_u32(&b, out + more % 16);
	put_u32(&b, in + more / 16);
	put_u32(&b, get_u8(c) % 32);
	put_u32(&b, get_u8(c) % 32);
	put_u64(&b, get_u8(c));
	record_release(&read);
	return more ? buf_view(&b) : (struct bytes){ 0 };
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	static uint8_t record[RECORD_ROOM];
	struct cursor c = cursor_of(data, size);
	if (n_bases == 0)
		make_bases();
	const struct bytes *b = &bases[get_u8(&c) % n_bases];
	uint8_t how = get_u8(&c);
	size_t n = b->n;
	memcpy(record, b->p, n);
	while (cursor_left(&c) > NOTE_OCTETS)
		n = change(&c, record, n);
	go_on(bytes_of(record, n), note_of(record, n, &c), how);
	return 0;
}
