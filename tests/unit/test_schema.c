/*
 * test_schema.c - what the daemon says as JSON is what contrib/schema promises, member by member, with tunnels in every state and hostile peers.
 */
#include <stdlib.h>
#include <string.h>

#include "crypto/alg.h"
#include "check/check.h"
#include "ctl/view/top.h"
#include "engine/control.h"
#include "ipc/reloaded.h"
#include "schema_help.h"
#include "unit.h"

/* ---------------------------------------------------------------- a protocol with two tunnels, up and not */
static struct conf *conf;
static struct tunnel_view up, down;
static json_t *last;
static const char *schema; /* of what is sent */
static unsigned sent;

bool ike_view(const struct ike *ike, uint32_t tunnel, struct tunnel_view *v)
{
	(void)ike;
	if (tunnel != up.conf->id && tunnel != down.conf->id)
		return false;
	*v = tunnel == up.conf->id ? up : down;
	return true;
}

const uint64_t *ike_counters(const struct ike *ike, uint32_t tunnel)
{
	return (void)ike, tunnel == up.conf->id ? up.counters : NULL;
}
bool ike_glance(const struct ike *ike, uint32_t tunnel, struct tunnel_view *v) { return ike_view(ike, tunnel, v); }

void ike_totals(const struct ike *ike, struct ike_totals *t)
{
	(void)ike;
	*t = (struct ike_totals){ .datagrams = 1 };
}

static const struct ike *op_ike(void *arg) { return arg; }
static const struct conf *op_conf(void *arg) { return (void)arg, conf; }
static uint64_t token;
static void op_command(void *arg, enum ike_command_kind kind, uint32_t tunnel, uint64_t t)
{
	(void)arg, (void)kind, (void)tunnel, token = t;
}
static void op_counters(void *arg) { (void)arg; }
static void op_reload(void *arg, uint64_t t, bool dry_run) { (void)arg, (void)dry_run, token = t; }
static void op_close(void *arg, uint64_t client) { (void)arg, (void)client; }
static uint32_t op_features(void *arg)
{
	(void)arg;
	return 1;
}

static struct moment op_now(void *arg) { return (void)arg, (struct moment){ { 5000 }, 1795255200 }; }
static void op_send(void *arg, uint64_t client, const char *line)
{
	(void)arg;
	(void)client;
	json_decref(last);
	last = json_loads(line, JSON_REJECT_DUPLICATES, NULL);
	ck_assert_ptr_nonnull(last);
	if (schema != NULL)
		schema_check(json_object_get(last, "error") != NULL ? "error" : schema, last);
	/* No terminal control, whatever the peers said. */
	for (const char *p = line; *p != 0; p++)
		ck_assert((unsigned char)*p >= ' ');
	ck_assert_ptr_null(strstr(line, "\xe2\x80\xae"));
	ck_assert_ptr_null(strstr(line, "\\u001b"));
	sent++;
}
#include "sliced.h"
static const struct control_ops ops = { op_ike, op_conf, op_command, op_counters, op_reload, op_send, op_begin, op_part, op_end,
	op_close, op_now, op_features };
static struct control *control;

#define EVIL "x\033]0;t\007\n\xe2\x80\xae\xff\xc2\x9b"

static void make_up(void)
{
	static const struct suite ike = { .protocol = 1, .encr = 12, .keylen = 256, .prf = 5, .integ = 12, .group = 14 };
	static const struct suite esp = { .protocol = 3, .encr = 12, .keylen = 256, .integ = 12, .group = 14 };
	up.state = TUNNEL_UP;
	up.since = up.established = up.last_heard = 1795255200 - 100;
	up.rekey_at = 1795255200 + 50;
	addr_parse(&up.local, "198.51.100.7");
	addr_parse(&up.remote, "2001:db8::1");
	up.has_ike = true;
	up.suite = ike;
	up.ike_state = "established";
	up.peer_id = (struct ident){ 2, sizeof EVIL - 1, (uint8_t *)(uintptr_t)EVIL };
	snprintf(up.vendor, sizeof up.vendor, "%s", EVIL);
	static struct child_view two[2];
	up.n_children = 2;
	up.children = two;
	for (unsigned i = 0; i < 2; i++)
		two[i] = (struct child_view){
			.spi_in = 0xc1 + i, .spi_out = i, .suite = esp, .established = up.since, .state = CHILD_READY
		};
	up.has_error = true;
	up.last_error = (struct fact){ .code = FACT_NO_PROPOSAL,
		.blame = BLAME_PEER,
		.subject = SUBJECT_ADDRESS,
		.was = EVIL,
		.now = EVIL,
		.by = EVIL,
		.text = EVIL,
		.ours = EVIL,
		.theirs = EVIL,
		.notify = 14 };
	up.last_error_at = up.since;
	up.last_handshake = 5;
}

