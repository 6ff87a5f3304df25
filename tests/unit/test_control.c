/*
 * test_control.c - requests in, answers out, with a made-up protocol behind: what a hostile, hasty or vanishing client gets.
 */
#include <check.h>
#include <jansson.h>
#include <stdlib.h>
#include <string.h>

#include "base/log.h"
#include "engine/control.h"
#include "ipc/reloaded.h"

/* ---------------------------------------------------------------- a protocol that knows three tunnels */
static struct tunnel_conf t_aws = { .id = 1, .name = "aws-1", .cloud = CLOUD_AWS, .interface = "s2s-aws-1" };
static struct tunnel_conf t_azure = { .id = 2, .name = "azure", .cloud = CLOUD_AZURE, .interface = "s2s-azure" };
static struct tunnel_conf t_site = { .id = 7, .name = "site", .interface = "s2s-site", .start = START_RESPOND };
static struct tunnel_conf *three[] = { &t_aws, &t_azure, &t_site };
static struct conf conf = { .n = 3, .tunnels = three };
static struct prefix inside;
static struct tunnel_view views[8];

bool ike_view(const struct ike *ike, uint32_t tunnel, struct tunnel_view *v)
{
	(void)ike;
	if (tunnel >= 8 || views[tunnel].conf == NULL)
		return false;
	*v = views[tunnel];
	return true;
}

static struct ike_totals totals;
void ike_totals(const struct ike *ike, struct ike_totals *t)
{
	(void)ike;
	*t = totals;
}

static struct {
	unsigned asked, orders, reloads, lines;
	enum ike_command_kind kind;
	uint32_t tunnel;
	uint64_t token, client;
	bool dry_run, gone_on_send, unconfigured;
	json_t *last;
} saw;
static struct control *control;

static const struct ike *op_ike(void *arg) { return arg; }
static const struct conf *op_conf(void *arg)
{
	(void)arg;
	return saw.unconfigured ? NULL : &conf;
}
static void op_command(void *arg, enum ike_command_kind kind, uint32_t tunnel, uint64_t token)
{
	(void)arg;
	saw.orders++;
	saw.kind = kind;
	saw.tunnel = tunnel;
	saw.token = token;
}
static void op_counters(void *arg)
{
	(void)arg;
	saw.asked++;
}
static void op_reload(void *arg, uint64_t token, bool dry_run)
{
	(void)arg;
	saw.reloads++;
	saw.token = token;
	saw.dry_run = dry_run;
}
static void op_send(void *arg, uint64_t client, const char *line)
{
	(void)arg;
	ck_assert_ptr_null(strchr(line, '\n'));
	if (saw.last != NULL)
		json_decref(saw.last);
	json_error_t why;
	saw.last = json_loads(line, JSON_REJECT_DUPLICATES, &why);
	ck_assert_msg(saw.last != NULL, "%s in %s", why.text, line);
	ck_assert_int_eq(json_integer_value(json_object_get(saw.last, "version")), 1);
	saw.client = client;
	saw.lines++;
	if (saw.gone_on_send)
		control_client_gone(control, client);
}
static void op_close(void *arg, uint64_t client)
{
	(void)arg;
	(void)client;
}
static struct moment op_now(void *arg)
{
	(void)arg;
	return (struct moment){ .mono = { 5000 }, .wall = 1795255200 };
}
static const struct control_ops ops = { op_ike, op_conf, op_command, op_counters, op_reload, op_send, op_close, op_now };

static void setup(void)
{
	memset(&saw, 0, sizeof saw);
	memset(views, 0, sizeof views);
	views[1].conf = &t_aws;
	views[2].conf = &t_azure;
	views[7].conf = &t_site;
	conf.n = 3;
	control = control_new(&ops, NULL);
}

static void teardown(void)
{
	control_free(control);
	if (saw.last != NULL)
		json_decref(saw.last);
}

static void ask(const char *line) { control_request(control, 9, line, strlen(line)); }

static const char *error_code(void)
{
	const char *code = json_string_value(json_object_get(json_object_get(saw.last, "error"), "code"));
	return code != NULL ? code : "(no error)";
}

