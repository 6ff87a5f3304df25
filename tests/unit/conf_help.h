/* conf_help.h - short ways to a configuration, for the tests of conf/. */
#ifndef CONF_HELP_H
#define CONF_HELP_H

#include "check/check.h"

/* One file. Key file "NAME" holds "key-made-up-for-tests-NAME" plus what conf_help_key_suffix says; a name that begins with "no" is not
 * there, "weak" holds a weak one. */
extern const char *conf_help_key_suffix;
struct conf *conf_of(const char *yaml, struct findings *faults);
struct conf *conf_of_private(const char *yaml, struct findings *faults);
struct conf *conf_good(const char *yaml); /* the test fails, with the faults, when there is any */
/* "a: {MINIMUM, more}" as one tunnel named a */
struct conf *conf_tunnel(const char *more);
const char *value_of(const struct tunnel_conf *t, const char *key); /* in a static buffer */

#endif
