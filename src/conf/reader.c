/* reader.c - libyaml's events as nodes. Scalars are taken as written: no booleans, no numbers, no dates. */
#include "reader.h"

#include <stdio.h>
#include <string.h>

#define DEPTH_MAX 8
#define TEXT_MAX ((size_t)16 << 20)

static enum node stop(struct reader *r)
{
	r->ended = true;
	return r->node = NODE_NONE;
}

static enum node stop_with(struct reader *r, int line, const char *text)
{
	struct context at = *r->c;
	at.place.line = line;
	at.place.tunnel = at.place.key = NULL; /* it is the file's */
	refuse(&at, FINDING_YAML, "%s", text);
	return stop(r);
}

bool reader_open(struct reader *r, const struct conf_text *text, struct context *c)
{
	*r = (struct reader){ .c = c, .above = (size_t)text->above };
	if (text->len > TEXT_MAX) {
		stop_with(r, 1, "the file is larger than 16 MiB");
		return false;
	}
	if (!yaml_parser_initialize(&r->parser)) {
		stop_with(r, 1, "out of memory");
		return false;
	}
	yaml_parser_set_input_string(&r->parser, (const unsigned char *)text->text, text->len);
	return true;
}

/* A scalar may be a key: it does not stay behind in freed memory. */
static void drop_event(struct reader *r)
{
	if (!r->have)
		return;
	if (r->event.type == YAML_SCALAR_EVENT)
		wipe(r->event.data.scalar.value, r->event.data.scalar.length);
	yaml_event_delete(&r->event);
	r->have = false;
	r->scalar = NULL;
}

void reader_close(struct reader *r)
{
	drop_event(r);
	yaml_parser_delete(&r->parser);
}

static enum node syntax_error(struct reader *r)
{
	char text[256];
	const yaml_parser_t *p = &r->parser;
	struct text o = text_of(text, sizeof text);
	text_add(&o, "YAML: %s",
		p->problem != NULL ? p->problem : "cannot be read"); /* libyaml's own words, nothing of the file */
	if (p->context != NULL)
		text_add(&o, " %s that begins in line %zu", p->context, r->above + p->context_mark.line + 1);
	if (p->error == YAML_READER_ERROR)
		text_add(&o, " (byte %zu of the file)", p->problem_offset);
	return stop_with(r, (int)(r->above + (p->problem_mark.line > 0 ? p->problem_mark.line : p->mark.line)) + 1, text);
}

static enum node enter(struct reader *r, enum node node, const yaml_char_t *anchor, const yaml_char_t *tag)
{
	if (anchor != NULL)
		return stop_with(r, r->line, "anchors (&name) are not taken: write the value where it is needed");
	if (tag != NULL)
		return stop_with(r, r->line, "tags (!name) are not taken: values are read as they are written");
	if (node != NODE_SCALAR && ++r->depth > DEPTH_MAX)
		return stop_with(r, r->line, "nested too deeply");
	return r->node = node;
}

static enum node scalar(struct reader *r)
{
	r->scalar = (const char *)r->event.data.scalar.value;
	if (strlen(r->scalar) != r->event.data.scalar.length)
		return stop_with(r, r->line, "a value contains a NUL character");
	return enter(r, NODE_SCALAR, r->event.data.scalar.anchor, r->event.data.scalar.tag);
}

enum node reader_next(struct reader *r)
{
	while (!r->ended) {
		drop_event(r);
		if (!yaml_parser_parse(&r->parser, &r->event))
			return syntax_error(r);
		r->have = true;
		r->line = (int)(r->above + r->event.start_mark.line) + 1;
		switch (r->event.type) {
		case YAML_NO_EVENT:
		case YAML_STREAM_END_EVENT: return stop(r);
		case YAML_STREAM_START_EVENT:
		case YAML_DOCUMENT_END_EVENT: continue;
		case YAML_DOCUMENT_START_EVENT:
			if (++r->documents > 1)
				return stop_with(r, r->line, "a second document ('---') in one file is not taken");
			continue;
		case YAML_ALIAS_EVENT:
			return stop_with(r, r->line, "aliases (*name) are not taken: write the value where it is needed");
		case YAML_SCALAR_EVENT: return scalar(r);
		case YAML_SEQUENCE_START_EVENT:
			return enter(r, NODE_LIST, r->event.data.sequence_start.anchor, r->event.data.sequence_start.tag);
		case YAML_MAPPING_START_EVENT:
			return enter(r, NODE_MAP, r->event.data.mapping_start.anchor, r->event.data.mapping_start.tag);
		case YAML_SEQUENCE_END_EVENT:
		case YAML_MAPPING_END_EVENT: r->depth--; return r->node = NODE_END;
		}
	}
	return NODE_NONE;
}

void reader_skip(struct reader *r)
{
	unsigned outside = r->depth - 1;
	if (r->node != NODE_LIST && r->node != NODE_MAP)
		return;
	while (!r->ended && r->depth > outside)
		reader_next(r);
}

static void refuse_here(struct reader *r, const char *what, const char *fault)
{
	struct context at = *r->c;
	at.place.line = r->line;
	at.place.key = NULL;
	refuse(&at, FINDING_YAML, "%s %s", what, fault);
}

void reader_pairs(
	struct reader *r, const char *what, void (*pair)(struct reader *r, const char *key, int line, void *arg), void *arg)
{
	if (r->node == NODE_SCALAR && r->scalar[0] == 0)
		return;
	if (r->node != NODE_MAP) {
		refuse_here(r, what, "must be a mapping: 'key: value' lines");
		reader_skip(r);
		return;
	}
	while (reader_next(r) != NODE_END && !r->ended) {
		char key[KEY_TEXT];
		bool word = r->node == NODE_SCALAR;
		int line = r->line;
		snprintf(key, sizeof key, "%s", word ? r->scalar : ""); /* nothing valid is cut */
		if (!word) {
			refuse_here(r, what, "has a key that is not a word");
			reader_skip(r);
		}
		if (reader_next(r) == NODE_NONE)
			return;
		if (word)
			pair(r, key, line, arg);
		else
			reader_skip(r);
	}
}
