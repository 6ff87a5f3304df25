/*
 * azure_nat.c - NAT rules of a connection. Behind an EgressSnat rule Azure's hosts have its external addresses, so those are what is routed here; with an
 * IngressSnat rule Azure knows our hosts by others, which changes nothing on this side and is told.
 */
#include <string.h>
#include <strings.h>

#include "azure.h"

#define NAT_PREFIXES 64

struct nat {
	struct prefix inside[NAT_PREFIXES], outside[NAT_PREFIXES]; /* before, after the translation */
	unsigned n_inside, n_outside;
	const char *names; /* of its rules, quoted */
	bool dynamic, ports;
};

static const json_t *inner_of(const json_t *o)
{
	const json_t *inner = doc_member(o, "properties");
	return json_is_object(inner) ? inner : o;
}

static bool is_named(struct azure *a, const json_t *rule, const char *id)
{
	const char *own = doc_words(a->p, rule, "id"), *name = doc_words(a->p, rule, "name"), *slash = strrchr(id, '/');
	return own != NULL ? strcasecmp(own, id) == 0 : name != NULL && strcasecmp(name, slash != NULL ? slash + 1 : id) == 0;
}

/* In the gateway, or in a file of its own. */
static const json_t *rule_of(struct azure *a, const struct azure_object *gateway, const char *id)
{
	const json_t *list = gateway != NULL ? azure_member(gateway, "natRules") : NULL, *rule;
	size_t i;
	json_array_foreach (list, i, rule)
		if (is_named(a, rule, id))
			return rule;
	for (const struct azure_object *o = a->first; o != NULL; o = o->next)
		if (o->kind == AZURE_NAT && is_named(a, o->top, id))
			return o->top;
	return NULL;
}

static bool take_mappings(struct azure *a, const struct azure_site *s, const json_t *rule, const char *key, struct prefix *v,
	unsigned *n, bool *ports)
{
	const json_t *list = doc_member(inner_of(rule), key), *m;
	size_t i;
	json_array_foreach (list, i, m) {
		const char *text = doc_words(a->p, m, "addressSpace");
		*ports = *ports || doc_words(a->p, m, "portRange") != NULL;
		if (text == NULL)
			return import_refuse(a->p, "%s: a NAT rule has %s without an addressSpace", s->file, key);
		if (!azure_prefix(a->p, s->file, v, n, NAT_PREFIXES, text))
			return false;
	}
	return json_array_size(list) > 0 || import_refuse(a->p, "%s: a NAT rule of '%s' has no %s", s->file, s->name, key);
}

static bool is_dynamic(struct azure *a, const json_t *rule)
{
	static const char *const keys[] = { "typePropertiesType", "vpnNatRulePropertiesType", "type", NULL };
	const json_t *inner = inner_of(rule);
	for (const char *const *k = keys; *k != NULL; k++) {
		const char *type = doc_words(a->p, inner, *k);
		if (type != NULL && (strcasecmp(type, "Dynamic") == 0 || strcasecmp(type, "Static") == 0))
			return strcasecmp(type, "Dynamic") == 0;
	}
	return false;
}

static bool missing(struct azure *a, const struct azure_site *s, const char *id)
{
	const char *group = azure_part(a, id, "resourceGroups"),
		   *gateway = azure_part(a, id, s->wan ? "vpnGateways" : "virtualNetworkGateways");
	return import_refuse(a->p,
		"%s: '%s' has the NAT rule '%s', and no file says what it does. Give the file that this writes, too: az network %s nat-rule list -g %s "
		"--gateway-name %s -o json > nat.json",
		s->file, s->name, strrchr(id, '/') != NULL ? strrchr(id, '/') + 1 : id, s->wan ? "vpn-gateway" : "vnet-gateway",
		group != NULL ? group : "GROUP", gateway != NULL ? gateway : "GATEWAY");
}

