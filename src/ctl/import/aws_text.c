/*
 * aws_text.c - the download for vendor 'Generic'. A label means what its section says: 'Customer Gateway' is an outside or an inside
 * address. Sections begin with a line without a mark; wording, blanks and case have changed over the years, the words in the table have
 * not. Algorithms are the template's and are not read.
 */
#include <ctype.h>
#include <stdlib.h>
#include <string.h>
#include <strings.h>

#include "base/util.h"
#include "aws.h"

enum section {
	SECTION_NONE,
	SECTION_IKE,
	SECTION_IPSEC,
	SECTION_OUTSIDE,
	SECTION_INSIDE,
	SECTION_INSIDE6,
	SECTION_BGP,
	SECTION_STATIC
};

/* A section begins with a line whose label begins so. */
static const struct {
	const char *lead;
	enum section section;
} leads[] = {
	{ "#1", SECTION_IKE },
	{ "#2", SECTION_IPSEC },
	{ "#3", SECTION_NONE },
	{ "#4", SECTION_NONE },
	{ "configure the ike sa", SECTION_IKE },
	{ "configure the ipsec sa", SECTION_IPSEC },
	{ "outside ip address", SECTION_OUTSIDE },
	{ "inside ipv6 address", SECTION_INSIDE6 },
	{ "inside ip address", SECTION_INSIDE },
	{ "configure your tunnel to fragment", SECTION_NONE },
	{ "bgp configuration", SECTION_BGP },
	{ "static route configuration", SECTION_STATIC },
};

#define GATEWAY_NAMES(X, section, tail, fact) \
	X(section, "virtual private gateway" tail, fact), X(section, "vpn gateway" tail, fact), \
		X(section, "transit gateway" tail, fact), X(section, "target gateway" tail, fact)
#define ROW(section, label, fact) \
	{ \
		section, label, fact \
	}

static const struct {
	enum section section;
	const char *label;
	int fact;
} labels[] = {
	ROW(SECTION_IKE, "pre-shared key", AWS_PSK),
	ROW(SECTION_OUTSIDE, "customer gateway", AWS_OUR_OUTSIDE),
	GATEWAY_NAMES(ROW, SECTION_OUTSIDE, "", AWS_OUTSIDE),
	ROW(SECTION_INSIDE, "customer gateway", AWS_OUR_INSIDE),
	GATEWAY_NAMES(ROW, SECTION_INSIDE, "", AWS_INSIDE),
	ROW(SECTION_INSIDE6, "customer gateway", AWS_OUR_INSIDE6),
	GATEWAY_NAMES(ROW, SECTION_INSIDE6, "", AWS_INSIDE6),
	ROW(SECTION_BGP, "customer gateway asn", AWS_OUR_ASN),
	GATEWAY_NAMES(ROW, SECTION_BGP, " asn", AWS_ASN),
	ROW(SECTION_BGP, "neighbor ip address", AWS_NEIGHBOR),
	ROW(SECTION_BGP, "neighbor hold time", AWS_HOLD),
};

static const struct {
	const char *label;
	enum aws_conn_fact fact;
} conn_labels[] = {
	{ "your vpn connection id", AWSC_ID },
	{ "your virtual private gateway id", AWSC_VGW },
	{ "your vpn gateway id", AWSC_VGW },
	{ "your transit gateway id", AWSC_TGW },
	{ "your customer gateway id", AWSC_CGW },
};

struct reading {
	struct aws *a;
	const char *file;
	struct aws_conn *conn;
	struct aws_tunnel tunnel;
	unsigned line, in_tunnel; /* the number of the tunnel that is being read, 0 before the first */
	enum section section;
	bool seen; /* something tells that it is this kind of file */
};

static const char *place(struct reading *r, const char *label)
{
	return import_text(r->a->p, "%s:%u %s", r->file, r->line, label);
}

static bool end_tunnel(struct reading *r)
{
	if (r->in_tunnel == 0)
		return true;
	if (r->tunnel.v[AWS_OUTSIDE].text == NULL)
		return import_refuse(r->a->p,
			"%s: 'Outside IP Addresses' of tunnel #%u is missing: it is cut off, or made for another vendor. Download it again, for vendor 'Generic'",
			r->file, r->in_tunnel);
	return aws_join(r->a, r->conn, &r->tunnel, r->file);
}

