/*
 * clock.h - time as values. Nothing below daemon/ reads a clock; the daemon (or the simulator) stamps each event.
 */
#ifndef BASE_CLOCK_H
#define BASE_CLOCK_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

typedef int64_t msec; /* a span, milliseconds */
struct mono {
	msec ms;
}; /* CLOCK_BOOTTIME-like: monotonic, counts suspend. MONO_NEVER = no deadline */
struct moment {
	struct mono mono;
	int64_t wall; /* seconds since 1970, UTC: for people only */
};

#define MONO_NEVER ((struct mono){ INT64_MAX })

static inline struct mono mono_add(struct mono t, msec d) { return (struct mono){ t.ms == INT64_MAX ? INT64_MAX : t.ms + d }; }
static inline bool mono_due(struct mono t, struct mono now) { return t.ms <= now.ms; }
static inline struct mono mono_min(struct mono a, struct mono b) { return a.ms < b.ms ? a : b; }
static inline struct mono mono_max(struct mono a, struct mono b) { return a.ms > b.ms ? a : b; }
static inline bool mono_is_never(struct mono t) { return t.ms == INT64_MAX; }

#define TIME_TEXT 32
const char *wall_format(int64_t wall, char text[TIME_TEXT]); /* RFC 3339 UTC, "2026-11-21T10:00:00Z"; "-" for 0 */
const char *span_format(msec span, char text[TIME_TEXT]);    /* "850ms", "42s", "3m12s", "4h02m", "12d03h" */

#endif
