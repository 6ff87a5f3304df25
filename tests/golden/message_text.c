/*
 * message_text.c - one message from hex to text, with the verdict of the decoder and of the shape tables.
 *
 *	message_text FILE	# starts a comment; a line "open" separates the datagram from the opened plaintext of its SK payload
 */
#include <ctype.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "wire/message.h"

static struct message m;

static void die(const char *file, const char *why)
{
	fprintf(stderr, "%s: %s\n", file, why);
	exit(2);
}

/* Digits of one line, appended to b. */
static void take_line(struct buf *b, const char *line, const char *file)
{
	int high = -1;
	for (; *line && *line != '#'; line++) {
		if (isspace((unsigned char)*line))
			continue;
		if (!isxdigit((unsigned char)*line))
			die(file, "not a hex digit");
		int digit = isdigit((unsigned char)*line) ? *line - '0' : tolower((unsigned char)*line) - 'a' + 10;
		if (high < 0) {
			high = digit;
			continue;
		}
		put_u8(b, (uint8_t)(high << 4 | digit));
		high = -1;
	}
	if (high >= 0 || b->bad)
		die(file, high >= 0 ? "half a byte" : "too long");
}

static bool read_hex(const char *file, struct buf *datagram, struct buf *plain)
{
	char line[4096];
	bool open = false;
	FILE *f = fopen(file, "r");
	if (!f)
		die(file, "cannot be read");
	while (fgets(line, sizeof(line), f)) {
		if (strcmp(line, "open\n") == 0)
			open = true;
		else
			take_line(open ? plain : datagram, line, file);
	}
	fclose(f);
	return open;
}

static int open_seal(struct bytes plain, struct arena *a)
{
	if (m.sealed_at >= m.n)
		return message_decode_inner(&m, PAYLOAD_NONE, plain, a);
	const struct payload *p = &m.p[m.sealed_at];
	return message_decode_inner(&m, p->type == PAYLOAD_SK ? p->sk.first : p->skf.first, plain, a);
}

static void verdict(const char *what, int rc)
{
	printf("%s: %s", what, rc ? err_text(rc) : "ok");
	if (rc)
		printf(" (payload %u)", m.critical_type);
	printf("\n");
}

int main(int argc, char **argv)
{
	static uint8_t raw[65536], opened[65536];
	static char text[65536];
	struct buf datagram = buf_of(raw, sizeof(raw)), plain = buf_of(opened, sizeof(opened));
	struct arena a;
	if (argc != 2)
		die(argv[0], "which file?");
	arena_init(&a, 1 << 20);
	bool open = read_hex(argv[1], &datagram, &plain);
	int rc = message_decode(&m, buf_view(&datagram), &a);
	if (!rc && open)
		rc = open_seal(buf_view(&plain), &a);
	message_format(&m, text, sizeof(text));
	printf("%s", text);
	verdict("decode", rc);
	if (!rc)
		verdict("judge", message_judge(&m, open));
	arena_release(&a);
	return 0;
}
