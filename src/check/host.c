/*
 * host.c - the settings against this machine: forwarding, filters, ECMP, foreign managers, paths, key files.
 */
#include <stdio.h>
#include <string.h>

#include "rules.h"

static struct place machine_place(const char *setting) { return (struct place){ .order = PLACE_MACHINE, .key = setting }; }

/* ---------------------------------------------------------------- another IKE daemon */
static void ports(struct check *c)
{
	char program[80];
	for (unsigned i = 0; i < c->host->n_ports; i++) {
		const struct host_port *p = &c->host->ports[i];
		log_escape(program, sizeof program, bytes_of(p->program, strlen(p->program)));
		struct finding *f = finding_add(c->out, machine_place(NULL), FINDING_PORT_TAKEN,
			"UDP port %u belongs to '%s', process %d%s", p->port, program, p->pid,
			p->manager ? ", which holds it for a unit: s2sd can start only if that unit is its own"
				   : ": s2sd cannot start beside it");
		if (p->manager)
			finding_advice(f,
				"`systemctl list-sockets` tells whether a socket unit has it, to be disabled; what s2sd.service "
				"left there is given up by `systemctl stop s2sd`");
		else if (p->unit[0] != 0)
			finding_advice(f, "systemctl disable --now %s", p->unit);
		else
			finding_advice(f, "stop it, and see that it does not start again");
	}
}

/* ---------------------------------------------------------------- forwarding */
static unsigned families(const struct conf *c)
{
	unsigned bits = 0;
	for (uint32_t i = 0; i < c->n; i++)
		for (unsigned k = 0; k < c->tunnels[i]->remote_ts->n; k++)
			bits |= c->tunnels[i]->remote_ts->v[k].lo.family == AF_INET6 ? 2 : 1;
	return bits;
}

static void forwarding(struct check *c)
{
	const struct host *h = c->host;
	const struct {
		unsigned bit;
		int value;
		const char *name;
	} rows[] = { { 1, h->forward4, "net.ipv4.ip_forward" }, { 2, h->forward6, "net.ipv6.conf.all.forwarding" } };
	unsigned used = families(c->conf);
	for (size_t i = 0; i < 2 && c->conf->global.forwarding == FORWARDING_CHECK; i++)
		if ((used & rows[i].bit) != 0 && rows[i].value == 0)
			finding_advice(
				finding_add(c->out, machine_place(rows[i].name), FINDING_FORWARDING,
					"%s is 0: this machine passes nothing on between tunnels and networks", rows[i].name),
				"sysctl -w %s=1 and a line in /etc/sysctl.d/, or 'forwarding: yes' under 's2sd:'", rows[i].name);
}

/* ---------------------------------------------------------------- reverse path filter */
static int larger(int a, int b) { return a > b ? a : b; }

/* The kernel goes by the larger of `all` and the interface's; 1 is strict, 2 loose. */
static void rp_filter(struct check *c)
{
	const struct host *h = c->host;
	unsigned strict = 0;
	const char *example = NULL;
	for (unsigned i = 0; i < h->n_paths && i < c->conf->n; i++) {
		int own = h->paths[i].rp_filter != HOST_UNKNOWN ? h->paths[i].rp_filter : h->rp_default;
		if (larger(h->rp_all, own) != 1)
			continue;
		strict++;
		example = example != NULL ? example : c->conf->tunnels[i]->interface;
	}
	if (strict == 0)
		return;
	bool bites = spaces_siblings(c->conf);
	finding_advice(
		finding_add(c->out, machine_place("net.ipv4.conf.all.rp_filter"),
			bites ? FINDING_RP_FILTER : FINDING_RP_FILTER_ALONE, "rp_filter is strict for %s%s: %s", example,
			strict > 1 ? " and other tunnels" : "",
			bites ? "what comes back through the other tunnel is dropped, and clouds choose the tunnel as they like"
			      : "it drops what comes back another way"),
		"sysctl -w net.ipv4.conf.all.rp_filter=2 and a line in /etc/sysctl.d/: the larger of `all` and the interface's counts");
}

/* ---------------------------------------------------------------- the ways of packets */
static int effective(const struct host *h, const struct host_net *n) { return larger(h->rp_all, n->rp_filter); }

