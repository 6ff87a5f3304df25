/*
 * engine.c - what every file of the engine may do: put an event of its own in the queue, speak to the keeper.
 */
#include "engine.h"

#include <event2/event.h>

void engine_post(struct engine *e, const struct ike_event *in, struct ike_job_result *result)
{
	struct posted *p = xcalloc(1, sizeof *p);
	p->in = *in;
	p->result = result;
	*e->posted_last = p;
	e->posted_last = &p->next;
	if (!e->stepping)
		event_active(e->soon, EV_TIMEOUT, 0);
}

void engine_send(struct engine *e, uint32_t kind, struct ike_ticket ticket, const void *body, size_t size)
{
	/* A keeper that is gone is noticed by the watcher; one that does not read for so long is no keeper. */
	ipc_send(e->ipc, kind, ticket, body, size);
}

void engine_ask_counters(struct engine *e)
{
	if (e->counting)
		return;
	e->counting = true;
	engine_send(e, MSG_ASK_COUNTERS, (struct ike_ticket){ 0, 0 }, NULL, 0);
}
