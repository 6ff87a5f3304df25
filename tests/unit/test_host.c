/*
 * test_host.c - what `s2sctl check` reads of the machine: numbers of the kernel, key files, systemd-networkd's settings; from a made-up root.
 */
#include <fcntl.h>
#include <stdio.h>
#include <string.h>
#include <sys/stat.h>
#include <sys/utsname.h>
#include <sys/wait.h>
#include <unistd.h>

#include "conf_help.h"
#include "check/host.h"
#include "ctl/check/ports.h"
#include "ctl/ctl.h"
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

/* --- what ESP could be faster by --- */
static const struct {
	const char *cpuinfo;
	bool no_aes, vaes_hidden;
} processors[] = {
	{ "processor\t: 0\nflags\t\t: fpu aes avx2\n\nprocessor\t: 1\n", false, false },
	{ "processor\t: 0\nflags\t\t: fpu vaes avx2\n", true, false },
	{ "processor\t: 0\nflags\t\t: fpu aes avx512_vbmi2\n", false, true },
	{ "processor\t: 0\nflags\t\t: fpu aes avx512_vbmi2 vaes\n", false, false },
	{ "processor\t: 0\nFeatures\t: fp asimd aes\n", false, false },
	{ "processor\t: 0\nFeatures\t: fp asimd\n", true, false },
	{ "processor\t: 0\nisa\t: rv64imafdc\n", false, false },
};

START_TEST(reads_the_processor)
{
	made_up_root();
	put("proc/cpuinfo", processors[_i].cpuinfo);
	load("tunnels:\n  a: {remote: 203.0.113.1, psk-file: k}\n");
	host_read(&host, conf, NULL, root);
	ck_assert_int_eq(host.speed.no_aes, processors[_i].no_aes);
	ck_assert_int_eq(host.speed.vaes_hidden, processors[_i].vaes_hidden);
	ck_assert_uint_gt(host.speed.processors, 0);
	ck_assert_uint_eq(host.speed.n_cards, 0); /* this root has none */
	host_release(&host);
	conf_free(conf);
	remove_root();
}
END_TEST

/* In the kernel, loaded, waiting, not there: only what waits can be loaded. */
static const struct {
	const char *loaded, *builtin, *list;
	bool waits4, waits6;
} module_lists[] = {
	{ NULL, NULL, NULL, false, false },
	{ NULL, "", "kernel/net/ipv4/esp4.ko:\nkernel/net/ipv4/esp4_offload.ko.xz: kernel/net/ipv4/esp4.ko.xz\n", true, false },
	{ "esp4_offload", "", "kernel/net/ipv4/esp4_offload.ko:\nkernel/net/ipv6/esp6_offload.ko:\n", false, true },
	{ NULL, "kernel/net/ipv4/esp4_offload.ko\n", "kernel/x.ko: kernel/net/ipv6/esp6_offload.ko\n", false, false },
};

START_TEST(reads_the_modules)
{
	struct utsname u;
	char path[200];
	ck_assert_int_eq(uname(&u), 0);
	made_up_root();
	if (module_lists[_i].loaded != NULL) {
		snprintf(path, sizeof path, "sys/module/%s/refcnt", module_lists[_i].loaded);
		put(path, "0\n");
	}
	snprintf(path, sizeof path, "lib/modules/%s/modules.builtin", u.release);
	if (module_lists[_i].builtin != NULL)
		put(path, module_lists[_i].builtin);
	snprintf(path, sizeof path, "lib/modules/%s/modules.dep", u.release);
	if (module_lists[_i].list != NULL)
		put(path, module_lists[_i].list);
	load("tunnels:\n  a: {remote: 203.0.113.1, psk-file: k}\n");
	host_read(&host, conf, NULL, root);
	ck_assert_int_eq(host.speed.waits4, module_lists[_i].waits4);
	ck_assert_int_eq(host.speed.waits6, module_lists[_i].waits6);
	host_release(&host);
	conf_free(conf);
	remove_root();
}
END_TEST

