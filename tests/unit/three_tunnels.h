/*
 * three_tunnels.h - three tunnels, up, in a kernel in memory, and what a comparison tells of them.
 */
#ifndef UNIT_THREE_TUNNELS_H
#define UNIT_THREE_TUNNELS_H

#include "fake_nl.h"

#include "crypto/alg.h"
#include "kernel/state.h"
#include "unit.h"

#define TUNNELS 3

static struct kernel *k;
static struct ts_list all;
static struct kernel_tunnel tunnels[TUNNELS + 1];
static struct prefix inside[TUNNELS + 1][2], routes[TUNNELS + 1][2];
static struct {
	unsigned n, lost, surplus, failed, kinds; /* kinds: 1 << enum kernel_object */
	uint32_t tunnel;
	char text[4096];
} told;

static inline void note(void *arg, const struct kernel_difference *d)
{
	size_t n = strlen(told.text);
	(void)arg;
	told.n++;
	told.lost += d->object == OBJECT_SA && !d->surplus;
	told.surplus += d->surplus;
	told.failed += d->why[0] != 0;
	told.kinds |= 1u << d->object;
	told.tunnel = d->tunnel;
	snprintf(told.text + n, sizeof told.text - n, "%u %s [%s] %s %s; ", (unsigned)d->tunnel, d->what, d->was, d->why, d->by);
}

static inline void reconcile(void)
{
	memset(&told, 0, sizeof told);
	ck_assert_msg(kernel_real.reconcile(k, note, NULL) == 0, "%s", kernel_real.why(k));
}

static inline void no_event(void *arg, const struct kernel_event *e) { (void)arg, (void)e; }

static inline struct prefix prefix(const char *fmt, unsigned i)
{
	struct prefix p;
	char text[64];
	/* cppcheck-suppress wrongPrintfScanfArgNum */
	snprintf(text, sizeof text, fmt, i);
	ck_assert(prefix_parse(&p, text));
	return p;
}

static inline struct addr peer(unsigned i)
{
	struct addr a = { .family = AF_INET, .ip = { 203, 0, 113, (uint8_t)i } };
	return a;
}

static const struct addr here = { .family = AF_INET, .ip = { 198, 51, 100, 7 } };

/* Tunnels 1 and 2 share a route; the peer of 3 lies behind 1. */
static inline void describe(unsigned i)
{
	struct kernel_tunnel *t = &tunnels[i];
	inside[i][0] = prefix("169.254.%u.2/30", i);
	inside[i][1] = prefix("fd00:%u::2/126", i);
	routes[i][0] = prefix("10.%u.0.0/16", i == 2 ? 1 : i);
	routes[i][1] = i == 1 ? prefix("203.0.113.3/32", 0) : prefix("fd01:%u::/64", i);
	*t = (struct kernel_tunnel){ .id = i,
		.n_inside = 2,
		.inside = inside[i],
		.n_routes = 2,
		.routes = routes[i],
		.route_metric = 100,
		.local_ts = &all,
		.remote_ts = &all,
		.local = here,
		.remote = peer(i),
		.pin_route = true };
	snprintf(t->interface, sizeof t->interface, "s2s-%u", i);
}

static inline void install(unsigned i, enum esp_dir dir)
{
	struct esp_sa sa = { .tunnel = i,
		.dir = dir,
		.spi = 0x1000 + 2 * i + dir,
		.local = here,
		.remote = peer(i),
		.suite = { .encr = ENCR_AES_GCM_16, .keylen = 256 } };
	sa.encr_key.len = 36;
	memset(sa.encr_key.data, (int)(i + dir), 36);
	ck_assert_msg(kernel_real.sa_add(k, &sa) == 0, "%s", kernel_real.why(k));
}

static inline void up(unsigned i)
{
	struct esp_link_state up = { .tunnel = i,
		.state = LINK_UP,
		.suite = { .encr = ENCR_AES_GCM_16, .keylen = 256 },
		.local = here,
		.remote = peer(i) };
	struct esp_switch to = { .tunnel = i, .slot = 1, .spi_out = 0x1000 + 2 * i + ESP_OUT, .local = here, .remote = peer(i) };
	install(i, ESP_IN);
	install(i, ESP_OUT);
	ck_assert_msg(kernel_real.sa_switch(k, &to) == 0, "%s", kernel_real.why(k));
	ck_assert_msg(kernel_real.tunnel_link(k, &up) == 0, "%s", kernel_real.why(k));
}

static inline void setup(void)
{
	const char *why;
	struct prefix any4 = prefix("0.0.0.0/0", 0), any6 = prefix("::/0", 0);
	ck_assert(alg_init(&why));
	fake_begin();
	all.n = 2;
	all.v[0] = ts_from_prefix(&any4);
	all.v[1] = ts_from_prefix(&any6);
	ck_assert_int_eq(kernel_real.open(&k, no_event, NULL), -EPERM);
	for (unsigned i = 1; i <= TUNNELS; i++)
		describe(i);
	ck_assert_msg(kernel_real.adopt(k, tunnels + 1, TUNNELS, false) == 0, "%s", kernel_real.why(k));
	for (unsigned i = 1; i <= TUNNELS; i++)
		up(i);
	reconcile();
	ck_assert_msg(told.n == 0, "nothing was changed: %s", told.text);
}

static inline void teardown(void)
{
	kernel_real.close(k);
	fake_end();
}

/* All that is there, in any order. */
static inline uint64_t picture(void)
{
	uint64_t sum = 0;
	size_t it;
	for (unsigned i = 0; i < FAKE_LINK; i++) {
		it = 0;
		for (struct fake_thing *t; (t = table_next(&fake.of[i], &it)) != NULL;)
			sum += hash_bytes(i, t->raw, t->n);
	}
	it = 0;
	for (struct fake_link *l; (l = table_next(&fake.of[FAKE_LINK], &it)) != NULL;)
		sum += hash_bytes(77, &l->flags, sizeof l->flags) * l->mtu * (l->oper + 1u) * (l->group + 1) * (l->conf[3] + 2u);
	for (unsigned i = 0; i < fake.n_nft; i++) {
		struct nlmsghdr h = *(struct nlmsghdr *)fake.nft[i].raw;
		sum += hash_bytes(h.nlmsg_type, fake.nft[i].raw + sizeof h, fake.nft[i].n - sizeof h);
	}
	return sum;
}

static inline void healed(uint64_t before, const char *what)
{
	ck_assert_msg(told.n > 0 && told.failed == 0 && told.surplus == 0, "%s: %s", what, told.text);
	ck_assert_msg(picture() == before, "%s: not as it was after: %s", what, told.text);
	unsigned writes = fake.writes;
	reconcile();
	ck_assert_msg(told.n == 0, "%s: and again: %s", what, told.text);
	ck_assert_msg(fake.writes == writes, "%s: a comparison that finds nothing changes something", what);
}

#endif
