/*
 * message.c - what the keeper says -> what the protocol sees. One row per message, with its size.
 */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/log.h"
#include "engine.h"

static void in_conf(struct engine *e, struct ipc_message *m)
{
	struct bytes packed = m->n_fds == 1 ? ipc_blob_map(m->fds[0]) : bytes_of(NULL, 0);
	struct conf *c = packed.p != NULL ? conf_unpack_since(packed, e->conf) : NULL;
	ipc_blob_unmap(packed);
	if (c == NULL) {
		log_line(LOG_LEVEL_ERROR, "engine: the configuration did not arrive in order");
		exit(1);
	}
	engine_configure(e, c);
}

static void in_held(struct engine *e, struct ipc_message *m)
{
	static struct msg_held h;
	memcpy(&h, m->body, m->head.size);
	if (!e->ready && h.n <= MSG_HELD_MAX && m->head.size == offsetof(struct msg_held, v) + h.n * sizeof h.v[0])
		records_held(e->records, h.v, h.n);
}

static void in_result(struct engine *e, struct ipc_message *m)
{
	struct msg_result r;
	memcpy(&r, m->body, sizeof r);
	struct ike_event in = { .kind = EVENT_KERNEL_RESULT, .kernel = { m->head.ticket, r.err, r.switch_err } };
	engine_step(e, &in);
}

static void in_auth(struct engine *e, struct ipc_message *m)
{
	struct msg_auth_result r;
	struct ike_job_result out;
	memset(&out, 0, sizeof out);
	memcpy(&r, m->body, sizeof r);
	out.err = r.err;
	memcpy(out.why, r.why, sizeof out.why - 1);
	if (r.len <= sizeof out.auth) {
		out.auth_len = r.len;
		out.scheme = sign_scheme(r.scheme) != NULL ? r.scheme : 0;
		memcpy(out.auth, r.auth, r.len);
	}
	struct ike_event in = { .kind = EVENT_JOB, .job = { m->head.ticket, &out } };
	engine_step(e, &in);
	wipe(&out, sizeof out);
	wipe(&r, sizeof r);
}

static void in_expire(struct engine *e, struct ipc_message *m)
{
	struct msg_expire x;
	memcpy(&x, m->body, sizeof x);
	struct ike_event in = { .kind = EVENT_EXPIRE, .expire = { x.tunnel, x.spi, x.dir, x.hard != 0, x.lost != 0 } };
	engine_step(e, &in);
}

static void in_mapping(struct engine *e, struct ipc_message *m)
{
	struct msg_mapping x;
	memcpy(&x, m->body, sizeof x);
	struct ike_event in = { .kind = EVENT_MAPPING, .mapping = { x.tunnel, x.spi, x.remote } };
	engine_step(e, &in);
}

static void in_acquire(struct engine *e, struct ipc_message *m)
{
	struct msg_acquire x;
	memcpy(&x, m->body, sizeof x);
	struct ike_event in = { .kind = EVENT_ACQUIRE, .acquire = { x.tunnel, x.local, x.remote } };
	engine_step(e, &in);
}

static void in_counters(struct engine *e, struct ipc_message *m)
{
	static struct msg_counters c; /* too big for the stack's taste; one thread */
	memcpy(&c, m->body, m->head.size);
	if (c.n > MSG_COUNTERS_MAX || m->head.size != offsetof(struct msg_counters, v) + c.n * sizeof c.v[0])
		return;
	struct ike_event in = { .kind = EVENT_COUNTERS, .counters = { c.n, c.v, c.more != 0 } };
	engine_step(e, &in);
	if (c.more != 0)
		return;
	e->counting = false;
	control_counters(e->control);
	if (!e->status_wanted)
		return;
	e->status_wanted = false;
	report_status(e);
}

static void in_resolved(struct engine *e, struct ipc_message *m)
{
	struct msg_resolved r;
	memcpy(&r, m->body, sizeof r);
	r.why[sizeof r.why - 1] = 0;
	struct ike_event in = { .kind = EVENT_RESOLVED, .resolved = { .tunnel = r.tunnel, .query = r.query } };
	in.resolved.n = r.n <= RESOLVED_MAX ? r.n : 0;
	memcpy(in.resolved.v, r.v, sizeof r.v);
	in.resolved.why = in.resolved.n == 0 ? r.why : NULL;
	in.resolved.no_route = in.resolved.n == 0 && r.no_route;
	engine_step(e, &in);
}

static void in_tunnel(struct engine *e, struct ipc_message *m)
{
	struct msg_tunnel t;
	memcpy(&t, m->body, sizeof t);
	t.why[sizeof t.why - 1] = 0;
	struct ike_event in = { .kind = EVENT_TUNNEL, .tunnel = { t.tunnel, t.usable ? NULL : t.why } };
	engine_step(e, &in);
}