/* "ike.spi_i" of the first tunnel; a list on the way stands for its first member. */
static json_t *at(const char *path)
{
	json_t *v = json_array_get(json_object_get(saw.last, "tunnels"), 0);
	char *copy = strdup(path), *rest = copy, *key;
	while ((key = strsep(&rest, ".")) != NULL)
		v = json_object_get(json_is_array(v) ? json_array_get(v, 0) : v, key);
	free(copy);
	return v;
}

#define is_text(value, text) ck_assert_str_eq(json_string_value(value), text)
#define is_count(value, n) ck_assert_int_eq(json_integer_value(value), n)

static void make_up(struct tunnel_view *v)
{
	static const struct suite ike = { .protocol = 1, .encr = 12, .keylen = 256, .prf = 5, .integ = 12, .group = 14 };
	static const struct suite esp = { .protocol = 3, .encr = 12, .keylen = 256, .integ = 12, .group = 14 };
	v->state = TUNNEL_UP;
	v->since = v->established = 1795255200 - 100;
	v->rekey_at = 1795255200 + 50;
	addr_parse(&v->local, "198.51.100.7");
	addr_parse(&v->remote, "2001:db8::1");
	v->local.port = v->remote.port = 4500;
	v->has_ike = v->initiator = v->nat_local = v->encap = true;
	memcpy(v->spi_i, "\x00\x11\x22\x33\x44\x55\x66\xff", 8);
	memcpy(v->spi_r, "\xff\x11\x22\x33\x44\x55\x66\x00", 8);
	v->suite = ike;
	v->ike_state = "established";
	snprintf(v->vendor, sizeof v->vendor, "stran\xffge");
	v->n_children = 1;
	struct child_view *c = &v->children[0];
	*c = (struct child_view){
		.spi_in = 0xc1, .spi_out = 0xdeadbeef, .suite = esp, .established = v->established, .state = CHILD_READY
	};
	c->in = (struct esp_counters){ .bytes = 1000, .packets = 10, .replay_errors = 3, .integrity_errors = 4 };
	c->out = (struct esp_counters){ .bytes = 2000, .packets = 20 };
}

/* ---------------------------------------------------------------- status, show */
START_TEST(status_waits_for_counters)
{
	ask("{\"command\":\"status\"}");
	ck_assert_uint_eq(saw.asked, 1);
	ck_assert_uint_eq(saw.lines, 0);
	ask("{\"command\":\"status\",\"tunnels\":[\"azure\"]}");
	ck_assert_uint_eq(saw.asked, 1); /* one dump serves both */
	control_counters(control);
	ck_assert_uint_eq(saw.lines, 2);
	is_text(at("name"), "azure");
	ck_assert_uint_eq(json_array_size(json_object_get(saw.last, "tunnels")), 1);
	control_counters(control);
	ck_assert_uint_eq(saw.lines, 2);
	ask("{\"command\":\"status\"}");
	ck_assert_uint_eq(saw.asked, 2);
}
END_TEST

/* The first moments of a start. */
START_TEST(without_a_configuration)
{
	static const char *const requests[] = { "{\"command\":\"status\"}", "{\"command\":\"status\",\"tunnels\":[\"aws-1\"]}",
		"{\"command\":\"up\",\"tunnel\":\"aws-1\"}", "{\"command\":\"trace\",\"tunnel\":\"aws-1\"}",
		"{\"command\":\"events\",\"tunnel\":\"aws-1\"}", "{\"command\":\"metrics\"}", "{\"command\":\"reload\"}" };
	saw.unconfigured = true;
	for (size_t i = 0; i < sizeof requests / sizeof requests[0]; i++) {
		ask(requests[i]);
		ck_assert_uint_eq(saw.lines, i + 1);
		ck_assert_str_eq(error_code(), "starting");
	}
	ck_assert_uint_eq(saw.asked + saw.orders + saw.reloads, 0);
}
END_TEST

