/*
 * test_metrics.c - the text that scrapers read: every tunnel has its samples, names and order keep the formats' rules, values are escaped; and what
 * a scraper's HTTP is answered with.
 */
#include <jansson.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/wait.h>
#include <unistd.h>

#include "ctl/metrics/http.h"
#include "engine/metrics.h"
#include "ctl/metrics/bgp.h"
#include "unit.h"

/* ---------------------------------------------------------------- a protocol that knows two tunnels of three */
static struct tunnel_conf t_aws = { .id = 1, .name = "aws-1", .cloud = CLOUD_AWS, .interface = "s2s-aws-1" };
static struct tunnel_conf t_azure = { .id = 2, .name = "azure", .cloud = CLOUD_AZURE, .interface = "s2s-azure" };
static struct tunnel_conf t_new = { .id = 7, .name = "new", .interface = "s2s-new" };
static struct tunnel_conf *three[] = { &t_aws, &t_azure, &t_new };
static struct conf conf = { .n = 3, .tunnels = three };
static struct tunnel_view views[8];
static struct ike_totals totals;

bool ike_view(const struct ike *ike, uint32_t tunnel, struct tunnel_view *v)
{
	(void)ike;
	if (tunnel >= 8 || views[tunnel].conf == NULL)
		return false;
	*v = views[tunnel];
	return true;
}

const uint64_t *ike_counters(const struct ike *ike, uint32_t tunnel)
{
	(void)ike;
	return tunnel < 8 && views[tunnel].conf != NULL ? views[tunnel].counters : NULL;
}
bool ike_glance(const struct ike *ike, uint32_t tunnel, struct tunnel_view *v) { return ike_view(ike, tunnel, v); }

void ike_totals(const struct ike *ike, struct ike_totals *t)
{
	(void)ike;
	*t = totals;
}

static struct metrics *metrics;
static struct line text;

static void setup(void)
{
	memset(views, 0, sizeof views);
	memset(&totals, 0, sizeof totals);
	views[1] = (struct tunnel_view){ .conf = &t_aws,
		.state = TUNNEL_UP,
		.since = 1795255200,
		.counters = { [COUNTER_CHILD_REKEYS] = 3,
			[COUNTER_IKE_REKEYS] = 1,
			[COUNTER_RETRANSMITS] = 4,
			[COUNTER_ATTEMPTS] = 2,
			[COUNTER_LIVENESS_CHECKS] = 5,
			[COUNTER_BYTES_IN] = 5000000000,
			[COUNTER_PACKETS_IN] = 70,
			[COUNTER_REPLAY_ERRORS] = 6,
			[COUNTER_INTEGRITY_ERRORS] = 8,
			[COUNTER_BYTES_OUT] = 900,
			[COUNTER_PACKETS_OUT] = 9 },
		.last_handshake = 1234,
		.last_heard = 1795255300 };
	addr_parse(&views[1].local, "198.51.100.7");
	addr_parse(&views[1].remote, "2001:db8::10");
	views[2] = (struct tunnel_view){ .conf = &t_azure, .state = TUNNEL_CONNECTING };
	metrics = metrics_new(1795255000);
	text = (struct line){ 0 };
}

static void teardown(void)
{
	metrics_free(metrics);
	line_release(&text);
}

static void fact(const char *tunnel, uint32_t id, enum fact_code code)
{
	struct fact f = { .code = code, .tunnel = id };
	metrics_fact(metrics, tunnel, &f);
}

static const char *render(enum metrics_format format)
{
	struct metrics_at at = { .format = format };
	line_release(&text);
	while (metrics_more(metrics, NULL, &conf, &at, &text))
		continue;
	return text.data;
}

static bool has_line(const char *line)
{
	char wanted[512];
	snprintf(wanted, sizeof wanted, "\n%s\n", line);
	return strstr(text.data, wanted) != NULL;
}

