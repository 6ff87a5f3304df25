/*
 * err.h - error codes of the lower floors, with names. 0 is success, every error is negative. One table names them.
 * Nobody below the place that decides logs; codes go up.
 */
#ifndef BASE_ERR_H
#define BASE_ERR_H

#define ERR_LIST(X) \
	X(ERR_SHORT, -1, "message shorter than it claims") \
	X(ERR_LENGTH, -2, "length field is wrong") \
	X(ERR_VERSION, -3, "IKE major version is not 2") \
	X(ERR_SYNTAX, -4, "malformed payload") \
	X(ERR_CRITICAL, -5, "unknown payload marked critical") \
	X(ERR_MISSING, -6, "mandatory payload is missing") \
	X(ERR_REPEATED, -7, "payload occurs too often") \
	X(ERR_MISPLACED, -8, "payload is not allowed in this message") \
	X(ERR_INTEGRITY, -9, "integrity check failed") \
	X(ERR_PADDING, -10, "padding is longer than the message") \
	X(ERR_TOO_MUCH, -11, "more items than the limit allows") \
	X(ERR_NO_ROOM, -12, "does not fit") \
	X(ERR_UNSUPPORTED, -13, "not supported") \
	X(ERR_BAD_KE, -14, "invalid public key exchange value") \
	X(ERR_CRYPTO, -15, "cryptographic library refused") \
	X(ERR_NO_MATCH, -16, "nothing acceptable was offered") \
	X(ERR_STALE, -17, "old or repeated message") \
	X(ERR_FRAGMENT, -18, "fragments contradict each other") \
	X(ERR_UNKNOWN_SA, -19, "no such security association")

enum err {
	ERR_OK = 0,
#define X(name, value, text) name = value,
	ERR_LIST(X)
#undef X
};

const char *err_text(int err); /* "?" for unknown codes */

#endif
