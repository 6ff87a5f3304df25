/* check.c - one tunnel as a whole: its defaults, its key, and what its settings say together. */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/util.h"
#include "keys.h"

static bool written(const struct draft *d, enum key_id id) { return (d->set & KEY_BIT(id)) != 0; }
static bool usable(const struct draft *d, enum key_id id) { return (d->broken & KEY_BIT(id)) == 0; }

/* A fault of this key: at its line when it was written, else at that of its mapping. */
static struct context at(const struct draft *d, enum key_id id)
{
	struct context c = d->c;
	c.key = tunnel_keys[id].word;
	c.line = written(d, id) ? d->line[id] : id >= KEY_BGP_LOCAL_AS && d->bgp > 0 ? d->bgp : d->t->line;
	return c;
}

#define ERROR(d, id, ...) \
	do { \
		struct context c_ = at(d, id); \
		refuse(&c_, __VA_ARGS__); \
	} while (0)
#define WARN(d, id, ...) \
	do { \
		struct context c_ = at(d, id); \
		complain(&c_, FAULT_WARNING, __VA_ARGS__); \
	} while (0)

/* --- which address families live inside --- */
static unsigned family_bit(uint8_t family) { return family == AF_INET ? 1 : family == AF_INET6 ? 2 : 0; }

static unsigned families(const struct tunnel_conf *t)
{
	unsigned bits = 0;
	for (unsigned i = 0; i < t->n_inside; i++)
		bits |= family_bit(t->inside[i].addr.family);
	for (unsigned i = 0; i < t->n_routes; i++)
		bits |= family_bit(t->routes[i].addr.family);
	for (unsigned i = 0; t->local_ts != NULL && i < t->local_ts->n; i++)
		bits |= family_bit(t->local_ts->v[i].lo.family);
	for (unsigned i = 0; t->remote_ts != NULL && i < t->remote_ts->n; i++)
		bits |= family_bit(t->remote_ts->v[i].lo.family);
	return bits != 0 ? bits : family_bit(AF_INET);
}

static void default_selectors(struct ts_list **list, unsigned bits)
{
	const uint8_t both[] = { AF_INET, AF_INET6 };
	if (*list != NULL && (*list)->n > 0)
		return;
	for (unsigned i = 0; i < 2; i++) {
		struct prefix net = { .addr = { .family = both[i] } };
		struct ts all = ts_from_prefix(&net);
		if ((bits & family_bit(both[i])) != 0)
			ts_list_add(list, &all);
	}
}

/* --- who the peer is --- */
static void check_remote(struct draft *d)
{
	const struct tunnel_conf *t = d->t;
	if (!written(d, KEY_REMOTE)) {
		ERROR(d, KEY_REMOTE, "is missing: the outside address of the peer, its DNS name, or 'any'");
		return;
	}
	if (t->remote_any && t->start != START_RESPOND && usable(d, KEY_START))
		ERROR(d, KEY_REMOTE, "'any' needs 'start: respond': nobody can be called without an address");
	if (t->remote_any && !written(d, KEY_REMOTE_ID))
		ERROR(d, KEY_REMOTE, "'any' needs 'remote-id': the identity tells which peer has come");
	if (t->remote_any && t->interface_type == INTERFACE_VTI)
		ERROR(d, KEY_INTERFACE_TYPE, "vti needs a peer with an address: take xfrm for 'remote: any'");
	if (t->remote.family == 0 || t->local.family == 0)
		return;
	if (t->local.family != t->remote.family)
		ERROR(d, KEY_LOCAL, "is of another address family than remote");
	else if (addr_same_ip(&t->local, &t->remote))
		ERROR(d, KEY_LOCAL, "is the same address as remote");
}

/* --- credentials --- */
static void check_aws_psk(struct draft *d, enum key_id id)
{
	const struct psk *psk = d->t->psk;
	bool good = psk->len >= 8 && psk->len <= 64 && psk->data[0] != '0';
	for (size_t i = 0; i < psk->len; i++)
		good = good && psk_char_valid(psk->data[i]);
	if (!good)
		WARN(d, id, "this key cannot be one of AWS: 8 to 64 of letters, digits, '.' and '_', not beginning with 0");
}