START_TEST(every_tunnel_has_its_samples)
{
	static const char *const lines[] = { "s2s_tunnel_up{tunnel=\"aws-1\"} 1", "s2s_tunnel_up{tunnel=\"azure\"} 0",
		"s2s_tunnel_up{tunnel=\"new\"} 0", "s2s_tunnel_state{tunnel=\"azure\",state=\"connecting\"} 1",
		"s2s_tunnel_state{tunnel=\"azure\",state=\"up\"} 0",
		"s2s_tunnel_received_bytes_total{tunnel=\"aws-1\"} 5000000000",
		"s2s_tunnel_sent_packets_total{tunnel=\"aws-1\"} 9", "s2s_tunnel_replay_errors_total{tunnel=\"aws-1\"} 6",
		"s2s_tunnel_integrity_errors_total{tunnel=\"aws-1\"} 8", "s2s_tunnel_child_rekeys_total{tunnel=\"aws-1\"} 3",
		"s2s_tunnel_ike_rekeys_total{tunnel=\"aws-1\"} 1", "s2s_tunnel_retransmits_total{tunnel=\"aws-1\"} 4",
		"s2s_tunnel_liveness_checks_total{tunnel=\"aws-1\"} 5", "s2s_tunnel_handshake_seconds{tunnel=\"aws-1\"} 1.234",
		"s2s_tunnel_last_heard_timestamp_seconds{tunnel=\"aws-1\"} 1795255300",
		"s2s_tunnel_info{tunnel=\"aws-1\",cloud=\"aws\",interface=\"s2s-aws-1\",local=\"198.51.100.7\",remote=\"2001:db8::10\"} 1",
		"s2s_ike_datagrams_total 99", "s2s_ike_datagrams_dropped_total{reason=\"integrity\"} 12",
		"s2s_ike_half_open_sas 3", "s2s_ike_established_sas 2", "s2s_start_timestamp_seconds 1795255000",
		"s2s_tunnel_errors_total{tunnel=\"azure\",code=\"no-proposal\"} 2",
		"s2s_tunnel_events_total{tunnel=\"aws-1\",code=\"up\"} 1",
		"s2s_tunnel_events_total{tunnel=\"aws-1\",code=\"liveness\"} 5",
		"s2s_unknown_peer_events_total{code=\"no-tunnel\"} 1" };
	totals = (struct ike_totals){ .datagrams = 99, .half_open = 3, .established = 2 };
	totals.dropped[DROP_INTEGRITY] = 12;
	fact("azure", 2, FACT_NO_PROPOSAL);
	fact("azure", 2, FACT_NO_PROPOSAL);
	fact("aws-1", 1, FACT_UP);
	fact("", 0, FACT_NO_TUNNEL);
	for (int format = METRICS_OPEN; format <= METRICS_CLASSIC; format++) {
		render((enum metrics_format)format);
		for (size_t i = 0; i < sizeof lines / sizeof lines[0]; i++)
			ck_assert_msg(has_line(lines[i]), "%s is missing", lines[i]);
	}
	ck_assert_ptr_null(strstr(text.data, "handshake_seconds{tunnel=\"azure\"")); /* none yet */
}
END_TEST

/* A tunnel that goes and one that comes under its id have nothing to do with each other. */
START_TEST(an_id_used_again)
{
	fact("old", 7, FACT_AUTH_FAILED);
	render(METRICS_OPEN);
	ck_assert_ptr_null(strstr(text.data, "auth-failed"));
	fact("new", 7, FACT_NO_ROUTE);
	render(METRICS_OPEN);
	ck_assert_ptr_null(strstr(text.data, "auth-failed"));
	ck_assert(has_line("s2s_tunnel_errors_total{tunnel=\"new\",code=\"no-route\"} 1"));
}
END_TEST

START_TEST(labels_are_escaped)
{
	struct tunnel_conf odd = t_new;
	snprintf(odd.name, sizeof odd.name, "a\"b\\c\nd");
	three[2] = &odd;
	render(METRICS_OPEN);
	three[2] = &t_new;
	ck_assert(has_line("s2s_tunnel_up{tunnel=\"a\\\"b\\\\c\\nd\"} 0"));
}
END_TEST

START_TEST(certificates_end)
{
	struct cert_facts theirs = { .not_after = 1830000000 };
	views[1].peer_cert = &theirs;
	views[1].own_cert_ends = 1820000000;
	render(METRICS_OPEN);
	ck_assert(has_line("s2s_certificate_not_after_seconds{tunnel=\"aws-1\",side=\"local\"} 1820000000"));
	ck_assert(has_line("s2s_certificate_not_after_seconds{tunnel=\"aws-1\",side=\"remote\"} 1830000000"));
	ck_assert_ptr_null(strstr(text.data, "not_after_seconds{tunnel=\"azure\"")); /* it has a pre-shared key */
	views[1].peer_cert = NULL;
	views[1].own_cert_ends = 0;
}
END_TEST