START_TEST(status_of_one_that_is_up)
{
	make_up(&views[1]);
	ck_assert(prefix_parse(&inside, "169.254.21.2/30"));
	t_aws.inside = &inside;
	t_aws.n_inside = 1;
	ask("{\"command\":\"status\",\"tunnels\":[\"aws-1\"]}");
	control_counters(control);
	t_aws.n_inside = 0;
	is_text(at("state"), "up");
	is_text(at("since"), "2026-11-21T09:58:20Z");
	is_text(at("cloud"), "aws");
	is_text(at("local"), "198.51.100.7:4500");
	is_text(at("remote"), "[2001:db8::1]:4500");
	is_text(at("interface"), "s2s-aws-1");
	is_text(json_array_get(at("inside"), 0), "169.254.21.2/30");
	is_text(at("ike.spi_i"), "00112233445566ff");
	is_text(at("ike.spi_r"), "ff11223344556600");
	is_text(at("ike.role"), "initiator");
	is_text(at("ike.proposal"), "aes256-sha256-modp2048");
	is_text(at("ike.nat"), "local");
	is_text(at("ike.encapsulation"), "udp");
	is_text(at("ike.rekey_at"), "2026-11-21T10:00:50Z");
	is_text(at("children.spi_in"), "000000c1");
	is_text(at("children.spi_out"), "deadbeef");
	is_text(at("children.proposal"), "aes256-sha256-modp2048");
	is_count(at("children.bytes_in"), 1000);
	is_count(at("children.packets_in"), 10);
	is_count(at("children.bytes_out"), 2000);
	is_count(at("children.packets_out"), 20);
	ck_assert(json_is_null(at("children.rekey_at")));
	ck_assert(json_is_null(at("last_error")));
	ck_assert(json_is_null(at("reason")));
}
END_TEST

START_TEST(absent_is_null_and_lists_are_lists)
{
	ask("{\"command\":\"status\",\"tunnels\":[\"site\"]}");
	control_counters(control);
	is_text(at("state"), "down");
	is_text(at("cloud"), "none");
	ck_assert(json_is_null(at("since")));
	ck_assert(json_is_null(at("local")));
	ck_assert(json_is_null(at("remote")));
	ck_assert(json_is_null(at("ike")));
	ck_assert(json_is_array(at("inside")));
	ck_assert(json_is_array(at("children")));
	ck_assert(json_is_null(at("last_error")));
	is_text(at("reason"), "waits for the peer");
}
END_TEST

/* Whatever the settings want and whatever went wrong before: the operator's word is why it is down. */
START_TEST(down_by_the_operator_is_told)
{
	struct tunnel_view *v = &views[7];
	v->held = true;
	v->has_error = true;
	v->last_error = (struct fact){ .code = FACT_AUTH_FAILED, .blame = BLAME_PEER, .tunnel = 7, .text = "wrong key" };
	ask("{\"command\":\"status\",\"tunnels\":[\"site\"]}");
	control_counters(control);
	is_text(at("reason"), "stopped by the operator");
	ck_assert(json_is_true(at("stopped")));
	v->held = false;
	ask("{\"command\":\"status\",\"tunnels\":[\"site\"]}");
	control_counters(control);
	ck_assert(json_is_false(at("stopped")));
	is_text(at("reason"), "peer: wrong key");
}
END_TEST

START_TEST(error_is_told_with_blame)
{
	struct tunnel_view *v = &views[2];
	v->state = TUNNEL_CONNECTING;
	v->has_error = true;
	v->last_error = (struct fact){ .code = FACT_NO_PROPOSAL,
		.blame = BLAME_PEER,
		.tunnel = 2,
		.text = "refused every proposal",
		.subject = SUBJECT_CHILD_SA,
		.was = "192.0.2.1",
		.now = "192.0.2.2" };
	v->last_error_at = 1795255200;
	ask("{\"command\":\"status\",\"tunnels\":[\"azure\"]}");
	control_counters(control);
	is_text(at("last_error.at"), "2026-11-21T10:00:00Z");
	is_text(at("last_error.code"), "no-proposal");
	is_text(at("last_error.blame"), "peer");
	is_text(at("last_error.text"), "refused every proposal");
	is_text(at("last_error.subject"), "child-sa");
	is_text(at("last_error.was"), "192.0.2.1");
	is_text(at("last_error.now"), "192.0.2.2");
	is_text(at("reason"), "peer: refused every proposal");
}
END_TEST

