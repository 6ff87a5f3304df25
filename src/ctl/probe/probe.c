/* probe.c - `s2sctl probe ADDRESS`: the command and its words. */
#include "probe.h"

#include <netdb.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "base/text.h"
#include "base/mem.h"
#include "crypto/alg.h"
#include "ctl/answer.h"
#include "cloud/cloud.h"
#include "ctl/render.h"

/* ---------------------------------------------------------------- words */
static void put(FILE *out, bool terminal, const char *label, const char *text)
{
	char clean[4096];
	escaped(clean, sizeof clean, text);
	int used = fprintf(out, terminal ? "  %-12s" : "  %s: ", label);
	if (terminal)
		put_wrapped(out, clean, (unsigned)used, (unsigned)used, screen_width(out));
	else
		fprintf(out, "%s\n", clean);
}

static const char *groups_text(probe_set groups, char *text, size_t size)
{
	text[0] = 0;
	for (unsigned g = 0; g < probe_rows()->nobody; g++)
		if ((groups & 1u << g) != 0)
			text_join(text, size, " ", probe_rows()->group[g]->word);
	return text;
}

static void put_accepted(const struct probe *p, FILE *out, bool terminal)
{
	char pair[PROBE_TEXT], groups[256], line[512];
	struct probe_combination c = { 0 };
	while (probe_accepted(p, &c)) {
		snprintf(line, sizeof line, "%s with %s", probe_pair(&c, pair), groups_text(c.groups, groups, sizeof groups));
		put(out, terminal, "accepts", line);
	}
}

/* What the combination is called by a provider that takes one alone. */
static void put_name(enum cloud cloud, const char *encr, const char *hash, const char *group, FILE *out, bool terminal)
{
	const char *const words[] = { encr, hash, group };
	const char *names[3];
	char line[256], label[32];
	bool all = provider_of(cloud)->policy != NULL;
	for (unsigned i = 0; i < 3; i++)
		all &= (names[i] = cloud_name(cloud, false, words[i], strlen(words[i]))) != NULL;
	if (!all)
		return;
	snprintf(label, sizeof label, "at %s", provider_of(cloud)->name);
	snprintf(line, sizeof line, "IKE encryption %s, integrity/PRF %s, DH group %s", names[0], names[1], names[2]);
	put(out, terminal, label, line);
}

static void put_names(const struct probe *p, FILE *out, bool terminal)
{
	const struct probe_rows *r = probe_rows();
	struct probe_combination of = { 0 };
	while (probe_accepted(p, &of))
		for (unsigned g = 0; g < r->nobody && of.integ == of.prf; g++)
			for (unsigned c = 0; c < CLOUD_COUNT && (of.groups & 1u << g) != 0; c++)
				put_name((enum cloud)c, r->encr[of.encr]->word, r->integ[of.integ]->word, r->group[g]->word, out,
					terminal);
}

/* What ended the questions before their end. */
static const struct {
	const char *code, *text;
} ends[] = {
	[PROBE_UNREACHABLE] = { "unreachable", "nobody listens there: the port is unreachable (ICMP)" },
	[PROBE_NO_SOCKET] = { "no-route", "no route to this address from here" },
};

static void put_cost(const struct probe *p, const struct probe_cost *cost, FILE *out, bool terminal)
{
	char line[512], from[ADDR_TEXT];
	snprintf(line, sizeof line, "%u questions from %s, %u datagrams in %lld.%lld s, %u without answer%s; %s", p->asked,
		addr_port_format(&cost->local, from), cost->datagrams, (long long)cost->ms / 1000,
		(long long)cost->ms % 1000 / 100, p->silent, cost->cookies ? ", cookies asked for" : "",
		p->half_open ? "one half-open SA is left at the peer, which forgets it" : "nothing is left at the peer");
	put(out, terminal, "asked", line);
	if (p->cut)
		put(out, terminal, "not asked", "more than 60 questions would be needed: there may be more combinations");
	else if (!p->complete)
		put(out, terminal, "not asked",
			"each pair with each group: they were asked with all groups at once, so not every combination need be accepted");
}

void probe_text(
	const struct probe *p, enum probe_end end, const struct probe_cost *cost, const struct addr *to, FILE *out, bool terminal)
{
	char text[ADDR_TEXT];
	const struct probe_policy *k = probe_recognise(p);
	const char *verdict = end != PROBE_ENDED ? ends[end].text : k->text;
	int used = fprintf(out, "%s: ", addr_port_format(to, text));
	if (terminal)
		put_wrapped(out, verdict, (unsigned)used, 2, screen_width(out));
	else
		fprintf(out, "%s\n", verdict);
	put_accepted(p, out, terminal);
	if (strcmp(k->code, "one") == 0)
		put_names(p, out, terminal);
	const char *vendor = probe_vendor(p);
	if (p->answers)
		put(out, terminal, "vendor",
			vendor != NULL           ? vendor
			: p->whole.n_vendors > 0 ? "sends a Vendor ID that is not known here"
						 : "sends no Vendor ID");
	if (p->notify != 0) {
		char line[128];
		snprintf(line, sizeof line, "%s (%u)", ike_notify_name(p->notify), p->notify);
		put(out, terminal, "notify", line);
	}
	if (end != PROBE_NO_SOCKET)
		put_cost(p, cost, out, terminal);
	put(out, terminal, "here", k->todo);
}

