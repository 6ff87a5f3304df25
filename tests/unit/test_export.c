/*
 * test_export.c - BGP fragments: what each session gets, and that FRR and BIRD themselves take them. What they say word for word is
 * tests/golden/export.
 */
#include <stdio.h>
#include <string.h>
#include <unistd.h>

#include "conf_help.h"
#include "ctl/export/export.h"
#include "unit.h"

#define AWS(name, n, more) \
	"  " name ": {cloud: aws, remote: 203.0.113." n ", local-id: 198.51.100.7, psk-file: a, inside: 169.254." n \
	".2/30, bgp: {local-as: 65000, peer-as: 64512, peer: 169.254." n ".1" more "}}\n"
#define AZURE(name, peer, inside, more) \
	"  " name ": {cloud: azure, remote: 203.0.113.99, remote-id: " name ".example, psk-file: a, inside: " inside more \
	", bgp: {local-as: 65000, peer-as: 65515, peer: " peer "}}\n"
#define ALL \
	"tunnels:\n" AWS("aws-1", "21", "") AWS("aws-2", "22", ", hold-time: 9s") \
		AZURE("az-1", "169.254.21.130", "169.254.21.129/30", "") \
			AZURE("az-2", "10.12.255.4", "10.255.0.1/32", ", route-metric: 200, route-source: 10.1.0.1")

static struct conf *conf;
static struct export ex;

static void make(const char *yaml)
{
	char why[EXPORT_WHY] = "";
	struct findings faults;
	conf = conf_of(yaml, &faults);
	ck_assert_msg(conf != NULL, "%s", faults.n > 0 ? faults.v[0].text : "?");
	findings_release(&faults);
	ck_assert_msg(export_make(&ex, conf, why), "%s", why);
}

static void drop(void)
{
	export_release(&ex);
	conf_free(conf);
}

static char *text_of(void (*write)(const struct export *e, FILE *to))
{
	char *text = NULL;
	size_t n = 0;
	FILE *to = open_memstream(&text, &n);
	ck_assert_ptr_nonnull(to);
	write(&ex, to);
	ck_assert_int_eq(fclose(to), 0);
	return text;
}

/* The real thing reads it. 0 = accepted. Where it is not installed the test fails and says so: tests/install-deps brings both. */
static int read_by(const char *command, const char *text)
{
	char name[] = "/tmp/s2s-export-XXXXXX", line[256];
	int fd = mkstemp(name);
	ck_assert_int_ge(fd, 0);
	ck_assert_int_eq(write(fd, text, strlen(text)), (ssize_t)strlen(text));
	close(fd);
	snprintf(line, sizeof line, "PATH=$PATH:/usr/sbin:/usr/local/sbin; %s %s >/dev/null 2>&1", command, name);
	int status = system(line);
	unlink(name);
	ck_assert_msg(
		WIFEXITED(status) && WEXITSTATUS(status) != 127, "%s: not installed? tests/install-deps brings it", command);
	return WEXITSTATUS(status);
}

static const struct {
	const char *command;
	void (*write)(const struct export *e, FILE *to);
	const char *nonsense;
} readers[] = { { "vtysh -C -f", export_frr, "router bgp 65000\n neighbor nobody hates-as 7\n" },
	{ "bird -p -c", export_bird, "protocol bgp x { hate all; }\n" } };

START_TEST(daemons_take_it)
{
	static const char *const yamls[] = { ALL, "tunnels:\n" AWS("one", "9", ""),
		"tunnels:\n  a: {remote: \"2001:db8::1\", psk-file: a, inside: \"fd00::1/126\", local-ts: \"fd01::/48\", remote-ts: \"fd02::/48\","
		" bgp: {local-as: 4200000000, peer-as: 1, peer: \"fd00::2\"}}\n"
		"  b: {remote: 192.0.2.9, psk-file: a, inside: 10.0.0.1/30, local-ts: [10.1.0.0/16], route-table: 7,"
		" routes: [0.0.0.0/0], bgp: {local-as: 65000, peer-as: 65001, peer: 10.0.0.2, multihop: 7}}\n" };
	make(yamls[_i % 3]);
	char *text = text_of(readers[_i / 3].write);
	ck_assert_int_eq(read_by(readers[_i / 3].command, text), 0);
	free(text);
	drop();
}
END_TEST

START_TEST(daemons_refuse_nonsense) { ck_assert_int_ne(read_by(readers[_i].command, readers[_i].nonsense), 0); }
END_TEST

START_TEST(same_settings_same_bytes)
{
	make(ALL);
	char *first = text_of(readers[_i].write);
	drop();
	make(ALL);
	char *second = text_of(readers[_i].write);
	drop();
	ck_assert_str_eq(first, second);
	free(first);
	free(second);
}
END_TEST

