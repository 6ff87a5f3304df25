/* control.h - what may be asked on the control socket, and why the daemon refuses, one row each. */
#ifndef CODES_CONTROL_H
#define CODES_CONTROL_H

/* code, word */
/* clang-format off */
#define CONTROL_COMMAND_LIST(X) \
	X(STATUS, "status") \
	X(SHOW, "show") \
	X(TOP, "top") \
	X(METRICS, "metrics") \
	X(UP, "up") \
	X(DOWN, "down") \
	X(REKEY, "rekey") \
	X(RELOAD, "reload") \
	X(EVENTS, "events") \
	X(TRACE, "trace") \
	X(ENCAPSULATE, "encapsulate") \
	X(PING, "ping") \
	X(VERSION, "version")

/* code, word */
#define CONTROL_ERROR_LIST(X) \
	X(BAD_JSON, "bad-json") \
	X(BAD_REQUEST, "bad-request") \
	X(TOO_LONG, "too-long") \
	X(UNKNOWN_COMMAND, "unknown-command") \
	X(UNKNOWN_TUNNEL, "unknown-tunnel") \
	X(BUSY, "busy") \
	X(STARTING, "starting") /* there is no configuration yet */ \
	X(FAILED, "failed") /* an order that could not be carried out */
/* clang-format on */

enum control_command {
#define X(code, word) CONTROL_##code,
	CONTROL_COMMAND_LIST(X)
#undef X
		CONTROL_COMMAND_COUNT
};
enum control_error {
#define X(code, word) CONTROL_ERROR_##code,
	CONTROL_ERROR_LIST(X)
#undef X
		CONTROL_ERROR_COUNT
};

const char *control_command_word(enum control_command c);
enum control_command control_command_parse(const char *word); /* CONTROL_COMMAND_COUNT: no such command */
const char *control_error_word(enum control_error e);

#endif
