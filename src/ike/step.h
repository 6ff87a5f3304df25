/*
 * step.h - what every handler needs: the step under way, its actions and reports, what it leaves to be looked at when it ends.
 */
#ifndef IKE_STEP_H
#define IKE_STEP_H

#include "base/heap.h"
#include "base/table.h"
#include "base/util.h"
#include "ike/ike.h"

struct sa;
struct child;
struct tunnel;

struct step {
	struct ike *ike;
	struct moment now;
	struct ike_actions *out;
};

enum owner_kind { OWNER_TUNNEL, OWNER_SA, OWNER_CHILD, OWNER_MACHINE };
struct alarm {          /* a timer that knows in whom it lies: the member `alarm` */
	struct timer t; /* first */
	enum owner_kind kind;
};

struct ike_action *step_action(struct step *s, enum ike_action_kind kind);
void ike_report(struct step *s, enum fact_code code, enum blame blame, struct tunnel *t, const struct addr *peer, const char *fmt,
	...) __attribute__((format(printf, 6, 7)));
/* ... about the tunnel of an IKE SA, with its peer */
void sa_report(struct step *s, const struct sa *sa, enum fact_code code, enum blame blame, const char *fmt, ...)
	__attribute__((format(printf, 5, 6)));
/* What was held against each other, for the fact that was just reported about t. */
void ike_report_compared(
	struct step *s, struct tunnel *t, enum ike_protocol protocol, uint16_t notify, const char *ours, const char *theirs);
/* ... what it is about, and the value before and after; NULL: none. */
void ike_report_about(struct step *s, struct tunnel *t, enum fact_subject subject, const char *was, const char *now);
void step_drop(struct step *s, enum drop_reason why);
msec step_jitter(struct ike *ike, msec base, unsigned percent); /* base .. base + percent */
struct mono step_rekey_at(struct step *s, msec lifetime, bool initiator);
void alarm_at(struct ike *ike, struct alarm *a, struct mono at);
void sa_mark(struct step *s, struct sa *sa); /* to be looked at before the step ends */
void tunnel_mark(struct step *s, struct tunnel *t);
void sa_look(struct step *s, struct sa *sa); /* the same, when nothing of it has changed that is in a record */
/* its record (save.c) is to be looked at; NULL: of none. A mark says it, too */
void tunnel_changed(struct step *s, struct tunnel *t);
void tunnel_noted(struct step *s, struct tunnel *t);  /* ... nothing changed of it but what a note (record.h) says */
void step_on(struct step *s, const struct tunnel *t); /* what is done now is done for that tunnel, ike_stepping() */
struct bytes bytes_dup(struct bytes b);               /* malloc'd copy */
void bytes_drop(struct bytes *b);                     /* wipes, frees */

#endif
