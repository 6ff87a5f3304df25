/* aws_settings.c - from facts to settings: one connection of AWS becomes one file with its tunnels, and what a person has to know about them. */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <strings.h>

#include "aws.h"

static bool is_true(const struct fact *f) { return f->text != NULL && strcasecmp(f->text, "true") == 0; }
static const char *or_none(const char *s) { return s != NULL ? s : "none"; }

/* --- what ends the import --- */
static bool tunnel_fits(struct aws *a, const struct aws_conn *c, const struct aws_tunnel *t)
{
	const char *versions = t->v[AWS_IKE_VERSIONS].text;
	if (versions != NULL && strcasestr(versions, "ikev2") == NULL)
		return import_refuse(a->p,
			"%s: the tunnel to %s allows IKEv1 only, which s2sd does not speak. Allow IKEv2 at AWS: %s", c->file,
			t->v[AWS_OUTSIDE].text, aws_command(a, c, t));
	return true;
}

/* AWS gives each tunnel endpoint a certificate of its own, whose subject is the connection's id and the number of the endpoint. */
static bool is_certified(const struct aws *a, const struct aws_tunnel *t)
{
	return t->v[AWS_CERTIFICATE].text != NULL && t->v[AWS_PSK].text == NULL && a->p->request->psk == NULL;
}

static void take_certificate(
	struct aws *a, const struct aws_conn *c, const struct aws_tunnel *t, struct import_tunnel *out, unsigned i)
{
	import_certificates(a->p, out, import_text(a->p, "CN=%s.endpoint-%u", or_none(c->v[AWSC_ID].text), i),
		import_text(a->p, "%s: the subject of AWS's certificate", t->v[AWS_CERTIFICATE].from));
}

static void note_certificates(struct aws *a, const struct aws_conn *c, const struct import_conn *m)
{
	const struct aws_tunnel *t = c->first;
	while (t != NULL && !is_certified(a, t))
		t = t->next;
	if (t == NULL)
		return;
	import_note(a->p, NOTE_ASSUMED,
		"%s: which tunnel is endpoint-0 and which endpoint-1: the file does not say. When `s2sctl explain` tells of another identity, exchange the two "
		"remote-id",
		c->file);
	import_note(a->p, NOTE_HERE,
		"bring the customer gateway's certificate, its key and its CAs, in the folder that holds keys/ (cd /etc/s2sd, or what -o says): umask 077; "
		"printf %%s PASSWORD > passphrase; ARN=$(aws ec2 describe-customer-gateways --customer-gateway-ids %s --query "
		"'CustomerGateways[0].CertificateArn' --output text); aws acm export-certificate --certificate-arn $ARN --passphrase fileb://passphrase "
		"--output json > exported.json; jq -r '.Certificate, .CertificateChain' exported.json > keys/%s.pem; jq -r .CertificateChain exported.json > "
		"keys/%s-ca.pem; jq -r .PrivateKey exported.json | openssl pkey -passin file:passphrase -out keys/%s.key; rm passphrase "
		"exported.json; then `s2sctl certificate check`",
		or_none(c->v[AWSC_CGW].text), m->name, m->name, m->name);
}

static bool take_psk(struct aws *a, const struct aws_conn *c, const struct aws_tunnel *t, struct import_tunnel *out, unsigned i)
{
	const char *given = import_psk(a->p, t->v[AWS_OUTSIDE].text, i, c->n), *psk = given != NULL ? given : t->v[AWS_PSK].text;
	if (a->p->refusal != NULL)
		return false;
	out->psk = psk;
	out->psk_from = given != NULL ? import_text(a->p, "--psk-file %s", a->p->request->psk->name) : t->v[AWS_PSK].from;
	if (psk == NULL && c->v[AWSC_PSK_ARN].text != NULL)
		return import_refuse(a->p,
			"%s: the pre-shared keys of this connection are in Secrets Manager, under %s: fetch them (aws secretsmanager "
			"get-secret-value --secret-id ARN) and give them with --psk-file FILE, as lines of 'OUTSIDE-ADDRESS KEY'",
			c->file, c->v[AWSC_PSK_ARN].text);
	if (psk == NULL)
		return import_refuse(a->p,
			"%s: the pre-shared key of the tunnel to %s is missing: give the file that has it, too (the connection's configuration, "
			"downloaded for vendor 'Generic'), or --psk-file FILE",
			c->file, t->v[AWS_OUTSIDE].text);
	return !import_psk_is_placeholder(psk) ||
	       import_refuse(a->p,
		       "%s: the pre-shared key of the tunnel to %s is a placeholder: give the right one with --psk-file FILE",
		       out->psk_from, t->v[AWS_OUTSIDE].text);
}