START_TEST(show_tells_more_and_no_secret)
{
	struct psk *psk = calloc(1, sizeof *psk + 16);
	memcpy(psk->data, "Very.Secret.Word", psk->len = 16);
	t_aws.psk = psk;
	make_up(&views[1]);
	views[1].counters[COUNTER_RETRANSMITS] = 5;
	ask("{\"command\":\"show\",\"tunnels\":[\"aws-1\"]}");
	control_counters(control);
	t_aws.psk = NULL;
	free(psk);
	is_text(at("ike.state"), "established");
	is_count(at("ike.age"), 100);
	is_count(at("ike.rekey_in"), 50);
	is_text(at("ike.vendor"), "stran\\xffge");
	is_count(at("children.encaps"), 20);
	is_count(at("children.decaps"), 10);
	is_count(at("children.replay_errors"), 3);
	is_count(at("children.integrity_errors"), 4);
	is_count(at("retransmits"), 5);
	ck_assert(json_is_object(at("config")));
	is_text(at("config.cloud"), "aws");
	char *whole = json_dumps(saw.last, 0);
	ck_assert_ptr_null(strstr(whole, "Secret"));
	free(whole);
}
END_TEST

/* What the keeper says of the kernel is shown with the tunnel it is about, and with no other that has its id later. */
START_TEST(show_tells_what_the_kernel_has_not)
{
	struct fact f = {
		.code = FACT_KERNEL_REPAIRED, .tunnel = 1, .subject = SUBJECT_ROUTE, .by = "networkd", .text = "route"
	};
	ask("{\"command\":\"show\",\"tunnels\":[\"aws-1\"]}");
	control_counters(control);
	ck_assert(json_is_true(at("kernel.as_wanted")) && json_is_null(at("kernel.differs")));
	is_count(at("kernel.repairs"), 0);
	control_fact(control, op_now(NULL), &f);
	control_kernel(control, 1, "another program's route 10.0.0.0/8 is in the way");
	ask("{\"command\":\"show\",\"tunnels\":[\"aws-1\"]}");
	control_counters(control);
	ck_assert(json_is_false(at("kernel.as_wanted")));
	is_text(at("kernel.differs"), "another program's route 10.0.0.0/8 is in the way");
	is_count(at("kernel.repairs"), 1);
	ask("{\"command\":\"show\",\"tunnels\":[\"azure\"]}");
	control_counters(control);
	ck_assert(json_is_true(at("kernel.as_wanted")));
	is_count(at("kernel.repairs"), 0);
	strcpy(t_aws.name, "aws-9");
	ask("{\"command\":\"show\",\"tunnels\":[\"aws-9\"]}");
	control_counters(control);
	strcpy(t_aws.name, "aws-1");
	ck_assert(json_is_true(at("kernel.as_wanted")));
	is_count(at("kernel.repairs"), 0);
	control_kernel(control, 1, NULL);
	ask("{\"command\":\"show\",\"tunnels\":[\"aws-1\"]}");
	control_counters(control);
	ck_assert(json_is_true(at("kernel.as_wanted")));
	ask("{\"command\":\"events\",\"last\":1}");
	const json_t *e = json_array_get(json_object_get(saw.last, "events"), 0);
	is_text(json_object_get(e, "code"), "kernel-repaired");
	is_text(json_object_get(e, "by"), "networkd");
}
END_TEST

START_TEST(reload_between_request_and_counters)
{
	ask("{\"command\":\"status\",\"tunnels\":[\"site\"]}");
	conf.n = 2;
	control_counters(control);
	ck_assert_str_eq(error_code(), "unknown-tunnel");
}
END_TEST

