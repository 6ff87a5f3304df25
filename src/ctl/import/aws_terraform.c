/* aws_terraform.c - aws_vpn_connection of a Terraform state, turned into what describe-vpn-connections says: tunnel1_phase1_dh_group_numbers is
 * Phase1DHGroupNumbers of the first tunnel. Terraform writes what is not set as "", 0 or []. */
#include <jansson.h>
#include <stdio.h>
#include <string.h>

#include "base/util.h"
#include "aws.h"

struct pair {
	const char *to, *from;
};

static const struct pair of_connection[] = { { "VpnConnectionId", "id" }, { "CustomerGatewayId", NULL }, { "VpnGatewayId", NULL },
	{ "TransitGatewayId", NULL }, { "CoreNetworkArn", NULL }, { "PreSharedKeyArn", NULL },
	{ "CustomerGatewayConfiguration", NULL }, { "Tags", NULL } };

static const struct pair of_options[] = {
#define X(fact, key) { key, NULL },
	AWSC_OPTION_LIST(X)
#undef X
};

static const struct pair of_tunnel[] = { { "OutsideIpAddress", "address" }, { "PreSharedKey", NULL },
	{ "TunnelInsideCidr", "inside_cidr" }, { "TunnelInsideIpv6Cidr", "inside_ipv6_cidr" },
#define X(fact, key, kind) { key, NULL },
	AWS_OPTION_LIST(X)
#undef X
};

static bool is_set(const json_t *v)
{
	return v != NULL && !(json_is_string(v) && json_string_length(v) == 0) &&
	       !(json_is_integer(v) && json_integer_value(v) == 0) && !(json_is_array(v) && json_array_size(v) == 0);
}

static void copy(json_t *to, const json_t *attributes, const char *prefix, const struct pair *pairs, size_t n)
{
	char key[80];
	for (size_t i = 0; i < n; i++) {
		snprintf(key, sizeof key, "%s%s", prefix, pairs[i].from != NULL ? pairs[i].from : pairs[i].to);
		json_t *v = doc_member(attributes, key);
		if (is_set(v) && json_object_get(to, pairs[i].to) == NULL)
			json_object_set(to, pairs[i].to, v);
	}
}

json_t *aws_terraform(const char *type, const json_t *attributes)
{
	if (strcmp(type, "aws_vpn_connection") != 0)
		return NULL;
	json_t *o = json_object(), *options = json_object(), *tunnels = json_array();
	copy(o, attributes, "", of_connection, ARRAY_SIZE(of_connection));
	copy(options, attributes, "", of_options, ARRAY_SIZE(of_options));
	for (unsigned i = 1; i <= 2; i++) {
		char prefix[16];
		json_t *tunnel = json_object();
		snprintf(prefix, sizeof prefix, "tunnel%u_", i);
		copy(tunnel, attributes, prefix, of_tunnel, ARRAY_SIZE(of_tunnel));
		if (json_object_get(tunnel, "OutsideIpAddress") != NULL)
			json_array_append_new(tunnels, tunnel);
		else
			json_decref(tunnel);
	}
	json_object_set_new(options, "TunnelOptions", tunnels);
	json_object_set_new(o, "Options", options);
	return o;
}
