/*
 * export_bird.c - the sessions as a configuration of BIRD 2. It is whole: who has a bird.conf already leaves out what stands there.
 */
#include <string.h>

#include "export.h"

static unsigned bits(uint8_t family) { return family == AF_INET6 ? 128 : 32; }
static const char *table(uint8_t family) { return family == AF_INET6 ? "ipv6" : "ipv4"; }
static unsigned digit(uint8_t family) { return family == AF_INET6 ? 6 : 4; }

/* A tunnel's name as a symbol; '_' is in no name, so two never meet. */
#define SYMBOL 48
static const char *symbol(const struct export_peer *p, char text[SYMBOL])
{
	snprintf(text, SYMBOL, "s2s_%s", p->t->name);
	for (char *c = text; *c != 0; c++)
		*c = *c == '-' ? '_' : *c;
	return text;
}

static void head(const struct export *e, FILE *to)
{
	char text[ADDR_TEXT];
	fprintf(to,
		"# BGP over the tunnels of s2sd, for BIRD 2. Written by `s2sctl export bird`; change s2sd's settings and export again rather than editing this.\n"
		"# To use it: as /etc/bird/bird.conf, or with `include` from there, less what that file has already: the router id and the\n"
		"# protocols device and kernel (then give its kernel protocols `merge paths` and the filter s2sd_kernel).\n");
	if (e->paths > 1)
		fprintf(to, "# Equal tunnels share traffic by flow when net.ipv4.fib_multipath_hash_policy is 1 (sysctl).\n");
	fprintf(to, "\n");
	if (e->router_id.family != 0)
		fprintf(to, "router id %s;\n\n", addr_format(&e->router_id, text));
	for (unsigned i = 0; i < e->n_as && e->n_as > 1; i++)
		fprintf(to, "%s%u%s", i == 0 ? "define s2sd_peers = [ " : ", ", e->as[i],
			i + 1 == e->n_as ? " ]; # AS numbers of the peers\n\n" : "");
}

/* ---------------------------------------------------------------- the machine */
static bool is_source(const struct export_peer *p) { return p->t->route_source.family != 0; }

static void kernel(const struct export *e, FILE *to)
{
	char text[ADDR_TEXT];
	fprintf(to, "protocol device {\n}\n\n");
	fprintf(to,
		"# Into the kernel: learned routes, blackhole routes, routes to peers. Not what is only announced.\nfilter s2sd_kernel {\n");
	if (e->here.n > 0)
		fprintf(to, "\tif proto ~ \"s2sd_announce*\" then reject;\n");
	for (unsigned i = 0; i < e->n; i++)
		if (is_source(&e->peers[i]))
			fprintf(to, "\tif source = RTS_BGP && net.type = NET_IP%u && ifname = \"%s\" then krt_prefsrc = %s;\n",
				digit(e->peers[i].t->route_source.family), e->peers[i].t->interface,
				addr_format(&e->peers[i].t->route_source, text));
	fprintf(to, "\tif source ~ [ RTS_BGP, RTS_STATIC ] then accept;\n\treject;\n}\n\n");
	for (unsigned f = 0; f < 2; f++) {
		uint8_t family = f == 0 ? AF_INET : AF_INET6;
		if (!export_has(e, family))
			continue;
		fprintf(to, "protocol kernel s2sd_kernel%u {\n\t%s { import none; export filter s2sd_kernel; };\n", digit(family),
			table(family));
		if (e->paths > 1)
			fprintf(to, "\tmerge paths yes limit %u; # equal tunnels share the traffic\n",
				e->paths < 255 ? e->paths : 255);
		fprintf(to, "}\n\n");
	}
}

static void connected(const struct export *e, FILE *to)
{
	bool wanted = false;
	for (unsigned i = 0; i < e->n; i++)
		wanted = wanted || e->peers[i].here.n == 0;
	if (!wanted)
		return;
	fprintf(to,
		"# Networks of this machine, without the tunnels.\nprotocol direct s2sd_local {\n\tipv4;\n\tipv6;\n\tinterface ");
	for (unsigned i = 0; i < e->n; i++)
		fprintf(to, "-\"%s\", ", e->peers[i].t->interface);
	fprintf(to, "-\"s2s-*\", \"*\";\n}\n\n");
}

