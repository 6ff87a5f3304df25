/*
 * control_json.c - see control_json.h. The members of `status` are a promise to scripts; `show` is the same object with more members.
 */
#include "control_json.h"

#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/log.h"
#include "crypto/alg.h"

/* ---------------------------------------------------------------- lines */
void line_put(struct line *l, const char *text, size_t n)
{
	if (l->cap - l->len <= n) {
		size_t cap = l->cap > 0 ? l->cap : 1024;
		while (cap - l->len <= n)
			cap *= 2;
		l->data = xrealloc_array(l->data, cap, 1);
		l->cap = cap;
	}
	if (n > 0)
		memcpy(l->data + l->len, text, n);
	l->len += n;
	l->data[l->len] = 0;
}

void line_puts(struct line *l, const char *text) { line_put(l, text, strlen(text)); }

static int put_piece(const char *piece, size_t n, void *arg)
{
	line_put(arg, piece, n);
	return 0;
}

void line_json(struct line *l, json_t *value)
{
	json_dump_callback(value, put_piece, l, JSON_COMPACT | JSON_ENCODE_ANY);
	json_decref(value);
}

/* Of plain text, which has no control characters but line feeds, the rest goes by the longest runs. */
void line_escaped(struct line *l, const char *text, size_t n)
{
	size_t from = 0;
	for (size_t i = 0; i < n; i++) {
		unsigned char ch = (unsigned char)text[i];
		if (ch >= ' ' && ch != '"' && ch != '\\')
			continue;
		char code[8] = { '\\', ch == '\n' ? 'n' : (char)ch, 0 };
		if (ch < ' ' && ch != '\n')
			snprintf(code, sizeof code, "\\u%04X", ch);
		line_put(l, text + from, i - from);
		line_puts(l, code);
		from = i + 1;
	}
	line_put(l, text + from, n - from);
}

void line_release(struct line *l)
{
	free(l->data);
	*l = (struct line){ 0 };
}

/* ---------------------------------------------------------------- small values */
json_t *json_words(const char *text)
{
	if (text == NULL || text[0] == 0)
		return json_null();
	json_t *s = json_string(text);
	if (s != NULL)
		return s;
	char clean[1024];
	return json_string(log_escape(clean, sizeof clean, bytes_of(text, strlen(text))));
}

static json_t *json_time(int64_t wall)
{
	char text[TIME_TEXT];
	return wall == 0 ? json_null() : json_string(wall_format(wall, text));
}

static json_t *json_count(uint64_t n) { return json_integer(n > INT64_MAX ? INT64_MAX : (json_int_t)n); }

/* Seconds from one time to another, null when either is not known. */
static json_t *json_span(int64_t from, int64_t to) { return from == 0 || to == 0 ? json_null() : json_integer(to - from); }

static json_t *json_addr(const struct addr *a)
{
	char text[ADDR_TEXT];
	return a->family == 0 ? json_null() : json_string(addr_port_format(a, text));
}

/* The live address, or the configured one with the port that the first message would use. */
static json_t *json_end(const struct addr *live, const struct tunnel_conf *t, const struct addr *written)
{
	if (live->family != 0 || written->family == 0)
		return json_addr(live);
	struct addr a = *written;
	a.port = t->encapsulation == ENCAPSULATION_UDP ? IKE_NATT_PORT : IKE_PORT;
	return json_addr(&a);
}

json_t *json_hex(struct bytes b)
{
	static const char digits[] = "0123456789abcdef";
	char *text = xcalloc(2 * b.n + 1, 1);
	for (size_t i = 0; i < b.n; i++) {
		text[2 * i] = digits[b.p[i] >> 4];
		text[2 * i + 1] = digits[b.p[i] & 15];
	}
	json_t *o = json_string(text);
	free(text);
	return o;
}

static json_t *json_esp_spi(uint32_t spi)
{
	char text[9];
	snprintf(text, sizeof text, "%08" PRIx32, spi);
	return spi == 0 ? json_null() : json_string(text);
}

static json_t *json_suite(const struct suite *s)
{
	char text[PROPOSAL_TEXT];
	return json_words(suite_format(s, text));
}

