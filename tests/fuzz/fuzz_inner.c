/*
 * fuzz_inner.c - the plaintext of an SK payload from an authenticated but hostile peer. Input: exchange, flags, first type, chain.
 * What the shape tables let through must be there when a handler asks for it.
 */
#include <stdlib.h>

#include "wire/message.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static struct message m;

static void must_have(uint8_t type)
{
	if (!message_find(&m, type, true))
		abort();
}

static void ask_like_a_handler(void)
{
	bool refused = m.h.flags & IKE_FLAG_RESPONSE && message_error_notify(&m, true);
	if (refused || m.h.exchange == EXCHANGE_INFORMATIONAL || m.h.exchange == EXCHANGE_IKE_INTERMEDIATE)
		return;
	must_have(PAYLOAD_SA);
	bool ike = message_find(&m, PAYLOAD_SA, true)->sa.v[0].protocol == PROTOCOL_IKE;
	must_have(m.h.exchange == EXCHANGE_IKE_AUTH ? PAYLOAD_AUTH : PAYLOAD_NONCE);
	must_have(ike && m.h.exchange == EXCHANGE_CREATE_CHILD_SA ? PAYLOAD_KE : PAYLOAD_TSr);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	uint8_t frame[33] = { [16] = PAYLOAD_SK, [17] = 0x20, [27] = 33, [28] = 0, [31] = 5 };
	static char text[8192];
	struct cursor c = cursor_of(data, size);
	struct arena a;
	arena_init(&a, 4 << 20);
	frame[18] = get_u8(&c);
	frame[19] = get_u8(&c);
	uint8_t first = get_u8(&c);
	if (message_decode(&m, bytes_of(frame, sizeof(frame)), &a))
		abort();
	if (!message_decode_inner(&m, first, get_rest(&c), &a) && frame[18] != EXCHANGE_IKE_SA_INIT && !message_judge(&m, true))
		ask_like_a_handler();
	message_format(&m, text, sizeof(text));
	arena_release(&a);
	return 0;
}
