/*
 * unwilling.c - kernels that refuse, forget or take their time; a DELETE that waits for them.
 */
#include <string.h>

#include "world.h"

static void kernel_refuses(struct world *w, const struct params *p)
{
	pair(w);
	w->hosts[p->host].kernel_fail = 40;
	begin(w);
	world_run(w, MINUTE);
	for (int i = 0; i < 4; i++) {
		order(w, i & 1, i & 2 ? COMMAND_REKEY_IKE : COMMAND_REKEY);
		world_run(w, 30 * SECOND);
	}
	expect(w, !w->refusals || saw(w, p->host, FACT_KERNEL_FAILED, BLAME_LOCAL), "the failure is reported");
	check_converged(w, true);
}

/* A rekey that one kernel refuses again and again costs nothing: the old child goes on. */
static void kernel_refuses_long(struct world *w, const struct params *p)
{
	pair_up(w);
	w->hosts[p->host].kernel_fail = 100;
	order(w, A, COMMAND_REKEY);
	world_run(w, MINUTE + 20 * SECOND);
	for (int i = 0; i < 2 && !w->failed; i++)
		expect(w, w->hosts[i].up_epoch[tunnel_id(w, i, "t")] == 0, "the tunnel stayed up");
	check_converged(w, true);
}

/* ... also when the peer that could not install its half does not try again: it is made to forget that it wanted to. */
static void replacement_given_up(struct world *w, const struct params *p)
{
	(void)p;
	pair_up(w);
	world_run(w, 10 * SECOND);
	w->hosts[A].kernel_fail = 100;
	order(w, A, COMMAND_REKEY);
	world_run(w, SECOND);
	w->hosts[A].kernel_fail = 0;
	struct tunnel *t = tunnel_of(w, A, "t");
	if (t && t->slots->current) {
		t->slots->current->rekey_due = false;
		t->slots->current->core.rekey_at = MONO_NEVER;
		tunnel_mark(&(struct step){ .ike = w->hosts[A].ike, .now = world_moment(w) }, t);
		host_wake(w, A);
	}
	world_run(w, 3 * MINUTE); /* longer than what is replaced waits for its DELETE */
	for (int i = 0; i < 2 && !w->failed; i++)
		expect(w, w->hosts[i].up_epoch[tunnel_id(w, i, "t")] == 0, "the tunnel stayed up");
	check_converged(w, true);
}

static void kernel_forgets(struct world *w, const struct params *p)
{
	pair_up(w);
	for (int i = 0; i < 3; i++) {
		kernel_lose(w, (int)(p->seed & 1), "t", (uint8_t)(p->seed >> 1 & 1));
		await_up(w, 30 * SECOND);
		world_run(w, 20 * SECOND);
	}
	check_converged(w, true);
}

static struct sa *in_use(struct world *w, int host)
{
	struct tunnel *t = tunnel_of(w, host, "t");
	return t && t->slots->current ? t->slots->current->sa : NULL;
}

/*
 * Our answer to a DELETE waits until the kernel sends by another SA, so that nothing is sent to nobody; but not for ever: the peer repeats its request, and
 * gives us up when nothing comes.
 */
static void delete_waits(struct world *w, const struct params *p)
{
	(void)p;
	pair_up(w);
	world_run(w, 10 * SECOND);
	struct sa *a = in_use(w, A), *b = in_use(w, B);
	uint32_t answered = b ? b->core.next_in : 0;
	msec slow = w->now + 4 * SECOND;
	w->traffic = false; /* A's would show that it has the new child */
	order(w, A, COMMAND_REKEY);
	for (int i = 0; a && b && i < 2000 && !w->failed && b->theirs.core.state != XS_SWITCH; i++) {
		world_run(w, 1);
		if (b->core.next_in != answered) /* CREATE_CHILD_SA is done, the DELETE comes next */
			w->hosts[B].kernel_free = slow;
	}
	expect(w, a && b && b->theirs.core.state == XS_SWITCH && a->ours.core.kind == X_DELETE_CHILD, "the answer waits");
	if (w->failed)
		return;
	world_run(w, 1100);
	expect(w, a->ours.core.state == XS_IDLE, "the answer comes within a second");
	world_run(w, 20 * SECOND);
	w->traffic = true;
	for (int i = 0; i < 2 && !w->failed; i++)
		expect(w, w->hosts[i].up_epoch[tunnel_id(w, i, "t")] == 0, "the tunnel stayed up");
	check_converged(w, true);
}

/* Our own DELETE waits likewise, and then it leaves. */
static void delete_follows(struct world *w, const struct params *p)
{
	(void)p;
	pair_up(w);
	world_run(w, 10 * SECOND);
	w->traffic = false;
	world_run(w, 100);
	struct sa *a = in_use(w, A), *b = in_use(w, B);
	order(w, A, COMMAND_REKEY);
	world_run(w, SECOND);
	expect(w, a && b && a == in_use(w, A) && !a->children->next && !b->children->next, "the old child is closed");
	w->traffic = true;
	check_converged(w, true);
}

