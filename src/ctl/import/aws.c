/* aws.c - which reader a file is for; on top of the AWS importer. */
#include <jansson.h>
#include <string.h>

#include "aws.h"
#include "base/util.h"

/* One, or several behind each other, as `--output text` prints them. */
static bool read_xmls(struct aws *a, const struct import_doc *d)
{
	static const char head[] = "<?xml";
	const char *s = d->text, *end = d->text + d->len;
	while (s < end) {
		const char *next = memmem(s + 1, (size_t)(end - s - 1), head, sizeof head - 1);
		struct import_doc one = { d->name, s, (size_t)((next != NULL ? next : end) - s), d->line };
		if (!aws_xml(a, &one, NULL))
			return false;
		s += one.len;
	}
	return true;
}

static bool read_one(struct aws *a, const struct import_doc *d)
{
	switch (d->text[0]) {
	case '<': return doc_named(a->p, d, AWS_DESCRIBE " > vpn.json") && read_xmls(a, d);
	case '{':
	case '[':
	case '"': return aws_json(a, d);
	default: break;
	}
	bool vendor = false;
	json_t *yaml = doc_yaml(a->p, d);
	bool good = yaml != NULL ? aws_value(a, yaml, d) : a->p->refusal == NULL && aws_vendor(a, d, &vendor);
	if (good && yaml == NULL && !vendor)
		good = aws_text(a, d);
	json_decref(yaml);
	return good;
}

static bool is_wanted(struct aws *a, const struct aws_conn *c)
{
	const struct fact *ours = c->first != NULL ? &c->first->v[AWS_OUR_OUTSIDE] : NULL;
	const char *id = c->v[AWSC_ID].text, *words[] = { id != NULL ? id : c->file, c->v[AWSC_TAG].text, c->v[AWSC_CGW].text,
		ours != NULL ? ours->text : NULL };
	return import_wanted(a->p, words, ARRAY_SIZE(words));
}

bool import_aws(struct import_set *p, const struct import_doc *docs, unsigned n)
{
	struct aws a = { .p = p };
	for (unsigned i = 0; i < n; i++)
		if (!read_one(&a, &docs[i]))
			return false;
	if (!aws_join_all(&a))
		return false;
	if (a.first == NULL)
		return import_refuse(p, "%s: holds no usable connection%s", docs[0].name,
			a.skipped > 0 ? ": all are deleted" : ": is it of another region?");
	for (struct aws_conn *c = a.first; c != NULL; c = c->next) {
		struct import_mark mark = import_mark(p);
		if (is_wanted(&a, c) && !import_go_on(p, &mark, aws_settings(&a, c)))
			return false;
	}
	return true;
}
