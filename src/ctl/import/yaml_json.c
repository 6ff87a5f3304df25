/*
 * yaml_json.c - the YAML that `aws --output yaml`, `az -o yaml` and Ansible print, as the JSON that they print otherwise. Bounded; anchors, aliases and
 * tags, which none of them writes, are refused.
 */
#include <ctype.h>
#include <jansson.h>
#include <stdlib.h>
#include <string.h>
#include <strings.h>
#include <yaml.h>

#include "base/util.h"
#include "set.h"

#define YAML_DEPTH 64
#define YAML_NODES 200000

/* A line that begins so, less "- ", tells that it is one of theirs. */
static const char *const leads[] = { "vpnconnections:", "vpnconnection:", "vpn_connections:", "customergatewayconfiguration:",
	"category:", "id: /subscriptions/", "value: ", "vpnsiteconfiguration:", "connectiontype:", "gatewayipaddress:" };

static bool is_lead(const char *s, const char *end)
{
	if (end - s > 2 && s[0] == '-' && s[1] == ' ')
		s += 2;
	for (size_t i = 0; i < ARRAY_SIZE(leads); i++)
		if ((size_t)(end - s) >= strlen(leads[i]) && strncasecmp(s, leads[i], strlen(leads[i])) == 0)
			return true;
	return false;
}

/* "name: value", "- name: value", what is indented: not a warning or a prompt. */
static bool yaml_line(const char *s, const char *stop)
{
	while (s < stop && (*s == '-' || *s == ' '))
		s++;
	const char *word = s;
	while (s < stop && (isalnum((unsigned char)*s) || *s == '_'))
		s++;
	return s > word && islower((unsigned char)word[1 < stop - word ? 1 : 0]) && s < stop && *s == ':' &&
	       (s + 1 == stop || s[1] == ' ' || s[1] == '\r');
}

/* From the first line of YAML on, when one of the lines tells whose it is; NULL: it is none. */
static const char *yaml_start(const struct import_doc *d)
{
	const char *end = d->text + d->len, *first = NULL, *stop;
	for (const char *s = d->text; s < end; s = stop < end ? stop + 1 : end) {
		stop = memchr(s, '\n', (size_t)(end - s));
		stop = stop != NULL ? stop : end;
		if (first == NULL && yaml_line(s, stop))
			first = s;
		if (first != NULL && is_lead(s, end))
			return first;
	}
	return NULL;
}

/* --- events into values --- */
struct building {
	json_t *stack[YAML_DEPTH];
	char *key[YAML_DEPTH]; /* of a mapping: the member whose value comes next */
	unsigned depth, nodes;
	json_t *root;
	const char *why;
};

static bool bad(struct building *b, const char *why)
{
	b->why = why;
	return false;
}

static bool put(struct building *b, json_t *v)
{
	if (v == NULL || b->nodes++ == YAML_NODES) {
		json_decref(v);
		return bad(b, "it holds more than any answer of a cloud");
	}
	if (b->depth == 0) {
		json_decref(b->root);
		b->root = v;
		return true;
	}
	json_t *top = b->stack[b->depth - 1];
	char **key = &b->key[b->depth - 1];
	if (json_is_array(top))
		return json_array_append_new(top, v) == 0 || bad(b, "there is no memory left");
	bool twice = json_object_get(top, *key) != NULL, good = !twice && json_object_set_new(top, *key, v) == 0;
	if (twice)
		json_decref(v);
	doc_wiping_free(*key);
	*key = NULL;
	return good || bad(b, twice ? "a member is written twice" : "it is no UTF-8");
}

static json_t *scalar(const yaml_event_t *e)
{
	const char *s = (const char *)e->data.scalar.value;
	size_t n = e->data.scalar.length;
	char *end;
	if (e->data.scalar.style != YAML_PLAIN_SCALAR_STYLE)
		return json_stringn(s, n);
	if (n == 0 || strcmp(s, "~") == 0 || strcasecmp(s, "null") == 0)
		return json_null();
	if (strcasecmp(s, "true") == 0 || strcasecmp(s, "false") == 0)
		return json_boolean(strcasecmp(s, "true") == 0);
	long long number = strtoll(s, &end, 10);
	if (*end == 0 && n < 16 && isdigit((unsigned char)s[n - 1]) && (s[0] != '0' || n == 1))
		return json_integer(number);
	return json_stringn(s, n);
}

