/*
 * sas.c - the record of the SAs that are in the kernel.
 *
 * It serves three ends: a request may only touch SAs that are there, an overrun of the event socket is repaired by comparing, and when the
 * engine dies its SAs go with it (their keys are known to nobody any more).
 */
#include <stdlib.h>

#include "base/log.h"
#include "base/mem.h"
#include "keeper.h"

static uint64_t sa_key(uint32_t tunnel, uint8_t dir, uint32_t spi)
{
	return (uint64_t)tunnel << 33 | (uint64_t)(dir & 1) << 32 | spi;
}

struct sa_record *keeper_sa(struct keeper *k, uint32_t tunnel, uint8_t dir, uint32_t spi)
{
	return table_get(&k->sas, sa_key(tunnel, dir, spi));
}

struct sa_record *keeper_sa_add(struct keeper *k, const struct esp_sa *sa)
{
	struct tunnel_run *t = keeper_tunnel(k, sa->tunnel);
	struct sa_record *r = xcalloc(1, sizeof *r);
	*r = (struct sa_record){ sa->tunnel, sa->spi, sa->dir, sa->encap, false, sa->local, sa->remote };
	if (!table_put(&k->sas, sa_key(sa->tunnel, sa->dir, sa->spi), r)) {
		free(r);
		return NULL;
	}
	t->n_sas++;
	return r;
}

void keeper_sa_drop(struct keeper *k, struct sa_record *r)
{
	struct tunnel_run *t = keeper_tunnel(k, r->tunnel);
	if (t != NULL && t->n_sas > 0)
		t->n_sas--;
	table_del(&k->sas, sa_key(r->tunnel, r->dir, r->spi));
	free(r);
}

static void remove_sa(struct keeper *k, struct sa_record *r)
{
	struct esp_remove gone = { r->tunnel, r->dir, r->spi, r->local, r->remote };
	int err = k->ops->sa_del(k->kernel, &gone);
	if (err != 0)
		log_line(LOG_LEVEL_WARNING, "an SA of tunnel %u cannot be removed: %s", r->tunnel, k->ops->why(k->kernel));
	keeper_sa_drop(k, r);
}

void keeper_sas_remove(struct keeper *k, uint32_t tunnel)
{
	size_t it = 0;
	for (struct sa_record *r; (r = table_next(&k->sas, &it)) != NULL;) {
		if (tunnel == 0 || r->tunnel == tunnel)
			remove_sa(k, r);
	}
}
