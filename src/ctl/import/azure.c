/* azure.c - what each object is; on top of the Azure importer. */
#include <string.h>
#include <strings.h>

#include "base/util.h"
#include "azure.h"

#define OBJECTS_MAX 1000

/* By its type, or by members that no other kind has. */
static const struct {
	enum azure_kind kind;
	const char *type;
	const char *members[3];
} kinds[] = {
	{ AZURE_CONNECTION, "Microsoft.Network/connections", { "connectionType", "virtualNetworkGateway1", NULL } },
	{ AZURE_GATEWAY, "Microsoft.Network/virtualNetworkGateways", { "gatewayType", "vpnType", NULL } },
	{ AZURE_LOCAL, "Microsoft.Network/localNetworkGateways", { "localNetworkAddressSpace", "gatewayIpAddress", NULL } },
	{ AZURE_VNET, "Microsoft.Network/virtualNetworks", { "addressSpace", "virtualNetworkPeerings", NULL } },
	{ AZURE_ADDRESS, "Microsoft.Network/publicIPAddresses", { "publicIPAddressVersion", "publicIPAllocationMethod", NULL } },
};

static bool kind_of(const struct azure_object *o, enum azure_kind *kind)
{
	const char *type = json_string_value(doc_member(o->top, "type"));
	for (size_t i = 0; i < ARRAY_SIZE(kinds); i++) {
		*kind = kinds[i].kind;
		if (type != NULL && strcasecmp(type, kinds[i].type) == 0)
			return true;
	}
	for (size_t i = 0; i < ARRAY_SIZE(kinds); i++) {
		*kind = kinds[i].kind;
		for (const char *const *m = kinds[i].members; *m != NULL; m++)
			if (azure_member(o, *m) != NULL)
				return true;
	}
	*kind = AZURE_KEY;
	return json_is_string(doc_member(o->top, "value")) || json_is_string(doc_member(o->properties, "value"));
}

static bool add_object(struct azure *a, const json_t *top, const char *file)
{
	const json_t *inner = doc_member(top, "properties");
	struct azure_object o = { .top = top, .properties = json_is_object(inner) ? inner : top, .file = file },
			    **end = &a->first;
	if (!json_is_object(top) || !kind_of(&o, &o.kind))
		return import_refuse(a->p,
			"%s is not one of: connection, virtual network gateway, local network gateway, shared key, VNet, public IP address, Virtual WAN "
			"site (JSON of Azure), device configuration script",
			file);
	if (a->n++ == OBJECTS_MAX)
		return import_refuse(a->p, "%s: more than %d objects", file, OBJECTS_MAX);
	o.name = doc_words(a->p, top, "name");
	o.id = doc_words(a->p, top, "id");
	while (*end != NULL)
		end = &(*end)->next;
	*end = import_alloc(a->p, sizeof o);
	if (*end == NULL)
		return false;
	**end = o;
	return true;
}

static bool take(struct azure *a, const json_t *j, const char *file)
{
	if (doc_member(j, "vpnSiteConnections") != NULL)
		return azure_wan(a, j, file);
	return add_object(a, j, file);
}

static bool take_all(struct azure *a, const json_t *j, const char *file)
{
	const json_t *list = json_is_array(j) ? j : doc_member(j, "value"), *o;
	size_t i;
	if (!json_is_array(list))
		return take(a, j, file);
	json_array_foreach (list, i, o)
		if (!take(a, o, file))
			return false;
	return json_array_size(list) > 0 || import_refuse(a->p, "%s is an empty list", file);
}

static bool read_one(struct azure *a, const struct import_doc *d)
{
	if (d->text[0] != '{' && d->text[0] != '[')
		return azure_script(a, d);
	json_t *j = doc_json(a->p, d);
	if (j == NULL)
		return false;
	json_array_append_new(a->keep, j);
	return take_all(a, j, d->name);
}

bool import_azure(struct import_set *p, const struct import_doc *docs, unsigned n)
{
	struct azure a = { .p = p, .keep = json_array() };
	bool good = true;
	for (unsigned i = 0; good && i < n; i++)
		good = read_one(&a, &docs[i]);
	good = good && azure_join(&a);
	json_decref(a.keep);
	return good;
}
