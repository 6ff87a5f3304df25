/* addr.c - addresses and prefixes: text, sockaddr and bytes, in and out. */
#include "base/addr.h"
#include "base/util.h"

#include <arpa/inet.h>
#include <netinet/in.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

static size_t ip_size(uint8_t family) { return family == AF_INET ? 4 : family == AF_INET6 ? 16 : 0; }

bool addr_parse(struct addr *a, const char *text)
{
	struct addr r = { 0 };
	r.family = strchr(text, ':') != NULL ? AF_INET6 : AF_INET;
	if (inet_pton(r.family, text, r.ip) != 1)
		return false;
	*a = r;
	return true;
}

bool addr_from_bytes(struct addr *a, struct bytes ip)
{
	if (ip.n != 4 && ip.n != 16)
		return false;
	struct addr r = { .family = ip.n == 4 ? AF_INET : AF_INET6 };
	memcpy(r.ip, ip.p, ip.n);
	*a = r;
	return true;
}

struct bytes addr_bytes(const struct addr *a) { return bytes_of(a->ip, ip_size(a->family)); }

bool addr_same_ip(const struct addr *a, const struct addr *b) { return addr_compare_ip(a, b) == 0; }

bool addr_equal(const struct addr *a, const struct addr *b) { return a->port == b->port && addr_same_ip(a, b); }

bool addr_is_any(const struct addr *a)
{
	static const uint8_t zero[16];
	return memcmp(a->ip, zero, ip_size(a->family)) == 0;
}

int addr_compare_ip(const struct addr *a, const struct addr *b)
{
	if (a->family != b->family)
		return a->family < b->family ? -1 : 1;
	return memcmp(a->ip, b->ip, ip_size(a->family));
}

/* The end of what was written; as printf would write it, in a tenth of the time: addresses are in most of what is told. */
static char *put_decimal(char *to, unsigned n)
{
	char digits[10];
	unsigned len = 0;
	do
		digits[len++] = (char)('0' + n % 10);
	while ((n /= 10) > 0);
	while (len > 0)
		*to++ = digits[--len];
	return to;
}

static char *put_v4(char *to, const uint8_t ip[4])
{
	for (unsigned i = 0; i < 4; i++) {
		to = put_decimal(to, ip[i]);
		*to++ = '.';
	}
	return to - 1;
}

const char *addr_format(const struct addr *a, char text[ADDR_TEXT])
{
	if (a->family == AF_INET)
		*put_v4(text, a->ip) = 0;
	else if (ip_size(a->family) == 0 || inet_ntop(a->family, a->ip, text, ADDR_TEXT) == NULL)
		snprintf(text, ADDR_TEXT, "-");
	return text;
}

const char *addr_port_format(const struct addr *a, char text[ADDR_TEXT])
{
	char ip[ADDR_TEXT];
	if (a->family == AF_INET) {
		char *end = put_v4(text, a->ip);
		*end++ = ':';
		*put_decimal(end, a->port) = 0;
	} else if (a->family == AF_INET6) {
		snprintf(text, ADDR_TEXT, "[%.48s]:%u", addr_format(a, ip), a->port);
	} else {
		snprintf(text, ADDR_TEXT, "-");
	}
	return text;
}

socklen_t addr_to_sockaddr(const struct addr *a, struct sockaddr_storage *ss)
{
	memset(ss, 0, sizeof *ss);
	if (a->family == AF_INET) {
		struct sockaddr_in *in = (struct sockaddr_in *)ss;
		in->sin_family = AF_INET;
		in->sin_port = htons(a->port);
		memcpy(&in->sin_addr, a->ip, 4);
		return sizeof *in;
	}
	if (a->family == AF_INET6) {
		struct sockaddr_in6 *in6 = (struct sockaddr_in6 *)ss;
		in6->sin6_family = AF_INET6;
		in6->sin6_port = htons(a->port);
		memcpy(&in6->sin6_addr, a->ip, 16);
		return sizeof *in6;
	}
	return 0;
}

bool addr_from_sockaddr(struct addr *a, const struct sockaddr *sa, socklen_t len)
{
	struct sockaddr_storage ss = { 0 };
	if (len < (socklen_t)sizeof sa->sa_family || len > (socklen_t)sizeof ss)
		return false;
	memcpy(&ss, sa, len); /* the caller's memory need not be aligned */

	struct addr r = { .family = (uint8_t)ss.ss_family };
	if (ss.ss_family == AF_INET && len >= (socklen_t)sizeof(struct sockaddr_in)) {
		const struct sockaddr_in *in = (const struct sockaddr_in *)&ss;
		r.port = ntohs(in->sin_port);
		memcpy(r.ip, &in->sin_addr, 4);
	} else if (ss.ss_family == AF_INET6 && len >= (socklen_t)sizeof(struct sockaddr_in6)) {
		const struct sockaddr_in6 *in6 = (const struct sockaddr_in6 *)&ss;
		r.port = ntohs(in6->sin6_port);
		memcpy(r.ip, &in6->sin6_addr, 16);
	} else {
		return false;
	}
	*a = r;
	return true;
}