/* --- addresses --- */
static void set_local_id(struct aws *a, const struct aws_conn *c, const struct aws_tunnel *t, struct import_tunnel *out)
{
	const struct fact *f = &t->v[AWS_OUR_OUTSIDE];
	struct addr addr;
	if (f->text != NULL && addr_parse(&addr, f->text))
		import_tunnel_set(a->p, out, "local-id", f->text, f->from);
	else
		import_note(a->p, NOTE_ASSUMED,
			"%s does not say the customer gateway's outside address: taken is the address that the route to AWS gives; behind NAT write "
			"local-id",
			c->file);
}

struct inside {
	struct prefix ours;
	struct addr theirs;
	const char *from;
	bool known;
};

/* Address number `last` of the network: AWS has the first host, the customer the second. */
static struct addr host_of(const struct prefix *net, uint8_t last)
{
	struct addr a = prefix_mask(net).addr;
	unsigned n = a.family == AF_INET ? 3 : 15;
	a.ip[n] = (uint8_t)(a.ip[n] | last);
	return a;
}

static bool bad_inside(struct aws *a, const struct aws_conn *c, const struct aws_tunnel *t, const char *what)
{
	return import_refuse(a->p, "%s: the tunnel to %s: %s", c->file, t->v[AWS_OUTSIDE].text, what);
}

static bool read_inside(struct aws *a, const struct aws_conn *c, const struct aws_tunnel *t, bool v6, struct inside *in)
{
	const struct fact *ours = &t->v[v6 ? AWS_OUR_INSIDE6 : AWS_OUR_INSIDE],
			  *len = &t->v[v6 ? AWS_OUR_INSIDE6_LEN : AWS_OUR_INSIDE_LEN];
	const struct fact *theirs = &t->v[v6 ? AWS_INSIDE6 : AWS_INSIDE], *cidr = &t->v[v6 ? AWS_INSIDE6_CIDR : AWS_INSIDE_CIDR];
	const char *length = len->text != NULL ? len->text : v6 ? "126" : "30";
	struct prefix net = { 0 };
	*in = (struct inside){ 0 };
	if (cidr->text != NULL &&
		(!prefix_parse(&net, cidr->text) || (net.addr.family == AF_INET6) != v6 || net.len != (v6 ? 126 : 30)))
		return bad_inside(a, c, t, "the inside network is no /30 (IPv6: /126)");
	if (ours->text != NULL) {
		in->known = true;
		in->from = ours->from;
		if (!prefix_parse(&in->ours, import_text(a->p, "%s/%s", ours->text, length)) ||
			(in->ours.addr.family == AF_INET6) != v6)
			return bad_inside(a, c, t, "the inside address is invalid");
		if (cidr->text != NULL && !prefix_contains(&net, &in->ours.addr))
			return bad_inside(a, c, t,
				"TunnelInsideCidr and the inside address in the configuration contradict each other: download both again");
	} else if (cidr->text != NULL) {
		in->known = true;
		in->from = import_text(a->p, "%s: the second host, AWS has the first", cidr->from);
		in->ours = (struct prefix){ host_of(&net, 2), net.len };
	}
	if (theirs->text != NULL && !addr_parse(&in->theirs, theirs->text))
		return bad_inside(a, c, t, "the inside address at AWS is invalid");
	if (theirs->text != NULL && in->known && !prefix_contains(&in->ours, &in->theirs))
		return bad_inside(
			a, c, t, "the two inside addresses are in different networks: download the configuration again");
	if (theirs->text == NULL && in->known)
		in->theirs = host_of(&in->ours, 1);
	return true;
}

