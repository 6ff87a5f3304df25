/* aws.c - which reader a file is for; on top of the AWS importer. */
#include <jansson.h>

#include "aws.h"

static bool read_one(struct aws *a, const struct import_doc *d)
{
	switch (d->text[0]) {
	case '<': return doc_named(a->p, d, AWS_DESCRIBE " > vpn.json") && aws_xml(a, d, NULL);
	case '{':
	case '[':
	case '"': return aws_json(a, d);
	default: break;
	}
	json_t *yaml = doc_yaml(a->p, d);
	bool good = yaml != NULL ? aws_value(a, yaml, d) : a->p->refusal == NULL && aws_text(a, d);
	json_decref(yaml);
	return good;
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
		return import_refuse(
			p, "%s: holds no usable connection%s", docs[0].name, a.skipped > 0 ? ": all are deleted" : "");
	for (struct aws_conn *c = a.first; c != NULL; c = c->next)
		if (!aws_settings(&a, c))
			return false;
	return true;
}
