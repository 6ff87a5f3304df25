/*
 * fuzz_message.c - a datagram as it comes from the network: decoded, judged, shown; what was understood is written and read again.
 */
#include <stdlib.h>

#include "wire/message.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static struct message m, again;

/* Selectors of unknown types only leave nothing that could be written. */
static bool has_empty_selectors(void)
{
	for (uint16_t i = 0; i < m.n; i++)
		if ((m.p[i].type == PAYLOAD_TSi || m.p[i].type == PAYLOAD_TSr) && !m.p[i].ts.n)
			return true;
	return false;
}

/* All but the sealed payload, which only a seal can write. */
static void write_and_read(struct arena *a)
{
	static uint8_t mem[IKE_MESSAGE_MAX];
	struct writer w;
	message_begin(&w, mem, sizeof(mem), &m.h);
	for (uint16_t i = 0; i < m.n && i != m.sealed_at; i++)
		message_add(&w, &m.p[i]);
	if (message_decode(&again, message_end(&w), a) || again.n != (m.sealed_at < m.n ? m.n - 1 : m.n))
		abort();
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	static char text[8192];
	struct arena a;
	arena_init(&a, 4 << 20);
	int rc = size <= IKE_MESSAGE_MAX ? message_decode(&m, bytes_of(data, size), &a) : ERR_TOO_MUCH;
	if (rc == ERR_OK) {
		message_judge(&m, false);
		message_judge(&m, true);
		if (!has_empty_selectors())
			write_and_read(&a);
	}
	if (size <= IKE_MESSAGE_MAX)
		message_format(&m, text, sizeof(text));
	arena_release(&a);
	return 0;
}