static void set_inside(struct aws *a, const struct aws_conn *c, const struct inside in[2], struct import_tunnel *out)
{
	struct prefix list[2];
	unsigned n = 0;
	for (unsigned i = 0; i < 2; i++)
		if (in[i].known)
			list[n++] = in[i].ours;
	if (n == 0)
		import_note(a->p, NOTE_WARNING, "%s does not say the inside addresses: the tunnel interface gets none", c->file);
	else
		import_tunnel_prefixes(a->p, out, "inside", list, n, in[in[0].known ? 0 : 1].from);
}

/* --- BGP --- */
/* As the text names it, else the inside address at AWS. */
static const char *neighbor(struct aws *a, const struct aws_tunnel *t, const struct inside *in, const char **from)
{
	const struct fact *said = &t->v[AWS_NEIGHBOR];
	char text[ADDR_TEXT];
	struct addr addr;
	*from = said->from;
	if (said->text != NULL && addr_parse(&addr, said->text) && (!in->known || addr.family == in->ours.addr.family))
		return said->text;
	*from = "the inside address at AWS";
	return in->theirs.family != 0 ? import_text(a->p, "%s", addr_format(&in->theirs, text)) : NULL;
}

static bool set_bgp(
	struct aws *a, const struct aws_conn *c, const struct aws_tunnel *t, const struct inside *in, struct import_tunnel *out)
{
	const struct fact *ours = &t->v[AWS_OUR_ASN], *theirs = &t->v[AWS_ASN], *hold = &t->v[AWS_HOLD];
	const char *from;
	char text[ADDR_TEXT];
	if (is_true(&c->v[AWSC_STATIC]))
		return true;
	if (ours->text == NULL || theirs->text == NULL) {
		import_note(a->p, NOTE_WARNING,
			"%s does not say the AS numbers, so no 'bgp' block is written: where the routing is BGP, give the CustomerGatewayConfiguration, too, or write it by hand",
			c->file);
		return true;
	}
	const char *peer = neighbor(a, t, in, &from);
	if (peer == NULL) {
		import_note(a->p, NOTE_WARNING, "%s does not say the BGP neighbor, so no 'bgp' block is written", c->file);
		return true;
	}
	if (!import_asn_valid(ours->text) || !import_asn_valid(theirs->text))
		return import_refuse(a->p, "%s: '%s' is no AS number", import_asn_valid(ours->text) ? theirs->from : ours->from,
			import_asn_valid(ours->text) ? theirs->text : ours->text);
	import_tunnel_set(a->p, out, "bgp.local-as", ours->text, ours->from);
	import_tunnel_set(a->p, out, "bgp.peer-as", theirs->text, theirs->from);
	import_tunnel_set(a->p, out, "bgp.peer", peer, from);
	if (in->known)
		import_tunnel_set(a->p, out, "bgp.local", import_text(a->p, "%s", addr_format(&in->ours.addr, text)),
			"the inside address here");
	import_tunnel_set(a->p, out, "bgp.hold-time", import_text(a->p, "%ss", hold->text != NULL ? hold->text : "30"),
		hold->text != NULL ? hold->from : "what AWS asks for");
	return true;
}

/* --- networks --- */
static bool one_prefix(struct aws *a, const struct fact *f, struct prefix *out)
{
	if (f->text == NULL)
		return false;
	if (!prefix_parse(out, f->text)) {
		import_refuse(a->p, "%s: invalid prefix '%s'", f->from, f->text);
		return false;
	}
	*out = prefix_mask(out);
	return out->len > 0;
}

static void set_selectors(
	struct aws *a, bool v6, const char *key, const struct prefix *net, const char *from, struct import_tunnel *out)
{
	if (net != NULL)
		import_tunnel_prefixes(a->p, out, key, net, 1, from);
	else
		import_tunnel_set(
			a->p, out, key, v6 ? "::/0" : "0.0.0.0/0", v6 ? "the connection carries IPv6" : "not restricted");
}

