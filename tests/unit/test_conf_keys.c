/* test_conf_keys.c - pre-shared keys in a configuration: where they may stand; they are repeated nowhere, and wiped. */
#include "conf_help.h"

#include <fcntl.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>

#include "unit.h"

START_TEST(inline_keys_want_a_private_file)
{
	const char *yaml = "tunnels: {a: {remote: 192.0.2.1, psk: Ab0._xCd1._yEf2._zGh3._w}}";
	struct findings f;
	ck_assert_ptr_null(conf_of(yaml, &f));
	ck_assert_ptr_null(strstr(f.v[0].text, "Ab0"));
	findings_release(&f);
	struct conf *c = conf_of_private(yaml, &f);
	ck_assert_ptr_nonnull(c);
	ck_assert_uint_eq(c->tunnels[0]->psk->len, 24);
	ck_assert_str_eq(value_of(c->tunnels[0], "psk"), "");
	conf_free(c);
	findings_release(&f);
	ck_assert_ptr_null(conf_of_private("tunnels: {a: {remote: 192.0.2.1, psk: 'secret-with-dash'}}", &f));
	ck_assert_ptr_null(strstr(f.v[0].text, "secret"));
	findings_release(&f);
}
END_TEST

/* Findings are logged, answered and reported: they name the place, and repeat nothing that may be a key. */
START_TEST(keys_in_wrong_places_are_not_repeated)
{
	static const struct {
		const char *tunnel, *says;
	} rows[] = {
		{ "psk-file: no-Sup3r.Secret_Key", "no such file (value not shown, it may be a key)" },
		{ "psk-file: keys/Sup3r.Secret_Key",
			"letters, digits and . _ @ + -, no slash) (value not shown, it may be a key)" },
		{ "psk-file: 'Sup3r Secret'", "(value not shown, it may be a key)" },
		{ "psk-file: [k, Sup3rSecret]", "takes one value, not a list" },
		{ "psk-file: {Sup3r: Secret}", "not a mapping" },
		{ "psk-file: &Sup3rSecret k", "anchors" },
		{ "psk-file: *Sup3rSecret", "aliases" },
		{ "psk-file: !Sup3rSecret k", "tags" },
		{ "private-key: 'pkcs11:token=t;pin-value=Sup3rSecret'", "(value not shown, it may be a key)" },
		{ "pks: Sup3rSecret", "unknown key 'pks': did you mean 'psk'?" },
		{ "psk:Sup3rSecret", "unknown key 'psk ...': a blank is missing behind the colon" },
		{ "preshared-key=Sup3rSecret", "unknown key 'preshared-key ...'" },
		{ "Sup3rSecret", "unknown key (value not shown, it may be a key)" },
		{ "password: Sup3rSecret", "unknown key 'password'" },
		{ "local: 192.0.2.7 psk Sup3rSecret", "'192.0.2.7 ...' is not an IPv4 or IPv6 address" },
		{ "routes: [10.0.0.0/8 psk=Sup3rSecret]", "'10.0.0.0/8 ...' is not an IPv4 or IPv6 prefix" },
		{ "start: initiate psk Sup3rSecret", "'initiate ...' is not valid" },
		{ "psk: Sup3r-Secret", "a key that stands here has only letters" },
		{ "psk: %Sup3rSecret", "YAML: found character that cannot start any token" },
		{ "psk: \"Sup3r\\Secret\"", "YAML: found unknown escape character" },
	};
	for (size_t i = 0; i < sizeof rows / sizeof *rows; i++) {
		char yaml[256], line[FINDING_LINE];
		struct findings f;
		snprintf(yaml, sizeof yaml, "tunnels:\n  a: {remote: 192.0.2.1,\n    %s}\n", rows[i].tunnel);
		ck_assert_msg(conf_of_private(yaml, &f) == NULL, "%s", rows[i].tunnel);
		bool said = false;
		for (unsigned k = 0; k < f.n; k++) {
			finding_line(&f.v[k], line);
			said = said || (strstr(line, rows[i].says) != NULL && strncmp(line, "t.yaml:3: ", 10) == 0);
			ck_assert_msg(strstr(line, "Sup3r") == NULL && strstr(line, "Secret") == NULL, "%s", line);
			ck_assert(f.v[k].advice == NULL || strstr(f.v[k].advice, "Secret") == NULL);
		}
		ck_assert_msg(said, "%s: %s", rows[i].tunnel, f.n > 0 ? f.v[0].text : "nothing");
		findings_release(&f);
	}
	/* What is no key is told, as it helps to find it. */
	static const char *const shown[][2] = {
		{ "rooutes: x", "unknown key 'rooutes': did you mean 'routes'?" },
		{ "Local-ID: x", "unknown key 'Local-ID': did you mean 'local-id'?" },
		{ "workers: 3", "unknown key 'workers' here: it belongs under 's2sd:'" },
		{ "mtu: 99999", "'99999' is not valid" },
	};
	for (size_t i = 0; i < sizeof shown / sizeof *shown; i++) {
		char yaml[256];
		struct findings f;
		snprintf(yaml, sizeof yaml, "tunnels:\n  a: {remote: 192.0.2.1, psk-file: k, %s}\n", shown[i][0]);
		ck_assert_ptr_null(conf_of(yaml, &f));
		ck_assert_msg(strstr(f.v[0].text, shown[i][1]) != NULL, "%s", f.v[0].text);
		findings_release(&f);
	}
}
END_TEST

/* What was released is looked at where it lay, through /proc: the memory is not ours any more. */
START_TEST(keys_are_wiped_when_released)
{
	static const char key[] = "Kx7mQ2_vT9zLw4RbN8sPd3H.Jc6YfA5gXe1WuZ0t";
	char yaml[128], left[sizeof key] = "";
	struct findings f;
	snprintf(yaml, sizeof yaml, "tunnels: {a: {remote: 192.0.2.1, psk: %s}}", key);
	struct conf *c = conf_of_private(yaml, &f);
	ck_assert_ptr_nonnull(c);
	findings_release(&f);
	off_t at = (off_t)(uintptr_t)c->tunnels[0]->psk->data;
	int fd = open("/proc/self/mem", O_RDONLY | O_CLOEXEC);
	ck_assert_int_eq(pread(fd, left, sizeof key - 1, at), (ssize_t)sizeof key - 1);
	ck_assert_str_eq(left, key);
	conf_free(c);
	ck_assert_int_eq(pread(fd, left, sizeof key - 1, at), (ssize_t)sizeof key - 1);
	for (size_t i = 0; i + 4 < sizeof key; i++)
		ck_assert_int_ne(memcmp(left + i, key + i, 4), 0);
	close(fd);
}
END_TEST

UNIT_MAIN("conf keys", inline_keys_want_a_private_file, keys_in_wrong_places_are_not_repeated, keys_are_wiped_when_released)
