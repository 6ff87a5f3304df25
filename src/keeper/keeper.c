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

#define NO_TICKET ((struct ike_ticket){ 0, 0 })

int64_t keeper_now(void) { return moment_now().mono.ms; }

int64_t keeper_awake(void)
{
	struct timespec ts;
	clock_gettime(CLOCK_MONOTONIC, &ts);
	return (int64_t)ts.tv_sec * 1000 + ts.tv_nsec / 1000000;
}

struct tunnel_run *keeper_tunnel(struct keeper *k, uint32_t id) { return table_get(&k->tunnels, id); }

static void tell_fact(struct keeper *k, const struct fact *f)
{
	struct tunnel_run *t = keeper_tunnel(k, f->tunnel);
	struct log_fields fields = { t != NULL ? t->conf->name : NULL, fact_word(f->code), NULL };
	log_fielded(fact_level(f->code), &fields, "%s%s%s", t != NULL ? t->conf->name : "", t != NULL ? ": " : "", f->text);
	keeper_send(k, MSG_FACT, NO_TICKET, f, sizeof *f);
}

void keeper_fact(
	struct keeper *k, enum fact_code code, enum blame blame, enum fact_subject subject, uint32_t tunnel, const char *fmt, ...)
{
	struct fact f = { .code = code, .blame = blame, .subject = subject, .tunnel = tunnel };
	va_list ap;
	va_start(ap, fmt);
	vsnprintf(f.text, sizeof f.text, fmt, ap);
	va_end(ap);
	tell_fact(k, &f);
}

void keeper_repaired(
	struct keeper *k, enum fact_subject subject, uint32_t tunnel, const char *was, const char *by, const char *fmt, ...)
{
	struct fact f = { .code = FACT_KERNEL_REPAIRED, .blame = BLAME_LOCAL, .subject = subject, .tunnel = tunnel };
	va_list ap;
	snprintf(f.was, sizeof f.was, "%s", was != NULL ? was : "");
	snprintf(f.by, sizeof f.by, "%s", by != NULL ? by : "");
	va_start(ap, fmt);
	vsnprintf(f.text, sizeof f.text, fmt, ap);
	va_end(ap);
	tell_fact(k, &f);
}

void keeper_kernel_tell(struct keeper *k, const struct tunnel_run *t)
{
	struct msg_kernel m = { .tunnel = t->conf->id, .differs = t->differs != NULL };
	snprintf(m.text, sizeof m.text, "%s", m.differs ? t->differs : "");
	keeper_send(k, MSG_KERNEL, NO_TICKET, &m, sizeof m);
}

void keeper_kernel_state(struct keeper *k, uint32_t tunnel, const char *differs)
{
	struct tunnel_run *t = keeper_tunnel(k, tunnel);
	if (t != NULL && keep_text(&t->differs, differs))
		keeper_kernel_tell(k, t);
}

void keeper_send(struct keeper *k, uint32_t kind, struct ike_ticket ticket, const void *body, size_t size)
{
	/* A failed send is reported by the watcher as a lost engine. */
	if (k->engine != NULL && k->set_up)
		ipc_send(k->engine, kind, ticket, body, size);
}

bool keeper_may_complain(struct keeper *k)
{
	unsigned lost;
	bool passes = limit_passes(&k->failures, keeper_now(), LINES_SPAN, LINES_MOST, &lost);
	if (lost > 0)
		log_line(LOG_LEVEL_ERROR, "%u more failures of what the engine asked for were left out", lost);
	return passes;
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
