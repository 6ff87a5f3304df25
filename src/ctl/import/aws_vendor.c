/*
 * aws_vendor.c - the downloads for other vendors than 'Generic': a device's commands, of which those with an address, a key or an AS number are read.
 * Algorithms are the template's and are not taken. All have a heading per tunnel; where somebody took the comments out, a vendor's first command of a
 * tunnel stands for it. What is missing afterwards is asked for by name, with the download that has it.
 */
#include <ctype.h>
#include <stdlib.h>
#include <string.h>
#include <strings.h>

#include "base/util.h"
#include "aws.h"

#define WORDS_MAX 16
#define NONE (-1)

enum vendor { VENDOR_STRONGSWAN, VENDOR_CISCO, VENDOR_VYOS, VENDOR_FORTINET, VENDOR_PALO_ALTO, VENDOR_OTHER, VENDOR_UNKNOWN };

static const char *const names[] = { [VENDOR_STRONGSWAN] = "strongSwan or Openswan",
	[VENDOR_CISCO] = "Cisco",
	[VENDOR_VYOS] = "VyOS",
	[VENDOR_FORTINET] = "Fortinet",
	[VENDOR_PALO_ALTO] = "Palo Alto",
	[VENDOR_OTHER] = "another device" };

/* A line of commands that tells the vendor. start: a tunnel begins with it. */
static const struct {
	enum vendor vendor;
	const char *lead;
	bool start;
} leads[] = {
	{ VENDOR_STRONGSWAN, "conn ", true },
	{ VENDOR_CISCO, "crypto keyring ", true },
	{ VENDOR_CISCO, "crypto ikev2 keyring ", true },
	{ VENDOR_CISCO, "crypto isakmp policy ", false },
	{ VENDOR_VYOS, "set vpn ipsec ", false },
	{ VENDOR_FORTINET, "config vpn ipsec phase1-interface", true },
	{ VENDOR_PALO_ALTO, "edit network ike gateway ", true },
	{ VENDOR_PALO_ALTO, "set network ike gateway ", false },
	{ VENDOR_OTHER, "set security ike ", false },
	{ VENDOR_OTHER, "set ike gateway ", false },
	{ VENDOR_OTHER, "tunnel-group ", false },
	{ VENDOR_OTHER, "ipsec ike ", false },
	{ VENDOR_OTHER, "netsh advfirewall ", false },
	{ VENDOR_OTHER, "config setup", false },
};