/* An IKE SA was judged redundant, and then what made it so went: what alone carries is not closed. */
static void redundant_no_more(struct world *w, const struct params *p)
{
	(void)p;
	pair_up(w);
	world_run(w, 10 * SECOND);
	struct sa *sa = in_use(w, A);
	if (!sa)
		return;
	sa->close_at = mono_add(world_moment(w).mono, 3 * SECOND);
	tunnel_mark(&(struct step){ .ike = w->hosts[A].ike, .now = world_moment(w) }, sa->tunnel);
	host_wake(w, A);
	world_run(w, 20 * SECOND);
	expect(w, in_use(w, A) == sa && sa->state == SA_ESTABLISHED, "it goes on");
	for (int i = 0; i < 2 && !w->failed; i++)
		expect(w, w->hosts[i].up_epoch[tunnel_id(w, i, "t")] == 0, "the tunnel stayed up");
	check_converged(w, true);
}

/* A peer that makes a new IKE SA beside the old one and closes that at once, as Azure does. */
static void reauth_at_once(struct world *w, int host, bool slow)
{
	struct sa *old = in_use(w, host);
	struct tunnel *peers = tunnel_of(w, !host, "t");
	if (!old || !peers)
		return;
	old->reauth_at = (struct mono){ w->now };
	old->reauth_for = REAUTH_LIFETIME;
	alarm_at(w->hosts[host].ike, &old->alarm, old->reauth_at);
	host_wake(w, host);
	for (int i = 0; i < 5000 && !w->failed && in_use(w, host) == old; i++) {
		unsigned n = 0;
		world_run(w, 1);
		live_sa(w->hosts[!host].ike, peers, &n);
		if (slow && n == 2) /* it has the new one, and does not send by it yet */
			w->hosts[!host].kernel_free = w->now + 4 * SECOND;
	}
	old->delete_due = true;
	alarm_at(w->hosts[host].ike, &old->alarm, (struct mono){ w->now });
	old->close_at = (struct mono){ w->now };
	host_wake(w, host);
}

/* B's requests on the IKE SA whose SPI begins so. */
static bool count_requests(struct world *w, const struct packet *p)
{
	w->filter_seen += p->from == B && p->n > 19 && !memcmp(p->data, &w->filter_arg, sizeof w->filter_arg) &&
			  !(p->data[19] & IKE_FLAG_RESPONSE);
	return false;
}

static void closed_at_once(struct world *w, const struct params *p)
{
	w->traffic_max = 20;
	pair_up(w);
	world_run(w, 10 * SECOND);
	struct sa *b = in_use(w, B);
	uint32_t number = b ? b->number : 0;
	if (b)
		memcpy(&w->filter_arg, b->core.spi_i, sizeof w->filter_arg);
	reauth_at_once(w, A, p->later);
	if (p->later) {
		world_run(w, 300);
		w->filter_seen = 0;
		w->filter = count_requests;
		order(w, B, COMMAND_DOWN); /* closes what there is */
		w->excuse_until = w->now + 20 * SECOND;
	}
	world_run(w, 2 * SECOND);
	expect(w, w->filter_seen == 0, "B asks for nothing on what A has closed");
	expect(w, b && !table_get(&w->hosts[B].ike->by_number, number), "the old IKE SA is gone");
	for (int i = 0; i < 2 && !w->failed && !p->later; i++)
		expect(w, w->hosts[i].up_epoch[tunnel_id(w, i, "t")] == 0, "the tunnel stayed up");
	order(w, B, COMMAND_UP);
	order(w, A, COMMAND_UP);
	check_converged(w, true);
}

static void slow_kernel(struct world *w, const struct params *p)
{
	(void)p;
	w->kernel_max = 3 * SECOND;
	w->job_max = 2 * SECOND;
	pair(w);
	for (int i = 0; i < 2; i++) {
		set(w, i, "t", "esp-lifetime", "180s");
		set(w, i, "t", "ike-lifetime", "250s");
	}
	begin(w);
	world_run(w, 30 * MINUTE);
	check_converged(w, true);
}

const struct scenario scenarios_unwilling[] = {
	{ "kernel-refuses-A", kernel_refuses, 40, "the initiator's kernel refuses installs", { .host = A } },
	{ "kernel-refuses-B", kernel_refuses, 40, "the responder's kernel refuses installs", { .host = B } },
	{ "kernel-refuses-long-A", kernel_refuses_long, 5, "the initiator's kernel refuses each rekey for a minute",
		{ .host = A } },
	{ "kernel-refuses-long-B", kernel_refuses_long, 5, "the responder's kernel does", { .host = B } },
	{ "replacement-given-up", replacement_given_up, 5, "the initiator cannot install a rekeyed child and does not try again",
		{ 0 } },
	{ "kernel-forgets", kernel_forgets, 20, "the kernel loses an SA", { 0 } },
	{ "delete-waits", delete_waits, 20, "the answer to a DELETE waits for the kernel, but not for long", { 0 } },
	{ "delete-follows", delete_follows, 20, "our DELETE leaves once the kernel has switched", { 0 } },
	{ "redundant-no-more", redundant_no_more, 10, "an IKE SA that was to be closed is the only one that is left", { 0 } },
	{ "closed-at-once", closed_at_once, 30, "the peer makes a new IKE SA and closes the old one at once", { 0 } },
	{ "closed-at-once-slow", closed_at_once, 10, "... while our kernel is slow, and the operator takes the tunnel down",
		{ .later = true } },
	{ "slow-kernel", slow_kernel, 20, "kernel and workers take seconds", { 0 } },
	{ 0 },
};
