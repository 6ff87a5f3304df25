/*
 * reconcile.c - one look at the kernel and its three uses: what others changed is put back; what an earlier run left is taken over, for
 * nothing is as it shall be then; on exit nothing is wanted, so all that is ours goes.
 *
 * Ours is found by its marks only, so a foreign object is never touched.
 */
#include "compare.h"
#include "route.h"

#include <errno.h>
#include <string.h>

#include "base/mem.h"

/* The wall before the way through it: what protects first. */
static int compare_all(struct comparison *c)
{
	static int (*const compare[])(struct comparison *) = { compare_links, compare_nft, compare_policies, compare_sas,
		compare_rules, compare_addresses, compare_routes };
	char first[NL_WHY] = "";
	int error = 0;
	size_t it = 0;
	for (struct tunnel *t; (t = table_next(&c->k->by_id, &it)) != NULL;)
		t->look.told = 0;
	for (unsigned i = 0; i < sizeof compare / sizeof compare[0]; i++) {
		c->k->why[0] = 0;
		int failed = compare[i](c);
		if (error == 0 && failed != 0) {
			error = failed;
			memcpy(first, c->k->why, sizeof first);
		}
	}
	memset(c->k->who, 0, sizeof c->k->who);
	memcpy(c->k->why, first, sizeof first);
	return error;
}

int kernel_reconcile(struct kernel *k, kernel_difference_fn fn, void *arg)
{
	struct comparison c = { .k = k, .fn = fn, .arg = arg };
	return compare_all(&c);
}

/* --- after a start --- */
static void expect_tunnel(struct kernel *k, const struct kernel_tunnel *w)
{
	if (tunnel_find(k, w->id) != NULL)
		return;
	struct tunnel *t = tunnel_new(k, w->id);
	t->want.vti = w->vti;
	t->want.local = w->local;
	t->want.remote = w->remote;
	memcpy(t->want.interface, w->interface, sizeof t->want.interface);
}

static void keep_route(void *arg, const struct nlmsghdr *h)
{
	struct route_seen seen;
	if (route_read(&seen, h) && seen.protocol == S2S_RTPROT)
		peer_route_adopt(arg, &seen);
}

static bool is_end(const struct addr *wanted, const struct addr *end) { return addr_is_any(wanted) || addr_same_ip(wanted, end); }

/*
 * Its tunnel; NULL: it goes. The number alone says little, as each run may number anew: the interface has the name and the number. And an SA with another peer
 * is none of a tunnel's whose settings have changed meanwhile.
 */
static struct tunnel *read_kept(struct kernel *k, const struct nlmsghdr *h, struct xsa_seen *seen)
{
	struct tunnel *t = xsa_read(seen, h, XSA_FIXED) && !seen->larval ? tunnel_find(k, seen->tunnel) : NULL;
	if (t == NULL || t->ifindex == 0 || t->want.vti != seen->vti)
		return NULL;
	bool in = seen->dir == ESP_IN;
	bool ours = is_end(&t->want.local, in ? &seen->id.dst : &seen->id.src) &&
		    is_end(&t->want.remote, in ? &seen->id.src : &seen->id.dst);
	return ours ? t : NULL;
}

static void keep_sa(void *arg, const struct nlmsghdr *h)
{
	struct xsa_seen seen;
	struct tunnel *t = read_kept(arg, h, &seen);
	if (t != NULL)
		sa_note(t, &seen.id);
}

struct asking {
	struct kernel *k;
	kernel_held_fn fn;
	void *arg;
};

static void tell_sa(void *arg, const struct nlmsghdr *h)
{
	struct asking *a = arg;
	struct xsa_seen seen;
	if (read_kept(a->k, h, &seen) == NULL)
		return;
	bool in = seen.dir == ESP_IN;
	a->fn(a->arg, &(struct esp_held){ .tunnel = seen.tunnel,
			      .spi = seen.id.spi,
			      .dir = seen.dir,
			      .encap = xsa_has_encap(h),
			      .local = in ? seen.id.dst : seen.id.src,
			      .remote = in ? seen.id.src : seen.id.dst });
}

