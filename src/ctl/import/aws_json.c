/* aws_json.c - the answer of `aws ec2 describe-vpn-connections`, whole or cut out with --query. Answers spell some members differently
 * from requests (DpdTimeoutSeconds, DPDTimeoutSeconds); members are found in any case. */
#include <jansson.h>
#include <string.h>
#include <strings.h>

#include "aws.h"
#include "base/util.h"

struct member {
	const char *key;
	int fact;
};

static const struct member tunnel_options[] = {
	{ "OutsideIpAddress", AWS_OUTSIDE },
	{ "PreSharedKey", AWS_PSK },
#define X(fact, key, kind) { key, fact },
	AWS_OPTION_LIST(X)
#undef X
		{ NULL, 0 },
};

static const struct member telemetry[] = {
	{ "OutsideIpAddress", AWS_OUTSIDE },
	{ "CertificateArn", AWS_CERTIFICATE },
	{ NULL, 0 },
};

static const struct member connection[] = {
	{ "VpnConnectionId", AWSC_ID },
	{ "CustomerGatewayId", AWSC_CGW },
	{ "VpnGatewayId", AWSC_VGW },
	{ "TransitGatewayId", AWSC_TGW },
	{ "CoreNetworkArn", AWSC_CORE },
	{ "Category", AWSC_CATEGORY },
	{ "PreSharedKeyArn", AWSC_PSK_ARN },
	{ NULL, 0 },
};

static const struct member options[] = {
#define X(fact, key) { key, fact },
	AWSC_OPTION_LIST(X)
#undef X
		{ NULL, 0 },
};

static const struct doc_shape shapes[] = { { "VpnConnections", DOC_OBJECTS }, { "VpnConnection", DOC_OBJECT },
	{ "CustomerGatewayConfiguration", DOC_WORD }, { "State", DOC_WORD }, { "Options", DOC_OBJECT },
	{ "TunnelOptions", DOC_OBJECTS }, { "VgwTelemetry", DOC_OBJECTS }, { "OutsideIpAddress", DOC_WORD },
	{ "PreSharedKey", DOC_WORD }, { "CertificateArn", DOC_WORD }, { "VpnConnectionId", DOC_WORD },
	{ "CustomerGatewayId", DOC_WORD }, { "VpnGatewayId", DOC_WORD }, { "TransitGatewayId", DOC_WORD },
	{ "CoreNetworkArn", DOC_WORD }, { "Category", DOC_WORD }, { "PreSharedKeyArn", DOC_WORD },
#define X(fact, key, kind) { key, DOC_WORDS },
	AWS_OPTION_LIST(X)
#undef X
#define X(fact, key) { key, DOC_WORD },
		AWSC_OPTION_LIST(X)
#undef X
};

static bool read_conn_members(struct aws *a, struct aws_conn *c, const json_t *o, const struct member *m, const char *file)
{
	for (; m->key != NULL; m++)
		if (!aws_conn_fact_add(a, c, (enum aws_conn_fact)m->fact, doc_words(a->p, o, m->key),
			    import_text(a->p, "%s: %s", file, m->key)))
			return false;
	return true;
}

static bool read_tunnels(struct aws *a, struct aws_conn *c, const json_t *list, const struct member *members, const char *where)
{
	const json_t *o;
	size_t i;
	json_array_foreach (list, i, o) {
		struct aws_tunnel t = { 0 };
		for (const struct member *m = members; m->key != NULL; m++)
			if (!aws_fact_add(a, t.v, m->fact, doc_words(a->p, o, m->key), import_text(a->p, "%s.%s", where, m->key)))
				return false;
		if (!json_is_object(o) || !aws_join(a, c, &t, where))
			return import_refuse(a->p, "%s is no list of tunnels", where);
	}
	return true;
}

static bool read_tag(struct aws *a, struct aws_conn *c, const json_t *tags, const char *file)
{
	const json_t *o;
	size_t i;
	if (json_is_object(tags)) /* Ansible: {"Name": "..."} */
		return aws_conn_fact_add(a, c, AWSC_TAG, doc_words(a->p, tags, "Name"), file);
	json_array_foreach (tags, i, o) {
		const char *key = json_string_value(doc_member(o, "Key"));
		if (key != NULL && strcmp(key, "Name") == 0)
			return aws_conn_fact_add(a, c, AWSC_TAG, doc_words(a->p, o, "Value"), file);
	}
	return true;
}

/* The configuration is XML in a string. It comes first: its order of tunnels is the one that AWS shows. */
static bool read_configuration(struct aws *a, struct aws_conn *c, const json_t *o, const char *file)
{
	const json_t *v = doc_member(o, "CustomerGatewayConfiguration");
	if (!json_is_string(v) || json_string_length(v) == 0)
		return true;
	struct import_doc xml = { .name = import_text(a->p, "%s: CustomerGatewayConfiguration", file),
		.text = json_string_value(v),
		.len = json_string_length(v) };
	const struct import_doc *d = doc_decode(a->p, &xml);
	return d != NULL && aws_xml(a, d, c);
}