static json_t *json_prefixes(const struct prefix *v, unsigned n)
{
	json_t *list = json_array();
	char text[ADDR_TEXT];
	for (unsigned i = 0; i < n; i++)
		json_array_append_new(list, json_string(prefix_format(&v[i], text)));
	return list;
}

static json_t *json_selectors(const struct ts_list *l)
{
	json_t *list = json_array();
	char text[TS_TEXT];
	for (unsigned i = 0; l != NULL && i < l->n; i++)
		json_array_append_new(list, json_string(ts_format(&l->v[i], text)));
	return list;
}

/* What a fact is about, in full: see struct fact. */
static void put_fact(json_t *o, const struct fact *f)
{
	json_object_set_new(o, "code", json_words(fact_word(f->code)));
	json_object_set_new(o, "blame", f->blame == BLAME_NONE ? json_null() : json_words(blame_word(f->blame)));
	json_object_set_new(o, "text", json_words(f->text));
	json_object_set_new(o, "subject", json_words(subject_word(f->subject)));
	json_object_set_new(o, "was", json_words(f->was));
	json_object_set_new(o, "now", json_words(f->now));
	json_object_set_new(o, "by", json_words(f->by));
	bool named = strcmp(ike_notify_name(f->notify), "?") != 0;
	char number[16];
	snprintf(number, sizeof number, "%u", f->notify);
	json_object_set_new(o, "protocol",
		json_words(f->protocol == PROTOCOL_IKE   ? "ike"
			   : f->protocol == PROTOCOL_ESP ? "esp"
							 : NULL));
	json_object_set_new(o, "notify", f->notify == 0 ? json_null() : json_string(named ? ike_notify_name(f->notify) : number));
	json_object_set_new(o, "ours", json_words(f->ours));
	json_object_set_new(o, "theirs", json_words(f->theirs));
}

static json_t *json_error(const struct tunnel_view *v)
{
	if (!v->has_error)
		return json_null();
	json_t *e = json_object();
	json_object_set_new(e, "at", json_time(v->last_error_at));
	put_fact(e, &v->last_error);
	return e;
}

/* ---------------------------------------------------------------- status */
static json_t *json_ike(const struct tunnel_view *v)
{
	static const char *const nat[2][2] = { { "none", "remote" }, { "local", "both" } };
	if (!v->has_ike)
		return json_null();
	json_t *o = json_object();
	json_object_set_new(o, "spi_i", json_hex(bytes_of(v->spi_i, IKE_SPI_LEN)));
	json_object_set_new(o, "spi_r", json_hex(bytes_of(v->spi_r, IKE_SPI_LEN)));
	json_object_set_new(o, "role", json_string(v->initiator ? "initiator" : "responder"));
	json_object_set_new(o, "proposal", json_suite(&v->suite));
	json_object_set_new(o, "nat", json_string(nat[v->nat_local][v->nat_remote]));
	json_object_set_new(o, "encapsulation", json_string(v->encap ? "udp" : "none"));
	json_object_set_new(o, "established", json_time(v->established));
	json_object_set_new(o, "rekey_at", json_time(v->rekey_at));
	return o;
}

static json_t *json_child(const struct child_view *c)
{
	json_t *o = json_object();
	json_object_set_new(o, "spi_in", json_esp_spi(c->spi_in));
	json_object_set_new(o, "spi_out", json_esp_spi(c->spi_out));
	json_object_set_new(o, "proposal", json_suite(&c->suite));
	json_object_set_new(o, "bytes_in", json_count(c->in.bytes));
	json_object_set_new(o, "packets_in", json_count(c->in.packets));
	json_object_set_new(o, "bytes_out", json_count(c->out.bytes));
	json_object_set_new(o, "packets_out", json_count(c->out.packets));
	json_object_set_new(o, "established", json_time(c->established));
	json_object_set_new(o, "rekey_at", json_time(c->rekey_at));
	return o;
}

static bool has_problem(const struct tunnel_view *v, const struct kernel_note *k, enum problem p)
{
	bool up = v->state == TUNNEL_UP;
	switch (p) {
	case PROBLEM_OUTBOUND_ONLY:
	case PROBLEM_INBOUND_ONLY: return v->problem == p;
	case PROBLEM_NARROWED: return up && v->uncovered != NULL;
	case PROBLEM_KERNEL_DIFFERS: return k->differs != NULL;
	case PROBLEM_NONE:
	case PROBLEM_COUNT: break;
	}
	return false;
}

