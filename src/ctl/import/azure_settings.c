/* azure_settings.c - one site of Azure becomes one file: a tunnel per instance of the gateway. */
#include <stdio.h>
#include <string.h>

#include "azure.h"

bool azure_prefix(struct import_set *p, const char *file, struct prefix *list, unsigned *n, unsigned max, const char *text)
{
	struct prefix r;
	if (!prefix_parse(&r, text))
		return import_refuse(p, "%s: invalid prefix '%s'", file, text);
	return import_prefix_add(list, n, max, &r) || import_refuse(p, "%s: more than %u prefixes", file, max);
}

bool azure_prefixes(struct import_set *p, const char *file, struct prefix *list, unsigned *n, unsigned max, const json_t *texts)
{
	const json_t *v;
	size_t i;
	json_array_foreach (texts, i, v)
		if (json_is_string(v) && !azure_prefix(p, file, list, n, max, json_string_value(v)))
			return false;
	return true;
}

struct azure_instance *azure_instance_add(struct import_set *p, struct azure_site *s, const char *remote, const char *from)
{
	for (unsigned i = 0; i < s->n; i++)
		if (strcmp(s->v[i].remote, remote) == 0)
			return NULL;
	if (s->n == AZURE_INSTANCES) {
		import_refuse(p, "%s: more than %d public addresses", from, AZURE_INSTANCES);
		return NULL;
	}
	s->v[s->n] = (struct azure_instance){ .remote = remote, .remote_from = from };
	return &s->v[s->n++];
}

/* --- the key --- */
static bool take_psk(struct import_set *p, const struct azure_site *s, struct import_conn *m)
{
	const char *given = import_psk(p, s->v[0].remote, 0, 1), *psk = given != NULL ? given : s->psk;
	const char *gateway = s->group != NULL ? s->group : "GROUP";
	if (p->refusal != NULL)
		return false;
	m->psk = psk;
	m->psk_from = given != NULL ? import_text(p, "--psk-file %s", p->request->psk->name) : s->psk_from;
	if (psk != NULL && import_psk_is_placeholder(psk))
		psk = NULL; /* masked by whoever printed it */
	if (psk == NULL && s->wan)
		return import_refuse(
			p, "%s: the PSK is missing: download the site's configuration again, or give --psk-file FILE", s->file);
	if (psk == NULL)
		return import_refuse(p,
			"%s: the pre-shared key of connection '%s' is missing: give the file that this writes, too, or --psk-file FILE: az network "
			"vpn-connection shared-key show -g %s --connection-name %s -o json > key.json",
			s->file, s->name, gateway, s->name);
	return true;
}

/* --- BGP and the inside --- */
static bool is_apipa(const struct addr *a) { return a->family == AF_INET && a->ip[0] == 169 && a->ip[1] == 254; }

/* Both are hosts of one /30. */
static bool neighbours(const struct addr *a, const struct addr *b)
{
	struct prefix net = { *a, 30 };
	unsigned x = a->ip[3] & 3u, y = b->ip[3] & 3u;
	return a->family == AF_INET && b->family == AF_INET && prefix_contains(&net, b) && x + y == 3 && x != 0 && y != 0;
}

static bool bgp_ready(
	struct import_set *p, const struct azure_site *s, const struct azure_instance *i, struct addr *ours, struct addr *theirs)
{
	if (!s->bgp)
		return false;
	if (s->our_asn == NULL || s->our_peer == NULL) {
		import_note(p, NOTE_WARNING,
			"%s: BGP is on, but our AS number or BGP address is missing (bgpSettings of the local network gateway): no 'bgp' block is "
			"written",
			s->file);
		return false;
	}
	if (s->asn == NULL || i->peer == NULL) {
		import_note(p, NOTE_WARNING,
			"%s: BGP is on, but the AS number or BGP address of Azure is missing: no 'bgp' block is written",
			s->file);
		return false;
	}
	if (!import_asn_valid(s->our_asn) || !import_asn_valid(s->asn))
		return import_refuse(p, "%s: '%s' is no AS number", s->file, import_asn_valid(s->our_asn) ? s->asn : s->our_asn);
	if (!addr_parse(ours, s->our_peer) || !addr_parse(theirs, i->peer))
		return import_refuse(p, "%s: invalid BGP address", s->file);
	return true;
}

