/*
 * kernel_slots.c - of kernel_test: two children side by side, each with selectors of its own. Slot 1 carries all but one host behind east, slot 2 that host
 * (and in its turn the same as slot 1).
 */
#include <stdio.h>
#include <string.h>
#include <unistd.h>

#include "kernel_test.h"

#define FIRST 1 /* generation of slot 1's pair, set by who calls */
#define SECOND 50

/* Generation 0: it blocks. */
static void slot_to(struct side *s, const struct plan *p, uint16_t slot, unsigned g, const char *far)
{
	struct esp_switch w = { .tunnel = 1, .slot = slot };
	struct prefix near, away;
	if (g != 0) {
		w.spi_out = spi_from(s, g);
		w.local = outside(s, p);
		w.remote = outside(other(s), p);
	}
	prefix_parse(&near, s == &west ? "10.1.0.0/24" : far);
	prefix_parse(&away, s == &west ? far : "10.1.0.0/24");
	esp_switch_put(&w, &(struct ts_list){ .n = 1, .v = { ts_from_prefix(&near) } },
		&(struct ts_list){ .n = 1, .v = { ts_from_prefix(&away) } });
	check(s, kernel_real.sa_switch(s->k, &w), "switch of a slot");
}

static void both_to(const struct plan *p, uint16_t slot, unsigned g, const char *far)
{
	slot_to(&west, p, slot, g, far);
	slot_to(&east, p, slot, g, far);
}

static void gone(struct side *s, uint16_t slot)
{
	struct esp_switch w = { .tunnel = 1, .slot = slot };
	check(s, kernel_real.sa_switch(s->k, &w), "a slot is gone");
}

/* Packets that west sent by the pair of that generation. */
static struct {
	uint32_t spi;
	uint64_t packets;
} sent;

static void note_sent(void *arg, uint32_t tunnel, const struct esp_counters *c)
{
	(void)arg;
	if (tunnel == 1 && c->dir == ESP_OUT && c->spi == sent.spi)
		sent.packets = c->packets;
}

static unsigned sent_by(unsigned g)
{
	sent.spi = spi_from(&west, g);
	sent.packets = 0;
	check(&west, kernel_real.counters(west.k, note_sent, NULL), "counters");
	return (unsigned)sent.packets;
}

/* Three packets to that host leave by this pair and no other; with 0 none leaves. */
static void leaves_by(const char *to, unsigned g, const char *what)
{
	unsigned first = sent_by(FIRST), second = sent_by(SECOND);
	if (g != 0)
		ping("west-host", to, 3, "", what);
	else
		refuse(output("west-host", "ping -n -c 3 -i 0.1 -W 1 %s", to), "bytes from", what);
	first = sent_by(FIRST) - first;
	second = sent_by(SECOND) - second;
	if (first != (g == FIRST ? 3 : 0) || second != (g == SECOND ? 3 : 0))
		die("%s: %u packets by slot 1's SA, %u by slot 2's", what, first, second);
}

static unsigned put_back;
static char told[512];

static void note(void *arg, const struct kernel_difference *d)
{
	size_t n = strlen(told);
	(void)arg;
	put_back++;
	snprintf(told + n, sizeof told - n, "%s [%s] %s; ", d->what, d->was, d->why);
}

static void compare(const char *what, unsigned expected)
{
	put_back = 0;
	told[0] = 0;
	check(&west, kernel_real.reconcile(west.k, note, NULL), what);
	if (put_back != expected)
		die("%s: %u differences: %s", what, put_back, told);
}

static void heal(void)
{
	char other_spi[16];
	snprintf(other_spi, sizeof other_spi, "0x%x", (unsigned)spi_from(&west, FIRST));
	output("west",
		"ip xfrm policy update dir out src 10.1.0.0/24 dst 10.20.0.11/32 if_id 0x53320001 tmpl src 198.51.100.7 dst 203.0.113.10"
		" proto esp spi %s reqid 0x53320001 mode tunnel",
		other_spi);
	leaves_by("10.20.0.11", FIRST, "another program turned slot 2's policy");
	compare("slot 2's policy is put back", 1);
	expect(told, "policy out 10.1.0.0/24 - 10.20.0.11/32 [changed]", "slot 2's policy");
	leaves_by("10.20.0.11", SECOND, "put back");
	leaves_by("10.20.0.10", FIRST, "slot 1's was left alone");
	compare("and nothing more", 0);
}

static void move(struct side *s, unsigned g, const struct esp_move *m)
{
	struct esp_move v = *m;
	v.tunnel = 1;
	v.spi_in = spi_from(other(s), g);
	v.spi_out = spi_from(s, g);
	check(s, kernel_real.sa_move(s->k, &v), "move of one of two");
}

/* One after the other, and the one that MIGRATE does not find first before the other. */
static void move_both(const struct plan *p, const struct addr *old, const struct addr *fresh)
{
	struct addr far = outside(&east, p);
	struct esp_move at_west = { .old_local = *old, .old_remote = far, .new_local = *fresh, .new_remote = far };
	struct esp_move at_east = { .old_local = far, .old_remote = *old, .new_local = far, .new_remote = *fresh };
	move(&east, FIRST, &at_east);
	move(&west, FIRST, &at_west);
	compare("between the moves", 0);
	move(&west, SECOND, &at_west);
	move(&east, SECOND, &at_east);
	compare("after the moves", 0);
	leaves_by("10.20.0.10", FIRST, "slot 1 after the move");
	leaves_by("10.20.0.11", SECOND, "slot 2 after the move");
}

