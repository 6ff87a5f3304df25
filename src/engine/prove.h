/*
 * prove.h - JOB_AUTH_CERT: does what the peer sent prove that it is who this tunnel expects? Public data only, on any thread.
 */
#ifndef ENGINE_PROVE_H
#define ENGINE_PROVE_H

#include "ike/ike.h"

/* What this tunnel trusts, prepared once; NULL with a sentence. */
struct anchors *prove_anchors(const struct tunnel_conf *t, const char **why);
void prove(const struct anchors *a, const struct ike_job *j, struct ike_job_result *r);

/*
 * What each tunnel trusts, for as long as its CAs, CRLs and rules are the same, whatever else a reload changes. To read them takes milliseconds: who needs them
 * first does it, on his thread. All but trust_anchors is the loop's.
 */
struct trusted;
struct trust;
struct trusted *trusted_new(void);
void trusted_free(struct trusted *t);
struct trust *trusted_hold(struct trusted *t, struct tunnel_conf *conf);
void trusted_settle(struct trusted *t, const struct conf *c); /* after a reload: what no tunnel has any more goes */
const struct anchors *trust_anchors(struct trust *t);         /* on any thread; NULL: there are none, trust_complain tells why */
void trust_complain(struct trust *t);
void trust_let_go(struct trust *t);

#endif
