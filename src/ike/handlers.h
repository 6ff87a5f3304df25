/*
 * handlers.h - the exchanges' handlers: doors into them, and those that the exchange table names.
 */
#ifndef IKE_HANDLERS_H
#define IKE_HANDLERS_H

#include "sa.h"

enum fsm_event { XE_JOB, XE_KERNEL, XE_RESPONSE };
enum fsm_outcome { FSM_NEXT, FSM_SKIP, FSM_STAY, FSM_DONE, FSM_GONE /* the SA is destroyed */ };
struct fsm_input { /* what a handler of the exchange table gets */
	struct sa *sa;
	struct exchange *x;
	const struct message *m;    /* XE_RESPONSE */
	struct ike_job_result *job; /* XE_JOB */
	int kernel;                 /* XE_KERNEL: 0 or an errno value */
};

/* select.c: algorithms; offer.c: payloads that several exchanges send or judge alike */
bool select_suite(const struct proposal *ours, unsigned n, const struct payload *sa, uint8_t protocol, bool ignore_group,
	struct suite *out, uint8_t *number, struct bytes *spi);
bool suite_permitted(const struct proposal *ours, unsigned n, const struct suite *s, bool ignore_group);
struct payload select_offer(struct step *s, const struct proposal *ours, unsigned n, struct bytes spi);
/* which transform types their proposal of that number names, a bit each */
uint8_t select_types(const struct payload *sa, uint8_t number);
/* One transform of each of these types, no other (RFC 7296 3.3). */
struct payload select_answer(struct step *s, const struct suite *suite, uint8_t number, struct bytes spi, uint8_t types);
void select_describe(const struct payload *sa, char *text, size_t size); /* their offer in words, for people */
void select_describe_ours(const struct proposal *p, unsigned n, char *text, size_t size);
/* "10.1.0.0/16 === 0.0.0.0/0" */
void select_describe_ts(const struct ts *local, unsigned n, const struct ts *remote, unsigned m, char *text, size_t size);
enum groups { GROUPS_STRIPPED, GROUPS_KEPT, GROUPS_ABSENT }; /* absent: only those proposals that have none */
/* with esn as configured; stripped: duplicates fall together */
unsigned child_proposals(const struct tunnel *t, enum groups groups, struct proposal out[PROPOSALS_MAX]);
bool group_offered(const struct proposal *p, unsigned n, uint16_t group);
uint16_t first_group(const struct proposal *p, unsigned n);
bool proposal_equal(const struct proposal *a, const struct proposal *b); /* the same transforms in the same order */
struct bytes spi_bytes(struct step *s, uint32_t spi);
void add_ts(struct chain *c, uint8_t payload, const struct ts_list *list);
void add_more_possible(struct chain *c, const struct negotiation *n); /* ADDITIONAL_TS_POSSIBLE, if so */
void add_ke_nonce(struct chain *c, struct negotiation *n, const struct nonce *nonce);
/* What a child is made of, from a message into c: suite, SPI, selectors; ours: we asked. 0 = fine, else the notify that says what is wrong. */
uint16_t offer_take_child(struct child *c, struct negotiation *n, const struct message *m, enum groups groups, bool ours);
/* Reports that, and says what is answered. */
uint16_t offer_refuse_child(struct step *s, struct sa *sa, const struct message *m, const struct negotiation *n, uint16_t wrong,
	enum fact_code no_proposal);
enum fsm_outcome sa_give_up(struct step *s, struct sa *sa);
/* Answers the request under way and ends the IKE SA: so it ends at the peer, too (RFC 7296 2.21.2, 2.21.3). */
enum fsm_outcome sa_end_by(struct step *s, struct sa *sa, uint8_t exchange, uint16_t notify);
/* What the peer sends is no key exchange value: it has a bug, or is hostile (RFC 6989 2.5). */
void report_bad_ke(struct step *s, struct sa *sa);
void report_unusable_child(struct step *s, struct sa *sa, const struct negotiation *n); /* ... by our own judgement */
/* Why there is no child, by the peer's notify; c: what was asked for. */
void report_no_child(struct step *s, struct sa *sa, const struct child *c, uint16_t notify);

/* cert.c: certificates in IKE_SA_INIT and IKE_AUTH */
bool by_certificate(const struct tunnel *t);
void cert_configure(struct tunnel *t); /* after a change of its settings */
void cert_forget(struct tunnel *t);
void cert_announce(struct step *s, struct writer *w); /* SIGNATURE_HASH_ALGORITHMS, where any tunnel has certificates */
void cert_request_any(struct step *s, const struct sa *sa, struct writer *w); /* CERTREQ for those that the peer may be for */
void cert_request(struct chain *c, const struct tunnel *t);
void cert_add_chain(struct chain *c, const struct tunnel *t, const struct negotiation *n);
/* What a message says of either; t: NULL = not known yet. */
void cert_heard(struct negotiation *n, const struct tunnel *t, const struct message *m, bool inner);
/* The peer's AUTH is of the tunnel's kind; its certificates are kept. False: it was told why not. */
bool cert_method(struct step *s, const struct sa *sa, struct tunnel *t, const struct payload *auth);
bool cert_take(struct step *s, const struct sa *sa, struct tunnel *t, struct negotiation *n, const struct message *m);
/* `earliest` of cert_judge(): of use only to a clock that is wrong */
int64_t cert_earliest(const struct tunnel *t, int64_t wall);
/* JOB_AUTH_SIGN: by the certificate of now */
void cert_signs(const struct tunnel *t, struct negotiation *n, struct ike_job *job);
/* JOB_AUTH_CERT; false: no room */
bool cert_job(struct step *s, const struct sa *sa, const struct negotiation *n, struct ike_job *job);
/* does nothing with a pre-shared key */
void cert_believed(struct step *s, struct sa *sa, const struct negotiation *n, const struct cert_verdict *v);
void cert_report_refused(struct step *s, struct sa *sa, const struct cert_verdict *v);
void cert_report_unwanted(struct step *s, const struct sa *sa, const struct asked_cas *asked); /* the peer refuses ours */
void cert_report_no_scheme(struct step *s, const struct sa *sa, const struct negotiation *n);

