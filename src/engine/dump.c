/* dump.c - see dump.h. */
#include "dump.h"

#include <stdlib.h>
#include <string.h>

#include "base/err.h"
#include "base/log.h"
#include "base/mem.h"
#include "wire/message.h"

#define DUMP_TEXT 65536
#define DUMP_CEILING (1 << 20)

static void put_lines(const char *tunnel, char *text)
{
	char *rest = text, *line;
	while ((line = strsep(&rest, "\n")) != NULL)
		if (line[0] != 0)
			log_line(LOG_LEVEL_DEBUG, "%s:   %s", tunnel, line);
}

void dump(const char *tunnel, const struct ike_action *a)
{
	char remote[ADDR_TEXT], local[ADDR_TEXT];
	struct arena arena;
	const char *name = tunnel != NULL ? tunnel : "?";
	addr_port_format(&a->trace.remote, remote);
	addr_port_format(&a->trace.local, local);
	log_line(LOG_LEVEL_DEBUG, "%s: message %s %s %s %s%s%s", name, a->trace.out ? "to" : "from", remote,
		a->trace.out ? "from" : "at", local, a->trace.note != NULL ? ": " : "",
		a->trace.note != NULL ? a->trace.note : "");
	if (a->trace.note != NULL)
		return;
	arena_init(&arena, DUMP_CEILING);
	struct message *m = arena_alloc(&arena, sizeof *m);
	char *text = arena_alloc(&arena, DUMP_TEXT);
	int err = m != NULL && text != NULL ? message_decode(m, a->trace.message, &arena) : ERR_OK;
	if (m != NULL && text != NULL) {
		message_format(m, text, DUMP_TEXT);
		put_lines(name, text);
	}
	if (err != ERR_OK)
		log_line(LOG_LEVEL_DEBUG, "%s:   (what follows is not understood: %s)", name, err_text(err));
	arena_release(&arena);
}
