/* test_install.c - writing what an import made: all or nothing, nobody's file overwritten, keys for root only; and the whole command. */
#include "ctl/import/install.h"

#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "ctl/ctl.h"
#include "unit.h"

static char top[64];

static const char *path_of(const char *name)
{
	static char path[4][256];
	static unsigned turn;
	char *p = path[turn++ % 4];
	snprintf(p, sizeof path[0], "%s/%s", top, name);
	return p;
}

static void write_file(const char *path, const char *text)
{
	FILE *f = fopen(path, "w");
	ck_assert_ptr_nonnull(f);
	fputs(text, f);
	fclose(f);
}

static bool holds(const char *path, const char *text)
{
	char found[1024] = "";
	FILE *f = fopen(path, "r");
	if (f == NULL)
		return false;
	size_t n = fread(found, 1, sizeof found - 1, f);
	fclose(f);
	return strlen(text) == n && strcmp(found, text) == 0;
}

static unsigned mode_of(const char *path)
{
	struct stat st;
	return lstat(path, &st) == 0 ? st.st_mode & 07777u : 0;
}

/* All entries below top, hidden ones too: nothing of ours may be left behind. */
static unsigned entries(void)
{
	char command[128], line[16] = "";
	snprintf(command, sizeof command, "find %s -mindepth 1 | wc -l", top);
	FILE *f = popen(command, "r");
	ck_assert_ptr_nonnull(f);
	ck_assert_ptr_nonnull(fgets(line, sizeof line, f));
	pclose(f);
	return (unsigned)atoi(line);
}

static void setup(void)
{
	snprintf(top, sizeof top, "/tmp/test_install.XXXXXX");
	ck_assert_ptr_nonnull(mkdtemp(top));
}

static void teardown(void)
{
	char command[128];
	snprintf(command, sizeof command, "rm -rf %s", top);
	ck_assert_int_eq(system(command), 0);
}

static struct import_file yaml = { "conf.d/a.yaml", "# a\n", 4, false, NULL };
static struct import_file key = { "keys/a.psk", "key\n", 4, true, &yaml };

START_TEST(fresh_folder)
{
	char why[INSTALL_WHY];
	setup();
	umask(0);
	ck_assert(install_files(path_of("etc"), &key, false, why));
	ck_assert(holds(path_of("etc/conf.d/a.yaml"), "# a\n"));
	ck_assert(holds(path_of("etc/keys/a.psk"), "key\n"));
	ck_assert_uint_eq(mode_of(path_of("etc/keys/a.psk")), 0600);
	ck_assert_uint_eq(mode_of(path_of("etc/conf.d/a.yaml")), 0644);
	ck_assert_uint_eq(mode_of(path_of("etc/keys")), 0700);
	ck_assert_uint_eq(mode_of(path_of("etc/conf.d")), 0755);
	ck_assert_uint_eq(entries(), 5);
	teardown();
}
END_TEST

START_TEST(nothing_is_overwritten_without_force)
{
	char why[INSTALL_WHY];
	setup();
	ck_assert(install_files(path_of("etc"), &key, false, why));
	write_file(path_of("etc/conf.d/a.yaml"), "# mine\n");
	ck_assert_int_eq(unlink(path_of("etc/keys/a.psk")), 0);
	ck_assert(!install_files(path_of("etc"), &key, false, why));
	ck_assert_ptr_nonnull(strstr(why, "conf.d/a.yaml exists"));
	ck_assert(holds(path_of("etc/conf.d/a.yaml"), "# mine\n"));
	ck_assert_uint_eq(entries(), 4); /* no key without its tunnel */
	ck_assert(install_files(path_of("etc"), &key, true, why));
	ck_assert(holds(path_of("etc/conf.d/a.yaml"), "# a\n"));
	ck_assert_uint_eq(entries(), 5);
	ck_assert(install_files(path_of("etc"), &key, true, why));
	ck_assert_uint_eq(entries(), 5);
	teardown();
}
END_TEST

