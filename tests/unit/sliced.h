/*
 * sliced.h - a client that reads all at once: puts the slices of answers together and hands each as one line to op_send(), which the including file has.
 */
#ifndef SLICED_H
#define SLICED_H

#include <stdlib.h>
#include <string.h>

#include "engine/control.h"

static struct {
	uint64_t owed[2 * CONTROL_PENDING_MAX];
	unsigned n, parts;
	size_t longest;
	struct line text;
} sliced;

static void op_begin(void *arg, uint64_t client)
{
	(void)arg;
	for (unsigned i = 0; i < sliced.n; i++) {
		if (sliced.owed[i] == client)
			return;
	}
	sliced.owed[sliced.n++] = client;
}

static void op_part(void *arg, uint64_t client, const char *text, size_t len)
{
	(void)arg, (void)client;
	line_put(&sliced.text, text, len);
	sliced.parts++;
	sliced.longest = len > sliced.longest ? len : sliced.longest;
}

static void op_end(void *arg, uint64_t client)
{
	struct line l = sliced.text;
	sliced.text = (struct line){ 0 };
	for (unsigned i = 0; i < sliced.n; i++) {
		if (sliced.owed[i] == client)
			sliced.owed[i--] = sliced.owed[--sliced.n];
	}
	if (l.len > 0) {
		if (l.data[l.len - 1] != '\n')
			abort();
		l.data[l.len - 1] = 0;
		for (char *rest = l.data, *line; (line = strsep(&rest, "\n")) != NULL;)
			op_send(arg, client, line);
	}
	line_release(&l);
}

static inline void read_all(struct control *c)
{
	while (sliced.n > 0)
		control_more(c, sliced.owed[0]);
}

/* The counters that were asked for are there, and whoever waits reads. */
static inline void counted(struct control *c)
{
	control_counters(c);
	read_all(c);
}

#endif
