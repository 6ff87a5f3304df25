/* keys.c - the keys of one tunnel against each other: what the daemon refuses or warns of. */
#include <stdio.h>
#include <string.h>

#include "rules.h"

static bool written(const struct tunnel_draft *d, enum key_id id) { return (d->written & KEY_BIT(id)) != 0; }
static bool usable(const struct tunnel_draft *d, enum key_id id) { return (d->broken & KEY_BIT(id)) == 0; }

/* At the key's line when it was written, else at that of its mapping. */
static struct place at(const struct tunnel_draft *d, enum key_id id)
{
	struct place p = tunnel_place(d->t, id);
	if (!written(d, id) && id >= KEY_BGP_LOCAL_AS && d->bgp > 0)
		p.line = d->bgp;
	return p;
}

static void error_at(struct findings *f, const struct tunnel_draft *d, enum key_id id, const char *text)
{
	finding_add(f, at(d, id), FINDING_CONTRADICTION, "%s", text);
}

/* --- who the peer is --- */
/* Whoever has our address and our identity is we: a private IP VPN whose transit gateway has the customer gateway's address, a copied line. */
static void not_we(struct findings *f, const struct tunnel_draft *d)
{
	const struct tunnel_conf *t = d->t;
	bool v4 = t->local_id.type == ID_IPV4_ADDR, v6 = t->local_id.type == ID_IPV6_ADDR;
	size_t n = v4 ? 4 : 16;
	char text[ADDR_TEXT];
	if (t->remote_id.type != 0 && !ident_equal(&t->local_id, &t->remote_id))
		return;
	if ((v4 && t->remote.family != AF_INET) || (v6 && t->remote.family != AF_INET6) || (!v4 && !v6))
		return;
	if (t->local_id.len == n && memcmp(t->local_id.data, t->remote.ip, n) == 0)
		finding_advice(
			finding_add(f, at(d, KEY_REMOTE), FINDING_REMOTE_IS_SELF,
				"%s is our own local-id, too: two ends of a tunnel cannot have one address and one identity",
				addr_format(&t->remote, text)),
			"write the peer's outside address; where the peer really has this one (a transit gateway whose CIDR block holds the customer "
			"gateway's address), give one of the two another address there");
}

static void peer(struct findings *f, const struct tunnel_draft *d)
{
	const struct tunnel_conf *t = d->t;
	if (!written(d, KEY_REMOTE)) {
		finding_add(f, at(d, KEY_REMOTE), FINDING_MISSING,
			"is missing: the outside address of the peer, its DNS name, or 'any'");
		return;
	}
	if (t->remote_any && t->start != START_RESPOND && usable(d, KEY_START))
		error_at(f, d, KEY_REMOTE, "'any' needs 'start: respond': nobody can be called without an address");
	if (t->remote_any && !written(d, KEY_REMOTE_ID))
		error_at(f, d, KEY_REMOTE, "'any' needs 'remote-id': the identity tells which peer has come");
	if (t->remote_any && t->interface_type == INTERFACE_VTI)
		error_at(f, d, KEY_INTERFACE_TYPE, "vti needs a peer with an address: take xfrm for 'remote: any'");
	if (usable(d, KEY_REMOTE) && usable(d, KEY_LOCAL_ID) && usable(d, KEY_REMOTE_ID))
		not_we(f, d);
	if (t->remote.family == 0 || t->local.family == 0)
		return;
	if (t->local.family != t->remote.family)
		error_at(f, d, KEY_LOCAL, "is of another address family than remote");
	else if (addr_same_ip(&t->local, &t->remote))
		error_at(f, d, KEY_LOCAL, "is the same address as remote");
}

/* --- credentials --- */
static void credentials(struct findings *f, const struct tunnel_draft *d)
{
	bool cert = check_certificate_keys(f, d);
	if (written(d, KEY_PSK) && written(d, KEY_PSK_FILE))
		error_at(f, d, KEY_PSK, "and psk-file are both written: which one counts?");
	if (!written(d, KEY_PSK) && !written(d, KEY_PSK_FILE) && !cert)
		finding_advice(finding_add(f, at(d, KEY_PSK_FILE), FINDING_KEY_MISSING,
				       "is missing: the file in keys/ with the pre-shared key"),
			"write 'psk-file: NAME.psk' and the key into keys/NAME.psk, or 'certificate', 'private-key' and 'ca'");
	check_psk(f, d);
}

