/*
 * request.c - the table of what the engine may ask, when, and how big it is. What is not in the table ends the engine.
 */
#include "keeper.h"

#include <errno.h>
#include <stdio.h>
#include <string.h>

#include "base/log.h"
#include "grant.h"
#include "ipc/loop.h"
#include "notify.h"

#define SUMMARY_SPAN 1000 /* ms */
#define SUMMARY_MOST 10   /* for the service manager in that span; the last one is not lost */
#define NO_TICKET ((struct ike_ticket){ 0, 0 })

static const struct tunnel_conf *conf_of(struct keeper *k, uint32_t id)
{
	struct tunnel_run *t = keeper_tunnel(k, id);
	return t != NULL ? t->conf : NULL;
}

static void send_results(struct keeper *k, struct ike_ticket ticket, int err, int switch_err)
{
	struct msg_result m = { err < 0 ? -err : err, switch_err < 0 ? -switch_err : switch_err };
	keeper_send(k, MSG_KERNEL_RESULT, ticket, &m, sizeof m);
}

static void send_result(struct keeper *k, struct ike_ticket ticket, int err) { send_results(k, ticket, err, 0); }

/* The words of the kernel, once per failure; the engine reports what it means for the tunnel. */
static void log_failure(struct keeper *k, uint32_t tunnel, const char *what, int err)
{
	const struct tunnel_conf *t = conf_of(k, tunnel);
	if (!keeper_may_complain(k))
		return;
	struct log_fields fields = { t != NULL ? t->name : NULL, NULL, NULL };
	log_fielded(LOG_LEVEL_ERROR, &fields, "%s: kernel: %s: %s (%s)", t != NULL ? t->name : "?", what, k->ops->why(k->kernel),
		strerror(-err));
}

/* What was granted is granted for this peer's address, too. */
static enum grant for_peer(struct keeper *k, uint32_t tunnel, const struct addr *peer, enum grant c)
{
	return c != GRANT_OK || keeper_peer_permitted(k, keeper_tunnel(k, tunnel), peer, NULL) ? c : GRANT_ADDRESS;
}

/* ---------------------------------------------------------------- AUTH: the only use of a pre-shared key, and of a certificate's */
#define ID_MOST (4 + IDENT_MAX)

/* What is signed for us is ours from the configuration on: the engine has no say in who we are. */
static struct bytes own_id_body(const struct tunnel_conf *t, const struct auth_request *r, uint8_t room[ID_MOST])
{
	struct ident id = grant_own_identity(t, &r->head.local);
	struct buf b = buf_of(room, ID_MOST);
	put_u32(&b, (uint32_t)id.type << 24);
	put_bytes(&b, id.data, id.len);
	return buf_view(&b);
}

/* Answered later, by who has the key. */
static void sign_auth(struct keeper *k, struct ike_ticket ticket, const struct auth_request *r)
{
	uint8_t room[ID_MOST];
	struct tunnel_conf *t = keeper_tunnel(k, r->head.tunnel)->conf;
	struct auth_input in = { r->head.prf, r->message, r->nonce, r->sk_p, own_id_body(t, r, room) };
	keeper_sign(k, t, ticket, r->head.hashes, &in);
}

static int verify_auth(const struct tunnel_conf *t, const struct auth_request *r)
{
	uint8_t mac[PRF_MAX];
	size_t len = 0;
	struct auth_input in = { r->head.prf, r->message, r->nonce, r->sk_p, r->peer_id };
	int err = psk_auth(&in, bytes_of(t->psk->data, t->psk->len), mac, &len);
	if (err == ERR_OK)
		err = r->auth.n == len && same_secret(mac, r->auth.p, len) ? ERR_OK : ERR_INTEGRITY;
	wipe(mac, sizeof mac);
	return err;
}

