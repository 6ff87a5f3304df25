/* kernel_heal.c - of kernel_test: what others take away or change is told and put back; what is not ours stays. */
#include <stdio.h>
#include <string.h>
#include <unistd.h>

#include "kernel_test.h"

static struct {
	unsigned n, lost, surplus, failed;
	enum kernel_object object; /* of the last one */
	char text[1024];
} differences;

static void note_difference(void *arg, const struct kernel_difference *d)
{
	size_t n = strlen(differences.text);
	(void)arg;
	differences.n++;
	differences.lost += d->object == OBJECT_SA && !d->surplus;
	differences.surplus += d->surplus;
	differences.failed += d->why[0] != 0;
	differences.object = d->object;
	snprintf(differences.text + n, sizeof differences.text - n, "%s [%s] by %s: %s; ", d->what, d->was, d->by, d->why);
}

static void compare(const char *what)
{
	memset(&differences, 0, sizeof differences);
	check(&west, kernel_real.reconcile(west.k, note_difference, NULL), what);
}

static const struct harm {
	const char *command;
	enum kernel_object object;
	const char *text; /* in what is told */
	bool silent;      /* there is no news of it */
} harms[] = {
	{ "ip link del s2s-one", OBJECT_INTERFACE, "interface s2s-one []", false },
	{ "ip link set s2s-one down", OBJECT_INTERFACE, "interface s2s-one [down]", false },
	{ "ip link set s2s-one mtu 1300", OBJECT_INTERFACE, "[MTU 1300]", false },
	{ "ip link set s2s-one group 7", OBJECT_INTERFACE, "[group 7]", false },
	{ "ip link set s2s-one state dormant", OBJECT_INTERFACE, "[dormant]", false },
	{ "ip link set s2s-one down; ip link set s2s-one name other; ip link set other up", OBJECT_INTERFACE, "[named other]",
		false },
	{ "sysctl -q -w net.ipv4.conf.s2s-one.accept_redirects=1", OBJECT_SYSCTL, "settings of interface s2s-one", true },
	{ "ip addr del 169.254.21.2/30 dev s2s-one", OBJECT_ADDRESS, "address 169.254.21.2/30", false },
	{ "ip addr del fd00:ff::2/126 dev s2s-one", OBJECT_ADDRESS, "address fd00:ff::2/126", false },
	{ "ip route del 10.20.0.0/24 dev s2s-one", OBJECT_ROUTE, "route 10.20.0.0/24", false },
	{ "ip -6 route del fd00:2::/64 dev s2s-one", OBJECT_ROUTE, "route fd00:2::/64", false },
	{ "ip route change 10.20.0.0/24 dev s2s-one proto 213 scope link metric 100 src 198.51.100.7", OBJECT_ROUTE,
		"[other interfaces or source]", true },
	{ "ip route del unreachable 10.20.0.0/24", OBJECT_ROUTE, "unreachable route 10.20.0.0/24", false },
	{ "ip route flush table all proto 213", OBJECT_ROUTE, "unreachable route", false },
	{ "ip rule flush protocol 213; ip -6 rule flush protocol 213", OBJECT_RULE, "rule for packets to peers", false },
	{ "ip xfrm policy flush", OBJECT_POLICY, "policy out 0.0.0.0/0 - 0.0.0.0/0", false },
	{ "ip xfrm policy update dir out src 0.0.0.0/0 dst 0.0.0.0/0 if_id 0x53320001 action block priority 1000", OBJECT_POLICY,
		"[changed]", false },
	{ "nft flush ruleset", OBJECT_FIREWALL, "nf_tables table s2sd [] by nft", false },
	{ "nft flush chain inet s2sd source", OBJECT_FIREWALL, "nf_tables table s2sd [changed] by nft", false },
	{ "nft flush set inet s2sd antispoof4", OBJECT_FIREWALL, "nf_tables table s2sd [changed] by nft", false },
	{ "nft delete table inet s2sd", OBJECT_FIREWALL, "nf_tables table s2sd [] by nft", false },
};

/* What a flush takes away that is not ours. */
void foreign_flushable(void)
{
	output("west",
		"ip xfrm policy add dir out src 10.77.0.0/16 dst 10.78.0.0/16 tmpl src 192.0.2.1 dst 192.0.2.2 proto esp mode tunnel;"
		" nft add table ip foreign");
}