/* The first words of a command; '*' is any word, '$' one that is a fact, in order. Addresses: inside or outside is told by the address itself. */
static const struct {
	enum vendor vendor; /* UNKNOWN: all */
	const char *words;
	int facts[3];
} rows[] = {
	{ VENDOR_STRONGSWAN, "leftid $", { AWS_OUR_OUTSIDE, NONE, NONE } },
	{ VENDOR_STRONGSWAN, "right $", { AWS_OUTSIDE, NONE, NONE } },
	{ VENDOR_STRONGSWAN, "$ $ PSK $", { AWS_OUR_OUTSIDE, AWS_OUTSIDE, AWS_PSK } },
	{ VENDOR_STRONGSWAN, "sudo ip addr add $ remote $", { AWS_OUR_INSIDE, AWS_INSIDE, NONE } },
	{ VENDOR_STRONGSWAN, "ip addr add $ remote $", { AWS_OUR_INSIDE, AWS_INSIDE, NONE } },
	{ VENDOR_CISCO, "pre-shared-key address $ key $", { AWS_OUTSIDE, AWS_PSK, NONE } },
	{ VENDOR_CISCO, "pre-shared-key address $ * key $", { AWS_OUTSIDE, AWS_PSK, NONE } },
	{ VENDOR_CISCO, "pre-shared-key local $", { AWS_PSK, NONE, NONE } },
	{ VENDOR_CISCO, "pre-shared-key remote $", { AWS_PSK, NONE, NONE } },
	{ VENDOR_CISCO, "pre-shared-key $", { AWS_PSK, NONE, NONE } },
	{ VENDOR_CISCO, "address $", { AWS_OUTSIDE, NONE, NONE } },
	{ VENDOR_CISCO, "local-address $", { AWS_OUR_OUTSIDE, NONE, NONE } },
	{ VENDOR_CISCO, "tunnel source $", { AWS_OUR_OUTSIDE, NONE, NONE } },
	{ VENDOR_CISCO, "tunnel destination $", { AWS_OUTSIDE, NONE, NONE } },
	{ VENDOR_CISCO, "ip address $", { AWS_OUR_INSIDE, NONE, NONE } },
	{ VENDOR_VYOS, "set vpn ipsec site-to-site peer $ authentication pre-shared-secret $", { AWS_OUTSIDE, AWS_PSK, NONE } },
	{ VENDOR_VYOS, "set vpn ipsec authentication psk * secret $", { AWS_PSK, NONE, NONE } },
	{ VENDOR_VYOS, "set vpn ipsec site-to-site peer $ local-address $", { AWS_OUTSIDE, AWS_OUR_OUTSIDE, NONE } },
	{ VENDOR_VYOS, "set vpn ipsec site-to-site peer $ local-ip $", { AWS_OUTSIDE, AWS_OUR_OUTSIDE, NONE } },
	{ VENDOR_VYOS, "set vpn ipsec site-to-site peer * remote-address $", { AWS_OUTSIDE, NONE, NONE } },
	{ VENDOR_VYOS, "set interfaces vti * address $", { AWS_OUR_INSIDE, NONE, NONE } },
	{ VENDOR_VYOS, "set protocols bgp system-as $", { AWS_OUR_ASN, NONE, NONE } },
	{ VENDOR_VYOS, "set protocols bgp neighbor $ remote-as $", { AWS_NEIGHBOR, AWS_ASN, NONE } },
	{ VENDOR_VYOS, "set protocols bgp neighbor * timers holdtime $", { AWS_HOLD, NONE, NONE } },
	{ VENDOR_VYOS, "set protocols bgp $ neighbor $ remote-as $", { AWS_OUR_ASN, AWS_NEIGHBOR, AWS_ASN } },
	{ VENDOR_VYOS, "set protocols bgp * neighbor * timers holdtime $", { AWS_HOLD, NONE, NONE } },
	{ VENDOR_FORTINET, "set remote-gw $", { AWS_OUTSIDE, NONE, NONE } },
	{ VENDOR_FORTINET, "set local-gw $", { AWS_OUR_OUTSIDE, NONE, NONE } },
	{ VENDOR_FORTINET, "set psksecret $", { AWS_PSK, NONE, NONE } },
	{ VENDOR_FORTINET, "set ip $", { AWS_OUR_INSIDE, NONE, NONE } },
	{ VENDOR_FORTINET, "set remote-ip $", { AWS_INSIDE, NONE, NONE } },
	{ VENDOR_FORTINET, "edit $", { AWS_NEIGHBOR, NONE, NONE } },
	{ VENDOR_FORTINET, "set as $", { AWS_OUR_ASN, NONE, NONE } },
	{ VENDOR_FORTINET, "set remote-as $", { AWS_ASN, NONE, NONE } },
	{ VENDOR_FORTINET, "set holdtime-timer $", { AWS_HOLD, NONE, NONE } },
	{ VENDOR_PALO_ALTO, "set authentication pre-shared-key key $", { AWS_PSK, NONE, NONE } },
	{ VENDOR_PALO_ALTO, "set local-address ip $", { AWS_OUR_OUTSIDE, NONE, NONE } },
	{ VENDOR_PALO_ALTO, "set peer-address ip $", { AWS_OUTSIDE, NONE, NONE } },
	{ VENDOR_PALO_ALTO, "set peer-address $", { AWS_OUTSIDE, NONE, NONE } },
	{ VENDOR_PALO_ALTO, "set ip $", { AWS_OUR_INSIDE, NONE, NONE } },
	{ VENDOR_PALO_ALTO, "set local-as $", { AWS_OUR_ASN, NONE, NONE } },
	{ VENDOR_PALO_ALTO, "set peer-as $", { AWS_ASN, NONE, NONE } },
	{ VENDOR_PALO_ALTO, "set connection-options hold-time $", { AWS_HOLD, NONE, NONE } },
	{ VENDOR_PALO_ALTO, "set network ike gateway * authentication pre-shared-key key $", { AWS_PSK, NONE, NONE } },
	{ VENDOR_PALO_ALTO, "set network ike gateway * local-address ip $", { AWS_OUR_OUTSIDE, NONE, NONE } },
	{ VENDOR_PALO_ALTO, "set network ike gateway * peer-address ip $", { AWS_OUTSIDE, NONE, NONE } },
	{ VENDOR_PALO_ALTO, "set network interface tunnel units * ip $", { AWS_OUR_INSIDE, NONE, NONE } },
	{ VENDOR_UNKNOWN, "router bgp $", { AWS_OUR_ASN, NONE, NONE } },
	{ VENDOR_UNKNOWN, "neighbor $ remote-as $", { AWS_NEIGHBOR, AWS_ASN, NONE } },
	{ VENDOR_UNKNOWN, "neighbor * timers * $", { AWS_HOLD, NONE, NONE } },
};

struct reading {
	struct aws *a;
	const char *file;
	enum vendor vendor;
	struct aws_conn *conn;
	struct aws_tunnel tunnel;
	unsigned line, headings;
	bool bgp;
};

