/*
 * keeper.c - what every file of the keeper may do: the clocks, a tunnel by its number, words to the engine, the log and the service manager.
 */
#include "keeper.h"

#include <event2/event.h>
#include <stdio.h>
#include <string.h>
#include <time.h>

#include "base/log.h"
#include "ipc/loop.h"
#include "notify.h"

int64_t keeper_now(void) { return moment_now().mono.ms; }

int64_t keeper_awake(void)
{
	struct timespec ts;
	clock_gettime(CLOCK_MONOTONIC, &ts);
	return (int64_t)ts.tv_sec * 1000 + ts.tv_nsec / 1000000;
}

struct tunnel_run *keeper_tunnel(struct keeper *k, uint32_t id) { return table_get(&k->tunnels, id); }

void keeper_fact(
	struct keeper *k, enum fact_code code, enum blame blame, enum fact_subject subject, uint32_t tunnel, const char *fmt, ...)
{
	struct tunnel_run *t = keeper_tunnel(k, tunnel);
	struct fact f;
	memset(&f, 0, sizeof f);
	f.code = code;
	f.blame = blame;
	f.subject = subject;
	f.tunnel = tunnel;
	va_list ap;
	va_start(ap, fmt);
	vsnprintf(f.text, sizeof f.text, fmt, ap);
	va_end(ap);
	struct log_fields fields = { t != NULL ? t->conf->name : NULL, fact_word(code), NULL };
	log_fielded(fact_level(code), &fields, "%s: %s", t != NULL ? t->conf->name : "-", f.text);
	keeper_send(k, MSG_FACT, (struct ike_ticket){ 0, 0 }, &f, sizeof f);
}

void keeper_send(struct keeper *k, uint32_t kind, struct ike_ticket ticket, const void *body, size_t size)
{
	/* A failed send is reported by the watcher as a lost engine. */
	if (k->engine != NULL)
		ipc_send(k->engine, kind, ticket, body, size);
}

void keeper_exit(struct keeper *k, int exit_code)
{
	k->exit_code = exit_code;
	event_base_loopbreak(k->base);
}

void keeper_status(const struct keeper *k)
{
	notify("STATUS=%u of %u tunnels up%s", k->up, k->total,
		k->refused ? "; settings on disk are refused (s2sctl reload says why)" : "");
}

void keeper_stopped(struct keeper *k)
{
	if (k->leaving)
		return;
	k->leaving = true;
	keeper_exit(k, 0);
}
