/* symptoms.c - see symptoms.h: the daemon's JSON, as enums and numbers. */
#include "symptoms.h"

#include <stdlib.h>
#include <string.h>

#include "base/mem.h"
#include "ctl/render.h"

static const char *text_of(const json_t *o, const char *key)
{
	const char *word = word_of(o, key);
	return word != NULL ? word : "";
}

/* ---------------------------------------------------------------- words into codes */
static enum fact_code code_of(const char *word)
{
	unsigned i = 0;
	while (i < FACT_COUNT && strcmp(fact_word((enum fact_code)i), word) != 0)
		i++;
	return (enum fact_code)i;
}

static enum fact_subject subject_of(const char *word)
{
	for (unsigned i = SUBJECT_NONE + 1; i < SUBJECT_COUNT; i++)
		if (strcmp(subject_word((enum fact_subject)i), word) == 0)
			return (enum fact_subject)i;
	return SUBJECT_NONE;
}

static enum blame blame_of(const char *word)
{
	for (unsigned i = BLAME_PEER; i <= BLAME_OPERATOR; i++)
		if (strcmp(blame_word((enum blame)i), word) == 0)
			return (enum blame)i;
	return BLAME_NONE;
}

/* ---------------------------------------------------------------- reading */
static struct explain_event event_of(const json_t *o)
{
	const char *protocol = text_of(o, "protocol");
	return (struct explain_event){
		.code = code_of(text_of(o, "code")),
		.blame = blame_of(text_of(o, "blame")),
		.subject = subject_of(text_of(o, "subject")),
		.protocol = strcmp(protocol, "ike") == 0   ? PROTOCOL_IKE
			    : strcmp(protocol, "esp") == 0 ? PROTOCOL_ESP
							   : 0,
		.at = time_parse(word_of(o, "at")),
		.word = text_of(o, "code"),
		.text = text_of(o, "text"),
		.notify = text_of(o, "notify"),
		.ours = text_of(o, "ours"),
		.theirs = text_of(o, "theirs"),
		.was = text_of(o, "was"),
		.now = text_of(o, "now"),
		.by = text_of(o, "by"),
	};
}

static struct tunnel_conf *settings_of(const json_t *config)
{
	const char *key;
	json_t *value;
	if (!json_is_object(config))
		return NULL;
	struct tunnel_conf *t = tunnel_conf_new();
	json_object_foreach ((json_t *)(uintptr_t)config, key, value)
		if (json_is_string(value))
			tunnel_conf_set(t, key, json_string_value(value));
	return t;
}

static struct alone alone_of(const json_t *o)
{
	return (struct alone){ count_of(o, "packets"), count_of(o, "for_ms"), json_is_true(json_object_get(o, "want_answers")),
		json_is_true(json_object_get(o, "elsewhere")) };
}

static void read_recent(struct symptoms *s, const json_t *o)
{
	s->in_10s = count_of(o, "in_10s");
	s->out_10s = count_of(o, "out_10s");
	s->in_60s = count_of(o, "in_60s");
	s->out_60s = count_of(o, "out_60s");
	s->replay_60s = count_of(o, "replay_errors_60s");
	s->integrity_60s = count_of(o, "integrity_errors_60s");
	s->every_ms = count_of(o, "every_ms");
	s->in_alone = alone_of(json_object_get(o, "in_alone"));
	s->out_alone = alone_of(json_object_get(o, "out_alone"));
}

static void read_tunnel(struct symptoms *s, const json_t *t)
{
	s->name = text_of(t, "name");
	s->state_word = text_of(t, "state");
	s->state = tunnel_state_parse(s->state_word);
	s->interface = text_of(t, "interface");
	s->local = text_of(t, "local");
	s->cloud_word = text_of(t, "cloud");
	cloud_parse(s->cloud_word, &s->cloud);
	s->stopped = json_is_true(json_object_get(t, "stopped"));
	s->udp = strcmp(text_of(json_object_get(t, "ike"), "encapsulation"), "udp") == 0;
	addr_port_parse(&s->peer, word_of(t, "remote"));
	s->peer.port = 0;
	s->since = time_parse(word_of(t, "since"));
	s->last_heard = time_parse(word_of(t, "last_heard"));
	s->rekeys = count_of(t, "rekeys");
	s->unanswered = count_of(t, "unanswered");
	s->quiet_ms = count_of(t, "quiet_ms");
	s->uncovered = text_of(t, "uncovered");
	s->differs = text_of(json_object_get(t, "kernel"), "differs");
	s->conf = settings_of(json_object_get(t, "config"));
	s->last_in = time_parse(word_of(t, "last_in"));
	s->last_out = time_parse(word_of(t, "last_out"));
	read_recent(s, json_object_get(t, "recent"));
	s->esp = text_of(json_array_get(json_object_get(t, "children"), 0), "proposal");
}

void symptoms_read(struct symptoms *s, const json_t *tunnel, const json_t *events, const json_t *all, int64_t time)
{
	const json_t *error = json_object_get(tunnel, "last_error");
	*s = (struct symptoms){ .time = time, .bgp_cause = VERDICT_COUNT };
	read_tunnel(s, tunnel);
	if (json_is_object(error)) {
		s->last_error = event_of(error);
		s->error = &s->last_error;
	}
	s->events = xcalloc(json_array_size(events) + 1, sizeof *s->events);
	for (size_t i = 0; i < json_array_size(events); i++) {
		const json_t *e = json_array_get(events, i);
		const char *of = word_of(e, "tunnel");
		if (of != NULL ? strcmp(of, s->name) == 0 : code_of(text_of(e, "code")) == FACT_KERNEL_REPAIRED)
			s->events[s->n_events++] = event_of(e);
	}
	s->interfaces = xcalloc(json_array_size(all) + 1, sizeof *s->interfaces);
	for (size_t i = 0; i < json_array_size(all); i++)
		s->interfaces[s->n_interfaces++] = text_of(json_array_get(all, i), "interface");
}

void symptoms_release(struct symptoms *s)
{
	tunnel_conf_unref(s->conf);
	free(s->events);
	free(s->interfaces);
	*s = (struct symptoms){ 0 };
}

/* ---------------------------------------------------------------- looking */
bool symptoms_error(const struct symptoms *s, enum fact_code code) { return s->error != NULL && s->error->code == code; }

const struct explain_event *symptoms_latest(const struct symptoms *s, enum fact_code code, int64_t seconds)
{
	for (unsigned i = s->n_events; i-- > 0;)
		if (s->events[i].code == code)
			return s->events[i].at >= s->time - seconds ? &s->events[i] : NULL;
	return NULL;
}

unsigned symptoms_count(const struct symptoms *s, enum fact_code code, int64_t seconds)
{
	unsigned n = 0;
	for (unsigned i = 0; i < s->n_events; i++)
		n += s->events[i].code == code && s->events[i].at >= s->time - seconds;
	return n;
}

bool symptoms_taken_back(const struct symptoms *s, enum fact_code code, enum fact_code by)
{
	for (unsigned i = s->n_events; i-- > 0;)
		if (s->events[i].code == code || s->events[i].code == by)
			return s->events[i].code == by;
	return false;
}

bool symptoms_own_interface(const struct symptoms *s, const char *device)
{
	for (unsigned i = 0; i < s->n_interfaces; i++)
		if (strcmp(s->interfaces[i], device) == 0)
			return true;
	return false;
}

const char *symptoms_setting(const struct symptoms *s, const char *key, char text[SETTING_TEXT])
{
	text[0] = 0;
	return s->conf != NULL ? tunnel_conf_value(s->conf, key, text, SETTING_TEXT) : text;
}
