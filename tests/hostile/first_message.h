/* first_message.h - the smallest IKE_SA_INIT of each side that the keeper makes AUTH for: what a captured engine asks with, and test_request. */
#ifndef HOSTILE_FIRST_MESSAGE_H
#define HOSTILE_FIRST_MESSAGE_H

#include "base/buf.h"
#include "wire/ikev2.h"

static inline struct bytes first_message(bool by_initiator)
{
	static uint8_t message[64];
	struct buf b = buf_of(message, sizeof message);
	put_u64(&b, 0x1122334455667788);
	put_u64(&b, by_initiator ? 0 : 0x99);
	put_u32(&b, 0x21202200u | (by_initiator ? IKE_FLAG_INITIATOR : IKE_FLAG_RESPONSE));
	put_u32(&b, 0);
	put_u32(&b, sizeof message);
	put_space(&b, sizeof message - b.len);
	return buf_view(&b);
}

#endif
