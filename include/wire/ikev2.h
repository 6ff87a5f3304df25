/*
 * ikev2.h - every number of the IKEv2 protocol once, with its name (IANA "IKEv2 Parameters"; RFC 7296 section 3).
 */
#ifndef WIRE_IKEV2_H
#define WIRE_IKEV2_H

#include <stdint.h>

#define IKE_PORT 500
#define IKE_NATT_PORT 4500
#define IKE_HEADER_LEN 28
#define IKE_PAYLOAD_HEADER_LEN 4
#define IKE_SPI_LEN 8
#define ESP_SPI_LEN 4
#define IKE_NONCE_MIN 16 /* RFC 7296 3.9 */
#define IKE_NONCE_MAX 256
#define IKE_COOKIE_MAX 64 /* RFC 7296 2.6 */
#define IKE_MESSAGE_MAX 65535
#define IKE_UNPROVEN_MAX 16384 /* ... of a peer that has not proven who it is: its chain of certificates and all */

#define IKE_FLAG_INITIATOR 0x08
#define IKE_FLAG_VERSION 0x10
#define IKE_FLAG_RESPONSE 0x20

/* clang-format off */
/* RFC 7296 3.1 */
#define IKE_EXCHANGE_LIST(X) X(IKE_SA_INIT, 34) X(IKE_AUTH, 35) X(CREATE_CHILD_SA, 36) X(INFORMATIONAL, 37) X(IKE_INTERMEDIATE, 43)

/* RFC 7296 3.2; SKF: RFC 7383 2.5 */
#define IKE_PAYLOAD_LIST(X) \
	X(NONE, 0) X(SA, 33) X(KE, 34) X(IDi, 35) X(IDr, 36) X(CERT, 37) X(CERTREQ, 38) X(AUTH, 39) X(NONCE, 40) X(NOTIFY, 41) \
	X(DELETE, 42) X(VENDOR, 43) X(TSi, 44) X(TSr, 45) X(SK, 46) X(CP, 47) X(EAP, 48) X(SKF, 53)

#define IKE_PROTOCOL_LIST(X) X(NONE, 0) X(IKE, 1) X(AH, 2) X(ESP, 3)

#define IKE_TRANSFORM_TYPE_LIST(X) X(ENCR, 1) X(PRF, 2) X(INTEG, 3) X(KE, 4) X(ESN, 5)

#define IKE_ENCR_LIST(X) \
	X(3DES, 3) X(NULL, 11) X(AES_CBC, 12) X(AES_CTR, 13) X(AES_GCM_8, 18) X(AES_GCM_12, 19) X(AES_GCM_16, 20) X(CHACHA20_POLY1305, 28)
#define IKE_PRF_LIST(X) X(HMAC_MD5, 1) X(HMAC_SHA1, 2) X(HMAC_SHA2_256, 5) X(HMAC_SHA2_384, 6) X(HMAC_SHA2_512, 7)
#define IKE_INTEG_LIST(X) \
	X(NONE, 0) X(HMAC_MD5_96, 1) X(HMAC_SHA1_96, 2) X(HMAC_SHA2_256_128, 12) X(HMAC_SHA2_384_192, 13) X(HMAC_SHA2_512_256, 14)
#define IKE_GROUP_LIST(X) \
	X(NONE, 0) X(MODP_768, 1) X(MODP_1024, 2) X(MODP_1536, 5) X(MODP_2048, 14) X(MODP_3072, 15) X(MODP_4096, 16) X(MODP_6144, 17) \
	X(MODP_8192, 18) X(ECP_256, 19) X(ECP_384, 20) X(ECP_521, 21) X(MODP_1024_160, 22) X(MODP_2048_224, 23) X(MODP_2048_256, 24) \
	X(CURVE25519, 31) X(CURVE448, 32)
#define IKE_ESN_LIST(X) X(NO, 0) X(YES, 1)

/* RFC 7296 3.5 */
#define IKE_ID_LIST(X) \
	X(IPV4_ADDR, 1) X(FQDN, 2) X(RFC822_ADDR, 3) X(IPV6_ADDR, 5) X(DER_ASN1_DN, 9) X(DER_ASN1_GN, 10) X(KEY_ID, 11) X(NULL, 13)

/* RFC 7296 3.8; RFC 7427 */
#define IKE_AUTH_METHOD_LIST(X) \
	X(RSA_SIGNATURE, 1) X(SHARED_KEY_MIC, 2) X(DSS_SIGNATURE, 3) X(ECDSA_256, 9) X(ECDSA_384, 10) X(ECDSA_521, 11) X(NULL, 13) \
	X(DIGITAL_SIGNATURE, 14)

