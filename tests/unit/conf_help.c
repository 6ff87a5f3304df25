/* conf_help.c - short ways to a configuration, for the tests of conf/. */
#include "conf_help.h"

#include <check.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

const char *conf_help_key_suffix = "";

/* Certificates and their keys are those of the golden pairs. */
static struct psk *file_of(const char *name, size_t max, struct key_fault *fault)
{
	char path[300];
	struct file_text f;
	snprintf(path, sizeof path, "tests/golden/conf/certs/%s", name);
	*fault = key_fault_absent();
	if (file_read(path, max, &f) != 0)
		return NULL;
	struct psk *psk = xcalloc(1, sizeof *psk + f.len);
	psk->len = f.len;
	memcpy(psk->data, f.text, f.len);
	file_text_release(&f);
	return psk;
}

static struct psk *key_of(void *arg, const char *name, size_t max, struct key_fault *fault)
{
	char text[300];
	(void)arg;
	if (strstr(name, ".pem") != NULL || strstr(name, ".key") != NULL)
		return file_of(name, max, fault);
	*fault = key_fault_absent();
	if (strncmp(name, "no", 2) == 0)
		return NULL;
	if (strcmp(name, "weak") == 0)
		snprintf(text, sizeof text, "weak");
	else
		snprintf(text, sizeof text, "key-made-up-for-tests-%s%s", name, conf_help_key_suffix);
	struct psk *psk = xcalloc(1, sizeof *psk + strlen(text));
	psk->len = strlen(text);
	memcpy(psk->data, text, psk->len);
	return psk;
}

static struct conf *load(const char *yaml, bool private_mode, struct findings *faults)
{
	const char *why = "";
	struct conf_text text = { .file = "t.yaml", .text = yaml, .len = strlen(yaml), .private_mode = private_mode };
	ck_assert_msg(alg_init(&why), "%s", why);
	return conf_load(&text, 1, key_of, NULL, faults);
}

struct conf *conf_of(const char *yaml, struct findings *faults) { return load(yaml, false, faults); }
struct conf *conf_of_private(const char *yaml, struct findings *faults) { return load(yaml, true, faults); }

struct conf *conf_good(const char *yaml)
{
	struct findings f;
	struct conf *c = load(yaml, false, &f);
	for (unsigned i = 0; i < f.n; i++)
		fprintf(stderr, "%s:%d: %s\n", f.v[i].file, f.v[i].line, f.v[i].text);
	ck_assert_uint_eq(f.n, 0);
	ck_assert_ptr_nonnull(c);
	findings_release(&f);
	return c;
}

struct conf *conf_tunnel(const char *more)
{
	char yaml[4096];
	snprintf(yaml, sizeof yaml, "tunnels:\n  a: {remote: 192.0.2.1, psk-file: k%s%s}\n", more[0] != 0 ? ", " : "", more);
	return conf_good(yaml);
}

const char *value_of(const struct tunnel_conf *t, const char *key)
{
	static char text[65536];
	return tunnel_conf_value(t, key, text, sizeof text);
}
