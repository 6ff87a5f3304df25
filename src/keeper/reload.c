/*
 * reload.c - reloads that the engine asks for. Each reads all files and writes log lines, so there is one a second at most: who asks meanwhile waits for the
 * next one, and has its answer with the others. SIGHUP is root's and waits for nothing.
 */
#include "keeper.h"

#include <event2/event.h>
#include <stdio.h>
#include <string.h>

#define NO_TICKET ((struct ike_ticket){ 0, 0 })
#define RELOAD_EVERY 1000 /* ms */

static void answer(struct keeper *k, struct msg_reloaded *head, const struct buf *rows)
{
	static uint8_t out[sizeof *head + MSG_RELOADED_ROWS];
	memcpy(out, head, sizeof *head);
	if (rows->len > 0)
		memcpy(out + sizeof *head, rows->data, rows->len);
	keeper_send(k, MSG_RELOADED, NO_TICKET, out, sizeof *head + rows->len);
}

/* One for all that wait for one of that kind. */
static void reload_for(struct keeper *k, bool dry_run)
{
	static uint8_t room[MSG_RELOADED_ROWS];
	struct msg_reloaded head = { 0 };
	struct buf rows = buf_of(room, sizeof room);
	bool done = false;
	for (unsigned i = 0; i < k->reloads.n; i++) {
		if ((k->reloads.v[i].dry_run != 0) != dry_run)
			continue;
		if (!done)
			head.ok = keeper_reload(k, dry_run, head.text, &rows);
		done = true;
		head.token = k->reloads.v[i].token;
		answer(k, &head, &rows);
	}
}

void keeper_reload_waiting(evutil_socket_t fd, short what, void *arg)
{
	struct keeper *k = arg;
	(void)fd, (void)what;
	if (k->phase != PHASE_RUN)
		k->reloads.n = 0;
	if (k->reloads.n == 0)
		return;
	k->reloads.at = keeper_awake();
	reload_for(k, true);
	reload_for(k, false);
	k->reloads.n = 0;
}

void keeper_reload_asked(struct keeper *k, const struct msg_reload *r)
{
	int64_t wait = k->reloads.ever ? k->reloads.at + RELOAD_EVERY - keeper_awake() : 0;
	if (k->reloads.n == RELOADS_WAITING) {
		struct msg_reloaded full = { .token = r->token };
		struct buf none = buf_of(NULL, 0);
		snprintf(full.text, sizeof full.text, "too many reloads are waiting, try again: there is one a second");
		answer(k, &full, &none);
		return;
	}
	k->reloads.v[k->reloads.n++] = *r;
	k->reloads.ever = true;
	if (wait <= 0) {
		keeper_reload_waiting(-1, 0, k);
	} else if (k->reloads.n == 1) {
		struct timeval later = { wait / 1000, wait % 1000 * 1000 };
		evtimer_add(k->reload_timer, &later);
	}
}

void keeper_reload_forget(struct keeper *k) { k->reloads.n = 0; }