/* A packet for a slot without a child asks for one, by no other child's SA, and once. */
static void asks(const struct plan *p)
{
	struct prefix near, far;
	struct esp_switch w = { .tunnel = 1, .slot = 2, .local = outside(&west, p), .remote = outside(&east, p) };
	char text[TS_TEXT];
	prefix_parse(&near, "10.1.0.0/24");
	prefix_parse(&far, "10.20.0.11/32");
	esp_switch_put(&w, &(struct ts_list){ .n = 1, .v = { ts_from_prefix(&near) } },
		&(struct ts_list){ .n = 1, .v = { ts_from_prefix(&far) } });
	output("west", "echo 5 >/proc/sys/net/core/xfrm_acq_expires");
	forget_events(&west);
	check(&west, kernel_real.sa_switch(west.k, &w), "slot 2 asks for a child");
	leaves_by("10.20.0.10", FIRST, "slot 1 while slot 2 asks");
	read_events(&west);
	if (west.n_seen[KERNEL_ACQUIRE] != 0)
		die("a packet of slot 1 asks for a child");
	leaves_by("10.20.0.11", 0, "slot 2 asks");
	read_events(&west);
	const struct kernel_event *e = &west.seen[KERNEL_ACQUIRE];
	if (west.n_seen[KERNEL_ACQUIRE] != 1 || e->tunnel != 1)
		die("slot 2 asked %u times: %s", west.n_seen[KERNEL_ACQUIRE], output("west", "ip xfrm policy; ip xfrm state"));
	expect(ts_format(&e->local, text), "10.1.0.10/32[1]", "the packet that asks");
	expect(ts_format(&e->remote, text), "10.20.0.11/32[1]", "the packet that asks");
	expect(output("west", "ip xfrm state"), "reqid 1409286401", "a larval SA stands for the answer");
	compare("with a larval SA", 0);
	slot_to(&west, p, 2, SECOND, "10.20.0.11/32");
	leaves_by("10.20.0.11", SECOND, "the child is there");
	compare("with a child and the larval SA", 0);
	for (unsigned i = 0; i < 100 && strstr(output("west", "ip xfrm state"), "reqid 1409286401") != NULL; i++)
		usleep(100000);
	refuse(output("west", "ip xfrm state"), "reqid 1409286401", "the larval SA goes by itself");
	read_events(&west);
	if (west.n_seen[KERNEL_EXPIRE] != 0)
		die("the end of a larval SA is told");
	output("west", "echo 30 >/proc/sys/net/core/xfrm_acq_expires");
}

void slots(const struct plan *p)
{
	output("east-host", "ip addr add 10.20.0.11/24 dev $(ip -o -4 addr show to 10.20.0.10 | cut -d\" \" -f2)");
	add_sa(&west, p, SECOND, ESP_IN);
	add_sa(&east, p, SECOND, ESP_IN);
	add_sa(&west, p, SECOND, ESP_OUT);
	add_sa(&east, p, SECOND, ESP_OUT);
	both_to(p, 1, FIRST, "10.20.0.0/24");
	leaves_by("10.20.0.11", FIRST, "one slot");
	both_to(p, 2, SECOND, "10.20.0.11/32");
	leaves_by("10.20.0.10", FIRST, "slot 1");
	leaves_by("10.20.0.11", SECOND, "slot 2, which is narrower");
	both_to(p, 1, FIRST, "10.20.0.0/24");
	leaves_by("10.20.0.11", SECOND, "slot 2 after a switch of slot 1");
	heal();
	slot_to(&west, p, 2, 0, "10.20.0.11/32");
	leaves_by("10.20.0.11", 0, "slot 2 is blocked");
	leaves_by("10.20.0.10", FIRST, "slot 1 is not");
	slot_to(&west, p, 2, SECOND, "10.20.0.11/32");
	asks(p);
	struct addr old = outside(&west, p), fresh = address("198.51.100.8", 0);
	output("west", "ip addr add 198.51.100.8/24 dev out");
	move_both(p, &old, &fresh);
	move_both(p, &fresh, &old);
	output("west", "ip addr del 198.51.100.8/24 dev out");
	both_to(p, 2, SECOND, "10.20.0.0/24");
	leaves_by("10.20.0.11", FIRST, "the same selector: slot 1's");
	slot_to(&west, p, 1, 0, "10.20.0.0/24");
	leaves_by("10.20.0.11", SECOND, "slot 1 has no SA");
	slot_to(&west, p, 1, FIRST, "10.20.0.0/24");
	gone(&west, 2);
	gone(&east, 2);
	leaves_by("10.20.0.11", FIRST, "slot 2 is gone");
	compare("after it", 0);
	retire(p, SECOND);
	switch_to(&west, p, FIRST);
	switch_to(&east, p, FIRST);
	output("east-host", "ip addr del 10.20.0.11/24 dev $(ip -o -4 addr show to 10.20.0.10 | cut -d\" \" -f2)");
	good("two children side by side");
}