static bool set_networks(struct aws *a, const struct aws_conn *c, bool v6, struct import_tunnel *out)
{
	const struct fact *ours = &c->v[v6 ? AWSC_OUR_CIDR6 : AWSC_OUR_CIDR], *theirs = &c->v[v6 ? AWSC_CIDR6 : AWSC_CIDR];
	struct prefix near, far;
	bool has_near = one_prefix(a, ours, &near), has_far = one_prefix(a, theirs, &far);
	bool is_static = is_true(&c->v[AWSC_STATIC]);
	if (v6 || has_near || has_far) {
		set_selectors(a, v6, "local-ts", has_near ? &near : NULL, ours->from, out);
		set_selectors(a, v6, "remote-ts", has_far ? &far : NULL, theirs->from, out);
	}
	import_tunnel_routes(a->p, out, &far, has_far && is_static ? 1 : 0, theirs->from);
	if (is_static && !has_far && a->p->n_routes == 0)
		import_note(a->p, NOTE_HERE,
			"%s: static routing, and the file does not contain the VPC's networks: import again with --force --route PREFIX, or write 'routes'",
			c->file);
	return a->p->refusal == NULL;
}

/* --- one tunnel --- */
static void set_times(struct aws *a, const struct aws_tunnel *t, struct import_tunnel *out)
{
	static const char *const keys[] = { "ike-lifetime", "esp-lifetime" };
	for (int phase = 1; phase <= 2; phase++) {
		unsigned life = aws_lifetime(t, phase);
		const struct fact *f = &t->v[phase == 1 ? AWS_P1_LIFE : AWS_P2_LIFE];
		if (life == 0)
			continue;
		import_tunnel_set(a->p, out, keys[phase - 1], import_text(a->p, "%us", life),
			import_text(a->p, "%s: we rekey before AWS does", f->from != NULL ? f->from : "RekeyMarginTimeSeconds"));
	}
}

static bool set_algorithms(struct aws *a, const struct aws_conn *c, const struct aws_tunnel *t, struct import_tunnel *out)
{
	const char *ike = aws_choose(a, c, t, 1), *esp = ike != NULL ? aws_choose(a, c, t, 2) : NULL;
	bool said = t->v[AWS_P1_ENCR].text != NULL || t->v[AWS_P1_DH].text != NULL || t->v[AWS_P2_ENCR].text != NULL;
	const char *from = said         ? "the best of TunnelOptions"
			   : c->options ? "TunnelOptions: not set, AWS allows all"
					: "assumed: the file does not say what AWS allows";
	return esp != NULL && import_tunnel_proposals(a->p, out, ike, esp, from);
}

static bool tunnel_settings(struct aws *a, struct aws_conn *c, const struct aws_tunnel *t, struct import_conn *m, unsigned i)
{
	struct inside in[2];
	bool v6 = (c->v[AWSC_INSIDE_VERSION].text != NULL && strcasecmp(c->v[AWSC_INSIDE_VERSION].text, "ipv6") == 0) ||
		  t->v[AWS_OUR_INSIDE6].text != NULL || t->v[AWS_INSIDE6_CIDR].text != NULL;
	if (!tunnel_fits(a, c, t))
		return false;
	struct import_tunnel *out = import_tunnel_new(a->p, m);
	if (out == NULL)
		return false;
	import_tunnel_set(a->p, out, "remote", t->v[AWS_OUTSIDE].text, t->v[AWS_OUTSIDE].from);
	bool certified = is_certified(a, t); /* our identity is our certificate's subject then, and our address may change */
	if (certified)
		take_certificate(a, c, t, out, i);
	else
		set_local_id(a, c, t, out);
	if ((!certified && !take_psk(a, c, t, out, i)) || !read_inside(a, c, t, false, &in[0]) ||
		!read_inside(a, c, t, true, &in[1]))
		return false;
	set_inside(a, c, in, out);
	if (!set_networks(a, c, v6, out) || !set_algorithms(a, c, t, out))
		return false;
	if (a->p->n_routes > 0 || is_true(&c->v[AWSC_STATIC]))
		import_tunnel_set(a->p, out, "route-metric", "100", "equal on the tunnels of a cloud: both are used (ECMP)");
	set_times(a, t, out);
	if (is_true(&c->v[AWSC_ACCELERATED]))
		import_tunnel_set(a->p, out, "encapsulation", "udp", "EnableAcceleration: NAT-T is required");
	return set_bgp(a, c, t, &in[v6 && in[1].known ? 1 : 0], out);
}

