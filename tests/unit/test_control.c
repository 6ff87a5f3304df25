/*
 * test_control.c - requests in, answers out, with a made-up protocol behind: what a hostile, hasty or vanishing client gets. test_control_status and
 * test_control_events look at what is answered.
 */
#include "control_help.h"
#include "ipc/reloaded.h"

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

START_TEST(ping)
{
	ask("{\"command\":\"version\"}\n");
	is_text(json_object_get(saw.last, "daemon"), "s2sd");
	ck_assert(json_is_string(json_object_get(saw.last, "release")));
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
	counted(control);
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

/* One client per tunnel, as long as it stays; no more than four. */
START_TEST(encapsulation_is_tried_while_the_client_stays)
{
	static const char request[] = "{\"command\":\"encapsulate\",\"tunnel\":\"azure\"}";
	ask("{\"command\":\"encapsulate\"}");
	ck_assert_str_eq(error_code(), "bad-request");
	control_client_gone(control, 9);
	ck_assert_uint_eq(saw.orders, 0);
	ask(request);
	ck_assert_int_eq(saw.kind, COMMAND_ENCAPSULATE);
	ck_assert_uint_eq(saw.tunnel, t_azure.id);
	control_request(control, 10, request, sizeof request - 1);
	ck_assert_str_eq(error_code(), "busy");
	control_client_gone(control, 10);
	ck_assert_uint_eq(saw.orders, 1);
	control_reply(control, saw.token, true, NULL);
	ck_assert_uint_eq(saw.client, 9);
	is_text(json_object_get(saw.last, "tunnel"), "azure");
	control_client_gone(control, 9);
	ck_assert_uint_eq(saw.orders, 2);
	ck_assert_int_eq(saw.kind, COMMAND_UNENCAPSULATE);
	ck_assert_uint_eq(saw.tunnel, t_azure.id);
	ck_assert_uint_eq(saw.token, 0);
	control_client_gone(control, 9);
	ck_assert_uint_eq(saw.orders, 2);
	control_request(control, 10, request, sizeof request - 1);
	ck_assert_int_eq(saw.kind, COMMAND_ENCAPSULATE);
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
	counted(control);
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
	counted(control);
	control_request(control, 5001, "{\"command\":\"status\"}", 20);
	counted(control);
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

int main(void)
{
	TCase *t = tcase_create("control");
	tcase_add_test(t, without_a_configuration);
	tcase_add_test(t, ping);
	tcase_add_loop_test(t, bad_requests, 0, (int)(sizeof bad / sizeof bad[0]));
	tcase_add_test(t, too_long_and_too_deep);
	tcase_add_test(t, order_is_answered_by_its_token);
	tcase_add_test(t, order_that_fails);
	tcase_add_test(t, encapsulation_is_tried_while_the_client_stays);
	tcase_add_test(t, rekey_of_two_kinds);
	tcase_add_test(t, gone_client_is_not_answered);
	tcase_add_test(t, waiting_is_bounded);
	tcase_add_test(t, reload_tells_what_changed);
	return control_run("control", t);
}