static int make_auth(const struct tunnel_conf *t, const struct auth_request *r, struct msg_auth_result *out)
{
	uint8_t mac[PRF_MAX], room[ID_MOST];
	size_t len = 0;
	bool answer = r->head.answer != 0;
	struct auth_input in = { r->head.prf, answer ? r->own.message : r->message, answer ? r->own.nonce : r->nonce,
		answer ? r->own.sk_p : r->sk_p, own_id_body(t, r, room) };
	int err = in.id_body.n > 0 ? psk_auth(&in, bytes_of(t->psk->data, t->psk->len), mac, &len) : ERR_TOO_MUCH;
	if (err == ERR_OK) {
		memcpy(out->auth, mac, len);
		out->len = (uint16_t)len;
	}
	wipe(mac, sizeof mac);
	return err;
}

/* The answer of a responder is for nobody who has not proven itself. */
static int compute_auth(const struct tunnel_conf *t, const struct auth_request *r, struct msg_auth_result *out)
{
	int err = r->head.verify ? verify_auth(t, r) : ERR_OK;
	return err == ERR_OK && (!r->head.verify || r->head.answer) ? make_auth(t, r, out) : err;
}

static enum grant do_auth(struct keeper *k, const struct ipc_message *m)
{
	struct auth_request r;
	struct msg_auth_result out = { 0 };
	k->proven = NO_TICKET;
	if (!auth_request_parse(&r, bytes_of(m->body, m->head.size)))
		return GRANT_BROKEN;
	const struct tunnel_conf *t = conf_of(k, r.head.tunnel);
	enum grant c = grant_auth(t, &r);
	if (c == GRANT_BROKEN)
		return c;
	/* Where neither local-id nor local is written our address is our identity: one of this machine's, not one that the engine likes. */
	bool named = (r.head.verify && !r.head.answer) || c != GRANT_OK || t->local_id.type != 0 || t->local.family != 0;
	if (!named && !udp_own_address(&r.head.local))
		c = GRANT_DENIED;
	bool other = c == GRANT_OK && grant_auth_stale(t, &r);
	if (c == GRANT_OK && r.head.by_cert && !other) {
		sign_auth(k, m->head.ticket, &r);
		return c;
	}
	out.err = other ? ERR_STALE : c == GRANT_OK ? compute_auth(t, &r, &out) : ERR_NO_MATCH;
	if (out.err == ERR_OK && r.head.verify)
		k->proven = m->head.ticket;
	keeper_send(k, MSG_AUTH_RESULT, m->head.ticket, &out, sizeof out);
	wipe(&out, sizeof out);
	return c;
}

/* ---------------------------------------------------------------- SAs */
static struct esp_held *record_of(struct keeper *k, const struct esp_sa *sa)
{
	return keeper_sa(k, sa->tunnel, sa->dir, sa->spi);
}

static void note_sa(struct tunnel_run *t, const struct esp_sa *sa)
{
	struct esp_held h = {
		.tunnel = sa->tunnel, .spi = sa->spi, .dir = sa->dir, .encap = sa->encap, .local = sa->local, .remote = sa->remote
	};
	keeper_sa_note(t, &h);
}

static int add_sa(struct keeper *k, const struct esp_sa *sa)
{
	int err = k->ops->sa_add(k->kernel, sa);
	if (err != 0 && err != -EEXIST)
		log_failure(k, sa->tunnel, "an SA cannot be installed", err);
	if (err == 0 && !k->opt.null_kernel && k->ops->why(k->kernel)[0] != 0)
		log_line(LOG_LEVEL_WARNING, "%s: %s", conf_of(k, sa->tunnel)->name, k->ops->why(k->kernel));
	if (err != 0)
		keeper_sa_drop(k, record_of(k, sa));
	return err;
}

/* By our own record: it knows under which addresses the kernel holds it. */
static void remove_sa(struct keeper *k, struct esp_held *r)
{
	struct esp_remove gone = { r->tunnel, r->dir, r->spi, r->local, r->remote };
	int err = k->ops->sa_del(k->kernel, &gone);
	if (err != 0)
		log_failure(k, gone.tunnel, "an SA cannot be removed", err);
	keeper_sa_drop(k, r);
}