static void check_azure_psk(struct draft *d, enum key_id id)
{
	const struct psk *psk = d->t->psk;
	bool good = psk->len <= 128;
	for (size_t i = 0; i < psk->len; i++)
		good = good && psk->data[i] >= ' ' && psk->data[i] <= '~';
	if (!good)
		WARN(d, id, "this key cannot be one of Azure: at most 128 printable ASCII characters");
}

static void read_psk(struct draft *d, const struct load *l)
{
	const char *why = "cannot be read";
	if (!written(d, KEY_PSK_FILE) || !usable(d, KEY_PSK_FILE) || l->read_key == NULL || d->t->psk != NULL)
		return;
	d->t->psk = l->read_key(l->arg, d->t->psk_file, &why);
	if (d->t->psk == NULL)
		ERROR(d, KEY_PSK_FILE, "keys/%s: %s", d->t->psk_file, why);
	else if (d->t->psk->len == 0)
		ERROR(d, KEY_PSK_FILE, "keys/%s is empty", d->t->psk_file);
}

static void check_credentials(struct draft *d)
{
	const enum key_id certs[] = { KEY_CERTIFICATE, KEY_PRIVATE_KEY, KEY_CA };
	bool cert = false;
	for (unsigned i = 0; i < 3; i++)
		cert = cert || written(d, certs[i]);
	for (unsigned i = 0; i < 3; i++)
		if (written(d, certs[i]))
			ERROR(d, certs[i], "certificate authentication is not supported yet; use psk-file");
	if (written(d, KEY_PSK) && written(d, KEY_PSK_FILE))
		ERROR(d, KEY_PSK, "and psk-file are both written: which one counts?");
	if (!written(d, KEY_PSK) && !written(d, KEY_PSK_FILE) && !cert)
		ERROR(d, KEY_PSK_FILE, "is missing: the file in keys/ with the pre-shared key");
	if (d->t->psk == NULL || d->t->psk->len == 0)
		return;
	enum key_id id = written(d, KEY_PSK) ? KEY_PSK : KEY_PSK_FILE;
	switch (d->t->cloud) {
	case CLOUD_NONE: return;
	case CLOUD_AWS: check_aws_psk(d, id); return;
	case CLOUD_AZURE: check_azure_psk(d, id); return;
	}
}

/* --- algorithms --- */
static void check_weak(struct draft *d, enum key_id id, const struct proposal *v, unsigned n)
{
	uint32_t allowed = d->t->allow_weak;
	for (unsigned i = 0; i < n; i++) {
		const char *word;
		while ((word = proposal_weak(&v[i], allowed)) != NULL) {
			ERROR(d, id, "%s is weak and may be used only with 'allow-weak: %s'", word, word);
			if (alg_weak_bit(word) == 0)
				break;
			allowed |= alg_weak_bit(word); /* each word once */
		}
	}
}

static void check_proposals(struct draft *d)
{
	const struct tunnel_conf *t = d->t;
	if (usable(d, KEY_ALLOW_WEAK)) {
		check_weak(d, KEY_IKE_PROPOSALS, t->ike, t->n_ike);
		check_weak(d, KEY_ESP_PROPOSALS, t->esp, t->n_esp);
	}
	if (t->cloud != CLOUD_AWS)
		return;
	if (t->n_ike > 1)
		WARN(d, KEY_IKE_PROPOSALS, "AWS picks the weakest of several proposals, whatever their order: write one");
	if (t->n_esp > 1)
		WARN(d, KEY_ESP_PROPOSALS, "AWS picks the weakest of several proposals, whatever their order: write one");
}

