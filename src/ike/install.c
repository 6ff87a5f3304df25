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

static void install(struct step *s, struct child *c, struct esp_sa **keys, enum esp_dir dir, uint32_t *job)
{
	struct ike_action *a = step_action(s, ACTION_INSTALL);
	*job = ++c->jobs;
	describe(c, *keys, dir);
	a->install.ticket = (struct ike_ticket){ c->number, *job };
	a->install.sa = **keys;
	child_drop_keys(keys); /* an ESP key is handed to the kernel once and never kept */
}

void child_install(struct step *s, struct child *c)
{
	c->core.local = c->sa->core.local;
	c->core.remote = c->sa->core.remote;
	c->core.encap = c->sa->core.encap;
	c->core.keepalive = s->ike->kernel_keepalive && c->core.encap && c->sa->core.nat_local;
	install(s, c, &c->keys_out, ESP_OUT, &c->job_out);
	install(s, c, &c->keys_in, ESP_IN, &c->job_in);
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

void child_switch(struct step *s, struct child *c)
{
	struct esp_switch *to = describe_switch(s, c);
	if (!to) /* this step holds no more; the next one asks again */
		return;
	struct ike_action *a = step_action(s, ACTION_SWITCH);
	c->job_switch = ++c->jobs;
	a->swtch.ticket = (struct ike_ticket){ c->number, c->job_switch };
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

static void report_refused(struct step *s, const struct child *c, enum esp_dir dir, int err)
{
	ike_report(s, FACT_KERNEL_FAILED, BLAME_LOCAL, c->tunnel, NULL, "the kernel refused the %s SA %08x: %.200s",
		dir == ESP_IN ? "inbound" : "outbound", dir == ESP_IN ? c->core.spi_in : c->core.spi_out,
		c->tunnel->unusable ? c->tunnel->unusable : strerror(err));
	ike_report_about(s, c->tunnel, c->tunnel->unusable ? SUBJECT_INTERFACE : SUBJECT_CHILD_SA, NULL, NULL);
}

/* The outbound one was asked for before it: now it is known of both. One without the other is none. */
static bool inbound_done(struct step *s, struct child *c, int *err)
{
	c->job_in = 0;
	c->core.in_installed = !*err;
	if (c->state == CHILD_DEAD) {
		child_remove_in(s, c);
		child_reap(s, c);
		return false;
	}
	if (*err)
		report_refused(s, c, ESP_IN, *err);
	*err = *err ? *err : c->out_refused;
	return true;
}

static void outbound_done(struct step *s, struct child *c, int err)
{
	c->job_out = 0;
	c->core.out_installed = !err && table_put(&s->ike->by_esp_out, (uint64_t)c->tunnel->id << 32 | c->core.spi_out, c);
	c->out_refused = c->core.out_installed || err ? err : EEXIST;
	if (c->state == CHILD_DEAD) {
		child_remove_out(s, c);
		child_reap(s, c);
	} else if (err) {
		report_refused(s, c, ESP_OUT, err);
	}
}

bool child_kernel(struct step *s, struct child *c, uint32_t job, int *result)
{
	int err = *result;
	if (job == c->job_in) {
		return inbound_done(s, c, result);
	} else if (job == c->job_out) {
		outbound_done(s, c, err);
	} else if (job == c->job_switch && c->state != CHILD_DEAD) {
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
