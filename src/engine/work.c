/* work.c - see work.h. */
#include "work.h"

#include <event2/event.h>
#include <pthread.h>
#include <sched.h>
#include <signal.h>
#include <stdlib.h>
#include <string.h>
#include <sys/eventfd.h>
#include <time.h>
#include <unistd.h>

#include "base/log.h"
#include "base/util.h"
#include "prove.h"

#define WORKERS_MAX 64
#define QUEUE_MAX 8192 /* jobs under way; half-open SAs are limited long before */
#define STACK (256 * 1024)
#define PATIENCE 5000000 /* ns that a result waits for others at most */

struct item {
	struct item *next;
	struct ike_ticket ticket;
	struct ike_job job;  /* what it points to is in data */
	struct trust *trust; /* AUTH_CERT */
	size_t size;
	uint8_t *data;
	struct ike_job_result *result;
};

struct queue {
	struct item *first, **last;
};

struct work {
	work_fn fn;
	void *arg;
	int wake;
	struct event *done_event;
	unsigned n;
	pthread_t threads[WORKERS_MAX];
	unsigned under_way;      /* loop's thread only */
	struct trusted *trusted; /* loop's thread only */
	pthread_mutex_t lock;
	pthread_cond_t more;
	struct queue todo, done; /* under lock, as are the others */
	bool ending, woken;      /* woken: the loop is, and will take what is done */
	int64_t since;           /* ns: when the first of what is done was */
};

static void push(struct queue *q, struct item *i)
{
	i->next = NULL;
	*q->last = i;
	q->last = &i->next;
}

static struct item *pop(struct queue *q)
{
	struct item *i = q->first;
	if (i == NULL)
		return NULL;
	q->first = i->next;
	if (q->first == NULL)
		q->last = &q->first;
	return i;
}

static void item_free(struct item *i)
{
	if (i->job.conf != NULL)
		tunnel_conf_unref(i->job.conf);
	trust_let_go(i->trust);
	if (i->data != NULL)
		wipe(i->data, i->size);
	free(i->data);
	wipe(i, sizeof *i);
	free(i);
}

static struct ike_job_result *spare; /* zero; the loop's */

struct ike_job_result *work_result_new(void)
{
	struct ike_job_result *r = spare != NULL ? spare : xcalloc(1, sizeof *r);
	spare = NULL;
	return r;
}

void work_result_free(struct ike_job_result *r)
{
	wipe(r, sizeof *r);
	free(spare);
	spare = r;
}

/* What needs a key of ours that lasts is the keeper's work. */
static void compute(struct trust *trust, const struct ike_job *j, struct ike_job_result *r)
{
	r->err = ERR_OK;
	if (j->kind == JOB_AUTH_CERT)
		prove(trust_anchors(trust), j, r);
	else if (j->kind == JOB_KE_OFFER)
		r->err = ke_generate(j->group, rng_fill, NULL, &r->priv, &r->pub);
	else if (j->kind == JOB_KE_ACCEPT)
		r->err = ke_accept(j->group, rng_fill, NULL, j->peer_public, &r->pub, &r->shared);
	else if (j->kind == JOB_KE_FINISH)
		r->err = ke_derive(&j->priv, j->peer_public, &r->shared);
}

static int64_t now_ns(void)
{
	struct timespec t;
	clock_gettime(CLOCK_MONOTONIC, &t);
	return (int64_t)t.tv_sec * 1000000000 + t.tv_nsec;
}

/* What is to be done next takes about as long as this did. */
static bool is_next_alike(const struct work *w, const struct item *i)
{
	const struct item *next = w->todo.first;
	return next != NULL && next->job.kind == i->job.kind && next->job.group == i->job.group;
}

/*
 * Under lock. To wake the loop costs more than what it does with one result: while more of the kind is to be done it is given several. Whoever does the
 * rest comes here, too; if that takes as long as this did it is not too late.
 */