/* Both or none. The records first: an SA that nobody knows of would not outlive us. */
static int install(struct keeper *k, const struct esp_pair *sas)
{
	struct tunnel_run *t = keeper_tunnel(k, sas->out.tunnel);
	if (t->n_sas + 2 > SAS_PER_TUNNEL)
		return -ENOSPC;
	int err = keeper_tunnel_ensure(k, t);
	if (err == 0 && (record_of(k, &sas->out) != NULL || record_of(k, &sas->in) != NULL))
		err = -EEXIST;
	if (err != 0)
		return err;
	note_sa(t, &sas->out);
	note_sa(t, &sas->in);
	keeper_save_tunnel(k, t);
	err = add_sa(k, &sas->out);
	if (err != 0) {
		keeper_sa_drop(k, record_of(k, &sas->in));
		return err;
	}
	err = add_sa(k, &sas->in);
	if (err != 0)
		remove_sa(k, record_of(k, &sas->out));
	return err;
}

/* What was granted: an SA of the tunnel's, or none. Not saved yet. */
static int switch_to(struct keeper *k, const struct esp_switch *s)
{
	struct tunnel_run *t = keeper_tunnel(k, s->tunnel);
	int err = keeper_tunnel_ensure(k, t);
	if (err == 0 && s->spi_out != 0 && keeper_sa(k, s->tunnel, ESP_OUT, s->spi_out) == NULL)
		err = -ESRCH;
	else if (err == 0 && (err = k->ops->sa_switch(k->kernel, s)) != 0)
		log_failure(k, s->tunnel, "traffic cannot be switched to the new SA", err);
	else if (err == 0 && s->slot != 0)
		keeper_switch_set(t, s);
	return err;
}

static void set_link(struct keeper *k, const struct esp_link_state *s)
{
	struct tunnel_run *t = keeper_tunnel(k, s->tunnel);
	t->link = *s;
	t->linked = true;
	if (s->state == LINK_UP)
		t->up = *s;
	keeper_save_tunnel(k, t);
	int err = keeper_tunnel_ensure(k, t);
	/* Without an interface "down" is done already. */
	if (err != 0)
		return;
	err = k->ops->tunnel_link(k->kernel, s);
	keeper_reconcile_soon(k);
	if (err != 0 && keeper_may_complain(k))
		keeper_fact(k, FACT_KERNEL_FAILED, BLAME_LOCAL, SUBJECT_INTERFACE, s->tunnel, "interface %s: %s (%s)",
			t->conf->interface, k->ops->why(k->kernel), strerror(-err));
}

/* Each step only when the one before it succeeded. */
static void install_first(struct keeper *k, struct ike_ticket ticket, const struct msg_install *in, const struct esp_switch *s)
{
	int err = install(k, &in->sas), switch_err = err == 0 ? switch_to(k, s) : 0;
	if (err == 0 && switch_err == 0)
		set_link(k, &in->link); /* and saves, the switch with it */
	send_results(k, ticket, err, switch_err);
}

static bool is_proven(const struct keeper *k, const struct msg_install *in)
{
	return in->after.job == 0 || (in->after.job == k->proven.job && in->after.sa == k->proven.sa);
}

static enum grant do_install(struct keeper *k, const struct ipc_message *m)
{
	struct msg_install in;
	struct esp_switch s; /* large: of its selectors only what came is there */
	memset(&s, 0, offsetof(struct esp_switch, ts));
	memcpy(&in, m->body, sizeof in);
	size_t rest = m->head.size - sizeof in;
	memcpy(&s, m->body + sizeof in, rest);
	uint32_t id = in.sas.out.tunnel;
	const struct tunnel_conf *t = conf_of(k, id);
	enum grant c = in.first == (rest > 0) ? grant_pair(t, &in.sas) : GRANT_BROKEN;
	if (c != GRANT_BROKEN && in.first) {
		enum grant more = grant_first(t, &in.sas, &s, rest, &in.link);
		c = c == GRANT_OK || more == GRANT_BROKEN ? more : c;
	}
	const struct addr *peers[] = { &in.sas.out.remote, &in.sas.in.remote, &s.remote, &in.link.remote };
	for (unsigned i = 0; i < (in.first ? 4u : 2u); i++)
		c = for_peer(k, id, peers[i], c);
	if (c == GRANT_OK && !is_proven(k, &in))
		send_result(k, m->head.ticket, -EPERM);
	else if (c == GRANT_OK && in.first)
		install_first(k, m->head.ticket, &in, &s);
	else if (c == GRANT_OK)
		send_result(k, m->head.ticket, install(k, &in.sas));
	wipe(&in, sizeof in);
	return c;
}