START_TEST(sessions)
{
	static const struct {
		unsigned hold, keep, hops, rank;
		bool host_route;
		const char *source;
	} want[] = { { 30, 10, 0, 0, false, "169.254.21.2" }, { 9, 3, 0, 0, false, "169.254.22.2" },
		{ 180, 60, 0, 0, false, "169.254.21.129" }, { 180, 60, 4, 1, true, "10.255.0.1" } };
	char a[ADDR_TEXT];
	make(ALL);
	ck_assert_uint_eq(ex.n, 4);
	const struct export_peer *p = &ex.peers[_i];
	ck_assert_uint_eq(p->hold, want[_i].hold);
	ck_assert_uint_eq(p->keep, want[_i].keep);
	ck_assert_uint_eq(p->hops, want[_i].hops);
	ck_assert_uint_eq(p->rank, want[_i].rank);
	ck_assert_int_eq(p->host_route, want[_i].host_route);
	ck_assert_str_eq(addr_format(&p->source, a), want[_i].source);
	ck_assert_uint_eq(ex.paths, 2);
	ck_assert_str_eq(addr_format(&ex.router_id, a), "198.51.100.7");
	drop();
}
END_TEST

static bool guarded(const char *text)
{
	struct prefix p;
	ck_assert(prefix_parse(&p, text));
	for (unsigned i = 0; i < ex.blackholes.n; i++)
		if (prefix_equal(&ex.blackholes.v[i], &p))
			return true;
	return false;
}

/* s2sd guards its routes; a second guard with a better metric would cut them off. */
START_TEST(guards)
{
	make("tunnels:\n  a: {remote: 192.0.2.9, psk-file: a, inside: 10.0.0.1/30, routes: [10.0.0.0/8], remote-ts: 0.0.0.0/0,"
	     " bgp: {local-as: 65000, peer-as: 65001, peer: 10.0.0.2}}\n"
	     "  b: {remote: 192.0.2.8, psk-file: a, inside: 10.0.1.1/30, remote-ts: [10.7.0.0/16, 10.1.0.0/16], local-ts: 10.1.0.0/16,"
	     " bgp: {local-as: 65000, peer-as: 65001, peer: 10.0.1.2}}\n");
	ck_assert(!guarded("10.0.0.0/8"));
	ck_assert(guarded("172.16.0.0/12"));
	ck_assert(guarded("192.168.0.0/16"));
	ck_assert(guarded("10.7.0.0/16"));
	ck_assert(!guarded("10.1.0.0/16"));
	drop();
}
END_TEST

static const struct {
	const char *yaml, *why;
} refusals[] = {
	{ "tunnels:\n  a: {remote: 192.0.2.9, psk-file: a}\n", "no tunnel has a 'bgp' block" },
	{ "tunnels: {}\n", "no tunnel has a 'bgp' block" },
	{ "tunnels:\n  a: {remote: 192.0.2.9, psk-file: a, bgp: {local-as: 1, peer-as: 2, peer: 10.0.0.2}}\n",
		"tunnel 'a' has no address" },
	{ "tunnels:\n" AWS("b", "7", "") AWS("a", "7", ""), "tunnels 'a' and 'b' have the same BGP peer, 169.254.7.1" },
};

START_TEST(refuses)
{
	char why[EXPORT_WHY] = "", yaml[1024];
	struct findings faults;
	snprintf(yaml, sizeof yaml, "%s", refusals[_i].yaml);
	if (_i == 3) /* same inside network, another peer */
		yaml[strcspn(yaml, "7")] = '8';
	conf = conf_of(yaml, &faults);
	ck_assert_msg(conf != NULL, "%s", faults.n > 0 ? faults.v[0].text : "?");
	findings_release(&faults);
	ck_assert(!export_make(&ex, conf, why));
	ck_assert_msg(strstr(why, refusals[_i].why) == why, "%s", why);
	conf_free(conf);
}
END_TEST

int main(void)
{
	TCase *t = tcase_create("all");
	tcase_set_timeout(t, 60);
	tcase_add_loop_test(t, daemons_take_it, 0, 6);
	tcase_add_loop_test(t, daemons_refuse_nonsense, 0, 2);
	tcase_add_loop_test(t, same_settings_same_bytes, 0, 2);
	tcase_add_loop_test(t, sessions, 0, 4);
	tcase_add_test(t, guards);
	tcase_add_loop_test(t, refuses, 0, sizeof refusals / sizeof *refusals);
	return unit_run_case("export", t);
}