START_TEST(no_configuration_yet)
{
	struct metrics_at at = { .format = METRICS_OPEN };
	ck_assert(!metrics_more(metrics, NULL, NULL, &at, &text));
	ck_assert_ptr_nonnull(strstr(text.data, "s2s_build_info"));
}
END_TEST

/* ---------------------------------------------------------------- the rules of OpenMetrics */
static bool ends(const char *word, size_t n, const char *end)
{
	size_t k = strlen(end);
	return n >= k && memcmp(word + n - k, end, k) == 0;
}

/* One family after the other, each announced before its samples, once; samples named after family and type; units at the end of the name. */
START_TEST(open_form)
{
	char family[128] = "", type[32] = "", seen[64][128];
	unsigned n = 0, samples = 0;
	bool over = false;
	fact("aws-1", 1, FACT_UP);
	fact("azure", 2, FACT_NO_PROPOSAL);
	fact("", 0, FACT_FLOOD);
	char *copy = strdup(render(METRICS_OPEN)), *rest = copy, *line;
	while ((line = strsep(&rest, "\n")) != NULL && rest != NULL) {
		char name[128], word[512];
		ck_assert_msg(!over, "after # EOF: %s", line);
		if (strcmp(line, "# EOF") == 0) {
			over = true;
		} else if (sscanf(line, "# HELP %127s %511[^\n]", name, word) == 2) {
			for (unsigned i = 0; i < n; i++)
				ck_assert_str_ne(seen[i], name);
			ck_assert_uint_lt(n, 64);
			snprintf(seen[n++], sizeof seen[0], "%s", name);
			snprintf(family, sizeof family, "%s", name);
			ck_assert_msg(ends(word, strlen(word), "."), "%s", line);
		} else if (sscanf(line, "# TYPE %127s %31s", name, type) == 2) {
			ck_assert_str_eq(name, family);
			ck_assert_msg(strcmp(type, "counter") == 0 || strcmp(type, "gauge") == 0 || strcmp(type, "info") == 0,
				"%s", line);
			ck_assert(!ends(name, strlen(name), "_total"));
		} else if (sscanf(line, "# UNIT %127s %511s", name, word) == 2) {
			ck_assert_str_eq(name, family);
			ck_assert(ends(name, strlen(name), word));
		} else {
			size_t k = strcspn(line, "{ ");
			const char *suffix = strcmp(type, "counter") == 0 ? "_total" : strcmp(type, "info") == 0 ? "_info" : "";
			ck_assert_msg(k == strlen(family) + strlen(suffix) && memcmp(line, family, strlen(family)) == 0 &&
					      ends(line, k, suffix),
				"%s in family %s of type %s", line, family, type);
			samples++;
		}
	}
	ck_assert(over);
	ck_assert_uint_gt(samples, 60);
	free(copy);
}
END_TEST

/* The judge of the field, where it is installed. */
START_TEST(promtool)
{
	if (system("command -v promtool >/dev/null") != 0) {
		fprintf(stderr, "test_metrics: promtool (package prometheus) is not installed: its check was NOT made\n");
		return;
	}
	fact("azure", 2, FACT_NO_PROPOSAL);
	fact("aws-1", 1, FACT_UP);
	FILE *f = popen("promtool check metrics 2>&1", "w");
	ck_assert_ptr_nonnull(f);
	fputs(render(METRICS_CLASSIC), f);
	ck_assert_int_eq(pclose(f), 0);
	f = popen("promtool check metrics >/dev/null 2>&1", "w"); /* and it does judge */
	fputs("# TYPE x_seconds counter\nx_seconds 1\n", f);
	ck_assert_int_ne(pclose(f), 0);
}
END_TEST

START_TEST(promtool_rules)
{
	if (system("command -v promtool >/dev/null") != 0) {
		fprintf(stderr,
			"test_metrics: promtool (package prometheus) is not installed: the alert rules were NOT checked\n");
		return;
	}
	ck_assert_int_eq(system("promtool check rules contrib/prometheus/s2sd.rules.yml >/dev/null"), 0);
	ck_assert_int_eq(system("promtool test rules contrib/prometheus/s2sd.test.yml >/dev/null"), 0);
}
END_TEST

