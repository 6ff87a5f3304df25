/*
 * exchange.h - one exchange: who waits for what, what it gathers until it commits, the message that is kept for repeating.
 */
#ifndef IKE_EXCHANGE_H
#define IKE_EXCHANGE_H

#include "nonce.h"
#include "step.h"

#define RETRANSMIT_FIRST 1000   /* ms to the first repetition */
#define RETRANSMIT_SECOND 2000  /* ... to the next; then each wait is longer by a quarter (RFC 7296 2.4) ... */
#define RETRANSMIT_MAX 60000    /* ... up to this */
#define ALIKE_MAX 3             /* transmissions of the same datagrams before smaller ones are tried (RFC 7383 2.5.2) */
#define NARROW_FOR (10 * 60000) /* what got through when larger datagrams did not is kept to for so long */
#define ANSWER_HELD_MAX 1000 /* an answer that waits for our kernel leaves after this in any case: the peer repeats its request */
#define ANSWER_REPEAT_MIN 200 /* a cached answer is sent again at most every so many ms */
#define IDS_REKEY 0xf0000000u /* message ids: from here on the IKE SA is rekeyed at once, ... */
#define IDS_CLOSE 0xffffff00u /* ... and here closed */
#define SLEPT 5000            /* a timer this late: the machine was suspended */

struct unsealed { /* a message before it is sealed */
	struct header h;
	uint8_t first; /* type of the first payload */
	struct bytes plain;
};

struct sent_message { /* its datagrams, kept for repeating: n times { u16 length, bytes } */
	uint8_t *data;
	uint32_t size;
	uint8_t n;
	bool smaller;           /* ... after larger ones than `packet` were not answered */
	uint16_t packet;        /* the largest IP packet that they were made for */
	uint64_t empty;         /* an INFORMATIONAL without payloads: 1 + the IV that it was sealed under; 0: another message */
	struct unsealed *again; /* while they can be made smaller: malloc'd, as its plain is */
};

enum xkind { X_NONE, X_INIT, X_AUTH, X_NEW_CHILD, X_REKEY_CHILD, X_REKEY_IKE, X_DELETE_CHILD, X_DELETE_IKE, X_LIVENESS };
enum xside { OURS, THEIRS };
enum xstate { XS_IDLE, XS_KE, XS_SENT, XS_DERIVE, XS_SIGN, XS_VERIFY, XS_INSTALL, XS_SWITCH };

struct peer_proof {     /* cert.c */
	uint8_t method; /* of its AUTH */
	uint8_t n;
	struct bytes chain[CERT_CHAIN_MAX]; /* malloc'd each */
	uint8_t ours;                       /* sign_scheme() of our AUTH */
};

#define CA_HASH 20            /* RFC 7296 3.7: SHA-1 of a CA's SubjectPublicKeyInfo */
struct asked_cas {            /* cert.c: what the peer's CERTREQ ask us for */
	uint16_t n, known;    /* known: those that we trust, too */
	bool ours;            /* one of them is above our certificate */
	uint8_t one[CA_HASH]; /* a known one, if there is any */
};

#define KE_ROUNDS_MAX 8 /* RFC 9370: one, and up to seven more */
struct ke_round {
	uint16_t group; /* of the KE payload; GROUP_NONE = none */
	struct ke_private priv;
	uint16_t pub_len;
	uint8_t *pub; /* our public value, malloc'd */
};

