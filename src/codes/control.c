/* control.c - the words of the control socket. */
#include "codes/control.h"

#include <string.h>

#define X(code, word) word,
static const char *const commands[CONTROL_COMMAND_COUNT] = { CONTROL_COMMAND_LIST(X) };
static const char *const errors[CONTROL_ERROR_COUNT] = { CONTROL_ERROR_LIST(X) };
#undef X

const char *control_command_word(enum control_command c) { return commands[c]; }

enum control_command control_command_parse(const char *word)
{
	unsigned i = 0;
	while (i < CONTROL_COMMAND_COUNT && strcmp(word, commands[i]) != 0)
		i++;
	return (enum control_command)i;
}

const char *control_error_word(enum control_error e) { return errors[e]; }
