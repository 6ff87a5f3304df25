/*
 * step.c - one event through the protocol, its actions to their doers, then the events that those posted.
 */
#include <stdlib.h>

#include "base/log.h"
#include "engine.h"

static void step_once(struct engine *e, const struct ike_event *in)
{
	records_begin(e->records);
	ike_debug(e->ike, log_wants(LOG_LEVEL_DEBUG) || control_debug_is_followed(e->control));
	ike_step(e->ike, moment_now(), in, &e->actions);
	for (uint32_t i = 0; i < e->actions.n; i++)
		engine_apply(e, &e->actions.v[i]);
	ike_actions_reset(&e->actions);
	records_end(e->records);
}

static struct posted *take_posted(struct engine *e)
{
	struct posted *p = e->posted;
	if (p == NULL)
		return NULL;
	e->posted = p->next;
	if (e->posted == NULL)
		e->posted_last = &e->posted;
	return p;
}

void engine_run_posted(struct engine *e)
{
	e->stepping = true;
	for (struct posted *p; (p = take_posted(e)) != NULL;) {
		step_once(e, &p->in);
		if (p->result != NULL)
			work_result_free(p->result);
		free(p);
	}
	e->stepping = false;
}

void engine_step(struct engine *e, const struct ike_event *in)
{
	e->stepping = true;
	step_once(e, in);
	engine_run_posted(e);
}
