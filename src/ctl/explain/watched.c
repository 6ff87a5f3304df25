/* watched.c - see watched.h. What is printed of others' tables is escaped. */
#include "watched.h"

#include <ifaddrs.h>
#include <inttypes.h>
#include <linux/if_link.h>
#include <net/if.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "base/text.h"
#include "base/util.h"
#include "ctl/answer.h"
#include "ctl/filter.h"
#include "ctl/render.h"

#define SECONDS 15
#define LINE 512

static const char *const titles[WATCH_LEGS] = { "into the tunnel", "our ESP", "the peer's ESP", "out of the tunnel" };
static const char *const words[WATCH_LEGS] = { "into", "esp-out", "esp-in", "back" };

/* ---------------------------------------------------------------- the interface's counters */
/* Asked of the kernel, not of /sys: that may be mounted for another network namespace than ours. */
static struct link_counts counts(const char *device)
{
	struct link_counts c = { 0 };
	struct ifaddrs *list = NULL;
	if (getifaddrs(&list) != 0)
		return c;
	for (const struct ifaddrs *i = list; i != NULL; i = i->ifa_next) {
		const struct rtnl_link_stats *s = i->ifa_data; /* links alone have it; a tunnel's has no address of its own */
		if (s == NULL || strcmp(i->ifa_name, device) != 0)
			continue;
		c = (struct link_counts){ s->rx_packets, s->tx_packets, s->rx_errors, s->tx_errors, s->tx_carrier_errors,
			s->tx_aborted_errors, s->collisions };
	}
	freeifaddrs(list);
	return c;
}

static struct link_counts since(const struct link_counts *a, const struct link_counts *b)
{
	return (struct link_counts){ b->in - a->in, b->out - a->out, b->errors_in - a->errors_in, b->errors_out - a->errors_out,
		b->no_policy - a->no_policy, b->refused - a->refused, b->loops - a->loops };
}

/* ---------------------------------------------------------------- for people */
static void put(FILE *to, const char *text)
{
	char clean[2 * LINE];
	fprintf(to, "%s\n", escaped(clean, sizeof clean, text));
}

static void place(struct text *t, const struct watch_rule *r)
{
	text_add(t, "%s %s %s", r->family, r->table, r->chain);
	if (r->policy)
		text_add(t, " policy");
	else if (r->handle != 0)
		text_add(t, " handle %" PRIu64, r->handle);
	else
		text_add(t, " end");
}

static void put_leg(FILE *to, const struct watch_seen *s, const char *title)
{
	char line[LINE];
	struct text t = text_of(line, sizeof line);
	text_add(&t, "  %s: %" PRIu64 " packets, %u followed", title, s->packets, s->traced);
	put(to, line);
	for (unsigned i = 0; i < s->n_rules; i++) {
		const struct watch_rule *r = &s->rules[i];
		if (strcmp(r->verdict, "continue") == 0 && r->handle == 0)
			continue; /* the end of a chain, as newer kernels tell it */
		t = text_of(line, sizeof line);
		text_add(&t, "    ");
		place(&t, r);
		text_add(&t, ": %s%s%s, %u times", r->verdict, r->target[0] != 0 ? " " : "", r->target, r->n);
		put(to, line);
	}
	t = text_of(line, sizeof line);
	if (s->dropped > 0) {
		text_add(&t, "    %u died: dropped or rejected by ", s->dropped);
		if (s->killer != NULL)
			place(&t, s->killer);
		put(to, line);
	} else if (s->traced > 0) {
		put(to, "    passed all rules");
	}
}

static void put_nat(FILE *to, const struct watch *w)
{
	char line[LINE], address[ADDR_TEXT];
	struct text t = text_of(line, sizeof line);
	text_add(&t, "  NAT: ");
	if (w->nat.unseen)
		text_add(&t, "not looked at: connection tracking does not answer (module nf_conntrack_netlink)");
	else if (!w->nat.there)
		text_add(&t, "no entry of connection tracking: the packet died before it was confirmed, or it is not tracked");
	else if (w->nat.source.family == 0 && w->nat.destination.family == 0)
		text_add(&t, "the addresses stay as they are; ");
	if (w->nat.source.family != 0)
		text_add(&t, "the source becomes %s; ", addr_format(&w->nat.source, address));
	if (w->nat.destination.family != 0)
		text_add(&t, "the destination becomes %s; ", addr_format(&w->nat.destination, address));
	if (w->nat.there)
		text_add(&t, "%s", w->nat.answered ? "an answer came back" : "no answer came back");
	put(to, line);
}