/* RFC 7296 3.10.1 and the RFCs that add to it; below 16384 are errors */
#define IKE_NOTIFY_LIST(X) \
	X(UNSUPPORTED_CRITICAL_PAYLOAD, 1) X(INVALID_IKE_SPI, 4) X(INVALID_MAJOR_VERSION, 5) X(INVALID_SYNTAX, 7) X(INVALID_MESSAGE_ID, 9) \
	X(INVALID_SPI, 11) X(NO_PROPOSAL_CHOSEN, 14) X(INVALID_KE_PAYLOAD, 17) X(AUTHENTICATION_FAILED, 24) X(SINGLE_PAIR_REQUIRED, 34) \
	X(NO_ADDITIONAL_SAS, 35) X(INTERNAL_ADDRESS_FAILURE, 36) X(FAILED_CP_REQUIRED, 37) X(TS_UNACCEPTABLE, 38) X(INVALID_SELECTORS, 39) \
	X(TEMPORARY_FAILURE, 43) X(CHILD_SA_NOT_FOUND, 44) \
	X(INITIAL_CONTACT, 16384) X(SET_WINDOW_SIZE, 16385) X(ADDITIONAL_TS_POSSIBLE, 16386) X(IPCOMP_SUPPORTED, 16387) \
	X(NAT_DETECTION_SOURCE_IP, 16388) X(NAT_DETECTION_DESTINATION_IP, 16389) X(COOKIE, 16390) X(USE_TRANSPORT_MODE, 16391) \
	X(HTTP_CERT_LOOKUP_SUPPORTED, 16392) X(REKEY_SA, 16393) X(ESP_TFC_PADDING_NOT_SUPPORTED, 16394) X(NON_FIRST_FRAGMENTS_ALSO, 16395) \
	X(MOBIKE_SUPPORTED, 16396) X(ADDITIONAL_IP4_ADDRESS, 16397) X(ADDITIONAL_IP6_ADDRESS, 16398) X(NO_ADDITIONAL_ADDRESSES, 16399) \
	X(UPDATE_SA_ADDRESSES, 16400) X(COOKIE2, 16401) X(NO_NATS_ALLOWED, 16402) X(AUTH_LIFETIME, 16403) X(MULTIPLE_AUTH_SUPPORTED, 16404) \
	X(REDIRECT_SUPPORTED, 16406) X(REDIRECT, 16407) X(REDIRECTED_FROM, 16408) X(TICKET_OPAQUE, 16410) X(CHILDLESS_IKEV2_SUPPORTED, 16418) \
	X(QUICK_CRASH_DETECTION, 16419) X(IKEV2_MESSAGE_ID_SYNC_SUPPORTED, 16420) X(IKEV2_MESSAGE_ID_SYNC, 16422) X(IKEV2_FRAGMENTATION_SUPPORTED, 16430) \
	X(SIGNATURE_HASH_ALGORITHMS, 16431) X(USE_PPK, 16435) X(INTERMEDIATE_EXCHANGE_SUPPORTED, 16438)
/* clang-format on */
#define IKE_NOTIFY_ERROR_MAX 16383

enum ike_exchange {
#define X(n, v) EXCHANGE_##n = v,
	IKE_EXCHANGE_LIST(X)
#undef X
};
enum ike_payload {
#define X(n, v) PAYLOAD_##n = v,
	IKE_PAYLOAD_LIST(X)
#undef X
};
enum ike_protocol {
#define X(n, v) PROTOCOL_##n = v,
	IKE_PROTOCOL_LIST(X)
#undef X
};
enum ike_transform_type {
#define X(n, v) TRANSFORM_##n = v,
	IKE_TRANSFORM_TYPE_LIST(X)
#undef X
};
enum ike_encr {
#define X(n, v) ENCR_##n = v,
	IKE_ENCR_LIST(X)
#undef X
};
enum ike_prf {
#define X(n, v) PRF_##n = v,
	IKE_PRF_LIST(X)
#undef X
};
enum ike_integ {
#define X(n, v) INTEG_##n = v,
	IKE_INTEG_LIST(X)
#undef X
};
enum ike_group {
#define X(n, v) GROUP_##n = v,
	IKE_GROUP_LIST(X)
#undef X
};
enum ike_esn {
#define X(n, v) ESN_##n = v,
	IKE_ESN_LIST(X)
#undef X
};
enum ike_id_type {
#define X(n, v) ID_##n = v,
	IKE_ID_LIST(X)
#undef X
};
enum ike_auth_method {
#define X(n, v) AUTH_##n = v,
	IKE_AUTH_METHOD_LIST(X)
#undef X
};
enum ike_notify {
#define X(n, v) NOTIFY_##n = v,
	IKE_NOTIFY_LIST(X)
#undef X
};

/* Names for people. Unknown numbers give "?" plus nothing: print the number beside it. */
const char *ike_exchange_name(unsigned v);
const char *ike_payload_name(unsigned v);
const char *ike_protocol_name(unsigned v);
const char *ike_transform_type_name(unsigned v);
const char *ike_id_name(unsigned v);
const char *ike_auth_method_name(unsigned v);
const char *ike_notify_name(unsigned v);
const char *ike_transform_name(unsigned type, unsigned id); /* "AES_CBC", "MODP_2048" */

#endif
