/* ping.c - `s2sctl ping TUNNEL [ADDRESS]`: the command and its words, see ping.h. */
#include "ping.h"

#include <errno.h>
#include <inttypes.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "ctl/answer.h"
#include "ctl/render.h"

#define COUNT 3
#define COUNT_MOST 1000

/* ---------------------------------------------------------------- words */
static void put_leg(FILE *out, const char *what, enum ping_truth t, const char *fmt, uint64_t n)
{
	char text[64];
	/* cppcheck-suppress wrongPrintfScanfArgNum */
	snprintf(text, sizeof text, fmt, n);
	fprintf(out, "  %-11s %-4s %s\n", what, t == PING_YES ? "yes" : t == PING_NO ? "no" : "?", text);
}

void ping_summary(const struct ping_facts *f, const struct ping_result *r, FILE *out)
{
	char line[PING_WORDS + 80];
	fprintf(out, "%u sent, %u answered", f->sent + f->not_sent, f->received);
	if (f->received > 0)
		fprintf(out, ", round trip %.2f/%.2f/%.2f ms (least, mean, most)", f->least, f->sum / f->received, f->most);
	fputc('\n', out);
	put_leg(out, "interface", r->leg[LEG_INTERFACE], "%" PRIu64 " packets into it", f->is.link_out - f->was.link_out);
	put_leg(out, "ESP out", r->leg[LEG_ESP_OUT], "%" PRIu64 " packets", f->is.sa ? f->is.sa_out - f->was.sa_out : 0);
	put_leg(out, "ESP in", r->leg[LEG_ESP_IN], "%" PRIu64 " packets", f->is.sa ? f->is.sa_in - f->was.sa_in : 0);
	put_leg(out, "answers", r->leg[LEG_ANSWER], "%" PRIu64, f->received);
	snprintf(line, sizeof line, "%s: %s", f->tunnel, r->text);
	put_fitting(out, line, 0, 2);
	if (r->todo[0] != 0)
		put_fitting(out, r->todo, (unsigned)fprintf(out, "  here: "), 2);
}

static json_t *truth_json(enum ping_truth t) { return t == PING_UNKNOWN ? json_null() : json_boolean(t == PING_YES); }

static json_t *leg_json(const char *what, enum ping_truth t, json_t *packets)
{
	json_t *o = json_object();
	json_object_set_new(o, "leg", json_string(what));
	json_object_set_new(o, "works", truth_json(t));
	json_object_set_new(o, "packets", packets);
	return o;
}

static json_t *packets_json(bool known, uint64_t n) { return known ? json_integer((json_int_t)n) : json_null(); }

static json_t *base_json(const struct addr *from, const struct addr *to)
{
	char text[ADDR_TEXT];
	json_t *o = json_object();
	json_object_set_new(o, "from", json_string(addr_format(from, text)));
	json_object_set_new(o, "to", json_string(addr_format(to, text)));
	return o;
}

json_t *ping_facts_json(const struct ping_facts *f, const struct ping_result *r)
{
	json_t *o = base_json(&f->from, &f->to), *legs = json_array(), *trip = json_null();
	json_array_append_new(
		legs, leg_json("interface", r->leg[LEG_INTERFACE], packets_json(f->is.link, f->is.link_out - f->was.link_out)));
	json_array_append_new(
		legs, leg_json("esp-out", r->leg[LEG_ESP_OUT], packets_json(f->is.sa, f->is.sa_out - f->was.sa_out)));
	json_array_append_new(legs, leg_json("esp-in", r->leg[LEG_ESP_IN], packets_json(f->is.sa, f->is.sa_in - f->was.sa_in)));
	json_array_append_new(legs, leg_json("answers", r->leg[LEG_ANSWER], packets_json(true, f->received)));
	if (f->received > 0) {
		trip = json_object();
		json_object_set_new(trip, "least", json_real(f->least));
		json_object_set_new(trip, "mean", json_real(f->sum / f->received));
		json_object_set_new(trip, "most", json_real(f->most));
	}
	json_object_set_new(o, "size", json_integer(f->size));
	json_object_set_new(o, "sent", json_integer(f->sent));
	json_object_set_new(o, "not_sent", json_integer(f->not_sent));
	json_object_set_new(o, "answered", json_integer(f->received));
	json_object_set_new(o, "round_trip_ms", trip);
	json_object_set_new(o, "legs", legs);
	json_object_set_new(o, "result", json_string(ping_code_word(r->code)));
	json_object_set_new(o, "text", json_string(r->text));
	json_object_set_new(o, "todo", r->todo[0] != 0 ? json_string(r->todo) : json_null());
	return o;
}

/* ---------------------------------------------------------------- echo */
int ping_no_socket(const struct ping_plan *p, unsigned pair, int err)
{
	const struct options *o = p->o;
	char text[ADDR_TEXT];
	if (err == -EACCES || err == -EPERM)
		return ctl_fail(
			o, CTL_FAILED, "permission", "this user may not ping: run it as root, or see net.ipv4.ping_group_range");
	if (err == -EADDRNOTAVAIL)
		return ctl_fail(
			o, CTL_FAILED, "address", "%s is not an address of this machine", addr_format(&p->pair[pair].from, text));
	return ctl_fail(o, CTL_FAILED, "socket", "no socket at %s: %s", p->interface, strerror(-err));
}