/* ---------------------------------------------------------------- bad requests */
static const struct {
	const char *line, *code;
} bad[] = {
	{ "", "bad-json" },
	{ "{", "bad-json" },
	{ "\xff\xfe", "bad-json" },
	{ "{\"command\":\"ping\",\"command\":\"ping\"}", "bad-json" },
	{ "{\"command\":\"ping\"} x", "bad-json" },
	{ "[]", "bad-request" },
	{ "[\"status\"]", "bad-request" },
	{ "{}", "bad-request" },
	{ "{\"command\":1}", "bad-request" },
	{ "{\"command\":\"frobnicate\\u001b[2J\"}", "unknown-command" },
	{ "{\"command\":\"status\",\"tunnels\":\"aws-1\"}", "bad-request" },
	{ "{\"command\":\"status\",\"tunnels\":[1]}", "bad-request" },
	{ "{\"command\":\"status\",\"tunnels\":[\"aws-9\"]}", "unknown-tunnel" },
	{ "{\"command\":\"status\",\"tunnel\":{}}", "bad-request" },
	{ "{\"command\":\"up\"}", "bad-request" },
	{ "{\"command\":\"up\",\"tunnels\":[\"aws-1\",\"azure\"]}", "bad-request" },
	{ "{\"command\":\"up\",\"tunnel\":\"nobody\"}", "unknown-tunnel" },
	{ "{\"command\":\"down\",\"tunnel\":\"aws-1\",\"ike\":true}", "bad-request" },
	{ "{\"command\":\"rekey\",\"tunnel\":\"aws-1\",\"ike\":1}", "bad-request" },
	{ "{\"command\":\"reload\",\"dry_run\":\"yes\"}", "bad-request" },
	{ "{\"command\":\"events\",\"follow\":3}", "bad-request" },
	{ "{\"command\":\"events\",\"last\":-1}", "bad-request" },
	{ "{\"command\":\"events\",\"tunnels\":[\"aws-1\",\"azure\"]}", "bad-request" },
};

START_TEST(bad_requests)
{
	ask(bad[_i].line);
	ck_assert_uint_eq(saw.lines, 1);
	ck_assert_uint_eq(saw.client, 9);
	ck_assert_msg(strcmp(error_code(), bad[_i].code) == 0, "%s: %s", bad[_i].line, error_code());
	ck_assert_uint_eq(saw.orders + saw.reloads + saw.asked, 0);
	const char *text = json_string_value(json_object_get(json_object_get(saw.last, "error"), "text"));
	for (; *text != 0; text++)
		ck_assert_uint_ge((unsigned char)*text, ' ');
	ask("{\"command\":\"ping\"}");
	ck_assert_str_eq(error_code(), "(no error)");
}
END_TEST

START_TEST(too_long_and_too_deep)
{
	size_t n = CONTROL_LINE_MAX + 1;
	char *line = malloc(n);
	memset(line, ' ', n);
	control_request(control, 9, line, n);
	ck_assert_str_eq(error_code(), "too-long");
	memset(line, '[', n);
	control_request(control, 9, line, n - 1);
	ck_assert_str_eq(error_code(), "bad-json");
	free(line);
}
END_TEST

/* ---------------------------------------------------------------- orders */
START_TEST(order_is_answered_by_its_token)
{
	ask("{\"command\":\"up\",\"tunnel\":\"azure\"}");
	ck_assert_uint_eq(saw.orders, 1);
	ck_assert_int_eq(saw.kind, COMMAND_UP);
	ck_assert_uint_eq(saw.tunnel, 2);
	ck_assert_uint_ne(saw.token, 0);
	control_reply(control, saw.token + 1, true, "not ours");
	control_reply(control, 0, true, "nobody's");
	control_counters(control);
	ck_assert_uint_eq(saw.lines, 0);
	control_reply(control, saw.token, true, "up");
	ck_assert_uint_eq(saw.lines, 1);
	ck_assert(json_is_true(json_object_get(saw.last, "done")));
	is_text(json_object_get(saw.last, "tunnel"), "azure");
	is_text(json_object_get(saw.last, "text"), "up");
	control_reply(control, saw.token, true, "again");
	ck_assert_uint_eq(saw.lines, 1);
}
END_TEST

START_TEST(order_that_fails)
{
	ask("{\"command\":\"down\",\"tunnels\":[\"aws-1\"]}");
	ck_assert_int_eq(saw.kind, COMMAND_DOWN);
	control_reply(control, saw.token, false, "it was down already");
	ck_assert_str_eq(error_code(), "failed");
	is_text(json_object_get(json_object_get(saw.last, "error"), "text"), "it was down already");
}
END_TEST

