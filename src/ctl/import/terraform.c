/*
 * terraform.c - the resources of a Terraform state: terraform.tfstate itself, `terraform show -json`, and the state that a plan began with. What a plan
 * would make is not there yet and has no addresses.
 */
#include <jansson.h>
#include <string.h>

#include "set.h"

struct each {
	struct import_set *p;
	const char *file;
	terraform_take take;
	void *arg;
};

bool doc_is_terraform(const json_t *j)
{
	return json_is_string(json_object_get(j, "terraform_version")) &&
	       (json_object_get(j, "resources") != NULL || json_object_get(j, "values") != NULL ||
		       json_object_get(j, "planned_values") != NULL || json_object_get(j, "modules") != NULL ||
		       json_object_get(j, "format_version") != NULL);
}

static bool take(struct each *e, const json_t *resource, const json_t *attributes)
{
	const char *type = json_string_value(json_object_get(resource, "type")),
		   *mode = json_string_value(json_object_get(resource, "mode"));
	if (type == NULL || !json_is_object(attributes))
		return true;
	return (mode != NULL && strcmp(mode, "managed") != 0 && strcmp(mode, "data") != 0) ||
	       e->take(e->arg, type, attributes, e->file);
}

/* {"resources": [{"type", "values"}], "child_modules": []}: as deep as the JSON, which is bounded */
static bool module(struct each *e, const json_t *m)
{
	const json_t *v;
	size_t i;
	json_array_foreach (json_object_get(m, "resources"), i, v)
		if (!take(e, v, json_object_get(v, "values")))
			return false;
	json_array_foreach (json_object_get(m, "child_modules"), i, v)
		if (!module(e, v))
			return false;
	return true;
}

static bool state(struct each *e, const json_t *j)
{
	const json_t *v, *instance;
	size_t i, k;
	json_array_foreach (json_object_get(j, "resources"), i, v)
		json_array_foreach (json_object_get(v, "instances"), k, instance)
			if (!take(e, v, json_object_get(instance, "attributes")))
				return false;
	return true;
}

bool doc_terraform(struct import_set *p, const json_t *j, const char *file, terraform_take take_one, void *arg)
{
	struct each e = { p, file, take_one, arg };
	const json_t *values = json_object_get(j, "values");
	if (json_object_get(j, "modules") != NULL)
		return import_refuse(p, "%s is a state of an old Terraform: give what `terraform show -json` prints", file);
	if (json_object_get(j, "planned_values") != NULL || json_object_get(j, "resource_changes") != NULL) {
		values = json_object_get(json_object_get(j, "prior_state"), "values");
		if (values == NULL)
			return import_refuse(p,
				"%s is a plan of what is not there yet: apply it, and give what `terraform show -json` prints then",
				file);
		import_note(p, NOTE_WARNING,
			"%s is a plan: taken is what was there before it. After the apply, give what `terraform show -json` prints",
			file);
	}
	return values != NULL ? module(&e, json_object_get(values, "root_module")) : state(&e, j);
}