/* --- notes about the connection --- */
static void note_tunnel_options(struct aws *a, const struct aws_conn *c, const struct aws_tunnel *t, const char *others)
{
	const char *what =
		"make sure that the tunnel options allow IKEv2, AES256, SHA2-256 and group 14. To allow that and nothing else";
	if (c->options)
		what = aws_weak(a, t)
			       ? "recommended: the tunnel options allow weak algorithms only. Allow better ones, then import again"
			       : "nothing has to be set. To allow IKEv2, AES256, SHA2-256, group 14 and nothing else";
	import_note(a->p, NOTE_CLOUD, "%s: %s%s", what, aws_command(a, c, t), others);
}

static void note_algorithms(struct aws *a, const struct aws_conn *c)
{
	const char *others = "";
	const struct aws_tunnel *noted = NULL;
	for (const struct aws_tunnel *t = c->first; t != NULL; t = t->next) {
		if (c->options && aws_tight(t))
			continue;
		if (noted != NULL && aws_weak(a, t) == aws_weak(a, noted))
			others = import_text(a->p, "%s; the same for %s", others, t->v[AWS_OUTSIDE].text);
		else if (noted != NULL)
			note_tunnel_options(a, c, t, "");
		noted = noted == NULL ? t : noted;
	}
	if (noted != NULL)
		note_tunnel_options(a, c, noted, others);
	else
		import_note(a->p, NOTE_CLOUD, "nothing has to be set: the tunnel options of %s allow exactly what is wanted",
			or_none(c->v[AWSC_ID].text));
	if (c->options)
		return;
	if (c->template)
		import_note(a->p, NOTE_WARNING,
			"%s names the template's algorithms (aes-128, sha1, group 2), whatever the tunnel options are: they were not taken. "
			"Give the describe-vpn-connections JSON, too, for the real ones",
			c->file);
	import_note(a->p, NOTE_ASSUMED,
		"%s: IKEv2 with aes256-sha256-modp2048, which AWS allows unless its tunnel options say otherwise", c->file);
}

static void note_routing(struct aws *a, struct aws_conn *c, struct import_conn *m)
{
	bool transit = c->v[AWSC_TGW].text != NULL || c->v[AWSC_CORE].text != NULL, is_static = is_true(&c->v[AWSC_STATIC]);
	bool bgp = import_conn_has(m, "bgp.peer"), routes = import_conn_has(m, "routes");
	if (!bgp && (is_static || routes))
		import_conn_head(a->p, m,
			"Equal route-metric on the tunnels: both carry traffic (ECMP). To prefer one, give the other a higher route-metric.");
	else if (bgp)
		import_conn_head(a->p, m,
			"BGP: what `s2sctl export frr` or `export bird` writes uses both tunnels (ECMP). To prefer one, lower the other's local "
			"preference there and prepend to its AS path.");
	if (!transit)
		import_conn_head(a->p, m, "AWS chooses the tunnel of its answers: traffic may come back on the other one.");
	if (bgp)
		import_note(a->p, NOTE_HERE,
			"routes come by BGP: `s2sctl export frr` or `s2sctl export bird` writes the configuration for it");
	else if (!is_static && !routes)
		import_note(a->p, NOTE_HERE,
			"%s: nothing leads into its tunnels: import again with --force and --route PREFIX when the routing is static, or together with what `" AWS_DESCRIBE
			"` prints when it is BGP",
			c->file);
	if (is_true(&c->v[AWSC_ACCELERATED]))
		import_conn_head(
			a->p, m, "Accelerated: UDP encapsulation always, and every rekey is ours; the lifetimes see to that.");
}

static void note_head(struct aws *a, struct aws_conn *c, struct import_conn *m)
{
	const char *gateway = c->v[AWSC_VGW].text != NULL ? c->v[AWSC_VGW].text : c->v[AWSC_TGW].text;
	import_conn_head(a->p, m, "Made by s2sctl import aws from %s.", c->file);
	import_conn_head(a->p, m, "AWS Site-to-Site VPN connection %s%s%s%s, gateway %s, customer gateway %s.",
		c->v[AWSC_ID].text != NULL ? c->v[AWSC_ID].text : "(no id)", c->v[AWSC_TAG].text != NULL ? " (" : "",
		c->v[AWSC_TAG].text != NULL ? c->v[AWSC_TAG].text : "", c->v[AWSC_TAG].text != NULL ? ")" : "",
		gateway != NULL                ? gateway
		: c->v[AWSC_CORE].text != NULL ? c->v[AWSC_CORE].text
					       : "not said",
		or_none(c->v[AWSC_CGW].text));
}

