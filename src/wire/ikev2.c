/* ikev2.c - numbers to names, from the same lists that made the numbers. */
#include "base/util.h"
#include "wire/ikev2.h"

#include <stddef.h>

struct name {
	uint16_t value;
	const char *text;
};

static const char *find_name(const struct name *rows, size_t n, unsigned value)
{
	for (size_t i = 0; i < n; i++)
		if (rows[i].value == value)
			return rows[i].text;
	return "?";
}

#define ROW(n, v) { v, #n },
#define NAMES(function, list) \
	const char *function(unsigned v) \
	{ \
		static const struct name rows[] = { list(ROW) }; \
		return find_name(rows, ARRAY_SIZE(rows), v); \
	}

NAMES(ike_exchange_name, IKE_EXCHANGE_LIST)
NAMES(ike_payload_name, IKE_PAYLOAD_LIST)
NAMES(ike_protocol_name, IKE_PROTOCOL_LIST)
NAMES(ike_transform_type_name, IKE_TRANSFORM_TYPE_LIST)
NAMES(ike_id_name, IKE_ID_LIST)
NAMES(ike_auth_method_name, IKE_AUTH_METHOD_LIST)
NAMES(ike_notify_name, IKE_NOTIFY_LIST)

static NAMES(encr_name, IKE_ENCR_LIST) static NAMES(prf_name, IKE_PRF_LIST) static NAMES(integ_name, IKE_INTEG_LIST) static NAMES(
	group_name, IKE_GROUP_LIST) static NAMES(esn_name, IKE_ESN_LIST)

	const char *ike_transform_name(unsigned type, unsigned id)
{
	switch (type) {
	case TRANSFORM_ENCR: return encr_name(id);
	case TRANSFORM_PRF: return prf_name(id);
	case TRANSFORM_INTEG: return integ_name(id);
	case TRANSFORM_KE: return group_name(id);
	case TRANSFORM_ESN: return esn_name(id);
	}
	return "?";
}