/* --- algorithms --- */
static void weak_word(struct findings *f, const struct tunnel_draft *d, enum key_id id, const char *word)
{
	bool group_2 = id == KEY_IKE_PROPOSALS && strcmp(word, "modp1024") == 0;
	char why[160];
	snprintf(why, sizeof why, "%s is weak and may be used only with 'allow-weak: %s'", word, word);
	const char *there = group_2 ? provider_of(d->t->cloud)->findings[FINDING_WEAK_GROUP_2].advice : NULL;
	cloud_finding_add(f, at(d, id), d->t, group_2 ? FINDING_WEAK_GROUP_2 : FINDING_WEAK, why,
		there != NULL ? there : "take a stronger word at both ends, or allow this one knowingly", word);
}

static void proposals_of(struct findings *f, const struct tunnel_draft *d, enum key_id id, const struct proposal *v, unsigned n)
{
	uint32_t allowed = d->t->allow_weak;
	for (unsigned i = 0; i < n && usable(d, KEY_ALLOW_WEAK); i++) {
		const char *word;
		while ((word = proposal_weak(&v[i], allowed)) != NULL) {
			weak_word(f, d, id, word);
			if (alg_weak_bit(word) == 0)
				break;
			allowed |= alg_weak_bit(word); /* each word once */
		}
	}
	const struct cloud_words *w = &provider_of(d->t->cloud)->findings[FINDING_SEVERAL_PROPOSALS];
	if (w->why != NULL && n > 1)
		cloud_finding_add(f, at(d, id), d->t, FINDING_SEVERAL_PROPOSALS, w->why, w->advice, "");
}

static void proposals(struct findings *f, const struct tunnel_draft *d)
{
	proposals_of(f, d, KEY_IKE_PROPOSALS, d->t->ike, d->t->n_ike);
	proposals_of(f, d, KEY_ESP_PROPOSALS, d->t->esp, d->t->n_esp);
}

/* --- times --- */
/* Those that the daemon warns of; the others are for check_cloud(). */
static void cloud_limits(struct findings *f, const struct tunnel_draft *d)
{
	char value[24];
	enum key_id id;
	const struct cloud_limit *m = provider_of(d->t->cloud)->limits;
	while ((m = cloud_limit_broken(d->t, m, &id, value)) != NULL) {
		if (finding_load(m->code) == LOAD_WARNS)
			cloud_finding_add(f, at(d, id), d->t, m->code, m->why, m->advice, value);
		m++;
	}
}

static void times(struct findings *f, const struct tunnel_draft *d)
{
	const struct tunnel_conf *t = d->t;
	bool crossed = usable(d, KEY_ESP_LIFETIME) && usable(d, KEY_IKE_LIFETIME) && t->esp_lifetime >= t->ike_lifetime;
	bool esp = written(d, KEY_ESP_LIFETIME);
	if (crossed)
		finding_advice(finding_add(f, at(d, esp ? KEY_ESP_LIFETIME : KEY_IKE_LIFETIME), FINDING_LIFETIMES_CROSSED,
				       esp ? "is not shorter than ike-lifetime" : "is not longer than esp-lifetime"),
			"an IKE SA should outlive several child SAs: leave both keys out for the profile's values");
	cloud_limits(f, d);
	if (usable(d, KEY_FAILOVER_AFTER) && usable(d, KEY_DPD_TIMEOUT) && t->failover_after > t->dpd_timeout)
		finding_add(f, at(d, KEY_FAILOVER_AFTER), FINDING_WITHOUT_EFFECT,
			"is longer than dpd-timeout and so never does anything");
}

/* --- the interface and what goes through it --- */
static void sizes(struct findings *f, const struct tunnel_draft *d)
{
	const struct tunnel_conf *t = d->t;
	if (!usable(d, KEY_MTU) || t->mtu == 0)
		return;
	if ((tunnel_families(t) & 2) != 0 && t->mtu < 1280)
		error_at(f, d, KEY_MTU, "IPv6 in the tunnel needs at least 1280");
	if (t->mss > 0 && (uint32_t)t->mss + 40 > t->mtu && usable(d, KEY_MSS))
		finding_advice(finding_add(f, at(d, KEY_MSS), FINDING_MSS_MORE_THAN_MTU,
				       "is more than fits: the MTU of %u leaves %u", t->mtu, t->mtu - 40),
			"leave 'mss' out: auto takes what fits");
}

/* A card that takes whole packets goes by selectors alone: it knows neither if_id nor mark, and 0.0.0.0/0 in it is all that the machine sends. */
static void offload(struct findings *f, const struct tunnel_draft *d)
{
	if (!usable(d, KEY_OFFLOAD) || d->t->offload != OFFLOAD_PACKET)
		return;
	finding_advice(
		finding_add(f, at(d, KEY_OFFLOAD), FINDING_CONTRADICTION,
			"packet is not possible: the network card would encrypt by the selectors alone, whatever interface a packet goes to, and each "
			"tunnel has an interface"),
		"write crypto, or leave 'offload' out: auto takes a card that can");
}

