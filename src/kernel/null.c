/* null.c - the null kernel (--null-kernel): it records SAs and installs nothing. */
#include <errno.h>
#include <stdlib.h>
#include <sys/random.h>

#include "base/mem.h"
#include "base/path.h"
#include "base/table.h"
#include "base/util.h"
#include "kernel/kernel.h"

struct null_sa { /* what a kernel would identify it by, and whose it is */
	uint64_t key;
	uint32_t tunnel, spi;
	uint8_t dir;
};

struct kernel { /* not that of state.h: nobody sees both */
	struct table sas;
};

static int null_open(struct kernel **out, kernel_event_fn fn, void *arg)
{
	uint64_t seed = 0;
	(void)fn, (void)arg;
	*out = xcalloc(1, sizeof **out);
	if (getrandom(&seed, sizeof seed, 0) != (ssize_t)sizeof seed)
		return -errno;
	table_init(&(*out)->sas, seed);
	return 0;
}

static const char *null_why(const struct kernel *k) { return (void)k, "null kernel"; }

static uint32_t null_features(const struct kernel *k) { return (void)k, 0; }

/* --- SAs --- */
static uint64_t null_key(const struct addr *dst, uint32_t spi)
{
	return hash_bytes(HASH_START, dst->ip, sizeof dst->ip) << 32 ^ spi;
}

static const struct addr *destination(uint8_t dir, const struct addr *local, const struct addr *remote)
{
	return dir == ESP_IN ? local : remote;
}

static int null_add(struct kernel *k, uint32_t tunnel, uint8_t dir, uint32_t spi, const struct addr *dst)
{
	struct null_sa *sa = xcalloc(1, sizeof *sa);
	*sa = (struct null_sa){ null_key(dst, spi), tunnel, spi, dir };
	if (table_put(&k->sas, sa->key, sa))
		return 0;
	free(sa);
	return -EEXIST;
}

static void null_del(struct kernel *k, uint32_t spi, const struct addr *dst) { free(table_del(&k->sas, null_key(dst, spi))); }

static void null_forget(struct kernel *k, uint32_t tunnel /* 0: all */)
{
	size_t it = 0;
	for (struct null_sa *sa; (sa = table_next(&k->sas, &it)) != NULL;) {
		if (tunnel == 0 || sa->tunnel == tunnel)
			free(table_del(&k->sas, sa->key));
	}
}

static int null_sa_add(struct kernel *k, const struct esp_sa *sa)
{
	return null_add(k, sa->tunnel, sa->dir, sa->spi, destination(sa->dir, &sa->local, &sa->remote));
}

static int null_sa_switch(struct kernel *k, const struct esp_switch *s)
{
	if (s->slot > ESP_SLOTS_MAX)
		return -EINVAL;
	return s->spi_out == 0 || table_get(&k->sas, null_key(&s->remote, s->spi_out)) != NULL ? 0 : -ESRCH;
}

static int null_sa_del(struct kernel *k, const struct esp_remove *r)
{
	null_del(k, r->spi, destination(r->dir, &r->local, &r->remote));
	return 0;
}

static int null_sa_move(struct kernel *k, const struct esp_move *m)
{
	null_del(k, m->spi_in, &m->old_local);
	null_del(k, m->spi_out, &m->old_remote);
	int err = null_add(k, m->tunnel, ESP_IN, m->spi_in, &m->new_local);
	return err != 0 ? err : null_add(k, m->tunnel, ESP_OUT, m->spi_out, &m->new_remote);
}

static int null_counters(struct kernel *k, kernel_count_fn fn, void *arg)
{
	size_t it = 0;
	for (struct null_sa *sa; (sa = table_next(&k->sas, &it)) != NULL;) {
		struct esp_counters c = { .spi = sa->spi, .dir = sa->dir };
		fn(arg, sa->tunnel, &c);
	}
	return 0;
}

/* --- tunnels: nothing is installed, so nothing can fail --- */
static int null_adopt(struct kernel *k, const struct kernel_tunnel *tunnels, unsigned n, bool keep_sas)
{
	return (void)k, (void)tunnels, (void)n, (void)keep_sas, 0;
}

static int null_held(struct kernel *k, kernel_held_fn fn, void *arg) { return (void)k, (void)fn, (void)arg, 0; }

/* There is no kernel that could have lost something. */
static int null_resume(struct kernel *k, const struct kernel_kept *kept, unsigned n)
{
	for (unsigned i = 0; i < n; i++)
		for (unsigned j = 0; j < kept[i].n_sas; j++) {
			const struct esp_held *h = &kept[i].sas[j];
			null_add(k, h->tunnel, h->dir, h->spi, destination(h->dir, &h->local, &h->remote));
		}
	return 0;
}

static int null_reconcile(struct kernel *k, kernel_difference_fn fn, void *arg) { return (void)k, (void)fn, (void)arg, 0; }

static int null_tunnel_set(struct kernel *k, const struct kernel_tunnel *t) { return (void)k, (void)t, 0; }

static int null_tunnel_del(struct kernel *k, uint32_t id, bool keep_blackholes)
{
	(void)keep_blackholes;
	null_forget(k, id);
	return 0;
}

static int null_remove(struct kernel *k, bool keep_blackholes)
{
	(void)keep_blackholes;
	null_forget(k, 0);
	return 0;
}

static int null_tunnel_link(struct kernel *k, const struct esp_link_state *s) { return (void)k, (void)s, 0; }

static int null_peer_routes_renew(struct kernel *k) { return (void)k, 0; }

/* --- routes, events --- */
static int null_path(struct kernel *k, const struct addr *remote, struct addr *local, uint32_t *mtu)
{
	int ignored;
	(void)k;
	if (mtu != NULL)
		*mtu = 1500;
	return path_look_up(remote, 0, local, &ignored);
}

static int null_forwarding(struct kernel *k, int family) { return (void)k, (void)family, 1; }

static int null_set_forwarding(struct kernel *k, int family) { return (void)k, (void)family, 0; }

static unsigned null_fds(const struct kernel *k, int fds[4]) { return (void)k, (void)fds, 0; }

static void null_read(struct kernel *k, int fd) { (void)k, (void)fd; }

static void null_close(struct kernel *k)
{
	if (k == NULL)
		return;
	null_forget(k, 0);
	table_release(&k->sas);
	free(k);
}

const struct kernel_ops kernel_null = {
	.open = null_open,
	.close = null_close,
	.why = null_why,
	.features = null_features,
	.fds = null_fds,
	.read = null_read,
	.adopt = null_adopt,
	.held = null_held,
	.resume = null_resume,
	.reconcile = null_reconcile,
	.tunnel_set = null_tunnel_set,
	.tunnel_del = null_tunnel_del,
	.remove = null_remove,
	.tunnel_link = null_tunnel_link,
	.peer_routes_renew = null_peer_routes_renew,
	.sa_add = null_sa_add,
	.sa_switch = null_sa_switch,
	.sa_del = null_sa_del,
	.sa_move = null_sa_move,
	.counters = null_counters,
	.path = null_path,
	.forwarding = null_forwarding,
	.set_forwarding = null_set_forwarding,
};
