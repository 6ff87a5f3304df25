/* leg.h - what the kernel says of a packet, and the judgement of it, which is pure. */
#ifndef CTL_WAY_LEG_H
#define CTL_WAY_LEG_H

#include "ctl/way.h"

/* ---------------------------------------------------------------- the kernel's answers (question.c) */
struct way_question {
	unsigned in;          /* the interface that it comes by; 0 = made by this machine */
	struct addr from, to; /* from: may be without family when in is 0 */
	uint32_t mark;
};
struct way_answer {
	int error;    /* an errno, 0 = a route */
	uint8_t type; /* RTN_* */
	uint8_t protocol;
	uint32_t table;
	unsigned out;
	struct addr via, source;
	struct prefix prefix; /* of the route; family 0 = not known */
	bool shared;          /* it has several nexthops */
};
void way_route(const struct way_facts *f, const struct way_question *q, struct way_answer *a);

struct way_asked { /* all that a leg is judged by, beside the facts */
	enum way_leg_kind kind;
	struct way_question q;
	struct way_answer as_it_comes;
	struct way_answer plain;   /* to the same address, made by this machine */
	struct way_answer reverse; /* to `from`, made by this machine */
	struct way_answer trusted; /* as it comes, from a source that no reverse path check refuses (LEG_BACK) */
};
void way_asked_read(const struct way_facts *f, struct way_asked *a, const struct addr *trusted);

/* ---------------------------------------------------------------- pure */
struct way_bounds { /* whose tunnel it is */
	const char *interface;
	uint32_t if_id;
	const char *const *own; /* interfaces of all tunnels of the daemon */
	unsigned n_own;
	way_filter_fn *filter; /* may be NULL */
	void *arg;
};
const struct way_rule *way_rule_of(const struct way_facts *f, const struct way_question *q, uint32_t table);
const struct way_rule *way_rule_refusing(const struct way_facts *f, const struct way_question *q);
const char *way_table_name(uint32_t table, char text[24]);
const char *way_rule_words(const struct way_rule *r, char text[160]);
/* The policy that the kernel takes; NULL. */
const struct way_policy *way_policy_of(
	const struct way_facts *f, enum way_dir dir, uint32_t if_id, const struct addr *from, const struct addr *to);
const char *way_policy_words(const struct way_policy *p, char text[200]);
void way_judge(const struct way_facts *f, const struct way_bounds *b, const struct way_asked *a, struct way_leg *leg);

#endif
