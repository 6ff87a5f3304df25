/* schema_help.h - judges JSON by a file of contrib/schema. As much of JSON Schema as those files use; any other keyword is a failure, not a pass. */
#ifndef SCHEMA_HELP_H
#define SCHEMA_HELP_H

#include <jansson.h>
#include <stdbool.h>
#include <stddef.h>

/* A member that the schema does not describe is a fault too: then the schema is out of date. why: where and what. */
bool schema_fits(const json_t *schema, const json_t *value, char *why, size_t size);
/* contrib/schema/NAME.json; the test fails when it is not there. */
json_t *schema_load(const char *name);
/* The test fails, with the reason and the value, when it does not fit. */
void schema_check(const char *name, const json_t *value);
void schema_check_text(const char *name, const char *text); /* each line is one value */

#endif