/* identity.c: as configured, or the outside addresses; views, not to be freed */
void tunnel_identities(const struct tunnel *t, const struct sa *sa, struct ident *local, struct ident *remote);
void add_ident(struct chain *c, uint8_t payload, const struct ident *id);
/* The peer's is the one that is expected; where certificates prove it, distinguished names are compared as such. */
bool ident_is(const struct tunnel *t, const struct ident *theirs, const struct ident *expected);
/* The same of the tunnel's remote-id, for one that is compared with many tunnels: name is ident_name() of theirs, and nothing is parsed for those that it is not. */
bool ident_is_named(const struct tunnel *t, const struct ident *theirs, uint32_t name, const struct ident *expected);
/* For people. With certificates names that are the same look the same, whatever their octets; else the settings take what is said here. */
const char *ident_words(const struct tunnel *t, const struct ident *id, char text[FACT_ITEM]);
uint32_t ident_name(const struct ident *id); /* cert_name_hash(); 0: no distinguished name */
struct ident ident_of(const struct payload *p);
bool tunnel_is_full(const struct tunnel *t); /* of IKE SAs whose peers have proved who they are */
bool tunnel_takes_peer(struct step *s, const struct sa *sa, struct tunnel *t); /* false: told */
struct tunnel *tunnel_by_identity(struct step *s, struct sa *sa, const struct ident *theirs, const struct payload *asked);

/* gate.c */
struct gate_source {
	uint16_t slot[2];
	bool peer; /* its address stands in the configuration, or is what a name there became */
};
/* False: dropped or a cookie went out. first: of the tunnels that fit the addresses. */
bool gate_admit(struct step *s, const struct header *h, const struct message *m, const struct ike_event *e,
	const struct tunnel *first, struct gate_source *from);
/* may something that proves nothing be answered? */
bool gate_may_hint(struct step *s, const struct header *h, const struct ike_event *e);
bool gate_may_report(struct step *s); /* may there be a report about an unknown peer now? */
/* a half-open SA of its source; key: in by_source */
void gate_enter(struct ike *ike, struct sa *sa, const struct gate_source *from, const struct addr *source, uint64_t key);
void gate_leave(struct ike *ike, struct sa *sa);
struct gate *gate_new(fill_fn fill, void *fill_arg);
void gate_free(struct gate *g);

/* the doors: ours */
void init_start(struct step *s, struct tunnel *t);
void init_believe_refusal(struct step *s, struct sa *sa); /* it is time: the attempt ends, and why is reported */
void auth_start(struct step *s, struct sa *sa);
void create_start(struct step *s, struct sa *sa, struct child *old, struct slot *slot); /* old: NULL = a new child */
void rekey_start(struct step *s, struct sa *sa);
void info_delete_ike(struct step *s, struct sa *sa);
void info_delete_child(struct step *s, struct sa *sa, struct child *c);
void info_liveness(struct step *s, struct sa *sa);
void info_auth_lifetime(struct step *s, struct sa *sa);
/* ... and theirs */
void init_request(struct step *s, const struct header *h, const struct ike_event *e);
struct message *init_response(struct step *s, struct sa *sa, const struct ike_event *e); /* NULL: dropped */
void auth_request(struct step *s, struct sa *sa, const struct message *m);
void create_request(struct step *s, struct sa *sa, const struct message *m);
void rekey_request(struct step *s, struct sa *sa, const struct message *m);
void info_answer_held(struct step *s, struct sa *sa); /* to the peer's DELETE; one of the IKE SA is its end */
void info_request(struct step *s, struct sa *sa, const struct message *m);

/* init.c, auth.c, create.c, rekey.c, info.c: the rows of the exchange table */
typedef enum fsm_outcome fsm_handler(struct step *s, struct fsm_input *t);
fsm_handler init_ke_done, init_answered, init_derived, init_peer_derived;
fsm_handler auth_signed, auth_answered, auth_verified, auth_installed;
fsm_handler auth_peer_verified, auth_peer_signed, auth_peer_installed;
fsm_handler create_ke_done, create_answered, create_derived, create_installed;
fsm_handler create_peer_derived, create_peer_installed;
fsm_handler rekey_ke_done, rekey_answered, rekey_derived, rekey_peer_derived;
fsm_handler info_answered;

/* fsm.c */
void fsm_run(struct step *s, struct sa *sa, enum xside side, enum fsm_event ev, const struct message *m,
	struct ike_job_result *job, int kernel);

/* dispatch.c */
void dispatch_datagram(struct step *s, const struct ike_event *e);

#endif
