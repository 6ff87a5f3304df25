/*
 * conf_text.c - a configuration in, its faults or its canonical form out. For golden pairs and for a look by hand.
 *
 * The input is one file, or several behind lines "#FILE name" or "#FILE name private". Key files are made up: NAME.psk holds
 * "a.made.up.key.for.testing.NAME", missing.psk is not there, open.psk is readable for all, empty.psk has no byte, bad.psk and bad-2.psk
 * have hyphens, which AWS does not take, blank.psk a blank, which no provider takes; and around the key of wrapped-X.psk is X.
 * What ends in .pem and .key is read from certs/.
 */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "check/check.h"

#define FILES_MAX 64

/* What people's key files have around a key. */
static struct psk *wrapped_key(const char *name)
{
#define WRAPPED(name, text) \
	{ \
		"wrapped-" name ".psk", text, sizeof text - 1 \
	}
	static const struct {
		const char *name, *text;
		size_t n;
	} rows[] = { WRAPPED("mark", "\xef\xbb\xbf"
				     "Abcdefgh.0123456789xyz"),
		WRAPPED("utf16", "A\0b\0c\0d\0e\0f\0g\0h\0.\0"
				 "0\0"
				 "1\0"
				 "2\0\r\0"),
		WRAPPED("utf16-mark", "\xfe\xff\0A\0b\0c\0d\0e\0f\0g\0h\0.\0"
				      "0\0"
				      "1\0"
				      "2"),
		WRAPPED("quotes", "\"Abcdefgh.0123456789xyz\""), WRAPPED("single", "'Abcdefgh.0123456789xyz'"),
		WRAPPED("curly", "\xe2\x80\x98"
				 "Abcdefgh.0123456789xyz\xe2\x80\x99"),
		WRAPPED("guillemets", "\xc2\xab"
				      "Abcdefgh.0123456789xyz\xc2\xbb"),
		WRAPPED("comment", "# key\nAbcdefgh.0123456789xyz"),
		WRAPPED("secrets", "198.51.100.7 203.0.113.10 : PSK \"Abcdefgh.0123456789xyz\""),
		WRAPPED("secrets-short", ": PSK Abcdefgh.0123456789xyz"),
		WRAPPED("json", "{\"value\": \"Abcdefgh.0123456789xyz\"}"), WRAPPED("blank", "Abcdefgh.0123456789xyz "),
		WRAPPED("export", "export VPN_PSK=Abcdefgh.0123456789xyz"), WRAPPED("yaml", "psk: Abcdefgh.0123456789xyz"),
		WRAPPED("base64", "0sQWJjZGVmZ2guMDEyMzQ1Njc4OXh5eg=="), WRAPPED("hex", "0x4162636465666768ABCDEF00112233445566"),
		WRAPPED("not-base64", "0sAbcdefgh.0123456789xyz"), WRAPPED("odd-hex", "0x4162636465666768abcdef0011223344556"),
		WRAPPED("equals", "Abcdefgh0123456789xyz=="), WRAPPED("one-quote", "\"Abcdefgh.0123456789xyz"),
		WRAPPED("colon", "Ab:PSKcdefgh.0123456789xyz") };
	for (size_t i = 0; i < sizeof rows / sizeof rows[0]; i++) {
		if (strcmp(rows[i].name, name) != 0)
			continue;
		struct psk *psk = calloc(1, sizeof *psk + rows[i].n);
		psk->len = rows[i].n;
		memcpy(psk->data, rows[i].text, psk->len);
		return psk;
	}
	return NULL;
}

/* Certificates, revocation lists and their keys lie in certs/. */
static struct psk *certificate_file(const char *name, size_t max, struct key_fault *fault)
{
	char path[300];
	struct file_text f;
	snprintf(path, sizeof path, "certs/%s", name);
	*fault = key_fault_absent();
	if (file_read(path, max, &f) != 0)
		return NULL;
	struct psk *psk = calloc(1, sizeof *psk + f.len);
	psk->len = f.len;
	memcpy(psk->data, f.text, f.len);
	file_text_release(&f);
	return psk;
}

