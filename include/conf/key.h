/*
 * key.h - the keys of a tunnel by number, for the parser (conf/) and the judge (check/). Their rows: src/conf/keys.c.
 */
#ifndef CONF_KEY_H
#define CONF_KEY_H

#include <stdint.h>

/* clang-format off */
#define KEY_LIST(X) \
	X(CLOUD) X(REMOTE) X(LOCAL) X(LOCAL_ID) X(REMOTE_ID) X(PSK_FILE) X(PSK) X(CERTIFICATE) X(PRIVATE_KEY) X(CA) \
	X(CRL) X(CERT_PIN) X(SEND_CERTIFICATE) \
	X(INSIDE) X(INTERFACE) X(INTERFACE_TYPE) X(ROUTES) X(ROUTE_METRIC) X(ROUTE_TABLE) X(ROUTE_SOURCE) \
	X(CHILDREN) X(LOCAL_TS) X(REMOTE_TS) X(IKE_PROPOSALS) X(ESP_PROPOSALS) X(ALLOW_WEAK) X(IKE_LIFETIME) X(ESP_LIFETIME) \
	X(ESP_LIFETIME_BYTES) X(DPD_INTERVAL) X(DPD_TIMEOUT) X(FAILOVER_AFTER) X(START) X(ENCAPSULATION) X(MTU) \
	X(MSS) X(FRAGMENT_SIZE) X(DF) X(DSCP) X(OFFLOAD) X(REPLAY_WINDOW) X(ESN) X(PIN_ROUTE) X(REKEY_CHECK) X(BGP_LOCAL_AS) X(BGP_PEER_AS) X(BGP_PEER) \
	X(BGP_LOCAL) X(BGP_HOLD_TIME) X(BGP_MULTIHOP)
/* clang-format on */
enum key_id {
#define X(name) KEY_##name,
	KEY_LIST(X)
#undef X
		KEY_COUNT
};
#define KEY_BIT(id) ((uint64_t)1 << (id))
#define BGP_PREFIX "bgp."
#define CHILDREN_PREFIX "children."

#endif
