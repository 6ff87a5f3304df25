/*
 * bench_reconcile.c TUNNELS - what a comparison of the kernel with what is wanted costs, every half minute, when nothing was changed. The kernel is in memory;
 * its own share, the dumps, is what `ip xfrm policy` and the like take without their printing.
 * Prints "MILLISECONDS TIMES": of the processor, and against reading the attributes of the same messages and nothing more. Medians of rounds.
 */
#include <time.h>

#include "../unit/fake_nl.h"
#include "crypto/alg.h"
#include "kernel/kernel.h"

#define ROUNDS 9

static double now_ms(void)
{
	struct timespec t;
	clock_gettime(CLOCK_THREAD_CPUTIME_ID, &t);
	return (double)t.tv_sec * 1e3 + (double)t.tv_nsec / 1e6;
}

static int ascending(const void *a, const void *b)
{
	double x = *(const double *)a, y = *(const double *)b;
	return (x > y) - (x < y);
}

static void no_event(void *arg, const struct kernel_event *e) { (void)arg, (void)e; }

static unsigned differences;
static void note(void *arg, const struct kernel_difference *d)
{
	(void)arg, (void)d;
	differences++;
}

static void check(struct kernel *k, int error, const char *what)
{
	if (error == 0)
		return;
	fprintf(stderr, "bench_reconcile: %s: %s\n", what, kernel_real.why(k));
	exit(1);
}

static void install(struct kernel *k, const struct kernel_tunnel *t, enum esp_dir dir)
{
	struct esp_sa sa = {
		.tunnel = t->id, .dir = dir, .spi = 0x10000 + 2 * t->id + dir, .local = t->local, .remote = t->remote
	};
	sa.suite = (struct suite){ .encr = ENCR_AES_GCM_16, .keylen = 256 };
	sa.encr_key.len = 36;
	check(k, kernel_real.sa_add(k, &sa), "an SA");
}

static void up(struct kernel *k, const struct kernel_tunnel *t)
{
	struct esp_switch to = {
		.tunnel = t->id, .slot = 1, .spi_out = 0x10000 + 2 * t->id + ESP_OUT, .local = t->local, .remote = t->remote
	};
	struct esp_link_state link = { .tunnel = t->id,
		.state = LINK_UP,
		.suite = { .encr = ENCR_AES_GCM_16, .keylen = 256 },
		.local = t->local,
		.remote = t->remote };
	install(k, t, ESP_IN);
	install(k, t, ESP_OUT);
	check(k, kernel_real.sa_switch(k, &to), "a switch");
	check(k, kernel_real.tunnel_link(k, &link), "a link");
}

static struct kernel *gateway(unsigned n)
{
	static struct ts_list all;
	struct kernel_tunnel *v = xcalloc(n, sizeof *v);
	struct prefix *inside = xcalloc(n, sizeof *inside), *routes = xcalloc(n, sizeof *routes), any;
	struct kernel *k;
	all.n = 2;
	prefix_parse(&any, "0.0.0.0/0");
	all.v[0] = ts_from_prefix(&any);
	prefix_parse(&any, "::/0");
	all.v[1] = ts_from_prefix(&any);
	for (unsigned i = 0; i < n; i++) {
		uint8_t hi = (uint8_t)(i >> 8), lo = (uint8_t)i;
		inside[i] = (struct prefix){ .addr = { .family = AF_INET, .ip = { 169, 254, hi, lo } }, .len = 30 };
		routes[i] = (struct prefix){ .addr = { .family = AF_INET, .ip = { 10, hi, lo, 0 } }, .len = 24 };
		v[i] = (struct kernel_tunnel){ .id = i + 1,
			.n_inside = 1,
			.inside = &inside[i],
			.n_routes = 1,
			.routes = &routes[i],
			.route_metric = 100,
			.local_ts = &all,
			.remote_ts = &all,
			.local = { .family = AF_INET, .ip = { 198, 51, 100, 7 } },
			.remote = { .family = AF_INET, .ip = { 203, 0, hi, lo } } };
		snprintf(v[i].interface, sizeof v[i].interface, "s2s-%u", i);
	}
	if (kernel_real.open(&k, no_event, NULL) != -EPERM)
		exit(1);
	check(k, kernel_real.adopt(k, v, n, false), "a start");
	for (unsigned i = 0; i < n; i++)
		up(k, &v[i]);
	free(v);
	free(inside);
	free(routes);
	return k;
}

static unsigned long attributes;
static void only_read(void *arg, const struct nlmsghdr *h)
{
	struct attrs a;
	attrs_read(&a, h, *(size_t *)arg);
	attributes += a.v[1] != NULL;
}

static void read_all(void)
{
	size_t fixed[FAKE_KINDS] = { [FAKE_ADDRESS] = sizeof(struct ifaddrmsg),
		[FAKE_ROUTE] = sizeof(struct rtmsg),
		[FAKE_RULE] = sizeof(struct fib_rule_hdr),
		[FAKE_SA] = sizeof(struct xfrm_usersa_info),
		[FAKE_POLICY] = sizeof(struct xfrm_userpolicy_info),
		[FAKE_LINK] = sizeof(struct ifinfomsg) };
	size_t it = 0;
	for (unsigned i = 0; i < FAKE_LINK; i++)
		fake_show((enum fake_kind)i, 0, 0, only_read, &fixed[i]);
	for (struct fake_link *l; (l = table_next(&fake.of[FAKE_LINK], &it)) != NULL;)
		fake_link_show(l, only_read, &fixed[FAKE_LINK]);
}

int main(int argc, char **argv)
{
	const char *why;
	double whole[ROUNDS], reading[ROUNDS];
	unsigned n = argc == 2 ? (unsigned)strtoul(argv[1], NULL, 10) : 0;
	if (n == 0 || n > UINT16_MAX || !alg_init(&why)) {
		fprintf(stderr, "usage: bench_reconcile TUNNELS\n");
		return 2;
	}
	fake_begin();
	struct kernel *k = gateway(n);
	check(k, kernel_real.reconcile(k, note, NULL), "the first comparison"); /* reads the nf_tables table, too */
	for (unsigned i = 0; i < ROUNDS; i++) {
		double start = now_ms();
		read_all();
		double between = now_ms();
		check(k, kernel_real.reconcile(k, note, NULL), "a comparison");
		whole[i] = now_ms() - between;
		reading[i] = between - start;
	}
	if (differences != 0 || attributes == 0) {
		fprintf(stderr, "bench_reconcile: %u differences\n", differences);
		return 1;
	}
	qsort(whole, ROUNDS, sizeof whole[0], ascending);
	qsort(reading, ROUNDS, sizeof reading[0], ascending);
	printf("%.1f %.2f\n", whole[ROUNDS / 2], whole[ROUNDS / 2] / reading[ROUNDS / 2]);
	kernel_real.close(k);
	fake_end();
	return 0;
}