static bool read_connection(struct aws *a, const json_t *o, const char *file)
{
	const char *id = doc_words(a->p, o, "VpnConnectionId"), *state = doc_words(a->p, o, "State");
	const json_t *opt = doc_member(o, "Options");
	if (id == NULL)
		return import_refuse(
			a->p, "%s: a connection without VpnConnectionId: this is not what `" AWS_DESCRIBE "` prints", file);
	if (state != NULL && (strcasecmp(state, "deleted") == 0 || strcasecmp(state, "deleting") == 0)) {
		import_note(a->p, NOTE_ASSUMED, "%s: %s is %s and was left out", file, id, state);
		a->skipped++;
		return true;
	}
	struct aws_conn *c = aws_conn_new(a, file);
	if (c == NULL)
		return false;
	c->options = opt != NULL;
	c->pending = state != NULL && strcasecmp(state, "pending") == 0;
	return read_conn_members(a, c, o, connection, file) && read_conn_members(a, c, opt, options, file) &&
	       read_tag(a, c, doc_member(o, "Tags"), file) && read_configuration(a, c, o, file) &&
	       read_tunnels(
		       a, c, doc_member(opt, "TunnelOptions"), tunnel_options, import_text(a->p, "%s: TunnelOptions", file)) &&
	       read_tunnels(a, c, doc_member(o, "VgwTelemetry"), telemetry, import_text(a->p, "%s: VgwTelemetry", file));
}

static bool read_list(struct aws *a, const json_t *list, const char *file)
{
	const json_t *o;
	size_t i;
	json_array_foreach (list, i, o) {
		const char *xml = json_string_value(o); /* --query VpnConnections[].CustomerGatewayConfiguration */
		if (xml != NULL && xml[0] == '<') {
			if (!aws_xml(a, &(struct import_doc){ file, xml, json_string_length(o), 0 }, NULL))
				return false;
			continue;
		}
		const json_t *page = doc_member(o, "VpnConnections"); /* --output yaml-stream: a list of answers */
		if (json_is_array(page)) {
			if (!read_list(a, page, file))
				return false;
			continue;
		}
		if (!json_is_object(o))
			return import_refuse(a->p,
				"%s: the list holds something that is no connection: give what `" AWS_DESCRIBE "` prints", file);
		if (!read_connection(a, o, file))
			return false;
	}
	if (json_array_size(list) == 0)
		import_note(a->p, NOTE_WARNING, "%s holds no connection", file);
	return true;
}

static bool read_any(struct aws *a, const json_t *j, const struct import_doc *d)
{
	const json_t *list = doc_member(j, "VpnConnections"), *one = doc_member(j, "VpnConnection");
	if (json_is_array(list))
		return read_list(a, list, d->name);
	if (json_is_array(j))
		return read_list(a, j, d->name);
	if (json_is_object(one))
		return read_connection(a, one, d->name);
	if (json_is_string(j) && json_string_value(j)[0] == '<')
		return aws_xml(a, &(struct import_doc){ d->name, json_string_value(j), json_string_length(j), 0 }, NULL);
	if (doc_member(j, "VpnConnectionId") != NULL)
		return read_connection(a, j, d->name);
	/* A play's variable: {"result": {"vpn_connections": []}} */
	const char *key;
	json_t *v;
	json_object_foreach ((json_t *)j, key, v)
		if (doc_member(v, "VpnConnections") != NULL || doc_member(v, "VpnConnection") != NULL)
			return read_any(a, v, d);
	return import_refuse(a->p, "%s holds no VpnConnections: give what `" AWS_DESCRIBE "` prints", d->name);
}

struct resources {
	struct aws *a;
	unsigned n;
};

static bool take_resource(void *arg, const char *type, const json_t *attributes, const char *file)
{
	struct resources *r = arg;
	json_t *o = aws_terraform(type, attributes);
	if (o == NULL)
		return true;
	r->n++;
	bool good = doc_shape(r->a->p, file, o, shapes, ARRAY_SIZE(shapes)) && read_connection(r->a, o, file);
	json_decref(o);
	return good;
}

bool aws_value(struct aws *a, const json_t *j, const struct import_doc *d)
{
	struct resources r = { a, 0 };
	if (doc_is_terraform(j))
		return doc_terraform(a->p, j, d->name, take_resource, &r) &&
		       (r.n > 0 || import_refuse(a->p, "%s: Terraform's state has no aws_vpn_connection", d->name));
	return doc_shape(a->p, d->name, j, shapes, ARRAY_SIZE(shapes)) && read_any(a, j, d);
}

bool aws_json(struct aws *a, const struct import_doc *d)
{
	json_t *j = doc_json(a->p, d);
	bool good = j != NULL && aws_value(a, j, d);
	json_decref(j);
	return good;
}
