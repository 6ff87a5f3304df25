/* records.c - see records.h. */
#include "records.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "base/log.h"
#include "ipc/limit.h"

#define NO_TUNNEL UINT32_MAX /* stands in the store while the work is on no tunnel */
#define CRASHES_MAX 2        /* of one tunnel */
#define DEATHS_MAX 3         /* within RECORDS_CALM */
#define NO_ROOM_SPAN 60000   /* ms between two lines */

struct damage {
	uint32_t tunnel;
	const char *what;
};

struct records {
	int fd;
	struct store *store; /* NULL: none */
	bool later;          /* there was another engine before this one */
	struct limit no_room;
	uint32_t n_damaged, n_held;
	struct damage *damaged; /* told when names are known */
	struct esp_held *held;
	struct ike_kept *kept;
	struct ike_restore restore;
};

static void on_damaged(void *arg, uint32_t key, const char *what)
{
	struct records *r = arg;
	r->damaged = xrealloc_array(r->damaged, r->n_damaged + 1, sizeof *r->damaged);
	r->damaged[r->n_damaged++] = (struct damage){ key, what };
}

/* What the engine before this one was at when it died. */
static void judge_death(struct records *r, bool crashed, struct mono now)
{
	uint32_t *stepping = store_stepping(r->store), at = *stepping;
	*stepping = 0;
	if (at == 0 || !crashed)
		return;
	if (at != NO_TUNNEL)
		store_crashed(r->store, at);
	unsigned deaths = store_died(r->store, now, RECORDS_CALM);
	if (deaths < DEATHS_MAX)
		return;
	log_line(LOG_LEVEL_ERROR,
		"engine: it died %u times within a minute: nothing of what was there is taken over, all tunnels dial anew",
		deaths);
	store_clear(r->store);
}

struct records *records_new(int fd, const struct store_bind *b, bool crashed, struct mono now)
{
	char why[STORE_WHY] = "";
	struct records *r = xcalloc(1, sizeof *r);
	r->fd = fd;
	r->later = crashed || (fd >= 0 && !store_is_empty(fd));
	if (fd < 0)
		return r;
	pid_t other = store_lock(fd);
	if (other < 0) {
		log_line(LOG_LEVEL_WARNING,
			"engine: no state is kept over a death of this process: the file cannot be locked: %s", strerror(errno));
		return r;
	}
	if (other > 0) {
		log_line(LOG_LEVEL_WARNING, "engine: process %ld writes the state of the tunnels: this engine keeps none",
			(long)other);
		return r;
	}
	if (!store_is_empty(fd)) {
		r->store = store_open(fd, b, on_damaged, r, why);
		if (r->store == NULL)
			log_line(LOG_LEVEL_WARNING,
				"engine: the state that an engine before left is not taken over, tunnels dial anew: %s", why);
	}
	if (r->store != NULL)
		judge_death(r, crashed, now);
	else
		r->store = store_create(fd, b, why);
	if (r->store == NULL)
		log_line(LOG_LEVEL_WARNING, "engine: no state is kept over a death of this process: %s", why);
	return r;
}

void records_free(struct records *r)
{
	if (r == NULL)
		return;
	records_restored(r);
	store_close(r->store);
	if (r->fd >= 0)
		close(r->fd);
	free(r->damaged);
	free(r);
}

uint32_t *records_stepping(struct records *r) { return r->store != NULL ? store_stepping(r->store) : NULL; }

static void stand(struct records *r, uint32_t what)
{
	if (r->store != NULL)
		*(volatile uint32_t *)store_stepping(r->store) = what;
}

void records_begin(struct records *r) { stand(r, NO_TUNNEL); }
void records_end(struct records *r) { stand(r, 0); }

bool records_save(struct records *r, uint32_t tunnel, struct bytes record)
{
	if (r->store != NULL && record.n == 0)
		store_drop(r->store, tunnel);
	return r->store == NULL || record.n == 0 || store_put(r->store, tunnel, record);
}

bool records_note(struct records *r, uint32_t tunnel, const uint8_t note[STORE_NOTE])
{
	return r->store == NULL || store_note(r->store, tunnel, note);
}