struct negotiation { /* what an exchange gathers before it commits; freed (wiped) at its end */
	struct nonce ni, nr;
	struct ke_round ke[KE_ROUNDS_MAX];
	uint8_t ke_at;       /* the round under way; today the first is the only one */
	struct suite suite;  /* chosen */
	uint8_t number;      /* of the chosen proposal in their offer */
	uint8_t types;       /* the transform types that it names, a bit each */
	uint32_t replaces;   /* number of the child or SA that is rekeyed; 0 = none */
	uint32_t closed;     /* SPI of an unknown child that the peer closed meanwhile: maybe the one its delayed answer brings */
	struct child *child; /* being made */
	uint8_t spi_new[IKE_SPI_LEN]; /* IKE rekey: our SPI */
	struct nonce cookie;          /* IKE_SA_INIT: the peer's cookie; IKE rekey: the peer's SPI */
	uint8_t cookies, ke_retries;
	uint16_t refusal;      /* IKE_SA_INIT: a notify that nothing protects; believed when nothing better has come by then */
	uint16_t wanted_group; /* ... the group that it names */
	struct mono believed;
	bool without_pfs; /* second try of a rekey: the peer refused the one with a group, and our proposals can do without */
	struct bytes init_request, init_response; /* whole messages, for AUTH (RFC 7296 2.15) */
	struct bytes peer_id_body;                /* malloc'd: ID payload body of the peer */
	struct bytes peer_auth;                   /* malloc'd */
	struct peer_proof proof;                  /* with a certificate: what the peer proves itself by */
	uint16_t child_error;                     /* notify to answer instead of a child; 0 = none */
	bool child_unusable;                      /* ... that is our judgement of what the peer agreed to, not its word */
	bool too_many;                            /* the selectors fit, but are more than a tunnel of ours can have */
	uint16_t asked;     /* the slot that a new child is asked for; another one may carry what the peer makes of it */
	bool full;          /* the tunnel carries as many children side by side as it may */
	bool more_possible; /* the peer asks for more than one child may have: ADDITIONAL_TS_POSSIBLE */
	bool initial_contact, cert_asked; /* cert_asked: the peer sent a CERTREQ */
	struct asked_cas asked_cas;
	/* with a certificate: the settings by which our AUTH is asked for, counted: its chain goes with it */
	struct tunnel_conf *signs;
	bool asked_again;
	bool ahead;            /* the child's SAs were asked for together with the verdict about the peer */
	uint32_t hashes;       /* that the peer announced for signatures (struct ike_job) */
	struct bytes held;     /* malloc'd: the payloads of an answer that waits for our kernel */
	uint8_t held_first;    /* type of the first */
	struct bytes our_auth; /* malloc'd: responder, between SIGN and the answer */
};

struct exchange_core { /* all that outlives a restart; with it go nonce and KE value of the negotiation and the message */
	uint8_t kind, state;
	uint32_t message_id;
};

struct exchange {
	struct exchange_core core;
	uint32_t job;  /* the ticket it waits for */
	uint32_t wait; /* ms, ours: from the last transmission to the next */
	struct negotiation *neg;
	struct sent_message sent; /* ours: the open request; theirs: the cached answer to the last request */
	uint16_t tries;           /* transmissions so far */
	uint16_t unheard;         /* ... and those since the peer was heard last */
	uint16_t alike;           /* ... and those of these very datagrams */
	uint16_t packet;          /* theirs: the largest IP packet of a request that came in fragments; 0 = it was whole */
	struct mono first; /* ours: first transmission, or when the answer came; theirs: last time the answer was repeated */
	struct mono next;  /* ours: next repetition; theirs: when a held answer leaves at the latest */
};

static inline struct ke_round *ke_round(struct negotiation *n) { return &n->ke[n->ke_at]; }

/* sent.c */
void sent_message_set(struct sent_message *f, const struct bytes *datagrams, unsigned n);
void sent_message_clear(struct sent_message *f);
void sent_message_again(struct sent_message *f, const struct unsealed *m); /* m is kept, its plain copied */
void sent_message_transmit(struct step *s, const struct ike_path *way, const struct sent_message *f);
/* m: in the step arena */
bool sent_message_open(struct step *s, const struct sa *sa, const struct sent_message *f, struct unsealed *m);
bool sent_message_answers(const struct sent_message *f, uint8_t exchange); /* it is an answer to such a request */
/* An unprotected answer with one notify: it promises nothing, and anyone could have sent it. */
void sent_unsealed(struct step *s, const struct header *h, const struct ike_event *e, uint16_t notify, struct bytes data);
struct chain chain_new(struct step *s, size_t cap);
size_t sealed_size(const struct sa *sa, size_t n); /* octets of n when they are sealed */
int unseal(struct seal_keys k, const struct message *m, struct bytes sealed, struct bytes *plain); /* in place, as seal_open */
/* under an IV that was never used */
bool seal_next(struct sa *sa, struct bytes head, struct bytes plain, uint8_t *out, size_t n);