/* What is older than its start it has read. */
START_TEST(when_networkd_started)
{
	char name[256];
	const struct timespec then[2] = { { 1000, 0 }, { 1000, 0 } };
	made_up_root();
	put("run/systemd/netif/state", "");
	put("run/systemd/units/x", "");
	put("usr/lib/systemd/networkd.conf.d/s2sd.conf", "[Network]\nManageForeignRoutes=no\n");
	snprintf(name, sizeof name, "%s/run/systemd/units/invocation:systemd-networkd.service", root);
	ck_assert_int_eq(symlink("0123456789abcdef", name), 0);
	ck_assert_int_eq(utimensat(AT_FDCWD, name, then, AT_SYMLINK_NOFOLLOW), 0);
	load("tunnels:\n  a: {remote: 203.0.113.1, psk-file: k}\n");
	host_read(&host, conf, NULL, root);
	ck_assert_int_eq(host.networkd_since, 1000);
	ck_assert_int_gt(host.networkd_settings, 1000);
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
	ck_assert_int_eq(host.networkd_settings != 0, _i != 0); /* the first has no settings */
	ck_assert_int_eq(host.networkd_since, 0);
	host_release(&host);
	conf_free(conf);
	remove_root();
}
END_TEST

static bool lives_from_ra(const char *device)
{
	for (unsigned i = 0; i < host.n_ra; i++)
		if (strcmp(host.ra[i], device) == 0)
			return true;
	return false;
}

/* A default route or an address of router advertisements, at interfaces that heed them, do so in spite of forwarding, or do not. */
START_TEST(reads_router_advertisements)
{
#define ZERO "00000000000000000000000000000000"
#define ADDRESS "20010db8000000000000000000000007"
	made_up_root();
	put("proc/net/ipv6_route",
		ZERO " 00 " ZERO " 00 fe800000000000000000000000000001 00000400 00000001 00000000 00450003 by-route\n" ZERO
		     " 00 " ZERO " 00 fe800000000000000000000000000001 00000400 00000001 00000000 00000003 by-hand\n" ADDRESS
		     " 40 " ZERO " 00 " ZERO " 00000100 00000001 00000000 00440001 a-prefix\n");
	put("proc/net/if_inet6",
		ADDRESS " 02 40 00 00 by-address\n" ADDRESS " 03 40 00 80 permanent\n" ADDRESS " 04 40 20 00 link-local\n" ADDRESS
			" 05 40 00 00 in-spite\n" ADDRESS " 06 40 00 00 by-networkd\nnonsense\n");
	const char *const heed[] = { "by-route", "by-hand", "a-prefix", "by-address", "permanent", "link-local" };
	for (size_t i = 0; i < sizeof heed / sizeof *heed; i++) {
		char name[96];
		snprintf(name, sizeof name, "proc/sys/net/ipv6/conf/%s/accept_ra", heed[i]);
		put(name, "1\n");
	}
	put("proc/sys/net/ipv6/conf/in-spite/accept_ra", "2\n");
	put("proc/sys/net/ipv6/conf/by-networkd/accept_ra", "0\n");
	load("tunnels:\n  a: {remote: 203.0.113.1, psk-file: k}\n");
	host_read(&host, conf, NULL, root);
	ck_assert_uint_eq(host.n_ra, 2);
	ck_assert(lives_from_ra("by-route"));
	ck_assert(lives_from_ra("by-address"));
	host_release(&host);
	conf_free(conf);
	remove_root();
}
END_TEST

static void made_up_process(const char *pid, const char *program, const char *group, const char *inode)
{
	char path[128], to[64];
	snprintf(path, sizeof path, "proc/%s/comm", pid);
	put(path, program);
	snprintf(path, sizeof path, "proc/%s/cgroup", pid);
	put(path, group);
	snprintf(path, sizeof path, "proc/%s/fd/0", pid);
	put(path, "");
	snprintf(path, sizeof path, "%s/proc/%s/fd/7", root, pid);
	snprintf(to, sizeof to, "socket:[%s]", inode);
	ck_assert_int_eq(symlink(to, path), 0);
}

#define UDP_HEAD \
	"   sl  local_address rem_address   st tx_queue rx_queue tr tm->when retrnsmt   uid  timeout inode ref pointer drops\n"
#define UDP(address, inode) \
	"  77: " address " 00000000:0000 07 00000000:00000000 00:00000000 00000000     0        0 " inode \
	" 2 0000000000000000 0\n"

