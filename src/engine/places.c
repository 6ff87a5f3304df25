/* places.c - see places.h. */
#include "places.h"

#include <stddef.h>

static unsigned held_by(const struct place v[PLACES_MAX], uid_t uid)
{
	unsigned n = 0;
	for (unsigned i = 0; i < PLACES_MAX; i++)
		n += v[i].taken && v[i].uid == uid;
	return n;
}

static unsigned held_by_users(const struct place v[PLACES_MAX])
{
	unsigned n = 0;
	for (unsigned i = 0; i < PLACES_MAX; i++)
		n += v[i].taken && v[i].uid != 0;
	return n;
}

static bool is_idle(const struct place *p, int64_t now) { return p->taken && !p->asked && now - p->since >= PLACES_IDLE; }

static int free_place(const struct place v[PLACES_MAX])
{
	for (int i = 0; i < PLACES_MAX; i++) {
		if (!v[i].taken)
			return i;
	}
	return -1;
}

/* Of those that idle the oldest, of the user who holds most; only: of this user. */
static int idle_place(const struct place v[PLACES_MAX], bool roots, const uid_t *only, int64_t now)
{
	int best = -1;
	unsigned most = 0;
	for (int i = 0; i < PLACES_MAX; i++) {
		if (!is_idle(&v[i], now) || (v[i].uid == 0) != roots || (only != NULL && v[i].uid != *only))
			continue;
		unsigned n = held_by(v, v[i].uid);
		if (best >= 0 && (n < most || (n == most && v[i].since >= v[best].since)))
			continue;
		best = i;
		most = n;
	}
	return best;
}

int place_for(const struct place v[PLACES_MAX], uid_t uid, int64_t now)
{
	int place = free_place(v);
	if (uid != 0 && held_by(v, uid) >= PLACES_SHARE)
		return idle_place(v, false, &uid, now);
	if (uid != 0 && (place < 0 || held_by_users(v) >= PLACES_MAX - PLACES_OF_ROOT))
		return idle_place(v, false, NULL, now);
	if (place < 0)
		place = idle_place(v, false, NULL, now);
	return place >= 0 ? place : idle_place(v, true, NULL, now);
}

bool places_left(const struct place v[PLACES_MAX], int64_t now) { return place_for(v, 0, now) >= 0; }
