/*
 * trial.c - ESP in UDP is tried where ESP does not come back: the daemon makes another IKE SA with it beside the one in use, for a minute at most and only
 * while our connection lasts; meanwhile pings look whether anything comes back.
 */
#include <poll.h>
#include <string.h>

#include "codes/control.h"
#include "ctl/client.h"
#include "ctl/render.h"
#include "ctl/system.h"
#include "ping.h"

#define MADE_WITHIN 30000 /* ms: the other IKE SA, through some repetitions */
#define WATCHED_FOR 50000 /* from the request on: the daemon ends it after a minute */
#define BACK_WITHIN 15000
#define LOOK_EVERY 500

static void say(const struct ping_plan *p, const char *text)
{
	if (!p->o->json)
		put_fitting(stdout, text, 0, 2), fflush(stdout);
}

static void failed(struct ping_trial *t, const char *why)
{
	char clean[PING_WORDS];
	snprintf(t->why, sizeof t->why, "%s", escaped(clean, sizeof clean, why));
}

/* Until ESP leaves in UDP; false after noting why it does not. */
static bool make(struct client *c, const struct ping_plan *p, int64_t since, struct ping_trial *t)
{
	json_t *request = client_request(CONTROL_ENCAPSULATE), *answer = NULL;
	json_object_set_new(request, "tunnel", json_string(p->tunnel));
	enum client_result r = client_send(c, request);
	if (r == CLIENT_OK)
		do
			r = client_next(c, 1, &answer);
		while (r == CLIENT_LATE && system_ms() - since < MADE_WITHIN && !ping_interrupted());
	const char *text = word_of(json_object_get(answer, "error"), "text");
	t->made = r == CLIENT_OK && json_object_get(answer, "error") == NULL;
	if (!t->made)
		failed(t, r == CLIENT_OK && text != NULL ? text
			  : ping_interrupted()           ? "interrupted"
			  : r == CLIENT_LATE ? "the peer does not answer on UDP 4500, or no IKE SA came about within 30 s"
					     : "the daemon does not answer");
	json_decref(answer);
	return t->made;
}

static bool came_back(const struct ping_trial *t)
{
	return t->f.received > 0 || t->r.leg[LEG_ESP_IN] == PING_YES || t->r.code == PING_DAMAGED;
}

static int watch(const struct ping_plan *p, int64_t since, struct ping_trial *t)
{
	int64_t begun = system_ms();
	int err;
	do {
		err = ping_run(p, 0, ESP_PINGS, PING_SIZE, p->o->json ? NULL : stdout, &t->f);
		ping_judge(&t->f, &t->r);
	} while (err == 0 && !came_back(t) && !ping_interrupted() && system_ms() - since < WATCHED_FOR);
	t->seconds = (unsigned)((system_ms() - begun + 500) / 1000);
	if (err == 0 && !came_back(t) && !ping_in_udp(p)) { /* somebody else ended it: what was seen is no proof */
		t->made = false;
		failed(t, "it ended before its time");
	}
	return err;
}

int ping_try_udp(const struct ping_plan *p, struct ping_trial *t)
{
	struct client c;
	*t = (struct ping_trial){ .tried = true };
	if (client_try(&c, p->o) != 0) {
		failed(t, "the daemon does not answer");
		return 0;
	}
	say(p, "trying ESP in UDP for a minute at most, by another IKE SA beside the one in use");
	int64_t since = system_ms();
	int err = make(&c, p, since, t) ? watch(p, since, t) : 0;
	client_close(&c);
	if (t->made)
		say(p, "going back to ESP without UDP");
	for (int64_t until = system_ms() + BACK_WITHIN; !(t->back = !ping_in_udp(p)) && system_ms() < until;)
		poll(NULL, 0, LOOK_EVERY);
	return err;
}

enum esp_verdict esp_judge_trial(const struct ping_trial *t)
{
	return !t->made                            ? ESP_DROPPED
	       : came_back(t)                      ? ESP_UDP_HELPS
	       : t->r.leg[LEG_ESP_OUT] == PING_YES ? ESP_UDP_NO_HELP
						   : ESP_DROPPED;
}

json_t *ping_trial_json(const struct ping_trial *t)
{
	json_t *o = json_object();
	if (!t->tried) {
		json_decref(o);
		return json_null();
	}
	json_object_set_new(o, "made", json_boolean(t->made));
	json_object_set_new(o, "why", t->why[0] != 0 ? json_string(t->why) : json_null());
	json_object_set_new(o, "seconds", json_integer(t->seconds));
	json_object_set_new(o, "back", json_boolean(t->back));
	json_object_set_new(o, "ping", t->made ? ping_facts_json(&t->f, &t->r) : json_null());
	return o;
}
