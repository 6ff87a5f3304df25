/*
 * test_children.c - `children:` of a tunnel: its selectors, printing, packing, reload, and what `s2sctl check` says of them. What the parser refuses
 * is in tests/golden/conf/children*.
 */
#include "check_help.h"

#include <stdlib.h>

#define T "tunnels:\n  a:\n    remote: 203.0.113.10\n    psk-file: k\n"
#define AWS T "    cloud: aws\n"
#define AZURE T "    cloud: azure\n"
#define CHILDREN_KEY "    children:\n"
#define CHILDREN T CHILDREN_KEY
#define ONE_TO(remote) "      - {local-ts: 10.1.0.0/16, remote-ts: " remote "}\n"
#define BGP "    bgp: {local-as: 65000, peer-as: 65001, peer: 10.0.0.1}\n"
#define INSIDE "    inside: 10.0.0.2/30\n"

/* ---------------------------------------------------------------- s2sctl check */
static const struct {
	const char *yaml, *rule, *key;
	enum finding_severity severity;
	int line;
	const char *text, *todo;
} cases[] = {
	{ CHILDREN ONE_TO("10.2.0.0/16") "    routes: [10.2.0.0/16, 10.3.0.0/16]\n", "selectors", "routes", E, 7, "10.3.0.0/16",
		"write a child" },
	{ CHILDREN ONE_TO("10.2.0.0/17") ONE_TO("10.2.128.0/18") "    routes: [10.2.0.0/16]\n", "selectors", "routes", E, 8,
		"10.2.0.0/16", NULL },
	{ CHILDREN ONE_TO("10.2.0.0/16") ONE_TO("10.3.0.0/16") "    routes: [10.2.0.0/16]\n", "selectors", "children", W, 7,
		"no route of this tunnel leads to 10.3.0.0/16", "s2s-a" },
	{ CHILDREN ONE_TO("10.2.0.0/16") "      - {local-ts: 10.1.3.0/24, remote-ts: 10.2.0.0/15}\n    routes: [10.2.0.0/15]\n",
		"overlap", "children", W, 7, "with the child in line 6", NULL },
	{ CHILDREN "      - {local-ts: 10.1.0.0/16, remote-ts: 10.1.2.0/24}\n    routes: [10.1.2.0/24]\n", "overlap", "children",
		E, 6, "an address cannot be on both sides", NULL },
	{ CHILDREN ONE_TO("10.2.0.0/16") "      - {local-ts: 10.0.0.0/30, remote-ts: 10.9.0.0/30}\n" INSIDE BGP, "selectors",
		"bgp.peer", E, 9, "between 10.0.0.2 and 10.0.0.1 is not covered by any child", "write a child" },
	{ T "    local-ts: 10.1.0.0/16\n    remote-ts: [10.2.0.0/16, 10.0.0.0/30]\n" INSIDE BGP, "selectors", "bgp.peer", E, 8,
		"not covered by local-ts and remote-ts", "add the two addresses" },
	{ "tunnels:\n" ONE("a", "1", ", local-ts: 10.1.0.0/16, remote-ts: 10.2.0.0/16, local-id: x")
			ONE("b", "1", ", local-ts: 10.1.0.0/16, remote-ts: 10.3.0.0/16, local-id: y"),
		"same-remote", "remote", W, 3, NULL, "'children:'" },
	{ "tunnels:\n" ONE("a", "1", ", remote-ts: 10.0.0.0/8, children: {local-ts: 10.1.0.0/16, remote-ts: 10.2.0.0/16}")
			ONE("b", "2", ", routes: 10.2.3.0/24"),
		"overlap", "routes", W, 3, "10.2.3.0/24 lies in 10.2.0.0/16 of tunnel 'a'", NULL },
	{ AZURE "    local-ts: [10.1.0.0/16, 10.2.0.0/16]\n    remote-ts: [10.3.0.0/16, 10.4.0.0/17]\n", "selectors", "local-ts",
		H, 6, "one for each pair of networks",
		"'children: [{local-ts: 10.1.0.0/16, remote-ts: 10.3.0.0/16}, {local-ts: 10.1.0.0/16, remote-ts: 10.4.0.0/17},"
		" {local-ts: 10.2.0.0/16, remote-ts: 10.3.0.0/16}, {local-ts: 10.2.0.0/16, remote-ts: 10.4.0.0/17}]'" },
	{ AZURE "    remote-ts: [10.3.0.0/16, 10.4.0.0/16, 10.5.0.0/16, 10.6.0.0/16, 10.7.0.0/16]\n    local-ts: 10.1.0.0/16\n",
		"selectors", "local-ts", H, 7, NULL, ", ...]', 5 pairs in all" },
	{ AWS CHILDREN_KEY ONE_TO("10.2.0.0/16") ONE_TO("10.3.0.0/16") "    routes: [10.2.0.0/16, 10.3.0.0/16]\n", "selectors",
		"children", E, 6, "of 2 children one is up", "LocalIpv4NetworkCidr" },
};