static void set_bgp(
	struct import_set *p, const struct azure_site *s, const struct azure_instance *i, struct import_tunnel *t, bool far)
{
	import_tunnel_set(p, t, "bgp.local-as", s->our_asn, s->our_asn_from);
	import_tunnel_set(p, t, "bgp.peer-as", s->asn, s->asn_from);
	import_tunnel_set(p, t, "bgp.peer", i->peer, i->peer_from);
	import_tunnel_set(p, t, "bgp.local", s->our_peer, s->our_peer_from);
	import_tunnel_set(p, t, "bgp.hold-time", "180s", "what Azure uses");
	if (far)
		import_tunnel_set(p, t, "bgp.multihop", "yes", "the peer is not in a network with us");
}

static void set_routes(struct import_set *p, const struct azure_site *s, struct import_tunnel *t, const struct addr *peer)
{
	struct prefix host = { *peer, peer->family == AF_INET6 ? 128 : 32 };
	if (peer->family != 0)
		import_tunnel_routes(p, t, &host, 1, "the BGP peer, which is behind the tunnel");
	else if (s->bgp)
		import_tunnel_routes(p, t, NULL, 0, NULL);
	else
		import_tunnel_routes(p, t, s->routes, s->n_routes, s->routes_from);
}

/* Azure knows us by one address, which can be in a network with one instance only. Routing daemons share traffic between ways that cost the
 * same, and one that leads to a peer through a route costs more than one to a neighbour: the instances are alike, or one would carry all. */
static bool all_near(const struct azure_site *s)
{
	struct addr ours, theirs;
	for (unsigned i = 0; i < s->n; i++)
		if (s->our_peer == NULL || s->v[i].peer == NULL || !addr_parse(&ours, s->our_peer) ||
			!addr_parse(&theirs, s->v[i].peer) || !neighbours(&ours, &theirs))
			return false;
	return true;
}

static void set_inside(struct import_set *p, const struct azure_site *s, const struct azure_instance *i, struct import_tunnel *t)
{
	struct addr ours = { 0 }, theirs = { 0 }, none = { 0 };
	bool bgp = bgp_ready(p, s, i, &ours, &theirs), near = bgp && all_near(s);
	struct prefix inside = { ours, near ? 30 : ours.family == AF_INET6 ? 128 : 32 };
	if (bgp)
		import_tunnel_prefixes(p, t, "inside", &inside, 1, s->our_peer_from);
	set_routes(p, s, t, bgp && !near ? &theirs : &none);
	if (bgp)
		set_bgp(p, s, i, t, !near);
	if (bgp && is_apipa(&theirs))
		import_note(
			p, NOTE_ASSUMED, "Azure does not open BGP sessions on APIPA addresses: this side has to (TCP port 179)");
}

/* --- one tunnel --- */
static void set_selectors(struct import_set *p, const struct azure_site *s, struct import_tunnel *t)
{
	const struct azure_child *v = s->children;
	if (s->n_children == 1) {
		import_tunnel_prefixes(p, t, "local-ts", v->near, v->n_near, s->children_from);
		import_tunnel_prefixes(p, t, "remote-ts", v->far, v->n_far, s->children_from);
	}
	for (unsigned i = 0; s->n_children > 1 && i < s->n_children; i++)
		import_tunnel_child(p, t, v[i].near, v[i].n_near, v[i].far, v[i].n_far, s->children_from);
}

