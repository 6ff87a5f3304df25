/*
 * lint_host.c - the settings against this machine: forwarding, filters, ECMP, foreign managers, paths, key files.
 */
#include <string.h>

#include "base/util.h"
#include "check/lint.h"

/* ---------------------------------------------------------------- forwarding */
static unsigned families(const struct conf *c)
{
	unsigned bits = 0;
	for (uint32_t i = 0; i < c->n; i++)
		for (unsigned k = 0; k < c->tunnels[i]->remote_ts->n; k++)
			bits |= c->tunnels[i]->remote_ts->v[k].lo.family == AF_INET6 ? 2 : 1;
	return bits;
}

static void forwarding(struct lint *l)
{
	const struct host *h = l->host;
	const struct {
		unsigned bit;
		int value;
		const char *name;
	} rows[] = { { 1, h->forward4, "net.ipv4.ip_forward" }, { 2, h->forward6, "net.ipv6.conf.all.forwarding" } };
	unsigned used = families(l->conf);
	for (size_t i = 0; i < 2 && l->conf->global.forwarding == FORWARDING_CHECK; i++)
		if ((used & rows[i].bit) != 0 && rows[i].value == 0)
			todo(found(l, NULL, rows[i].name, FINDING_WARNING, "forwarding",
				     "%s is 0: this machine passes nothing on between tunnels and networks", rows[i].name),
				SIDE_OURS, "sysctl -w %s=1 and a line in /etc/sysctl.d/, or 'forwarding: yes' under 's2sd:'",
				rows[i].name);
}

/* ---------------------------------------------------------------- reverse path filter */
static int larger(int a, int b) { return a > b ? a : b; }

/* The kernel goes by the larger of `all` and the interface's; 1 is strict, 2 loose. */
static void rp_filter(struct lint *l)
{
	const struct host *h = l->host;
	unsigned strict = 0;
	const char *example = NULL;
	for (unsigned i = 0; i < h->n_paths && i < l->conf->n; i++) {
		int own = h->paths[i].rp_filter != HOST_UNKNOWN ? h->paths[i].rp_filter : h->rp_default;
		if (larger(h->rp_all, own) != 1)
			continue;
		strict++;
		example = example != NULL ? example : l->conf->tunnels[i]->interface;
	}
	if (strict == 0)
		return;
	bool bites = lint_siblings(l->conf);
	todo(found(l, NULL, "net.ipv4.conf.all.rp_filter", bites ? FINDING_WARNING : FINDING_HINT, "rp-filter",
		     "rp_filter is strict for %s%s: %s", example, strict > 1 ? " and other tunnels" : "",
		     bites ? "what comes back through the other tunnel is dropped, and clouds choose the tunnel as they like"
			   : "it drops what comes back another way"),
		SIDE_OURS,
		"sysctl -w net.ipv4.conf.all.rp_filter=2 and a line in /etc/sysctl.d/: the larger of `all` and the interface's counts");
}

/* ---------------------------------------------------------------- ECMP */
static void multipath(struct lint *l)
{
	const struct {
		unsigned bit;
		int value;
		const char *name;
	} rows[] = { { 1, l->host->hash4, "net.ipv4.fib_multipath_hash_policy" },
		{ 2, l->host->hash6, "net.ipv6.fib_multipath_hash_policy" } };
	unsigned used = lint_ecmp(l->conf);
	for (size_t i = 0; i < 2; i++)
		if ((used & rows[i].bit) != 0 && rows[i].value != HOST_UNKNOWN && rows[i].value != 1)
			todo(found(l, NULL, rows[i].name, FINDING_WARNING, "ecmp-hash",
				     "%s is %d: tunnels share traffic by addresses alone, so two hosts always use the same one",
				     rows[i].name, rows[i].value),
				SIDE_OURS, "sysctl -w %s=1 and a line in /etc/sysctl.d/", rows[i].name);
}

/* ---------------------------------------------------------------- systemd-networkd */
static void networkd(struct lint *l)
{
	const struct {
		bool deletes;
		const char *key, *what;
	} rows[] = { { l->host->networkd_routes, "ManageForeignRoutes", "routes" },
		{ l->host->networkd_rules, "ManageForeignRoutingPolicyRules", "routing policy rules" } };
	for (size_t i = 0; i < 2 && l->host->networkd && l->conf->n > 0; i++)
		if (rows[i].deletes)
			todo(found(l, NULL, rows[i].key, FINDING_WARNING, "networkd",
				     "systemd-networkd runs and deletes %s that it did not make, when it starts or is reconfigured",
				     rows[i].what),
				SIDE_OURS,
				"'%s=no' under [Network] in /etc/systemd/networkd.conf.d/s2sd.conf, then restart systemd-networkd",
				rows[i].key);
}