START_TEST(rekey_of_two_kinds)
{
	ask("{\"command\":\"rekey\",\"tunnel\":\"aws-1\"}");
	ck_assert_int_eq(saw.kind, COMMAND_REKEY);
	ask("{\"command\":\"rekey\",\"tunnel\":\"aws-1\",\"ike\":true}");
	ck_assert_int_eq(saw.kind, COMMAND_REKEY_IKE);
	ask("{\"command\":\"rekey\",\"tunnel\":\"aws-1\",\"check\":true}");
	ck_assert_int_eq(saw.kind, COMMAND_REKEY_CHECK);
	ask("{\"command\":\"rekey\",\"tunnel\":\"aws-1\",\"check\":true,\"ike\":true}");
	ck_assert_str_eq(error_code(), "bad-request");
	ask("{\"command\":\"down\",\"tunnel\":\"aws-1\",\"check\":true}");
	ck_assert_str_eq(error_code(), "bad-request");
}
END_TEST

START_TEST(gone_client_is_not_answered)
{
	ask("{\"command\":\"up\",\"tunnel\":\"azure\"}");
	ask("{\"command\":\"status\"}");
	ask("{\"command\":\"events\",\"follow\":true}");
	control_client_gone(control, 9);
	unsigned before = saw.lines;
	control_reply(control, saw.token, true, "up");
	control_counters(control);
	struct fact f = { .code = FACT_UP, .tunnel = 1, .text = "up" };
	control_fact(control, op_now(NULL), &f);
	ck_assert_uint_eq(saw.lines, before + 0);
}
END_TEST

START_TEST(waiting_is_bounded)
{
	for (unsigned i = 0; i < 100; i++)
		ask("{\"command\":\"up\",\"tunnel\":\"azure\"}");
	ck_assert_uint_lt(saw.orders, 100);
	ck_assert_uint_eq(saw.orders + saw.lines, 100);
	ck_assert_str_eq(error_code(), "busy");
	for (uint64_t client = 100; client < 1100; client++)
		control_request(control, client, "{\"command\":\"status\"}", 20);
	control_request(control, 5000, "{\"command\":\"ping\"}", 18);
	ck_assert_str_eq(error_code(), "(no error)");
	control_counters(control);
	control_request(control, 5001, "{\"command\":\"status\"}", 20);
	control_counters(control);
	ck_assert_uint_eq(saw.client, 5001);
	ck_assert_str_eq(error_code(), "(no error)");
}
END_TEST

START_TEST(reload_tells_what_changed)
{
	ask("{\"command\":\"reload\",\"dry_run\":true}");
	ck_assert_uint_eq(saw.reloads, 1);
	ck_assert(saw.dry_run);
	uint8_t room[512];
	struct buf rows = buf_of(room, sizeof room);
	ck_assert(reload_put(&rows, &(struct reload_row){ RELOAD_ADDED, 0, "x", "", "", "" }));
	ck_assert(reload_put(&rows, &(struct reload_row){ RELOAD_CHANGED, 0, "y", "remote", "", "restart of the tunnel" }));
	control_reloaded(control, saw.token, true, "{\"version\":7}", buf_view(&rows));
	is_text(json_object_get(saw.last, "text"), "{\"version\":7}"); /* words are words */
	is_text(json_object_get(json_array_get(json_object_get(saw.last, "added"), 0), "tunnel"), "x");
	const json_t *changed = json_array_get(json_object_get(saw.last, "changed"), 0);
	is_text(json_object_get(changed, "key"), "remote");
	is_text(json_object_get(changed, "effect"), "restart of the tunnel");
	ck_assert(json_array_size(json_object_get(saw.last, "removed")) == 0);
	ask("{\"command\":\"reload\"}");
	ck_assert(!saw.dry_run);
	rows = buf_of(room, sizeof room);
	ck_assert(reload_put(&rows, &(struct reload_row){ RELOAD_ERROR, 3, "", "", "f.yaml", "unknown key" }));
	struct bytes whole = buf_view(&rows);
	control_reloaded(control, saw.token, false, "1 error", whole);
	ck_assert_str_eq(error_code(), "failed");
	json_t *faults = json_object_get(json_object_get(saw.last, "error"), "faults");
	is_count(json_object_get(json_array_get(faults, 0), "line"), 3);
	is_text(json_object_get(json_array_get(faults, 0), "severity"), "error");
	is_text(json_object_get(json_array_get(faults, 0), "file"), "f.yaml");
	ck_assert(json_is_null(json_object_get(json_array_get(faults, 0), "tunnel")));
	for (size_t n = 0; n < whole.n; n++) { /* what is cut off or follows no rule is left out */
		ask("{\"command\":\"reload\"}");
		control_reloaded(control, saw.token, true, "cut", bytes_of(whole.p, n));
		ck_assert_uint_eq(json_array_size(json_object_get(saw.last, "faults")), 0);
	}
	room[0] = RELOAD_KIND_COUNT;
	ask("{\"command\":\"reload\"}");
	control_reloaded(control, saw.token, true, "odd", whole);
	ck_assert_uint_eq(json_array_size(json_object_get(saw.last, "faults")), 0);
	rows = buf_of(room, 30);
	ck_assert(!reload_put(&rows, &(struct reload_row){ RELOAD_ERROR, 3, "", "", "f.yaml", "unknown key" }));
	ck_assert(!rows.bad && rows.len == 0);
	ask("{\"command\":\"reload\"}");
	control_reloaded(control, saw.token, true, NULL, (struct bytes){ 0 });
	ck_assert(json_is_null(json_object_get(saw.last, "text")));
}
END_TEST