static void finish(struct work *w, struct item *i, int64_t started)
{
	uint64_t one = 1;
	int64_t now = now_ns();
	if (w->done.first == NULL)
		w->since = now;
	bool soon = is_next_alike(w, i) && now - w->since + now - started < PATIENCE;
	push(&w->done, i);
	if (w->woken || soon)
		return;
	w->woken = true;
	if (write(w->wake, &one, sizeof one) < 0)
		return; /* the counter is full: the loop is awake already */
}

static void *worker(void *arg)
{
	struct work *w = arg;
	pthread_mutex_lock(&w->lock);
	for (;;) {
		struct item *i = pop(&w->todo);
		if (i == NULL && w->ending)
			break;
		if (i == NULL) {
			pthread_cond_wait(&w->more, &w->lock);
			continue;
		}
		pthread_mutex_unlock(&w->lock);
		int64_t started = now_ns();
		compute(i->trust, &i->job, i->result);
		pthread_mutex_lock(&w->lock);
		finish(w, i, started);
	}
	pthread_mutex_unlock(&w->lock);
	return NULL;
}

static void hand_over(struct work *w)
{
	for (;;) {
		pthread_mutex_lock(&w->lock);
		struct item *i = w->done.first, *next;
		w->done = (struct queue){ NULL, &w->done.first };
		w->woken = i != NULL;
		pthread_mutex_unlock(&w->lock);
		if (i == NULL)
			return;
		for (; i != NULL; i = next) {
			next = i->next;
			w->under_way--;
			if (i->trust != NULL)
				trust_complain(i->trust);
			w->fn(w->arg, i->ticket, i->result);
			item_free(i);
		}
	}
}

static void on_done(evutil_socket_t fd, short what, void *arg)
{
	uint64_t times;
	(void)what;
	if (read(fd, &times, sizeof times) > 0)
		hand_over(arg);
}

struct work *work_new(struct event_base *base, work_fn fn, void *arg)
{
	struct work *w = xcalloc(1, sizeof *w);
	w->fn = fn;
	w->arg = arg;
	w->trusted = trusted_new();
	w->todo.last = &w->todo.first;
	w->done.last = &w->done.first;
	pthread_mutex_init(&w->lock, NULL);
	pthread_cond_init(&w->more, NULL);
	w->wake = eventfd(0, EFD_NONBLOCK | EFD_CLOEXEC);
	w->done_event = event_new(base, w->wake, EV_READ | EV_PERSIST, on_done, w);
	event_add(w->done_event, NULL);
	return w;
}

static void stop_threads(struct work *w)
{
	pthread_mutex_lock(&w->lock);
	w->ending = true;
	pthread_cond_broadcast(&w->more);
	pthread_mutex_unlock(&w->lock);
	for (unsigned i = 0; i < w->n; i++)
		pthread_join(w->threads[i], NULL);
	w->n = 0;
	w->ending = false;
}

/* One processor is the loop's. */
static unsigned by_processors(void)
{
	cpu_set_t mine;
	int n = sched_getaffinity(0, sizeof mine, &mine) == 0 ? CPU_COUNT(&mine) : 1;
	return n > 1 ? (unsigned)n - 1 : 0;
}

void work_resize(struct work *w, unsigned workers)
{
	pthread_attr_t attr;
	sigset_t all, old;
	if (workers == WORKERS_AUTO)
		workers = by_processors();
	if (workers > WORKERS_MAX)
		workers = WORKERS_MAX;
	if (workers == w->n)
		return;
	stop_threads(w);
	hand_over(w);
	sigfillset(&all);
	pthread_sigmask(SIG_SETMASK, &all, &old); /* signals are the loop's business */
	pthread_attr_init(&attr);
	pthread_attr_setstacksize(&attr, STACK);
	while (w->n < workers && pthread_create(&w->threads[w->n], &attr, worker, w) == 0)
		w->n++;
	pthread_attr_destroy(&attr);
	pthread_sigmask(SIG_SETMASK, &old, NULL);
	if (w->n < workers)
		log_line(LOG_LEVEL_WARNING, "only %u of %u worker threads could be started", w->n, workers);
}