/* ---------------------------------------------------------------- paths */
static void path_sizes(struct lint *l, const struct tunnel_conf *t, const struct host_path *p)
{
	bool nat = addr_is_private(&p->from) && !addr_is_private(&t->remote);
	bool udp = nat || t->encapsulation == ENCAPSULATION_UDP, v6 = t->remote.family == AF_INET6;
	uint32_t fits = p->mtu > 0 ? inside_mtu(t, (uint32_t)p->mtu, v6, udp) : 0;
	if (fits == 0)
		return;
	if (t->mtu > fits)
		todo(found(l, t, "mtu", FINDING_WARNING, "mtu", "%u is more than fits: the path of %d leaves %u%s", t->mtu,
			     p->mtu, fits, nat ? " (NAT assumed)" : ""),
			SIDE_OURS,
			written(t, "mtu") ? "leave 'mtu' out, or write at most %u" : "write 'mtu: auto', or at most %u", fits);
	/* With IPv4 inside; IPv6's headers are larger by 20, and the MTU's own check stands for it. */
	if (t->mss > 0 && (uint32_t)t->mss + 40 > fits && fits > 40)
		todo(found(l, t, "mss", FINDING_WARNING, "mtu", "%d is more than fits: the path of %d leaves %u%s", t->mss,
			     p->mtu, fits - 40, nat ? " (NAT assumed)" : ""),
			SIDE_OURS,
			written(t, "mss") ? "leave 'mss' out, or write at most %u" : "write 'mss: auto', or at most %u",
			fits - 40);
}

static bool is_address(const struct host *h, const struct addr *a)
{
	for (unsigned i = 0; i < h->n_nets; i++)
		if (addr_same_ip(&h->nets[i].prefix.addr, a))
			return true;
	return false;
}

static void paths(struct lint *l)
{
	char text[ADDR_TEXT];
	for (uint32_t i = 0; i < l->conf->n; i++) {
		const struct tunnel_conf *t = l->conf->tunnels[i];
		if (i < l->host->n_paths)
			path_sizes(l, t, &l->host->paths[i]);
		if (t->local.family != 0 && !addr_is_any(&t->local) && !is_address(l->host, &t->local))
			todo(found(l, t, "local", FINDING_WARNING, "local", "%s is no address of this machine",
				     addr_format(&t->local, text)),
				SIDE_OURS, "write one of its own; behind NAT the public address goes into 'local-id'");
		if (t->remote.family != 0 && is_address(l->host, &t->remote))
			todo(found(l, t, "remote", FINDING_ERROR, "remote", "%s is an address of this machine",
				     addr_format(&t->remote, text)),
				SIDE_OURS, "write the peer's address");
	}
}

/* ---------------------------------------------------------------- key files */
/* One that a tunnel uses is the loader's to refuse; here are those that lie about. */
static bool is_used(const struct conf *c, const char *name)
{
	for (uint32_t i = 0; i < c->n; i++)
		if (c->tunnels[i]->psk_file != NULL && strcmp(c->tunnels[i]->psk_file, name) == 0)
			return true;
	return false;
}

static void keys(struct lint *l)
{
	const struct host *h = l->host;
	if (h->key_dir_mode != HOST_UNKNOWN && (h->key_dir_mode & 022) != 0)
		todo(found(l, NULL, "keys/", FINDING_ERROR, "key-mode",
			     "the folder keys/ has mode %04o: others can put keys into it", (unsigned)h->key_dir_mode),
			SIDE_OURS, "chmod 700 it, owner root");
	for (unsigned i = 0; i < h->n_keys; i++)
		if (!is_used(l->conf, h->keys[i].name))
			todo(found(l, NULL, "keys/", FINDING_WARNING, "key-mode",
				     "keys/%s has mode %04o: group or others can get at it", h->keys[i].name, h->keys[i].mode),
				SIDE_OURS, "chmod 600 it; a key that others could read is better replaced");
}

void lint_host(struct lint *l)
{
	static void (*const rules[])(struct lint * l) = { forwarding, rp_filter, multipath, networkd, paths, keys };
	for (size_t i = 0; i < ARRAY_SIZE(rules); i++)
		rules[i](l);
}
