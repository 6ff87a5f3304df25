/*
 * prove.h - JOB_AUTH_CERT: does what the peer sent prove that it is who this tunnel expects? Public data only, on any thread.
 */
#ifndef ENGINE_PROVE_H
#define ENGINE_PROVE_H

#include "ike/ike.h"

/* What this tunnel trusts, prepared once; NULL with a sentence. */
struct anchors *prove_anchors(const struct tunnel_conf *t, const char **why);
void prove(const struct anchors *a, const struct ike_job *j, struct ike_job_result *r);

/* The last anchors of each tunnel, for as long as its settings are the same object. */
struct trusted;
struct trusted *trusted_new(void);
void trusted_free(struct trusted *t);
struct anchors *trusted_hold(
	struct trusted *t, struct tunnel_conf *conf); /* the caller's to free; NULL: there are none, and the log says why */
void trusted_forget(struct trusted *t);               /* after a reload */

#endif
