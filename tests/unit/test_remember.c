/*
 * test_remember.c - what all of a configuration is packed is known without packing it: what stands in files of certificates counts, also when nothing of
 * that was read anew.
 */
#include <stdio.h>
#include <stdlib.h>
#include <sys/stat.h>
#include <time.h>

#include "check/again.h"
#include "conf/conf.h"
#include "crypto/crypto.h"
#include "unit.h"

static const char settings[] =
	"tunnels:\n"
	"  a: {remote: 192.0.2.1, psk: a.key_made.up_for.tests.1}\n"
	"  b: {remote: 192.0.2.2, certificate: gw-chain.pem, private-key: gw.key, ca: root.pem, remote-id: 'CN=b'}\n";

static struct conf *load(struct conf_memory *m, const char *file, uint32_t read)
{
	char why[FILE_WHY];
	struct findings f;
	struct conf *c = conf_memory_load(m, file, (int64_t)time(NULL) + 1000, &f, why);
	ck_assert_msg(c != NULL, "%s", f.n > 0 ? f.v[0].text : why);
	findings_release(&f);
	ck_assert_uint_eq(conf_memory_read(m), read);
	struct bytes packed = conf_pack(c);
	ck_assert_uint_eq(packed.n, conf_memory_packed(m));
	free((void *)packed.p);
	return c;
}

START_TEST(files_of_certificates_are_measured)
{
	char folder[] = "/tmp/s2sd-remember.XXXXXX", command[256], file[64];
	const char *why;
	ck_assert(alg_init(&why));
	ck_assert_ptr_nonnull(mkdtemp(folder));
	snprintf(file, sizeof file, "%s/s2sd.yaml", folder);
	snprintf(command, sizeof command,
		"mkdir -m 700 %s/keys && install -m 600 tests/golden/conf/certs/*.pem tests/golden/conf/certs/*.key %s/keys",
		folder, folder);
	ck_assert_int_eq(system(command), 0);
	FILE *f = fopen(file, "w");
	ck_assert_ptr_nonnull(f);
	ck_assert(fputs(settings, f) >= 0 && fchmod(fileno(f), 0600) == 0 && fclose(f) == 0);
	struct conf_memory *m = conf_memory_new();
	struct conf *first = load(m, file, 2);
	conf_adopt(first, NULL);
	conf_memory_keep(m, first);
	struct conf *again = load(m, file, 0);
	conf_free(again);
	conf_free(first);
	conf_memory_free(m);
	snprintf(command, sizeof command, "rm -r %s", folder);
	ck_assert_int_eq(system(command), 0);
}
END_TEST

UNIT_MAIN("remember", files_of_certificates_are_measured)