static enum grant do_switch(struct keeper *k, const struct ipc_message *m)
{
	struct esp_switch s; /* the head is there: the table says so */
	memcpy(&s, m->body, m->head.size);
	enum grant c = grant_switch(conf_of(k, s.tunnel), &s, m->head.size);
	if (switch_has_ends(&s))
		c = for_peer(k, s.tunnel, &s.remote, c);
	else
		s.local = s.remote = (struct addr){ 0 }; /* nobody judged them, and a VTI has them as its ends */
	if (c != GRANT_OK)
		return c;
	int err = switch_to(k, &s);
	if (err == 0)
		keeper_save_tunnel(k, keeper_tunnel(k, s.tunnel));
	send_result(k, m->head.ticket, err);
	return c;
}

static enum grant do_remove(struct keeper *k, const struct ipc_message *m)
{
	struct esp_remove r;
	memcpy(&r, m->body, sizeof r);
	enum grant c = grant_remove(conf_of(k, r.tunnel), &r);
	struct esp_held *record = c == GRANT_OK ? keeper_sa(k, r.tunnel, r.dir, r.spi) : NULL;
	if (record != NULL) /* else it expired meanwhile */
		remove_sa(k, record);
	return c;
}

static enum grant do_move(struct keeper *k, const struct ipc_message *m)
{
	struct esp_move v;
	memcpy(&v, m->body, sizeof v);
	enum grant c = for_peer(k, v.tunnel, &v.new_remote, grant_move(conf_of(k, v.tunnel), &v));
	if (c == GRANT_BROKEN || c == GRANT_GONE)
		return c;
	struct esp_held *in = keeper_sa(k, v.tunnel, ESP_IN, v.spi_in), *out = keeper_sa(k, v.tunnel, ESP_OUT, v.spi_out);
	int err = in == NULL || out == NULL ? -ESRCH : c != GRANT_OK ? -EPERM : 0;
	if (err == 0) {
		/* By our own record, as above: under other addresses the same SPI may be somebody else's. */
		v.old_local = in->local;
		v.old_remote = in->remote;
		err = k->ops->sa_move(k->kernel, &v);
	}
	if (err == 0) {
		in->local = out->local = v.new_local;
		in->remote = out->remote = v.new_remote;
		in->encap = out->encap = v.encap;
		keeper_save_tunnel(k, keeper_tunnel(k, v.tunnel));
		return c;
	}
	if (err != -ESRCH && err != -EPERM && err != -EOPNOTSUPP)
		log_failure(k, v.tunnel, "an SA pair cannot follow the peer's address", err);
	/* What cannot be changed in place is rekeyed; that is the ordinary way for a VTI, and when encapsulation comes or goes. */
	bool by_in = v.spi_in != 0;
	struct msg_expire soft = {
		.tunnel = v.tunnel, .spi = by_in ? v.spi_in : v.spi_out, .dir = by_in ? ESP_IN : ESP_OUT, .hard = false
	};
	keeper_send(k, MSG_EXPIRE, NO_TICKET, &soft, sizeof soft);
	return c;
}

static enum grant do_link(struct keeper *k, const struct ipc_message *m)
{
	struct esp_link_state s;
	memcpy(&s, m->body, sizeof s);
	enum grant c = grant_link(conf_of(k, s.tunnel), &s);
	if (s.state == LINK_UP)
		c = for_peer(k, s.tunnel, &s.remote, c);
	if (c == GRANT_OK)
		set_link(k, &s);
	return c;
}

