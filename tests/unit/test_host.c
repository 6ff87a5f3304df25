/*
 * test_host.c - what `s2sctl check` reads of the machine: numbers of the kernel, key files, systemd-networkd's settings; from a made-up root.
 */
#include <stdio.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "conf_help.h"
#include "check/host.h"
#include "unit.h"

static struct conf *conf;
static struct host host;

static void load(const char *yaml)
{
	struct findings faults;
	conf = conf_of(yaml, &faults);
	ck_assert_ptr_nonnull(conf);
	findings_release(&faults);
}

static char root[64];

static void put(const char *path, const char *text)
{
	char name[256];
	snprintf(name, sizeof name, "%s/%s", root, path);
	for (char *p = name + strlen(root) + 1; (p = strchr(p, '/')) != NULL; p++) {
		*p = 0;
		mkdir(name, 0755);
		*p = '/';
	}
	FILE *f = fopen(name, "w");
	ck_assert_ptr_nonnull(f);
	fputs(text, f);
	fclose(f);
	chmod(name, 0644);
}

static void made_up_root(void)
{
	snprintf(root, sizeof root, "/tmp/s2s-root-XXXXXX");
	ck_assert_ptr_nonnull(mkdtemp(root));
	put("proc/sys/net/ipv4/ip_forward", "1\n");
	put("proc/sys/net/ipv6/conf/all/forwarding", "0\n");
	put("proc/sys/net/ipv4/conf/all/rp_filter", "1\n");
	put("proc/sys/net/ipv4/conf/s2s-a/rp_filter", "2\n");
	put("proc/sys/net/ipv4/fib_multipath_hash_policy", "oops\n");
	put("keys/mine.psk", "x");
}

static void remove_root(void)
{
	char line[128];
	snprintf(line, sizeof line, "rm -rf %s", root);
	ck_assert_int_eq(system(line), 0);
}

START_TEST(reads_numbers)
{
	char keys[128];
	made_up_root();
	snprintf(keys, sizeof keys, "%s/keys", root);
	load("tunnels:\n  a: {remote: 127.0.0.9, psk-file: k}\n  b: {remote: x.example, psk-file: k}\n");
	host_read(&host, conf, keys, root);
	ck_assert_int_eq(host.forward4, 1);
	ck_assert_int_eq(host.forward6, 0);
	ck_assert_int_eq(host.rp_all, 1);
	ck_assert_int_eq(host.rp_default, HOST_UNKNOWN);
	ck_assert_int_eq(host.hash4, HOST_UNKNOWN);
	ck_assert_uint_eq(host.n_paths, 2);
	ck_assert_int_eq(host.paths[0].rp_filter, 2);
	ck_assert_int_gt(host.paths[0].mtu, 0);
	ck_assert_uint_eq(host.paths[0].from.family, AF_INET);
	ck_assert_int_eq(host.paths[1].rp_filter, HOST_UNKNOWN);
	ck_assert_int_eq(host.paths[1].mtu, HOST_UNKNOWN);
	ck_assert_uint_gt(host.n_nets, 0); /* the loop at least */
	ck_assert_uint_eq(host.n_keys, 1);
	ck_assert_str_eq(host.keys[0].name, "mine.psk");
	ck_assert_uint_eq(host.keys[0].mode, 0644);
	ck_assert(!host.networkd);
	host_release(&host);
	conf_free(conf);
	remove_root();
}
END_TEST

static const struct {
	const char *main, *late, *early; /* networkd.conf, etc/.../20-x.conf, usr/lib/.../10-x.conf */
	const char *shadow;              /* etc/.../10-x.conf, which hides the one in usr/lib */
	bool routes, rules;
} managers[] = {
	{ NULL, NULL, NULL, NULL, true, true },
	{ "[Network]\nManageForeignRoutes=no\n", NULL, NULL, NULL, false, true },
	{ "[Network]\n# ManageForeignRoutes=no\n", NULL, NULL, NULL, true, true },
	{ "[DHCPv4]\nManageForeignRoutes=no\n", NULL, NULL, NULL, true, true },
	{ "[Network]\nManageForeignRoutes=no\n", "[Network]\nManageForeignRoutes = yes \n", NULL, NULL, true, true },
	{ NULL, "[Network]\n ManageForeignRoutes = Off\nManageForeignRoutingPolicyRules=false", NULL, NULL, false, false },
	{ NULL, NULL, "[Network]\nManageForeignRoutes=no\n", NULL, false, true },
	{ NULL, NULL, "[Network]\nManageForeignRoutes=no\n", "[Network]\n", true, true },
	{ NULL, "[Network]\nManageForeignRoutes=0\n", "[Network]\nManageForeignRoutes=1\n", NULL, false, true },
};

START_TEST(reads_networkd)
{
	made_up_root();
	put("run/systemd/netif/state", "");
	if (managers[_i].main != NULL)
		put("etc/systemd/networkd.conf", managers[_i].main);
	if (managers[_i].late != NULL)
		put("etc/systemd/networkd.conf.d/20-x.conf", managers[_i].late);
	if (managers[_i].early != NULL)
		put("usr/lib/systemd/networkd.conf.d/10-x.conf", managers[_i].early);
	if (managers[_i].shadow != NULL)
		put("etc/systemd/networkd.conf.d/10-x.conf", managers[_i].shadow);
	load("tunnels:\n  a: {remote: 203.0.113.1, psk-file: k}\n");
	host_read(&host, conf, NULL, root);
	ck_assert(host.networkd);
	ck_assert_int_eq(host.networkd_routes, managers[_i].routes);
	ck_assert_int_eq(host.networkd_rules, managers[_i].rules);
	host_release(&host);
	conf_free(conf);
	remove_root();
}
END_TEST

int main(void)
{
	Suite *s = suite_create("host");
	TCase *t = tcase_create("all");
	tcase_set_timeout(t, 60);
	tcase_add_test(t, reads_numbers);
	tcase_add_loop_test(t, reads_networkd, 0, sizeof managers / sizeof *managers);
	suite_add_tcase(s, t);
	SRunner *r = srunner_create(s);
	srunner_run_all(r, CK_ENV);
	int failed = srunner_ntests_failed(r);
	srunner_free(r);
	return failed > 0;
}
