/*
 * probe.h - which IKE proposals a peer accepts, asked by IKE_SA_INIT alone.
 *
 * The questions leave nothing behind at the peer: each offers what is to be tested, and beside it one group that nobody uses
 * (the decoy), with a key exchange value for the decoy. A peer that accepts what is tested answers INVALID_KE_PAYLOAD and
 * names its group; one that does not answers NO_PROPOSAL_CHOSEN (RFC 7296 1.2, 2.7). Neither keeps any state. Only the last
 * question is answered in full, for the Vendor IDs: one half-open IKE SA, which the peer forgets.
 *
 *     probe_rows.c (pure)    what can be asked about
 *     probe_plan.c (pure)    what to ask next, what an answer means
 *     probe_wire.c (pure)    question -> datagram -> answer
 *     probe_recognise.c (pure)   known policies, whom it looks like
 *     probe_run.c            socket, pace;  probe.c: the command and its words
 */
#ifndef CTL_PROBE_H
#define CTL_PROBE_H

#include <jansson.h>
#include <stdbool.h>
#include <stdio.h>

#include "base/addr.h"
#include "cloud/cloud.h"
#include "crypto/alg.h"
#include "crypto/crypto.h"
#include "wire/ikev2.h"

/* --- what is asked about: rows of the registry; sets are bits by row --- */
#define PROBE_ENCRS 16 /* room */
#define PROBE_HASHES 8 /* of integrity and PRF */
#define PROBE_GROUPS 32
/* Offered without being wanted: a group so weak that hardly anybody accepts it. It looks like any other to a peer. */
#define PROBE_DECOY "modp768"
typedef uint32_t probe_set;
#define PROBE_ALL(n) ((probe_set)(((uint64_t)1 << (n)) - 1))

struct probe_rows {
	unsigned encrs, hashes, groups, nobody; /* nobody: row of a group of the private range, which no peer can take */
	probe_set aeads;
	const struct alg *encr[PROBE_ENCRS], *integ[PROBE_HASHES], *prf[PROBE_HASHES], *group[PROBE_GROUPS];
};
const struct probe_rows *probe_rows(void);

struct probe_question {
	probe_set encr, integ, prf, groups;
	int decoy; /* row of the group of the KE payload; -1: groups is one, and the KE payload is its own */
};

enum probe_kind { PROBE_SILENT, PROBE_REFUSED, PROBE_GROUP, PROBE_WHOLE, PROBE_OTHER, PROBE_COOKIE };
#define PROBE_VENDORS 8
struct probe_answer {
	enum probe_kind kind;
	int group;       /* row; -1 = one that is not in the table; of PROBE_GROUP and PROBE_WHOLE */
	uint16_t notify; /* PROBE_OTHER */
	uint8_t n_vendors, n_cookie;
	struct {
		uint8_t n;
		uint8_t id[64];
	} vendors[PROBE_VENDORS];
	uint8_t cookie[IKE_COOKIE_MAX];
	bool nat, fragmentation; /* it speaks NAT traversal, RFC 7383 */
};

/* --- the plan --- */
#define PROBE_QUESTIONS 60
enum probe_phase {
	PHASE_GROUPS,
	PHASE_ENCRS,
	PHASE_INTEGS,
	PHASE_PRFS,
	PHASE_PAIRS,
	PHASE_OTHER_PRFS,
	PHASE_CROSS,
	PHASE_LAST,
	PHASE_DONE
};

struct probe {
	enum probe_phase phase;
	unsigned at; /* within the phase */
	unsigned asked, silent;
	bool answers;   /* the peer has said anything */
	bool half_open; /* it was led to keep state, once */
	bool complete;  /* every combination was asked for by itself */
	bool cut;       /* the number of questions ended it */
	int decoy;
	probe_set groups_left, groups, encrs, integs, prfs;
	/* accepted[encryption][hash of integrity][hash of PRF]: groups. For AEAD the integrity's row is that of the PRF. */
	probe_set accepted[PROBE_ENCRS][PROBE_HASHES][PROBE_HASHES];
	struct probe_question now;
	struct probe_answer whole; /* the answer in full, when there was one */
	uint16_t notify;           /* the last that is none of ours */
};
void probe_begin(struct probe *p);
const struct probe_question *probe_next(struct probe *p); /* NULL: done */
void probe_take(struct probe *p, const struct probe_answer *a);
struct probe_combination {
	unsigned at; /* the place of the next one */
	unsigned encr, integ, prf;
	probe_set groups;
};
/* The next encryption, integrity and PRF accepted with any group; from a zeroed one on. False: there is no more. */
bool probe_accepted(const struct probe *p, struct probe_combination *c);
unsigned probe_count(const struct probe *p); /* combinations accepted, with each group */

/* --- the wire --- */
struct probe_ends {
	struct addr local, remote;
};                  /* with ports, for NAT detection */
struct probe_name { /* a cookie is worth something with this SPI and nonce only (RFC 7296 2.6) */
	uint8_t spi[IKE_SPI_LEN], nonce[32], cookie[IKE_COOKIE_MAX];
	uint8_t n_cookie;
};
#define PROBE_DATAGRAM 2048
/* Returns its length, 0 when it cannot be made. */
size_t probe_write(const struct probe_question *q, const struct probe_ends *ends, const struct probe_name *name, fill_fn fill,
	void *arg, uint8_t out[PROBE_DATAGRAM]);
/* False: not an answer to the request with this SPI. */
bool probe_read(struct bytes datagram, const uint8_t spi[IKE_SPI_LEN], struct probe_answer *a);

/* --- running it --- */
struct probe_pace {
	int gap, wait, first_wait;
}; /* ms between datagrams; for an answer; for the very first one */
extern const struct probe_pace probe_politely;
enum probe_end { PROBE_ENDED, PROBE_UNREACHABLE /* ICMP: nobody listens */, PROBE_NO_SOCKET };
struct probe_cost {
	unsigned datagrams;
	int64_t ms;
	bool cookies;
	struct addr local;
};
enum probe_end probe_run(struct probe *p, const struct addr *to, const struct probe_pace *pace, struct probe_cost *cost);

/* --- what it means --- */
const struct probe_policy *probe_recognise(const struct probe *p); /* never NULL */
const char *probe_vendor(const struct probe *p);                   /* NULL = not recognised */
/* "aes256-sha256": the pair as a proposal writes it, without group. */
#define PROBE_TEXT 64
const char *probe_pair(const struct probe_combination *c, char text[PROBE_TEXT]);

void probe_text(const struct probe *p, enum probe_end end, const struct probe_cost *cost, const struct addr *to, FILE *out,
	bool terminal);
json_t *probe_json(const struct probe *p, enum probe_end end, const struct probe_cost *cost, const struct addr *to);

#endif