START_TEST(links_and_folders_are_no_files)
{
	char why[INSTALL_WHY];
	setup();
	write_file(path_of("victim"), "precious\n");
	ck_assert_int_eq(mkdir(path_of("etc"), 0755), 0);
	ck_assert_int_eq(mkdir(path_of("etc/keys"), 0700), 0);
	ck_assert_int_eq(symlink(path_of("victim"), path_of("etc/keys/a.psk")), 0);
	ck_assert(!install_files(path_of("etc"), &key, true, why));
	ck_assert_ptr_nonnull(strstr(why, "no regular file"));
	ck_assert(holds(path_of("victim"), "precious\n"));
	ck_assert_int_eq(unlink(path_of("etc/keys/a.psk")), 0);
	ck_assert_int_eq(access(path_of("etc/conf.d"), F_OK), -1); /* it was made for this, and is gone with it */

	ck_assert_int_eq(mkdir(path_of("etc/conf.d"), 0755), 0);
	ck_assert_int_eq(mkdir(path_of("etc/conf.d/a.yaml"), 0755), 0);
	ck_assert(!install_files(path_of("etc"), &key, true, why));
	ck_assert_uint_eq(entries(), 5); /* victim, etc, keys, conf.d, a.yaml */
	ck_assert_int_eq(rmdir(path_of("etc/conf.d/a.yaml")), 0);

	ck_assert_int_eq(rmdir(path_of("etc/keys")), 0);
	ck_assert_int_eq(symlink("/tmp", path_of("etc/keys")), 0);
	ck_assert(!install_files(path_of("etc"), &key, true, why));
	ck_assert_ptr_nonnull(strstr(why, "keys"));
	teardown();
}
END_TEST

/* The second of two equal names appears between looking and placing: the first is taken back, and what it replaced returns. */
START_TEST(a_failure_halfway_is_undone)
{
	struct import_file again = { "conf.d/a.yaml", "# again\n", 8, false, NULL };
	struct import_file first = { "conf.d/a.yaml", "# a\n", 4, false, &again };
	struct import_file secret = { "keys/a.psk", "new\n", 4, true, &first };
	char why[INSTALL_WHY];
	setup();
	ck_assert(!install_files(path_of("etc"), &secret, false, why));
	ck_assert_ptr_nonnull(strstr(why, "exists"));
	ck_assert_uint_eq(entries(), 0);

	ck_assert_int_eq(mkdir(path_of("etc"), 0755), 0);
	ck_assert_int_eq(mkdir(path_of("etc/keys"), 0700), 0);
	write_file(path_of("etc/keys/a.psk"), "old\n");
	ck_assert(!install_files(path_of("etc"), &secret, true, why));
	ck_assert(holds(path_of("etc/keys/a.psk"), "old\n"));
	ck_assert_uint_eq(entries(), 3);
	teardown();
}
END_TEST

/* --- the command --- */
#define TUNNEL(address, cidr, psk) \
	"{\"OutsideIpAddress\":\"" address "\",\"TunnelInsideCidr\":\"" cidr "\",\"PreSharedKey\":\"" psk "\"}"
static const char vpn[] =
	"{\"VpnConnections\":[{\"VpnConnectionId\":\"vpn-1\",\"Options\":{\"StaticRoutesOnly\":true,\"TunnelOptions\":[" TUNNEL(
		"203.0.113.10", "169.254.60.0/30", "Abc.first_Key_1") "," TUNNEL("203.0.113.20", "169.254.61.0/30",
		"Abc.second_Key_2") "]}}]}";

static int run(const char *file, const char *more)
{
	char *words[] = { "s2sctl", "import", "aws", (char *)file, "-o", (char *)path_of("etc"), (char *)more, NULL };
	int n = more != NULL ? 7 : 6;
	optind = 0;
	ck_assert_ptr_nonnull(freopen("/dev/null", "w", stdout));
	return ctl_main(n, words);
}

