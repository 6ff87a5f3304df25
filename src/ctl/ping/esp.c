/* esp.c - `s2sctl probe --esp TUNNEL`: does ESP pass where IKE does? Pings, our counters, and whether the peer is heard on IKE meanwhile. */
#include "ping.h"

#include <errno.h>
#include <poll.h>
#include <string.h>

#include "ctl/answer.h"
#include "ctl/render.h"
#include "ctl/system.h"

#define IKE_PATIENCE 20000 /* ms: the daemon asks a peer from whom nothing comes back, every dpd-interval */
#define LOOK_EVERY 500

static const struct {
	const char *word, *text, *todo;
} verdicts[ESP_VERDICTS] = {
	[ESP_PASSES] = { "passes", "ESP passes in both directions: what was sent was answered", "" },
	[ESP_COMES_BACK] = { "comes-back", "ESP passes in both directions, though the pings were not answered",
		"`s2sctl ping` says which leg fails" },
	[ESP_NOT_SENT] = { "not-sent", "no ESP left this machine, so nothing is known of the path",
		"`s2sctl ping` and `s2sctl explain` say why" },
	[ESP_DROPPED] = { "esp-dropped",
		"ESP left this machine, none came back, and the peer was heard on IKE meanwhile: ESP (IP protocol 50) is dropped on the path, or the "
		"peer sends nothing back",
		"write 'encapsulation: udp' into the tunnel and run `s2sctl reload` (the tunnel is set up anew): if pings are answered then, the path drops "
		"ESP; or let IP protocol 50 pass in both directions" },
	[ESP_UDP_HELPS] = { "udp-helps",
		"with UDP encapsulation packets come back, without it none did: ESP (IP protocol 50) is dropped on the path, and UDP 4500 passes",
		"write 'encapsulation: udp' into the tunnel and run `s2sctl reload` (the tunnel is set up anew); or let IP protocol 50 pass in both directions" },
	[ESP_UDP_NO_HELP] = { "udp-no-help",
		"with UDP encapsulation nothing came back either, though IKE passed on the same port: the path carries it, so the peer, or what is behind "
		"it, does not answer",
		"look at the peer: its routes back, its filters, its own counters of ESP" },
	[ESP_UDP_UNANSWERED] = { "udp-unanswered",
		"ESP in UDP left this machine, none came back, and the peer was heard on the same port meanwhile: the path carries it, so the peer, or what "
		"is behind it, does not answer",
		"look at the peer: its routes back, its filters, its own counters of ESP" },
	[ESP_NOTHING_HEARD] = { "nothing-heard", "neither ESP nor IKE came back: the path is cut, or the peer is gone",
		"`s2sctl explain` says more" },
};

const char *esp_verdict_word(enum esp_verdict v) { return verdicts[v].word; }

enum esp_verdict esp_judge(const struct ping_facts *f, const struct ping_result *r, bool udp, bool heard)
{
	if (f->received > 0)
		return ESP_PASSES;
	if (r->leg[LEG_ESP_OUT] != PING_YES)
		return ESP_NOT_SENT;
	if (r->leg[LEG_ESP_IN] == PING_YES || r->code == PING_DAMAGED)
		return ESP_COMES_BACK;
	return !heard ? ESP_NOTHING_HEARD : udp ? ESP_UDP_UNANSWERED : ESP_DROPPED;
}

/* The peer is heard of on IKE, or ESP comes after all. */
static bool wait_for_ike(const struct ping_plan *p, struct ping_facts *f, int64_t since)
{
	int64_t until = system_ms() + IKE_PATIENCE, heard = since;
	while (heard <= since && f->is.sa_in == f->was.sa_in && system_ms() < until && !ping_interrupted()) {
		struct ping_counters now;
		poll(NULL, 0, LOOK_EVERY);
		if (!ping_count(p->o, p, &now, &heard))
			break;
		f->is.sa_in = now.sa_in;
	}
	return heard > since;
}

static void put_verdict(const struct ping_plan *p, enum esp_verdict v, const struct ping_trial *trial)
{
	char line[3 * PING_WORDS];
	snprintf(line, sizeof line, "%s: %s: %s", p->tunnel, verdicts[v].word, verdicts[v].text);
	put_fitting(stdout, line, 0, 2);
	if (trial->why[0] != 0) {
		snprintf(line, sizeof line, "UDP encapsulation could not be tried: %s", trial->why);
		put_fitting(stdout, line, (unsigned)printf("  "), 2);
	}
	if (trial->tried && !trial->back)
		put_fitting(stdout, "ESP still goes in UDP: `s2sctl show` says when that is over", (unsigned)printf("  "), 2);
	if (verdicts[v].todo[0] != 0)
		put_fitting(stdout, verdicts[v].todo, (unsigned)printf("  here: "), 2);
}

json_t *esp_json(const struct ping_plan *p, const struct ping_facts *f, const struct ping_result *r, enum esp_verdict v,
	const struct ping_trial *trial)
{
	json_t *a = answer_new();
	json_object_set_new(a, "tunnel", json_string(p->tunnel));
	json_object_set_new(a, "verdict", json_string(verdicts[v].word));
	json_object_set_new(a, "text", json_string(verdicts[v].text));
	json_object_set_new(a, "todo", verdicts[v].todo[0] != 0 ? json_string(verdicts[v].todo) : json_null());
	json_object_set_new(a, "encapsulation", json_string(p->udp ? "udp" : "none"));
	json_object_set_new(a, "ike_heard", r->code != PING_NO_ESP_BACK ? json_null() : json_boolean(v != ESP_NOTHING_HEARD));
	json_object_set_new(a, "ping", ping_facts_json(f, r));
	json_object_set_new(a, "trial", ping_trial_json(trial));
	return a;
}

int run_probe_esp(const struct ctl_command *self, const struct options *o)
{
	struct ping_plan p;
	struct ping_facts f;
	struct ping_result r;
	struct ping_trial trial = { 0 };
	int code = CTL_DONE;
	bool heard = false;
	(void)self;
	if (!ping_ask(&p, o, o->argv[0], NULL, &code))
		return code;
	ping_catch();
	int err = ping_run(&p, 0, ESP_PINGS, PING_SIZE, o->json ? NULL : stdout, &f);
	if (err != 0)
		return ping_no_socket(&p, 0, err);
	ping_judge(&f, &r);
	if (r.code == PING_NO_ESP_BACK && !(heard = f.ike_heard)) {
		if (!o->json)
			printf("waiting for a sign of the peer on IKE, %d s at most\n", IKE_PATIENCE / 1000), fflush(stdout);
		heard = wait_for_ike(&p, &f, f.heard_at);
		ping_judge(&f, &r);
	}
	enum esp_verdict v = esp_judge(&f, &r, p.udp, heard);
	if (!o->json)
		ping_summary(&f, &r, stdout);
	if (v == ESP_DROPPED && !ping_interrupted()) {
		if ((err = ping_try_udp(&p, &trial)) != 0)
			return ping_no_socket(&p, 0, err);
		v = esp_judge_trial(&trial);
	}
	code = v == ESP_PASSES || v == ESP_COMES_BACK ? CTL_DONE : CTL_FAILED;
	if (!o->json) {
		put_verdict(&p, v, &trial);
		return code;
	}
	int printed = answer_print(esp_json(&p, &f, &r, v, &trial));
	return code == CTL_DONE ? printed : code;
}