/* In a subnet of more than two addresses the first and the last are not for hosts. */
static bool is_edge(const struct prefix *p)
{
	if (p->addr.family != AF_INET || p->len > 30)
		return false;
	struct prefix net = prefix_mask(p);
	struct ts range = ts_from_prefix(p);
	return addr_same_ip(&net.addr, &p->addr) || addr_same_ip(&range.hi, &p->addr);
}

static void inside(struct findings *f, const struct tunnel_draft *d)
{
	const struct tunnel_conf *t = d->t;
	char text[ADDR_TEXT];
	for (unsigned i = 0; i < t->n_inside; i++)
		if (is_edge(&t->inside[i]))
			finding_advice(
				finding_add(f, at(d, KEY_INSIDE), FINDING_INSIDE_NO_HOST,
					"%s is the network or broadcast address, not a host", prefix_format(&t->inside[i], text)),
				"write the address that the peer knows as ours, with the network's length");
}

static void routes(struct findings *f, const struct tunnel_draft *d)
{
	const struct tunnel_conf *t = d->t;
	bool source = t->route_source.family == 0;
	char text[ADDR_TEXT];
	for (unsigned i = 0; i < t->n_routes; i++) {
		source = source || t->routes[i].addr.family == t->route_source.family;
		if (t->remote.family != 0 && !t->pin_route && prefix_contains(&t->routes[i], &t->remote))
			finding_advice(
				finding_add(f, at(d, KEY_ROUTES), FINDING_ROUTE_OVER_PEER,
					"%s covers the peer itself: with 'pin-route: no' the tunnel would be routed into itself",
					prefix_format(&t->routes[i], text)),
				"leave 'pin-route' out");
	}
	if (!source && usable(d, KEY_ROUTES))
		finding_add(f, at(d, KEY_ROUTE_SOURCE), FINDING_WITHOUT_EFFECT, "there is no route of this address family");
}

static void bgp(struct findings *f, const struct tunnel_draft *d)
{
	static const enum key_id needed[] = { KEY_BGP_LOCAL_AS, KEY_BGP_PEER_AS, KEY_BGP_PEER };
	const struct tunnel_conf *t = d->t;
	for (unsigned i = 0; i < 3 && t->bgp.set; i++)
		if (!written(d, needed[i]))
			finding_add(f, at(d, needed[i]), FINDING_MISSING, "is missing");
	if (t->bgp.local.family != 0 && t->bgp.peer.family != 0 && t->bgp.local.family != t->bgp.peer.family)
		error_at(f, d, KEY_BGP_LOCAL, "is of another address family than bgp.peer");
}

void check_keys(struct findings *f, const struct tunnel_draft *d)
{
	static void (*const rules[])(struct findings * f, const struct tunnel_draft *d) = { peer, credentials, proposals, times,
		sizes, offload, inside, routes, check_children, bgp };
	for (size_t i = 0; i < ARRAY_SIZE(rules); i++)
		rules[i](f, d);
}

/* --- the daemon's own --- */
static void retries(struct findings *f, const struct conf_draft *d)
{
	struct place p = { 0 };
	if (d->conf->global.retry_min <= d->conf->global.retry_max)
		return;
	if (!conf_draft_global(d, "retry-max", &p))
		conf_draft_global(d, "retry-min", &p);
	finding_add(f, p, FINDING_CONTRADICTION, "retry-min is longer than retry-max");
}

/* Who makes up addresses fills the limit before anybody is asked for a cookie, and shuts out all others. A threshold of 0 asks always. */
static void half_open(struct findings *f, const struct conf_draft *d)
{
	struct place p = { 0 };
	uint32_t threshold = d->conf->global.cookie_threshold, most = conf_half_open_max(d->conf->global.half_open_limit, d->n);
	if (threshold == 0 || most > threshold)
		return;
	if (!conf_draft_global(d, "half-open-limit", &p))
		conf_draft_global(d, "cookie-threshold", &p);
	finding_advice(
		finding_add(f, p, FINDING_HALF_OPEN,
			"half-open-limit, %u, is not above cookie-threshold, %u: it is reached before unknown peers are asked for a cookie, also by "
			"addresses that are made up",
			most, threshold),
		"raise half-open-limit, to ten times cookie-threshold for example, or leave it at auto; or lower cookie-threshold");
}

void check_globals(struct findings *f, const struct conf_draft *d)
{
	retries(f, d);
	half_open(f, d);
}
