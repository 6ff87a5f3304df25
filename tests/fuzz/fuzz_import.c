/*
 * fuzz_import.c - files that claim to be a cloud's. The first byte is 'A' for AWS, else Azure; a zero byte ends a file and begins the next.
 * Whatever comes: a sentence, or YAML of printable ASCII with just the tunnels of the plan in it, which the loader can judge.
 */
#include <stdlib.h>
#include <string.h>

#include "crypto/alg.h"
#include "ctl/import/set.h"

#define DOCS_MAX 8

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static void must(bool holds)
{
	if (!holds)
		abort();
}

static unsigned split(const char *text, size_t size, struct import_doc docs[DOCS_MAX])
{
	unsigned n = 0;
	while (n < DOCS_MAX) {
		const char *zero = memchr(text, 0, size);
		size_t len = zero != NULL ? (size_t)(zero - text) : size;
		docs[n] = (struct import_doc){ .name = n == 0 ? "folder/one" : "two", .text = text, .len = len };
		n++;
		if (zero == NULL)
			break;
		text = zero + 1;
		size -= len + 1;
	}
	return n;
}

static void judge(struct import_set *p)
{
	struct findings faults = { 0 };
	unsigned tunnels = 0;
	for (const struct import_conn *m = p->first; m != NULL; m = m->next)
		tunnels += m->n;
	for (const struct import_file *f = p->files; f != NULL; f = f->next)
		for (size_t i = 0; i < f->len && !f->secret; i++)
			must(f->text[i] == '\n' || (f->text[i] >= ' ' && f->text[i] <= '~'));
	must(p->files != NULL && tunnels > 0);
	struct conf *c = import_load(p, "", NULL, &faults);
	must((c == NULL) == (faults.refused > 0));
	must(c == NULL || c->n == tunnels);
	for (unsigned i = 0; i < faults.n; i++)
		must(strstr(faults.v[i].text, "YAML") == NULL); /* values may be refused, the grammar is ours */
	conf_free(c);
	findings_release(&faults);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	static bool ready;
	static const char *const routes[] = { "10.20.0.0/16" };
	static const char key[] = "spare.Key_1\n", secrets[] = "198.51.100.7 203.0.113.10 : PSK \"spare.Key_1234567890\"\n";
	struct import_doc docs[DOCS_MAX], psk = { "psk", key, sizeof key - 1, 0 };
	struct import_set p;
	const char *why;
	if (!ready) {
		must(alg_init(&why));
		doc_json_memory();
	}
	ready = true;
	if (size == 0)
		return 0;
	struct import_request r = { .cloud = data[0] == 'A' ? CLOUD_AWS : CLOUD_AZURE, .docs = docs };
	r.n = split((const char *)data + 1, size - 1, docs);
	if (size % 7 == 0)
		psk = (struct import_doc){ "psk", secrets, sizeof secrets - 1, 0 };
	r.psk = size % 2 != 0 ? &psk : NULL;
	r.only = size % 5 == 0 ? "vpn-0a11b22c33d440001,conn-office,testsite1" : NULL;
	r.routes = routes;
	r.n_routes = size % 3 == 0;
	if (import_read(&p, &r))
		judge(&p);
	else
		must(p.refusal != NULL && p.refusal[0] != 0);
	import_release(&p);
	return 0;
}
