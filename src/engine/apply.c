/*
 * apply.c - action -> doer, one row per kind. What needs a privilege goes to the keeper; its answer comes back as an event.
 */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

#include "dump.h"
#include "engine.h"

#define NO_TICKET ((struct ike_ticket){ 0, 0 })

static void do_save(struct engine *e, const struct ike_action *a)
{
	bool kept = a->save.noted ? records_note(e->records, a->save.tunnel, a->save.note)
				  : records_save(e->records, a->save.tunnel, a->save.record);
	if (kept)
		return;
	ike_not_saved(e->ike, a->save.tunnel);
	records_no_room(e->records, engine_tunnel_name(e, a->save.tunnel), moment_now().mono);
}

static void do_send(struct engine *e, const struct ike_action *a)
{
	net_send(e->net, &a->send.local, &a->send.remote, a->send.bytes);
}

static void do_keepalive(struct engine *e, const struct ike_action *a) { net_keepalive(e->net, &a->send.local, &a->send.remote); }

static void refuse_job(struct engine *e, struct ike_ticket ticket, int err)
{
	struct ike_job_result *r = work_result_new();
	struct ike_event in = { .kind = EVENT_JOB, .job = { ticket, r } };
	r->err = err;
	engine_post(e, &in, r);
}

/* The keeper holds the pre-shared keys: it makes AUTH and checks it. */
static void ask_auth(struct engine *e, struct ike_ticket ticket, const struct ike_job *j)
{
	struct msg_auth head;
	bool answer = j->kind == JOB_AUTH_ANSWER;
	size_t size = sizeof head + j->message.n + j->nonce.n + j->sk_p.len + j->peer_id.n + j->auth.n + j->ours.message.n +
		      j->ours.nonce.n + j->ours.sk_p.len;
	if (size > IPC_BODY_MAX || j->message.n == 0 || j->auth.n > PRF_MAX) {
		refuse_job(e, ticket, j->auth.n > PRF_MAX ? ERR_INTEGRITY : ERR_TOO_MUCH);
		return;
	}
	memset(&head, 0, sizeof head);
	head.tunnel = j->tunnel;
	head.prf = j->prf;
	head.verify = answer || j->kind == JOB_AUTH_VERIFY;
	head.answer = answer;
	head.initiator = j->initiator;
	head.by_cert = j->by_cert;
	head.hashes = j->hashes;
	head.leaf = j->leaf;
	head.local = j->local;
	head.message_len = (uint32_t)j->message.n;
	head.nonce_len = (uint16_t)j->nonce.n;
	head.sk_p_len = j->sk_p.len;
	head.peer_id_len = (uint16_t)j->peer_id.n;
	head.auth_len = (uint16_t)j->auth.n;
	head.own_message_len = (uint32_t)j->ours.message.n;
	head.own_nonce_len = (uint16_t)j->ours.nonce.n;
	head.own_sk_p_len = j->ours.sk_p.len;
	uint8_t *body = xcalloc(1, size);
	struct buf b = buf_of(body, size);
	put_bytes(&b, &head, sizeof head);
	put_view(&b, j->message);
	put_view(&b, j->nonce);
	put_bytes(&b, j->sk_p.data, j->sk_p.len);
	put_view(&b, j->peer_id);
	put_view(&b, j->auth);
	put_view(&b, j->ours.message);
	put_view(&b, j->ours.nonce);
	put_bytes(&b, j->ours.sk_p.data, j->ours.sk_p.len);
	engine_send(e, MSG_AUTH, ticket, body, size);
	wipe(body, size);
	free(body);
}

static void do_job(struct engine *e, const struct ike_action *a)
{
	switch (a->job.job.kind) {
	case JOB_KE_OFFER:
	case JOB_KE_FINISH:
	case JOB_AUTH_CERT:
	case JOB_KE_ACCEPT: work_submit(e->work, a->job.ticket, &a->job.job, net_alone(e->net)); break;
	case JOB_AUTH_SIGN:
	case JOB_AUTH_ANSWER:
	case JOB_AUTH_VERIFY: ask_auth(e, a->job.ticket, &a->job.job); break;
	}
}

