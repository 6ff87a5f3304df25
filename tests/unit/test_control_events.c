/*
 * test_control_events.c - events over the control socket: kept, asked for, followed.
 */
#include "control_help.h"

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

/* One that was kept says all that was said of it when it happened. */
START_TEST(nothing_of_it_is_lost)
{
	struct fact f = { .code = FACT_NO_PROPOSAL,
		.tunnel = 7,
		.blame = BLAME_PEER,
		.subject = SUBJECT_IKE_SA,
		.protocol = PROTOCOL_ESP,
		.notify = NOTIFY_NO_PROPOSAL_CHOSEN,
		.was = "192.0.2.7",
		.now = "192.0.2.8",
		.by = "a program",
		.text = "what happened",
		.ours = "aes256",
		.theirs = "3des" };
	addr_parse(&f.peer, "192.0.2.1");
	ask("{\"command\":\"events\",\"follow\":true,\"last\":0}");
	control_fact(control, op_now(NULL), &f);
	json_t *told = json_deep_copy(json_object_get(saw.last, "event"));
	char *text = json_dumps(told, 0);
	const char *const words[] = { f.was, f.now, f.by, f.text, f.ours, f.theirs, "site", "192.0.2.1" };
	for (size_t i = 0; i < sizeof words / sizeof words[0]; i++)
		ck_assert_msg(strstr(text, words[i]) != NULL, "%s: %s", words[i], text);
	ask("{\"command\":\"events\"}");
	ck_assert(json_equal(event(0), told));
	free(text);
	json_decref(told);
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

/* What happens while the kept ones are read comes behind them, once; what the ring forgets meanwhile is left out. */
START_TEST(read_slowly)
{
	char text[32];
	for (unsigned i = 0; i < CONTROL_RING; i++) {
		snprintf(text, sizeof text, "fact %u", i);
		happen(FACT_UP, 1, text);
	}
	control_request(control, 9, "{\"command\":\"events\",\"tunnel\":\"aws-1\"}", 37);
	control_more(control, 9);
	ck_assert_uint_eq(saw.lines, 0);
	ck_assert(control_client_waits(control, 9));
	for (unsigned i = 0; i < 500; i++)
		happen(FACT_DOWN, 1, "new");
	unsigned parts = sliced.parts;
	read_all(control);
	ck_assert_uint_ge(sliced.parts - parts, 3);
	ck_assert_uint_eq(saw.lines, 1);
	size_t n = json_array_size(json_object_get(saw.last, "events"));
	ck_assert(n > 500 && n < 600);
	is_text(json_object_get(event(n - 1), "text"), "fact 999");
	is_text(json_object_get(event(n - 500), "text"), "fact 500");
	is_text(json_object_get(event(0), "text"), "fact 0");
}
END_TEST

START_TEST(follower_that_breaks_while_told)
{
	for (uint64_t client = 1; client <= 80; client++)
		control_request(control, client, "{\"command\":\"events\",\"follow\":true}", 34);
	read_all(control);
	ck_assert_str_eq(error_code(), "busy");
	saw.gone_on_send = true;
	unsigned before = saw.lines;
	happen(FACT_UP, 1, "up");
	ck_assert_uint_eq(saw.lines, before + 64);
	happen(FACT_UP, 1, "up");
	ck_assert_uint_eq(saw.lines, before + 64);
}
END_TEST

/* Who was told "busy" follows nothing, and one whose tunnel is gone meanwhile is told nothing else. */
START_TEST(refused_and_following)
{
	static const char follow[] = "{\"command\":\"events\",\"follow\":true,\"tunnel\":\"site\"}";
	unsigned most = CONTROL_PENDING_MAX / 64;
	for (unsigned i = 0; i < most; i++)
		control_request(control, 9, "{\"command\":\"status\"}", 20);
	ck_assert_uint_eq(saw.lines, 0);
	control_request(control, 9, follow, sizeof follow - 1);
	ck_assert_uint_eq(saw.lines, 1);
	ck_assert_str_eq(error_code(), "busy");
	happen(FACT_UP, 7, "up");
	ck_assert_uint_eq(saw.lines, 1);
	control_client_gone(control, 9);
	control_request(control, 10, follow, sizeof follow - 1);
	conf.n = 2;
	unsigned before = saw.lines;
	read_all(control);
	conf.n = 3;
	ck_assert_uint_eq(saw.lines, before + 1); /* the one that is kept */
	ck_assert_str_eq(error_code(), "(no error)");
	happen(FACT_UP, 7, "again");
	ck_assert_uint_eq(saw.lines, before + 2);
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

int main(void)
{
	TCase *t = tcase_create("control");
	tcase_add_test(t, events_are_kept);
	tcase_add_test(t, nothing_of_it_is_lost);
	tcase_add_test(t, ring_forgets_the_oldest);
	tcase_add_test(t, following);
	tcase_add_test(t, read_slowly);
	tcase_add_test(t, refused_and_following);
	tcase_add_test(t, follower_that_breaks_while_told);
	tcase_add_test(t, names_follow_a_reload);
	return control_run("control events", t);
}