/* ---------------------------------------------------------------- events */
static void happen(enum fact_code code, uint32_t tunnel, const char *text)
{
	struct fact f = { .code = code, .tunnel = tunnel, .blame = BLAME_NETWORK };
	snprintf(f.text, sizeof f.text, "%s", text);
	addr_parse(&f.peer, "192.0.2.1");
	f.peer.port = 500;
	control_fact(control, op_now(NULL), &f);
}

static json_t *event(size_t i) { return json_array_get(json_object_get(saw.last, "events"), i); }

START_TEST(events_are_kept)
{
	happen(FACT_UP, 7, "up");
	happen(FACT_LIVENESS, 1, "noise");
	happen(FACT_NO_ANSWER, 1, "no answer");
	happen(FACT_NO_TUNNEL, 0, "who are you");
	ask("{\"command\":\"events\"}");
	ck_assert_uint_eq(json_array_size(json_object_get(saw.last, "events")), 3);
	is_text(json_object_get(event(0), "tunnel"), "site");
	is_text(json_object_get(event(1), "tunnel"), "aws-1");
	is_text(json_object_get(event(1), "code"), "no-answer");
	is_text(json_object_get(event(1), "level"), "warning");
	is_text(json_object_get(event(1), "blame"), "network");
	is_text(json_object_get(event(1), "peer"), "192.0.2.1:500");
	is_text(json_object_get(event(1), "at"), "2026-11-21T10:00:00Z");
	ck_assert(json_is_null(json_object_get(event(2), "tunnel")));
	ask("{\"command\":\"events\",\"tunnel\":\"site\"}");
	ck_assert_uint_eq(json_array_size(json_object_get(saw.last, "events")), 1);
	ask("{\"command\":\"events\",\"last\":2}");
	ck_assert_uint_eq(json_array_size(json_object_get(saw.last, "events")), 2);
	is_text(json_object_get(event(1), "text"), "who are you");
}
END_TEST

START_TEST(ring_forgets_the_oldest)
{
	char text[32];
	for (unsigned i = 0; i < CONTROL_RING + 5; i++) {
		snprintf(text, sizeof text, "fact %u", i);
		happen(FACT_UP, 1, text);
	}
	ask("{\"command\":\"events\"}");
	ck_assert_uint_eq(json_array_size(json_object_get(saw.last, "events")), CONTROL_RING);
	is_text(json_object_get(event(0), "text"), "fact 5");
}
END_TEST