void heals(const struct plan *p)
{
	(void)p;
	compare("a first comparison");
	if (differences.n != 0)
		die("nothing was changed, and yet: %s", differences.text);
	for (unsigned i = 0; i < sizeof harms / sizeof harms[0]; i++) {
		const struct harm *h = &harms[i];
		forget_events(&west);
		refuse(output("west", "%s", h->command), "rror", h->command);
		read_events(&west);
		if (!h->silent && west.n_seen[KERNEL_TOUCHED] == 0)
			die("%s: no news of it", h->command);
		compare(h->command);
		if (differences.n == 0 || differences.object != h->object || differences.failed != 0 || differences.surplus != 0)
			die("%s: %u differences: %s", h->command, differences.n, differences.text);
		expect(differences.text, h->text, h->command);
		if (h->object != OBJECT_ROUTE && h->object != OBJECT_RULE && differences.n != 1)
			die("%s: more than one: %s", h->command, differences.text);
		ping("west-host", "10.20.0.10", 3, "", h->command);
		ping("west-host", "fd00:2::10", 3, "", h->command);
		compare("once more");
		if (differences.n != 0)
			die("%s: not as it was: %s", h->command, differences.text);
		read_events(&west);
		forget_events(&west);
		read_events(&west);
		if (west.n_seen[KERNEL_TOUCHED] != 0)
			die("%s: our own repair is news", h->command);
	}
	foreign_flushable();
	good("what others remove or change is put back");
}

void heals_sas(const struct plan *p)
{
	const char *by_index =
		"ip xfrm state add src 203.0.113.10 dst 198.51.100.7 proto esp spi 0x4711 reqid 0x53320001 mode tunnel"
		" if_id 0x53320001 aead \"rfc4106(gcm(aes))\" 0x0102030405060708090a0b0c0d0e0f1011121314 128";
	forget_events(&west);
	output("west", "%s", by_index);
	read_events(&west);
	compare("an SA with our marks that nobody wants");
	if (west.n_seen[KERNEL_TOUCHED] == 0 || differences.n != 1 || differences.surplus != 1)
		die("a surplus SA: %s", differences.text);
	refuse(output("west", "ip xfrm state"), "0x00004711", "it is gone");
	expect(output("west", "ip xfrm state"), "spi 0x00000777", "the foreign SA");
	output("west", "ip xfrm state delete src 198.51.100.7 dst 203.0.113.10 proto esp spi 0x%x", (unsigned)spi_from(&west, 1));
	read_events(&west);
	compare("an outbound SA is lost");
	if (west.n_seen[KERNEL_TOUCHED] == 0 || differences.n != 1 || differences.lost != 1)
		die("a lost SA: %s", differences.text);
	compare("it is told once");
	if (differences.n != 0)
		die("a lost SA is told twice: %s", differences.text);
	/* A larval SA of the same number, for one who listens to ACQUIRE, is none. */
	retire(p, 1);
	install(p, 10);
	FILE *f = popen("nsenter --net=/run/netns/west -- timeout 5 ip xfrm monitor acquire >/dev/null", "r");
	usleep(300000);
	output("west", "ip xfrm state delete src 198.51.100.7 dst 203.0.113.10 proto esp spi 0x%x",
		(unsigned)spi_from(&west, 10));
	output("west-host", "ping -n -q -c 1 -W 1 10.20.0.10");
	compare("a larval SA stands for the lost one");
	if (differences.n != 1 || differences.lost != 1)
		die("a larval SA: %s in %s", differences.text, output("west", "ip xfrm state"));
	pclose(f);
	retire(p, 10);
	install(p, 1);
	good("lost SAs are told, surplus ones removed");
}

void foreign_in_the_way(void)
{
	output("west", "ip route del 10.20.0.0/24 dev s2s-one; ip route add 10.20.0.0/24 via 198.51.100.1 metric 100");
	memset(&differences, 0, sizeof differences);
	kernel_real.reconcile(west.k, note_difference, NULL);
	if (differences.n != 1 || differences.failed != 1 || strstr(differences.text, "exists and is not ours") == NULL)
		die("a foreign route in the way: %s", differences.text);
	expect(output("west", "ip route show 10.20.0.0/24 metric 100"), "via 198.51.100.1", "the foreign route stays");
	output("west", "ip route del 10.20.0.0/24 via 198.51.100.1 metric 100");
	compare("out of the way");
	if (differences.n != 1 || differences.failed != 0)
		die("out of the way: %s", differences.text);
	ping("west-host", "10.20.0.10", 3, "", "out of the way");
	good("a foreign object in the way stays and is named");
}