static json_t *json_problems(const struct tunnel_view *v, const struct kernel_note *k)
{
	json_t *list = json_array();
	for (unsigned p = PROBLEM_NONE + 1; p < PROBLEM_COUNT; p++)
		if (has_problem(v, k, (enum problem)p))
			json_array_append_new(list, json_string(problem_word((enum problem)p)));
	return list;
}

/* Why it is not up, or not wholly, in words; null when it is. */
static json_t *json_reason(const struct tunnel_view *v, const struct kernel_note *k)
{
	char text[FACT_TEXT + 64];
	if (v->state == TUNNEL_UP && v->problem != PROBLEM_NONE)
		return json_string(v->problem == PROBLEM_OUTBOUND_ONLY ? "network: packets go out and nothing comes back"
								       : "local: packets come in and nothing goes back");
	if (v->state == TUNNEL_UP && k->differs != NULL) {
		snprintf(text, sizeof text, "local: the kernel has not what the tunnel needs: %s", k->differs);
		return json_words(text);
	}
	if (v->state == TUNNEL_UP && v->uncovered != NULL) {
		snprintf(text, sizeof text, "partly: %.220s %s not covered", v->uncovered, v->n_uncovered > 1 ? "are" : "is");
		return json_words(text);
	}
	if (v->state == TUNNEL_UP)
		return json_null();
	if (v->state == TUNNEL_DOWN && v->held)
		return json_string("stopped by the operator");
	if (v->has_error) {
		bool named = v->last_error.blame != BLAME_NONE;
		snprintf(text, sizeof text, "%s%s%s", named ? blame_word(v->last_error.blame) : "", named ? ": " : "",
			v->last_error.text);
		return json_words(text);
	}
	if (v->state == TUNNEL_CONNECTING)
		return json_string("negotiating");
	if (v->state == TUNNEL_MISCONFIGURED)
		return json_string("misconfigured");
	switch (v->conf->start) {
	case START_INITIATE: break;
	case START_RESPOND: return json_string("waits for the peer");
	case START_MANUAL: return json_string("waits for s2sctl up");
	}
	return json_string("not begun yet");
}

json_t *json_status(const struct tunnel_view *v, const struct kernel_note *k, int64_t now)
{
	(void)now;
	const struct tunnel_conf *t = v->conf;
	char peer[ADDR_TEXT];
	json_t *o = json_object();
	json_object_set_new(o, "name", json_words(t->name));
	json_object_set_new(o, "state", json_string(tunnel_state_word(v->state)));
	json_object_set_new(o, "since", json_time(v->since));
	json_object_set_new(o, "cloud", json_string(cloud_word(t->cloud)));
	json_object_set_new(o, "local", json_end(&v->local, t, &t->local));
	json_object_set_new(o, "remote", json_end(&v->remote, t, &t->remote));
	json_object_set_new(o, "interface", json_words(t->interface));
	json_object_set_new(o, "inside", json_prefixes(t->inside, t->n_inside));
	json_object_set_new(o, "bgp_peer", t->bgp.peer.family != 0 ? json_words(addr_format(&t->bgp.peer, peer)) : json_null());
	json_object_set_new(o, "ike", json_ike(v));
	json_t *list = json_array();
	for (unsigned i = 0; i < v->n_children; i++)
		json_array_append_new(list, json_child(&v->children[i]));
	json_object_set_new(o, "children", list);
	json_object_set_new(o, "last_error", json_error(v));
	json_object_set_new(o, "reason", json_reason(v, k));
	json_object_set_new(o, "problems", json_problems(v, k));
	json_object_set_new(o, "stopped", json_boolean(v->held));
	return o;
}

/* ---------------------------------------------------------------- show */
static json_t *json_settings(const struct tunnel_conf *t)
{
	/* A list of routes may be long: a thousand prefixes of IPv6 fit. */
	static char text[64 * 1024];
	json_t *o = json_object();
	const char *key;
	for (unsigned i = 0; (key = tunnel_conf_key(i)) != NULL; i++) {
		if (strcmp(key, "psk") != 0) /* a pre-shared key is never here, nor is its place */
			json_object_set_new(o, key, json_words(tunnel_conf_value(t, key, text, sizeof text)));
	}
	return o;
}