static bool begin_tunnel(struct reading *r, unsigned number)
{
	if (number == r->in_tunnel)
		return true; /* the heading is repeated */
	if (!end_tunnel(r))
		return false;
	r->tunnel = (struct aws_tunnel){ 0 };
	r->in_tunnel = number;
	r->section = SECTION_NONE;
	r->seen = true;
	if (r->conn == NULL)
		r->conn = aws_conn_new(r->a, r->file);
	if (r->conn == NULL)
		return false;
	r->conn->template = true;
	return aws_fact_add(r->a, r->tunnel.v, AWS_NUMBER, import_text(r->a->p, "%u", number), r->file);
}

static bool conn_value(struct reading *r, const struct label *l)
{
	for (size_t i = 0; i < ARRAY_SIZE(conn_labels); i++) {
		if (strcmp(l->label, conn_labels[i].label) != 0)
			continue;
		bool next = conn_labels[i].fact == AWSC_ID && r->conn != NULL && r->in_tunnel > 0;
		if (next && !end_tunnel(r))
			return false;
		if (next || r->conn == NULL)
			r->conn = aws_conn_new(r->a, r->file);
		r->in_tunnel = next ? 0 : r->in_tunnel;
		r->seen = true;
		return r->conn != NULL && aws_conn_fact_add(r->a, r->conn, conn_labels[i].fact, l->value, place(r, l->label));
	}
	return true;
}

/* "169.254.21.2/30" is an address and a length. */
static bool inside(struct reading *r, int fact, const char *value, const char *from)
{
	const char *slash = strchr(value, '/');
	if (slash == NULL)
		return aws_fact_add(r->a, r->tunnel.v, fact, value, from);
	return aws_fact_add(r->a, r->tunnel.v, fact, import_copy(r->a->p, value, (size_t)(slash - value)), from) &&
	       aws_fact_add(r->a, r->tunnel.v, fact + 1, slash + 1, from);
}

static bool tunnel_value(struct reading *r, const struct label *l)
{
	for (size_t i = 0; i < ARRAY_SIZE(labels); i++) {
		if (labels[i].section != r->section || strcmp(l->label, labels[i].label) != 0)
			continue;
		const char *from = place(r, l->label);
		bool pair = r->section == SECTION_INSIDE || r->section == SECTION_INSIDE6;
		return pair ? inside(r, labels[i].fact, l->value, from)
			    : aws_fact_add(r->a, r->tunnel.v, labels[i].fact, l->value, from);
	}
	return true;
}

static bool take_line(struct reading *r, const struct label *l)
{
	static const char heading[] = "ipsec tunnel #";
	if (l->mark == 0 && strncmp(l->label, heading, sizeof heading - 1) == 0 &&
		isdigit((unsigned char)l->label[sizeof heading - 1]))
		return begin_tunnel(r, (unsigned)strtoul(l->label + sizeof heading - 1, NULL, 10));
	if (l->mark == 0 && l->value != NULL && strncmp(l->label, "your ", 5) == 0)
		return conn_value(r, l);
	if (r->in_tunnel == 0)
		return true;
	if (l->mark == '-')
		return l->value == NULL || tunnel_value(r, l);
	for (size_t i = 0; i < ARRAY_SIZE(leads); i++) {
		if (strncmp(l->label, leads[i].lead, strlen(leads[i].lead)) == 0) {
			r->section = leads[i].section;
			break;
		}
	}
	bool heading4 = strcmp(l->label, "#4") == 0 && l->value != NULL && strncasecmp(l->value, "static", 6) == 0;
	if (heading4 || r->section == SECTION_STATIC)
		return aws_conn_fact_add(r->a, r->conn, AWSC_STATIC, "true", place(r, "static routing"));
	return true;
}

bool aws_text(struct aws *a, const struct import_doc *d)
{
	struct reading r = { .a = a, .file = d->name };
	struct lines lines = { d->text, d->text + d->len, 0 };
	struct label label;
	bool good = true;
	while (good && a->p->refusal == NULL && line_next(a->p, &lines, "", &label)) {
		r.line = lines.number;
		good = take_line(&r, &label);
	}
	if (!good || a->p->refusal != NULL)
		return false;
	if (!r.seen && !doc_named(a->p, d, AWS_DESCRIBE " > vpn.json"))
		return false;
	if (!r.seen)
		return import_refuse(a->p,
			"%s is not one of: describe-vpn-connections JSON, CustomerGatewayConfiguration XML, the text download for vendor 'Generic'",
			d->name);
	if (r.in_tunnel == 0)
		return import_refuse(
			a->p, "%s is cut off before the first tunnel: download it again, for vendor 'Generic'", d->name);
	return end_tunnel(&r);
}
