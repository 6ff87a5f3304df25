/*
 * readers.c - on top of the importers: what was asked for, decoded and handed to the provider's reader. A provider is a row here.
 */
#include <stdio.h>
#include <string.h>

#include "base/util.h"
#include "set.h"

static const struct reader {
	const char *cloud;
	bool (*read)(struct import_set *p, const struct import_doc *docs, unsigned n);
} readers[] = { { "aws", import_aws }, { "azure", import_azure } };

static const struct reader *reader_of(const char *cloud)
{
	for (size_t i = 0; i < ARRAY_SIZE(readers); i++)
		if (strcmp(readers[i].cloud, cloud) == 0)
			return &readers[i];
	return NULL;
}

const char *import_clouds(char text[IMPORT_CLOUDS])
{
	text[0] = 0;
	for (size_t i = 0; i < ARRAY_SIZE(readers); i++)
		snprintf(text + strlen(text), IMPORT_CLOUDS - strlen(text), "%s'%s'", i > 0 ? " or " : "", readers[i].cloud);
	return text;
}

bool import_takes(const char *cloud) { return reader_of(cloud) != NULL; }

bool import_read(struct import_set *p, const struct import_request *r)
{
	if (!import_begin(p, r))
		return false;
	struct import_docs *docs = import_alloc(p, sizeof *docs);
	if (docs == NULL)
		return false;
	for (unsigned i = 0; i < r->n; i++) {
		const struct import_doc *d = doc_decode(p, &r->docs[i]);
		if (d == NULL || !doc_split(p, d, docs))
			return false;
	}
	p->psk = r->psk != NULL ? doc_key(p, r->psk) : NULL;
	if (p->refusal != NULL)
		return false;
	const struct reader *reader = reader_of(cloud_word(r->cloud));
	if (reader == NULL || !reader->read(p, docs->v, docs->n) || p->refusal != NULL)
		return import_refuse(p, "nothing can be made of these files");
	return import_finish(p) && p->refusal == NULL;
}
