/*
 * test_slices.c - answers about ten thousand tunnels: in slices of bounded size, whole and once each whatever is reloaded meanwhile, and left when their
 * client is gone. The protocol is made up, the sockets are test_clients.c's.
 */
#include <jansson.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "engine/control.h"
#include "unit.h"

#define MANY 10000u

/* ---------------------------------------------------------------- a protocol with as many tunnels as its configuration */
static struct conf conf;
static struct tunnel_conf *by_id[MANY * 2 + 1];

/* The tunnels that keep() wants, in the place of those that are there; ids are given once and for all. */
static void configure(bool (*keep)(unsigned number))
{
	for (uint32_t i = 0; i < conf.n; i++) {
		by_id[conf.tunnels[i]->id] = NULL;
		free(conf.tunnels[i]);
	}
	free(conf.tunnels);
	conf.tunnels = calloc(MANY * 2, sizeof *conf.tunnels);
	conf.n = 0;
	for (unsigned i = 0; i < 2 * MANY; i++) {
		if (!keep(i))
			continue;
		struct tunnel_conf *t = calloc(1, sizeof *t);
		t->id = i + 1;
		snprintf(t->name, sizeof t->name, "t%05u", i);
		snprintf(t->interface, sizeof t->interface, "s2s-%05u", i);
		conf.tunnels[conf.n++] = by_id[t->id] = t;
	}
}

static bool even(unsigned number) { return number % 2 == 0; }
static bool nobody(unsigned number) { return (void)number, false; }
/* Half of them stay, the others go, and others come, more at the beginning than at the end. */
static bool other(unsigned number) { return number % 4 == 0 || (number % 2 == 1 && (number < MANY / 2 || number % 16 == 1)); }

bool ike_view(const struct ike *ike, uint32_t tunnel, struct tunnel_view *v)
{
	(void)ike;
	if (tunnel > 2 * MANY || by_id[tunnel] == NULL)
		return false;
	*v = (struct tunnel_view){ .conf = by_id[tunnel], .state = TUNNEL_UP, .since = 1795255200, .ike_state = "none" };
	v->counters[COUNTER_BYTES_IN] = tunnel;
	return true;
}
const uint64_t *ike_counters(const struct ike *ike, uint32_t tunnel)
{
	static struct tunnel_view v;
	return ike_view(ike, tunnel, &v) ? v.counters : NULL;
}
bool ike_glance(const struct ike *ike, uint32_t tunnel, struct tunnel_view *v) { return ike_view(ike, tunnel, v); }
void ike_totals(const struct ike *ike, struct ike_totals *t) { (void)ike, *t = (struct ike_totals){ .datagrams = 1 }; }

/* ---------------------------------------------------------------- clients that read slice by slice */
#define CLIENTS 4u
static struct {
	struct line text;
	bool owed, whole;
	unsigned parts;
	size_t longest;
} clients[CLIENTS];
static unsigned sent; /* lines that are no slices */

static const struct ike *op_ike(void *arg) { return arg; }
static const struct conf *op_conf(void *arg) { return (void)arg, &conf; }
static void op_command(void *arg, enum ike_command_kind kind, uint32_t tunnel, uint64_t token)
{
	(void)arg, (void)kind, (void)tunnel, (void)token;
}
static void op_counters(void *arg) { (void)arg; }
static void op_reload(void *arg, uint64_t token, bool dry_run) { (void)arg, (void)token, (void)dry_run; }
static void op_send(void *arg, uint64_t client, const char *line) { (void)arg, (void)client, (void)line, sent++; }
static void op_begin(void *arg, uint64_t client) { (void)arg, clients[client].owed = true; }
static void op_part(void *arg, uint64_t client, const char *text, size_t len)
{
	(void)arg;
	ck_assert(clients[client].owed && !clients[client].whole);
	line_put(&clients[client].text, text, len);
	clients[client].parts++;
	clients[client].longest = len > clients[client].longest ? len : clients[client].longest;
	clients[client].whole = text[len - 1] == '\n';
}
static void op_end(void *arg, uint64_t client) { (void)arg, clients[client].owed = false; }
static void op_close(void *arg, uint64_t client) { (void)arg, (void)client; }
static uint32_t op_features(void *arg) { return (void)arg, 1; }
static struct moment op_now(void *arg) { return (void)arg, (struct moment){ { 5000 }, 1795255200 }; }
static const struct control_ops ops = { op_ike, op_conf, op_command, op_counters, op_reload, op_send, op_begin, op_part, op_end,
	op_close, op_now, op_features };
static struct control *control;

static void setup(void)
{
	const char *why;
	ck_assert(alg_init(&why));
	configure(even);
	control = control_new(&ops, NULL);
}

static void teardown(void)
{
	control_free(control);
	configure(nobody);
	free(conf.tunnels);
	conf = (struct conf){ 0 };
	for (unsigned i = 0; i < CLIENTS; i++)
		line_release(&clients[i].text);
	memset(clients, 0, sizeof clients);
}