static int echo(const struct ping_plan *p, unsigned pair, unsigned count, json_t *list)
{
	const struct options *o = p->o;
	char from[ADDR_TEXT], to[ADDR_TEXT];
	struct ping_facts f;
	struct ping_result r;
	unsigned size = o->size > 0 ? (unsigned)o->size : PING_SIZE;
	if (!o->json)
		printf("ping %s from %s through %s, packets of %u%s\n", addr_format(&p->pair[pair].to, to),
			addr_format(&p->pair[pair].from, from), p->interface, size,
			o->size > 0 ? " that may not be fragmented" : "");
	int err = ping_run(p, pair, count, size, o->json ? NULL : stdout, &f);
	if (err != 0)
		return ping_no_socket(p, pair, err);
	ping_judge(&f, &r);
	if (o->json)
		json_array_append_new(list, ping_facts_json(&f, &r));
	else
		ping_summary(&f, &r, stdout);
	return f.received > 0 ? CTL_DONE : CTL_FAILED;
}

/* ---------------------------------------------------------------- the largest that passes */
static void mtu_words(const struct ping_plan *p, const struct ping_mtu *m, char text[PING_WORDS], char todo[PING_WORDS])
{
	todo[0] = 0;
	if (!m->measured && ping_interrupted()) {
		snprintf(text, PING_WORDS, "it was interrupted before a size was known");
	} else if (!m->measured) {
		snprintf(text, PING_WORDS,
			"not even packets of %u are answered: the tunnel carries nothing there, or it does not answer pings",
			m->least);
		snprintf(todo, PING_WORDS, "s2sctl ping %s: it says which leg fails", p->tunnel);
	} else if (m->mtu >= (unsigned)p->mtu) {
		snprintf(text, PING_WORDS, "packets of %u pass, which is the MTU of %s: the path carries all that it takes",
			m->mtu, p->interface);
	} else {
		snprintf(text, PING_WORDS, "packets of %u pass, larger ones do not; %s takes %d", m->mtu, p->interface, p->mtu);
		snprintf(todo, PING_WORDS, "write 'mtu: %u' and 'mss: %u' into the tunnel, then s2sctl reload", m->mtu,
			m->mtu - 40);
	}
}

static int measure(const struct ping_plan *p, unsigned pair, json_t *list)
{
	const struct options *o = p->o;
	char from[ADDR_TEXT], to[ADDR_TEXT], text[PING_WORDS], todo[PING_WORDS], line[PING_WORDS + 80];
	struct ping_mtu m;
	int err = ping_measure(p, pair, &m);
	if (err != 0)
		return ping_no_socket(p, pair, err);
	mtu_words(p, &m, text, todo);
	if (o->json) {
		json_t *row = base_json(&p->pair[pair].from, &p->pair[pair].to);
		json_object_set_new(row, "mtu", m.measured ? json_integer(m.mtu) : json_null());
		json_object_set_new(row, "interface_mtu", json_integer(p->mtu));
		json_object_set_new(row, "sizes_asked", json_integer(m.asked));
		json_object_set_new(row, "text", json_string(text));
		json_object_set_new(row, "todo", todo[0] != 0 ? json_string(todo) : json_null());
		json_array_append_new(list, row);
	} else {
		snprintf(line, sizeof line, "%s: %s from %s: %s", p->tunnel, addr_format(&p->pair[pair].to, to),
			addr_format(&p->pair[pair].from, from), text);
		put_fitting(stdout, line, 0, 2);
		if (todo[0] != 0)
			put_fitting(stdout, todo, (unsigned)printf("  here: "), 2);
	}
	return m.measured ? CTL_DONE : CTL_FAILED;
}

/* ---------------------------------------------------------------- the command */
/* -c is ping's own letter for it, and --config's elsewhere. -1: it is none. */
static int count_of_options(const struct options *o)
{
	char *end = NULL;
	long n = o->config != NULL ? strtol(o->config, &end, 10) : o->count > 0 ? o->count : COUNT;
	bool bad = (o->config != NULL && (end == o->config || *end != 0)) || n < 1 || n > COUNT_MOST;
	return bad ? -1 : (int)n;
}

int run_ping(const struct ctl_command *self, const struct options *o)
{
	struct ping_plan p;
	int code = CTL_DONE, count = count_of_options(o);
	if (count < 0)
		return ctl_usage(o, self, "-c, --count: a number from 1 to %d", COUNT_MOST);
	if (o->size > 65000 || (o->size > 0 && o->mtu))
		return ctl_usage(o, self, o->mtu ? "--mtu finds the size: it does not go with --size" : "--size: 65000 at most");
	if (!ping_ask(&p, o, o->argv[0], o->argc > 1 ? o->argv[1] : NULL, &code))
		return code;
	ping_catch();
	json_t *list = json_array();
	for (unsigned i = 0; i < p.n && !(i > 0 && ping_interrupted()); i++) {
		int one = o->mtu ? measure(&p, i, list) : echo(&p, i, (unsigned)count, list);
		code = one != CTL_DONE ? one : code;
	}
	if (o->json && json_array_size(list) > 0) {
		json_t *answer = answer_new();
		json_object_set_new(answer, "tunnel", json_string(p.tunnel));
		json_object_set(answer, "targets", list);
		int printed = answer_print(answer);
		code = code == CTL_DONE ? printed : code;
	}
	json_decref(list);
	return code;
}
