/* facts.c - what one certificate says, as JSON and as lines. */
#include <stdio.h>

#include "base/text.h"
#include "certificate.h"
#include "ctl/render.h"

static json_t *time_json(int64_t seconds)
{
	char text[TIME_TEXT];
	return json_string(wall_format(seconds, text));
}

static json_t *hex_json(const uint8_t *p, size_t n)
{
	char text[2 * 64 + 1];
	struct text o = text_of(text, sizeof text);
	text_hex(&o, bytes_of(p, n), n);
	return json_string(text);
}

static json_t *names_json(const struct cert *c)
{
	json_t *list = json_array();
	struct ident id = { 0 };
	struct bytes value;
	char text[IDENT_MAX + 16];
	for (unsigned i = 0; cert_name(c, i, &id.type, &value); i++) {
		if (value.n > IDENT_MAX)
			continue;
		id.len = (uint16_t)value.n;
		id.data = (uint8_t *)(uintptr_t)value.p;
		json_array_append_new(list, json_string(ident_format(&id, text, sizeof text)));
	}
	return list;
}

json_t *facts_json(const struct shown *s, struct bytes der)
{
	enum cert_cause why;
	struct cert_facts f;
	struct cert *c = cert_read(der, &why);
	if (c == NULL)
		return NULL;
	cert_facts(c, &f);
	json_t *row = json_object();
	json_object_set_new(row, "file", words_json(s->file));
	json_object_set_new(row, "tunnel", words_json(s->tunnel));
	json_object_set_new(row, "use", json_string(s->use));
	json_object_set_new(row, "subject", words_json(f.subject));
	json_object_set_new(row, "issuer", words_json(f.issuer));
	json_object_set_new(row, "serial", words_json(f.serial));
	json_object_set_new(row, "not_before", time_json(f.not_before));
	json_object_set_new(row, "not_after", time_json(f.not_after));
	json_object_set_new(row, "key", json_string(key_kind_word(f.key)));
	json_object_set_new(row, "bits", json_integer(f.bits));
	json_object_set_new(row, "signature", words_json(f.signature));
	json_object_set_new(row, "sha256", hex_json(f.sha256, sizeof f.sha256));
	json_object_set_new(row, "ca", json_boolean(f.ca));
	json_object_set_new(row, "names", names_json(c));
	cert_free(c);
	return row;
}

static void line(const char *title, const char *text)
{
	int used = printf("  %-11s ", title);
	put_fitting(stdout, text != NULL ? text : "-", (unsigned)used, (unsigned)used);
}

void facts_print(const json_t *row)
{
	char text[512];
	const json_t *names = json_object_get(row, "names");
	const char *tunnel = word_of(row, "tunnel");
	printf("%s%s%s%s%s\n", word_of(row, "file"), tunnel != NULL ? " (" : "", tunnel != NULL ? tunnel : "",
		tunnel != NULL ? (word_of(row, "use")[1] == 'a' ? ": ca" : ": certificate") : "", tunnel != NULL ? ")" : "");
	line("subject", word_of(row, "subject"));
	for (size_t i = 0; i < json_array_size(names); i++)
		line("name", json_string_value(json_array_get(names, i)));
	line("issuer", word_of(row, "issuer"));
	line("serial", word_of(row, "serial"));
	snprintf(text, sizeof text, "%s to %s", word_of(row, "not_before"), word_of(row, "not_after"));
	line("valid", text);
	snprintf(text, sizeof text, "%s, %llu bits%s, signed with %s", word_of(row, "key"),
		(unsigned long long)count_of(row, "bits"), json_is_true(json_object_get(row, "ca")) ? ", of a CA" : "",
		word_of(row, "signature"));
	line("key", text);
	line("sha256", word_of(row, "sha256"));
}
