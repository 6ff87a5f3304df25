/*
 * control_order.c - up, down, rekey, reload: they wait until what was ordered is done or has failed.
 */
#include <stdio.h>
#include <string.h>

#include "control_core.h"

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

/* What came back may be a JSON object (its members join the answer) or words. */
static json_t *outcome(const struct pending *p, bool ok, const char *text)
{
	json_t *o = control_versioned(), *told = text != NULL ? json_loads(text, JSON_REJECT_DUPLICATES, NULL) : NULL;
	json_t *inner = ok ? o : json_object();
	if (p->tunnel[0] != 0)
		json_object_set_new(o, "tunnel", json_string(p->tunnel));
	if (ok)
		json_object_set_new(o, "done", json_true());
	else
		json_object_set_new(inner, "code", json_string("failed"));
	if (json_is_object(told) && ok)
		json_object_update_missing(inner, told);
	else if (json_is_object(told))
		json_object_update(inner, told);
	if (json_object_get(inner, "text") == NULL)
		json_object_set_new(inner, "text", json_is_object(told) ? json_null() : json_words(text));
	if (!ok)
		json_object_set_new(o, "error", inner);
	if (told != NULL)
		json_decref(told);
	return o;
}

void control_reply(struct control *c, uint64_t token, bool ok, const char *text)
{
	for (unsigned i = 0; token != 0 && i < CONTROL_PENDING_MAX; i++) {
		if (c->pending[i].command == NULL || c->pending[i].token != token)
			continue;
		struct pending p = c->pending[i];
		c->pending[i] = (struct pending){ 0 };
		control_answer(c, p.client, outcome(&p, ok, text));
		control_pending_clear(&p);
		return;
	}
}
