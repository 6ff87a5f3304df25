/*
 * control_help.h - the control socket's requests with a made-up protocol behind: ike_view() and ike_totals() are here, not in src/ike. A program that
 * includes this (in one of its files) asks three tunnels, and sees each answer in `saw`.
 */
#ifndef CONTROL_HELP_H
#define CONTROL_HELP_H

#include <jansson.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "engine/control.h"
#include "unit.h"

/* ---------------------------------------------------------------- a protocol that knows three tunnels */
static struct tunnel_conf t_aws = { .id = 1, .name = "aws-1", .cloud = CLOUD_AWS, .interface = "s2s-aws-1" };
static struct tunnel_conf t_azure = { .id = 2, .name = "azure", .cloud = CLOUD_AZURE, .interface = "s2s-azure" };
static struct tunnel_conf t_site = { .id = 7, .name = "site", .interface = "s2s-site", .start = START_RESPOND };
static struct tunnel_conf *three[] = { &t_aws, &t_azure, &t_site };
static struct conf conf = { .n = 3, .tunnels = three };
static struct tunnel_view views[8];

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
#include "sliced.h"
static void op_close(void *arg, uint64_t client)
{
	(void)arg;
	(void)client;
}
static uint32_t op_features(void *arg)
{
	(void)arg;
	return 1;
}

static struct moment op_now(void *arg)
{
	(void)arg;
	return (struct moment){ .mono = { 5000 }, .wall = 1795255200 };
}
static const struct control_ops ops = { op_ike, op_conf, op_command, op_counters, op_reload, op_send, op_begin, op_part, op_end,
	op_close, op_now, op_features };

static inline void setup(void)
{
	memset(&saw, 0, sizeof saw);
	memset(&sliced, 0, sizeof sliced);
	memset(views, 0, sizeof views);
	views[1].conf = &t_aws;
	views[2].conf = &t_azure;
	views[7].conf = &t_site;
	conf.n = 3;
	control = control_new(&ops, NULL);
}

static inline void teardown(void)
{
	control_free(control);
	if (saw.last != NULL)
		json_decref(saw.last);
}

static inline void ask(const char *line)
{
	control_request(control, 9, line, strlen(line));
	read_all(control);
}

static inline const char *error_code(void)
{
	const char *code = json_string_value(json_object_get(json_object_get(saw.last, "error"), "code"));
	return code != NULL ? code : "(no error)";
}

/* "ike.spi_i" of the first tunnel; a list on the way stands for its first member. */
static inline json_t *at(const char *path)
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

static inline void make_up(struct tunnel_view *v)
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
	static struct child_view one;
	struct child_view *c = &one;
	v->children = c;
	*c = (struct child_view){
		.spi_in = 0xc1, .spi_out = 0xdeadbeef, .suite = esp, .established = v->established, .state = CHILD_READY
	};
	c->in = (struct esp_count){ .bytes = 1000, .packets = 10, .replay_errors = 3, .integrity_errors = 4 };
	c->out = (struct esp_count){ .bytes = 2000, .packets = 20 };
}

/* Each test of the case has a protocol of its own. */
static inline int control_run(const char *name, TCase *t)
{
	const char *why = NULL;
	if (!alg_init(&why)) {
		fprintf(stderr, "algorithms: %s\n", why);
		return 1;
	}
	tcase_add_checked_fixture(t, setup, teardown);
	return unit_run_case(name, t);
}

#endif
