/*
 * fuzz_conf.c - settings as text, and packed settings as bytes. The first byte says which: 'P' = the rest is packed.
 * What loads must survive packing, unpacking and printing; what unpacks must pack to the same bytes.
 */
#include <stdlib.h>
#include <string.h>

#include "check/check.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static void must(bool holds)
{
	if (!holds)
		abort();
}

static void print_all(const struct conf *c)
{
	static char text[4096];
	const char *key;
	for (uint32_t i = 0; i < c->n; i++)
		for (unsigned j = 0; (key = tunnel_conf_key(j)) != NULL; j++)
			must(strlen(tunnel_conf_value(c->tunnels[i], key, text, sizeof text)) < sizeof text);
}

static void packed(struct bytes in)
{
	struct conf *c = conf_unpack(in);
	if (c == NULL)
		return;
	struct bytes again = conf_pack(c);
	must(bytes_equal(in, again));
	print_all(c);
	free((void *)again.p);
	conf_free(c);
}

static void written(const char *text, size_t len)
{
	struct conf_text file = { .file = "fuzz.yaml", .text = text, .len = len, .private_mode = true };
	struct findings faults;
	struct conf *c = conf_load(&file, 1, NULL, NULL, &faults);
	must((c == NULL) == (faults.refused > 0) && faults.n <= 1000);
	for (unsigned i = 0; i < faults.n; i++)
		must(faults.v[i].line > 0 && faults.v[i].text[0] != 0 && strpbrk(faults.v[i].text, "\n\r\x1b") == NULL);
	findings_release(&faults);
	if (c == NULL)
		return;
	conf_adopt(c, NULL);
	struct bytes b = conf_pack(c);
	struct conf *same = conf_unpack(b);
	must(same != NULL && same->n == c->n);
	packed(b);
	conf_adopt(same, c);
	free((void *)b.p);
	conf_free(same);
	conf_free(c);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	static bool ready;
	const char *why;
	if (!ready)
		must(alg_init(&why));
	ready = true;
	if (size > 0 && data[0] == 'P')
		packed(bytes_of(data + 1, size - 1));
	else
		written((const char *)data, size);
	return 0;
}