START_TEST(following)
{
	happen(FACT_UP, 1, "old");
	ask("{\"command\":\"events\",\"follow\":true,\"tunnel\":\"aws-1\"}");
	ck_assert_uint_eq(saw.lines, 1);
	happen(FACT_UP, 7, "another");
	happen(FACT_LIVENESS, 1, "debug");
	ck_assert_uint_eq(saw.lines, 1);
	happen(FACT_DOWN, 1, "new");
	ck_assert_uint_eq(saw.lines, 2);
	is_text(json_object_get(json_object_get(saw.last, "event"), "text"), "new");
	ask("{\"command\":\"events\",\"follow\":true,\"debug\":true,\"last\":0}");
	ck_assert_uint_eq(saw.lines, 2);
	happen(FACT_LIVENESS, 1, "debug");
	ck_assert_uint_eq(saw.lines, 3); /* the second request took the place of the first */
}
END_TEST

START_TEST(follower_that_breaks_while_told)
{
	for (uint64_t client = 1; client <= 80; client++)
		control_request(control, client, "{\"command\":\"events\",\"follow\":true}", 34);
	ck_assert_str_eq(error_code(), "busy");
	saw.gone_on_send = true;
	unsigned before = saw.lines;
	happen(FACT_UP, 1, "up");
	ck_assert_uint_eq(saw.lines, before + 64);
	happen(FACT_UP, 1, "up");
	ck_assert_uint_eq(saw.lines, before + 64);
}
END_TEST

START_TEST(names_follow_a_reload)
{
	struct tunnel_conf *two[] = { &t_site, &t_aws };
	happen(FACT_UP, 7, "a");
	conf.tunnels = two;
	conf.n = 2;
	happen(FACT_UP, 1, "b");
	happen(FACT_UP, 2, "c");
	ask("{\"command\":\"events\"}");
	conf.tunnels = three;
	is_text(json_object_get(event(0), "tunnel"), "site");
	is_text(json_object_get(event(1), "tunnel"), "aws-1");
	ck_assert(json_is_null(json_object_get(event(2), "tunnel")));
}
END_TEST

START_TEST(ping)
{
	ask("{\"command\":\"version\"}\n");
	is_text(json_object_get(saw.last, "daemon"), "s2sd");
	ck_assert(json_is_string(json_object_get(saw.last, "release")));
}
END_TEST

int main(void)
{
	const char *why = NULL;
	if (!alg_init(&why)) {
		fprintf(stderr, "algorithms: %s\n", why);
		return 1;
	}
	Suite *s = suite_create("control");
	TCase *t = tcase_create("control");
	tcase_add_checked_fixture(t, setup, teardown);
	tcase_add_test(t, status_waits_for_counters);
	tcase_add_test(t, without_a_configuration);
	tcase_add_test(t, status_of_one_that_is_up);
	tcase_add_test(t, absent_is_null_and_lists_are_lists);
	tcase_add_test(t, down_by_the_operator_is_told);
	tcase_add_test(t, error_is_told_with_blame);
	tcase_add_test(t, show_tells_more_and_no_secret);
	tcase_add_test(t, show_tells_what_the_kernel_has_not);
	tcase_add_test(t, reload_between_request_and_counters);
	tcase_add_loop_test(t, bad_requests, 0, (int)(sizeof bad / sizeof bad[0]));
	tcase_add_test(t, too_long_and_too_deep);
	tcase_add_test(t, order_is_answered_by_its_token);
	tcase_add_test(t, order_that_fails);
	tcase_add_test(t, rekey_of_two_kinds);
	tcase_add_test(t, gone_client_is_not_answered);
	tcase_add_test(t, waiting_is_bounded);
	tcase_add_test(t, reload_tells_what_changed);
	tcase_add_test(t, events_are_kept);
	tcase_add_test(t, ring_forgets_the_oldest);
	tcase_add_test(t, following);
	tcase_add_test(t, follower_that_breaks_while_told);
	tcase_add_test(t, names_follow_a_reload);
	tcase_add_test(t, ping);
	suite_add_tcase(s, t);
	SRunner *r = srunner_create(s);
	srunner_run_all(r, CK_NORMAL);
	int failed = srunner_ntests_failed(r);
	srunner_free(r);
	return failed != 0;
}