static void ask(uint64_t client, const char *line)
{
	control_request(control, client, line, strlen(line));
	control_counters(control);
}

static void read_on(uint64_t client, unsigned slices)
{
	for (unsigned i = 0; i < slices && clients[client].owed; i++) {
		unsigned before = clients[client].parts;
		control_more(control, client);
		ck_assert_uint_le(clients[client].parts, before + 1);
	}
}

/* The answer, and that it came in slices; it is forgotten. */
static json_t *whole(uint64_t client)
{
	json_error_t why;
	read_on(client, UINT32_MAX);
	ck_assert(clients[client].whole && !clients[client].owed && !control_client_waits(control, client));
	ck_assert_uint_lt(clients[client].longest, 80 << 10);
	ck_assert_uint_ge(clients[client].parts, clients[client].text.len / (80 << 10));
	json_t *answer = json_loads(clients[client].text.data, JSON_REJECT_DUPLICATES, &why);
	ck_assert_msg(answer != NULL, "%s", why.text);
	ck_assert_int_eq(json_integer_value(json_object_get(answer, "version")), 1);
	line_release(&clients[client].text);
	memset(&clients[client], 0, sizeof clients[client]);
	return answer;
}

/* How often each tunnel is in an answer; the names are in order. */
static void count_names(const json_t *answer, uint8_t times[2 * MANY])
{
	size_t i;
	json_t *t;
	int last = -1;
	memset(times, 0, 2 * MANY);
	json_array_foreach (json_object_get(answer, "tunnels"), i, t) {
		int number = atoi(json_string_value(json_object_get(t, "name")) + 1);
		ck_assert_int_gt(number, last);
		times[number]++;
		last = number;
	}
}

static uint8_t times[2 * MANY];

static const char *const requests[] = { "{\"command\":\"status\"}", "{\"command\":\"show\"}", "{\"command\":\"top\"}" };
START_TEST(all_in_order)
{
	ask(1, requests[_i]);
	ck_assert_uint_eq(clients[1].parts, 0); /* not even the first slice is made before it is asked for */
	json_t *answer = whole(1);
	count_names(answer, times);
	for (unsigned i = 0; i < 2 * MANY; i++)
		ck_assert_uint_eq(times[i], even(i));
	json_decref(answer);
}
END_TEST

/* A reload when _i slices are out: who stays is there once, nobody twice; who goes and who comes may be there. */
START_TEST(reload_in_between)
{
	ask(1, requests[0]);
	read_on(1, (unsigned)_i);
	configure(other);
	json_t *answer = whole(1);
	count_names(answer, times);
	for (unsigned i = 0; i < 2 * MANY; i++) {
		if (even(i) && other(i))
			ck_assert_uint_eq(times[i], 1);
		ck_assert_uint_le(times[i], even(i) || other(i));
	}
	json_decref(answer);
}
END_TEST

START_TEST(named_tunnels)
{
	ask(1, "{\"command\":\"status\",\"tunnels\":[\"t00008\",\"t00002\",\"t00008\"]}");
	json_t *answer = whole(1), *list = json_object_get(answer, "tunnels");
	static const char *const names[] = { "t00008", "t00002", "t00008" };
	ck_assert_uint_eq(json_array_size(list), 3);
	for (size_t i = 0; i < 3; i++)
		ck_assert_str_eq(json_string_value(json_object_get(json_array_get(list, i), "name")), names[i]);
	json_decref(answer);
	json_t *all = json_array(), *request = json_pack("{ssso}", "command", "show", "tunnels", all);
	for (unsigned i = 0; i < 2000; i++)
		json_array_append_new(all, json_string(i % 2 ? "t00002" : "t00004"));
	char *line = json_dumps(request, 0);
	ask(1, line);
	read_on(1, 3);
	configure(other); /* t00002 goes */
	answer = whole(1);
	size_t n = json_array_size(json_object_get(answer, "tunnels"));
	ck_assert(n >= 1000 && n < 1999);
	json_decref(answer);
	json_decref(request);
	free(line);
}
END_TEST

/* How often a family names each tunnel. */
static void count_samples(const char *text, const char *family, uint8_t to[2 * MANY])
{
	char begin[128];
	snprintf(begin, sizeof begin, "\n%s{tunnel=\"t", family);
	memset(to, 0, 2 * MANY);
	for (const char *at = text; (at = strstr(at, begin)) != NULL; at++)
		to[atoi(at + strlen(begin))]++;
}

static void each_is_announced_once(const char *text)
{
	char name[128], line[160];
	for (const char *at = text; (at = strstr(at, "# TYPE ")) != NULL; at++) {
		ck_assert_int_eq(sscanf(at, "# TYPE %127s", name), 1);
		snprintf(line, sizeof line, "# TYPE %s ", name);
		ck_assert_ptr_null(strstr(at + 1, line));
	}
}