START_TEST(bites)
{
	calm();
	load(cases[_i].yaml);
	judge();
	const struct finding *f = find(cases[_i].rule, cases[_i].key);
	ck_assert_msg(f != NULL, "%s", cases[_i].yaml);
	ck_assert_int_eq(f->severity, cases[_i].severity);
	ck_assert_int_eq(f->line, cases[_i].line);
	ck_assert_msg(cases[_i].text == NULL || strstr(f->text, cases[_i].text) != NULL, "%s", f->text);
	ck_assert_ptr_nonnull(f->advice);
	ck_assert_msg(cases[_i].todo == NULL || strstr(f->advice, cases[_i].todo) != NULL, "%s", f->advice);
	drop();
}
END_TEST

static const char *const good[] = {
	CHILDREN ONE_TO("10.2.0.0/16") ONE_TO("10.3.0.0/16") "    routes: [10.2.3.0/24, 10.3.0.0/16]\n",
	/* Two side by side make one whole. */
	CHILDREN ONE_TO("10.2.0.0/17") ONE_TO("10.2.128.0/17") "    routes: [10.2.0.0/16]\n",
	T "    remote-ts: [128.0.0.0/1, 0.0.0.0/1]\n    routes: [0.0.0.0/0]\n",
	CHILDREN ONE_TO("10.2.0.0/16") "      - {local-ts: 10.4.0.0/16, remote-ts: 10.2.0.0/16}\n    routes: [10.2.0.0/16]\n",
	AZURE CHILDREN_KEY ONE_TO("10.2.0.0/16") ONE_TO("10.3.0.0/16") "    routes: [10.2.3.0/24, 10.3.0.0/16]\n",
	AZURE "    routes: [10.2.3.0/24, 10.3.0.0/16]\n",
	AZURE "    remote-ts: [10.3.0.0/16, 10.4.0.0/16]\n    routes: [10.3.0.0/16, 10.4.0.0/16]\n",
	AWS CHILDREN_KEY ONE_TO("10.2.0.0/16") "    routes: 10.2.0.0/16\n",
	/* What BGP brings is not known here. */
	CHILDREN ONE_TO("10.2.0.0/16") "      - {local-ts: 10.0.0.0/30, remote-ts: 10.0.0.0/30}\n" INSIDE BGP,
	/* local-ts and remote-ts permit more than the children use. */
	"tunnels:\n" ONE("a", "1",
		", remote-ts: 10.0.0.0/8, children: {local-ts: 10.1.0.0/16, remote-ts: 10.2.0.0/16}, routes: 10.2.0.0/16")
		ONE("b", "2", ", routes: 10.3.0.0/16"),
};

START_TEST(silent)
{
	calm();
	load(good[_i]);
	judge();
	if (_i != 8) /* an address of the link is on both sides, which is meant there, and told */
		none_but_hints();
	ck_assert_ptr_null(find("selectors", NULL));
	drop();
}
END_TEST

START_TEST(two_tunnels_for_one_peer_are_one_with_children)
{
	conf = conf_of("tunnels:\n" ONE("a", "1", ", remote-ts: 10.2.0.0/16") ONE("b", "1", ", remote-ts: 10.3.0.0/16"), &out);
	const struct finding *f = find("identity", NULL);
	ck_assert_ptr_null(conf);
	ck_assert_ptr_nonnull(f);
	ck_assert_msg(strstr(f->advice, "'children:'") != NULL, "%s", f->advice);
	drop();
}
END_TEST