/* ---------------------------------------------------------------- questions */
struct count_out {
	struct keeper *k;
	struct msg_counters m;
};

static void count_flush(struct count_out *o, bool more)
{
	o->m.more = more;
	keeper_send(o->k, MSG_COUNTERS, NO_TICKET, &o->m, offsetof(struct msg_counters, v) + o->m.n * sizeof o->m.v[0]);
	o->m.n = 0;
}

static void count_one(void *arg, uint32_t tunnel, const struct esp_counters *c)
{
	struct count_out *o = arg;
	/* What was never used has nothing to tell, and of thousands of tunnels most are idle. They begin anew when it is moved (MIGRATE). */
	bool used = c->packets > 0 || c->replay_errors > 0 || c->integrity_errors > 0;
	if (!used && !o->k->told)
		return;
	struct esp_held *r = keeper_sa(o->k, tunnel, c->dir, c->spi);
	if (r == NULL || (!used && !r->told))
		return;
	r->told = used;
	o->k->tells |= used;
	if (o->m.n == MSG_COUNTERS_MAX)
		count_flush(o, true);
	o->m.v[o->m.n++] = *c;
}

static enum grant do_counters(struct keeper *k, const struct ipc_message *m)
{
	struct count_out o = { .k = k };
	(void)m;
	k->told = k->tells;
	k->tells = false;
	int err = k->ops->counters(k->kernel, count_one, &o);
	k->tells |= err != 0; /* not all were seen */
	if (err != 0 && keeper_may_complain(k))
		log_line(LOG_LEVEL_WARNING, "the kernel's counters cannot be read: %s", k->ops->why(k->kernel));
	count_flush(&o, false);
	return GRANT_OK;
}

static enum grant do_resolve(struct keeper *k, const struct ipc_message *m)
{
	struct msg_resolve r;
	memcpy(&r, m->body, sizeof r);
	enum grant c = grant_resolve(conf_of(k, r.tunnel), &r);
	if (c == GRANT_OK)
		keeper_resolve(k, &r);
	return c;
}

static enum grant do_reload(struct keeper *k, const struct ipc_message *m)
{
	struct msg_reload r;
	memcpy(&r, m->body, sizeof r);
	keeper_reload_asked(k, &r);
	return GRANT_OK;
}

static enum grant do_summary(struct keeper *k, const struct ipc_message *m)
{
	struct msg_summary s;
	memcpy(&s, m->body, sizeof s);
	k->up = s.up;
	k->total = s.total;
	unsigned lost;
	k->status_due = !limit_passes(&k->summaries, keeper_now(), SUMMARY_SPAN, SUMMARY_MOST, &lost);
	if (!k->status_due)
		keeper_status(k);
	return GRANT_OK;
}

static enum grant do_ready(struct keeper *k, const struct ipc_message *m)
{
	(void)m;
	k->phase = PHASE_RUN;
	if (k->ready)
		log_line(LOG_LEVEL_NOTICE, "the engine runs again");
	else
		log_line(LOG_LEVEL_NOTICE, "ready: %u tunnel%s configured", k->conf->n, k->conf->n == 1 ? "" : "s");
	notify(k->ready ? "STATUS=running" : "READY=1\nSTATUS=running");
	if (!k->ready)
		loop_trim_soon(k->base);
	k->ready = true;
	return GRANT_OK;
}

static enum grant do_pong(struct keeper *k, const struct ipc_message *m)
{
	(void)m;
	if (!k->pinged)
		return GRANT_OK; /* nobody asked */
	k->pinged = false;
	k->pong_at = keeper_awake();
	notify("WATCHDOG=1");
	return GRANT_OK;
}

static enum grant do_idle(struct keeper *k, const struct ipc_message *m)
{
	(void)m;
	keeper_stopped(k);
	return GRANT_OK;
}