/* frag.c */
/* octets of the largest IP packet that may carry IKE to the peer now */
unsigned packet_limit(const struct step *s, const struct sa *sa);
/* As datagrams that fit IP packets of that size, if the peer knows fragments. */
bool sent_message_seal(struct step *s, struct sa *sa, const struct unsealed *m, unsigned packet, struct sent_message *keep);
/* The empty INFORMATIONAL message with that header, as it was sealed under that IV before. */
bool sent_message_empty(struct step *s, struct sa *sa, const struct header *h, uint64_t iv, struct sent_message *keep);
/* "3142 octets in 3 packets of up to 1280": of a message that no single packet carries, how it went out; false: one does. */
bool sent_message_large(const struct sa *sa, const struct sent_message *f, char text[FACT_VALUE]);
bool sent_message_smaller(struct step *s, struct sa *sa, struct sent_message *f); /* false: as small as they get */
/* One SKF payload of a message with the id. ERR_OK and *plain set (malloc'd, to be dropped by the caller) when complete; ERR_STALE: more to come. */
int fragment_add(struct sa *sa, const struct message *m, struct bytes *plain, uint8_t *first);
void fragments_free(struct sa *sa);

/* exchange.c: sends, matches, caches; knows no handler */
void exchange_state(struct exchange *x, enum xkind kind, enum xstate state);
void exchange_end(struct exchange *x);
/* ours; arms the repetition */
void exchange_request(struct step *s, struct sa *sa, enum xkind kind, uint8_t exchange, const struct chain *c);
void exchange_answer(struct step *s, struct sa *sa, uint8_t exchange, const struct chain *c); /* theirs: sends, caches, next id */
/* the last message of either side, which was an empty one sealed under that IV; for restore.c */
bool exchange_empty_again(struct step *s, struct sa *sa, enum xside side, uint64_t iv);
void exchange_answer_notify(struct step *s, struct sa *sa, uint8_t exchange, uint16_t notify, struct bytes data);
void exchange_inform(struct step *s, struct sa *sa, const struct payload *p); /* an INFORMATIONAL that nobody waits for */
/* An answer with id 0 that ends no exchange, sync.c */
void exchange_answer_zero(
	struct step *s, struct sa *sa, const struct ike_path *way, const struct chain *c, struct sent_message *keep);
void exchange_renumber(struct step *s, struct sa *sa); /* the open request of ours, under the next id */
void exchange_init_request(struct step *s, struct sa *sa, struct bytes datagram); /* IKE_SA_INIT is sealed by nobody */
void exchange_init_answer(struct step *s, struct sa *sa, struct bytes datagram);
/* to where the request came from; unless that was just done */
bool exchange_answer_again(struct step *s, struct sa *sa, const struct ike_event *e);
bool exchange_repeat(struct step *s, struct sa *sa); /* false: nothing answered for so long */
uint32_t exchange_ask(struct step *s, struct sa *sa, struct exchange *x, const struct ike_job *job);

/* farewell.c: the last answers of SAs that are gone */
struct farewells *farewells_new(void);
void farewells_free(struct farewells *f);
struct mono farewells_until(const struct farewells *f); /* the first goes then */
void farewells_expire(struct step *s);
void farewell_keep(struct step *s, struct sa *sa);
bool farewell_again(struct step *s, const struct header *h, const struct ike_event *e); /* true: there is one */

/* ke_round.c: the jobs of one key exchange; ..ed: what is kept of a job's result */
void ke_round_offer(struct step *s, struct sa *sa, struct exchange *x, uint16_t group);
void ke_round_offered(struct negotiation *n, const struct ike_job_result *job);
void ke_round_accept(struct step *s, struct sa *sa, struct exchange *x, const struct payload *ke);
void ke_round_accepted(struct negotiation *n, const struct ike_job_result *job);
void ke_round_finish(struct step *s, struct sa *sa, struct exchange *x, const struct payload *ke);
bool ke_round_fits(const struct payload *ke, uint16_t group); /* ke: NULL = there is none */
/* The other group that an INVALID_KE_PAYLOAD names; GROUP_NONE: none, or it was asked for often enough. */
uint16_t ke_round_wanted(struct negotiation *n, const struct payload *notify, unsigned at_most);
struct bytes ke_round_want(struct step *s, uint16_t group); /* the data of such a notify */
void ke_round_free(struct negotiation *n);

enum received {
	RECEIVED_NOTHING, /* dropped, answered from the cache, or a fragment of more */
	RECEIVED_HINT,    /* unprotected, in answer to a request of ours */
	RECEIVED_REQUEST,
	RECEIVED_RESPONSE,
};
/* Whether the datagram is due, authentic and well-formed. err: what is wrong with the contents of one that is authentic; ERR_OK = nothing. */
enum received exchange_receive(
	struct step *s, struct sa *sa, const struct header *h, const struct ike_event *e, struct message **m, int *err);

#endif
