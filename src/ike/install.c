/* install.c - a child in the kernel: its SAs are installed, traffic switches to it, and what the kernel answered. */
#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "machine.h"

uint64_t child_soft_bytes(const struct child *c)
{
	return c->tunnel->conf->esp_lifetime_bytes / 100 * (c->core.initiator ? 80 : 84);
}

static void describe(const struct child *c, struct esp_sa *k, enum esp_dir dir)
{
	const struct tunnel_conf *conf = c->tunnel->conf;
	k->tunnel = c->tunnel->id;
	k->dir = (uint8_t)dir;
	k->encap = c->core.encap;
	k->keepalive = dir == ESP_OUT && c->core.keepalive ? KEEPALIVE_EVERY / 1000 : 0;
	k->spi = dir == ESP_IN ? c->core.spi_in : c->core.spi_out;
	k->local = c->core.local;
	k->remote = c->core.remote;
	k->suite = c->core.suite;
	k->replay_window = conf->replay_window;
	k->df = (uint8_t)conf->df;
	k->dscp_fixed = conf->dscp >= 0;
	k->dscp = k->dscp_fixed ? (uint8_t)conf->dscp : 0;
	k->soft_bytes = child_soft_bytes(c);
	k->hard_bytes = conf->esp_lifetime_bytes;
	k->hard_seconds = (uint32_t)(conf->esp_lifetime / 1000 * 5 / 4 + 60);
}

static struct esp_switch *describe_switch(struct step *s, const struct child *c)
{
	size_t n = (size_t)c->local_ts->n + c->remote_ts->n;
	struct esp_switch *to = arena_alloc(s->out->arena, offsetof(struct esp_switch, ts) + n * sizeof to->ts[0]);
	if (!to)
		return NULL;
	to->tunnel = c->tunnel->id;
	to->slot = c->slot->number;
	to->spi_out = c->core.spi_out;
	to->local = c->core.local;
	to->remote = c->core.remote;
	esp_switch_put(to, c->local_ts, c->remote_ts);
	return to;
}

struct esp_link_state child_link(const struct tunnel *t, const struct child *c, enum esp_link state)
{
	struct esp_link_state l = { .tunnel = t->id, .state = (uint8_t)state };
	if (c) {
		l.encap = c->core.encap;
		l.suite = c->core.suite;
		l.suite.group = GROUP_NONE; /* packets are as large with PFS as without: a rekey leaves the interface alone */
		l.local = c->core.local;
		l.remote = c->core.remote;
	}
	return l;
}

/* Nothing carries this tunnel: whatever leaves by the first child before the peer has it would not have left at all. */
static bool may_be_first(const struct step *s, const struct tunnel *t, const struct slot *slot)
{
	return !t->link_up && t->link.state != LINK_UP && !t->first && !t->unusable && !t->n_leftover && !t->held &&
	       !t->removed && !s->ike->shutting_down && !slot->current && !slot->switching && !slot->first;
}

void child_install(struct step *s, struct child *c, bool first)
{
	struct tunnel *t = c->tunnel;
	c->core.local = c->sa->core.local;
	c->core.remote = c->sa->core.remote;
	c->core.encap = c->sa->core.encap;
	c->core.keepalive = s->ike->kernel_keepalive && c->core.encap && c->sa->core.nat_local;
	struct esp_switch *to = first && may_be_first(s, t, c->slot) ? describe_switch(s, c) : NULL;
	struct ike_action *a = step_action(s, ACTION_INSTALL);
	c->job_install = ++c->jobs;
	a->install.ticket = (struct ike_ticket){ c->core.spi_in, c->job_install };
	describe(c, &c->keys->out, ESP_OUT);
	describe(c, &c->keys->in, ESP_IN);
	a->install.sas = *c->keys;
	child_drop_keys(c); /* an ESP key is handed to the kernel once and never kept */
	a->install.to = to;
	if (!to)
		return;
	a->install.link = child_link(t, c, LINK_UP);
	slot_told(t, c->slot, TOLD_SENDS);
	c->slot->first = c;
	t->first = c->number;
}

