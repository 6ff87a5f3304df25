/*
 * unwrap.c - what stands around the files of a cloud when people copy them: prompts, warnings of a CLI, a play's own words; several answers one behind
 * the other; and the forms that are for people only, which are named with the command that makes the right one.
 */
#include <ctype.h>
#include <stdio.h>
#include <string.h>
#include <strings.h>

#include "base/util.h"
#include "set.h"

#define PLAY "=> {" /* Ansible: ok: [localhost] => { */

/* --- lines --- */
static const char *line_end(const char *s, const char *end)
{
	const char *nl = memchr(s, '\n', (size_t)(end - s));
	return nl != NULL ? nl : end;
}

static const char *skip_blanks(const char *s, const char *end)
{
	while (s < end && isspace((unsigned char)*s))
		s++;
	return s;
}

/* "[user@host ~]$" is none, nor is "[1] section". */
static bool json_begins(const char *s, const char *end)
{
	const char *next = skip_blanks(s + 1, end);
	if (s >= end || next >= end)
		return s < end && (*s == '{' || *s == '[');
	return (*s == '{' && strchr("\"}", *next) != NULL) || (*s == '[' && strchr("{[\"]", *next) != NULL);
}

/* What `--query value` prints: one string, alone in its line. */
static bool string_line(const char *s, const char *stop)
{
	return stop - s > 2 && *s == '"' && memchr(s + 1, '"', (size_t)(stop - s - 1)) == stop - 1;
}

/* Where JSON begins in the line; NULL: it does not. */
static const char *json_in_line(const char *s, const char *stop, const char *end)
{
	const size_t n = sizeof PLAY - 1;
	if (json_begins(s, end))
		return s;
	while (stop > s && isspace((unsigned char)stop[-1]))
		stop--;
	if (string_line(s, stop))
		return s;
	return (size_t)(stop - s) > n && memcmp(stop - n, PLAY, n) == 0 ? stop - 1 : NULL;
}

/* Behind the bracket that closes the one at s; the end when nothing closes it. */
static const char *json_stop(const char *s, const char *end)
{
	size_t depth = 0;
	bool string = false;
	if (*s == '"')
		return (const char *)memchr(s + 1, '"', (size_t)(end - s - 1)) + 1;
	for (; s < end; s++) {
		if (string && *s == '\\')
			s++;
		else if (*s == '"')
			string = !string;
		else if (!string && (*s == '{' || *s == '['))
			depth++;
		else if (!string && (*s == '}' || *s == ']') && --depth == 0)
			return s + 1;
	}
	return end;
}

/* --- one file in pieces --- */
static bool add_piece(
	struct import_set *p, struct import_docs *out, const struct import_doc *d, const char *s, const char *stop, unsigned line)
{
	if (out->n == IMPORT_PIECES_MAX)
		return import_refuse(
			p, "%s: the files hold more than %d answers: give fewer at once", d->name, IMPORT_PIECES_MAX);
	out->v[out->n++] = (struct import_doc){ .name = d->name, .text = s, .len = (size_t)(stop - s), .line = line };
	return true;
}

/* Only blanks up to the end of the line? */
static bool line_is_over(const char *s, const char *end)
{
	for (const char *stop = line_end(s, end); s < stop; s++)
		if (!isspace((unsigned char)*s))
			return false;
	return true;
}

bool doc_split(struct import_set *p, const struct import_doc *d, struct import_docs *out)
{
	const char *end = d->text + d->len, *stop;
	unsigned line = 0, first = out->n, left = 0;
	for (const char *s = d->text; s < end; s = stop < end ? stop + 1 : end) {
		stop = line_end(s, end);
		const char *json = json_in_line(s, stop, end);
		if (json == NULL) {
			left += skip_blanks(s, stop) < stop;
			line++;
			continue;
		}
		const char *behind = json_stop(json, end);
		if (!line_is_over(behind, end)) { /* more than a wrapping: the parser says what is wrong */
			out->n = first;
			break;
		}
		if (!add_piece(p, out, d, json, behind, line))
			return false;
		for (const char *c = s; c < behind; c++)
			line += *c == '\n';
		stop = line_end(behind, end);
		line++;
	}
	if (out->n == first)
		return add_piece(p, out, d, d->text, end, 0);
	if (left > 0)
		import_note(p, NOTE_ASSUMED, "%s: left out %u line%s around the JSON, prompts or warnings", d->name, left,
			left == 1 ? "" : "s");
	return true;
}