static void in_path_changed(struct engine *e, struct ipc_message *m)
{
	struct ike_event in = { .kind = EVENT_PATH_CHANGED };
	(void)m;
	engine_step(e, &in);
}

static void in_command(struct engine *e, struct ipc_message *m)
{
	struct msg_command c;
	memcpy(&c, m->body, sizeof c);
	struct ike_event in = { .kind = EVENT_COMMAND, .command = { (enum ike_command_kind)c.kind, c.tunnel, c.token } };
	engine_step(e, &in);
}

static void in_status(struct engine *e, struct ipc_message *m)
{
	(void)m;
	e->status_wanted = true;
	engine_ask_counters(e);
}

static void in_reloaded(struct engine *e, struct ipc_message *m)
{
	struct msg_reloaded r;
	memcpy(&r, m->body, sizeof r);
	r.text[sizeof r.text - 1] = 0;
	control_reloaded(e->control, r.token, r.ok != 0, r.text, bytes_of(m->body + sizeof r, m->head.size - sizeof r));
}

static void in_fact(struct engine *e, struct ipc_message *m)
{
	struct fact f;
	memcpy(&f, m->body, sizeof f);
	f.text[sizeof f.text - 1] = f.was[sizeof f.was - 1] = f.now[sizeof f.now - 1] = f.by[sizeof f.by - 1] = 0;
	f.ours[sizeof f.ours - 1] = f.theirs[sizeof f.theirs - 1] = 0;
	if ((unsigned)f.code < FACT_COUNT)
		control_fact(e->control, moment_now(), &f);
}

static void in_kernel(struct engine *e, struct ipc_message *m)
{
	struct msg_kernel k;
	memcpy(&k, m->body, sizeof k);
	k.text[sizeof k.text - 1] = 0;
	if (engine_tunnel_name(e, k.tunnel) == NULL || !control_kernel(e->control, k.tunnel, k.differs != 0 ? k.text : NULL))
		return;
	struct fact f = { .code = k.differs != 0 ? FACT_PROBLEM : FACT_PROBLEM_OVER,
		.blame = k.differs != 0 ? BLAME_LOCAL : BLAME_NONE,
		.tunnel = k.tunnel };
	snprintf(k.differs != 0 ? f.now : f.was, FACT_VALUE, "%s", problem_word(PROBLEM_KERNEL_DIFFERS));
	if (k.differs != 0)
		snprintf(f.text, sizeof f.text, "the kernel has not what the tunnel needs, and it cannot be put back: %.180s",
			k.text);
	else
		snprintf(f.text, sizeof f.text, "the kernel has all that the tunnel needs again");
	report_fact(e, &f);
}

static void in_ping(struct engine *e, struct ipc_message *m) { engine_send(e, MSG_PONG, m->head.ticket, NULL, 0); }

static const struct row {
	size_t min, max;
	void (*fn)(struct engine *e, struct ipc_message *m);
} rows[MSG_KIND_COUNT] = {
#define EXACT(type) sizeof(type), sizeof(type)
	[MSG_HELD] = { offsetof(struct msg_held, v), sizeof(struct msg_held), in_held },
	[MSG_CONF] = { 0, 0, in_conf },
	[MSG_KERNEL_RESULT] = { EXACT(struct msg_result), in_result },
	[MSG_AUTH_RESULT] = { EXACT(struct msg_auth_result), in_auth },
	[MSG_EXPIRE] = { EXACT(struct msg_expire), in_expire },
	[MSG_MAPPING] = { EXACT(struct msg_mapping), in_mapping },
	[MSG_ACQUIRE] = { EXACT(struct msg_acquire), in_acquire },
	[MSG_COUNTERS] = { offsetof(struct msg_counters, v), sizeof(struct msg_counters), in_counters },
	[MSG_RESOLVED] = { EXACT(struct msg_resolved), in_resolved },
	[MSG_TUNNEL] = { EXACT(struct msg_tunnel), in_tunnel },
	[MSG_PATH_CHANGED] = { 0, 0, in_path_changed },
	[MSG_COMMAND] = { EXACT(struct msg_command), in_command },
	[MSG_STATUS] = { 0, 0, in_status },
	[MSG_RELOADED] = { sizeof(struct msg_reloaded), sizeof(struct msg_reloaded) + MSG_RELOADED_ROWS, in_reloaded },
	[MSG_FACT] = { EXACT(struct fact), in_fact },
	[MSG_KERNEL] = { EXACT(struct msg_kernel), in_kernel },
	[MSG_PING] = { 0, 0, in_ping },
};

void engine_message(struct engine *e, struct ipc_message *m)
{
	const struct row *r = m->head.kind < MSG_KIND_COUNT ? &rows[m->head.kind] : NULL;
	if (r == NULL || r->fn == NULL || m->head.size < r->min || m->head.size > r->max) {
		log_line(LOG_LEVEL_ERROR, "engine: message %u from the keeper is not understood", m->head.kind);
		return;
	}
	r->fn(e, m);
}
