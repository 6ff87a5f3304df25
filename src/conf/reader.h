/*
 * reader.h - YAML as a walk over nodes, with what we do not take (anchors, tags, depth, second documents) refused on the way.
 *
 * There is always a current node. A function that is given a value leaves with the last event of that value as the current one.
 */
#ifndef READER_H
#define READER_H

#include <yaml.h>

#include "keys.h"

enum node {
	NODE_SCALAR,
	NODE_LIST,
	NODE_MAP,
	NODE_END /* of a list or mapping */,
	NODE_NONE /* of the file, or after an error */
};

struct reader {
	yaml_parser_t parser;
	yaml_event_t event;
	bool have; /* an event is held */
	bool ended;
	unsigned depth, documents;
	size_t above; /* lines of the file above the text */
	enum node node;
	int line;
	const char *scalar;
	struct context *c;
};

bool reader_open(struct reader *r, const struct conf_text *text, struct context *c);
void reader_close(struct reader *r);
enum node reader_next(struct reader *r);
void reader_skip(struct reader *r); /* to the end of the current node */

/* Calls pair() for each key of the mapping that is the current node, with the value as the current node. Nothing at all counts as an empty
 * mapping; anything else is refused. */
#define KEY_TEXT 80
void reader_pairs(
	struct reader *r, const char *what, void (*pair)(struct reader *r, const char *key, int line, void *arg), void *arg);

#endif