/* --- what it is instead --- */
enum form { FORM_TABLE, FORM_AZ_TABLE, FORM_TEXT, FORM_LIST, FORM_PYTHON, FORM_TERRAFORM, FORM_PAGE, FORM_KEY, FORM_NONE };

static bool begins(const char *s, const char *end, const char *word)
{
	size_t n = strlen(word);
	return (size_t)(end - s) >= n && strncasecmp(s, word, n) == 0;
}

static bool only(const char *s, const char *stop, const char *set)
{
	const char *at = s;
	while (at < stop && strchr(set, *at) != NULL)
		at++;
	return at == stop && s < stop;
}

/* "Name               : value", as PowerShell prints objects for people */
static bool list_line(const char *s, const char *stop)
{
	const char *word = s;
	while (s < stop && isalnum((unsigned char)*s))
		s++;
	return s > word && s < stop && *s == ' ' && begins(skip_blanks(s, stop), stop, ": ");
}

static enum form form_of_line(const char *s, const char *stop, const char *next)
{
	static const char *const terraform[] = { "resource \"", "  # aws_", "  # azurerm_", "# aws_", "# azurerm_",
		"Terraform will " };
	while (stop > s && isspace((unsigned char)stop[-1]))
		stop--;
	if (stop - s > 8 && only(s, stop, "-+") && (*next == '|' || *s == '+'))
		return FORM_TABLE;
	if (stop - s > 8 && *s == '-' && only(s, stop, "- ") && memchr(s, ' ', (size_t)(stop - s)) != NULL)
		return FORM_AZ_TABLE;
	if (begins(s, stop, "VPNCONNECTION") && memchr(s, '\t', (size_t)(stop - s)) != NULL)
		return FORM_TEXT;
	if (memchr(s, '\t', (size_t)(stop - s)) != NULL && memmem(s, (size_t)(stop - s), "/subscriptions/", 15) != NULL)
		return FORM_TEXT;
	for (size_t i = 0; i < ARRAY_SIZE(terraform); i++)
		if (begins(s, stop, terraform[i]))
			return FORM_TERRAFORM;
	return list_line(s, stop) ? FORM_LIST : FORM_NONE;
}

static enum form form_of(const struct import_doc *d)
{
	const char *end = d->text + d->len, *stop = line_end(d->text, end);
	unsigned rows = 0;
	if (begins(d->text, end, "<!doctype html") || begins(d->text, end, "<html"))
		return FORM_PAGE;
	if (begins(d->text, end, "{'") || begins(d->text, end, "[{'"))
		return FORM_PYTHON;
	if (stop == end && strchr("<{[\"", d->text[0]) == NULL && d->len <= 130 && memchr(d->text, ' ', d->len) == NULL &&
		memchr(d->text, '\t', d->len) == NULL)
		return FORM_KEY;
	for (const char *s = d->text; s < end; s = stop < end ? stop + 1 : end) {
		stop = line_end(s, end);
		enum form form = form_of_line(s, stop, stop < end && stop + 1 < end ? stop + 1 : "");
		rows += form == FORM_LIST;
		if (form != FORM_NONE && (form != FORM_LIST || rows > 2))
			return form;
	}
	return FORM_NONE;
}

bool doc_named(struct import_set *p, const struct import_doc *d, const char *command)
{
	static const char *const what[] = {
		[FORM_TABLE] = "is the CLI's table format, which is for people: add --output json to the command",
		[FORM_AZ_TABLE] = "is the CLI's table format, which is for people: add -o json to the command",
		[FORM_TEXT] = "is the CLI's text format: add --output json to the command",
		[FORM_LIST] =
			"is PowerShell's list of an object, which is for people: write ... | ConvertTo-Json -Depth 10 > FILE",
		[FORM_PYTHON] = "is Python's own notation of an object: write json.dumps(answer, default=str) into the file",
		[FORM_TERRAFORM] = "is Terraform's text for people: give what `terraform show -json` prints after the apply",
		[FORM_PAGE] = "is a web page, not a download: sign in, and download again",
		[FORM_KEY] = "is one word, which may be a key: give it with --psk-file FILE (not shown here)",
	};
	enum form form = form_of(d);
	if (form == FORM_NONE)
		return true;
	bool same = form == FORM_TABLE || form == FORM_AZ_TABLE || form == FORM_TEXT;
	if (command == NULL || form == FORM_KEY)
		return import_refuse(p, "%s %s", d->name, what[form]);
	return import_refuse(p, "%s %s, %s: %s", d->name, what[form], same ? "as in" : "or use", command);
}