/* A prefix length as people write it: digits only, no leading zero, no sign. */
static bool parse_length(const char *text, unsigned max, uint8_t *len)
{
	unsigned v = 0;
	size_t n = strlen(text);
	if (n == 0 || n > 3 || (text[0] == '0' && n > 1))
		return false;
	for (size_t i = 0; i < n; i++) {
		if (text[i] < '0' || text[i] > '9')
			return false;
		v = 10 * v + (unsigned)(text[i] - '0');
	}
	*len = (uint8_t)v;
	return v <= max;
}

bool prefix_parse(struct prefix *p, const char *text)
{
	char ip[ADDR_TEXT];
	const char *slash = strchr(text, '/');
	size_t n = slash != NULL ? (size_t)(slash - text) : strlen(text);
	if (n >= sizeof ip)
		return false;
	memcpy(ip, text, n);
	ip[n] = 0;

	struct prefix r = { 0 };
	if (!addr_parse(&r.addr, ip))
		return false;
	unsigned max = 8 * (unsigned)ip_size(r.addr.family);
	r.len = (uint8_t)max;
	if (slash != NULL && !parse_length(slash + 1, max, &r.len))
		return false;
	*p = r;
	return true;
}

const char *prefix_format(const struct prefix *p, char text[ADDR_TEXT])
{
	char ip[ADDR_TEXT];
	addr_format(&p->addr, ip);
	if (ip_size(p->addr.family) == 0)
		snprintf(text, ADDR_TEXT, "-");
	else
		snprintf(text, ADDR_TEXT, "%.48s/%u", ip, p->len);
	return text;
}

struct prefix prefix_mask(const struct prefix *p)
{
	struct prefix r = { .addr = { .family = p->addr.family }, .len = p->len };
	size_t size = ip_size(p->addr.family), whole = p->len / 8;
	if (whole >= size) {
		memcpy(r.addr.ip, p->addr.ip, size);
		return r;
	}
	memcpy(r.addr.ip, p->addr.ip, whole);
	r.addr.ip[whole] = (uint8_t)(p->addr.ip[whole] & (0xff00 >> p->len % 8));
	return r;
}

bool prefix_has_host_bits(const struct prefix *p)
{
	struct prefix m = prefix_mask(p);
	return !addr_same_ip(&m.addr, &p->addr);
}

bool prefix_contains(const struct prefix *p, const struct addr *a)
{
	if (ip_size(p->addr.family) == 0 || p->addr.family != a->family)
		return false;
	struct prefix mine = prefix_mask(p), other = { .addr = *a, .len = p->len };
	other = prefix_mask(&other);
	return addr_same_ip(&mine.addr, &other.addr);
}

bool prefix_overlaps(const struct prefix *a, const struct prefix *b)
{
	return a->len <= b->len ? prefix_contains(a, &b->addr) : prefix_contains(b, &a->addr);
}

bool prefix_equal(const struct prefix *a, const struct prefix *b)
{
	struct prefix x = prefix_mask(a), y = prefix_mask(b);
	return x.len == y.len && addr_same_ip(&x.addr, &y.addr);
}

bool addr_is_private(const struct addr *a)
{
	static const struct prefix nets[] = {
		{ { .family = AF_INET, .ip = { 10 } }, 8 },
		{ { .family = AF_INET, .ip = { 172, 16 } }, 12 },
		{ { .family = AF_INET, .ip = { 192, 168 } }, 16 },
		{ { .family = AF_INET, .ip = { 100, 64 } }, 10 },
		{ { .family = AF_INET6, .ip = { 0xfc } }, 7 },
	};
	for (size_t i = 0; i < ARRAY_SIZE(nets); i++)
		if (prefix_contains(&nets[i], a))
			return true;
	return false;
}

bool addr_port_parse(struct addr *a, const char *text)
{
	char ip[ADDR_TEXT], *end;
	const char *colon = text ? strrchr(text, ':') : NULL;
	size_t n = colon ? (size_t)(colon - text) : 0;
	bool brackets = n > 2 && text[0] == '[' && text[n - 1] == ']';
	if (!n || n >= sizeof ip || colon[1] < '0' || colon[1] > '9')
		return false;
	snprintf(ip, sizeof ip, "%.*s", (int)(brackets ? n - 2 : n), text + brackets);
	unsigned long port = strtoul(colon + 1, &end, 10);
	if (*end || port > 65535 || !addr_parse(a, ip) || brackets != (a->family == AF_INET6))
		return false;
	a->port = (uint16_t)port;
	return true;
}
