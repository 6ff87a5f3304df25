/*
 * split.h - which lines of a file belong to which tunnel, found without reading YAML: for a reload, which reads only what has changed.
 *
 *     head      all down to the line "tunnels:", and comments below it; when there is no such line, everything
 *     a part    "  name: ..." and what is indented deeper, up to the next one: lines of its own alone
 *
 * It guesses. Who uses it sees first that the reader has found the same tunnels in the same lines; then each of them begins in the block mapping of
 * `tunnels:`, and another part in the place of one is read as it would be alone, unless that has a fault.
 */
#ifndef CONF_SPLIT_H
#define CONF_SPLIT_H

#include "conf/conf.h"

#define SPLIT_TOP "tunnels:\n" /* before parts that are read alone */

struct conf_part {
	uint32_t at, len; /* in the text */
	int line;
	uint8_t indent, name_len;
};
struct conf_parts {
	size_t head;
	bool head_is_empty; /* but for the line "tunnels:": blank lines and comments */
	unsigned n;
	struct conf_part *v; /* malloc'd */
};
void conf_part_name(const struct conf_text *text, const struct conf_part *part, char name[TUNNEL_NAME_MAX + 1]);
/* False: the text is written in another way, *out is empty. */
bool conf_split(const struct conf_text *text, struct conf_parts *out);

#endif