static void refuse(struct work *w, struct ike_ticket ticket, int err)
{
	struct ike_job_result *r = work_result_new();
	r->err = err;
	w->fn(w->arg, ticket, r);
}

void work_settle(struct work *w, const struct conf *c) { trusted_settle(w->trusted, c); }

#define POINTERS (5 + CERT_CHAIN_MAX)
static void list_pointers(struct ike_job *j, struct bytes *v[POINTERS])
{
	struct bytes *all[] = { &j->peer_public, &j->message, &j->nonce, &j->peer_id, &j->auth };
	for (unsigned i = 0; i < POINTERS; i++)
		v[i] = i < ARRAY_SIZE(all) ? all[i] : &j->chain[i - ARRAY_SIZE(all)];
}

/* What the job points to is the step's, and gone with it. */
static void take_bytes(struct item *i)
{
	struct bytes *v[POINTERS];
	list_pointers(&i->job, v);
	for (unsigned k = 0; k < POINTERS; k++)
		i->size += v[k]->n;
	i->data = xcalloc(1, i->size + 1);
	struct buf b = buf_of(i->data, i->size);
	for (unsigned k = 0; k < POINTERS; k++) {
		const uint8_t *at = i->data + b.len;
		put_view(&b, *v[k]);
		*v[k] = bytes_of(at, v[k]->n);
	}
}

static void compute_now(struct work *w, struct ike_ticket ticket, const struct ike_job *job, struct trust *trust)
{
	struct ike_job_result *r = work_result_new();
	compute(trust, job, r);
	if (trust != NULL)
		trust_complain(trust);
	trust_let_go(trust);
	w->fn(w->arg, ticket, r);
}

/* Groups whose computation takes about as long as handing it over to another thread and back. */
static const uint16_t quick[] = { GROUP_ECP_256, GROUP_CURVE25519 };

/* ... in less than a millisecond: as long as that the loop may be held when nobody waits for it. */
static const uint16_t fairly_quick[] = { GROUP_MODP_1024, GROUP_MODP_1536, GROUP_MODP_2048, GROUP_ECP_521, GROUP_CURVE448 };

static bool is_of(const struct ike_job *job, const uint16_t *groups, unsigned n)
{
	uint16_t group = job->kind == JOB_KE_FINISH ? job->priv.group : job->group;
	for (unsigned i = 0; i < n && job->kind != JOB_AUTH_CERT; i++) {
		if (group == groups[i])
			return true;
	}
	return false;
}

static bool goes_at_once(const struct work *w, const struct ike_job *job, bool alone)
{
	return w->n == 0 || is_of(job, quick, ARRAY_SIZE(quick)) ||
	       (alone && w->under_way == 0 && is_of(job, fairly_quick, ARRAY_SIZE(fairly_quick)));
}

void work_submit(struct work *w, struct ike_ticket ticket, const struct ike_job *job, bool alone)
{
	bool cert = job->kind == JOB_AUTH_CERT;
	if (job->peer_public.n > KE_PUBLIC_MAX || w->under_way >= QUEUE_MAX || (cert && job->conf == NULL)) {
		refuse(w, ticket, job->peer_public.n > KE_PUBLIC_MAX ? ERR_BAD_KE : ERR_TOO_MUCH);
		return;
	}
	struct trust *trust = cert ? trusted_hold(w->trusted, job->conf) : NULL;
	if (goes_at_once(w, job, alone)) {
		compute_now(w, ticket, job, trust);
		return;
	}
	struct item *i = xcalloc(1, sizeof *i);
	i->ticket = ticket;
	i->job = *job;
	i->job.conf = cert ? tunnel_conf_ref(job->conf) : NULL;
	i->trust = trust;
	take_bytes(i);
	i->result = work_result_new();
	w->under_way++;
	pthread_mutex_lock(&w->lock);
	push(&w->todo, i);
	pthread_cond_signal(&w->more);
	pthread_mutex_unlock(&w->lock);
}