/* ---------------------------------------------------------------- routes */
/* Also where s2sd has a route: BIRD resolves a peer's address in its own table, which does not hold those of others. */
static void ways(const struct export *e, uint8_t family, FILE *to)
{
	char text[ADDR_TEXT];
	unsigned n = 0;
	for (unsigned i = 0; i < e->n; i++) {
		const struct export_peer *p = &e->peers[i];
		if (!p->far || p->t->bgp.peer.family != family)
			continue;
		if (n++ == 0)
			fprintf(to,
				"# Peers behind the tunnel that are not neighbours on it.\nprotocol static s2sd_peer%u {\n\t%s;\n",
				digit(family), table(family));
		fprintf(to, "\troute %s/%u via \"%s\";\n", addr_format(&p->t->bgp.peer, text), bits(family), p->t->interface);
	}
	if (n > 0)
		fprintf(to, "}\n\n");
}

static void unreachable(
	const struct prefixes *l, uint8_t family, const char *name, const char *options, const char *why, FILE *to)
{
	char text[ADDR_TEXT];
	unsigned n = 0;
	for (unsigned i = 0; i < l->n; i++) {
		if (l->v[i].addr.family != family)
			continue;
		if (n++ == 0)
			fprintf(to, "# %s\nprotocol static s2sd_%s%u {\n\t%s%s;\n", why, name, digit(family), table(family),
				options);
		fprintf(to, "\troute %s unreachable;\n", prefix_format(&l->v[i], text));
	}
	if (n > 0)
		fprintf(to, "}\n\n");
}

/* ---------------------------------------------------------------- filters */
struct set {
	FILE *to;
	unsigned n;
};

static void member(struct set *s, const char *prefix, bool longer)
{
	fprintf(s->to, "%s%s%s", s->n++ == 0 ? "[ " : ", ", prefix, longer ? "+" : "");
}

static void in_filter(const struct export *e, const struct export_peer *p, FILE *to)
{
	uint8_t family = p->t->bgp.peer.family;
	struct set s = { to, 0 };
	char text[ADDR_TEXT], name[SYMBOL];
	fprintf(to, "# Accepted from it: %s, no link-local network, nothing of our own.\nfilter %s_in {\n",
		p->default_wanted ? "also a default route" : "no default route", symbol(p, name));
	if (e->ranks > 1)
		fprintf(to, "\tbgp_local_pref = %u;\n", LOCAL_PREFERENCE(e, p));
	fprintf(to, "\tif net.len = 0 then %s;\n\tif net ~ ", p->default_wanted ? "accept" : "reject");
	member(&s, family == AF_INET6 ? "fe80::/10" : "169.254.0.0/16", true);
	for (unsigned i = 0; i < e->here.n; i++)
		if (e->here.v[i].addr.family == family)
			member(&s, prefix_format(&e->here.v[i], text), true);
	fprintf(to, " ] then reject;\n");
	if (p->there.n == 0) {
		fprintf(to, "\taccept;\n}\n");
		return;
	}
	s.n = 0;
	fprintf(to, "\tif net ~ ");
	for (unsigned i = 0; i < p->there.n; i++)
		member(&s, prefix_format(&p->there.v[i], text), true);
	fprintf(to, " ] then accept;\n\treject;\n}\n");
}

static void prefer_out(const struct export *e, const struct export_peer *p, FILE *to)
{
	if (e->ranks < 2)
		return;
	fprintf(to, "\tbgp_med = %u;\n", p->t->route_metric);
	for (unsigned i = 0; i < p->rank && i < PREPEND_MAX; i++)
		fprintf(to, "\tbgp_path.prepend(%u);\n", p->t->bgp.local_as);
}

