/*
 * cloud_algs.h - what the clouds call the algorithms, which they take, and what they take when nobody told them otherwise. Names, checks,
 * explanations, probes and imports all read one table.
 */
#ifndef CTL_CLOUD_ALGS_H
#define CTL_CLOUD_ALGS_H

#include <stdbool.h>
#include <stddef.h>

#include "cloud/cloud.h"

/* "modp2048" -> "DHGroup14" (Azure IKE), "PFS2048" (Azure ESP), "14" (AWS); NULL when the cloud has no word for it. */
const char *cloud_name(enum cloud cloud, bool esp, const char *word, size_t len);
/* The other way round, whatever the case: "PFS2048" -> "modp2048". type: enum ike_transform_type. NULL when it is none of the cloud's. */
const char *cloud_word_of(enum cloud cloud, bool esp, unsigned type, const char *name);
/* Whether it can be chosen there at all. */
bool cloud_takes_word(enum cloud cloud, bool esp, const char *word);

/* What the cloud takes unless told otherwise, as proposals; false when it publishes nothing. */
#define CLOUD_DEFAULTS 512
bool cloud_defaults(enum cloud cloud, bool esp, char text[CLOUD_DEFAULTS], const char **name);

/* The same for IKE, word by word with a blank between: pairs such as "aes256-sha256" or "aes256gcm16-prfsha256", groups. rare: pairs that
 * newer gateways, or libraries of those who ask, leave out. */
struct cloud_pairs {
	char pairs[CLOUD_DEFAULTS], rare[CLOUD_DEFAULTS], groups[CLOUD_DEFAULTS];
};
void cloud_default_pairs(enum cloud cloud, struct cloud_pairs *out);

#endif
