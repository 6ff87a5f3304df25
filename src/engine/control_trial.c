/*
 * control_trial.c - who tries UDP encapsulation for a tunnel. The protocol goes back when its minute is over, and at once when the client is gone.
 */
#include <stdio.h>

#include "control_core.h"

static struct trial *trial_of(struct control *c, uint32_t tunnel)
{
	for (unsigned i = 0; i < TRIALS_MAX; i++) {
		if (c->trials[i].used && c->trials[i].tunnel == tunnel)
			return &c->trials[i];
	}
	return NULL;
}

static struct trial *free_place(struct control *c)
{
	for (unsigned i = 0; i < TRIALS_MAX; i++) {
		if (!c->trials[i].used)
			return &c->trials[i];
	}
	return NULL;
}

void request_encapsulate(struct control *c, uint64_t client, const struct command *self, json_t *request)
{
	if (!control_get_tunnels(c, client, request))
		return;
	json_t *names = json_object_get(request, "tunnels");
	if (json_array_size(names) != 1) {
		control_refuse(c, client, CONTROL_ERROR_BAD_REQUEST, "encapsulate wants exactly one tunnel");
		return;
	}
	const struct tunnel_conf *t = conf_find(c->ops.conf(c->arg), json_string_value(json_array_get(names, 0)));
	struct trial *place = free_place(c);
	if (place == NULL || trial_of(c, t->id) != NULL) {
		control_refuse(c, client, CONTROL_ERROR_BUSY,
			place == NULL ? "UDP encapsulation is tried for too many tunnels"
				      : "another client tries it for this tunnel");
		return;
	}
	struct pending *p = control_wait(c, client, self, request);
	if (p == NULL)
		return;
	*place = (struct trial){ .used = true, .client = client, .tunnel = t->id };
	snprintf(p->tunnel, sizeof p->tunnel, "%s", t->name);
	p->token = ++c->token;
	c->ops.command(c->arg, self->kind, t->id, p->token);
}

void trial_client_gone(struct control *c, uint64_t client)
{
	for (unsigned i = 0; i < TRIALS_MAX; i++) {
		uint32_t tunnel = c->trials[i].tunnel;
		if (!c->trials[i].used || c->trials[i].client != client)
			continue;
		c->trials[i] = (struct trial){ 0 };
		c->ops.command(c->arg, COMMAND_UNENCAPSULATE, tunnel, 0);
	}
}