/* Every metric that dashboard and alerts ask for is one that is served. */
START_TEST(dashboard_and_alerts_know_the_names)
{
	static const char *const files[] = { "contrib/grafana/s2sd.json", "contrib/prometheus/s2sd.rules.yml" };
	unsigned names = 0;
	for (unsigned code = 0; code < FACT_COUNT; code++)
		fact("aws-1", 1, (enum fact_code)code);
	render(METRICS_CLASSIC);
	/* What s2sctl adds. */
	json_t *tunnels = json_pack("[{s:s, s:{s:s, s:i}}]", "name", "t", "bgp", "state", "Active", "received", 1);
	char *bgp = bgp_metrics("", tunnels);
	for (size_t i = 0; i < sizeof files / sizeof files[0]; i++) {
		char line[4096], name[128], typed[160];
		FILE *f = fopen(files[i], "r");
		ck_assert_msg(f != NULL, "%s", files[i]);
		while (fgets(line, sizeof line, f) != NULL) {
			for (const char *p = line; (p = strstr(p, "s2s_")) != NULL; p += strlen(name)) {
				snprintf(name, sizeof name, "%.*s", (int)strspn(p, "abcdefghijklmnopqrstuvwxyz0123456789_"), p);
				snprintf(typed, sizeof typed, "# TYPE %s ", name);
				ck_assert_msg(strstr(text.data, typed) != NULL || strstr(bgp, typed) != NULL, "%s asks for %s",
					files[i], name);
				names++;
			}
		}
		fclose(f);
	}
	ck_assert_uint_gt(names, 15);
	free(bgp);
	json_decref(tunnels);
}
END_TEST

/* Words of labels that queries pick: codes and states that exist. */
static void known_words(const char *file, const char *line, const char *label)
{
	char word[64];
	for (const char *p = line; (p = strstr(p, label)) != NULL;) {
		p += strlen(label);
		int n = 0;
		if (sscanf(p, "=%n", &n), n == 0)
			continue;
		p += n + (p[n] == '~');
		p += strspn(p, "\\\"");
		for (; strcspn(p, "|\\\"") > 0; p += strspn(p, "|")) {
			snprintf(word, sizeof word, "%.*s", (int)strcspn(p, "|\\\""), p);
			p += strlen(word);
			bool known = false;
			for (int i = 0; i < FACT_COUNT; i++)
				known |= strcmp(label, "code") == 0 && strcmp(fact_word((enum fact_code)i), word) == 0;
			for (int i = PROBLEM_NONE + 1; i < PROBLEM_COUNT; i++)
				known |= strcmp(label, "code") == 0 && strcmp(problem_word((enum problem)i), word) == 0;
			for (int i = 0; i < 4; i++)
				known |= strcmp(label, "state") == 0 &&
					 strcmp(tunnel_state_word((enum tunnel_state)i), word) == 0;
			ck_assert_msg(known, "%s asks for %s %s, which never is", file, label, word);
		}
	}
}

START_TEST(queries_ask_for_what_may_be)
{
	static const char *const files[] = { "contrib/grafana/s2sd.json", "contrib/prometheus/s2sd.rules.yml",
		"contrib/prometheus/s2sd.test.yml" };
	char line[4096];
	for (size_t i = 0; i < sizeof files / sizeof files[0]; i++) {
		FILE *f = fopen(files[i], "r");
		ck_assert_msg(f != NULL, "%s", files[i]);
		while (fgets(line, sizeof line, f) != NULL) {
			known_words(files[i], line, "code");
			known_words(files[i], line, "state");
		}
		fclose(f);
	}
}
END_TEST

/* ---------------------------------------------------------------- the dashboard's queries, asked of Prometheus' own engine */
static void put_replaced(FILE *to, const char *expr)
{
	static const struct {
		const char *word, *by;
	} variables[] = { { "$instance", ".*" }, { "$tunnel", ".*" }, { "$__rate_interval", "4m" }, { "$__range", "9m" },
		{ "'", "''" }, { "\n", " " } };
#define VARIABLES (sizeof variables / sizeof variables[0])
	while (*expr != 0) {
		size_t i = 0;
		while (i < VARIABLES && strncmp(expr, variables[i].word, strlen(variables[i].word)) != 0)
			i++;
		fputs(i < VARIABLES ? variables[i].by : (char[]){ *expr, 0 }, to);
		expr += i < VARIABLES ? strlen(variables[i].word) : 1;
	}
}

