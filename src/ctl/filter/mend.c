/*
 * mend.c - the commands that let a packet pass, made of what was found: family, table, chain and handle of the rule; or the words of the program that the chain
 * belongs to, which would write its own over ours. A name that would need quoting stands in no command: what others called their chains is never run.
 */
#include <stdarg.h>
#include <stdio.h>
#include <string.h>

#include "base/util.h"
#include "walk.h"

/* ---------------------------------------------------------------- one command */
static bool plain(const char *word)
{
	static const char letters[] = "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz_", more[] = "0123456789.-";
	size_t n = strspn(word, letters);
	while (n > 0 && word[n] != 0 && (strchr(more, word[n]) != NULL || strchr(letters, word[n]) != NULL))
		n++;
	return n > 0 && word[n] == 0;
}

static void add(struct mend *out, const char *fmt, ...) __attribute__((format(printf, 2, 3)));
static void add(struct mend *out, const char *fmt, ...)
{
	char text[MEND_TEXT];
	va_list ap;
	va_start(ap, fmt);
	int n = vsnprintf(text, sizeof text, fmt, ap);
	va_end(ap);
	for (unsigned i = 0; i < out->n; i++)
		if (strcmp(out->command[i], text) == 0)
			return;
	if (n < 0 || n >= MEND_TEXT || out->n == MEND_COMMANDS)
		out->unwritable = true;
	else
		memcpy(out->command[out->n++], text, sizeof text);
}

/* What is let through: a device or an address, of where it comes from or where it goes. */
enum side { SIDE_IN, SIDE_OUT, SIDE_FROM, SIDE_TO };

static void insert_nft(struct mend *out, const struct filter_hit *h, const char *chain, enum side s, bool v6, const char *word)
{
	static const char *const words[] = { "iifname", "oifname", "saddr", "daddr" };
	char at[32] = "";
	if (h->handle > 0 && strcmp(chain, h->chain) == 0)
		snprintf(at, sizeof at, "handle %" JSON_INTEGER_FORMAT " ", h->handle);
	add(out, "nft insert rule %s %s %s %s%s%s %s accept", h->family, h->table, chain, at,
		s < SIDE_FROM ? ""
		: v6          ? "ip6 "
			      : "ip ",
		words[s], word);
}

static void insert_iptables(struct mend *out, const struct filter_hit *h, const char *chain, enum side s, const char *word)
{
	static const char *const words[] = { "-i", "-o", "-s", "-d" };
	const char *table = h->table + (h->legacy ? strlen(LEGACY) : 0);
	bool v6 = strcmp(h->family, "ip6") == 0, filter = strcmp(table, "filter") == 0;
	char at[16] = "";
	if (h->place > 0 && strcmp(chain, h->chain) == 0)
		snprintf(at, sizeof at, " %u", h->place);
	add(out, "%s%s%s%s -I %s%s %s %s -j ACCEPT", v6 ? "ip6tables" : "iptables", h->legacy ? "-legacy" : "",
		filter ? "" : " -t ", filter ? "" : table, chain, at, words[s], word);
}

/* ---------------------------------------------------------------- the program that the chain belongs to */
static bool chain_there(const struct ruleset *r, const struct filter_hit *h, const char *name)
{
	return ruleset_chain(r, h->family, h->table, name) != NULL;
}

static bool of_firewalld(const struct filter_hit *h) { return strcmp(h->table, "firewalld") == 0; }

static bool of_ufw(const struct ruleset *r, const struct filter_hit *h)
{
	const char *hook = strcmp(h->hook, "forward") == 0 ? "forward" : strcmp(h->hook, "input") == 0 ? "input" : "output";
	char name[32];
	snprintf(name, sizeof name, "%s-user-%s", strcmp(h->family, "ip6") == 0 ? "ufw6" : "ufw", hook);
	return filter_drops(h->kind) && strcmp(h->table, "filter") == 0 && chain_there(r, h, name);
}