static bool is_tunnels(const struct conf *c, const char *interface)
{
	for (uint32_t i = 0; i < c->n; i++)
		if (strcmp(c->tunnels[i]->interface, interface) == 0)
			return true;
	return false;
}

/* What comes from there is dropped before anybody looks at it: the kernel would answer another way. */
static void rp_filter_nets(struct check *c)
{
	char net[ADDR_TEXT];
	for (unsigned i = 0; i < c->host->n_nets && c->conf->n > 0; i++) {
		const struct host_net *n = &c->host->nets[i];
		struct prefix mine = prefix_mask(&n->prefix);
		if (n->elsewhere[0] == 0 || effective(c->host, n) != 1 || is_tunnels(c->conf, n->interface))
			continue;
		finding_advice(
			finding_add(c->out, machine_place("net.ipv4.conf.*.rp_filter"), FINDING_RP_FILTER_NET,
				"rp_filter is strict at %s, and hosts of %s there are reached by %s: what they send is dropped",
				n->interface, prefix_format(&mine, net), n->elsewhere),
			"sysctl -w net.ipv4.conf.%s.rp_filter=2 and a line in /etc/sysctl.d/, or let the answers leave by %s",
			n->interface, n->interface);
	}
}

static const struct host_net *net_of(const struct host *h, const struct addr *a)
{
	for (unsigned i = 0; i < h->n_nets; i++)
		if (addr_same_ip(&h->nets[i].prefix.addr, a))
			return &h->nets[i];
	return NULL;
}

#define UPLINK_TABLE 200

/* One uplink's address as source of what leaves by another: that one's provider drops it. */
static void second_uplink(struct check *c, const struct tunnel_conf *t, const struct host_path *p, const struct host_net *n)
{
	char local[ADDR_TEXT], gateway[ADDR_TEXT];
	const char *six = t->local.family == AF_INET6 ? " -6" : "";
	struct finding *f = finding_add(c->out, tunnel_place(t, KEY_LOCAL),
		n->has_default ? FINDING_UPLINK : FINDING_UPLINK_PERHAPS,
		"%s is the address of %s, but the way to the peer leaves by %s%s", addr_format(&t->local, local), n->interface,
		p->out,
		n->has_default ? ": a provider drops what has another one's address as source"
			       : ": the provider there may drop such a source");
	if (n->gateway.family != 0)
		finding_advice(f, "ip%s route add default via %s dev %s table %d; ip%s rule add from %s lookup %d", six,
			addr_format(&n->gateway, gateway), n->interface, UPLINK_TABLE, six, local, UPLINK_TABLE);
	else
		finding_advice(f,
			"ip%s route add default via ROUTER dev %s table %d; ip%s rule add from %s lookup %d, with the router of %s; nothing, "
			"when that network is routed to this machine by %s",
			six, n->interface, UPLINK_TABLE, six, local, UPLINK_TABLE, n->interface, p->out);
}

static void uplinks(struct check *c)
{
	char local[ADDR_TEXT];
	for (uint32_t i = 0; i < c->conf->n && i < c->host->n_paths; i++) {
		const struct tunnel_conf *t = c->conf->tunnels[i];
		const struct host_path *p = &c->host->paths[i];
		const struct host_net *n = t->local.family != 0 ? net_of(c->host, &t->local) : NULL;
		if (n == NULL || !n->carries)
			continue;
		if (p->out[0] != 0 && strcmp(p->out, n->interface) != 0)
			second_uplink(c, t, p, n);
		else if (p->back[0] != 0 && strcmp(p->back, n->interface) != 0 && t->local.family == AF_INET &&
			 effective(c->host, n) == 1)
			finding_advice(
				finding_add(c->out, tunnel_place(t, KEY_LOCAL), FINDING_RP_FILTER_UPLINK,
					"rp_filter is strict at %s, and the main table's way from %s to the peer leaves by %s: what the peer "
					"sends is dropped",
					n->interface, addr_format(&t->local, local), p->back),
				"sysctl -w net.ipv4.conf.%s.rp_filter=2 and a line in /etc/sysctl.d/", n->interface);
	}
}