START_TEST(import_writes_what_loads)
{
	setup();
	write_file(path_of("vpn.json"), vpn);
	ck_assert_int_eq(run(path_of("vpn.json"), "--dry-run"), CTL_DONE);
	ck_assert_uint_eq(entries(), 1);
	ck_assert_int_eq(run(path_of("vpn.json"), NULL), CTL_DONE);
	ck_assert(holds(path_of("etc/keys/vpn-1-2.psk"), "Abc.second_Key_2\n"));
	ck_assert_uint_eq(entries(), 7);
	ck_assert_int_eq(run(path_of("vpn.json"), NULL), CTL_FAILED); /* they exist */
	ck_assert_int_eq(run(path_of("vpn.json"), "--json"), CTL_FAILED);
	ck_assert_int_eq(run(path_of("vpn.json"), "--force"), CTL_DONE);
	ck_assert_int_eq(run(path_of("vpn.json"), "--name=other"), CTL_FAILED); /* the same addresses and identities twice */
	ck_assert_uint_eq(entries(), 7);
	teardown();
}
END_TEST

/* What s2sctl says on standard output. */
static char said[16384];
static int run_said(const char *file, const char *more)
{
	char *words[] = { "s2sctl", "import", "aws", (char *)file, "-o", (char *)path_of("etc"), (char *)more, NULL };
	int n = more != NULL ? 7 : 6, fd = open(path_of("said"), O_CREAT | O_RDWR | O_TRUNC, 0600), saved = dup(STDOUT_FILENO);
	optind = 0;
	fflush(stdout);
	dup2(fd, STDOUT_FILENO);
	int code = ctl_main(n, words);
	fflush(stdout);
	dup2(saved, STDOUT_FILENO);
	close(saved);
	memset(said, 0, sizeof said);
	ck_assert_int_ge(pread(fd, said, sizeof said - 1, 0), 0);
	close(fd);
	for (char *p = said; (p = strchr(p, '\n')) != NULL;) /* lines are broken where they are full */
		*p = ' ';
	return code;
}

static void write_certified(void)
{
#define OF(address, cidr) "{\"OutsideIpAddress\":\"" address "\",\"TunnelInsideCidr\":\"" cidr "\"}"
#define ARN(address) "{\"OutsideIpAddress\":\"" address "\",\"CertificateArn\":\"arn:aws:acm:eu-central-1:1:certificate/1\"}"
	write_file(path_of("vpn.json"),
		"{\"VpnConnections\":[{\"VpnConnectionId\":\"vpn-1\",\"Options\":{\"StaticRoutesOnly\":true,\"TunnelOptions\":[" OF(
			"203.0.113.10", "169.254.60.0/30") "," OF("203.0.113.20",
			"169.254.61.0/30") "]},\"VgwTelemetry\":[" ARN("203.0.113.10") "," ARN("203.0.113.20") "]}]}");
}