/* --- lines and words --- */
/* The next line, less blanks around it; NULL at the end. */
static const char *next_line(const char **at, const char *end, size_t *n)
{
	if (*at >= end)
		return NULL;
	const char *s = *at, *nl = memchr(s, '\n', (size_t)(end - s));
	*at = nl != NULL ? nl + 1 : end;
	*n = doc_trim(&s, (size_t)((nl != NULL ? nl : end) - s));
	return s;
}

static bool begins(const char *s, size_t n, const char *lead)
{
	return n >= strlen(lead) && strncasecmp(s, lead, strlen(lead)) == 0;
}

/* Cut at blanks and '=', less quotes around it and ':', ',' or ';' behind. */
static unsigned words_of(struct import_set *p, const char *s, size_t n, const char *words[WORDS_MAX])
{
	const char *end = s + n;
	unsigned count = 0;
	while (s < end && count < WORDS_MAX) {
		while (s < end && (isspace((unsigned char)*s) || *s == '='))
			s++;
		const char *word = s;
		while (s < end && !isspace((unsigned char)*s) && *s != '=')
			s++;
		const char *stop = s;
		while (stop > word && strchr(":,;\"'", stop[-1]) != NULL)
			stop--;
		while (word < stop && strchr("\"'", *word) != NULL)
			word++;
		if (stop > word)
			words[count++] = import_copy(p, word, (size_t)(stop - word));
	}
	return count;
}

/* Do the words begin so? What stands at '$' goes to values. */
static bool matches(const char *pattern, const char *const *words, unsigned n, const char *values[3])
{
	unsigned k = 0, value = 0;
	for (const char *s = pattern; *s != 0; s += strspn(s, " "), k++) {
		size_t len = strcspn(s, " ");
		if (k == n)
			return false;
		if (*s == '$')
			values[value++] = words[k];
		else if (*s != '*' && (strlen(words[k]) != len || strncasecmp(words[k], s, len) != 0))
			return false;
		s += len;
	}
	return true;
}

/* --- facts --- */
static int fact_by_address(int fact, const struct addr *a)
{
	bool inside = a->family == AF_INET && a->ip[0] == 169 && a->ip[1] == 254;
	bool ours = fact == AWS_OUR_OUTSIDE || fact == AWS_OUR_INSIDE;
	if (fact == AWS_NEIGHBOR)
		return inside ? fact : NONE;
	if (inside)
		return ours ? AWS_OUR_INSIDE : AWS_INSIDE;
	return fact == AWS_OUR_OUTSIDE || fact == AWS_OUTSIDE ? fact : NONE;
}

/* A placeholder, a name of an interface: says nothing. */
static bool take_fact(struct reading *r, int fact, const char *text, const char *from)
{
	struct addr addr;
	bool address = fact == AWS_OUTSIDE || fact == AWS_OUR_OUTSIDE || fact == AWS_INSIDE || fact == AWS_OUR_INSIDE ||
		       fact == AWS_NEIGHBOR;
	const char *slash = strchr(text, '/');
	if (!address && fact != AWS_PSK && !import_asn_valid(text))
		return true;
	r->bgp = r->bgp || fact == AWS_ASN;
	if (!address)
		return aws_fact_add(r->a, r->tunnel.v, fact, text, from);
	if (slash != NULL)
		text = import_copy(r->a->p, text, (size_t)(slash - text));
	fact = addr_parse(&addr, text) ? fact_by_address(fact, &addr) : NONE;
	return fact == NONE || aws_fact_add(r->a, r->tunnel.v, fact, text, from);
}

static bool end_tunnel(struct reading *r)
{
	bool empty = true;
	for (int i = 0; i < AWS_FACTS; i++)
		empty = empty && r->tunnel.v[i].text == NULL;
	if (!empty && r->tunnel.v[AWS_OUTSIDE].text == NULL)
		return import_refuse(r->a->p,
			"%s:%u: the outside address at AWS of the tunnel before this line is not found: the download for vendor '%s' is cut off, or of another "
			"form. Choose the vendor 'Generic' at AWS, or give what `" AWS_DESCRIBE "` prints",
			r->file, r->line, names[r->vendor]);
	if (!empty && !aws_join(r->a, r->conn, &r->tunnel, r->file))
		return false;
	r->tunnel = (struct aws_tunnel){ 0 };
	return true;
}

/* A command that names another tunnel than the one that is being read belongs to that one. */
static bool other_tunnel(const struct reading *r, const int facts[3], const char *const values[3])
{
	struct addr a, b;
	const char *mine = r->tunnel.v[AWS_OUTSIDE].text;
	for (unsigned i = 0; i < 3; i++)
		if (facts[i] == AWS_OUTSIDE && mine != NULL && addr_parse(&a, values[i]) && addr_parse(&b, mine))
			return fact_by_address(AWS_OUTSIDE, &a) == AWS_OUTSIDE && !addr_same_ip(&a, &b);
	return false;
}