/* ---------------------------------------------------------------- JSON */
static json_t *set_json(probe_set s, unsigned n, const struct alg *const *rows)
{
	json_t *list = json_array();
	for (unsigned i = 0; i < n; i++)
		if ((s & 1u << i) != 0)
			json_array_append_new(list, json_string(rows[i]->word));
	return list;
}

static json_t *accepted_json(const struct probe *p)
{
	json_t *list = json_array();
	char pair[PROBE_TEXT];
	struct probe_combination c = { 0 };
	while (probe_accepted(p, &c))
		for (unsigned g = 0; g < probe_rows()->nobody; g++)
			if ((c.groups & 1u << g) != 0)
				json_array_append_new(
					list, json_sprintf("%s-%s", probe_pair(&c, pair), probe_rows()->group[g]->word));
	return list;
}

static json_t *vendors_json(const struct probe *p)
{
	json_t *list = json_array();
	for (unsigned i = 0; i < p->whole.n_vendors; i++) {
		char hex[2 * sizeof p->whole.vendors[0].id + 1] = "";
		for (unsigned k = 0; k < p->whole.vendors[i].n; k++)
			snprintf(hex + 2 * k, 3, "%02x", p->whole.vendors[i].id[k]);
		json_array_append_new(list, json_string(hex));
	}
	return list;
}

json_t *probe_json(const struct probe *p, enum probe_end end, const struct probe_cost *cost, const struct addr *to)
{
	char text[ADDR_TEXT];
	const struct probe_policy *k = probe_recognise(p);
	const struct probe_rows *r = probe_rows();
	const char *vendor = probe_vendor(p);
	json_t *o = answer_new();
	json_object_set_new(o, "address", json_string(addr_port_format(to, text)));
	json_object_set_new(o, "answers", json_boolean(p->answers));
	json_object_set_new(o, "policy", json_string(end != PROBE_ENDED ? ends[end].code : k->code));
	json_object_set_new(o, "text", json_string(end != PROBE_ENDED ? ends[end].text : k->text));
	json_object_set_new(o, "todo", json_string(k->todo));
	json_object_set_new(o, "accepted", accepted_json(p));
	json_object_set_new(o, "complete", json_boolean(p->complete && !p->cut));
	json_object_set_new(o, "encryption", set_json(p->encrs, r->encrs, r->encr));
	json_object_set_new(o, "integrity", set_json(p->integs, r->hashes, r->integ));
	json_object_set_new(o, "prf_of_aead", set_json(p->prfs, r->hashes, r->prf));
	json_object_set_new(o, "groups", set_json(p->groups, r->nobody, r->group));
	json_object_set_new(o, "vendor", vendor != NULL ? json_string(vendor) : json_null());
	json_object_set_new(o, "vendor_ids", vendors_json(p));
	json_object_set_new(o, "nat_traversal", p->half_open ? json_boolean(p->whole.nat) : json_null());
	json_object_set_new(o, "fragmentation", p->half_open ? json_boolean(p->whole.fragmentation) : json_null());
	json_object_set_new(o, "notify", p->notify != 0 ? json_integer(p->notify) : json_null());
	json_object_set_new(o, "cookies", json_boolean(cost->cookies));
	json_object_set_new(o, "questions", json_integer(p->asked));
	json_object_set_new(o, "datagrams", json_integer(cost->datagrams));
	json_object_set_new(o, "unanswered", json_integer(p->silent));
	json_object_set_new(o, "half_open_left", json_integer(p->half_open));
	return o;
}

/* ---------------------------------------------------------------- the command */
static bool resolve(const char *name, struct addr *a)
{
	struct addrinfo *list = NULL, hints = { .ai_socktype = SOCK_DGRAM };
	if (addr_parse(a, name))
		return true;
	if (getaddrinfo(name, NULL, &hints, &list) != 0)
		return false;
	bool good = list != NULL && addr_from_sockaddr(a, list->ai_addr, list->ai_addrlen);
	freeaddrinfo(list);
	return good;
}

int run_probe(const struct ctl_command *self, const struct options *o)
{
	const char *bad = NULL;
	char text[ADDR_TEXT];
	struct addr to = { 0 };
	struct probe_cost cost = { 0 };
	struct probe *p;
	int code = CTL_DONE;
	if (o->port > UINT16_MAX)
		return ctl_usage(o, self, "there is no port %d", o->port);
	if (!alg_init(&bad))
		return ctl_fail(o, CTL_FAILED, "crypto", "cryptographic library: %s", bad);
	if (!resolve(o->argv[0], &to))
		return ctl_fail(o, CTL_FAILED, "address", "'%s' is neither an address nor a name that has one", o->argv[0]);
	p = xcalloc(1, sizeof *p);
	to.port = (uint16_t)(o->port > 0 ? o->port : IKE_PORT);
	probe_begin(p);
	if (!o->json && isatty(STDERR_FILENO))
		fprintf(stderr, "s2sctl: asking %s, five questions a second at most\n", addr_port_format(&to, text));
	enum probe_end end = probe_run(p, &to, &probe_politely, &cost);
	if (o->json)
		code = answer_print(probe_json(p, end, &cost, &to));
	else
		probe_text(p, end, &cost, &to, stdout, isatty(STDOUT_FILENO));
	if (end != PROBE_ENDED || !p->answers)
		code = CTL_FAILED;
	free(p);
	return code;
}