static struct psk *made_up_key(void *arg, const char *name, size_t max, struct key_fault *fault)
{
	char text[300];
	(void)arg;
	if (strstr(name, ".pem") != NULL || strstr(name, ".key") != NULL)
		return certificate_file(name, max, fault);
	*fault = strcmp(name, "missing.psk") == 0
			 ? key_fault_absent()
			 : (struct key_fault){ KEY_FAULT_OPEN, "group or others can read or write it: chmod 600 it", true };
	if (strcmp(name, "missing.psk") == 0 || strcmp(name, "open.psk") == 0)
		return NULL;
	if (strncmp(name, "wrapped-", 8) == 0)
		return wrapped_key(name);
	bool empty = strcmp(name, "empty.psk") == 0;
	int n = (int)strcspn(name, ".");
	snprintf(text, sizeof text, "%s%.*s", empty ? "" : "a.made.up.key.for.testing.", empty ? 0 : n, name);
	for (char *p = text; *p != 0; p++)
		*p = *p == '-' ? '_' : *p;
	if (strncmp(name, "bad", 3) == 0)
		snprintf(text, sizeof text, "a-key-that-is-not-for-aws-%.*s", n, name);
	if (strcmp(name, "blank.psk") == 0)
		snprintf(text, sizeof text, "a key that is not for azure");
	struct psk *psk = calloc(1, sizeof *psk + strlen(text) + 1);
	psk->len = strlen(text);
	memcpy(psk->data, text, psk->len);
	return psk;
}

/* Cuts text at its "#FILE" lines; the names are written into it. */
static unsigned split(char *text, struct conf_text files[FILES_MAX])
{
	unsigned n = 0;
	if (strncmp(text, "#FILE ", 6) != 0) {
		files[0] = (struct conf_text){ .file = "s2sd.yaml", .text = text };
		n = 1;
	}
	for (char *p = text; p != NULL && n < FILES_MAX; p = strstr(p, "\n#FILE ")) {
		p += *p == '\n';
		if (strncmp(p, "#FILE ", 6) != 0)
			continue;
		char *end = strchr(p, '\n'), *name = p + 6, *blank;
		if (end == NULL)
			break;
		*p = *end = 0;
		blank = strchr(name, ' ');
		if (blank != NULL)
			*blank = 0;
		files[n++] = (struct conf_text){ .file = name, .text = end + 1, .private_mode = blank != NULL };
		p = end + 1;
		if (*p == '#' && strncmp(p, "#FILE ", 6) == 0)
			p--; /* an empty file */
		else if (p[0] == 0)
			break;
	}
	for (unsigned i = 0; i < n; i++)
		files[i].len = strlen(files[i].text);
	return n;
}

static void print_faults(const struct findings *f)
{
	char text[FINDING_TEXT];
	for (unsigned i = 0; i < f->n; i++)
		printf("%s:%d: %s: %s\n", f->v[i].file != NULL ? f->v[i].file : "-", f->v[i].line,
			finding_load(f->v[i].code) == LOAD_REFUSES ? "error" : "warning", finding_text(&f->v[i], text));
}

static void print_conf(const struct conf *c)
{
	static char text[65536];
	const char *key;
	printf("s2sd:\n");
	for (unsigned i = 0; (key = global_conf_key(i)) != NULL; i++)
		printf("  %s: %s\n", key, global_conf_value(&c->global, key, text, sizeof text));
	printf("tunnels:\n");
	for (uint32_t i = 0; i < c->n; i++) {
		const struct tunnel_conf *t = c->tunnels[i];
		printf("  %s:\n", t->name);
		for (unsigned j = 0; (key = tunnel_conf_key(j)) != NULL; j++)
			if (tunnel_conf_value(t, key, text, sizeof text)[0] != 0)
				printf("    %s: %s\n", key, text);
		printf("    # key: %zu bytes; long name: %s\n", t->psk != NULL ? t->psk->len : 0,
			t->altname != NULL ? t->altname : "-");
	}
}

int main(int argc, char **argv)
{
	static char text[1 << 20];
	struct conf_text files[FILES_MAX];
	struct findings faults;
	const char *why = "";
	FILE *f = argc > 1 ? fopen(argv[1], "r") : stdin;
	if (f == NULL || !alg_init(&why)) {
		fprintf(stderr, "conf_text: %s\n", f == NULL ? "cannot open the input" : why);
		return 2;
	}
	size_t n = fread(text, 1, sizeof text - 1, f);
	text[n] = 0;
	if (f != stdin)
		fclose(f);
	struct conf *c = conf_load(files, split(text, files), made_up_key, NULL, &faults);
	print_faults(&faults);
	if (c != NULL)
		print_conf(c);
	printf("%s\n", c != NULL ? "accepted" : "refused");
	findings_release(&faults);
	conf_free(c);
	return 0;
}