static bool take_command(struct reading *r, const char *s, size_t n)
{
	const char *words[WORDS_MAX], *values[3] = { NULL };
	unsigned count = words_of(r->a->p, s, n, words);
	for (size_t i = 0; i < ARRAY_SIZE(rows); i++) {
		if ((rows[i].vendor != r->vendor && rows[i].vendor != VENDOR_UNKNOWN) ||
			!matches(rows[i].words, words, count, values))
			continue;
		const char *from = import_text(r->a->p, "%s:%u", r->file, r->line);
		if (other_tunnel(r, rows[i].facts, values) && !end_tunnel(r))
			return false;
		for (unsigned k = 0; k < 3 && rows[i].facts[k] != NONE; k++)
			if (!take_fact(r, rows[i].facts[k], values[k], from))
				return false;
		return true;
	}
	return true;
}

/* --- headings: comments in most of the files --- */
static bool take_heading(struct reading *r, const char *s, size_t n)
{
	static const char tunnel[] = "ipsec tunnel #", id[] = "your vpn connection id";
	while (n > 0 && strchr("!#/; \t", *s) != NULL)
		s++, n--;
	if (begins(s, n, tunnel)) {
		r->headings++;
		return end_tunnel(r);
	}
	const char *colon = memchr(s, ':', n);
	if (colon == NULL || !begins(s, n, id))
		return true;
	const char *value = colon + 1;
	size_t len = doc_trim(&value, n - (size_t)(value - s));
	return aws_conn_fact_add(
		r->a, r->conn, AWSC_ID, import_copy(r->a->p, value, len), import_text(r->a->p, "%s:%u", r->file, r->line));
}

static bool starts(const struct reading *r, const char *s, size_t n)
{
	for (size_t i = 0; i < ARRAY_SIZE(leads); i++)
		if (leads[i].vendor == r->vendor && leads[i].start && begins(s, n, leads[i].lead))
			return true;
	return false;
}

static enum vendor vendor_of(const struct import_doc *d)
{
	const char *at = d->text, *end = d->text + d->len, *s;
	enum vendor other = VENDOR_UNKNOWN;
	size_t n;
	while ((s = next_line(&at, end, &n)) != NULL) {
		for (size_t i = 0; i < ARRAY_SIZE(leads); i++) {
			if (!begins(s, n, leads[i].lead))
				continue;
			if (leads[i].vendor != VENDOR_OTHER)
				return leads[i].vendor;
			other = VENDOR_OTHER;
		}
	}
	return other;
}

static bool read_lines(struct reading *r, const struct import_doc *d)
{
	const char *at = d->text, *end = d->text + d->len, *s;
	size_t n;
	bool good = true;
	while (good && r->a->p->refusal == NULL && (s = next_line(&at, end, &n)) != NULL) {
		r->line++;
		if (r->headings == 0 && starts(r, s, n))
			good = end_tunnel(r);
		good = good && take_heading(r, s, n) && (n == 0 || *s == '!' || *s == '#' || take_command(r, s, n));
	}
	return good && r->a->p->refusal == NULL && end_tunnel(r);
}

bool aws_vendor(struct aws *a, const struct import_doc *d, bool *mine)
{
	struct reading r = { .a = a, .file = d->name, .vendor = vendor_of(d), .line = d->line };
	*mine = r.vendor != VENDOR_UNKNOWN;
	if (r.vendor == VENDOR_OTHER)
		return import_refuse(a->p,
			"%s is a download for another device, which is not read: choose the vendor 'Generic' at AWS (and IKEv2), or give what `" AWS_DESCRIBE
			"` prints",
			d->name);
	if (r.vendor == VENDOR_UNKNOWN)
		return true;
	r.conn = aws_conn_new(a, d->name);
	if (r.conn == NULL || !read_lines(&r, d))
		return false;
	if (r.conn->n == 0)
		return import_refuse(a->p,
			"%s is the download for vendor '%s', and no tunnel is found in it: choose the vendor 'Generic' at AWS, or give what `" AWS_DESCRIBE
			"` prints",
			d->name, names[r.vendor]);
	r.conn->template = true;
	import_note(a->p, NOTE_ASSUMED, "%s is the download for vendor '%s': addresses, keys and AS numbers are taken", d->name,
		names[r.vendor]);
	/* Those of the others have commands for BGP when there is BGP. */
	return r.bgp || r.vendor == VENDOR_STRONGSWAN ||
	       aws_conn_fact_add(a, r.conn, AWSC_STATIC, "true", import_text(a->p, "%s: no BGP in it", d->name));
}