int kernel_held(struct kernel *k, kernel_held_fn fn, void *arg)
{
	struct asking a = { k, fn, arg };
	xsa_build_dump(&k->scratch);
	return nl_dump(&k->xfrm, &k->scratch, "list SAs", tell_sa, &a);
}

static void keep_policy(void *arg, const struct nlmsghdr *h)
{
	struct policy_seen seen;
	struct tunnel *t = policy_read(&seen, h) ? tunnel_find(arg, seen.tunnel) : NULL;
	if (t != NULL && t->n_sas > 0 && t->want.vti == seen.vti && policies_find(&t->policies, &seen.sel) == NULL)
		policies_add(&t->policies, &seen.sel, &(struct outward){ 0 });
}

/* Its SAs carry on: they, its policies and its interface stay as they are until its children and its link state are told. */
static int keep_what_works(struct kernel *k)
{
	size_t it = 0;
	xsa_build_dump(&k->scratch);
	int error = nl_dump(&k->xfrm, &k->scratch, "list SAs", keep_sa, k);
	policy_build_dump(&k->scratch);
	if (error == 0)
		error = nl_dump(&k->xfrm, &k->scratch, "list policies", keep_policy, k);
	for (struct tunnel *t; (t = table_next(&k->by_id, &it)) != NULL;)
		if (t->n_sas > 0)
			t->adopted = t->policies.n > 0;
		else
			t->state = LINK_DOWN;
	return error;
}

static int take_over(struct kernel *k, bool keep_sas)
{
	struct comparison c = { .k = k, .adopting = keep_sas };
	int error = compare_links_look(&c);
	if (error == 0)
		error = keep_sas ? keep_what_works(k) : compare_sas(&c);
	if (error == 0)
		error = route_dump_ours(k, AF_INET, keep_route, k);
	return error == 0 ? route_dump_ours(k, AF_INET6, keep_route, k) : error;
}

int kernel_adopt(struct kernel *k, const struct kernel_tunnel *tunnels, unsigned n, bool keep_sas)
{
	struct comparison c = { .k = k };
	char first[NL_WHY] = "";
	k->why[0] = 0;
	for (unsigned i = 0; i < n; i++)
		expect_tunnel(k, &tunnels[i]);
	int error = take_over(k, keep_sas);
	memcpy(first, k->why, sizeof first);
	/* The table of the earlier run protects until ours replaces it in one piece. A transaction per tunnel would cost
	 * a grace period each. */
	k->nft = NFT_MISSING;
	for (unsigned i = 0; i < n; i++) {
		int failed = kernel_tunnel_set(k, &tunnels[i]);
		if (error == 0 &&
			(failed != 0 || (first[0] == 0 && k->why[0] != 0))) /* the first failure, or the first warning */
			memcpy(first, k->why, sizeof first);
		error = first_error(error, failed);
	}
	peer_route_sweep(k);
	error = first_error(error, elsewhere_look(k));
	int failed = n > 0 ? nft_rebuild(k) : nft_remove(k);
	if (error == 0 && first[0] == 0)
		memcpy(first, k->why, sizeof first);
	error = first_error(error, failed);
	failed = compare_all(&c);
	if (error == 0 && first[0] == 0)
		memcpy(first, k->why, sizeof first);
	memcpy(k->why, first, sizeof first);
	return first_error(error, failed);
}

int kernel_remove(struct kernel *k, bool keep_blackholes)
{
	struct comparison c = { .k = k, .keep_blackholes = keep_blackholes };
	size_t it = 0;
	bool known = table_count(&k->by_id) > 0;
	/* From here on nothing is known: all that is ours is surplus. */
	for (struct tunnel *t; (t = table_next(&k->by_id, &it)) != NULL;)
		tunnel_free(k, t);
	peer_route_release(k);
	route_release(k);
	table_init(&k->dests, 0);
	int error = compare_all(&c);
	if (keep_blackholes && !known)
		return error;
	if (keep_blackholes && table_count(&k->sets[SET_ANTISPOOF].all) > 0) {
		nft_rebuild(k);
		return error;
	}
	return first_error(error, nft_remove(k));
}
