/*
 * control_order.c - up, down, rekey, reload: they wait until what was ordered is done or has failed.
 */
#include <stdio.h>

#include "control_core.h"
#include "ipc/reloaded.h"

void request_order(struct control *c, uint64_t client, const struct command *self, json_t *request)
{
	bool ike, check;
	enum ike_command_kind kind = self->kind;
	if (!control_get_flag(c, client, request, "ike", &ike) || !control_get_flag(c, client, request, "check", &check) ||
		!control_get_tunnels(c, client, request))
		return;
	json_t *names = json_object_get(request, "tunnels");
	if (json_array_size(names) != 1) {
		control_refuse(c, client, CONTROL_ERROR_BAD_REQUEST, "%s wants exactly one tunnel",
			json_string_value(json_object_get(request, "command")));
		return;
	}
	if ((ike || check) && (kind != COMMAND_REKEY || ike == check)) {
		control_refuse(c, client, CONTROL_ERROR_BAD_REQUEST, "\"ike\" or \"check\" go with rekey only, and not together");
		return;
	}
	kind = ike ? COMMAND_REKEY_IKE : check ? COMMAND_REKEY_CHECK : kind;
	const struct tunnel_conf *t = conf_find(c->ops.conf(c->arg), json_string_value(json_array_get(names, 0)));
	struct pending *p = control_wait(c, client, self, request);
	if (p == NULL)
		return;
	snprintf(p->tunnel, sizeof p->tunnel, "%s", t->name);
	p->token = ++c->token;
	c->ops.command(c->arg, kind, t->id, p->token);
}

void request_reload(struct control *c, uint64_t client, const struct command *self, json_t *request)
{
	bool dry_run;
	if (!control_get_flag(c, client, request, "dry_run", &dry_run))
		return;
	struct pending *p = control_wait(c, client, self, request);
	if (p == NULL)
		return;
	p->token = ++c->token;
	c->ops.reload(c->arg, p->token, dry_run);
}

static json_t *row_json(const struct reload_row *r)
{
	json_t *o = json_object();
	bool fault = r->kind >= RELOAD_ERROR;
	if (fault) {
		json_object_set_new(o, "severity", json_string(r->kind == RELOAD_ERROR ? "error" : "warning"));
		json_object_set_new(o, "file", json_words(r->file));
		json_object_set_new(o, "line", json_integer(r->line));
	}
	json_object_set_new(o, "tunnel", json_words(r->tunnel));
	json_object_set_new(o, "key", json_words(r->key));
	json_object_set_new(o, fault ? "text" : "effect", json_words(r->text));
	return o;
}

static void put_rows(json_t *o, struct bytes rows)
{
	static const char *const words[RELOAD_KIND_COUNT] = { "added", "changed", "removed", "faults", "faults" };
	struct cursor c = cursor_over(rows);
	struct reload_row r;
	for (unsigned i = 0; i <= RELOAD_ERROR; i++)
		json_object_set_new(o, words[i], json_array());
	while (reload_get(&c, &r))
		json_array_append_new(json_object_get(o, words[r.kind]), row_json(&r));
}

/* What the answer is put into: itself, or its "error". */
static json_t *outcome(json_t *answer, bool ok, const char *text)
{
	json_t *o = answer;
	if (ok) {
		json_object_set_new(o, "done", json_true());
	} else {
		o = json_object();
		json_object_set_new(o, "code", json_string(control_error_word(CONTROL_ERROR_FAILED)));
		json_object_set_new(answer, "error", o);
	}
	json_object_set_new(o, "text", json_words(text));
	return o;
}

static void finish(struct control *c, struct pending *place, json_t *answer)
{
	struct pending p = *place; /* its place is free before the answer leaves */
	*place = (struct pending){ 0 };
	control_answer(c, p.client, answer);
	control_pending_clear(&p);
}

static struct pending *pending_of(struct control *c, uint64_t token)
{
	for (unsigned i = 0; token != 0 && i < CONTROL_PENDING_MAX; i++) {
		if (c->pending[i].command != NULL && c->pending[i].token == token)
			return &c->pending[i];
	}
	return NULL;
}

void control_reply(struct control *c, uint64_t token, bool ok, const char *text)
{
	struct pending *p = pending_of(c, token);
	if (p == NULL)
		return;
	json_t *answer = control_versioned();
	if (p->tunnel[0] != 0)
		json_object_set_new(answer, "tunnel", json_string(p->tunnel));
	outcome(answer, ok, text);
	finish(c, p, answer);
}

void control_reloaded(struct control *c, uint64_t token, bool ok, const char *text, struct bytes rows)
{
	struct pending *p = pending_of(c, token);
	if (p == NULL)
		return;
	json_t *answer = control_versioned();
	put_rows(outcome(answer, ok, text), rows);
	finish(c, p, answer);
}