/* ---------------------------------------------------------------- the packet filter */
static void filters(struct check *c)
{
	for (unsigned i = 0; i < c->host->n_filters; i++) {
		const struct host_filter *h = &c->host->filters[i];
		const struct tunnel_conf *t = h->tunnel < c->conf->n ? c->conf->tunnels[h->tunnel] : NULL;
		char commands[sizeof h->commands + 8] = "";
		if (t == NULL)
			continue;
		for (unsigned k = 0, n = 0; k < h->n_commands; k++)
			n += (unsigned)snprintf(commands + n, sizeof commands - n, "%s%s", k > 0 ? "; " : "", h->commands[k]);
		struct finding *f = finding_add(c->out, (struct place){ .order = PLACE_MACHINE, .tunnel = t->name },
			h->changes ? FINDING_FILTER_REWRITES : FINDING_FILTER_DROPS,
			"what hosts behind us exchange with this tunnel%s is %s by the %s%s%s", h->others ? " and others" : "",
			h->changes ? "given another address" : "dropped", h->where, h->rule[0] != 0 ? ": " : "", h->rule);
		finding_advice(f, "%s%s", commands,
			commands[0] != 0 ? "; and in the program that makes the rules, so that it lasts"
					 : "except the tunnel's interface from it in the program that makes the rules");
	}
}

/* ---------------------------------------------------------------- router advertisements */
static bool needs_ipv6(const struct conf *c)
{
	bool outside = (families(c) & 2) != 0;
	for (uint32_t i = 0; i < c->n; i++)
		outside |= c->tunnels[i]->remote.family == AF_INET6 || c->tunnels[i]->remote_name != NULL;
	return outside;
}

static void router_advertisements(struct check *c)
{
	bool forwards = c->host->forward6 == 1 || (families(c->conf) & 2) != 0; /* if it does not yet, it has to */
	for (unsigned i = 0; i < c->host->n_ra && forwards && needs_ipv6(c->conf); i++)
		finding_advice(
			finding_add(c->out, machine_place("net.ipv6.conf.*.accept_ra"), FINDING_RA_IGNORED,
				"%s has its IPv6 address or default route from router advertisements, which the kernel ignores %s IPv6 is "
				"forwarded: both end when their lifetime does",
				c->host->ra[i], c->host->forward6 == 1 ? "while" : "as soon as"),
			"sysctl -w net.ipv6.conf.%s.accept_ra=2 and a line in /etc/sysctl.d/", c->host->ra[i]);
}

/* ---------------------------------------------------------------- ECMP */
static void multipath(struct check *c)
{
	const struct {
		unsigned bit;
		int value;
		const char *name;
	} rows[] = { { 1, c->host->hash4, "net.ipv4.fib_multipath_hash_policy" },
		{ 2, c->host->hash6, "net.ipv6.fib_multipath_hash_policy" } };
	unsigned used = spaces_ecmp(c->conf);
	for (size_t i = 0; i < 2; i++)
		if ((used & rows[i].bit) != 0 && rows[i].value != HOST_UNKNOWN && rows[i].value != 1)
			finding_advice(
				finding_add(c->out, machine_place(rows[i].name), FINDING_ECMP_HASH,
					"%s is %d: tunnels share traffic by addresses alone, so two hosts always use the same one",
					rows[i].name, rows[i].value),
				"sysctl -w %s=1 and a line in /etc/sysctl.d/", rows[i].name);
}

/* ---------------------------------------------------------------- systemd-networkd */
static void networkd(struct check *c)
{
	const struct {
		bool deletes;
		const char *key, *what;
	} rows[] = { { c->host->networkd_routes, "ManageForeignRoutes", "routes" },
		{ c->host->networkd_rules, "ManageForeignRoutingPolicyRules", "routing policy rules" } };
	for (size_t i = 0; i < 2 && c->host->networkd && c->conf->n > 0; i++)
		if (rows[i].deletes)
			finding_advice(
				finding_add(c->out, machine_place(rows[i].key), FINDING_NETWORKD,
					"systemd-networkd runs and deletes %s that it did not make, when it starts or is reconfigured",
					rows[i].what),
				"'%s=no' under [Network] in /etc/systemd/networkd.conf.d/s2sd.conf, then restart systemd-networkd",
				rows[i].key);
}

/* It reads them when it starts. */
static void networkd_has_read(struct check *c)
{
	const struct host *h = c->host;
	bool deletes = h->networkd_routes || h->networkd_rules;
	if (h->networkd && !deletes && c->conf->n > 0 && h->networkd_since > 0 && h->networkd_settings > h->networkd_since)
		finding_advice(
			finding_add(c->out, machine_place(NULL), FINDING_NETWORKD,
				"systemd-networkd runs since before its settings were changed, and may still delete routes "
				"and rules that it did not make"),
			"systemctl restart systemd-networkd");
}

