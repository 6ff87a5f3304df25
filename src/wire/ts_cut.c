/* ts_cut.c - traffic selectors cut into prefixes and aligned blocks of ports: the kernel's policies know nothing else. */

#include "base/mem.h"
#include "wire/ts.h"

static void add_part(struct ts_parts *parts, const struct ts_part *p)
{
	if (parts->n == TS_POLICIES_MAX)
		parts->full = true;
	else
		parts->v[parts->n++] = *p;
}

/* The largest aligned block of ports that begins at lo and ends at hi at the latest. */
static void cut_ports(struct ts_parts *parts, struct ts_part p, const struct ts *ts)
{
	uint32_t lo = ts->port_lo, hi = ts->port_hi;
	while (lo <= hi && !parts->full) {
		uint32_t size = 1;
		while (size < 65536 && lo % (2 * size) == 0 && lo + 2 * size - 1 <= hi)
			size *= 2;
		p.port = (uint16_t)lo;
		p.mask = (uint16_t)(65536 - size);
		add_part(parts, &p);
		lo += size;
	}
}

static bool increment(struct addr *a)
{
	for (size_t i = addr_bytes(a).n; i-- > 0;)
		if (++a->ip[i] != 0)
			return true;
	return false; /* past the last address */
}

static void cut_addresses(struct ts_parts *parts, const struct ts *ts)
{
	struct ts_part one = { .protocol = ts->protocol };
	if (ts_to_prefix(ts, &one.prefix)) { /* as most are */
		cut_ports(parts, one, ts);
		return;
	}
	struct addr at = ts->lo;
	at.port = 0;
	while (addr_compare_ip(&at, &ts->hi) <= 0 && !parts->full) {
		struct ts_part p = { .prefix = { .addr = at, .len = (uint8_t)(8 * addr_bytes(&at).n) },
			.protocol = ts->protocol };
		struct addr last = at;
		while (p.prefix.len > 0) {
			struct prefix wider = { .addr = at, .len = (uint8_t)(p.prefix.len - 1) };
			struct ts whole = ts_from_prefix(&wider);
			if (prefix_has_host_bits(&wider) || addr_compare_ip(&whole.hi, &ts->hi) > 0)
				break;
			p.prefix.len--;
			last = whole.hi;
		}
		cut_ports(parts, p, ts);
		at = last;
		if (!increment(&at))
			return;
	}
}

/* Some fourteen kilobytes, of which a few octets are used: not cleared. */
struct ts_parts *ts_parts_new(void) { return xrealloc_array(NULL, 2, sizeof(struct ts_parts)); }

void ts_cut(const struct ts_list *list, struct ts_parts *parts)
{
	parts->n = 0;
	parts->full = false;
	for (unsigned i = 0; i < list->n; i++)
		cut_addresses(parts, &list->v[i]);
}

bool ts_parts_meet(const struct ts_part *local, const struct ts_part *remote)
{
	return local->prefix.addr.family == remote->prefix.addr.family &&
	       (!local->protocol || !remote->protocol || local->protocol == remote->protocol);
}

unsigned ts_policies(const struct ts_list *local, const struct ts_list *remote)
{
	struct ts_parts p[2]; /* of which a few octets are used: not cleared */
	unsigned n = 0;
	ts_cut(local, &p[0]);
	ts_cut(remote, &p[1]);
	for (unsigned i = 0; i < p[0].n; i++)
		for (unsigned k = 0; k < p[1].n; k++)
			n += ts_parts_meet(&p[0].v[i], &p[1].v[k]);
	bool full = p[0].full || p[1].full;
	return full || n > TS_POLICIES_MAX ? TS_POLICIES_MAX + 1 : n;
}

bool ts_policies_fit(const struct ts_list *local, const struct ts_list *remote)
{
	return ts_policies(local, remote) <= TS_POLICIES_MAX;
}
