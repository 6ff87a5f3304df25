/*
 * log.h - the one place that writes log lines. Only daemon/ calls it (lower floors return codes, the protocol reports facts).
 * Text that came from outside must pass through log_escape: control characters, quotes and non-UTF-8 become \xNN.
 */
#ifndef BASE_LOG_H
#define BASE_LOG_H

#include <stdarg.h>
#include <stdbool.h>
#include <stddef.h>

#include "base/buf.h"

enum log_level { LOG_LEVEL_ERROR, LOG_LEVEL_WARNING, LOG_LEVEL_NOTICE, LOG_LEVEL_INFO, LOG_LEVEL_DEBUG };

/* Where lines go: syslog(3) with a facility, stderr, or the journal's native socket (then with fields). */
void log_open_stderr(enum log_level max);
void log_open_syslog(const char *ident, int facility, enum log_level max); /* to the journal with fields where there is one */
/* The same with the journal's socket given; false (and plain syslog) when nobody listens there. Opened now: a chroot may follow. */
bool log_open_journal(const char *path, const char *ident, int facility, enum log_level max);
void log_set_level(enum log_level max);
bool log_wants(enum log_level level);
const char *log_level_word(enum log_level level);
bool log_level_parse(const char *word, enum log_level *level); /* error warning notice info debug */

struct log_fields {
	const char *tunnel, *event, *peer;
}; /* each may be NULL; S2S_TUNNEL= S2S_EVENT= S2S_PEER= */

/* One line each: control characters in the text become '?', so that no caller's slip forges a line. */
void log_line(enum log_level level, const char *fmt, ...) __attribute__((format(printf, 2, 3)));
void log_fielded(enum log_level level, const struct log_fields *f, const char *fmt, ...) __attribute__((format(printf, 3, 4)));

/* Writes src escaped into text (always terminated, cut with "..." when it does not fit); returns text. */
const char *log_escape(char *text, size_t size, struct bytes src);

#endif