START_TEST(reads_ports)
{
	made_up_root();
	put("proc/net/udp", UDP_HEAD UDP("00000000:0035", "10") UDP("00000000:01F4", "11") UDP("0100007F:1194", "12")
				    UDP("00000000:1194", "14"));
	put("proc/net/udp6",
		UDP_HEAD UDP("00000000000000000000000000000000:01F4", "11") UDP("00000000000000000000000000000000:01F5", "15"));
	made_up_process("101", "charon-systemd\n", "0::/system.slice/strongswan.service\n", "11");
	made_up_process("102", "a b\n", "0::/user.slice/session-1.scope\n", "12");
	made_up_process("103", "s2sd\n", "0::/system.slice/s2sd.service\n", "14");
	made_up_process("104", "dnsmasq\n", "0::/system.slice/dns$(x).service\n", "10");
	made_up_process("105", "odd\n", "0::/system.slice/odd$(x).service\n", "15");
	load("tunnels:\n  a: {remote: 203.0.113.1, psk-file: k}\n");
	host_read(&host, conf, NULL, root);
	ck_assert_uint_eq(host.n_ports, 2);
	const struct host_port *ike = &host.ports[host.ports[0].port != 500], *natt = &host.ports[host.ports[0].port == 500];
	ck_assert_uint_eq(ike->port, 500);
	ck_assert_int_eq(ike->pid, 101);
	ck_assert_str_eq(ike->program, "charon-systemd");
	ck_assert_str_eq(ike->unit, "strongswan.service");
	ck_assert_uint_eq(natt->port, 4500);
	ck_assert_str_eq(natt->program, "a b");
	ck_assert_str_eq(natt->unit, "");
	host_release(&host);
	conf_free(conf);
	remove_root();
}
END_TEST

/* Inode 11 is port 500, 14 is port 4500: who has them -> of whom it is said, by pid. systemd-analyze has a line of header, and lines about all kinds. */
#define STORE_HEAD "FDNAME     TYPE DEVNO  INODE RDEVNO PATH        ACCESS\n"
#define STORE_OF(inode) \
	STORE_HEAD "state.1    reg  0:1    11000 -      /memfd:x    rw\nudp4-500-1 sock 0:8 " inode " - socket:[] rw\n"
static const struct {
	struct {
		const char *pid, *program, *inode;
	} has[4];
	const char *store; /* NULL: there is no such program, or it does not know the word */
	int said[3];       /* 0 ends it */
	bool asked;
} holders[] = {
	/* beside the running daemon, in either order of /proc */
	{ { { "1", "systemd\n", "11" }, { "103", "s2sd\n", "11" } }, NULL, { 0 }, false },
	{ { { "1", "systemd\n", "11" }, { "103", "s2sd-engine\n", "11" }, { "104", "odd\n", "11" } }, NULL, { 0 }, false },
	/* while it is down: kept for it, or for somebody else, or nobody can tell */
	{ { { "1", "systemd\n", "11" } }, STORE_OF("11"), { 0 }, true },
	{ { { "1", "systemd\n", "11" } }, STORE_OF("12"), { 1 }, true },
	{ { { "1", "systemd\n", "11" } }, STORE_HEAD "11 11 11\n", { 1 }, true },
	{ { { "1", "systemd\n", "11" } }, NULL, { 1 }, true },
	{ { { "1", "systemd\n", "11" } }, "", { 1 }, true },
	{ { { "1", "init\n", "11" } }, STORE_OF("11"), { 1 }, false },
	{ { { "7", "systemd\n", "11" } }, STORE_OF("11"), { 7 }, false },
	/* others */
	{ { { "104", "odd\n", "11" } }, STORE_OF("11"), { 104 }, false },
	{ { { "1", "systemd\n", "11" }, { "104", "odd\n", "11" } }, STORE_OF("11"), { 104 }, true },
	{ { { "1", "systemd\n", "11" }, { "104", "odd\n", "11" } }, NULL, { 1, 104 }, true },
	{ { { "1", "systemd\n", "14" }, { "101", "charon-systemd\n", "11" }, { "103", "s2sd\n", "14" } }, STORE_OF("14"), { 101 },
		true },
	{ { { "1", "systemd\n", "11" }, { "101", "charon-systemd\n", "14" }, { "103", "s2sd\n", "11" } }, NULL, { 101 }, true },
};