/* What is served, as series that begin with it and grow. */
static void put_series(FILE *to, char *served)
{
	for (char *line = strtok(served, "\n"); line != NULL; line = strtok(NULL, "\n")) {
		char *value = strrchr(line, ' ');
		if (line[0] == '#' || value == NULL)
			continue;
		*value++ = 0;
		size_t name = strcspn(line, "{");
		bool counter = name > 6 && strncmp(line + name - 6, "_total", 6) == 0;
		fprintf(to, "      - series: '%.*s{instance=\"gw\"%s%s'\n        values: '%s+%sx20'\n", (int)name, line,
			line[name] == '{' ? "," : "}", line[name] == '{' ? line + name + 1 : "", value, counter ? "60" : "0");
	}
}

static unsigned put_questions(FILE *to)
{
	unsigned n = 0;
	size_t i, k;
	json_t *board = json_load_file("contrib/grafana/s2sd.json", 0, NULL), *panel, *target;
	ck_assert_ptr_nonnull(board);
	json_array_foreach (json_object_get(board, "panels"), i, panel) {
		json_array_foreach (json_object_get(panel, "targets"), k, target) {
			fputs("      - expr: 'count(", to);
			put_replaced(to, json_string_value(json_object_get(target, "expr")));
			fputs(") > bool 0'\n        eval_time: 10m\n        exp_samples: [{value: 1}]\n", to);
			n++;
		}
	}
	json_decref(board);
	return n;
}

START_TEST(every_panel_shows_something)
{
	if (system("command -v promtool >/dev/null") != 0) {
		fprintf(stderr, "test_metrics: promtool (package prometheus) is not installed: the dashboard was NOT checked\n");
		return;
	}
	char path[] = "/tmp/s2s-board.XXXXXX", command[128];
	views[1].has_ike = true;
	const struct child_view child = { .rekey_at = 1795256000 };
	views[1].rekey_at = child.rekey_at;
	views[1].children = &child;
	views[1].n_children = 1;
	int fd = mkstemp(path);
	ck_assert_int_ge(fd, 0);
	for (unsigned code = 0; code < FACT_COUNT; code++) {
		fact("aws-1", 1, (enum fact_code)code);
		fact("", 0, (enum fact_code)code);
	}
	char *served = strdup(render(METRICS_CLASSIC));
	FILE *to = fdopen(fd, "w");
	fputs("evaluation_interval: 1m\ntests:\n  - interval: 1m\n    input_series:\n", to);
	put_series(to, served);
	fputs("    promql_expr_test:\n", to);
	ck_assert_uint_gt(put_questions(to), 20);
	ck_assert_int_eq(fclose(to), 0);
	snprintf(command, sizeof command, "promtool test rules %s", path);
	ck_assert_int_eq(system(command), 0);
	unlink(path);
	free(served);
}
END_TEST

/* Each alert is provoked in the file of tests. */
START_TEST(no_alert_is_untested)
{
	char line[512], name[64], wanted[160], all[65536];
	unsigned n = 0;
	FILE *rules = fopen("contrib/prometheus/s2sd.rules.yml", "r"), *tests = fopen("contrib/prometheus/s2sd.test.yml", "r");
	ck_assert(rules != NULL && tests != NULL);
	all[fread(all, 1, sizeof all - 1, tests)] = 0;
	while (fgets(line, sizeof line, rules) != NULL) {
		if (sscanf(line, " - alert: %63s", name) != 1)
			continue;
		snprintf(wanted, sizeof wanted, "alertname: %s\n        exp_alerts:\n          - ", name);
		ck_assert_msg(strstr(all, wanted) != NULL, "nothing provokes %s", name);
		n++;
	}
	ck_assert_uint_gt(n, 8);
	fclose(rules);
	fclose(tests);
}
END_TEST