/* ---------------------------------------------------------------- values */
START_TEST(unions_stand_in_for_what_is_not_written)
{
	conf = conf_tunnel("children: [{local-ts: 10.1.0.0/16, remote-ts: [10.2.0.0/16, 10.3.0.0/16]},"
			   " {local-ts: 10.4.0.0/16, remote-ts: 10.2.0.0/16}]");
	ck_assert_uint_eq(conf->tunnels[0]->n_children, 2);
	ck_assert_str_eq(value_of(conf->tunnels[0], "local-ts"), "[10.1.0.0/16, 10.4.0.0/16]");
	ck_assert_str_eq(value_of(conf->tunnels[0], "remote-ts"), "[10.2.0.0/16, 10.3.0.0/16]");
	conf_free(conf);
	conf = conf_tunnel("remote-ts: 10.0.0.0/8, children: {local-ts: 10.1.0.0/16, remote-ts: 10.2.0.0/16}");
	ck_assert_str_eq(value_of(conf->tunnels[0], "local-ts"), "10.1.0.0/16");
	ck_assert_str_eq(value_of(conf->tunnels[0], "remote-ts"), "10.0.0.0/8");
	conf_free(conf);
}
END_TEST

static struct conf *as_many_as_fit(void)
{
	char *yaml = NULL;
	size_t len = 0;
	FILE *to = open_memstream(&yaml, &len);
	fprintf(to, CHILDREN);
	for (int i = 0; i < TS_POLICIES_MAX; i++)
		fprintf(to,
			"      - {local-ts: 'fd00:1111:2222:3333:4444:5555:6666:%04x[17/65000-65535]',"
			" remote-ts: 'fd00:1111:2222:3333:4444:5555:7777:%04x'}\n",
			0x8888 + i % 2, 0x8000 + i / 2);
	fclose(to);
	struct findings faults;
	struct conf *c = conf_of(yaml, &faults);
	/* 536 ports are blocks of 8, 16, 512: too many policies */
	ck_assert_ptr_null(c);
	ck_assert_uint_gt(faults.n, 0);
	findings_release(&faults);
	for (char *p = yaml; (p = strstr(p, "65000-")) != NULL; p++)
		memcpy(p, "32768", 5);
	c = conf_good(yaml);
	free(yaml);
	return c;
}

/* The most that is permitted goes through printing and packing. */
START_TEST(as_many_as_fit_survive)
{
	static char text[64 * 1024], again[64 * 1024];
	struct conf *c = as_many_as_fit();
	ck_assert_uint_eq(c->tunnels[0]->n_children, TS_POLICIES_MAX);
	tunnel_conf_value(c->tunnels[0], "children", text, sizeof text);
	ck_assert_uint_lt(strlen(text), sizeof text - 1);
	struct tunnel_conf *t = tunnel_conf_new();
	ck_assert(tunnel_conf_set(t, "children", text));
	ck_assert_str_eq(tunnel_conf_value(t, "children", again, sizeof again), text);
	tunnel_conf_unref(t);
	conf_adopt(c, NULL);
	struct bytes b = conf_pack(c);
	struct conf *u = conf_unpack(b);
	ck_assert_ptr_nonnull(u);
	ck_assert_str_eq(tunnel_conf_value(u->tunnels[0], "children", again, sizeof again), text);
	const char *key;
	ck_assert_int_eq(tunnel_conf_diff(c->tunnels[0], u->tunnels[0], &key), EFFECT_RESTART); /* the key is not there */
	conf_free(u);
	conf_free(c);
	free((void *)b.p);
}
END_TEST

START_TEST(other_texts_are_no_children)
{
	static const char *const bad[] = {
		"10.1.0.0/16",
		"{}",
		"{local-ts: 10.1.0.0/16}",
		"{local-ts: 10.1.0.0/16, remote-ts: }",
		"{local-ts: , remote-ts: 10.2.0.0/16}",
		"{remote-ts: 10.1.0.0/16, local-ts: 10.2.0.0/16}",
		"{local-ts: 10.1.0.0/16, remote-ts: 10.2.0.0/16",
		"[{local-ts: 10.1.0.0/16, remote-ts: 10.2.0.0/16}, {local-ts: 10.1.0.0/16, remote-ts: x}]",
		"{local-ts: 10.1.0.0/16, remote-ts: [}",
		"{local-ts: \", remote-ts: \"}",
	};
	for (size_t i = 0; i < sizeof bad / sizeof *bad; i++) {
		struct tunnel_conf *t = tunnel_conf_new();
		ck_assert_msg(!tunnel_conf_set(t, "children", bad[i]), "%s", bad[i]);
		for (unsigned k = 0; k < t->n_children; k++) /* what stays is whole */
			ck_assert(t->children[k].local_ts->n > 0 && t->children[k].remote_ts->n > 0);
		tunnel_conf_unref(t);
	}
}
END_TEST

