/* cloud.c - the table of providers, see cloud.h. */
#include "cloud/cloud.h"

#define X(code, word) extern const struct provider provider_##word;
CLOUD_LIST(X)
#undef X

const struct provider *provider_of(enum cloud cloud)
{
	static const struct provider *const providers[CLOUD_COUNT] = {
#define X(code, word) [CLOUD_##code] = &provider_##word,
		CLOUD_LIST(X)
#undef X
	};
	return providers[cloud];
}