static void put_counters(json_t *o, const struct tunnel_view *v)
{
	for (unsigned i = 0; i < COUNTER_COUNT; i++)
		json_object_set_new(o, counter_rows[i].member, json_count(v->counters[i]));
}

/* Seconds until the lifetime of the settings is over; a rekey comes before. */
static json_t *json_left(int64_t established, msec lifetime, int64_t now)
{
	int64_t end = established + lifetime / 1000;
	return established == 0 || lifetime == 0 ? json_null() : json_integer(end > now ? end - now : 0);
}

static json_t *json_bytes_left(const struct child_view *c, uint64_t limit)
{
	uint64_t used = c->in.bytes > c->out.bytes ? c->in.bytes : c->out.bytes;
	return limit == 0 ? json_null() : json_count(limit > used ? limit - used : 0);
}

static void more_of_child(json_t *o, const struct tunnel_conf *t, const struct child_view *c, int64_t now)
{
	json_object_set_new(o, "state", json_string(child_state_word(c->state)));
	json_object_set_new(o, "age", json_span(c->established, now));
	json_object_set_new(o, "rekey_in", json_span(now, c->rekey_at));
	json_object_set_new(o, "expires_in", json_left(c->established, t->esp_lifetime, now));
	json_object_set_new(o, "bytes_left", json_bytes_left(c, t->esp_lifetime_bytes));
	json_object_set_new(o, "encaps", json_count(c->out.packets));
	json_object_set_new(o, "decaps", json_count(c->in.packets));
	json_object_set_new(o, "replay_errors", json_count(c->in.replay_errors));
	json_object_set_new(o, "integrity_errors", json_count(c->in.integrity_errors));
	json_object_set_new(o, "esn", json_boolean(c->suite.esn != 0));
	json_object_set_new(o, "local_ts", json_selectors(c->local_ts));
	json_object_set_new(o, "remote_ts", json_selectors(c->remote_ts));
}

static json_t *json_certificate(const struct cert_facts *f)
{
	if (f == NULL)
		return json_null();
	json_t *o = json_object();
	json_object_set_new(o, "subject", json_words(f->subject));
	json_object_set_new(o, "issuer", json_words(f->issuer));
	json_object_set_new(o, "serial", json_words(f->serial));
	json_object_set_new(o, "not_before", json_time(f->not_before));
	json_object_set_new(o, "not_after", json_time(f->not_after));
	json_object_set_new(o, "key", json_string(key_kind_word(f->key)));
	json_object_set_new(o, "bits", json_integer(f->bits));
	json_object_set_new(o, "sha256", json_hex(bytes_of(f->sha256, sizeof f->sha256)));
	return o;
}

/* By which AUTH was made: method and hash in one word. */
static json_t *json_scheme(uint8_t id)
{
	const struct sign_scheme *s = sign_scheme(id);
	return s != NULL ? json_string(s->word) : json_null();
}

static void more_of_ike(json_t *o, const struct tunnel_view *v, int64_t now)
{
	char id[512] = "";
	bool name = v->peer_cert != NULL && v->peer_id.type == ID_DER_ASN1_DN; /* as it is compared */
	if (v->peer_id.type != 0 && !(name && cert_name_format(bytes_of(v->peer_id.data, v->peer_id.len), id)))
		ident_format(&v->peer_id, id, sizeof id);
	json_object_set_new(o, "state", json_words(v->ike_state));
	json_object_set_new(o, "age", json_span(v->established, now));
	json_object_set_new(o, "rekey_in", json_span(now, v->rekey_at));
	json_object_set_new(o, "expires_in", json_left(v->established, v->conf->ike_lifetime, now));
	json_object_set_new(o, "peer_id", json_words(id));
	json_object_set_new(o, "vendor", json_words(v->vendor));
	json_object_set_new(o, "our_signature", json_scheme(v->our_scheme));
	json_object_set_new(o, "peer_signature", json_scheme(v->peer_scheme));
	json_object_set_new(o, "peer_certificate", json_certificate(v->peer_cert));
}