/* ---------------------------------------------------------------- reload */
static const struct {
	const char *before, *after;
	enum conf_effect effect;
	const char *key;
} changes[] = {
	{ "children: {local-ts: 10.1.0.0/16, remote-ts: 10.2.0.0/16}",
		"children: [{remote-ts: [10.2.0.0/16], local-ts: 10.1.0.0/16}]", EFFECT_NONE, NULL },
	{ "local-ts: 10.1.0.0/16, remote-ts: 10.2.0.0/16", "children: {local-ts: 10.1.0.0/16, remote-ts: 10.2.0.0/16}",
		EFFECT_REKEY, "children" },
	{ "children: [{local-ts: 10.1.0.0/16, remote-ts: 10.2.0.0/16}, {local-ts: 10.3.0.0/16, remote-ts: 10.4.0.0/16}]",
		"children: [{local-ts: 10.1.0.0/16, remote-ts: 10.4.0.0/16}, {local-ts: 10.3.0.0/16, remote-ts: 10.2.0.0/16}]",
		EFFECT_REKEY, "children" },
	{ "", "children: {local-ts: 10.1.0.0/16, remote-ts: 10.2.0.0/16}", EFFECT_REKEY, "children" },
};

START_TEST(a_change_rekeys)
{
	struct conf *a = conf_tunnel(changes[_i].before), *b = conf_tunnel(changes[_i].after);
	const char *key = "";
	ck_assert_int_eq(tunnel_conf_diff(a->tunnels[0], b->tunnels[0], &key), changes[_i].effect);
	ck_assert_pstr_eq(key, changes[_i].key);
	conf_free(a);
	conf_free(b);
}
END_TEST

/* ---------------------------------------------------------------- bytes from another process */
static bool unpacks(const struct conf *c)
{
	struct bytes b = conf_pack(c);
	struct conf *u = conf_unpack(b);
	bool taken = u != NULL;
	conf_free(u);
	free((void *)b.p);
	return taken;
}

/* Who packs what the settings would not permit is not believed. */
START_TEST(unpacking_is_bounded)
{
	struct conf *c = conf_tunnel("children: [{local-ts: 10.1.0.0/16, remote-ts: 10.2.0.0/16},"
				     " {local-ts: 10.3.0.0/16, remote-ts: 10.4.0.0/16}]");
	struct child_conf *v = c->tunnels[0]->children;
	conf_adopt(c, NULL);
	ck_assert(unpacks(c));
	v[0].local_ts->n = 0;
	ck_assert(!unpacks(c));
	v[0].local_ts->n = 1;
	v[1].remote_ts->n = 0;
	ck_assert(!unpacks(c));
	v[1].remote_ts->n = 1;
	while (v[0].local_ts->n < TS_LIST_MAX)
		ts_list_add(&v[0].local_ts, &v[1].local_ts->v[0]);
	while (v[0].remote_ts->n < TS_LIST_MAX)
		ts_list_add(&v[0].remote_ts, &v[1].remote_ts->v[0]);
	ck_assert(unpacks(c)); /* 512 */
	ts_list_add(&v[1].local_ts, &v[0].local_ts->v[0]);
	ck_assert(!unpacks(c));
	conf_free(c);
}
END_TEST

/* More of them than there may be, though each is small. */
START_TEST(no_more_are_unpacked_than_fit)
{
	struct conf *c = as_many_as_fit();
	struct tunnel_conf *t = c->tunnels[0];
	conf_adopt(c, NULL);
	ck_assert(unpacks(c));
	t->children = xrealloc_array(t->children, t->n_children + 1u, sizeof *t->children);
	t->children[t->n_children] = (struct child_conf){ .local_ts = ts_list_keep(t->children[0].local_ts),
		.remote_ts = ts_list_keep(t->children[0].remote_ts) };
	t->n_children++;
	ck_assert(!unpacks(c));
	conf_free(c);
}
END_TEST

int main(void)
{
	TCase *t = tcase_create("all");
	tcase_add_loop_test(t, bites, 0, ROWS(cases));
	tcase_add_loop_test(t, silent, 0, ROWS(good));
	tcase_add_test(t, two_tunnels_for_one_peer_are_one_with_children);
	tcase_add_test(t, unions_stand_in_for_what_is_not_written);
	tcase_add_test(t, as_many_as_fit_survive);
	tcase_add_test(t, other_texts_are_no_children);
	tcase_add_loop_test(t, a_change_rekeys, 0, ROWS(changes));
	tcase_add_test(t, unpacking_is_bounded);
	tcase_add_test(t, no_more_are_unpacked_than_fit);
	return check_run("children", t);
}