static void setup(void)
{
	static const char text[] =
		"tunnels:\n  aws-1: {cloud: aws, remote: 203.0.113.10, psk: a.secret.that.nobody.else.has, inside: 169.254.21.2/30}\n"
		"  site: {remote: peer.example.net, psk: b.secret.that.nobody.else.has, start: manual, routes: 10.0.0.0/8}\n";
	struct conf_text file = { .file = "t.yaml", .text = text, .len = sizeof text - 1, .private_mode = true };
	struct findings faults;
	const char *why;
	ck_assert(alg_init(&why));
	conf = conf_load(&file, 1, NULL, NULL, &faults);
	ck_assert_ptr_nonnull(conf);
	findings_release(&faults);
	conf_adopt(conf, NULL);
	up = (struct tunnel_view){ .conf = conf->tunnels[0] };
	down = (struct tunnel_view){ .conf = conf->tunnels[1], .ike_state = "none" };
	make_up();
	control = control_new(&ops, NULL);
	last = NULL;
	sent = 0;
}

static void teardown(void)
{
	control_free(control);
	conf_free(conf);
	json_decref(last);
}

static struct bytes reload_rows(void)
{
	static uint8_t room[4096];
	struct buf rows = buf_of(room, sizeof room);
	for (int kind = 0; kind < RELOAD_KIND_COUNT; kind++) {
		const struct reload_row r = { (enum reload_kind)kind, 3, "n", EVIL, EVIL, EVIL };
		ck_assert(reload_put(&rows, &r));
	}
	return buf_view(&rows);
}

static void answer(bool reload)
{
	if (reload)
		control_reloaded(control, token, true, "done", reload_rows());
	else
		control_reply(control, token, true, "done");
}

static void ask(const char *name, const char *line)
{
	unsigned before = sent;
	schema = name;
	token = 0;
	control_request(control, 9, line, strlen(line));
	read_all(control);
	if (sent == before && token == 0)
		counted(control);
	else if (sent == before)
		answer(strcmp(name, "reload") == 0);
	ck_assert_uint_eq(sent, before + 1);
}

START_TEST(the_daemon)
{
	struct fact f = {
		.code = FACT_AUTH_FAILED, .blame = BLAME_PEER, .tunnel = up.conf->id, .text = EVIL, .ours = EVIL, .theirs = EVIL
	};
	addr_parse(&f.peer, "203.0.113.10");
	control_fact(control, op_now(NULL), &f);
	for (int code = 0; code < FACT_COUNT; code++) {
		f = (struct fact){ .code = (enum fact_code)code };
		control_fact(control, op_now(NULL), &f);
	}
	ask("status", "{\"command\":\"status\"}");
	ck_assert_uint_eq(json_array_size(json_object_get(last, "tunnels")), 2);
	ask("show", "{\"command\":\"show\"}");
	control_kernel(control, up.conf->id, EVIL);
	ask("show", "{\"command\":\"show\"}");
	ask("top.request", "{\"command\":\"top\"}");
	ask("metrics", "{\"command\":\"metrics\"}");
	ask("events", "{\"command\":\"events\"}");
	ck_assert_uint_gt(json_array_size(json_object_get(last, "events")), 30);
	ask("order", "{\"command\":\"up\",\"tunnel\":\"site\"}");
	ask("reload", "{\"command\":\"reload\"}");
	ask("error", "{\"command\":\"up\",\"tunnel\":\"\\u001b\"}");
	ask("error", "{\"command\":\"frobnicate\"}");
	ask(NULL, "{\"command\":\"trace\",\"tunnel\":\"aws-1\"}");
	ask(NULL, "{\"command\":\"events\",\"follow\":true,\"last\":1,\"debug\":true}");
	schema = "event";
	control_fact(control, op_now(NULL), &f);
	schema = "trace";
	struct ike_action a = { .kind = ACTION_TRACE,
		.trace = { .tunnel = up.conf->id, .out = true, .message = { (const uint8_t *)"\x00\xff", 2 } } };
	addr_parse(&a.trace.local, "198.51.100.7");
	addr_parse(&a.trace.remote, "203.0.113.10");
	control_trace(control, 1795255200000000, &a);
	a.trace.note = EVIL;
	control_trace(control, 1795255200000000, &a);
	ck_assert_uint_eq(sent, 15);
}
END_TEST

START_TEST(an_order_that_fails)
{
	schema = "error";
	control_request(control, 9, "{\"command\":\"reload\"}", 20);
	control_reloaded(control, token, false, "no", reload_rows());
	ck_assert_uint_eq(sent, 1);
}
END_TEST

START_TEST(the_view_of_top)
{
	struct top t = { 0 };
	for (int i = 0; i < 2; i++) {
		ask("top.request", "{\"command\":\"top\"}");
		top_take(&t, last);
	}
	json_t *o = top_json(&t);
	schema_check("top", o);
	json_decref(o);
	top_release(&t);
}
END_TEST

int main(void)
{
	TCase *c = tcase_create("daemon");
	tcase_add_checked_fixture(c, setup, teardown);
	tcase_add_test(c, the_daemon);
	tcase_add_test(c, an_order_that_fails);
	tcase_add_test(c, the_view_of_top);
	return unit_run_case("schema", c);
}