static bool set_algorithms(struct import_set *p, const struct azure_site *s, struct import_tunnel *t)
{
	/* Without a custom policy the profile's proposals stand: they are those of the policy that has to be set. */
	if (s->policy == POLICY_CUSTOM && !import_tunnel_proposals(p, t, s->ike, s->esp, s->policy_from))
		return false;
	if (s->seconds != NULL)
		import_tunnel_set(p, t, "esp-lifetime", import_text(p, "%ss", s->seconds), s->seconds_from);
	if (s->kilobytes != NULL)
		import_tunnel_set(p, t, "esp-lifetime-bytes", import_text(p, "%sK", s->kilobytes), s->kilobytes_from);
	return true;
}

static bool tunnel_settings(
	struct import_set *p, const struct azure_site *s, const struct azure_instance *i, struct import_conn *m)
{
	struct import_tunnel *t = import_tunnel_new(p, m);
	struct addr addr;
	if (t == NULL)
		return false;
	if (!addr_parse(&addr, i->remote))
		return import_refuse(p, "%s: invalid gateway address '%s'", i->remote_from, i->remote);
	import_tunnel_set(p, t, "remote", i->remote, i->remote_from);
	bool known = s->local_id != NULL && addr_parse(&addr, s->local_id);
	if (s->certified) /* our identity is our certificate's subject */
		import_certificates(p, t, import_text(p, "CN=%s", s->vault_name), s->vault_from);
	else if (known)
		import_tunnel_set(p, t, "local-id", s->local_id, s->local_id_from);
	else if (s->local_id != NULL)
		import_note(p, NOTE_ASSUMED, "%s is '%s', which is no address: local-id is the outside address", s->local_id_from,
			s->local_id);
	if (!known && !s->certified)
		import_note(p, NOTE_ASSUMED,
			"%s does not say our outside address: taken is the one that the route to Azure gives; behind NAT write local-id",
			s->file);
	if (s->start != NULL)
		import_tunnel_set(p, t, "start", s->start, s->start_from);
	if (!set_algorithms(p, s, t))
		return false;
	set_selectors(p, s, t);
	set_inside(p, s, i, t);
	if (!s->bgp || p->n_routes > 0)
		import_tunnel_set(p, t, "route-metric", "100",
			s->n > 1 ? "equal on both tunnels: both are used (ECMP)"
				 : "tunnels with an equal one share the load (ECMP)");
	return p->refusal == NULL;
}

/* --- notes --- */
static const char *policy_command(struct import_set *p, const struct azure_site *s)
{
	const char *group = s->group != NULL ? s->group : "GROUP";
	char text[POLICY_TEXT];
	struct cloud_target site = {
		import_text(p, "vpn-gateway connection ipsec-policy add -g %s --gateway-name %s --connection-name %s", group,
			s->gateway != NULL ? s->gateway : "GATEWAY", s->connection != NULL ? s->connection : "CONNECTION"),
		"--sa-data-size"
	};
	if (!s->wan)
		site = (struct cloud_target){ import_text(p, "vpn-connection ipsec-policy add -g %s --connection-name %s", group,
						      s->name),
			"--sa-max-size" };
	return import_text(p, "%s", cloud_policy(p->request->cloud, &site, NULL, NULL, 0, 0, text));
}

static void note_policy(struct import_set *p, const struct azure_site *s, struct import_conn *m)
{
	if (s->policy == POLICY_CUSTOM) {
		import_note(p, NOTE_CLOUD, "nothing has to be set for '%s': its custom policy is taken over", s->name);
		return;
	}
	import_conn_head(p, m,
		"%s custom IPsec/IKE policy: Azure's default one has DH group 2 only, which s2sd refuses. Set at Azure:",
		s->policy == POLICY_DEFAULT ? "The connection has no" : "It is not known whether the connection has a");
	import_conn_head(p, m, "  %s", policy_command(p, s));
	import_conn_head(p, m,
		"If it has to stay as it is, write instead: ike-proposals: aes256-sha256-modp1024, allow-weak: modp1024 and");
	import_conn_head(p, m, "  esp-proposals: [aes256gcm16, aes256-sha256]");
	import_note(p, NOTE_CLOUD, "'%s': %s: %s", s->name,
		s->policy == POLICY_DEFAULT
			? "the default policy (DH group 2) is in force: set a custom one, or the tunnel stays down"
			: "if no custom policy with DH group 14 is set, the tunnel stays down: set one",
		policy_command(p, s));
	if (s->basic)
		import_note(p, NOTE_CLOUD,
			"'%s': a gateway of SKU Basic takes no custom policy: change its SKU first (VpnGw1AZ or larger)",
			s->name);
}