/* ---------------------------------------------------------------- the table */
#define ALIVE (PHASE_RUN | PHASE_STOP)
static const struct row {
	const char *name;
	size_t min, max;
	unsigned phases;
	bool answered; /* a refusal is answered by MSG_KERNEL_RESULT too */
	enum grant (*fn)(struct keeper *k, const struct ipc_message *m);
} rows[MSG_KIND_COUNT] = {
#define EXACT(type) sizeof(type), sizeof(type)
	[MSG_READY] = { "ready", 0, 0, PHASE_START, false, do_ready },
	[MSG_PONG] = { "pong", 0, 0, PHASE_START | ALIVE, false, do_pong },
	[MSG_AUTH] = { "auth", sizeof(struct msg_auth), IPC_BODY_MAX, ALIVE, false, do_auth },
	[MSG_INSTALL] = { "install", sizeof(struct msg_install), sizeof(struct msg_install) + sizeof(struct esp_switch), ALIVE,
		true, do_install },
	[MSG_SWITCH] = { "switch", offsetof(struct esp_switch, ts), sizeof(struct esp_switch), ALIVE, true, do_switch },
	[MSG_REMOVE] = { "remove", EXACT(struct esp_remove), ALIVE, false, do_remove },
	[MSG_MOVE] = { "move", EXACT(struct esp_move), ALIVE, false, do_move },
	[MSG_LINK] = { "link", EXACT(struct esp_link_state), ALIVE, false, do_link },
	[MSG_ASK_COUNTERS] = { "counters", 0, 0, ALIVE, false, do_counters },
	[MSG_RESOLVE] = { "resolve", EXACT(struct msg_resolve), ALIVE, false, do_resolve },
	[MSG_RELOAD] = { "reload", EXACT(struct msg_reload), PHASE_RUN, false, do_reload },
	[MSG_SUMMARY] = { "summary", EXACT(struct msg_summary), ALIVE, false, do_summary },
	[MSG_IDLE] = { "idle", 0, 0, PHASE_STOP, false, do_idle },
};

static void log_refusal(struct keeper *k, const char *request, enum grant c)
{
	unsigned lost;
	if (c != GRANT_DENIED) {
		log_line(LOG_LEVEL_DEBUG, "engine: request refused: %s: %s", request, grant_word(c));
		return;
	}
	bool passes = limit_passes(&k->refusals, keeper_now(), LINES_SPAN, LINES_MOST, &lost);
	if (lost > 0)
		log_line(LOG_LEVEL_WARNING, "engine: %u more requests were refused", lost);
	if (passes)
		log_line(LOG_LEVEL_WARNING, "engine: request refused: %s: %s", request, grant_word(c));
}

void keeper_request(struct keeper *k, struct ipc_message *m)
{
	const struct row *r = m->head.kind < MSG_KIND_COUNT ? &rows[m->head.kind] : NULL;
	if (r == NULL || r->fn == NULL) {
		engine_fail(k, "it asked for something unknown");
		return;
	}
	if (m->n_fds > 0) {
		engine_fail(k, "it sent descriptors with a request");
		return;
	}
	if (m->head.size < r->min || m->head.size > r->max) {
		engine_fail(k, "it sent a request of a wrong size");
		return;
	}
	if ((r->phases & k->phase) == 0) {
		/* A reload that was asked for while the shutdown was on its way is late, not hostile. */
		if (m->head.kind != MSG_RELOAD)
			engine_fail(k, "it asked for something at a wrong time");
		return;
	}
	enum grant c = r->fn(k, m);
	if (c == GRANT_OK)
		return;
	if (c == GRANT_BROKEN) {
		log_line(LOG_LEVEL_ERROR, "engine: malformed request: %s", r->name);
		engine_fail(k, "it sent a malformed request");
		return;
	}
	log_refusal(k, r->name, c);
	if (r->answered)
		send_result(k, m->head.ticket, c == GRANT_GONE ? -ENODEV : -EPERM);
}