void records_no_room(struct records *r, const char *name, struct mono now)
{
	unsigned lost;
	struct log_fields f = { .tunnel = name };
	if (name == NULL || !limit_passes(&r->no_room, now.ms, NO_ROOM_SPAN, 1, &lost))
		return;
	log_fielded(LOG_LEVEL_WARNING, &f,
		"%s: no room to keep its state: should the engine be restarted, it dials anew (since the last such line: %u more)",
		name, lost);
}

void records_held(struct records *r, const struct esp_held *v, uint32_t n)
{
	if (n == 0)
		return;
	r->held = xrealloc_array(r->held, r->n_held + n, sizeof *r->held);
	memcpy(r->held + r->n_held, v, n * sizeof *v);
	r->n_held += n;
}

static int by_tunnel(const void *a, const void *b)
{
	const struct esp_held *x = a, *y = b;
	return (x->tunnel > y->tunnel) - (x->tunnel < y->tunnel);
}

static void tell_damaged(struct records *r, records_name *name_of, const void *arg)
{
	uint32_t others = 0;
	for (uint32_t i = 0; i < r->n_damaged; i++) {
		const char *name = name_of(arg, r->damaged[i].tunnel);
		struct log_fields f = { .tunnel = name };
		others += name == NULL;
		if (name != NULL)
			log_fielded(
				LOG_LEVEL_WARNING, &f, "%s: its state is damaged, it dials anew: %s", name, r->damaged[i].what);
	}
	if (others > 0)
		log_line(LOG_LEVEL_WARNING, "engine: %u records of no tunnel were damaged", others);
	r->n_damaged = 0;
}

/* The record of a tunnel that may be worked with: none of one that was the end of two engines. */
static struct bytes record_of(struct records *r, uint32_t tunnel, const char *name)
{
	struct bytes record = { 0 };
	if (r->store == NULL || !store_get(r->store, tunnel, &record) || store_crashes(r->store, tunnel) < CRASHES_MAX)
		return record;
	struct log_fields f = { .tunnel = name };
	log_fielded(LOG_LEVEL_ERROR, &f,
		"%s: the engine died %u times while it worked on it: its state is not taken over, it dials anew", name,
		store_crashes(r->store, tunnel));
	store_drop(r->store, tunnel);
	return (struct bytes){ 0 };
}

/* Those of no tunnel would stay for ever. */
static void drop_unknown(struct records *r, records_name *name_of, const void *arg)
{
	size_t it = 0;
	uint32_t key;
	struct bytes record;
	while (r->store != NULL && store_next(r->store, &it, &key, &record)) {
		if (name_of(arg, key) == NULL)
			store_drop(r->store, key);
	}
}

const struct ike_restore *records_restore(struct records *r, uint32_t n_ids, records_name *name_of, const void *arg)
{
	uint32_t n = 0, at = 0, records = 0;
	tell_damaged(r, name_of, arg);
	drop_unknown(r, name_of, arg);
	if (r->n_held > 0)
		qsort(r->held, r->n_held, sizeof *r->held, by_tunnel);
	r->kept = xcalloc(n_ids > 0 ? n_ids : 1, sizeof *r->kept);
	for (uint32_t id = 0; id < n_ids; id++) {
		uint32_t first = at;
		while (at < r->n_held && r->held[at].tunnel == id)
			at++;
		const char *name = name_of(arg, id);
		struct ike_kept k = { .tunnel = id, .n = at - first, .held = r->held + first };
		if (name == NULL)
			continue;
		k.record = record_of(r, id, name);
		if (k.record.n > 0)
			store_noted(r->store, id, &k.note);
		records += k.record.n > 0;
		if (k.record.n > 0 || k.n > 0)
			r->kept[n++] = k;
	}
	if (n > 0)
		log_line(LOG_LEVEL_INFO, "engine: going on with the state of %u tunnels and %u SAs of the kernel", records, at);
	r->restore = (struct ike_restore){ n, r->kept };
	return n > 0 || r->later ? &r->restore : NULL;
}

void records_restored(struct records *r)
{
	free(r->held);
	free(r->kept);
	r->held = NULL;
	r->kept = NULL;
	r->n_held = 0;
}

void records_calm(struct records *r)
{
	if (r->store != NULL)
		store_clear_crashes(r->store);
}