static void out_filter(const struct export *e, const struct export_peer *p, FILE *to)
{
	uint8_t family = p->t->bgp.peer.family;
	struct set s = { to, 0 };
	char text[ADDR_TEXT], name[SYMBOL];
	fprintf(to, "# Announced to it: %s.%s\nfilter %s_out {\n",
		p->here.n > 0 ? "the networks of local-ts" : "connected private networks; narrow this to those that it may learn",
		e->n_as > 1
			? " Also what other peers announce,\n# so that they reach each other through us; leave the line out to keep them apart."
			: "",
		symbol(p, name));
	/* A multihop session outlives its tunnel until the hold time ends; what it brought is then unreachable, and nobody should hear of it. */
	if (e->multihop)
		fprintf(to, "\tif source = RTS_BGP && dest = RTD_UNREACHABLE then reject;\n");
	/* What is judged by its path has to be judged before the path is prepended to. */
	fprintf(to, "\tif source = RTS_BGP && bgp_path.first = %u then reject;\n\tbool wanted = false;\n", p->t->bgp.peer_as);
	if (e->n_as > 1)
		fprintf(to, "\tif source = RTS_BGP && bgp_path.first ~ s2sd_peers then wanted = true;\n");
	if (p->here.n > 0)
		fprintf(to, "\tif proto = \"s2sd_announce%u\" && net ~ ", digit(family));
	else
		fprintf(to, "\tif source = RTS_DEVICE && net ~ ");
	for (unsigned i = 0; i < p->here.n; i++)
		member(&s, prefix_format(&p->here.v[i], text), false);
	for (const char *const *net = export_private_nets(family); *net != NULL && p->here.n == 0; net++)
		member(&s, *net, true);
	fprintf(to, " ] then wanted = true;\n\tif !wanted then reject;\n");
	prefer_out(e, p, to);
	fprintf(to, "\taccept;\n}\n");
}

/* ---------------------------------------------------------------- sessions */
static void session(const struct export_peer *p, FILE *to)
{
	const struct bgp_conf *b = &p->t->bgp;
	const struct cloud_bgp *m = &provider_of(p->t->cloud)->bgp;
	char peer[ADDR_TEXT], source[ADDR_TEXT], name[SYMBOL];
	addr_format(&b->peer, peer);
	symbol(p, name);
	fprintf(to, "protocol bgp %s {\n\tdescription \"%s\";\n", name, p->t->name);
	fprintf(to, "\tlocal %s as %u;\n\tneighbor %s as %u;\n", addr_format(&p->source, source), b->local_as, peer, b->peer_as);
	if (p->hops > 0)
		fprintf(to, "\tmultihop %u;\n", p->hops);
	else
		fprintf(to, "\tdirect;\n");
	fprintf(to,
		"\thold time %u;\n\tkeepalive time %u;\n\tconnect delay time 1;\n\tconnect retry time 10;\n\terror wait time 5, 60;\n",
		p->hold, p->keep);
	fprintf(to, "\tpassive no; # %s\n", export_opens(p));
	fprintf(to, "\t# A peer that keeps routes over a restart keeps them when a tunnel dies, too: minutes of lost traffic.\n"
		    "\tgraceful restart off;\n\tlong lived graceful restart off;\n");
	if (m->why != NULL)
		fprintf(to, "\t# %s\n", m->why);
	fprintf(to, "\t%s {\n\t\timport filter %s_in;\n\t\texport filter %s_out;\n", table(b->peer.family), name, name);
	if (m->in > 0)
		fprintf(to, "\t\timport limit %u action restart;\n", m->in);
	if (m->out > 0)
		fprintf(to, "\t\texport limit %u action block;\n", m->out);
	fprintf(to, "\t\tnext hop self;\n\t};\n}\n\n");
}

void export_bird(const struct export *e, FILE *to)
{
	char title[160];
	head(e, to);
	kernel(e, to);
	connected(e, to);
	for (unsigned f = 0; f < 2; f++) {
		uint8_t family = f == 0 ? AF_INET : AF_INET6;
		ways(e, family, to);
		unreachable(&e->blackholes, family, "blackhole", " { preference 1; }",
			"Blackhole routes: what belongs into a tunnel never follows the default route in clear. Any other route is preferred. s2sd itself\n"
			"# does so for the prefixes of `routes`.",
			to);
		unreachable(&e->here, family, "announce", "", "The networks of local-ts: announced, but not put into the kernel.",
			to);
	}
	for (unsigned i = 0; i < e->n; i++) {
		fprintf(to, "# --- %s: %s\n", e->peers[i].t->name, export_title(&e->peers[i], title));
		in_filter(e, &e->peers[i], to);
		out_filter(e, &e->peers[i], to);
		session(&e->peers[i], to);
	}
}