static void do_install(struct engine *e, const struct ike_action *a)
{
	struct {
		struct msg_install head;
		struct esp_switch to;
	} m;
	size_t size = offsetof(typeof(m), to);
	memset(&m.head, 0, sizeof m.head);
	m.head.sas = a->install.sas;
	m.head.after = a->install.after;
	m.head.first = a->install.to != NULL;
	if (a->install.to != NULL) {
		m.head.link = a->install.link;
		memcpy(&m.to, a->install.to, esp_switch_size(a->install.to));
		size += esp_switch_size(a->install.to);
	}
	engine_send(e, MSG_INSTALL, a->install.ticket, &m, size);
	wipe(&m.head, sizeof m.head);
}

static void do_switch(struct engine *e, const struct ike_action *a)
{
	engine_send(e, MSG_SWITCH, a->swtch.ticket, a->swtch.to, esp_switch_size(a->swtch.to));
}

static void do_remove(struct engine *e, const struct ike_action *a)
{
	engine_send(e, MSG_REMOVE, NO_TICKET, &a->remove, sizeof a->remove);
}
static void do_move(struct engine *e, const struct ike_action *a)
{
	engine_send(e, MSG_MOVE, NO_TICKET, &a->move, sizeof a->move);
}
static void do_link(struct engine *e, const struct ike_action *a)
{
	engine_send(e, MSG_LINK, NO_TICKET, &a->link, sizeof a->link);
}

static void do_counters(struct engine *e, const struct ike_action *a)
{
	(void)a;
	engine_ask_counters(e);
}

static void do_resolve(struct engine *e, const struct ike_action *a)
{
	struct msg_resolve m;
	memset(&m, 0, sizeof m);
	m.tunnel = a->resolve.tunnel;
	m.query = a->resolve.query;
	m.remote = a->resolve.remote;
	m.local = a->resolve.local;
	if (a->resolve.name != NULL)
		snprintf(m.name, sizeof m.name, "%s", a->resolve.name);
	engine_send(e, MSG_RESOLVE, NO_TICKET, &m, sizeof m);
}

static void do_report(struct engine *e, const struct ike_action *a) { report_fact(e, a->fact); }

static void do_trace(struct engine *e, const struct ike_action *a)
{
	struct timespec now;
	if (e->verbose >= 2)
		dump(engine_tunnel_name(e, a->trace.tunnel), a);
	clock_gettime(CLOCK_REALTIME, &now);
	control_trace(e->control, (int64_t)now.tv_sec * 1000000 + now.tv_nsec / 1000, a);
}

static void do_reply(struct engine *e, const struct ike_action *a)
{
	if (a->reply.token != 0)
		control_reply(e->control, a->reply.token, a->reply.ok, a->reply.text != NULL ? a->reply.text : "");
}

static void do_idle(struct engine *e, const struct ike_action *a)
{
	(void)a;
	engine_send(e, MSG_IDLE, NO_TICKET, NULL, 0);
}

static void (*const doers[])(struct engine *e, const struct ike_action *a) = {
	[ACTION_SAVE] = do_save,
	[ACTION_SEND] = do_send,
	[ACTION_KEEPALIVE] = do_keepalive,
	[ACTION_JOB] = do_job,
	[ACTION_INSTALL] = do_install,
	[ACTION_SWITCH] = do_switch,
	[ACTION_REMOVE] = do_remove,
	[ACTION_MOVE] = do_move,
	[ACTION_LINK] = do_link,
	[ACTION_COUNTERS] = do_counters,
	[ACTION_RESOLVE] = do_resolve,
	[ACTION_REPORT] = do_report,
	[ACTION_TRACE] = do_trace,
	[ACTION_REPLY] = do_reply,
	[ACTION_IDLE] = do_idle,
};

void engine_apply(struct engine *e, const struct ike_action *a) { doers[a->kind](e, a); }
