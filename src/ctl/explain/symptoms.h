/*
 * symptoms.h - what a tunnel shows: the daemon's answers, read once into plain data, and what this machine does with its packets.
 * All that the judgement goes by.
 */
#ifndef CTL_SYMPTOMS_H
#define CTL_SYMPTOMS_H

#include <jansson.h>

#include "codes/event.h"
#include "codes/state.h"
#include "codes/verdict.h"
#include "conf/conf.h"
#include "ctl/bgp.h"
#include "ctl/way.h"
#include "host_network.h"

/* Texts are those of the JSON, "" when absent. */
struct explain_event {
	enum fact_code code; /* FACT_COUNT: one of another version of the daemon */
	enum blame blame;
	enum fact_subject subject;
	unsigned protocol; /* enum ike_protocol of the proposals; 0 = it is not about proposals */
	int64_t at;
	const char *word, *text, *notify, *ours, *theirs, *was, *now, *by;
};

struct alone { /* packets of one way since the other was last used */
	uint64_t packets, for_ms;
	bool want_answers; /* connection attempts, pings, BGP */
	bool elsewhere;    /* another tunnel to the same networks has the other way */
};

struct symptoms {
	/* --- of `show` --- */
	const char *name, *state_word, *interface, *local, *cloud_word;
	enum tunnel_state state;
	enum cloud cloud;
	bool stopped;                                 /* by the operator */
	bool udp;                                     /* ESP goes in UDP */
	struct addr peer;                             /* its outside address; family 0 = not known */
	int64_t since, last_heard, last_in, last_out; /* 0 = never */
	/* Packets of the last minute and ten seconds; every_ms: how often the daemon looks. */
	uint64_t in_60s, out_60s, in_10s, out_10s, replay_60s, integrity_60s, every_ms;
	struct alone in_alone, out_alone;
	uint64_t rekeys, unanswered, quiet_ms;
	const char *differs;               /* what the kernel has not as the tunnel needs it and cannot be given; "" */
	const char *uncovered;             /* what is wanted and not carried by the child SAs; "" */
	const char *esp;                   /* proposal of the child SA in use; "" */
	const struct explain_event *error; /* what keeps it down, or has gone wrong since it is up; NULL */
	struct tunnel_conf *conf;          /* its settings; NULL: they could not be read back */
	/* --- of `events`, oldest first, and of `status` --- */
	unsigned n_events, n_interfaces;
	struct explain_event *events, last_error;
	const char **interfaces; /* of all tunnels of the daemon */

	const struct host_network *host; /* NULL: this machine was not looked at */
	const struct way *way;           /* NULL: no packet's way was walked */
	const char *const *unseen;       /* n_unseen parts of this machine that could not be looked at, in words */
	unsigned n_unseen;
	const struct bgp_view *bgp;       /* NULL: no routing daemon was asked */
	const struct bgp_loser *bgp_lost; /* a route of its session that is not used; NULL */
	enum verdict_code bgp_cause;      /* why its session is not up; VERDICT_COUNT */
	int64_t time;
};

/* The JSON has to live as long as the symptoms. Events of other tunnels are left out; repairs of what all tunnels share are not. Not to be moved: the error points inside. */
void symptoms_read(struct symptoms *s, const json_t *tunnel, const json_t *events, const json_t *all, int64_t time);
void symptoms_release(struct symptoms *s);
/* What is known of its BGP session, after everything else (bgp.c). */
void symptoms_bgp(struct symptoms *s, const struct bgp_view *bgp, const struct bgp_loser *lost);

bool symptoms_error(const struct symptoms *s, enum fact_code code); /* the error is of this code */
/* The newest event of that code and not older; NULL. */
const struct explain_event *symptoms_latest(const struct symptoms *s, enum fact_code code, int64_t seconds);
unsigned symptoms_count(const struct symptoms *s, enum fact_code code, int64_t seconds);
/* The newest event of that code has been followed by one that takes it back. By order: the times are of seconds. */
bool symptoms_taken_back(const struct symptoms *s, enum fact_code code, enum fact_code by);
bool symptoms_own_interface(const struct symptoms *s, const char *device); /* of some tunnel of this daemon */

#define SETTING_TEXT 600
const char *symptoms_setting(const struct symptoms *s, const char *key, char text[SETTING_TEXT]); /* "" when unset or not known */

#endif
