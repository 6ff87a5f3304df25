/*
 * aws_xml.c - the CustomerGatewayConfiguration. A table of paths says what is of use; algorithms and lifetimes are not, for they are the
 * template's whatever the tunnel options say. No file of AWS declares a document type, so none is let in: no entities, no bombs.
 */
#include <expat.h>
#include <malloc.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/util.h"
#include "aws.h"
#include "config.h"

#define DEPTH_MAX 16
#define PATH_SIZE 512
#define TEXT_SIZE 1024

#define OURS "vpn_connection/ipsec_tunnel/customer_gateway/"
#define THEIRS "vpn_connection/ipsec_tunnel/vpn_gateway/"
#define TUNNEL "vpn_connection/ipsec_tunnel"

static const struct {
	const char *path;
	int fact;
} paths[] = {
	{ OURS "tunnel_outside_address/ip_address", AWS_OUR_OUTSIDE },
	{ OURS "tunnel_inside_address/ip_address", AWS_OUR_INSIDE },
	{ OURS "tunnel_inside_address/network_cidr", AWS_OUR_INSIDE_LEN },
	{ OURS "tunnel_inside_ipv6_address/ip_address", AWS_OUR_INSIDE6 },
	{ OURS "tunnel_inside_ipv6_address/prefix_length", AWS_OUR_INSIDE6_LEN },
	{ OURS "bgp/asn", AWS_OUR_ASN },
	{ OURS "bgp/hold_time", AWS_HOLD },
	{ THEIRS "tunnel_outside_address/ip_address", AWS_OUTSIDE },
	{ THEIRS "tunnel_inside_address/ip_address", AWS_INSIDE },
	{ THEIRS "tunnel_inside_address/network_cidr", AWS_INSIDE_LEN },
	{ THEIRS "tunnel_inside_ipv6_address/ip_address", AWS_INSIDE6 },
	{ THEIRS "tunnel_inside_ipv6_address/prefix_length", AWS_INSIDE6_LEN },
	{ THEIRS "bgp/asn", AWS_ASN },
	{ TUNNEL "/ike/pre_shared_key", AWS_PSK },
}, conn_paths[] = {
	{ "vpn_connection/customer_gateway_id", AWSC_CGW },
	{ "vpn_connection/vpn_gateway_id", AWSC_VGW },
	{ "vpn_connection/transit_gateway_id", AWSC_TGW },
};

struct reading {
	struct aws *a;
	XML_Parser parser;
	const char *file;
	struct aws_conn *conn;
	struct aws_tunnel tunnel;
	unsigned depth, tunnels;
	char path[PATH_SIZE];
	size_t cut[DEPTH_MAX]; /* length of the path above each level */
	char text[TEXT_SIZE];
	size_t len;
};

/* After a stop expat may still end an empty element: a refused reading takes no more events. */
static bool ended(const struct reading *r) { return r->a->p->refusal != NULL; }
static void stop(struct reading *r) { XML_StopParser(r->parser, XML_FALSE); }

static bool read_root(struct reading *r, const char *name, const char **attributes)
{
	if (strcmp(name, "vpn_connection") != 0)
		return import_refuse(
			r->a->p, "%s is XML, but no CustomerGatewayConfiguration: it begins with <%.64s>", r->file, name);
	if (r->conn == NULL)
		r->conn = aws_conn_new(r->a, r->file);
	if (r->conn == NULL)
		return false;
	r->conn->template = true;
	for (; attributes[0] != NULL; attributes += 2)
		if (strcmp(attributes[0], "id") == 0)
			return aws_conn_fact_add(r->a, r->conn, AWSC_ID, import_text(r->a->p, "%.64s", attributes[1]), r->file);
	return true;
}

static void XMLCALL element_start(void *arg, const char *name, const char **attributes)
{
	struct reading *r = arg;
	size_t above = r->depth == 0 ? 0 : strlen(r->path), n = strlen(name);
	if (ended(r))
		return;
	if (r->depth == DEPTH_MAX || above + n + 2 > PATH_SIZE) {
		import_refuse(r->a->p, "%s is nested deeper than any file of AWS", r->file);
		stop(r);
		return;
	}
	if (r->depth == 0 && !read_root(r, name, attributes)) {
		stop(r);
		return;
	}
	r->cut[r->depth++] = above;
	snprintf(r->path + above, PATH_SIZE - above, "%s%s", above > 0 ? "/" : "", name);
	r->len = 0;
	if (strcmp(r->path, TUNNEL) == 0)
		r->tunnel = (struct aws_tunnel){ 0 };
}

static void XMLCALL element_text(void *arg, const char *s, int n)
{
	struct reading *r = arg;
	if (ended(r))
		return;
	if (r->len + (size_t)n < TEXT_SIZE) {
		memcpy(r->text + r->len, s, (size_t)n);
		r->len += (size_t)n;
		return;
	}
	import_refuse(r->a->p, "%s: a value is longer than any of AWS", r->file);
	stop(r);
}

