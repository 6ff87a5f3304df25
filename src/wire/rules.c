/*
 * rules.c - the shapes of messages as a table: what must stand where and how often (RFC 7296 1.2 - 1.5, appendix C).
 *
 * A payload we know that has no row in the shape is not expected there; RFC 7296 2.5 lets us ignore it, and the handlers, which ask
 * for payloads by type, never see it.
 */
#include <string.h>

#include "base/util.h"
#include "wire/message.h"

enum shape {
	SHAPE_NONE,
	SHAPE_INIT_REQUEST,
	SHAPE_INIT_RESPONSE,
	SHAPE_AUTH_REQUEST,
	SHAPE_AUTH_RESPONSE,
	SHAPE_CHILD, /* CREATE_CHILD_SA that makes or rekeys a child; request and response are alike */
	SHAPE_REKEY_IKE,
	SHAPE_INFO,
	SHAPE_INTERMEDIATE,
};

#define MANY UINT8_MAX

static const struct rule {
	uint8_t shape; /* enum shape */
	uint8_t payload;
	uint8_t min, max;
	bool child; /* in a response not needed beside an error notify: the child failed, the IKE SA stands (RFC 7296 2.21.2) */
} rules[] = {
	{ SHAPE_INIT_REQUEST, PAYLOAD_SA, 1, 1, false },
	{ SHAPE_INIT_REQUEST, PAYLOAD_KE, 1, 1, false },
	{ SHAPE_INIT_REQUEST, PAYLOAD_NONCE, 1, 1, false },

	{ SHAPE_INIT_RESPONSE, PAYLOAD_SA, 1, 1, false },
	{ SHAPE_INIT_RESPONSE, PAYLOAD_KE, 1, 1, false },
	{ SHAPE_INIT_RESPONSE, PAYLOAD_NONCE, 1, 1, false },

	{ SHAPE_AUTH_REQUEST, PAYLOAD_IDi, 1, 1, false },
	{ SHAPE_AUTH_REQUEST, PAYLOAD_IDr, 0, 1, false },
	{ SHAPE_AUTH_REQUEST, PAYLOAD_AUTH, 1, 1, false },
	{ SHAPE_AUTH_REQUEST, PAYLOAD_CP, 0, 1, false },
	{ SHAPE_AUTH_REQUEST, PAYLOAD_SA, 1, 1, false },
	{ SHAPE_AUTH_REQUEST, PAYLOAD_TSi, 1, 1, false },
	{ SHAPE_AUTH_REQUEST, PAYLOAD_TSr, 1, 1, false },

	{ SHAPE_AUTH_RESPONSE, PAYLOAD_IDr, 1, 1, false },
	{ SHAPE_AUTH_RESPONSE, PAYLOAD_AUTH, 1, 1, false },
	{ SHAPE_AUTH_RESPONSE, PAYLOAD_CP, 0, 1, false },
	{ SHAPE_AUTH_RESPONSE, PAYLOAD_SA, 1, 1, true },
	{ SHAPE_AUTH_RESPONSE, PAYLOAD_TSi, 1, 1, true },
	{ SHAPE_AUTH_RESPONSE, PAYLOAD_TSr, 1, 1, true },

	{ SHAPE_CHILD, PAYLOAD_SA, 1, 1, false },
	{ SHAPE_CHILD, PAYLOAD_NONCE, 1, 1, false },
	{ SHAPE_CHILD, PAYLOAD_KE, 0, 1, false },
	{ SHAPE_CHILD, PAYLOAD_CP, 0, 1, false },
	{ SHAPE_CHILD, PAYLOAD_TSi, 1, 1, false },
	{ SHAPE_CHILD, PAYLOAD_TSr, 1, 1, false },

	{ SHAPE_REKEY_IKE, PAYLOAD_SA, 1, 1, false },
	{ SHAPE_REKEY_IKE, PAYLOAD_NONCE, 1, 1, false },
	{ SHAPE_REKEY_IKE, PAYLOAD_KE, 1, 1, false },

	{ SHAPE_INFO, PAYLOAD_DELETE, 0, MANY, false },
	{ SHAPE_INFO, PAYLOAD_NOTIFY, 0, MANY, false },
	{ SHAPE_INFO, PAYLOAD_CP, 0, 1, false },

	{ SHAPE_INTERMEDIATE, PAYLOAD_KE, 0, 1, false },
};

/* CREATE_CHILD_SA is two exchanges under one number: the proposal tells which (RFC 7296 1.3.1, 1.3.2). */
static enum shape child_shape(const struct message *m)
{
	const struct payload *sa = message_find(m, PAYLOAD_SA, true);
	return sa && sa->sa.v[0].protocol == PROTOCOL_IKE ? SHAPE_REKEY_IKE : SHAPE_CHILD;
}

static enum shape find_shape(const struct message *m, bool response)
{
	switch (m->h.exchange) {
	case EXCHANGE_IKE_SA_INIT: return response ? SHAPE_INIT_RESPONSE : SHAPE_INIT_REQUEST;
	case EXCHANGE_IKE_AUTH: return response ? SHAPE_AUTH_RESPONSE : SHAPE_AUTH_REQUEST;
	case EXCHANGE_CREATE_CHILD_SA: return child_shape(m);
	case EXCHANGE_INFORMATIONAL: return SHAPE_INFO;
	case EXCHANGE_IKE_INTERMEDIATE: return SHAPE_INTERMEDIATE;
	}
	return SHAPE_NONE;
}

/* Only an IKE_SA_INIT is sent in the open; everything else must come sealed, error answers included. */
static int judge_sealed(struct message *m)
{
	if (m->sealed_at < m->n)
		return ERR_OK;
	m->critical_type = PAYLOAD_SK;
	return ERR_MISSING;
}

static void count_payloads(const struct message *m, bool inner, uint8_t count[256])
{
	memset(count, 0, 256);
	for (uint16_t i = 0; i < m->n; i++)
		if (m->p[i].known && inner == (i > m->sealed_at))
			count[m->p[i].type]++;
}

static bool refuses(const struct message *m, bool inner)
{
	if (message_error_notify(m, inner))
		return true;
	if (m->h.exchange != EXCHANGE_IKE_SA_INIT)
		return false;
	return message_find_notify(m, NOTIFY_COOKIE, inner) || message_find_notify(m, NOTIFY_REDIRECT, inner);
}

/* No mandatory payload of the shape is there. */
static bool is_bare(enum shape shape, const uint8_t count[256])
{
	for (size_t i = 0; i < ARRAY_SIZE(rules); i++)
		if (rules[i].shape == shape && rules[i].min && count[rules[i].payload])
			return false;
	return true;
}

int message_judge(struct message *m, bool inner)
{
	bool response = m->h.flags & IKE_FLAG_RESPONSE;
	enum shape shape = find_shape(m, response);
	uint8_t count[256];
	if (shape == SHAPE_NONE)
		return ERR_UNSUPPORTED;
	if (m->h.exchange != EXCHANGE_IKE_SA_INIT && !inner)
		return judge_sealed(m);
	count_payloads(m, inner, count);
	bool refused = response && refuses(m, inner);
	bool bare = refused && is_bare(shape, count);
	for (size_t i = 0; i < ARRAY_SIZE(rules); i++) {
		const struct rule *r = &rules[i];
		if (r->shape != shape)
			continue;
		m->critical_type = r->payload;
		if (count[r->payload] > r->max)
			return ERR_REPEATED;
		if (count[r->payload] < r->min && !bare && !(r->child && refused))
			return ERR_MISSING;
	}
	m->critical_type = PAYLOAD_NONE;
	return ERR_OK;
}