/* --- order: as the text numbers them, else by the outside address; files list them in no order that lasts --- */
static int tunnel_order(const struct aws_tunnel *x, const struct aws_tunnel *y)
{
	const char *n = x->v[AWS_NUMBER].text, *m = y->v[AWS_NUMBER].text;
	struct addr a, b;
	unsigned long i = n != NULL ? strtoul(n, NULL, 10) : 0, j = m != NULL ? strtoul(m, NULL, 10) : 0;
	if (n != NULL && m != NULL && i != j)
		return i < j ? -1 : 1;
	if (!addr_parse(&a, x->v[AWS_OUTSIDE].text) || !addr_parse(&b, y->v[AWS_OUTSIDE].text))
		return 0;
	return addr_compare_ip(&a, &b);
}

static void sort_tunnels(struct aws_conn *c)
{
	struct aws_tunnel *sorted = NULL;
	while (c->first != NULL) {
		struct aws_tunnel *t = c->first, **at = &sorted;
		c->first = t->next;
		while (*at != NULL && tunnel_order(*at, t) <= 0)
			at = &(*at)->next;
		t->next = *at;
		*at = t;
	}
	c->first = sorted;
}

/* A private IP VPN whose transit gateway has the customer gateway's address in its CIDR block: two ends with one address cannot be. */
static void leave_ourselves(struct aws *a, struct aws_conn *c)
{
	struct addr ours, theirs;
	for (struct aws_tunnel **t = &c->first; *t != NULL;) {
		const char *remote = (*t)->v[AWS_OUTSIDE].text, *own = (*t)->v[AWS_OUR_OUTSIDE].text;
		bool self = own != NULL && addr_parse(&theirs, remote) && addr_parse(&ours, own) && addr_same_ip(&theirs, &ours);
		if (!self) {
			t = &(*t)->next;
			continue;
		}
		import_note(a->p, NOTE_WARNING,
			"%s: left out: the tunnel to %s, which is the customer gateway's own address, too. At AWS, give the customer gateway another address, or "
			"the transit gateway a CIDR block without it",
			c->file, remote);
		*t = (*t)->next;
		c->n--;
	}
}

bool aws_settings(struct aws *a, struct aws_conn *c)
{
	unsigned i = 0;
	if (c->n == 0 && c->pending)
		return import_refuse(a->p,
			"%s: AWS is still making connection %s (state pending): import again when `" AWS_DESCRIBE
			"` says available",
			c->file, or_none(c->v[AWSC_ID].text));
	if (c->n == 0)
		return import_refuse(a->p,
			"%s: connection %s has no tunnels: neither CustomerGatewayConfiguration nor TunnelOptions is there. Give all that `" AWS_DESCRIBE
			"` prints",
			c->file, or_none(c->v[AWSC_ID].text));
	if (c->v[AWSC_CATEGORY].text != NULL && strcasecmp(c->v[AWSC_CATEGORY].text, "VPN-Classic") == 0)
		return import_refuse(a->p,
			"%s: %s is a VPN-Classic connection, which speaks IKEv1 only: make a new connection at AWS", c->file,
			or_none(c->v[AWSC_ID].text));
	struct import_conn *m = import_conn_new(
		a->p, c->v[AWSC_ID].text != NULL ? c->v[AWSC_ID].text : "aws", c->v[AWSC_TAG].text, c->file);
	if (m == NULL)
		return false;
	note_head(a, c, m);
	leave_ourselves(a, c);
	if (c->n == 0)
		return import_refuse(a->p,
			"%s: all tunnels of %s go to the customer gateway's own address: give one of the two another address at AWS",
			c->file, or_none(c->v[AWSC_ID].text));
	sort_tunnels(c);
	for (const struct aws_tunnel *t = c->first; t != NULL; t = t->next)
		if (!tunnel_settings(a, c, t, m, i++))
			return false;
	note_certificates(a, c, m);
	note_routing(a, c, m);
	note_algorithms(a, c);
	if (c->n == 1)
		import_note(a->p, NOTE_WARNING, "%s: only one tunnel is there; AWS makes two, and takes one down for maintenance",
			c->file);
	return a->p->refusal == NULL;
}