static const char *store;
static bool asked;

static char *made_up_store(void)
{
	asked = true;
	return store != NULL ? strdup(store) : NULL;
}

START_TEST(what_systemd_keeps)
{
	bool fourteen = false;
	made_up_root();
	for (unsigned i = 0; i < 4 && holders[_i].has[i].pid != NULL; i++) {
		made_up_process(holders[_i].has[i].pid, holders[_i].has[i].program, "0::/x\n", holders[_i].has[i].inode);
		fourteen |= strcmp(holders[_i].has[i].inode, "14") == 0;
	}
	put("proc/net/udp",
		fourteen ? UDP_HEAD UDP("00000000:01F4", "11") UDP("00000000:1194", "14") : UDP_HEAD UDP("00000000:01F4", "11"));
	store = holders[_i].store;
	asked = false;
	host = (struct host){ 0 };
	host_read_ports(&host, root, made_up_store);
	unsigned n = 0;
	for (; n < 3 && holders[_i].said[n] != 0; n++) {
		bool found = false;
		for (unsigned i = 0; i < host.n_ports; i++) {
			const struct host_port *p = &host.ports[i];
			found |= p->pid == holders[_i].said[n] &&
				 p->manager == (p->pid == 1 && strcmp(p->program, "systemd") == 0);
		}
		ck_assert_msg(found, "process %d", holders[_i].said[n]);
	}
	ck_assert_uint_eq(host.n_ports, n);
	ck_assert_int_eq(asked, holders[_i].asked);
	remove_root();
}
END_TEST

/* Who is not root may not read the keys, and learns of everything else. */
START_TEST(checks_without_the_keys)
{
	char config[96], out[96], said[4096] = "";
	int status;
	if (geteuid() != 0)
		return;
	made_up_root();
	chmod(root, 0755);
	put("s2sd.yaml", "tunnels:\n  a: {remote: 203.0.113.1, psk-file: mine.psk, mss: off}\n");
	snprintf(config, sizeof config, "%s/keys", root);
	chmod(config, 0700);
	snprintf(config, sizeof config, "%s/s2sd.yaml", root);
	snprintf(out, sizeof out, "%s/out", root);
	fflush(stdout);
	pid_t child = fork();
	if (child == 0) {
		char *words[] = { "s2sctl", "check", "--json", config, NULL };
		if (freopen(out, "w", stdout) == NULL || setresuid(65534, 65534, 65534) != 0)
			_exit(99);
		int code = ctl_main(4, words);
		fflush(stdout);
		_exit(code);
	}
	ck_assert_int_eq(waitpid(child, &status, 0), child);
	ck_assert(WIFEXITED(status));
	ck_assert_int_eq(WEXITSTATUS(status), CTL_DONE);
	FILE *f = fopen(out, "r");
	ck_assert_ptr_nonnull(f);
	ck_assert_uint_gt(fread(said, 1, sizeof said - 1, f), 0);
	fclose(f);
	ck_assert_ptr_nonnull(strstr(said, "run `s2sctl check` as root"));
	ck_assert_ptr_nonnull(strstr(said, "\"complete\":false"));
	ck_assert_ptr_nonnull(strstr(said, "\"key\":\"mss\"")); /* what is looked at when the settings are loaded */
	ck_assert_ptr_null(strstr(said, "Permission denied"));
	remove_root();
}
END_TEST

int main(void)
{
	TCase *t = tcase_create("all");
	tcase_set_timeout(t, 60);
	tcase_add_test(t, reads_numbers);
	tcase_add_loop_test(t, reads_the_processor, 0, sizeof processors / sizeof processors[0]);
	tcase_add_loop_test(t, reads_the_modules, 0, sizeof module_lists / sizeof module_lists[0]);
	tcase_add_test(t, reads_ports);
	tcase_add_loop_test(t, what_systemd_keeps, 0, sizeof holders / sizeof *holders);
	tcase_add_test(t, reads_router_advertisements);
	tcase_add_test(t, checks_without_the_keys);
	tcase_add_test(t, when_networkd_started);
	tcase_add_loop_test(t, reads_networkd, 0, sizeof managers / sizeof *managers);
	return unit_run_case("host", t);
}
