/*
 * kernel_test.c - src/kernel against a real kernel: both ends of a tunnel are set by our own functions, with keys made up here; no IKE.
 *
 *	west-host ---- west ------------ inet ------------ east ---- east-host
 *	10.1.0.10      198.51.100.7              203.0.113.10       10.20.0.10       (made by scenarios/kernel.sh)
 *
 * One process holds a kernel handle in each gateway's network namespace. Every check prints one line; the first that fails ends it.
 */
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/wait.h>
#include <unistd.h>

#include "crypto/alg.h"
#include "kernel_test.h"

static const struct plan plans[] = {
	{ "GCM", "aes256gcm16", false, false, false, 1446 },
	{ "CBC-SHA256", "aes256-sha256", false, false, false, 1438 },
	{ "GCM in UDP", "aes128gcm16", false, true, false, 1438 },
	{ "CBC-SHA256 in UDP", "aes256-sha256", false, true, false, 1422 },
	{ "ChaCha20-Poly1305 with ESN", "chacha20poly1305-esn", false, false, false, 1446 },
	{ "CBC-SHA512 with ESN", "aes256-sha512-esn", false, false, false, 1422 },
	{ "GCM over IPv6", "aes256gcm16", false, false, true, 1426 },
	{ "VTI, GCM", "aes256gcm16", true, false, false, 1446 },
	{ "VTI, CBC-SHA256 in UDP", "aes256-sha256", true, true, false, 1422 },
	{ "VTI, CBC-SHA256", "aes256-sha256", true, false, false, 1438 },
};

static void everything(char text[65536])
{
	snprintf(text, 65536, "%s",
		output("west",
			"ip -o link | cut -d: -f2-; ip -o addr | grep -v link/; ip route show table all; ip -6 route show table all;"
			" ip rule; ip -6 rule;"
			" ip xfrm state; ip xfrm policy; nft list ruleset"));
}

/* Sets two tunnels, one of them up with generation g, and ends with no chance to clean up. */
static void short_life(const struct plan *p, unsigned g)
{
	struct kernel_tunnel one = describe(&west, p, 1, "s2s-one"), two = describe(&west, p, 2, "s2s-two");
	pid_t pid = fork();
	if (pid == 0) {
		enter("west");
		if (kernel_real.open(&west.k, on_event, &west) != 0)
			_exit(1);
		two.local.family = 0;
		check(&west, kernel_real.tunnel_set(west.k, &one), "tunnel");
		if (!p->vti) /* a second VTI needs other ends */
			check(&west, kernel_real.tunnel_set(west.k, &two), "tunnel");
		add_sa(&west, p, g, ESP_IN);
		add_sa(&west, p, g, ESP_OUT);
		switch_to(&west, p, g);
		link_to(&west, p, LINK_UP);
		kill(getpid(), SIGKILL);
	}
	int status;
	waitpid(pid, &status, 0);
	if (!WIFSIGNALED(status))
		die("the first life ended otherwise");
	expect(output("west", "ip xfrm state"), "0x5332", "what the crash left");
}

/* The second life finds what is left and does not know the keys. */
static void crash(const struct plan *p)
{
	struct kernel_tunnel one = describe(&west, p, 1, "s2s-one");
	short_life(p, 1);
	output("west",
		"ip route add 203.0.113.10 via 198.51.100.1 proto 213 metric 1; ip rule add fwmark 7 lookup 21300 protocol 213");
	unsigned long index = strtoul(output("west", "ip -o link show s2s-one"), NULL, 10);
	check(&west, kernel_real.adopt(west.k, &one, 1, false), "adopt");
	if (strtoul(output("west", "ip -o link show s2s-one"), NULL, 10) != index)
		die("the interface was not adopted (index %lu) but made again: %s", index,
			output("west", "ip -o link show s2s-one"));
	refuse(output("west", "ip link"), "s2s-two", "surplus interface");
	refuse(output("west", "ip route"), "203.0.113.10", "the host route of an earlier version");
	refuse(output("west", "ip rule"), "fwmark 0x7 ", "a rule of another version");
	expect(output("west", "ip rule"), "fwmark 0x73320000/0xfffe0000 lookup 21300", "the rule");
	refuse(output("west", "ip xfrm state"), "0x5332", "SAs of the first life");
	expect(output("west", "ip xfrm state"), "spi 0x00000777", "the foreign SA");
	expect(output("west", "ip xfrm policy"), "action block", "closed until the first child");
	expect(output("west", "ip route show table all type unreachable"), "unreachable 10.20.0.0/24",
		"the blackhole route survived");
	install(p, 3);
	up_both(p);
	ping("west-host", "10.20.0.10", 5, "", "after the crash");
	good("a crash leaves nothing that is not adopted or swept");
}