static bool open_node(struct building *b, json_t *v)
{
	if (b->depth == YAML_DEPTH) {
		json_decref(v);
		return bad(b, "it is nested deeper than any answer of a cloud");
	}
	if (!put(b, v))
		return false;
	b->key[b->depth] = NULL;
	b->stack[b->depth++] = v; /* borrowed: its parent, or the root, has it */
	return true;
}

static bool take_scalar(struct building *b, const yaml_event_t *e)
{
	char **key = b->depth > 0 && json_is_object(b->stack[b->depth - 1]) ? &b->key[b->depth - 1] : NULL;
	if (key == NULL || *key != NULL)
		return put(b, scalar(e));
	*key = malloc(e->data.scalar.length + 1);
	if (*key == NULL)
		return bad(b, "there is no memory left");
	memcpy(*key, e->data.scalar.value, e->data.scalar.length + 1);
	return true;
}

static bool take_event(struct building *b, const yaml_event_t *e)
{
	bool member = b->depth == 0 || !json_is_object(b->stack[b->depth - 1]) || b->key[b->depth - 1] != NULL;
	switch (e->type) {
	case YAML_SCALAR_EVENT:
		return e->data.scalar.anchor == NULL ? take_scalar(b, e) : bad(b, "it has anchors, which no cloud writes");
	case YAML_MAPPING_START_EVENT: return member ? open_node(b, json_object()) : bad(b, "the name of a member is no word");
	case YAML_SEQUENCE_START_EVENT: return member ? open_node(b, json_array()) : bad(b, "the name of a member is no word");
	case YAML_MAPPING_END_EVENT:
	case YAML_SEQUENCE_END_EVENT: b->depth -= b->depth > 0; return true;
	case YAML_ALIAS_EVENT: return bad(b, "it has aliases, which no cloud writes");
	case YAML_NO_EVENT:
	case YAML_STREAM_START_EVENT:
	case YAML_STREAM_END_EVENT:
	case YAML_DOCUMENT_START_EVENT:
	case YAML_DOCUMENT_END_EVENT: return true;
	}
	return true;
}

static bool run(struct building *b, yaml_parser_t *parser, unsigned *line)
{
	bool over = false, good = true;
	while (good && !over) {
		yaml_event_t e;
		if (yaml_parser_parse(parser, &e) == 0) {
			*line = (unsigned)parser->problem_mark.line;
			return bad(b, "is not valid YAML");
		}
		*line = (unsigned)e.start_mark.line;
		over = e.type == YAML_STREAM_END_EVENT || (e.type == YAML_DOCUMENT_END_EVENT && b->root != NULL);
		good = take_event(b, &e);
		yaml_event_delete(&e);
	}
	return good;
}

json_t *doc_yaml(struct import_set *p, const struct import_doc *d)
{
	struct building b = { 0 };
	yaml_parser_t parser;
	unsigned line = 0, before = 0;
	const char *start = yaml_start(d);
	if (start == NULL)
		return NULL;
	for (const char *c = d->text; c < start; c++)
		before += *c == '\n';
	if (yaml_parser_initialize(&parser) == 0) {
		import_refuse(p, "there is no memory left");
		return NULL;
	}
	yaml_parser_set_input_string(&parser, (const unsigned char *)start, (size_t)(d->text + d->len - start));
	bool good = run(&b, &parser, &line);
	yaml_parser_delete(&parser);
	for (unsigned i = 0; i < YAML_DEPTH; i++)
		doc_wiping_free(b.key[i]);
	if (good && b.root != NULL)
		return b.root;
	json_decref(b.root);
	import_refuse(p, "%s:%u: %s: give the CLI's JSON (--output json)", d->name, before + line + 1,
		b.why != NULL ? b.why : "it is empty");
	return NULL;
}