static const char *trimmed(struct reading *r)
{
	const char *s = r->text;
	size_t n = doc_trim(&s, r->len);
	return import_copy(r->a->p, s, n);
}

static const char *place(struct reading *r)
{
	const char *tail = strncmp(r->path, TUNNEL "/", sizeof TUNNEL) == 0 ? r->path + sizeof TUNNEL : r->path;
	return import_text(r->a->p, "%s %s", r->file, tail);
}

static bool take_value(struct reading *r)
{
	for (size_t i = 0; i < ARRAY_SIZE(paths); i++)
		if (strcmp(r->path, paths[i].path) == 0)
			return aws_fact_add(r->a, r->tunnel.v, paths[i].fact, trimmed(r), place(r));
	for (size_t i = 0; i < ARRAY_SIZE(conn_paths); i++)
		if (strcmp(r->path, conn_paths[i].path) == 0)
			return aws_conn_fact_add(r->a, r->conn, (enum aws_conn_fact)conn_paths[i].fact, trimmed(r), place(r));
	if (strcmp(r->path, "vpn_connection/vpn_connection_attributes") != 0)
		return true;
	const char *attributes = trimmed(r);
	bool is_static = strstr(attributes, "NoBGPVPNConnection") != NULL;
	return !is_static || aws_conn_fact_add(r->a, r->conn, AWSC_STATIC, "true", place(r));
}

static void XMLCALL element_end(void *arg, const char *name)
{
	struct reading *r = arg;
	(void)name;
	if (ended(r) || r->depth == 0)
		return;
	bool good = take_value(r);
	if (good && strcmp(r->path, TUNNEL) == 0) {
		r->tunnels++;
		good = aws_join(r->a, r->conn, &r->tunnel, r->file);
	}
	r->len = 0;
	r->path[r->cut[--r->depth]] = 0;
	if (!good)
		stop(r);
}

static void XMLCALL doctype(void *arg, const char *name, const char *system, const char *public, int internal)
{
	struct reading *r = arg;
	(void)name;
	(void)system;
	(void)public;
	(void)internal;
	import_refuse(r->a->p, "%s declares a document type, which no file of AWS does: it is not read any further", r->file);
	stop(r);
}

/* --- memory: what held a key is wiped --- */
static void *wiping_realloc(void *old, size_t n)
{
	void *fresh = malloc(n);
	if (fresh == NULL)
		return NULL;
	if (old != NULL) {
		size_t had = malloc_usable_size(old);
		memcpy(fresh, old, had < n ? had : n);
		doc_wiping_free(old);
	}
	return fresh;
}

#ifdef HAVE_EXPAT_POSITION64
#define position_line XML_GetCurrentLineNumber64
#define position_byte XML_GetCurrentByteIndex64
#else
#define position_line XML_GetCurrentLineNumber
#define position_byte XML_GetCurrentByteIndex
#endif

/* Is the parser stuck in a tag that never ends? */
static bool cut_off(const struct reading *r, const struct import_doc *d)
{
	int64_t at = position_byte(r->parser);
	return r->depth > 0 && at >= 0 && (size_t)at <= d->len && memchr(d->text + at, '>', d->len - (size_t)at) == NULL;
}

static bool judge(struct reading *r, const struct import_doc *d, enum XML_Status status)
{
	unsigned line = (unsigned)position_line(r->parser);
	if (r->a->p->refusal != NULL)
		return false;
	if (status != XML_STATUS_OK && cut_off(r, d))
		return import_refuse(
			r->a->p, "%s is cut off: its XML ends at line %u in the middle. Download it again", r->file, line);
	if (status != XML_STATUS_OK)
		return import_refuse(
			r->a->p, "%s:%u: is not valid XML: %s", r->file, line, XML_ErrorString(XML_GetErrorCode(r->parser)));
	if (r->tunnels == 0)
		return import_refuse(r->a->p, "%s holds no ipsec_tunnel: download the configuration again", r->file);
	return true;
}

bool aws_xml(struct aws *a, const struct import_doc *d, struct aws_conn *into)
{
	const XML_Memory_Handling_Suite memory = { malloc, wiping_realloc, doc_wiping_free };
	struct reading r = { .a = a, .file = d->name, .conn = into };
	r.parser = XML_ParserCreate_MM("UTF-8", &memory, NULL);
	if (r.parser == NULL)
		return import_refuse(a->p, "there is no memory left");
	XML_SetUserData(r.parser, &r);
	XML_SetElementHandler(r.parser, element_start, element_end);
	XML_SetCharacterDataHandler(r.parser, element_text);
	XML_SetStartDoctypeDeclHandler(r.parser, doctype);
	enum XML_Status status = XML_Parse(r.parser, d->text, (int)d->len, XML_TRUE);
	bool good = judge(&r, d, status);
	XML_ParserFree(r.parser);
	wipe(&r, sizeof r);
	return good;
}