/* No message tells of rules of iptables-legacy; what they counted does, as far as nobody else's packets met them. */
static void put_legacy(FILE *to, const struct watched_legacy *l)
{
	char line[LINE];
	if (l->dropped && l->by.place > 0)
		snprintf(line, sizeof line, "  iptables-legacy: rule %u of chain %s %s dropped %" PRIu64 " packets meanwhile: %s",
			l->by.place, l->by.table, l->by.chain, l->by.packets, l->by.rule);
	else if (l->dropped)
		snprintf(line, sizeof line, "  iptables-legacy: the policy of chain %s %s dropped %" PRIu64 " packets meanwhile",
			l->by.table, l->by.chain, l->by.packets);
	else
		snprintf(line, sizeof line,
			"  iptables-legacy: its rules are loaded, and none of them dropped anything meanwhile");
	if (l->loaded)
		put(to, line);
}

/* What the first thing is that went wrong. */
static const char *conclusion(const struct watch *w, const struct link_counts *c, const struct watched_legacy *l)
{
	const struct watch_seen *leg = w->leg;
	for (int i = 0; i < WATCH_LEGS; i++)
		if (leg[i].dropped > 0)
			return "the rule named above drops them";
	bool arrived = leg[WATCH_INTO].packets > 0 && leg[WATCH_BACK].packets > 0 && c->out > 0;
	if (l->dropped && !arrived && l->by.packets >= leg[WATCH_INTO].packets)
		return "the rule of iptables-legacy named above drops them, or their answers";
	if (leg[WATCH_INTO].packets == 0)
		return "no packet of that pair reached this machine: it was not sent, or it died before all rules (ingress filter, rules of "
		       "iptables-legacy do not show either)";
	if (c->no_policy > 0)
		return "they reached the tunnel's interface, and the kernel had no policy or SA for them";
	if (c->refused > 0)
		return "they were encrypted, and refused after that";
	if (c->out == 0)
		return "they passed all rules and did not reach the tunnel's interface: the route leads elsewhere";
	if (w->peer.family != 0 && leg[WATCH_ESP_IN].packets == 0)
		return "they left through the tunnel as ESP; no ESP came from the peer meanwhile";
	if (leg[WATCH_BACK].packets == 0)
		return "they left through the tunnel, and no answer came out of it";
	return "they went through the tunnel, and answers came back";
}

void watched_text(
	const struct watch *w, const struct symptoms *s, const struct link_counts *c, const struct watched_legacy *l, FILE *to)
{
	char line[LINE];
	for (int i = 0; i < WATCH_LEGS; i++)
		put_leg(to, &w->leg[i], titles[i]);
	if (w->leg[WATCH_INTO].traced > 0)
		put_nat(to, w);
	snprintf(line, sizeof line, "  %s: %" PRId64 " packets out, %" PRId64 " in, errors %" PRId64 " out, %" PRId64 " in",
		s->interface, c->out, c->in, c->errors_out, c->errors_in);
	put(to, line);
	if (w->lost)
		put(to, "  some of the kernel's messages were lost: not each rule is listed");
	put_legacy(to, l);
	snprintf(line, sizeof line, "  so: %s", conclusion(w, c, l));
	put(to, line);
}

/* ---------------------------------------------------------------- for programs */
static json_t *word_json(const char *text)
{
	char clean[LINE];
	return json_string(escaped(clean, sizeof clean, text));
}

static json_t *rule_json(const struct watch_rule *r)
{
	json_t *o = json_object();
	json_object_set_new(o, "family", json_string(r->family));
	json_object_set_new(o, "table", word_json(r->table));
	json_object_set_new(o, "chain", word_json(r->chain));
	json_object_set_new(o, "handle", r->handle != 0 ? json_integer((json_int_t)r->handle) : json_null());
	json_object_set_new(o, "policy", json_boolean(r->policy));
	json_object_set_new(o, "verdict", json_string(r->verdict));
	json_object_set_new(o, "target", r->target[0] != 0 ? word_json(r->target) : json_null());
	json_object_set_new(o, "times", json_integer(r->n));
	return o;
}

static json_t *address_json(const struct addr *a)
{
	char text[ADDR_TEXT];
	return a->family != 0 ? json_string(addr_format(a, text)) : json_null();
}

