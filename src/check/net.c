/*
 * net.c - address spaces of the tunnels against each other and against the networks of this machine.
 */
#include <stdlib.h>
#include <string.h>

#include "base/mem.h"
#include "rules.h"

static enum key_id space_key(const struct tunnel_conf *t)
{
	return t->n_routes > 0 ? KEY_ROUTES : t->n_children > 0 ? KEY_CHILDREN : KEY_REMOTE_TS;
}

/* The same prefix in two tunnels is ECMP or a spare, as long as both lead to one place. */
static void same(struct check *c, const struct space *a, const struct space *first)
{
	char text[ADDR_TEXT];
	if (a->t == first->t || a->t->cloud == first->t->cloud || prefix_is_default(&a->prefix))
		return;
	bool equal = a->t->route_metric == first->t->route_metric;
	finding_advice(finding_add(c->out, tunnel_place(a->t, space_key(a->t)), FINDING_SPACE_OTHER_CLOUD,
			       "%s is reached through tunnel '%s' (%s) as well, %s", prefix_format(&a->prefix, text),
			       first->t->name, cloud_word(first->t->cloud),
			       equal ? "and flows are spread over both clouds" : "which counts by its route-metric"),
		"two networks with the same addresses cannot both be reached: renumber one, or route the parts that are used");
}

static void contained(struct check *c, const struct space *a, const struct space *outer)
{
	char text[ADDR_TEXT], other[ADDR_TEXT];
	if (a->t == outer->t || prefix_is_default(&outer->prefix))
		return;
	bool alike = a->t->cloud == outer->t->cloud && cloud_is_named(a->t->cloud);
	finding_advice(finding_add(c->out, tunnel_place(a->t, space_key(a->t)),
			       alike ? FINDING_SPACE_WITHIN_SAME_CLOUD : FINDING_SPACE_WITHIN,
			       "%s lies in %s of tunnel '%s': what both have is reached here alone",
			       prefix_format(&a->prefix, text), prefix_format(&outer->prefix, other), outer->t->name),
		"fine when meant; otherwise renumber, or write the parts that each side really has");
}

#define ANCESTORS 130 /* prefixes that contain one another: at most one per length */

static void overlaps(struct check *c, const struct spaces *s)
{
	const struct space *above[ANCESTORS];
	unsigned n = 0;
	for (size_t i = 0; i < s->n; i++) {
		const struct space *a = &s->v[i];
		while (n > 0 && (above[n - 1]->t->route_table != a->t->route_table ||
					!prefix_contains(&above[n - 1]->prefix, &a->prefix.addr)))
			n--;
		if (n > 0 && same_space(above[n - 1], a)) {
			same(c, a, above[n - 1]);
			continue;
		}
		if (n > 0)
			contained(c, a, above[n - 1]);
		if (n < ANCESTORS)
			above[n++] = a;
	}
}

/* ---------------------------------------------------------------- local networks */
static int by_text(const void *a, const void *b) { return strcmp(*(const char *const *)a, *(const char *const *)b); }

struct local {
	struct host_net *v;
	unsigned n;
};

/* Networks of this machine that are not a tunnel's, the loop's or a link's own. */
static struct local local_nets(const struct check *c)
{
	struct local r = { 0 };
	struct prefix link4, link6;
	const char **ours = xcalloc(c->conf->n + 1, sizeof *ours);
	prefix_parse(&link4, "169.254.0.0/16");
	prefix_parse(&link6, "fe80::/10");
	for (uint32_t i = 0; i < c->conf->n; i++)
		ours[i] = c->conf->tunnels[i]->interface;
	if (c->conf->n > 1)
		qsort(ours, c->conf->n, sizeof *ours, by_text);
	r.v = xcalloc(c->host->n_nets + 1, sizeof *r.v);
	for (unsigned i = 0; i < c->host->n_nets; i++) {
		const struct host_net *h = &c->host->nets[i];
		const char *name = h->interface;
		bool own = c->conf->n > 0 && bsearch(&name, ours, c->conf->n, sizeof *ours, by_text) != NULL;
		if (!own && strcmp(name, "lo") != 0 && !prefix_contains(&link4, &h->prefix.addr) &&
			!prefix_contains(&link6, &h->prefix.addr))
			r.v[r.n++] = *h;
	}
	free(ours);
	return r;
}

static void local_overlap(struct check *c, const struct space *s, const struct host_net *h)
{
	char text[ADDR_TEXT], net[ADDR_TEXT];
	struct prefix mine = prefix_mask(&h->prefix);
	if (prefix_is_default(&s->prefix) || !prefix_overlaps(&s->prefix, &mine))
		return;
	prefix_format(&s->prefix, text);
	prefix_format(&mine, net);
	if (s->prefix.len < mine.len)
		finding_advice(finding_add(c->out, tunnel_place(s->t, space_key(s->t)), FINDING_SPACE_AROUND_LOCAL,
				       "%s contains %s, the network at %s: that part is not reached through the tunnel", text,
				       net, h->interface),
			"fine when the peer does not use that part; otherwise renumber one side");
	else
		finding_advice(finding_add(c->out, tunnel_place(s->t, space_key(s->t)), FINDING_SPACE_WITHIN_LOCAL,
				       "%s %s %s, the network at %s%s", text, s->prefix.len == mine.len ? "is" : "lies in", net,
				       h->interface,
				       s->prefix.len == mine.len ? ": nothing of it goes into the tunnel"
								 : ": our own hosts there are cut off"),
			"renumber one side: an address cannot be on both");
}

static void inside_overlap(struct check *c, const struct tunnel_conf *t, const struct host_net *h)
{
	char text[ADDR_TEXT];
	for (unsigned i = 0; i < t->n_inside; i++)
		if (t->inside[i].addr.family == h->prefix.addr.family && prefix_overlaps(&t->inside[i], &h->prefix) &&
			t->inside[i].len < 8 * addr_bytes(&t->inside[i].addr).n)
			finding_advice(
				finding_add(c->out, tunnel_place(t, KEY_INSIDE), FINDING_INSIDE_OVER_LOCAL,
					"%s overlaps with the network at %s", prefix_format(&t->inside[i], text), h->interface),
				"choose another inside network");
}

static void locals(struct check *c, const struct spaces *s)
{
	struct local nets = local_nets(c);
	for (unsigned k = 0; k < nets.n; k++) {
		for (size_t i = 0; i < s->n; i++)
			local_overlap(c, &s->v[i], &nets.v[k]);
		for (uint32_t i = 0; i < c->conf->n; i++)
			inside_overlap(c, c->conf->tunnels[i], &nets.v[k]);
	}
	free(nets.v);
}

void check_net(struct check *c)
{
	struct spaces s = spaces_of(c->conf);
	overlaps(c, &s);
	locals(c, &s);
	free(s.v);
}
