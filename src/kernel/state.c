/* state.c - see state.h: what every file of this folder needs to know or to say. */
#include "state.h"

#include <linux/rtnetlink.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/mem.h"
#include "base/util.h"

int kernel_fail(struct kernel *k, int error, const char *fmt, ...)
{
	char text[NL_WHY];
	va_list ap;
	va_start(ap, fmt);
	vsnprintf(text, sizeof text, fmt, ap);
	va_end(ap);
	memcpy(k->why, text, sizeof text);
	return error;
}

uint64_t prefix_hash(const struct prefix *p, uint32_t salt)
{
	struct prefix m = prefix_mask(p);
	uint64_t h = HASH_START ^ salt ^ (uint64_t)m.len << 32 ^ (uint64_t)m.addr.family << 40;
	return hash_bytes(h, m.addr.ip, sizeof m.addr.ip);
}

void *prefix_find(const struct table *all, const struct prefix *p, uint32_t table)
{
	struct by_prefix *b = table_get(all, prefix_hash(p, table));
	while (b != NULL && (b->table != table || !prefix_equal(&b->prefix, p)))
		b = b->next;
	return b;
}

void *prefix_add(struct table *all, size_t size, const struct prefix *p, uint32_t table)
{
	uint64_t hash = prefix_hash(p, table);
	struct by_prefix *b = xcalloc(1, size);
	*b = (struct by_prefix){ .next = table_del(all, hash), .prefix = prefix_mask(p), .table = table };
	table_put(all, hash, b);
	return b;
}

void prefix_remove(struct table *all, struct by_prefix *gone)
{
	uint64_t hash = prefix_hash(&gone->prefix, gone->table);
	struct by_prefix *first = table_del(all, hash), **at = &first;
	while (*at != gone)
		at = &(*at)->next;
	*at = gone->next;
	if (first != NULL)
		table_put(all, hash, first);
}

void prefix_release(struct table *all, void (*release)(void *one))
{
	size_t it = 0;
	for (struct by_prefix *b; (b = table_next(all, &it)) != NULL;)
		for (struct by_prefix *next; b != NULL; b = next) {
			next = b->next;
			release(b);
		}
	table_release(all);
}

/* --- tunnels --- */
struct tunnel *tunnel_find(const struct kernel *k, uint32_t id) { return table_get(&k->by_id, id); }

struct tunnel *tunnel_new(struct kernel *k, uint32_t id)
{
	struct tunnel *t = xcalloc(1, sizeof *t);
	t->want.id = id;
	table_put(&k->by_id, id, t);
	return t;
}

void tunnel_set_ifindex(struct kernel *k, struct tunnel *t, uint32_t ifindex)
{
	if (t->ifindex != 0)
		table_del(&k->by_ifindex, t->ifindex);
	t->ifindex = ifindex;
	if (ifindex != 0) {
		table_del(&k->by_ifindex, ifindex);
		table_put(&k->by_ifindex, ifindex, t);
	}
}

void tunnel_want_free(struct kernel_tunnel *w)
{
	free((void *)w->inside);
	free((void *)w->routes);
	free((void *)w->local_ts);
	free((void *)w->remote_ts);
	w->inside = w->routes = NULL;
	w->local_ts = w->remote_ts = NULL;
	w->n_inside = 0;
	w->n_routes = 0;
}

static const struct prefix *copy_prefixes(const struct prefix *v, unsigned n)
{
	struct prefix *copy = xcalloc(n > 0 ? n : 1, sizeof *copy);
	if (n > 0)
		memcpy(copy, v, n * sizeof *copy);
	return copy;
}

/* In the main table a default route of ours, or its blackhole route, would stand behind an uplink's of a better metric. Its two halves are more
 * specific than any default route, and less than all else. */
static const struct prefix *copy_routes(const struct kernel_tunnel *w, uint16_t *n)
{
	struct prefix *copy = xcalloc(2u * w->n_routes + 1, sizeof *copy);
	unsigned made = 0;
	for (unsigned i = 0; i < w->n_routes; i++) {
		copy[made++] = w->routes[i];
		if (w->routes[i].len > 0 || (w->route_table != 0 && w->route_table != RT_TABLE_MAIN))
			continue;
		copy[made - 1].len = 1;
		copy[made] = copy[made - 1];
		copy[made++].addr.ip[0] = 0x80;
	}
	*n = (uint16_t)made;
	return copy;
}

struct kernel_tunnel tunnel_want_copy(const struct kernel_tunnel *w)
{
	struct kernel_tunnel c = *w;
	c.inside = copy_prefixes(w->inside, w->n_inside);
	c.routes = copy_routes(w, &c.n_routes);
	c.local_ts = ts_list_keep(w->local_ts);
	c.remote_ts = ts_list_keep(w->remote_ts);
	return c;
}

void slots_release(struct tunnel *t)
{
	for (unsigned i = 0; i < t->n_slots; i++)
		sel_list_free(&t->slots[i].sels);
	free(t->slots);
	t->slots = NULL;
	t->n_slots = 0;
}

void tunnel_free(struct kernel *k, struct tunnel *t)
{
	tunnel_set_ifindex(k, t, 0);
	table_del(&k->by_id, t->want.id);
	tunnel_want_free(&t->want);
	slots_release(t);
	free(t->policies.v);
	free(t->sas);
	free(t);
}