static json_t *legacy_json(const struct watched_legacy *l)
{
	if (!l->dropped)
		return json_null();
	json_t *o = json_object();
	json_object_set_new(o, "table", word_json(l->by.table));
	json_object_set_new(o, "chain", word_json(l->by.chain));
	json_object_set_new(o, "place", l->by.place > 0 ? json_integer(l->by.place) : json_null());
	json_object_set_new(o, "rule", l->by.place > 0 ? word_json(l->by.rule) : json_null());
	json_object_set_new(o, "packets", json_integer((json_int_t)l->by.packets));
	return o;
}

json_t *watched_json(const struct watch *w, const struct symptoms *s, const struct link_counts *c, const struct watched_legacy *l)
{
	json_t *o = answer_new(), *legs = json_array(), *nat = json_object();
	json_object_set_new(o, "tunnel", word_json(s->name));
	json_object_set_new(o, "from", address_json(&w->from));
	json_object_set_new(o, "to", address_json(&w->to));
	for (int i = 0; i < WATCH_LEGS; i++) {
		const struct watch_seen *seen = &w->leg[i];
		json_t *leg = json_object(), *rules = json_array();
		json_object_set_new(leg, "leg", json_string(words[i]));
		json_object_set_new(leg, "packets", json_integer((json_int_t)seen->packets));
		json_object_set_new(leg, "followed", json_integer(seen->traced));
		json_object_set_new(leg, "dropped", json_integer(seen->dropped));
		json_object_set_new(leg, "dropped_by", seen->killer != NULL ? rule_json(seen->killer) : json_null());
		for (unsigned k = 0; k < seen->n_rules; k++)
			json_array_append_new(rules, rule_json(&seen->rules[k]));
		json_object_set_new(leg, "rules", rules);
		json_array_append_new(legs, leg);
	}
	json_object_set_new(o, "legs", legs);
	json_object_set_new(nat, "tracked", w->nat.unseen ? json_null() : json_boolean(w->nat.there));
	json_object_set_new(nat, "source", address_json(&w->nat.source));
	json_object_set_new(nat, "destination", address_json(&w->nat.destination));
	json_object_set_new(nat, "answered", json_boolean(w->nat.answered));
	json_object_set_new(o, "nat", nat);
	json_object_set_new(o, "interface",
		json_pack("{s:I,s:I,s:I,s:I}", "packets_out", (json_int_t)c->out, "packets_in", (json_int_t)c->in, "errors_out",
			(json_int_t)c->errors_out, "errors_in", (json_int_t)c->errors_in));
	json_object_set_new(o, "complete", json_boolean(!w->lost));
	json_object_set_new(o, "legacy_dropped_by", legacy_json(l));
	json_object_set_new(o, "text", json_string(conclusion(w, c, l)));
	return o;
}

/* ---------------------------------------------------------------- the command */
int explain_watch(const struct options *o, const struct symptoms *s, const struct addr *from, const struct addr *to)
{
	char why[WATCH_WHY], a[ADDR_TEXT], b[ADDR_TEXT];
	struct watch w = { .from = *from, .to = *to, .peer = s->peer, .interface = if_nametoindex(s->interface) };
	unsigned seconds = o->seconds > 0 ? (unsigned)o->seconds : SECONDS;
	w.peer.port = 0;
	if (w.interface == 0)
		return ctl_fail(o, CTL_FAILED, "no-interface", "there is no interface of this tunnel in this network namespace");
	bool v6 = from->family == AF_INET6;
	struct watched_legacy legacy = { .loaded = false };
	char *old = filter_legacy_read(v6);
	struct link_counts before = counts(s->interface);
	fprintf(stderr, "waiting for packets from %s to %s, %u s at most: send some now\n", addr_format(from, a),
		addr_format(to, b), seconds);
	bool ran = watch_run(&w, seconds, why);
	char *new = ran &&old != NULL ? filter_legacy_read(v6) : NULL;
	legacy.loaded = new != NULL;
	legacy.dropped = new != NULL &&filter_legacy_dropped(old, new, &legacy.by);
	free(old);
	free(new);
	if (!ran)
		return ctl_fail(o, CTL_FAILED, "no-trace", "%s", why);
	struct link_counts after = counts(s->interface), moved = since(&before, &after);
	if (o->json)
		return answer_print(watched_json(&w, s, &moved, &legacy));
	printf("%s: packets from %s to %s\n", s->name, a, b);
	watched_text(&w, s, &moved, &legacy, stdout);
	return CTL_DONE;
}