static void note_routing(struct import_set *p, const struct azure_site *s, struct import_conn *m)
{
	if (s->n > 1 && s->bgp)
		import_conn_head(p, m,
			"Active-active, BGP: what `s2sctl export frr` or `export bird` writes uses both tunnels (ECMP). To prefer one, lower the other's "
			"local preference there and prepend to its AS path.");
	else if (s->n > 1)
		import_conn_head(p, m,
			"Active-active: equal route-metric on the tunnels: both carry traffic (ECMP). To prefer one, give the other a higher route-metric.");
	if (s->n > 1)
		import_conn_head(p, m, "Azure sends through both: traffic of a flow may come back on the other tunnel.");
	if (s->bgp && import_conn_has(m, "bgp.peer"))
		import_note(p, NOTE_HERE,
			"routes come by BGP: `s2sctl export frr` or `s2sctl export bird` writes the configuration for it");
	else if (s->bgp)
		import_note(p, NOTE_HERE,
			"'%s': nothing leads into its tunnels, as no 'bgp' block is written: give the local network gateway a BGP setting at Azure (AS number and "
			"BGP peer address of this side) and import again with --force, or with --force --route PREFIX",
			s->name);
	else if (s->n_routes == 0 && p->n_routes == 0)
		import_note(p, NOTE_HERE,
			"'%s': the networks behind Azure are missing: import again with --force --route PREFIX%s%s", s->name,
			s->where_routes != NULL ? ", or with the file that this writes: " : "",
			s->where_routes != NULL ? s->where_routes : "");
}

static void note_certificates(struct import_set *p, const struct azure_site *s, const struct import_conn *m)
{
	import_note(p, NOTE_ASSUMED,
		"%s: Azure's certificate has the subject CN=%s: look, and correct remote-id: az keyvault certificate download --id %s -f azure.pem -e "
		"PEM; openssl x509 -in azure.pem -noout -subject",
		s->file, s->vault_name, s->vault_url);
	import_note(p, NOTE_HERE,
		"bring the certificate whose subject Azure wants ('CN=%s'), its key, and the root and intermediates of Azure's certificate as keys/%s-ca.pem, in the folder that holds "
		"keys/ (cd /etc/s2sd, or what -o says). Out of a .pfx file: umask 077; openssl pkcs12 -in FILE.pfx -clcerts -nokeys -out keys/%s.pem; openssl pkcs12 -in FILE.pfx -cacerts -nokeys >> keys/%s.pem; openssl "
		"pkcs12 -in FILE.pfx -nocerts -noenc -out keys/%s.key; then `s2sctl certificate check`",
		s->our_subject != NULL ? s->our_subject : "...", m->name, m->name, m->name, m->name);
}

bool azure_settings(struct import_set *p, const struct azure_site *s)
{
	struct import_conn *m = import_conn_new(p, s->name, s->more, s->file);
	if (m == NULL || (!s->certified && !take_psk(p, s, m)))
		return false;
	if (s->certified)
		note_certificates(p, s, m);
	import_conn_head(p, m, "Made by s2sctl import azure from %s.", s->file);
	import_conn_head(p, m, "Azure %s %s%s%s.", s->wan ? "Virtual WAN site" : "connection", s->name,
		s->gateway != NULL ? ", virtual network gateway " : "", s->gateway != NULL ? s->gateway : "");
	note_policy(p, s, m);
	for (unsigned i = 0; i < s->n; i++)
		if (!tunnel_settings(p, s, &s->v[i], m))
			return false;
	note_routing(p, s, m);
	return p->refusal == NULL;
}