/* The second life knows the SAs: it takes them over under load. Then it leaves, and only what protects stays. */
static void handover(const struct plan *p)
{
	struct kernel_tunnel one = describe(&west, p, 1, "s2s-one");
	char text[4096];
	struct esp_counters sum[2] = { { 0 } };
	set_both(p);
	kernel_real.tunnel_del(west.k, 1, false);
	add_sa(&east, p, 20, ESP_IN);
	add_sa(&east, p, 20, ESP_OUT);
	switch_to(&east, p, 20);
	link_to(&east, p, LINK_UP);
	short_life(p, 20);
	FILE *f = popen("nsenter --net=/run/netns/west-host -- ping -n -q -c 300 -i 0.01 -W 3 10.20.0.10", "r");
	usleep(500000);
	check(&west, kernel_real.adopt(west.k, &one, 1, true), "adopt with the SAs");
	link_to(&west, p, LINK_UP);
	switch_to(&west, p, 20);
	size_t n = fread(text, 1, sizeof text - 1, f);
	text[n] = 0;
	pclose(f);
	expect(text, " 300 received", "a handover under load");
	refuse(output("west", "ip link"), "s2s-two", "surplus interface");
	check(&west, kernel_real.counters(west.k, count, sum), "counters");
	if (sum[ESP_IN].packets < 300)
		die("the SAs are not the old ones");
	if (!p->vti) {
		check(&west, kernel_real.remove(west.k, true), "leave with the blackhole routes");
		refuse(output("west", "ip link"), "s2s-one", "left");
		expect(output("west-host", "ping -n -c 2 -i 0.5 -W 3 10.20.0.10"), "Unreachable", "guarded after the end");
		output("inet", "ip addr add 10.20.0.10/32 dev lo; ip route add 10.1.0.0/24 via 198.51.100.7");
		output("inet", "ping -n -c 2 -i 0.2 -W 1 -I 10.20.0.10 10.1.0.10");
		if (dropped_clear() != 2)
			die("clear packets after the end: %u dropped, expected 2", dropped_clear());
		output("inet", "ip addr del 10.20.0.10/32 dev lo; ip route del 10.1.0.0/24 via 198.51.100.7");
		check(&west, kernel_real.adopt(west.k, NULL, 0, false), "sweep");
	}
	check(&west, kernel_real.remove(west.k, false), "remove all");
	check(&east, kernel_real.remove(east.k, false), "remove all");
	good(p->vti ? "handover of a VTI" : "handover to a new life, and a guarded end");
}

/* An argument limits the plans to so many. */
int main(int argc, char **argv)
{
	static char before[65536], after[65536];
	const char *reason;
	unsigned n = sizeof plans / sizeof plans[0];
	if (argc > 1 && strtoul(argv[1], NULL, 10) < n)
		n = (unsigned)strtoul(argv[1], NULL, 10);
	if (!alg_init(&reason))
		die("alg_init: %s", reason);
	output("west",
		"ip link add foreign0 type dummy; ip xfrm state add src 192.0.2.1 dst 192.0.2.2 proto esp spi 0x777 mode tunnel"
		" aead \"rfc4106(gcm(aes))\" 0x0102030405060708090a0b0c0d0e0f1011121314 128; ip route add 10.77.0.0/16 dev out");
	foreign_flushable();
	everything(before);
	side_open(&west);
	side_open(&east);
	check(&west, kernel_real.adopt(west.k, NULL, 0, false), "start in a clean kernel");
	for (unsigned i = 0; i < n; i++) {
		traffic(&plans[i]);
		if (i == 0) {
			rekeys(&plans[0]);
			counters();
			clamp(&plans[0]);
			clear_source(&plans[0]);
			states(&plans[0]);
			peer_routes(&plans[0]);
			heals(&plans[0]);
			heals_sas(&plans[0]);
			foreign_in_the_way();
			moves(&plans[0]);
			narrowed(&plans[0]);
			slots(&plans[0]);
			expiry(&plans[0]);
			second_tunnel(&plans[0]);
		}
		if (plans[i].encap && !plans[i].vti && i == 2) {
			mapping(&plans[i]);
			moves(&plans[i]);
		}
		del_both();
		everything(after);
		if (strcmp(before, after) != 0)
			die("not clean after %s:\n%s\n--- before:\n%s", plans[i].name, after, before);
	}
	kernel_real.close(west.k);
	enter("west");
	if (kernel_real.open(&west.k, on_event, &west) != 0)
		die("open again");
	handover(&plans[0]);
	handover(&plans[7]);
	struct kernel_tunnel e = describe(&east, &plans[0], 1, "s2s-one");
	check(&east, kernel_real.tunnel_set(east.k, &e), "tunnel");
	crash(&plans[0]);
	check(&west, kernel_real.remove(west.k, false), "remove all");
	check(&east, kernel_real.remove(east.k, false), "remove all");
	everything(after);
	if (strcmp(before, after) != 0)
		die("not clean at the end:\n%s\n--- before:\n%s", after, before);
	good("nothing of ours is left, everything foreign is untouched");
	kernel_real.close(west.k);
	kernel_real.close(east.k);
	return 0;
}