/* Docker jumps to that chain before its own ones and leaves its rules alone: good when the packet comes to it before it is dropped. */
static bool by_docker_user(const struct ruleset *r, const struct filter_hit *h, const struct packet *p)
{
	const struct chain *base = ruleset_chain(r, h->family, h->table, h->base);
	const struct chain *user = ruleset_chain(r, h->family, h->table, "DOCKER-USER");
	return filter_drops(h->kind) && strcmp(h->hook, "forward") == 0 && user != NULL && base != NULL &&
	       walk_passes_with(r, p, base, user);
}

static void firewalld(struct mend *out, const char *what, const char *word)
{
	add(out, "firewall-cmd --permanent --zone=trusted --add-%s=%s", what, word);
	add(out, "firewall-cmd --reload");
}

/* ---------------------------------------------------------------- what is to pass */
static void insert(struct mend *out, const struct filter_hit *h, enum side s, bool v6, const char *word)
{
	if (h->legacy)
		insert_iptables(out, h, h->chain, s, word);
	else
		insert_nft(out, h, h->chain, s, v6, word);
}

static void for_tunnel(const struct ruleset *r, const struct filter_hit *h, const struct mend_for *f, struct mend *out)
{
	char far[ADDR_TEXT];
	struct prefix net = prefix_mask(f->far);
	bool v6 = net.addr.family == AF_INET6, any = net.len == 0;
	bool before = strcmp(h->hook, "prerouting") == 0, after = strcmp(h->hook, "postrouting") == 0;
	if (of_firewalld(h)) {
		firewalld(out, "interface", f->interface);
	} else if (of_ufw(r, h) && strcmp(h->hook, "forward") == 0) {
		add(out, "ufw route allow in on %s", f->interface);
		add(out, "ufw route allow out on %s", f->interface);
	} else if (by_docker_user(r, h, f->p)) {
		for (enum side s = SIDE_IN; s <= SIDE_OUT; s++)
			if (f->iptables || h->legacy)
				insert_iptables(out, h, "DOCKER-USER", s, f->interface);
			else
				insert_nft(out, h, "DOCKER-USER", s, v6, f->interface);
	} else if ((after && !filter_drops(h->kind)) || strcmp(h->hook, "output") == 0) {
		insert(out, h, SIDE_OUT, v6, f->interface);
	} else if (strcmp(h->hook, "input") == 0) {
		insert(out, h, SIDE_IN, v6, f->interface);
	} else {
		/* Before the route is looked up nobody knows where it leaves, and after it some kernels not where it came from. */
		prefix_format(&net, far);
		insert(out, h, before && !any ? SIDE_TO : before ? SIDE_IN : SIDE_OUT, v6, before && !any ? far : f->interface);
		insert(out, h, after && !any ? SIDE_FROM : SIDE_IN, v6, after && !any ? far : f->interface);
	}
}

static void for_peer(const struct ruleset *r, const struct filter_hit *h, const struct mend_for *f, struct mend *out)
{
	char peer[ADDR_TEXT];
	bool in = strcmp(h->hook, "input") == 0 || strcmp(h->hook, "prerouting") == 0;
	addr_format(f->peer, peer);
	if (of_firewalld(h))
		firewalld(out, "source", peer);
	else if (of_ufw(r, h))
		add(out, in ? "ufw allow from %s" : "ufw allow out to %s", peer);
	else
		insert(out, h, in ? SIDE_FROM : SIDE_TO, f->peer->family == AF_INET6, peer);
}

void filter_mend(const struct ruleset *r, const struct filter_hit *h, const struct mend_for *f, struct mend *out)
{
	if (!plain(h->family) || !plain(h->table) || !plain(h->chain) || (f->peer == NULL && !plain(f->interface)))
		out->unwritable = true;
	else if (f->peer != NULL)
		for_peer(r, h, f, out);
	else
		for_tunnel(r, h, f, out);
}