static bool take_rules(struct azure *a, const struct azure_object *c, const struct azure_object *gateway, const char *key,
	const struct azure_site *s, struct nat *nat)
{
	const json_t *list = azure_member(c, key), *ref;
	size_t i;
	json_array_foreach (list, i, ref) {
		const char *id = doc_words(a->p, ref, "id");
		const json_t *rule = id != NULL ? rule_of(a, gateway, id) : NULL;
		if (id == NULL)
			return import_refuse(a->p, "%s: a member of %s has no id", s->file, key);
		if (rule == NULL)
			return missing(a, s, id);
		if (!take_mappings(a, s, rule, "internalMappings", nat->inside, &nat->n_inside, &nat->ports) ||
			!take_mappings(a, s, rule, "externalMappings", nat->outside, &nat->n_outside, &nat->ports))
			return false;
		nat->dynamic |= is_dynamic(a, rule);
		const char *name = doc_words(a->p, rule, "name");
		nat->names = import_text(a->p, "%s%s'%s'", nat->names != NULL ? nat->names : "", nat->names != NULL ? ", " : "",
			name != NULL ? name : id);
	}
	return true;
}

static const char *list_text(struct azure *a, const struct prefix *v, unsigned n)
{
	char text[ADDR_TEXT];
	const char *list = "";
	for (unsigned i = 0; i < n; i++)
		list = import_text(a->p, "%s%s%s", list, i > 0 ? ", " : "", prefix_format(&v[i], text));
	return list;
}

static bool touches(const struct prefix *p, const struct prefix *v, unsigned n)
{
	for (unsigned i = 0; i < n; i++)
		if (prefix_overlaps(&v[i], p))
			return true;
	return false;
}

/* What is translated goes, what it becomes comes. A network of which a part is translated goes as a whole, and that is told. */
static bool translate(struct azure *a, struct azure_site *s, const struct nat *nat)
{
	struct prefix kept[IMPORT_PREFIXES], parts[IMPORT_PREFIXES];
	unsigned n = 0, n_parts = 0;
	for (unsigned i = 0; i < s->n_routes; i++) {
		bool hit = touches(&s->routes[i], nat->inside, nat->n_inside), whole = false;
		for (unsigned k = 0; k < nat->n_inside && hit; k++)
			whole = whole || (nat->inside[k].len <= s->routes[i].len);
		if (hit && !whole)
			parts[n_parts++] = s->routes[i];
		if (!hit)
			kept[n++] = s->routes[i];
	}
	for (unsigned i = 0; i < nat->n_outside; i++)
		if (!import_prefix_add(kept, &n, IMPORT_PREFIXES, &nat->outside[i]))
			return import_refuse(a->p, "%s: more than %u prefixes", s->file, IMPORT_PREFIXES);
	memcpy(s->routes, kept, n * sizeof *kept);
	s->n_routes = n;
	s->routes_from = import_text(a->p, "%s: externalMappings of the NAT rules %s%s%s", s->file, nat->names,
		s->routes_from != NULL && n > nat->n_outside ? "; " : "",
		s->routes_from != NULL && n > nat->n_outside ? s->routes_from : "");
	if (n_parts > 0)
		import_note(a->p, NOTE_WARNING,
			"'%s': the NAT rules %s translate a part of %s only: the rest is not routed here; if it is used, add it with --route",
			s->name, nat->names, list_text(a, parts, n_parts));
	return true;
}

bool azure_nat(struct azure *a, const struct azure_object *c, const struct azure_object *gateway, struct azure_site *s)
{
	struct nat out = { 0 }, in = { 0 };
	if (!take_rules(a, c, gateway, "egressNatRules", s, &out) || !take_rules(a, c, gateway, "ingressNatRules", s, &in))
		return false;
	if (out.names != NULL)
		import_note(a->p, NOTE_WARNING, "'%s': Azure translates (%s): its %s is %s here%s%s", s->name, out.names,
			list_text(a, out.inside, out.n_inside), list_text(a, out.outside, out.n_outside),
			out.dynamic ? "; dynamically, so connections begin at Azure only" : "",
			out.ports ? "; for some ports only" : "");
	if (in.names != NULL)
		import_note(a->p, NOTE_WARNING, "'%s': Azure translates (%s): our %s is %s to its hosts%s%s", s->name, in.names,
			list_text(a, in.inside, in.n_inside), list_text(a, in.outside, in.n_outside),
			in.dynamic ? "; dynamically, so connections begin here only" : "",
			in.ports ? "; for some ports only" : "");
	if (s->bgp && (in.names != NULL || out.names != NULL) &&
		(gateway == NULL || !doc_yes(gateway->properties, "enableBgpRouteTranslationForNat")))
		import_note(a->p, NOTE_WARNING,
			"'%s': BGP tells the addresses before the translation unless enableBgpRouteTranslationForNat is on at the gateway",
			s->name);
	return out.names == NULL || s->bgp || translate(a, s, &out);
}