void child_install_after(struct step *s, struct child *c, bool first, struct ike_ticket auth)
{
	uint32_t at = s->out->n;
	child_install(s, c, first);
	s->out->v[at].install.after = auth;
}

void child_switch(struct step *s, struct child *c)
{
	struct esp_switch *to = describe_switch(s, c);
	if (!to) /* this step holds no more; the next one asks again */
		return;
	struct ike_action *a = step_action(s, ACTION_SWITCH);
	c->job_switch = ++c->jobs;
	a->swtch.ticket = (struct ike_ticket){ c->core.spi_in, c->job_switch };
	a->swtch.to = to;
	c->slot->switching = c;
	slot_told(c->tunnel, c->slot, TOLD_SENDS);
}

static void policy_refused(struct step *s, struct child *c, int err)
{
	ike_report(s, FACT_KERNEL_FAILED, BLAME_LOCAL, c->tunnel, NULL, "the kernel refused the policy of child SA %08x: %s",
		c->core.spi_in, strerror(err));
	ike_report_about(s, c->tunnel, SUBJECT_POLICY, NULL, NULL);
	c->delete_due = true;
	if (c->sa)
		sa_mark(s, c->sa);
	tunnel_mark(s, c->tunnel);
}

static void report_refused(struct step *s, const struct child *c, int err)
{
	ike_report(s, FACT_KERNEL_FAILED, BLAME_LOCAL, c->tunnel, NULL, "the kernel refused the SAs %08x/%08x: %.200s",
		c->core.spi_in, c->core.spi_out, c->tunnel->unusable ? c->tunnel->unusable : strerror(err));
	ike_report_about(s, c->tunnel, c->tunnel->unusable ? SUBJECT_INTERFACE : SUBJECT_CHILD_SA, NULL, NULL);
}

/* What the first child's INSTALL did beside; whatever was said of slot or link since has its own answer. */
static void first_done(struct step *s, struct child *c, int err, int switch_err)
{
	struct tunnel *t = c->tunnel;
	bool switched = c->slot && c->slot->first == c, linked = t->first == c->number;
	if (switched)
		c->slot->first = NULL;
	if (linked)
		t->first = 0;
	if (err)
		return;
	if (linked && !switch_err)
		t->link = child_link(t, c, LINK_UP);
	if (switched && switch_err) {
		policy_refused(s, c, switch_err);
	} else if (switched) {
		c->slot->current = c;
		t->recover = true;
	}
	tunnel_mark(s, t);
}

static bool install_done(struct step *s, struct child *c, int *err, int switch_err)
{
	c->job_install = 0;
	c->core.in_installed = !*err;
	c->core.out_installed = !*err && !child_sending(c->tunnel, c->core.spi_out);
	if (!*err && !c->core.out_installed)
		*err = EEXIST;
	first_done(s, c, *err, switch_err);
	if (c->state == CHILD_DEAD) {
		child_remove_out(s, c);
		child_remove_in(s, c);
		child_reap(s, c);
		return false;
	}
	if (*err)
		report_refused(s, c, *err);
	return true;
}

bool child_kernel(struct step *s, struct child *c, uint32_t job, int *result, int switch_err)
{
	int err = *result;
	if (job == c->job_install)
		return install_done(s, c, result, switch_err);
	if (job == c->job_switch && c->state != CHILD_DEAD) {
		c->job_switch = 0;
		if (c->slot->switching == c) {
			struct child *used = c->slot->current;
			if (used && used->sa) /* it may be closed now */
				sa_mark(s, used->sa);
			c->slot->switching = NULL;
			c->slot->current = err ? c->slot->current : c;
			c->tunnel->recover = true;
		}
		if (err && c->sa && !(c->lost & 1u << ESP_OUT))
			policy_refused(s, c, err);
		tunnel_mark(s, c->tunnel);
	}
	return false;
}