/* The files of certificates are the user's to bring: until then a daemon that is started has no tunnel at all, and that is said. */
START_TEST(certificates_are_brought_first)
{
	setup();
	write_certified();
	ck_assert_int_eq(run_said(path_of("vpn.json"), "--dry-run"), CTL_DONE); /* without the folder, or its keys/ */
	ck_assert_uint_eq(entries(), 2);
	ck_assert_ptr_nonnull(strstr(said, "the daemon refuses all settings"));
	ck_assert_int_eq(run_said(path_of("vpn.json"), NULL), CTL_DONE);
	ck_assert_ptr_nonnull(strstr(said, "warning: the daemon refuses all settings"));
	ck_assert_ptr_nonnull(strstr(said, "next: bring keys/vpn-1.pem, keys/vpn-1-ca.pem, keys/vpn-1.key, then s2sctl check"));
	ck_assert_int_eq(run_said(path_of("vpn.json"), "--force"), CTL_DONE); /* keys/ is there, and empty */
	ck_assert_ptr_nonnull(strstr(said, "next: bring keys/vpn-1.pem"));

	static const char *const files[] = { "vpn-1.pem", "vpn-1.key", "vpn-1-ca.pem" };
	static const char *const from[] = { "gw-chain.pem", "gw.key", "root.pem" };
	for (size_t i = 0; i < 3; i++) {
		char command[256];
		snprintf(command, sizeof command, "install -m 600 tests/golden/conf/certs/%s %s/etc/keys/%s", from[i], top,
			files[i]);
		ck_assert_int_eq(system(command), 0);
	}
	ck_assert_int_eq(run_said(path_of("vpn.json"), "--force"), CTL_DONE);
	ck_assert_ptr_null(strstr(said, "refuses all settings"));
	ck_assert_ptr_nonnull(strstr(said, "next: s2sctl check"));
	teardown();
}
END_TEST

START_TEST(import_writes_nothing_that_does_not_load)
{
	setup();
	write_file(path_of("vpn.json"), vpn);
	ck_assert_int_eq(mkdir(path_of("etc"), 0755), 0);
	write_file(path_of("etc/s2sd.yaml"), "tunnels:\n  vpn-1-2: {cloud: aws, remote: 192.0.2.1, psk-file: x}\n");
	ck_assert_int_eq(run(path_of("vpn.json"), NULL), CTL_FAILED);
	ck_assert_uint_eq(entries(), 3);
	teardown();
}
END_TEST

START_TEST(import_bounds_what_it_reads)
{
	setup();
	write_file(path_of("big.json"), "x");
	ck_assert_int_eq(truncate(path_of("big.json"), 50L << 20), 0);
	ck_assert_int_eq(run(path_of("big.json"), NULL), CTL_FAILED);
	ck_assert_int_eq(run("/dev/zero", NULL), CTL_FAILED);
	ck_assert_int_eq(run("/dev/null", NULL), CTL_FAILED);
	ck_assert_int_eq(run(path_of("absent.json"), NULL), CTL_FAILED);
	ck_assert_int_eq(run(top, NULL), CTL_FAILED);
	ck_assert_int_eq(run(path_of("big.json"), "--psk-file=/dev/zero"), CTL_FAILED);
	ck_assert_uint_eq(entries(), 1);
	char *words[] = { "s2sctl", "import", "gcp", "x", NULL };
	optind = 0;
	ck_assert_int_eq(ctl_main(4, words), CTL_USAGE);
	teardown();
}
END_TEST

/* Who writes the key itself for --psk-file does not find it in a log. */
START_TEST(a_key_for_a_file_name)
{
	setup();
	write_file(path_of("vpn.json"), vpn);
	int saved = dup(STDERR_FILENO);
	ck_assert_ptr_nonnull(freopen(path_of("said"), "w", stderr));
	ck_assert_int_eq(run(path_of("vpn.json"), "--psk-file=Sup3r.Secret_Key"), CTL_FAILED);
	fflush(stderr);
	dup2(saved, STDERR_FILENO);
	close(saved);
	FILE *f = fopen(path_of("said"), "r");
	ck_assert_ptr_nonnull(f);
	ck_assert_uint_gt(fread(said, 1, sizeof said - 1, f), 0);
	fclose(f);
	ck_assert_ptr_nonnull(strstr(said, "value not shown"));
	ck_assert_ptr_null(strstr(said, "Secret"));
	teardown();
}
END_TEST

UNIT_MAIN("install", fresh_folder, nothing_is_overwritten_without_force, links_and_folders_are_no_files,
	a_failure_halfway_is_undone, import_writes_what_loads, certificates_are_brought_first,
	import_writes_nothing_that_does_not_load, import_bounds_what_it_reads, a_key_for_a_file_name)
