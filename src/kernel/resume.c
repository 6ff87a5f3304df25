/*
 * resume.c - a run of ours goes on where an earlier one was interrupted. The functions that make things are called as that run had called them, while
 * nothing is written: afterwards we know what it knew.
 */
#include "state.h"

#include <string.h>

/* The nf_tables table is no object by object: it is replaced in one piece afterwards. */
static void be_silent(struct kernel *k, bool silent)
{
	k->xfrm.silent = k->route.silent = silent;
	k->nft = NFT_MISSING;
}

static void note_sas(struct tunnel *t, const struct kernel_kept *kept)
{
	for (unsigned i = 0; i < kept->n_sas; i++) {
		const struct esp_held *h = &kept->sas[i];
		bool in = h->dir == ESP_IN;
		sa_note(t, &(struct xsa_id){ .src = in ? h->remote : h->local, .dst = in ? h->local : h->remote, .spi = h->spi });
	}
}

static int resume_tunnel(struct kernel *k, const struct kernel_kept *kept)
{
	struct kernel_tunnel want = kept->want;
	bool was_up = kept->up.tunnel == want.id;
	if (want.vti && was_up) {
		want.local = kept->up.local;
		want.remote = kept->up.remote;
		want.local.port = want.remote.port = 0;
	}
	int error = kernel_tunnel_set(k, &want);
	struct tunnel *t = tunnel_find(k, want.id);
	if (t == NULL)
		return error;
	/* Its interface may be gone: that is no reason to forget its SAs. */
	note_sas(t, kept);
	for (unsigned i = 0; i < kept->n_switches; i++)
		error = first_error(error, kernel_sa_switch(k, kept->switches[i]));
	if (was_up)
		error = first_error(error, kernel_tunnel_link(k, &kept->up));
	if (kept->link.tunnel == want.id && !(was_up && kept->link.state == LINK_UP))
		error = first_error(error, kernel_tunnel_link(k, &kept->link));
	return error;
}

int kernel_resume(struct kernel *k, const struct kernel_kept *kept, unsigned n)
{
	char first[NL_WHY] = "";
	int error = 0;
	be_silent(k, true);
	for (unsigned i = 0; i < n; i++) {
		k->why[0] = 0;
		int failed = resume_tunnel(k, &kept[i]);
		if (error == 0 && failed != 0)
			memcpy(first, k->why, sizeof first);
		error = first_error(error, failed);
	}
	be_silent(k, false);
	error = first_error(error, elsewhere_look(k));
	error = first_error(error, n > 0 ? nft_rebuild(k) : nft_remove(k));
	memcpy(k->why, first, sizeof first);
	return error;
}