static json_t *json_kernel(const struct kernel_note *k)
{
	json_t *o = json_object();
	json_object_set_new(o, "as_wanted", json_boolean(k->differs == NULL));
	json_object_set_new(o, "differs", json_words(k->differs));
	json_object_set_new(o, "repairs", json_count(k->repairs));
	return o;
}

static json_t *json_alone(const struct alone_view *a)
{
	json_t *o = json_object();
	json_object_set_new(o, "packets", json_count(a->packets));
	json_object_set_new(o, "for_ms", json_integer(a->span));
	json_object_set_new(o, "want_answers", json_boolean(a->asks));
	json_object_set_new(o, "elsewhere", json_boolean(a->elsewhere));
	return o;
}

static json_t *json_recent(const struct recent_view *r)
{
	json_t *o = json_object();
	json_object_set_new(o, "in_10s", json_count(r->in_10s));
	json_object_set_new(o, "out_10s", json_count(r->out_10s));
	json_object_set_new(o, "in_60s", json_count(r->in_60s));
	json_object_set_new(o, "out_60s", json_count(r->out_60s));
	json_object_set_new(o, "replay_errors_60s", json_count(r->replay_60s));
	json_object_set_new(o, "integrity_errors_60s", json_count(r->integrity_60s));
	json_object_set_new(o, "every_ms", json_integer(r->every));
	json_object_set_new(o, "in_alone", json_alone(&r->alone[0]));
	json_object_set_new(o, "out_alone", json_alone(&r->alone[1]));
	return o;
}

json_t *json_show(const struct tunnel_view *v, const struct kernel_note *k, int64_t now)
{
	json_t *o = json_status(v, k, now);
	json_t *ike = json_object_get(o, "ike"), *list = json_object_get(o, "children");
	if (json_is_object(ike))
		more_of_ike(ike, v, now);
	for (unsigned i = 0; i < v->n_children; i++)
		more_of_child(json_array_get(list, i), v->conf, &v->children[i], now);
	json_object_set_new(o, "our_certificate", json_certificate(v->own_cert));
	json_object_set_new(o, "age", json_span(v->since, now));
	json_object_set_new(o, "ike_state", json_words(v->ike_state));
	json_object_set_new(o, "ike_sas", json_integer(v->ike_sas));
	put_counters(o, v);
	json_object_set_new(o, "last_handshake_ms", v->last_handshake > 0 ? json_integer(v->last_handshake) : json_null());
	json_object_set_new(o, "last_heard", json_time(v->last_heard));
	json_object_set_new(o, "unanswered", json_integer(v->unanswered));
	json_object_set_new(o, "quiet_ms", json_integer(v->quiet));
	json_object_set_new(o, "one_way", json_integer(v->one_way));
	json_object_set_new(o, "recent", json_recent(&v->recent));
	json_object_set_new(o, "last_in", json_time(v->recent.last_in));
	json_object_set_new(o, "last_out", json_time(v->recent.last_out));
	json_object_set_new(o, "kernel", json_kernel(k));
	json_object_set_new(o, "uncovered", json_words(v->uncovered != NULL ? v->uncovered : ""));
	json_object_set_new(o, "routes", json_prefixes(v->conf->routes, v->conf->n_routes));
	json_object_set_new(o, "config", json_settings(v->conf));
	return o;
}

/* ---------------------------------------------------------------- top */
json_t *json_top(const struct tunnel_view *v, const struct kernel_note *k, int64_t now)
{
	json_t *o = json_object();
	(void)now;
	json_object_set_new(o, "name", json_words(v->conf->name));
	json_object_set_new(o, "state", json_string(tunnel_state_word(v->state)));
	json_object_set_new(o, "since", json_time(v->since));
	json_object_set_new(o, "reason", json_reason(v, k));
	put_counters(o, v);
	return o;
}

/* ---------------------------------------------------------------- events */
json_t *json_event(const struct noted *n)
{
	json_t *o = json_object();
	json_object_set_new(o, "at", json_time(n->at));
	json_object_set_new(o, "tunnel", json_words(n->tunnel));
	json_object_set_new(o, "level", json_string(log_level_word(fact_level(n->fact.code))));
	json_object_set_new(o, "peer", json_addr(&n->fact.peer));
	put_fact(o, &n->fact);
	return o;
}