/* --- times --- */
static void check_times(struct draft *d)
{
	const struct tunnel_conf *t = d->t;
	bool both = usable(d, KEY_ESP_LIFETIME) && usable(d, KEY_IKE_LIFETIME);
	if (both && t->esp_lifetime >= t->ike_lifetime && written(d, KEY_ESP_LIFETIME))
		WARN(d, KEY_ESP_LIFETIME, "is not shorter than ike-lifetime");
	else if (both && t->esp_lifetime >= t->ike_lifetime)
		WARN(d, KEY_IKE_LIFETIME, "is not longer than esp-lifetime");
	if (t->cloud == CLOUD_AWS && t->ike_lifetime > 28800 * 1000)
		WARN(d, KEY_IKE_LIFETIME, "AWS goes up to 28800s and would rekey first");
	if (t->cloud == CLOUD_AWS && t->esp_lifetime > 3600 * 1000)
		WARN(d, KEY_ESP_LIFETIME, "AWS goes up to 3600s and would rekey first");
	if (usable(d, KEY_FAILOVER_AFTER) && usable(d, KEY_DPD_TIMEOUT) && t->failover_after > t->dpd_timeout)
		WARN(d, KEY_FAILOVER_AFTER, "is longer than dpd-timeout and so never does anything");
}

/* --- the interface and what goes through it --- */
static void check_sizes(struct draft *d)
{
	const struct tunnel_conf *t = d->t;
	bool v6 = (families(t) & family_bit(AF_INET6)) != 0;
	if (!usable(d, KEY_MTU) || t->mtu == 0)
		return;
	if (v6 && t->mtu < 1280)
		ERROR(d, KEY_MTU, "IPv6 in the tunnel needs at least 1280");
	if (t->mss > 0 && (uint32_t)t->mss + 40 > t->mtu && usable(d, KEY_MSS))
		WARN(d, KEY_MSS, "is more than fits: the MTU of %u leaves %u", t->mtu, t->mtu - 40);
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

static void check_inside(struct draft *d)
{
	const struct tunnel_conf *t = d->t;
	char text[ADDR_TEXT];
	for (unsigned i = 0; i < t->n_inside; i++)
		if (is_edge(&t->inside[i]))
			WARN(d, KEY_INSIDE, "%s is the network or broadcast address, not a host",
				prefix_format(&t->inside[i], text));
}

static void check_routes(struct draft *d)
{
	const struct tunnel_conf *t = d->t;
	bool source = t->route_source.family == 0;
	char text[ADDR_TEXT];
	for (unsigned i = 0; i < t->n_routes; i++) {
		source = source || t->routes[i].addr.family == t->route_source.family;
		if (t->remote.family != 0 && !t->pin_route && prefix_contains(&t->routes[i], &t->remote))
			WARN(d, KEY_ROUTES,
				"%s covers the peer itself: with 'pin-route: no' the tunnel would be routed into itself",
				prefix_format(&t->routes[i], text));
	}
	if (!source && usable(d, KEY_ROUTES))
		WARN(d, KEY_ROUTE_SOURCE, "there is no route of this address family");
}

static void check_bgp(struct draft *d)
{
	const enum key_id needed[] = { KEY_BGP_LOCAL_AS, KEY_BGP_PEER_AS, KEY_BGP_PEER };
	struct tunnel_conf *t = d->t;
	if (d->bgp == 0)
		return;
	t->bgp.set = true;
	for (unsigned i = 0; i < 3; i++)
		if (!written(d, needed[i]))
			ERROR(d, needed[i], "is missing");
	if (t->bgp.local.family != 0 && t->bgp.peer.family != 0 && t->bgp.local.family != t->bgp.peer.family)
		ERROR(d, KEY_BGP_LOCAL, "is of another address family than bgp.peer");
}

void draft_finish(struct draft *d, const struct load *l)
{
	static void (*const checks[])(struct draft * d) = { check_remote, check_credentials, check_proposals, check_times,
		check_sizes, check_inside, check_routes, check_bgp };
	struct tunnel_conf *t = d->t;
	/* A broken value counts as written: its default would only raise questions that nobody asked. */
	profile_apply(&l->profiles, t, d->set & ~d->broken);
	if (t->interface[0] == 0)
		interface_default(t);
	read_psk(d, l);
	for (unsigned i = 0; i < ARRAY_SIZE(checks); i++)
		checks[i](d);
	unsigned bits = families(t);
	default_selectors(&t->local_ts, bits);
	default_selectors(&t->remote_ts, bits);
}