static const char *const families[] = { "s2s_tunnel_info", "s2s_tunnel_up", "s2s_tunnel_received_bytes_total",
	"s2s_tunnel_ike_sas", "s2s_tunnel_liveness_checks_total" };

START_TEST(metrics_whole)
{
	ask(1, "{\"command\":\"metrics\"}");
	json_t *answer = whole(1);
	const char *text = json_string_value(json_object_get(answer, "metrics"));
	each_is_announced_once(text);
	ck_assert_str_eq(text + strlen(text) - 6, "# EOF\n");
	for (size_t i = 0; i < sizeof families / sizeof *families; i++) {
		count_samples(text, families[i], times);
		for (unsigned k = 0; k < 2 * MANY; k++)
			ck_assert_uint_eq(times[k], even(k));
	}
	ck_assert_ptr_nonnull(strstr(text, "s2s_tunnel_received_bytes_total{tunnel=\"t01000\"} 1001\n"));
	json_decref(answer);
}
END_TEST

START_TEST(metrics_with_a_reload_in_between)
{
	ask(1, "{\"command\":\"metrics\",\"format\":\"classic\"}");
	read_on(1, (unsigned)_i);
	configure(other);
	json_t *answer = whole(1);
	const char *text = json_string_value(json_object_get(answer, "metrics"));
	each_is_announced_once(text);
	for (size_t i = 0; i < sizeof families / sizeof *families; i++) {
		count_samples(text, families[i], times);
		for (unsigned k = 0; k < 2 * MANY; k++) {
			if (even(k) && other(k))
				ck_assert_uint_eq(times[k], 1);
			ck_assert_uint_le(times[k], even(k) || other(k));
		}
	}
	json_decref(answer);
}
END_TEST

/* One in the middle of its answer goes away, another goes on; the place is free again. */
START_TEST(gone_in_the_middle)
{
	for (unsigned round = 0; round < 2 * CONTROL_PENDING_MAX; round++) {
		ask(2, "{\"command\":\"metrics\"}");
		read_on(2, round % 8);
		control_client_gone(control, 2);
		ck_assert(!control_client_waits(control, 2));
		unsigned parts = clients[2].parts;
		read_on(2, 1); /* the last that was asked of it before anybody knew */
		ck_assert_uint_eq(clients[2].parts, parts);
		line_release(&clients[2].text);
		memset(&clients[2], 0, sizeof clients[2]);
	}
	ck_assert_uint_eq(sent, 0);
	ask(1, requests[0]);
	read_on(1, 2);
	ask(2, requests[0]);
	read_on(2, 3);
	control_client_gone(control, 2);
	json_t *answer = whole(1);
	count_names(answer, times);
	ck_assert_uint_eq(times[0], 1);
	ck_assert_uint_eq(times[2 * MANY - 2], 1);
	json_decref(answer);
}
END_TEST

/* Requests of one client that wait together are answered one after the other, never one within another. */
START_TEST(one_after_the_other)
{
	ask(2, requests[0]); /* its place is free when the second request comes */
	ask(1, requests[0]);
	json_decref(whole(2));
	read_on(1, 2);
	ask(1, "{\"command\":\"metrics\"}");
	while (!clients[1].whole)
		read_on(1, 1);
	ck_assert(clients[1].owed && control_client_waits(control, 1));
	ck_assert_ptr_nonnull(strstr(clients[1].text.data, "t19998"));
	ck_assert_ptr_null(strstr(clients[1].text.data, "metrics"));
	line_release(&clients[1].text);
	clients[1].whole = false;
	json_t *answer = whole(1);
	ck_assert(json_is_string(json_object_get(answer, "metrics")));
	json_decref(answer);
}
END_TEST

/* What is in a JSON string is what jansson makes of it. */
START_TEST(escaped_as_in_json)
{
	static const char text[] = "a\"b\\c\nd\x01\xc3\xa4/\x7f";
	struct line l = { 0 }, theirs = { 0 };
	line_puts(&l, "\"");
	line_escaped(&l, text, sizeof text - 1);
	line_puts(&l, "\"");
	line_json(&theirs, json_string(text));
	ck_assert_str_eq(l.data, theirs.data);
	line_release(&l);
	line_release(&theirs);
}
END_TEST

int main(void)
{
	TCase *t = tcase_create("slices");
	tcase_add_checked_fixture(t, setup, teardown);
	tcase_set_timeout(t, 60);
	tcase_add_loop_test(t, all_in_order, 0, 3);
	tcase_add_loop_test(t, reload_in_between, 0, 4);
	tcase_add_test(t, named_tunnels);
	tcase_add_test(t, metrics_whole);
	tcase_add_loop_test(t, metrics_with_a_reload_in_between, 0, 4);
	tcase_add_test(t, gone_in_the_middle);
	tcase_add_test(t, one_after_the_other);
	tcase_add_test(t, escaped_as_in_json);
	return unit_run_case("slices", t);
}
