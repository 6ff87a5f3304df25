/*
 * slot_help.h - one tunnel in a kernel in memory (fake_nl.h), its children put side by side, and what its policies say. Included once by a test.
 */
#ifndef SLOT_HELP_H
#define SLOT_HELP_H

#include "fake_nl.h"

#include "crypto/alg.h"
#include "kernel/own.h"
#include "kernel/state.h"
#include "unit.h"

static struct kernel *k;
static struct ts_list all;
static struct kernel_tunnel tunnel;
static unsigned n_told;
static char told[1024];

static const struct addr here = { .family = AF_INET, .ip = { 198, 51, 100, 7 } },
			 away = { .family = AF_INET, .ip = { 198, 51, 100, 8 } },
			 peer = { .family = AF_INET, .ip = { 203, 0, 113, 1 } };

static inline void no_event(void *arg, const struct kernel_event *e) { (void)arg, (void)e; }

static inline struct prefix prefix(const char *text)
{
	struct prefix p;
	ck_assert(prefix_parse(&p, text));
	return p;
}

static inline void setup(void)
{
	const char *why;
	struct prefix any4 = prefix("0.0.0.0/0"), any6 = prefix("::/0");
	ck_assert(alg_init(&why));
	fake_begin();
	all.n = 2;
	all.v[0] = ts_from_prefix(&any4);
	all.v[1] = ts_from_prefix(&any6);
	tunnel = (struct kernel_tunnel){
		.id = 1, .interface = "s2s-1", .local_ts = &all, .remote_ts = &all, .local = here, .remote = peer
	};
	ck_assert_int_eq(kernel_real.open(&k, no_event, NULL), -EPERM);
	ck_assert_msg(kernel_real.adopt(k, &tunnel, 1, false) == 0, "%s", kernel_real.why(k));
}

static inline void teardown(void)
{
	kernel_real.close(k);
	fake_end();
}

static inline void note(void *arg, const struct kernel_difference *d)
{
	size_t n = strlen(told);
	(void)arg;
	n_told++;
	snprintf(told + n, sizeof told - n, "%s [%s] %s; ", d->what, d->was, d->why);
}

static inline void reconcile(void)
{
	n_told = 0;
	told[0] = 0;
	ck_assert_msg(kernel_real.reconcile(k, note, NULL) == 0, "%s", kernel_real.why(k));
}

static inline void settled(void)
{
	reconcile();
	ck_assert_msg(n_told == 0, "%s", told);
}

/* --- what is asked --- */
static inline void add_sa(uint32_t spi, enum esp_dir dir)
{
	struct esp_sa sa = { .tunnel = 1,
		.dir = dir,
		.spi = spi,
		.local = here,
		.remote = peer,
		.suite = { .encr = ENCR_AES_GCM_16, .keylen = 256 } };
	sa.encr_key.len = 36;
	ck_assert_msg(kernel_real.sa_add(k, &sa) == 0, "%s", kernel_real.why(k));
}

static inline void add_pair(uint32_t spi)
{
	add_sa(spi, ESP_OUT);
	add_sa(spi + 0x10000, ESP_IN);
}

static inline void remove_out(uint32_t spi, const struct addr *remote)
{
	struct esp_remove r = { .tunnel = 1, .dir = ESP_OUT, .spi = spi, .local = here, .remote = *remote };
	ck_assert_int_eq(kernel_real.sa_del(k, &r), 0);
}

static inline struct esp_switch switch_of(uint16_t slot, uint32_t spi, const char *remote)
{
	struct esp_switch s = { .tunnel = 1, .slot = slot, .spi_out = spi };
	struct prefix l = prefix("10.1.0.0/16"), r;
	if (spi != 0) {
		s.local = here;
		s.remote = peer;
	}
	if (remote == NULL)
		return s;
	r = prefix(remote);
	esp_switch_put(&s, &(struct ts_list){ .n = 1, .v = { ts_from_prefix(&l) } },
		&(struct ts_list){ .n = 1, .v = { ts_from_prefix(&r) } });
	return s;
}

/* remote NULL: the slot is gone. */
static inline void turn(uint16_t slot, uint32_t spi, const char *remote)
{
	struct esp_switch s = switch_of(slot, spi, remote);
	ck_assert_msg(kernel_real.sa_switch(k, &s) == 0, "%s", kernel_real.why(k));
}

/* --- what is there --- */
#define ABSENT UINT32_MAX
struct seen {
	uint32_t spi, priority; /* spi 0: it blocks or asks; ABSENT: there is none */
	uint32_t reqid;
	bool asks;
	struct addr local;
};

static inline struct seen look(const char *remote, uint8_t dir)
{
	struct prefix want = prefix(remote);
	struct seen seen = { .spi = ABSENT };
	size_t it = 0;
	for (const struct fake_thing *t; (t = table_next(&fake.of[FAKE_POLICY], &it)) != NULL;) {
		struct xfrm_userpolicy_info p;
		struct attrs a;
		struct prefix far;
		nlm_copy_fixed(&p, (const void *)t->raw, sizeof p);
		const xfrm_address_t *x = p.dir == XFRM_POLICY_OUT ? &p.sel.daddr : &p.sel.saddr;
		far = (struct prefix){ .len = p.dir == XFRM_POLICY_OUT ? p.sel.prefixlen_d : p.sel.prefixlen_s };
		addr_from_bytes(&far.addr, bytes_of(x, p.sel.family == AF_INET ? 4 : 16));
		if (p.dir != dir || !prefix_equal(&far, &want))
			continue;
		ck_assert_msg(seen.spi == ABSENT, "two for %s", remote);
		attrs_read(&a, (const void *)t->raw, sizeof p);
		const struct xfrm_user_tmpl *tmpl = attr_data(&a, XFRMA_TMPL, sizeof *tmpl);
		seen.priority = p.priority;
		seen.spi = tmpl != NULL ? ntohl(tmpl->id.spi) : 0;
		seen.reqid = tmpl != NULL ? tmpl->reqid : 0;
		seen.asks = dir == XFRM_POLICY_OUT && tmpl != NULL && tmpl->id.spi == 0;
		if (tmpl != NULL)
			addr_from_bytes(&seen.local, bytes_of(&tmpl->saddr, 4));
		ck_assert_int_eq(p.action, tmpl != NULL ? XFRM_POLICY_ALLOW : XFRM_POLICY_BLOCK);
	}
	return seen;
}

static inline uint32_t leaves_by(const char *remote) { return look(remote, XFRM_POLICY_OUT).spi; }

static inline unsigned n_policies(void) { return (unsigned)table_count(&fake.of[FAKE_POLICY]); }

static inline uint64_t picture(void)
{
	uint64_t sum = 0;
	size_t it = 0;
	for (const struct fake_thing *t; (t = table_next(&fake.of[FAKE_POLICY], &it)) != NULL;)
		sum += hash_bytes(1, t->raw, t->n);
	return sum;
}

static inline char *host(unsigned i)
{
	static char text[32];
	snprintf(text, sizeof text, "10.20.%u.%u/32", i >> 8, i & 255);
	return text;
}

#endif
