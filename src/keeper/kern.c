/*
 * kern.c - see kern.h.
 */
#include "kern.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

#include "base/mem.h"
#include "base/table.h"
#include "crypto/crypto.h"

struct null_sa { /* what a kernel would identify it by, and whose it is */
	uint32_t tunnel, spi;
	uint8_t dir;
	struct addr dst;
};

struct kern {
	struct kernel *real; /* NULL: null kernel */
	struct table sas;    /* null kernel only */
};

int kern_open(struct kern **out, bool null, kernel_event_fn fn, void *arg)
{
	struct kern *k = xcalloc(1, sizeof *k);
	uint64_t seed;
	rng_fill(NULL, &seed, sizeof seed);
	table_init(&k->sas, seed);
	*out = k;
	return null ? 0 : kernel_open(&k->real, fn, arg);
}

void kern_close(struct kern *k)
{
	if (k == NULL)
		return;
	size_t it = 0;
	for (void *v; (v = table_next(&k->sas, &it)) != NULL;)
		free(v);
	table_release(&k->sas);
	if (k->real != NULL)
		kernel_close(k->real);
	free(k);
}

const char *kern_why(const struct kern *k) { return k->real != NULL ? kernel_why(k->real) : "null kernel"; }

/* ---------------------------------------------------------------- the null kernel */
static uint64_t null_key(const struct addr *dst, uint32_t spi)
{
	uint64_t h = 0xcbf29ce484222325u;
	for (unsigned i = 0; i < sizeof dst->ip; i++)
		h = (h ^ dst->ip[i]) * 0x100000001b3u;
	return (h << 32) ^ spi;
}

static const struct addr *destination(uint8_t dir, const struct addr *local, const struct addr *remote)
{
	return dir == ESP_IN ? local : remote;
}

static int null_add(struct kern *k, uint32_t tunnel, uint8_t dir, uint32_t spi, const struct addr *dst)
{
	struct null_sa *sa = xcalloc(1, sizeof *sa);
	*sa = (struct null_sa){ tunnel, spi, dir, *dst };
	if (table_put(&k->sas, null_key(dst, spi), sa))
		return 0;
	free(sa);
	return -EEXIST;
}

static void null_del(struct kern *k, uint32_t spi, const struct addr *dst) { free(table_del(&k->sas, null_key(dst, spi))); }

static int null_move(struct kern *k, const struct esp_move *m)
{
	null_del(k, m->spi_in, &m->old_local);
	null_del(k, m->spi_out, &m->old_remote);
	int err = null_add(k, m->tunnel, ESP_IN, m->spi_in, &m->new_local);
	return err != 0 ? err : null_add(k, m->tunnel, ESP_OUT, m->spi_out, &m->new_remote);
}

static void null_forget(struct kern *k, uint32_t tunnel /* 0: all */)
{
	size_t it = 0;
	for (struct null_sa *sa; (sa = table_next(&k->sas, &it)) != NULL;) {
		if (tunnel == 0 || sa->tunnel == tunnel)
			null_del(k, sa->spi, &sa->dst);
	}
}

static void null_counters(struct kern *k, void (*fn)(void *arg, uint32_t tunnel, const struct esp_counters *c), void *arg)
{
	size_t it = 0;
	for (struct null_sa *sa; (sa = table_next(&k->sas, &it)) != NULL;) {
		struct esp_counters c = { .spi = sa->spi, .dir = sa->dir };
		fn(arg, sa->tunnel, &c);
	}
}

/* What address would a datagram to remote leave from? Connecting asks the routing table and sends nothing. */
static int null_path(const struct addr *remote, struct addr *local)
{
	struct sockaddr_storage ss;
	struct addr to = *remote;
	to.port = 500;
	socklen_t len = addr_to_sockaddr(&to, &ss);
	int fd = socket(remote->family, SOCK_DGRAM | SOCK_CLOEXEC, 0);
	int err = fd < 0 || connect(fd, (struct sockaddr *)&ss, len) != 0 ? -errno : 0;
	len = sizeof ss;
	if (err == 0 &&
		(getsockname(fd, (struct sockaddr *)&ss, &len) != 0 || !addr_from_sockaddr(local, (struct sockaddr *)&ss, len)))
		err = -ENETUNREACH;
	if (fd >= 0)
		close(fd);
	return err;
}

/* ---------------------------------------------------------------- either */
unsigned kern_fds(const struct kern *k, int fds[4]) { return k->real != NULL ? kernel_fds(k->real, fds) : 0; }

void kern_read(struct kern *k, int fd)
{
	if (k->real != NULL)
		kernel_read(k->real, fd);
}

int kern_adopt(struct kern *k, const struct kernel_tunnel *tunnels, unsigned n, bool keep_sas)
{
	return k->real != NULL ? kernel_adopt(k->real, tunnels, n, keep_sas) : 0;
}

int kern_tunnel_set(struct kern *k, const struct kernel_tunnel *t) { return k->real != NULL ? kernel_tunnel_set(k->real, t) : 0; }

int kern_tunnel_del(struct kern *k, uint32_t id, bool keep_guard)
{
	if (k->real != NULL)
		return kernel_tunnel_del(k->real, id, keep_guard);
	null_forget(k, id);
	return 0;
}

int kern_remove(struct kern *k, bool keep_guard)
{
	if (k->real != NULL)
		return kernel_remove(k->real, keep_guard);
	null_forget(k, 0);
	return 0;
}

int kern_tunnel_link(struct kern *k, const struct esp_link_state *s)
{
	return k->real != NULL ? kernel_tunnel_link(k->real, s) : 0;
}

int kern_repin(struct kern *k) { return k->real != NULL ? kernel_repin(k->real) : 0; }

int kern_sa_add(struct kern *k, const struct esp_sa *sa)
{
	if (k->real != NULL)
		return kernel_sa_add(k->real, sa);
	return null_add(k, sa->tunnel, sa->dir, sa->spi, destination(sa->dir, &sa->local, &sa->remote));
}

int kern_sa_switch(struct kern *k, const struct esp_switch *s)
{
	if (k->real != NULL)
		return kernel_sa_switch(k->real, s);
	return s->spi_out == 0 || table_get(&k->sas, null_key(&s->remote, s->spi_out)) != NULL ? 0 : -ESRCH;
}

int kern_sa_del(struct kern *k, const struct esp_remove *r)
{
	if (k->real != NULL)
		return kernel_sa_del(k->real, r);
	null_del(k, r->spi, destination(r->dir, &r->local, &r->remote));
	return 0;
}

int kern_sa_move(struct kern *k, const struct esp_move *m)
{
	return k->real != NULL ? kernel_sa_move(k->real, m) : null_move(k, m);
}

int kern_counters(struct kern *k, void (*fn)(void *arg, uint32_t tunnel, const struct esp_counters *c), void *arg)
{
	if (k->real != NULL)
		return kernel_counters(k->real, fn, arg);
	null_counters(k, fn, arg);
	return 0;
}

int kern_path(struct kern *k, const struct addr *remote, struct addr *local)
{
	uint32_t mtu;
	return k->real != NULL ? kernel_path(k->real, remote, local, &mtu) : null_path(remote, local);
}

int kern_forwarding(struct kern *k, int family) { return k->real != NULL ? kernel_forwarding(k->real, family) : 1; }
int kern_set_forwarding(struct kern *k, int family) { return k->real != NULL ? kernel_set_forwarding(k->real, family) : 0; }