/* ---------------------------------------------------------------- HTTP */
static const struct {
	const char *head;
	int status;
	bool head_only, open;
} heads[] = {
	{ "GET /metrics HTTP/1.1\r\nHost: x\r\n\r\n", 200, false, false },
	{ "GET /metrics HTTP/1.0\r\n\r\n", 200, false, false },
	{ "GET /metrics?a=b HTTP/1.1\nHost: x\n\n", 200, false, false },
	{ "HEAD /metrics HTTP/1.1\r\n\r\n", 200, true, false },
	{ "GET /metrics HTTP/1.1\r\nACCEPT: application/openmetrics-text;version=1.0.0,text/plain;q=0.5\r\n\r\n", 200, false,
		true },
	{ "GET /metrics HTTP/1.1\r\nX: application/openmetrics-text\r\n\r\n", 200, false, false },
	{ "GET / HTTP/1.1\r\n\r\n", 404, false, false },
	{ "GET /metrics/ HTTP/1.1\r\n\r\n", 404, false, false },
	{ "GET /../metrics HTTP/1.1\r\n\r\n", 404, false, false },
	{ "POST /metrics HTTP/1.1\r\n\r\n", 405, false, false },
	{ "GET /metrics HTTP/2.0\r\n\r\n", 505, false, false },
	{ "GET /metrics\r\n\r\n", 400, false, false },
	{ "\r\n\r\n", 400, false, false },
	{ "\x16\x03\x01\n\n", 400, false, false },
};

START_TEST(http_heads)
{
	struct http_request r;
	size_t n = strlen(heads[_i].head);
	for (size_t k = 0; k < n; k++) { /* it comes in pieces */
		size_t got = http_parse(heads[_i].head, k, &r);
		ck_assert(got <= k);
	}
	ck_assert_uint_le(http_parse(heads[_i].head, n, &r), n);
	ck_assert_uint_ne(http_parse(heads[_i].head, n, &r), 0);
	ck_assert_int_eq(r.status, heads[_i].status);
	ck_assert_int_eq(r.head_only, heads[_i].head_only);
	ck_assert_int_eq(r.open, heads[_i].open);
}
END_TEST

START_TEST(http_endless_head)
{
	static char head[HTTP_HEAD_MAX];
	struct http_request r;
	memset(head, 'a', sizeof head);
	ck_assert_uint_eq(http_parse(head, sizeof head - 1, &r), 0);
	ck_assert_uint_eq(http_parse(head, sizeof head, &r), sizeof head);
	ck_assert_int_eq(r.status, 431);
}
END_TEST

START_TEST(http_answers)
{
	char head[512];
	http_head(200, METRICS_OPEN_TYPE, 12345, head, sizeof head);
	ck_assert_ptr_eq(strstr(head, "HTTP/1.1 200 OK\r\n"), head);
	ck_assert_ptr_nonnull(strstr(head, "\r\nContent-Length: 12345\r\n"));
	ck_assert_ptr_nonnull(strstr(head, "\r\nContent-Type: application/openmetrics-text; version=1.0.0; charset=utf-8\r\n"));
	ck_assert_str_eq(head + strlen(head) - 4, "\r\n\r\n");
	http_head(405, "text/plain", 0, head, sizeof head);
	ck_assert_ptr_nonnull(strstr(head, "\r\nAllow: GET, HEAD\r\n"));
}
END_TEST

int main(void)
{
	Suite *s = suite_create("metrics");
	TCase *c = tcase_create("text"), *h = tcase_create("http");
	tcase_add_checked_fixture(c, setup, teardown);
	tcase_set_timeout(c, 60);
	tcase_add_test(c, every_tunnel_has_its_samples);
	tcase_add_test(c, an_id_used_again);
	tcase_add_test(c, labels_are_escaped);
	tcase_add_test(c, certificates_end);
	tcase_add_test(c, no_configuration_yet);
	tcase_add_test(c, open_form);
	tcase_add_test(c, promtool);
	tcase_add_test(c, promtool_rules);
	tcase_add_test(c, dashboard_and_alerts_know_the_names);
	tcase_add_test(c, queries_ask_for_what_may_be);
	tcase_add_test(c, every_panel_shows_something);
	tcase_add_test(c, no_alert_is_untested);
	tcase_add_loop_test(h, http_heads, 0, (int)(sizeof heads / sizeof heads[0]));
	tcase_add_test(h, http_endless_head);
	tcase_add_test(h, http_answers);
	suite_add_tcase(s, c);
	suite_add_tcase(s, h);
	return unit_run_suite(s);
}