/* ---------------------------------------------------------------- paths */
static void path_sizes(struct check *c, const struct tunnel_conf *t, const struct host_path *p)
{
	bool nat = addr_is_private(&p->from) && !addr_is_private(&t->remote);
	bool udp = nat || t->encapsulation == ENCAPSULATION_UDP, v6 = t->remote.family == AF_INET6;
	uint32_t fits = p->mtu > 0 ? inside_mtu(t, (uint32_t)p->mtu, v6, udp) : 0;
	if (fits == 0)
		return;
	/* Of a value that nobody wrote the daemon takes less by itself. */
	if (t->mtu > fits && tunnel_key_line(t, KEY_MTU) > 0)
		finding_advice(finding_add(c->out, tunnel_place(t, KEY_MTU), FINDING_SIZE_PATH,
				       "%u is more than fits: the path of %d leaves %u%s", t->mtu, p->mtu, fits,
				       nat ? " (NAT assumed)" : ""),
			"leave 'mtu' out, or write at most %u", fits);
	/* With IPv4 inside; IPv6's headers are larger by 20, and the MTU's own check stands for it. */
	if (t->mss > 0 && (uint32_t)t->mss + 40 > fits && fits > 40 && tunnel_key_line(t, KEY_MSS) > 0)
		finding_advice(finding_add(c->out, tunnel_place(t, KEY_MSS), FINDING_SIZE_PATH,
				       "%d is more than fits: the path of %d leaves %u%s", t->mss, p->mtu, fits - 40,
				       nat ? " (NAT assumed)" : ""),
			"leave 'mss' out, or write at most %u", fits - 40);
}

static void paths(struct check *c)
{
	char text[ADDR_TEXT];
	for (uint32_t i = 0; i < c->conf->n; i++) {
		const struct tunnel_conf *t = c->conf->tunnels[i];
		if (i < c->host->n_paths)
			path_sizes(c, t, &c->host->paths[i]);
		if (t->local.family != 0 && !addr_is_any(&t->local) && !host_has(c->host, &t->local))
			finding_advice(finding_add(c->out, tunnel_place(t, KEY_LOCAL), FINDING_LOCAL_FOREIGN,
					       "%s is not an address of this machine", addr_format(&t->local, text)),
				"write one of its own; behind NAT the public address goes into 'local-id'");
		if (t->remote.family != 0 && host_has(c->host, &t->remote))
			finding_advice(finding_add(c->out, tunnel_place(t, KEY_REMOTE), FINDING_REMOTE_IS_OURS,
					       "%s is an address of this machine", addr_format(&t->remote, text)),
				"write the peer's address");
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

static void keys(struct check *c)
{
	const struct host *h = c->host;
	if (h->key_dir_mode != HOST_UNKNOWN && (h->key_dir_mode & 022) != 0)
		finding_advice(finding_add(c->out, machine_place("keys/"), FINDING_KEY_DIR_MODE,
				       "the folder keys/ has mode %04o: others can put keys into it", (unsigned)h->key_dir_mode),
			"chmod 700 it, owner root");
	for (unsigned i = 0; i < h->n_keys; i++)
		if (!is_used(c->conf, h->keys[i].name))
			finding_advice(
				finding_add(c->out, machine_place("keys/"), FINDING_KEY_LIES_OPEN,
					"keys/%s has mode %04o: group or others can get at it", h->keys[i].name, h->keys[i].mode),
				"chmod 600 it; a key that others could read is better replaced");
}

static void nothing(struct check *c)
{
	if (c->conf->n == 0)
		finding_advice(finding_add(c->out, machine_place(NULL), FINDING_NO_TUNNELS, "no tunnel is configured"),
			"write one into conf.d/NAME.yaml beside the settings, see s2sd.conf(5), or let `s2sctl import` do it");
}

void check_host(struct check *c)
{
	static void (*const rules[])(struct check * c) = { nothing, ports, forwarding, rp_filter, rp_filter_nets, uplinks,
		filters, router_advertisements, multipath, networkd, networkd_has_read, paths, keys };
	for (size_t i = 0; i < ARRAY_SIZE(rules); i++)
		rules[i](c);
}
