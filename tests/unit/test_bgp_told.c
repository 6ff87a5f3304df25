/* test_bgp_told.c - BGP sessions in status, show and metrics. */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "ctl/bgp/parse.h"
#include "ctl/metrics/bgp.h"
#include "ctl/render.h"
#include "nft_json.h"
#include "unit.h"

#define BGP(state, received) \
	"\"bgp_peer\":\"169.254.21.1\",\"bgp\":{\"daemon\":\"frr\",\"state\":" state ",\"since_s\":3,\"received\":" received \
	",\"sent\":null}"
#define TUNNELS \
	"[{\"name\":\"a\",\"state\":\"up\"," BGP("\"Established\"", "12") "},{\"name\":\"b\",\"state\":\"up\"," BGP( \
		"\"Active\"", "null") "},{\"name\":\"c\",\"state\":\"up\"," BGP("null", \
		"null") "},{\"name\":\"d\",\"state\":\"up\",\"bgp_peer\":null,\"bgp\":null}]"

static char *rendered(const char *json, bool show)
{
	char *text;
	size_t size;
	json_t *o = parse(json);
	FILE *to = open_memstream(&text, &size);
	(show ? render_show : render_status)(o, 0, to, false);
	fclose(to);
	json_decref(o);
	return text;
}

START_TEST(status_has_a_column_where_a_tunnel_has_bgp)
{
	char *text = rendered("{\"tunnels\":" TUNNELS "}", false);
	ck_assert_str_eq(
		text, "a up - - - 0 0 Established 12 -\nb up - - - 0 0 Active -\nc up - - - 0 0 ? -\nd up - - - 0 0 - -\n");
	free(text);
	text = rendered("{\"tunnels\":[{\"name\":\"d\",\"state\":\"up\",\"bgp\":null}]}", false);
	ck_assert_str_eq(text, "d up - - - 0 0 -\n");
	free(text);
	text = rendered("{\"tunnels\":" TUNNELS "}", true);
	ck_assert_ptr_nonnull(strstr(text, "bgp: Established 12 to 169.254.21.1\n"));
	free(text);
}
END_TEST

START_TEST(metrics_of_sessions_come_before_the_end)
{
	json_t *tunnels = parse(TUNNELS);
	char *open = bgp_metrics("x 1\n# EOF\n", tunnels), *classic = bgp_metrics("x 1\n", tunnels);
	static const char *const lines[] = { "x 1\n", "\ns2s_bgp_up{tunnel=\"a\"} 1\n", "\ns2s_bgp_up{tunnel=\"b\"} 0\n",
		"\ns2s_bgp_prefixes_received{tunnel=\"a\"} 12\n" };
	for (size_t i = 0; i < sizeof lines / sizeof *lines; i++) {
		ck_assert_ptr_nonnull(strstr(open, lines[i]));
		ck_assert_ptr_nonnull(strstr(classic, lines[i]));
	}
	ck_assert_str_eq(open + strlen(open) - 6, "# EOF\n");
	ck_assert_ptr_eq(strstr(open, "# EOF"), open + strlen(open) - 6);
	ck_assert_ptr_null(strstr(classic, "EOF"));
	/* Who may not be asked and who has none have no sample. */
	ck_assert_ptr_null(strstr(open, "\"c\""));
	ck_assert_ptr_null(strstr(open, "\"d\""));
	free(open);
	free(classic);
	json_decref(tunnels);
	tunnels = parse("[{\"name\":\"d\",\"bgp\":null}]");
	open = bgp_metrics("x 1\n# EOF\n", tunnels);
	ck_assert_str_eq(open, "x 1\n# EOF\n");
	free(open);
	json_decref(tunnels);
}
END_TEST

START_TEST(json_of_a_session)
{
	struct bgp_view v = { .n = 0 };
	struct addr peer, none = { .family = 0 };
	ck_assert(addr_parse(&peer, "169.254.21.1"));
	json_t *o = bgp_json(&v, &none);
	ck_assert(json_is_null(o));
	json_decref(o);
	o = bgp_json(&v, &peer);
	ck_assert_str_eq(json_string_value(json_object_get(o, "state")), "none");
	json_decref(o);
	v.reach[BGP_FRR] = BGP_DENIED;
	o = bgp_json(&v, &peer);
	ck_assert(json_is_null(json_object_get(o, "state")));
	json_decref(o);
	struct bgp_session *x = bgp_session_add(&v);
	x->peer = peer;
	x->state = BGP_ESTABLISHED;
	x->received = 5;
	x->age_s = 7;
	o = bgp_json(&v, &peer);
	ck_assert_str_eq(json_string_value(json_object_get(o, "state")), "Established");
	ck_assert_int_eq(json_integer_value(json_object_get(o, "received")), 5);
	ck_assert_int_eq(json_integer_value(json_object_get(o, "since_s")), 7);
	ck_assert(json_is_null(json_object_get(o, "sent")));
	json_decref(o);
	bgp_release(&v);
}
END_TEST

int main(void)
{
	TCase *all = tcase_create("all");
	tcase_add_test(all, status_has_a_column_where_a_tunnel_has_bgp);
	tcase_add_test(all, metrics_of_sessions_come_before_the_end);
	tcase_add_test(all, json_of_a_session);
	return unit_run_case("bgp_told", all);
}
